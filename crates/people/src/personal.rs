//! What is kept of a member here: what is announced about them, Discord roles. Name and account stand at the head of a copy, and are forgotten by [`crate::privacy`].

use access::personal::{Asked, Keeper};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &["people.users", "people.members", "people.user_preferences", "people.member_roles"],
    copy,
    forget: |conn, guild, user| Box::pin(forget(conn, guild, user)),
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'preferences', coalesce((SELECT jsonb_agg(to_jsonb(p) - 'guild_id' - 'user_id')
                     FROM people.user_preferences p WHERE p.guild_id = $1 AND p.user_id = $2), '[]'),
               'member_roles', coalesce((SELECT jsonb_agg(jsonb_build_object('role_id', r.role_id::text, 'wanted', r.wanted,
                                'confirmed_at', r.confirmed_at) ORDER BY r.role_id)
                     FROM people.member_roles r WHERE r.guild_id = $1 AND r.user_id = $2), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
        )
        .fetch_one(conn)
        .await
    })
}

/// Removes, or empties, what nobody else's figures rest upon.
async fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    gone += sqlx::query!(
        "DELETE FROM people.user_preferences WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    gone += sqlx::query!(
        "DELETE FROM people.member_roles WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    Ok(gone)
}
