//! What a kind of timer is: its name, the type of its payload, and what makes two of it one.

use kernel::{GuildId, TimerId};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;

use super::{At, Timer, store};
use crate::table::TimerError;

/// A kind of timer, declared beside the type of its payload.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use jobs::timers::Kind;
/// /// A channel whose next turn comes.
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Turn {
///     channel_id: i64,
/// }
///
/// const TURN: Kind<Turn> = Kind::once("community.announcements_release", |turn| turn.channel_id.to_string());
/// ```
pub struct Kind<P> {
    name: &'static str,
    key: Option<fn(&P) -> String>,
}

impl<P> Clone for Kind<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Kind<P> {}

impl<P> std::fmt::Debug for Kind<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).field("once", &self.key.is_some()).finish()
    }
}

impl<P> Kind<P> {
    /// Timers of which any number may wait. The name says whose they are, such as `progress.levels`: lower case, digits, dots,
    /// underscores, at most 64 characters.
    pub const fn often(name: &'static str) -> Self {
        Self { name, key: None }
    }

    /// Timers of which one waits for a guild and what `key` makes of the payload: a second is not scheduled, and the first keeps its
    /// time. One that already runs does not count.
    pub const fn once(name: &'static str, key: fn(&P) -> String) -> Self {
        Self { name, key: Some(key) }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<P: Serialize> Kind<P> {
    /// Schedules one in the caller's transaction, for a guild or for the installation; `None` when it waits already. Engines on all
    /// nodes are woken by the commit if it is due soon.
    pub async fn schedule(
        &self,
        connection: &mut PgConnection,
        guild: Option<GuildId>,
        at: At,
        payload: &P,
    ) -> Result<Option<TimerId>, sqlx::Error> {
        Ok(store::insert(connection, &[self.planned(guild, at, payload)?]).await?.pop())
    }

    /// Schedules many in one statement; returns how many did not wait already.
    pub async fn schedule_all<'p>(
        &self,
        connection: &mut PgConnection,
        timers: impl IntoIterator<Item = (Option<GuildId>, At, &'p P)>,
    ) -> Result<usize, sqlx::Error>
    where
        P: 'p,
    {
        let planned = timers.into_iter().map(|(guild, at, payload)| self.planned(guild, at, payload));
        let planned = planned.collect::<Result<Vec<_>, _>>()?;
        if planned.is_empty() {
            return Ok(0);
        }
        Ok(store::insert(connection, &planned).await?.len())
    }

    fn planned(&self, guild: Option<GuildId>, at: At, payload: &P) -> Result<store::Planned, sqlx::Error> {
        let key = self.key.map(|key| key(payload));
        Ok(store::Planned {
            kind: self.name,
            guild_id: guild,
            // The guild leads it, as it leads every key.
            dedupe_key: key.map(|key| guild.map_or(key.clone(), |guild| format!("{guild}:{key}"))),
            at,
            payload: serde_json::to_value(payload).map_err(|error| sqlx::Error::Encode(Box::new(error)))?,
        })
    }
}

/// A timer that is due, as its handler gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Due<P> {
    /// Its id: a good idempotency key for effects outside.
    pub id: TimerId,
    /// The guild it concerns.
    pub guild_id: Option<GuildId>,
    /// What the handler needs. It re-reads all state and trusts nothing here.
    pub payload: P,
}

impl<P> Due<P> {
    /// Its guild; a timer of a kind that concerns guilds fails for good without.
    pub fn guild(&self) -> Result<GuildId, TimerError> {
        self.guild_id.ok_or_else(|| TimerError::Fail("it names no guild".to_owned()))
    }
}

impl<P: DeserializeOwned> Due<P> {
    /// Reads the payload; what is not of this kind fails for good.
    pub(super) fn read(timer: &Timer) -> Result<Self, TimerError> {
        let payload = P::deserialize(&timer.payload)
            .map_err(|error| TimerError::Fail(format!("its payload is not ours: {error}")))?;
        Ok(Self { id: timer.id, guild_id: timer.guild_id, payload })
    }
}
