//! Which code runs which kind of timer.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::PgConnection;

use super::{Lease, Timer};
use crate::table::TimerError;

/// A handler that runs in the timer's transaction: any `async fn(&mut PgConnection, &Timer) -> Result<(), TimerError>`.
pub trait Handler<'c>: Send + Sync {
    /// What it returns.
    type Future: Future<Output = Result<(), TimerError>> + Send + 'c;

    /// Calls it.
    fn call(&self, connection: &'c mut PgConnection, timer: &'c Timer) -> Self::Future;
}

impl<'c, F, R> Handler<'c> for F
where
    F: Fn(&'c mut PgConnection, &'c Timer) -> R + Send + Sync,
    R: Future<Output = Result<(), TimerError>> + Send + 'c,
{
    type Future = R;

    fn call(&self, connection: &'c mut PgConnection, timer: &'c Timer) -> R {
        self(connection, timer)
    }
}

pub(super) type Transactional = Box<
    dyn for<'c> Fn(&'c mut PgConnection, &'c Timer) -> BoxFuture<'c, Result<(), TimerError>> + Send + Sync,
>;

type LeasedFn = Arc<dyn Fn(Timer, Lease) -> BoxFuture<'static, Result<(), TimerError>> + Send + Sync>;

/// How timers of a leased kind are run.
#[derive(Debug, Clone, Copy)]
pub struct LeaseSettings {
    /// How many at once in this process.
    pub concurrency: u32,
    /// How long a lease lasts unless it is renewed, which happens three times as often: so soon others take over from a node
    /// that died.
    pub lease: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { concurrency: 2, lease: Duration::from_secs(10) }
    }
}

#[derive(Clone)]
pub(super) struct Leased {
    pub(super) settings: LeaseSettings,
    pub(super) handler: LeasedFn,
}

/// The handlers of a process, by kind of timer. A kind registered twice keeps the later handler.
#[derive(Default)]
pub struct Handlers {
    pub(super) transactional: BTreeMap<&'static str, Transactional>,
    pub(super) leased: BTreeMap<&'static str, Leased>,
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handlers")
            .field("transactional", &self.transactional.keys())
            .field("leased", &self.leased.keys())
            .finish()
    }
}

impl Handlers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Timers of `kind` are run by an `async fn(&mut PgConnection, &Timer)`, in the transaction that claims and completes
    /// them: exactly once. It must be short and have no effect outside the database.
    #[must_use]
    pub fn on<H>(self, kind: &'static str, handler: H) -> Self
    where
        H: for<'c> Handler<'c> + 'static,
    {
        self.on_boxed(kind, move |connection, timer| Box::pin(handler.call(connection, timer)))
    }

    /// The same for a closure that captures something and so must box its future:
    /// `|connection, timer| Box::pin(async move { … })`.
    #[must_use]
    pub fn on_boxed<H>(mut self, kind: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c mut PgConnection, &'c Timer) -> BoxFuture<'c, Result<(), TimerError>>
            + Send
            + Sync
            + 'static,
    {
        self.transactional.insert(kind, Box::new(handler));
        self
    }

    /// Timers of `kind` are run outside any transaction, under a lease: for what is long or has effects outside the
    /// database. At least once.
    #[must_use]
    pub fn leased<H, R>(mut self, kind: &'static str, settings: LeaseSettings, handler: H) -> Self
    where
        H: Fn(Timer, Lease) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), TimerError>> + Send + 'static,
    {
        let handler: LeasedFn = Arc::new(move |timer, lease| Box::pin(handler(timer, lease)));
        self.leased.insert(kind, Leased { settings, handler });
        self
    }

    /// The kinds of timers that they run.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.transactional.keys().chain(self.leased.keys()).copied()
    }

    /// Those of another slice as well.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.transactional.extend(other.transactional);
        self.leased.extend(other.leased);
        self
    }
}
