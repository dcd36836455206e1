//! One-off work of all slices (`jobs.timers`): what is due, what failed, and running it again.

use access::operations;
use access::scope::{OperationsRead, OperationsWrite};
use access::{App, Global, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::timers::{Listing, Status};
use kernel::{GuildId, Page, PageQuery, Problem, TimerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which timers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TimerQuery {
    /// In this status; FAILED unless told.
    status: Option<Status>,
    /// Only of this kind.
    #[param(example = "challenges.pregenerate")]
    kind: Option<String>,
    /// Only this guild's.
    guild_id: Option<GuildId>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// A piece of one-off work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timer {
    /// Its id.
    id: TimerId,
    /// What it is.
    kind: String,
    /// The guild it concerns.
    guild_id: Option<GuildId>,
    /// PENDING, RUNNING, COMPLETED, FAILED or CANCELLED.
    status: String,
    /// When it is or was due.
    scheduled_at: DateTime<Utc>,
    /// When it was executed or cancelled.
    executed_at: Option<DateTime<Utc>>,
    /// What its handler needs.
    payload: Value,
    /// Failures so far.
    retry_count: i32,
    /// Deaths of nodes during its runs.
    crash_count: i32,
    /// The latest failure.
    last_error: Option<String>,
}

/// List one-off work
///
/// What failed for good, unless told otherwise; by time.
#[utoipa::path(get, path = "/operations/timers", tag = "operations", operation_id = "operations_timer_list",
    params(TimerQuery),
    responses((status = 200, body = Page<Timer>), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    _guard: Global<OperationsRead>,
    Query(query): Query<TimerQuery>,
) -> Result<Json<Page<Timer>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let status = query.status.unwrap_or(Status::Failed);
    let listing = Listing { status, guild: query.guild_id, kind: query.kind.as_deref() };
    let page = operations::timer_list(app.pool(), listing, &page).await?;
    Ok(Json(page.map(|row| Timer {
        id: row.id,
        kind: row.kind,
        guild_id: row.guild_id,
        status: row.status,
        scheduled_at: row.scheduled_at,
        executed_at: row.executed_at,
        payload: row.payload,
        retry_count: row.retry_count,
        crash_count: row.crash_count,
        last_error: row.last_error,
    })))
}

/// Run failed work again
///
/// At once, and with all its retries.
#[utoipa::path(post, path = "/operations/timers/{timer_id}/retry", tag = "operations",
    operation_id = "operations_timer_retry",
    params(("timer_id" = TimerId, Path, description = "The timer."), access::openapi::IdempotencyKey),
    responses((status = 202, description = "It will run in a moment."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn retry(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(timer_id): Path<TimerId>,
) -> Result<StatusCode, Problem> {
    operations::timer_retry(app.pool(), timer_id, guard.author()).await?;
    app.wake().timers(jobs::timers::QUEUE);
    Ok(StatusCode::ACCEPTED)
}

/// Cancel work
///
/// What waits or has failed is not run any more.
#[utoipa::path(post, path = "/operations/timers/{timer_id}/cancel", tag = "operations",
    operation_id = "operations_timer_cancel",
    params(("timer_id" = TimerId, Path, description = "The timer."), access::openapi::IdempotencyKey),
    responses((status = 204, description = "It is cancelled."), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn cancel(
    State(app): State<App>,
    guard: Global<OperationsWrite>,
    Path(timer_id): Path<TimerId>,
) -> Result<StatusCode, Problem> {
    operations::timer_cancel(app.pool(), timer_id, guard.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}
