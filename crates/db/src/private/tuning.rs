//! The private PostgreSQL's configuration, fitted to the machine.
//!
//! The rules of thumb are PostgreSQL's own (documentation, chapter 20) and pgtune's, held low enough that Questhall,
//! its Python sandboxes and the page cache share the machine with it. Nothing here trades durability for speed,
//! except [`Durability::Fast`], which tests use for databases that may be lost.

use std::{fmt::Write, fs, path::Path, thread::available_parallelism, time::Duration};

const MIB: u64 = 1024 * 1024;

/// Whether a commit survives the loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Everything committed stays.
    Full,
    /// Nothing is synced to disk. Only for tests.
    Fast,
}

/// What the machine has for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Memory in bytes: the machine's, or the container's limit when that is lower.
    pub memory: u64,
    /// Cores we may use.
    pub cores: u32,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let total = read("/proc/meminfo").as_deref().and_then(parse_meminfo).unwrap_or(1024 * MIB);
        let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
        let cores = available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Self { memory: limit.map_or(total, |limit| limit.min(total)), cores }
    }
}

fn parse_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The text of `questhall.conf`.
pub(super) fn configuration(
    machine: Machine,
    max_connections: u32,
    slow_query: Duration,
    durability: Durability,
    lz4: bool,
) -> String {
    let memory = machine.memory / MIB;
    let connections = u64::from(max_connections.max(1));
    // A quarter of the memory, as the manual advises; more than 4 GiB gains nothing at a community's size.
    let shared_buffers = (memory / 4).clamp(32, 4096);
    // Each of the connections may sort or hash twice at once; together they stay within another quarter.
    let work_mem = (memory / 4 / (connections * 2)).clamp(4, 64);
    let maintenance_work_mem = (memory / 16).clamp(32, 1024);
    // A checkpoint makes every page that changes after it go into the log whole once: the rarer, the less is written. Twice this much
    // may have to be read after a crash.
    let max_wal_size = (memory / 6).clamp(2048, 4096);
    let cores = machine.cores.max(1);
    let slow = if slow_query.is_zero() { -1 } else { i64::try_from(slow_query.as_millis()).unwrap_or(-1) };
    let settings = [
        ("max_connections", max_connections.to_string()),
        ("shared_buffers", format!("{shared_buffers}MB")),
        ("effective_cache_size", format!("{}MB", (memory * 5 / 8).max(64))),
        ("work_mem", format!("{work_mem}MB")),
        ("maintenance_work_mem", format!("{maintenance_work_mem}MB")),
        ("max_worker_processes", (cores + 6).max(8).to_string()),
        ("max_parallel_workers", cores.to_string()),
        ("max_parallel_workers_per_gather", (cores / 2).min(4).to_string()),
        ("max_parallel_maintenance_workers", (cores / 2).clamp(1, 4).to_string()),
        // Short statements, many times: compiling them costs more than it saves.
        ("jit", "off".to_owned()),
        // Solid-state disks.
        ("random_page_cost", "1.1".to_owned()),
        ("effective_io_concurrency", "100".to_owned()),
        // Checkpoints by time, not by volume: fewer full-page images.
        ("checkpoint_timeout", "10min".to_owned()),
        ("checkpoint_completion_target", "0.9".to_owned()),
        // One call instead of one per file before a crash's log is replayed: 10 ms against 800 and more. Linux reports
        // write errors through it from 5.8 on.
        ("recovery_init_sync_method", "syncfs".to_owned()),
        ("max_wal_size", format!("{max_wal_size}MB")),
        ("min_wal_size", "128MB".to_owned()),
        // Its own method takes a tenth of the processor when much is written.
        ("wal_compression", if lz4 { "lz4" } else { "on" }.to_owned()),
        // Timers and outbox rows die quickly; clean up behind them without a long pause between.
        ("autovacuum_naptime", "15s".to_owned()),
        ("autovacuum_vacuum_cost_limit", "1000".to_owned()),
        // A sample costs the same at any size. After each tenth that a table grows, as it is by default, samples took 7 % of the
        // processor while a lake was filled.
        ("autovacuum_analyze_scale_factor", "0.3".to_owned()),
        ("idle_session_timeout", "0".to_owned()),
        ("client_encoding", "UTF8".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("log_line_prefix", "'%m [%p] %a '".to_owned()),
        ("log_min_duration_statement", slow.to_string()),
        ("log_checkpoints", "off".to_owned()),
        ("log_lock_waits", "on".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("cluster_name", "questhall".to_owned()),
    ];
    let durable: &[(&str, &str)] = match durability {
        Durability::Full => &[("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")],
        Durability::Fast => &[
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_wal_size", "256MB"),
            ("min_wal_size", "80MB"),
            // Copying a template would write all of it through the compressor: twice the time.
            ("wal_compression", "off"),
            ("autovacuum_naptime", "1min"),
        ],
    };
    let mut text = String::from(
        "# Written by Questhall at every start for this machine; changes here are lost.\n\
         # Use ALTER SYSTEM for settings of your own: they win over these.\n",
    );
    let own = settings.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain(durable.iter().copied()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

/// `pg_hba.conf`: only the socket, only by the operating system's word for who is asking, only the two users mapped in
/// [`identities`]. Should the folder's permissions ever be loosened, this still holds.
pub(super) fn host_based_access() -> &'static str {
    "# Written by Questhall at every start.\nlocal all all peer map=questhall\n"
}

/// `pg_ident.conf`: whoever runs Questhall and whoever runs PostgreSQL are its superuser.
pub(super) fn identities(users: &[&str], superuser: &str) -> String {
    let mut text = String::from("# Written by Questhall at every start.\n");
    for user in users {
        let _ = writeln!(text, "questhall \"{user}\" {superuser}");
    }
    text
}

/// The line that makes `postgresql.conf` read ours last.
pub(super) const INCLUDE: &str = "\ninclude_if_exists = 'questhall.conf'\n";

/// Free space of the file system that holds `path`, in MiB.
pub(crate) fn free_mib(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks_available() * stat.fragment_size() / MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(memory_mib: u64, cores: u32, connections: u32) -> String {
        let machine = Machine { memory: memory_mib * MIB, cores };
        configuration(machine, connections, Duration::from_millis(500), Durability::Full, true)
    }

    #[test]
    fn small_and_large_machines_get_what_they_can_bear() {
        let small = conf(512, 1, 50);
        for line in [
            "shared_buffers = 128MB",
            "work_mem = 4MB",
            "maintenance_work_mem = 32MB",
            "max_parallel_workers = 1",
            "max_wal_size = 2048MB",
        ] {
            assert!(small.contains(&format!("\n{line}\n")), "{line} missing in\n{small}");
        }
        let large = conf(64 * 1024, 16, 60);
        for line in ["shared_buffers = 4096MB", "effective_cache_size = 40960MB", "work_mem = 64MB"] {
            assert!(large.contains(&format!("\n{line}\n")), "{line} missing in\n{large}");
        }
    }

    #[test]
    fn the_log_is_compressed_by_what_there_is() {
        assert!(conf(1024, 2, 50).contains("\nwal_compression = lz4\n"));
        let machine = Machine { memory: 1024 * MIB, cores: 2 };
        let without = configuration(machine, 50, Duration::ZERO, Durability::Full, false);
        assert!(without.contains("\nwal_compression = on\n"));
    }

    #[test]
    fn durable_means_durable() {
        let text = conf(1024, 2, 50);
        for line in ["fsync = on", "synchronous_commit = on", "full_page_writes = on", "jit = off"] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}");
        }
        assert!(!text.contains("= off\nfsync") && !text.contains("fsync = off"));
    }

    #[test]
    fn memory_is_read_from_meminfo() {
        assert_eq!(parse_meminfo("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2 * MIB));
        assert_eq!(parse_meminfo("MemFree: 1 kB\n"), None);
        let here = Machine::here();
        assert!(here.memory > 64 * MIB && here.cores >= 1);
    }
}
