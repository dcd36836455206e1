//! Keys and sessions seen lately, so that a request's authentication costs a hash and a look into a map, and no query.
//!
//! What is known of a key is true as of the moment at which the database was asked. For [`FRESH`] it is used as it is;
//! until [`STALE`] it is still used, while one query in the background asks anew about all of them used since; after that
//! nobody is let in before the database has answered. So a revoked key, an ended session and a role taken away stop counting within [`STALE`] on every node, without
//! any node hearing of it, and a node whose database is away refuses (docs/adr/0006). The cost is one indexed query per
//! [`FRESH`] and node (two, where both keys and sessions are used) however many are busy, and none on an idle node.
//!
//! Those that are not there are remembered for [`UNKNOWN`], at most [`MAX_UNKNOWN`] of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, Problem};
use sqlx::PgPool;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use super::store::{self, Live};
use super::token::{self, Hash};
use crate::actor::{Actor, Bearer};
use crate::error::unavailable_or_internal;
use crate::sessions::{self, SessionPolicy};
use crate::settings::Settings;

/// For how long the database's answer is used without asking again.
pub const FRESH: TimeDelta = TimeDelta::milliseconds(400);
/// For how long it is used at all.
pub const STALE: TimeDelta = TimeDelta::milliseconds(900);
/// For how long an unknown key is remembered as such.
pub const UNKNOWN: TimeDelta = TimeDelta::seconds(5);
/// How many unknown keys are remembered: a flood of made-up keys must not fill the memory.
pub const MAX_UNKNOWN: usize = 10_000;
/// How often [`KeyCache::run`] writes down which keys were used.
pub const FLUSH_EVERY: std::time::Duration = std::time::Duration::from_secs(10);
/// After how long without use a key is forgotten.
const FORGET: TimeDelta = TimeDelta::seconds(60);
/// How many questions about keys not in the cache may be on their way to the database at once: a flood of made-up keys
/// must not take the connections that known keys need.
const LANES: usize = 8;

/// The cache of one process. Cheap to clone; clones are the same cache.
#[derive(Debug, Clone)]
pub struct KeyCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    settings: Settings,
    /// Whether sessions of local administrators count.
    development: bool,
    clock: Clock,
    /// By the hash of the whole secret, whose prefix keeps keys and sessions apart.
    known: RwLock<HashMap<Hash, Arc<Entry>>>,
    unknown: RwLock<HashMap<Hash, DateTime<Utc>>>,
    refreshing: AtomicBool,
    refreshed: Notify,
    /// One question per key at a time, and [`LANES`] in all.
    lanes: [Mutex<()>; LANES],
}

#[derive(Debug)]
struct Entry {
    actor: Actor,
    /// When the database was asked; its answer may be as old as that.
    asked_at: DateTime<Utc>,
    /// Used since `asked_at`: worth asking about again.
    wanted: AtomicBool,
    /// Used since the last flush.
    used: AtomicBool,
}

impl Entry {
    fn new(actor: Actor, asked_at: DateTime<Utc>, used: bool) -> Arc<Self> {
        Arc::new(Self { actor, asked_at, wanted: AtomicBool::new(false), used: AtomicBool::new(used) })
    }
}

/// What sort of secret somebody bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    Session,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Key => token::PREFIX,
            Self::Session => token::SESSION_PREFIX,
        }
    }

    fn of(actor: &Actor) -> Self {
        match actor.bearer {
            Bearer::Key { .. } => Self::Key,
            Bearer::Session(_) => Self::Session,
        }
    }
}

enum Found {
    Good(Arc<Entry>),
    Unknown,
    Ask,
}

impl KeyCache {
    /// An empty cache that ages by `clock`; `development` says whether sessions of local administrators count.
    pub fn new(pool: PgPool, clock: Clock, settings: Settings, development: bool) -> Self {
        Self(Arc::new(Inner {
            pool,
            settings,
            development,
            clock,
            known: RwLock::default(),
            unknown: RwLock::default(),
            refreshing: AtomicBool::new(false),
            refreshed: Notify::new(),
            lanes: Default::default(),
        }))
    }

    /// Who bears this key; `None` when it is unknown, expired or revoked.
    pub async fn authenticate(&self, key: &str) -> Result<Option<Actor>, Problem> {
        self.bearer(Kind::Key, key).await
    }

    /// Who holds the session with this token; `None` when it is unknown, expired or ended.
    pub(crate) async fn session(&self, token: &str) -> Result<Option<Actor>, Problem> {
        self.bearer(Kind::Session, token).await
    }

    /// Whether this key or token was good when it was last asked about, less than a second ago.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        matches!(self.find(&token::hash(secret)), Found::Good(_))
    }

    /// Forgets who bears a secret, so that its end counts here at once.
    pub(crate) fn forget(&self, secret: &str) {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).remove(&token::hash(secret));
    }

    /// Who bears this key or token still. That it is asked is no use of it.
    pub(super) async fn still(&self, secret: &str) -> Result<Option<Actor>, Problem> {
        let kind = if token::is_well_formed(token::PREFIX, secret) { Kind::Key } else { Kind::Session };
        Ok(self.entry(kind, secret).await?.map(|entry| entry.actor.clone()))
    }

    async fn bearer(&self, kind: Kind, secret: &str) -> Result<Option<Actor>, Problem> {
        let Some(entry) = self.entry(kind, secret).await? else { return Ok(None) };
        mark(&entry.used);
        Ok(Some(entry.actor.clone()))
    }

    async fn entry(&self, kind: Kind, secret: &str) -> Result<Option<Arc<Entry>>, Problem> {
        if !token::is_well_formed(kind.prefix(), secret) {
            return Ok(None);
        }
        let hash = token::hash(secret);
        let entry = match self.find(&hash) {
            Found::Good(entry) => entry,
            Found::Unknown => return Ok(None),
            Found::Ask => match self.ask(kind, &hash).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(None),
                Err(error) => return Err(unavailable_or_internal(error)),
            },
        };
        mark(&entry.wanted);
        Ok(Some(entry))
    }

    fn find(&self, hash: &Hash) -> Found {
        let now = self.0.clock.now();
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned();
        if let Some(entry) = known {
            let age = now - entry.asked_at;
            // A clock set back makes ages negative: then nothing is known.
            if (TimeDelta::zero()..FRESH).contains(&age) {
                return Found::Good(entry);
            }
            if (FRESH..STALE).contains(&age) {
                mark(&entry.wanted);
                self.refresh_in_background();
                return Found::Good(entry);
            }
            return Found::Ask;
        }
        let unknown = self.0.unknown.read().unwrap_or_else(PoisonError::into_inner);
        match unknown.get(hash) {
            Some(at) if (TimeDelta::zero()..UNKNOWN).contains(&(now - *at)) => Found::Unknown,
            _ => Found::Ask,
        }
    }

    /// Asks the database about one key; whoever comes meanwhile with the same key waits for the same answer.
    async fn ask(&self, kind: Kind, hash: &Hash) -> sqlx::Result<Option<Arc<Entry>>> {
        let _turn = self.0.lanes[usize::from(hash[0]) % LANES].lock().await;
        match self.find(hash) {
            Found::Good(entry) => return Ok(Some(entry)),
            Found::Unknown => return Ok(None),
            Found::Ask => {}
        }
        let asked_at = self.0.clock.now();
        let live = self.live(kind, &[token::hex(hash)]).await?.pop();
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = live {
            let entry = Entry::new(live.actor, asked_at, true);
            known.insert(*hash, Arc::clone(&entry));
            return Ok(Some(entry));
        }
        known.remove(hash);
        drop(known);
        self.remember_unknown(*hash, asked_at);
        Ok(None)
    }

    /// Those of these secrets that are good now.
    #[kernel::boxed]
    async fn live(&self, kind: Kind, hashes: &[String]) -> sqlx::Result<Vec<Live>> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        match kind {
            Kind::Key => {
                let mut conn = db::acquire(&self.0.pool).await?;
                store::live_by_hash(&mut conn, hashes).await
            }
            Kind::Session => {
                let policy = self.0.settings.get::<SessionPolicy>(None).await?;
                let mut conn = db::acquire(&self.0.pool).await?;
                let live = sessions::live_by_hash(&mut conn, hashes, &policy, self.0.development).await?;
                Ok(live.into_iter().map(|(hash, actor)| Live { hash, actor }).collect())
            }
        }
    }

    fn remember_unknown(&self, hash: Hash, at: DateTime<Utc>) {
        let mut unknown = self.0.unknown.write().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() >= MAX_UNKNOWN {
            unknown.retain(|_, seen| at - *seen < UNKNOWN);
        }
        if unknown.len() >= MAX_UNKNOWN {
            unknown.clear();
        }
        unknown.insert(hash, at);
    }

    /// One round at a time. It asks about all keys that were used since they were last asked about.
    fn refresh_in_background(&self) {
        if self.0.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let cache = self.clone();
        tokio::spawn(async move {
            let _done = Done(&cache.0);
            if let Err(error) = cache.refresh().await {
                // Nothing is lost: the entries grow stale, and the next request asks, and fails, for itself.
                tracing::warn!(%error, "API keys could not be refreshed");
            }
        });
    }

    async fn refresh(&self) -> sqlx::Result<()> {
        let asked_at = self.0.clock.now();
        let wanted = |kind: Kind| -> Vec<(Hash, String)> {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .filter(|(_, entry)| entry.wanted.load(Ordering::Relaxed) && Kind::of(&entry.actor) == kind)
                .map(|(hash, _)| (*hash, token::hex(hash)))
                .collect()
        };
        for kind in [Kind::Key, Kind::Session] {
            let (hashes, hexes): (Vec<Hash>, Vec<String>) = wanted(kind).into_iter().unzip();
            let live = self.live(kind, &hexes).await?;
            self.renew(asked_at, &hashes, &hexes, live);
        }
        Ok(())
    }

    fn renew(&self, asked_at: DateTime<Utc>, hashes: &[Hash], hexes: &[String], live: Vec<Live>) {
        let mut live: HashMap<String, Live> =
            live.into_iter().map(|live| (live.hash.clone(), live)).collect();
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        for (hash, hex) in hashes.iter().zip(hexes) {
            // Somebody may have asked later than this round did, and knows better.
            let Some(old) = known.get(hash).filter(|old| old.asked_at <= asked_at) else { continue };
            let used = old.used.load(Ordering::Relaxed);
            match live.remove(hex) {
                Some(live) => known.insert(*hash, Entry::new(live.actor, asked_at, used)),
                None => known.remove(hash),
            };
        }
    }

    /// Waits until no background round is under way, for tests.
    pub async fn settled(&self) {
        loop {
            let notified = self.0.refreshed.notified();
            if !self.0.refreshing.load(Ordering::Acquire) {
                return;
            }
            notified.await;
        }
    }

    /// Writes down which keys and sessions were used since the last time, in a statement for each, and forgets those unused for long.
    /// Returns how many rows were written: a key is written once a minute at most.
    pub async fn flush(&self) -> sqlx::Result<u64> {
        let now = self.0.clock.now();
        let used: Vec<Arc<Entry>> = {
            let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
            let used =
                known.values().filter(|entry| entry.used.swap(false, Ordering::Relaxed)).cloned().collect();
            known.retain(|_, entry| now - entry.asked_at < FORGET);
            used
        };
        if used.is_empty() {
            return Ok(0);
        }
        let (mut keys, mut sessions) = (Vec::new(), Vec::new());
        for entry in &used {
            match &entry.actor.bearer {
                Bearer::Key { id, .. } => keys.push(id.get()),
                Bearer::Session(session) => sessions.push(session.id),
            }
        }
        let written = async {
            let mut conn = db::acquire(&self.0.pool).await?;
            let mut written = 0;
            if !keys.is_empty() {
                written += store::touch(&mut conn, &keys).await?;
            }
            if !sessions.is_empty() {
                written += sessions::touch(&mut conn, &sessions).await?;
            }
            Ok(written)
        }
        .await;
        if written.is_err() {
            for entry in used {
                mark(&entry.used);
            }
        }
        written
    }

    /// Flushes every [`FLUSH_EVERY`] until `stop`, and once more then. The server runs it.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let stopping = stop.run_until_cancelled(tokio::time::sleep(FLUSH_EVERY)).await.is_none();
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "the use of API keys could not be written down");
            }
            if stopping {
                return;
            }
        }
    }
}

/// Ends a round however it ends, so that the next may begin.
struct Done<'a>(&'a Inner);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.refreshing.store(false, Ordering::Release);
        self.0.refreshed.notify_waiters();
    }
}

/// Sets a flag that is mostly set already, without taking its cache line from the other cores.
fn mark(flag: &AtomicBool) {
    if !flag.load(Ordering::Relaxed) {
        flag.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(clock: &Clock) -> KeyCache {
        let pool = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nowhere").unwrap();
        let settings = Settings::new(pool.clone(), clock.clone());
        KeyCache::new(pool, clock.clone(), settings, false)
    }

    #[tokio::test]
    async fn a_flood_of_made_up_keys_fills_no_memory() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let cache = cache(&clock);
        for n in 0..MAX_UNKNOWN * 3 {
            let hash = token::hash(&n.to_string());
            cache.remember_unknown(hash, clock.now());
            assert!(matches!(cache.find(&hash), Found::Unknown));
        }
        assert!(cache.0.unknown.read().unwrap().len() <= MAX_UNKNOWN);
    }

    #[tokio::test]
    async fn a_clock_set_back_makes_nothing_younger() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let cache = cache(&clock);
        let hash = token::hash("known");
        let actor = Actor {
            bearer: Bearer::Key { id: kernel::ApiKeyId::new(uuid::Uuid::nil()), name: "".into() },
            guild: None,
            user: None,
            scopes: crate::scope::Scopes::default(),
        };
        cache.0.known.write().unwrap().insert(hash, Entry::new(actor, clock.now(), false));
        assert!(matches!(cache.find(&hash), Found::Good(_)));
        clock.advance(TimeDelta::seconds(-10));
        assert!(matches!(cache.find(&hash), Found::Ask));
    }
}
