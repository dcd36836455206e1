//! A campaign as the world sees it: what it is about, when, and how it stands.

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use campaigns::model::{Campaign, CampaignType, ScoringType, Status};
use cards::{Poster, Row};
use challenges::leaderboard::{Leaderboard, Standing};
use chrono::{DateTime, Utc};
use frame::html::Html;
use frame::{format, markdown, sigil, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, Clock, GuildId, PageQuery, Problem, UserId};
use people::public::{Opened, opened};
use serde::Deserialize;

use super::{THEME, of_members, shared};
use crate::preview::{self, Preview};

/// How many rows a page shows.
const ROWS: i64 = 50;
/// How many are read for the picture: some of them may have left.
const FIRST: i64 = 10;

/// A campaign in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CampaignPath {
    guild_id: GuildId,
    campaign_id: CampaignId,
}

impl CampaignPath {
    fn page(self) -> String {
        format!("/p/{}/campaigns/{}", self.guild_id, self.campaign_id)
    }
}

/// Where the standings go on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "public/campaign.html")]
struct CampaignPage {
    theme: &'static str,
    preview: Preview,
    guild: Opened,
    campaign: Campaign,
    board: Leaderboard<Standing>,
    now: DateTime<Utc>,
}

impl CampaignPage {
    fn at(&self) -> String {
        format!("/p/{}/campaigns/{}", self.guild.guild_id, self.campaign.id)
    }

    fn about(&self) -> Html {
        self.campaign.settings.description.as_deref().map(markdown::render).unwrap_or_default()
    }

    fn state(&self) -> Html {
        ui::campaign_state(self.campaign.status, &self.campaign.state)
    }

    fn by_points(&self) -> bool {
        self.campaign.settings.scoring_type == ScoringType::PointBased
    }

    fn is_running(&self) -> bool {
        self.campaign.status == Status::Running
    }
}

/// The campaign, where the guild has opened them, and a page of how it stands.
async fn read(
    app: &App,
    path: CampaignPath,
    page: &PageQuery,
) -> Result<(Opened, Campaign, Leaderboard<Standing>), Problem> {
    let CampaignPath { guild_id, campaign_id } = path;
    let guild = opened(app.pool(), guild_id).await?;
    if !guild.settings.campaigns {
        return Err(Problem::not_found("page"));
    }
    let (campaign, mut board) = try_join!(
        campaigns::ops::campaign_get(app.pool(), guild_id, campaign_id, false).err_into::<Problem>(),
        challenges::ops::board(app.pool(), (guild_id, campaign_id), false, page).err_into::<Problem>(),
    )?;
    if campaign.settings.campaign_type == CampaignType::Player {
        let user = |row: &Standing| row.participant_id.parse::<UserId>().ok();
        board.items = of_members(app, guild_id, std::mem::take(&mut board.items), user).await?;
    }
    Ok((guild, campaign, board))
}

pub(super) async fn show(
    State(app): State<App>,
    Path(path): Path<CampaignPath>,
    Query(at): Query<Cursor>,
) -> Result<Response, Problem> {
    let page = PageQuery { limit: Some(ROWS), cursor: at.cursor };
    let (guild, campaign, board) = read(&app, path, &page).await?;
    let about = campaign.settings.description.as_deref().map(|text| markdown::excerpt(text, 200));
    let preview = Preview::new(
        &app,
        &campaign.settings.name,
        about.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("A campaign of {}.", guild.name)),
        &path.page(),
    );
    let now = Clock::system().now();
    Ok(shared(CampaignPage { theme: THEME, preview, guild, campaign, board, now }))
}

pub(super) async fn picture(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let poster = async {
        let page = PageQuery { limit: Some(FIRST), cursor: None };
        let (guild, campaign, board) = read(&app, path, &page).await?;
        let state = state_and_time(&campaign, board.frozen_since.is_some());
        let by_points = campaign.settings.scoring_type == ScoringType::PointBased;
        let rows = board.items.into_iter().map(|row| {
            let value = if by_points {
                format!("{} points", format::number(row.points))
            } else {
                let parts = format::count(row.parts_solved, "part", "parts");
                format!("{parts} in {}", format::duration_ms(row.total_ms))
            };
            Row { place: row.rank.to_string(), name: row.display_name, value }
        });
        Ok::<_, Problem>(Poster {
            id: guild.guild_id.to_string(),
            above: guild.name,
            title: campaign.settings.name,
            state,
            rows: rows.collect(),
        })
    };
    preview::picture(&headers, &path.page(), poster).await
}

/// Where a campaign is in its life, with the instant that matters most then.
fn state_and_time(campaign: &Campaign, frozen: bool) -> String {
    let (_, state) = ui::campaign_state_words(campaign.status, &campaign.state);
    let on = |what: &str, at: Option<DateTime<Utc>>| {
        at.map(|at| format!(" · {what} {}", at.format("%-d %b %Y, %H:%M UTC"))).unwrap_or_default()
    };
    match campaign.status {
        Status::Created => state.to_owned() + &on("on", campaign.settings.start_time),
        Status::Running if frozen => "Scoreboard frozen".to_owned() + &on("ends", campaign.end_time),
        Status::Running => state.to_owned() + &on("ends", campaign.end_time),
        _ => state.to_owned() + &on("closed", campaign.closed_at),
    }
}
