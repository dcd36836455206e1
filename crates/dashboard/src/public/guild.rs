//! A guild as the world sees it.

use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use campaigns::model::{Campaign, Status};
use cards::{Poster, Row};
use chrono::{DateTime, Utc};
use frame::html::Html;
use frame::{format, markdown, sigil, ui};
use kernel::{Clock, GuildId, PageQuery, Problem};
use people::public::{Opened, opened};
use progress::leaderboard::{LeaderboardQuery, Placed};

use super::{GuildPath, THEME, leaderboard, of_members, shared};
use crate::preview::{self, Preview};

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

/// What a guild has opened, as its page shows it.
struct Seen {
    guild: Opened,
    campaigns: Vec<Campaign>,
    leaders: Vec<Placed>,
}

impl Seen {
    fn about(&self) -> String {
        let running = self.campaigns.iter().filter(|one| one.status == Status::Running).count();
        match running {
            0 => format!("Campaigns of coding challenges in {}.", self.guild.name),
            some => format!(
                "{} of coding challenges running in {}.",
                format::count(some, "campaign", "campaigns"),
                self.guild.name
            ),
        }
    }
}

async fn read(app: &App, guild: GuildId) -> Result<Seen, Problem> {
    let guild = opened(app.pool(), guild).await?;
    let campaigns = if guild.settings.campaigns {
        let page = PageQuery { limit: Some(CAMPAIGNS), cursor: None };
        campaigns::ops::campaign_list(app.pool(), guild.guild_id, None, false, &page).await?.items
    } else {
        Vec::new()
    };
    let leaders = if guild.settings.leaderboards {
        let query = LeaderboardQuery { limit: Some(FIRST), ..LeaderboardQuery::default() };
        let found = progress::leaderboard::leaderboard(app.pool(), guild.guild_id, &query).await?;
        of_members(app, guild.guild_id, found.items, |row| Some(row.user_id)).await?
    } else {
        Vec::new()
    };
    Ok(Seen { guild, campaigns, leaders })
}

pub(super) async fn show(State(app): State<App>, Path(path): Path<GuildPath>) -> Result<Response, Problem> {
    let seen = read(&app, path.guild_id).await?;
    let preview = Preview::new(&app, &seen.guild.name, seen.about(), &format!("/p/{}", path.guild_id));
    let Seen { guild, campaigns, leaders } = seen;
    let now = Clock::system().now();
    Ok(shared(GuildPage { theme: THEME, preview, guild, campaigns, leaders, now }))
}

pub(super) async fn picture(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<GuildPath>,
) -> Result<Response, Problem> {
    let poster = async {
        let seen = read(&app, path.guild_id).await?;
        let state = seen.about();
        let Seen { guild, campaigns, leaders } = seen;
        let rows = if campaigns.is_empty() {
            leaders.into_iter().map(leaderboard::row).collect()
        } else {
            campaigns.into_iter().map(row).collect()
        };
        let above = "What is on".to_owned();
        Ok::<_, Problem>(Poster { id: guild.guild_id.to_string(), above, title: guild.name, state, rows })
    };
    preview::picture(&headers, &format!("/p/{}", path.guild_id), poster).await
}

/// A campaign in a picture.
fn row(campaign: Campaign) -> Row {
    let (_, state) = ui::campaign_state_words(campaign.status, &campaign.state);
    Row { place: String::new(), name: campaign.settings.name, value: state.to_owned() }
}
