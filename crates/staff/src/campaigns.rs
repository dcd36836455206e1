//! Campaigns as their authors see them: the list, and one with what it needs next.

use access::scope::{CampaignsWrite, OperationsRead, OperationsWrite, Scope as _};
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use campaigns::model::{Campaign, CampaignTimer, Status};
use challenges::catalogue::Challenge;
use challenges::submissions::{Whose, submission_list};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui::campaign_state;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, ChallengeId, PageQuery, Problem, TimerId};
use serde::Deserialize;

use super::names::Names;
use super::sheet::{
    Sheet, actions, again, aside, code, facts, field, form, join, link, says, table, text, way, when,
};
use super::{Cursor, asker};

/// The most challenges of a campaign.
const CHALLENGES: i64 = 200;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CampaignPath {
    pub(super) campaign_id: CampaignId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct TimerPath {
    timer_id: TimerId,
}

pub(super) fn at(shell: &Shell, id: CampaignId, rest: &str) -> String {
    shell.at(&format!("/staff/campaigns/{id}{rest}"))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    let page =
        campaigns::ops::campaign_list(app.pool(), visit.guild_id(), None, true, &cursor.page()).await?;
    let shell = visit.shell;
    let rows = page.items.iter().map(|campaign| {
        vec![
            link(at(&shell, campaign.id, ""), &campaign.settings.name),
            campaign_state(campaign.status, &campaign.state),
            text(campaign.challenges),
            when(campaign.settings.start_time.as_ref()),
        ]
    });
    let rows = rows.collect();
    let heads = ["Campaign", "State", "#Challenges", "Starts"];
    let body = join([
        actions([
            way(shell.at("/staff/campaigns/new"), "New campaign", "primary"),
            way(shell.at("/staff/campaigns/import"), "From a bundle", ""),
        ]),
        table("Campaigns", &heads, rows, "There is none yet: make the first one."),
        ui::more(shell.at("/staff/campaigns"), "", page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Campaigns").part("All campaigns", body)))
}

/// What may be done to a campaign now; the API decides, this only offers it.
fn deeds(shell: &Shell, campaign: &Campaign) -> Html {
    let offer = |deed: &str, label: &str, class: &str| way(at(shell, campaign.id, deed), label, class);
    let published = campaign.published_at.is_some();
    let mut ways = Vec::new();
    match campaign.status {
        Status::Created => {
            ways.push(offer("/publish", if published { "Move its start" } else { "Publish" }, "primary"));
            ways.push(offer("/start", "Start now", ""));
        }
        Status::Running => ways.push(offer("/close", "Close", "primary")),
        Status::Closed => ways.push(offer("/open-rewards", "Open rewards", "primary")),
        Status::RewardClaim | Status::Expired => {}
    }
    if campaign.status != Status::Expired {
        ways.push(offer("/edit", "Settings", ""));
    }
    if matches!(campaign.status, Status::Created | Status::Running) {
        ways.push(offer("/import", "Bring a bundle in", ""));
        if published {
            ways.push(offer("/cancel", "Cancel", "grave"));
        }
    }
    ways.push(offer("/bundle.json", "Take it as a bundle", ""));
    if campaign.status == Status::Expired || campaign.status == Status::Created && !published {
        ways.push(offer("/delete", "Delete", "grave"));
    }
    actions(ways)
}

fn timeline(campaign: &Campaign) -> Html {
    facts([
        ("Made", format::time(&campaign.created_at)),
        ("Published", when(campaign.published_at.as_ref())),
        ("Starts", when(campaign.started_at.as_ref().or(campaign.settings.start_time.as_ref()))),
        ("Ends", when(campaign.closed_at.as_ref().or(campaign.end_time.as_ref()))),
        ("Rewards open", when(campaign.reward_claim_at.as_ref())),
        ("Over", when(campaign.expired_at.as_ref())),
    ])
}

fn challenge_rows(shell: &Shell, campaign: &Campaign, all: &[Challenge]) -> Html {
    let rows = all.iter().map(|challenge| {
        let own = at(shell, campaign.id, &format!("/challenges/{}", challenge.id));
        let fault = challenge.authoring.as_ref().and_then(|authoring| authoring.script_error.as_ref());
        let solved: Vec<String> = challenge.solve_counts.iter().map(|count| format::number(*count)).collect();
        let order = |label: &str, by: &str| shell.button(&format!("{own}/move?by={by}"), label, "quiet");
        let released = challenge.released_at.is_some();
        vec![
            link(&own, format!("{}. {}", challenge.position, challenge.title)),
            match (fault, released) {
                (Some(_), _) => ui::seal("bad", "Its script fails"),
                (None, true) => ui::seal("on", "Released"),
                (None, false) => ui::seal("", "Secret"),
            },
            text(solved.join(" / ")),
            if released { Html::default() } else { join([order("Earlier", "-1"), order("Later", "1")]) },
        ]
    });
    join([
        table(
            "Challenges",
            &["Challenge", "State", "#Solved", "Order"],
            rows.collect(),
            "There is none yet. A campaign needs at least one.",
        ),
        actions([way(at(shell, campaign.id, "/challenges/new"), "New challenge", "")]),
    ])
}

/// Timers with what became of them.
pub(super) fn timer_rows(shell: &Shell, timers: &[CampaignTimer]) -> Html {
    let may = shell.may(OperationsWrite::NAME);
    let rows = timers.iter().map(|timer| {
        let again = shell.at(&format!("/staff/timers/{}/retry", timer.id));
        vec![
            text(format::word(timer.timer_type.as_str())),
            format::time(&timer.scheduled_at),
            match timer.status.as_str() {
                "FAILED" => ui::seal("bad", "Failed"),
                "PENDING" => ui::seal("soon", "Waits"),
                other => ui::seal("done", &format::word(other)),
            },
            timer.last_error.as_ref().map(text).unwrap_or_default(),
            if may && timer.status == "FAILED" {
                shell.button(&again, "Try again", "")
            } else {
                Html::default()
            },
        ]
    });
    table("Timers", &["What", "When", "State", "Why", ""], rows.collect(), "None is set.")
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.campaign_id);
    let shell = visit.shell;
    let all = PageQuery { limit: Some(CHALLENGES), cursor: None };
    let admin = super::challenge::ADMIN;
    let timers = async {
        if !shell.may(OperationsRead::NAME) {
            return Ok(None);
        }
        campaigns::ops::timer_list(pool, guild, Some(id), None, &PageQuery::default()).await.map(Some)
    };
    let (campaign, challenges, timers) = try_join!(
        campaigns::ops::campaign_get(pool, guild, id, true).err_into::<Problem>(),
        challenges::ops::challenge_list(pool, (guild, id), admin, &all).err_into::<Problem>(),
        timers
    )?;
    let more = actions([
        link(at(&shell, id, "/registrations"), "Who takes part"),
        link(at(&shell, id, "/submissions"), "Answers"),
        link(at(&shell, id, "/claims"), "Claims"),
        link(at(&shell, id, "/history"), "History and testers"),
        link(at(&shell, id, "/figures"), "Figures"),
        link(at(&shell, id, "/rehearsal"), "Rehearsal"),
        link(shell.at(&format!("/campaigns/{id}/standings")), "Standings"),
        link(shell.at(&format!("/campaigns/{id}")), "As members see it"),
    ]);
    let (ways, line) = (deeds(&shell, &campaign), timeline(&campaign));
    let rows = challenge_rows(&shell, &campaign, &challenges.items);
    let timers = timers.map(|timers| timer_rows(&shell, &timers.items));
    let lead = campaign_state(campaign.status, &campaign.state);
    let mut sheet = Sheet::new(shell, campaign.settings.name)
        .below("/staff/campaigns", "Campaigns")
        .lead(lead)
        .part("Next", join([ways, more]))
        .part("Time line", line)
        .part("Challenges", rows);
    if let Some(timers) = timers {
        sheet = sheet.part("Timers", timers);
    }
    Ok(Page(sheet))
}

/// A page about a campaign, with its name above.
pub(super) async fn about(app: &App, shell: Shell, id: CampaignId, title: &str) -> Result<Sheet, Problem> {
    let campaign = campaigns::ops::campaign_get(app.pool(), shell.guild_id, id, true).await?;
    let above = format!("/staff/campaigns/{id}");
    Ok(Sheet::new(shell, title).below("/staff/campaigns", "Campaigns").below(&above, &campaign.settings.name))
}

pub(super) async fn registrations(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    let (guild, id) = (visit.guild_id(), path.campaign_id);
    let page = campaigns::ops::participant_list(app.pool(), guild, id, true, &cursor.page()).await?;
    let sheet = about(&app, visit.shell, id, "Who takes part").await?;
    let shell = &sheet.shell;
    let names = Names::of(&app, guild, page.items.iter().map(|row| row.registered_by)).await?;
    let rows = page.items.iter().map(|row| {
        let squad = row.participant_type == "squad";
        vec![
            ui::participant(shell, &row.participant_id, squad, &row.display_name),
            names.member(shell, &row.registered_by),
            text(format::number(row.fee_paid)),
            format::time(&row.registered_at),
        ]
    });
    let body = join([
        table("Participants", &["Who", "Registered by", "#Paid", "When"], rows.collect(), "Nobody yet."),
        ui::more(at(shell, id, "/registrations"), "", page.next.as_ref()),
    ]);
    Ok(Page(sheet.part("Participants", body)))
}

/// How many answers that belong to somebody else are shown.
const BORROWED: i64 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    challenge_id: Option<ChallengeId>,
    cursor: Option<String>,
}

pub(super) async fn submissions(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(which): Query<Which>,
) -> Result<Page<Sheet>, Problem> {
    let (guild, id) = (visit.guild_id(), path.campaign_id);
    let sheet = about(&app, visit.shell, id, "Answers").await?;
    let page = PageQuery { limit: None, cursor: which.cursor };
    let within = (guild, id);
    let page = submission_list(app.pool(), within, which.challenge_id, Whose::Everybodys, &page).await?;
    let few = PageQuery { limit: Some(BORROWED), cursor: None };
    let borrowed = challenges::borrowed::borrowed_list(app.pool(), within, &few).await?.items;
    let sheet = if borrowed.is_empty() {
        sheet
    } else {
        let rows = borrowed.iter().map(|row| {
            vec![
                ui::member(&sheet.shell, &row.user_id, &row.participant_name),
                link(
                    at(&sheet.shell, id, &format!("/challenges/{}", row.challenge_id)),
                    format!("Part {}", row.part),
                ),
                text(row.owner_name.clone()),
                row.owner_solved_at.as_ref().map(format::time).unwrap_or_default(),
                format::time(&row.submitted_at),
            ]
        });
        let body = join([
            says("These were wrong for who sent them, and right for somebody else. Only staff see this."),
            table(
                "Borrowed answers",
                &["Who sent it", "Challenge", "Whose it is", "Solved by them", "Sent"],
                rows.collect(),
                "",
            ),
        ]);
        sheet.part("Answers that belong to somebody else", body)
    };
    let shell = &sheet.shell;
    let names = Names::of(&app, guild, page.items.iter().map(|row| row.user_id)).await?;
    let rows = page.items.iter().map(|row| {
        vec![
            names.member(shell, &row.user_id),
            link(at(shell, id, &format!("/challenges/{}", row.challenge_id)), format!("Part {}", row.part)),
            code(row.answer.chars().take(200).collect::<String>()),
            if row.correct { ui::seal("done", "Right") } else { ui::seal("bad", "Wrong") },
            row.points.map(|points| text(format::number(points))).unwrap_or_default(),
            format::time(&row.submitted_at),
        ]
    });
    let query = which.challenge_id.map(|id| format!("challenge_id={id}")).unwrap_or_default();
    let body = join([
        table(
            "Answers",
            &["Who", "Challenge", "Answer", "Verdict", "#Points", "When"],
            rows.collect(),
            "Nobody has answered yet.",
        ),
        ui::more(at(shell, id, "/submissions"), query, page.next.as_ref()),
    ]);
    Ok(Page(sheet.part("Newest first", body)))
}

pub(super) async fn claims(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    let (guild, id) = (visit.guild_id(), path.campaign_id);
    let page = campaigns::ops::claim_list(app.pool(), guild, id, None, &cursor.page()).await?;
    let sheet = about(&app, visit.shell, id, "Claims").await?;
    let shell = &sheet.shell;
    let names = Names::of(&app, guild, page.items.iter().map(|row| row.user_id)).await?;
    let rows = page.items.iter().map(|row| {
        vec![
            names.member(shell, &row.user_id),
            text(format::ordinal(row.rank)),
            text(format::number(row.bytes)),
            text(format::number(row.xp)),
            text(format::number(row.gold)),
            match (row.claimed_at, row.lapsed_at) {
                (Some(at), _) => join([ui::seal("done", "Paid"), format::time(&at)]),
                (None, Some(_)) => ui::seal("bad", "Lapsed"),
                (None, None) => ui::seal("soon", "Waits"),
            },
        ]
    });
    let body = join([
        table(
            "Claims",
            &["Who", "#Rank", "#Bytes", "#XP", "#Gold", "State"],
            rows.collect(),
            "There is nothing to claim: claims open after the close.",
        ),
        ui::more(at(shell, id, "/claims"), "", page.next.as_ref()),
    ]);
    Ok(Page(sheet.part("Claims", body)))
}

async fn history_of(app: &App, shell: Shell, id: CampaignId, told: Form) -> Result<Sheet, Problem> {
    let (pool, guild, few) = (app.pool(), shell.guild_id, PageQuery::default());
    let (log, testers) = try_join!(
        campaigns::ops::state_log_list(pool, guild, id, &few),
        campaigns::ops::tester_list(pool, guild, id, &few)
    )?;
    let sheet = about(app, shell, id, "History and testers").await?;
    let shell = &sheet.shell;
    let rows = log.items.iter().map(|entry| {
        vec![
            text(format::word(entry.to_state.as_str())),
            text(entry.from_state.map(|state| format::word(state.as_str())).unwrap_or_default()),
            text(format::word(&entry.trigger_event)),
            format::time(&entry.created_at),
        ]
    });
    let log = table("Transitions", &["To", "From", "By", "When"], rows.collect(), "Nothing yet.");
    let names = Names::of(app, guild, testers.items.iter().copied()).await?;
    let rows = testers.items.iter().map(|user| {
        let out = at(shell, id, &format!("/testers/remove?user_id={user}"));
        vec![names.member(shell, user), shell.button(&out, "Remove", "quiet")]
    });
    let testers = join([
        table("Testers", &["Who", ""], rows.collect(), "Nobody sees challenges early."),
        form(
            shell,
            &at(shell, id, "/testers"),
            [field(&told.line("user_id", "Discord id").exact().required())],
            [super::sheet::button("add", "Add a tester", "")],
        ),
        aside("Testers see a challenge before its release, and what they answer counts nowhere."),
    ]);
    Ok(sheet.of(told).part("Transitions", log).part("Testers", testers))
}

pub(super) async fn history(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(history_of(&app, visit.shell, path.campaign_id, Form::new()).await?))
}

pub(super) async fn tester_add(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let added = async {
        let super::Who { user_id } = typed.read()?;
        let by = asker(&visit.guild);
        campaigns::ops::tester_add(app.pool(), visit.guild_id(), by, path.campaign_id, user_id).await?;
        Ok::<_, Problem>(user_id)
    };
    match added.await {
        Ok(user) => {
            let to = at(&visit.shell, path.campaign_id, "/history");
            Ok(done(&app, &to, &format!("{user} is a tester.")))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(history_of(&app, visit.shell, path.campaign_id, form).await?.refused(&problem))
        }
    }
}

pub(super) async fn tester_remove(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(who): Query<super::Who>,
) -> Result<Response, Problem> {
    let by = asker(&visit.guild);
    campaigns::ops::tester_remove(app.pool(), visit.guild_id(), by, path.campaign_id, who.user_id).await?;
    let to = at(&visit.shell, path.campaign_id, "/history");
    Ok(done(&app, &to, &format!("{} is no tester any more.", who.user_id)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimerFilter {
    status: Option<String>,
    cursor: Option<String>,
}

/// The timers of all campaigns.
pub(super) async fn timers(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    Query(filter): Query<TimerFilter>,
) -> Result<Page<Sheet>, Problem> {
    let page = PageQuery { limit: None, cursor: filter.cursor };
    let status = filter.status.as_deref().filter(|status| !status.is_empty());
    let (pool, guild) = (app.pool(), visit.guild_id());
    let (timers, health) = try_join!(
        campaigns::ops::timer_list(pool, guild, None, status, &page),
        campaigns::operations::health(pool, Some(guild)).err_into::<Problem>()
    )?;
    let shell = visit.shell;
    let query = status.map(|status| format!("status={}", frame::visit::encode(status)));
    let path = shell.at("/staff/timers");
    let here = query.as_ref().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let ways = [
        (path.clone(), "All"),
        (format!("{path}?status=FAILED"), "Failed"),
        (format!("{path}?status=PENDING"), "Waiting"),
    ];
    let body = join([
        super::sheet::tabs("Which", &here, &ways),
        timer_rows(&shell, &timers.items),
        ui::more(&path, query.unwrap_or_default(), timers.next.as_ref()),
    ]);
    let health = super::installation::condition::campaigns_shown(&health);
    Ok(Page(Sheet::new(shell, "Timers").part("Of campaigns", body).part("How campaigns fare", health)))
}

pub(super) async fn timer_retry(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    Path(path): Path<TimerPath>,
) -> Result<Response, Problem> {
    let by = asker(&visit.guild);
    let timer =
        campaigns::ops::timer_retry(app.pool(), app.wake(), visit.guild_id(), by, path.timer_id).await?;
    let said = format!("{} is tried again.", format::word(timer.timer_type.as_str()));
    Ok(done(&app, &visit.shell.at("/staff/timers"), &said))
}
