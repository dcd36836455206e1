//! What builds on what: cycles and order, as pure decisions.

use std::collections::{BTreeMap, BTreeSet};

/// What each builds on.
pub type Graph<K> = BTreeMap<K, Vec<K>>;

/// A cycle through `start`, from it back to it, if there is one: each builds on the next.
pub fn cycle_through<K: Ord + Copy>(graph: &Graph<K>, start: K) -> Option<Vec<K>> {
    // Depth first, without recursion: how deep a guild's skills go is not ours to limit by a stack.
    let mut way = vec![start];
    let mut ahead = vec![graph.get(&start).cloned().unwrap_or_default()];
    let mut seen = BTreeSet::new();
    while let Some(next) = ahead.last_mut() {
        match next.pop() {
            Some(key) if key == start => {
                way.push(start);
                return Some(way);
            }
            Some(key) if seen.insert(key) => {
                way.push(key);
                ahead.push(graph.get(&key).cloned().unwrap_or_default());
            }
            Some(_) => {}
            None => {
                ahead.pop();
                way.pop();
            }
        }
    }
    None
}

/// How many lie below each on the longest way; of a graph without cycles. What is not a key of the graph counts for nothing.
pub fn depths<K: Ord + Copy>(graph: &Graph<K>) -> BTreeMap<K, usize> {
    let mut depths: BTreeMap<K, usize> = graph.keys().map(|key| (*key, 0)).collect();
    // Each round settles at least those one deeper; as many rounds as there are keys are enough.
    for _ in 0..graph.len() {
        let mut moved = false;
        for (key, below) in graph {
            let depth =
                below.iter().filter_map(|one| depths.get(one)).map(|depth| depth + 1).max().unwrap_or(0);
            if depths.insert(*key, depth) != Some(depth) {
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_named_in_its_order() {
        let graph = Graph::from([(1, vec![2, 4]), (2, vec![3]), (3, vec![1]), (4, vec![])]);
        assert_eq!(cycle_through(&graph, 1), Some(vec![1, 2, 3, 1]));
        assert_eq!(cycle_through(&graph, 4), None);
        assert_eq!(cycle_through(&Graph::from([(1, vec![1])]), 1), Some(vec![1, 1]));
    }

    proptest! {
        #[test]
        fn what_only_builds_on_lower_ones_has_no_cycle_and_rises(
            edges in prop::collection::vec((0u8..30, 0u8..30), 0..120),
        ) {
            let mut graph: Graph<u8> = (0..30).map(|key| (key, Vec::new())).collect();
            for (one, other) in edges {
                if one != other {
                    graph.entry(one.max(other)).or_default().push(one.min(other));
                }
            }
            let depths = depths(&graph);
            for (key, below) in &graph {
                prop_assert_eq!(cycle_through(&graph, *key), None);
                prop_assert!(below.iter().all(|one| depths[one] < depths[key]));
            }
        }

        #[test]
        fn a_cycle_found_is_one(edges in prop::collection::vec((0u8..8, 0u8..8), 0..40), start in 0u8..8) {
            let mut graph: Graph<u8> = Graph::new();
            for (one, other) in edges {
                graph.entry(one).or_default().push(other);
            }
            if let Some(cycle) = cycle_through(&graph, start) {
                prop_assert_eq!((cycle.first(), cycle.last()), (Some(&start), Some(&start)));
                for step in cycle.windows(2) {
                    prop_assert!(graph[&step[0]].contains(&step[1]));
                }
            }
        }
    }
}
