//! Campaigns: make, find, change, delete.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{CampaignsRead, CampaignsWrite, Scope};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::CampaignPath;
use crate::model::{Campaign, CampaignSettings, Status};
use crate::ops::{self, Asker};

/// Which campaigns to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only those of this status.
    status: Option<Status>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Who asks, of a handler's guard.
pub(super) fn asker<S: Scope>(guard: &InGuild<S>) -> Asker<'_> {
    Asker { by: guard.by(), origin: Some(&guard.origin) }
}

/// Whether the caller sees drafts: not on behalf of a member.
pub(super) fn sees_drafts<S: Scope>(guard: &InGuild<S>) -> bool {
    guard.looks_as::<CampaignsWrite>()
}

/// Make a campaign
///
/// A draft, which nobody but authors sees until it is published. Challenges are added to it afterwards, or come with an
/// import.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns", tag = "campaigns", operation_id = "campaign_create",
    params(InGuildPath, IdempotencyKey), request_body = CampaignSettings,
    responses((status = 201, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Json(settings): Json<CampaignSettings>,
) -> Result<(StatusCode, Json<Campaign>), Problem> {
    let made = ops::campaign_create(app.pool(), guild.guild_id, asker(&guild), &settings).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// List campaigns
///
/// Newest first. Drafts are listed for keys that may write campaigns.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns", tag = "campaigns", operation_id = "campaign_list",
    params(InGuildPath, Filter),
    responses((status = 200, body = Page<Campaign>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Campaign>>, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    Ok(Json(ops::campaign_list(app.pool(), guild.guild_id, filter.status, sees_drafts(&guild), &page).await?))
}

/// See a campaign
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}", tag = "campaigns", operation_id = "campaign_get",
    params(InGuildPath, CampaignPath),
    responses((status = 200, body = Campaign), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<Campaign>, Problem> {
    Ok(Json(ops::campaign_get(app.pool(), guild.guild_id, path.campaign_id, sees_drafts(&guild)).await?))
}

/// Change a campaign's settings
///
/// A JSON merge patch (RFC 7396): fields left out stay, `null` takes one back to its default. What competitors rely on is
/// fixed once the campaign has started. Times that change move its timers.
#[utoipa::path(patch, path = "/guilds/{guild_id}/campaigns/{campaign_id}", tag = "campaigns", operation_id = "campaign_update",
    params(InGuildPath, CampaignPath),
    request_body(content = CampaignSettings, description = "Any of the settings."),
    responses((status = 200, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Json(changes): Json<Value>,
) -> Result<Json<Campaign>, Problem> {
    let campaign = ops::campaign_update(
        app.pool(),
        app.wake(),
        guild.guild_id,
        asker(&guild),
        path.campaign_id,
        &changes,
    )
    .await?;
    Ok(Json(campaign))
}

/// Delete a campaign
///
/// A draft, or one that is over, with its challenges, submissions and standings. Balances stay: the ledger keeps its rows.
#[utoipa::path(delete, path = "/guilds/{guild_id}/campaigns/{campaign_id}", tag = "campaigns", operation_id = "campaign_delete",
    params(InGuildPath, CampaignPath),
    responses((status = 204, description = "It is gone."), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn delete(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<StatusCode, Problem> {
    ops::campaign_delete(app.pool(), guild.guild_id, asker(&guild), path.campaign_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
