//! The gateway: what happens in a guild is taken once, in order, whatever the connection goes through.

use std::time::Duration;

use access::testing::means;
use jobs::{Node, Wake};
use serde_json::{Value, json};

use crate::chat::{ADA_TYPES, Chat};
use crate::sanctions::raid;
use crate::stand_in::Fault;
use crate::stand_in::gateway::{Gateway, Trick};

/// How often it is looked, ten milliseconds apart, for something that must happen.
pub(crate) const LOOKS: usize = 12_000;

pub(crate) struct Watched {
    pub(crate) chat: Chat,
    pub(crate) gateway: Gateway,
    pub(crate) node: Option<Node>,
}

impl Watched {
    pub(crate) async fn new(tricks: Vec<Trick>) -> Self {
        let gateway = Gateway::start().await;
        if tricks.iter().any(|trick| matches!(trick, Trick::Deaf)) {
            gateway.memory.lock().unwrap().pace = Some(300);
        }
        for trick in tricks {
            gateway.plays(trick);
        }
        let url = gateway.url.clone();
        let chat = Chat::with(|settings| {
            settings.gateway = true;
            settings.message_content = true;
            settings.gateway_url = Some(url);
        })
        .await;
        chat.known().await;
        let mut watched = Self { chat, gateway, node: None };
        watched.begin().await;
        watched
    }

    /// A node starts.
    pub(crate) async fn begin(&mut self) {
        let node = Node::start(self.chat.pool().clone(), "test", "0", &[], Wake::new()).await.unwrap();
        let means = means(self.chat.pool()).with(self.chat.bot.clone());
        (discord::SLICE.workers)(&means, &node.handle());
        self.node = Some(node);
    }

    /// Waits until this holds in the database.
    pub(crate) async fn until(&self, sql: &'static str) {
        for _ in 0..LOOKS {
            if sqlx::query_scalar::<_, bool>(sql).fetch_one(self.chat.pool()).await.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("this never held: {sql}; greetings: {:?}", self.gateway.greetings());
    }

    pub(crate) async fn ready(&self) {
        self.until("SELECT EXISTS (SELECT FROM discord.gateway_shards WHERE sequence = 1)").await;
    }

    /// Waits until so many connections have been greeted.
    async fn until_greeted(&self, count: usize) {
        for _ in 0..LOOKS {
            if self.gateway.greetings().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never greeted {count} times: {:?}", self.gateway.greetings());
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.chat.pool()).await.unwrap()
    }

    /// Somebody types a command, of which the gateway tells; what the bot answers.
    async fn types(&self, line: &str) -> Value {
        let interaction = self.chat.interaction(ADA_TYPES, 2, &self.chat.typed(line));
        self.gateway.happens("INTERACTION_CREATE", interaction.clone());
        let number: i64 = interaction["id"].as_str().unwrap().parse().unwrap();
        let token = interaction["token"].as_str().unwrap();
        let answer = self
            .chat
            .discord
            .awaits(token, Duration::from_mins(2), |known| known.state.callbacks.get(&number).cloned())
            .await;
        answer.unwrap_or_else(|| panic!("nobody answered {line}"))
    }
}

pub(crate) fn message(id: i64, text: &str) -> Value {
    // Made now: the lake takes nothing of the far past.
    json!({
        "id": id.to_string(), "type": 0, "guild_id": "1", "channel_id": "50", "content": text,
        "author": { "id": "7", "username": "ada" }, "member": { "roles": [] }, "attachments": [], "mentions": [],
    })
}

/// An id of about now.
pub(crate) async fn id(watched: &Watched, n: i64) -> i64 {
    ((watched.chat.now().await * 1_000 - 1_420_070_400_000) << 22) + n
}

#[tokio::test]
async fn what_is_promised_comes_after_the_promise_however_slow_that_is() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let slow = Duration::from_secs(1);
    // Discord knows of no answer before the promise is there, and may say so even then.
    watched.chat.discord.misbehave("callback", Fault::Slow(slow));
    watched.chat.discord.misbehave("@original", Fault::Refused(404, 10_015));
    assert_eq!(watched.types("/profile").await["type"], 5);
    let kept = || watched.chat.discord.with(|known| known.kept.len());
    for _ in 0..LOOKS {
        if kept() > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(kept(), 1);
    let (promise, answers) =
        (watched.chat.discord.seen("/callback"), watched.chat.discord.seen("/messages/@original"));
    assert_eq!((promise.len(), answers.len()), (1, 2));
    assert!(answers[0].at >= promise[0].at + slow, "the answer came before its promise");
}

const MESSAGES: &str = "SELECT count(*) FROM lake.event_lake WHERE event_type = 'message_create'";

#[tokio::test]
async fn messages_are_counted_once_whatever_the_connection_goes_through() {
    let tricks = vec![Trick::AcceptAndClose, Trick::ReconnectAfter(2), Trick::SendAgain(1)];
    let watched = Watched::new(tricks).await;
    watched.ready().await;
    let first = id(&watched, 0).await;
    for n in 0..6 {
        watched.gateway.happens("MESSAGE_CREATE", message(first + n, "the quick brown fox says a secret"));
    }
    watched.until("SELECT sequence = 7 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(MESSAGES).await, 6);
    let greetings = watched.gateway.greetings();
    assert_eq!(greetings[0], "identify");
    assert!(greetings[1].starts_with("resume "), "{greetings:?}");
    // Nothing of what was said is anywhere.
    let said: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM lake.event_lake e WHERE e::text LIKE '%secret%')")
            .fetch_one(watched.chat.pool())
            .await
            .unwrap();
    assert!(!said);
}

#[tokio::test]
async fn another_node_goes_on_after_the_last_event_that_was_committed() {
    let mut watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let first = id(&watched, 0).await;
    watched.gateway.happens("MESSAGE_CREATE", message(first, "one"));
    watched.until("SELECT sequence = 2 FROM discord.gateway_shards").await;
    // The node hangs: its lease lapses.
    watched.node.take().unwrap().stop(Duration::from_mins(2)).await.unwrap();
    watched.chat.run("UPDATE jobs.nodes SET stopped_at = NULL").await;
    watched.gateway.happens("MESSAGE_CREATE", message(first + 1, "two"));
    watched.chat.run("UPDATE discord.gateway_shards SET held_until = now() - interval '1 second'").await;
    watched.begin().await;
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    assert_eq!(watched.gateway.greetings(), ["identify", "resume 2"]);
    assert_eq!(watched.count(MESSAGES).await, 2);
}

#[tokio::test]
async fn what_a_node_held_that_is_gone_is_anothers_at_once() {
    let mut watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let gone = [
        "UPDATE jobs.nodes SET stopped_at = now() WHERE stopped_at IS NULL",
        "UPDATE jobs.nodes SET died_at = now(), stopped_at = NULL",
    ];
    for (nth, gone) in gone.into_iter().enumerate() {
        watched.node.take().unwrap().stop(Duration::from_mins(2)).await.unwrap();
        watched.chat.run(gone).await;
        // Long before its lease ends.
        watched.chat.run("UPDATE discord.gateway_shards SET held_until = now() + interval '1 hour'").await;
        watched.begin().await;
        watched.until("SELECT held_until < now() + interval '1 minute' FROM discord.gateway_shards").await;
        watched.until_greeted(nth + 2).await;
    }
    assert_eq!(watched.gateway.greetings()[1..], ["resume 1", "resume 1"]);
}

#[tokio::test]
async fn voice_is_followed_and_what_was_missed_is_made_up() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let state = |user: &str, channel: Option<&str>| json!({ "guild_id": "1", "user_id": user, "channel_id": channel, "session_id": "v" });
    watched.gateway.happens("VOICE_STATE_UPDATE", state("7", Some("70")));
    watched.gateway.happens(
        "VOICE_STATE_UPDATE",
        json!({ "guild_id": "1", "user_id": "7", "channel_id": "70", "self_mute": true }),
    );
    watched.gateway.happens("VOICE_STATE_UPDATE", state("7", Some("71")));
    watched.gateway.happens("VOICE_STATE_UPDATE", state("8", Some("70")));
    watched.until("SELECT sequence = 5 FROM discord.gateway_shards").await;
    let kinds = "SELECT count(*) FROM lake.event_lake WHERE event_type IN ('voice_join', 'voice_move')";
    assert_eq!(watched.count(kinds).await, 3, "muting is no move");
    // The guild comes back, and Ada is gone: somebody else is there.
    let guild = json!({ "id": "1", "name": "The hall", "voice_states": [state("8", Some("70")), state("9", Some("71"))] });
    watched.gateway.happens("GUILD_DELETE", json!({ "id": "1", "unavailable": true }));
    watched.gateway.happens("GUILD_CREATE", guild);
    watched.until("SELECT sequence = 7 FROM discord.gateway_shards").await;
    assert_eq!(
        watched.count("SELECT count(*) FROM lake.event_lake WHERE event_type = 'voice_leave'").await,
        1
    );
    assert_eq!(watched.count("SELECT count(*) FROM discord.voice_states").await, 2);
    assert_eq!(watched.count("SELECT count(*) FROM discord.guilds WHERE present").await, 1);
    watched.gateway.happens("GUILD_DELETE", json!({ "id": "1" }));
    watched.until("SELECT sequence = 8 FROM discord.gateway_shards").await;
    assert_eq!(watched.count("SELECT count(*) FROM discord.voice_states").await, 0);
    assert_eq!(watched.count("SELECT count(*) FROM discord.guilds WHERE NOT present").await, 1);
}

#[tokio::test]
async fn who_is_gone_after_a_guild_was_out_of_order_left_no_earlier_than_that() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    // A session begins an hour after the one before.
    watched.chat.run("UPDATE discord.gateway_shards SET committed_at = now() - interval '1 hour'").await;
    watched.gateway.plays(Trick::Invalid(false));
    watched.gateway.drops();
    watched.until_greeted(3).await;
    watched.ready().await;
    let guild = |states: Value| json!({ "id": "1", "name": "The hall", "voice_states": states });
    let state = json!([{ "guild_id": "1", "user_id": "7", "channel_id": "70" }]);
    watched.gateway.happens("GUILD_CREATE", guild(state));
    watched.until("SELECT sequence = 2 FROM discord.gateway_shards").await;
    watched.gateway.happens("GUILD_DELETE", json!({ "id": "1", "unavailable": true }));
    watched.gateway.happens("GUILD_CREATE", guild(json!([])));
    watched.until("SELECT sequence = 4 FROM discord.gateway_shards").await;
    let sound = "SELECT count(*) FROM lake.event_lake came JOIN lake.event_lake went USING (guild_id, user_id)
                  WHERE came.event_type = 'voice_join' AND went.event_type = 'voice_leave' AND went.\"timestamp\" >= came.\"timestamp\"";
    assert_eq!(watched.count(sound).await, 1);
}

#[tokio::test]
async fn commands_come_by_the_gateway_as_well() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let answer = watched.types("/bytes daily").await;
    assert_eq!(answer["data"]["content"], "You got 10 bytes; day 1 in a row. You have 110.");
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn who_asks_for_something_is_answered_while_what_came_before_still_waits() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let mut held = watched.chat.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE lake.event_lake IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    watched.gateway.happens("MESSAGE_CREATE", message(id(&watched, 0).await, "hello"));
    watched
        .until(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
                             WHERE NOT granted AND d.datname = current_database())",
        )
        .await;
    let answer = watched.types("/bytes daily").await;
    assert_eq!(answer["data"]["content"], "You got 10 bytes; day 1 in a row. You have 110.");
    held.rollback().await.unwrap();
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(MESSAGES).await, 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_anew_and_a_deaf_gateway_is_left() {
    let watched = Watched::new(vec![Trick::Invalid(false), Trick::Deaf]).await;
    for _ in 0..LOOKS {
        if watched.gateway.greetings().len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let greetings = watched.gateway.greetings();
    assert_eq!(greetings[..2], ["identify", "identify"]);
    assert!(greetings.len() >= 3, "a gateway that answers no heartbeat was left: {greetings:?}");
    assert!(watched.gateway.memory.lock().unwrap().connections < 8, "and not hammered");
}

#[tokio::test]
async fn what_was_said_while_no_session_lasted_is_fetched_and_counts_once() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let first = id(&watched, 0).await;
    // More than a request brings; the first was told of before.
    watched.chat.discord.with(|known| (0..150).for_each(|n| known.says(50, first + n, 7)));
    watched.gateway.happens("MESSAGE_CREATE", message(first, "hello"));
    watched.until("SELECT sequence = 2 FROM discord.gateway_shards").await;
    watched.gateway.plays(Trick::Invalid(false));
    watched.gateway.drops();
    watched.until_greeted(3).await;
    watched.ready().await;
    assert_eq!(watched.gateway.greetings(), ["identify", "resume 2", "identify"]);
    let guild = || watched.chat.discord.with(|known| known.guild_create(1));
    watched.gateway.happens("GUILD_CREATE", guild());
    watched.until("SELECT count(*) = 150 FROM lake.event_lake WHERE event_type = 'message_create'").await;
    // Told of again in the same session, it is not asked again.
    watched.gateway.happens("GUILD_CREATE", guild());
    watched.until("SELECT EXISTS (SELECT FROM discord.gateway_shards WHERE sequence = 3)").await;
    assert_eq!(watched.chat.discord.seen("GET /channels/50/messages").len(), 2);
    assert!(watched.chat.discord.seen("GET /channels/51/messages").is_empty(), "nobody said anything there");
    assert_eq!(watched.count(MESSAGES).await, 150);
    watched.chat.discord.verdict();
}

#[tokio::test]
async fn what_moderators_do_by_hand_is_a_case_and_what_the_bot_does_is_none() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let entry = |id: &str, by: &str| {
        json!({
            "id": id, "guild_id": "1", "user_id": by, "target_id": "8", "action_type": 22, "changes": [], "reason": "rude",
        })
    };
    let bot = crate::stand_in::APPLICATION.to_string();
    watched.gateway.happens("GUILD_AUDIT_LOG_ENTRY_CREATE", entry("500", "9"));
    watched.gateway.happens("GUILD_AUDIT_LOG_ENTRY_CREATE", entry("500", "9"));
    watched.gateway.happens("GUILD_AUDIT_LOG_ENTRY_CREATE", entry("501", &bot));
    watched.until("SELECT sequence = 4 FROM discord.gateway_shards").await;
    let cases = "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'ban' AND source = 'discord' AND moderator_id = 9";
    assert_eq!(watched.count(cases).await, 1);
    assert!(watched.chat.discord.seen("PUT").iter().all(|seen| !seen.path.contains("bans")), "it is done");
    // They come in again: so they are banned no longer.
    let member = json!({ "guild_id": "1", "user": { "id": "8", "username": "bob" }, "joined_at": "2026-11-29T12:00:00+00:00" });
    let held = "SELECT count(*) FROM moderation.moderation_cases WHERE NOT resolved";
    watched.chat.discord.with(|known| known.bans.insert((1, 8)));
    watched.gateway.happens("GUILD_MEMBER_ADD", member.clone());
    watched.until("SELECT sequence = 5 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(held).await, 1, "that was before the ban");
    watched.chat.discord.with(|known| known.bans.clear());
    watched.gateway.happens("GUILD_MEMBER_ADD", member);
    watched.until("SELECT sequence = 6 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(held).await, 0);
}

#[tokio::test]
async fn who_joins_in_raid_mode_is_banned() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    raid(&watched.chat, &[]).await;
    for n in 0..3 {
        let user = json!({ "id": (2_000 + n).to_string(), "username": "raider" });
        let member = json!({ "guild_id": "1", "user": user, "joined_at": "2026-11-29T12:00:00+00:00" });
        watched.gateway.happens("GUILD_MEMBER_ADD", member);
    }
    let banned = "SELECT count(*) = 3 FROM moderation.moderation_cases WHERE action = 'ban' AND effect_state = 'applied'";
    watched.until(banned).await;
    assert_eq!(watched.chat.discord.with(|known| known.bans.len()), 3);
}

#[tokio::test]
async fn bans_that_the_answer_does_not_name_are_seen_one_by_one() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    watched.chat.discord.with(|known| known.silent_bulk = true);
    raid(&watched.chat, &[1_001, 1_002]).await;
    watched.until("SELECT state = 'applied' FROM moderation.effects WHERE kind = 'bulk_ban'").await;
    assert!(watched.chat.discord.seen("GET /guilds/1/bans/").is_empty(), "the gateway tells");
    let waiting = "SELECT count(*) FROM moderation.moderation_cases WHERE effect_state = 'pending'";
    assert_eq!(watched.count(waiting).await, 2);
    let ban = |id: &str| json!({ "guild_id": "1", "user": { "id": id, "username": "raider" } });
    watched.gateway.happens("GUILD_BAN_ADD", ban("1001"));
    watched.gateway.happens("GUILD_BAN_ADD", ban("1002"));
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(waiting).await, 0);
}

#[tokio::test]
async fn a_ban_that_is_lifted_by_hand_is_seen_to_be_gone_and_over_and_nothing_is_asked_for() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let entry = |id: &str, kind: u8| json!({ "id": id, "guild_id": "1", "user_id": "9", "target_id": "8", "action_type": kind, "changes": [] });
    let ban = json!({ "guild_id": "1", "user": { "id": "8", "username": "bob" } });
    watched.gateway.happens("GUILD_AUDIT_LOG_ENTRY_CREATE", entry("500", 22));
    watched.gateway.happens("GUILD_BAN_ADD", ban.clone());
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    let held = "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'ban' AND NOT resolved";
    let seen = "SELECT count(*) FROM moderation.observed_sanctions WHERE user_id = 8";
    assert_eq!((watched.count(held).await, watched.count(seen).await), (1, 1));
    watched.gateway.happens("GUILD_BAN_REMOVE", ban.clone());
    watched.until("SELECT sequence = 4 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(seen).await, 0);
    // Who did it the audit log tells.
    watched.gateway.happens("GUILD_AUDIT_LOG_ENTRY_CREATE", entry("501", 23));
    // Of somebody of whom no case tells.
    watched
        .gateway
        .happens("GUILD_BAN_REMOVE", json!({ "guild_id": "1", "user": { "id": "77", "username": "eve" } }));
    watched.until("SELECT sequence = 6 FROM discord.gateway_shards").await;
    assert_eq!(watched.count(held).await, 0);
    let unban = "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'unban' AND source = 'discord' AND moderator_id = 9";
    assert_eq!(watched.count(unban).await, 1);
    assert!(watched.chat.discord.seen("/bans/").is_empty());
    let mut conn = watched.chat.pool().acquire().await.unwrap();
    let audit = moderation::SLICE.audit.unwrap();
    assert_eq!((audit.drift)(&mut conn, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_shard_is_kept_while_its_node_lives_and_left_when_it_is_anothers() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    watched.chat.run("UPDATE discord.gateway_shards SET held_until = now() + interval '6 seconds'").await;
    watched.until("SELECT held_until > now() + interval '10 seconds' FROM discord.gateway_shards").await;
    // Another node has it, as if this one had hung: what comes now is not this one's to take.
    let other = "UPDATE discord.gateway_shards SET held_by = '00000000-0000-7000-8000-000000000001', held_until = now() + interval '3 seconds'";
    watched.chat.run(other).await;
    let first = id(&watched, 0).await;
    watched.gateway.happens("MESSAGE_CREATE", message(first, "one"));
    // The other one dies as well: this one takes it again, and goes on after what was committed.
    watched.until("SELECT sequence = 2 FROM discord.gateway_shards").await;
    assert_eq!(watched.gateway.greetings(), ["identify", "resume 1"]);
    assert_eq!(watched.count(MESSAGES).await, 1);
}

#[tokio::test]
async fn a_connection_that_breaks_without_a_word_is_gone_on_with() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    let first = id(&watched, 0).await;
    watched.gateway.happens("MESSAGE_CREATE", message(first, "one"));
    watched.until("SELECT sequence = 2 FROM discord.gateway_shards").await;
    watched.gateway.drops();
    watched.gateway.happens("MESSAGE_CREATE", message(first + 1, "two"));
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    assert_eq!(watched.gateway.greetings(), ["identify", "resume 2"]);
    assert_eq!(watched.count(MESSAGES).await, 2);
}
