//! The HTTP face: board, shop, announcements, skills.

use access::App;
use kernel::problem::Kind;
use utoipa_axum::router::OpenApiRouter;

use crate::{announcements, board, shop, skills};

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[shop::NOT_ENOUGH_GOLD, shop::SOLD_OUT, skills::SKILL_CYCLE];

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(board::routes::router())
        .merge(shop::routes::router())
        .merge(announcements::routes::router())
        .merge(skills::routes::router())
}
