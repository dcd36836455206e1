//! What learners think of a quest.

use kernel::{FieldError, GuildId, UserId};
use learning::ids::QuestId;
use learning::store::learner_find;
use sqlx::PgPool;

use crate::error::Error;
use crate::model::Opinion;
use crate::store::{figures, ratings};

fn checked(opinion: &Opinion) -> Result<Opinion, Error> {
    let mut wrong = Vec::new();
    let mut say = |field: &str, message: &str| {
        wrong.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    for (field, value) in [("difficulty", opinion.difficulty), ("enjoyment", opinion.enjoyment)] {
        if value.is_some_and(|value| !(1..=5).contains(&value)) {
            say(field, "must be 1 to 5");
        }
    }
    let comment = opinion.comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
    if comment.is_some_and(|comment| comment.chars().count() > 5_000) {
        say("comment", "must be at most 5,000 characters long");
    }
    if comment.is_some_and(|comment| comment.contains('\0')) {
        say("comment", "must not hold the character NUL");
    }
    if comment.is_none() && opinion.difficulty.is_none() && opinion.enjoyment.is_none() {
        say("difficulty", "or `enjoyment` or `comment` must be given");
    }
    if wrong.is_empty() {
        Ok(Opinion { comment: comment.map(str::to_owned), ..opinion.clone() })
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// A learner says what they think of a quest that they have begun, in place of what they said before.
pub async fn opinion_put(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    opinion: &Opinion,
) -> Result<Opinion, Error> {
    let opinion = checked(opinion)?;
    let mut tx = db::begin(pool).await?;
    figures::quest_title(&mut tx, guild, quest).await?.ok_or(Error::NotFound("quest"))?;
    let begun = match learner_find(&mut tx, guild, user).await? {
        Some(learner) => ratings::opinion_put(&mut tx, guild, learner, quest, &opinion).await?,
        None => false,
    };
    if !begun {
        return Err(Error::Problem(kernel::Problem::new(
            learning::error::ATTEMPT_STATE,
            "You have not begun this quest; begin it first.",
        )));
    }
    tx.commit().await?;
    Ok(opinion)
}

/// What a learner said of a quest.
pub async fn opinion_get(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<Opinion, Error> {
    let mut conn = db::acquire(pool).await?;
    figures::quest_title(&mut conn, guild, quest).await?.ok_or(Error::NotFound("quest"))?;
    let said = match learner_find(&mut conn, guild, user).await? {
        Some(learner) => ratings::opinion_get(&mut conn, guild, learner, quest).await?,
        None => None,
    };
    Ok(said.unwrap_or(Opinion { difficulty: None, enjoyment: None, comment: None }))
}
