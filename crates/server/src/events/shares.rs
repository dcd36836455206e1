//! How many streams a key (or somebody who is signed in), and a guild, hold in this process: nobody takes all places from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::GuildId;

use crate::settings;

/// Who holds streams.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Share {
    /// As [`access::Actor::sender`] has it.
    Key(String),
    Guild(GuildId),
}

/// How many each holds, and may hold.
#[derive(Debug)]
pub(super) struct Shares {
    held: Mutex<HashMap<Share, usize>>,
    per_key: usize,
    per_guild: usize,
}

impl Shares {
    pub(super) fn new(settings: &settings::Streams) -> Self {
        Self {
            held: Mutex::default(),
            per_key: settings.max_streams_per_key,
            per_guild: settings.max_streams_per_guild,
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Share, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most(&self, share: &Share) -> usize {
        match share {
            Share::Key(_) => self.per_key,
            Share::Guild(_) => self.per_guild,
        }
    }
}

/// A stream's share of its key's and its guild's; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    shares: Arc<Shares>,
    of: [Share; 2],
}

impl Held {
    /// One more of each; `None` when one of them has all it may.
    pub(super) fn take(shares: &Arc<Shares>, of: [Share; 2]) -> Option<Self> {
        let mut held = shares.held();
        if of.iter().any(|share| held.get(share).is_some_and(|count| *count >= shares.most(share))) {
            return None;
        }
        for share in &of {
            *held.entry(share.clone()).or_default() += 1;
        }
        drop(held);
        Some(Self { shares: Arc::clone(shares), of })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        for share in &self.of {
            if let Some(count) = held.get_mut(share) {
                *count -= 1;
                if *count == 0 {
                    held.remove(share);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_their_share_and_it_is_given_back() {
        let settings = settings::Streams {
            max_streams_per_key: 2,
            max_streams_per_guild: 3,
            ..settings::Streams::default()
        };
        let shares = Arc::new(Shares::new(&settings));
        let take = |key: u128, guild: i64| {
            Held::take(&shares, [Share::Key(format!("key:{key}")), Share::Guild(GuildId::new(guild))])
        };
        let (first, _second) = (take(1, 1).unwrap(), take(1, 2).unwrap());
        assert!(take(1, 3).is_none(), "the key has two");
        let (_third, _fourth) = (take(2, 1).unwrap(), take(3, 1).unwrap());
        assert!(take(4, 1).is_none(), "the guild has three");
        drop(first);
        let again = take(1, 1);
        assert!(again.is_some());
        drop(again);
        assert_eq!(shares.held().len(), 5);
    }
}
