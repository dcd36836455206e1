//! The server that tests use: the one the environment names, else one that test runs share.
//!
//! The shared one is started by whichever test process needs it first and stays up for the next ones: starting one per
//! process would cost more than most tests. [`crate::testing::stop_shared_server`] ends it. Nothing in it is synced to
//! disk; it lies in memory where there is enough, since ext4 takes 400 ms to make a database's 1,100 files shortly after
//! as many were deleted (it shuns inodes deleted lately), and tmpfs 30 ms. Else under `target/`, or `/tmp` where
//! PostgreSQL's unprivileged user cannot reach that.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;

use crate::private::{Machine, Plan, PrivateError, detached, free_mib};

const VARIABLE: &str = "QUESTHALL_TEST_DATABASE_URL";

/// Room in memory that the shared server wants before it goes there; it uses a fraction of it.
const MEMORY_MIB: u64 = 2048;

/// Room in memory with which it stays there: with two servers, tests would share less and wait longer.
const LEAST_MIB: u64 = 256;

/// The connection to the server's maintenance database.
pub(super) async fn maintenance() -> PgConnectOptions {
    if let Ok(url) = std::env::var(VARIABLE)
        && !url.is_empty()
    {
        return PgConnectOptions::from_str(&url).unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
    }
    let started = tokio::task::spawn_blocking(start).await;
    started.expect("starting the shared test server does not panic").unwrap_or_else(|error| {
        panic!("no PostgreSQL for tests: {error}. Or name a server in {VARIABLE}");
    })
}

/// Finds the shared server running, or starts it. One process at a time.
fn start() -> Result<PgConnectOptions, PrivateError> {
    let mut last = None;
    for dir in folders() {
        match with_lock(&dir, || detached::ensure(&plan(&dir))) {
            Ok(options) => return Ok(options),
            // Under /root, say; try the next place.
            Err(error @ (PrivateError::NotSearchable { .. } | PrivateError::NotWritable { .. })) => {
                last = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or(PrivateError::Stopped))
}

/// Ends the shared server if it runs.
pub(super) fn stop() {
    for dir in folders() {
        if dir.is_dir() {
            // A server that will not end is the next start's trouble, which ends orphans harder.
            let _ = with_lock(&dir, || detached::stop(&dir));
        }
    }
}

fn with_lock<T>(dir: &Path, work: impl FnOnce() -> Result<T, PrivateError>) -> Result<T, PrivateError> {
    let io =
        |source| PrivateError::NotWritable { path: dir.to_owned(), user: "this test".to_owned(), source };
    std::fs::create_dir_all(dir).map_err(io)?;
    let path = dir.join("starting.lock");
    let lock = OpenOptions::new().create(true).append(true).open(path).map_err(io)?;
    lock.lock().map_err(io)?;
    work()
}

fn plan(dir: &Path) -> Plan {
    Plan {
        // Many small databases, each used by one test: the machine's memory is better left to the tests.
        machine: Machine { memory: 1024 * 1024 * 1024, ..Machine::here() },
        max_connections: 400,
        ..detached::plan(dir)
    }
}

/// Where the shared server may lie, best first.
fn folders() -> Vec<PathBuf> {
    let name = format!("test-postgres-{}", nix::unistd::geteuid());
    let mut folders = Vec::new();
    let memory = Path::new("/dev/shm");
    let there = memory.join(format!("questhall-{name}"));
    let wanted = if there.join("postgres/postmaster.pid").exists() { LEAST_MIB } else { MEMORY_MIB };
    if free_mib(memory).is_some_and(|free| free >= wanted) {
        folders.push(there);
    }
    // A test binary lies in <target>/<profile>/deps.
    let target = std::env::current_exe().ok().and_then(|exe| {
        exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf)
    });
    folders.extend(target.map(|target| target.join(&name)));
    folders.push(std::env::temp_dir().join(format!("questhall-{name}")));
    folders
}
