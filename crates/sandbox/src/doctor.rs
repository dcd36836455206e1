//! For `questhall doctor`: which jail holds on this machine, with which Python, and how to mend what is missing.

use std::path::PathBuf;

use serde::Serialize;

use crate::{Config, Rung, Sandbox, StartError};

/// What the machine offers.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    /// The strongest jail that holds. `None`: scripts are refused.
    pub rung: Option<Rung>,
    /// The interpreter that scripts run in.
    pub python: Option<PythonFound>,
    /// Each jail, strongest first, and why it does not hold.
    pub tried: Vec<RungTried>,
    /// What is missing and how to mend it. Empty when nothing is.
    pub findings: Vec<Finding>,
}

/// An interpreter that works in the jail.
#[derive(Debug, Clone, Serialize)]
pub struct PythonFound {
    /// The executable, free of links.
    pub path: PathBuf,
    /// Its version, such as `3.11.2`.
    pub version: String,
    /// Whether scripts can import numpy.
    pub numpy: bool,
}

/// A jail and whether it holds.
#[derive(Debug, Clone, Serialize)]
pub struct RungTried {
    /// The jail.
    pub rung: Rung,
    /// Why it does not hold; `None` when it does.
    pub failure: Option<String>,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is missing.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// Tries every jail with the running binary and the machine's own Python. Takes up to a few seconds.
///
/// The running binary's `main` must begin with [`crate::zygote_main_if_asked`]. May be called from anywhere, also
/// from within an async runtime (which it blocks).
pub fn probe() -> Probe {
    probe_with(&Config::default())
}

/// The same with the operator's settings. `workers` and `allow_unjailed` are not regarded.
pub fn probe_with(config: &Config) -> Probe {
    let config = Config { workers: 1, allow_unjailed: false, ..config.clone() };
    // A thread of its own, for a runtime cannot be started within another.
    let work = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string()).map(|runtime| runtime.block_on(try_all(&config)))
    });
    let failed = |what: String| Probe {
        rung: None,
        python: None,
        tried: Vec::new(),
        findings: vec![Finding {
            what,
            mend: "try again when the machine has resources to spare".to_owned(),
        }],
    };
    match work.join() {
        Ok(Ok(probe)) => probe,
        Ok(Err(error)) => failed(format!("no runtime to probe with: {error}")),
        Err(_) => failed("probing the sandbox panicked".to_owned()),
    }
}

async fn try_all(config: &Config) -> Probe {
    let mut found = Probe { rung: None, python: None, tried: Vec::new(), findings: Vec::new() };
    for rung in Rung::JAILED {
        match Sandbox::start_only(config.clone(), rung).await {
            Ok(sandbox) => {
                if found.rung.is_none() {
                    let (path, version) = sandbox.python();
                    found.rung = Some(rung);
                    found.python = Some(PythonFound {
                        path: path.to_owned(),
                        version: version.map(|n| n.to_string()).join("."),
                        numpy: sandbox.has_numpy(),
                    });
                }
                sandbox.shutdown().await;
                found.tried.push(RungTried { rung, failure: None });
            }
            Err(error @ (StartError::NoPython(_) | StartError::Exe { .. })) => {
                found.findings.push(match &error {
                    StartError::NoPython(reason) => Finding {
                        what: format!("no usable Python: {reason}"),
                        mend: "install Python 3.11 or newer (Debian: apt-get install python3)".to_owned(),
                    },
                    _ => Finding {
                        what: error.to_string(),
                        mend: "run `questhall doctor` from the installed binary".to_owned(),
                    },
                });
                return found;
            }
            Err(error) => {
                // Where a stronger one holds, a weaker one is not missed.
                if found.rung.is_none() {
                    found
                        .findings
                        .push(Finding { what: format!("\"{rung}\" does not hold"), mend: mend(rung) });
                }
                found.tried.push(RungTried { rung, failure: Some(error.to_string()) });
            }
        }
    }
    found
}

/// What an operator can do about a rung that does not hold.
fn mend(rung: Rung) -> String {
    let setting =
        |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    match rung {
        Rung::Namespaces => {
            let mut ways = Vec::new();
            if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
                ways.push("sysctl -w kernel.unprivileged_userns_clone=1");
            }
            if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
                ways.push(
                    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for it",
                );
            }
            if setting("/proc/sys/user/max_user_namespaces") == "0" {
                ways.push("sysctl -w user.max_user_namespaces=10000");
            }
            if ways.is_empty() {
                ways.push(
                    "let the process make namespaces: in a container give it CAP_SYS_ADMIN or a seccomp profile that \
                     allows unshare and mount; outside one, start it as root or allow unprivileged user namespaces",
                );
            }
            ways.join("; ")
        }
        Rung::Landlock => {
            "Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK, and `landlock` among the kernel's \
                           `lsm=` (see /sys/kernel/security/lsm); and a Python that the user nobody can read \
                           (Debian: apt-get install python3)"
                .to_owned()
        }
        Rung::Seccomp => {
            "a kernel with CONFIG_SECCOMP_FILTER; and a Python that the user nobody can read (Debian: \
                          apt-get install python3)"
                .to_owned()
        }
        Rung::Unjailed => "nothing to mend".to_owned(),
    }
}
