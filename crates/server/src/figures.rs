//! Figures for Prometheus: one recorder per process, and what is looked up when somebody asks.
//!
//! Labels are few and bounded: matched routes, never paths; queues, never guilds. Slices record through the `metrics` crate
//! and need not know of this module.

use std::{fmt::Write as _, sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;

use crate::settings::Settings;

/// Upper bounds in seconds of the buckets of every duration.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// Upper bounds of the buckets of sizes of batches.
const SIZES: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0];
/// How long a look at the database for figures may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process's recorder, installed with the first call.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        // The bounds are constants and in order, so neither of these can fail.
        let builder = || {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|builder| {
                    builder.set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), &SIZES)
                })
                .and_then(|builder| {
                    builder.set_buckets_for_metric(Matcher::Suffix("_batch_events".to_owned()), &SIZES)
                })
                .unwrap_or_else(|_| PrometheusBuilder::new())
        };
        builder().install_recorder().unwrap_or_else(|error| {
            tracing::warn!(%error, "another recorder of figures is installed; /metrics shows only what is looked up");
            builder().build_recorder().handle()
        })
    })
}

/// What is recorded anywhere in the house, by kind, and what it means.
mod families {
    pub(super) const COUNTERS: &[(&str, &str)] = &[
        ("questhall_http_requests_total", "Requests answered, by method, matched route and status."),
        ("questhall_http_rate_limited_total", "Requests refused because too many came, by limit."),
        ("questhall_stream_events_total", "Events sent on streams, by kind."),
        ("questhall_timers_executed_total", "Timers executed, by queue, kind and result."),
        ("questhall_timer_engine_errors_total", "Troubles of the engine itself, by queue."),
        ("questhall_node_deaths_seen_total", "Times that this node learnt of another's death."),
        ("questhall_outbox_events_total", "Events that this process read from the outbox."),
        ("questhall_outbox_consumed_total", "Events that this process consumed, by consumer."),
        (
            "questhall_outbox_consumer_errors_total",
            "Batches of events that could not be consumed, by consumer.",
        ),
        ("questhall_webhook_attempts_total", "Attempts to deliver to webhooks, by result."),
        ("questhall_webhook_dead_letters_total", "Deliveries to webhooks that were given up."),
        (
            "questhall_discord_rate_limited_total",
            "Answers of Discord's that ask to wait, by whom they hold for.",
        ),
        ("questhall_nats_skipped_total", "Events too large for NATS, which were left out."),
        ("questhall_nats_lake_messages_total", "Messages from NATS for the lake, by result."),
        ("questhall_nats_lake_redelivered_total", "Those of them that came before."),
        ("questhall_nats_lake_dead_letters_total", "Those of them put among the dead letters."),
        ("questhall_nats_lake_errors_total", "Times that no messages for the lake could be read."),
        ("questhall_ingest_events_total", "Events that came for the lake, by result."),
        ("questhall_schedule_runs_total", "Runs of periodic jobs, by schedule and result."),
        ("questhall_audit_mended_total", "Figures that an audit brought back to their journals, by slice."),
    ];
    pub(super) const GAUGES: &[(&str, &str)] = &[
        ("questhall_http_requests_in_flight", "Requests that are being answered."),
        ("questhall_http_connections", "Open connections."),
        ("questhall_streams_open", "Open event streams, by kind."),
        ("questhall_timer_queue_depth", "Timers that are due and not executed yet, by queue."),
        ("questhall_nats_lake_pending", "Messages for the lake that wait in NATS, as last heard."),
    ];
    pub(super) const HISTOGRAMS: &[(&str, &str)] = &[
        (
            "questhall_http_request_duration_seconds",
            "Time to the head of the answer, by method and matched route.",
        ),
        ("questhall_timer_lateness_seconds", "Start of execution less the time it was due, by queue."),
        ("questhall_timer_batch_size", "Timers in one transaction, by queue."),
        ("questhall_outbox_delay_seconds", "Age of events when this process reads them from the outbox."),
        ("questhall_webhook_attempt_seconds", "Time that an attempt to deliver to a webhook takes."),
        ("questhall_ingest_batch_events", "Events for the lake in one transaction."),
        ("questhall_schedule_duration_seconds", "Run time of periodic jobs, by schedule."),
    ];
}

/// Says what the figures mean.
pub fn describe() {
    for (name, help) in families::COUNTERS {
        metrics::describe_counter!(*name, *help);
    }
    for (name, help) in families::GAUGES {
        metrics::describe_gauge!(*name, *help);
    }
    for (name, help) in families::HISTOGRAMS {
        metrics::describe_histogram!(*name, *help);
    }
}

/// Everything, in Prometheus' text format.
pub async fn render(pool: &PgPool, settings: &Settings, sandbox: Option<&sandbox::Sandbox>) -> String {
    let mut page = Page(recorder().render());
    process(&mut page);
    page.gauge("questhall_db_pool_connections", "Connections of the pool.", f64::from(pool.size()));
    page.gauge("questhall_db_pool_idle", "Connections of the pool that nobody uses.", count(pool.num_idle()));
    page.gauge(
        "questhall_db_pool_max",
        "The most connections the pool may hold.",
        f64::from(settings.db.max_connections()),
    );
    if let Some(sandbox) = sandbox {
        scripts(&mut page, &sandbox.stats());
    }
    match tokio::time::timeout(PATIENCE, delivery::lag::lag(pool, settings.nats.url.is_some())).await {
        Ok(Ok(lag)) => {
            page.gauge(
                "questhall_outbox_oldest_transaction_seconds",
                "Age of the oldest open transaction, which holds up all readers of the outbox.",
                lag.oldest_transaction_seconds,
            );
            page.head(
                "questhall_outbox_lag_seconds",
                "Age of the oldest event that a durable consumer has not consumed.",
                "gauge",
            );
            for consumer in &lag.consumers {
                page.line(
                    "questhall_outbox_lag_seconds",
                    Some(("consumer", &consumer.consumer)),
                    consumer.lag_seconds,
                );
            }
            page.gauge("questhall_up", "Whether the database answered.", 1.0);
        }
        Ok(Err(_)) | Err(_) => page.gauge("questhall_up", "Whether the database answered.", 0.0),
    }
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: f64) {
        let _ = match label {
            // Consumers and results are names of ours: nothing in them needs escaping.
            Some((key, text)) => writeln!(self.0, "{name}{{{key}=\"{text}\"}} {value}"),
            None => writeln!(self.0, "{name} {value}"),
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "gauge");
        self.line(name, None, value);
    }
}

fn scripts(page: &mut Page, stats: &sandbox::Stats) {
    page.head("questhall_sandbox_runs_total", "Scripts run, by result.", "counter");
    for (result, runs) in [
        ("succeeded", stats.succeeded),
        ("failed", stats.failed),
        ("unavailable", stats.unavailable),
        ("cancelled", stats.cancelled),
    ] {
        page.line("questhall_sandbox_runs_total", Some(("result", result)), exact(runs));
    }
    page.head(
        "questhall_sandbox_restarts_total",
        "Sandbox workers started again after they died.",
        "counter",
    );
    page.line("questhall_sandbox_restarts_total", None, exact(stats.restarts));
    page.gauge("questhall_sandbox_queued", "Scripts that wait for a worker.", count(stats.queued));
    page.gauge("questhall_sandbox_running", "Scripts that run.", count(stats.running));
    page.gauge("questhall_sandbox_workers", "Sandbox workers that are up.", count(stats.workers));
}

/// Memory, processor time and descriptors of this process, from `/proc`; nothing where there is none.
fn process(page: &mut Page) {
    if let Some(bytes) = resident_bytes() {
        page.gauge("process_resident_memory_bytes", "Resident memory of this process.", exact(bytes));
    }
    if let Some(seconds) = cpu_seconds() {
        page.head("process_cpu_seconds_total", "Processor time of this process, user and system.", "counter");
        page.line("process_cpu_seconds_total", None, seconds);
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open descriptors of this process.", count(entries.count()));
    }
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?)
}

fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets and may hold anything.
    let rest = stat.rsplit_once(')')?.1;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(exact(ticks) / exact(sysconf(nix::unistd::SysconfVar::CLK_TCK)?))
}

fn sysconf(variable: nix::unistd::SysconfVar) -> Option<u64> {
    nix::unistd::sysconf(variable).ok().flatten().and_then(|value| u64::try_from(value).ok())
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn exact(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_time() {
        assert!(resident_bytes().unwrap() > 1 << 20);
        assert!(cpu_seconds().unwrap() >= 0.0);
    }

    /// The names that the house's source gives to figures of this kind.
    fn recorded(kind: &str) -> Vec<String> {
        fn walk(folder: &std::path::Path, into: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, into);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    into.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut source = String::new();
        for slice in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap() {
            walk(&slice.unwrap().path().join("src"), &mut source);
        }
        let call = format!("metrics::{kind}!(");
        source
            .split(&call)
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
            .collect()
    }

    #[test]
    fn every_figure_that_is_recorded_says_what_it_means_and_has_one_kind() {
        let kinds = [
            ("counter", families::COUNTERS),
            ("gauge", families::GAUGES),
            ("histogram", families::HISTOGRAMS),
        ];
        let mut names = std::collections::HashSet::new();
        for (kind, family) in kinds {
            let recorded = recorded(kind);
            assert!(!recorded.is_empty(), "{kind}");
            for name in &recorded {
                assert!(
                    family.iter().any(|(known, _)| known == name),
                    "no {kind} called {name} is described"
                );
            }
            for (name, help) in family {
                assert!(names.insert(*name), "{name} has two kinds");
                assert!(help.ends_with('.'), "{name}");
                assert!(recorded.iter().any(|known| known == name), "nobody records {name}");
            }
        }
        // What is looked up when somebody asks has names of its own.
        for name in
            ["questhall_outbox_lag_seconds", "questhall_outbox_oldest_transaction_seconds", "questhall_up"]
        {
            assert!(names.insert(name), "{name} has two kinds");
        }
    }

    #[test]
    fn lines_are_prometheus_text() {
        let mut page = Page(String::new());
        page.gauge("a", "An a.", 1.5);
        page.line("b", Some(("k", "v")), 2.0);
        assert_eq!(page.0, "# HELP a An a.\n# TYPE a gauge\na 1.5\nb{k=\"v\"} 2\n");
    }
}
