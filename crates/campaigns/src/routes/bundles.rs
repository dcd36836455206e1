//! Campaigns as bundles: import, export, check.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CampaignsWrite;
use access::web::Provided;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{CampaignId, Clock, Problem};
use sandbox::Sandbox;
use serde::Deserialize;
use utoipa::IntoParams;

use super::CampaignPath;
use super::campaigns::asker;
use crate::authoring::{self, Bundle, CheckReport, Checked, Seeds, bundle_check};
use crate::model::Campaign;
use crate::ops;

/// How many seeds a check over HTTP runs each generator on; the command line takes as many as it is told.
const CHECK_SEEDS: Seeds = Seeds::exactly(3);

/// How to import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ImportQuery {
    /// Takes the generators as they are: without this, those that are new are run on a few seeds first, and one that fails
    /// refuses the import.
    unchecked: bool,
}

/// What an import needs, whether into a new campaign or an old one.
async fn imported(
    app: &App,
    guild: &InGuild<CampaignsWrite>,
    (bundle, into): (&Bundle, Option<CampaignId>),
    query: &ImportQuery,
    sandbox: Result<Provided<Sandbox>, Problem>,
) -> Result<Campaign, Problem> {
    if !query.unchecked && !bundle.challenges.is_empty() {
        let wrong = bundle_check(bundle);
        if !wrong.is_empty() {
            return Err(Problem::fields(wrong));
        }
        if let Some(id) = into {
            ops::campaign_get(app.pool(), guild.guild_id, id, true).await?;
        }
        let Provided(sandbox) = sandbox?;
        authoring::bundle_try(app.pool(), &sandbox, guild.guild_id, bundle, into).await?;
    }
    Ok(authoring::bundle_import(app.pool(), app.wake(), guild.guild_id, asker(guild), bundle, into).await?)
}

/// Import a campaign
///
/// Makes a draft of a bundle: settings and challenges at once. Its generators are tried first, unless `unchecked`.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/import", tag = "campaigns", operation_id = "campaign_import",
    params(InGuildPath, ImportQuery, IdempotencyKey), request_body = Bundle,
    responses((status = 201, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn import(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Query(query): Query<ImportQuery>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(bundle): Json<Bundle>,
) -> Result<(StatusCode, Json<Campaign>), Problem> {
    let made = imported(&app, &guild, (&bundle, None), &query, sandbox).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Bring a campaign to a bundle
///
/// Challenges are the same by their slug. What has been released keeps its place; who has begun keeps their input. Generators
/// that are new are tried first, unless `unchecked`. Not once the campaign is over.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/import", tag = "campaigns",
    operation_id = "campaign_import_into", params(InGuildPath, CampaignPath, ImportQuery, IdempotencyKey), request_body = Bundle,
    responses((status = 200, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn import_into(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<ImportQuery>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(bundle): Json<Bundle>,
) -> Result<Json<Campaign>, Problem> {
    Ok(Json(imported(&app, &guild, (&bundle, Some(path.campaign_id)), &query, sandbox).await?))
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
    let bundle = authoring::bundle_export(app.pool(), guild.guild_id, path.campaign_id).await?;
    if guild.looks_as::<CampaignsWrite>() {
        return Ok(Json(bundle));
    }
    Err(Problem::forbidden("A member can't export a campaign; leave `Questhall-User` out."))
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
    let files = authoring::files_of(&bundle.library, &bundle.challenges).map_err(Problem::fields)?;
    let what = Checked::bundle(&bundle, &files, Clock::system().now());
    Ok(Json(authoring::check(&sandbox, guild.guild_id.get(), what, CHECK_SEEDS, |_| {}).await))
}
