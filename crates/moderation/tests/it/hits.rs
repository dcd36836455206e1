//! What automod saw, written down: once, with what follows, and with nothing of what was written.

use access::testing::House;
use db::testing::TestDatabase;
use kernel::{ChannelId, MessageId, UserId};
use moderation::automod::{Act, Body, Member, Message, NewRule, Pipeline, RuleType, State};
use moderation::effects::Payload;
use moderation::model::{RaidAction, Rank};
use moderation::ops;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{ADA, GUILD, count, due, operator};

/// A word that nothing but a message holds.
const SECRET: &str = "xylophonebadger";

fn rule(rule_type: RuleType, config: Value, action: Act) -> NewRule {
    NewRule {
        name: format!("{rule_type} {action}"),
        rule_type,
        config,
        action,
        duration_seconds: (action == Act::Timeout).then_some(600),
        delete_message: true,
        reason: None,
        alert_channel_id: None,
        exempt_role_ids: vec![],
        exempt_channel_ids: vec![],
        continue_matching: false,
        dry_run: false,
        is_active: true,
        priority: 0,
    }
}

async fn pipeline(pool: &PgPool, new: NewRule) -> Pipeline {
    ops::rules::rule_create(pool, GUILD, new, operator()).await.unwrap();
    ops::pipeline(pool, GUILD).await.unwrap()
}

fn message(content: &str) -> Message {
    let author = Member { user_id: ADA, names: vec!["ada".into()], ..Member::default() };
    let mut message = Message::new(MessageId::new(1 << 40), ChannelId::new(50), author);
    message.body = Body { content: content.into(), ..Body::default() };
    message
}

#[tokio::test]
async fn a_hit_counts_once_and_once_more_after_an_edit_or_a_dry_run() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let new = rule(RuleType::Words, json!({ "words": ["badword"] }), Act::Warn);
    let tried = pipeline(pool, NewRule { dry_run: true, ..new.clone() }).await;
    let mut state = State::new();
    let dry = tried.judge(&mut state, &message("a badword")).unwrap();
    let recorded = ops::record_hits(pool, GUILD, &dry, None).await.unwrap();
    assert_eq!((recorded.hits, recorded.cases.len()), (1, 0));
    assert!(due(pool).await.is_empty(), "nothing is done on trial");
    let id = ops::rules::rule_list(pool, GUILD).await.unwrap()[0].id;
    ops::rules::rule_replace(pool, GUILD, id, new, operator()).await.unwrap();
    let earnest = ops::pipeline(pool, GUILD).await.unwrap();
    let verdict = earnest.judge(&mut state, &message("a badword")).unwrap();
    for expected in [1, 0] {
        let recorded = ops::record_hits(pool, GUILD, &verdict, None).await.unwrap();
        assert_eq!((recorded.hits, recorded.cases.len()), (expected, expected));
    }
    let mut edited = message("a badword again");
    edited.is_update = true;
    edited.edited_at = chrono::DateTime::from_timestamp(1_800_000_000, 0);
    let verdict = earnest.judge(&mut state, &edited).unwrap();
    assert_eq!(ops::record_hits(pool, GUILD, &verdict, None).await.unwrap().hits, 1);
    let deletes = "SELECT count(*) FROM moderation.effects WHERE kind = 'delete_message'";
    assert_eq!(count(pool, deletes).await, 2);
    let figures =
        ops::hit_statistics(pool, GUILD, chrono::DateTime::UNIX_EPOCH, kernel::page::far()).await.unwrap();
    assert_eq!(
        figures.iter().map(|row| (row.dry_run, row.hits)).collect::<Vec<_>>(),
        [(false, 2), (true, 1)]
    );
}

#[tokio::test]
async fn the_owners_message_goes_and_their_case_has_failed_without_another_try() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let pipeline = pipeline(pool, rule(RuleType::Words, json!({ "words": ["badword"] }), Act::Timeout)).await;
    let mut from = message("badword");
    from.author.rank = Rank { owner: true, ..Rank::default() };
    let verdict = pipeline.judge(&mut State::new(), &from).unwrap();
    let bot = Rank { owner: false, position: 9, permissions: 1 << 40 };
    let recorded = ops::record_hits(pool, GUILD, &verdict, Some(bot)).await.unwrap();
    assert_eq!(recorded.cases[0].effect_state.as_str(), "failed");
    let due = due(pool).await;
    assert_eq!(due.len(), 1);
    assert!(matches!(due[0].payload, Payload::DeleteMessage { .. }));
}

#[tokio::test]
async fn what_members_write_is_nowhere_in_the_database() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut new = rule(RuleType::Regex, json!({ "patterns": ["xylo\\w+"] }), Act::Ban);
    new.alert_channel_id = Some(ChannelId::new(60));
    let pipeline = pipeline(pool, new).await;
    let verdict = pipeline
        .judge(&mut State::new(), &message(&format!("look at {SECRET} https://{SECRET}.com")))
        .unwrap();
    assert_eq!(ops::record_hits(pool, GUILD, &verdict, None).await.unwrap().cases.len(), 1);
    ops::rules::rule_try(serde_json::from_value(json!({
        "rule": { "name": "x", "rule_type": "regex", "config": { "patterns": ["xylo"] }, "action": "delete" },
        "samples": [{ "text": SECRET }],
    })).unwrap())
    .unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables WHERE schemaname NOT IN ('questhall')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(tables.len() > 50, "{tables:?}");
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text ILIKE '%{SECRET}%'");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
    // The scan itself finds what is there.
    let hits: i64 =
        sqlx::query_scalar("SELECT count(*) FROM moderation.automod_hits t WHERE t::text ILIKE '%pattern%'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(hits, 1);
}

#[tokio::test]
async fn joins_that_discord_tells_twice_are_one_and_a_flood_of_them_switches_raid_mode_on() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let config = json!({ "count": 5, "seconds": 10, "raid": "ban", "raid_minutes": 15 });
    let pipeline = pipeline(pool, rule(RuleType::JoinRate, config, Act::Alert)).await;
    let mut state = State::new();
    let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let mut raids = 0;
    for n in 0..6 {
        let member = Member { user_id: UserId::new(100 + n), ..Member::default() };
        let at = start + chrono::TimeDelta::milliseconds(n * 100);
        let verdict = pipeline.judge_join(&mut state, &member, at);
        assert_eq!(pipeline.judge_join(&mut state, &member, at + chrono::TimeDelta::milliseconds(400)), None);
        if let Some(verdict) = verdict {
            let recorded = ops::record_hits(pool, GUILD, &verdict, None).await.unwrap();
            raids += i32::from(recorded.raid.is_some());
            // On another node, which remembers nothing.
            let mut twin = verdict.clone();
            twin.source_id = format!("join:{}:{}", verdict.user_id, at.timestamp_millis() + 400);
            assert_eq!(ops::record_hits(pool, GUILD, &twin, None).await.unwrap().hits, 0);
        }
    }
    assert_eq!(raids, 1);
    assert_eq!(ops::raid_running(pool, GUILD).await.unwrap().unwrap().action, RaidAction::Ban);
}

#[tokio::test]
async fn rules_over_http() {
    let house = House::new(GUILD, &["moderation:read", "moderation:rules"], |_| {
        moderation::router().split_for_parts().0
    })
    .await;
    let base = "/guilds/1/moderation/rules";
    let new = json!({ "name": "Words", "rule_type": "words", "config": { "words": ["badword"] }, "action": "timeout", "duration_seconds": 60 });
    let (status, made) = house.send("POST", base, None, Some(new.clone())).await;
    assert_eq!(
        (status, &made["rule"]["delete_message"], &made["rule"]["priority"]),
        (201, &json!(true), &json!(0))
    );
    assert_eq!(house.send("POST", base, None, Some(new.clone())).await.0, 409);
    for (rule, field) in [
        (
            json!({ "name": "x", "rule_type": "regex", "config": { "patterns": ["ok", "(a"] }, "action": "delete" }),
            "config.patterns[1]",
        ),
        (
            json!({ "name": "x", "rule_type": "regex", "config": { "patterns": ["(\\w{500}){500}"] }, "action": "delete" }),
            "config.patterns[0]",
        ),
        (
            json!({ "name": "x", "rule_type": "links", "config": { "deny": ["e.com", "co.uk"] }, "action": "delete" }),
            "config.deny[1]",
        ),
        (
            json!({ "name": "x", "rule_type": "young_account", "config": { "hours": 5 }, "action": "delete" }),
            "action",
        ),
        (json!({ "name": "x", "rule_type": "invites", "action": "timeout" }), "duration_seconds"),
    ] {
        let (status, problem) = house.send("POST", base, None, Some(rule)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    let id = made["id"].as_str().unwrap();
    // What Discord blocks comes to no case: a rule that times out stays ours.
    let (_, native) = house.send("GET", &format!("{base}/native"), None, None).await;
    assert_eq!(
        (native["rules"].as_array().unwrap().len(), native["left_out"].as_array().unwrap().len()),
        (0, 1)
    );
    let (status, _) = house.send("PUT", &format!("{base}/{id}"), None, Some(json!({ "name": "Words", "rule_type": "words", "config": { "words": ["worse"] }, "action": "delete" }))).await;
    assert_eq!(status, 200);
    let trial = json!({ "rule": new, "samples": [{ "text": "fine" }, { "text": "b\u{200B}adword" }] });
    let (status, tried) = house.send("POST", &format!("{base}/try"), None, Some(trial)).await;
    assert_eq!(
        (status, &tried[0]["matched"], &tried[1]["explanation"]["steps"]),
        (200, &json!(false), &json!(["invisible"]))
    );
    let (status, native) = house.send("GET", &format!("{base}/native"), None, None).await;
    assert_eq!((status, &native["rules"][0]["trigger_metadata"]["keyword_filter"]), (200, &json!(["worse"])));
    let replay = json!({ "rule": { "name": "x", "rule_type": "message_rate", "config": { "count": 5, "seconds": 5 }, "action": "delete" }, "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z" });
    let (status, replayed) = house.send("POST", &format!("{base}/replay"), None, Some(replay)).await;
    assert_eq!((status, &replayed["hits"]), (200, &json!(0)));
    let rung = json!({ "warnings": 3, "within_days": 30, "action": "kick" });
    let (status, rung) = house.send("POST", "/guilds/1/moderation/escalations", None, Some(rung)).await;
    assert_eq!(status, 201, "{rung}");
    assert_eq!(
        house
            .send(
                "DELETE",
                &format!("/guilds/1/moderation/escalations/{}", rung["id"].as_str().unwrap()),
                None,
                None
            )
            .await
            .0,
        204
    );
    assert_eq!(house.send("DELETE", &format!("{base}/{id}"), None, None).await.0, 204);
    assert_eq!(house.send("GET", &format!("{base}/{id}"), None, None).await.0, 404);
    assert_eq!(house.send("GET", "/guilds/1/moderation/hits", None, None).await.1["items"], json!([]));
}
