//! Home: what is on, what is next, what waits for whoever looks.

use access::App;
use access::scope::{CampaignsRead, CampaignsWrite, CommunityRead, Scope as _};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use campaigns::model::{Campaign, Status};
use community::board::model::{BoardQuery, BoardQuest};
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem};
use progress::Profile;

/// How many campaigns are looked at.
const CAMPAIGNS: i64 = 20;
/// How many quests that somebody took on are shown.
const QUESTS: i64 = 10;

pub(super) fn router() -> Router<App> {
    Router::new().route("/g/{guild_id}", get(show)).route("/g/{guild_id}/more", get(more))
}

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    shell: Shell,
    on: Vec<Campaign>,
    next: Vec<Campaign>,
    claims: Vec<Campaign>,
    quests: Vec<BoardQuest>,
    profile: Option<Profile>,
}

impl HomePage {
    fn nothing_waits(&self) -> bool {
        self.claims.is_empty() && self.quests.is_empty()
    }

    /// How far the member is on the way to the next level: done, and of how much.
    fn level(profile: &Profile) -> Option<(i64, i64)> {
        let next = profile.next_level_xp?;
        Some((profile.member.xp.get() - profile.level_xp, next - profile.level_xp))
    }
}

async fn show(State(app): State<App>, visit: Visit<CommunityRead>) -> Result<Page<impl Template>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let shell = visit.shell;
    let drafts = shell.may(CampaignsWrite::NAME) && !shell.on_behalf;
    let sees_campaigns = shell.may(CampaignsRead::NAME);
    let campaigns = async {
        if !sees_campaigns {
            return Ok(Vec::new());
        }
        let page = PageQuery { limit: Some(CAMPAIGNS), cursor: None };
        Ok(campaigns::ops::campaign_list(pool, guild, None, drafts, &page).await?.items)
    };
    let own = async {
        let Some(user) = shell.member else { return Ok((None, Vec::new())) };
        let query = BoardQuery { claimed_by: Some(user), limit: Some(QUESTS), ..BoardQuery::default() };
        try_join!(
            progress::profile::member_profile_known(pool, app.settings(), guild, user).map(optional),
            community::board::ops::quest_list(pool, guild, query).map_ok(|page| page.items)
        )
    };
    let (campaigns, (profile, quests)): (Vec<Campaign>, _) = try_join!(campaigns, own)?;
    let claims = unclaimed(&app, &shell, &campaigns).await?;
    let now = shell.now;
    let of = |status: Status| -> Vec<Campaign> {
        campaigns.iter().filter(|campaign| campaign.status == status).cloned().collect()
    };
    let page = HomePage {
        on: of(Status::Running),
        next: campaigns
            .iter()
            .filter(|campaign| {
                campaign.status == Status::Created && campaign.settings.start_time.is_some_and(|at| at > now)
            })
            .cloned()
            .collect(),
        claims,
        quests: quests.into_iter().filter(|quest| quest.completed_at.is_none()).collect(),
        profile,
        shell,
    };
    Ok(Page(page))
}

/// The campaigns of which a reward waits for whoever looks.
async fn unclaimed(app: &App, shell: &Shell, campaigns: &[Campaign]) -> Result<Vec<Campaign>, Problem> {
    let open: Vec<&Campaign> =
        campaigns.iter().filter(|campaign| campaign.status == Status::RewardClaim).collect();
    let Some(user) = shell.member.filter(|_| !open.is_empty()) else { return Ok(Vec::new()) };
    let waiting = campaigns::ops::claims_waiting(app.pool(), shell.guild_id, user).await?;
    Ok(open.into_iter().filter(|campaign| waiting.contains(&campaign.id)).cloned().collect())
}

#[derive(Template)]
#[template(path = "home/more.html")]
struct MorePage {
    shell: Shell,
}

/// The whole navigation as a page, for narrow screens.
async fn more(visit: Visit<CommunityRead>) -> Page<impl Template> {
    Page(MorePage { shell: visit.shell })
}
