//! What the operators of an installation see and do: timers, queues, periodic jobs, nodes.
//!
//! Promises: every deed is a transaction with its entry in the audit log, which belongs to no guild.

use jobs::node::NodeRow;
use jobs::queues::Queue;
use jobs::schedule::ScheduleRow;
use jobs::timers::{After, Listed, Listing};
use kernel::{Page, PageQuery, Problem, TimerId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{AuditEntry, Author, audit};

/// The longest reason for pausing a queue, in characters.
const MAX_REASON: usize = 500;

/// Writes the audit log's entry of an operator's deed.
async fn audited(
    conn: &mut PgConnection,
    author: Author<'_>,
    (action, table, id): (&str, &str, &str),
    (before, after): (Value, Value),
) -> Result<(), Problem> {
    let entry = AuditEntry {
        before: Some(before),
        after: Some(after),
        ..AuditEntry::new(None, author.by, action, table, id.to_owned()).from(author.origin)
    };
    Ok(audit::record(conn, &entry).await?)
}

/// A name in a path, such as a queue's: what PostgreSQL could not even compare is no name of anything.
fn known_text(name: &str, what: &'static str) -> Result<(), Problem> {
    if name.contains('\0') || name.len() > 200 { Err(Problem::not_found(what)) } else { Ok(()) }
}

/// A page of one-off work, by time.
#[kernel::boxed]
pub async fn timer_list(
    pool: &PgPool,
    listing: Listing<'_>,
    page: &PageQuery,
) -> Result<Page<Listed>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<After>()?);
    if let Some(kind) = listing.kind {
        known_text(kind, "kind of timer")?;
    }
    let mut conn = db::acquire(pool).await?;
    let rows = jobs::timers::list(&mut conn, listing, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, Listed::key))
}

/// Runs failed work again, with all its retries. Whoever calls wakes the timers.
#[kernel::boxed]
pub async fn timer_retry(pool: &PgPool, timer: TimerId, author: Author<'_>) -> Result<(), Problem> {
    let mut tx = db::begin(pool).await?;
    if !jobs::timers::retry_failed(&mut tx, timer, None).await? {
        return Err(Problem::not_found("failed timer"));
    }
    let change = (json!({ "status": "FAILED" }), json!({ "status": "PENDING" }));
    audited(&mut tx, author, ("RETRY", "jobs.timers", &timer.to_string()), change).await?;
    Ok(tx.commit().await?)
}

/// Cancels what waits or has failed: it is not run any more.
pub async fn timer_cancel(pool: &PgPool, timer: TimerId, author: Author<'_>) -> Result<(), Problem> {
    let mut tx = db::begin(pool).await?;
    let before = jobs::timers::cancel_id(&mut tx, timer).await?;
    let before = before.ok_or_else(|| Problem::not_found("pending or failed timer"))?;
    let change = (json!({ "status": before }), json!({ "status": "CANCELLED" }));
    audited(&mut tx, author, ("CANCEL", "jobs.timers", &timer.to_string()), change).await?;
    Ok(tx.commit().await?)
}

/// Every queue, by name: `all` that nodes of this version work on, and those that were paused once.
pub async fn queue_list(pool: &PgPool, all: &[&'static str]) -> Result<Vec<Queue>, Problem> {
    let mut queues = jobs::queues::list(&mut *db::acquire(pool).await?).await?;
    for name in all {
        if !queues.iter().any(|queue| queue.name == *name) {
            let name = (*name).to_owned();
            queues.push(Queue { name, paused: false, paused_by: None, paused_at: None, reason: None });
        }
    }
    queues.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(queues)
}

/// A queue as the audit log has it: who paused it counts only while it is paused.
fn snapshot(queue: Option<Queue>) -> Value {
    match queue.filter(|queue| queue.paused) {
        Some(queue) => json!({ "paused": true, "paused_by": queue.paused_by, "reason": queue.reason }),
        None => json!({ "paused": false }),
    }
}

fn queue_known(all: &[&'static str], name: &str) -> Result<&'static str, Problem> {
    all.iter().copied().find(|queue| *queue == name).ok_or_else(|| Problem::not_found("queue"))
}

/// Pauses one of the queues: from the next batch on nothing of it is executed on any node.
pub async fn queue_pause(
    pool: &PgPool,
    (all, queue): (&[&'static str], &str),
    reason: Option<&str>,
    author: Author<'_>,
) -> Result<(), Problem> {
    let queue = queue_known(all, queue)?;
    if let Some(reason) = reason {
        if reason.contains('\0') {
            return Err(Problem::field("reason", "must not contain a zero character"));
        }
        if reason.chars().count() > MAX_REASON {
            return Err(Problem::field("reason", format!("must have at most {MAX_REASON} characters")));
        }
    }
    let mut tx = db::begin(pool).await?;
    let before = snapshot(jobs::queues::lock(&mut tx, queue).await?);
    jobs::queues::pause(&mut tx, queue, &author.by.changed_by(), reason).await?;
    let after = snapshot(jobs::queues::lock(&mut tx, queue).await?);
    audited(&mut tx, author, ("PAUSE", "jobs.queues", queue), (before, after)).await?;
    Ok(tx.commit().await?)
}

/// Resumes one of the queues. Resuming one that is not paused changes nothing.
pub async fn queue_resume(
    pool: &PgPool,
    (all, queue): (&[&'static str], &str),
    author: Author<'_>,
) -> Result<(), Problem> {
    let queue = queue_known(all, queue)?;
    let mut tx = db::begin(pool).await?;
    let before = snapshot(jobs::queues::lock(&mut tx, queue).await?);
    if jobs::queues::resume(&mut tx, queue).await? {
        audited(&mut tx, author, ("RESUME", "jobs.queues", queue), (before, snapshot(None))).await?;
    }
    Ok(tx.commit().await?)
}

/// Every periodic job, by name.
pub async fn schedule_list(pool: &PgPool) -> Result<Vec<ScheduleRow>, Problem> {
    Ok(jobs::schedule::list(&mut *db::acquire(pool).await?).await?)
}

/// Lets a periodic job run now; its next regular run stays. Whoever calls wakes the schedulers.
#[kernel::boxed]
pub async fn schedule_run(pool: &PgPool, schedule: &str, author: Author<'_>) -> Result<(), Problem> {
    known_text(schedule, "periodic job")?;
    let mut tx = db::begin(pool).await?;
    let moved = jobs::schedule::run_now(&mut tx, schedule).await?;
    let (before, after) = moved.ok_or_else(|| Problem::not_found("periodic job"))?;
    let change = (json!({ "next_run_at": before }), json!({ "next_run_at": after }));
    audited(&mut tx, author, ("RUN", "jobs.schedules", schedule), change).await?;
    Ok(tx.commit().await?)
}

/// The nodes that run, and those that stopped or died lately: the latest started first.
pub async fn node_list(pool: &PgPool) -> Result<Vec<NodeRow>, Problem> {
    Ok(jobs::node::list(&mut *db::acquire(pool).await?).await?)
}

/// What became of a node: running, draining, stopped or died.
pub fn node_state(node: &NodeRow) -> &'static str {
    match (node.stopped_at, node.died_at) {
        (Some(_), _) => "stopped",
        (None, Some(_)) => "died",
        (None, None) if node.draining => "draining",
        (None, None) => "running",
    }
}

/// Drains a node, or lets it work again: it hears of it with its next heartbeat.
pub async fn node_order(
    pool: &PgPool,
    node: Uuid,
    draining: bool,
    author: Author<'_>,
) -> Result<(), Problem> {
    let mut tx = db::begin(pool).await?;
    let before = jobs::node::set_draining(&mut tx, node, draining).await?;
    let before = before.ok_or_else(|| Problem::not_found("running node"))?;
    let action = if draining { "DRAIN" } else { "RESUME" };
    let change = (json!({ "draining": before }), json!({ "draining": draining }));
    audited(&mut tx, author, (action, "jobs.nodes", &node.to_string()), change).await?;
    Ok(tx.commit().await?)
}
