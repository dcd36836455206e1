//! Discord's own `AutoMod` has the cheap part of a guild's rules, where the guild wishes.

use access::{Author, By, Origin};
use discord::native::native_once;
use moderation::model::RuleId;
use serde_json::{Value, json};

use crate::chat::{ADA_TYPES, Chat, EVE_TYPES, GUILD, Who};
use crate::gateway::Watched;
use crate::stand_in::Fault;

const RULER: Who = Who { permissions: 1 << 3, ..EVE_TYPES };

async fn rule(chat: &Chat, name: &str, kind: &str, config: Value, action: &str) -> RuleId {
    let origin = Origin::default();
    let mut new = json!({ "name": name, "rule_type": kind, "config": config, "action": action });
    if action == "timeout" {
        new["duration_seconds"] = json!(60);
    }
    let new = serde_json::from_value(new).unwrap();
    let made = moderation::ops::rules::rule_create(chat.pool(), GUILD, new, Author::new(By::Cli, &origin));
    made.await.unwrap().id
}

/// Discord's rules: who made each, its name, and what it is about.
fn there(chat: &Chat) -> Vec<String> {
    let rules = chat.discord.with(|known| known.automod.values().cloned().collect::<Vec<_>>());
    let words = |rule: &Value| match rule["trigger_type"].as_u64() {
        Some(5) => rule["trigger_metadata"]["mention_total_limit"].to_string(),
        _ => rule["trigger_metadata"]["keyword_filter"].to_string(),
    };
    let who = |rule: &Value| if rule["creator_id"] == "9" { "Eve" } else { "bot" };
    rules
        .iter()
        .map(|rule| format!("{} {} {}", who(rule), rule["name"].as_str().unwrap(), words(rule)))
        .collect()
}

/// Whatever changed is told.
async fn round(chat: &Chat) -> usize {
    native_once(&chat.bot).await.unwrap()
}

#[tokio::test]
async fn discord_has_what_it_can_judge_and_follows() {
    let chat = Chat::new().await;
    let eves = json!({
        "name": "Eve's", "event_type": 1, "trigger_type": 1, "trigger_metadata": { "keyword_filter": ["mine"] }, "enabled": true,
        "actions": [{ "type": 1, "metadata": {} }], "exempt_roles": [], "exempt_channels": [],
    });
    chat.discord.with(|known| known.automod_rule(1, 9, &eves));
    let words = rule(&chat, "Words", "words", json!({ "words": ["badword"] }), "delete").await;
    rule(&chat, "Harsh", "words", json!({ "words": ["worse"] }), "timeout").await;
    let crowds = rule(&chat, "Crowds", "mentions", json!({ "count": 8 }), "delete").await;
    chat.types(ADA_TYPES, "/automod native on:yes").await.privately();
    assert_eq!(round(&chat).await, 0, "nobody wishes it");
    let text =
        chat.types(RULER, "/automod native on:yes").await.message["content"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("Discord's own AutoMod has 2 of these rules now, and follows their changes.\n")
            && text.contains("Harsh")
            && text.lines().count() == 2,
        "{text}"
    );
    assert_eq!(there(&chat), ["Eve Eve's [\"mine\"]", "bot Words [\"badword\"]", "bot Crowds 8"]);
    assert_eq!(round(&chat).await, 0, "nothing changed");
    // A rule is changed, one is switched off, one is new.
    let (pool, origin) = (chat.pool(), Origin::default());
    let by = Author::new(By::Cli, &origin);
    let change = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["badword", "other"] }, "action": "delete" });
    let change = serde_json::from_value(change).unwrap();
    moderation::ops::rules::rule_replace(pool, GUILD, words, change, by).await.unwrap();
    let off = moderation::ops::rules::RuleState::Off;
    moderation::ops::rules::rule_switch(pool, GUILD, crowds, off, by).await.unwrap();
    rule(&chat, "More", "words", json!({ "words": ["more"] }), "delete").await;
    assert_eq!(round(&chat).await, 1);
    let now = ["Eve Eve's [\"mine\"]", "bot Words [\"badword\",\"other\"]", "bot More [\"more\"]"];
    assert_eq!(there(&chat), now);
    assert_eq!(
        chat.discord.seen("PATCH /guilds/1/auto-moderation").len(),
        1,
        "what is the same is not told again"
    );
    // Somebody deletes one there, and a process died after it made one.
    chat.discord.with(|known| known.automod.retain(|_, rule| rule["name"] != "Words"));
    chat.run(
        "DELETE FROM discord.native_rules WHERE rule_id = (SELECT id FROM moderation.automod_rules WHERE name = 'More');
         UPDATE discord.syncs SET next_at = now()",
    )
    .await;
    assert_eq!(round(&chat).await, 1);
    let mut known = there(&chat);
    known.sort();
    let mut now = now.map(str::to_owned);
    now.sort();
    assert_eq!(known, now);
    // Discord is away, or the bot may not: it is said, and tried again.
    chat.discord.misbehave("/auto-moderation/rules", Fault::Refused(403, 50_013));
    chat.types(RULER, "/automod native on:no")
        .await
        .says("The bot may not manage Discord's AutoMod: permit it to manage the server.");
    assert_eq!(there(&chat).len(), 3);
    assert_eq!(round(&chat).await, 0, "not at once");
    chat.run("UPDATE discord.syncs SET next_at = now()").await;
    assert_eq!(round(&chat).await, 1);
    assert_eq!(there(&chat), ["Eve Eve's [\"mine\"]"]);
    chat.types(RULER, "/automod native on:no")
        .await
        .says("Discord's own AutoMod has none of these rules any more.")
        .privately();
    chat.discord.verdict();
}

#[tokio::test]
async fn what_discord_blocks_is_a_hit_once_and_no_word_of_it_is_kept() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    rule(&watched.chat, "Words", "words", json!({ "words": ["badword"] }), "delete").await;
    watched.chat.types(RULER, "/automod native on:yes").await.privately();
    let id = watched.chat.discord.with(|known| known.automod.keys().next().copied()).unwrap();
    let execution = |rule: i64, action: u8| {
        json!({
            "guild_id": "1", "action": { "type": action, "metadata": {} }, "rule_id": rule.to_string(), "rule_trigger_type": 1,
            "user_id": "7", "channel_id": "50", "content": "a badword", "matched_keyword": "badword", "matched_content": "badword",
        })
    };
    watched.gateway.happens("AUTO_MODERATION_ACTION_EXECUTION", execution(id, 1));
    watched.gateway.happens("AUTO_MODERATION_ACTION_EXECUTION", execution(id, 2));
    watched.gateway.happens("AUTO_MODERATION_ACTION_EXECUTION", execution(77, 1));
    watched.until("SELECT sequence = 4 FROM discord.gateway_shards").await;
    let hits = "SELECT count(*) FROM moderation.automod_hits h JOIN moderation.automod_rules r ON r.id = h.rule_id
                 WHERE r.name = 'Words' AND h.user_id = 7 AND h.channel_id = 50 AND h.details::text NOT LIKE '%badword%'";
    assert_eq!(watched.count(hits).await, 1);
    // Sent again after a connection broke, they count no more.
    watched.chat.run("UPDATE discord.gateway_shards SET sequence = 1").await;
    watched.gateway.drops();
    watched.until("SELECT sequence = 4 FROM discord.gateway_shards").await;
    assert_eq!(watched.count("SELECT count(*) FROM moderation.automod_hits").await, 1);
    // Somebody deletes the rule there: it is made again.
    watched.chat.discord.with(|known| known.automod.clear());
    let gone = json!({ "id": id.to_string(), "guild_id": "1", "name": "Words" });
    watched.gateway.happens("AUTO_MODERATION_RULE_DELETE", gone);
    for _ in 0..6_000 {
        if !there(&watched.chat).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(there(&watched.chat), ["bot Words [\"badword\"]"]);
    watched.chat.discord.verdict();
}

const OWN: &str = "/guilds/1/discord/automod";

#[tokio::test]
async fn the_api_hands_rules_over_and_says_what_discord_does_not_take() {
    let chat = Chat::new().await;
    chat.known().await;
    let words = rule(&chat, "Words", "words", json!({ "words": ["badword"] }), "delete").await;
    rule(&chat, "Harsh", "words", json!({ "words": ["worse"] }), "timeout").await;
    rule(&chat, "Crowds", "mentions", json!({ "count": 8 }), "delete").await;
    // How it stands, why not, and of each rule whether Discord has it as it is now.
    let get = async || {
        let (status, told) = chat.asks("moderation:read", "GET", OWN, None).await;
        assert_eq!(status, 200, "{told}");
        let rules = told["rules"].as_array().unwrap().iter().map(|rule| {
            let has = if rule["discord_id"].is_string() { "there" } else { "not there" };
            format!("{} {has} {}", rule["name"].as_str().unwrap(), rule["is_told"])
        });
        let stands = told["sync"]["status"].as_str().unwrap().to_owned();
        assert!(told["left_out"][0].as_str().unwrap().contains("Harsh"), "{told}");
        (stands, told["sync"]["error"].as_str().unwrap_or_default().to_owned(), rules.collect::<Vec<_>>())
    };
    let stands = |status: &str, error: &str, rules: [&str; 2]| {
        (status.to_owned(), error.to_owned(), rules.map(str::to_owned).to_vec())
    };
    let does = async |method: &str| {
        let (status, told) = chat.asks("moderation:rules", method, OWN, None).await;
        assert_eq!(status, 200, "{told}");
        told["sync"]["status"].as_str().unwrap().to_owned()
    };
    let none = ["Words not there false", "Crowds not there false"];
    assert_eq!(get().await, stands("off", "", none));
    for method in ["PUT", "DELETE"] {
        assert_eq!(chat.asks("moderation:read", method, OWN, None).await.0, 403);
    }
    assert_eq!((does("DELETE").await, round(&chat).await), ("off".to_owned(), 0));
    // Discord does not take one of them: the other is there all the same.
    chat.discord.misbehave("POST /guilds/1/auto-moderation", Fault::Refused(400, 50_035));
    assert_eq!((does("PUT").await, round(&chat).await), ("pending".to_owned(), 1));
    let why = "Discord does not take some of the rules. Words: Discord answered 400: No. (code 50035).";
    assert_eq!(get().await, stands("failed", why, ["Words not there false", "Crowds there true"]));
    assert_eq!(round(&chat).await, 0, "not at once");
    assert_eq!((does("PUT").await, round(&chat).await), ("pending".to_owned(), 1));
    let all = ["Words there true", "Crowds there true"];
    assert_eq!(get().await, stands("in_step", "", all));
    // A rule is another, and Discord knows it as it was.
    let origin = Origin::default();
    let by = Author::new(By::Cli, &origin);
    let change = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["other"] }, "action": "delete" });
    let change = serde_json::from_value(change).unwrap();
    moderation::ops::rules::rule_replace(chat.pool(), GUILD, words, change, by).await.unwrap();
    assert_eq!(get().await.2, ["Words there false", "Crowds there true"]);
    assert_eq!((round(&chat).await, get().await), (1, stands("in_step", "", all)));
    // The bot may not: it is said.
    chat.discord.misbehave("/auto-moderation/rules", Fault::Refused(403, 50_013));
    assert_eq!((does("DELETE").await, round(&chat).await), ("pending".to_owned(), 1));
    let why = "The bot may not manage Discord's AutoMod: permit it to manage the server.";
    assert_eq!(get().await, stands("failed", why, all));
    chat.run("UPDATE discord.syncs SET next_at = now()").await;
    assert_eq!((round(&chat).await, get().await), (1, stands("off", "", none)));
    assert_eq!((there(&chat), round(&chat).await), (vec![], 0));
    let noted = "SELECT count(*) FROM access.admin_log WHERE target_table = 'discord.syncs'";
    let noted: i64 = sqlx::query_scalar(noted).fetch_one(chat.pool()).await.unwrap();
    assert_eq!(noted, 2, "asking again is no other wish");
    chat.discord.verdict();
}
