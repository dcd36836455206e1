//! What a guild has opened to the world: no sign-in, and nothing that a member who is nobody in particular would not see. Whoever
//! left, or was forgotten, is on none of these pages.

mod campaign;
mod guild;

use std::fmt::Write as _;

use access::App;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use frame::html::{Html, escape};
use frame::page::Page;
use kernel::{GuildId, Problem, UserId};
use people::public::present;
use serde::Deserialize;

/// For how many seconds a copy of a page may be shown: whoever links to it may bring many at once. So long does it also take until
/// nobody sees any more what a guild closes.
const SHARED: HeaderValue = HeaderValue::from_static("public, max-age=15");

/// A guild in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct GuildPath {
    guild_id: GuildId,
}

/// What a page looks like where somebody links to it.
#[derive(Debug, Clone)]
struct Preview {
    title: String,
    about: String,
    /// Its own address, where the server knows how the world reaches it.
    url: Option<String>,
}

impl Preview {
    fn new(app: &App, title: &str, about: String, path: &str) -> Self {
        let base = app.http().public_url.as_deref();
        let url = base.map(|base| format!("{}{path}", base.trim_end_matches('/')));
        Self { title: title.to_owned(), about, url }
    }

    /// Open Graph, as those read it who show links.
    fn head(&self) -> Html {
        let tag =
            |name: &str, text: &str| format!("<meta property=\"og:{name}\" content=\"{}\">\n", escape(text));
        let mut head = tag("type", "website") + &tag("site_name", "Questhall");
        head += &tag("title", &self.title);
        head += &tag("description", &self.about);
        let _ = writeln!(head, "<meta name=\"description\" content=\"{}\">", escape(&self.about));
        if let Some(url) = &self.url {
            head += &tag("url", url);
            let _ = writeln!(head, "<link rel=\"canonical\" href=\"{}\">", escape(url));
        }
        Html::trusted(head)
    }
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
        .route("/p/{guild_id}/leaderboard", get(guild::leaderboard))
        .route("/p/{guild_id}/campaigns/{campaign_id}", get(campaign::show))
}
