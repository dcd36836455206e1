//! SQL of campaigns: rows in, rows out. Transactions are the callers', and so are locks: see [`crate::locks`].

pub(crate) mod claims;
pub(crate) mod history;
pub(crate) mod lifecycle;
pub(crate) mod participants;
pub(crate) mod timers;

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChannelId, GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{
    Campaign, CampaignSettings, CampaignType, RateLimit, Reward, ScoringType, Status, TimerSettings,
};
use crate::rehearsal::Piece;

struct Row {
    id: Uuid,
    guild_id: i64,
    name: String,
    description: Option<String>,
    campaign_type: CampaignType,
    status: Status,
    state: String,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    duration_hours: i32,
    auto_close: bool,
    rewards_enabled: bool,
    release_delay_minutes: i32,
    scoring_type: ScoringType,
    starting_points: Option<i32>,
    points_decrease_step: Option<i32>,
    announcement_channel_id: Option<i64>,
    entry_fee: i64,
    freeze_minutes: i32,
    early_access_minutes: i32,
    late_join_minutes: i32,
    allow_squad_moves: bool,
    tell_borrowed_answers: bool,
    limit_per_5s: i32,
    limit_per_5min: i32,
    lockout_seconds: i32,
    lockout_factor: f64,
    reward_delay_minutes: i32,
    claim_days: i32,
    reminder_hours: i32,
    expire_unstarted_minutes: i32,
    expire_unclosed_minutes: i32,
    expire_closed_hours: i32,
    published_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    reward_claim_at: Option<DateTime<Utc>>,
    expired_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    challenges: i64,
    challenges_released: i64,
    rewards: serde_json::Value,
}

impl From<Row> for Campaign {
    fn from(r: Row) -> Self {
        let rewards: Vec<Reward> = serde_json::from_value(r.rewards).unwrap_or_default();
        Self {
            id: CampaignId::new(r.id),
            guild_id: GuildId::new(r.guild_id),
            status: r.status,
            state: r.state,
            settings: CampaignSettings {
                name: r.name,
                description: r.description,
                campaign_type: r.campaign_type,
                scoring_type: r.scoring_type,
                starting_points: r.starting_points,
                points_decrease_step: r.points_decrease_step,
                start_time: r.start_time,
                duration_hours: r.duration_hours,
                release_delay_minutes: r.release_delay_minutes,
                auto_close: r.auto_close,
                rewards_enabled: r.rewards_enabled,
                entry_fee: r.entry_fee,
                announcement_channel_id: r.announcement_channel_id.map(ChannelId::new),
                freeze_minutes: r.freeze_minutes,
                early_access_minutes: r.early_access_minutes,
                late_join_minutes: r.late_join_minutes,
                allow_squad_moves: r.allow_squad_moves,
                tell_borrowed_answers: r.tell_borrowed_answers,
                rate_limit: RateLimit {
                    per_5s: r.limit_per_5s,
                    per_5min: r.limit_per_5min,
                    lockout_seconds: r.lockout_seconds,
                    lockout_factor: r.lockout_factor,
                },
                timers: TimerSettings {
                    reward_delay_minutes: r.reward_delay_minutes,
                    claim_days: r.claim_days,
                    reminder_hours: r.reminder_hours,
                    expire_unstarted_minutes: r.expire_unstarted_minutes,
                    expire_unclosed_minutes: r.expire_unclosed_minutes,
                    expire_closed_hours: r.expire_closed_hours,
                },
                rewards,
            },
            end_time: r.end_time,
            published_at: r.published_at,
            started_at: r.started_at,
            closed_at: r.closed_at,
            reward_claim_at: r.reward_claim_at,
            expired_at: r.expired_at,
            cancelled_at: r.cancelled_at,
            challenges: r.challenges,
            challenges_released: r.challenges_released,
            created_at: r.created_at,
            updated_at: r.updated_at,
        }
    }
}

/// Campaigns of a guild, newest first: the one with this id, or those before it, of this status.
async fn fetch(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: Option<CampaignId>,
    before: Option<CampaignId>,
    status: Option<Status>,
    drafts: bool,
    limit: i64,
) -> Result<Vec<Campaign>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id, c.guild_id, c.name, c.description, c.campaign_type AS "campaign_type: CampaignType",
                  c.status AS "status: Status", c.state, c.start_time, c.end_time, c.duration_hours, c.auto_close,
                  c.rewards_enabled, c.release_delay_minutes, c.scoring_type AS "scoring_type: ScoringType",
                  c.starting_points, c.points_decrease_step, c.announcement_channel_id, c.entry_fee, c.freeze_minutes,
                  c.early_access_minutes, c.late_join_minutes, c.allow_squad_moves, c.tell_borrowed_answers, c.limit_per_5s, c.limit_per_5min,
                  c.lockout_seconds, c.lockout_factor, c.reward_delay_minutes, c.claim_days, c.reminder_hours,
                  c.expire_unstarted_minutes, c.expire_unclosed_minutes, c.expire_closed_hours, c.published_at,
                  c.started_at, c.closed_at, c.reward_claim_at, c.expired_at, c.cancelled_at, c.created_at, c.updated_at,
                  n.challenges AS "challenges!", n.released AS "challenges_released!", r.rewards AS "rewards!"
           FROM campaigns.campaigns c
           CROSS JOIN LATERAL (
               SELECT count(*) AS challenges, count(released_at) AS released
               FROM challenges.challenges ch WHERE ch.guild_id = c.guild_id AND ch.campaign_id = c.id) n
           CROSS JOIN LATERAL (
               SELECT coalesce(jsonb_agg(jsonb_build_object('from', rank_from, 'to', rank_to,
                   'participation', rank_from IS NULL, 'bytes', bytes, 'xp', xp, 'gold', gold) ORDER BY position), '[]') AS rewards
               FROM campaigns.campaign_rewards w WHERE w.guild_id = c.guild_id AND w.campaign_id = c.id) r
           WHERE c.guild_id = $1 AND ($2::uuid IS NULL OR c.id = $2) AND ($3::uuid IS NULL OR c.id < $3)
             AND ($4::text IS NULL OR c.status = $4) AND ($5 OR c.published_at IS NOT NULL)
           ORDER BY c.id DESC LIMIT $6"#,
        guild_id.get(),
        id.map(CampaignId::get),
        before.map(CampaignId::get),
        status.map(Status::as_str),
        drafts,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Campaign::from).collect())
}

#[kernel::boxed]
pub(crate) async fn campaign_get(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    drafts: bool,
) -> Result<Option<Campaign>, sqlx::Error> {
    Ok(fetch(conn, guild_id, Some(id), None, None, drafts, 1).await?.pop())
}

#[kernel::boxed]
pub(crate) async fn campaign_list(
    conn: &mut PgConnection,
    guild_id: GuildId,
    before: Option<CampaignId>,
    status: Option<Status>,
    drafts: bool,
    limit: i64,
) -> Result<Vec<Campaign>, sqlx::Error> {
    fetch(conn, guild_id, None, before, status, drafts, limit).await
}

pub(crate) async fn campaign_insert(
    conn: &mut PgConnection,
    guild_id: GuildId,
    secret: &[u8],
    created_by: Option<UserId>,
    changed_by: &str,
    s: &CampaignSettings,
) -> Result<CampaignId, sqlx::Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO campaigns.campaigns (guild_id, secret, created_by, changed_by, name, campaign_type, duration_hours)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id AS "id: CampaignId""#,
        guild_id.get(),
        secret,
        created_by.map(UserId::get),
        changed_by,
        s.name.trim(),
        s.campaign_type.as_str(),
        s.duration_hours
    )
    .fetch_one(&mut *conn)
    .await?;
    campaign_update(conn, guild_id, id, s).await?;
    Ok(id)
}

/// Writes all settings, the reward table among them.
#[kernel::boxed]
pub(crate) async fn campaign_update(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    s: &CampaignSettings,
) -> Result<(), sqlx::Error> {
    let (limit, timers) = (&s.rate_limit, &s.timers);
    sqlx::query!(
        "UPDATE campaigns.campaigns SET
             name = $2, description = $3, campaign_type = $4, scoring_type = $5, starting_points = $6,
             points_decrease_step = $7, start_time = $8, duration_hours = $9, release_delay_minutes = $10, auto_close = $11,
             rewards_enabled = $12, entry_fee = $13, announcement_channel_id = $14, freeze_minutes = $15,
             early_access_minutes = $16, late_join_minutes = $17, allow_squad_moves = $18, limit_per_5s = $19,
             limit_per_5min = $20, lockout_seconds = $21, lockout_factor = $22, reward_delay_minutes = $23, claim_days = $24,
             reminder_hours = $25, expire_unstarted_minutes = $26, expire_unclosed_minutes = $27, expire_closed_hours = $28,
             tell_borrowed_answers = $30
         WHERE guild_id = $29 AND id = $1",
        id.get(),
        s.name.trim(),
        s.description,
        s.campaign_type.as_str(),
        s.scoring_type.as_str(),
        s.starting_points,
        s.points_decrease_step,
        s.start_time,
        s.duration_hours,
        s.release_delay_minutes,
        s.auto_close,
        s.rewards_enabled,
        s.entry_fee,
        s.announcement_channel_id.map(ChannelId::get),
        s.freeze_minutes,
        s.early_access_minutes,
        s.late_join_minutes,
        s.allow_squad_moves,
        limit.per_5s,
        limit.per_5min,
        limit.lockout_seconds,
        limit.lockout_factor,
        timers.reward_delay_minutes,
        timers.claim_days,
        timers.reminder_hours,
        timers.expire_unstarted_minutes,
        timers.expire_unclosed_minutes,
        timers.expire_closed_hours,
        guild_id.get(),
        s.tell_borrowed_answers,
    )
    .execute(&mut *conn)
    .await?;
    rewards_put(conn, guild_id, id, &s.rewards).await
}

async fn rewards_put(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    rewards: &[Reward],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM campaigns.campaign_rewards WHERE guild_id = $1 AND campaign_id = $2",
        guild_id.get(),
        id.get()
    )
    .execute(&mut *conn)
    .await?;
    let column = |f: fn(&Reward) -> i64| rewards.iter().map(f).collect::<Vec<_>>();
    let ranks = |f: fn(&Reward) -> Option<i32>| rewards.iter().map(f).collect::<Vec<_>>();
    let (from, to) = (ranks(|r| r.from), ranks(|r| r.to));
    sqlx::query!(
        "INSERT INTO campaigns.campaign_rewards (campaign_id, guild_id, position, rank_from, rank_to, bytes, xp, gold)
         SELECT $1, $7, r.position, r.rank_from, r.rank_to, r.bytes, r.xp, r.gold
         FROM unnest($2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])
                  WITH ORDINALITY AS r (rank_from, rank_to, bytes, xp, gold, position)",
        id.get(),
        &from as &[Option<i32>],
        &to as &[Option<i32>],
        &column(|r| r.bytes),
        &column(|r| r.xp),
        &column(|r| r.gold),
        guild_id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that a campaign is published, where it is not.
pub(crate) async fn campaign_publish(
    conn: &mut PgConnection,
    campaign: CampaignKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE campaigns.campaigns SET published_at = coalesce(published_at, now()) WHERE guild_id = $1 AND id = $2",
        campaign.guild_id.get(),
        campaign.id.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a campaign with all that belongs to it.
pub(crate) async fn campaign_delete(
    conn: &mut PgConnection,
    campaign: CampaignKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2",
        campaign.guild_id.get(),
        campaign.id.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A freeze that was put off thaws the scoreboard again.
pub(crate) async fn unfreeze(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    freeze_minutes: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH thawed AS (
             UPDATE campaigns.campaigns SET frozen_at = NULL
             WHERE guild_id = $3 AND id = $1 AND frozen_at IS NOT NULL
               AND ($2 = 0 OR end_time - $2 * interval '1 minute' > now())
             RETURNING guild_id, id
         )
         DELETE FROM campaigns.campaign_standings s USING thawed t
         WHERE s.guild_id = t.guild_id AND s.campaign_id = t.id AND s.snapshot = 'freeze'",
        campaign.id.get(),
        freeze_minutes,
        campaign.guild_id.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a rehearsal has to know of a campaign's challenges, in their order.
pub(crate) async fn pieces(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
    limit: i64,
) -> sqlx::Result<Vec<Piece>> {
    sqlx::query_as!(
        Piece,
        "SELECT title, closes_after_minutes, script_error, checker_error FROM challenges.challenges
          WHERE guild_id = $1 AND campaign_id = $2 ORDER BY order_position LIMIT $3",
        guild.get(),
        campaign.get(),
        limit,
    )
    .fetch_all(conn)
    .await
}
