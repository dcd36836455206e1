//! On what the figures were taken: without it they say nothing.

use std::{fmt, fs, thread::available_parallelism};

use serde::Serialize;

/// The machine, the server and the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that we may use.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub system: String,
    /// PostgreSQL's version, and the settings that figures depend on.
    pub postgresql: String,
    /// Questhall's version and, if the build knew it, its commit.
    pub questhall: String,
    /// Whether the program was built with optimisation.
    pub optimised: bool,
}

impl Machine {
    /// This machine, with what PostgreSQL and the program say of themselves.
    pub fn here(postgresql: String, questhall: String) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']))
            .to_owned();
        let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor,
            cores: available_parallelism().map_or(1, usize::from),
            memory_mib: db::private::Machine::here().memory >> 20,
            system: format!("Linux {}", system.trim()),
            postgresql,
            questhall,
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory_mib, system, postgresql, questhall, optimised } = self;
        let build = if *optimised { "" } else { ", debug build" };
        writeln!(
            f,
            "Questhall {questhall}{build} · {processor}, {cores} cores, {memory_mib} MiB · {system}"
        )?;
        write!(f, "{postgresql}")
    }
}
