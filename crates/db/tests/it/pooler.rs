//! PgBouncer before the server: session mode works, transaction mode is refused with a sentence.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use db::{Database, OpenError, Settings, testing::Folder, testing::TestDatabase};

/// Ends its PgBouncer when dropped.
struct Pooler {
    process: Child,
    port: u16,
}

impl Pooler {
    /// Before the server of `database`; `None` where none is installed, which `script/prerequisites.sh` sees to.
    fn start(folder: &Path, database: &TestDatabase, mode: &str, more: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]
            .into_iter()
            .find(|program| Path::new(program).is_file());
        let Some(program) = program else {
            assert!(std::env::var_os("CI").is_none(), "pgbouncer is not installed");
            return None;
        };
        // Somebody else may take the port before it does; then it ends, and another is tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(pooler) = Self::start_at(Path::new(program), port, folder, database, mode, more) {
                return Some(pooler);
            }
        }
        panic!("PgBouncer ends by itself, whatever the port");
    }

    /// `None` where it ends by itself.
    fn start_at(
        program: &Path,
        port: u16,
        folder: &Path,
        database: &TestDatabase,
        mode: &str,
        more: &str,
    ) -> Option<Self> {
        let options = database.options();
        let host =
            options.get_socket().map_or(options.get_host().to_owned(), |dir| dir.display().to_string());
        let file = folder.join(format!("{mode}{port}.ini"));
        let name = options.get_database().unwrap();
        let user = options.get_username();
        let text = format!(
            "[databases]\n{name} = host={host} port={} dbname={name} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n{more}\n",
            options.get_port()
        );
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let mut command = Command::new(program);
        // It does not run as root; and a server on a socket knows who may come by whose processes they are: its own.
        if nix::unistd::geteuid().is_root() {
            let server = options.get_socket().and_then(|dir| fs::metadata(dir).ok());
            let owner = server.map_or(65534, |dir| dir.uid());
            chown(folder, Some(owner), None).unwrap();
            let user = nix::unistd::User::from_uid(owner.into()).unwrap().unwrap();
            command.args(["-u", &user.name]);
        }
        let process = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut pooler = Self { process, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if pooler.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "PgBouncer does not come up");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Some(pooler)
    }

    async fn open(&self, database: &TestDatabase, settings: Settings) -> Result<(), OpenError> {
        let options = database.options();
        let (user, name) = (options.get_username(), options.get_database().unwrap());
        let url = format!("postgres://{user}@127.0.0.1:{}/{name}", self.port);
        Database::open(&Settings { url: Some(url), ..settings }).await?.close().await;
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_transactions_is_refused_and_a_pool_of_sessions_is_not() {
    let (folder, database) = (Folder::new(), TestDatabase::new().await);
    let ignores = "ignore_startup_parameters = extra_float_digits, options";
    let Some(transactions) = Pooler::start(folder.path(), &database, "transaction", ignores) else { return };
    let told = transactions.open(&database, Settings::default()).await.unwrap_err();
    assert!(matches!(told, OpenError::Pooler { .. }), "{told}");
    assert!(told.to_string().contains("pool in session mode"), "{told}");
    drop(transactions);

    let sessions = Pooler::start(folder.path(), &database, "session", "").unwrap();
    let told = sessions.open(&database, Settings::default()).await.unwrap_err();
    assert!(matches!(told, OpenError::StartupOptions { .. }), "{told}");
    assert!(told.to_string().contains("ignore_startup_parameters"), "{told}");
    drop(sessions);
    let sessions = Pooler::start(folder.path(), &database, "session", ignores).unwrap();
    for startup_options in [true, false] {
        sessions.open(&database, Settings { startup_options, ..Settings::default() }).await.unwrap();
    }
}
