//! Spaced reviews: asked for, told of, answered.

use jobs::outbox::{self, Event};
use kernel::{GuildId, Problem, UserId};
use learning::error::ATTEMPT_STATE;
use learning::ids::StepId;
use learning::store::{learner_find, learner_lock};
use serde_json::json;
use sqlx::PgPool;

use crate::error::Error;
use crate::model::{ReviewAnswered, ReviewDue, ReviewSettings};
use crate::rules::fsrs::{self, ReviewRating};
use crate::store::reviews;

/// Learners who are told in one transaction.
const TOLD: i64 = 500;

/// A member asks for reviews of what they passed, so many a day at most. Doing it again changes the number.
pub async fn reviews_put(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    settings: ReviewSettings,
) -> Result<ReviewSettings, Error> {
    if !(1..=100).contains(&settings.per_day) {
        return Err(Error::field("per_day", "must be 1 to 100"));
    }
    let mut tx = db::begin(pool).await?;
    let learner = learner_lock(&mut tx, guild, user).await?;
    reviews::settings_put(&mut tx, guild, learner.id, settings.per_day).await?;
    reviews::cards_put(&mut tx, guild, None, Some(learner.id)).await?;
    tx.commit().await?;
    Ok(settings)
}

/// A member wants no more reviews. What was answered is kept, should they want them again.
pub async fn reviews_delete(pool: &PgPool, guild: GuildId, user: UserId) -> Result<(), Error> {
    let mut conn = db::acquire(pool).await?;
    if let Some(learner) = learner_find(&mut conn, guild, user).await? {
        reviews::settings_delete(&mut conn, guild, learner).await?;
    }
    Ok(())
}

/// What a member has to look at again now, the longest due first, as far as today's number leaves room; nothing unless they asked.
pub async fn reviews_due(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Vec<ReviewDue>, Error> {
    let mut conn = db::acquire(pool).await?;
    let Some(learner) = learner_find(&mut conn, guild, user).await? else { return Ok(Vec::new()) };
    if reviews::per_day(&mut conn, guild, learner).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = reviews::due_list(&mut conn, guild, learner).await?;
    let told = rows.into_iter().map(|row| ReviewDue {
        step_id: row.step_id,
        step: row.step,
        quest_id: row.quest_id,
        quest: row.quest,
        due_at: row.due_at,
        answers: row.answers,
    });
    Ok(told.collect())
}

/// A member says how well they remembered something that was due.
#[kernel::boxed]
pub async fn review_answer(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    step: StepId,
    rating: ReviewRating,
) -> Result<ReviewAnswered, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // Without a lock first: looking for what is not there makes nobody a learner.
        learner_find(&mut tx, guild, user).await?.ok_or(Error::NotFound("review"))?;
        let learner = learner_lock(&mut tx, guild, user).await?;
        let card =
            reviews::card_get(&mut tx, guild, learner.id, step).await?.ok_or(Error::NotFound("review"))?;
        let now = db::now(&mut tx).await?;
        if card.due_at > now {
            let why = format!("This review is not due before {}.", card.due_at.format("%Y-%m-%d %H:%M UTC"));
            return Err(Error::Problem(Problem::new(ATTEMPT_STATE, why)));
        }
        let memory = fsrs::answered(card.memory.as_ref(), rating, now);
        let due_at = fsrs::due(&memory);
        reviews::answer_put(&mut tx, guild, learner.id, step, rating, &memory, due_at).await?;
        tx.commit().await?;
        Ok(ReviewAnswered { due_at, answers: card.answers + 1 })
    })
    .await
}

/// Tells learners that reviews are due: each once a day. Tells how many.
pub async fn reviews_tell(pool: &PgPool) -> Result<usize, Error> {
    let mut conn = db::acquire(pool).await?;
    let guilds = reviews::guilds_reviewing(&mut conn).await?;
    drop(conn);
    let mut all = 0;
    for guild in guilds {
        loop {
            let mut tx = db::begin(pool).await?;
            let told = reviews::told_put(&mut tx, guild, TOLD).await?;
            let events: Vec<Event> = told
                .iter()
                .map(|(user, due)| Event {
                    guild_id: guild,
                    event_type: "insight.reviews_due",
                    subject: "insight/reviews".to_owned(),
                    correlation_id: None,
                    user_id: Some(*user),
                    payload: json!({ "user_id": user, "due": due }),
                })
                .collect();
            outbox::emit(&mut tx, &events).await?;
            tx.commit().await?;
            if told.is_empty() {
                break;
            }
            all += told.len();
        }
    }
    Ok(all)
}
