//! Which submission a reviewer is given. Called under the assessment's lock, so two requests at one instant come one after the other.
//!
//! Why nobody waits for ever: a request always answers, at once, with a review to write or with nothing left to write (and then what was
//! owed is forgiven). No review waits for another one, so learners never wait for each other in a circle. An author waits for nothing
//! but their submission's own timer: when it fires there are reviews enough, or the instructors have it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A submission that a reviewer could be given: the present one of somebody else, which they were never given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The submission.
    pub id: Uuid,
    /// Visible reviews that are written.
    pub completed: u32,
    /// Reviews that somebody is at.
    pub live: u32,
    /// Whether it still waits for its grade from peers.
    pub waits: bool,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

/// What a reviewer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The submission.
    pub id: Uuid,
    /// Whether its author needs the review. If not, it only pays what the reviewer owes.
    pub needed: bool,
}

/// Chooses: where reviews are missing first, there the fewest first, then the oldest, then by chance that can be told again. Otherwise
/// one that has enough. `None` if there is nothing to review.
pub fn choose<'a>(
    reviewer: Uuid,
    required: u32,
    candidates: impl IntoIterator<Item = &'a Candidate>,
) -> Option<Choice> {
    let chance = |id: Uuid| {
        let mut hasher = DefaultHasher::new();
        (id, reviewer).hash(&mut hasher);
        hasher.finish()
    };
    let key = |one: &Candidate| (!needs(one, required), one.completed + one.live, one.received_at);
    let best = candidates.into_iter().min_by(|a, b| {
        let tie = || (chance(a.id), a.id).cmp(&(chance(b.id), b.id));
        key(a).cmp(&key(b)).then_with(tie)
    })?;
    Some(Choice { id: best.id, needed: needs(best, required) })
}

fn needs(one: &Candidate, required: u32) -> bool {
    one.waits && one.completed + one.live < required
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::rules::medians::enough;

    /// What a learner does with a review that they are given.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Habit {
        Writes,
        Declines,
        /// Takes it and is never seen again.
        Leaves,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum State {
        Live,
        Written,
        Gone,
    }

    /// A class, as the tables have it.
    struct Class {
        required: u32,
        habits: Vec<Habit>,
        debts: Vec<u32>,
        assigned: Vec<(usize, usize, State)>,
        graded: BTreeSet<usize>,
    }

    impl Class {
        fn count(&self, submission: usize, state: State) -> u32 {
            let all = self.assigned.iter().filter(|one| one.0 == submission && one.2 == state);
            u32::try_from(all.count()).unwrap()
        }

        fn candidates(&self, reviewer: usize) -> Vec<Candidate> {
            (0..self.habits.len())
                .filter(|one| {
                    *one != reviewer && !self.assigned.iter().any(|row| (row.0, row.1) == (*one, reviewer))
                })
                .map(|one| Candidate {
                    id: id(one),
                    completed: self.count(one, State::Written),
                    live: self.count(one, State::Live),
                    waits: !self.graded.contains(&one),
                    received_at: DateTime::from_timestamp(i64::try_from(one).unwrap(), 0).unwrap(),
                })
                .collect()
        }

        /// A request; tells whether something was given.
        fn request(&mut self, reviewer: usize) -> bool {
            if self.assigned.iter().any(|row| row.1 == reviewer && row.2 == State::Live) {
                return false;
            }
            let candidates = self.candidates(reviewer);
            let Some(choice) = choose(id(reviewer), self.required, &candidates) else {
                self.debts[reviewer] = 0;
                return false;
            };
            let given = (0..self.habits.len()).find(|one| id(*one) == choice.id).unwrap();
            assert_ne!(given, reviewer, "nobody reviews themselves");
            if choice.needed {
                assert!(self.count(given, State::Live) + self.count(given, State::Written) < self.required);
            } else {
                // Only where nobody whom this reviewer could help is left.
                assert!(candidates.iter().all(|one| !needs(one, self.required)));
            }
            let state = match self.habits[reviewer] {
                Habit::Writes => {
                    self.debts[reviewer] = self.debts[reviewer].saturating_sub(1);
                    State::Written
                }
                Habit::Declines => State::Gone,
                Habit::Leaves => State::Live,
            };
            self.assigned.push((given, reviewer, state));
            if self.count(given, State::Written) >= self.required {
                self.graded.insert(given);
            }
            true
        }

        fn leases_expire(&mut self) {
            self.assigned.iter_mut().filter(|one| one.2 == State::Live).for_each(|one| one.2 = State::Gone);
        }
    }

    fn id(n: usize) -> Uuid {
        Uuid::from_u128(n as u128 + 1)
    }

    fn habit() -> impl Strategy<Value = Habit> {
        prop_oneof![3 => Just(Habit::Writes), 1 => Just(Habit::Declines), 1 => Just(Habit::Leaves)]
    }

    proptest! {
        #[test]
        fn nobody_waits_for_ever(
            habits in prop::collection::vec(habit(), 1..14), required in 1u32..5, owed in 0u32..5,
            order in prop::collection::vec(0usize..14, 0..120),
        ) {
            let learners = habits.len();
            let mut class = Class { required, debts: vec![owed; learners], habits, assigned: Vec::new(), graded: BTreeSet::new() };
            for who in order {
                class.request(who % learners);
            }
            // However it went so far: whoever goes on asking gets to the end, in no more requests than there are submissions.
            for who in 0..learners {
                class.leases_expire();
                let mut asked = 0;
                while class.debts[who] > 0 {
                    class.request(who);
                    class.leases_expire();
                    asked += 1;
                    prop_assert!(asked <= learners, "{who} owes for ever");
                }
            }
            // And whoever goes on asking reviews everybody else in the end: no submission is starved.
            for who in 0..learners {
                for _ in 0..=learners {
                    class.request(who);
                    class.leases_expire();
                }
            }
            for one in 0..learners {
                let writers = (0..learners).filter(|who| *who != one && class.habits[*who] == Habit::Writes).count();
                prop_assert_eq!(class.count(one, State::Written) as usize, writers);
            }
            // Nobody is ever given one twice.
            let pairs: BTreeSet<_> = class.assigned.iter().map(|row| (row.0, row.1)).collect();
            prop_assert_eq!(pairs.len(), class.assigned.len());
        }

        #[test]
        fn where_all_write_and_there_are_enough_all_but_one_at_most_are_served(learners in 2usize..12, required in 1u32..5) {
            prop_assume!(learners > required as usize);
            let mut class = Class {
                required, habits: vec![Habit::Writes; learners], debts: vec![required; learners], assigned: Vec::new(),
                graded: BTreeSet::new(),
            };
            for _ in 0..required {
                for who in 0..learners {
                    class.request(who);
                }
            }
            // The last to ask may find that only their own is missing one: that one falls to the instructors, and no other.
            let short = (0..learners).filter(|one| (class.count(*one, State::Written) as usize) < enough(required)).count();
            prop_assert!(short <= usize::from(required == 1), "{short} got too few");
        }

        #[test]
        fn with_few_learners_each_reviews_every_other_and_is_let_off(learners in 1usize..5, more in 0u32..4) {
            let required = u32::try_from(learners).unwrap() + more;
            let mut class = Class {
                required, habits: vec![Habit::Writes; learners], debts: vec![required; learners], assigned: Vec::new(),
                graded: BTreeSet::new(),
            };
            for _ in 0..=required {
                for who in 0..learners {
                    class.request(who);
                }
            }
            prop_assert_eq!(class.assigned.len(), learners * (learners - 1));
            prop_assert!(class.debts.iter().all(|debt| *debt == 0));
        }
    }

    #[test]
    fn two_at_one_instant_are_given_different_ones_and_the_fewest_go_first() {
        let one = |n: usize, completed, live| Candidate {
            id: id(n),
            completed,
            live,
            waits: true,
            received_at: DateTime::from_timestamp(i64::try_from(n).unwrap(), 0).unwrap(),
        };
        let mut all = vec![one(1, 0, 0), one(2, 0, 0), one(3, 2, 0)];
        let first = choose(id(8), 2, &all).unwrap();
        assert_eq!(first, Choice { id: id(1), needed: true });
        // The second comes after the first's row is there.
        all[0].live = 1;
        assert_eq!(choose(id(9), 2, &all).unwrap().id, id(2));
        let covered = [one(3, 2, 0), Candidate { waits: false, ..one(4, 0, 0) }];
        assert_eq!(choose(id(9), 2, &covered).unwrap(), Choice { id: id(4), needed: false });
        assert_eq!(choose(id(9), 2, &[]), None);
    }
}
