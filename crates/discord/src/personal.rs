//! What the slice keeps of members: answers to the first pages of quizzes, what was to be done about them on Discord, and in which
//! voice channel they are.

use access::personal::Keeper;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// What is kept. Effects go by themselves too, a month after they were settled.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &["discord.quiz_drafts", "discord.effects", "discord.voice_states"],
    copy: |conn, guild, user| Box::pin(copy(conn, guild, user)),
    forget: |conn, guild, user| Box::pin(forget(conn, guild, user)),
};

async fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Value, sqlx::Error> {
    let kept = sqlx::query!(
        r#"SELECT (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY quiz_id), '[]') FROM discord.quiz_drafts d
                    WHERE guild_id = $1 AND user_id = $2) AS "drafts!",
                  (SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY id), '[]') FROM discord.effects e
                    WHERE guild_id = $1 AND (target = 'member:' || $2::bigint OR payload ->> 'user_id' = $2::bigint::text))
                      AS "effects!",
                  (SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') FROM discord.voice_states v
                    WHERE guild_id = $1 AND user_id = $2) AS "voice!""#,
        guild.get(),
        user.get(),
    )
    .fetch_one(conn)
    .await?;
    Ok(json!({ "quiz_drafts": kept.drafts, "effects": kept.effects, "voice_states": kept.voice }))
}

/// What is still to be done for them stays until it is: a role that is to be taken is taken.
async fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<u64, sqlx::Error> {
    let drafts = sqlx::query!(
        "DELETE FROM discord.quiz_drafts WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get()
    )
    .execute(&mut *conn)
    .await?;
    let effects = sqlx::query!(
        "DELETE FROM discord.effects
          WHERE guild_id = $1 AND (target = 'member:' || $2::bigint OR payload ->> 'user_id' = $2::bigint::text)
            AND (status <> 'pending' OR kind = 'announcement')",
        guild.get(),
        user.get()
    )
    .execute(&mut *conn)
    .await?;
    let voice = sqlx::query!(
        "DELETE FROM discord.voice_states WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get()
    )
    .execute(conn)
    .await?;
    Ok(drafts.rows_affected() + effects.rows_affected() + voice.rows_affected())
}
