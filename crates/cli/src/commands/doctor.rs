//! `questhall doctor`: what is missing on this machine, and how to mend it. Changes nothing.

use std::{
    fmt::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use db::{
    Database,
    migrate::{self, MigrateError},
    private,
};
use migrations::SCHEMA;
use nix::{
    sys::statvfs::statvfs,
    unistd::{AccessFlags, User, access, geteuid},
};
use serde::Serialize;
use server::Settings;

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, counted},
    setup,
};

/// Below this much free disk a new database has no room; below four times as much, not for long.
const DISK_MIB: u64 = 512;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Works, but not as well as it could.
    Poor,
    /// Does not work.
    Bad,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), mend: None }
    }

    fn poor(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Poor, found: found.into(), mend: Some(mend.into()) }
    }

    /// The error's own sentence says how to mend it, unless `mend` does.
    fn bad(what: &'static str, found: impl Into<String>, mend: Option<&str>) -> Self {
        Self { what, verdict: Verdict::Bad, found: found.into(), mend: mend.map(str::to_owned) }
    }
}

pub(crate) async fn run(global: &Global, screen: &Screen) -> Result<(), Failure> {
    let findings = match setup::settings(global, &[]) {
        Ok(settings) => {
            let mut findings = vec![Finding::good("settings", "all are valid"), user()];
            findings.extend(database(&settings).await);
            findings.push(port(&settings));
            findings.extend(jail(&settings));
            findings
        }
        Err(failure) if failure.code() == Code::Unavailable => {
            vec![Finding::bad("settings", failure.to_string(), None)]
        }
        Err(failure) => return Err(failure),
    };
    let works = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    screen.answer(&findings, |findings| told(findings, works))?;
    if works { Ok(()) } else { Err(Failure::no()) }
}

fn told(findings: &[Finding], works: bool) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "✓",
            Verdict::Poor => "!",
            Verdict::Bad => "✗",
        };
        let _ = writeln!(text, "{mark} {:width$}  {}", finding.what, finding.found);
        if let Some(mend) = &finding.mend {
            let _ = writeln!(text, "  {:width$}  → {mend}", "");
        }
    }
    text + if works { "\nQuesthall can run here." } else { "\nQuesthall cannot run here yet." }
}

fn user() -> Finding {
    let uid = geteuid();
    let name = User::from_uid(uid).ok().flatten().map_or_else(|| format!("number {uid}"), |user| user.name);
    Finding::good("user", name)
}

async fn database(settings: &Settings) -> Vec<Finding> {
    if settings.db.url.is_some() {
        return served(settings).await;
    }
    let dir = &settings.db.data_dir;
    let mut findings = vec![
        match private::programs(&settings.db) {
            Ok((folder, major)) => {
                Finding::good("PostgreSQL", format!("version {major} in {}", folder.display()))
            }
            Err(error) => Finding::bad("PostgreSQL", error.to_string(), None),
        },
        data_dir(settings),
    ];
    let nearest = nearest_folder(dir);
    match statvfs(&nearest) {
        Ok(disk) => {
            let mib = disk.blocks_available() * disk.fragment_size() / (1024 * 1024);
            let found = format!("{mib} MiB free at {}", nearest.display());
            let mend = "free some space, or set data_dir to a folder on another disk";
            findings.push(match mib {
                0..DISK_MIB => Finding::bad("disk", found, Some(mend)),
                _ if mib < 4 * DISK_MIB => Finding::poor("disk", found, mend),
                _ => Finding::good("disk", found),
            });
        }
        Err(error) => {
            findings.push(Finding::poor("disk", error.to_string(), "make sure that the disk is mounted"));
        }
    }
    if !matches!(private::occupant(dir), private::Occupant::Nobody) {
        findings.extend(served(settings).await);
    }
    findings
}

/// A database that runs: does it answer, and is its schema ours?
async fn served(settings: &Settings) -> Vec<Finding> {
    let what = "database";
    let database = match Database::open_or_join(&settings.db).await {
        Ok(database) => database,
        Err(error) => return vec![Finding::bad(what, error.to_string(), None)],
    };
    let findings = look_at(&database).await;
    database.close().await;
    findings.unwrap_or_else(|error| vec![Finding::bad(what, error.to_string(), None)])
}

async fn look_at(database: &Database) -> Result<Vec<Finding>, MigrateError> {
    let what = "database";
    let mut connection = database.connect().await?;
    let entries = SCHEMA.status(&mut connection).await?;
    migrate::refuse_strangers(&entries)?;
    let pending = entries.iter().filter(|entry| entry.state == migrate::State::Pending).count();
    if pending > 0 {
        return Ok(vec![Finding::poor(
            what,
            format!("answers, but lacks {}", counted(pending, "migration")),
            "run `questhall db migrate`, or `questhall up`, which does so by itself",
        )]);
    }
    let estranged = jobs::outbox::estranged(&mut connection).await?;
    let readers = match estranged {
        None => Finding::good("outbox", "its readers stand where this PostgreSQL counts"),
        Some(estranged) => Finding::poor(
            "outbox",
            format!("{estranged}: webhooks, announcements and other readers would skip what happens now"),
            "start a node, or run `questhall audit --repair`: either goes on above everything given out before",
        ),
    };
    Ok(vec![Finding::good(what, "answers, and its schema is up to date"), readers])
}

fn data_dir(settings: &Settings) -> Finding {
    let what = "data folder";
    let dir = &settings.db.data_dir;
    let nearest = nearest_folder(dir);
    if access(&nearest, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        return Finding::bad(
            what,
            format!("{} cannot be written by this user", nearest.display()),
            Some("change its owner, or set data_dir (--data-dir) to another folder"),
        );
    }
    match private::account(&settings.db) {
        Ok(account) => {
            let state = if dir.join("postgres").is_dir() { "" } else { ", made at the first start" };
            Finding::good(what, format!("{}, PostgreSQL runs as {account}{state}", dir.display()))
        }
        Err(error) => Finding::bad(what, error.to_string(), None),
    }
}

fn port(settings: &Settings) -> Finding {
    let what = "port";
    let listen = settings.http.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Finding::good(what, format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => in_use(settings, listen),
        Err(error) => Finding::bad(
            what,
            format!("{listen} cannot be listened on: {error}"),
            Some(
                "set http.listen (--set http.listen=127.0.0.1:8081) to an address of this machine; ports below 1024 are root's",
            ),
        ),
    }
}

fn in_use(settings: &Settings, listen: SocketAddr) -> Finding {
    let mend = "stop what listens there, or set http.listen to another port (`questhall up --listen 127.0.0.1:8081`)";
    if settings.db.url.is_none()
        && !matches!(private::occupant(&settings.db.data_dir), private::Occupant::Nobody)
    {
        return Finding::good("port", format!("{listen} is in use, as it should be while Questhall runs"));
    }
    Finding::bad("port", format!("{listen} is in use"), Some(mend))
}

fn jail(settings: &Settings) -> Vec<Finding> {
    if !settings.sandbox.enabled {
        return vec![Finding::poor(
            "jail",
            "switched off: this node runs no scripts",
            "set sandbox.enabled = true, unless another node runs them",
        )];
    }
    let probe = sandbox::probe_with(&settings.sandbox.config());
    // A finding for each jail that does not hold, strongest first; those weaker than the one that does are no loss.
    let stronger = probe.tried.iter().take_while(|tried| tried.failure.is_some()).count();
    let lost = if probe.rung.is_some() {
        &probe.findings[..stronger.min(probe.findings.len())]
    } else {
        &probe.findings
    };
    let mends = || lost.iter().map(|f| format!("{}: {}", f.what, f.mend)).collect::<Vec<_>>().join("; ");
    let python = match &probe.python {
        Some(python) => {
            let numpy = if python.numpy { "with" } else { "without" };
            Finding::good("Python", format!("{} in {}, {numpy} numpy", python.version, python.path.display()))
        }
        None => Finding::bad("Python", "none that works in the jail", Some(&mends())),
    };
    let jail = match (probe.rung, lost.is_empty()) {
        (Some(rung), true) => Finding::good("jail", rung.to_string()),
        (Some(rung), false) => {
            Finding::poor("jail", rung.to_string(), format!("for a stronger one: {}", mends()))
        }
        (None, _) if settings.sandbox.allow_unjailed => Finding::poor(
            "jail",
            "none holds, and sandbox.allow_unjailed says to run scripts without one",
            mends(),
        ),
        (None, _) => Finding::bad("jail", "none holds, so no script is run", Some(&mends())),
    };
    vec![python, jail]
}

/// The folder itself, or the nearest one above it that exists.
fn nearest_folder(dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/")).to_owned()
}
