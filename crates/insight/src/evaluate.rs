//! How well recommending would have done: on any record of learners, items, times and right or wrong, or on simulated learners.
//!
//! One cut in time: what was before it is all that anybody knows; of each learner who completed something on both sides of it, ten items are
//! recommended, and *recall@10* is the share of the next completions (ten at most, of items that were known before the cut) that are among
//! them. Intervals are percentiles of a bootstrap that draws learners, not rows: a learner's rows hang together.
//!
//! Map: [`log`] the record · `contenders` who recommends · [`simulate`] learners who never were.

mod contenders;
pub mod log;
pub mod simulate;

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

pub use log::{Fault, Log, Row};

use contenders::{Contender, Known};

/// Items that are recommended.
const AT: usize = 10;
/// Times that learners are drawn.
const DRAWS: usize = 1_000;

/// What is found of one way to recommend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recall {
    /// Which way.
    pub contender: &'static str,
    /// Mean recall@10.
    pub recall: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// What is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows of the record.
    pub rows: usize,
    /// Learners in it.
    pub learners: usize,
    /// Items in it.
    pub items: usize,
    /// When it was cut: seconds since 1970, or whatever the record counts.
    pub cut: i64,
    /// Learners who completed something before and after.
    pub evaluated: usize,
    /// What is found of each way, ours first.
    pub recalls: Vec<Recall>,
    /// The best of the others.
    pub best_other: &'static str,
    /// Ours by the best of the others.
    pub ratio: f64,
    /// Lower end of the ratio's 95 % interval: the same learners are drawn for both.
    pub ratio_low: f64,
    /// Upper end of it.
    pub ratio_high: f64,
}

/// Evaluates on a record, cut where this share of its completions is past. `seed` draws the bootstrap. None where nobody completed
/// anything on both sides of the cut.
pub fn evaluate(log: &Log, share: f64, seed: u64) -> Option<Evaluation> {
    let mut times: Vec<i64> = log.completions().map(|row| row.time).collect();
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (times.len() as f64 * share.clamp(0.0, 1.0)) as usize;
    let cut = *times.get(place.min(times.len().checked_sub(1)?))?;
    let known = Known::before(log, cut);
    let mut after: HashMap<usize, Vec<usize>> = HashMap::new();
    for row in log.completions().filter(|row| row.time >= cut) {
        if known.is_known(row.item) {
            after.entry(row.learner).or_default().push(row.item);
        }
    }
    let mut tested: Vec<(usize, Vec<usize>)> = after
        .into_iter()
        .filter(|(learner, _)| !known.history(*learner).is_empty())
        .map(|(learner, mut items)| {
            items.truncate(AT);
            (learner, items)
        })
        .collect();
    tested.sort_unstable();
    if tested.is_empty() {
        return None;
    }
    let found: Vec<(&'static str, Vec<f64>)> = Contender::ALL
        .iter()
        .map(|contender| {
            let recalls = tested.iter().map(|(learner, truth)| {
                let told = contender.recommend(&known, *learner, AT);
                ratio(truth.iter().filter(|item| told.contains(item)).count(), truth.len())
            });
            (contender.name(), recalls.collect())
        })
        .collect();
    Some(summed(log, cut, &found, seed))
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn ratio(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of learners")]
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

/// The 2.5 % and 97.5 % percentiles.
fn ends(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |per_mille: usize| {
        values.get(values.len() * per_mille / 1_000).or(values.last()).copied().unwrap_or(0.0)
    };
    (at(25), at(975))
}

fn summed(log: &Log, cut: i64, found: &[(&'static str, Vec<f64>)], seed: u64) -> Evaluation {
    let evaluated = found[0].1.len();
    let means: Vec<f64> = found.iter().map(|(_, recalls)| mean(recalls.iter().copied())).collect();
    let best = (1..found.len()).max_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap_or(0);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(DRAWS); found.len()];
    let mut ratios = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let learners: Vec<usize> = (0..evaluated).map(|_| rng.random_range(0..evaluated)).collect();
        let means: Vec<f64> =
            found.iter().map(|(_, recalls)| mean(learners.iter().map(|at| recalls[*at]))).collect();
        for (into, value) in drawn.iter_mut().zip(&means) {
            into.push(*value);
        }
        if means[best] > 0.0 {
            ratios.push(means[0] / means[best]);
        }
    }
    let recalls = found.iter().zip(&means).zip(drawn).map(|(((contender, _), recall), drawn)| {
        let (low, high) = ends(drawn);
        Recall { contender, recall: *recall, low, high }
    });
    let (ratio_low, ratio_high) = ends(ratios);
    Evaluation {
        rows: log.rows().len(),
        learners: log.learners(),
        items: log.items(),
        cut,
        evaluated,
        recalls: recalls.collect(),
        best_other: found[best].0,
        ratio: if means[best] > 0.0 { means[0] / means[best] } else { 0.0 },
        ratio_low,
        ratio_high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learners who go round a circle of forty items, each from a place of their own.
    fn round() -> Log {
        let mut rows = Vec::new();
        for learner in 0..60_i64 {
            for step in 0..15_i64 {
                rows.push((
                    format!("l{learner}"),
                    format!("i{}", (learner * 7 + step) % 40),
                    learner + step * 100,
                    true,
                ));
            }
        }
        Log::of(rows)
    }

    #[test]
    fn an_order_that_all_follow_is_found() {
        let found = evaluate(&round(), 0.6, 1).unwrap();
        assert_eq!(found.evaluated, 60);
        let of = |name: &str| found.recalls.iter().find(|one| one.contender == name).unwrap().recall;
        assert!(of("questhall") > 0.95, "{found:?}");
        assert!(of("popularity") < 0.6, "{found:?}");
        assert!(found.recalls.iter().all(|one| one.low <= one.recall && one.recall <= one.high));
        assert_eq!(found, evaluate(&round(), 0.6, 1).unwrap(), "the same seed gives the same");
    }

    #[test]
    fn nobody_on_both_sides_is_nothing() {
        assert_eq!(evaluate(&Log::of(Vec::new()), 0.8, 1), None);
        let lone = vec![("a".to_owned(), "x".to_owned(), 1, true), ("b".to_owned(), "x".to_owned(), 2, true)];
        assert_eq!(evaluate(&Log::of(lone), 0.5, 1), None);
    }
}
