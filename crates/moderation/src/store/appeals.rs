//! SQL over appeals and their links.

use kernel::GuildId;
use sqlx::PgConnection;

use crate::model::CaseId;

/// Keeps a link's hash for so many days.
pub(crate) async fn link_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    hash: &[u8],
    days: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moderation.appeal_links (guild_id, token_sha256, case_id, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(days => $4))",
        guild.get(),
        hash,
        case.get(),
        i32::try_from(days).unwrap_or(3_650),
    )
    .execute(conn)
    .await?;
    Ok(())
}
