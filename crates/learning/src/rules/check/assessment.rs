//! Assessments of a quest.

use kernel::FieldError;

use super::{Findings, MAX_LIST, coding_check, quiz_check};
use crate::model::assessment::{Assessment, AssessmentType, Criterion, Review};

/// The most assessments of a quest.
const MAX_ASSESSMENTS: usize = 20;

pub(super) fn assessments_check(assessments: &[Assessment]) -> Vec<FieldError> {
    let mut found = Findings::default();
    if assessments.len() > MAX_ASSESSMENTS {
        found.say("assessments", format!("must be at most {MAX_ASSESSMENTS}"));
    }
    found.unique("assessments", "slug", assessments.iter().map(|one| one.slug.as_str()));
    for (n, one) in assessments.iter().enumerate() {
        found.within(&format!("assessments[{n}]"), assessment_check(one));
    }
    found.done()
}

fn assessment_check(one: &Assessment) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.name("title", &one.title);
    found.text("description", &one.description, 100_000);
    if one.optional && one.test_out {
        found.say("optional", "goes without saying of one that tests out");
    }
    let parts = [
        ("quiz", one.quiz.is_some(), one.kind == AssessmentType::Quiz),
        ("coding", one.coding.is_some(), one.kind == AssessmentType::AutoGraded),
        ("review", one.review.is_some(), one.kind.is_judged_by_people()),
    ];
    for (field, there, wanted) in parts {
        match (there, wanted) {
            (true, false) => {
                found.say(field, format!("does not belong to a {} assessment", one.kind.as_str()));
            }
            (false, true) => found.say(field, format!("is missing from a {} assessment", one.kind.as_str())),
            _ => {}
        }
    }
    if let Some(quiz) = &one.quiz {
        found.within("quiz", quiz_check(quiz));
    }
    if let Some(coding) = &one.coding {
        found.within("coding", coding_check(coding));
    }
    if let Some(review) = &one.review {
        found.within("review", review_check(review, one.kind == AssessmentType::PeerReview));
    }
    found.done()
}

fn review_check(review: &Review, by_peers: bool) -> Vec<FieldError> {
    let mut found = Findings::default();
    rubric_check(&mut found, &review.rubric);
    found.range("pass_percent", review.pass_percent.into(), 1, 100);
    if let Some(tries) = review.max_tries {
        found.range("max_tries", tries.into(), 1, 1_000);
    }
    found.range("grace_minutes", review.grace_minutes.into(), 0, 10_080);
    found.range("late_percent_per_day", review.late_percent_per_day.into(), 0, 100);
    found.range("late_days", review.late_days.into(), 0, 365);
    let policy = review.grace_minutes > 0 || review.late_percent_per_day > 0 || review.late_days > 0;
    if policy && review.due_at.is_none() {
        found.say("due_at", "is missing: later than what?");
    }
    if review.peers.is_some() && !by_peers {
        found.say("peers", "belongs to PeerReview assessments");
    }
    if by_peers && review.rubric.is_empty() {
        found.say("rubric", "is missing from a PeerReview assessment: its medians are taken by criterion");
    }
    if let Some(peers) = review.peers {
        found.range("peers.required", peers.required.into(), 1, 20);
        found.range("peers.owed", peers.owed.into(), 0, 20);
        found.range("peers.deadline_hours", peers.deadline_hours.into(), 1, 8_760);
        found.range("peers.lease_hours", peers.lease_hours.into(), 1, 720);
    }
    found.done()
}

pub(super) fn rubric_check(found: &mut Findings, rubric: &[Criterion]) {
    if rubric.len() > MAX_LIST {
        found.say("rubric", format!("must be at most {MAX_LIST}"));
    }
    found.unique("rubric", "slug", rubric.iter().map(|criterion| criterion.slug.as_str()));
    for (n, criterion) in rubric.iter().enumerate() {
        found.text(&format!("rubric[{n}].text"), &criterion.text, 10_000);
        found.range(&format!("rubric[{n}].points"), criterion.points.into(), 1, 1_000);
    }
}
