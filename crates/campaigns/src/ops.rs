//! What the faces call: one transaction each. The guild is always part of the key, so that nothing of another guild is
//! found, let alone changed.

use access::{AuditEntry, By, Origin, audit};
use challenges::CampaignKey;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::Wake;
use jobs::outbox::{self, Event};
use kernel::{CampaignId, FieldError, GuildId, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::lifecycle::{self, Cause};
use crate::model::{Campaign, CampaignSettings, Status};
use crate::{rules, store, timers};

mod claim;
mod registration;
mod timer;

pub use claim::{claim_list, reward_claim};
pub use registration::{
    participant_list, register, registration_get, tester_add, tester_list, tester_remove, withdraw,
};
pub use timer::{metric_list, state_log_list, timer_list, timer_retry};

pub(crate) use registration::refund;

/// Who asks, and where from: for the journal and the audit trail.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub by: By<'a>,
    /// Where from; the command line comes from nowhere.
    pub origin: Option<&'a Origin>,
}

impl Asker<'_> {
    /// The operator at the command line.
    pub const CLI: Asker<'static> = Asker { by: By::Cli, origin: None };

    fn user(&self) -> Option<UserId> {
        match self.by {
            By::Key(actor) => actor.user,
            By::Cli | By::System => None,
        }
    }
}

/// One campaign. Drafts are for who may edit them.
pub async fn campaign_get(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    drafts: bool,
) -> Result<Campaign, Error> {
    let mut conn = pool.acquire().await?;
    store::campaign_get(&mut conn, guild_id, id, drafts).await?.ok_or(Error::NotFound("campaign"))
}

/// A guild's campaigns, newest first. Drafts are for who may edit them.
pub async fn campaign_list(
    pool: &PgPool,
    guild_id: GuildId,
    status: Option<Status>,
    drafts: bool,
    page: &kernel::PageQuery,
) -> Result<kernel::Page<Campaign>, kernel::Problem> {
    let (limit, before) = (page.limit()?, page.after::<CampaignId>()?);
    let mut conn = pool.acquire().await?;
    let rows = store::campaign_list(&mut conn, guild_id, before, status, drafts, limit.plus_one()).await?;
    Ok(kernel::Page::new(rows, limit, |c| c.id))
}

/// Makes a draft.
pub async fn campaign_create(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    settings: &CampaignSettings,
) -> Result<Campaign, Error> {
    let mut tx = pool.begin().await?;
    let id = campaign_insert(&mut tx, guild_id, by, settings).await?;
    let campaign = found(&mut tx, guild_id, id).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// The part of making a draft that importing shares: validates, inserts, audits.
pub(crate) async fn campaign_insert(
    conn: &mut PgConnection,
    guild_id: GuildId,
    by: Asker<'_>,
    settings: &CampaignSettings,
) -> Result<CampaignId, Error> {
    valid(settings)?;
    people::guild_ensure(conn, guild_id, None).await?;
    let secret: [u8; 32] = rand::random();
    let id =
        store::campaign_insert(conn, guild_id, &secret, by.user(), &by.by.changed_by(), settings).await?;
    audited(conn, guild_id, by, "CREATE", id, None, Some(settings)).await?;
    access::web::Repeatable::current().carried_out(conn).await?;
    Ok(id)
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
    let mut tx = pool.begin().await?;
    let status = store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    let old = found(&mut tx, guild_id, id).await?;
    let new = merged(&old.settings, patch)?;
    campaign_write(&mut tx, wake, by, &old, status, &new).await?;
    let campaign = found(&mut tx, guild_id, id).await?;
    tx.commit().await?;
    committed(wake);
    Ok(campaign)
}

/// The part of a change that importing shares. The caller holds the campaign's lock.
pub(crate) async fn campaign_write(
    conn: &mut PgConnection,
    wake: &Wake,
    by: Asker<'_>,
    old: &Campaign,
    status: Status,
    new: &CampaignSettings,
) -> Result<(), Error> {
    valid(new)?;
    let fixed = rules::change_check(status, &old.settings, new);
    if !fixed.is_empty() {
        return Err(Error::Invalid(fixed));
    }
    store::campaign_update(conn, old.guild_id, old.id, new).await?;
    if old.published_at.is_some() && matches!(status, Status::Created | Status::Running) {
        timers_arm(conn, wake, old.guild_id, old.id, status, new).await?;
        if status == Status::Running {
            unfreeze(conn, old.key(), new).await?;
            lifecycle::releases_schedule(conn, &[old.key()]).await?;
            timers_announce(conn, wake, old.key()).await?;
        }
    }
    audited(conn, old.guild_id, by, "UPDATE", old.id, Some(&old.settings), Some(new)).await
}

/// Publishes a draft: opens registration and schedules its timers. Publishing again changes nothing.
pub async fn campaign_publish(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    start_time: Option<DateTime<Utc>>,
) -> Result<Campaign, Error> {
    publish(pool, wake, guild_id, by, id, start_time, false).await
}

/// Starts a campaign now: publishes it with this instant as its start time.
pub async fn campaign_start(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    publish(pool, wake, guild_id, by, id, None, true).await
}

async fn publish(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    start_time: Option<DateTime<Utc>>,
    at_once: bool,
) -> Result<Campaign, Error> {
    let mut tx = pool.begin().await?;
    let status = store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    if status != Status::Created {
        return Err(Error::State { action: "publishing", status, why: "only a draft can be published" });
    }
    let old = found(&mut tx, guild_id, id).await?;
    let mut settings = old.settings.clone();
    let now = db::now(&mut tx).await?;
    settings.start_time = if at_once { Some(now) } else { start_time.or(settings.start_time) };
    match settings.start_time {
        None => return Err(invalid("start_time", "is needed to publish: set it, or send it along")),
        Some(at) if at < now - TimeDelta::minutes(1) => {
            return Err(invalid(
                "start_time",
                "is in the past; choose a later one, or start the campaign now",
            ));
        }
        Some(_) => {}
    }
    store::campaign_update(&mut tx, guild_id, id, &settings).await?;
    sqlx::query!(
        "UPDATE campaigns.campaigns SET published_at = coalesce(published_at, now()) WHERE guild_id = $2 AND id = $1",
        id.get(),
        guild_id.get(),
    )
    .execute(&mut *tx)
    .await?;
    timers_arm(&mut tx, wake, guild_id, id, status, &settings).await?;
    audited(&mut tx, guild_id, by, "PUBLISH", id, Some(&old.settings), Some(&settings)).await?;
    if old.published_at.is_none() {
        let payload = json!({
            "campaign_id": id, "name": settings.name, "start_time": settings.start_time, "entry_fee": settings.entry_fee,
            "announcement_channel_id": settings.announcement_channel_id,
        });
        outbox::emit(&mut tx, &[event(guild_id, "campaign.published", id, None, payload)]).await?;
    }
    let campaign = found(&mut tx, guild_id, id).await?;
    tx.commit().await?;
    committed(wake);
    Ok(campaign)
}

/// Closes a running campaign before its time, or one that does not close by itself.
pub async fn campaign_close(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, "ADMIN_CLOSE", &[Status::Running]).await
}

/// Opens the claims of a closed campaign at once.
pub async fn campaign_open_rewards(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, "ADMIN_OPEN_REWARDS", &[Status::Closed]).await
}

/// Cancels a campaign: what is pending is cancelled, and fees go back if it never started.
pub async fn campaign_cancel(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
) -> Result<Campaign, Error> {
    transition(pool, wake, guild_id, by, id, "ADMIN_CANCEL", &[Status::Created, Status::Running]).await
}

async fn transition(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    action: &'static str,
    from: &[Status],
) -> Result<Campaign, Error> {
    let mut tx = pool.begin().await?;
    let status = store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    if !from.contains(&status) {
        return Err(Error::State { action, status, why: "its state does not allow that" });
    }
    let before = found(&mut tx, guild_id, id).await?;
    let locked = lifecycle::lock(&mut tx, &[before.key()]).await?;
    let group: Vec<_> = locked.iter().collect();
    let cause = Cause { event: action, by: by.by.changed_by() };
    match action {
        "ADMIN_CLOSE" => lifecycle::close(&mut tx, &group, &cause).await?,
        "ADMIN_OPEN_REWARDS" if before.settings.rewards_enabled => {
            lifecycle::rewards_open(&mut tx, &group, &cause).await?;
        }
        "ADMIN_CANCEL" => lifecycle::expire(&mut tx, &group, &cause, true).await?,
        _ => return Err(Error::State { action, status, why: "the campaign has no rewards" }),
    }
    timers_announce(&mut tx, wake, before.key()).await?;
    audited(&mut tx, guild_id, by, action, id, Some(&before.settings), Some(&before.settings)).await?;
    let campaign = found(&mut tx, guild_id, id).await?;
    tx.commit().await?;
    committed(wake);
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
    let mut tx = pool.begin().await?;
    let status = store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    let old = found(&mut tx, guild_id, id).await?;
    let draft = status == Status::Created && old.published_at.is_none();
    if !draft && status != Status::Expired {
        return Err(Error::State { action: "deleting", status, why: "cancel it first" });
    }
    audited(&mut tx, guild_id, by, "DELETE", id, Some(&old.settings), None).await?;
    sqlx::query!("DELETE FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2", guild_id.get(), id.get())
        .execute(&mut *tx)
        .await?;
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
    let types: Vec<String> = plan.iter().map(|(t, _)| t.as_str().to_owned()).collect();
    let times: Vec<DateTime<Utc>> = plan.iter().map(|(_, at)| *at).collect();
    if let Some((_, end)) = plan.iter().find(|(t, _)| *t == crate::model::TimerType::CloseCampaign)
        && status == Status::Running
        && *end < db::now(conn).await?
    {
        return Err(invalid("duration_hours", "would put the end into the past; close the campaign instead"));
    }
    sqlx::query!(
        "WITH unplanned AS (
             UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
             WHERE guild_id = $2 AND campaign_id = $1 AND status = 'PENDING' AND timer_type <> ALL ($3)
               AND timer_type IN ('START_CAMPAIGN', 'FREEZE_STANDINGS', 'CLOSE_CAMPAIGN', 'EXPIRE_CAMPAIGN')
         )
         INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT $1, $2, t, greatest(at, now()) FROM unnest($3::text[], $4::timestamptz[]) AS p (t, at)
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING')
         DO UPDATE SET scheduled_at = excluded.scheduled_at, retry_count = 0",
        id.get(),
        guild_id.get(),
        &types,
        &times
    )
    .execute(&mut *conn)
    .await?;
    timers_announce(conn, wake, CampaignKey { guild_id, id }).await
}

/// Tells the engines, on commit, when this campaign's next timer is due.
pub(crate) async fn timers_announce(
    conn: &mut PgConnection,
    wake: &Wake,
    campaign: CampaignKey,
) -> Result<(), Error> {
    let next = sqlx::query_scalar!(
        "SELECT min(scheduled_at) FROM campaigns.campaign_timers
         WHERE guild_id = $1 AND campaign_id = $2 AND status = 'PENDING'",
        campaign.guild_id.get(),
        campaign.id.get()
    )
    .fetch_one(&mut *conn)
    .await?;
    if let Some(at) = next {
        wake.timer_scheduled(conn, timers::QUEUE, at).await?;
    }
    Ok(())
}

/// What follows every commit of this slice: this process's own engine and streams look at once.
pub(crate) fn committed(wake: &Wake) {
    wake.timers(timers::QUEUE);
    wake.outbox();
}

/// A freeze that was put off thaws the scoreboard again.
async fn unfreeze(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    settings: &CampaignSettings,
) -> Result<(), Error> {
    sqlx::query!(
        "WITH thawed AS (
             UPDATE campaigns.campaigns SET frozen_at = NULL
             WHERE guild_id = $3 AND id = $1 AND frozen_at IS NOT NULL
               AND ($2 = 0 OR end_time - $2 * interval '1 minute' > now())
             RETURNING guild_id, id
         )
         DELETE FROM campaigns.campaign_standings s USING thawed t WHERE s.guild_id = t.guild_id AND s.campaign_id = t.id AND s.snapshot = 'freeze'",
        campaign.id.get(),
        settings.freeze_minutes,
        campaign.guild_id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn found(conn: &mut PgConnection, guild_id: GuildId, id: CampaignId) -> Result<Campaign, Error> {
    store::campaign_get(conn, guild_id, id, true).await?.ok_or(Error::NotFound("campaign"))
}

fn valid(settings: &CampaignSettings) -> Result<(), Error> {
    let wrong = rules::settings_check(settings);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
}

/// The settings after a JSON merge patch (RFC 7396).
fn merged(old: &CampaignSettings, patch: &Value) -> Result<CampaignSettings, Error> {
    let Value::Object(_) = patch else { return Err(invalid("", "the patch must be a JSON object")) };
    let mut value = serde_json::to_value(old).unwrap_or_default();
    merge(&mut value, patch);
    serde_path_to_error::deserialize(value).map_err(|e| {
        let field = e.path().to_string();
        invalid(if field == "." { "" } else { &field }, &e.inner().to_string())
    })
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
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

async fn audited(
    conn: &mut PgConnection,
    guild_id: GuildId,
    by: Asker<'_>,
    action_type: &'static str,
    id: CampaignId,
    before: Option<&CampaignSettings>,
    after: Option<&CampaignSettings>,
) -> Result<(), Error> {
    let json = |settings: Option<&CampaignSettings>| settings.and_then(|s| serde_json::to_value(s).ok());
    let mut entry =
        AuditEntry::new(Some(guild_id), by.by, action_type, "campaigns.campaigns", id.to_string());
    entry.before = json(before);
    entry.after = json(after);
    if let Some(origin) = by.origin {
        entry = entry.from(origin);
    }
    audit::record(conn, &entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CampaignSettings {
        serde_json::from_value(
            json!({ "name": "A", "campaign_type": "player", "duration_hours": 5, "entry_fee": 7 }),
        )
        .unwrap()
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let patch = json!({ "duration_hours": 6, "entry_fee": null, "rate_limit": { "per_5s": 3 } });
        let new = merged(&settings(), &patch).unwrap();
        assert_eq!(
            (new.duration_hours, new.entry_fee, new.rate_limit.per_5s, new.rate_limit.per_5min),
            (6, 0, 3, 10)
        );
    }

    #[test]
    fn a_patch_of_the_wrong_type_names_its_field() {
        let Error::Invalid(wrong) =
            merged(&settings(), &json!({ "rate_limit": { "per_5s": "x" } })).unwrap_err()
        else {
            panic!("not an invalid patch")
        };
        assert_eq!(wrong[0].field, "rate_limit.per_5s");
    }
}
