//! Periodic jobs: when they ran, when they run next, and now.

use access::operations;
use access::scope::{OperationsRead, OperationsWrite, Scope as _};
use access::{App, Global, Path};
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
use kernel::Problem;
use serde::Deserialize;

use super::at;
use crate::sheet::{Sheet, code, folded, join, lines, table, text, when};
use crate::told::{led, told};

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SchedulePath {
    schedule: String,
}

async fn page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let schedules = operations::schedule_list(app.pool()).await?;
    let may = shell.may(OperationsWrite::NAME);
    let rows = schedules.iter().map(|job| {
        let run = at(&shell, &format!("/schedules/{}/run", job.name));
        let state = match (&job.last_run_at, &job.last_error) {
            (None, _) => ui::seal("", "Never ran"),
            (Some(_), None) => ui::seal("done", "Ran"),
            (Some(_), Some(_)) => ui::seal("bad", "Failed"),
        };
        let told = match (&job.last_error, &job.last_result) {
            (Some(error), _) => text(error.chars().take(300).collect::<String>()),
            (None, Some(result)) => {
                let result = serde_json::to_string_pretty(result).unwrap_or_default();
                folded(&format!("What {} did", job.name), &lines(&format!("What {} did", job.name), &result))
            }
            (None, None) => Html::default(),
        };
        let took = job.last_duration_ms.map(|took| format!("{took} ms"));
        vec![
            join([code(&job.name), text("·"), code(&job.cron)]),
            state,
            when(job.last_run_at.as_ref()),
            text(took.unwrap_or_default()),
            format::time(&job.next_run_at),
            text(format!("{}, {} failed", format::number(job.runs), format::number(job.failures))),
            told,
            if may { shell.button(&run, "Run it now", "quiet") } else { Html::default() },
        ]
    });
    let heads = ["Job", "State", "Last", "#Took", "Next", "Runs", "What it did", ""];
    let body = table("Periodic jobs", &heads, rows.collect(), "There is none.");
    Ok(Sheet::new(shell, "Periodic jobs").of(told).part("By name", body))
}

pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, Form::new()).await?))
}

pub(crate) async fn run(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<SchedulePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let asked = operations::schedule_run(app.pool(), &path.schedule, operator.author()).await;
    app.wake().timers(jobs::schedule::QUEUE);
    let said = format!("{} runs within moments; its next regular run stays.", path.schedule);
    let outcome = asked.map(|()| led(at(&visit.shell, "/schedules"), said));
    told(&app, typed, outcome, |form| page(&app, visit.shell, form)).await
}
