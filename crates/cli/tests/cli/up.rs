//! `questhall up` from a fresh folder to a clean end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Stdio},
};

use db::testing::PrivateCluster;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::terminal::{Answer, questhall, run};

/// A running `questhall up`. Killed when dropped.
pub(crate) struct Up {
    child: Child,
    pub(crate) answer: Value,
}

impl Up {
    /// Starts it on any free port and waits until it says that it is up.
    pub(crate) fn start(data_dir: &Path, more: &[&str]) -> Self {
        let fixed = ["--json", "--data-dir", data_dir.to_str().unwrap(), "up", "--listen", "127.0.0.1:0"];
        let mut child = questhall(fixed.iter().chain(more))
            // Beside everything else that a machine does that tests, what was begun may take its time to be finished.
            .env("QUESTHALL_WORKERS__STOP_TIMEOUT", "2m")
            .env("QUESTHALL_HTTP__DRAIN_TIMEOUT", "2m")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary runs");
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            if let Ok(answer) = serde_json::from_str(&text) {
                return Self { child, answer };
            }
        }
        panic!("it ended before it was up: {:?}, having said {text:?}", child.wait());
    }

    /// The body of what is at this path, with the administrator's key.
    fn get(&self, path: &str) -> (u16, String) {
        let url = self.answer["url"].as_str().unwrap();
        let key = std::fs::read_to_string(self.answer["admin_key_file"].as_str().unwrap()).unwrap();
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: questhall\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            key.trim()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        (status, response.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Asks it to stop, as a service manager does, and waits for its end.
    pub(crate) fn stop(mut self) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Ended already in most cases.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_comes_up_on_a_fresh_folder_is_joined_refuses_a_second_and_stops_cleanly() {
    let cluster = PrivateCluster::new();
    let dir = cluster.settings.data_dir.clone();
    let arguments = |more: &[&str]| {
        ["--data-dir".to_owned(), dir.display().to_string()]
            .into_iter()
            .chain(more.iter().map(|&argument| argument.to_owned()))
            .collect::<Vec<_>>()
    };
    let up = Up::start(&dir, &[]);
    assert_eq!(up.get("/readyz").0, 200);
    let key_file = dir.join("admin.key");
    assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let (status, body) = up.get("/api/v1/guilds/7/campaigns");
    assert_eq!(status, 200, "{body}");
    // Nobody's guild is known: whoever started it gets a link to set one up. Looking at it does not use it.
    let link =
        up.answer["set_up"].as_str().unwrap().strip_prefix(up.answer["url"].as_str().unwrap()).unwrap();
    for _ in 0..2 {
        let (status, body) = up.get(link);
        assert_eq!(status, 200, "{body}");
    }

    // Tools use the database that runs.
    let listed = run(arguments(&["key", "list", "--json"])).ends_with(0).json();
    assert_eq!(listed[0]["name"], "administrator");
    run(arguments(&["doctor"])).says("answers, and its schema is up to date");

    // Another one has to have another folder.
    let second: Answer = questhall(arguments(&["up", "--listen", "127.0.0.1:0"])).output().unwrap().into();
    second.ends_with(3).says("in use by another Questhall");

    assert_eq!(up.stop(), Some(0));
    assert_eq!(cluster.processes(), [0; 0]);

    // The key outlives the process.
    let before = std::fs::read_to_string(&key_file).unwrap();
    let up = Up::start(&dir, &[]);
    assert_eq!(up.get("/api/v1/guilds/7/campaigns").0, 200);
    assert_eq!(std::fs::read_to_string(&key_file).unwrap(), before);
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn a_taken_port_is_refused_and_leaves_nothing_running() {
    let cluster = PrivateCluster::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(["--data-dir", cluster.settings.data_dir.to_str().unwrap(), "up", "--listen", &address])
        .ends_with(3)
        .says(&format!("cannot listen on {address}"));
    assert_eq!(cluster.processes(), [0; 0]);
    assert!(!cluster.settings.data_dir.exists(), "the port is looked at before a database is made");
}

#[test]
fn the_demo_has_a_leaderboard_and_is_found_again() {
    let cluster = PrivateCluster::new();
    let dir = cluster.settings.data_dir.clone();
    let list = || {
        let answer = run(["--data-dir", dir.to_str().unwrap(), "--json", "campaign", "list"]).ends_with(0);
        answer.json().as_array().unwrap().clone()
    };
    let up = Up::start(&dir, &["--demo", "--demo-events", "30000"]);
    let campaign = up.answer["demo_campaign"].clone();
    let (status, body) =
        up.get(&format!("/api/v1/guilds/1/campaigns/{}/leaderboard", campaign.as_str().unwrap()));
    assert_eq!(status, 200, "{body}");
    let board: Value = serde_json::from_str(&body).unwrap();
    assert!(board["items"].as_array().is_some_and(|items| items.len() > 10), "{board:#}");
    let path = up.answer["demo_path"].clone();
    let (status, body) = up.get(&format!("/api/v1/guilds/1/learning/paths/{}", path.as_str().unwrap()));
    assert_eq!(status, 200, "{body}");
    let course: Value = serde_json::from_str(&body).unwrap();
    assert!(course["quests"].as_array().is_some_and(|quests| quests.len() >= 12), "{course:#}");
    let (_, waiting) = up.get("/api/v1/guilds/1/assessment/submissions?limit=5");
    let waiting: Value = serde_json::from_str(&waiting).unwrap();
    assert!(waiting["items"].as_array().is_some_and(|items| !items.is_empty()), "nothing is to be graded");
    // A season of history, true to its journals, and two links that sign in whoever is at this machine.
    let (_, health) = up.get("/api/v1/guilds/1/lake");
    let events = |text: &str| -> u64 {
        let health: Value = serde_json::from_str(text).unwrap();
        health["days"].as_array().unwrap().iter().map(|day| day["events"].as_u64().unwrap()).sum()
    };
    assert!(events(&health) > 2_000, "{health}");
    for link in ["demo_owner", "demo_member"] {
        let link = up.answer[link].as_str().unwrap().to_owned();
        let (status, _) = up.get(link.strip_prefix(up.answer["url"].as_str().unwrap()).unwrap());
        assert_eq!(status, 303, "{link}");
    }
    let campaigns = |campaigns: &[Value]| -> Vec<(String, String)> {
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        campaigns.iter().map(|one| (text(one, "id"), text(one, "status"))).collect()
    };
    let before = campaigns(&list());
    let count = |status: &str| before.iter().filter(|(_, of)| of == status).count();
    assert_eq!((count("EXPIRED"), count("RUNNING"), count("CREATED")), (2, 1, 1), "{before:?}");
    let cases = |up: &Up| up.get("/api/v1/guilds/1/moderation/cases?limit=1").1;
    let (_, purchases) = up.get("/api/v1/guilds/1/shop/purchases?limit=200");
    let latest_case = cases(&up);
    assert_eq!(up.stop(), Some(0));
    run(["--data-dir", dir.to_str().unwrap(), "audit"]).ends_with(0);

    // A second start adds nothing but what is said meanwhile.
    let up = Up::start(&dir, &["--demo", "--demo-events", "30000"]);
    assert_eq!((&up.answer["demo_path"], &up.answer["demo_campaign"]), (&path, &campaign));
    assert_eq!(campaigns(&list()), before);
    assert_eq!(up.get("/api/v1/guilds/1/shop/purchases?limit=200").1, purchases);
    assert_eq!(cases(&up), latest_case);
    assert_eq!(up.stop(), Some(0));
    run(["--data-dir", dir.to_str().unwrap(), "audit"]).ends_with(0);
}
