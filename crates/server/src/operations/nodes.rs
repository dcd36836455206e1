//! The processes that run, and those that stopped or died lately.

use access::operations;
use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A process that serves this installation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Node)]
pub(super) struct Node {
    /// Made anew at every start.
    id: Uuid,
    /// Host name and process id.
    #[schema(example = "web-1:4711")]
    name: String,
    /// The binary's version.
    version: String,
    /// What it does: http, worker, scheduler.
    roles: Vec<String>,
    /// running, draining, stopped or died.
    state: &'static str,
    /// When it started.
    started_at: DateTime<Utc>,
    /// Its latest heartbeat.
    heartbeat_at: DateTime<Utc>,
    /// When it stopped in good order.
    stopped_at: Option<DateTime<Utc>>,
    /// When it was found dead.
    died_at: Option<DateTime<Utc>>,
}

impl From<jobs::node::NodeRow> for Node {
    fn from(row: jobs::node::NodeRow) -> Self {
        let state = operations::node_state(&row);
        Self {
            id: row.id,
            name: row.name,
            version: row.version,
            roles: row.roles,
            state,
            started_at: row.started_at,
            heartbeat_at: row.heartbeat_at,
            stopped_at: row.stopped_at,
            died_at: row.died_at,
        }
    }
}

/// List nodes
///
/// Processes that run, and those that stopped or died in the last days, the latest started first; at most 200.
#[utoipa::path(get, path = "/operations/nodes", tag = "operations", operation_id = "operations_node_list",
    responses((status = 200, body = Vec<Node>), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    _guard: Global<OperationsRead>,
) -> Result<Json<Vec<Node>>, Problem> {
    let rows = operations::node_list(app.pool()).await?;
    Ok(Json(rows.into_iter().map(Node::from).collect()))
}

/// Drain a node
///
/// It takes no new work from its next heartbeat on; what has begun is finished. It still answers requests.
#[utoipa::path(post, path = "/operations/nodes/{node_id}/drain", tag = "operations",
    operation_id = "operations_node_drain",
    params(("node_id" = Uuid, Path, description = "The node."), access::openapi::IdempotencyKey),
    responses((status = 204, description = "It drains."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn drain(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(node_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    operations::node_order(app.pool(), node_id, true, guard.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a drained node work again
#[utoipa::path(post, path = "/operations/nodes/{node_id}/resume", tag = "operations",
    operation_id = "operations_node_resume",
    params(("node_id" = Uuid, Path, description = "The node."), access::openapi::IdempotencyKey),
    responses((status = 204, description = "It works."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn undrain(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(node_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    operations::node_order(app.pool(), node_id, false, guard.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}
