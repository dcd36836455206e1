//! Attempts, their steps, and what happened in them.

use std::collections::{BTreeMap, HashMap};

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

/// Attempts of these learners at a quest, by learner.
pub async fn attempts_at(
    conn: &mut PgConnection,
    guild: GuildId,
    learners: &[Uuid],
    quest: QuestId,
) -> Result<HashMap<LearnerId, Attempt>, Error> {
    let rows = sqlx::query!(
        r#"SELECT auth_user_id AS "learner: LearnerId", id AS "id: AttemptId", version, status AS "status: AttemptStatus", started_at,
                  paused_at, completed_at, restarts, done_count, total_count, total_experience_earned, notes
             FROM learning.user_quest_attempts WHERE guild_id = $1 AND auth_user_id = ANY ($2) AND quest_id = $3"#,
        guild.get(),
        learners,
        quest.get(),
    )
    .fetch_all(conn)
    .await?;
    let attempts = rows.into_iter().map(|row| {
        let attempt = Attempt {
            id: row.id,
            quest,
            version: row.version,
            status: row.status,
            started_at: row.started_at,
            paused_at: row.paused_at,
            completed_at: row.completed_at,
            restarts: row.restarts,
            done: row.done_count,
            total: row.total_count,
            experience_earned: row.total_experience_earned,
            notes: row.notes,
        };
        (row.learner, attempt)
    });
    Ok(attempts.collect())
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
    Ok(states_of(conn, guild, &[attempt.get()]).await?.remove(&attempt).unwrap_or_default())
}

/// The steps that were touched, of each attempt.
pub async fn states_of(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: &[Uuid],
) -> Result<HashMap<AttemptId, BTreeMap<StepId, StepState>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT attempt_id AS "attempt: AttemptId", step_id AS "step: StepId", status AS "status: StepStatus", attempts_count,
                  (score * 100)::int AS score, experience_earned, feedback, completed_at, submission_data
             FROM unnest($2::uuid[]) AS u (attempt)
             -- Each by itself: by statistics of yesterday the guild's whole index may look as short.
             CROSS JOIN LATERAL (SELECT * FROM learning.user_quest_step_progress p
                                  WHERE p.guild_id = $1 AND p.attempt_id = u.attempt OFFSET 0) p"#,
        guild.get(),
        attempts,
    )
    .fetch_all(conn)
    .await?;
    let mut states: HashMap<AttemptId, BTreeMap<StepId, StepState>> = HashMap::with_capacity(attempts.len());
    for row in rows {
        let state = StepState {
            status: row.status,
            tries: row.attempts_count,
            score: row.score,
            experience_earned: row.experience_earned,
            feedback: row.feedback,
            completed_at: row.completed_at,
            submission: row.submission_data,
        };
        states.entry(row.attempt).or_default().insert(row.step, state);
    }
    Ok(states)
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

/// What an attempt has come to.
#[derive(Debug)]
pub(crate) struct Done {
    /// The attempt.
    pub(crate) attempt: AttemptId,
    /// How much of it is done.
    pub(crate) done: i32,
    /// XP that this brought.
    pub(crate) earned: i32,
    /// The step that comes next.
    pub(crate) current: Option<StepId>,
    /// Whether that is all.
    pub(crate) completed: bool,
}

/// Writes how much is done of attempts, and whether that is all.
pub(crate) async fn attempts_done(
    conn: &mut PgConnection,
    guild: GuildId,
    rows: &[Done],
) -> Result<(), Error> {
    let attempts: Vec<Uuid> = rows.iter().map(|row| row.attempt.get()).collect();
    let done: Vec<i32> = rows.iter().map(|row| row.done).collect();
    let earned: Vec<i32> = rows.iter().map(|row| row.earned).collect();
    let current: Vec<Option<Uuid>> = rows.iter().map(|row| row.current.map(StepId::get)).collect();
    let completed: Vec<bool> = rows.iter().map(|row| row.completed).collect();
    sqlx::query!(
        "UPDATE learning.user_quest_attempts a
            SET done_count = CASE WHEN d.completed OR a.status = 'Completed' THEN a.total_count ELSE d.done END,
                total_experience_earned = a.total_experience_earned + d.earned, current_step_id = d.current_step,
                status = CASE WHEN d.completed THEN 'Completed' ELSE a.status END,
                completed_at = CASE WHEN d.completed THEN coalesce(a.completed_at, now()) ELSE a.completed_at END,
                paused_seconds = a.paused_seconds
                                 + CASE WHEN d.completed THEN coalesce(extract(epoch FROM now() - a.paused_at), 0)::bigint ELSE 0 END,
                paused_at = CASE WHEN d.completed THEN NULL ELSE a.paused_at END, last_activity_at = now()
           FROM unnest($2::uuid[], $3::int[], $4::int[], $5::uuid[], $6::boolean[]) AS d (id, done, earned, current_step, completed)
          WHERE a.guild_id = $1 AND a.id = d.id",
        guild.get(),
        &attempts,
        &done,
        &earned,
        &current as &[Option<Uuid>],
        &completed,
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
    steps_put(conn, learner.guild, &[(attempt, step, state)]).await
}

/// Writes how steps of attempts stand.
pub(crate) async fn steps_put(
    conn: &mut PgConnection,
    guild: GuildId,
    steps: &[(AttemptId, StepId, &StepState)],
) -> Result<(), Error> {
    let attempts: Vec<Uuid> = steps.iter().map(|(attempt, ..)| attempt.get()).collect();
    let ids: Vec<Uuid> = steps.iter().map(|(_, step, _)| step.get()).collect();
    let states = || steps.iter().map(|(.., state)| *state);
    let statuses: Vec<StepStatus> = states().map(|state| state.status).collect();
    let submissions: Vec<Option<Value>> = states().map(|state| state.submission.clone()).collect();
    let scores: Vec<Option<i32>> = states().map(|state| state.score).collect();
    let feedback: Vec<Option<String>> = states().map(|state| state.feedback.clone()).collect();
    let earned: Vec<i32> = states().map(|state| state.experience_earned).collect();
    let tries: Vec<i32> = states().map(|state| state.tries).collect();
    sqlx::query!(
        r#"INSERT INTO learning.user_quest_step_progress AS p (guild_id, attempt_id, step_id, status, started_at, completed_at,
                                                               submission_data, score, feedback, experience_earned, attempts_count)
           SELECT $1, d.attempt, d.step, d.status, now(),
                  CASE WHEN d.status IN ('Completed'::learning.step_completion_status, 'Skipped') THEN now() END,
                  d.submission, d.score / 100.0, d.feedback, d.earned, d.tries
             FROM unnest($2::uuid[], $3::uuid[], $4::learning.step_completion_status[], $5::jsonb[], $6::int[], $7::text[], $8::int[],
                         $9::int[]) AS d (attempt, step, status, submission, score, feedback, earned, tries)
           ON CONFLICT ON CONSTRAINT uq_user_quest_step_progress_attempt_id_step_id DO UPDATE
              SET status = excluded.status, started_at = coalesce(p.started_at, excluded.started_at),
                  completed_at = CASE WHEN excluded.completed_at IS NOT NULL THEN coalesce(p.completed_at, excluded.completed_at) END,
                  submission_data = coalesce(excluded.submission_data, p.submission_data),
                  score = coalesce(excluded.score, p.score), feedback = coalesce(excluded.feedback, p.feedback),
                  experience_earned = excluded.experience_earned, attempts_count = excluded.attempts_count"#,
        guild.get(),
        &attempts,
        &ids,
        &statuses as &[StepStatus],
        &submissions as &[Option<Value>],
        &scores as &[Option<i32>],
        &feedback as &[Option<String>],
        &earned,
        &tries,
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

/// The same of many: who has none is not among them.
pub(crate) async fn current_versions(
    conn: &mut PgConnection,
    guild: GuildId,
    quests: &[Uuid],
) -> Result<HashMap<QuestId, i32>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: QuestId", current_version AS "version!" FROM learning.quests
            WHERE guild_id = $1 AND id = ANY ($2) AND current_version IS NOT NULL"#,
        guild.get(),
        quests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
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
    events_insert(conn, learner.guild, &[(learner.id, event)]).await
}

/// Writes what happened to learners, in this order.
pub(crate) async fn events_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    events: &[(LearnerId, &AttemptEvent<'_>)],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = events.iter().map(|_| Uuid::now_v7()).collect();
    let learners: Vec<Uuid> = events.iter().map(|(learner, _)| learner.get()).collect();
    let of = || events.iter().map(|(_, event)| *event);
    let attempts: Vec<Uuid> = of().map(|event| event.attempt.get()).collect();
    let quests: Vec<Uuid> = of().map(|event| event.quest.get()).collect();
    let versions: Vec<i32> = of().map(|event| event.version).collect();
    let runs: Vec<i32> = of().map(|event| event.run).collect();
    let types: Vec<&str> = of().map(|event| event.event_type).collect();
    let steps: Vec<Option<Uuid>> = of().map(|event| event.step.map(StepId::get)).collect();
    let details: Vec<Value> = of().map(|event| event.details.clone()).collect();
    sqlx::query!(
        "INSERT INTO learning.attempt_events (guild_id, id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id,
                                              details)
         SELECT $1, d.id, d.attempt, d.learner, d.quest, d.version, d.run, d.event_type, d.step, d.details
           FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::int[], $8::text[], $9::uuid[], $10::jsonb[])
                AS d (id, attempt, learner, quest, version, run, event_type, step, details)",
        guild.get(),
        &ids,
        &attempts,
        &learners,
        &quests,
        &versions,
        &runs,
        &types as &[&str],
        &steps as &[Option<Uuid>],
        &details,
    )
    .execute(conn)
    .await?;
    Ok(())
}
