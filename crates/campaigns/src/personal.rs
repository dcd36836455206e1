//! What is kept of a member here: where they registered, where and for which squad they stood, what they could claim.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "campaigns.campaign_participants",
        "campaigns.campaign_standings",
        "campaigns.campaign_squad_rosters",
        "campaigns.campaign_testers",
        "campaigns.reward_claims",
    ],
    copy,
    forget,
};

/// Registrations, standings, rosters, campaigns tried out, and rewards.
fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'registrations', coalesce((SELECT jsonb_agg(jsonb_build_object('campaign_id', p.campaign_id, 'campaign', c.name,
                            'display_name', p.display_name, 'registered_at', p.registered_at, 'fee_paid', p.fee_paid,
                            'points', p.points, 'penalty', p.penalty, 'parts_solved', p.parts_solved) ORDER BY p.registered_at DESC)
                   FROM campaigns.campaigns c
                   JOIN campaigns.campaign_participants p
                     ON p.guild_id = c.guild_id AND p.campaign_id = c.id AND p.participant_type = 'player' AND p.participant_id = $2::bigint::text
                  WHERE c.guild_id = $1), '[]'),
               'standings', coalesce((SELECT jsonb_agg(jsonb_build_object('campaign_id', s.campaign_id, 'snapshot', s.snapshot,
                            'rank', s.rank, 'points', s.points))
                   FROM campaigns.campaigns c
                   JOIN campaigns.campaign_standings s
                     ON s.guild_id = c.guild_id AND s.campaign_id = c.id AND s.participant_type = 'player' AND s.participant_id = $2::bigint::text
                  WHERE c.guild_id = $1), '[]'),
               'rosters', coalesce((SELECT jsonb_agg(jsonb_build_object('campaign_id', r.campaign_id, 'squad_id', r.squad_id))
                   FROM campaigns.campaign_squad_rosters r WHERE r.guild_id = $1 AND r.user_id = $2), '[]'),
               'tested', coalesce((SELECT jsonb_agg(t.campaign_id)
                   FROM campaigns.campaign_testers t WHERE t.guild_id = $1 AND t.user_id = $2), '[]'),
               'rewards', coalesce((SELECT jsonb_agg(to_jsonb(r) - 'guild_id' - 'user_id')
                   FROM (SELECT * FROM campaigns.reward_claims WHERE guild_id = $1 AND user_id = $2
                          ORDER BY created_at DESC LIMIT $3) r), '[]'))
               AS "copy!""#,
        guild.get(),
        user.get(),
        MOST,
    )
    .fetch_one(conn)
    .await
    })
}

/// Names go; what others' figures rest upon stays.
fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        sqlx::query!(
            "UPDATE campaigns.campaign_participants p SET display_name = $3
           FROM campaigns.campaigns c
          WHERE c.guild_id = $1 AND p.guild_id = c.guild_id AND p.campaign_id = c.id AND p.participant_type = 'player'
            AND p.participant_id = $2::bigint::text AND p.display_name <> $3",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "UPDATE campaigns.campaign_standings s SET display_name = $3
           FROM campaigns.campaigns c
          WHERE c.guild_id = $1 AND s.guild_id = c.guild_id AND s.campaign_id = c.id AND s.participant_type = 'player'
            AND s.participant_id = $2::bigint::text AND s.display_name <> $3",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        // Nothing went but names and words.
        Ok(0)
    })
}
