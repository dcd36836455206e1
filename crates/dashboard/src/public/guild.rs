//! A guild as the world sees it, and its leaderboard.

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use campaigns::model::Campaign;
use chrono::{DateTime, Utc};
use frame::html::Html;
use frame::{format, markdown, sigil, ui};
use kernel::{Clock, PageQuery, Problem};
use people::public::{Opened, opened};
use progress::leaderboard::{LeaderboardQuery, Placed};
use serde::Deserialize;

use super::{GuildPath, Preview, THEME, of_members, shared};

/// How many campaigns are shown.
const CAMPAIGNS: i64 = 24;
/// How many leaders are shown beside them.
const FIRST: i64 = 10;

#[derive(Template)]
#[template(path = "public/guild.html")]
struct GuildPage {
    theme: &'static str,
    preview: Preview,
    guild: Opened,
    campaigns: Vec<Campaign>,
    leaders: Vec<Placed>,
    now: DateTime<Utc>,
}

impl GuildPage {
    fn state(campaign: &Campaign) -> Html {
        ui::campaign_state(campaign.status, &campaign.state)
    }

    fn about(campaign: &Campaign) -> String {
        campaign.settings.description.as_deref().map(|text| markdown::excerpt(text, 140)).unwrap_or_default()
    }
}

pub(super) async fn show(State(app): State<App>, Path(path): Path<GuildPath>) -> Result<Response, Problem> {
    let guild = opened(app.pool(), path.guild_id).await?;
    let campaigns = if guild.settings.campaigns {
        let page = PageQuery { limit: Some(CAMPAIGNS), cursor: None };
        campaigns::ops::campaign_list(app.pool(), guild.guild_id, None, false, &page).await?.items
    } else {
        Vec::new()
    };
    let leaders = if guild.settings.leaderboards {
        let query = LeaderboardQuery { limit: Some(FIRST), ..LeaderboardQuery::default() };
        let found = progress::leaderboard::leaderboard(app.pool(), guild.guild_id, &query).await?;
        of_members(&app, guild.guild_id, found.items, |row| Some(row.user_id)).await?
    } else {
        Vec::new()
    };
    let running = campaigns.iter().filter(|one| one.status == campaigns::model::Status::Running).count();
    let about = match running {
        0 => format!("Campaigns of coding challenges in {}.", guild.name),
        some => format!(
            "{} of coding challenges running in {}.",
            format::count(some, "campaign", "campaigns"),
            guild.name
        ),
    };
    let preview = Preview::new(&app, &guild.name, about, &format!("/p/{}", guild.guild_id));
    let now = Clock::system().now();
    Ok(shared(GuildPage { theme: THEME, preview, guild, campaigns, leaders, now }))
}

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
        format!("/p/{}/leaderboard", self.guild.guild_id)
    }
}

pub(super) async fn leaderboard(
    State(app): State<App>,
    Path(path): Path<GuildPath>,
    Query(at): Query<Cursor>,
) -> Result<Response, Problem> {
    let guild = opened(app.pool(), path.guild_id).await?;
    if !guild.settings.leaderboards {
        return Err(Problem::not_found("page"));
    }
    let query = LeaderboardQuery { cursor: at.cursor, ..LeaderboardQuery::default() };
    let found = progress::leaderboard::leaderboard(app.pool(), guild.guild_id, &query).await?;
    let rows = of_members(&app, guild.guild_id, found.items, |row| Some(row.user_id)).await?;
    let title = format!("Leaderboard of {}", guild.name);
    let about = match rows.first() {
        Some(first) => format!("{} leads with {} XP.", first.name, format::number(first.xp)),
        None => "Nobody has earned anything yet.".to_owned(),
    };
    let preview = Preview::new(&app, &title, about, &format!("/p/{}/leaderboard", guild.guild_id));
    Ok(shared(LeaderboardPage { theme: THEME, preview, guild, rows, next: found.next }))
}
