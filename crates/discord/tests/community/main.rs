//! A community plays a campaign, a season and a learning path by commands alone, while Discord misbehaves: it limits, breaks off, answers with pages of
//! HTML, asks for new connections, and forgets sessions. Afterwards everything that is counted is what its journal says.
//!
//! `QUESTHALL_COMMUNITY` says how many members there are, 30 unless told; each of them plays all of it, and the faults go on for as long as that takes.
//! A thousand take minutes. Inputs come from real scripts in the real sandbox, which starts this very binary
//! again: so this test has a `main` of its own, as has that of programs that learners hand in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::needless_pass_by_value, reason = "what happens is given away")]
#![expect(dead_code, reason = "shared with the other tests, of which this needs a part")]

#[path = "../it/chat.rs"]
mod chat;
#[path = "../it/judge.rs"]
mod judge;
#[path = "../it/stand_in.rs"]
mod stand_in;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use access::testing::means;
use access::{By, Origin};
use campaigns::ops::Asker;
use campaigns::timers::CampaignTimers;
use discord::DiscordSettings;
use futures::StreamExt as _;
use jobs::{Node, Run, TimerTable as _, Wake};
use kernel::CampaignId;
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chat::{ADA_TYPES, Chat, EVE_TYPES, GUILD, Heard, SLICES, Who};
use crate::stand_in::State;
use crate::stand_in::gateway::{Gateway, Trick};

/// Of a thousand requests so many are answered by a fault.
const MOODS: u64 = 30;
/// Members who type at the same time.
const AT_ONCE: usize = 16;
/// How long a connection to the gateway lasts before something happens to it: at first, and once the bot trusts connections again. One that ends
/// within a minute counts as broken, and the pauses grow.
const SOON: Duration = Duration::from_secs(4);
const LATER: Duration = Duration::from_secs(90);
/// How long somebody waits before they type again: longer than for a picture, without which they are answered in the end.
const PATIENCE: Duration = Duration::from_secs(30);
const SCRIPT: &str = "import json, random\nn = random.randint(1, 10**9)\nprint(json.dumps({'input': str(n), 'result': n + 1}))";
const CHALLENGES: i32 = 3;
/// Runs the server, by Discord's own permission for everything.
const RULER: Who = Who { permissions: 1 << 3, ..EVE_TYPES };

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let trials = vec![
        Trial::test("a_community_plays_by_commands_alone_while_discord_misbehaves", || in_a_sandbox(play)),
        Trial::test("a_program_is_handed_in_by_a_form", || in_a_sandbox(program_is_judged)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn in_a_sandbox<F: Future<Output = ()>>(test: impl FnOnce(Sandbox) -> F) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let config = Config { workers: 2, ..Config::default() };
        let sandbox = Sandbox::start(config).await.map_err(Failed::from)?;
        test(sandbox.clone()).await;
        sandbox.shutdown().await;
        Ok(())
    })
}

/// A learner writes a program, wrong first.
async fn program_is_judged(sandbox: Sandbox) {
    let chat = Chat::made(|_| {}, Some(sandbox)).await;
    chat.known().await;
    let tests = json!([
        { "name": "adds", "stdin": "1 2", "expected": "3" },
        { "name": "adds more", "stdin": "20 22", "expected": "42", "hidden": true },
    ]);
    let step = json!({ "slug": "sum", "type": "Coding", "title": "A sum", "experience_points": 5, "coding": { "tests": tests } });
    let quest = json!({ "title": "Sums", "type": "Practice", "difficulty": "Beginner", "experience_points": 10, "steps": [step] });
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(chat.pool(), GUILD, "sums", &quest, author).await.unwrap();
    learning::ops::quest_publish(chat.pool(), GUILD, made.id, author).await.unwrap();
    let begun = chat.types(ADA_TYPES, "/learn start quest:Sums").await;
    let form = chat.presses(ADA_TYPES, &begun, "Hand in a program").await;
    let wrong = chat.fills(ADA_TYPES, &form, &[("code", "print(3)")]).await;
    wrong.says("Not all tests are passed.\n✓ adds\n0 of 1 hidden tests");
    let form = chat.types(ADA_TYPES, "/learn submit quest:Sums").await;
    let right = chat.fills(ADA_TYPES, &form, &[("code", "print(sum(map(int, input().split())))")]).await;
    right.says(
        "All tests are passed.\n✓ adds\n1 of 1 hidden tests\n\n**Sums** — 1 of 1 steps\nCompleted, for 15 XP.",
    );
    chat.discord.verdict();
}

/// The town: a guild, its bot, and Discord in its moods.
struct Town {
    chat: Chat,
    gateway: Gateway,
    /// How long each answer took that came.
    times: Mutex<Vec<Duration>>,
}

impl Town {
    /// What the bot answers to an interaction that comes by the gateway; `None` where it was lost on the way.
    async fn heard(&self, interaction: &Value) -> Option<Heard> {
        let number: i64 = interaction["id"].as_str()?.parse().ok()?;
        let token = interaction["token"].as_str()?;
        let began = Instant::now();
        self.gateway.happens("INTERACTION_CREATE", interaction.clone());
        let heard = self.chat.discord.awaits(token, PATIENCE, |known| {
            let answer = known.state.callbacks.get(&number)?;
            if !matches!(answer["type"].as_u64(), Some(5 | 6)) {
                return Some(Heard {
                    message: answer["data"].clone(),
                    answer: answer.clone(),
                    files: Vec::new(),
                });
            }
            let message = known.state.kept.get(token)?.clone();
            let files = known.files.get(token).cloned().unwrap_or_default();
            Some(Heard { answer: answer.clone(), message, files })
        });
        let heard = heard.await?;
        self.times.lock().unwrap().push(began.elapsed());
        Some(heard)
    }

    /// How many commands and forms were answered, and how long that took.
    fn figures(&self, took: Duration) -> String {
        let mut times = self.times.lock().unwrap().clone();
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 1_000).copied().unwrap_or_default();
        let each = f64::from(u32::try_from(times.len()).unwrap()) / took.as_secs_f64();
        format!(
            "{} answers in {took:.0?}, {each:.0} a second; half of them within {:.0?}, 99 % within {:.0?}",
            times.len(),
            at(500),
            at(990)
        )
    }

    async fn asks(&self, who: Who, kind: u8, data: &Value) -> Heard {
        for _ in 0..20 {
            if let Some(heard) = self.heard(&self.chat.interaction(who, kind, data)).await {
                return heard;
            }
        }
        panic!("nobody ever answered {} who asked {data}", who.name);
    }

    async fn types(&self, who: Who, line: &str) -> Heard {
        self.asks(who, 2, &self.chat.typed(line)).await
    }

    async fn presses(&self, who: Who, heard: &Heard, label: &str) -> Heard {
        self.asks(who, 3, &json!({ "custom_id": heard.button(label), "component_type": 2 })).await
    }

    async fn fills(&self, who: Who, heard: &Heard, values: &[(&str, &str)]) -> Heard {
        self.asks(who, 5, &heard.filled(values)).await
    }

    /// Types until the answer begins so: what was lost on the way may have been done.
    async fn hears(&self, who: Who, line: &str, beginnings: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..20 {
            text = said(&self.types(who, line).await);
            if beginnings.iter().any(|beginning| text.starts_with(beginning)) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{line} was answered {text:?}, and not {beginnings:?}");
    }

    /// Somebody writes what a rule forbids, until it is gone: what Discord never told the bot of is written again.
    async fn writes_badly(&self, who: Who, n: i64) {
        for _ in 0..20 {
            let id = (((self.chat.now().await * 1_000 - 1_420_070_400_000) << 22) + n).to_string();
            let message = json!({
                "id": id, "type": 0, "guild_id": "1", "channel_id": "50", "content": "a badword",
                "author": { "id": who.id.to_string(), "username": who.name }, "member": { "roles": [] },
            });
            self.chat.discord.with(|known| known.messages.entry(50).or_default().push(message.clone()));
            self.gateway.happens("MESSAGE_CREATE", message);
            let until = Instant::now() + PATIENCE * 2;
            while Instant::now() < until {
                let stands = |known: &mut State| known.messages[&50].iter().any(|known| known["id"] == id);
                if !self.chat.discord.with(stands) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        panic!("what {} wrote stands", who.name);
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.chat.pool()).await.unwrap()
    }

    async fn until(&self, sql: &'static str) {
        for _ in 0..6_000 {
            if sqlx::query_scalar::<_, bool>(sql).fetch_one(self.chat.pool()).await.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("this never held: {sql}");
    }

    /// Runs what is due of campaigns, as the engine does.
    async fn run_due(&self) {
        loop {
            let mut tx = self.chat.pool().begin().await.unwrap();
            let batch = CampaignTimers.claim(&mut tx, None, 500).await.unwrap();
            if batch.is_empty() {
                return;
            }
            let run = Run { node_id: Uuid::from_u128(7), started: std::time::Instant::now() };
            CampaignTimers.execute(&mut tx, &run, &batch).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// Lets hours pass for a campaign: all its times move back by as much.
    async fn pass(&self, id: CampaignId, hours: i32) {
        let mut tx = self.chat.pool().begin().await.unwrap();
        for sql in [
            "UPDATE campaigns.campaigns SET start_time = start_time - make_interval(hours => $2), published_at = published_at - make_interval(hours => $2),
                 started_at = started_at - make_interval(hours => $2), closed_at = closed_at - make_interval(hours => $2),
                 reward_claim_at = reward_claim_at - make_interval(hours => $2) WHERE id = $1",
            "UPDATE campaigns.campaign_timers SET scheduled_at = scheduled_at - make_interval(hours => $2) WHERE campaign_id = $1 AND status = 'PENDING'",
            "UPDATE challenges.challenges SET released_at = released_at - make_interval(hours => $2) WHERE campaign_id = $1",
            "UPDATE challenges.generated_input_cache SET first_request_timestamp = first_request_timestamp - make_interval(hours => $2) WHERE campaign_id = $1",
            "UPDATE challenges.challenge_submissions SET submission_timestamp = submission_timestamp - make_interval(hours => $2) WHERE campaign_id = $1",
            "UPDATE campaigns.campaign_participants SET last_correct_at = last_correct_at - make_interval(hours => $2) WHERE campaign_id = $1",
        ] {
            sqlx::query(sql).bind(id.get()).bind(hours).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

fn said(heard: &Heard) -> String {
    heard.message["content"].as_str().unwrap_or_default().to_owned()
}

fn member(n: i64) -> Who {
    let id = 1_000 + n;
    Who { id, name: Box::leak(format!("Member {id}").into_boxed_str()), locale: "en-GB", permissions: 0 }
}

/// What the operator wrote before: a campaign, a path of two quests, squads, a rule.
async fn stage(town: &Town) -> CampaignId {
    let (pool, wake) = (town.chat.pool(), Wake::new());
    let challenges: Vec<Value> = (1..=CHALLENGES)
        .map(|n| json!({ "slug": format!("c{n}"), "title": format!("Challenge {n}"), "description": "One more.", "generation_script": SCRIPT }))
        .collect();
    let campaign = json!({
        "name": "Advent", "campaign_type": "player", "scoring_type": "point_based", "starting_points": 1_000,
        "points_decrease_step": 1, "duration_hours": 10, "release_delay_minutes": 60, "rate_limit": { "per_5s": 1_000, "per_5min": 60_000 },
        "rewards": [{ "from": 1, "to": 3, "bytes": 500, "xp": 400, "gold": 50 }, { "participation": true, "bytes": 25, "xp": 10 }],
    });
    let bundle = serde_json::from_value(json!({ "campaign": campaign, "challenges": challenges })).unwrap();
    let draft =
        campaigns::authoring::bundle_import(pool, &wake, GUILD, Asker::CLI, &bundle, None).await.unwrap();
    let start = db::now(&mut pool.acquire().await.unwrap()).await.unwrap() + chrono::TimeDelta::hours(1);
    campaigns::ops::campaign_publish(pool, &wake, GUILD, Asker::CLI, draft.id, Some(start)).await.unwrap();
    // It starts, and all of its challenges are released.
    for hours in [1, 2] {
        town.pass(draft.id, hours).await;
        town.run_due().await;
    }
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quiz = json!({ "questions": [
        { "slug": "a", "type": "single", "text": "Is a tree tall?", "points": 1,
          "choices": [{ "slug": "y", "text": "Yes", "right": true }, { "slug": "n", "text": "No" }] },
    ] });
    for (slug, step) in [
        (
            "leaves",
            json!({ "slug": "read", "type": "Reading", "title": "Read about leaves", "experience_points": 5 }),
        ),
        ("trees", json!({ "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": quiz })),
    ] {
        let quest = json!({ "title": slug, "type": "Tutorial", "difficulty": "Beginner", "experience_points": 10, "steps": [step] });
        let quest = serde_json::from_value(quest).unwrap();
        let made = learning::ops::quest_create(pool, GUILD, slug, &quest, author).await.unwrap();
        learning::ops::quest_publish(pool, GUILD, made.id, author).await.unwrap();
    }
    let path = json!({ "name": "Wood", "type": "Course", "experience_points": 20, "quests": [{ "quest": "leaves" }, { "quest": "trees" }] });
    let made =
        learning::ops::path_create(pool, GUILD, "wood", &serde_json::from_value(path).unwrap(), author)
            .await
            .unwrap();
    learning::ops::path_publish(pool, GUILD, made.id, author).await.unwrap();
    let origin = Origin::default();
    for name in ["Owls", "Foxes"] {
        let new = squads::NewSquad {
            name: name.into(),
            description: None,
            role_id: None,
            switch_cost: 50,
            max_members: None,
        };
        squads::ops::squad_create(pool, GUILD, new, By::Cli, &origin).await.unwrap();
    }
    let rule = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["badword"] }, "action": "warn" });
    let by = access::Author::new(By::Cli, &origin);
    moderation::ops::rules::rule_create(pool, GUILD, serde_json::from_value(rule).unwrap(), by)
        .await
        .unwrap();
    draft.id
}

/// Everything that a member does.
async fn plays(town: &Town, n: i64, of: i64) {
    let (who, began) = (member(n), Instant::now());
    town.types(who, "/bytes daily").await;
    let squad = if n % 2 == 0 { "Owls" } else { "Foxes" };
    town.types(who, &format!("/squads join squad:{squad}")).await;
    town.hears(who, "/campaign register campaign:Advent", &["You take part in Advent"]).await;
    for c in 1..=CHALLENGES {
        let place = format!("campaign:Advent challenge:\"Challenge {c}\"");
        let mut input: i64 = 0;
        let mut last = String::new();
        for _ in 0..20 {
            let heard = town.types(who, &format!("/campaign input {place}")).await;
            if let Some((_, content)) = heard.files.first() {
                input = content.trim().parse().unwrap();
                break;
            }
            last = said(&heard);
        }
        assert!(input > 0, "{} got no input: {last}", who.name);
        if n % 5 == 0 {
            let form = town.types(who, &format!("/campaign submit {place}")).await;
            if form.answer["type"] == 9 {
                town.fills(who, &form, &[("answer", "no idea")]).await;
            }
        }
        let mut solved = String::new();
        for _ in 0..20 {
            let form = town.types(who, &format!("/campaign submit {place}")).await;
            // Under load a form may come too late, and it is said so.
            if form.answer["type"] != 9 {
                continue;
            }
            solved = said(&town.fills(who, &form, &[("answer", &(input + 1).to_string())]).await);
            if solved.starts_with("Right!") || solved.contains("solved already") {
                break;
            }
        }
        assert!(solved.starts_with("Right!") || solved.contains("solved already"), "{solved}");
    }
    let begun = town.types(who, "/learn start quest:leaves").await;
    if begun.message["components"].as_array().is_some_and(|rows| !rows.is_empty()) {
        town.presses(who, &begun, "Done").await;
    }
    for _ in 0..20 {
        let begun = town.types(who, "/learn start quest:trees").await;
        if begun.message["components"].as_array().is_none_or(Vec::is_empty) {
            break;
        }
        let shown = town.presses(who, &begun, "Begin the quiz").await;
        let form = town.presses(who, &shown, "Answer").await;
        if form.answer["type"] == 9 {
            town.fills(who, &form, &[("q0", "Yes")]).await;
            break;
        }
    }
    town.hears(
        who,
        "/learn browse",
        &["**Learning paths**\n✓ Wood — completed", "**Learning paths**\nWood — 2 of 2 quests"],
    )
    .await;
    town.types(who, &format!("/bytes send member:{} amount:1 reason:\"well done\"", 1_000 + (n + 1) % of))
        .await;
    if n % 10 == 0 {
        town.writes_badly(who, n).await;
    }
    town.types(who, "/profile").await;
    // Few of many: enough to see that it goes on.
    if n % 20 == 0 {
        println!("{} is through after {:.1?}", who.name, began.elapsed());
    }
}

/// Has the gateway break in every way, one after the other, for as long as it is asked to.
async fn breaks(town: &Town) {
    let first = [Trick::ReconnectAfter(40), Trick::SendAgain(20)];
    let further = [
        Trick::AcceptAndClose,
        Trick::Invalid(false),
        Trick::ReconnectAfter(200),
        Trick::Invalid(true),
        Trick::SendAgain(200),
    ];
    let soon = first.into_iter().map(|trick| (SOON, trick));
    let later = further.into_iter().cycle().map(|trick| (LATER, trick));
    for (pause, trick) in soon.chain(later) {
        tokio::time::sleep(pause).await;
        town.gateway.plays(trick);
        town.gateway.drops();
    }
}

async fn play(sandbox: Sandbox) {
    let members: i64 = std::env::var("QUESTHALL_COMMUNITY").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let gateway = Gateway::start().await;
    let url = gateway.url.clone();
    let chat = Chat::made(
        |settings| {
            settings.gateway = true;
            settings.message_content = true;
            settings.gateway_url = Some(url);
            // As it is in service.
            settings.promise = DiscordSettings::default().promise;
        },
        Some(sandbox),
    )
    .await;
    let town = Town { chat, gateway, times: Mutex::default() };
    let campaign = stage(&town).await;
    town.chat.discord.with(|known| {
        known.members.extend((0..members).map(|n| ((1, 1_000 + n), BTreeSet::new())));
    });
    let wake = Wake::new();
    let node = Node::start(town.chat.pool().clone(), "town", "0", &[], wake.clone()).await.unwrap();
    let means = means(town.chat.pool()).with(town.chat.bot.clone());
    (discord::SLICE.workers)(&means, &node.handle());
    for slice in SLICES {
        (slice.consumers)(&means).start(town.chat.pool(), &node.handle(), &wake);
    }
    town.until("SELECT EXISTS (SELECT FROM discord.gateway_shards WHERE sequence >= 1)").await;
    town.hears(RULER, "/season start name:Winter days:30", &["Winter has begun"]).await;
    town.chat.discord.moody(MOODS);
    let began = Instant::now();
    let playing =
        futures::stream::iter(0..members).for_each_concurrent(AT_ONCE, |n| plays(&town, n, members));
    tokio::select! {
        () = playing => {}
        () = breaks(&town) => {}
    }
    println!("{members} members have played: {}", town.figures(began.elapsed()));
    let greetings = town.gateway.greetings();
    assert!(greetings.iter().any(|greeting| greeting.starts_with("resume ")), "{greetings:?}");
    town.hears(RULER, "/campaign scoreboard campaign:Advent", &["**Advent: scoreboard**\n1. Member "]).await;
    for _ in 0..3 {
        town.pass(campaign, 12).await;
        town.run_due().await;
    }
    futures::stream::iter(0..members).for_each_concurrent(AT_ONCE, |n| claims(&town, n)).await;
    town.hears(RULER, "/season end", &["Winter has ended", "No season is running"]).await;
    town.chat.discord.moody(0);
    town.until("SELECT NOT EXISTS (SELECT FROM moderation.effects WHERE state IN ('pending', 'leased'))")
        .await;
    for (what, expected, sql) in [
        ("participants", members, "SELECT count(*) FROM campaigns.campaign_participants"),
        (
            "solves",
            members * i64::from(CHALLENGES),
            "SELECT count(*) FROM challenges.challenge_submissions WHERE is_correct",
        ),
        ("claims", members, "SELECT count(*) FROM campaigns.reward_claims WHERE claimed_at IS NOT NULL"),
        ("squads", members, "SELECT count(*) FROM squads.squad_memberships"),
        (
            "members who were warned",
            (members + 9) / 10,
            "SELECT count(DISTINCT user_id) FROM moderation.moderation_cases WHERE action = 'warn'",
        ),
        (
            "seasons over",
            1,
            "SELECT count(*) FROM progress.seasons WHERE rolled_at IS NOT NULL AND name = 'Winter'",
        ),
    ] {
        assert_eq!(town.count(sql).await, expected, "{what}");
    }
    // A request that Discord answered by a fault is made again, so messages are counted, not requests: one warning for each.
    let deleted: BTreeSet<String> =
        town.chat.discord.seen("DELETE /channels/50/messages/").into_iter().map(|seen| seen.path).collect();
    let warned = "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'warn'";
    assert_eq!(town.count(warned).await, i64::try_from(deleted.len()).unwrap(), "{deleted:?}");
    let mut conn = town.chat.pool().acquire().await.unwrap();
    for slice in SLICES {
        if let Some(audit) = slice.audit {
            let drift = (audit.drift)(&mut conn, None).await.unwrap();
            assert!(drift.is_empty(), "{}: {drift:#?}", slice.name);
        }
    }
    drop(conn);
    town.chat.discord.verdict();
    node.stop(Duration::from_mins(2)).await.unwrap();
}

/// A member takes what they won.
async fn claims(town: &Town, n: i64) {
    let mut text = String::new();
    for _ in 0..20 {
        text = said(&town.types(member(n), "/campaign claim campaign:Advent").await);
        if text.starts_with("Rank ") || text.contains("already") {
            return;
        }
    }
    panic!("{text}");
}
