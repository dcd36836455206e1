//! What is on, and what waits for staff.

use access::App;
use access::scope::{CampaignsRead, LearningGrade, OperationsRead, Scope as _, SettingsRead};
use axum::extract::State;
use campaigns::model::Status;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use futures::try_join;
use kernel::{Page as Items, PageQuery, Problem};
use moderation::model::AppealStatus;
use moderation::scopes::ModerationRead;

use super::sheet::{Sheet, join, link, says, table, text};

/// How many of each are shown.
const FEW: i64 = 5;

const fn few() -> PageQuery {
    PageQuery { limit: Some(FEW), cursor: None }
}

/// How many there are of something, as far as they are shown.
fn waiting<T>(items: &Items<T>, one: &str, many: &str) -> String {
    match (items.items.len(), items.next.is_some()) {
        (0, _) => format!("No {many}"),
        (some, false) => format::count(some, one, many),
        (some, true) => format!("More than {}", format::count(some, one, many)),
    }
}

async fn campaigns(app: &App, shell: &Shell) -> Result<Option<Html>, Problem> {
    if !shell.may(CampaignsRead::NAME) {
        return Ok(None);
    }
    let (pool, guild) = (app.pool(), shell.guild_id);
    let running = campaigns::ops::campaign_list(pool, guild, Some(Status::Running), true, &few()).await?;
    let rows = running.items.iter().map(|campaign| {
        vec![
            link(shell.at(&format!("/staff/campaigns/{}", campaign.id)), &campaign.settings.name),
            text(format!("{} of {} released", campaign.challenges_released, campaign.challenges)),
            campaign.end_time.as_ref().map(|end| format::countdown(end, &shell.now)).unwrap_or_default(),
        ]
    });
    let rows = rows.collect();
    Ok(Some(table("Campaigns that run", &["Campaign", "Challenges", "Ends"], rows, "No campaign runs.")))
}

async fn grading(app: &App, shell: &Shell) -> Result<Option<Html>, Problem> {
    if !shell.may(LearningGrade::NAME) {
        return Ok(None);
    }
    let waits = assessment::ops::submission_list(app.pool(), shell.guild_id, false, &few()).await?;
    Ok(Some(join([
        says(format!("{} to grade.", waiting(&waits, "hand-in", "hand-ins"))),
        link(shell.at("/staff/grading"), "Grade"),
    ])))
}

async fn appeals(app: &App, shell: &Shell) -> Result<Option<Html>, Problem> {
    if !shell.may(ModerationRead::NAME) {
        return Ok(None);
    }
    let open =
        moderation::ops::appeal_list(app.pool(), shell.guild_id, Some(AppealStatus::Open), &few()).await?;
    Ok(Some(join([
        says(format!("{} to decide.", waiting(&open, "appeal", "appeals"))),
        link(shell.at("/staff/appeals"), "Look at them"),
    ])))
}

async fn timers(app: &App, shell: &Shell) -> Result<Option<Html>, Problem> {
    if !shell.may(OperationsRead::NAME) {
        return Ok(None);
    }
    let failed = campaigns::ops::timer_list(app.pool(), shell.guild_id, None, Some("FAILED"), &few()).await?;
    Ok(Some(join([
        says(format!("{} failed.", waiting(&failed, "timer", "timers"))),
        link(shell.at("/staff/timers?status=FAILED"), "Look at them"),
    ])))
}

pub(super) async fn show(State(app): State<App>, visit: Visit<SettingsRead>) -> Result<Page<Sheet>, Problem> {
    let shell = visit.shell;
    let (campaigns, grading, (appeals, timers)) =
        try_join!(campaigns(&app, &shell), grading(&app, &shell), async {
            Ok((appeals(&app, &shell).await?, timers(&app, &shell).await?))
        })?;
    let mut sheet = Sheet::new(shell, "What is on, and what waits");
    for (heading, part) in
        [("Running", campaigns), ("Grading", grading), ("Appeals", appeals), ("Timers", timers)]
    {
        if let Some(part) = part {
            sheet = sheet.part(heading, part);
        }
    }
    Ok(Page(sheet))
}
