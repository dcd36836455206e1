//! Two lists, each the best first, as one: reciprocal rank fusion (Cormack, Clarke and Büttcher 2009). Their scores need not compare.

use std::collections::HashMap;
use std::hash::Hash;

/// What damps the first places, as the paper has it.
const DAMPING: f64 = 60.0;

/// What is in any of the lists, by the sum of 1 / (60 + place); at the same sum in the order of the lists.
pub fn fused<T: Copy + Eq + Hash>(lists: &[&[T]]) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    let mut sums: HashMap<T, f64> = HashMap::new();
    for list in lists {
        let mut place = DAMPING;
        for one in *list {
            place += 1.0;
            sums.entry(*one).and_modify(|sum| *sum += 1.0 / place).or_insert_with(|| {
                all.push(*one);
                1.0 / place
            });
        }
    }
    let sum = |one: &T| sums.get(one).copied().unwrap_or_default();
    all.sort_by(|a, b| sum(b).total_cmp(&sum(a)));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_are_in_it_once_and_better_in_both_is_better(
            one in prop::collection::btree_set(0_u8..20, 0..10), other in prop::collection::btree_set(0_u8..20, 0..10)
        ) {
            let (one, other): (Vec<u8>, Vec<u8>) = (one.into_iter().collect(), other.into_iter().rev().collect());
            let fused = fused(&[&one, &other]);
            let all: BTreeSet<u8> = one.iter().chain(&other).copied().collect();
            prop_assert_eq!(fused.len(), all.len());
            prop_assert_eq!(fused.iter().copied().collect::<BTreeSet<u8>>(), all);
            let place = |list: &[u8], of: u8| list.iter().position(|other| *other == of).unwrap_or(usize::MAX);
            for (n, better) in fused.iter().enumerate() {
                for worse in &fused[n + 1..] {
                    let dominated = place(&one, *worse) < place(&one, *better) && place(&other, *worse) < place(&other, *better);
                    prop_assert!(!dominated);
                }
            }
        }
    }

    #[test]
    fn a_single_list_stays_as_it_is() {
        assert_eq!(fused(&[&[3, 1, 2], &[]]), [3, 1, 2]);
        assert_eq!(fused(&[&[1, 2], &[2, 3]]), [2, 1, 3]);
    }
}
