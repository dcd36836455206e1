//! What several reviews of one hand-in come to.

use std::collections::BTreeMap;

use learning::model::assessment::Criterion;

use super::rubric::{Marks, marks};

/// How far apart the highest and the lowest total may lie, in percent of the maximum.
const MOST_APART: u64 = 40;

/// What reviews come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A grade: the median of each criterion.
    Grade(Marks),
    /// There are too few.
    TooFew,
    /// They lie too far apart for a median to say anything.
    Apart,
}

/// How many reviews are enough when time is over: half of those required, at least one.
pub fn enough(required: u32) -> usize {
    required.div_ceil(2).max(1) as usize
}

/// Twice the median: with an even count the mean of the middle two, which may be half a point. Of nothing, 0.
pub fn twice_median(mut points: Vec<u32>) -> u32 {
    points.sort_unstable();
    let middle = points.len() / 2;
    match points.len() {
        0 => 0,
        odd if odd % 2 == 1 => points[middle] * 2,
        _ => points[middle - 1] + points[middle],
    }
}

/// What the visible reviews come to: points by criterion each. `needed` of them must be there.
pub fn combined(
    rubric: &[Criterion],
    pass_percent: u32,
    reviews: &[BTreeMap<String, u32>],
    needed: usize,
) -> Verdict {
    if reviews.len() < needed.max(1) {
        return Verdict::TooFew;
    }
    let of = |review: &BTreeMap<String, u32>, one: &Criterion| {
        review.get(&one.slug).copied().unwrap_or(0).min(one.points)
    };
    let full: u64 = rubric.iter().map(|one| u64::from(one.points)).sum();
    let totals =
        reviews.iter().map(|review| rubric.iter().map(|one| u64::from(of(review, one))).sum::<u64>());
    let (least, most) =
        totals.fold((u64::MAX, 0), |(least, most), total| (least.min(total), most.max(total)));
    if (most - least) * 100 > full * MOST_APART {
        return Verdict::Apart;
    }
    let halves = rubric
        .iter()
        .map(|one| (one.slug.clone(), twice_median(reviews.iter().map(|review| of(review, one)).collect())));
    Verdict::Grade(marks(rubric, pass_percent, halves.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rubric() -> Vec<Criterion> {
        serde_json::from_value(json!([
            { "slug": "a", "text": "A", "points": 10 }, { "slug": "b", "text": "B", "points": 10 }]))
        .unwrap()
    }

    fn review(a: u32, b: u32) -> BTreeMap<String, u32> {
        BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)])
    }

    #[test]
    fn an_even_count_takes_the_mean_of_the_middle_two() {
        assert_eq!(twice_median(vec![1, 4]), 5);
        assert_eq!(twice_median(vec![9, 1, 4]), 8);
        assert_eq!((enough(1), enough(2), enough(3), enough(5), enough(0)), (1, 1, 2, 3, 1));
        let Verdict::Grade(marks) = combined(&rubric(), 50, &[review(5, 5), review(6, 5)], 2) else {
            panic!()
        };
        // 5.5 and 5 of 20.
        assert_eq!((marks.share, marks.passed), (5_250, true));
    }

    #[test]
    fn reviews_far_apart_come_to_nothing() {
        // 8 of 20 are 40 percent, which is not more than 40.
        assert!(matches!(combined(&rubric(), 50, &[review(0, 0), review(4, 4)], 2), Verdict::Grade(_)));
        assert_eq!(combined(&rubric(), 50, &[review(0, 0), review(5, 4)], 2), Verdict::Apart);
        assert_eq!(combined(&rubric(), 50, &[review(5, 5)], 2), Verdict::TooFew);
        assert_eq!(combined(&rubric(), 50, &[], 0), Verdict::TooFew);
    }

    proptest! {
        #[test]
        fn a_median_is_among_what_was_given(points in prop::collection::vec(0u32..1_000, 1..9)) {
            let twice = twice_median(points.clone());
            prop_assert!(points.iter().min().unwrap() * 2 <= twice && twice <= points.iter().max().unwrap() * 2);
            // At least half of all lie on either side.
            let below = points.iter().filter(|one| **one * 2 <= twice).count();
            let above = points.iter().filter(|one| **one * 2 >= twice).count();
            prop_assert!(below * 2 >= points.len() && above * 2 >= points.len());
        }

        #[test]
        fn one_outlier_of_three_moves_nothing_beyond_the_other_two(a in 0u32..=10, b in 0u32..=10, wild in 0u32..=10) {
            if let Verdict::Grade(marks) = combined(&rubric(), 50, &[review(a, a), review(b, b), review(wild, wild)], 2) {
                let (low, high) = (a.min(b), a.max(b));
                prop_assert!((low * 1_000..=high * 1_000).contains(&u32::try_from(marks.share).unwrap()));
            }
        }
    }
}
