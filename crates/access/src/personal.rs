//! What the slices know of a member: copies of it, and how each forgets them.
//!
//! A slice declares a [`Keeper`] for what it keeps under a member's id, and lists the tables. Whoever makes a copy, or forgets a member,
//! asks all keepers in one transaction ([`Keepers`]), and so needs to know none of them.

use std::pin::Pin;
use std::sync::Arc;

use kernel::{GuildId, UserId};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use crate::Slice;

/// What comes of asking a keeper.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// The name of who was forgotten, wherever a name must stand.
pub const NOBODY: &str = "Deleted member";

/// The most rows of a kind in a copy; the newest ones.
pub const MOST: i64 = 100_000;

/// A slice, as far as it keeps anything of members.
#[derive(Clone, Copy)]
pub struct Keeper {
    /// The tables that hold members' ids: each is in copies, forgotten, or kept for a reason that stands beside the code.
    pub tables: &'static [&'static str],
    /// A copy of what it keeps of a member in a guild: an object of lists, by table.
    pub copy: for<'a> fn(&'a mut PgConnection, GuildId, UserId) -> Asked<'a, Value>,
    /// Makes what must stay anonymous, and removes the rest; answers how many rows are gone. Doing it again changes nothing.
    pub forget: for<'a> fn(&'a mut PgConnection, GuildId, UserId) -> Asked<'a, u64>,
}

/// The keepers of all slices, each with its slice's name. Cheap to clone.
#[derive(Clone)]
pub struct Keepers(Arc<[(&'static str, Keeper)]>);

impl std::fmt::Debug for Keepers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(slice, _)| slice)).finish()
    }
}

impl Keepers {
    /// Of these slices, as far as they keep anything.
    pub fn of(slices: &[&Slice]) -> Self {
        let mut all: Vec<(&str, Keeper)> =
            slices.iter().filter_map(|slice| Some((slice.name, slice.personal?))).collect();
        all.sort_unstable_by_key(|(slice, _)| *slice);
        Self(all.into())
    }

    /// Copies of what all slices keep of a member in a guild, by slice.
    pub async fn copies(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        user: UserId,
    ) -> Result<Map<String, Value>, sqlx::Error> {
        let mut all = Map::new();
        for (slice, keeper) in self.0.iter() {
            all.insert((*slice).to_owned(), (keeper.copy)(&mut *conn, guild, user).await?);
        }
        Ok(all)
    }

    /// Has all slices forget a member of a guild, also where others named them, and answers how many rows are gone: `names` are what they
    /// were called. Journals let names be taken out until it is done.
    ///
    /// In texts of others, keepers replace what matches the setting `questhall.forgotten` of the transaction: the names as whole
    /// words, whatever their case.
    pub async fn forget(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        user: UserId,
        names: &[String],
    ) -> Result<u64, sqlx::Error> {
        sqlx::query!(
            "SELECT set_config('questhall.allow_erasure', 'on', true) AS allowed,
                set_config('questhall.forgotten', $1, true) AS forgotten",
            pattern(names)
        )
        .fetch_one(&mut *conn)
        .await?;
        let mut gone = 0;
        for (_, keeper) in self.0.iter() {
            gone += (keeper.forget)(&mut *conn, guild, user).await?;
        }
        sqlx::query!("SELECT set_config('questhall.allow_erasure', 'off', true)").fetch_one(conn).await?;
        Ok(gone)
    }
}

/// The names as a regular expression of PostgreSQL; of a single letter, or of none, nobody is known.
fn pattern(names: &[String]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| name.trim())
        .filter(|name| name.chars().count() > 1 && *name != NOBODY)
        .map(|name| {
            let escape =
                |c: char| if c.is_alphanumeric() || c == ' ' { c.to_string() } else { format!("\\{c}") };
            // What is no punctuation of ASCII stands for itself.
            name.chars().map(|c| if c.is_ascii() { escape(c) } else { c.to_string() }).collect()
        })
        .collect();
    if names.is_empty() {
        return "$^".to_owned();
    }
    format!("(?<![[:alnum:]_])(?:{})(?![[:alnum:]_])", names.join("|"))
}

/// What this crate keeps: roles, keys, and the log of what administrators changed.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: TABLES,
    copy: |conn, guild, user| Box::pin(copy(conn, guild, user)),
    forget: |conn, guild, user| Box::pin(scrub(conn, guild, user)),
};

/// Sessions and sign-ins belong to the person and to no guild. Keys and roles are the guild's to revoke.
const TABLES: &[&str] = &["access.role_grants", "access.api_keys", "access.admin_log"];

async fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Value, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'roles', coalesce((SELECT jsonb_agg(jsonb_build_object('role', r.role, 'source', r.source, 'expires_at', r.expires_at,
                            'created_at', r.created_at) ORDER BY r.role)
                   FROM access.role_grants r WHERE r.guild_id = $1 AND r.user_id = $2), '[]'),
               'keys', coalesce((SELECT jsonb_agg(jsonb_build_object('name', k.name, 'scopes', k.scopes, 'created_at', k.created_at,
                            'last_used', k.last_used) ORDER BY k.created_at)
                   FROM access.api_keys k WHERE k.guild_id = $1 AND k.user_id = $2), '[]'),
               'changed_by_administrators', coalesce((SELECT jsonb_agg(jsonb_build_object('action_type', a.action_type,
                            'before', a.before_snapshot, 'after', a.after_snapshot, 'reason', a.reason, 'timestamp', a."timestamp")
                            ORDER BY a.id)
                   FROM access.admin_log a
                  WHERE a.guild_id = $1 AND a.target_table = 'people.members' AND a.target_id = $2::bigint::text), '[]'))
               AS "copy!""#,
        guild.get(),
        user.get(),
    )
    .fetch_one(conn)
    .await
}

/// The audit log keeps what was done, and no names.
async fn scrub(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<u64, sqlx::Error> {
    sqlx::query!(
        "UPDATE access.admin_log
            SET before_snapshot = before_snapshot - ARRAY['name', 'avatar_hash', 'github_username'],
                after_snapshot = after_snapshot - ARRAY['name', 'avatar_hash', 'github_username']
          WHERE guild_id = $1 AND target_table = 'people.members' AND target_id = $2::bigint::text
            AND (jsonb_typeof(before_snapshot) = 'object' AND before_snapshot ?| ARRAY['name', 'avatar_hash', 'github_username']
              OR jsonb_typeof(after_snapshot) = 'object' AND after_snapshot ?| ARRAY['name', 'avatar_hash', 'github_username'])",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE access.admin_log
            SET reason = regexp_replace(reason, current_setting('questhall.forgotten'), $2, 'gi')
          WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten')",
        guild.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
    // What was before and after is made of what others wrote as well: reasons, titles, texts.
    sqlx::query!(
        "UPDATE access.admin_log
            SET before_snapshot = questhall.without_names(before_snapshot, current_setting('questhall.forgotten'), $2),
                after_snapshot = questhall.without_names(after_snapshot, current_setting('questhall.forgotten'), $2)
          WHERE guild_id = $1 AND (before_snapshot::text ~* current_setting('questhall.forgotten')
                                   OR after_snapshot::text ~* current_setting('questhall.forgotten'))",
        guild.get(),
        NOBODY,
    )
    .execute(conn)
    .await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_they_are_written() {
        let pattern =
            |names: &[&str]| pattern(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(pattern(&["Ada L.", "ada(1)"]), r"(?<![[:alnum:]_])(?:Ada L\.|ada\(1\))(?![[:alnum:]_])");
        assert_eq!(pattern(&["A", " ", NOBODY]), "$^");
    }
}
