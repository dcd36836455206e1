//! The verdict on one answer, from what the database knew when the participant was locked.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Error;
use crate::model::CampaignFacts;
use crate::rules::{AnswerRule, Recent, is_right, rule_of};

/// A challenge and a participant's standing in it.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) order_position: i32,
    pub(super) parts: i32,
    pub(super) released_at: Option<DateTime<Utc>>,
    pub(super) closes_at: Option<DateTime<Utc>>,
    /// How its answers are judged and what its parts bring; none for most.
    pub(super) rules: Vec<AnswerRule>,
    pub(super) input: Option<Input>,
    /// What was solved, by part.
    pub(super) solved: [Option<Solved>; 2],
    /// Whether a checker says what is right.
    pub(super) has_checker: bool,
    /// With a checker: the answers that were right, by part.
    pub(super) right_answers: [Option<String>; 2],
}

/// The answers to a participant's input, and since when they have it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) expected: [Option<String>; 2],
    pub(super) first_request: DateTime<Utc>,
}

/// A part solved before; position and points are not known yet for one that is solved in this very batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Solved {
    pub(super) position: i32,
    pub(super) points: i32,
    pub(super) elapsed_ms: i64,
    pub(super) at: DateTime<Utc>,
}

/// What an answer turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Wrong {
        part: i32,
    },
    Right {
        part: i32,
        elapsed_ms: i64,
    },
    /// Right, and solved before.
    Again {
        part: i32,
    },
    /// Only a checker can say.
    Check {
        part: i32,
    },
}

impl Standing {
    /// Whether its reader may know that the challenge exists.
    pub(super) fn visible(&self, facts: &CampaignFacts, tester: bool, arrival: DateTime<Utc>) -> bool {
        self.released_at.is_some_and(|at| at <= arrival)
            || (tester && facts.open_to_testers(self.order_position, arrival))
    }

    fn first_open_part(&self) -> i32 {
        if self.solved[0].is_some() && self.parts == 2 { 2 } else { 1 }
    }
}

/// Judges an answer but for the windows, of which only a wrong one needs to be asked, and one that a checker has to look at: see
/// [`refuse_if_too_many`]. `said` is what the checker has said of it.
pub(super) fn judge(
    facts: &CampaignFacts,
    standing: &Standing,
    tester: bool,
    (locked_until, said): (Option<DateTime<Utc>>, Option<bool>),
    (part, answer, arrival): (Option<i32>, &str, DateTime<Utc>),
) -> Result<Judgement, Error> {
    if !standing.visible(facts, tester, arrival) {
        return Err(Error::NotFound("challenge"));
    }
    let open = facts.is_running() || (tester && facts.open_to_testers(standing.order_position, arrival));
    if !open {
        return Err(Error::NotRunning(facts.status.clone()));
    }
    if facts.end_time.is_some_and(|end| arrival >= end) {
        return Err(Error::Ended);
    }
    if standing.closes_at.is_some_and(|closes| arrival >= closes) {
        return Err(Error::ChallengeClosed);
    }
    let part = part.unwrap_or_else(|| standing.first_open_part());
    if part > standing.parts {
        return Err(Error::field("part", "must be 1: this challenge has one part"));
    }
    let index = usize::from(part == 2);
    if index == 1 && standing.solved[0].is_none() && !tester {
        return Err(Error::PartLocked);
    }
    let input = standing.input.as_ref().ok_or(Error::InputFirst)?;
    let expected = input.expected[index].as_deref().ok_or(Error::InputFirst)?;
    if let Some(until) = locked_until.filter(|until| arrival < *until && standing.solved[index].is_none()) {
        return Err(Error::LockedOut(until - arrival));
    }
    let right = match (said, standing.has_checker, standing.solved[index]) {
        (Some(said), ..) => said,
        (None, true, None) => return Ok(Judgement::Check { part }),
        // Sent again because the reply to it was lost, most likely.
        (None, true, Some(_)) => standing.right_answers[index].as_deref() == Some(answer),
        (None, false, _) => is_right(rule_of(&standing.rules, part), answer, expected),
    };
    match (right, standing.solved[index]) {
        (true, Some(_)) => Ok(Judgement::Again { part }),
        (false, Some(_)) => Err(Error::AlreadySolved),
        (true, None) => {
            let elapsed_ms = (arrival - input.first_request).max(TimeDelta::zero()).num_milliseconds();
            Ok(Judgement::Right { part, elapsed_ms })
        }
        (false, None) => Ok(Judgement::Wrong { part }),
    }
}

/// A wrong answer that comes too early is not judged at all.
pub(super) fn refuse_if_too_many(
    facts: &CampaignFacts,
    recent: &Recent,
    arrival: DateTime<Utc>,
) -> Result<(), Error> {
    match recent.wait(arrival, &facts.limits) {
        Some(wait) => Err(Error::TooManyAnswers(wait)),
        None => Ok(()),
    }
}
