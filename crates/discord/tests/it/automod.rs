//! Automod on the gateway: what is written is judged as it comes, and what has to go goes.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use access::{Author, By, Origin};
use moderation::automod::Rule;
use moderation::ops::rules::{rule_create, rule_delete, rule_replace};
use serde_json::{Value, json};

use crate::chat::{Chat, GUILD};
use crate::gateway::{LOOKS, Watched, id, message};
use crate::stand_in::APPLICATION;

async fn rule(chat: &Chat, rule: Value) -> Rule {
    let origin = Origin::default();
    let by = Author::new(By::Cli, &origin);
    rule_create(chat.pool(), GUILD, serde_json::from_value(rule).unwrap(), by).await.unwrap()
}

fn words(action: &str) -> Value {
    let mut rule = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["badword"] }, "action": action });
    if action == "timeout" {
        rule["duration_seconds"] = json!(600);
    }
    rule
}

/// The guild, as Discord tells of it when it is ready: Eve's, with a category that holds a channel and a thread.
fn guild(watched: &Watched) -> Value {
    watched.chat.discord.with(|known| {
        known.channels.extend([(40, 1), (41, 1)]);
        known.parents.extend([(41, 40)]);
        known.roles.get_mut(&1).unwrap().extend([62]);
        known.permissions.insert(62, 8);
        known.members.get_mut(&(1, APPLICATION)).unwrap().insert(62);
    });
    let role = |id: &str, place: i32, bits: &str| json!({ "id": id, "position": place, "permissions": bits });
    json!({
        "id": "1", "name": "The hall", "owner_id": "9", "voice_states": [],
        "roles": [role("1", 0, "0"), role("60", 1, "0"), role("61", 2, "0"), role("62", 3, "8")],
        "channels": [
            { "id": "40", "type": 4 }, { "id": "41", "type": 0, "parent_id": "40" }, { "id": "50", "type": 0 }, { "id": "51", "type": 0 },
        ],
        "threads": [{ "id": "45", "type": 11, "parent_id": "41" }],
        "members": [{ "user": { "id": APPLICATION.to_string() }, "roles": ["62"] }],
    })
}

/// A guild with these rules. They are there before the first event of it: whether they are others it is looked twice a second.
async fn watched(rules: impl IntoIterator<Item = Value>) -> (Watched, Vec<Rule>) {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let mut made = Vec::new();
    for new in rules {
        made.push(rule(&watched.chat, new).await);
    }
    let guild = guild(&watched);
    watched.gateway.happens("GUILD_CREATE", guild);
    (watched, made)
}

impl Watched {
    /// Waits until all that happened was taken.
    async fn taken(&self) {
        let last = self.gateway.last();
        for _ in 0..LOOKS {
            let sql = "SELECT coalesce(max(sequence), 0) FROM discord.gateway_shards";
            if self.count(sql).await >= last {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not all of what happened was taken");
    }

    /// Somebody writes; the message's id comes back.
    async fn writes(&self, n: i64, who: i64, text: &str, more: Value) -> i64 {
        let id = id(self, n).await;
        let mut data = message(id, text);
        data["author"] = json!({ "id": who.to_string(), "username": format!("user{who}") });
        data.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.gateway.happens("MESSAGE_CREATE", data);
        id
    }

    async fn hits(&self) -> i64 {
        self.taken().await;
        self.count("SELECT count(*) FROM moderation.automod_hits").await
    }

    /// What was deleted by now; waits until nothing is left to do.
    async fn deleted(&self) -> Vec<String> {
        self.taken().await;
        self.until("SELECT NOT EXISTS (SELECT FROM moderation.effects WHERE state IN ('pending', 'leased'))")
            .await;
        let seen = self.chat.discord.seen("DELETE /channels/");
        seen.into_iter().map(|seen| seen.path).collect()
    }
}

#[tokio::test]
async fn what_must_not_be_said_goes_at_once_and_its_author_is_told() {
    let mut new = words("timeout");
    new["alert_channel_id"] = json!("51");
    let (watched, _) = watched([new]).await;
    watched.writes(0, 7, "a fine day", json!({})).await;
    let bad = watched.writes(1, 7, "a b\u{200b}adword it is", json!({})).await;
    watched.until("SELECT EXISTS (SELECT FROM moderation.effects WHERE kind = 'delete_message')").await;
    assert_eq!(watched.deleted().await, [format!("/channels/50/messages/{bad}")]);
    assert!(watched.chat.discord.with(|known| known.silent.contains_key(&(1, 7))), "timed out");
    let alert = watched.chat.discord.seen("POST /channels/51/messages")[0].body.clone().unwrap();
    let text = alert["content"].as_str().unwrap();
    assert!(
        text.starts_with("“Words” matched: user7 (content; after invisible; ")
            && text.ends_with("(case 1) <@7>"),
        "{text}"
    );
    assert_eq!(
        (&alert["allowed_mentions"], &alert["enforce_nonce"]),
        (&json!({ "parse": [] }), &json!(true))
    );
    let letter = watched.chat.discord.seen("POST /channels/5000007/messages")[0].body.clone().unwrap();
    assert!(
        letter["content"].as_str().unwrap().starts_with("You were timed out (case 1): Automod\\: Words"),
        "{letter}"
    );
    // Discord tells it again; nothing more happens.
    let mut again = message(bad, "a b\u{200b}adword it is");
    again["author"] = json!({ "id": "7", "username": "user7" });
    watched.gateway.happens("MESSAGE_CREATE", again);
    assert_eq!((watched.hits().await, watched.deleted().await.len()), (1, 1));
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn every_surface_is_judged_and_what_discord_makes_itself_is_not() {
    let (watched, _) = watched([words("delete")]).await;
    let bad = json!({ "content": "badword" });
    let surfaces = [
        json!({ "message_snapshots": [{ "message": bad }] }),
        json!({ "poll": { "question": { "text": "what?" }, "answers": [{ "poll_media": { "text": "badword" } }] } }),
        json!({ "sticker_items": [{ "id": "5", "name": "badword" }] }),
        json!({ "attachments": [{ "id": "5", "filename": "badword.png" }] }),
        json!({ "components": [{ "type": 1, "components": [{ "type": 2, "label": "badword" }] }] }),
    ];
    for (n, more) in (10..).zip(&surfaces) {
        watched.writes(n, 7, "", more.clone()).await;
    }
    let mut expected = i64::try_from(surfaces.len()).unwrap();
    assert_eq!(watched.hits().await, expected);
    // Bots, webhooks, Discord's own messages, and its own unfurling.
    watched.writes(20, 7, "badword", json!({ "webhook_id": "3" })).await;
    watched.writes(21, 7, "badword", json!({ "type": 7 })).await;
    watched
        .writes(
            22,
            7,
            "x",
            json!({ "author": { "id": "77", "username": "robot", "bot": true }, "content": "badword" }),
        )
        .await;
    let linked = watched.writes(23, 7, "https://e.org", json!({})).await;
    let mut unfurled = message(linked, "https://e.org");
    unfurled["embeds"] = json!([{ "type": "article", "title": "badword" }]);
    unfurled["edited_timestamp"] = Value::Null;
    watched.gateway.happens("MESSAGE_UPDATE", unfurled.clone());
    assert_eq!(watched.hits().await, expected);
    // An edit is judged anew, each one.
    for minute in 0..2 {
        unfurled["content"] = json!("badword");
        unfurled["edited_timestamp"] = json!(format!("2026-11-29T12:0{minute}:00+00:00"));
        watched.gateway.happens("MESSAGE_UPDATE", unfurled.clone());
        expected += 1;
        assert_eq!(watched.hits().await, expected);
    }
}

#[tokio::test]
async fn a_change_of_the_rules_counts_within_a_second() {
    let (watched, rules) = watched([words("alert")]).await;
    let [first] = &rules[..] else { panic!("{rules:?}") };
    watched.writes(0, 7, "badword", json!({})).await;
    assert_eq!(watched.hits().await, 1);
    let second = Duration::from_secs(1);
    let origin = Origin::default();
    let by = || Author::new(By::Cli, &origin);
    let mut other = words("alert");
    other["config"]["words"] = json!(["worse"]);
    let other = serde_json::from_value(other).unwrap();
    rule_replace(watched.chat.pool(), GUILD, first.id, other, by()).await.unwrap();
    tokio::time::sleep(second).await;
    watched.writes(1, 7, "badword", json!({})).await;
    assert_eq!(watched.hits().await, 1);
    watched.writes(2, 7, "it is worse", json!({})).await;
    assert_eq!(watched.hits().await, 2);
    rule_delete(watched.chat.pool(), GUILD, first.id, by()).await.unwrap();
    tokio::time::sleep(second).await;
    watched.writes(3, 7, "it is worse", json!({})).await;
    assert_eq!(watched.hits().await, 2);
}

#[tokio::test]
async fn whoever_and_whatever_is_exempt_is_let_through_on_another_node_too() {
    let mut new = words("delete");
    new["exempt_channel_ids"] = json!(["40"]);
    new["exempt_role_ids"] = json!(["61"]);
    let (mut watched, _) = watched([new]).await;
    let roles = json!({ "member": { "roles": ["60", "61"] } });
    for round in 0..2 {
        let n = round * 10;
        watched.writes(n, 7, "badword", json!({ "channel_id": "45" })).await;
        watched.writes(n + 1, 7, "badword", json!({ "channel_id": "41" })).await;
        watched.writes(n + 2, 7, "badword", roles.clone()).await;
        watched.writes(n + 3, 7, "badword", json!({})).await;
        assert_eq!(watched.hits().await, round + 1);
        if round == 0 {
            // The node dies, and another goes on with the session: no event tells it what the guild is like, so it asks. The thread is in the list
            // of no guild.
            watched.node.take().unwrap().stop(Duration::from_mins(2)).await.unwrap();
            watched.chat.discord.with(|known| {
                known.channels.insert(45, 1);
                known.parents.insert(45, 41);
                known.threads.insert(45);
            });
            watched
                .chat
                .run("UPDATE discord.gateway_shards SET held_until = now() - interval '1 second'")
                .await;
            watched.begin().await;
        }
    }
    assert_eq!(watched.chat.discord.seen("GET /guilds/1/channels").len(), 1);
    assert!(watched.gateway.greetings()[1].starts_with("resume "));
    // Of a channel of which Discord says nothing it is not known whether it is exempt.
    watched.writes(30, 7, "badword", json!({ "channel_id": "404" })).await;
    assert_eq!(watched.hits().await, 2);
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn the_owners_message_goes_and_their_case_has_failed_with_the_reason() {
    let (watched, _) = watched([words("timeout")]).await;
    let bad = watched.writes(0, 9, "badword", json!({})).await;
    let admin = watched.writes(1, 8, "badword", json!({ "member": { "roles": ["62"] } })).await;
    let gone = watched.deleted().await;
    assert_eq!(gone, [format!("/channels/50/messages/{bad}"), format!("/channels/50/messages/{admin}")]);
    let failed = "SELECT count(*) FROM moderation.moderation_cases WHERE effect_state = 'failed' AND effect_error LIKE '%owner%'";
    assert_eq!(watched.count(failed).await, 1);
    let failed = "SELECT count(*) FROM moderation.moderation_cases WHERE effect_state = 'failed' AND effect_error LIKE '%administrator%'";
    assert_eq!(watched.count(failed).await, 1);
    assert!(watched.chat.discord.seen("PATCH /guilds/1/members/").is_empty(), "nothing is tried");
}

#[tokio::test]
async fn a_post_goes_as_a_whole_and_nobody_is_dealt_with_for_a_name_that_somebody_gave_a_thread() {
    let mut new = words("timeout");
    new["alert_channel_id"] = json!("51");
    let (watched, _) = watched([new]).await;
    // A post in a forum: its first message bears its id.
    let post = id(&watched, 5).await;
    watched.chat.discord.with(|known| known.channels.insert(post, 1));
    let thread = |id: i64, name: &str, is_new: bool| {
        let mut data = json!({ "id": id.to_string(), "guild_id": "1", "parent_id": "41", "owner_id": "7", "type": 11, "name": name });
        if is_new {
            data["newly_created"] = json!(true);
        }
        data
    };
    watched.gateway.happens("THREAD_CREATE", thread(post, "a question", true));
    let mut first = message(post, "badword");
    first["channel_id"] = json!(post.to_string());
    watched.gateway.happens("MESSAGE_CREATE", first);
    assert_eq!(watched.deleted().await, [format!("/channels/{post}")]);
    let cases = "SELECT count(*) FROM moderation.moderation_cases";
    assert_eq!(watched.count(cases).await, 1);
    // A thread is renamed, by Discord's leave nobody knows by whom.
    let other = id(&watched, 6).await;
    watched.chat.discord.with(|known| known.channels.insert(other, 1));
    watched.gateway.happens("THREAD_CREATE", thread(other, "fine", true));
    watched.gateway.happens("THREAD_UPDATE", thread(other, "b a d w o r d, no: badword", false));
    assert_eq!(watched.deleted().await[1..], [format!("/channels/{other}")]);
    assert_eq!(watched.count(cases).await, 1);
    // What a bot calls its threads is its affair.
    let own = json!({ "id": "46", "guild_id": "1", "parent_id": "41", "owner_id": APPLICATION.to_string(), "name": "badword", "newly_created": true });
    watched.gateway.happens("THREAD_CREATE", own);
    assert_eq!(watched.hits().await, 2);
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn a_flood_of_joins_is_seen_while_it_comes_and_banned_by_few_requests() {
    let raid = json!({
        "name": "Raid", "rule_type": "join_rate", "config": { "count": 10, "seconds": 10, "raid": "ban", "raid_minutes": 10 }, "action": "alert",
    });
    let (watched, _) = watched([raid]).await;
    let now = watched.chat.now().await;
    let joins = |who: i64, ms: i64| {
        let at = chrono::DateTime::from_timestamp_millis(now * 1_000 + ms).unwrap().to_rfc3339();
        json!({ "guild_id": "1", "user": { "id": (3_000 + who).to_string(), "username": format!("raider{who}") }, "roles": [], "joined_at": at })
    };
    for who in 0..450 {
        watched.gateway.happens("GUILD_MEMBER_ADD", joins(who, who));
        // Discord tells it again, a little later.
        watched.gateway.happens("GUILD_MEMBER_ADD", joins(who, who + 400));
        if who == 20 {
            watched.until("SELECT EXISTS (SELECT FROM moderation.raids WHERE ended_at IS NULL)").await;
        }
    }
    watched.taken().await;
    watched
        .until("SELECT NOT EXISTS (SELECT FROM moderation.effects WHERE state IN ('pending', 'leased'))")
        .await;
    let banned = watched.chat.discord.with(|known| i64::try_from(known.bans.len()).unwrap());
    assert!((440..=450).contains(&banned), "{banned}");
    let cases =
        "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'ban' AND effect_state = 'applied'";
    assert_eq!(watched.count(cases).await, banned);
    // Three hold them all; while the machine is busy one may leave before it is full.
    let asked = watched.chat.discord.seen("/bulk-ban").len();
    assert!((3..=9).contains(&asked), "{asked}");
    assert_eq!(watched.count("SELECT count(*) FROM moderation.automod_hits").await, 1);
    assert_eq!(
        watched.count("SELECT count(*) FROM lake.event_lake WHERE event_type = 'member_join'").await,
        450
    );
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn a_name_that_matches_counts_when_somebody_joins_or_takes_it_and_not_with_every_change() {
    let names = json!({ "name": "Names", "rule_type": "username_regex", "config": { "patterns": ["free\\W*nitro"] }, "action": "alert" });
    let (watched, _) = watched([names]).await;
    let member = |nick: &str, roles: Value| json!({ "guild_id": "1", "user": { "id": "7", "username": "ada" }, "nick": nick, "roles": roles, "joined_at": "2026-11-29T12:00:00+00:00" });
    watched.gateway.happens("GUILD_MEMBER_UPDATE", member("Ada", json!([])));
    assert_eq!(watched.hits().await, 0);
    watched.gateway.happens("GUILD_MEMBER_UPDATE", member("FREE nitro", json!([])));
    assert_eq!(watched.hits().await, 1);
    watched.gateway.happens("GUILD_MEMBER_UPDATE", member("FREE nitro", json!(["60"])));
    assert_eq!(watched.hits().await, 1);
    watched.gateway.happens("GUILD_MEMBER_UPDATE", member("free nitro!", json!(["60"])));
    assert_eq!(watched.hits().await, 2);
    watched.gateway.happens("GUILD_MEMBER_ADD", member("free nitro?", json!([])));
    assert_eq!(watched.hits().await, 3);
}

/// Where the log goes.
#[derive(Clone, Copy)]
struct Log(&'static Mutex<Vec<u8>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_word_of_what_was_written_is_in_the_database_or_in_the_log() {
    let log = Log(Box::leak(Box::default()));
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || log).init();
    let mut new = words("timeout");
    new["config"]["words"] = json!(["xylophone*"]);
    new["alert_channel_id"] = json!("51");
    let links = json!({ "name": "Links", "rule_type": "links", "config": { "redirectors": true }, "action": "delete" });
    let same = json!({ "name": "Same", "rule_type": "duplicate_messages", "config": { "count": 2, "seconds": 60 }, "action": "warn" });
    let (watched, _) = watched([new, links, same]).await;
    for (n, text) in [
        "xylophonebadger",
        "see https://bit.ly/xylophonebadger",
        "I like a xylo phonebadger",
        "I like a xylo phonebadger",
    ]
    .iter()
    .enumerate()
    {
        watched
            .writes(
                i64::try_from(n).unwrap(),
                7,
                text,
                json!({ "attachments": [{ "id": "1", "filename": "phonebadger.txt" }] }),
            )
            .await;
    }
    let edited = id(&watched, 9).await;
    let mut edit = message(edited, "a phonebadger of https://xylophonebadger.org");
    edit["edited_timestamp"] = json!("2026-11-29T12:00:00+00:00");
    watched.gateway.happens("MESSAGE_UPDATE", edit);
    assert!(watched.hits().await >= 4);
    assert!(watched.deleted().await.len() >= 3);
    // Before the scan, which asks for it by name.
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).to_lowercase();
    assert!(text.contains("automod_hits"), "the log holds what was asked of the database");
    assert_eq!(text.lines().find(|line| line.contains("phonebadger")), None);
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables WHERE schemaname <> 'questhall'",
    )
    .fetch_all(watched.chat.pool())
    .await
    .unwrap();
    assert!(tables.len() > 50, "{tables:?}");
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text ILIKE '%phonebadger%'");
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(watched.chat.pool()).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
    assert!(
        watched
            .chat
            .discord
            .seen("")
            .iter()
            .all(|seen| seen.body.as_ref().is_none_or(|body| !body.to_string().contains("phonebadger"))),
        "nor is it told to those who moderate"
    );
}
