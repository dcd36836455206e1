//! Bits of revocation lists re-derived from what was issued and revoked.

use access::weekly::{Audit, Figure};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;

/// The slice's audit. Nothing is mended by itself: a wrong bit is for people to look at.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            drift(conn, guild).await.map_err(|error| match error {
                Error::Database(error) => jobs::schedule::JobError::Database(error),
                other => jobs::schedule::JobError::Failed(other.to_string()),
            })
        })
    },
    weekly: None,
};

/// All figures that differ, of one guild or of all; empty when all is well.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Figure>, Error> {
    Ok(sqlx::query_as!(
        Figure,
        r#"SELECT guild_id AS "guild_id!: GuildId", what AS "what!", stored AS "stored!", derived AS "derived!" FROM (
               SELECT c.guild_id, 'bit of credential ' || c.id AS what, s.is_revoked::int::text AS stored,
                      (c.revoked_at IS NOT NULL)::int::text AS derived
                 FROM credentials.credentials c
                 JOIN credentials.statuses s ON s.guild_id = c.guild_id AND s.status_index = c.status_index
               UNION ALL
               SELECT c.guild_id, 'credential of bit ' || s.status_index, s.credential_id::text, c.id::text
                 FROM credentials.credentials c
                 JOIN credentials.statuses s ON s.guild_id = c.guild_id AND s.status_index = c.status_index
               UNION ALL
               SELECT i.guild_id, 'next bit', i.next_status_index::text,
                      coalesce((SELECT max(s.status_index) + 1 FROM credentials.statuses s WHERE s.guild_id = i.guild_id), 0)::text
                 FROM credentials.issuers i) figures
            WHERE stored <> derived AND ($1::bigint IS NULL OR guild_id = $1) ORDER BY 1, 2"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?)
}
