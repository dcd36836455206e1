//! Who recommends: ours, and the simple ways that it must beat. All know the same: what was before the cut.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::log::{Log, Row};
use crate::rules::elo::{FirstTry, Ratings, expected};
use crate::rules::recommend::{self, GAP, HISTORY, Signals};

/// Share of the completions before the cut that are recent.
const RECENT: usize = 10;

/// What was known at the cut.
#[derive(Debug)]
pub(super) struct Known {
    /// Each learner's completions in their order.
    histories: HashMap<usize, Vec<usize>>,
    /// Who completed an item, and where in their order.
    counts: HashMap<usize, f64>,
    recent: HashMap<usize, f64>,
    /// T(p → q).
    transitions: HashMap<usize, HashMap<usize, f64>>,
    /// How many completed both.
    together: HashMap<usize, HashMap<usize, f64>>,
    /// Items in the order in which they are come to, as nobody says what the path is.
    path: Vec<usize>,
    place: HashMap<usize, usize>,
    ratings: Ratings,
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128)
}

impl Known {
    pub(super) fn before(log: &Log, cut: i64) -> Self {
        let rows: Vec<Row> = log.completions().filter(|row| row.time < cut).collect();
        let mut histories: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut counts: HashMap<usize, f64> = HashMap::new();
        for row in &rows {
            histories.entry(row.learner).or_default().push(row.item);
            *counts.entry(row.item).or_default() += 1.0;
        }
        let mut recent: HashMap<usize, f64> = HashMap::new();
        for row in rows.iter().rev().take(rows.len() / RECENT) {
            *recent.entry(row.item).or_default() += 1.0;
        }
        let mut transitions: HashMap<usize, HashMap<usize, f64>> = HashMap::new();
        let mut together: HashMap<usize, HashMap<usize, f64>> = HashMap::new();
        let mut places: HashMap<usize, (f64, f64)> = HashMap::new();
        #[expect(clippy::cast_precision_loss, reason = "places in a history")]
        for history in histories.values() {
            for (n, item) in history.iter().enumerate() {
                let place = places.entry(*item).or_default();
                place.0 += n as f64;
                place.1 += 1.0;
                for (gap, later) in (1..=GAP).zip(&history[n + 1..]) {
                    *transitions.entry(*item).or_default().entry(*later).or_default() += 1.0 / gap as f64;
                }
                for later in &history[n + 1..] {
                    *together.entry(*item).or_default().entry(*later).or_default() += 1.0;
                    *together.entry(*later).or_default().entry(*item).or_default() += 1.0;
                }
            }
        }
        let mut path: Vec<usize> = counts.keys().copied().collect();
        let mean = |item: &usize| places.get(item).map_or(0.0, |(sum, n)| sum / n);
        path.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
        let place = path.iter().enumerate().map(|(n, item)| (*item, n)).collect();
        let mut ratings = Ratings::default();
        let mut tried = HashSet::new();
        for row in log.rows().iter().filter(|row| row.time < cut) {
            if tried.insert((row.learner, row.item)) {
                let (learner, subject) = (id(row.learner), id(row.item));
                ratings.take(&FirstTry { place: 0, learner, subject, share: f64::from(u8::from(row.right)) });
            }
        }
        Self { histories, counts, recent, transitions, together, path, place, ratings }
    }

    /// Whether anybody had completed the item.
    pub(super) fn is_known(&self, item: usize) -> bool {
        self.counts.contains_key(&item)
    }

    /// What a learner had completed.
    pub(super) fn history(&self, learner: usize) -> &[usize] {
        self.histories.get(&learner).map_or(&[], Vec::as_slice)
    }
}

/// A way to recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    Questhall,
    Popularity,
    RecentPopularity,
    NextInPath,
    ItemKnn,
}

impl Contender {
    /// Ours first.
    pub(super) const ALL: [Self; 5] =
        [Self::Questhall, Self::Popularity, Self::RecentPopularity, Self::NextInPath, Self::ItemKnn];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Questhall => "questhall",
            Self::Popularity => "popularity",
            Self::RecentPopularity => "recent popularity",
            Self::NextInPath => "next in path",
            Self::ItemKnn => "item-kNN",
        }
    }

    /// The best items that the learner has not completed.
    pub(super) fn recommend(self, known: &Known, learner: usize, most: usize) -> Vec<usize> {
        let history = known.history(learner);
        let done: HashSet<usize> = history.iter().copied().collect();
        let scores: HashMap<usize, f64> = match self {
            Self::Questhall => questhall(known, learner, history),
            Self::Popularity => known.counts.clone(),
            Self::RecentPopularity => known.recent.clone(),
            Self::NextInPath => next_in_path(known, history),
            Self::ItemKnn => item_knn(known, history),
        };
        let of = |item: &usize| scores.get(item).copied().unwrap_or(0.0);
        let count = |item: &usize| known.counts.get(item).copied().unwrap_or(0.0);
        let mut items: Vec<usize> = known.path.iter().copied().filter(|item| !done.contains(item)).collect();
        // Where a way knows nothing, it may fall back on popularity, as anybody would.
        items.sort_by(|a, b| of(b).total_cmp(&of(a)).then(count(b).total_cmp(&count(a))).then(a.cmp(b)));
        items.truncate(most);
        items
    }
}

fn questhall(known: &Known, learner: usize, history: &[usize]) -> HashMap<usize, f64> {
    let mut signals: HashMap<usize, Signals> = HashMap::new();
    for (age, item) in history.iter().rev().take(HISTORY).enumerate() {
        let n = known.counts.get(item).copied().unwrap_or(0.0);
        for (later, weight) in known.transitions.get(item).into_iter().flatten() {
            signals.entry(*later).or_default().transitions += recommend::transition(age, *weight, n);
        }
    }
    let top = known.counts.values().copied().fold(1.0, f64::max);
    let ability = known.ratings.abilities.get(&id(learner)).filter(|rating| rating.tries >= 5);
    for (item, count) in &known.counts {
        let one = signals.entry(*item).or_default();
        one.popularity = count / top;
        let difficulty = known.ratings.difficulties.get(&id(*item)).filter(|rating| rating.tries >= 5);
        one.expected = ability.zip(difficulty).map(|(a, d)| expected(a.value, d.value));
    }
    signals.into_iter().map(|(item, signals)| (item, recommend::score(&signals))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "places in a path")]
fn next_in_path(known: &Known, history: &[usize]) -> HashMap<usize, f64> {
    let at = history.last().and_then(|item| known.place.get(item)).copied().unwrap_or(0);
    let after = known.path.iter().skip(at + 1).enumerate();
    after.map(|(n, item)| (*item, 1.0 / (n + 1) as f64)).collect()
}

/// Sum of cosines with all that the learner completed.
fn item_knn(known: &Known, history: &[usize]) -> HashMap<usize, f64> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for item in history {
        let n = known.counts.get(item).copied().unwrap_or(1.0);
        for (other, both) in known.together.get(item).into_iter().flatten() {
            let m = known.counts.get(other).copied().unwrap_or(1.0);
            *scores.entry(*other).or_default() += both / (n * m).sqrt();
        }
    }
    scores
}
