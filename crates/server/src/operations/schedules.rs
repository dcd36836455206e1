//! Periodic jobs: when they ran, what they did, and running one at once.

use access::operations;
use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A periodic job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Schedule {
    /// Its name.
    #[schema(example = "jobs.partitions_ahead")]
    name: String,
    /// When it runs, in cron syntax, UTC.
    #[schema(example = "13 3 * * *")]
    cron: String,
    /// The next run.
    next_run_at: DateTime<Utc>,
    /// The last one.
    last_run_at: Option<DateTime<Utc>>,
    /// How long that took, in milliseconds.
    last_duration_ms: Option<i32>,
    /// Why it failed; null when it did not.
    last_error: Option<String>,
    /// What it did.
    last_result: Option<Value>,
    /// Runs so far, failed ones among them.
    runs: i64,
    /// Failed runs so far.
    failures: i64,
    /// The node that ran it last.
    last_node_id: Option<Uuid>,
}

/// List periodic jobs
#[utoipa::path(get, path = "/operations/schedules", tag = "operations", operation_id = "operations_schedule_list",
    responses((status = 200, body = Vec<Schedule>), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    _guard: Global<OperationsRead>,
) -> Result<Json<Vec<Schedule>>, Problem> {
    let rows = operations::schedule_list(app.pool()).await?;
    let schedule = |row: jobs::schedule::ScheduleRow| Schedule {
        name: row.name,
        cron: row.cron,
        next_run_at: row.next_run_at,
        last_run_at: row.last_run_at,
        last_duration_ms: row.last_duration_ms,
        last_error: row.last_error,
        last_result: row.last_result,
        runs: row.runs,
        failures: row.failures,
        last_node_id: row.last_node_id,
    };
    Ok(Json(rows.into_iter().map(schedule).collect()))
}

/// Run a periodic job now
///
/// Some node's scheduler runs it within moments; its next regular run stays.
#[utoipa::path(post, path = "/operations/schedules/{schedule}/run", tag = "operations",
    operation_id = "operations_schedule_run",
    params(("schedule" = String, Path, description = "The job's name."), access::openapi::IdempotencyKey),
    responses((status = 202, description = "It will run in a moment."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn run_now(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(schedule): Path<String>,
) -> Result<StatusCode, Problem> {
    operations::schedule_run(app.pool(), &schedule, guard.author()).await?;
    app.wake().timers(jobs::schedule::QUEUE);
    Ok(StatusCode::ACCEPTED)
}
