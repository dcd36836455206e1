//! What the faces call: each operation is a transaction.

use access::web::Repeatable;
use access::{AuditEntry, By, Origin, Scopes, audit};
use chrono::TimeDelta;
use kernel::{GuildId, Page, PageQuery, Problem, WebhookId};
use serde_json::json;
use sqlx::PgPool;

use crate::error::Error;
use crate::model::{
    Delivery, DeliveryStatus, NewWebhook, Ping, Replay, Webhook, WebhookEdit, WebhookWithSecret,
};
use crate::sender::{Attempt, Message};
use crate::signing::Secret;
use crate::store::{self, Chosen, deliveries};
use crate::{Webhooks, rules};

/// How long the old secret signs too after a rotation, unless told.
pub const DEFAULT_OVERLAP: TimeDelta = TimeDelta::hours(24);
/// The longest that it may.
pub const MAX_OVERLAP: TimeDelta = TimeDelta::days(7);
/// The most deliveries that a replay may name.
const MAX_REPLAY: usize = 1000;

/// Makes a webhook; its secret is in this answer and nowhere else. Audited.
#[kernel::boxed]
pub async fn webhook_create(
    pool: &PgPool,
    webhooks: &Webhooks,
    guild: GuildId,
    new: NewWebhook,
    by: By<'_>,
    origin: &Origin,
) -> Result<WebhookWithSecret, Error> {
    let name = rules::check_name(&new.name)?;
    let url = webhooks.sender().check_url(&new.url)?;
    let event_types = patterns(new.event_types)?;
    let secret = Secret::generate()?;
    let chosen = Chosen { name: &name, url: &url, event_types: &event_types, scopes: &scopes_of(by) };
    let webhook = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let max = webhooks.settings().max_per_guild;
        if store::webhook_count_locked(&mut tx, guild).await? >= i64::from(max) {
            return Err(Error::Limit(max));
        }
        let id =
            store::webhook_insert(&mut tx, guild, &chosen, (webhooks.vault(), &secret), &by.changed_by())
                .await?;
        let made = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        let mut entry = entry(guild, by, "CREATE", id, origin);
        entry.after = Some(json!(made));
        audit::record(&mut tx, &entry).await?;
        Repeatable::current().carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await?;
    Ok(WebhookWithSecret { webhook, secret: secret.reveal() })
}

/// Changes a webhook. Who changes address or types decides anew, by their own scopes, what it may get: what was queued or given
/// up for another address, or under other scopes, is forgotten. Disabling gives up what is pending; enabling begins with what
/// happens then. Audited.
#[kernel::boxed]
pub async fn webhook_update(
    pool: &PgPool,
    webhooks: &Webhooks,
    guild: GuildId,
    id: WebhookId,
    edit: WebhookEdit,
    by: By<'_>,
    origin: &Origin,
) -> Result<Webhook, Error> {
    let name = edit.name.as_deref().map(rules::check_name).transpose()?;
    let url = edit.url.as_deref().map(|url| webhooks.sender().check_url(url)).transpose()?;
    let event_types = edit.event_types.map(patterns).transpose()?;
    let after = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::queue_lock(&mut tx, guild, id).await?;
        let scopes_before =
            store::webhook_lock(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        let before = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        let chosen = Chosen {
            name: name.as_deref().unwrap_or(&before.name),
            url: url.as_deref().unwrap_or(&before.url),
            event_types: event_types.as_deref().unwrap_or(&before.event_types),
            scopes: &if url.is_some() || event_types.is_some() {
                scopes_of(by)
            } else {
                scopes_before.clone()
            },
        };
        let same_scopes = chosen.scopes.cover(&scopes_before) && scopes_before.cover(chosen.scopes);
        let handed_over = chosen.url != before.url || !same_scopes;
        let enabled = edit.enabled.unwrap_or(before.enabled);
        store::webhook_update(&mut tx, guild, id, &chosen, enabled).await?;
        if handed_over {
            deliveries::forget_all(&mut tx, guild, id).await?;
        } else if before.enabled && !enabled {
            deliveries::give_up_all(&mut tx, guild, id).await?;
        }
        if !before.enabled && enabled {
            store::queue_forgive(&mut tx, guild, id).await?;
        }
        let after = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        let mut entry = entry(guild, by, "UPDATE", id, origin);
        entry.before = Some(json!(before));
        entry.after = Some(json!(after));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok::<_, Error>(after)
    })
    .await?;
    webhooks.wake();
    Ok(after)
}

/// Removes a webhook with its deliveries. Audited.
#[kernel::boxed]
pub async fn webhook_delete(
    pool: &PgPool,
    guild: GuildId,
    id: WebhookId,
    by: By<'_>,
    origin: &Origin,
) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::queue_lock(&mut tx, guild, id).await?;
        let before = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        if !store::webhook_delete(&mut tx, guild, id).await? {
            return Err(Error::UnknownWebhook(id));
        }
        let mut entry = entry(guild, by, "DELETE", id, origin);
        entry.before = Some(json!(before));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Gives a webhook a new secret; the old one signs beside it for `overlap`, so that the other side has time to learn the
/// new one. Audited.
#[kernel::boxed]
pub async fn secret_rotate(
    pool: &PgPool,
    webhooks: &Webhooks,
    guild: GuildId,
    id: WebhookId,
    overlap: TimeDelta,
    by: By<'_>,
    origin: &Origin,
) -> Result<WebhookWithSecret, Error> {
    if overlap < TimeDelta::zero() || overlap > MAX_OVERLAP {
        let message = format!("must be between 0 and {}", MAX_OVERLAP.num_hours());
        return Err(Error::Field("overlap_hours".to_owned(), message));
    }
    let secret = Secret::generate()?;
    let webhook = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        if !store::secret_rotate(&mut tx, guild, id, (webhooks.vault(), &secret), overlap).await? {
            return Err(Error::UnknownWebhook(id));
        }
        let webhook = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        let mut entry = entry(guild, by, "ROTATE", id, origin);
        entry.after = Some(json!({ "previous_secret_until": webhook.previous_secret_until }));
        audit::record(&mut tx, &entry).await?;
        Repeatable::current().carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(webhook)
    })
    .await?;
    Ok(WebhookWithSecret { webhook, secret: secret.reveal() })
}

/// A webhook of the guild.
pub async fn webhook_get(pool: &PgPool, guild: GuildId, id: WebhookId) -> Result<Webhook, Error> {
    let mut conn = db::acquire(pool).await?;
    store::webhook_get(&mut conn, guild, id).await?.ok_or(Error::UnknownWebhook(id))
}

/// A page of the guild's webhooks, newest first.
pub async fn webhook_list(pool: &PgPool, guild: GuildId, page: &PageQuery) -> Result<Page<Webhook>, Problem> {
    let (limit, before) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let webhooks = store::webhook_list(&mut conn, guild, before, limit).await?;
    Ok(Page::new(webhooks, limit, |webhook| webhook.id))
}

/// A page of a webhook's deliveries, newest first; dead letters are those with status `DEAD`.
#[kernel::boxed]
pub async fn delivery_list(
    pool: &PgPool,
    guild: GuildId,
    id: WebhookId,
    status: Option<DeliveryStatus>,
    page: &PageQuery,
) -> Result<Page<Delivery>, Problem> {
    let (limit, before) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    store::webhook_get(&mut conn, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
    let deliveries = deliveries::delivery_list(&mut conn, guild, id, status, before, limit).await?;
    Ok(Page::new(deliveries, limit, |delivery| delivery.id))
}

/// Has dead letters delivered again, at their old places in the order. Audited.
#[kernel::boxed]
pub async fn replay(
    pool: &PgPool,
    webhooks: &Webhooks,
    guild: GuildId,
    id: WebhookId,
    replay: &Replay,
    by: By<'_>,
    origin: &Origin,
) -> Result<u64, Problem> {
    let ways = [!replay.delivery_ids.is_empty(), replay.all, replay.from.is_some() || replay.until.is_some()];
    if ways.iter().filter(|way| **way).count() != 1 {
        return Err(Problem::invalid(
            "Name what to replay: either `delivery_ids`, or `all`, or `from` and `until`.",
        ));
    }
    if replay.from.zip(replay.until).is_some_and(|(from, until)| from >= until) {
        return Err(Problem::field("until", "must be after `from`"));
    }
    if replay.delivery_ids.len() > MAX_REPLAY {
        return Err(Problem::field("delivery_ids", format!("must hold at most {MAX_REPLAY}")));
    }
    let replayed = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::queue_lock(&mut tx, guild, id).await?;
        let webhook = store::webhook_get(&mut tx, guild, id).await?.ok_or(Error::UnknownWebhook(id))?;
        if !webhook.enabled {
            return Err(Problem::conflict("The webhook is disabled; enable it first."));
        }
        let replayed = deliveries::replay(&mut tx, guild, id, replay).await?;
        let mut entry = entry(guild, by, "REPLAY", id, origin);
        entry.after = Some(json!({ "asked": replay, "replayed": replayed }));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(replayed)
    })
    .await?;
    webhooks.wake();
    Ok(replayed)
}

/// Sends a `webhook.ping` at once, past the queue, and says what came of it. Nothing is kept of it, and it is not repeated.
#[kernel::boxed]
pub async fn ping(pool: &PgPool, webhooks: &Webhooks, guild: GuildId, id: WebhookId) -> Result<Ping, Error> {
    let target = {
        let mut conn = db::acquire(pool).await?;
        store::target_get(&mut conn, webhooks.vault(), guild, id).await?.ok_or(Error::UnknownWebhook(id))?
    };
    let event_id = uuid::Uuid::now_v7();
    let now = webhooks.clock().now();
    let body = json!({
        "specversion": "1.0",
        "id": event_id,
        "type": "webhook.ping",
        "source": format!("/guilds/{guild}"),
        "subject": format!("webhooks/{id}"),
        "time": now,
        "guild_id": guild,
        "correlation_id": null,
        "data": { "webhook_id": id, "name": target.name },
    });
    let message = Message::new(event_id, body.to_string(), &target.secrets, now);
    let attempt = webhooks.sender().send(&mut None, &target.url, message).await;
    Ok(match attempt {
        Attempt::Taken { status, ms } => {
            Ping { delivered: true, response_status: Some(status), response_ms: ms, error: None }
        }
        Attempt::Failed(failure) => Ping {
            delivered: false,
            response_status: failure.status,
            response_ms: failure.ms,
            error: Some(failure.error),
        },
    })
}

fn patterns(given: Vec<String>) -> Result<Vec<String>, Error> {
    let declared: Vec<&str> = jobs::outbox::event_types().iter().map(|declared| declared.name).collect();
    rules::check_patterns(given, &declared)
}

/// What whoever acts may see; the operator sees everything.
fn scopes_of(by: By<'_>) -> Scopes {
    match by {
        By::Key(actor) => actor.scopes.clone(),
        _ => Scopes::new([access::scope::EVERYTHING]),
    }
}

fn entry<'a>(
    guild: GuildId,
    by: By<'a>,
    action: &'a str,
    id: WebhookId,
    origin: &'a Origin,
) -> AuditEntry<'a> {
    AuditEntry::new(Some(guild), by, action, "delivery.webhooks", id.to_string()).from(origin)
}
