//! What happened and what is to come: timers, transitions, figures, health.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{CampaignsWrite, OperationsRead, OperationsWrite};
use access::{App, Global, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem, TimerId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CampaignPath;
use super::campaigns::asker;
use crate::model::{CampaignTimer, Metric, StateLogEntry};
use crate::operations::{self, Health};
use crate::ops;
use crate::rehearsal::Rehearsal;

kernel::decl_words! {
    /// Where a timer is.
    #[schema(as = CampaignTimerStatus)]
    pub(super) enum TimerStatus {
        Pending = "PENDING",
        Completed = "COMPLETED",
        Failed = "FAILED",
        Cancelled = "CANCELLED",
    }
}

/// Which timers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TimerFilter {
    /// Only those of this status.
    #[param(inline)]
    status: Option<TimerStatus>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

kernel::decl_words! {
    /// What figures are of.
    pub(super) enum MetricType {
        EngagementCount = "ENGAGEMENT_COUNT",
        ParticipantCount = "PARTICIPANT_COUNT",
        RewardClaimed = "REWARD_CLAIMED",
        TimerExecutionTime = "TIMER_EXECUTION_TIME",
        StateTransitionTime = "STATE_TRANSITION_TIME",
    }
}

/// Which figures to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricFilter {
    /// Only figures of this type.
    metric_type: Option<MetricType>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A timer in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TimerPath {
    /// The timer.
    timer_id: TimerId,
}

/// Rehearse a campaign
///
/// Goes through its time line on paper: every instant in order with what would happen and what members would see, and what is amiss: challenges
/// that would never be released, ranks that get nothing, scripts that fail. Nothing is written. One without a start time is gone
/// through as if it started now.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/rehearsal", tag = "campaigns",
    operation_id = "campaign_rehearsal", params(InGuildPath, CampaignPath),
    responses((status = 200, body = Rehearsal), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn rehearsal(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<Rehearsal>, Problem> {
    Ok(Json(ops::campaign_rehearse(app.pool(), guild.guild_id, path.campaign_id).await?))
}

/// List a campaign's timers
///
/// Newest first: what is to come, what was done, what failed.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/timers", tag = "campaigns",
    operation_id = "campaign_timer_list", params(InGuildPath, CampaignPath, TimerFilter),
    responses((status = 200, body = Page<CampaignTimer>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn timers(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(filter): Query<TimerFilter>,
) -> Result<Json<Page<CampaignTimer>>, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let status = filter.status.map(TimerStatus::as_str);
    Ok(Json(ops::timer_list(app.pool(), guild.guild_id, Some(path.campaign_id), status, &page).await?))
}

/// List the timers of all campaigns
///
/// Newest first. With `status=FAILED`: what needs an admin.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaign-timers", tag = "campaigns", operation_id = "guild_timer_list",
    params(InGuildPath, TimerFilter),
    responses((status = 200, body = Page<CampaignTimer>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn guild_timers(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Query(filter): Query<TimerFilter>,
) -> Result<Json<Page<CampaignTimer>>, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let status = filter.status.map(TimerStatus::as_str);
    Ok(Json(ops::timer_list(app.pool(), guild.guild_id, None, status, &page).await?))
}

/// Run a failed timer again
///
/// Now, with its retries restored.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaign-timers/{timer_id}/retry", tag = "campaigns",
    operation_id = "timer_retry", params(InGuildPath, TimerPath, IdempotencyKey),
    responses((status = 200, body = CampaignTimer), Problems),
    security(("api_key" = ["operations:write"])))]
pub(super) async fn retry(
    State(app): State<App>,
    guild: InGuild<OperationsWrite>,
    Path(path): Path<TimerPath>,
) -> Result<Json<CampaignTimer>, Problem> {
    Ok(Json(ops::timer_retry(app.pool(), app.wake(), guild.guild_id, asker(&guild), path.timer_id).await?))
}

/// List a campaign's transitions
///
/// Newest first, each with what caused it and who.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/state-log", tag = "campaigns",
    operation_id = "campaign_state_log", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Page<StateLogEntry>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn state_log(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<StateLogEntry>>, Problem> {
    Ok(Json(ops::state_log_list(app.pool(), guild.guild_id, path.campaign_id, &page).await?))
}

/// List a campaign's figures
///
/// Newest first, one a minute and type where there was something to record.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/metrics", tag = "campaigns",
    operation_id = "campaign_metrics", params(InGuildPath, CampaignPath, MetricFilter),
    responses((status = 200, body = Page<Metric>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn metrics(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(filter): Query<MetricFilter>,
) -> Result<Json<Page<Metric>>, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let metric_type = filter.metric_type.map(MetricType::as_str);
    Ok(Json(ops::metric_list(app.pool(), guild.guild_id, path.campaign_id, metric_type, &page).await?))
}

/// See how a guild's campaigns fare
///
/// Stuck and failed timers, campaigns by state, execution times of the last 24 hours.
#[utoipa::path(get, path = "/guilds/{guild_id}/operations/campaigns", tag = "campaigns", operation_id = "guild_campaign_health",
    params(InGuildPath),
    responses((status = 200, body = Health), Problems),
    security(("api_key" = ["operations:read"])))]
pub(super) async fn guild_health(
    State(app): State<App>,
    guild: InGuild<OperationsRead>,
) -> Result<Json<Health>, Problem> {
    Ok(Json(operations::health(app.pool(), Some(guild.guild_id)).await?))
}

/// See how all campaigns fare
///
/// The same over all guilds, for the operator.
#[utoipa::path(get, path = "/operations/campaigns", tag = "operations", operation_id = "campaign_health",
    responses((status = 200, body = Health), Problems),
    security(("api_key" = ["operations:read"])))]
pub(super) async fn health(
    State(app): State<App>,
    _operator: Global<OperationsRead>,
) -> Result<Json<Health>, Problem> {
    Ok(Json(operations::health(app.pool(), None).await?))
}
