//! Connections: how they are made, kept, checked and trimmed.
//!
//! A pool keeps what load asks for, up to `pool_size + max_overflow`, and closes what idles. A connection is asked for
//! a sign of life only when it idled for a while, or when the private PostgreSQL restarted since it was made; the
//! latter are thrown away unasked, so that a crash costs the requests in flight and no others.
//!
//! A connection that comes back in the middle of a transaction is closed. sqlx rolls back what is dropped, with a gap: a future
//! that is dropped while its BEGIN is under way leaves a transaction that nobody knows of (launchbadge/sqlx#4393, mended after
//! 0.9.0). Whoever got that connection next would write into it, be told that all is well, and lose it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::Settings;

/// When the server behind a pool last came up, as far as we know. Connections older than that are dead.
#[derive(Debug, Clone, Default)]
pub struct ServerEpoch(Arc<Mutex<Option<Instant>>>);

impl ServerEpoch {
    /// Notes that the server has just restarted.
    pub fn restarted(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn outlived_by(&self, age: Duration) -> bool {
        let restarted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        restarted.is_some_and(|at| age > at.elapsed())
    }
}

/// Connection options with our name, timeouts and logging put in.
pub fn connect_options(settings: &Settings, base: PgConnectOptions) -> PgConnectOptions {
    let mut options =
        base.application_name(&settings.application_name).log_statements(log::LevelFilter::Trace);
    options = if settings.slow_query.is_zero() {
        options.log_slow_statements(log::LevelFilter::Off, Duration::MAX)
    } else {
        options.log_slow_statements(log::LevelFilter::Warn, settings.slow_query)
    };
    if !settings.startup_options {
        return options;
    }
    let limits = [
        ("statement_timeout", settings.statement_timeout),
        ("idle_in_transaction_session_timeout", settings.idle_in_transaction_timeout),
        ("lock_timeout", settings.lock_timeout),
    ];
    // Our statements are short and repeated; compiling them costs more than it saves (docs/adr/0002). Notices, such as that
    // something exists already, tell an operator nothing.
    options.options([("jit", "off"), ("timezone", "UTC"), ("client_min_messages", "warning")]).options(
        limits
            .into_iter()
            .filter(|(_, limit)| !limit.is_zero())
            .map(|(name, limit)| (name, limit.as_millis())),
    )
}

/// A pool over `options`; opens no connection yet.
pub fn build(settings: &Settings, options: PgConnectOptions, epoch: ServerEpoch) -> PgPool {
    let check_after = settings.liveness_check_after;
    PgPoolOptions::new()
        .max_connections(settings.max_connections())
        .acquire_timeout(settings.acquire_timeout)
        .acquire_slow_threshold(settings.acquire_timeout / 2)
        .idle_timeout(settings.overflow_idle)
        .max_lifetime(Duration::from_mins(30))
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut PgConnection, meta| {
            let dead = epoch.outlived_by(meta.age);
            Box::pin(async move {
                if dead {
                    return Ok(false);
                }
                if meta.idle_for >= check_after {
                    // An error here means "dead": the pool then takes the next one, or makes a new one.
                    return Ok(connection.ping().await.is_ok());
                }
                Ok(true)
            })
        })
        .after_release(|connection: &mut PgConnection, _| {
            Box::pin(async move {
                // Outside a transaction a statement's own time is its transaction's; raw, as a prepared one's parts have times of
                // their own. In a failed transaction this is an error, and the connection is closed as well.
                let row =
                    sqlx::raw_sql("SELECT now() <> statement_timestamp()").fetch_one(connection).await?;
                let open: bool = row.try_get(0)?;
                if open {
                    tracing::debug!("a connection came back in a transaction that was cut off; it is closed");
                }
                Ok(!open)
            })
        })
        .connect_lazy_with(options)
}
