//! Which code runs which kind of timer.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::{Due, Kind, Lease, Timer};
use crate::table::TimerError;

/// A handler that runs in the timer's transaction: any `async fn(&mut PgConnection, Due<P>) -> Result<(), TimerError>`.
pub trait Handler<'c, P>: Send + Sync {
    /// What it returns.
    type Future: Future<Output = Result<(), TimerError>> + Send + 'c;

    /// Calls it.
    fn call(&self, connection: &'c mut PgConnection, due: Due<P>) -> Self::Future;
}

impl<'c, F, R, P> Handler<'c, P> for F
where
    F: Fn(&'c mut PgConnection, Due<P>) -> R + Send + Sync,
    R: Future<Output = Result<(), TimerError>> + Send + 'c,
{
    type Future = R;

    fn call(&self, connection: &'c mut PgConnection, due: Due<P>) -> R {
        self(connection, due)
    }
}

pub(super) type Transactional = Box<
    dyn for<'c> Fn(&'c mut PgConnection, &'c Timer) -> BoxFuture<'c, Result<(), TimerError>> + Send + Sync,
>;

type LeasedFn = Arc<dyn Fn(&Timer, Lease) -> BoxFuture<'static, Result<(), TimerError>> + Send + Sync>;

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

    /// Timers of `kind` are run by an `async fn(&mut PgConnection, Due<P>)`, in the transaction that claims and completes them: exactly
    /// once. It must be short and have no effect outside the database.
    #[must_use]
    pub fn on<P, H>(mut self, kind: Kind<P>, handler: H) -> Self
    where
        P: DeserializeOwned + 'static,
        H: for<'c> Handler<'c, P> + 'static,
    {
        let run: Transactional = Box::new(move |connection, timer| match Due::read(timer) {
            Ok(due) => Box::pin(handler.call(connection, due)),
            Err(error) => Box::pin(ready(Err(error))),
        });
        self.transactional.insert(kind.name(), run);
        self
    }

    /// Timers of `kind` are run outside any transaction, under a lease: for what is long or has effects outside the
    /// database. At least once.
    #[must_use]
    pub fn leased<P, H, R>(mut self, kind: Kind<P>, settings: LeaseSettings, handler: H) -> Self
    where
        P: DeserializeOwned + 'static,
        H: Fn(Due<P>, Lease) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), TimerError>> + Send + 'static,
    {
        let handler: LeasedFn = Arc::new(move |timer, lease| match Due::read(timer) {
            Ok(due) => Box::pin(handler(due, lease)),
            Err(error) => Box::pin(ready(Err(error))),
        });
        self.leased.insert(kind.name(), Leased { settings, handler });
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
