//! Files: a challenge's attachments for all, and those that were made for a participant.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{CampaignsPlay, CampaignsRead};
use access::web::file_response;
use access::{App, AsMember, InGuild, Json, Path, Problems};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::{CampaignId, ChallengeId, GuildId, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{ChallengePath, onlooker};
use crate::inputs::{self, MadeFile};
use crate::ops;

/// A file of a challenge in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// The campaign.
    campaign_id: CampaignId,
    /// The challenge.
    challenge_id: ChallengeId,
    /// The file's name.
    name: String,
}

impl FilePath {
    const fn within(&self, guild: GuildId) -> (GuildId, CampaignId, ChallengeId) {
        (guild, self.campaign_id, self.challenge_id)
    }
}

/// Get a challenge's attachment
///
/// A file for everybody who may see the challenge: what is not released has none. The challenge lists its attachments with their
/// addresses; a picture in its text is named as the attachment is.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/attachments/{name}",
    tag = "challenges", operation_id = "attachment_get", params(InGuildPath, FilePath, ActingMember),
    responses((status = 200, description = "The file, of the kind that its name says.",
        content((String = "application/octet-stream"), (String = "text/plain"), (String = "text/csv"), (String = "image/png"),
            (String = "image/jpeg"), (String = "image/gif"), (String = "image/webp"), (String = "image/svg+xml"),
            (String = "application/pdf"), (String = "application/zip"), (String = "application/gzip"),
            (serde_json::Value = "application/json"))), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn attachment(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<FilePath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = onlooker(&guild, &headers, None)?;
    let content = ops::attachment_get(app.pool(), path.within(guild.guild_id), who, &path.name).await?;
    Ok(file_response(&path.name, content))
}

/// List the files of one's own input
///
/// What the challenge's script made for this participant beside the input. There is none before the input was asked for.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/input/files",
    tag = "challenges", operation_id = "input_file_list", params(InGuildPath, ChallengePath, ActingMember),
    responses((status = 200, body = Vec<MadeFile>), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn made_list(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
) -> Result<Json<Vec<MadeFile>>, Problem> {
    Ok(Json(inputs::input_files(app.pool(), path.within(member.guild_id), member.user_id).await?))
}

/// Get a file of one's own input
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/input/files/{name}",
    tag = "challenges", operation_id = "input_file_get", params(InGuildPath, FilePath, ActingMember),
    responses((status = 200, description = "The file, of the kind that its name says.",
        content((String = "application/octet-stream"), (String = "text/plain"), (String = "text/csv"), (String = "image/png"),
            (String = "image/jpeg"), (String = "image/gif"), (String = "image/webp"), (String = "image/svg+xml"),
            (String = "application/pdf"), (String = "application/zip"), (String = "application/gzip"),
            (serde_json::Value = "application/json"))), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn made(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<FilePath>,
) -> Result<Response, Problem> {
    let within = path.within(member.guild_id);
    let content = inputs::input_file(app.pool(), within, member.user_id, &path.name).await?;
    Ok(file_response(&path.name, content))
}
