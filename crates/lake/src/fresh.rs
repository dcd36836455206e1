//! What a guild configured, kept for a moment: hot paths ask for it with every batch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;

/// How old an answer may be: a change is in force on every node within a second.
const FRESH: Duration = Duration::from_millis(400);
/// Guilds kept at most; beyond, those that are no longer fresh go.
const GUILDS: usize = 10_000;

/// A value per guild, read anew when it is older than [`FRESH`].
#[derive(Debug)]
pub(crate) struct Fresh<T> {
    kept: Mutex<HashMap<GuildId, (Instant, Arc<T>)>>,
}

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(HashMap::new()) }
    }
}

impl<T> Fresh<T> {
    /// The guild's value: the one kept, else what `read` reads.
    pub(crate) async fn get<'c, F>(
        &self,
        conn: &'c mut PgConnection,
        guild: GuildId,
        read: impl FnOnce(&'c mut PgConnection, GuildId) -> F,
    ) -> Result<Arc<T>, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        // Taken before it is read: a change during the reading is found by the next.
        let now = Instant::now();
        if let Some((read_at, value)) = self.lock().get(&guild)
            && now.duration_since(*read_at) < FRESH
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(read(conn, guild).await?);
        let mut kept = self.lock();
        if kept.len() >= GUILDS {
            kept.retain(|_, (read_at, _)| now.duration_since(*read_at) < FRESH);
        }
        kept.insert(guild, (now, Arc::clone(&value)));
        Ok(value)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GuildId, (Instant, Arc<T>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
