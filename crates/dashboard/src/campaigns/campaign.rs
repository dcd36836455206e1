//! A campaign: what it is about, how far it is, one's own part in it.

use access::scope::{CampaignsPlay, CampaignsRead};
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use campaigns::model::{Campaign, CampaignType, Registration, RewardClaim, Status};
use challenges::catalogue::Challenge;
use challenges::leaderboard::{Leaderboard, Standing};
use challenges::ops::Onlooker;
use chrono::{DateTime, Utc};
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, optional, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::{Member, Visit};
use frame::{format, markdown, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, Page as Items, PageQuery, Problem};

use super::{CampaignPath, amounts, sees_drafts, solvers};

/// The most challenges of a campaign.
const CHALLENGES: i64 = 200;
/// How many of the leaderboard's first rows are shown.
const FIRST: i64 = 5;

#[derive(Template)]
#[template(path = "campaigns/campaign.html")]
pub(super) struct CampaignPage {
    shell: Shell,
    campaign: Campaign,
    challenges: Vec<Challenge>,
    registration: Option<Registration>,
    claim: Option<RewardClaim>,
    board: Leaderboard<Standing>,
    form: Form,
}

impl CampaignPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/campaigns/{}{rest}", self.campaign.id))
    }

    fn about(&self) -> Html {
        self.campaign.settings.description.as_deref().map(markdown::render).unwrap_or_default()
    }

    fn for_squads(&self) -> bool {
        self.campaign.settings.campaign_type == CampaignType::Squad
    }

    /// Whether somebody may still join: the API decides, this only offers it.
    fn takes_players(&self) -> bool {
        matches!(self.campaign.status, Status::Created | Status::Running)
            && self.campaign.published_at.is_some()
    }

    fn may_withdraw(&self) -> bool {
        self.campaign.status == Status::Created && self.registration.is_some()
    }

    /// The next challenge's number and when it comes by the timetable.
    fn next_release(&self) -> Option<(i64, DateTime<Utc>)> {
        let released = self.campaign.challenges_released;
        if self.campaign.status != Status::Running || released >= self.campaign.challenges {
            return None;
        }
        let minutes = i64::from(self.campaign.settings.release_delay_minutes).checked_mul(released)?;
        let start = self.campaign.settings.start_time.or(self.campaign.started_at)?;
        start.checked_add_signed(chrono::TimeDelta::try_minutes(minutes)?).map(|at| (released + 1, at))
    }

    fn solved(&self) -> (i64, i64) {
        let solved = self.challenges.iter().map(|challenge| challenge.solved_parts.len()).sum::<usize>();
        let parts = self.challenges.iter().map(|challenge| i64::from(challenge.parts)).sum();
        (i64::try_from(solved).unwrap_or_default(), parts)
    }

    fn parts_solved(challenge: &Challenge) -> i64 {
        i64::try_from(challenge.solved_parts.len()).unwrap_or_default()
    }

    fn brings(reward: &campaigns::model::Reward) -> String {
        amounts(reward.bytes, reward.xp, reward.gold)
    }

    /// What the first solver of all parts of a challenge gets.
    fn worth(challenge: &Challenge) -> Option<String> {
        let points: i64 = challenge.points.iter().map(|points| i64::from(*points)).sum();
        (!challenge.points.is_empty()).then(|| format!("{} points", format::number(points)))
    }

    fn is_by_points(&self) -> bool {
        self.campaign.settings.scoring_type == campaigns::model::ScoringType::PointBased
    }

    fn ranks(reward: &campaigns::model::Reward) -> String {
        match (reward.from, reward.to) {
            _ if reward.participation => "Whoever solves a part".to_owned(),
            (Some(from), Some(to)) if from != to => {
                format!("{} to {}", format::ordinal(from), format::ordinal(to))
            }
            (Some(from), _) => format::ordinal(from),
            (None, Some(to)) => format!("up to {}", format::ordinal(to)),
            (None, None) => "Everybody".to_owned(),
        }
    }
}

/// The page, with what was refused on it, if anything.
async fn page_of(app: &App, shell: Shell, id: CampaignId, form: Form) -> Result<CampaignPage, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let drafts = sees_drafts(&shell);
    let campaign = campaigns::ops::campaign_get(pool, guild, id, drafts).await?;
    let who = Onlooker { admin: drafts, user: shell.member, reader: shell.languages.reader() };
    let (all, few) =
        (PageQuery { limit: Some(CHALLENGES), cursor: None }, PageQuery { limit: Some(FIRST), cursor: None });
    let claims = matches!(campaign.status, Status::RewardClaim | Status::Expired);
    let own = async {
        let Some(user) = shell.member else { return Ok((None, None)) };
        let registration = optional(campaigns::ops::registration_get(pool, guild, id, user).await)?;
        let page = PageQuery::default();
        let claim = if claims && registration.is_some() {
            let claims: Items<RewardClaim> =
                campaigns::ops::claim_list(pool, guild, id, Some(user), &page).await?;
            claims.items.into_iter().next()
        } else {
            None
        };
        Ok::<_, Problem>((registration, claim))
    };
    let ((challenges, board), (registration, claim)) =
        try_join!(challenges::ops::overview(pool, (guild, id), who, &all, &few).err_into::<Problem>(), own)?;
    Ok(CampaignPage { shell, campaign, challenges: challenges.items, registration, claim, board, form })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<CampaignPage>, Problem> {
    Ok(Page(page_of(&app, visit.shell, path.campaign_id, Form::new()).await?))
}

/// The page again, because what somebody wanted of the campaign was refused.
async fn refuse(app: &App, shell: Shell, path: CampaignPath, problem: Problem) -> Result<Response, Problem> {
    if !shown_in_form(&problem) {
        return Err(problem);
    }
    let page = page_of(app, shell, path.campaign_id, Form::refused(none(), problem.clone())).await?;
    Ok(refused(&page, &problem))
}

pub(super) async fn register(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    match campaigns::ops::register(app.pool(), app.wake(), guild, path.campaign_id, user).await {
        Ok((registration, _)) => {
            let to = member.shell.at(&format!("/campaigns/{}", path.campaign_id));
            Ok(done(&app, &to, &format!("{} takes part. Good luck!", registration.display_name)))
        }
        Err(error) => refuse(&app, member.shell, path, error.into()).await,
    }
}

#[derive(Template)]
#[template(path = "campaigns/withdrawal.html")]
pub(super) struct WithdrawalPage {
    shell: Shell,
    campaign: Campaign,
    registration: Registration,
}

/// What withdrawing means, before it is done.
pub(super) async fn withdrawal(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<WithdrawalPage>, Problem> {
    let (pool, guild, id) = (app.pool(), member.guild_id(), path.campaign_id);
    let (campaign, registration) = try_join!(
        campaigns::ops::campaign_get(pool, guild, id, false),
        campaigns::ops::registration_get(pool, guild, id, member.user_id())
    )?;
    Ok(Page(WithdrawalPage { shell: member.shell, campaign, registration }))
}

pub(super) async fn withdraw(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    match campaigns::ops::withdraw(app.pool(), app.wake(), guild, path.campaign_id, user).await {
        Ok(()) => {
            let to = member.shell.at(&format!("/campaigns/{}", path.campaign_id));
            Ok(done(&app, &to, "You are registered no more. What you paid is back in your wallet."))
        }
        Err(error) => refuse(&app, member.shell, path, error.into()).await,
    }
}

pub(super) async fn claim(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    match campaigns::ops::reward_claim(app.pool(), app.wake(), guild, path.campaign_id, user).await {
        Ok(claim) => {
            let to = member.shell.at(&format!("/campaigns/{}", path.campaign_id));
            let text = format!("Your reward is paid: {}.", amounts(claim.bytes, claim.xp, claim.gold));
            Ok(done(&app, &to, &text))
        }
        Err(error) => refuse(&app, member.shell, path, error.into()).await,
    }
}
