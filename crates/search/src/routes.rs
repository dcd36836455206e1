//! The HTTP face: `/api/v1/guilds/{guild_id}/search`. Where there is a model, the server provides a [`Search`].

use access::openapi::InGuildPath;
use access::scope::LearningRead;
use access::{App, InGuild, Json, Problems, Query};
use axum::Extension;
use axum::extract::State;
use kernel::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::Search;
use crate::model::{Asked, Found, Kind, Mode};
use crate::ops;

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find))
}

/// What is looked for, and how.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    /// The words, 1 to 200 characters. `"words in quotes"` stand together, `or` allows either, `-word` must not be there.
    #[param(min_length = 1, max_length = 200)]
    q: String,
    /// Quests or paths only.
    kind: Option<Kind>,
    /// Only what is written in this language, by PostgreSQL's name of it.
    language: Option<String>,
    /// By words, by meaning, or by both: by both unless told.
    #[serde(default)]
    #[param(inline, required = false)]
    mode: Mode,
    /// How many: 1 to 50, 20 unless told.
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<usize>,
}

/// Search for quests and paths
///
/// By words, in the language each is written in, and by meaning where the installation has a model; `meaning` says whether. Only what
/// learners may see is found. Texts come in parts, of which those that were asked for are marked.
#[utoipa::path(get, path = "/guilds/{guild_id}/search", tag = "search", operation_id = "search",
    params(InGuildPath, SearchQuery),
    responses((status = 200, body = Found), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn find(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
    search: Option<Extension<Search>>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Found>, Problem> {
    let asked = Asked {
        text: query.q,
        kind: query.kind,
        language: query.language,
        mode: query.mode,
        limit: query.limit.unwrap_or(20),
    };
    let search = search.map(|Extension(search)| search);
    Ok(Json(ops::find(app.pool(), search.as_ref(), guild.guild_id, &asked).await?))
}
