//! From the command line to settings and an open database.

use std::io::IsTerminal;

use db::{Database, migrate};
use migrations::SCHEMA;
use server::settings::{Log, LogFormat, Override, Settings, Sources, load};
use tracing_subscriber::EnvFilter;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::counted,
};

/// Settings from all sources, the command line's being the strongest; `more` are those of the command itself.
pub(crate) fn settings(global: &Global, more: &[(&str, &str, String)]) -> Result<Settings, Failure> {
    let mut overrides = Vec::new();
    let mut put = |option: &str, setting: &str, value: String| {
        overrides.push(Override { setting: setting.to_owned(), value, option: option.to_owned() });
    };
    for (name, value) in &global.set {
        put("--set", name, value.clone());
    }
    if let Some(dir) = &global.data_dir {
        put("--data-dir", "data_dir", dir.display().to_string());
    }
    if let Some(url) = &global.database_url {
        put("--database-url", "db.url", url.clone());
    }
    for (option, setting, value) in more {
        put(option, setting, value.clone());
    }
    load(&Sources { file: global.config.clone(), overrides, without_environment: false })
        .or_fail(Code::Unavailable)
}

/// Does `work` with the database of a tool beside a service: the one that runs, else it is started for as long as the
/// tool takes. Its schema must be this binary's.
pub(crate) async fn with_database<T>(
    global: &Global,
    work: impl AsyncFnOnce(&Database) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_database_of(&settings(global, &[])?, work).await
}

/// The same with settings of the command's own.
pub(crate) async fn with_database_of<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Database) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_database_as_it_is(settings, async |database| {
        // What is written here must not get lost on readers that stand elsewhere.
        jobs::outbox::settle(database.pool()).await?;
        work(database).await
    })
    .await
}

/// The same, but a database that was restored into another cluster is not mended first.
pub(crate) async fn with_database_as_it_is<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Database) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let database = Database::open_or_join(&settings.db).await.or_fail(Code::Unavailable)?;
    let outcome = match ensure_migrated(&database).await {
        Ok(()) => work(&database).await,
        Err(failure) => Err(failure),
    };
    database.close().await;
    outcome
}

async fn ensure_migrated(database: &Database) -> Result<(), Failure> {
    let mut connection = database.connect().await?;
    let entries = SCHEMA.status(&mut connection).await.or_fail(Code::Unavailable)?;
    migrate::refuse_strangers(&entries).or_fail(Code::Unavailable)?;
    let pending = entries.iter().filter(|entry| entry.state == migrate::State::Pending).count();
    if pending > 0 {
        return Err(Failure::new(
            Code::Unavailable,
            format!("the database lacks {}; run `questhall db migrate`", counted(pending, "migration")),
        ));
    }
    Ok(())
}

/// Logs for a tool: only what is wrong, on standard error.
pub(crate) fn log_quietly() {
    log(&Log::default(), "error");
}

/// Logs to standard error as the settings say; `QUESTHALL_LOG__FILTER` is stronger than `filter`.
pub(crate) fn log(settings: &Log, filter: &str) {
    let filter = EnvFilter::try_from_env("QUESTHALL_LOG__FILTER").unwrap_or_else(|_| EnvFilter::new(filter));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that one is set already: then somebody knew better.
    let _ = match settings.format {
        LogFormat::Json => subscriber.json().try_init(),
        LogFormat::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}
