//! A campaign gone through on paper, before it is published.

use access::App;
use access::Path;
use access::scope::CampaignsWrite;
use axum::extract::State;
use campaigns::rehearsal::{Finding, Rehearsal, RehearsedMoment, Severity};
use chrono::{DateTime, Utc};
use frame::html::{Html, escape, with_code};
use frame::page::Page;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;

use super::campaigns::{CampaignPath, at};
use super::sheet::{Sheet, actions, join, link, says, table, text, way};

fn finding(found: &Finding) -> Vec<Html> {
    let seal = match found.severity {
        Severity::Error => ui::seal("bad", "Wrong"),
        Severity::Warning => ui::seal("warn", "Look at it"),
        Severity::Note => ui::seal("", "Note"),
    };
    vec![seal, with_code(&found.message)]
}

/// How long after the start, or before it.
fn after(at: DateTime<Utc>, start: DateTime<Utc>) -> String {
    match at - start {
        zero if zero.is_zero() => "at the start".to_owned(),
        before if at < start => format!("{} before", format::span(before)),
        later => format!("{} after", format::span(later)),
    }
}

fn moment(one: &RehearsedMoment, start: DateTime<Utc>) -> Vec<Html> {
    vec![
        format::time(&one.at),
        text(after(one.at, start)),
        Html::trusted(format!("<bdi>{}</bdi>", escape(&one.happens))),
        text(&one.members_see),
    ]
}

fn time_line(rehearsal: &Rehearsal) -> Html {
    let intro = if rehearsal.scheduled {
        Html::default()
    } else {
        says("It has no start time yet: this is how it would go if it started now.")
    };
    let rows = rehearsal.moments.iter().map(|one| moment(one, rehearsal.starts_at)).collect();
    join([
        intro,
        table(
            "The time line",
            &["When", "From the start", "What happens", "What members see"],
            rows,
            "Nothing happens.",
        ),
    ])
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.campaign_id);
    let rehearsal = campaigns::ops::campaign_rehearse(pool, guild, id).await?;
    let shell = visit.shell;
    let found = if rehearsal.findings.is_empty() {
        says("Nothing is amiss.")
    } else {
        let rows = rehearsal.findings.iter().map(finding).collect();
        table("What was found", &["How bad", "What"], rows, "")
    };
    let ways = actions([
        way(at(&shell, id, "/edit"), "Settings", ""),
        link(at(&shell, id, ""), "Back to the campaign"),
    ]);
    let line = time_line(&rehearsal);
    let sheet = Sheet::new(shell, format!("Rehearsal of {}", rehearsal.name))
        .below("/staff/campaigns", "Campaigns")
        .below(&format!("/staff/campaigns/{id}"), &rehearsal.name)
        .lead(says("How it would go, from its first instant to its last. Nothing is done by looking at it."));
    Ok(Page(sheet.part("What was found", join([found, ways])).part("The time line", line)))
}
