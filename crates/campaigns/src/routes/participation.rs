//! Who takes part, and who sees challenges early.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CampaignsPlay, CampaignsRead, CampaignsWrite};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{CampaignId, Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CampaignPath;
use super::campaigns::{asker, sees_drafts};
use crate::model::Registration;
use crate::ops;

/// A tester in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TesterPath {
    /// The campaign.
    campaign_id: CampaignId,
    /// The member.
    user_id: UserId,
}

/// Register for a campaign
///
/// The member, or in a squad campaign their squad; the member pays the entry fee. Who is registered already gets that
/// registration back (200) and pays nothing more.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/registrations", tag = "campaigns",
    operation_id = "registration_create", params(InGuildPath, CampaignPath, ActingMember, IdempotencyKey),
    responses((status = 201, body = Registration), (status = 200, body = Registration, description = "Registered already."), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn register(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<(StatusCode, Json<Registration>), Problem> {
    let (registration, new) =
        ops::register(app.pool(), app.wake(), member.guild_id, path.campaign_id, member.user_id).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(registration)))
}

/// List who takes part
///
/// By participant id.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/registrations", tag = "campaigns",
    operation_id = "registration_list", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Page<Registration>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Registration>>, Problem> {
    let drafts = sees_drafts(&guild);
    Ok(Json(ops::participant_list(app.pool(), guild.guild_id, path.campaign_id, drafts, &page).await?))
}

/// See one's own registration
///
/// Or that of one's squad.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/registrations/me", tag = "campaigns",
    operation_id = "registration_get", params(InGuildPath, CampaignPath, ActingMember),
    responses((status = 200, body = Registration), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn own(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<Registration>, Problem> {
    Ok(Json(ops::registration_get(app.pool(), member.guild_id, path.campaign_id, member.user_id).await?))
}

/// Withdraw a registration
///
/// Before the campaign starts, by who registered; the entry fee goes back.
#[utoipa::path(delete, path = "/guilds/{guild_id}/campaigns/{campaign_id}/registrations/me", tag = "campaigns",
    operation_id = "registration_delete", params(InGuildPath, CampaignPath, ActingMember),
    responses((status = 204, description = "Withdrawn."), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn withdraw(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<StatusCode, Problem> {
    ops::withdraw(app.pool(), app.wake(), member.guild_id, path.campaign_id, member.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List testers
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/testers", tag = "campaigns",
    operation_id = "tester_list", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Page<UserId>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn tester_list(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<UserId>>, Problem> {
    Ok(Json(ops::tester_list(app.pool(), guild.guild_id, path.campaign_id, &page).await?))
}

/// Give a member early access
///
/// They see each challenge `early_access_minutes` before its release.
#[utoipa::path(put, path = "/guilds/{guild_id}/campaigns/{campaign_id}/testers/{user_id}", tag = "campaigns",
    operation_id = "tester_add", params(InGuildPath, TesterPath),
    responses((status = 204, description = "They are a tester."), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn tester_add(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<TesterPath>,
) -> Result<StatusCode, Problem> {
    ops::tester_add(app.pool(), guild.guild_id, asker(&guild), path.campaign_id, path.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take early access back
#[utoipa::path(delete, path = "/guilds/{guild_id}/campaigns/{campaign_id}/testers/{user_id}", tag = "campaigns",
    operation_id = "tester_remove", params(InGuildPath, TesterPath),
    responses((status = 204, description = "They are none."), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn tester_remove(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<TesterPath>,
) -> Result<StatusCode, Problem> {
    ops::tester_remove(app.pool(), guild.guild_id, asker(&guild), path.campaign_id, path.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
