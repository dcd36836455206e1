//! Private clusters that tests may ill-treat: durable as in production, each in a folder of its own.

use std::{
    fs::{self, DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Database, OpenError, Settings, private};

/// A new folder that PostgreSQL's account can reach, removed when dropped, along with any server still in it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one under the system's folder for temporary files.
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("questhall-test-{}-{n}", std::process::id()));
        // Left behind by a killed test whose process id came round again.
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o711).create(&path).expect("the temporary folder can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o711))
            .expect("the mode of our own folder can be set");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        private::kill_all_in(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A data directory for a private PostgreSQL of one test, with production's settings: for crash tests.
#[derive(Debug)]
pub struct PrivateCluster {
    folder: Folder,
    /// What [`PrivateCluster::open`] opens with; change at will.
    pub settings: Settings,
}

impl PrivateCluster {
    /// Nothing is started yet.
    pub fn new() -> Self {
        let folder = Folder::new();
        let settings = Settings { data_dir: folder.path().join("data"), ..Settings::default() };
        Self { folder, settings }
    }

    /// Creates or opens the cluster.
    pub async fn open(&self) -> Result<Database, OpenError> {
        Database::open(&self.settings).await
    }

    /// The data directory's parent, removed with this value.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where PostgreSQL's own files are.
    pub fn pgdata(&self) -> PathBuf {
        self.settings.data_dir.join("postgres")
    }

    /// Kills the postmaster with SIGKILL, as the kernel does when memory runs out, and says which process it was.
    pub fn kill_postmaster(&self) -> Option<i32> {
        let pid = private::postmaster(&self.settings.data_dir)?;
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok().map(|()| pid)
    }

    /// The processes that have the cluster open.
    pub fn processes(&self) -> Vec<i32> {
        private::processes(&self.settings.data_dir)
    }
}

impl Default for PrivateCluster {
    fn default() -> Self {
        Self::new()
    }
}
