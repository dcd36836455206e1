//! Takes a campaign's time to another place: `t` becomes `begin + (t - from) × factor`. One linear map over all its instants keeps their
//! order, and so whatever follows from it.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, GuildId};
use sqlx::PgConnection;

/// The map, and of which campaign.
pub(super) struct Map {
    pub(super) guild: GuildId,
    pub(super) campaign: CampaignId,
    /// The instant that becomes `begin`.
    pub(super) from: DateTime<Utc>,
    /// Where it is taken to.
    pub(super) begin: DateTime<Utc>,
    /// How many times as long everything takes.
    pub(super) factor: f64,
}

/// The campaign itself, its challenges and inputs; its expiry is due now.
pub(super) async fn campaign(conn: &mut PgConnection, map: &Map, hours: i32) -> sqlx::Result<()> {
    let Map { guild, campaign, from, begin, factor } = map;
    sqlx::query!(
        "UPDATE campaigns.campaigns SET start_time = $4::timestamptz, duration_hours = $6, started_at = $4::timestamptz,
                created_at = $4::timestamptz - interval '9 days', published_at = $4::timestamptz - interval '7 days',
                closed_at = least(now(), $4::timestamptz + (closed_at - $3::timestamptz) * $5::float8),
                reward_claim_at = least(now(), $4::timestamptz + (reward_claim_at - $3::timestamptz) * $5::float8)
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
        hours,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE challenges.generated_input_cache
            SET generation_timestamp = $4::timestamptz + (generation_timestamp - $3::timestamptz) * $5::float8,
                first_request_timestamp = $4::timestamptz + (first_request_timestamp - $3::timestamptz) * $5::float8
          WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
    )
    .execute(&mut *conn)
    .await?;
    // By the timetable, but never after who asked first for its input.
    sqlx::query!(
        "UPDATE challenges.challenges ch
            SET created_at = $3::timestamptz - interval '9 days', released_at = least(
                    c.start_time + (ch.order_position - 1) * c.release_delay_minutes * interval '1 minute',
                    (SELECT min(i.first_request_timestamp) - interval '1 minute' FROM challenges.generated_input_cache i
                      WHERE i.guild_id = ch.guild_id AND i.challenge_id = ch.id))
           FROM campaigns.campaigns c
          WHERE ch.guild_id = $1 AND ch.campaign_id = $2 AND c.guild_id = ch.guild_id AND c.id = ch.campaign_id",
        guild.get(),
        campaign.get(),
        begin,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE campaigns.campaign_timers SET scheduled_at = now()
          WHERE guild_id = $1 AND campaign_id = $2 AND timer_type = 'EXPIRE_CAMPAIGN' AND status = 'PENDING'",
        guild.get(),
        campaign.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Answers, with the time that they took.
pub(super) async fn answers(conn: &mut PgConnection, map: &Map) -> sqlx::Result<()> {
    let Map { guild, campaign, from, begin, factor } = map;
    sqlx::query!(
        "UPDATE challenges.challenge_submissions
            SET submission_timestamp = $4::timestamptz + (submission_timestamp - $3::timestamptz) * $5::float8, elapsed_ms = round(elapsed_ms * $5::float8)::bigint
          WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE challenges.hint_unlocks SET unlocked_at = $4::timestamptz + (unlocked_at - $3::timestamptz) * $5::float8
          WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM challenges.submission_rate_limits WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Participants, final standings and claims. The sums of times are made of the answers anew; ranks by points do not depend on them.
pub(super) async fn standings(conn: &mut PgConnection, map: &Map) -> sqlx::Result<()> {
    let Map { guild, campaign, from, begin, factor } = map;
    sqlx::query!(
        "UPDATE campaigns.campaign_participants p
            SET registered_at = $4::timestamptz - (abs(hashtext(p.participant_id)::bigint) % 8640) * interval '1 minute', locked_until = NULL,
                last_correct_at = CASE WHEN p.last_correct_at = 'infinity' THEN p.last_correct_at
                                       ELSE $4::timestamptz + (p.last_correct_at - $3::timestamptz) * $5::float8 END,
                total_ms = coalesce((SELECT sum(s.elapsed_ms) FROM challenges.challenge_submissions s
                                      WHERE s.guild_id = p.guild_id AND s.campaign_id = p.campaign_id
                                        AND s.participant_id = p.participant_id AND s.is_correct), 0)::bigint
          WHERE p.guild_id = $1 AND p.campaign_id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE campaigns.campaign_standings f SET total_ms = p.total_ms, last_correct_at = nullif(p.last_correct_at, 'infinity')
           FROM campaigns.campaign_participants p
          WHERE f.guild_id = $1 AND f.campaign_id = $2 AND p.guild_id = f.guild_id AND p.campaign_id = f.campaign_id
            AND p.participant_id = f.participant_id",
        guild.get(),
        campaign.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE campaigns.reward_claims
            SET created_at = least(now(), $4::timestamptz + (created_at - $3::timestamptz) * $5::float8), claimed_at =
                CASE WHEN claimed_at IS NOT NULL THEN least(now(), $4::timestamptz + (claimed_at - $3::timestamptz) * $5::float8) END
          WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
        from,
        begin,
        factor,
    )
    .execute(conn)
    .await?;
    Ok(())
}
