//! Progress as whole numbers: what is done of what counts. The percentage is only a reading of them.

/// How much of something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Counted parts that are done.
    pub done: u32,
    /// Counted parts.
    pub total: u32,
}

impl Progress {
    /// Counts which of some parts are done.
    pub fn of(parts: impl IntoIterator<Item = bool>) -> Self {
        parts.into_iter().fold(Self::default(), |sum, done| Self {
            done: sum.done + u32::from(done),
            total: sum.total + 1,
        })
    }

    /// Hundredths of a percent, rounded down: ⌊10000 × done / total⌋. 10,000 exactly if all is done; of nothing, 0.
    pub fn hundredths(self) -> u32 {
        if self.total == 0 {
            return 0;
        }
        let share = u64::from(self.done.min(self.total)) * 10_000 / u64::from(self.total);
        u32::try_from(share).unwrap_or(10_000)
    }

    /// Whether there is something and all of it is done.
    pub const fn is_complete(self) -> bool {
        self.total > 0 && self.done >= self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hundred_percent_means_done_and_nothing_else(done in 0u32..100_000, more in 0u32..100_000) {
            let progress = Progress { done, total: done + more };
            prop_assert_eq!(progress.hundredths() == 10_000, progress.is_complete());
            prop_assert!(progress.hundredths() <= 10_000);
        }

        #[test]
        fn more_done_is_never_less(total in 1u32..5_000, one in 0u32..5_000, other in 0u32..5_000) {
            let at = |done: u32| Progress { done: done.min(total), total }.hundredths();
            prop_assert_eq!(at(one.min(other)) <= at(one.max(other)), true);
        }

        #[test]
        fn it_is_the_floor(done in 0u32..10_000, total in 1u32..10_000) {
            prop_assume!(done <= total);
            let hundredths = u64::from(Progress { done, total }.hundredths());
            let (done, total) = (u64::from(done), u64::from(total));
            prop_assert!(hundredths * total <= done * 10_000 && (hundredths + 1) * total > done * 10_000);
        }
    }

    #[test]
    fn parts_are_counted() {
        assert_eq!(Progress::of([true, false, true]), Progress { done: 2, total: 3 });
        assert!(!Progress::of([]).is_complete());
        assert_eq!(Progress::of([]).hundredths(), 0);
        assert_eq!(Progress { done: 1, total: 3 }.hundredths(), 3_333);
    }
}
