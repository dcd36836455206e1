//! Queues of timers: pausing them, for as long as something is being mended.

use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audited;

/// The queues that nodes of this version work on.
const QUEUES: [&str; 3] = [campaigns::timers::QUEUE, jobs::timers::QUEUE, jobs::schedule::QUEUE];

/// A queue of work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queue {
    /// Its name.
    #[schema(example = "campaigns.campaign_timers")]
    name: String,
    /// Whether nothing of it is executed.
    paused: bool,
    /// Who paused it last.
    paused_by: Option<String>,
    /// When.
    paused_at: Option<DateTime<Utc>>,
    /// Why.
    reason: Option<String>,
}

/// Why a queue is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    /// For the others who look after the installation.
    #[schema(max_length = 500, example = "Moving the database.")]
    reason: Option<String>,
}

/// List queues
#[utoipa::path(get, path = "/operations/queues", tag = "operations", operation_id = "operations_queue_list",
    responses((status = 200, body = Vec<Queue>), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    _guard: Global<OperationsRead>,
) -> Result<Json<Vec<Queue>>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let rows = jobs::queues::list(&mut conn).await?;
    let mut queues: Vec<Queue> = rows
        .into_iter()
        .map(|row| Queue {
            name: row.name,
            paused: row.paused,
            paused_by: row.paused_by,
            paused_at: row.paused_at,
            reason: row.reason,
        })
        .collect();
    for name in QUEUES {
        if !queues.iter().any(|queue| queue.name == name) {
            let name = name.to_owned();
            queues.push(Queue { name, paused: false, paused_by: None, paused_at: None, reason: None });
        }
    }
    queues.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(Json(queues))
}

/// Pause a queue
///
/// From the next batch on, nothing of it is executed on any node, until it is resumed. What runs is finished.
#[utoipa::path(post, path = "/operations/queues/{queue}/pause", tag = "operations",
    operation_id = "operations_queue_pause",
    params(("queue" = String, Path, description = "The queue's name."), access::openapi::IdempotencyKey),
    request_body(content = Pause, description = "May be left out."),
    responses((status = 204, description = "It is paused."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn pause(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(queue): Path<String>,
    body: Option<Json<Pause>>,
) -> Result<StatusCode, Problem> {
    let queue = known(&queue)?;
    let reason = body.and_then(|Json(pause)| pause.reason);
    if let Some(reason) = &reason {
        if reason.contains('\0') {
            return Err(Problem::field("reason", "must not contain a zero character"));
        }
        if reason.chars().count() > 500 {
            return Err(Problem::field("reason", "must have at most 500 characters"));
        }
    }
    let mut tx = db::begin(app.pool()).await?;
    let before = snapshot(jobs::queues::lock(&mut tx, queue).await?);
    jobs::queues::pause(&mut tx, queue, &guard.by().changed_by(), reason.as_deref()).await?;
    let change = (Some(before), Some(snapshot(jobs::queues::lock(&mut tx, queue).await?)));
    audited(&mut tx, (guard.by(), &guard.origin), "PAUSE", "jobs.queues", queue.to_owned(), change).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resume a queue
///
/// Every node goes on with it at once. Resuming a queue that is not paused changes nothing.
#[utoipa::path(post, path = "/operations/queues/{queue}/resume", tag = "operations",
    operation_id = "operations_queue_resume",
    params(("queue" = String, Path, description = "The queue's name."), access::openapi::IdempotencyKey),
    responses((status = 204, description = "It is worked on."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn resume(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    let queue = known(&queue)?;
    let mut tx = db::begin(app.pool()).await?;
    let before = snapshot(jobs::queues::lock(&mut tx, queue).await?);
    if jobs::queues::resume(&mut tx, queue).await? {
        let change = (Some(before), Some(snapshot(None)));
        audited(&mut tx, (guard.by(), &guard.origin), "RESUME", "jobs.queues", queue.to_owned(), change)
            .await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A queue as the audit log has it: who paused it counts only while it is paused.
fn snapshot(queue: Option<jobs::queues::Queue>) -> serde_json::Value {
    match queue.filter(|queue| queue.paused) {
        Some(queue) => json!({ "paused": true, "paused_by": queue.paused_by, "reason": queue.reason }),
        None => json!({ "paused": false }),
    }
}

fn known(name: &str) -> Result<&'static str, Problem> {
    QUEUES.into_iter().find(|queue| *queue == name).ok_or_else(|| Problem::not_found("queue"))
}
