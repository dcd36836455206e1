//! A campaign as the world sees it: what it is about, when, and how it stands.

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use campaigns::model::{Campaign, CampaignType, ScoringType, Status};
use challenges::leaderboard::{Leaderboard, Standing};
use chrono::{DateTime, Utc};
use frame::html::Html;
use frame::{format, markdown, sigil, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, Clock, GuildId, PageQuery, Problem, UserId};
use people::public::{Opened, opened};
use serde::Deserialize;

use super::{Preview, THEME, of_members, shared};

/// How many rows a page shows.
const ROWS: i64 = 50;

/// A campaign in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CampaignPath {
    guild_id: GuildId,
    campaign_id: CampaignId,
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

pub(super) async fn show(
    State(app): State<App>,
    Path(path): Path<CampaignPath>,
    Query(at): Query<Cursor>,
) -> Result<Response, Problem> {
    let CampaignPath { guild_id, campaign_id } = path;
    let guild = opened(app.pool(), guild_id).await?;
    if !guild.settings.campaigns {
        return Err(Problem::not_found("page"));
    }
    let page = PageQuery { limit: Some(ROWS), cursor: at.cursor };
    let (campaign, mut board) = try_join!(
        campaigns::ops::campaign_get(app.pool(), guild_id, campaign_id, false).err_into::<Problem>(),
        challenges::ops::board(app.pool(), (guild_id, campaign_id), false, &page).err_into::<Problem>(),
    )?;
    if campaign.settings.campaign_type == CampaignType::Player {
        let user = |row: &Standing| row.participant_id.parse::<UserId>().ok();
        board.items = of_members(&app, guild_id, std::mem::take(&mut board.items), user).await?;
    }
    let about = campaign.settings.description.as_deref().map(|text| markdown::excerpt(text, 200));
    let preview = Preview::new(
        &app,
        &campaign.settings.name,
        about.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("A campaign of {}.", guild.name)),
        &format!("/p/{guild_id}/campaigns/{campaign_id}"),
    );
    let now = Clock::system().now();
    Ok(shared(CampaignPage { theme: THEME, preview, guild, campaign, board, now }))
}
