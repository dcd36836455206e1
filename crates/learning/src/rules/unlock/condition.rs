//! Rules compiled over a guild's quests, chapters and paths, which are numbers here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

/// Something of the guild that can be completed: its place in the guild's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// A quest.
    Quest(usize),
    /// A chapter.
    Chapter(usize),
    /// A path.
    Path(usize),
    /// Something that a rule names and that is not published: its place in the list of such.
    Absent(usize),
}

/// Something that comes to a member without learning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// XP in the guild.
    Xp(i64),
    /// Level in the guild.
    Level(i32),
    /// Points in a skill: its slug.
    Skill(String, i64),
    /// An achievement.
    Achievement(i32),
    /// An instant that is past.
    After(DateTime<Utc>),
    /// An instant that is not past: the end of a chapter.
    Before(DateTime<Utc>),
}

/// A compiled rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of these; of none: always.
    All(Vec<Condition>),
    /// At least one of these; of none: never.
    Any(Vec<Condition>),
    /// At least so many of these.
    AtLeast(usize, Vec<Condition>),
    /// Not this fact.
    Not(Box<Condition>),
    /// This is completed.
    Done(Goal),
    /// This is the case.
    Is(Fact),
}

/// What is the case for a learner.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What they completed.
    pub done: BTreeSet<Goal>,
    /// Their XP.
    pub xp: i64,
    /// Their level.
    pub level: i32,
    /// Their points, by skill.
    pub skills: BTreeMap<String, i64>,
    /// Their achievements.
    pub achievements: BTreeSet<i32>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// What a learner lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// This is not completed.
    Goal(Goal),
    /// This is not the case.
    Fact(Fact),
    /// This fact should not be the case.
    Unless(Fact),
    /// All of these are missing.
    All(Vec<Missing>),
    /// So many more of these are missing.
    Some(usize, Vec<Missing>),
}

impl Fact {
    /// Whether it is the case.
    pub fn holds(&self, facts: &Facts) -> bool {
        match self {
            Self::Xp(amount) => facts.xp >= *amount,
            Self::Level(level) => facts.level >= *level,
            Self::Skill(slug, points) => facts.skills.get(slug).copied().unwrap_or(0) >= *points,
            Self::Achievement(id) => facts.achievements.contains(id),
            Self::After(at) => facts.now >= *at,
            Self::Before(at) => facts.now < *at,
        }
    }
}

impl Condition {
    /// Whether it asks for what comes to members without learning: XP, levels, skills, achievements.
    pub fn asks_earned(&self) -> bool {
        match self {
            Self::All(of) | Self::Any(of) | Self::AtLeast(_, of) => of.iter().any(Self::asks_earned),
            Self::Not(one) => one.asks_earned(),
            Self::Done(_) => false,
            Self::Is(fact) => !matches!(fact, Fact::After(_) | Fact::Before(_)),
        }
    }

    /// Always.
    pub const ALWAYS: Self = Self::All(Vec::new());

    /// Whether it holds, given what is completed and which facts are the case.
    pub fn holds(&self, done: &dyn Fn(Goal) -> bool, fact: &dyn Fn(&Fact) -> bool) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(done, fact)),
            Self::Any(any) => any.iter().any(|one| one.holds(done, fact)),
            Self::AtLeast(n, of) => of.iter().filter(|one| one.holds(done, fact)).count() >= *n,
            Self::Not(one) => !one.holds(done, fact),
            Self::Done(goal) => done(*goal),
            Self::Is(is) => fact(is),
        }
    }

    /// What a learner lacks for it; nothing if it holds.
    pub fn missing(&self, facts: &Facts) -> Option<Missing> {
        match self {
            Self::All(all) => {
                let mut lacks: Vec<Missing> = all.iter().filter_map(|one| one.missing(facts)).collect();
                match lacks.len() {
                    0 => None,
                    1 => lacks.pop(),
                    _ => Some(Missing::All(lacks)),
                }
            }
            Self::Any(any) => some_missing(1, any, facts),
            Self::AtLeast(n, of) => some_missing(*n, of, facts),
            Self::Not(one) => match &**one {
                Self::Is(fact) => fact.holds(facts).then(|| Missing::Unless(fact.clone())),
                // not (a and b) is (not a or not b), and the other way round.
                Self::All(all) => some_missing(1, &negated(all), facts),
                Self::Any(any) => Self::All(negated(any)).missing(facts),
                Self::Not(twice) => twice.missing(facts),
                Self::AtLeast(n, of) => some_missing((of.len() + 1).saturating_sub(*n), &negated(of), facts),
                Self::Done(goal) => facts.done.contains(goal).then_some(Missing::Goal(*goal)),
            },
            Self::Done(goal) => (!facts.done.contains(goal)).then_some(Missing::Goal(*goal)),
            Self::Is(fact) => (!fact.holds(facts)).then(|| Missing::Fact(fact.clone())),
        }
    }

    /// Everything completed that it asks about.
    pub fn goals(&self, into: &mut BTreeSet<Goal>) {
        match self {
            Self::All(of) | Self::Any(of) | Self::AtLeast(_, of) => of.iter().for_each(|one| one.goals(into)),
            Self::Not(one) => one.goals(into),
            Self::Done(goal) => {
                into.insert(*goal);
            }
            Self::Is(_) => {}
        }
    }

    /// Whether anything but completions decides it.
    pub fn needs_facts(&self) -> bool {
        match self {
            Self::All(of) | Self::Any(of) | Self::AtLeast(_, of) => of.iter().any(Self::needs_facts),
            Self::Not(one) => one.needs_facts(),
            Self::Done(_) => false,
            Self::Is(_) => true,
        }
    }
}

fn negated(of: &[Condition]) -> Vec<Condition> {
    of.iter().map(|one| Condition::Not(Box::new(one.clone()))).collect()
}

fn some_missing(n: usize, of: &[Condition], facts: &Facts) -> Option<Missing> {
    let lacks: Vec<Missing> = of.iter().filter_map(|one| one.missing(facts)).collect();
    let held = of.len() - lacks.len();
    if held >= n {
        return None;
    }
    Some(match (n - held, lacks.len()) {
        (wanted, there) if wanted == there && there == 1 => {
            lacks.into_iter().next().unwrap_or(Missing::Some(1, Vec::new()))
        }
        (wanted, there) if wanted == there => Missing::All(lacks),
        (wanted, _) => Missing::Some(wanted, lacks),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Conditions over a few quests and facts.
    pub(in crate::rules::unlock) fn conditions(quests: usize) -> impl Strategy<Value = Condition> {
        let leaf = prop_oneof![
            4 => (0..quests).prop_map(|n| Condition::Done(Goal::Quest(n))),
            1 => (0i64..4).prop_map(|n| Condition::Is(Fact::Xp(n))),
            1 => (0i32..4).prop_map(|n| Condition::Not(Box::new(Condition::Is(Fact::Level(n))))),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
                (1usize..4, prop::collection::vec(inner, 1..4))
                    .prop_map(|(n, of)| Condition::AtLeast(n.min(of.len()), of)),
            ]
        })
    }

    proptest! {
        #[test]
        fn something_is_missing_exactly_if_it_does_not_hold(
            condition in conditions(5), done in prop::collection::btree_set(0usize..5, 0..5), xp in 0i64..4, level in 0i32..4,
        ) {
            let done: BTreeSet<Goal> = done.into_iter().map(Goal::Quest).collect();
            let facts = Facts { done, xp, level, ..Facts::default() };
            let holds = condition.holds(&|goal| facts.done.contains(&goal), &|fact| fact.holds(&facts));
            prop_assert_eq!(condition.missing(&facts).is_none(), holds);
        }

        #[test]
        fn what_opened_stays_open_as_more_is_completed(
            condition in conditions(5), done in prop::collection::btree_set(0usize..5, 0..5), more in 0usize..5,
        ) {
            let holds = |done: &BTreeSet<usize>| {
                condition.holds(&|goal| matches!(goal, Goal::Quest(n) if done.contains(&n)), &|_| true)
            };
            let before = holds(&done);
            let mut after = done;
            after.insert(more);
            prop_assert!(!before || holds(&after));
        }
    }

    #[test]
    fn of_alternatives_all_are_told() {
        let done = |n| Condition::Done(Goal::Quest(n));
        let condition = Condition::All(vec![done(0), Condition::AtLeast(2, vec![done(1), done(2), done(3)])]);
        let facts = Facts { done: BTreeSet::from([Goal::Quest(1)]), ..Facts::default() };
        let goal = |n| Missing::Goal(Goal::Quest(n));
        let expected = Missing::All(vec![goal(0), Missing::Some(1, vec![goal(2), goal(3)])]);
        assert_eq!(condition.missing(&facts), Some(expected));
    }
}
