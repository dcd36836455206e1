//! A database that answers, wherever it is.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row as _};
use tokio::sync::watch;

use crate::{
    Settings, SettingsError,
    errors::is_connection_lost,
    pool::{self, ServerEpoch},
    private::{
        self, Cluster,
        Occupant::{Nobody, Running, Starting},
        Plan, PrivateError, State,
    },
};

/// The oldest PostgreSQL we run on, as `server_version_num` has it.
pub const OLDEST_SERVER: i32 = 150_000;

/// How long [`Database::close`] waits for connections in use.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// How long [`Database::open_or_join`] waits for a server that another process is bringing up.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two looks at it.
const JOIN_POLL: Duration = Duration::from_millis(50);

/// Why there is no database to work with. Each sentence says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Our own PostgreSQL does not run.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The URL is not one.
    #[error("setting url (DATABASE_URL) is not a valid PostgreSQL URL: {0}")]
    Url(sqlx::Error),
    /// Nobody answered at the URL.
    #[error("no PostgreSQL answers at {server}: {source}. Is it running, and is DATABASE_URL right?")]
    Unreachable {
        /// Host and port, or socket; no password.
        server: String,
        /// What the connection attempt said.
        source: sqlx::Error,
    },
    /// Its certificate is of a kind that cannot be read.
    #[error(
        "PostgreSQL at {server} speaks TLS with a certificate of an old kind (X.509 version 1), which Questhall cannot \
         read. Give the server one of version 3; or, on a network that you trust, go without TLS: put `sslmode=disable` at \
         the end of DATABASE_URL (`postgres://…/questhall?sslmode=disable`)"
    )]
    OldCertificate {
        /// Host and port; no password.
        server: String,
        /// What the connection attempt said.
        source: sqlx::Error,
    },
    /// It answered, and refused us.
    #[error("PostgreSQL at {server} refused the connection: {source}")]
    Refused {
        /// Host and port, or socket; no password.
        server: String,
        /// What PostgreSQL said.
        source: sqlx::Error,
    },
    /// A pooler stands before it that gives every transaction another session.
    #[error(
        "PostgreSQL at {server} is reached through a pooler in transaction mode (PgBouncer's pool_mode = transaction). \
         Questhall listens, prepares statements and holds locks for as long as a session lasts: let DATABASE_URL lead to the \
         server itself, or to a pool in session mode"
    )]
    Pooler {
        /// Host and port, or socket; no password.
        server: String,
    },
    /// A pooler stands before it that refuses what we send when a connection begins.
    #[error(
        "the pooler at {server} refuses settings that are sent when a connection begins ({source}). Let PgBouncer have \
         `ignore_startup_parameters = extra_float_digits, options` and a pool in session mode, and set the timeouts with ALTER \
         ROLE; or let DATABASE_URL lead to the server itself"
    )]
    StartupOptions {
        /// Host and port, or socket; no password.
        server: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// It is older than we support.
    #[error("PostgreSQL at {server} is version {found}; Questhall needs 15 or later")]
    TooOld {
        /// Host and port, or socket; no password.
        server: String,
        /// Its version in its own words.
        found: String,
    },
}

/// An open database: the pool, what is needed to make connections outside of it, and the server if it is our own.
#[derive(Debug)]
pub struct Database {
    pool: PgPool,
    options: PgConnectOptions,
    cluster: Option<Cluster>,
}

impl Database {
    /// Opens the database that `settings` describe and makes sure that it answers and is recent enough. Without a
    /// URL this creates and starts a private PostgreSQL, which then lives as long as the returned value.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        settings.validate()?;
        if let Some(url) = &settings.url {
            let base = PgConnectOptions::from_str(url).map_err(OpenError::Url)?;
            return Self::connected(settings, base, None).await;
        }
        let cluster = Cluster::start(Plan::new(settings)).await?;
        let base = cluster.options();
        Self::connected(settings, base, Some(cluster)).await
    }

    /// Like [`Database::open`], but when another Questhall runs the private PostgreSQL already, or is bringing it up,
    /// uses that one instead of refusing; and where there is none, none is made. For command-line tools beside a running
    /// service.
    pub async fn open_or_join(settings: &Settings) -> Result<Self, OpenError> {
        if settings.url.is_some() {
            return Self::open(settings).await;
        }
        settings.validate()?;
        let begun = Instant::now();
        loop {
            let tried = match private::occupant(&settings.data_dir) {
                Running(base) => Self::connected(settings, *base, None).await,
                Nobody if !private::exists(&settings.data_dir) => {
                    Err(PrivateError::Missing { dir: settings.data_dir.clone() }.into())
                }
                // Refused as in use for as long as somebody is bringing it up.
                Nobody | Starting => Self::open(settings).await,
            };
            match tried {
                // It came up or went down between our look and our knock.
                Err(OpenError::Private(PrivateError::InUse { .. }) | OpenError::Unreachable { .. })
                    if begun.elapsed() < JOIN_PATIENCE =>
                {
                    tokio::time::sleep(JOIN_POLL).await;
                }
                other => return other,
            }
        }
    }

    async fn connected(
        settings: &Settings,
        base: PgConnectOptions,
        cluster: Option<Cluster>,
    ) -> Result<Self, OpenError> {
        let options = pool::connect_options(settings, base);
        check_server(&options).await?;
        let epoch = cluster.as_ref().map_or_else(ServerEpoch::default, Cluster::epoch);
        let pool = pool::build(settings, options.clone(), epoch);
        Ok(Self { pool, options, cluster })
    }

    /// The pool that requests and workers share.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How to reach the database past the pool: [`crate::migrate::Schema::run`], `PgListener`.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A pool beside the common one, of so many connections, whose commits do not wait for the disk: a crash may take the latest of them,
    /// whole. For what is made anew if it is missing.
    pub fn relaxed_pool(&self, connections: u32) -> PgPool {
        let options = self.options.clone().options([("synchronous_commit", "off")]);
        PgPoolOptions::new().max_connections(connections).connect_lazy_with(options)
    }

    /// A connection of its own, for what must not pass through a pool: LISTEN, session locks.
    pub async fn connect(&self) -> sqlx::Result<PgConnection> {
        self.options.connect().await
    }

    /// The states of the private PostgreSQL; None when the server is not ours.
    pub fn private_state(&self) -> Option<watch::Receiver<State>> {
        self.cluster.as_ref().map(Cluster::state)
    }

    /// The private PostgreSQL; None when the server is not ours.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Closes the pool, waiting a while for connections still in use, then stops the server if it is ours.
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_PATIENCE, self.pool.close()).await.is_err() {
            tracing::warn!("some database connections were still in use and are cut off");
        }
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// Connects once, and refuses a server that is too old.
async fn check_server(options: &PgConnectOptions) -> Result<(), OpenError> {
    let server = server_name(options);
    let mut connection = match options.connect().await {
        Ok(connection) => connection,
        // PgBouncer tells it as a broken protocol, which else means that the connection is lost.
        Err(source) if source.to_string().contains("unsupported startup parameter") => {
            return Err(OpenError::StartupOptions { server, source });
        }
        Err(source) if has_old_certificate(&source) => {
            return Err(OpenError::OldCertificate { server, source });
        }
        Err(source) if is_connection_lost(&source) => return Err(OpenError::Unreachable { server, source }),
        Err(source) => return Err(OpenError::Refused { server, source }),
    };
    match shares_sessions(options, &mut connection).await {
        Ok(false) => {}
        Ok(true) => return Err(OpenError::Pooler { server }),
        Err(source) => return Err(OpenError::Refused { server, source }),
    }
    let version = sqlx::query_as(
        "SELECT current_setting('server_version_num')::integer, current_setting('server_version')",
    )
    .fetch_one(&mut connection)
    .await;
    let (number, found): (i32, String) = match version {
        Ok(version) => version,
        Err(source) => return Err(OpenError::Refused { server, source }),
    };
    // The check is made; how the connection ends does not matter.
    let _ = connection.close().await;
    if number < OLDEST_SERVER {
        return Err(OpenError::TooOld { server, found });
    }
    Ok(())
}

/// Whether what we take for a session is one only while a transaction lasts: then it changes between two statements, or is
/// another connection's too. Statements without names, since the others fail there.
async fn shares_sessions(options: &PgConnectOptions, connection: &mut PgConnection) -> sqlx::Result<bool> {
    async fn session(connection: &mut PgConnection) -> sqlx::Result<i32> {
        sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
    }
    let mut other = options.connect().await?;
    let (mine, others) = (session(connection).await?, session(&mut other).await?);
    let shares =
        mine == others || mine != session(connection).await? || others != session(&mut other).await?;
    // How it ends does not matter.
    let _ = other.close().await;
    Ok(shares)
}

/// rustls tells it as another library's error, which is known by its text alone.
fn has_old_certificate(error: &sqlx::Error) -> bool {
    format!("{error:?}").contains("UnsupportedCertVersion")
}

/// Where the server is, without user or password: fit for messages.
fn server_name(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}
