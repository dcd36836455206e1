//! Queues of work: paused and resumed on every node.

use std::future::ready;

use access::operations;
use access::scope::{OperationsRead, OperationsWrite, Scope as _};
use access::{App, Global, Path};
use axum::extract::State;
use axum::response::Response;
use campaigns::timers::QUEUES;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use kernel::Problem;
use serde::Deserialize;

use super::at;
use crate::sheet::{Sheet, button, code, field, form, join, link, says, table, text, when};
use crate::told::{led, told};

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QueuePath {
    queue: String,
}

async fn page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let queues = operations::queue_list(app.pool(), &QUEUES).await?;
    let may = shell.may(OperationsWrite::NAME);
    let rows = queues.iter().map(|queue| {
        let own = |deed: &str| at(&shell, &format!("/queues/{}/{deed}", queue.name));
        let way = match (may, queue.paused) {
            (false, _) => Html::default(),
            (true, true) => shell.button(&own("resume"), "Resume", ""),
            (true, false) => link(own("pause"), "Pause"),
        };
        vec![
            code(&queue.name),
            if queue.paused { ui::seal("warn", "Paused") } else { ui::seal("on", "Worked on") },
            text(queue.paused_by.as_deref().filter(|_| queue.paused).unwrap_or("–")),
            when(queue.paused_at.as_ref().filter(|_| queue.paused)),
            text(queue.reason.as_deref().filter(|_| queue.paused).unwrap_or_default()),
            way,
        ]
    });
    let heads = ["Queue", "State", "By", "Since", "Why", ""];
    let body = table("Queues", &heads, rows.collect(), "There is none.");
    Ok(Sheet::new(shell, "Queues").of(told).part("Queues", body))
}

pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, Form::new()).await?))
}

fn pausing(shell: Shell, queue: &str, told: Form) -> Result<Sheet, Problem> {
    if !QUEUES.contains(&queue) {
        return Err(Problem::not_found("queue"));
    }
    let body = join([
        says(
            "From the next batch on nothing of it is executed on any node, in no guild, until it is resumed. What runs is finished; what falls due waits, and is made up for then.",
        ),
        form(
            &shell,
            &at(&shell, &format!("/queues/{queue}/pause")),
            [field(
                &told
                    .line("reason", "Why")
                    .max_length(500)
                    .help("For the others who look after the installation."),
            )],
            [button("yes", "Pause it", "grave"), link(at(&shell, "/queues"), "Not now")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("Pause {queue}?"))
        .below("/staff/installation/queues", "Queues")
        .of(told)
        .part("What will happen", body))
}

pub(crate) async fn ask_pause(
    visit: Visit<OperationsWrite>,
    _operator: Global<OperationsWrite>,
    Path(path): Path<QueuePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(pausing(visit.shell, &path.queue, Form::new())?))
}

pub(crate) async fn pause(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<QueuePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let reason = typed.value("reason").map(str::trim).filter(|reason| !reason.is_empty());
    let queue = (QUEUES.as_slice(), path.queue.as_str());
    let paused = operations::queue_pause(app.pool(), queue, reason, operator.author()).await;
    let outcome = paused.map(|()| led(at(&visit.shell, "/queues"), "It is paused."));
    told(&app, typed, outcome, |form| ready(pausing(visit.shell, &path.queue, form))).await
}

pub(crate) async fn resume(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<QueuePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let queue = (QUEUES.as_slice(), path.queue.as_str());
    let resumed = operations::queue_resume(app.pool(), queue, operator.author()).await;
    let outcome = resumed.map(|()| led(at(&visit.shell, "/queues"), "Every node works on it again."));
    told(&app, typed, outcome, |form| page(&app, visit.shell, form)).await
}
