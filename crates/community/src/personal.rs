//! What is kept of a member here: quests taken on, purchases, skills, announcements. Quests that they work on are open again.

use access::personal::{Asked, Keeper, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "community.quests",
        "community.shop_purchases",
        "community.user_skills",
        "community.user_skill_rewards",
        "community.announcements",
    ],
    copy,
    forget: |conn, guild, user| Box::pin(forget(conn, guild, user)),
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'quests', coalesce((SELECT jsonb_agg(jsonb_build_object('title', q.title, 'status', q.status, 'claimed_at', q.claimed_at,
                                'completed_at', q.completed_at, 'github_issue_url', q.github_issue_url) ORDER BY q.id)
                     FROM community.quests q
                    WHERE q.guild_id = $1 AND $2 IN (q.claimed_by, q.completed_by)), '[]'),
               'purchases', coalesce((SELECT jsonb_agg(jsonb_build_object('item', i.name, 'quantity', p.quantity, 'price_gold', p.price_gold,
                                'status', p.status, 'created_at', p.created_at, 'settled_at', p.settled_at) ORDER BY p.created_at)
                     FROM community.shop_purchases p
                     JOIN community.shop_items i ON i.guild_id = p.guild_id AND i.id = p.item_id
                    WHERE p.guild_id = $1 AND p.user_id = $2), '[]'),
               'skills', coalesce((SELECT jsonb_agg(jsonb_build_object('skill', k.slug, 'name', k.name, 'skill_points', s.skill_points,
                                'level', s.level) ORDER BY k.slug)
                     FROM community.user_skills s JOIN community.skills k ON k.guild_id = s.guild_id AND k.id = s.skill_id
                    WHERE s.guild_id = $1 AND s.user_id = $2), '[]'),
               'skill_rewards', coalesce((SELECT jsonb_agg(to_jsonb(r) - 'guild_id' - 'user_id' ORDER BY r.created_at)
                     FROM community.user_skill_rewards r WHERE r.guild_id = $1 AND r.user_id = $2), '[]'),
               'announcements', coalesce((SELECT jsonb_agg(jsonb_build_object('kind', n.kind, 'status', n.status, 'what', n.payload,
                                'created_at', n.created_at, 'sent_at', n.sent_at) ORDER BY n.id)
                     FROM community.announcements n WHERE n.guild_id = $1 AND n.user_id = $2), '[]'))
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
        "DELETE FROM community.announcements WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    // What is announced of others may name them: reasons, above all.
    sqlx::query!(
        "UPDATE community.announcements
            SET payload = questhall.without_names(payload, current_setting('questhall.forgotten'), $2)
          WHERE guild_id = $1 AND payload::text ~* current_setting('questhall.forgotten')",
        guild.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
    crate::board::lapse::release_all_of(conn, guild, user).await?;
    Ok(gone)
}
