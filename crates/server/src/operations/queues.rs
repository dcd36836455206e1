//! Queues of timers: pausing them, for as long as something is being mended.

use access::operations;
use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use campaigns::timers::QUEUES;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    let queues = operations::queue_list(app.pool(), &QUEUES).await?;
    let queues = queues.into_iter().map(|row| Queue {
        name: row.name,
        paused: row.paused,
        paused_by: row.paused_by,
        paused_at: row.paused_at,
        reason: row.reason,
    });
    Ok(Json(queues.collect()))
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
    let reason = body.and_then(|Json(pause)| pause.reason);
    operations::queue_pause(app.pool(), (&QUEUES, &queue), reason.as_deref(), guard.author()).await?;
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
    operations::queue_resume(app.pool(), (&QUEUES, &queue), guard.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}
