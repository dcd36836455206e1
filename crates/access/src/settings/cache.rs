//! Settings as a process reads them.
//!
//! A group of a guild is read once and kept until somebody changes it. Changes are heard of over a connection that
//! listens to what the database's trigger tells ([`Settings::listen`]). While there is no such connection, what is kept
//! counts for [`MAX_UNHEARD`] and is then read again; it counts at most [`MAX_AGE`] in any case. So a change counts
//! within a second everywhere. While the database does not answer, what was read last goes on to count.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, GuildId};
use serde_json::{Map, Value};
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Mutex, watch};

use super::group::{self, Group};
use super::store::{self, Row};

/// For how long a value counts that was read while nobody listened for changes.
pub const MAX_UNHEARD: TimeDelta = TimeDelta::milliseconds(900);
/// For how long a value counts at most.
pub(super) const MAX_AGE: TimeDelta = TimeDelta::seconds(60);
/// How many groups of guilds are kept; about 200 bytes each.
pub const MAX_CACHED: usize = 20_000;
/// How many groups may be read at once.
const LANES: u64 = 4;

type Key = (i64, &'static str);

/// The settings of one process. Cheap to clone; clones are the same.
#[derive(Debug, Clone)]
pub struct Settings(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) pool: PgPool,
    clock: Clock,
    known: RwLock<HashMap<Key, Entry>>,
    /// Grows with every change heard of, so that what was read before it is not kept after it.
    heard: watch::Sender<u64>,
    listening: AtomicBool,
    lanes: [Mutex<()>; 4],
}

/// A group, whichever it is.
type Kept = Arc<dyn Any + Send + Sync>;
/// What makes a group of what is stored.
type Effective = fn(&[Row]) -> Kept;

#[derive(Debug, Clone)]
struct Entry {
    value: Kept,
    read_at: DateTime<Utc>,
}

impl Settings {
    /// Nothing read yet; ages by `clock`.
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            pool,
            clock,
            known: RwLock::default(),
            heard: watch::Sender::new(0),
            listening: AtomicBool::new(false),
            lanes: Default::default(),
        }))
    }

    /// The group as it counts for a guild, or for the installation. An error only when it was never read before and the
    /// database does not answer.
    pub async fn get<G: Group>(&self, guild: Option<GuildId>) -> sqlx::Result<Arc<G>> {
        let guild = if G::INSTALLATION_ONLY { 0 } else { guild.map_or(0, GuildId::get) };
        let value = match self.fresh(guild, G::CATEGORY) {
            Some(value) => value,
            None => self.ask(guild, G::CATEGORY, |rows| Arc::new(effective::<G>(rows))).await?,
        };
        Ok(value.downcast().expect("a category has one group"))
    }

    fn kept(&self, guild: i64, category: &'static str) -> Option<Entry> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&(guild, category)).cloned()
    }

    fn fresh(&self, guild: i64, category: &'static str) -> Option<Kept> {
        // In this order: when listening begins, what was kept is forgotten.
        let most = if self.is_listening() { MAX_AGE } else { MAX_UNHEARD };
        let Entry { value, read_at } = self.kept(guild, category)?;
        // A clock set back makes ages negative: then nothing is known.
        (TimeDelta::zero()..most).contains(&(self.0.clock.now() - read_at)).then_some(value)
    }

    /// Reads a group that is not kept, or no longer fresh.
    #[kernel::boxed]
    async fn ask(&self, guild: i64, category: &'static str, effective: Effective) -> sqlx::Result<Kept> {
        let lane = usize::try_from(guild.unsigned_abs() % LANES).unwrap_or(0);
        let _turn = self.0.lanes[lane].lock().await;
        if let Some(value) = self.fresh(guild, category) {
            return Ok(value);
        }
        match self.read(guild, category, effective).await {
            Ok(value) => Ok(value),
            Err(error) => match self.kept(guild, category) {
                Some(Entry { value, .. }) => {
                    tracing::warn!(%error, category, "settings could not be read again; they stay as they were");
                    Ok(value)
                }
                None => Err(error),
            },
        }
    }

    async fn read(&self, guild: i64, category: &'static str, effective: Effective) -> sqlx::Result<Kept> {
        let heard = *self.0.heard.borrow();
        let read_at = self.0.clock.now();
        let mut conn = db::acquire(&self.0.pool).await?;
        let value = effective(&store::rows(&mut conn, guild, Some(category)).await?);
        drop(conn);
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        // What we read may be from before a change that we heard of meanwhile: good for this caller, who asked before.
        if *self.0.heard.borrow() == heard {
            if known.len() >= MAX_CACHED {
                known.clear();
            }
            known.insert((guild, category), Entry { value: Arc::clone(&value), read_at });
        }
        Ok(value)
    }

    /// Forgets what a change concerns: `<guild>:<category>.<field>`, as the trigger tells it.
    pub(super) fn changed(&self, payload: &str) {
        let told = payload.split_once(':').and_then(|(guild, key)| {
            Some((guild.parse::<i64>().ok()?, key.split_once('.').map_or(key, |(category, _)| category)))
        });
        let Some((guild, category)) = told else { return self.forget(self.is_listening()) };
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        // The installation's value counts in every guild that has none of its own.
        known.retain(|(of, group), _| !(*group == category && (guild == 0 || *of == guild)));
        self.0.heard.send_modify(|count| *count += 1);
    }

    /// Forgets everything, as nobody knows what was missed, and says whether changes are heard of from now on.
    pub(super) fn forget(&self, listening: bool) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.clear();
        self.0.listening.store(listening, Ordering::Release);
        self.0.heard.send_modify(|count| *count += 1);
    }

    /// Grows with every change heard of, and when listening begins or ends.
    pub fn heard(&self) -> watch::Receiver<u64> {
        self.0.heard.subscribe()
    }

    /// Whether changes are heard of; else they are looked for every second.
    pub fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Acquire)
    }
}

/// The group as it counts for a guild now (0: the installation), uncached.
pub(super) async fn read<G: Group>(conn: &mut PgConnection, guild: i64) -> sqlx::Result<G> {
    let rows = store::rows(conn, guild, Some(G::CATEGORY)).await?;
    Ok(effective(&rows))
}

/// Defaults, overruled by the rows in their order. A stored value that its group does not take (any more) is passed over:
/// a program must come up with whatever an older or newer one has stored.
fn effective<G: Group>(rows: &[Row]) -> G {
    let mut layers = vec![group::defaults::<G>()];
    for guild_rows in rows.chunk_by(|a, b| a.guild_id == b.guild_id) {
        let mut values = layers.last().cloned().unwrap_or_default();
        overrule::<G>(&mut values, guild_rows);
        layers.push(values);
    }
    for values in layers.into_iter().rev() {
        match group::typed::<G>(values) {
            Ok(group) => return group,
            Err(errors) => {
                tracing::warn!(
                    category = G::CATEGORY,
                    ?errors,
                    "stored settings do not go together and are passed over"
                );
            }
        }
    }
    G::default()
}

fn overrule<G: Group>(values: &mut Map<String, Value>, rows: &[Row]) {
    for row in rows {
        let Some(field) = G::FIELDS.iter().find(|field| field.name == row.name()) else { continue };
        match field.check(&row.value_json) {
            Ok(()) => drop(values.insert(field.name.to_owned(), row.value_json.clone())),
            Err(problem) => {
                tracing::warn!(
                    guild = row.guild_id,
                    key = row.key,
                    problem,
                    "a stored setting is passed over"
                );
            }
        }
    }
}
