//! A server as an operator starts it: how soon it is ready, and how much memory it holds while nothing happens.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::figure::{Figure, Target, Unit};
use crate::ground::Folder;
use crate::process::Server;
use crate::progress;

const SECTION: &str = "server";

pub(crate) async fn measure(program: &Path, quick: bool) -> Result<Vec<Figure>> {
    let _spinner = progress::spinner("starting a server");
    let folder = Folder::make("questhall-bench-server")?;
    let data_dir = folder.0.join("data").display().to_string();
    let args = ["up", "--data-dir", &data_dir];
    let server = Server::start(program, &args).await?;
    let new = server.ready_after.as_secs_f64();
    server.stop().await?;
    let server = Server::start(program, &args).await?;
    let existing = server.ready_after.as_secs_f64();
    // Idle: what starting took has been given back, and the periodic jobs have run.
    tokio::time::sleep(if quick { Duration::from_millis(100) } else { Duration::from_secs(65) }).await;
    let pid = server.pid().context("the server has ended")?;
    let own = memory(pid, "status", "VmRSS:")?;
    let code = memory(pid, "status", "RssFile:")?;
    let helpers = helpers(pid);
    server.stop().await?;
    Ok(vec![
        Figure::new(SECTION, "ready on a new cluster", new, Unit::Seconds).target(Target::AtMost(15.0)),
        Figure::new(SECTION, "ready on an existing cluster", existing, Unit::Seconds)
            .target(Target::AtMost(2.0)),
        Figure::new(SECTION, "memory of the idle server", own, Unit::Mebibytes).target(Target::AtMost(40.0)),
        Figure::new(SECTION, "of it the program's own file, mapped", code, Unit::Mebibytes),
        Figure::new(SECTION, "memory of its waiting script runners", helpers, Unit::Mebibytes),
    ])
}

/// A line of a file under `/proc/<pid>`, in MiB.
fn memory(pid: u32, file: &str, name: &str) -> Result<f64> {
    let path = format!("/proc/{pid}/{file}");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("the kernel does not say")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// The descendants' memory that they do not share with others, PostgreSQL's not counted.
fn helpers(server: u32) -> f64 {
    let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent(pid)?)))
        .collect();
    let mut family = vec![server];
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen];
        family.extend(
            processes.iter().filter(|(pid, of)| *of == parent && !is_postgres(*pid)).map(|(pid, _)| *pid),
        );
        seen += 1;
    }
    family[1..].iter().filter_map(|pid| memory(*pid, "smaps_rollup", "Pss:").ok()).sum()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may hold anything: the state, then the parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn is_postgres(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}
