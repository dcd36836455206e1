//! How the installation fares: readers of the outbox, the sandbox, campaigns of all guilds.

use access::scope::OperationsRead;
use access::web::Provided;
use access::{App, Global};
use axum::Extension;
use axum::extract::State;
use campaigns::operations::{Health, health};
use delivery::NatsSettings;
use delivery::lag::{OutboxLag, lag};
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::ui;
use frame::visit::Visit;
use futures::{TryFutureExt as _, try_join};
use kernel::Problem;
use sandbox::Sandbox;

use crate::sheet::{Sheet, code, facts, join, says, table, text, when};

/// Milliseconds, as far as they matter.
fn milliseconds(value: f64) -> Html {
    text(format!("{value:.0} ms"))
}

/// How campaigns and their timers fare.
pub(crate) fn campaigns_shown(health: &Health) -> Html {
    let stuck = health.stuck_timers.iter().map(|one| {
        vec![
            text(format::word(one.timer_type.as_str())),
            ui::seal("warn", "Overdue"),
            text(format::number(one.stuck_count)),
            format::time(&one.oldest_stuck),
        ]
    });
    let failed = health.failed_timers.iter().map(|one| {
        vec![
            text(format::word(one.timer_type.as_str())),
            ui::seal("bad", "Failed"),
            text(format::number(one.failed_count)),
            format::time(&one.latest_failure),
        ]
    });
    let heads = ["Timers of campaigns", "State", "#How many", "Oldest or latest"];
    let wrong = table(
        "What is wrong",
        &heads,
        stuck.chain(failed).collect(),
        "Nothing is overdue and nothing failed.",
    );
    let states = health.states.iter().map(|share| {
        vec![
            text(format::word(share.status.as_str())),
            text(format::number(share.count)),
            text(format!("{:.1} %", share.percentage)),
        ]
    });
    let states = table(
        "Campaigns by state",
        &["Campaigns", "#How many", "#Share"],
        states.collect(),
        "There is no campaign.",
    );
    let runs = health.executions.iter().map(|one| {
        vec![
            text(format::word(one.timer_type.as_str())),
            text(format::number(one.executions)),
            text(format::number(one.failures)),
            milliseconds(one.avg_ms),
            milliseconds(one.max_ms.into()),
            milliseconds(one.avg_lateness_ms),
            milliseconds(one.max_lateness_ms.into()),
        ]
    });
    let heads = ["In 24 hours", "#Runs", "#Failed", "#Mean", "#Longest", "#Late, mean", "#Late, most"];
    let runs = table("Runs", &heads, runs.collect(), "No timer ran in the last 24 hours.");
    join([wrong, states, runs])
}

fn outbox_shown(lag: &OutboxLag) -> Html {
    let rows = lag.consumers.iter().map(|consumer| {
        vec![
            code(&consumer.consumer),
            code(&consumer.position),
            text(if consumer.behind >= 10_000 {
                "10 000 or more".to_owned()
            } else {
                format::number(consumer.behind)
            }),
            text(format!("{:.1} s", consumer.lag_seconds)),
        ]
    });
    join([
        facts([
            ("Latest event", when(lag.latest_event_at.as_ref())),
            ("Oldest open transaction", text(format!("{:.1} s", lag.oldest_transaction_seconds))),
        ]),
        table("Readers", &["Reader", "Stands at", "#Behind", "#By"], rows.collect(), "Nobody reads."),
    ])
}

fn sandbox_shown(sandbox: Option<&Sandbox>) -> Html {
    let Some(sandbox) = sandbox else {
        return says("The process that answers runs no scripts. Its log says why.");
    };
    let stats = sandbox.stats();
    facts([
        ("Python", text(sandbox.python().1.map(|part| part.to_string()).join("."))),
        ("Numpy", text(if sandbox.has_numpy() { "There" } else { "Missing" })),
        ("Workers", text(format::number(stats.workers))),
        ("Running", text(format::number(stats.running))),
        ("Waiting", text(format::number(stats.queued))),
        ("Ended well", text(format::number(stats.succeeded))),
        ("Failed", text(format::number(stats.failed))),
        ("Could not run", text(format::number(stats.unavailable))),
        ("Called off", text(format::number(stats.cancelled))),
        ("Workers started again", text(format::number(stats.restarts))),
    ])
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(nats): Extension<NatsSettings>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
) -> Result<Page<Sheet>, Problem> {
    let (lag, health) = try_join!(
        lag(app.pool(), nats.url.is_some()).err_into::<Problem>(),
        health(app.pool(), None).err_into::<Problem>()
    )?;
    let sandbox = sandbox.ok().map(|Provided(sandbox)| sandbox);
    Ok(Page(
        Sheet::new(visit.shell, "How the installation fares")
            .part("Readers of the outbox", outbox_shown(&lag))
            .part("The sandbox of the process that answers", sandbox_shown(sandbox.as_ref()))
            .part("Campaigns of all guilds", campaigns_shown(&health)),
    ))
}
