//! Claims.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CampaignsPlay, CampaignsWrite};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};

use super::CampaignPath;
use crate::model::RewardClaim;
use crate::ops;

/// Claim one's reward
///
/// Once, while the claim window is open; it is paid in bytes, XP and gold at once.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/claims", tag = "campaigns",
    operation_id = "claim_create", params(InGuildPath, CampaignPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = RewardClaim), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn claim(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<RewardClaim>, Problem> {
    Ok(Json(
        ops::reward_claim(app.pool(), app.wake(), member.guild_id, path.campaign_id, member.user_id).await?,
    ))
}

/// List all claims
///
/// By member: open, paid and lapsed.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/claims", tag = "campaigns",
    operation_id = "claim_list", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Page<RewardClaim>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RewardClaim>>, Problem> {
    Ok(Json(ops::claim_list(app.pool(), guild.guild_id, path.campaign_id, None, &page).await?))
}

/// See one's own claim
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/claims/me", tag = "campaigns",
    operation_id = "claim_get", params(InGuildPath, CampaignPath, ActingMember),
    responses((status = 200, body = RewardClaim), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn own(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<RewardClaim>, Problem> {
    let page = PageQuery::default();
    let own =
        ops::claim_list(app.pool(), member.guild_id, path.campaign_id, Some(member.user_id), &page).await?;
    own.items.into_iter().next().map(Json).ok_or_else(|| Problem::not_found("claim"))
}
