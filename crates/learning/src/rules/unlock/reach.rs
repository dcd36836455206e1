//! What can be reached at all: the least fixpoint over a guild's quests, and for what stays outside the smallest set that
//! blocks it, and the cycle it hangs on.

use std::collections::{BTreeMap, BTreeSet};

use super::{Condition, Goal};

/// How many alternatives are kept while the smallest blocking set is looked for; beyond it the answer may be larger than the
/// smallest, never wrong.
const MAX_ALTERNATIVES: usize = 200;

/// What can be reached in a guild, and what cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Quests that somebody can come to open.
    pub quests: BTreeSet<usize>,
    /// Those that nobody ever can, by quest.
    pub faults: BTreeMap<usize, Fault>,
}

/// Why a quest cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The smallest set of things that cannot be completed and would have to be.
    pub blocked_by: Vec<Goal>,
    /// Quests that wait for each other, the first one again last; empty where it hangs on something that is not published.
    pub cycle: Vec<usize>,
}

/// Works out what can be reached. `conditions` open quests; `chapters` and `paths` list the quests that complete each. XP,
/// levels, skills, achievements and dates count as attainable.
pub fn reach(conditions: &[Condition], chapters: &[Vec<usize>], paths: &[Vec<usize>]) -> Reach {
    let mut reached: BTreeSet<usize> = BTreeSet::new();
    // Who asks about what, so that each is looked at again only when something of it changed.
    let mut askers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (quest, condition) in conditions.iter().enumerate() {
        let mut goals = BTreeSet::new();
        condition.goals(&mut goals);
        for goal in goals {
            for &member in members(goal, chapters, paths) {
                askers.entry(member).or_default().insert(quest);
            }
            if let Goal::Quest(asked) = goal {
                askers.entry(asked).or_default().insert(quest);
            }
        }
    }
    let mut waiting: Vec<usize> = (0..conditions.len()).collect();
    while let Some(quest) = waiting.pop() {
        if reached.contains(&quest) || !opens(&conditions[quest], &reached, chapters, paths) {
            continue;
        }
        reached.insert(quest);
        waiting.extend(askers.get(&quest).into_iter().flatten().filter(|asker| !reached.contains(asker)));
    }
    let blocked: BTreeMap<usize, Vec<Goal>> = (0..conditions.len())
        .filter(|quest| !reached.contains(quest))
        .map(|quest| {
            (quest, smallest(&conditions[quest], &|goal| attainable(goal, &reached, chapters, paths)))
        })
        .collect();
    let faults = blocked
        .iter()
        .map(|(quest, by)| {
            let cycle = cycle_from(*quest, &blocked, chapters, paths);
            (*quest, Fault { blocked_by: by.clone(), cycle })
        })
        .collect();
    Reach { quests: reached, faults }
}

fn members<'a>(goal: Goal, chapters: &'a [Vec<usize>], paths: &'a [Vec<usize>]) -> &'a [usize] {
    match goal {
        Goal::Chapter(n) => chapters.get(n).map_or(&[], Vec::as_slice),
        Goal::Path(n) => paths.get(n).map_or(&[], Vec::as_slice),
        Goal::Quest(_) | Goal::Absent(_) => &[],
    }
}

fn attainable(goal: Goal, reached: &BTreeSet<usize>, chapters: &[Vec<usize>], paths: &[Vec<usize>]) -> bool {
    match goal {
        Goal::Quest(quest) => reached.contains(&quest),
        Goal::Absent(_) => false,
        Goal::Chapter(_) | Goal::Path(_) => {
            let of = members(goal, chapters, paths);
            !of.is_empty() && of.iter().all(|quest| reached.contains(quest))
        }
    }
}

fn opens(
    condition: &Condition,
    reached: &BTreeSet<usize>,
    chapters: &[Vec<usize>],
    paths: &[Vec<usize>],
) -> bool {
    possible(condition, &|goal| attainable(goal, reached, chapters, paths))
}

/// Whether it can come to hold: every fact may come about, and its opposite too.
fn possible(condition: &Condition, done: &dyn Fn(Goal) -> bool) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|one| possible(one, done)),
        Condition::Any(any) => any.iter().any(|one| possible(one, done)),
        Condition::AtLeast(n, of) => of.iter().filter(|one| possible(one, done)).count() >= *n,
        Condition::Done(goal) => done(*goal),
        Condition::Not(_) | Condition::Is(_) => true,
    }
}

/// The smallest set of goals, none of them attainable, that would make the condition possible if they were.
fn smallest(condition: &Condition, done: &dyn Fn(Goal) -> bool) -> Vec<Goal> {
    let sets = alternatives(condition, done);
    sets.into_iter()
        .min_by_key(|set| (set.len(), set.iter().copied().collect::<Vec<_>>()))
        .unwrap_or_default()
        .into_iter()
        .collect()
}

/// The minimal sets that would do.
fn alternatives(condition: &Condition, done: &dyn Fn(Goal) -> bool) -> Vec<BTreeSet<Goal>> {
    match condition {
        Condition::Not(_) | Condition::Is(_) => vec![BTreeSet::new()],
        Condition::Done(goal) if done(*goal) => vec![BTreeSet::new()],
        Condition::Done(goal) => vec![BTreeSet::from([*goal])],
        Condition::Any(any) => minimal(any.iter().flat_map(|one| alternatives(one, done)).collect()),
        Condition::All(all) => {
            all.iter().fold(vec![BTreeSet::new()], |sets, one| both(&sets, &alternatives(one, done)))
        }
        Condition::AtLeast(n, of) => {
            // ways[k]: the sets by which k of those looked at hold.
            let mut ways: Vec<Vec<BTreeSet<Goal>>> = vec![Vec::new(); n + 1];
            ways[0].push(BTreeSet::new());
            for one in of {
                let these = alternatives(one, done);
                for k in (1..=*n).rev() {
                    let mut sets = both(&ways[k - 1], &these);
                    sets.append(&mut ways[k]);
                    ways[k] = minimal(sets);
                }
            }
            ways.pop().unwrap_or_default()
        }
    }
}

fn both(some: &[BTreeSet<Goal>], others: &[BTreeSet<Goal>]) -> Vec<BTreeSet<Goal>> {
    minimal(some.iter().flat_map(|one| others.iter().map(move |other| one | other)).collect())
}

/// Without repetitions and without sets that hold another; the smallest ones where they are too many.
fn minimal(mut sets: Vec<BTreeSet<Goal>>) -> Vec<BTreeSet<Goal>> {
    sets.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    sets.dedup();
    let mut kept: Vec<BTreeSet<Goal>> = Vec::new();
    for set in sets {
        if kept.len() >= MAX_ALTERNATIVES {
            break;
        }
        if !kept.iter().any(|smaller| smaller.is_subset(&set)) {
            kept.push(set);
        }
    }
    kept
}

/// Follows what blocks a quest, depth first, until it comes back to where it was.
fn cycle_from(
    quest: usize,
    blocked: &BTreeMap<usize, Vec<Goal>>,
    chapters: &[Vec<usize>],
    paths: &[Vec<usize>],
) -> Vec<usize> {
    let next = |quest: usize| -> Vec<usize> {
        let goals = blocked.get(&quest).map(Vec::as_slice).unwrap_or_default();
        let mut all: Vec<usize> = goals
            .iter()
            .flat_map(|goal| match goal {
                Goal::Quest(one) => vec![*one],
                other => members(*other, chapters, paths).to_vec(),
            })
            .filter(|one| blocked.contains_key(one))
            .collect();
        all.reverse();
        all
    };
    let mut way = vec![quest];
    let mut ahead = vec![next(quest)];
    let mut seen = BTreeSet::from([quest]);
    while let Some(branches) = ahead.last_mut() {
        let Some(one) = branches.pop() else {
            ahead.pop();
            way.pop();
            continue;
        };
        if let Some(start) = way.iter().position(|step| *step == one) {
            let mut cycle = way[start..].to_vec();
            cycle.push(one);
            return cycle;
        }
        if seen.insert(one) {
            way.push(one);
            ahead.push(next(one));
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::condition::tests::conditions;
    use super::*;

    fn done(n: usize) -> Condition {
        Condition::Done(Goal::Quest(n))
    }

    #[test]
    fn a_cycle_is_named_in_its_order_and_alternatives_break_it() {
        // 0 is open, 1 needs 2, 2 needs 3, 3 needs 1; 4 needs 3 or 0; 5 needs 1 and 4.
        let conditions = [
            Condition::ALWAYS,
            done(2),
            Condition::All(vec![done(0), done(3)]),
            done(1),
            Condition::Any(vec![done(3), done(0)]),
            Condition::All(vec![done(1), done(4)]),
        ];
        let found = reach(&conditions, &[], &[]);
        assert_eq!(found.quests, BTreeSet::from([0, 4]));
        assert_eq!(found.faults[&1], Fault { blocked_by: vec![Goal::Quest(2)], cycle: vec![1, 2, 3, 1] });
        assert_eq!(found.faults[&5], Fault { blocked_by: vec![Goal::Quest(1)], cycle: vec![1, 2, 3, 1] });
    }

    #[test]
    fn a_cycle_through_a_chapter_and_a_path_is_found_too() {
        let chapters = [vec![0, 1]];
        let conditions = [Condition::ALWAYS, done(2), Condition::Done(Goal::Chapter(0))];
        let found = reach(&conditions, &chapters, &[vec![0, 1, 2]]);
        assert_eq!(found.quests, BTreeSet::from([0]));
        assert_eq!(found.faults[&2].blocked_by, [Goal::Chapter(0)]);
        assert_eq!(found.faults[&2].cycle, [2, 1, 2]);
    }

    #[test]
    fn what_is_not_published_blocks_by_name_without_a_cycle() {
        let found = reach(&[Condition::All(vec![Condition::Done(Goal::Absent(0))])], &[], &[]);
        assert_eq!(found.faults[&0], Fault { blocked_by: vec![Goal::Absent(0)], cycle: Vec::new() });
    }

    /// By trying all subsets.
    fn smallest_by_force(condition: &Condition, quests: usize, reached: &BTreeSet<usize>) -> usize {
        let outside: Vec<usize> = (0..quests).filter(|quest| !reached.contains(quest)).collect();
        (0u32..1 << outside.len())
            .filter(|bits| {
                possible(condition, &|goal| match goal {
                    Goal::Quest(n) => {
                        reached.contains(&n)
                            || outside.iter().position(|one| *one == n).is_some_and(|at| bits >> at & 1 == 1)
                    }
                    _ => false,
                })
            })
            .map(u32::count_ones)
            .min()
            .unwrap() as usize
    }

    proptest! {
        #[test]
        fn the_reached_are_a_fixpoint_and_the_blocking_sets_the_smallest(
            conditions in prop::collection::vec(conditions(6), 6),
        ) {
            let found = reach(&conditions, &[], &[]);
            for (quest, condition) in conditions.iter().enumerate() {
                let holds = possible(condition, &|goal| matches!(goal, Goal::Quest(n) if found.quests.contains(&n)));
                prop_assert_eq!(found.quests.contains(&quest), holds);
                prop_assert_eq!(found.faults.contains_key(&quest), !holds);
            }
            for (quest, fault) in &found.faults {
                let force = smallest_by_force(&conditions[*quest], 6, &found.quests);
                prop_assert_eq!(fault.blocked_by.len(), force);
                // Nothing here is unpublished: whoever is stuck hangs on a cycle, and each of it waits for the next.
                prop_assert!(fault.cycle.len() >= 2);
                prop_assert_eq!(fault.cycle.first(), fault.cycle.last());
                for pair in fault.cycle.windows(2) {
                    prop_assert!(found.faults[&pair[0]].blocked_by.contains(&Goal::Quest(pair[1])));
                }
            }
        }

        #[test]
        fn what_is_reached_can_be_played_through(conditions in prop::collection::vec(conditions(6), 6)) {
            let found = reach(&conditions, &[], &[]);
            let mut played = BTreeSet::new();
            loop {
                let next = (0..conditions.len()).find(|quest| {
                    !played.contains(quest)
                        && possible(&conditions[*quest], &|goal| matches!(goal, Goal::Quest(n) if played.contains(&n)))
                });
                match next {
                    Some(quest) => played.insert(quest),
                    None => break,
                };
            }
            prop_assert_eq!(played, found.quests);
        }
    }
}
