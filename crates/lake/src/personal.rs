//! What is kept of a member here: events, counters, the state of limits. Reactions to others' messages stay, as others' figures rest upon them; pairs and reactors of messages go
//! with the retention.

use access::personal::{Asked, Keeper, MOST};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "lake.event_lake",
        "lake.event_counters",
        "lake.reward_cooldowns",
        "lake.voice_sessions",
        "lake.reaction_pairs",
        "lake.message_reactors",
    ],
    copy,
    forget: |conn, guild, user| Box::pin(forget(conn, guild, user)),
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'counters', coalesce((SELECT jsonb_agg(to_jsonb(c) - 'guild_id' - 'user_id' ORDER BY c.event_type, c.category_id, c.period)
                     FROM lake.event_counters c WHERE c.guild_id = $1 AND c.user_id = $2), '[]'),
               'events', coalesce((SELECT jsonb_agg(jsonb_build_object('event_type', e.event_type, 'channel_id', e.channel_id::text,
                                'target_id', e.target_id::text, 'timestamp', e."timestamp", 'payload', e.payload,
                                'source_id', e.source_id))
                     FROM (SELECT * FROM lake.event_lake WHERE guild_id = $1 AND user_id = $2
                            ORDER BY "timestamp" DESC LIMIT $3) e), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
            MOST,
        )
        .fetch_one(conn)
        .await
    })
}

/// Removes, or empties, what nobody else's figures rest upon.
async fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    gone += sqlx::query!(
        "DELETE FROM lake.event_lake WHERE guild_id = $1 AND user_id = $2 AND event_type <> 'reaction_add'",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query!(
        "UPDATE lake.event_lake SET payload = payload - 'roles'
          WHERE guild_id = $1 AND user_id = $2 AND payload ? 'roles'",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    // The guild's days are the sums of its members' counters.
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM lake.event_counters
              WHERE guild_id = $1 AND user_id = $2 AND event_type <> 'reaction_add'
             RETURNING event_type, category_id, period, count
         )
         UPDATE progress.guild_days d SET count = greatest(d.count - g.count, 0)
           FROM gone g
          WHERE g.category_id = 0 AND g.period LIKE 'day:%'
            AND d.guild_id = $1 AND d.day = substr(g.period, 5)::date AND d.kind = g.event_type",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    gone += sqlx::query!(
        "DELETE FROM lake.reward_cooldowns WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    gone += sqlx::query!(
        "DELETE FROM lake.voice_sessions WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    Ok(gone)
}
