//! Challenges: make, find, change, try.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CampaignsRead, CampaignsWrite};
use access::web::Provided;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kernel::{ChallengeId, Page, PageQuery, Problem};
use sandbox::{Files, Sandbox};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{CampaignPath, ChallengePath, onlooker};
use crate::catalogue::{self, Challenge, ChallengeDraft, ChallengePatch, CheckedScript};
use crate::ops;
use crate::rejudge::{self, Rejudged};

/// The challenges of a campaign in their new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Every challenge of the campaign, once.
    challenge_ids: Vec<ChallengeId>,
}

/// What to try.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trial {
    /// This text rather than the stored script.
    script: Option<String>,
    /// For how many made-up participants: 1 to 20, 5 unless told.
    #[schema(minimum = 1, maximum = 20, default = 5)]
    runs: Option<u8>,
}

/// Which challenges to list, and in which language.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The language of titles and texts, as a tag: `de`. Unless told, the member's preference, then what `Accept-Language` says. What is
    /// not told in it comes in its own language.
    #[param(pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
    lang: Option<String>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// In which language to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadQuery {
    /// The language of title and texts, as a tag: `de`. Unless told, the member's preference, then what `Accept-Language` says. What is
    /// not told in it comes in its own language.
    #[param(pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
    lang: Option<String>,
}

/// How to take a script.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Unchecked {
    /// Takes the script as it is: without this, one that is new is run for a few made-up participants first, and refused where no
    /// participant could use what it makes.
    unchecked: bool,
}

/// How many made-up participants a script is tried for unless told.
const RUNS: u8 = 5;

/// List a campaign's challenges
///
/// In their order. Without `campaigns:write`: those that are released, without what is for authors. With `Questhall-User`:
/// also what that member has solved, and the texts of later parts that are open to them.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges", tag = "challenges",
    operation_id = "challenge_list", params(InGuildPath, CampaignPath, ActingMember, ListQuery),
    responses((status = 200, body = Page<Challenge>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Json<Page<Challenge>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let who = onlooker(&guild, &headers, query.lang.as_deref())?;
    Ok(Json(ops::challenge_list(app.pool(), (guild.guild_id, path.campaign_id), who, &page).await?))
}

/// Add a challenge
///
/// At the end of a campaign that is not over. Added to a running one, it is released in its turn. Its script is tried first, as an import
/// tries it, unless `unchecked`.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges", tag = "challenges",
    operation_id = "challenge_create", params(InGuildPath, CampaignPath, Unchecked, IdempotencyKey),
    request_body = ChallengeDraft,
    responses((status = 201, body = Challenge), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<Unchecked>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(draft): Json<ChallengeDraft>,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let by = (guild.by(), Some(&guild.origin));
    let within = (guild.guild_id, path.campaign_id);
    if !query.unchecked {
        ops::challenge_create_rehearsed(app.pool(), within, &draft, by).await?;
        let Provided(sandbox) = sandbox?;
        catalogue::script_check(&sandbox, guild.guild_id, (&draft, Files::default())).await?;
    }
    Ok((StatusCode::CREATED, Json(ops::challenge_create(app.pool(), app.wake(), within, &draft, by).await?)))
}

/// Put a campaign's challenges in another order
///
/// Those that are released keep their places.
#[utoipa::path(put, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/order", tag = "challenges",
    operation_id = "challenge_reorder", params(InGuildPath, CampaignPath), request_body = Order,
    responses((status = 204, description = "They are in that order."), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn reorder(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Json(order): Json<Order>,
) -> Result<StatusCode, Problem> {
    let by = (guild.by(), Some(&guild.origin));
    ops::challenge_reorder(app.pool(), (guild.guild_id, path.campaign_id), &order.challenge_ids, by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// See a challenge
///
/// As the list shows it. What is not released does not exist for participants.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}", tag = "challenges",
    operation_id = "challenge_get", params(InGuildPath, ChallengePath, ActingMember, ReadQuery),
    responses((status = 200, body = Challenge), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<ChallengePath>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Json<Challenge>, Problem> {
    let who = onlooker(&guild, &headers, query.lang.as_deref())?;
    Ok(Json(ops::challenge_get(app.pool(), path.within(guild.guild_id), who).await?))
}

/// Change a challenge
///
/// What is left out stays. A new script makes inputs anew for everyone who has not begun; with `regenerate_started` also for
/// who has not finished. It is tried first, as an import tries it, unless `unchecked`.
#[utoipa::path(patch, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}", tag = "challenges",
    operation_id = "challenge_update", params(InGuildPath, ChallengePath, Unchecked), request_body = ChallengePatch,
    responses((status = 200, body = Challenge), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    Query(query): Query<Unchecked>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(changes): Json<ChallengePatch>,
) -> Result<Json<Challenge>, Problem> {
    let by = (guild.by(), Some(&guild.origin));
    let within = path.within(guild.guild_id);
    if !query.unchecked
        && let Some((wanted, files)) =
            ops::challenge_update_rehearsed(app.pool(), within, &changes, by).await?
    {
        let Provided(sandbox) = sandbox?;
        catalogue::script_check(&sandbox, guild.guild_id, (&wanted, files)).await?;
    }
    Ok(Json(ops::challenge_update(app.pool(), app.wake(), within, &changes, by).await?))
}

/// Remove a challenge
///
/// Before its release.
#[utoipa::path(delete, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}", tag = "challenges",
    operation_id = "challenge_delete", params(InGuildPath, ChallengePath),
    responses((status = 204, description = "It is gone."), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn delete(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
) -> Result<StatusCode, Problem> {
    ops::challenge_delete(app.pool(), path.within(guild.guild_id), (guild.by(), Some(&guild.origin))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a challenge's script
///
/// For some made-up participants, twice each, in the jail. Nothing is stored.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/check", tag = "challenges",
    operation_id = "challenge_check", params(InGuildPath, ChallengePath, IdempotencyKey), request_body = Option<Trial>,
    responses((status = 200, body = CheckedScript), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn check(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    Provided(sandbox): Provided<Sandbox>,
    trial: Option<Json<Trial>>,
) -> Result<Json<CheckedScript>, Problem> {
    let trial = trial.map(|Json(trial)| trial).unwrap_or_default();
    let within = path.within(guild.guild_id);
    let runs = trial.runs.unwrap_or(RUNS);
    Ok(Json(catalogue::check(app.pool(), &sandbox, within, trial.script.as_deref(), runs).await?))
}

/// What to do with what is right now.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rejudging {
    /// Counts what was wrong and is right now. Without it, only what would change is told.
    apply: bool,
}

/// Judge a challenge's answers anew
///
/// By the comparison or the checker that holds now: which answers were wrong and are right, and which were right and are wrong. With `apply`
/// the former count, as of when they arrived, behind those who have solved the part; what is solved stays solved in any case. The last
/// 20,000 answers are looked at.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/rejudge", tag = "challenges",
    operation_id = "challenge_rejudge", params(InGuildPath, ChallengePath, IdempotencyKey), request_body = Option<Rejudging>,
    responses((status = 200, body = Rejudged), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn rejudge(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    wanted: Option<Json<Rejudging>>,
) -> Result<Json<Rejudged>, Problem> {
    let apply = wanted.is_some_and(|Json(wanted)| wanted.apply);
    let sandbox = sandbox.ok().map(|Provided(sandbox)| sandbox);
    let (within, by) = (path.within(guild.guild_id), (guild.by(), Some(&guild.origin)));
    let done = rejudge::rejudge(app.pool(), sandbox.as_ref(), within, apply, by).await?;
    if done.applied {
        app.wake().outbox();
    }
    Ok(Json(done))
}
