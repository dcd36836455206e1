//! What is to be looked at again.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use learning::ids::{LearnerId, QuestId, StepId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rules::fsrs::{Memory, ReviewRating};

/// Reviews on a day that a learner wants at most; none for none at all.
pub(crate) async fn per_day(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "SELECT per_day FROM insight.review_settings WHERE guild_id = $1 AND auth_user_id = $2",
        guild.get(),
        learner.get(),
    )
    .fetch_optional(conn)
    .await
}

/// Writes how many a learner wants.
pub(crate) async fn settings_put(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    per_day: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO insight.review_settings (guild_id, auth_user_id, per_day) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT pk_review_settings DO UPDATE SET per_day = excluded.per_day",
        guild.get(),
        learner.get(),
        per_day,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes that a learner wants none.
pub(crate) async fn settings_delete(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM insight.review_settings WHERE guild_id = $1 AND auth_user_id = $2",
        guild.get(),
        learner.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes cards of what was passed and is graded at once, of learners who want reviews: in these attempts, or all of one learner's. The first
/// time, it is asked a day after it was passed.
pub(crate) async fn cards_put(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: Option<&[Uuid]>,
    learner: Option<LearnerId>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO insight.review_cards (guild_id, auth_user_id, step_id, due_at)
           SELECT $1, a.auth_user_id, p.step_id, p.completed_at + interval '1 day'
             FROM learning.user_quest_attempts a
             JOIN insight.review_settings r ON r.guild_id = $1 AND r.auth_user_id = a.auth_user_id
             JOIN learning.user_quest_step_progress p ON p.guild_id = $1 AND p.attempt_id = a.id AND p.status = 'Completed'
             JOIN learning.quest_steps s ON s.guild_id = $1 AND s.id = p.step_id AND s.step_type IN ('Quiz', 'Coding')
            WHERE a.guild_id = $1 AND ($2::uuid[] IS NULL OR a.id = ANY ($2)) AND ($3::uuid IS NULL OR a.auth_user_id = $3)
           ON CONFLICT DO NOTHING"#,
        guild.get(),
        attempts,
        learner.map(LearnerId::get),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A card that is due.
#[derive(Debug, Clone)]
pub(crate) struct DueRow {
    pub(crate) step_id: StepId,
    pub(crate) step: String,
    pub(crate) quest_id: QuestId,
    pub(crate) quest: String,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) answers: i32,
}

/// What is due of a learner now, the longest first, as far as their cap leaves room today.
pub(crate) async fn due_list(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> sqlx::Result<Vec<DueRow>> {
    sqlx::query_as!(
        DueRow,
        r#"SELECT c.step_id AS "step_id: StepId", s.title AS step, s.quest_id AS "quest_id: QuestId", q.title AS quest, c.due_at, c.answers
             FROM insight.review_cards c
             JOIN learning.quest_steps s ON s.guild_id = c.guild_id AND s.id = c.step_id AND s.retired_at IS NULL
             JOIN learning.quests q ON q.guild_id = s.guild_id AND q.id = s.quest_id AND q.retired_at IS NULL
            WHERE c.guild_id = $1 AND c.auth_user_id = $2 AND c.due_at <= now()
            ORDER BY c.due_at, c.step_id
            LIMIT greatest(0, (SELECT r.per_day FROM insight.review_settings r WHERE r.guild_id = $1 AND r.auth_user_id = $2)
                  - (SELECT count(*) FROM insight.review_answers a
                      WHERE a.guild_id = $1 AND a.auth_user_id = $2
                        AND a.answered_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'))"#,
        guild.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await
}

/// A card.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) memory: Option<Memory>,
    pub(crate) answers: i32,
}

/// A learner's card of a step. The learner is locked.
pub(crate) async fn card_get(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    step: StepId,
) -> sqlx::Result<Option<Card>> {
    let row = sqlx::query!(
        "SELECT due_at, stability, difficulty, last_answer_at, answers FROM insight.review_cards
          WHERE guild_id = $1 AND auth_user_id = $2 AND step_id = $3",
        guild.get(),
        learner.get(),
        step.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Card {
        due_at: row.due_at,
        memory: row
            .stability
            .zip(row.difficulty)
            .zip(row.last_answer_at)
            .map(|((stability, difficulty), at)| Memory { stability, difficulty, at }),
        answers: row.answers,
    }))
}

/// Writes an answer, and the card after it.
pub(crate) async fn answer_put(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    step: StepId,
    rating: ReviewRating,
    memory: &Memory,
    due_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO insight.review_answers (guild_id, auth_user_id, step_id, rating, answered_at) VALUES ($1, $2, $3, $4, $5)",
        guild.get(),
        learner.get(),
        step.get(),
        rating.as_str(),
        memory.at,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE insight.review_cards
            SET due_at = $4, stability = $5, difficulty = $6, last_answer_at = $7, answers = answers + 1
          WHERE guild_id = $1 AND auth_user_id = $2 AND step_id = $3",
        guild.get(),
        learner.get(),
        step.get(),
        due_at,
        memory.stability,
        memory.difficulty,
        memory.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Guilds in which anybody wants reviews.
pub(crate) async fn guilds_reviewing(conn: &mut PgConnection) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT guild_id AS "guild_id: GuildId" FROM insight.review_settings ORDER BY guild_id"#
    )
    .fetch_all(conn)
    .await
}

/// Writes of learners with anything due that they are told so today, at most so many, and tells whom, and how much is due.
pub(crate) async fn told_put(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<Vec<(UserId, i64)>> {
    let rows = sqlx::query!(
        r#"WITH due AS (
               SELECT r.auth_user_id, least(count(*), r.per_day) AS due
                 FROM insight.review_settings r
                 JOIN insight.review_cards c ON c.guild_id = $1 AND c.auth_user_id = r.auth_user_id AND c.due_at <= now()
                 JOIN learning.quest_steps s ON s.guild_id = $1 AND s.id = c.step_id AND s.retired_at IS NULL
                 JOIN learning.quests q ON q.guild_id = $1 AND q.id = s.quest_id AND q.retired_at IS NULL
                WHERE r.guild_id = $1 AND (r.told_on IS NULL OR r.told_on < (now() AT TIME ZONE 'UTC')::date)
                GROUP BY r.auth_user_id, r.per_day ORDER BY r.auth_user_id LIMIT $2
           )
           UPDATE insight.review_settings r SET told_on = (now() AT TIME ZONE 'UTC')::date
             FROM due d JOIN learning.learners l ON l.guild_id = $1 AND l.auth_user_id = d.auth_user_id
            WHERE r.guild_id = $1 AND r.auth_user_id = d.auth_user_id
              AND (r.told_on IS NULL OR r.told_on < (now() AT TIME ZONE 'UTC')::date)
           RETURNING l.user_id AS "user: UserId", d.due AS "due!""#,
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.due)).collect())
}
