//! Fairness: every tenant with work gets its turn, however much another has queued.

use std::collections::{HashMap, VecDeque};

/// Waiting work by tenant, taken round robin.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    waiting: HashMap<i64, VecDeque<T>>,
    /// Tenants with work, next one first. Each stands here once.
    turns: VecDeque<i64>,
    length: usize,
    limit: usize,
}

impl<T> FairQueue<T> {
    /// `limit`: how many may wait per tenant.
    pub(crate) fn new(limit: usize) -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new(), length: 0, limit }
    }

    /// Queues behind the tenant's other work. `alive` says which waiting work still matters; what does not is
    /// dropped when it would stand in the way.
    ///
    /// # Errors
    /// Gives the work back when the tenant's queue is full.
    pub(crate) fn push(&mut self, tenant: i64, work: T, alive: impl Fn(&T) -> bool) -> Result<(), T> {
        if self.limit == 0 {
            return Err(work);
        }
        let has_turn = self.waiting.contains_key(&tenant);
        let queue = self.waiting.entry(tenant).or_default();
        if queue.len() >= self.limit {
            let before = queue.len();
            queue.retain(alive);
            self.length -= before - queue.len();
            if queue.len() >= self.limit {
                return Err(work);
            }
        }
        queue.push_back(work);
        self.length += 1;
        if !has_turn {
            self.turns.push_back(tenant);
        }
        Ok(())
    }

    /// Takes the first work of the tenant whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        while let Some(tenant) = self.turns.pop_front() {
            let Some(queue) = self.waiting.get_mut(&tenant) else { continue };
            let work = queue.pop_front();
            if queue.is_empty() {
                self.waiting.remove(&tenant);
            } else {
                self.turns.push_back(tenant);
            }
            if let Some(work) = work {
                self.length -= 1;
                return Some(work);
            }
        }
        None
    }

    /// Empties the queue.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    /// How much is waiting, of all tenants.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tenants_take_turns() {
        let mut queue = FairQueue::new(100);
        for n in 0..4 {
            queue.push(1, (1, n), |_| true).unwrap();
        }
        queue.push(2, (2, 0), |_| true).unwrap();
        queue.push(3, (3, 0), |_| true).unwrap();
        queue.push(3, (3, 1), |_| true).unwrap();
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [(1, 0), (2, 0), (3, 0), (1, 1), (3, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn a_full_queue_first_forgets_what_nobody_waits_for() {
        let mut queue = FairQueue::new(2);
        queue.push(1, "dead", |_| true).unwrap();
        queue.push(1, "alive", |_| true).unwrap();
        assert_eq!(queue.push(1, "more", |_| true), Err("more"));
        queue.push(1, "more", |work| *work != "dead").unwrap();
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.drain(), ["alive", "more"]);
        assert_eq!(queue.len(), 0);
    }

    proptest! {
        /// Nothing is lost, each tenant's work keeps its order, and nobody is served twice while another waits.
        #[test]
        fn round_robin(work in proptest::collection::vec(0_i64..5, 0..60)) {
            let mut queue = FairQueue::new(usize::MAX);
            for (n, tenant) in work.iter().enumerate() {
                queue.push(*tenant, (*tenant, n), |_| true).unwrap();
            }
            prop_assert_eq!(queue.len(), work.len());
            let order: Vec<(i64, usize)> = queue.drain();
            let mut sorted = order.clone();
            sorted.sort_by_key(|(_, n)| *n);
            prop_assert_eq!(sorted.iter().map(|(t, _)| *t).collect::<Vec<_>>(), work);
            for tenant in 0..5 {
                prop_assert!(order.iter().filter(|(t, _)| *t == tenant).is_sorted_by_key(|(_, n)| n));
            }
            for (at, (tenant, _)) in order.iter().enumerate() {
                let at_once = order.get(at + 1).is_some_and(|(next, _)| next == tenant);
                let others_wait = order[at + 1..].iter().any(|(other, _)| other != tenant);
                prop_assert!(!at_once || !others_wait, "tenant {} was served twice at {}", tenant, at);
            }
        }
    }
}
