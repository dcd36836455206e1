//! From settings to a cluster that only needs to be started: binaries, account, folders, `initdb`, configuration.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Plan,
    account::Account,
    binaries::{self, Binaries},
    error::{PrivateError, io as failed},
    layout::{Layout, SOCKET_NAME, not_writable},
    spawn,
    tuning::{self, Durability},
};

/// The superuser, and the owner of everything in the cluster.
pub(super) const SUPERUSER: &str = "questhall";

/// A new cluster and its first write-ahead log take about 40 MiB; less than this leaves no room to work.
const NEW_CLUSTER_MIB: u64 = 256;

/// A cluster that can be started any number of times.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) layout: Layout,
    pub(super) socket_dir: PathBuf,
    pub(super) binaries: Binaries,
    account: Account,
}

impl Prepared {
    /// Makes everything ready under a data directory that the caller has locked. Creates the cluster if there is none.
    pub(super) fn new(layout: Layout, plan: &Plan) -> Result<Self, PrivateError> {
        let cluster_major = layout.cluster_major()?;
        let binaries = binaries::find(plan.postgres_bin.as_deref(), &layout.pgdata, cluster_major)?;
        let account = Account::choose(&layout.pgdata)?;
        account.ensure_reaches(&layout.pgdata, "data_dir")?;
        account.ensure_reaches(&binaries.postgres(), "postgres_bin")?;
        if cluster_major.is_none() {
            create(&layout, &binaries, &account)?;
        }
        configure(&layout.pgdata, &binaries, &account, plan)?;
        let socket_dir = layout.socket_dir(&account)?;
        Ok(Self { layout, socket_dir, binaries, account })
    }

    /// Removes the socket of a server that has gone, and its lock file, whose process id may be somebody else's by now.
    /// Only once nobody has the cluster open.
    pub(super) fn clear_socket_dir(&self) {
        for name in [SOCKET_NAME.to_owned(), format!("{SOCKET_NAME}.lock")] {
            // Mostly there is none. What cannot be removed, PostgreSQL complains about in better words than ours.
            let _ = fs::remove_file(self.socket_dir.join(name));
        }
    }

    /// The command that runs the server in the foreground. Where it listens is said here, past the configuration
    /// files, so that no `ALTER SYSTEM` can open it to a network.
    pub(super) fn command(&self, log: File) -> Result<Command, PrivateError> {
        let stdout = log.try_clone().map_err(failed("cannot duplicate the log's descriptor"))?;
        let mut command = self.account.command(&self.binaries.postgres());
        command
            .arg("-D")
            .arg(&self.layout.pgdata)
            .args(["-c", "listen_addresses=", "-c", "port=5432", "-c", "unix_socket_permissions=0700", "-c"])
            .arg(format!("unix_socket_directories={}", self.socket_dir.display()))
            .stdout(stdout)
            .stderr(log);
        Ok(command)
    }
}

/// Runs initdb in a folder beside the final one and renames it when it is whole, so that a kill in the middle leaves
/// nothing that looks like a cluster.
fn create(layout: &Layout, binaries: &Binaries, account: &Account) -> Result<(), PrivateError> {
    if let Some(free_mib) = tuning::free_mib(&layout.data_dir).filter(|free| *free < NEW_CLUSTER_MIB) {
        let dir = layout.data_dir.clone();
        return Err(PrivateError::DiskFull { dir, free_mib, needed_mib: NEW_CLUSTER_MIB });
    }
    let unfinished = layout.data_dir.join("postgres.new");
    // Sorting by bytes is alike on every machine, never changes with the C library, and spares each comparison of texts a call of that:
    // ingest is a tenth faster (docs/adr/0050-ingest.md). C.UTF-8 knows letters besides.
    // Where the system has no such locale (musl), plain C it is.
    let mut result = Err(String::new());
    for locale in ["C.UTF-8", "C"] {
        remove_dir(&unfinished)?;
        account.make_private_dir(&unfinished).map_err(|source| not_writable(&unfinished, source))?;
        result = initdb(&unfinished, binaries, account, locale)?;
        if !result.as_ref().is_err_and(|output| output.contains("locale")) {
            break;
        }
    }
    if let Err(output) = result {
        remove_dir(&unfinished)?;
        if output.contains("No space left on device") {
            let free_mib = tuning::free_mib(&layout.data_dir).unwrap_or(0);
            let dir = layout.data_dir.clone();
            return Err(PrivateError::DiskFull { dir, free_mib, needed_mib: NEW_CLUSTER_MIB });
        }
        return Err(PrivateError::Initdb { dir: layout.pgdata.clone(), output });
    }
    // An empty folder may have been made for us by an operator or a volume's mount.
    let _ = fs::remove_dir(&layout.pgdata);
    fs::rename(&unfinished, &layout.pgdata).map_err(|source| not_writable(&layout.pgdata, source))?;
    let synced = File::open(&layout.data_dir).and_then(|dir| dir.sync_all());
    synced.map_err(failed(format!("cannot sync {}", layout.data_dir.display())))
}

/// The outer error is that it could not be run; the inner one is what it said.
fn initdb(
    dir: &Path,
    binaries: &Binaries,
    account: &Account,
    locale: &str,
) -> Result<Result<(), String>, PrivateError> {
    let mut command = account.command(&binaries.initdb());
    command
        .arg("-D")
        .arg(dir)
        .args(["-U", SUPERUSER, "-E", "UTF8", "--locale", locale, "--lc-collate", "C", "--data-checksums"])
        .args(["--auth-local=peer", "--auth-host=reject", "--no-instructions"])
        .stdout(Stdio::null());
    spawn::stop_with_this_thread(&mut command);
    let output = command.output().map_err(failed(format!("cannot run {}", binaries.initdb().display())))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(Err(text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" / ")))
}

/// Whether PostgreSQL was built with LZ4, as those of the distributions are.
fn knows_lz4(pgdata: &Path, binaries: &Binaries, account: &Account) -> bool {
    let mut command = account.command(&binaries.postgres());
    command.arg("-D").arg(pgdata).args(["-C", "wal_compression", "-c", "wal_compression=lz4"]);
    spawn::stop_with_this_thread(&mut command);
    command.output().is_ok_and(|output| output.status.success())
}

/// Writes our configuration, at every start: the machine or the settings may have changed.
fn configure(pgdata: &Path, binaries: &Binaries, account: &Account, plan: &Plan) -> Result<(), PrivateError> {
    let write = |name: &str, text: &str| {
        let path = pgdata.join(name);
        account.write(&path, text).map_err(|source| not_writable(&path, source))
    };
    let main = pgdata.join("postgresql.conf");
    let text = fs::read_to_string(&main).map_err(failed(format!("cannot read {}", main.display())))?;
    if !text.contains(tuning::INCLUDE.trim()) {
        write("postgresql.conf", &(text + tuning::INCLUDE))?;
    }
    let lz4 = plan.durability == Durability::Full && knows_lz4(pgdata, binaries, account);
    let conf =
        tuning::configuration(plan.machine, plan.max_connections, plan.slow_query, plan.durability, lz4);
    write("questhall.conf", &conf)?;
    write("pg_hba.conf", tuning::host_based_access())?;
    let mut users = vec![account.name.as_str()];
    if account.caller != account.name {
        users.push(&account.caller);
    }
    write("pg_ident.conf", &tuning::identities(&users, SUPERUSER))
}

pub(super) fn remove_dir(dir: &Path) -> Result<(), PrivateError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(not_writable(dir, error)),
        _ => Ok(()),
    }
}
