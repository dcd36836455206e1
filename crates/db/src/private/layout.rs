//! Where things lie under the data directory, and the lock that makes it ours.
//!
//! ```text
//! data_dir/            whoever runs Questhall
//!   postgres.lock      held while a Questhall runs the cluster; says its process id and the socket's folder
//!   postgres.log       what PostgreSQL had to say (the one before: postgres.log.1)
//!   postgres/          the cluster, of the account that PostgreSQL runs as
//!   run/               its socket, of that account
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::{User, geteuid};
use sha2::{Digest, Sha256};

use super::{
    account::Account,
    error::{PrivateError, io as failed},
};

/// The longest path a Unix socket may have, without the closing zero.
const SOCKET_PATH_MAX: usize = 107;

/// The file name of the socket; the port is ours alone, since the folder is.
pub(super) const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// A log larger than this is put aside at the next start.
const LOG_MAX: u64 = 16 * 1024 * 1024;

/// The paths of one private cluster.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    pub(super) pgdata: PathBuf,
    pub(super) log: PathBuf,
    pub(super) lock: PathBuf,
}

impl Layout {
    /// Makes the data directory if need be, and names what lies in it. The data directory itself may be entered by
    /// others when root made it (PostgreSQL's account must), but not listed.
    pub(super) fn open(data_dir: &Path) -> Result<Self, PrivateError> {
        if !data_dir.is_dir() {
            let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(data_dir)
                // Once more, past the umask, which may be strict.
                .and_then(|()| fs::set_permissions(data_dir, Permissions::from_mode(mode)))
                .map_err(|source| not_writable(data_dir, source))?;
        }
        let data_dir =
            data_dir.canonicalize().map_err(failed(format!("cannot look at {}", data_dir.display())))?;
        Ok(Self {
            pgdata: data_dir.join("postgres"),
            log: data_dir.join("postgres.log"),
            lock: data_dir.join("postgres.lock"),
            data_dir,
        })
    }

    /// Takes the lock for as long as the returned value lives; the kernel lets go of it however we end. Tries for a
    /// moment: somebody may only be looking ([`Layout::try_lock`]).
    pub(super) fn lock(&self) -> Result<Lock, PrivateError> {
        for _ in 0..10 {
            match self.try_lock() {
                Err(PrivateError::InUse { .. }) => std::thread::park_timeout(Duration::from_millis(20)),
                other => return other,
            }
        }
        self.try_lock()
    }

    /// Takes the lock if nobody has it right now.
    pub(super) fn try_lock(&self) -> Result<Lock, PrivateError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.lock)
            .map_err(|source| not_writable(&self.lock, source))?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Lock(file);
                lock.say(&format!("{}\n", std::process::id()))?;
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // What it says is only for the message.
                let _ = file.read_to_string(&mut text);
                let pid = text.lines().next().unwrap_or("unknown").to_owned();
                Err(PrivateError::InUse { dir: self.data_dir.clone(), pid })
            }
            Err(TryLockError::Error(source)) => {
                Err(PrivateError::Io { what: format!("cannot lock {}", self.lock.display()), source })
            }
        }
    }

    /// The folder of the socket that the holder of the lock announced.
    pub(super) fn announced_socket_dir(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(&self.lock).ok()?;
        text.lines().nth(1).map(PathBuf::from)
    }

    /// The cluster's major version, None when there is no cluster yet.
    pub(super) fn cluster_major(&self) -> Result<Option<u32>, PrivateError> {
        let not_one = || PrivateError::NotACluster { dir: self.pgdata.clone() };
        match fs::read_to_string(self.pgdata.join("PG_VERSION")) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| not_one()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(&self.pgdata) {
                Ok(mut entries) => entries.next().map_or(Ok(None), |_| Err(not_one())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_one()),
                Err(source) => Err(failed(format!("cannot read {}", self.pgdata.display()))(source)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_one()),
            Err(source) => Err(failed(format!("cannot read {}", self.pgdata.display()))(source)),
        }
    }

    /// Makes the folder for the socket: in the data directory, or under `/tmp` where that path would be too long for
    /// a socket. It must be the account's and closed to everybody else, whoever made it.
    pub(super) fn socket_dir(&self, account: &Account) -> Result<PathBuf, PrivateError> {
        let near = self.data_dir.join("run");
        let dir = if fits(&near) {
            near
        } else {
            let digest = Sha256::digest(self.pgdata.as_os_str().as_encoded_bytes());
            let name = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
            PathBuf::from(format!("/tmp/questhall-{}-{name:08x}", account.uid()))
        };
        account.make_private_dir(&dir).map_err(|source| not_writable(&dir, source))?;
        if !account.owns_privately(&dir) {
            return Err(PrivateError::SocketDir { dir, user: account.name.clone() });
        }
        Ok(dir)
    }

    /// Opens the log for appending, putting a large one aside.
    pub(super) fn open_log(&self) -> Result<File, PrivateError> {
        if fs::metadata(&self.log).is_ok_and(|metadata| metadata.len() > LOG_MAX) {
            fs::rename(&self.log, self.log.with_extension("log.1"))
                .map_err(|e| not_writable(&self.log, e))?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.log);
        file.map_err(|source| not_writable(&self.log, source))
    }

    /// The lines of the log from `offset` on that say what went wrong, else the last ones.
    pub(super) fn log_tail(&self, offset: u64) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| {
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(offset.max(end.saturating_sub(8192))))?;
            file.read_to_end(&mut bytes)
        });
        if let Err(error) = read {
            return format!("its log cannot be read: {error}");
        }
        let text = String::from_utf8_lossy(&bytes);
        let telling =
            |line: &&str| ["FATAL:", "PANIC:", "HINT:", "DETAIL:"].iter().any(|word| line.contains(word));
        let mut lines: Vec<&str> = text.lines().filter(telling).collect();
        if lines.is_empty() {
            lines = text.lines().rev().take(3).collect();
            lines.reverse();
        }
        if lines.is_empty() { "it said nothing".to_owned() } else { lines.join(" / ") }
    }
}

/// Proof that the data directory is ours.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Tells others who reads the lock file where the socket is.
    pub(super) fn announce(&mut self, socket_dir: &Path) -> Result<(), PrivateError> {
        self.say(&format!("{}\n{}\n", std::process::id(), socket_dir.display()))
    }

    fn say(&mut self, text: &str) -> Result<(), PrivateError> {
        let written =
            self.0.set_len(0).and_then(|()| self.0.rewind()).and_then(|()| self.0.write_all(text.as_bytes()));
        written.map_err(failed("cannot write the lock file"))
    }
}

fn fits(dir: &Path) -> bool {
    dir.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_MAX
}

pub(super) fn not_writable(path: &Path, source: io::Error) -> PrivateError {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
    match source.kind() {
        PermissionDenied | ReadOnlyFilesystem => {
            let user = User::from_uid(geteuid()).ok().flatten();
            let user = user.map_or_else(|| geteuid().to_string(), |user| user.name);
            PrivateError::NotWritable { path: path.to_owned(), user, source }
        }
        StorageFull => PrivateError::DiskFull { dir: path.to_owned(), free_mib: 0, needed_mib: 1 },
        _ => PrivateError::Io { what: format!("cannot write {}", path.display()), source },
    }
}
