//! How many requests somebody may send: a generic cell rate algorithm (GCRA) over an allowance that all nodes share.
//!
//! Writing the shared row for every request would cost more than authenticating it, so a node takes requests from it by
//! the handful ([`Limiter`]): as many as the sender used up of the last handful, doubled, at most a tenth of the burst.
//! What a node holds and does not use within [`HELD_FOR`] is forfeited. So the sum over all nodes never exceeds the
//! allowance by more than a handful a node, and a sender is refused too early by no more than that (docs/adr/0009).
//!
//! Who is refused is refused from memory until they may try again, at most a second: a flood costs no queries. When the
//! database does not answer, nobody is refused here; there is nothing to protect.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use kernel::problem::FieldError;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::types::PgInterval;

use crate::settings::{Field, Group};

/// For how long a node keeps a handful of requests.
pub const HELD_FOR: TimeDelta = TimeDelta::seconds(10);
/// The most that a node takes at once.
const MAX_HANDFUL: i32 = 200;
/// How many senders a node remembers.
const MAX_SENDERS: usize = 50_000;
/// For how long at most somebody is refused from memory.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(1);
/// How many questions may be on their way to the database at once; one a sender.
const LANES: usize = 8;

/// Settings of rate limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Requests a minute of an API key; `None`: any number.
    pub key_per_minute: Option<i64>,
    /// How many of these may come at once.
    pub key_burst: i64,
    /// Requests a minute of somebody who is signed in, in all their sessions.
    pub person_per_minute: Option<i64>,
    /// How many of these may come at once.
    pub person_burst: i64,
    /// Requests a minute from an address without a good key or session.
    pub address_per_minute: Option<i64>,
    /// How many of these may come at once.
    pub address_burst: i64,
    /// Attempts a minute to sign in with a password, from an address and for a name.
    pub sign_in_per_minute: Option<i64>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            key_per_minute: Some(60_000),
            key_burst: 5_000,
            person_per_minute: Some(1_200),
            person_burst: 300,
            address_per_minute: Some(300),
            address_burst: 100,
            sign_in_per_minute: Some(10),
        }
    }
}

impl Group for RateLimits {
    const CATEGORY: &'static str = "rate_limits";
    const ABOUT: &'static str = "How many requests may be sent. More are answered 429, with Retry-After.";
    const INSTALLATION_ONLY: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::integer("key_per_minute", 1, 10_000_000, "Requests a minute of an API key; null: any number.")
            .or_null(),
        Field::integer("key_burst", 1, 1_000_000, "How many of these may come at once."),
        Field::integer(
            "person_per_minute",
            1,
            10_000_000,
            "Requests a minute of somebody who is signed in, in all their sessions; null: any number.",
        )
        .or_null(),
        Field::integer("person_burst", 1, 1_000_000, "How many of these may come at once."),
        Field::integer(
            "address_per_minute",
            1,
            10_000_000,
            "Requests a minute from an address (of IPv6, a /64) that bring no good key or session; null: any number.",
        )
        .or_null(),
        Field::integer("address_burst", 1, 1_000_000, "How many of these may come at once."),
        Field::integer(
            "sign_in_per_minute",
            1,
            10_000,
            "Attempts a minute to sign in with a password, from one address and for one name; null: any number.",
        )
        .or_null(),
    ];

    fn validate(&self) -> Result<(), Vec<FieldError>> {
        // A burst that takes days to come back is a limit nobody understands.
        let bursts = [
            ("key_burst", self.key_per_minute, self.key_burst),
            ("person_burst", self.person_per_minute, self.person_burst),
            ("address_burst", self.address_per_minute, self.address_burst),
        ];
        let wrong: Vec<_> = bursts
            .into_iter()
            .filter(|(_, rate, burst)| rate.is_some_and(|rate| *burst > rate * 60))
            .map(|(field, ..)| FieldError {
                field: field.to_owned(),
                message: "must not exceed what is allowed in an hour".to_owned(),
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// An allowance: so many a minute, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Which limit it is, as the headers name it.
    pub name: &'static str,
    /// Requests a minute.
    pub per_minute: i64,
    /// Requests at once.
    pub burst: i64,
}

impl Allowance {
    /// The time after which one more request may be sent, in microseconds.
    fn emission_micros(&self) -> i64 {
        (60_000_000 / self.per_minute.max(1)).max(1)
    }

    /// In how many seconds the burst comes back, rounded up.
    pub fn window_seconds(&self) -> i64 {
        (self.emission_micros() * self.burst).div_euclid(1_000_000).max(0)
            + i64::from((self.emission_micros() * self.burst).rem_euclid(1_000_000) > 0)
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may go on; else when to try again.
    pub refused: Option<Duration>,
    /// About how many more may come now.
    pub remaining: i64,
    /// After how many seconds without requests the allowance is full again.
    pub full_after: i64,
}

/// One process's share of everybody's allowances. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    clock: Clock,
    hasher: RandomState,
    held: [Mutex<HashMap<Key, Held>>; LANES],
    lanes: [tokio::sync::Mutex<()>; LANES],
}

type Key = (String, &'static str);

/// What a node holds for a sender.
#[derive(Debug, Clone, Copy)]
struct Held {
    left: i32,
    taken: i32,
    taken_at: DateTime<Utc>,
    refused_until: DateTime<Utc>,
    /// As the shared row was then.
    remaining: i64,
    full_at: DateTime<Utc>,
}

struct Taken {
    granted: i32,
    remaining: i32,
    retry_after: TimeDelta,
    full_after: TimeDelta,
}

impl Limiter {
    /// Nothing held yet; ages by `clock`.
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            pool,
            clock,
            hasher: RandomState::new(),
            held: Default::default(),
            lanes: Default::default(),
        }))
    }

    /// Takes one request of `subject` from an allowance.
    pub async fn take(&self, subject: &str, allowance: Allowance) -> Verdict {
        let key = (subject.to_owned(), allowance.name);
        let lane = self.lane(&key);
        if let Some(verdict) = self.take_held(lane, &key) {
            return verdict;
        }
        let _turn = self.0.lanes[lane].lock().await;
        // Somebody before us may have brought a handful.
        if let Some(verdict) = self.take_held(lane, &key) {
            return verdict;
        }
        let wanted = self.wanted(lane, &key, allowance);
        match self.take_shared(&key, allowance, wanted).await {
            Ok(taken) => self.hold(lane, key, &taken),
            Err(error) => {
                tracing::warn!(%error, "rate limits cannot be asked; nobody is refused");
                Verdict { refused: None, remaining: allowance.burst, full_after: 0 }
            }
        }
    }

    /// Whether `subject` is refused at this moment as far as this node remembers: takes nothing and asks nobody.
    pub fn refused(&self, subject: &str, allowance: Allowance) -> Option<Verdict> {
        let key = (subject.to_owned(), allowance.name);
        let now = self.0.clock.now();
        let held = self.0.held[self.lane(&key)].lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get(&key)?;
        let remembered = (TimeDelta::zero()..HELD_FOR).contains(&(now - held.taken_at));
        (remembered && held.left == 0 && now < held.refused_until)
            .then(|| held.verdict(now, Some(held.refused_until - now)))
    }

    fn lane(&self, key: &Key) -> usize {
        usize::try_from(self.0.hasher.hash_one(key) % LANES as u64).unwrap_or(0)
    }

    fn take_held(&self, lane: usize, key: &Key) -> Option<Verdict> {
        let now = self.0.clock.now();
        let mut held = self.0.held[lane].lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get_mut(key)?;
        let age = now - held.taken_at;
        // A clock set back makes ages negative: then nothing is held.
        if !(TimeDelta::zero()..HELD_FOR).contains(&age) {
            return None;
        }
        if held.left > 0 {
            held.left -= 1;
            return Some(held.verdict(now, None));
        }
        (now < held.refused_until).then(|| held.verdict(now, Some(held.refused_until - now)))
    }

    /// Twice of what was used of the last handful, so that a busy sender soon asks seldom, and a quiet one forfeits little.
    fn wanted(&self, lane: usize, key: &Key, allowance: Allowance) -> i32 {
        let held = self.0.held[lane].lock().unwrap_or_else(PoisonError::into_inner);
        let most = i32::try_from(allowance.burst / 10).unwrap_or(MAX_HANDFUL).clamp(1, MAX_HANDFUL);
        let used = held.get(key).map_or(0, |held| held.taken - held.left);
        (used * 2).clamp(1, most)
    }

    async fn take_shared(&self, key: &Key, allowance: Allowance, wanted: i32) -> sqlx::Result<Taken> {
        let emission = PgInterval { months: 0, days: 0, microseconds: allowance.emission_micros() };
        let row = sqlx::query!(
            r#"
            SELECT granted AS "granted!", remaining AS "remaining!",
                   (extract(epoch FROM retry_after) * 1000000)::bigint AS "retry_after!",
                   (extract(epoch FROM full_after) * 1000000)::bigint AS "full_after!"
            FROM access.rate_limit_take($1, $2, $3, $4, $5)
            "#,
            key.0,
            key.1,
            emission,
            i32::try_from(allowance.burst).unwrap_or(i32::MAX),
            wanted,
        )
        .fetch_one(&mut *db::acquire(&self.0.pool).await?)
        .await?;
        Ok(Taken {
            granted: row.granted,
            remaining: row.remaining,
            retry_after: TimeDelta::microseconds(row.retry_after),
            full_after: TimeDelta::microseconds(row.full_after),
        })
    }

    fn hold(&self, lane: usize, key: Key, taken: &Taken) -> Verdict {
        let now = self.0.clock.now();
        let held = Held {
            left: (taken.granted - 1).max(0),
            taken: taken.granted,
            taken_at: now,
            refused_until: if taken.granted > 0 { now } else { now + taken.retry_after.min(REFUSED_FOR) },
            remaining: i64::from(taken.remaining),
            full_at: now + taken.full_after,
        };
        let mut all = self.0.held[lane].lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_SENDERS / LANES {
            all.retain(|_, held| now - held.taken_at < HELD_FOR);
        }
        if all.len() >= MAX_SENDERS / LANES {
            all.clear();
        }
        all.insert(key, held);
        held.verdict(now, (taken.granted == 0).then_some(taken.retry_after))
    }
}

impl Held {
    fn verdict(&self, now: DateTime<Utc>, refused: Option<TimeDelta>) -> Verdict {
        Verdict {
            refused: refused.map(|wait| wait.to_std().unwrap_or_default()),
            remaining: self.remaining + i64::from(self.left),
            full_after: (self.full_at - now).num_seconds().max(0) + 1,
        }
    }
}

/// Removes allowances that are full again, at most `batch` of them.
pub async fn rate_limits_clean(conn: &mut sqlx::PgConnection, batch: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM access.rate_limits r USING (
            SELECT subject, bucket FROM access.rate_limits WHERE tat < now() LIMIT $1 FOR UPDATE SKIP LOCKED
        ) old
        WHERE r.subject = old.subject AND r.bucket = old.bucket
        "#,
        batch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_the_time_in_which_a_burst_comes_back() {
        let of = |per_minute, burst| Allowance { name: "x", per_minute, burst }.window_seconds();
        assert_eq!(of(60_000, 5_000), 5);
        assert_eq!(of(300, 100), 20);
        assert_eq!(of(1, 1), 60);
        assert_eq!(of(7, 1), 9);
    }

    #[test]
    fn a_burst_must_come_back_within_an_hour() {
        assert!(RateLimits::default().validate().is_ok());
        let slow = RateLimits { address_per_minute: Some(1), address_burst: 61, ..RateLimits::default() };
        assert_eq!(slow.validate().unwrap_err()[0].field, "address_burst");
    }
}
