//! Leaderboards of a campaign: live, with how they came about.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::scope::CampaignsRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use campaigns::model::{Campaign, CampaignType, ScoringType, Status};
use challenges::catalogue::Challenge;
use challenges::leaderboard::{Leaderboard, RaceLine, RaceMoment, Solver, Standing};
use challenges::ops::{Board, Onlooker};
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{chart, format, sigil, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, GuildId, PageQuery, Problem};
use serde::Deserialize;

use super::{CampaignPath, ChallengePath, sees_drafts};

/// How many rows a page shows.
const ROWS: i64 = 50;
/// For how long what was rendered for one who looks serves all.
const SHARED: Duration = Duration::from_millis(900);
/// The most campaigns whose rows are kept.
const MAX_KEPT: usize = 500;

/// Rows of a leaderboard. They name no viewer, so that one rendering serves all.
#[derive(Template)]
#[template(path = "campaigns/rows.html")]
pub(super) struct Rows<'a> {
    guild_id: GuildId,
    squads: bool,
    by_points: bool,
    board: &'a Leaderboard<Standing>,
}

impl<'a> Rows<'a> {
    /// The rows of a campaign's leaderboard.
    pub(super) fn of(campaign: &Campaign, board: &'a Leaderboard<Standing>) -> Self {
        Self {
            guild_id: campaign.guild_id,
            squads: campaign.settings.campaign_type == CampaignType::Squad,
            by_points: campaign.settings.scoring_type == ScoringType::PointBased,
            board,
        }
    }

    fn href(&self, row: &Standing) -> String {
        let kind = if self.squads { "squads" } else { "members" };
        format!("/g/{}/{kind}/{}", self.guild_id, row.participant_id)
    }

    pub(super) fn html(&self) -> Result<Html, Problem> {
        self.render().map(Html::trusted).map_err(|error| Problem::internal(&error))
    }
}

#[derive(Template)]
#[template(path = "campaigns/standings.html")]
pub(super) struct StandingsPage {
    shell: Shell,
    campaign: Campaign,
    rows: Html,
    me: Option<Standing>,
    frozen: Option<Html>,
    empty: bool,
    chart: Html,
    next: Option<String>,
    first: bool,
}

impl StandingsPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/campaigns/{}{rest}", self.campaign.id))
    }

    fn stream(&self) -> String {
        format!(
            "/api/v1/guilds/{}/campaigns/{}/leaderboard/stream?limit={ROWS}",
            self.shell.guild_id, self.campaign.id
        )
    }

    /// Whether it can be gone through: what is over does not change any more.
    fn is_over(&self) -> bool {
        self.campaign.closed_at.is_some() && !self.empty
    }

    /// Whether it changes while one looks.
    fn is_live(&self) -> bool {
        self.first && self.campaign.status == Status::Running
    }

    fn own(&self) -> &str {
        self.me.as_ref().map_or("", |me| me.participant_id.as_str())
    }

    fn is_by_squad(&self) -> bool {
        self.campaign.settings.campaign_type == CampaignType::Squad
    }

    fn is_by_points(&self) -> bool {
        self.campaign.settings.scoring_type == ScoringType::PointBased
    }
}

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    pub(super) cursor: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<Cursor>,
) -> Result<Page<StandingsPage>, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.campaign_id);
    let shell = visit.shell;
    let drafts = sees_drafts(&shell);
    let first = query.cursor.is_none();
    let page = PageQuery { limit: Some(ROWS), cursor: query.cursor };
    let who = Onlooker { admin: drafts, user: shell.member, reader: shell.languages.reader() };
    let racers = if first { chart::MAX_LINES } else { 0 };
    let (campaign, watched) = try_join!(
        campaigns::ops::campaign_get(pool, guild, id, drafts).err_into::<Problem>(),
        challenges::ops::board_watched(pool, (guild, id), who, &page, racers).err_into::<Problem>()
    )?;
    let Board { board, me, race } = watched;
    let lines = race.map(|race| race.lines).unwrap_or_default();
    let chart = if first { chart_of(&shell, &campaign, lines) } else { Html::default() };
    let rows = Rows::of(&campaign, &board).html()?;
    Ok(Page(StandingsPage {
        rows,
        me,
        frozen: board.frozen_since.map(|since| format::time(&since)),
        empty: board.items.is_empty(),
        chart,
        next: board.next,
        first,
        campaign,
        shell,
    }))
}

/// How the first of a leaderboard came by what they have.
fn chart_of(shell: &Shell, campaign: &Campaign, lines: Vec<RaceLine>) -> Html {
    let Some(from) = campaign.started_at.or(campaign.settings.start_time) else { return Html::default() };
    let by_points = campaign.settings.scoring_type == ScoringType::PointBased;
    let end = campaign.closed_at.or(campaign.end_time).unwrap_or(shell.now).min(shell.now);
    let lines: Vec<chart::Line> = lines.into_iter().map(|line| line_of(line, by_points)).collect();
    let (title, unit) =
        if by_points { ("Points over time", "Points") } else { ("Parts solved over time", "Parts") };
    chart::lines(title, unit, from, end, &lines)
}

fn line_of(line: RaceLine, by_points: bool) -> chart::Line {
    let value = |moment: &RaceMoment| if by_points { moment.points } else { i64::from(moment.parts_solved) };
    let points = line.moments.iter().map(|moment| (moment.at, value(moment))).collect();
    chart::Line { name: line.display_name, points }
}

/// A campaign of a guild, and whether one sees through a freeze.
type Key = (GuildId, CampaignId, bool);
type Kept = Arc<tokio::sync::Mutex<Option<(Instant, Arc<str>)>>>;

/// Rows as they were rendered last.
static KEPT: LazyLock<Mutex<HashMap<Key, Kept>>> = LazyLock::new(Mutex::default);

/// The rows alone, for pages that are open: however many look, they are read and rendered once a second.
pub(super) async fn rows(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let (guild, id, drafts) = (visit.guild_id(), path.campaign_id, sees_drafts(&visit.shell));
    let kept = {
        let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > MAX_KEPT {
            all.clear();
        }
        Arc::clone(all.entry((guild, id, drafts)).or_default())
    };
    // Who comes while it is being rendered waits for that.
    let mut kept = kept.lock().await;
    let fresh = kept.as_ref().filter(|(at, _)| at.elapsed() < SHARED).map(|(_, html)| Arc::clone(html));
    let html = if let Some(html) = fresh {
        html
    } else {
        let html: Arc<str> = rendered(&app, guild, id, drafts).await?.as_str().into();
        *kept = Some((Instant::now(), Arc::clone(&html)));
        html
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], html.to_string()).into_response())
}

async fn rendered(app: &App, guild: GuildId, id: CampaignId, drafts: bool) -> Result<Html, Problem> {
    let page = PageQuery { limit: Some(ROWS), cursor: None };
    let (campaign, board) = try_join!(
        campaigns::ops::campaign_get(app.pool(), guild, id, drafts).err_into::<Problem>(),
        challenges::ops::board(app.pool(), (guild, id), drafts, &page).err_into::<Problem>()
    )?;
    Rows::of(&campaign, &board).html()
}

#[derive(Template)]
#[template(path = "campaigns/solvers.html")]
pub(super) struct SolversPage {
    shell: Shell,
    challenge: Challenge,
    squads: bool,
    part: i32,
    solvers: Vec<Solver>,
    next: Option<String>,
    back: String,
}

impl SolversPage {
    fn here(&self) -> String {
        format!("{}/solvers", self.back)
    }

    fn query(&self) -> String {
        format!("part={}", self.part)
    }

    /// The challenge's parts, and whether they are looked at.
    fn parts(&self) -> Vec<(i32, bool)> {
        (1..=self.challenge.parts).map(|part| (part, part == self.part)).collect()
    }
}

/// Which solvers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    part: Option<i32>,
    cursor: Option<String>,
}

pub(super) async fn solvers(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<ChallengePath>,
    Query(query): Query<Part>,
) -> Result<Page<SolversPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let drafts = sees_drafts(&visit.shell);
    let within = (guild, path.campaign_id, path.challenge_id);
    let part = query.part.unwrap_or(1);
    let page = PageQuery { limit: None, cursor: query.cursor };
    let who = Onlooker { admin: drafts, user: visit.member, reader: visit.shell.languages.reader() };
    let (challenge, board) = challenges::ops::challenge_solvers(pool, within, who, part, &page).await?;
    let squads =
        board.items.iter().any(|row| row.participant_type == challenges::model::ParticipantType::Squad);
    let back = path.at(&visit.shell);
    Ok(Page(SolversPage {
        shell: visit.shell,
        challenge,
        squads,
        part,
        solvers: board.items,
        next: board.next,
        back,
    }))
}
