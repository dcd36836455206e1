//! Attempts, their steps, and what happened in them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AttemptId, LearnerId, QuestId, StepId};

/// State of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "learning.quest_attempt_status")]
pub enum AttemptStatus {
    /// The learner is at it.
    InProgress,
    /// All that counts is done.
    Completed,
    /// Given up; it can be begun anew.
    Abandoned,
    /// Put aside.
    Paused,
}

/// State of a step within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "learning.step_completion_status")]
pub enum StepStatus {
    /// Not opened yet.
    #[default]
    NotStarted,
    /// Opened.
    InProgress,
    /// Done.
    Completed,
    /// Left out; it was optional.
    Skipped,
}

/// An attempt at a quest.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The quest.
    pub quest: QuestId,
    /// The version it is of.
    pub version: i32,
    /// Its state.
    pub status: AttemptStatus,
    /// When it was begun, or begun anew.
    pub started_at: DateTime<Utc>,
    /// When it was paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
    /// How often it was begun anew.
    pub restarts: i32,
    /// Counted parts that are done.
    pub done: i32,
    /// Counted parts.
    pub total: i32,
    /// XP earned in it.
    pub experience_earned: i32,
    /// The learner's own notes.
    pub notes: Option<String>,
}

/// How somebody stands with a step.
#[derive(Debug, Clone, Default)]
pub struct StepState {
    /// State.
    pub status: StepStatus,
    /// Tries used since the attempt was last begun anew.
    pub tries: i32,
    /// Share achieved, in hundredths of a percent.
    pub score: Option<i32>,
    /// XP earned by it.
    pub experience_earned: i32,
    /// What the learner is told about it.
    pub feedback: Option<String>,
    /// When it was completed or skipped.
    pub completed_at: Option<DateTime<Utc>>,
    /// What was handed in last.
    pub submission: Option<Value>,
}

/// The learner's attempt at a quest.
#[kernel::boxed]
pub async fn attempt_get(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    quest: QuestId,
) -> Result<Option<Attempt>, Error> {
    Ok(sqlx::query_as!(
        Attempt,
        r#"SELECT id AS "id: AttemptId", quest_id AS "quest: QuestId", version, status AS "status: AttemptStatus", started_at, paused_at,
                  completed_at, restarts, done_count AS done, total_count AS total, total_experience_earned AS experience_earned, notes
             FROM learning.user_quest_attempts WHERE guild_id = $1 AND auth_user_id = $2 AND quest_id = $3"#,
        guild.get(),
        learner.get(),
        quest.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// All attempts of a learner.
pub(crate) async fn attempts_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> Result<Vec<Attempt>, Error> {
    Ok(sqlx::query_as!(
        Attempt,
        r#"SELECT id AS "id: AttemptId", quest_id AS "quest: QuestId", version, status AS "status: AttemptStatus", started_at, paused_at,
                  completed_at, restarts, done_count AS done, total_count AS total, total_experience_earned AS experience_earned,
                  NULL::text AS notes
             FROM learning.user_quest_attempts WHERE guild_id = $1 AND auth_user_id = $2"#,
        guild.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await?)
}

/// The steps of an attempt that were touched.
pub async fn step_states(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
) -> Result<BTreeMap<StepId, StepState>, Error> {
    let rows = sqlx::query!(
        r#"SELECT step_id AS "step: StepId", status AS "status: StepStatus", attempts_count, (score * 100)::int AS score,
                  experience_earned, feedback, completed_at, submission_data
             FROM learning.user_quest_step_progress WHERE guild_id = $1 AND attempt_id = $2"#,
        guild.get(),
        attempt.get(),
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| {
        let state = StepState {
            status: row.status,
            tries: row.attempts_count,
            score: row.score,
            experience_earned: row.experience_earned,
            feedback: row.feedback,
            completed_at: row.completed_at,
            submission: row.submission_data,
        };
        (row.step, state)
    });
    Ok(states.collect())
}

/// Begins an attempt.
pub(crate) async fn attempt_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    quest: QuestId,
    version: i32,
    total: i32,
) -> Result<AttemptId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
           VALUES ($1, $2, $3, $4, $5) RETURNING id AS "id: AttemptId""#,
        learner.guild.get(),
        learner.id.get(),
        quest.get(),
        version,
        total,
    )
    .fetch_one(conn)
    .await?)
}

/// Begins an abandoned attempt anew, of another version perhaps. Its steps are the caller's to reset.
pub(crate) async fn attempt_restart(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    version: i32,
    total: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_quest_attempts
            SET status = 'InProgress', version = $3, total_count = $4, done_count = 0, started_at = now(), abandoned_at = NULL,
                paused_at = NULL, paused_seconds = 0, restarts = restarts + 1, last_activity_at = now(), current_step_id = NULL
          WHERE guild_id = $1 AND id = $2",
        learner.guild.get(),
        attempt.get(),
        version,
        total,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts an attempt on another version, with so much done of it.
pub(crate) async fn attempt_upgrade(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    version: i32,
    done: i32,
    total: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_quest_attempts
            SET version = $3, done_count = $4, total_count = $5, last_activity_at = now(), current_step_id = NULL
          WHERE guild_id = $1 AND id = $2",
        learner.guild.get(),
        attempt.get(),
        version,
        done,
        total,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Pauses, resumes or abandons an attempt: whichever the state says.
pub(crate) async fn attempt_move(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    to: AttemptStatus,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE learning.user_quest_attempts
              SET paused_seconds = paused_seconds + coalesce(extract(epoch FROM now() - paused_at), 0)::bigint, status = $3,
                  paused_at = CASE WHEN $3 = 'Paused'::learning.quest_attempt_status THEN now() END,
                  abandoned_at = CASE WHEN $3 = 'Abandoned'::learning.quest_attempt_status THEN now() END, last_activity_at = now()
            WHERE guild_id = $1 AND id = $2"#,
        learner.guild.get(),
        attempt.get(),
        to as AttemptStatus,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how much is done, and whether that is all.
pub(crate) async fn attempt_completed_write(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    done: i32,
    earned: i32,
    current: Option<StepId>,
    completed: bool,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_quest_attempts
            SET done_count = CASE WHEN $6 OR status = 'Completed' THEN total_count ELSE $3 END, total_experience_earned = total_experience_earned + $4,
                current_step_id = $5,
                status = CASE WHEN $6 THEN 'Completed' ELSE status END,
                completed_at = CASE WHEN $6 THEN coalesce(completed_at, now()) ELSE completed_at END,
                paused_seconds = paused_seconds
                                 + CASE WHEN $6 THEN coalesce(extract(epoch FROM now() - paused_at), 0)::bigint ELSE 0 END,
                paused_at = CASE WHEN $6 THEN NULL ELSE paused_at END, last_activity_at = now()
          WHERE guild_id = $1 AND id = $2",
        learner.guild.get(),
        attempt.get(),
        done,
        earned,
        current.map(StepId::get),
        completed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the learner's notes.
pub(crate) async fn attempt_notes(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    notes: Option<&str>,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_quest_attempts SET notes = $3 WHERE guild_id = $1 AND id = $2",
        learner.guild.get(),
        attempt.get(),
        notes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how a step stands.
#[kernel::boxed]
pub(crate) async fn step_put(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
    step: StepId,
    state: &StepState,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO learning.user_quest_step_progress AS p (guild_id, attempt_id, step_id, status, started_at, completed_at,
                                                               submission_data, score, feedback, experience_earned, attempts_count)
           VALUES ($1, $2, $3, $4, now(),
                   CASE WHEN $4 IN ('Completed'::learning.step_completion_status, 'Skipped') THEN now() END,
                   $5, $6::int / 100.0, $7, $8, $9)
           ON CONFLICT ON CONSTRAINT uq_user_quest_step_progress_attempt_id_step_id DO UPDATE
              SET status = excluded.status, started_at = coalesce(p.started_at, excluded.started_at),
                  completed_at = CASE WHEN excluded.completed_at IS NOT NULL THEN coalesce(p.completed_at, excluded.completed_at) END,
                  submission_data = coalesce(excluded.submission_data, p.submission_data),
                  score = coalesce(excluded.score, p.score), feedback = coalesce(excluded.feedback, p.feedback),
                  experience_earned = excluded.experience_earned, attempts_count = excluded.attempts_count"#,
        learner.guild.get(),
        attempt.get(),
        step.get(),
        state.status as StepStatus,
        state.submission,
        state.score,
        state.feedback,
        state.experience_earned,
        state.tries,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets all steps of an attempt back, as it is begun anew. What they earned they keep: it is not paid again.
pub(crate) async fn steps_reset(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: AttemptId,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.user_quest_step_progress
            SET status = 'NotStarted', started_at = NULL, completed_at = NULL, submission_data = NULL, score = NULL, feedback = NULL,
                attempts_count = 0
          WHERE guild_id = $1 AND attempt_id = $2",
        learner.guild.get(),
        attempt.get(),
    )
    .execute(&mut *conn)
    .await?;
    tries_expire(conn, learner.guild, attempt).await
}

/// Ends the tries of an attempt that are open.
pub(crate) async fn tries_expire(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.item_tries SET status = 'expired', finished_at = now()
          WHERE guild_id = $1 AND attempt_id = $2 AND status = 'open'",
        guild.get(),
        attempt.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Refuses a quest that the guild has not, or never published.
pub(crate) async fn quest_published(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
) -> Result<(), Error> {
    current_version(conn, guild, quest).await.map(|_| ())
}

/// The version of a quest that is begun now, or was before it was retired.
#[kernel::boxed]
pub async fn current_version(conn: &mut PgConnection, guild: GuildId, quest: QuestId) -> Result<i32, Error> {
    sqlx::query_scalar!(
        r#"SELECT current_version AS "version!" FROM learning.quests
            WHERE guild_id = $1 AND id = $2 AND current_version IS NOT NULL"#,
        guild.get(),
        quest.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("quest"))
}

/// Something that happened in an attempt.
#[derive(Debug)]
pub struct AttemptEvent<'a> {
    /// The attempt.
    pub attempt: AttemptId,
    /// The quest.
    pub quest: QuestId,
    /// The version.
    pub version: i32,
    /// Restarts before it.
    pub run: i32,
    /// What happened.
    pub event_type: &'a str,
    /// The step it is about.
    pub step: Option<StepId>,
    /// What else there is to it.
    pub details: Value,
}

/// Writes what happened.
#[kernel::boxed]
pub async fn event_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    event: &AttemptEvent<'_>,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO learning.attempt_events (guild_id, id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id,
                                              details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        learner.guild.get(),
        Uuid::now_v7(),
        event.attempt.get(),
        learner.id.get(),
        event.quest.get(),
        event.version,
        event.run,
        event.event_type,
        event.step.map(StepId::get),
        event.details,
    )
    .execute(conn)
    .await?;
    Ok(())
}
