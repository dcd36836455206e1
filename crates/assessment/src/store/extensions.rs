//! Deadlines of single learners.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, LearnerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::model::extension::{Extension, NewExtension};

/// A learner's own deadline, where they were given one.
pub(crate) async fn extension_get(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    learner: LearnerId,
) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT due_at FROM assessment.deadline_extensions WHERE guild_id = $1 AND assessment_id = $2 AND auth_user_id = $3",
        guild.get(),
        assessment.get(),
        learner.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Gives a learner a deadline, or another one.
pub(crate) async fn extension_put(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    learner: LearnerId,
    new: &NewExtension,
    by: Uuid,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assessment.deadline_extensions (guild_id, assessment_id, auth_user_id, due_at, reason, granted_by)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT pk_deadline_extensions DO UPDATE
            SET due_at = excluded.due_at, reason = excluded.reason, granted_by = excluded.granted_by",
        guild.get(),
        assessment.get(),
        learner.get(),
        new.due_at,
        new.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()),
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The deadlines that learners were given for an assessment, the earliest first.
pub(crate) async fn extension_list(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    only: Option<UserId>,
) -> Result<Vec<Extension>, Error> {
    Ok(sqlx::query_as!(
        Extension,
        r#"SELECT l.user_id AS "user_id: UserId", e.due_at, e.reason, e.updated_at
             FROM assessment.deadline_extensions e
             JOIN learning.learners l ON l.guild_id = e.guild_id AND l.auth_user_id = e.auth_user_id
            WHERE e.guild_id = $1 AND e.assessment_id = $2 AND ($3::bigint IS NULL OR l.user_id = $3)
            ORDER BY e.due_at, l.user_id LIMIT 10000"#,
        guild.get(),
        assessment.get(),
        only.map(UserId::get),
    )
    .fetch_all(conn)
    .await?)
}
