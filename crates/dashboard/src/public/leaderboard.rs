//! A guild's leaderboard as the world sees it.

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use cards::{Poster, Row};
use frame::{format, sigil, ui};
use kernel::{GuildId, Problem};
use people::public::{Opened, opened};
use progress::leaderboard::{LeaderboardQuery, Placed};
use serde::Deserialize;

use super::{GuildPath, THEME, of_members, shared};
use crate::preview::{self, Preview};

/// How many stand in the picture.
const FIRST: i64 = 4;

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "public/leaderboard.html")]
struct LeaderboardPage {
    theme: &'static str,
    preview: Preview,
    guild: Opened,
    rows: Vec<Placed>,
    next: Option<String>,
}

impl LeaderboardPage {
    fn at(&self) -> String {
        path(self.guild.guild_id)
    }
}

fn path(guild: GuildId) -> String {
    format!("/p/{guild}/leaderboard")
}

/// The guild, where it has opened its leaderboard, and a page of that.
async fn read(
    app: &App,
    guild: GuildId,
    query: &LeaderboardQuery,
) -> Result<(Opened, Vec<Placed>, Option<String>), Problem> {
    let guild = opened(app.pool(), guild).await?;
    if !guild.settings.leaderboards {
        return Err(Problem::not_found("page"));
    }
    let found = progress::leaderboard::leaderboard(app.pool(), guild.guild_id, query).await?;
    let rows = of_members(app, guild.guild_id, found.items, |row| Some(row.user_id)).await?;
    Ok((guild, rows, found.next))
}

/// Who leads.
fn about(rows: &[Placed]) -> String {
    match rows.first() {
        Some(first) => format!("{} leads with {} XP.", first.name, format::number(first.xp)),
        None => "Nobody has earned anything yet.".to_owned(),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Path(at): Path<GuildPath>,
    Query(query): Query<Cursor>,
) -> Result<Response, Problem> {
    let query = LeaderboardQuery { cursor: query.cursor, ..LeaderboardQuery::default() };
    let (guild, rows, next) = read(&app, at.guild_id, &query).await?;
    let title = format!("Leaderboard of {}", guild.name);
    let preview = Preview::new(&app, &title, about(&rows), &path(guild.guild_id));
    Ok(shared(LeaderboardPage { theme: THEME, preview, guild, rows, next }))
}

pub(super) async fn picture(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<GuildPath>,
) -> Result<Response, Problem> {
    let poster = async {
        let query = LeaderboardQuery { limit: Some(FIRST), ..LeaderboardQuery::default() };
        let (guild, rows, _) = read(&app, at.guild_id, &query).await?;
        Ok::<_, Problem>(Poster {
            id: guild.guild_id.to_string(),
            state: about(&rows),
            above: guild.name,
            title: "Leaderboard".to_owned(),
            rows: rows.into_iter().map(row).collect(),
        })
    };
    preview::picture(&headers, &path(at.guild_id), poster).await
}

/// A member in a picture.
pub(super) fn row(row: Placed) -> Row {
    Row { place: row.rank.to_string(), name: row.name, value: format!("{} XP", format::number(row.xp)) }
}
