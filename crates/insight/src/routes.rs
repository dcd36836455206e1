//! The HTTP face: `/api/v1/guilds/{guild_id}/insight/…`. Where anybody knows how alike quests are, the server provides a
//! [`crate::ops::Likeness`].

mod figures;
mod opinions;
mod recommendations;
mod reviews;

use access::App;
use learning::ids::QuestId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A quest in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct QuestPath {
    /// The quest.
    quest_id: QuestId,
}

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(figures::days))
        .routes(routes!(figures::days_csv))
        .routes(routes!(figures::make))
        .routes(routes!(figures::quest))
        .routes(routes!(figures::quest_days))
        .routes(routes!(figures::items))
        .routes(routes!(figures::bank_items))
        .routes(routes!(figures::items_csv))
        .routes(routes!(opinions::get, opinions::put))
        .routes(routes!(recommendations::list))
        .routes(routes!(recommendations::dismiss, recommendations::undismiss))
        .routes(routes!(reviews::list, reviews::put, reviews::delete))
        .routes(routes!(reviews::answer))
}
