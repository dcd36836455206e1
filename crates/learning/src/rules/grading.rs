//! What a reviewer's points come to.

use std::collections::BTreeMap;

use kernel::FieldError;

use crate::model::quest::SubmissionStep;
use crate::model::submission::Judgement;

/// Hundredths of a percent that a judgement comes to, and whether that passes; or everything that is wrong with it.
pub fn judged(step: &SubmissionStep, judgement: &Judgement) -> Result<(u32, bool), Vec<FieldError>> {
    let wrong = |field: String, message: String| FieldError { field, message };
    if step.rubric.is_empty() {
        if !judgement.scores.is_empty() {
            return Err(vec![wrong("scores".to_owned(), "must be empty: the step has no rubric".to_owned())]);
        }
        return match judgement.passed {
            Some(passed) => Ok((if passed { 10_000 } else { 0 }, passed)),
            None => Err(vec![wrong(
                "passed".to_owned(),
                "must say whether it passes: the step has no rubric".to_owned(),
            )]),
        };
    }
    let mut found = Vec::new();
    if judgement.passed.is_some() {
        found.push(wrong("passed".to_owned(), "follows from the points: the step has a rubric".to_owned()));
    }
    let most: BTreeMap<&str, u32> = step.rubric.iter().map(|one| (one.slug.as_str(), one.points)).collect();
    for slug in judgement.scores.keys().filter(|slug| !most.contains_key(slug.as_str())) {
        found.push(wrong(format!("scores.{slug}"), "is no criterion of the rubric".to_owned()));
    }
    let (mut reached, mut full) = (0u64, 0u64);
    for (slug, points) in most {
        full += u64::from(points);
        match judgement.scores.get(slug) {
            Some(given) if *given <= points => reached += u64::from(*given),
            Some(_) => found.push(wrong(format!("scores.{slug}"), format!("must be 0 to {points}"))),
            None => found.push(wrong(format!("scores.{slug}"), "is missing".to_owned())),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let share = u32::try_from(reached * 10_000 / full.max(1)).unwrap_or(10_000);
    // By the points themselves, not by what rounding leaves of them.
    Ok((share, reached * 100 >= full * u64::from(step.pass_percent)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn step(pass_percent: u32) -> SubmissionStep {
        serde_json::from_value(json!({ "pass_percent": pass_percent, "rubric": [
            { "slug": "style", "text": "Style", "points": 3 }, { "slug": "sense", "text": "Sense", "points": 7 }] }))
        .unwrap()
    }

    fn scores(style: u32, sense: u32) -> Judgement {
        serde_json::from_value(json!({ "scores": { "style": style, "sense": sense } })).unwrap()
    }

    #[test]
    fn a_judgement_is_whole_or_refused() {
        assert_eq!(judged(&step(70), &scores(0, 7)), Ok((7_000, true)));
        assert_eq!(judged(&step(70), &scores(3, 3)), Ok((6_000, false)));
        for wrong in [
            scores(4, 0),
            Judgement::default(),
            Judgement { passed: Some(true), ..scores(1, 1) },
            serde_json::from_value(json!({ "scores": { "style": 1, "sense": 1, "luck": 1 } })).unwrap(),
        ] {
            assert!(judged(&step(50), &wrong).is_err(), "{wrong:?}");
        }
        let plain: SubmissionStep = serde_json::from_value(json!({})).unwrap();
        let says = |passed| Judgement { passed, ..Judgement::default() };
        assert_eq!(judged(&plain, &says(Some(true))), Ok((10_000, true)));
        assert_eq!(judged(&plain, &says(Some(false))), Ok((0, false)));
        assert!(judged(&plain, &says(None)).is_err());
    }

    proptest! {
        #[test]
        fn more_points_never_fail_what_passed(style in 0u32..3, sense in 0u32..=7, pass in 1u32..=100) {
            let (less, passed) = judged(&step(pass), &scores(style, sense)).unwrap();
            let (more, still) = judged(&step(pass), &scores(style + 1, sense)).unwrap();
            prop_assert!(more > less && (!passed || still));
        }
    }
}
