//! What is kept of a member here: answers and hints. There are no names in it; whoever is forgotten stays in it as a bare number, as the standings rest upon it.

use access::personal::{Asked, Keeper, MOST};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "challenges.challenge_submissions",
        "challenges.hint_unlocks",
        "challenges.pending_checks",
        "challenges.borrowed_answers",
    ],
    copy,
    forget: |_, _, _| Box::pin(async { Ok(0) }),
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'submissions', coalesce((SELECT jsonb_agg(jsonb_build_object('challenge_id', s.challenge_id,
                            'campaign_id', s.campaign_id, 'part', s.part, 'submitted_result', s.submitted_result,
                            'is_correct', s.is_correct, 'points_awarded', s.points_awarded,
                            'submission_timestamp', s.submission_timestamp) ORDER BY s.id DESC)
                   FROM (SELECT s.* FROM campaigns.campaigns c
                     JOIN challenges.challenge_submissions s ON s.guild_id = c.guild_id AND s.campaign_id = c.id
                          WHERE c.guild_id = $1 AND s.user_id = $2 ORDER BY s.id DESC LIMIT $3) s), '[]'),
               'waiting', coalesce((SELECT jsonb_agg(jsonb_build_object('challenge_id', w.challenge_id, 'campaign_id', w.campaign_id,
                            'part', w.part, 'answer', w.answer, 'arrived_at', w.arrived_at) ORDER BY w.id)
                   FROM challenges.pending_checks w WHERE w.guild_id = $1 AND w.user_id = $2), '[]'),
               'hints', coalesce((SELECT jsonb_agg(jsonb_build_object('hint_id', h.hint_id, 'campaign_id', h.campaign_id,
                            'cost_bytes', h.cost_bytes, 'penalty', h.penalty, 'unlocked_at', h.unlocked_at))
                   FROM campaigns.campaigns c
               JOIN challenges.hint_unlocks h ON h.guild_id = c.guild_id AND h.campaign_id = c.id
                  WHERE c.guild_id = $1 AND h.unlocked_by = $2), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
            MOST,
        )
        .fetch_one(conn)
        .await
    })
}
