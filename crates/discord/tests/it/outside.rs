//! Clients that nobody here wrote hold a session with the stand-in: whether it is like Discord is theirs to say. And our bot holds one with a Discord that
//! nobody here wrote ([`simcord`]). `script/check-discord` installs them.

mod simcord;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::stand_in::gateway::Gateway;
use crate::stand_in::{APPLICATION, StandIn, TOKEN};

/// How long a session may take.
const PATIENCE: Duration = Duration::from_mins(3);

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where the clients are.
fn clients() -> PathBuf {
    let told = std::env::var("QUESTHALL_DISCORD_CLIENTS");
    told.expect("script/check-discord says where the clients are").into()
}

/// A client connects, is told of a guild, posts, edits, deletes, registers a command; is told of a message, a new member and somebody who types the
/// command, and answers.
async fn session(program: &str, script: &str) {
    let clients = clients();
    let discord = StandIn::start().await;
    let gateway = Gateway::start().await;
    discord.with(|known| known.gateway.clone_from(&gateway.url));
    {
        let mut memory = gateway.memory.lock().unwrap();
        memory.guilds.push(1);
        // As Discord has it.
        memory.pace = Some(41_250);
    }
    let program = if program.contains('/') { clients.join(program) } else { program.into() };
    let child = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside").join(script))
        .envs([("API", discord.url.as_str()), ("GATEWAY", &gateway.url), ("TOKEN", TOKEN)])
        .env("APPLICATION", APPLICATION.to_string())
        .env("NODE_PATH", clients.join("node_modules"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    until("a session", || gateway.memory.lock().unwrap().ready > 0).await;
    gateway.happens("GUILD_CREATE", discord.with(|known| known.guild_create(1)));
    let said = || -> Vec<String> {
        let messages = discord.with(|known| known.messages.get(&50).cloned().unwrap_or_default());
        messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    };
    until("“ready”", || said().iter().any(|text| text == "ready")).await;
    assert_eq!(said(), ["ready"], "what was deleted is gone");
    gateway.happens("MESSAGE_CREATE", discord.with(|known| known.writes(1, 50, 7, "how are you?")));
    gateway.happens("GUILD_MEMBER_ADD", discord.with(|known| known.joins(1, 12)));
    let asked = discord.with(|known| known.types(1, 50, 8, "ping"));
    let number: i64 = asked["id"].as_str().unwrap().parse().unwrap();
    gateway.happens("INTERACTION_CREATE", asked);
    let mut status = None;
    let began = std::time::Instant::now();
    while status.is_none() {
        assert!(began.elapsed() < PATIENCE, "the client never ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
        status = child.0.try_wait().unwrap();
    }
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    let answer =
        discord.with(|known| known.callbacks.get(&number).cloned()).expect("the command was answered");
    assert_eq!(
        (answer["type"].as_i64(), answer["data"]["content"].as_str()),
        (Some(4), Some("pong")),
        "{answer}"
    );
    assert_eq!(gateway.greetings(), ["identify"]);
    discord.verdict();
}

/// A process that goes with its test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[tokio::test]
#[ignore = "needs clients from PyPI and npm: script/check-discord installs them"]
async fn hikari_holds_a_session() {
    session("venv/bin/python", "hikari_session.py").await;
}

#[tokio::test]
#[ignore = "needs clients from PyPI and npm: script/check-discord installs them"]
async fn discord_py_holds_a_session() {
    session("venv/bin/python", "discord_py_session.py").await;
}

#[tokio::test]
#[ignore = "needs clients from PyPI and npm: script/check-discord installs them"]
async fn discord_js_holds_a_session() {
    session("node", "discord_js_session.cjs").await;
}
