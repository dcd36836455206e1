//! What the engine tells Prometheus. Counted after the commit, so the figures never run ahead of the database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::failure::{End, Failure};
use crate::table::TimerTable;

/// A batch that went through.
pub(super) fn executed<T: TimerTable>(table: &T, now: DateTime<Utc>, timers: &[T::Timer]) {
    settled(table, now, timers, &[]);
}

/// A batch of which some failed.
pub(super) fn settled<T: TimerTable>(
    table: &T,
    now: DateTime<Utc>,
    timers: &[T::Timer],
    failures: &[Failure],
) {
    let queue = table.name();
    let lateness = metrics::histogram!("questhall_timer_lateness_seconds", "queue" => queue);
    let mut counts: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
    for (index, timer) in timers.iter().enumerate() {
        lateness.record((now - T::scheduled_at(timer)).as_seconds_f64().max(0.0));
        let result = match failures.iter().find(|failure| failure.index == index).map(|failure| failure.end) {
            None => "completed",
            Some(End::Retried) => "retried",
            Some(End::Failed) => "failed",
            Some(End::Unstored) => "stuck",
        };
        *counts.entry((T::kind(timer), result)).or_default() += 1;
    }
    for ((kind, result), count) in counts {
        let kind = kind.to_owned();
        metrics::counter!("questhall_timers_executed_total", "queue" => queue, "kind" => kind, "result" => result)
            .increment(count);
    }
    #[expect(clippy::cast_precision_loss, reason = "batches are small")]
    metrics::histogram!("questhall_timer_batch_size", "queue" => queue).record(timers.len() as f64);
}

/// How many timers are due.
pub(super) fn depth(queue: &'static str, due: i64) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metrics::gauge!("questhall_timer_queue_depth", "queue" => queue).set(due as f64);
}

/// The engine itself had trouble, such as a lost connection.
pub(super) fn trouble(queue: &'static str) {
    metrics::counter!("questhall_timer_engine_errors_total", "queue" => queue).increment(1);
}
