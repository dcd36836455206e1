//! The transitions, each for a set of campaigns at once and inside the caller's transaction.
//!
//! Who calls one holds the campaigns' locks ([`campaigns_lock`]); the functions take campaigns that are in the right state
//! and leave out the rest. The journal is written by the table's trigger.
//!
//! [`campaigns_lock`]: crate::locks::campaigns_lock

use challenges::CampaignKey;
use chrono::TimeDelta;
use jobs::outbox::{self, Event};
use kernel::{CampaignId, GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::fees::refund;
use crate::locks::Locked;
use crate::model::{CampaignType, Status};

/// Why campaigns move, for the journal.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The timer type or admin action, such as `START_CAMPAIGN` or `ADMIN_CLOSE`.
    pub event: &'static str,
    /// Who: `system`, `key:<id>` or `user:<id>`.
    pub by: String,
}

impl Cause {
    /// A timer did it.
    pub fn timer(event: &'static str) -> Self {
        Self { event, by: "system".to_owned() }
    }
}

/// A campaign that moved.
struct Moved {
    id: Uuid,
    guild_id: i64,
    name: String,
    channel: Option<i64>,
}

impl Moved {
    fn event(&self, event_type: &'static str, mut extra: Value) -> Event {
        if let Value::Object(fields) = &mut extra {
            fields.insert("campaign_id".into(), json!(self.id));
            fields.insert("name".into(), json!(self.name));
            fields.insert("announcement_channel_id".into(), json!(self.channel.map(|c| c.to_string())));
        }
        Event {
            guild_id: GuildId::new(self.guild_id),
            event_type,
            subject: format!("campaigns/{}", self.id),
            correlation_id: None,
            user_id: None,
            payload: extra,
        }
    }
}

fn events(moved: &[Moved], event_type: &'static str) -> Vec<Event> {
    moved.iter().map(|m| m.event(event_type, json!({}))).collect()
}

fn keys_of(campaigns: &[&Locked], wanted: impl Fn(&Locked) -> bool) -> Vec<CampaignKey> {
    campaigns.iter().filter(|c| wanted(c)).map(|c| c.key()).collect()
}

/// CREATED → RUNNING: fixes squads' rosters, releases the first challenge and schedules the second.
pub async fn start(conn: &mut PgConnection, campaigns: &[&Locked], cause: &Cause) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Created && c.published);
    let (guilds, ids) = CampaignKey::columns(&keys);
    let moved = sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'RUNNING', started_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'CREATED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by
    )
    .fetch_all(&mut *conn)
    .await?;
    outbox::emit(conn, &events(&moved, "campaign.started")).await?;
    let squads = keys_of(campaigns, |c| c.campaign_type == CampaignType::Squad && c.has_participants);
    if !squads.is_empty() {
        roster_fix(conn, &squads).await?;
    }
    let with_challenges = keys_of(campaigns, |c| c.has_challenges);
    if !with_challenges.is_empty() {
        release(conn, &with_challenges).await?;
    }
    Ok(())
}

/// Writes down who is in which registered squad: that is who may act for it while the campaign runs.
pub(crate) async fn roster_fix(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "INSERT INTO campaigns.campaign_squad_rosters (campaign_id, user_id, squad_id, guild_id)
         SELECT p.campaign_id, m.user_id, m.squad_id, p.guild_id
         FROM campaigns.campaign_participants p
         JOIN squads.squad_memberships m ON m.guild_id = p.guild_id AND m.squad_id::text = p.participant_id
         WHERE (p.guild_id, p.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND p.participant_type = 'squad'
         ORDER BY p.guild_id, p.campaign_id, m.user_id
         ON CONFLICT ON CONSTRAINT pk_campaign_squad_rosters DO NOTHING",
        &guilds,
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Releases the next challenge of each running campaign whose time has come, and schedules the one after it.
pub async fn release(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    let released = sqlx::query!(
        "WITH next AS (
             SELECT DISTINCT ON (ch.guild_id, ch.campaign_id) ch.guild_id, ch.id, ch.campaign_id
             FROM challenges.challenges ch
             JOIN campaigns.campaigns c ON c.guild_id = ch.guild_id AND c.id = ch.campaign_id AND c.status = 'RUNNING'
             WHERE (ch.guild_id, ch.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND ch.released_at IS NULL
               AND c.start_time + (ch.order_position - 1) * c.release_delay_minutes * interval '1 minute' <= now()
             ORDER BY ch.guild_id, ch.campaign_id, ch.order_position
         )
         UPDATE challenges.challenges ch
         SET released_at = now(), closes_at = now() + ch.closes_after_minutes * interval '1 minute'
         FROM next n JOIN campaigns.campaigns c ON c.guild_id = n.guild_id AND c.id = n.campaign_id
         WHERE ch.guild_id = n.guild_id AND ch.id = n.id
         RETURNING ch.id, ch.campaign_id, ch.guild_id, ch.order_position, ch.title, c.name, c.announcement_channel_id",
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let released: Vec<Event> = released
        .iter()
        .map(|r| Event {
            guild_id: GuildId::new(r.guild_id),
            event_type: "challenge.released",
            subject: format!("campaigns/{}/challenges/{}", r.campaign_id, r.id),
            correlation_id: None,
            user_id: None,
            payload: json!({
                "campaign_id": r.campaign_id, "challenge_id": r.id, "order_position": r.order_position,
                "title": r.title, "name": r.name,
                "announcement_channel_id": r.announcement_channel_id.map(|c| c.to_string()),
            }),
        })
        .collect();
    outbox::emit(conn, &released).await?;
    releases_schedule(conn, keys).await
}

/// Schedules, or moves, the next release of each running campaign.
pub(crate) async fn releases_schedule(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_scalar!("SELECT campaigns.schedule_next_releases($1, $2)", &guilds, &ids)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Stores the scoreboard that everyone but admins sees from now until the close.
pub async fn freeze(conn: &mut PgConnection, campaigns: &[&Locked]) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Running);
    if keys.is_empty() {
        return Ok(());
    }
    let (guilds, ids) = CampaignKey::columns(&keys);
    challenges::standings_snapshot(conn, &keys, challenges::Snapshot::Freeze).await?;
    let moved = sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET frozen_at = now(), updated_at = clock_timestamp()
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    outbox::emit(conn, &events(&moved, "campaign.standings_frozen")).await?;
    Ok(())
}

/// RUNNING → CLOSED: stores the final standings, makes the claims and schedules their opening.
pub async fn close(conn: &mut PgConnection, campaigns: &[&Locked], cause: &Cause) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Running);
    if keys.is_empty() {
        return Ok(());
    }
    let (guilds, ids) = CampaignKey::columns(&keys);
    let moved = sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'CLOSED', closed_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'RUNNING'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by
    )
    .fetch_all(&mut *conn)
    .await?;
    let scored = keys_of(campaigns, |c| c.status == Status::Running && c.has_participants);
    if !scored.is_empty() {
        challenges::standings_snapshot(conn, &scored, challenges::Snapshot::Final).await?;
        claims_make(conn, &scored).await?;
    }
    timers_cancel(conn, &keys, &["RELEASE_CHALLENGE", "FREEZE_STANDINGS", "CLOSE_CAMPAIGN"]).await?;
    sqlx::query!(
        "INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT id, guild_id, 'OPEN_REWARD_CLAIM', now() + reward_delay_minutes * interval '1 minute'
         FROM campaigns.campaigns
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND rewards_enabled ORDER BY guild_id, id
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING') DO NOTHING",
        &guilds,
        &ids
    )
    .execute(&mut *conn)
    .await?;
    outbox::emit(conn, &events(&moved, "campaign.closed")).await?;
    Ok(())
}

/// Makes the claims from the final standings. Ranked prizes are for who solved something; a squad's prize is split among
/// its members of this moment so that nothing is lost to rounding (`kernel::amount::split_evenly`, in SQL).
async fn claims_make(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "WITH prize AS (
             SELECT s.campaign_id, s.guild_id, s.participant_id, s.participant_type, s.rank,
                    sum(r.bytes)::bigint AS bytes, sum(r.xp)::bigint AS xp, sum(r.gold)::bigint AS gold
             FROM campaigns.campaign_standings s
             JOIN campaigns.campaigns c ON c.guild_id = s.guild_id AND c.id = s.campaign_id AND c.rewards_enabled
             JOIN campaigns.campaign_rewards r ON r.guild_id = s.guild_id AND r.campaign_id = s.campaign_id
             WHERE (s.guild_id, s.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND s.snapshot = 'final'
               AND CASE WHEN r.rank_from IS NULL
                   THEN s.parts_solved > 0
                        OR NOT EXISTS (SELECT 1 FROM challenges.challenges ch
                                       WHERE ch.guild_id = s.guild_id AND ch.campaign_id = s.campaign_id)
                   ELSE s.parts_solved > 0 AND s.rank BETWEEN r.rank_from AND r.rank_to END
             GROUP BY s.campaign_id, s.guild_id, s.participant_id, s.participant_type, s.rank
         ), payee AS (
             SELECT p.*, p.participant_id AS user_text, 1::bigint AS shares, 1::bigint AS share
             FROM prize p WHERE p.participant_type = 'player'
             UNION ALL
             SELECT p.*, m.user_id::text,
                    count(*) OVER (PARTITION BY p.guild_id, p.campaign_id, p.participant_id),
                    row_number() OVER (PARTITION BY p.guild_id, p.campaign_id, p.participant_id ORDER BY m.joined_at, m.user_id)
             FROM prize p
             JOIN squads.squad_memberships m ON m.guild_id = p.guild_id AND m.squad_id::text = p.participant_id
             WHERE p.participant_type = 'squad'
         ), due AS (
             SELECT campaign_id, user_text::bigint AS user_id, guild_id, participant_id, rank,
                    bytes / shares + (share <= bytes % shares)::int AS bytes,
                    xp / shares + (share <= xp % shares)::int AS xp,
                    gold / shares + (share <= gold % shares)::int AS gold
             FROM payee
         )
         INSERT INTO campaigns.reward_claims (campaign_id, user_id, guild_id, participant_id, rank, bytes, xp, gold)
         SELECT campaign_id, user_id, guild_id, participant_id, rank, bytes, xp, gold
         FROM due WHERE bytes + xp + gold > 0
         ON CONFLICT ON CONSTRAINT pk_reward_claims DO NOTHING",
        &guilds,
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `CLOSED` → `REWARD_CLAIM`, and schedules the reminder.
pub async fn rewards_open(
    conn: &mut PgConnection,
    campaigns: &[&Locked],
    cause: &Cause,
) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Closed);
    let (guilds, ids) = CampaignKey::columns(&keys);
    let moved = sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'REWARD_CLAIM', reward_claim_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'CLOSED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by
    )
    .fetch_all(&mut *conn)
    .await?;
    timers_cancel(conn, &keys, &["OPEN_REWARD_CLAIM"]).await?;
    sqlx::query!(
        "INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT id, guild_id, 'REWARD_REMINDER',
                now() + claim_days * interval '24 hours' - reminder_hours * interval '1 hour'
         FROM campaigns.campaigns
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND reminder_hours > 0 ORDER BY guild_id, id
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING') DO NOTHING",
        &guilds,
        &ids
    )
    .execute(&mut *conn)
    .await?;
    outbox::emit(conn, &events(&moved, "campaign.rewards_open")).await?;
    Ok(())
}

/// Reminds, once, who has not claimed.
pub async fn remind(conn: &mut PgConnection, campaigns: &[&Locked]) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::RewardClaim);
    let (guilds, ids) = CampaignKey::columns(&keys);
    let reminded = sqlx::query!(
        "UPDATE campaigns.reward_claims r SET reminded_at = now()
         FROM campaigns.campaigns c
         WHERE (r.guild_id, r.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND c.guild_id = r.guild_id AND c.id = r.campaign_id
           AND r.claimed_at IS NULL AND r.lapsed_at IS NULL AND r.reminded_at IS NULL
         RETURNING r.campaign_id, r.user_id, r.guild_id, r.bytes, r.xp, r.gold, c.name, c.reward_claim_at, c.claim_days",
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let reminders: Vec<Event> = reminded
        .iter()
        .map(|r| Event {
            guild_id: GuildId::new(r.guild_id),
            event_type: "reward.reminder",
            subject: format!("campaigns/{}", r.campaign_id),
            correlation_id: None,
            user_id: Some(UserId::new(r.user_id)),
            payload: json!({
                "campaign_id": r.campaign_id, "name": r.name, "user_id": r.user_id.to_string(),
                "bytes": r.bytes, "xp": r.xp, "gold": r.gold,
                "claim_until": r.reward_claim_at.map(|at| at + TimeDelta::days(r.claim_days.into())),
            }),
        })
        .collect();
    outbox::emit(conn, &reminders).await?;
    Ok(())
}

/// Anything → EXPIRED: cancels what is pending, lets claims lapse, and pays fees back where it never started.
pub async fn expire(
    conn: &mut PgConnection,
    campaigns: &[&Locked],
    cause: &Cause,
    cancelled: bool,
) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status != Status::Expired);
    if keys.is_empty() {
        return Ok(());
    }
    let (guilds, ids) = CampaignKey::columns(&keys);
    let moved = sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'EXPIRED', expired_at = now(), updated_at = clock_timestamp(),
                cancelled_at = CASE WHEN $5 THEN now() END, trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status <> 'EXPIRED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by,
        cancelled
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "WITH stopped AS (
             UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
             WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'PENDING'
         )
         UPDATE campaigns.reward_claims SET lapsed_at = now()
         WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND claimed_at IS NULL AND lapsed_at IS NULL",
        &guilds,
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let never_started = keys_of(campaigns, |c| c.status == Status::Created && c.has_participants);
    if !never_started.is_empty() {
        fees_refund(conn, &never_started).await?;
    }
    let event_type = if cancelled { "campaign.cancelled" } else { "campaign.expired" };
    outbox::emit(conn, &events(&moved, event_type)).await?;
    Ok(())
}

async fn fees_refund(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    let paid = sqlx::query!(
        "SELECT p.campaign_id, p.guild_id, p.participant_id, p.registered_by, p.fee_paid, c.name
         FROM campaigns.campaign_participants p
         JOIN campaigns.campaigns c ON c.guild_id = p.guild_id AND c.id = p.campaign_id
         WHERE (p.guild_id, p.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND p.fee_paid > 0",
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let postings: Vec<_> = paid
        .into_iter()
        .map(|p| {
            refund(
                GuildId::new(p.guild_id),
                UserId::new(p.registered_by),
                p.fee_paid,
                &p.name,
                CampaignId::new(p.campaign_id),
                Some(format!("refund:{}:{}", p.campaign_id, p.participant_id)),
            )
        })
        .collect();
    if !postings.is_empty() {
        economy::ledger::post(conn, &postings).await?;
    }
    Ok(())
}

/// Cancels pending timers of these types.
pub(crate) async fn timers_cancel(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    types: &[&str],
) -> Result<(), Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    let types: Vec<String> = types.iter().map(|&t| t.to_owned()).collect();
    sqlx::query!(
        "UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
         WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND status = 'PENDING' AND timer_type = ANY ($3)",
        &guilds,
        &ids,
        &types
    )
    .execute(conn)
    .await?;
    Ok(())
}
