//! Chance that can be told again: shuffles, draws and parameters come from an HMAC of the guild's secret over attempt and
//! try. Who knows an attempt's ids cannot tell its shuffle without the secret, and everybody is given their own.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A stream of numbers that depends on a secret and a name, and on nothing else.
pub struct Chance {
    secret: Vec<u8>,
    name: String,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret is nobody's business.
        write!(f, "Chance({})", self.name)
    }
}

impl Chance {
    /// The stream of this name.
    pub fn new(secret: &[u8], name: impl Into<String>) -> Self {
        Self { secret: secret.to_vec(), name: name.into(), counter: 0, block: [0; 32], used: 32 }
    }

    fn next(&mut self) -> u64 {
        if self.used + 8 > self.block.len() {
            let text = format!("{}\n{}", self.name, self.counter);
            self.block = digest(&self.secret, text.as_bytes());
            self.counter += 1;
            self.used = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_be_bytes(bytes)
    }

    /// A number below `bound`, each as likely as the others; 0 below 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        // What is beyond the last whole multiple is thrown again, so that no number is favoured.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.next();
            if number < limit {
                return number % bound;
            }
        }
    }

    /// Brings a list into an order, each as likely as the others (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1);
            list.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

/// A short opaque name of something within the stream's name: 16 hexadecimal digits.
pub fn opaque(secret: &[u8], name: &str) -> String {
    use std::fmt::Write as _;
    digest(secret, name.as_bytes())[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digest(secret: &[u8], message: &[u8]) -> [u8; 32] {
    // Keys of any length are fine for an HMAC; the fallback is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_name_gives_the_same_order_and_another_another() {
        let order = |secret: &[u8], name: &str| {
            let mut list: Vec<u32> = (0..50).collect();
            Chance::new(secret, name).shuffle(&mut list);
            list
        };
        assert_eq!(order(b"s", "a"), order(b"s", "a"));
        assert_ne!(order(b"s", "a"), order(b"s", "b"));
        assert_ne!(order(b"s", "a"), order(b"t", "a"));
        assert_ne!(opaque(b"s", "a"), opaque(b"t", "a"));
    }

    #[test]
    fn every_order_comes_up_about_equally_often() {
        let mut counts = std::collections::BTreeMap::<[u8; 3], u32>::new();
        for n in 0..6_000 {
            let mut list = [0, 1, 2];
            Chance::new(b"secret", n.to_string()).shuffle(&mut list);
            *counts.entry(list).or_default() += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn numbers_keep_below_their_bound(bound in 1u64..1_000_000, name in "[a-z]{1,5}") {
            let mut chance = Chance::new(b"secret", name);
            for _ in 0..10 {
                prop_assert!(chance.below(bound) < bound);
            }
        }

        #[test]
        fn a_shuffle_loses_nothing(mut list in prop::collection::vec(0u8..255, 0..40)) {
            let mut sorted = list.clone();
            Chance::new(b"secret", "x").shuffle(&mut list);
            list.sort_unstable();
            sorted.sort_unstable();
            prop_assert_eq!(list, sorted);
        }
    }
}
