//! Who PostgreSQL runs as, and what that user can reach.
//!
//! PostgreSQL refuses root, so root steps down: to the owner of an existing cluster, else to `postgres`, else to
//! `nobody`. Everybody else runs it as themselves.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User, geteuid};

use super::error::{PrivateError, io as failed};

/// The user that PostgreSQL runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Its name in the passwd database.
    pub(super) name: String,
    /// The name of whoever we are ourselves; differs from `name` only for root.
    pub(super) caller: String,
    uid: u32,
    gid: u32,
    /// Whether children must change to it.
    step_down: bool,
}

impl Account {
    /// Chooses the account for the cluster in `pgdata`, which need not exist yet.
    pub(super) fn choose(pgdata: &Path) -> Result<Self, PrivateError> {
        let us = geteuid();
        let owner = fs::metadata(pgdata).ok().map(|metadata| metadata.uid());
        if us.is_root() {
            let user = match owner.filter(|uid| *uid != 0) {
                Some(uid) => by_uid(uid)?,
                None => {
                    named("postgres").or_else(|| named("nobody")).ok_or(PrivateError::NoUnprivilegedUser)?
                }
            };
            return Ok(Self::from_user(user, "root".to_owned(), true));
        }
        let user = by_uid(us.as_raw())?;
        if let Some(owner) = owner.filter(|owner| *owner != us.as_raw()) {
            let owner = by_uid(owner).map_or_else(|_| owner.to_string(), |user| user.name);
            return Err(PrivateError::WrongOwner { dir: pgdata.to_owned(), owner, user: user.name });
        }
        let caller = user.name.clone();
        Ok(Self::from_user(user, caller, false))
    }

    fn from_user(user: User, caller: String, step_down: bool) -> Self {
        Self { name: user.name, caller, uid: user.uid.as_raw(), gid: user.gid.as_raw(), step_down }
    }

    /// A command that runs as this user, with a known environment, away from our terminal and folder.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("HOME", "/"),
        ]);
        // Relocated builds (from PyPI, npm) find their libraries by it.
        if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        if self.step_down {
            // std also drops root's supplementary groups then.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Errs with the first folder on the way to `path` that this user may not enter.
    pub(super) fn ensure_reaches(&self, path: &Path, setting: &'static str) -> Result<(), PrivateError> {
        if !self.step_down {
            return Ok(());
        }
        let mut folders: Vec<&Path> = path.ancestors().skip(1).filter(|dir| dir.is_absolute()).collect();
        folders.reverse();
        for dir in folders {
            let metadata = fs::metadata(dir).map_err(failed(format!("cannot look at {}", dir.display())))?;
            if !self.may_enter(&metadata) {
                let user = self.name.clone();
                return Err(PrivateError::NotSearchable { dir: dir.to_owned(), user, setting });
            }
        }
        Ok(())
    }

    fn may_enter(&self, metadata: &fs::Metadata) -> bool {
        let bit = if metadata.uid() == self.uid {
            0o100
        } else if metadata.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }

    /// Makes a folder that only this user may enter, unless it is there.
    pub(super) fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) if self.step_down => chown(dir, Some(self.uid), Some(self.gid)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Whether `dir` is a real folder of this user that nobody else may enter: only then may a socket lie in it.
    pub(super) fn owns_privately(&self, dir: &Path) -> bool {
        fs::symlink_metadata(dir).is_ok_and(|found| {
            found.is_dir() && found.uid() == self.uid && found.mode().trailing_zeros() >= 6
        })
    }

    /// Replaces a file in a folder of this user at once, never half. The temporary file is made new (`O_EXCL`), so
    /// that the user cannot lead root's writing elsewhere by a link.
    pub(super) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        if self.step_down {
            fchown(&file, Some(self.uid), Some(self.gid))?;
        }
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    }

    /// The user's id.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }
}

fn named(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root())
}

fn by_uid(uid: u32) -> Result<User, PrivateError> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().ok_or(PrivateError::NoPasswdEntry { uid })
}
