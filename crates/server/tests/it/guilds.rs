//! Guilds with everything in them, for tests that walk over all operations.

use std::collections::BTreeMap;

use campaigns::timers::CampaignTimers;
use jobs::{Run, TimerTable as _};
use serde_json::{Value, json};

use crate::house::House;

/// A guild in which there is one of everything.
#[derive(Debug)]
pub(crate) struct Guild {
    /// A key with every scope, confined to the guild, bound to nobody.
    pub(crate) key: String,
    /// The member for whom it acts.
    pub(crate) user: i64,
    /// What stands for each `{name}` in a path.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

/// A body, given a time that is a day ahead.
type Body = fn(&str) -> Value;

/// What is made by a POST of a body to a collection of the guild, and the name under which its id stands in paths.
const MADE: &[(&str, &str, Body)] = &[
    ("announcement_id", "announcements", |_| json!({ "text": "Hello", "channel_id": "500" })),
    ("skill_id", "skills", |_| json!({ "slug": "graphs", "name": "Graphs" })),
    ("category_id", "categories", |_| json!({ "name": "general" })),
    ("event_id", "multiplier-events", |tomorrow| json!({ "name": "double XP", "ends_at": tomorrow })),
    (
        "achievement_id",
        "achievements",
        |_| json!({ "name": "chatty", "requirement_type": "counter_threshold", "requirement_field": "messages_sent", "requirement_value": 1_000_000 }),
    ),
    ("board_quest_id", "board", |_| json!({ "title": "mend the gate" })),
    ("item_id", "shop/items", |_| json!({ "slug": "tea", "name": "Tea", "price_gold": 1 })),
    ("webhook_id", "webhooks", |_| json!({ "name": "hook", "url": "https://example.org/hook" })),
    (
        "rule_id",
        "moderation/rules",
        |_| json!({ "name": "invites", "rule_type": "invites", "action": "alert" }),
    ),
    (
        "escalation_id",
        "moderation/escalations",
        |_| json!({ "warnings": 9, "within_days": 30, "action": "alert" }),
    ),
    ("raid_id", "moderation/raids", |_| json!({ "action": "none", "reason": "Many came." })),
    ("season_id", "seasons", |tomorrow| json!({ "name": "first", "ends_at": tomorrow })),
];

/// A script whose input nobody needs here.
const SCRIPT: &str = "import json\nprint(json.dumps({'input': 'x', 'result': 'y'}))\n";

impl Guild {
    /// Makes the guild over the API, as its admins would.
    #[expect(clippy::too_many_lines, reason = "one of everything")]
    pub(crate) async fn furnish(house: &House, id: i64, user: i64) -> Self {
        let key = house.key(Some(id), None, &["*"]).await;
        let api = format!("/api/v1/guilds/{id}");
        for user in [user, user + 1] {
            let path = format!("{api}/members/{user}");
            let answer = house
                .call(axum::http::Method::PUT, &path, &key, &json!({ "name": format!("member {user}") }))
                .await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
        let squad =
            house.made(&format!("{api}/squads"), &key, &json!({ "name": format!("squad {id}") })).await;
        let bundle = json!({
            "campaign": {
                "name": format!("campaign {id}"), "campaign_type": "player", "duration_hours": 24,
                "scoring_type": "point_based", "starting_points": 100, "points_decrease_step": 1,
                "rewards": [{ "participation": true, "bytes": 1 }],
            },
            "challenges": [
                { "slug": "one", "title": "One", "description": "…", "generation_script": SCRIPT,
                  "hints": [{ "text": "Look closer.", "cost_bytes": 0 }] },
                { "slug": "two", "title": "Two", "description": "…", "generation_script": SCRIPT },
            ],
        });
        let campaign = house.made(&format!("{api}/campaigns/import?unchecked=true"), &key, &bundle).await;
        let campaign_id = campaign["id"].as_str().unwrap().to_owned();
        let campaigns = format!("{api}/campaigns/{campaign_id}");
        house.made(&format!("{campaigns}/start"), &key, &json!({})).await;
        run_timers(house).await;
        for user in [user, user + 1] {
            house.act(&format!("{campaigns}/registrations"), &key, user, &json!({})).await;
        }
        let made =
            house.made("/api/v1/keys", &key, &json!({ "name": "spare", "scopes": ["campaigns:read"] })).await;
        let hook = json!({ "name": "hook", "url": "https://endpoint.invalid/" });
        let webhook = house.made(&format!("{api}/webhooks"), &key, &hook).await;
        let mut ids = BTreeMap::from([
            // Names that are the same everywhere.
            ("category", "api_keys".to_owned()),
            ("name", "max_lifetime_days".to_owned()),
            ("role", "author".to_owned()),
            ("discord_role_id", "41771983423143936".to_owned()),
            ("guild_id", id.to_string()),
            ("user_id", user.to_string()),
            ("participant_id", user.to_string()),
            ("squad_id", text(&squad["id"])),
            ("campaign_id", campaign_id.clone()),
            ("webhook_id", text(&webhook["webhook"]["id"])),
            ("key_id", text(&made["key"]["id"])),
        ]);
        let pool = house.database.pool();
        let campaign = uuid::Uuid::parse_str(&campaign_id).unwrap();
        let one = async |sql: &'static str| -> uuid::Uuid {
            sqlx::query_scalar(sql).bind(campaign).fetch_one(pool).await.unwrap()
        };
        ids.insert(
            "challenge_id",
            one("SELECT id FROM challenges.challenges WHERE campaign_id = $1 ORDER BY order_position")
                .await
                .to_string(),
        );
        ids.insert("hint_id", one("SELECT h.id FROM challenges.challenge_hints h JOIN challenges.challenges c ON c.id = h.challenge_id WHERE c.campaign_id = $1").await.to_string());
        ids.insert("timer_id", one("UPDATE campaigns.campaign_timers SET status = 'FAILED' WHERE campaign_id = $1 AND timer_type = 'CLOSE_CAMPAIGN' RETURNING id").await.to_string());
        let tomorrow =
            db::now(&mut pool.acquire().await.unwrap()).await.unwrap() + chrono::TimeDelta::days(1);
        let tomorrow = tomorrow.to_rfc3339();
        for (name, collection, body) in MADE {
            let made = house.made(&format!("{api}/{collection}"), &key, &body(&tomorrow)).await;
            // Beside a secret that is shown once, the thing itself has a name.
            let made = if made["secret"].is_string() { &made["webhook"] } else { &made };
            ids.insert(name, id_text(&made["id"]));
        }
        let case = json!({
            "action": "ban", "user_id": user.to_string(), "reason": "Spam", "evidence": [{ "url": "https://example.org/a" }],
        });
        let case = house.made(&format!("{api}/moderation/cases"), &key, &case).await;
        ids.insert("case_number", case["case_number"].to_string());
        let evidence = format!("{api}/moderation/cases/{}/evidence", case["case_number"]);
        ids.insert("evidence_id", text(&house.get(&evidence, &key).await.json()[0]["id"]));
        let appeal = format!("{api}/moderation/own-cases/{}/appeals", case["case_number"]);
        house.act(&appeal, &key, user, &json!({ "statement": "It was not me." })).await;
        let appeals = house.get(&format!("{api}/moderation/appeals"), &key).await.json();
        ids.insert("appeal_id", text(&appeals["items"][0]["id"]));
        let effect: uuid::Uuid = sqlx::query_scalar(
            "UPDATE moderation.effects SET state = 'dead', settled_at = now() WHERE guild_id = $1 AND kind = 'ban' RETURNING id",
        )
        .bind(id)
        .fetch_one(pool)
        .await
        .unwrap();
        ids.insert("effect_id", effect.to_string());
        ids.insert("token", format!("{id}.opens-nothing"));
        let learned = house.made(&format!("{api}/learning/import"), &key, &learning(id)).await;
        ids.insert("path_id", text(&learned["path_id"]));
        let question = json!({ "slug": "word", "type": "text", "text": "Word?", "answers": ["sesame"] });
        let bank =
            json!({ "slug": format!("bank-{id}"), "bank": { "title": "A bank", "questions": [question] } });
        house.made(&format!("{api}/learning/sources/banks"), &key, &bank).await;
        ids.insert("bank_slug", format!("bank-{id}"));
        let quests = house.get(&format!("{api}/learning/sources/quests"), &key).await.json();
        let quest = text(&quests["items"][0]["id"]);
        let attempt =
            house.act(&format!("{api}/learning/quests/{quest}/attempt"), &key, user, &json!({})).await;
        ids.insert("step_id", text(&attempt["steps"][0]["id"]));
        let essay = text(&attempt["steps"][2]["id"]);
        let hand_in = format!("{api}/assessment/quests/{quest}/steps/{essay}/submissions");
        let handed_in = house.act(&hand_in, &key, user, &json!({ "text": "My essay." })).await;
        ids.insert("submission_id", text(&handed_in["id"]));
        let assessment = text(&attempt["assessments"][0]["id"]);
        let peers = format!("{api}/assessment/quests/{quest}/assessments/{assessment}");
        let other = user + 1;
        house.act(&format!("{api}/learning/quests/{quest}/attempt"), &key, other, &json!({})).await;
        for author in [user, other] {
            house.act(&format!("{peers}/submissions"), &key, author, &json!({ "text": "Mine." })).await;
        }
        let given = house.act(&format!("{peers}/reviews"), &key, user, &json!({})).await;
        ids.insert("review_id", text(&given["review"]["id"]));
        ids.insert("assessment_id", assessment);
        let again = json!({ "quest_id": quest, "step_id": attempt["steps"][1]["id"], "reason": "a key" });
        let asked = house.made(&format!("{api}/assessment/regrades"), &key, &again).await;
        ids.insert("regrade_id", text(&asked["id"]));
        ids.insert("quest_id", quest);
        let badge =
            json!({ "path_id": ids["path_id"], "name": "A badge", "description": "d", "criteria": "c" });
        let badge = house.made(&format!("{api}/credentials/badges"), &key, &badge).await;
        ids.insert("badge_id", text(&badge["id"]));
        // As those are that were issued to somebody else.
        ids.insert("credential_id", text(&badge["id"]));
        let award = json!({ "user_ids": [user.to_string()], "gold": 10, "reason": "for the shop" });
        house.made(&format!("{api}/awards"), &key, &award).await;
        let item = format!("{api}/shop/items/{}/purchases", ids["item_id"]);
        let purchase = house.act(&item, &key, user, &json!({})).await;
        let purchase = if purchase["purchase"].is_object() { &purchase["purchase"] } else { &purchase };
        ids.insert("purchase_id", id_text(&purchase["id"]));
        let effect: uuid::Uuid = sqlx::query_scalar(
            "INSERT INTO discord.effects (guild_id, target, kind, payload, dedupe_key, status, settled_at)
             VALUES ($1, 'channel:1', 'announcement', '{}', 'an effect', 'dead', now()) RETURNING id",
        )
        .bind(id)
        .fetch_one(pool)
        .await
        .unwrap();
        ids.insert("discord_effect_id", effect.to_string());
        Self { key, user, ids }
    }
}

/// A path of one quest with a step to confirm, a quiz and files, one of which is called as other things in paths are.
fn learning(guild: i64) -> Value {
    json!({
        "slug": "course", "path": { "name": format!("course {guild}"), "type": "Course", "quests": [{ "quest": "first" }] },
        "quests": [{ "slug": "first", "files": [
            { "path": "max_lifetime_days", "text": "Ninety.\n" },
            { "path": "plan.svg", "text": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 56 19'/>" },
        ], "quest": {
            "description": "[How long](files/max_lifetime_days) ![A plan](files/plan.svg)", "title": format!("quest {guild}"), "type": "Tutorial", "difficulty": "Beginner", "experience_points": 5,
            "steps": [
                { "slug": "read", "type": "Reading", "title": "Read" },
                { "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "cooldown_seconds": 0, "questions": [
                    { "slug": "word", "type": "text", "text": "Word?", "answers": ["sesame"] }] } },
                { "slug": "essay", "type": "Submission", "title": "Essay", "submission": {} },
            ],
            "assessments": [{ "slug": "peers", "type": "PeerReview", "title": "Peers", "optional": true, "review": { "rubric": [
                { "slug": "sense", "text": "Sense", "points": 3 }] } }],
        } }],
    })
}

/// Executes the timers that are due, as an engine would; none runs here by itself.
pub(crate) async fn run_timers(house: &House) {
    let run = Run { node_id: uuid::Uuid::nil(), started: std::time::Instant::now() };
    loop {
        let mut tx = house.database.pool().begin().await.unwrap();
        let due = CampaignTimers.claim(&mut tx, None, 100).await.unwrap();
        if due.is_empty() {
            return;
        }
        CampaignTimers.execute(&mut tx, &run, &due).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Ids are texts or numbers.
fn id_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every row that belongs to a guild, by table: what must not change when others knock at its doors.
pub(crate) async fn rows_of(house: &House, guild: i64) -> BTreeMap<String, Vec<String>> {
    let pool = house.database.pool();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', c.table_schema, c.table_name) FROM information_schema.columns c
           JOIN information_schema.tables t USING (table_schema, table_name)
          WHERE c.column_name = 'guild_id' AND t.table_type = 'BASE TABLE'
            AND c.table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let mut all = BTreeMap::new();
    for table in tables {
        let sql = format!("SELECT t::text FROM {table} t WHERE guild_id = $1 ORDER BY 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(guild).fetch_all(pool).await.unwrap();
        if !rows.is_empty() {
            all.insert(table, rows);
        }
    }
    all
}
