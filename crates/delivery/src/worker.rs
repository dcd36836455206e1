//! Working through the webhooks' queues.
//!
//! A node claims a queue as a whole, under a lease, and posts its events one after the other: so their order holds, and an
//! endpoint that is slow, or hangs, keeps up nobody but itself. What came of a few attempts is recorded together; a node
//! that dies before that has them posted again by the next, with the same `webhook-id`.

use std::time::Duration;

use access::{AuditEntry, By, Origin, audit};
use jobs::NodeHandle;
use jobs::outbox::{Event, emit_one};

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::queue::{self, Lease, Standing, Taken};
use crate::sender::{Attempt, Message, Refusal};
use crate::store::{self, Target};
use crate::{Webhooks, rules};

/// How long a claim holds without being renewed. Longer than an attempt may take, with what is recorded after it.
const LEASE: Duration = Duration::from_secs(45);
/// How often to look for queues that are due when nobody says so.
const POLL: Duration = Duration::from_secs(1);
/// Deliveries read at once.
const BATCH: i64 = 100;
/// What was taken is recorded after so many, or after so long.
const RECORD_EVERY: usize = 50;
const RECORD_AFTER: Duration = Duration::from_secs(1);
/// After so many deliveries a queue goes back behind the others that wait.
const TURN: usize = 1000;

/// Works through queues until the node stops; any number of nodes may.
pub(crate) fn spawn(pool: PgPool, webhooks: Webhooks, node: NodeHandle) {
    let workers = node.clone();
    workers.spawn(async move { work(&pool, &webhooks, node).await });
}

async fn work(pool: &PgPool, webhooks: &Webhooks, mut node: NodeHandle) {
    let mut running: JoinSet<()> = JoinSet::new();
    let mut wake = webhooks.subscribe();
    while node.ready().await {
        while running.try_join_next().is_some() {}
        wake.borrow_and_update();
        let room = webhooks.settings().concurrency.saturating_sub(running.len());
        let claimed = claim(pool, &node, room).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "webhooks' queues cannot be read");
            Vec::new()
        });
        let more = !claimed.is_empty();
        for lease in claimed {
            let (pool, webhooks, stopping) = (pool.clone(), webhooks.clone(), node.stopping().clone());
            running.spawn(async move {
                let turn = Turn { pool, webhooks, lease };
                if let Err(error) = turn.run(&stopping).await {
                    // Its lease lapses; then it is tried again.
                    tracing::warn!(%error, webhook = %lease.webhook_id, "a webhook's queue could not be worked on");
                }
            });
        }
        if more {
            continue;
        }
        tokio::select! {
            () = node.stopping().cancelled() => break,
            _ = wake.changed() => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    // Each ends after the attempt that it is at.
    while running.join_next().await.is_some() {}
}

async fn claim(pool: &PgPool, node: &NodeHandle, room: usize) -> sqlx::Result<Vec<Lease>> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut conn = db::acquire(pool).await?;
    queue::claim(&mut conn, node.id(), LEASE, i64::try_from(room).unwrap_or(i64::MAX)).await
}

/// One claim on a queue.
struct Turn {
    pool: PgPool,
    webhooks: Webhooks,
    lease: Lease,
}

/// How a turn goes on.
enum Next {
    /// With the next deliveries.
    Go,
    /// Not at all: somebody else has the queue.
    Lost,
}

impl Turn {
    async fn run(&self, stopping: &tokio_util::sync::CancellationToken) -> sqlx::Result<()> {
        let mut connection = None;
        let mut after = 0;
        let mut sent = 0;
        loop {
            // Anew for every batch: it may have been changed, its secret rotated. Under the queue's lock, which every change
            // takes first: what was queued for one address is not sent to the next.
            let mut tx = db::begin(&self.pool).await?;
            if queue::confirm(&mut tx, &self.lease).await?.is_none() {
                return Ok(());
            }
            let due = queue::next(&mut tx, &self.lease, after, BATCH).await?;
            let target =
                store::target_get(&mut tx, self.webhooks.vault(), self.lease.guild_id, self.lease.webhook_id)
                    .await?;
            tx.commit().await?;
            let Some(target) = target else { return Ok(()) };
            let Some(last) = due.last().map(|due| due.id) else {
                return self.release(Duration::ZERO).await;
            };
            after = last;
            let mut taken = Taken::default();
            let mut recorded = Instant::now();
            for delivery in due {
                let now = self.webhooks.clock().now();
                let message = Message::new(delivery.event_id, delivery.body, &target.secrets, now);
                match self.webhooks.sender().send(&mut connection, &target.url, message).await {
                    Attempt::Taken { status, ms } => {
                        count("taken", ms);
                        taken.ids.push(delivery.id);
                        taken.statuses.push(status);
                        taken.millis.push(ms);
                        sent += 1;
                    }
                    Attempt::Failed(refusal) => {
                        count("failed", refusal.ms);
                        return self.failed(&taken, delivery.id, &target, &refusal).await;
                    }
                }
                let stop = stopping.is_cancelled();
                if stop || taken.ids.len() >= RECORD_EVERY || recorded.elapsed() >= RECORD_AFTER {
                    if let Next::Lost = self.record(&std::mem::take(&mut taken)).await? {
                        return Ok(());
                    }
                    recorded = Instant::now();
                }
                if stop {
                    return self.release(Duration::ZERO).await;
                }
            }
            if let Next::Lost = self.record(&taken).await? {
                return Ok(());
            }
            if sent >= TURN {
                return self.release(Duration::ZERO).await;
            }
        }
    }

    /// Records what was taken, and goes on.
    async fn record(&self, taken: &Taken) -> sqlx::Result<Next> {
        if taken.ids.is_empty() {
            return Ok(Next::Go);
        }
        let mut tx = db::begin(&self.pool).await?;
        if queue::confirm(&mut tx, &self.lease).await?.is_none() {
            return Ok(Next::Lost);
        }
        queue::taken(&mut tx, &self.lease, taken).await?;
        queue::renew(&mut tx, &self.lease, LEASE).await?;
        tx.commit().await?;
        Ok(Next::Go)
    }

    async fn release(&self, wait: Duration) -> sqlx::Result<()> {
        let mut tx = db::begin(&self.pool).await?;
        if queue::confirm(&mut tx, &self.lease).await?.is_some() {
            queue::release(&mut tx, &self.lease, wait).await?;
        }
        tx.commit().await
    }

    /// Records what was taken before, and the failure; says when to go on, or disables the webhook.
    async fn failed(
        &self,
        taken: &Taken,
        delivery: i64,
        target: &Target,
        refusal: &Refusal,
    ) -> sqlx::Result<()> {
        let mut tx = db::begin(&self.pool).await?;
        let Some(mut standing) = queue::confirm(&mut tx, &self.lease).await? else { return Ok(()) };
        if !taken.ids.is_empty() {
            queue::taken(&mut tx, &self.lease, taken).await?;
            standing = Standing { failures: 0, failing_since: None };
        }
        let dead = queue::failed(&mut tx, &self.lease, delivery, &refusal.failure()).await?;
        metrics::counter!("questhall_webhook_dead_letters_total").increment(dead);
        if let Some(reason) = self.reason_to_disable(&mut tx, &standing, refusal).await?
            && queue::disable(&mut tx, &self.lease, reason).await?
        {
            self.tell_disabled(&mut tx, target, reason, &standing, refusal).await?;
        }
        let mut rng =
            StdRng::try_from_rng(&mut rand::rngs::SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0));
        let wait = rules::wait(standing.failures.saturating_add(1), refusal.retry_after, &mut rng);
        queue::release(&mut tx, &self.lease, wait).await?;
        tx.commit().await
    }

    async fn reason_to_disable(
        &self,
        conn: &mut PgConnection,
        standing: &Standing,
        refusal: &Refusal,
    ) -> sqlx::Result<Option<&'static str>> {
        if refusal.is_gone() {
            return Ok(Some("GONE"));
        }
        let Some(since) = standing.failing_since else { return Ok(None) };
        let patience = self.webhooks.settings().disable_after;
        let failing = (db::now(conn).await? - since).to_std().unwrap_or_default();
        Ok((failing >= patience).then_some("FAILING"))
    }

    /// Gives up what is pending, and tells the administrators.
    async fn tell_disabled(
        &self,
        conn: &mut PgConnection,
        target: &Target,
        reason: &str,
        standing: &Standing,
        refusal: &Refusal,
    ) -> sqlx::Result<()> {
        let Lease { guild_id, webhook_id, .. } = self.lease;
        let dead = store::deliveries::give_up_all(conn, guild_id, webhook_id).await?;
        metrics::counter!("questhall_webhook_dead_letters_total").increment(dead);
        let event = Event {
            guild_id,
            event_type: "webhook.disabled",
            subject: format!("webhooks/{webhook_id}"),
            correlation_id: None,
            // For administrators only.
            user_id: None,
            payload: json!({
                "webhook_id": webhook_id, "name": target.name, "reason": reason,
                "failing_since": standing.failing_since, "error": refusal.error,
            }),
        };
        emit_one(conn, event).await?;
        let origin = Origin::default();
        let id = webhook_id.to_string();
        let mut entry =
            AuditEntry::new(Some(guild_id), By::System, "DISABLE", "delivery.webhooks", id).from(&origin);
        entry.before = Some(json!({ "enabled": true }));
        entry.after = Some(json!({ "enabled": false, "disabled_reason": reason }));
        entry.reason = Some("it failed for too long, or is gone");
        audit::record(conn, &entry).await?;
        tracing::warn!(webhook = %webhook_id, reason, "a webhook was disabled");
        Ok(())
    }
}

fn count(result: &'static str, ms: i32) {
    metrics::counter!("questhall_webhook_attempts_total", "result" => result).increment(1);
    metrics::histogram!("questhall_webhook_attempt_seconds", "result" => result)
        .record(f64::from(ms) / 1000.0);
}
