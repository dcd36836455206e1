//! Discord's buckets, as far as this node has seen them: how many requests are left on a route, and until when none is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::limits::Seen;
use super::request::Route;

/// Lanes held before those that are free are let go.
const MAX_LANES: usize = 10_000;

/// Requests that share a limit: one at a time.
#[derive(Debug, Default)]
pub(super) struct Lane {
    closed_until: Option<Instant>,
}

impl Lane {
    /// When the next may leave; `None` for now.
    pub(super) fn free_at(&self) -> Option<Instant> {
        self.closed_until
    }

    /// Takes down what an answer said is left.
    pub(super) fn learn(&mut self, seen: &Seen, now: Instant) {
        self.closed_until = match (seen.remaining, seen.reset_after) {
            (Some(0), Some(pause)) => Some(now + pause),
            _ => None,
        };
    }

    pub(super) fn close_until(&mut self, until: Instant) {
        self.closed_until = Some(until);
    }
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Discord's name for the limit of a route: several routes may share one.
    buckets: HashMap<String, String>,
    lanes: HashMap<String, Arc<tokio::sync::Mutex<Lane>>>,
}

impl Lanes {
    /// The lane of a route. A route whose limit turns out to be another's moves over with its next request.
    pub(super) fn lane(&self, route: &Route) -> Arc<tokio::sync::Mutex<Lane>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = known.buckets.get(&route.name).unwrap_or(&route.name);
        let key = format!("{shared} {}", route.major);
        if known.lanes.len() >= MAX_LANES {
            let now = Instant::now();
            known.lanes.retain(|_, lane| {
                let free = |lane: &Lane| lane.closed_until.is_none_or(|until| until <= now);
                Arc::strong_count(lane) > 1 || lane.try_lock().is_ok_and(|lane| !free(&lane))
            });
        }
        Arc::clone(known.lanes.entry(key).or_default())
    }

    /// Takes down which limit a route has.
    pub(super) fn learn(&self, route: &Route, bucket: Option<&str>) {
        let Some(bucket) = bucket else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.buckets.get(&route.name).is_none_or(|before| before != bucket) {
            known.buckets.insert(route.name.clone(), bucket.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn route(name: &str, major: &str) -> Route {
        Route { name: name.to_owned(), major: major.to_owned() }
    }

    #[test]
    fn routes_that_share_a_limit_share_a_lane_and_others_do_not() {
        let lanes = Lanes::default();
        let (post, patch) =
            (route("POST /channels/:id/messages", "1"), route("PATCH /channels/:id/messages/:id", "1"));
        assert!(!Arc::ptr_eq(&lanes.lane(&post), &lanes.lane(&patch)));
        lanes.learn(&post, Some("abc"));
        lanes.learn(&patch, Some("abc"));
        assert!(Arc::ptr_eq(&lanes.lane(&post), &lanes.lane(&patch)));
        assert!(!Arc::ptr_eq(&lanes.lane(&post), &lanes.lane(&route(&post.name, "2"))), "another channel");
    }

    #[test]
    fn lanes_that_are_free_are_let_go() {
        let lanes = Lanes::default();
        let held = lanes.lane(&route("held", ""));
        let closed = lanes.lane(&route("closed", ""));
        closed.try_lock().unwrap().close_until(Instant::now() + Duration::from_mins(1));
        drop(closed);
        for n in 0..MAX_LANES {
            lanes.lane(&route("webhook", &n.to_string()));
        }
        let known = lanes.0.lock().unwrap();
        assert!(known.lanes.len() <= 4, "{}", known.lanes.len());
        assert!(known.lanes.contains_key("held ") && known.lanes.contains_key("closed "));
        drop(held);
    }
}
