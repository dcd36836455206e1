//! The verdict on one answer, from what the database knew when the participant was locked.

use std::collections::HashMap;

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
    /// What was solved, one for each part: by [`index`].
    pub(super) solved: Vec<Option<Solved>>,
    /// Whether a checker says what is right.
    pub(super) has_checker: bool,
    /// With a checker: the answers that were right, of parts that are solved.
    pub(super) right_answers: HashMap<i32, String>,
}

/// The answers to a participant's input, and since when they have it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// One for each part.
    pub(super) expected: Vec<String>,
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

    /// How a part was solved, if it was.
    pub(super) fn solved(&self, part: i32) -> Option<Solved> {
        self.solved.get(index(part)).copied().flatten()
    }

    /// Notes how a part was solved.
    pub(super) fn solve(&mut self, part: i32, solved: Solved) {
        if let Some(slot) = self.solved.get_mut(index(part)) {
            *slot = Some(solved);
        }
    }

    fn first_open_part(&self) -> i32 {
        (1..=self.parts).find(|part| self.solved(*part).is_none()).unwrap_or(self.parts)
    }
}

/// Where a part, from 1, stands in a list of parts.
pub(super) fn index(part: i32) -> usize {
    usize::try_from(part - 1).unwrap_or(usize::MAX)
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
        return Err(Error::field(
            "part",
            match standing.parts {
                1 => "must be 1: this challenge has one part".to_owned(),
                parts => format!("must be between 1 and {parts}: this challenge has {parts} parts"),
            },
        ));
    }
    if part > 1 && standing.solved(part - 1).is_none() && !tester {
        return Err(Error::PartLocked(part));
    }
    let solved = standing.solved(part);
    let input = standing.input.as_ref().ok_or(Error::InputFirst)?;
    let expected = input.expected.get(index(part)).ok_or(Error::InputFirst)?;
    if let Some(until) = locked_until.filter(|until| arrival < *until && solved.is_none()) {
        return Err(Error::LockedOut(until - arrival));
    }
    let right = match (said, standing.has_checker, solved) {
        (Some(said), ..) => said,
        (None, true, None) => return Ok(Judgement::Check { part }),
        // Sent again because the reply to it was lost, most likely.
        (None, true, Some(_)) => standing.right_answers.get(&part).is_some_and(|right| right == answer),
        (None, false, _) => is_right(rule_of(&standing.rules, part), answer, expected),
    };
    match (right, solved) {
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
