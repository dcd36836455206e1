//! What the faces call: one transaction each. The guild is always part of the key, so that nothing of another guild is
//! found, let alone changed. Locks are taken in the order of [`crate::locks`].

use access::{AuditEntry, By, Origin, audit};
use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use jobs::Wake;
use jobs::outbox::Event;
use kernel::{CampaignId, FieldError, GuildId, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::locks::campaign_lock;
use crate::model::{Campaign, CampaignSettings, Status, TimerType};
use crate::rehearsal::{self, Rehearsal};
use crate::rules;
use crate::store::{self, timers::QUEUE};

mod claim;
mod patch;
mod registration;
mod timer;
mod transitions;

pub use claim::{claim_list, claims_waiting, reward_claim};
pub use registration::{
    participant_list, register, registration_get, tester_add, tester_list, tester_remove, withdraw,
};
pub use timer::{metric_list, state_log_list, timer_list, timer_retry};
pub use transitions::{
    campaign_cancel, campaign_close, campaign_open_rewards, campaign_publish, campaign_start,
};

/// Who asks, and where from: for the journal and the audit trail.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub by: By<'a>,
    /// Where from; the command line comes from nowhere.
    pub origin: Option<&'a Origin>,
}

impl<'a> Asker<'a> {
    /// The operator at the command line.
    pub const CLI: Asker<'static> = Asker { by: By::Cli, origin: None };

    fn user(&self) -> Option<UserId> {
        match self.by {
            By::Key(actor) => actor.user,
            By::Cli | By::System => None,
        }
    }

    /// The beginning of an entry of the audit log.
    fn entry(&self, guild_id: GuildId, action: &'a str, table: &'a str, row: String) -> AuditEntry<'a> {
        let entry = AuditEntry::new(Some(guild_id), self.by, action, table, row);
        match self.origin {
            Some(origin) => entry.from(origin),
            None => entry,
        }
    }
}

/// One campaign. Drafts are for who may edit them.
#[kernel::boxed]
pub async fn campaign_get(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    drafts: bool,
) -> Result<Campaign, Error> {
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild_id, id, drafts).await
}

/// A guild's campaigns, newest first. Drafts are for who may edit them.
#[kernel::boxed]
pub async fn campaign_list(
    pool: &PgPool,
    guild_id: GuildId,
    status: Option<Status>,
    drafts: bool,
    page: &kernel::PageQuery,
) -> Result<kernel::Page<Campaign>, kernel::Problem> {
    let (limit, before) = (page.limit()?, page.after::<CampaignId>()?);
    let mut conn = db::acquire(pool).await?;
    let rows = store::campaign_list(&mut conn, guild_id, before, status, drafts, limit.plus_one()).await?;
    Ok(kernel::Page::new(rows, limit, |c| c.id))
}

/// The most challenges that a rehearsal goes through.
const REHEARSED: i64 = 200;

/// A campaign gone through on paper, for who may edit it: nothing is written.
#[kernel::boxed]
pub async fn campaign_rehearse(pool: &PgPool, guild_id: GuildId, id: CampaignId) -> Result<Rehearsal, Error> {
    let mut conn = db::acquire(pool).await?;
    let campaign = known(&mut conn, guild_id, id, true).await?;
    let pieces = store::pieces(&mut conn, guild_id, id, REHEARSED).await?;
    // One that has begun is gone through as of then: that its start has passed is nothing amiss.
    let begun = campaign.settings.start_time.filter(|_| campaign.status != Status::Created);
    let now = match begun {
        Some(start) => start,
        None => db::now(&mut conn).await?,
    };
    Ok(rehearsal::rehearse(id, &campaign.settings, &pieces, now))
}

/// Makes a draft.
pub async fn campaign_create(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    settings: &CampaignSettings,
) -> Result<Campaign, Error> {
    let mut tx = db::begin(pool).await?;
    let campaign = campaign_insert(&mut tx, guild_id, by, settings).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// The part of making a draft that importing shares: validates, inserts, audits.
pub(crate) async fn campaign_insert(
    conn: &mut PgConnection,
    guild_id: GuildId,
    by: Asker<'_>,
    settings: &CampaignSettings,
) -> Result<Campaign, Error> {
    valid(settings)?;
    people::guild_ensure(conn, guild_id, None).await?;
    let secret: [u8; 32] = rand::random();
    let id =
        store::campaign_insert(conn, guild_id, &secret, by.user(), &by.by.changed_by(), settings).await?;
    let campaign = found(conn, guild_id, id).await?;
    audited(conn, by, "CREATE", None, Some(&campaign)).await?;
    access::web::Repeatable::current().carried_out(conn).await?;
    Ok(campaign)
}

/// Changes settings by a JSON merge patch (RFC 7396); `null` takes a field back to its default. Times that change
/// reschedule the campaign's timers.
pub async fn campaign_update(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    patch: &Value,
) -> Result<Campaign, Error> {
    let mut tx = db::begin(pool).await?;
    let (status, old) = locked(&mut tx, guild_id, id).await?;
    let new = patch::merged(&old.settings, patch)?;
    let campaign = campaign_write(&mut tx, wake, by, &old, status, &new).await?;
    rewards_reachable(&campaign)?;
    tx.commit().await?;
    committed(wake);
    Ok(campaign)
}

/// The part of a change that importing shares. The caller holds the campaign's lock.
#[kernel::boxed]
pub(crate) async fn campaign_write(
    conn: &mut PgConnection,
    wake: &Wake,
    by: Asker<'_>,
    old: &Campaign,
    status: Status,
    new: &CampaignSettings,
) -> Result<Campaign, Error> {
    valid(new)?;
    let fixed = rules::change_check(status, &old.settings, new);
    if !fixed.is_empty() {
        return Err(Error::Invalid(fixed));
    }
    store::campaign_update(conn, old.guild_id, old.id, new).await?;
    if old.published_at.is_some() && matches!(status, Status::Created | Status::Running) {
        timers_arm(conn, wake, old.guild_id, old.id, status, new).await?;
        if status == Status::Running {
            store::unfreeze(conn, old.key(), new.freeze_minutes).await?;
            store::timers::releases_schedule(conn, &[old.key()]).await?;
            store::timers::timers_announce(conn, wake, old.key()).await?;
        }
    }
    let campaign = found(conn, old.guild_id, old.id).await?;
    audited(conn, by, "UPDATE", Some(old), Some(&campaign)).await?;
    Ok(campaign)
}

/// Deletes a draft nobody registered for, or a campaign that is over, with all that belongs to it. Balances stay: the
/// ledger keeps its rows.
pub async fn campaign_delete(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    let (status, old) = locked(&mut tx, guild_id, id).await?;
    let draft = status == Status::Created && old.published_at.is_none();
    if !draft && status != Status::Expired {
        return Err(Error::State { action: "deleting", status, why: "cancel it first" });
    }
    audited(&mut tx, by, "DELETE", Some(&old), None).await?;
    store::campaign_delete(&mut tx, old.key()).await?;
    tx.commit().await?;
    Ok(())
}

/// Puts the timers that the plan has where they belong, and cancels those it no longer has.
async fn timers_arm(
    conn: &mut PgConnection,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    status: Status,
    settings: &CampaignSettings,
) -> Result<(), Error> {
    let plan = rules::timers_planned(status, settings);
    if let Some((_, end)) = plan.iter().find(|(t, _)| *t == TimerType::CloseCampaign)
        && status == Status::Running
        && *end < db::now(conn).await?
    {
        return Err(invalid("duration_hours", "would put the end into the past; close the campaign instead"));
    }
    let key = CampaignKey { guild_id, id };
    store::timers::timers_put(conn, key, &plan).await?;
    Ok(store::timers::timers_announce(conn, wake, key).await?)
}

/// What follows every commit of this slice: this process's own engine and streams look at once.
pub(crate) fn committed(wake: &Wake) {
    wake.timers(QUEUE);
    wake.outbox();
}

/// The campaign, an admin's lock on it taken, with its status under that lock.
pub(crate) async fn locked(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
) -> Result<(Status, Campaign), Error> {
    let status = campaign_lock(conn, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    Ok((status, found(conn, guild_id, id).await?))
}

async fn known(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    drafts: bool,
) -> Result<Campaign, Error> {
    store::campaign_get(conn, guild_id, id, drafts).await?.ok_or(Error::NotFound("campaign"))
}

#[kernel::boxed]
pub(crate) async fn found(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
) -> Result<Campaign, Error> {
    known(conn, guild_id, id, true).await
}

fn valid(settings: &CampaignSettings) -> Result<(), Error> {
    let wrong = rules::settings_check(settings);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Refuses a published campaign whose rewards nobody can earn.
pub(crate) fn rewards_reachable(campaign: &Campaign) -> Result<(), Error> {
    let open = matches!(campaign.status, Status::Created | Status::Running);
    if campaign.published_at.is_none() || !open {
        return Ok(());
    }
    let wrong = rules::rewards_unreachable(&campaign.settings, campaign.challenges);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
}

pub(crate) fn event(
    guild_id: GuildId,
    event_type: &'static str,
    id: CampaignId,
    user: Option<UserId>,
    payload: Value,
) -> Event {
    Event {
        guild_id,
        event_type,
        subject: format!("campaigns/{id}"),
        correlation_id: None,
        user_id: user,
        payload,
    }
}

/// A campaign as the audit log keeps it: what its author set, and where it is in its life.
fn snapshot(campaign: &Campaign) -> Value {
    let moment = |at: Option<DateTime<Utc>>| json!(at);
    let mut value = json!(campaign.settings);
    if let Value::Object(fields) = &mut value {
        fields.insert("status".into(), json!(campaign.status));
        fields.insert("published_at".into(), moment(campaign.published_at));
        fields.insert("started_at".into(), moment(campaign.started_at));
        fields.insert("closed_at".into(), moment(campaign.closed_at));
        fields.insert("reward_claim_at".into(), moment(campaign.reward_claim_at));
        fields.insert("expired_at".into(), moment(campaign.expired_at));
        fields.insert("cancelled_at".into(), moment(campaign.cancelled_at));
    }
    value
}

async fn audited(
    conn: &mut PgConnection,
    by: Asker<'_>,
    action_type: &'static str,
    before: Option<&Campaign>,
    after: Option<&Campaign>,
) -> Result<(), Error> {
    let Some(campaign) = after.or(before) else { return Ok(()) };
    let mut entry = by.entry(campaign.guild_id, action_type, "campaigns.campaigns", campaign.id.to_string());
    entry.before = before.map(snapshot);
    entry.after = after.map(snapshot);
    Ok(audit::record(conn, &entry).await?)
}
