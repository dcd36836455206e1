//! Everything that can keep the private PostgreSQL from running, each with what to do about it.

use std::{io, path::PathBuf};

/// Why the private PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// No binaries.
    #[error(
        "no PostgreSQL 15 or later is installed (looked in {looked_in}). On Debian 12: `sudo apt-get install --yes \
         postgresql-15`; later Debian and Ubuntu: `sudo apt-get install --yes postgresql`. Or set postgres_bin to the \
         folder that holds initdb and postgres, or DATABASE_URL to a running server{too_old}"
    )]
    NoBinaries {
        /// The folders that were tried.
        looked_in: String,
        /// Empty, or a remark about older versions that were found.
        too_old: String,
    },
    /// A tool was to work on a cluster, and there is none.
    #[error(
        "there is no database in {dir}. `questhall up` makes one there; for one that is elsewhere set data_dir \
         (--data-dir), or DATABASE_URL (--database-url) to a running server"
    )]
    Missing {
        /// The data directory.
        dir: PathBuf,
    },
    /// The folder the operator named has none.
    #[error(
        "setting postgres_bin: {dir} does not hold working initdb and postgres programs of version 15 or later"
    )]
    BadBinaries {
        /// The folder.
        dir: PathBuf,
    },
    /// The cluster belongs to another major version.
    #[error(
        "the database in {dir} was made by PostgreSQL {cluster}, but installed is {found}. Install PostgreSQL {cluster} \
         (`sudo apt-get install --yes postgresql-{cluster}`), or move the database over with pg_upgrade; it was not \
         touched"
    )]
    WrongMajor {
        /// The cluster's folder.
        dir: PathBuf,
        /// Its major version.
        cluster: u32,
        /// The versions found on this machine.
        found: String,
    },
    /// Another Questhall holds the folder.
    #[error(
        "the data directory {dir} is in use by another Questhall (process {pid}). Stop that one, or give this one a \
         data_dir of its own"
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// Who holds it, as far as it said.
        pid: String,
    },
    /// We may not write there.
    #[error(
        "{path} cannot be written by {user}: {source}. Change its owner, or set data_dir to another folder"
    )]
    NotWritable {
        /// What we tried to write.
        path: PathBuf,
        /// The user that tried.
        user: String,
        /// What the system said.
        source: io::Error,
    },
    /// An unprivileged PostgreSQL cannot get there.
    #[error(
        "PostgreSQL runs as the unprivileged user {user}, who may not enter {dir}. Allow it with `chmod o+x {dir}`, or \
         set {setting} to a folder that everybody can reach, such as /var/lib/questhall"
    )]
    NotSearchable {
        /// The closed folder.
        dir: PathBuf,
        /// The user PostgreSQL runs as.
        user: String,
        /// Which setting leads there.
        setting: &'static str,
    },
    /// The cluster is somebody else's.
    #[error(
        "{dir} belongs to user {owner}, and this is {user}. Run Questhall as {owner}, or set data_dir to another folder"
    )]
    WrongOwner {
        /// The cluster's folder.
        dir: PathBuf,
        /// Its owner.
        owner: String,
        /// Who we are.
        user: String,
    },
    /// Something else lies there.
    #[error(
        "{dir} is not empty and holds no PostgreSQL database. Set data_dir to a folder that is empty or does not exist"
    )]
    NotACluster {
        /// The folder.
        dir: PathBuf,
    },
    /// initdb wants a user with a name.
    #[error(
        "the user with id {uid} has no entry in /etc/passwd, and PostgreSQL's initdb demands one. Run Questhall as a \
         named user, or set DATABASE_URL"
    )]
    NoPasswdEntry {
        /// The nameless id.
        uid: u32,
    },
    /// Root, and nobody to step down to.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody` to run it as. \
         Create one (`sudo useradd --system postgres`), or set DATABASE_URL"
    )]
    NoUnprivilegedUser,
    /// The disk has no room.
    #[error(
        "the disk that holds {dir} is full ({free_mib} MiB free; {needed_mib} MiB are needed). Free some space and start again"
    )]
    DiskFull {
        /// Where.
        dir: PathBuf,
        /// Free space in MiB.
        free_mib: u64,
        /// What we want at least, in MiB.
        needed_mib: u64,
    },
    /// initdb failed.
    #[error("PostgreSQL's initdb could not create the database in {dir}: {output}")]
    Initdb {
        /// The cluster's folder.
        dir: PathBuf,
        /// What it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended while starting ({status}): {tail} (more in {log})")]
    Died {
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        tail: String,
        /// The log.
        log: PathBuf,
    },
    /// Processes of an earlier run will not go.
    #[error("processes of an earlier PostgreSQL still use {dir} and could not be ended: {pids}")]
    Orphans {
        /// The cluster's folder.
        dir: PathBuf,
        /// Their process ids.
        pids: String,
    },
    /// The folder for the socket is not safe to use.
    #[error(
        "{dir} cannot hold PostgreSQL's socket: it must be a folder of {user} that nobody else may enter"
    )]
    SocketDir {
        /// The folder.
        dir: PathBuf,
        /// Whose it must be.
        user: String,
    },
    /// Started, yet our database in it could not be made.
    #[error("PostgreSQL started, but the database could not be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// It was told to stop while it started.
    #[error("PostgreSQL was stopped while it was starting")]
    Stopped,
    /// Anything else the system refused.
    #[error("{what}: {source}")]
    Io {
        /// What we were about.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Puts what was tried in front of an I/O error.
pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> PrivateError {
    move |source| PrivateError::Io { what: what.into(), source }
}
