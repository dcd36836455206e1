//! Bringing the schema up to what this binary expects.
//!
//! Any number of nodes may call [`Schema::run`] at once: one holds the lock and works, the others wait and then find nothing
//! left to do. A migration and its line in `public._sqlx_migrations` commit together. What was applied must be what is
//! embedded: an altered file, or a database that is ahead of this binary, is refused before anything is touched.
//!
//! The files themselves are another crate's (`migrations`): a [`Schema`] is handed to whoever needs one.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    migrate::{Migrate, Migration, Migrator},
    postgres::PgConnectOptions,
};

/// With its schema: a role called like one of our schemas (`questhall`) finds that one first on its search path.
const TABLE: &str = "public._sqlx_migrations";

/// Key of the advisory lock: "questhal" in ASCII, so that it can be recognised in `pg_locks`.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"questhal");

/// How long a waiting node sleeps between two looks at the lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// What [`Schema::run`] tells its caller while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Another node is migrating; we wait for it. Told once.
    Waiting,
    /// A migration begins.
    Applying {
        /// The number in front of its file name.
        version: i64,
        /// The rest of its file name.
        description: &'a str,
        /// 1 for the first of this run.
        index: usize,
        /// How many this run has to apply.
        total: usize,
    },
    /// It is committed.
    Applied {
        /// The number in front of its file name.
        version: i64,
        /// How long it took.
        took: Duration,
    },
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database knows a migration that this binary does not.
    #[error(
        "the database is at migration {version}, which this version of Questhall does not know: it was migrated by a \
         newer one. Install that version (or a later one) here too"
    )]
    TooNew {
        /// The highest unknown version.
        version: i64,
    },
    /// An applied migration's text is not the one that is embedded.
    #[error(
        "migration {version} ({description}) was altered after it had been applied to this database. Install the \
         version of Questhall that applied it, or restore the database from a backup"
    )]
    Changed {
        /// The altered version.
        version: i64,
        /// Its name.
        description: String,
    },
    /// PostgreSQL refused the migration's SQL; nothing of it remains.
    #[error("migration {version} ({description}) failed and was rolled back: {source}")]
    Failed {
        /// The failing version.
        version: i64,
        /// Its name.
        description: String,
        /// What PostgreSQL said.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// The database could not be asked.
    #[error("the database could not be read while migrating: {0}")]
    Database(#[from] sqlx::Error),
    /// The table of applied migrations could not be read.
    #[error("the table of applied migrations could not be read: {0}")]
    Bookkeeping(#[from] sqlx::migrate::MigrateError),
}

/// A migration that [`Schema::run`] applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The number in front of its file name.
    pub version: i64,
    /// The rest of its file name.
    pub description: String,
    /// How long it took.
    pub took: Duration,
}

/// What one migration's state is in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In this binary, not yet in the database.
    Pending,
    /// In both, and the same.
    Applied(DateTime<Utc>),
    /// In both, but the file was altered afterwards.
    Changed(DateTime<Utc>),
    /// In the database only: a newer Questhall was here.
    Unknown(DateTime<Utc>),
}

/// A line of [`Schema::status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number in front of the file name.
    pub version: i64,
    /// The rest of the file name.
    pub description: String,
    /// Where it stands.
    pub state: State,
}

/// The migrations of a binary, in order.
#[derive(Debug)]
pub struct Schema(Migrator);

impl Schema {
    /// Of the files that `sqlx::migrate!` embedded.
    pub const fn new(migrator: Migrator) -> Self {
        Self(migrator)
    }

    /// Applies what is missing, in order, and returns it. Uses a connection of its own, made from `options`, because it
    /// holds a session lock and must not be cut off by a statement timeout; so `options` must not lead to a pooler in
    /// transaction mode.
    pub async fn run(
        &self,
        options: &PgConnectOptions,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Vec<Applied>, MigrateError> {
        // A migration may take its time, and is too long to be logged.
        let mut connection = options.clone().disable_statement_logging().connect().await?;
        sqlx::raw_sql(
            "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        )
        .execute(&mut connection)
        .await?;
        lock(&mut connection, &mut progress).await?;
        let applied = self.run_locked(&mut connection, &mut progress).await;
        // Closing ends the session and with it the lock, even if this errs.
        let closed = connection.close().await;
        let applied = applied?;
        closed?;
        Ok(applied)
    }

    /// Every migration known to this binary or to the database, in order, with its state. Changes nothing.
    pub async fn status(&self, connection: &mut PgConnection) -> Result<Vec<Entry>, MigrateError> {
        let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(TABLE)
            .fetch_one(&mut *connection)
            .await?;
        if exists {
            return self.read_entries(connection).await;
        }
        Ok(self.embedded().map(|migration| entry(migration, State::Pending)).collect())
    }

    async fn read_entries(&self, connection: &mut PgConnection) -> Result<Vec<Entry>, MigrateError> {
        let rows: Vec<(i64, String, Vec<u8>, DateTime<Utc>)> = sqlx::query_as(
            "SELECT version, description, checksum, installed_on FROM public._sqlx_migrations ORDER BY version",
        )
        .fetch_all(connection)
        .await?;
        let mut entries: BTreeMap<i64, Entry> =
            self.embedded().map(|migration| (migration.version, entry(migration, State::Pending))).collect();
        for (version, description, checksum, at) in rows {
            let state = match self.embedded().find(|migration| migration.version == version) {
                None => State::Unknown(at),
                Some(migration) if *migration.checksum == checksum[..] => State::Applied(at),
                Some(_) => State::Changed(at),
            };
            entries.insert(version, Entry { version, description, state });
        }
        Ok(entries.into_values().collect())
    }

    /// A short name for the embedded schema: 16 hexadecimal digits that change whenever any migration does.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for migration in self.embedded() {
            digest.update(migration.version.to_be_bytes());
            digest.update(&migration.checksum);
        }
        digest.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            use std::fmt::Write;
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    async fn run_locked(
        &self,
        connection: &mut PgConnection,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<Vec<Applied>, MigrateError> {
        connection.ensure_migrations_table(TABLE).await?;
        let entries = self.read_entries(connection).await?;
        refuse_strangers(&entries)?;
        let pending: Vec<&Migration> = self
            .embedded()
            .filter(|migration| {
                entries.iter().any(|e| e.version == migration.version && e.state == State::Pending)
            })
            .collect();
        let total = pending.len();
        let mut applied = Vec::with_capacity(total);
        for (index, migration) in pending.into_iter().enumerate() {
            let (version, description) = (migration.version, &*migration.description);
            progress(Progress::Applying { version, description, index: index + 1, total });
            let took = connection.apply(TABLE, migration).await.map_err(|source| MigrateError::Failed {
                version,
                description: description.to_owned(),
                source: Box::new(source),
            })?;
            tracing::info!(version, description, ?took, "migration applied");
            progress(Progress::Applied { version, took });
            applied.push(Applied { version, description: description.to_owned(), took });
        }
        Ok(applied)
    }

    fn embedded(&self) -> impl Iterator<Item = &Migration> {
        self.0.iter().filter(|migration| !migration.migration_type.is_down_migration())
    }
}

/// Polls rather than waits in the server: a waiting statement holds a snapshot, and a `CREATE INDEX CONCURRENTLY` in
/// the holder's migration would wait for that snapshot for ever.
async fn lock(connection: &mut PgConnection, progress: &mut impl FnMut(Progress<'_>)) -> sqlx::Result<()> {
    let mut told = false;
    while !sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK_KEY)
        .fetch_one(&mut *connection)
        .await?
    {
        if !told {
            progress(Progress::Waiting);
            told = true;
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    Ok(())
}

/// Errs when the database's history is not a part of ours: see [`MigrateError::TooNew`] and [`MigrateError::Changed`].
pub fn refuse_strangers(entries: &[Entry]) -> Result<(), MigrateError> {
    if let Some(entry) = entries.iter().rfind(|entry| matches!(entry.state, State::Unknown(_))) {
        return Err(MigrateError::TooNew { version: entry.version });
    }
    if let Some(entry) = entries.iter().find(|entry| matches!(entry.state, State::Changed(_))) {
        return Err(MigrateError::Changed { version: entry.version, description: entry.description.clone() });
    }
    Ok(())
}

fn entry(migration: &Migration, state: State) -> Entry {
    Entry { version: migration.version, description: migration.description.clone().into_owned(), state }
}
