//! Hints: what there is, and buying one.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::CampaignsPlay;
use access::{App, AsMember, Json, Path, Problems};
use axum::extract::State;
use kernel::{CampaignId, ChallengeId, HintId, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::ChallengePath;
use crate::hints::{self, Hint};

/// A hint in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct HintPath {
    /// The campaign.
    campaign_id: CampaignId,
    /// The challenge.
    challenge_id: ChallengeId,
    /// The hint.
    hint_id: HintId,
}

/// List a challenge's hints
///
/// With their costs; texts of those that are unlocked. A challenge has at most 20.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/hints", tag = "challenges",
    operation_id = "hint_list", params(InGuildPath, ChallengePath, ActingMember),
    responses((status = 200, body = Vec<Hint>), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
) -> Result<Json<Vec<Hint>>, Problem> {
    Ok(Json(hints::hint_list(app.pool(), path.within(member.guild_id), member.user_id).await?))
}

/// Unlock a hint
///
/// Once for all who act for the participant: the member pays its bytes, the score takes its penalty. Asking again shows it
/// and costs nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/hints/{hint_id}/unlock",
    tag = "challenges", operation_id = "hint_unlock", params(InGuildPath, HintPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = Hint), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn unlock(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<HintPath>,
) -> Result<Json<Hint>, Problem> {
    let within = (member.guild_id, path.campaign_id, path.challenge_id);
    let hint = hints::hint_unlock(app.pool(), within, path.hint_id, member.user_id).await?;
    app.wake().outbox();
    Ok(Json(hint))
}
