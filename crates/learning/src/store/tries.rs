//! Tries at what is graded at once.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;

use super::attempts::Attempt;
use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AssessmentId, AttemptId, StepId, Subject, TryId};

/// A try.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    /// Its id.
    pub(crate) id: TryId,
    /// Which it is, from 1.
    pub(crate) number: i32,
    /// open, graded or expired.
    pub(crate) status: String,
    /// When it must be handed in.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was handed in, or expired.
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// The tries at a step or an assessment, the first one first. Those before a restart count as well: else abandoning would buy tries.
pub(crate) async fn tries_of(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
    subject: Subject,
) -> Result<Vec<Try>, Error> {
    Ok(sqlx::query_as!(
        Try,
        r#"SELECT id AS "id: TryId", try_number AS number, status, due_at, finished_at
             FROM learning.item_tries
            WHERE guild_id = $1 AND attempt_id = $2 AND ($3::uuid IS NULL OR step_id = $3) AND ($4::uuid IS NULL OR assessment_id = $4)
            ORDER BY run, try_number"#,
        guild.get(),
        attempt.get(),
        subject.step().map(StepId::get),
        subject.assessment().map(AssessmentId::get),
    )
    .fetch_all(conn)
    .await?)
}

/// Begins a try.
pub(crate) async fn try_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: &Attempt,
    subject: Subject,
    number: i32,
    minutes: Option<i32>,
) -> Result<Try, Error> {
    Ok(sqlx::query_as!(
        Try,
        r#"INSERT INTO learning.item_tries (guild_id, attempt_id, auth_user_id, version, run, step_id, assessment_id, try_number,
                                            due_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(mins => $9::int))
           RETURNING id AS "id: TryId", try_number AS number, status, due_at, finished_at"#,
        learner.guild.get(),
        attempt.id.get(),
        learner.id.get(),
        attempt.version,
        attempt.restarts,
        subject.step().map(StepId::get),
        subject.assessment().map(AssessmentId::get),
        number,
        minutes,
    )
    .fetch_one(conn)
    .await?)
}

/// Ends a try whose time is over.
pub(crate) async fn try_expire(conn: &mut PgConnection, guild: GuildId, id: TryId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.item_tries SET status = 'expired', finished_at = now() WHERE guild_id = $1 AND id = $2 AND status = 'open'",
        guild.get(),
        id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what a try came to: ten-thousandths of points.
pub(crate) async fn try_grade(
    conn: &mut PgConnection,
    guild: GuildId,
    id: TryId,
    score: i64,
    full: i64,
    is_passed: bool,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE learning.item_tries
            SET status = 'graded', finished_at = now(), score = $3::bigint / 10000.0, max_score = $4::bigint / 10000.0, is_passed = $5
          WHERE guild_id = $1 AND id = $2 AND status = 'open'",
        guild.get(),
        id.get(),
        score,
        full,
        is_passed,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Keeps a program that was handed in, graded already.
#[expect(clippy::too_many_arguments, reason = "a row's columns")]
pub(crate) async fn try_store(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: &Attempt,
    subject: Subject,
    number: i32,
    passed: (i64, i64),
    answer: &Value,
    feedback: &Value,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO learning.item_tries (guild_id, attempt_id, auth_user_id, version, run, step_id, assessment_id, try_number, status,
                                            finished_at, score, max_score, is_passed, answer, feedback)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'graded', now(), $9::bigint, $10::bigint, $9::bigint = $10::bigint, $11, $12)"#,
        learner.guild.get(),
        attempt.id.get(),
        learner.id.get(),
        attempt.version,
        attempt.restarts,
        subject.step().map(StepId::get),
        subject.assessment().map(AssessmentId::get),
        number,
        passed.0,
        passed.1,
        answer,
        feedback,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An answer to a question, graded.
#[derive(Debug)]
pub(crate) struct Response {
    /// The question's short name.
    pub(crate) item: String,
    /// SHA-256 of the question with its key.
    pub(crate) hash: [u8; 32],
    /// Values that stood in its text.
    pub(crate) parameters: Value,
    /// The canonical answer; none where it was left out.
    pub(crate) answer: Option<Value>,
    /// Ten-thousandths of points reached.
    pub(crate) score: i64,
    /// Ten-thousandths of points there were.
    pub(crate) full: i64,
}

/// Keeps the answers of a try, in the order in which they were asked.
pub(crate) async fn responses_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    id: TryId,
    responses: &[Response],
) -> Result<(), Error> {
    let items: Vec<&str> = responses.iter().map(|one| one.item.as_str()).collect();
    let hashes: Vec<Vec<u8>> = responses.iter().map(|one| one.hash.to_vec()).collect();
    let parameters: Vec<Value> = responses.iter().map(|one| one.parameters.clone()).collect();
    let answers: Vec<Option<Value>> = responses.iter().map(|one| one.answer.clone()).collect();
    let scores: Vec<i64> = responses.iter().map(|one| one.score).collect();
    let fulls: Vec<i64> = responses.iter().map(|one| one.full).collect();
    sqlx::query!(
        r#"INSERT INTO learning.item_responses (guild_id, try_id, item, item_hash, place, parameters, answer, score, max_score)
           SELECT $1, $2, r.item, r.hash, r.place::int, r.parameters, r.answer, r.score / 10000.0, r.full_score / 10000.0
             FROM unnest($3::text[], $4::bytea[], $5::jsonb[], $6::jsonb[], $7::bigint[], $8::bigint[]) WITH ORDINALITY
                  AS r (item, hash, parameters, answer, score, full_score, place)"#,
        guild.get(),
        id.get(),
        &items as &[&str],
        &hashes,
        &parameters,
        &answers as &[Option<Value>],
        &scores,
        &fulls,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key of the guild's shuffles.
pub(crate) async fn shuffle_secret(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<u8>, Error> {
    sqlx::query_scalar!("SELECT shuffle_secret FROM learning.catalogues WHERE guild_id = $1", guild.get())
        .fetch_optional(conn)
        .await?
        .ok_or(Error::NotFound("quest"))
}
