//! The private PostgreSQL through its life: made, used, killed in several ways, refused when it must be.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{
    Database, OpenError,
    private::{PrivateError, State},
    testing::{Folder, PrivateCluster},
};
use sqlx::PgPool;

async fn show(pool: &PgPool, setting: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(pool).await.unwrap()
}

async fn remember(pool: &PgPool, n: i64) {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS public.kept (n bigint PRIMARY KEY)")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("INSERT INTO public.kept VALUES ($1)").bind(n).execute(pool).await.unwrap();
}

async fn kept(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("SELECT n FROM public.kept ORDER BY n").fetch_all(pool).await.unwrap()
}

fn private(error: OpenError) -> PrivateError {
    match error {
        OpenError::Private(error) => error,
        other => panic!("another kind of error: {other}"),
    }
}

#[tokio::test]
async fn a_new_cluster_is_ready_soon_and_as_promised_and_comes_back_sooner() {
    let cluster = PrivateCluster::new();
    let begun = Instant::now();
    let database = cluster.open().await.unwrap();
    let new = begun.elapsed();
    assert!(new <= Duration::from_mins(1), "took {new:?}");

    let pool = database.pool();
    for (setting, value) in [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("jit", "off"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
        ("timezone", "UTC"),
        ("statement_timeout", "30s"),
        ("application_name", "questhall"),
    ] {
        assert_eq!(show(pool, setting).await, value, "{setting}");
    }
    remember(pool, 1).await;

    let processes = cluster.processes();
    assert!(processes.len() > 3, "{processes:?}");
    for pid in &processes {
        // A backend may have ended since.
        let Ok(metadata) = fs::metadata(format!("/proc/{pid}")) else { continue };
        assert_ne!(metadata.uid(), 0, "process {pid} runs as root");
    }
    assert_eq!(tcp_sockets(database.cluster().unwrap().postmaster().unwrap()), 0);
    for folder in [cluster.pgdata(), cluster.settings.data_dir.join("run")] {
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            folder.display()
        );
    }

    database.close().await;
    assert_eq!(cluster.processes(), Vec::<i32>::new());
    assert!(!cluster.pgdata().join("postmaster.pid").exists(), "the shutdown was not clean");

    // The fastest of three: other tests run beside this one.
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        let database = cluster.open().await.unwrap();
        fastest = fastest.min(begun.elapsed());
        assert_eq!(kept(database.pool()).await, [1]);
        database.close().await;
    }
    eprintln!("ready after {new:?} when new, {fastest:?} when there already");
    // Against each other: how quick the machine is just now, is its own affair.
    assert!(fastest < new, "{fastest:?} is not sooner than {new:?}");
}

/// How many sockets of the process are TCP.
fn tcp_sockets(pid: i32) -> usize {
    let tcp: HashSet<String> = ["tcp", "tcp6"]
        .iter()
        .flat_map(|table| {
            fs::read_to_string(format!("/proc/{pid}/net/{table}"))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| line.split_whitespace().nth(9).map(|inode| format!("socket:[{inode}]")))
        .collect();
    let links = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|fd| fs::read_link(fd.path()).ok());
    links.filter(|link| tcp.contains(&*link.to_string_lossy())).count()
}

/// Writes numbers until told to stop, and returns those whose commit was acknowledged.
async fn write_on(pool: PgPool, first: i64, acknowledged: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> Vec<i64> {
    let mut written = Vec::new();
    let mut n = first;
    while !stop.load(Ordering::Relaxed) {
        match sqlx::query("INSERT INTO public.kept VALUES ($1)").bind(n).execute(&pool).await {
            Ok(_) => {
                written.push(n);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => assert!(db::is_retryable(&error), "{error}"),
        }
        n += 1;
        tokio::task::yield_now().await;
    }
    written
}

/// `QUESTHALL_TEST_KILLS` asks for more than the usual few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postmasters_killed_while_we_write_come_back_with_every_acknowledged_commit() {
    let kills: u64 = std::env::var("QUESTHALL_TEST_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let cluster = PrivateCluster::new();
    let database = cluster.open().await.unwrap();
    let pool = database.pool().clone();
    remember(&pool, -1).await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|n| tokio::spawn(write_on(pool.clone(), n * 1_000_000, acknowledged.clone(), stop.clone())))
        .collect();
    let mut state = database.private_state().unwrap();
    for kill in 0..kills {
        // At instants that differ but are the same in every run: after so many commits more.
        let until = acknowledged.load(Ordering::Relaxed) + 1 + kill * 37 % 211;
        while acknowledged.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
        let killed = cluster.kill_postmaster().unwrap();
        // That it was down in between may be over before we look.
        let ready = state.wait_for(|state| {
            let postmaster = database.cluster().unwrap().postmaster();
            *state == State::Ready && postmaster.is_some_and(|postmaster| postmaster != killed)
        });
        tokio::time::timeout(Duration::from_mins(2), ready).await.expect("it is up again").unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = vec![-1];
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    let kept: HashSet<i64> = kept(&pool).await.into_iter().collect();
    let lost: Vec<_> = written.iter().filter(|n| !kept.contains(n)).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", written.len());
    assert!(written.len() > 100, "{}", written.len());
    database.close().await;
}

#[tokio::test]
async fn closing_while_it_is_down_neither_hangs_nor_leaves_anything() {
    let cluster = PrivateCluster::new();
    let database = cluster.open().await.unwrap();
    cluster.kill_postmaster().unwrap();
    tokio::time::timeout(Duration::from_mins(2), database.close()).await.expect("closing does not hang");
    assert_eq!(cluster.processes(), Vec::<i32>::new());
    cluster.open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_second_questhall_is_refused_but_a_tool_may_join() {
    let cluster = PrivateCluster::new();
    let database = cluster.open().await.unwrap();
    remember(database.pool(), 7).await;
    let error = private(cluster.open().await.unwrap_err());
    let text = error.to_string();
    assert!(matches!(error, PrivateError::InUse { .. }), "{text}");
    assert!(text.contains(&std::process::id().to_string()) && text.contains("data_dir"), "{text}");

    let guest = Database::open_or_join(&cluster.settings).await.unwrap();
    assert_eq!(kept(guest.pool()).await, [7]);
    guest.close().await;
    assert_eq!(kept(database.pool()).await, [7], "a guest leaves the server alone");
    database.close().await;

    // Two at once: one runs it, the other joins; which one, chance decides.
    let open = || Database::open_or_join(&cluster.settings);
    let (one, other) = futures::join!(open(), open());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!([&one, &other].iter().filter(|database| database.cluster().is_some()).count(), 1);
    let (guest, owner) = if one.cluster().is_some() { (other, one) } else { (one, other) };
    assert_eq!(kept(guest.pool()).await, [7]);
    guest.close().await;
    owner.close().await;

    let owner = Database::open_or_join(&cluster.settings).await.unwrap();
    assert!(owner.cluster().is_some(), "with nobody there the tool runs it itself");
    owner.close().await;
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_not_touched() {
    let cluster = PrivateCluster::new();
    cluster.open().await.unwrap().close().await;
    let version = cluster.pgdata().join("PG_VERSION");
    let ours = fs::read_to_string(&version).unwrap();
    let conf = fs::metadata(cluster.pgdata().join("questhall.conf")).unwrap().mtime_nsec();
    fs::write(&version, "12\n").unwrap();
    let error = private(cluster.open().await.unwrap_err());
    let text = error.to_string();
    assert!(matches!(error, PrivateError::WrongMajor { cluster: 12, .. }), "{text}");
    assert!(text.contains("postgresql-12") && text.contains(ours.trim()), "{text}");
    assert_eq!(fs::metadata(cluster.pgdata().join("questhall.conf")).unwrap().mtime_nsec(), conf);
    fs::write(&version, ours).unwrap();
    cluster.open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_process_id_given_to_somebody_else_does_not_keep_it_down() {
    let cluster = PrivateCluster::new();
    cluster.open().await.unwrap().close().await;
    // As after a reset: the file of the last run, and the id now belongs to a process of the same user.
    let mut other = sleeper_as_owner_of(&cluster);
    let pgdata = cluster.pgdata().display().to_string();
    let stale =
        format!("{}\n{pgdata}\n1700000000\n5432\n/nowhere\n\n  1234567    123456\nready   \n", other.id());
    fs::write(cluster.pgdata().join("postmaster.pid"), stale).unwrap();
    cluster.open().await.unwrap().close().await;
    other.kill().unwrap();
    other.wait().unwrap();
}

fn sleeper_as_owner_of(cluster: &PrivateCluster) -> Child {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("sleep");
    if nix::unistd::geteuid().is_root() {
        command.uid(fs::metadata(cluster.pgdata()).unwrap().uid());
    }
    command.arg("600").spawn().unwrap()
}

#[tokio::test]
async fn something_else_in_its_place_is_left_alone() {
    let cluster = PrivateCluster::new();
    fs::create_dir_all(cluster.pgdata()).unwrap();
    fs::write(cluster.pgdata().join("thesis.txt"), "years of work").unwrap();
    let error = private(cluster.open().await.unwrap_err());
    assert!(matches!(error, PrivateError::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_to_string(cluster.pgdata().join("thesis.txt")).unwrap(), "years of work");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_named() {
    let mut cluster = PrivateCluster::new();
    // Not even root may make folders there.
    cluster.settings.data_dir = "/sys/questhall".into();
    let error = private(cluster.open().await.unwrap_err());
    assert!(matches!(error, PrivateError::NotWritable { .. }), "{error}");
    assert!(error.to_string().starts_with("/sys/questhall cannot be written by "), "{error}");
}

#[tokio::test]
async fn a_closed_parent_folder_is_named_when_root_steps_down() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root steps down to another user");
        return;
    }
    let mut cluster = PrivateCluster::new();
    let closed = cluster.folder().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    cluster.settings.data_dir = closed.join("data");
    let error = private(cluster.open().await.unwrap_err());
    assert!(matches!(&error, PrivateError::NotSearchable { dir, .. } if *dir == closed), "{error}");
    assert!(error.to_string().contains(&format!("chmod o+x {}", closed.display())), "{error}");
}

#[tokio::test]
async fn missing_binaries_are_named() {
    let mut cluster = PrivateCluster::new();
    cluster.settings.postgres_bin = Some("/usr/bin".into());
    let error = private(cluster.open().await.unwrap_err());
    assert!(matches!(&error, PrivateError::BadBinaries { dir } if dir.ends_with("bin")), "{error}");
}

#[tokio::test]
async fn a_data_directory_too_deep_for_a_socket_works_too() {
    let mut cluster = PrivateCluster::new();
    cluster.settings.data_dir = cluster.folder().join("d".repeat(120));
    let database = cluster.open().await.unwrap();
    let socket = database.options().get_socket().unwrap().clone();
    assert!(socket.as_os_str().len() < 80, "{}", socket.display());
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o700);
    remember(database.pool(), 1).await;
    database.close().await;
    fs::remove_dir_all(socket).unwrap();
}

/// Not a test: a Questhall to be killed. Runs in a process of its own until its standard input closes.
#[tokio::test]
#[ignore = "run by other tests as a child process"]
async fn holder() {
    let settings = db::Settings {
        data_dir: std::env::var_os("QUESTHALL_TEST_HOLD").expect("only run by other tests").into(),
        ..db::Settings::default()
    };
    let database = Database::open(&settings).await.unwrap();
    println!("\nholding {}", database.cluster().unwrap().postmaster().unwrap());
    std::io::stdin().lines().for_each(drop);
    database.close().await;
}

fn hold(cluster: &PrivateCluster) -> (Child, i32) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "private::holder", "--nocapture"])
        .env("QUESTHALL_TEST_HOLD", &cluster.settings.data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let postmaster = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ").map(|pid| pid.parse().unwrap()));
    (child, postmaster.expect("the holder opens its database"))
}

#[tokio::test]
async fn after_a_kill_of_ours_the_next_start_recovers() {
    let cluster = PrivateCluster::new();
    for n in 0..3 {
        let (mut holder, postmaster) = hold(&cluster);
        let tool = Database::open_or_join(&cluster.settings).await.unwrap();
        assert!(tool.cluster().is_none());
        remember(tool.pool(), n).await;
        holder.kill().unwrap();
        if n == 2 {
            // And the postmaster too, before it can obey: its children are on their own.
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(postmaster),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
        holder.wait().unwrap();
        let database = cluster.open().await.unwrap();
        assert_ne!(database.cluster().unwrap().postmaster(), Some(postmaster));
        assert_eq!(kept(database.pool()).await, (0..=n).collect::<Vec<_>>());
        database.close().await;
    }
    assert_eq!(cluster.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let folder = Folder::new();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: making a small disk needs the right to mount");
        return;
    }
    let settings = db::Settings { data_dir: folder.path().join("data"), ..db::Settings::default() };
    let error = private(Database::open(&settings).await.unwrap_err());
    Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(matches!(error, PrivateError::DiskFull { needed_mib: 256, .. }), "{error}");
    assert!(error.to_string().contains("MiB free"), "{error}");
}
