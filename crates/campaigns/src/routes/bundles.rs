//! Campaigns as bundles: import, export, check.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CampaignsWrite;
use access::web::Provided;
use access::{App, InGuild, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Clock, Problem};
use sandbox::Sandbox;

use super::CampaignPath;
use super::campaigns::asker;
use crate::authoring::{self, Bundle, CheckReport, Checked, Seeds, bundle_check};
use crate::model::Campaign;

/// How many seeds a check over HTTP runs each generator on; the command line takes as many as it is told.
const CHECK_SEEDS: Seeds = Seeds::exactly(3);

/// Import a campaign
///
/// Makes a draft of a bundle: settings and challenges at once.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/import", tag = "campaigns", operation_id = "campaign_import",
    params(InGuildPath, IdempotencyKey), request_body = Bundle,
    responses((status = 201, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn import(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Json(bundle): Json<Bundle>,
) -> Result<(StatusCode, Json<Campaign>), Problem> {
    let made = authoring::bundle_import(app.pool(), app.wake(), guild.guild_id, asker(&guild), &bundle, None)
        .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Bring a campaign to a bundle
///
/// Challenges are the same by their slug. What has been released keeps its place; who has begun keeps their input.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/import", tag = "campaigns",
    operation_id = "campaign_import_into", params(InGuildPath, CampaignPath, IdempotencyKey), request_body = Bundle,
    responses((status = 200, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn import_into(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Json(bundle): Json<Bundle>,
) -> Result<Json<Campaign>, Problem> {
    let into = Some(path.campaign_id);
    Ok(Json(
        authoring::bundle_import(app.pool(), app.wake(), guild.guild_id, asker(&guild), &bundle, into)
            .await?,
    ))
}

/// Export a campaign
///
/// As the bundle that importing it again takes. Its secret stays here, so a copy has inputs of its own.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/export", tag = "campaigns",
    operation_id = "campaign_export", params(InGuildPath, CampaignPath),
    responses((status = 200, body = Bundle), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn export(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<Bundle>, Problem> {
    Ok(Json(authoring::bundle_export(app.pool(), guild.guild_id, path.campaign_id).await?))
}

/// Check a bundle
///
/// Runs every generator on a few seeds, in the jail, and says what must be mended. Nothing is stored.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/check", tag = "campaigns", operation_id = "campaign_check",
    params(InGuildPath, IdempotencyKey), request_body = Bundle,
    responses((status = 200, body = CheckReport), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn check(
    guild: InGuild<CampaignsWrite>,
    Provided(sandbox): Provided<Sandbox>,
    Json(bundle): Json<Bundle>,
) -> Result<Json<CheckReport>, Problem> {
    let wrong = bundle_check(&bundle);
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong));
    }
    let what = Checked::bundle(&bundle, Clock::system().now());
    Ok(Json(authoring::check(&sandbox, guild.guild_id.get(), what, CHECK_SEEDS, |_| {}).await))
}
