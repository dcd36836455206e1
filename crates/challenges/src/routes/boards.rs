//! Leaderboards.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::CampaignsRead;
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{CampaignPath, ChallengePath, sees_through};
use crate::leaderboard::{Around, Feed, Leaderboard, Race, Solver, SquadStanding, Standing};
use crate::ops;

/// How much to show around one's own place.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AroundQuery {
    /// How many rows before and after one's own: 0 to 50, 3 unless told.
    #[param(minimum = 0, maximum = 50, default = 3)]
    neighbours: Option<i32>,
}

/// Which solvers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SolversQuery {
    /// Of which part: 1 unless told.
    #[param(minimum = 1, maximum = 10, default = 1)]
    part: Option<i32>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// How much of a race to tell.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RaceQuery {
    /// How many participants, from the top: 1 to 20, 10 unless told.
    #[param(minimum = 1, maximum = 20, default = 10)]
    limit: Option<i64>,
}

/// How many neighbours are shown unless told.
const NEIGHBOURS: i32 = 3;

/// See the leaderboard
///
/// Ties share a rank (1, 1, 3) and stand in order of their last right answer. While the scoreboard is frozen, as it stood
/// then, for all but `campaigns:write` on nobody's behalf; after the close, the final standings.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/leaderboard", tag = "leaderboards",
    operation_id = "leaderboard", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Leaderboard<Standing>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn overall(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Leaderboard<Standing>>, Problem> {
    let within = (guild.guild_id, path.campaign_id);
    Ok(Json(ops::board(app.pool(), within, sees_through(&guild), &page).await?))
}

/// See one's own place
///
/// And who stands next to it, as the member may see it: while the scoreboard is frozen, as it stood then.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/leaderboard/me", tag = "leaderboards",
    operation_id = "leaderboard_me", params(InGuildPath, CampaignPath, ActingMember, AroundQuery),
    responses((status = 200, body = Around), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn me(
    State(app): State<App>,
    member: AsMember<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<AroundQuery>,
) -> Result<Json<Around>, Problem> {
    let within = (member.guild_id, path.campaign_id);
    let neighbours = query.neighbours.unwrap_or(NEIGHBOURS);
    Ok(Json(ops::board_around(app.pool(), within, member.user_id, neighbours).await?))
}

/// See squads by what their members scored
///
/// Of a campaign of players: each squad's members of this moment, summed.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/leaderboard/squads", tag = "leaderboards",
    operation_id = "leaderboard_squads", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Leaderboard<SquadStanding>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn squads(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Leaderboard<SquadStanding>>, Problem> {
    let within = (guild.guild_id, path.campaign_id);
    Ok(Json(ops::board_squads(app.pool(), within, sees_through(&guild), &page).await?))
}

/// See how the first came to stand where they do
///
/// The first of the leaderboard, with their scores over time: to draw a chart, or to replay it. While the scoreboard is frozen, as it
/// stood then, for all but `campaigns:write` on nobody's behalf.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/leaderboard/race", tag = "leaderboards",
    operation_id = "leaderboard_race", params(InGuildPath, CampaignPath, RaceQuery),
    responses((status = 200, body = Race), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn race(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<RaceQuery>,
) -> Result<Json<Race>, Problem> {
    let within = (guild.guild_id, path.campaign_id);
    Ok(Json(ops::board_replay(app.pool(), within, sees_through(&guild), query.limit).await?))
}

/// See who solved a challenge
///
/// A part's solvers in their order.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/leaderboard",
    tag = "leaderboards", operation_id = "leaderboard_challenge", params(InGuildPath, ChallengePath, SolversQuery),
    responses((status = 200, body = Leaderboard<Solver>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn solvers(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<ChallengePath>,
    Query(query): Query<SolversQuery>,
) -> Result<Json<Leaderboard<Solver>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let within = path.within(guild.guild_id);
    let part = query.part.unwrap_or(1);
    Ok(Json(ops::board_solvers(app.pool(), within, part, sees_through(&guild), &page).await?))
}

/// Get the scoreboard as `CTFtime` reads it
///
/// Its [JSON scoreboard feed](https://ctftime.org/json-scoreboard-feed).
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/scoreboard-feed", tag = "leaderboards",
    operation_id = "scoreboard_feed", params(InGuildPath, CampaignPath),
    responses((status = 200, body = Feed), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn feed(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
) -> Result<Json<Feed>, Problem> {
    Ok(Json(ops::board_feed(app.pool(), (guild.guild_id, path.campaign_id), sees_through(&guild)).await?))
}
