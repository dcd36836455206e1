//! A challenge's files: those for everybody, and those that were made for who looks.

use access::scope::{CampaignsPlay, CampaignsRead};
use access::web::file_response;
use access::{App, Path};
use axum::extract::State;
use axum::response::Response;
use challenges::ops::Onlooker;
use frame::visit::{Member, Visit};
use kernel::{CampaignId, ChallengeId, Problem};
use serde::Deserialize;

use super::sees_drafts;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FilePath {
    campaign_id: CampaignId,
    challenge_id: ChallengeId,
    name: String,
}

pub(super) async fn attachment(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<FilePath>,
) -> Result<Response, Problem> {
    let who = Onlooker { admin: sees_drafts(&visit.shell), user: visit.shell.member, ..Onlooker::default() };
    let within = (visit.guild_id(), path.campaign_id, path.challenge_id);
    let content = challenges::ops::attachment_get(app.pool(), within, who, &path.name).await?;
    Ok(file_response(&path.name, content))
}

pub(super) async fn made(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<FilePath>,
) -> Result<Response, Problem> {
    let within = (member.guild_id(), path.campaign_id, path.challenge_id);
    let content = challenges::inputs::input_file(app.pool(), within, member.user_id(), &path.name).await?;
    Ok(file_response(&path.name, content))
}
