//! What a reviewer's points come to.

use std::collections::BTreeMap;

use kernel::FieldError;
use learning::model::assessment::Criterion;

use crate::model::submission::Judgement;

/// What a judgement comes to, before any penalty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// Hundredths of a percent.
    pub share: i32,
    /// Whether the points themselves pass, whatever rounding leaves of them.
    pub passed: bool,
    /// Half points by criterion, so that the median of two reviews is whole; none without a rubric.
    pub halves: Option<BTreeMap<String, u32>>,
}

/// What half points by criterion come to. Criteria without any bring nothing.
pub fn marks(rubric: &[Criterion], pass_percent: u32, halves: BTreeMap<String, u32>) -> Marks {
    let full: u64 = rubric.iter().map(|one| u64::from(one.points) * 2).sum();
    let reached: u64 =
        rubric.iter().filter_map(|one| halves.get(&one.slug)).map(|half| u64::from(*half)).sum();
    Marks {
        share: i32::try_from(reached * 10_000 / full.max(1)).unwrap_or(10_000),
        passed: reached * 100 >= full * u64::from(pass_percent),
        halves: Some(halves),
    }
}

/// The grade and whether it passes, after a penalty.
pub fn after_penalty(
    marks: &Marks,
    pass_percent: u32,
    late_seconds: i32,
    percent_per_day: u32,
) -> (i32, bool) {
    let grade = super::late::penalised(marks.share, late_seconds, percent_per_day);
    let passes = i64::from(grade) >= i64::from(pass_percent) * 100;
    (grade, if grade == marks.share { marks.passed } else { passes })
}

/// What a judgement comes to; or everything that is wrong with it.
pub fn judged(
    rubric: &[Criterion],
    pass_percent: u32,
    judgement: &Judgement,
) -> Result<Marks, Vec<FieldError>> {
    let wrong = |field: String, message: String| FieldError { field, message };
    if judgement.feedback.chars().count() > 20_000 {
        return Err(vec![wrong("feedback".to_owned(), "must be at most 20,000 characters long".to_owned())]);
    }
    if judgement.feedback.contains('\0') {
        return Err(vec![wrong("feedback".to_owned(), "must not hold NUL characters".to_owned())]);
    }
    if rubric.is_empty() {
        if !judgement.scores.is_empty() {
            return Err(vec![wrong("scores".to_owned(), "must be empty: there is no rubric".to_owned())]);
        }
        let Some(passed) = judgement.passed else {
            let message = "must say whether it passes: there is no rubric".to_owned();
            return Err(vec![wrong("passed".to_owned(), message)]);
        };
        return Ok(Marks { share: if passed { 10_000 } else { 0 }, passed, halves: None });
    }
    let mut found = Vec::new();
    if judgement.passed.is_some() {
        found.push(wrong("passed".to_owned(), "follows from the points: there is a rubric".to_owned()));
    }
    let most: BTreeMap<&str, u32> = rubric.iter().map(|one| (one.slug.as_str(), one.points)).collect();
    for slug in judgement.scores.keys().filter(|slug| !most.contains_key(slug.as_str())) {
        found.push(wrong(format!("scores.{slug}"), "is no criterion of the rubric".to_owned()));
    }
    let mut halves = BTreeMap::new();
    for (slug, points) in most {
        match judgement.scores.get(slug) {
            Some(given) if *given <= points => {
                halves.insert(slug.to_owned(), given * 2);
            }
            Some(_) => found.push(wrong(format!("scores.{slug}"), format!("must be 0 to {points}"))),
            None => found.push(wrong(format!("scores.{slug}"), "is missing".to_owned())),
        }
    }
    if found.is_empty() { Ok(marks(rubric, pass_percent, halves)) } else { Err(found) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rubric() -> Vec<Criterion> {
        serde_json::from_value(json!([
            { "slug": "style", "text": "Style", "points": 3 }, { "slug": "sense", "text": "Sense", "points": 7 }]))
        .unwrap()
    }

    fn scores(style: u32, sense: u32) -> Judgement {
        serde_json::from_value(json!({ "scores": { "style": style, "sense": sense } })).unwrap()
    }

    fn came_to(judgement: &Judgement) -> Option<(i32, bool)> {
        judged(&rubric(), 70, judgement).ok().map(|marks| (marks.share, marks.passed))
    }

    #[test]
    fn a_judgement_is_whole_or_refused() {
        assert_eq!(came_to(&scores(0, 7)), Some((7_000, true)));
        assert_eq!(came_to(&scores(3, 3)), Some((6_000, false)));
        for wrong in [
            scores(4, 0),
            Judgement::default(),
            Judgement { passed: Some(true), ..scores(1, 1) },
            Judgement { feedback: "x".repeat(20_001), ..scores(1, 1) },
            serde_json::from_value(json!({ "scores": { "style": 1, "sense": 1, "luck": 1 } })).unwrap(),
        ] {
            assert_eq!(came_to(&wrong), None, "{wrong:?}");
        }
        let plain = |passed| judged(&[], 50, &Judgement { passed, ..Judgement::default() }).ok();
        assert_eq!(plain(Some(true)).map(|marks| (marks.share, marks.passed)), Some((10_000, true)));
        assert_eq!(plain(Some(false)).map(|marks| (marks.share, marks.passed)), Some((0, false)));
        assert!(plain(None).is_none());
    }

    proptest! {
        #[test]
        fn more_points_never_fail_what_passed(style in 0u32..3, sense in 0u32..=7, pass in 1u32..=100, late in 0i32..400_000) {
            let at = |style| after_penalty(&judged(&rubric(), pass, &scores(style, sense)).unwrap(), pass, late, 5);
            let ((less, passed), (more, still)) = (at(style), at(style + 1));
            prop_assert!(more >= less && (!passed || still));
        }
    }
}
