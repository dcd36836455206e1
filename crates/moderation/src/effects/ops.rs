//! What whoever carries out effects calls, and what administrators do about those that failed.

use std::time::Duration;

use access::Author;
use access::author::Deed;
use jobs::outbox::{self, Event};
use kernel::{GuildId, Page, PageQuery, Problem};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::answer::pause;
use super::model::{Dead, Done, Effect, EffectKind, Leased, Payload, Receipt, Settled};
use super::store::{self, Settling};
use crate::error::Error;
use crate::model::EffectId;
use crate::ops::appeals;

/// Takes up to `limit` effects that are due, each the first of its target, for so long; of one guild, or of all. They are in the order in
/// which they were asked for. What a node holds that is known to be dead is due at once; `holder` is the node that asks.
pub async fn claim(
    pool: &PgPool,
    guild: Option<GuildId>,
    holder: Option<Uuid>,
    lease: Duration,
    limit: i64,
) -> Result<Vec<Leased>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::of_the_dead(&mut tx).await?;
        for lost in store::abandoned(&mut tx, guild).await? {
            let dead = Dead {
                reason: "Whoever did it stopped in the middle; it is not known whether it was done.".into(),
                code: None,
            };
            bury(&mut tx, &lost, &dead).await?;
        }
        let mut leased = store::claim(&mut tx, guild, holder, lease, limit).await?;
        for effect in &mut leased {
            if let (Some(case), Payload::DirectMessage { may_appeal: true, .. }) =
                (effect.case_id, &effect.payload)
            {
                effect.appeal_token = Some(appeals::link_make(&mut tx, effect.guild_id, case).await?);
            }
        }
        tx.commit().await?;
        Ok(leased)
    })
    .await
}

/// Keeps an effect for so long from now on; false when it is somebody else's by now.
pub async fn renew(pool: &PgPool, receipt: &Receipt, lease: Duration) -> Result<bool, Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(store::renew(&mut conn, receipt, lease).await?)
}

/// An effect was done: its case is told so.
pub async fn applied(pool: &PgPool, receipt: &Receipt, settled: Settled) -> Result<Done, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let Some(of) = store::applied(&mut tx, receipt, &json!(settled)).await? else {
            return Ok(Done::Lost);
        };
        if let Some(case) = of.case_id {
            if of.kind == EffectKind::DirectMessage {
                store::case_notified(&mut tx, of.guild_id, case, true).await?;
            } else if of.kind != EffectKind::Alert
                && let Some(number) =
                    store::case_applied(&mut tx, of.guild_id, case, settled.messages).await?
            {
                crate::ops::changed(&mut tx, of.guild_id, number, "applied").await?;
            }
        }
        tx.commit().await?;
        Ok(Done::Recorded)
    })
    .await
}

/// An effect was not done. With `retry` it is tried again, after that time or a pause that grows, whichever is longer; without, or when it was
/// tried often enough, it is dead and its case has failed.
pub async fn failed(
    pool: &PgPool,
    receipt: &Receipt,
    why: &Dead,
    retry: Option<Duration>,
) -> Result<Done, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let Some(of) = store::lock(&mut tx, receipt).await? else { return Ok(Done::Lost) };
        let done = if let Some(after) = retry.filter(|_| of.attempts < of.max_attempts) {
            store::put_off(&mut tx, receipt, why, after.max(pause(of.attempts))).await?;
            Done::Recorded
        } else {
            bury(&mut tx, &of, why).await?;
            Done::Dead
        };
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// Gives an effect up, with what follows for its case, and tells administrators.
async fn bury(conn: &mut PgConnection, of: &Settling, why: &Dead) -> Result<(), Error> {
    store::bury(conn, of.guild_id, of.id, why).await?;
    let mut case_number = None;
    match (of.kind, of.case_id) {
        // Whoever takes no direct messages is dealt with all the same.
        (EffectKind::DirectMessage, Some(case)) => {
            store::case_notified(conn, of.guild_id, case, false).await?;
            return Ok(());
        }
        (EffectKind::BulkBan, _) => {
            store::cases_failed_of_bulk(conn, of.guild_id, of.id, &why.reason).await?;
        }
        (EffectKind::Alert, _) | (_, None) => {}
        (_, Some(case)) => {
            case_number = store::case_failed(conn, of.guild_id, case, &why.reason).await?;
            if let Some(number) = case_number {
                crate::ops::changed(conn, of.guild_id, number, "failed").await?;
            }
        }
    }
    let mut payload = json!({ "effect_id": of.id, "kind": of.kind, "error": why.reason });
    if let Some(number) = case_number {
        payload["case_number"] = json!(number);
    }
    let event = Event {
        guild_id: of.guild_id,
        event_type: "moderation.effect_failed",
        subject: format!("effects/{}", of.id),
        correlation_id: None,
        user_id: None,
        payload,
    };
    outbox::emit_one(conn, event).await?;
    Ok(())
}

/// A page of the guild's effects that failed for good, the latest first.
#[kernel::boxed]
pub async fn dead_list(pool: &PgPool, guild: GuildId, query: &PageQuery) -> Result<Page<Effect>, Problem> {
    let (limit, after) = (query.limit()?, query.after::<EffectId>()?);
    let mut conn = db::acquire(pool).await?;
    let effects = store::dead(&mut conn, guild, after, limit).await?;
    Ok(Page::new(effects, limit, |effect| effect.id))
}

/// Sends an effect again that failed for good; its case is in force again from then on, unless it has no time left or another took its place.
/// Audited.
pub async fn send_again(
    pool: &PgPool,
    guild: GuildId,
    effect: EffectId,
    author: Author<'_>,
) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let case = store::revive(&mut tx, guild, effect).await?.ok_or(Error::UnknownEffect)?;
        if let Some(case) = case {
            store::case_revive(&mut tx, guild, case).await?;
        }
        store::wake(&mut tx).await?;
        Deed::new("RETRY", "moderation.effects", effect.to_string()).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
