//! Which jail holds, and what happens where none does.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sandbox::{Config, Rung, Sandbox, StartError};

use super::{config, job, on_rung, printed, short};

/// A folder that everybody can look into, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("questhall-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        Self(path)
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn every_rung_says_what_it_is() {
    for rung in Rung::JAILED {
        let sandbox = on_rung(rung, short()).await;
        assert!(sandbox.rung() >= rung);
        assert_ne!(sandbox.rung(), Rung::Unjailed);
        assert_eq!(printed(&sandbox, "print(1 + 1)").await, "2");
        assert!(sandbox.python().1 >= [3, 11, 0]);
    }
}

/// In the strongest jail a script has no user, no host name and no process but its own and its zygote.
#[tokio::test]
async fn the_first_rung_hides_the_machine() {
    let sandbox = on_rung(Rung::Namespaces, short()).await;
    if sandbox.rung() != Rung::Namespaces {
        return;
    }
    let script = "import os\nprint(os.getuid(), os.getgid(), os.getppid(), os.getcwd(), os.path.exists('/etc'), \
                  os.path.exists('/proc'), os.path.exists('/home'), os.path.exists('/dev'))";
    assert_eq!(printed(&sandbox, script).await, "65534 65534 1 /campaign/03-maze True False False False");
    // Of /etc there is the list of shared libraries that the loader reads, and nothing else.
    let script =
        "import os\nprint([n for n in ('passwd', 'hostname', 'ld.so.cache') if os.path.exists('/etc/' + n)])";
    assert_eq!(printed(&sandbox, script).await, "['ld.so.cache']");
}

#[tokio::test]
async fn without_a_usable_python_nothing_starts() {
    let folder = Folder::new("no-python");
    let old = folder.program(
        "old",
        "#!/bin/sh\necho '{\"executable\": \"/x\", \"version\": [3, 8, 1], \"home\": \"\", \"stdlib\": [], \"mapped\": \
         [], \"data\": [], \"loader\": null, \"site\": null, \"numpy\": [], \"ctypes\": true}'\n",
    );
    let broken = folder.program("broken", "#!/bin/sh\necho 'no such luck' >&2\nexit 3\n");
    let talkative = folder.program("talkative", "#!/bin/sh\necho hello\n");
    for (python, words) in [
        (old, "is Python 3.8.1; 3.11 is needed"),
        (broken, "no such luck"),
        (talkative, "answered strangely"),
        (folder.0.join("absent"), "cannot be run"),
    ] {
        let result = Sandbox::start(Config { python: Some(python), ..config(1) }).await;
        let Err(error @ StartError::NoPython(_)) = result else { panic!("it started") };
        assert!(
            error.to_string().contains(words) && error.to_string().contains("apt-get install"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_binary_that_is_no_zygote_is_refused_with_its_reason() {
    let result = Sandbox::start(Config { exe: "/nonexistent".into(), ..config(1) }).await;
    assert!(matches!(result, Err(StartError::Exe { .. })));
    for exe in ["/bin/true", "/bin/false"] {
        let Err(error) = Sandbox::start(Config { exe: exe.into(), ..config(1) }).await else {
            panic!("it started")
        };
        assert!(
            matches!(error, StartError::NoJail(_)) && error.to_string().contains("allow_unjailed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_a_jail_scripts_run_only_when_the_operator_says_so() {
    let Err(error) = Sandbox::start_from(config(1), Rung::Unjailed).await else { panic!("it started") };
    assert!(matches!(error, StartError::NoJail(_)), "{error}");
    let allowed = Config { allow_unjailed: true, limits: short(), ..config(1) };
    let sandbox = Sandbox::start_from(allowed.clone(), Rung::Unjailed).await.unwrap();
    assert_eq!(sandbox.rung(), Rung::Unjailed);
    assert_eq!(
        printed(&sandbox, "import os\nprint(len(os.listdir('/')) > 3, os.environ['QUESTHALL_SEED'])").await,
        "True seed"
    );
    // The limits hold all the same.
    assert!(sandbox.run(1, job("while True: pass")).await.unwrap_err().is_authors());
    sandbox.shutdown().await;
    // Where there is a jail, the permission changes nothing.
    assert_ne!(Sandbox::start(allowed).await.unwrap().rung(), Rung::Unjailed);
}

/// Started by root, a script is nobody; started by an ordinary user, there is a jail as well.
#[test]
fn an_ordinary_user_gets_a_jail_too() {
    let folder = Folder::new("ordinary-user");
    let binary = folder.0.join("sandbox-zygote");
    std::fs::copy(env!("CARGO_BIN_EXE_sandbox-zygote"), &binary).unwrap();
    let script = folder.program("generate.py", "import os\nprint(os.environ['QUESTHALL_SEED'])");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        if nix::unistd::getuid().is_root() {
            command.uid(12_345).gid(12_345);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let probe: serde_json::Value = serde_json::from_str(&run(&["--probe"])).unwrap();
    assert!(probe["rung"].is_string(), "{probe}");
    assert_eq!(run(&[script.to_str().unwrap(), "a seed"]), "a seed\n");
}

/// An interpreter below a folder that only root may enter still works for root, through the first rung.
#[tokio::test]
async fn the_interpreter_may_be_where_only_root_can_read() {
    let hidden = ["/root/.pyenv/versions", "/home"].into_iter().find_map(|folder| {
        let names = ["bin/python3.11", "bin/python3.12", "bin/python3.13", "bin/python3.14"];
        let versions = Path::new(folder).read_dir().ok()?.flatten();
        versions.flat_map(|version| names.map(|name| version.path().join(name))).find(|path| path.is_file())
    });
    let Some(python) = hidden.filter(|_| nix::unistd::getuid().is_root()) else {
        eprintln!("skipped: no interpreter is hidden here, or we are not root");
        return;
    };
    let sandbox = Sandbox::start(Config { python: Some(python), ..config(1) }).await.unwrap();
    assert_eq!(sandbox.rung(), Rung::Namespaces);
    assert_eq!(printed(&sandbox, "import decimal\nprint(decimal.Decimal(1) / 4)").await, "0.25");
}

#[test]
fn the_doctor_says_which_rung_holds() {
    let probe = sandbox::probe_with(&config(1));
    assert_eq!(probe.tried.len(), 3);
    assert_eq!(probe.rung, probe.tried.iter().find(|tried| tried.failure.is_none()).map(|tried| tried.rung));
    assert!(probe.python.is_some_and(|python| python.path.is_file()));
    let missed = probe.tried.iter().take_while(|tried| tried.failure.is_some()).count();
    assert_eq!(probe.findings.len(), missed);

    let probe = sandbox::probe_with(&Config { python: Some("/nonexistent".into()), ..config(1) });
    assert!(probe.rung.is_none() && probe.findings[0].mend.contains("apt-get install python3"));
}
