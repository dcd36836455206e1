//! What is kept of a member here: seasons, achievements, standings, the journal. The journal stays under the bare number of the account, as the figures rest upon it.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "progress.user_stats",
        "progress.season_standings",
        "progress.activity_log",
        "progress.user_achievements",
    ],
    copy,
    forget: |conn, guild, user| Box::pin(forget(conn, guild, user)),
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'seasons', coalesce((SELECT jsonb_agg(to_jsonb(s) - 'guild_id' - 'user_id' ORDER BY s.season_id)
                     FROM progress.user_stats s WHERE s.guild_id = $1 AND s.user_id = $2), '[]'),
               'achievements', coalesce((SELECT jsonb_agg(jsonb_build_object('name', t.name, 'earned_at', a.earned_at) ORDER BY a.earned_at)
                     FROM progress.user_achievements a
                     JOIN progress.achievement_templates t ON t.guild_id = a.guild_id AND t.id = a.achievement_id
                    WHERE a.guild_id = $1 AND a.user_id = $2), '[]'),
               'standings', coalesce((SELECT jsonb_agg(to_jsonb(s) - 'guild_id' - 'user_id' ORDER BY s.season_id)
                     FROM progress.season_standings s WHERE s.guild_id = $1 AND s.user_id = $2), '[]'),
               'activity', coalesce((SELECT jsonb_agg(to_jsonb(l) - 'guild_id' - 'user_id')
                     FROM (SELECT * FROM progress.activity_log WHERE guild_id = $1 AND user_id = $2
                            ORDER BY "timestamp" DESC, id DESC LIMIT $3) l), '[]'))
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
    sqlx::query!(
        "UPDATE progress.user_stats SET messages_sent = 0, threads_created = 0, voice_minutes = 0
          WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE progress.activity_log SET metadata = metadata - 'reason'
          WHERE guild_id = $1 AND user_id = $2 AND metadata ? 'reason'",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE progress.user_achievements SET revoke_reason = NULL
          WHERE guild_id = $1 AND user_id = $2 AND revoke_reason IS NOT NULL",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?;
    // Others' awards may name them.
    sqlx::query!(
        "UPDATE progress.activity_log
                SET metadata = jsonb_set(metadata, '{reason}', to_jsonb(regexp_replace(metadata ->> 'reason',
                        current_setting('questhall.forgotten'), $2, 'gi')))
              WHERE guild_id = $1 AND event_type = 'MANUAL_AWARD'
                AND metadata ->> 'reason' ~* current_setting('questhall.forgotten')",
        guild.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
    // Nothing went but words.
    Ok(0)
}
