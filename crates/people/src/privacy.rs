//! A copy of what is known of a member, and forgetting them.
//!
//! Every slice says what it keeps of members, and forgets them by itself ([`access::personal`]); what others' figures rest upon stays,
//! without a name, under the bare number of the account. Here is the transaction around it.

use access::personal::{Keepers, NOBODY};
use access::{AuditEntry, By, Origin, audit};
use kernel::fields::Wrong;
use kernel::{GuildId, UserId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;
use crate::model::Member;
use crate::store;

/// Everything that is known of a member in a guild.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberExport {
    /// The member.
    pub member: Member,
    /// What each slice keeps of them, as stored: by slice, lists by what they hold; of each the newest 100,000.
    #[schema(value_type = Object)]
    pub slices: Map<String, Value>,
}

/// A copy of everything known of a member in this guild. Whoever takes one is in the audit log.
#[kernel::boxed]
pub async fn member_export(
    pool: &PgPool,
    keepers: &Keepers,
    guild: GuildId,
    user: UserId,
    by: By<'_>,
    origin: &Origin,
) -> Result<MemberExport, Error> {
    let mut tx = db::begin(pool).await?;
    let member = store::member_known(&mut tx, guild, user).await?;
    let slices = keepers.copies(&mut tx, guild, user).await?;
    let entry = AuditEntry::new(Some(guild), by, "EXPORT", "people.members", user.to_string()).from(origin);
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(MemberExport { member, slices })
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Erased {
    /// Rows that are gone: their events, counters, announcements and so on.
    pub rows: u64,
    /// Whether the person is in no other guild, so that name, avatar and GitHub account are gone altogether.
    pub person: bool,
}

/// Forgets a member on their request, in every slice. They leave all leaderboards. Repeating it changes nothing more. It is in the audit
/// log, without what was forgotten.
#[kernel::boxed]
pub async fn member_erase(
    pool: &PgPool,
    keepers: &Keepers,
    guild: GuildId,
    user: UserId,
    reason: &str,
    by: By<'_>,
    origin: &Origin,
) -> Result<Erased, Error> {
    if reason.trim().is_empty() || reason.chars().count() > 500 {
        return Err(Wrong::new("reason", "must be 1 to 500 characters").into());
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // Their events wait, so that none comes in between.
        store::guilds_lock(&mut tx, &[guild]).await?;
        let shared = store::is_shared(&mut tx, guild, user).await?;
        let names = names_of(&mut tx, guild, user).await?;
        let done = sqlx::query!(
            "UPDATE people.members SET display_name = $3, avatar_hash = NULL, left_at = coalesce(left_at, now())
              WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::UnknownMember(user));
        }
        if !shared {
            sqlx::query!(
                "UPDATE people.users SET discord_name = NULL, discord_avatar_hash = NULL, github_username = NULL
                  WHERE id = $1",
                user.get(),
            )
            .execute(&mut *tx)
            .await?;
        }
        let rows = keepers.forget(&mut tx, guild, user, &names).await?;
        let mut entry =
            AuditEntry::new(Some(guild), by, "DELETE", "people.members", user.to_string()).from(origin);
        entry.after = Some(json!({ "rows": rows, "person": !shared }));
        entry.reason = Some(reason);
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Erased { rows, person: !shared })
    })
    .await
}

/// What a member is called: the words by which others may have named them.
async fn names_of(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT name AS "name!" FROM people.members m JOIN people.users u ON u.id = m.user_id
             CROSS JOIN LATERAL (VALUES (m.display_name), (u.discord_name), (u.github_username), (u.id::text)) AS n (name)
            WHERE m.guild_id = $1 AND m.user_id = $2 AND name IS NOT NULL"#,
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}
