//! SQL over the rungs of the escalation of warnings.

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{Escalation, EscalationAction, EscalationId, NewEscalation};

/// A rung that was not deleted.
pub(crate) async fn get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: EscalationId,
) -> Result<Option<Escalation>, sqlx::Error> {
    Ok(list(conn, guild, Some(id)).await?.pop())
}

/// The rungs that were not deleted, the fewest warnings first; or one of them.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<EscalationId>,
) -> Result<Vec<Escalation>, sqlx::Error> {
    sqlx::query_as!(
        Escalation,
        r#"SELECT id AS "id: EscalationId", warnings, within_days, action AS "action: EscalationAction", duration_seconds,
                  reason, is_active
             FROM moderation.warning_escalations
            WHERE guild_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id = $2)
            ORDER BY warnings, within_days LIMIT 200"#,
        guild.get(),
        only.map(EscalationId::get),
    )
    .fetch_all(conn)
    .await
}

/// Makes a rung.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewEscalation,
    by: Option<UserId>,
) -> Result<EscalationId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO moderation.warning_escalations
               (guild_id, warnings, within_days, action, duration_seconds, reason, is_active, created_by, updated_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id AS "id: EscalationId""#,
        guild.get(),
        new.warnings,
        new.within_days,
        new.action.as_str(),
        new.duration_seconds,
        new.reason,
        new.is_active,
        by.map(UserId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes a rung anew; false where there is none.
pub(crate) async fn update(
    conn: &mut PgConnection,
    guild: GuildId,
    id: EscalationId,
    new: &NewEscalation,
    by: Option<UserId>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE moderation.warning_escalations
            SET warnings = $3, within_days = $4, action = $5, duration_seconds = $6, reason = $7, is_active = $8, updated_by = $9
          WHERE guild_id = $1 AND id = $2 AND deleted_at IS NULL",
        guild.get(),
        id.get(),
        new.warnings,
        new.within_days,
        new.action.as_str(),
        new.duration_seconds,
        new.reason,
        new.is_active,
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a rung; its row stays for the cases that name it.
pub(crate) async fn delete(
    conn: &mut PgConnection,
    guild: GuildId,
    id: EscalationId,
    by: Option<UserId>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.warning_escalations SET deleted_at = now(), is_active = false, updated_by = $3
          WHERE guild_id = $1 AND id = $2 AND deleted_at IS NULL",
        guild.get(),
        id.get(),
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
