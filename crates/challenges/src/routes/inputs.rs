//! Inputs: one's own, and all of them for admins.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{CampaignsPlay, CampaignsWrite};
use access::web::Provided;
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kernel::{CampaignId, ChallengeId, Page, PageQuery, Problem};
use sandbox::Sandbox;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::ChallengePath;
use crate::inputs::{self, InputWithAnswer, StoredInput};

/// When the participant first asked for the input: `time_based` scoring counts from there.
const FIRST_REQUEST: HeaderName = HeaderName::from_static("questhall-first-request");

/// A participant's input in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InputPath {
    /// The campaign.
    campaign_id: CampaignId,
    /// The challenge.
    challenge_id: ChallengeId,
    /// A player's snowflake or a squad's UUID.
    participant_id: String,
}

/// Get one's own input
///
/// Text as `text/plain`, anything else as JSON. Every participant has an input of their own, always the same. The first
/// request is remembered, and told by the header `Questhall-First-Request`.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/input", tag = "challenges",
    operation_id = "input_get", params(InGuildPath, ChallengePath, ActingMember),
    responses((status = 200, description = "The input.",
        content((String = "text/plain"), (serde_json::Value = "application/json"))), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn own(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
    Provided(sandbox): Provided<Sandbox>,
) -> Result<Response, Problem> {
    let within = path.within(member.guild_id);
    let input = inputs::input_get(app.pool(), app.wake(), &sandbox, within, member.user_id).await?;
    let mut response = match input.value {
        Value::String(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        other => Json(other).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let first = input.first_request.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
    if let Some(at) = first.and_then(|at| HeaderValue::try_from(at).ok()) {
        response.headers_mut().insert(FIRST_REQUEST, at);
    }
    Ok(response)
}

/// List a challenge's inputs with their answers
///
/// By participant.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/inputs", tag = "challenges",
    operation_id = "input_list", params(InGuildPath, ChallengePath, PageQuery),
    responses((status = 200, body = Page<InputWithAnswer>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<InputWithAnswer>>, Problem> {
    let inputs = inputs::input_list(app.pool(), path.within(guild.guild_id), &page).await?;
    not_for_members(&guild).map(|()| Json(inputs))
}

/// See a participant's input with its answers
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/inputs/{participant_id}",
    tag = "challenges", operation_id = "input_get_any", params(InGuildPath, InputPath),
    responses((status = 200, body = StoredInput), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn one(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<InputPath>,
) -> Result<Json<StoredInput>, Problem> {
    let within = (guild.guild_id, path.campaign_id, path.challenge_id);
    let input = inputs::input_with_answers(app.pool(), within, &path.participant_id).await?;
    not_for_members(&guild).map(|()| Json(input))
}

/// Answers are shown on nobody's behalf: a member would not see them.
fn not_for_members(guild: &InGuild<CampaignsWrite>) -> Result<(), Problem> {
    if guild.looks_as::<CampaignsWrite>() {
        return Ok(());
    }
    Err(Problem::forbidden("A member can't see inputs with their answers; leave `Questhall-User` out."))
}
