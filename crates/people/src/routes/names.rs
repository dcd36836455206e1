//! Names and preferences.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{CommunityPlay, CommunityRead};
use access::{App, AsMember, InGuild, Json, Problems, Query};
use axum::extract::State;
use kernel::{Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::names::{self, Named};
use crate::preferences::{self, Preferences};

/// Whose names.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesQuery {
    /// Members' ids with commas between them, at most 200.
    #[param(example = "175928847299117063,175928847299117064")]
    user_ids: String,
}

/// Get members' names
///
/// Those who left included; who is no member is left out.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/names", tag = "people", operation_id = "member_names",
    params(InGuildPath, NamesQuery),
    responses((status = 200, body = Vec<Named>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn names(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<NamesQuery>,
) -> Result<Json<Vec<Named>>, Problem> {
    let ids: Result<Vec<UserId>, _> = query.user_ids.split(',').map(|id| id.trim().parse()).collect();
    let ids = ids.map_err(|error: kernel::id::ParseIdError| Problem::field("user_ids", error.to_string()))?;
    Ok(Json(names::names(app.pool(), guild.guild_id, &ids).await?))
}

/// See one's preferences
#[utoipa::path(get, path = "/guilds/{guild_id}/preferences", tag = "people", operation_id = "preferences_get",
    params(InGuildPath, ActingMember),
    responses((status = 200, body = Preferences), Problems),
    security(("api_key" = ["community:play"])))]
pub(super) async fn preferences(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
) -> Result<Json<Preferences>, Problem> {
    Ok(Json(preferences::preferences_get(app.pool(), member.guild_id, member.user_id).await?))
}

/// Change one's preferences
///
/// What is left out is announced. A text that is there in several languages is read in `language`, unless a request asks for another.
#[utoipa::path(put, path = "/guilds/{guild_id}/preferences", tag = "people", operation_id = "preferences_put",
    params(InGuildPath, ActingMember), request_body = Preferences,
    responses((status = 200, body = Preferences), Problems),
    security(("api_key" = ["community:play"])))]
pub(super) async fn put_preferences(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Json(wanted): Json<Preferences>,
) -> Result<Json<Preferences>, Problem> {
    Ok(Json(preferences::preferences_put(app.pool(), member.guild_id, member.user_id, wanted).await?))
}
