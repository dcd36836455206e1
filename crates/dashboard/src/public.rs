//! What a guild has opened to the world: no sign-in, and nothing that a member who is nobody in particular would not see. Whoever
//! left, or was forgotten, is on none of these pages, nor in their pictures.

mod campaign;
mod guild;
mod leaderboard;

use access::App;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use frame::page::Page;
use kernel::{GuildId, Problem, UserId};
use people::public::present;
use serde::Deserialize;

use crate::preview::SHARED;

/// A guild in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct GuildPath {
    guild_id: GuildId,
}

/// The theme of pages that are the same for everybody: the one of whoever looks, by their system. Who chose another one for their own
/// pages finds it there; a copy that many share cannot know.
const THEME: &str = "auto";

/// A page that is the same for everybody: a copy of it depends on no cookie.
fn shared<T: askama::Template>(page: T) -> Response {
    let mut response = Page(page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, SHARED);
    // What is refused is told as a page or as a problem.
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// Of these rows, those of members who are there.
async fn of_members<T>(
    app: &App,
    guild: GuildId,
    rows: Vec<T>,
    user: impl Fn(&T) -> Option<UserId>,
) -> Result<Vec<T>, Problem> {
    let users: Vec<UserId> = rows.iter().filter_map(&user).collect();
    let there = present(app.pool(), guild, &users).await?;
    Ok(rows.into_iter().filter(|row| user(row).is_none_or(|user| there.contains(&user))).collect())
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/p/{guild_id}", get(guild::show))
        .route("/p/{guild_id}/preview.png", get(guild::picture))
        .route("/p/{guild_id}/leaderboard", get(leaderboard::show))
        .route("/p/{guild_id}/leaderboard/preview.png", get(leaderboard::picture))
        .route("/p/{guild_id}/campaigns/{campaign_id}", get(campaign::show))
        .route("/p/{guild_id}/campaigns/{campaign_id}/preview.png", get(campaign::picture))
}
