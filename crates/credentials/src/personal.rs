//! What is kept of a member here: their credentials. When they are forgotten these go; the bits of the revocation lists stay, which
//! name nobody, so that what was revoked stays revoked.

use access::personal::{Asked, Keeper, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper { tables: &["credentials.credentials"], copy, forget };

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object('credentials', coalesce(jsonb_agg(jsonb_build_object('badge', b.name, 'document', c.jwt,
                      'holder_name', c.holder_name, 'earned_at', c.earned_at, 'issued_at', c.issued_at, 'valid_until', c.valid_until,
                      'revoked_at', c.revoked_at, 'revocation_reason', c.revocation_reason) ORDER BY c.issued_at, c.id), '[]'))
                      AS "copy!"
                 FROM credentials.credentials c
                 JOIN credentials.badges b ON b.guild_id = c.guild_id AND b.id = c.badge_id
                WHERE c.guild_id = $1 AND c.user_id = $2"#,
            guild.get(),
            user.get(),
        )
        .fetch_one(conn)
        .await
    })
}

fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        // Whatever is being issued to them is there, or comes too late to be.
        sqlx::query!("SELECT FROM credentials.issuers WHERE guild_id = $1 FOR NO KEY UPDATE", guild.get())
            .fetch_optional(&mut *conn)
            .await?;
        let gone = sqlx::query!(
            "DELETE FROM credentials.credentials WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        )
        .execute(&mut *conn)
        .await?;
        // Others' revocations may tell of them.
        sqlx::query!(
            "UPDATE credentials.credentials
                SET revocation_reason = left(regexp_replace(revocation_reason, current_setting('questhall.forgotten'), $2, 'gi'), 500)
              WHERE guild_id = $1 AND revocation_reason ~* current_setting('questhall.forgotten')",
            guild.get(),
            NOBODY,
        )
        .execute(conn)
        .await?;
        Ok(gone.rows_affected())
    })
}
