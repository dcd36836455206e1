//! Our bot against simcord, which is no work of ours: it knows permissions, who stands above whom, and what may become of an interaction. Who types,
//! presses and writes are its own people, who can do nothing that Discord's client would not let them do; what they do and hear is told in
//! `tests/outside/simcord_session.py`, and what simcord lacks in `simcord_shim.py`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use access::testing::means;
use access::{Author, By, Origin};
use jobs::{Node, Wake};
use kernel::{GuildId, RoleId};
use serde_json::{Value, json};
use squads::NewSquad;

use super::{Killed, PATIENCE, clients};
use crate::chat::{Chat, SLICES};
use crate::stand_in::TOKEN;

/// What an operator wrote before: a squad with a role, a rule, a quest with a quiz.
async fn stage(chat: &Chat, guild: GuildId, role: RoleId) {
    let (pool, origin) = (chat.pool(), Origin::default());
    people::guild_ensure(&mut pool.acquire().await.unwrap(), guild, None).await.unwrap();
    let owls = NewSquad {
        name: "Owls".into(),
        description: None,
        role_id: Some(role),
        switch_cost: 50,
        max_members: None,
    };
    squads::ops::squad_create(pool, guild, owls, By::Cli, &origin).await.unwrap();
    let rule = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["badword"] }, "action": "warn" });
    let by = Author::new(By::Cli, &origin);
    moderation::ops::rules::rule_create(pool, guild, serde_json::from_value(rule).unwrap(), by)
        .await
        .unwrap();
    let question = json!({
        "slug": "a", "type": "single", "text": "Is a tree tall?", "points": 1,
        "choices": [{ "slug": "y", "text": "Yes", "right": true }, { "slug": "n", "text": "No" }],
    });
    let step =
        json!({ "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "questions": [question] } });
    let quest = json!({ "title": "trees", "type": "Tutorial", "difficulty": "Beginner", "experience_points": 10, "steps": [step] });
    let author = learning::ops::Author { by: By::Cli, origin: &origin };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(pool, guild, "trees", &quest, author).await.unwrap();
    learning::ops::quest_publish(pool, guild, made.id, author).await.unwrap();
}

async fn list(chat: &Chat, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(chat.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs simcord from PyPI: script/check-discord installs it"]
async fn our_bot_holds_a_session_with_it() {
    let child = Command::new(clients().join("venv/bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/simcord_session.py"))
        .env("TOKEN", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let mut told = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let found: Value = serde_json::from_str(&told.next().expect("it says where it is").unwrap()).unwrap();
    let of = |name: &str| found[name].as_str().unwrap().to_owned();
    let chat = Chat::made(
        |settings| {
            settings.application_id = Some(of("application"));
            settings.api_url = of("api");
            settings.gateway = true;
            settings.message_content = true;
            // It waits no longer than Discord does.
            settings.promise = discord::DiscordSettings::default().promise;
        },
        None,
    )
    .await;
    stage(&chat, of("guild").parse().unwrap(), of("role").parse().unwrap()).await;
    let wake = Wake::new();
    let node = Node::start(chat.pool().clone(), "simcord", "0", &[], wake.clone()).await.unwrap();
    let means = means(chat.pool()).with(chat.bot.clone());
    (discord::SLICE.workers)(&means, &node.handle());
    for slice in SLICES {
        (slice.consumers)(&means).start(chat.pool(), &node.handle(), &wake);
    }
    let played = tokio::task::spawn_blocking(move || told.next());
    let played = tokio::time::timeout(PATIENCE, played).await.expect("it plays within a minute");
    assert!(matches!(played.unwrap(), Some(Ok(line)) if line == "played"), "the people were not content");

    let heard =
        "SELECT event_type FROM lake.event_lake WHERE event_type <> 'member_join' ORDER BY timestamp, id";
    let all = ["message_create", "message_create", "member_leave", "voice_join", "voice_leave"];
    for _ in 0..6_000 {
        if list(&chat, heard).await.len() >= all.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(list(&chat, heard).await, all);
    // What was done by commands is no case for a second time because Discord's audit log tells of it.
    let cases = "SELECT action || ' ' || effect_state FROM moderation.moderation_cases ORDER BY case_number";
    let expected =
        ["warn none", "timeout applied", "untimeout applied", "ban failed", "ban applied", "unban applied"];
    assert_eq!(list(&chat, cases).await, expected);
    let why = "SELECT effect_error FROM moderation.moderation_cases WHERE effect_state = 'failed'";
    let above = "The bot may not ban this person: it needs Ban Members, and a role above theirs; owners and administrators cannot be banned by it.";
    assert_eq!(list(&chat, why).await, [above]);
    assert_eq!(list(&chat, "SELECT name FROM lake.categories").await, ["Talk"]);
    drop(child.0.stdin.take());
    let status = tokio::task::spawn_blocking(move || child.0.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    node.stop(Duration::from_mins(2)).await.unwrap();
}
