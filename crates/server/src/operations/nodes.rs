//! The processes that run, and those that stopped or died lately.

use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems};
use axum::extract::State;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audited;

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
        let state = match (row.stopped_at, row.died_at) {
            (Some(_), _) => "stopped",
            (None, Some(_)) => "died",
            (None, None) if row.draining => "draining",
            (None, None) => "running",
        };
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
    let mut conn = db::acquire(app.pool()).await?;
    let rows = jobs::node::list(&mut conn).await?;
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
) -> Result<axum::http::StatusCode, Problem> {
    order(&app, &guard, node_id, true).await
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
) -> Result<axum::http::StatusCode, Problem> {
    order(&app, &guard, node_id, false).await
}

async fn order(
    app: &App,
    guard: &Global<OperationsWrite>,
    node: Uuid,
    draining: bool,
) -> Result<axum::http::StatusCode, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let before = jobs::node::set_draining(&mut tx, node, draining).await?;
    let before = before.ok_or_else(|| Problem::not_found("running node"))?;
    let action = if draining { "DRAIN" } else { "RESUME" };
    let change = (Some(json!({ "draining": before })), Some(json!({ "draining": draining })));
    audited(&mut tx, (guard.by(), &guard.origin), action, "jobs.nodes", node.to_string(), change).await?;
    tx.commit().await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
