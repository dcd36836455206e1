//! The processes that serve the installation: drained, and let to work again.

use std::future::ready;

use access::operations::{self, node_state};
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
use uuid::Uuid;

use super::at;
use crate::sheet::{Sheet, button, code, form, join, link, says, table, text};
use crate::told::{led, told};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct NodePath {
    node_id: Uuid,
}

async fn page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let nodes = operations::node_list(app.pool()).await?;
    let may = shell.may(OperationsWrite::NAME);
    let rows = nodes.iter().map(|node| {
        let own = |deed: &str| at(&shell, &format!("/nodes/{}/{deed}", node.id));
        let state = node_state(node);
        let (tone, way) = match state {
            "running" => ("on", link(own("drain"), "Drain")),
            "draining" => ("warn", shell.button(&own("resume"), "Let it work", "")),
            "died" => ("bad", Html::default()),
            _ => ("", Html::default()),
        };
        vec![
            code(&node.name),
            ui::seal(tone, &format::word(state)),
            text(node.roles.join(", ")),
            text(&node.version),
            format::time(&node.started_at),
            format::time(&node.heartbeat_at),
            if may { way } else { Html::default() },
        ]
    });
    let heads = ["Node", "State", "Does", "Version", "Since", "Last heard of", ""];
    let body = table("Nodes", &heads, rows.collect(), "There is none.");
    Ok(Sheet::new(shell, "Nodes").of(told).part("The latest started first", body))
}

pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, Form::new()).await?))
}

fn draining(shell: Shell, node: Uuid, told: Form) -> Sheet {
    let body = join([
        says(
            "It takes no new work from its next heartbeat on, and finishes what it has begun. It still answers requests. If it is the only node that works, nothing is worked on until it may again.",
        ),
        form(
            &shell,
            &at(&shell, &format!("/nodes/{node}/drain")),
            [],
            [button("yes", "Drain it", "grave"), link(at(&shell, "/nodes"), "Not now")],
        ),
    ]);
    Sheet::new(shell, "Drain this node?")
        .below("/staff/installation/nodes", "Nodes")
        .lead(code(node))
        .of(told)
        .part("What will happen", body)
}

pub(crate) async fn ask_drain(
    visit: Visit<OperationsWrite>,
    _operator: Global<OperationsWrite>,
    Path(path): Path<NodePath>,
) -> Page<Sheet> {
    Page(draining(visit.shell, path.node_id, Form::new()))
}

pub(crate) async fn drain(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<NodePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let ordered = operations::node_order(app.pool(), path.node_id, true, operator.author()).await;
    let outcome = ordered.map(|()| led(at(&visit.shell, "/nodes"), "It drains."));
    told(&app, typed, outcome, |form| ready(Ok(draining(visit.shell, path.node_id, form)))).await
}

pub(crate) async fn resume(
    State(app): State<App>,
    visit: Visit<OperationsWrite>,
    operator: Global<OperationsWrite>,
    Path(path): Path<NodePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let ordered = operations::node_order(app.pool(), path.node_id, false, operator.author()).await;
    let outcome = ordered.map(|()| led(at(&visit.shell, "/nodes"), "It works."));
    told(&app, typed, outcome, |form| page(&app, visit.shell, form)).await
}
