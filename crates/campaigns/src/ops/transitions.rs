//! What an administrator does to a campaign's life. Each answers the campaign as it is then.

use challenges::CampaignKey;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::Wake;
use jobs::outbox;
use kernel::{CampaignId, GuildId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::{Asker, audited, committed, event, found, invalid, locked, rewards_reachable, timers_arm, valid};
use crate::error::Error;
use crate::lifecycle::{self, Cause};
use crate::locks::campaigns_lock;
use crate::model::{Campaign, Status};
use crate::store;

/// A transition that an administrator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transition {
    Start,
    Close,
    OpenRewards,
    Cancel,
}

impl Transition {
    /// As the journal and the audit log write it.
    const fn event(self) -> &'static str {
        match self {
            Self::Start => "ADMIN_START",
            Self::Close => "ADMIN_CLOSE",
            Self::OpenRewards => "ADMIN_OPEN_REWARDS",
            Self::Cancel => "ADMIN_CANCEL",
        }
    }

    /// As a refusal says it.
    const fn said(self) -> &'static str {
        match self {
            Self::Start => "starting",
            Self::Close => "closing",
            Self::OpenRewards => "opening the rewards",
            Self::Cancel => "cancelling",
        }
    }

    /// From which states, and what to do in the others.
    const fn from(self) -> (&'static [Status], &'static str) {
        match self {
            Self::Start => (&[Status::Created], "only what has not started can be"),
            Self::Close => (&[Status::Running], "only a running campaign can be closed"),
            Self::OpenRewards => (&[Status::Closed], "rewards open once, after the close"),
            Self::Cancel => (&[Status::Created, Status::Running], "it is over"),
        }
    }

    fn check(self, status: Status) -> Result<(), Error> {
        let (from, why) = self.from();
        if from.contains(&status) {
            return Ok(());
        }
        Err(Error::State { action: self.said(), status, why })
    }

    /// Carries it out. The caller holds the campaign's lock.
    async fn carry_out(self, conn: &mut PgConnection, key: CampaignKey, by: Asker<'_>) -> Result<(), Error> {
        let locked = campaigns_lock(conn, &[key]).await?;
        let group: Vec<_> = locked.iter().collect();
        let cause = Cause { event: self.event(), by: by.by.changed_by() };
        match self {
            Self::Start => lifecycle::start(conn, &group, &cause).await,
            Self::Close => lifecycle::close(conn, &group, &cause).await,
            Self::OpenRewards => lifecycle::rewards_open(conn, &group, &cause).await,
            Self::Cancel => lifecycle::expire(conn, &group, &cause, true).await,
        }
    }
}

/// Publishes a draft: opens registration and schedules its timers. Publishing again with another time moves them.
#[kernel::boxed]
pub async fn campaign_publish(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    start_time: Option<DateTime<Utc>>,
) -> Result<Campaign, Error> {
    let mut tx = db::begin(pool).await?;
    let (status, old) = locked(&mut tx, guild_id, id).await?;
    if status != Status::Created {
        return Err(Error::State { action: "publishing", status, why: "only a draft can be published" });
    }
    let now = db::now(&mut tx).await?;
    let start_time = match start_time.or(old.settings.start_time) {
        None => return Err(invalid("start_time", "is needed to publish: set it, or send it along")),
        Some(at) if at < now - TimeDelta::minutes(1) => {
            return Err(invalid(
                "start_time",
                "is in the past; choose a later one, or start the campaign now",
            ));
        }
        Some(at) => at,
    };
    publish(&mut tx, guild_id, &old, start_time).await?;
    timers_arm(&mut tx, wake, guild_id, id, status, &settings_at(&old, start_time)).await?;
    finish(tx, wake, by, "PUBLISH", &old).await
}

/// Starts a campaign now: publishes it with this instant as its start time, and releases its first challenge.
#[kernel::boxed]
pub async fn campaign_start(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    let mut tx = db::begin(pool).await?;
    let (status, old) = locked(&mut tx, guild_id, id).await?;
    Transition::Start.check(status)?;
    let now = db::now(&mut tx).await?;
    publish(&mut tx, guild_id, &old, now).await?;
    Transition::Start.carry_out(&mut tx, old.key(), by).await?;
    timers_arm(&mut tx, wake, guild_id, id, Status::Running, &settings_at(&old, now)).await?;
    finish(tx, wake, by, Transition::Start.event(), &old).await
}

/// Closes a running campaign before its time, or one that does not close by itself.
#[kernel::boxed]
pub async fn campaign_close(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, Transition::Close).await
}

/// Opens the claims of a closed campaign at once.
#[kernel::boxed]
pub async fn campaign_open_rewards(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, Transition::OpenRewards).await
}

/// Cancels a campaign: what is pending is cancelled, and fees go back if it never started.
#[kernel::boxed]
pub async fn campaign_cancel(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, Transition::Cancel).await
}

async fn transition(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    asked: Transition,
) -> Result<Campaign, Error> {
    let mut tx = db::begin(pool).await?;
    let (status, old) = locked(&mut tx, guild_id, id).await?;
    asked.check(status)?;
    if asked == Transition::OpenRewards && !old.settings.rewards_enabled {
        return Err(Error::State { action: asked.said(), status, why: "the campaign has no rewards" });
    }
    asked.carry_out(&mut tx, old.key(), by).await?;
    store::timers::timers_announce(&mut tx, wake, old.key()).await?;
    finish(tx, wake, by, asked.event(), &old).await
}

fn settings_at(old: &Campaign, start_time: DateTime<Utc>) -> crate::model::CampaignSettings {
    crate::model::CampaignSettings { start_time: Some(start_time), ..old.settings.clone() }
}

/// Opens registration for a campaign that starts then.
async fn publish(
    conn: &mut PgConnection,
    guild_id: GuildId,
    old: &Campaign,
    start_time: DateTime<Utc>,
) -> Result<(), Error> {
    let settings = settings_at(old, start_time);
    valid(&settings)?;
    store::campaign_update(conn, guild_id, old.id, &settings).await?;
    store::campaign_publish(conn, old.key()).await?;
    if old.published_at.is_none() {
        let payload = json!({
            "campaign_id": old.id, "name": settings.name, "start_time": settings.start_time, "entry_fee": settings.entry_fee,
            "announcement_channel_id": settings.announcement_channel_id,
        });
        outbox::emit(conn, &[event(guild_id, "campaign.published", old.id, None, payload)]).await?;
    }
    Ok(())
}

/// Audits, commits and answers the campaign as it is now.
async fn finish(
    mut tx: sqlx::PgTransaction<'_>,
    wake: &Wake,
    by: Asker<'_>,
    action: &'static str,
    old: &Campaign,
) -> Result<Campaign, Error> {
    let campaign = found(&mut tx, old.guild_id, old.id).await?;
    rewards_reachable(&campaign)?;
    audited(&mut tx, by, action, Some(old), Some(&campaign)).await?;
    tx.commit().await?;
    committed(wake);
    Ok(campaign)
}
