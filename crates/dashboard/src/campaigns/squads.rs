//! Squads in a campaign of players: what their members scored, summed.

use access::scope::CampaignsRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use campaigns::model::{Campaign, ScoringType};
use challenges::leaderboard::{Leaderboard, SquadStanding};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem};

use super::standings::Cursor;
use super::{CampaignPath, sees_drafts};

#[derive(Template)]
#[template(path = "campaigns/squads.html")]
pub(super) struct SquadsPage {
    shell: Shell,
    campaign: Campaign,
    board: Leaderboard<SquadStanding>,
}

impl SquadsPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/campaigns/{}{rest}", self.campaign.id))
    }

    fn is_by_points(&self) -> bool {
        self.campaign.settings.scoring_type == ScoringType::PointBased
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<Cursor>,
) -> Result<Page<SquadsPage>, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.campaign_id);
    let drafts = sees_drafts(&visit.shell);
    let page = PageQuery { limit: None, cursor: query.cursor };
    let (campaign, board) = try_join!(
        campaigns::ops::campaign_get(pool, guild, id, drafts).err_into::<Problem>(),
        challenges::ops::board_squads(pool, (guild, id), drafts, &page).err_into::<Problem>()
    )?;
    Ok(Page(SquadsPage { shell: visit.shell, campaign, board }))
}
