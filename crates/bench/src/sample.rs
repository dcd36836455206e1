//! Percentiles and rates.

use std::time::Duration;

/// Durations that were measured one by one.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The 50th and the 99th percentile, in milliseconds.
    pub(crate) fn p50_p99(mut self) -> (f64, f64) {
        self.0.sort_unstable();
        let at = |percent: usize| {
            let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
            self.0.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        (at(50), at(99))
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

/// So many a second.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted() {
        let samples: Samples = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(samples.p50_p99(), (101.0, 199.0));
        assert_eq!(Samples::default().p50_p99(), (0.0, 0.0));
    }
}
