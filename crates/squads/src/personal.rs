//! What is kept of a member here: the squads they are and were in. Names are in it
//! only where others wrote why.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper =
    Keeper { tables: &["squads.squad_memberships", "squads.squad_membership_log"], copy, forget };

/// The name goes from the reasons of others' moves; what moved stays.
fn forget(conn: &mut PgConnection, guild: GuildId, _: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        sqlx::query!(
            "UPDATE squads.squad_membership_log
                SET reason = left(regexp_replace(reason, current_setting('questhall.forgotten'), $2, 'gi'), 500)
              WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten')",
            guild.get(),
            NOBODY,
        )
        .execute(conn)
        .await?;
        // Nothing went but names.
        Ok(0)
    })
}

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'memberships', coalesce((SELECT jsonb_agg(jsonb_build_object('squad', s.name, 'joined_at', m.joined_at))
                   FROM squads.squad_memberships m JOIN squads.squads s ON s.guild_id = m.guild_id AND s.id = m.squad_id
                  WHERE m.guild_id = $1 AND m.user_id = $2), '[]'),
               'moves', coalesce((SELECT jsonb_agg(jsonb_build_object('action', l.action, 'from_squad_id', l.from_squad_id,
                            'to_squad_id', l.to_squad_id, 'cost', l.cost, 'reason', l.reason, 'occurred_at', l.occurred_at)
                            ORDER BY l.id DESC)
                   FROM (SELECT * FROM squads.squad_membership_log WHERE guild_id = $1 AND user_id = $2
                          ORDER BY occurred_at DESC, id DESC LIMIT $3) l), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
            MOST,
        )
        .fetch_one(conn)
        .await
    })
}
