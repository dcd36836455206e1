//! One-off work of all guilds: what failed, what waits, what was done.

use std::future::ready;

use access::operations;
use access::scope::{OperationsRead, OperationsWrite, Scope as _};
use access::{App, Global, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use jobs::timers::{Listed, Listing, Status};
use kernel::{GuildId, PageQuery, Problem, TimerId};
use serde::{Deserialize, Serialize};

use super::at;
use crate::lake::in_address;
use crate::sheet::{
    Sheet, actions, aside, asking, button, code, field, folded, form, join, lines, link, says, table, tabs,
    text, way, when,
};
use crate::told::{led, told};

/// The states, as tabs, and what they are called.
const STATES: [(Status, &str); 5] = [
    (Status::Failed, "Failed"),
    (Status::Pending, "Waiting"),
    (Status::Running, "Running"),
    (Status::Completed, "Done"),
    (Status::Cancelled, "Cancelled"),
];

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct TimerPath {
    timer_id: TimerId,
}

/// Which timers.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Filter {
    status: Option<Status>,
    kind: String,
    guild_id: String,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

impl Filter {
    /// The part of the address that names the kind and the guild.
    fn narrowed(&self) -> String {
        let rest = in_address(&[("kind", &self.kind), ("guild_id", &self.guild_id)]);
        if rest.is_empty() { rest } else { format!("&{rest}") }
    }
}

fn row(shell: &Shell, timer: &Listed, may: bool) -> Vec<Html> {
    let own = |deed: &str| at(shell, &format!("/timers/{}/{deed}", timer.id));
    let mut ways = Vec::new();
    if may && timer.status == "FAILED" {
        ways.push(shell.button(&own("retry"), "Run it again", ""));
    }
    if may && matches!(timer.status.as_str(), "FAILED" | "PENDING") {
        ways.push(link(own("cancel"), "Cancel"));
    }
    let payload = serde_json::to_string_pretty(&timer.payload).unwrap_or_default();
    let failure = timer.last_error.as_deref().map(|error| text(error.chars().take(300).collect::<String>()));
    let tries = format!("{} failed, {} died", timer.retry_count, timer.crash_count);
    vec![
        code(&timer.kind),
        timer.guild_id.map(code).unwrap_or_default(),
        format::time(&timer.scheduled_at),
        when(timer.executed_at.as_ref()),
        text(tries),
        join([
            failure.unwrap_or_default(),
            folded(
                &format!("Payload of {}", timer.id),
                &lines(&format!("Payload of {}", timer.id), &payload),
            ),
        ]),
        actions(ways),
    ]
}

async fn page(app: &App, shell: Shell, filter: Filter, told: Form) -> Result<Sheet, Problem> {
    let guild = Some(filter.guild_id.trim()).filter(|id| !id.is_empty());
    let guild: Option<GuildId> =
        guild.map(str::parse).transpose().map_err(|_| Problem::field("guild_id", "must be a guild's id"))?;
    let kind = Some(filter.kind.trim()).filter(|kind| !kind.is_empty());
    let status = filter.status.unwrap_or(Status::Failed);
    let listing = Listing { status, guild, kind };
    let wanted = PageQuery { limit: None, cursor: filter.cursor.clone() };
    let page = operations::timer_list(app.pool(), listing, &wanted).await?;
    let may = shell.may(OperationsWrite::NAME);
    let rows = page.items.iter().map(|timer| row(&shell, timer, may)).collect();
    let (path, narrowed) = (at(&shell, "/timers"), filter.narrowed());
    let of = |status: Status| format!("{path}?status={status}{narrowed}");
    let ways = STATES.map(|(status, called)| (of(status), called));
    let values = told.over(&filter);
    let states = STATES.map(|(status, called)| (status.to_string(), called.to_owned()));
    let search = asking(
        &path,
        [
            field(&values.choice("status", "State", &states)),
            field(&values.line("kind", "Kind").exact().help("Such as challenges.pregenerate.")),
            field(&values.line("guild_id", "Guild").exact().help("Its id.")),
        ],
        "Look",
    );
    let heads = ["Kind", "Guild", "Due", "Ran", "Tries", "Why", ""];
    let body = join([
        tabs("Which", &of(status), &ways),
        folded("Look for something", &search),
        table("Timers", &heads, rows, "There is none."),
        ui::more(&path, format!("status={status}{narrowed}"), page.next.as_ref()),
        aside("Timers of a guild's campaigns stand with its campaigns."),
    ]);
    Ok(Sheet::new(shell, "Timers of the installation").of(values).part("By time", body))
}

pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, filter, Form::new()).await?))
}

pub(crate) async fn retry(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<TimerPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let retried = operations::timer_retry(app.pool(), path.timer_id, operator.author()).await;
    app.wake().timers(jobs::timers::QUEUE);
    let outcome =
        retried.map(|()| led(at(&visit.shell, "/timers"), "It runs in a moment, with all its retries."));
    told(&app, typed, outcome, |form| page(&app, visit.shell, Filter::default(), form)).await
}

fn cancellation(shell: Shell, id: TimerId, told: Form) -> Sheet {
    let body = join([
        says(
            "It is not run any more, and what it was for does not happen. Whoever waits for it is not told.",
        ),
        form(
            &shell,
            &at(&shell, &format!("/timers/{id}/cancel")),
            [],
            [button("yes", "Cancel it", "grave"), way(at(&shell, "/timers"), "Leave it", "")],
        ),
    ]);
    Sheet::new(shell, "Cancel this work?")
        .below("/staff/installation/timers", "Timers of the installation")
        .lead(code(id))
        .of(told)
        .part("What will happen", body)
}

pub(crate) async fn ask_cancel(
    visit: Visit<OperationsWrite>,
    _operator: Global<OperationsWrite>,
    Path(path): Path<TimerPath>,
) -> Page<Sheet> {
    Page(cancellation(visit.shell, path.timer_id, Form::new()))
}

pub(crate) async fn cancel(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<TimerPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let cancelled = operations::timer_cancel(app.pool(), path.timer_id, operator.author()).await;
    let outcome = cancelled.map(|()| led(at(&visit.shell, "/timers"), "It is cancelled."));
    told(&app, typed, outcome, |form| ready(Ok(cancellation(visit.shell, path.timer_id, form)))).await
}
