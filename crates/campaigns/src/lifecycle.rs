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

use crate::error::Error;
use crate::fees::refund;
use crate::locks::Locked;
use crate::model::{CampaignType, Status, TimerType};
pub use crate::store::lifecycle::Cause;
use crate::store::lifecycle::{self as store, Moved};
use crate::store::timers::{opening_schedule, releases_schedule, reminder_schedule, timers_cancel};

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
#[kernel::boxed]
pub async fn start(conn: &mut PgConnection, campaigns: &[&Locked], cause: &Cause) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Created && c.published);
    let moved = store::campaigns_start(&mut *conn, &keys, cause).await?;
    outbox::emit(conn, &events(&moved, "campaign.started")).await?;
    let squads = keys_of(campaigns, |c| c.campaign_type == CampaignType::Squad && c.has_participants);
    if !squads.is_empty() {
        // That is who may act for a squad while the campaign runs.
        store::rosters_insert(conn, &squads).await?;
    }
    let with_challenges = keys_of(campaigns, |c| c.has_challenges);
    if !with_challenges.is_empty() {
        release(conn, &with_challenges).await?;
    }
    Ok(())
}

/// Releases the next challenge of each running campaign whose time has come, and schedules the one after it.
#[kernel::boxed]
pub async fn release(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let released = store::challenges_release(&mut *conn, keys).await?;
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
    Ok(releases_schedule(conn, keys).await?)
}

/// Stores the scoreboard that everyone but admins sees from now until the close.
pub async fn freeze(conn: &mut PgConnection, campaigns: &[&Locked]) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Running);
    if keys.is_empty() {
        return Ok(());
    }
    challenges::standings_snapshot(conn, &keys, challenges::Snapshot::Freeze).await?;
    let moved = store::campaigns_freeze(&mut *conn, &keys).await?;
    outbox::emit(conn, &events(&moved, "campaign.standings_frozen")).await?;
    Ok(())
}

/// RUNNING → CLOSED: stores the final standings, makes the claims and schedules their opening.
#[kernel::boxed]
pub async fn close(conn: &mut PgConnection, campaigns: &[&Locked], cause: &Cause) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Running);
    if keys.is_empty() {
        return Ok(());
    }
    let moved = store::campaigns_close(&mut *conn, &keys, cause).await?;
    let scored = keys_of(campaigns, |c| c.status == Status::Running && c.has_participants);
    if !scored.is_empty() {
        challenges::standings_snapshot(conn, &scored, challenges::Snapshot::Final).await?;
        store::claims_insert(conn, &scored).await?;
    }
    let over = [TimerType::ReleaseChallenge, TimerType::FreezeStandings, TimerType::CloseCampaign];
    timers_cancel(conn, &keys, &over).await?;
    opening_schedule(&mut *conn, &keys).await?;
    outbox::emit(conn, &events(&moved, "campaign.closed")).await?;
    Ok(())
}

/// `CLOSED` → `REWARD_CLAIM`, and schedules the reminder.
#[kernel::boxed]
pub async fn rewards_open(
    conn: &mut PgConnection,
    campaigns: &[&Locked],
    cause: &Cause,
) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::Closed);
    let moved = store::rewards_open(&mut *conn, &keys, cause).await?;
    timers_cancel(conn, &keys, &[TimerType::OpenRewardClaim]).await?;
    reminder_schedule(&mut *conn, &keys).await?;
    outbox::emit(conn, &events(&moved, "campaign.rewards_open")).await?;
    Ok(())
}

/// Reminds, once, who has not claimed.
pub async fn remind(conn: &mut PgConnection, campaigns: &[&Locked]) -> Result<(), Error> {
    let keys = keys_of(campaigns, |c| c.status == Status::RewardClaim);
    let reminded = store::claims_remind(&mut *conn, &keys).await?;
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
#[kernel::boxed]
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
    let moved = store::campaigns_expire(&mut *conn, &keys, cause, cancelled).await?;
    store::pending_stop(&mut *conn, &keys).await?;
    let never_started = keys_of(campaigns, |c| c.status == Status::Created && c.has_participants);
    if !never_started.is_empty() {
        fees_refund(conn, &never_started).await?;
    }
    let event_type = if cancelled { "campaign.cancelled" } else { "campaign.expired" };
    outbox::emit(conn, &events(&moved, event_type)).await?;
    Ok(())
}

async fn fees_refund(conn: &mut PgConnection, keys: &[CampaignKey]) -> Result<(), Error> {
    let paid = store::fees_paid(&mut *conn, keys).await?;
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
