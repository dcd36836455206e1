//! Settings: declared by a slice, changed by an administrator, counted by every node.

use std::fmt::Write as _;

use access::keys::KeyPolicy;
use access::settings::{Described, Field, Group, MAX_UNHEARD, Registry, Settings};
use chrono::TimeDelta;
use kernel::GuildId;
use kernel::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::house::{GUILD, House, OTHER_GUILD, now};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Greetings {
    enabled: bool,
    earliest_hour: i64,
    latest_hour: i64,
    volume: f64,
    words: String,
    mood: String,
    channels: Vec<String>,
    host: Option<String>,
    rewards: std::collections::BTreeMap<String, Reward>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reward {
    bytes: u32,
}

impl Default for Greetings {
    fn default() -> Self {
        Self {
            enabled: true,
            earliest_hour: 8,
            latest_hour: 20,
            volume: 0.5,
            words: "Hello".to_owned(),
            mood: "calm".to_owned(),
            channels: Vec::new(),
            host: None,
            rewards: std::collections::BTreeMap::new(),
        }
    }
}

impl Group for Greetings {
    const CATEGORY: &'static str = "greetings";
    const ABOUT: &'static str = "How new members are greeted.";
    const FIELDS: &'static [Field] = &[
        Field::boolean("enabled", "Greet."),
        Field::integer("earliest_hour", 0, 23, "From this hour."),
        Field::integer("latest_hour", 0, 23, "Until this hour."),
        Field::number("volume", 0.0, 1.0, "How loud."),
        Field::text("words", 20, "What is said."),
        Field::choice("mood", &["calm", "wild"], "How."),
        Field::texts("channels", 2, 10, "Where."),
        Field::id("host", "By whom.").or_null(),
        Field::json("rewards", "For what, how much."),
    ];

    fn validate(&self) -> Result<(), Vec<FieldError>> {
        if self.earliest_hour <= self.latest_hour {
            return Ok(());
        }
        let message = "must not be after latest_hour".to_owned();
        Err(vec![FieldError { field: "earliest_hour".to_owned(), message }])
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Plant {
    power: i64,
}

impl Group for Plant {
    const CATEGORY: &'static str = "plant";
    const ABOUT: &'static str = "The machine itself.";
    const INSTALLATION_ONLY: bool = true;
    const FIELDS: &'static [Field] = &[Field::integer("power", 0, 10, "How much.")];
}

pub(crate) fn registry() -> Registry {
    Registry::new([Described::of::<Greetings>(), Described::of::<Plant>(), Described::of::<KeyPolicy>()])
}

async fn put_behind_our_back(house: &House, guild: i64, key: &str, value: Value) {
    sqlx::query(
        "INSERT INTO access.settings (guild_id, key, value_json, category) VALUES ($1, $2, $3, split_part($2, '.', 1))
         ON CONFLICT (guild_id, key) DO UPDATE SET value_json = EXCLUDED.value_json",
    )
    .bind(guild)
    .bind(key)
    .bind(value)
    .execute(house.database.pool())
    .await
    .unwrap();
}

async fn words(settings: &Settings, guild: i64) -> String {
    settings.get::<Greetings>(Some(GuildId::new(guild))).await.unwrap().words.clone()
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Wrong {
    hours: i64,
    extra: i64,
}

impl Group for Wrong {
    const CATEGORY: &'static str = "Wrong";
    const ABOUT: &'static str = "";
    const FIELDS: &'static [Field] =
        &[Field::integer("hours", 1, 2, "Hours."), Field::boolean("missing", "Missing.")];
}

#[test]
fn the_groups_are_declared_rightly() {
    assert_eq!(registry().faults(), Vec::<String>::new());
    let faults = Registry::new([Described::of::<Wrong>(), Described::of::<Wrong>()]).faults();
    assert_eq!(faults.len(), 1 + 2 * 4, "{faults:#?}");
}

#[tokio::test]
async fn a_guilds_value_beats_the_installations_which_beats_the_default() {
    let house = House::new().await;
    let settings = house.app.settings();
    assert_eq!(*settings.get::<Greetings>(None).await.unwrap(), Greetings::default());
    put_behind_our_back(&house, 0, "greetings.words", json!("Welcome")).await;
    put_behind_our_back(&house, GUILD, "greetings.words", json!("Servus")).await;
    put_behind_our_back(&house, GUILD, "greetings.rewards", json!({"wave": {"bytes": 5}})).await;
    assert_eq!(words(settings, GUILD).await, "Servus");
    assert_eq!(words(settings, OTHER_GUILD).await, "Welcome");
    let own = settings.get::<Greetings>(Some(GuildId::new(GUILD))).await.unwrap();
    assert_eq!(own.rewards["wave"], Reward { bytes: 5 });
    // A guild has no say in what is the installation's.
    put_behind_our_back(&house, GUILD, "plant.power", json!(9)).await;
    assert_eq!(settings.get::<Plant>(Some(GuildId::new(GUILD))).await.unwrap().power, 0);
}

#[tokio::test]
async fn what_is_stored_and_does_not_fit_is_passed_over() {
    let house = House::new().await;
    put_behind_our_back(&house, 0, "greetings.words", json!(7)).await;
    put_behind_our_back(&house, 0, "greetings.retired", json!(true)).await;
    put_behind_our_back(&house, 0, "greetings.volume", json!(0.25)).await;
    put_behind_our_back(&house, GUILD, "greetings.earliest_hour", json!(22)).await;
    let greetings = house.app.settings().get::<Greetings>(Some(GuildId::new(GUILD))).await.unwrap();
    // The guild's hours contradict each other: the installation's values count.
    assert_eq!(*greetings, Greetings { volume: 0.25, ..Greetings::default() });
}

#[tokio::test]
async fn reading_costs_no_query_once_cached_and_survives_the_database() {
    let house = House::new().await;
    assert_eq!(words(house.app.settings(), GUILD).await, "Hello");
    house.app.pool().close().await;
    assert_eq!(words(house.app.settings(), GUILD).await, "Hello");
    house.clock.advance(MAX_UNHEARD + TimeDelta::hours(1));
    assert_eq!(words(house.app.settings(), GUILD).await, "Hello");
    assert!(house.app.settings().get::<Plant>(None).await.is_err());
}

#[tokio::test]
async fn without_a_listener_a_change_counts_within_a_second() {
    let house = House::new().await;
    assert_eq!(words(house.app.settings(), GUILD).await, "Hello");
    put_behind_our_back(&house, GUILD, "greetings.words", json!("Moin")).await;
    assert_eq!(words(house.app.settings(), GUILD).await, "Hello");
    house.clock.advance(MAX_UNHEARD);
    assert!(MAX_UNHEARD < TimeDelta::seconds(1));
    assert_eq!(words(house.app.settings(), GUILD).await, "Moin");
}

#[tokio::test]
async fn a_listening_node_hears_of_changes_and_of_lost_connections() {
    let house = House::new().await;
    let settings = house.app.settings().clone();
    let (stop, mut heard) = (CancellationToken::new(), settings.heard());
    let listening = tokio::spawn({
        let (settings, stop) = (settings.clone(), stop.clone());
        async move { settings.listen(stop).await }
    });
    heard.wait_for(|count| *count > 0).await.unwrap();
    assert!(settings.is_listening());
    assert_eq!(
        (words(&settings, GUILD).await, words(&settings, OTHER_GUILD).await),
        ("Hello".into(), "Hello".into())
    );

    heard.mark_unchanged();
    put_behind_our_back(&house, GUILD, "greetings.words", json!("Moin")).await;
    heard.changed().await.unwrap();
    assert_eq!(
        (words(&settings, GUILD).await, words(&settings, OTHER_GUILD).await),
        ("Moin".into(), "Hello".into())
    );

    heard.mark_unchanged();
    put_behind_our_back(&house, 0, "greetings.words", json!("Welcome")).await;
    heard.changed().await.unwrap();
    assert_eq!(
        (words(&settings, GUILD).await, words(&settings, OTHER_GUILD).await),
        ("Moin".into(), "Welcome".into())
    );

    // The connection dies; what happens meanwhile is found when there is another.
    heard.mark_unchanged();
    let killed: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND (query ILIKE 'LISTEN%' OR query ILIKE '%AS alive%') AND pid <> pg_backend_pid()",
    )
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert_eq!(killed, 1);
    heard.changed().await.unwrap();
    put_behind_our_back(&house, GUILD, "greetings.words", json!("Grüezi")).await;
    while !settings.is_listening() {
        heard.changed().await.unwrap();
    }
    assert_eq!(words(&settings, GUILD).await, "Grüezi");
    stop.cancel();
    listening.await.unwrap();
    assert!(!settings.is_listening());
}

#[tokio::test]
async fn a_setting_is_listed_changed_and_taken_back() {
    let house = House::new().await;
    let (id, key) = house.key(Some(GUILD), None, &["settings:read", "settings:write"]).await;
    let path = format!("/guilds/{GUILD}/settings");
    let listed = house.get(&path, &key).await;
    let categories: Vec<_> =
        listed.body.as_array().unwrap().iter().map(|group| group["category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["api_keys", "greetings"]);
    let hour = &house.get(&format!("{path}/greetings"), &key).await.body["settings"][1];
    assert_eq!(
        *hour,
        json!({"key": "greetings.earliest_hour", "type": "integer", "description": "From this hour.",
            "nullable": false, "minimum": 0, "maximum": 23, "default": 8, "value": 8, "source": "default",
            "updated_by": null, "updated_at": null})
    );

    let changed = house
        .patch(
            &format!("{path}/greetings"),
            &key,
            r#"{"earliest_hour": 21, "latest_hour": 22, "host": null}"#,
        )
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let hour = &changed.body["settings"][1];
    assert_eq!((&hour["value"], &hour["source"]), (&json!(21), &json!("guild")));
    assert_eq!(hour["updated_by"], format!("key:{id}"));
    house.clock.advance(MAX_UNHEARD);
    let read = house.app.settings().get::<Greetings>(Some(GuildId::new(GUILD))).await.unwrap();
    assert_eq!((read.earliest_hour, read.latest_hour), (21, 22));

    let by_key = house.patch(&path, &key, r#"{"greetings.words": "Hi", "greetings.latest_hour": 23}"#).await;
    assert_eq!(by_key.status, 200, "{by_key:?}");
    // Left alone, the latest hour would be before the earliest.
    let refused = house.delete(&format!("{path}/greetings/latest_hour"), &key).await;
    insta::assert_snapshot!(refused.problem(), @"422 invalid-setting: `greetings.earliest_hour` must not be after latest_hour");
    for name in ["earliest_hour", "latest_hour"] {
        let reset = house.delete(&format!("{path}/greetings/{name}"), &key).await;
        assert_eq!(reset.status, 200, "{reset:?}");
    }
    let entries: Vec<(String, String, Value, Value)> = sqlx::query_as(
        "SELECT action_type, target_id, before_snapshot, after_snapshot FROM access.admin_log
         WHERE guild_id = $1 AND target_table = 'access.settings' ORDER BY id",
    )
    .bind(GUILD)
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    let expected = [
        (
            "UPDATE",
            json!({}),
            json!({"greetings.earliest_hour": 21, "greetings.host": null, "greetings.latest_hour": 22}),
        ),
        (
            "UPDATE",
            json!({"greetings.latest_hour": 22}),
            json!({"greetings.latest_hour": 23, "greetings.words": "Hi"}),
        ),
        ("RESET", json!({"greetings.earliest_hour": 21}), json!({})),
        ("RESET", json!({"greetings.latest_hour": 23}), json!({})),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(action, before, after)| (action.to_owned(), "greetings".to_owned(), before, after))
        .collect();
    assert_eq!(entries, expected);
}

#[tokio::test]
async fn what_no_setting_takes_is_named_and_nothing_is_stored() {
    let house = House::new().await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let guild = format!("/guilds/{GUILD}/settings");
    let mut told = String::new();
    for (path, body) in [
        (&*guild, r#"{"greetings.wrods": "Hi", "greetings.words": "Hi"}"#),
        (&guild, r#"{"greeting.words": "Hi", "words": 1}"#),
        (&guild, r#"{"greetings.enabled": "yes", "greetings.words": "Hi", "greetings.volume": 2}"#),
        (&guild, r#"{"greetings.earliest_hour": 1.5, "greetings.latest_hour": 99999999999999999999}"#),
        (&guild, r#"{"greetings.mood": "sad", "greetings.host": 12, "greetings.channels": [1]}"#),
        (&guild, r#"{"greetings.earliest_hour": 21}"#),
        (&guild, r#"{"greetings.rewards": {"wave": {"bytes": -1}}}"#),
        (&guild, r#"{"greetings.words": null}"#),
        (&guild, r#"{"plant.power": 3}"#),
        (&guild, "[]"),
        (&format!("{guild}/nothing"), r#"{"words": "Hi"}"#),
        (&format!("{guild}/plant"), r#"{"power": 3}"#),
        ("/settings/plant", r#"{"power": 11}"#),
    ] {
        let answer = house.patch(path, &key, body).await;
        writeln!(told, "{} {body}\n    {}", path.replace(&guild, "…"), answer.problem()).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    … {"greetings.wrods": "Hi", "greetings.words": "Hi"}
        422 invalid-setting: `greetings.wrods` is no setting; known are greetings.enabled, greetings.earliest_hour, greetings.latest_hour, greetings.volume, greetings.words, greetings.mood, greetings.channels, greetings.host, greetings.rewards
    … {"greeting.words": "Hi", "words": 1}
        422 invalid-setting: `greeting.words` is no setting; known are api_keys.…, greetings.…, plant.…; `words` is no setting; known are api_keys.…, greetings.…, plant.…
    … {"greetings.enabled": "yes", "greetings.words": "Hi", "greetings.volume": 2}
        422 invalid-setting: `greetings.enabled` must be `true` or `false`; `greetings.volume` must be a number from 0 to 1
    … {"greetings.earliest_hour": 1.5, "greetings.latest_hour": 99999999999999999999}
        422 invalid-setting: `greetings.earliest_hour` must be a whole number from 0 to 23; `greetings.latest_hour` must be a whole number from 0 to 23
    … {"greetings.mood": "sad", "greetings.host": 12, "greetings.channels": [1]}
        422 invalid-setting: `greetings.channels` must be a list of at most 2 texts of at most 10 characters; `greetings.host` must be a Discord id, as digits in a text, or null for none; `greetings.mood` must be one of calm, wild
    … {"greetings.earliest_hour": 21}
        422 invalid-setting: `greetings.earliest_hour` must not be after latest_hour
    … {"greetings.rewards": {"wave": {"bytes": -1}}}
        422 invalid-setting: `greetings.rewards.wave.bytes` must be a whole number from 0 to 4294967295, not -1
    … {"greetings.words": null}
        422 invalid-setting: `greetings.words` must be a text of at most 20 characters
    … {"plant.power": 3}
        422 invalid-setting: `plant.power` is set for the whole installation, not for a guild
    … []
        400 invalid-request: The request must be an object, not a list.
    …/nothing {"words": "Hi"}
        404 not-found: There is no such group of settings here.
    …/plant {"power": 3}
        404 not-found: There is no such group of settings here.
    /settings/plant {"power": 11}
        422 invalid-setting: `plant.power` must be a whole number from 0 to 10
    "#);
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM access.settings")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    assert_eq!(stored, 0);
    assert_eq!(house.patch("/settings/plant", &key, r#"{"power": 3}"#).await.status, 200);
    assert_eq!(house.get("/settings/plant", &key).await.body["settings"][0]["source"], "installation");
}

#[tokio::test]
async fn another_guilds_settings_do_not_exist() {
    let house = House::new().await;
    let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
    let (_, reader) = house.key(Some(GUILD), None, &["settings:read"]).await;
    let theirs = format!("/guilds/{OTHER_GUILD}/settings");
    assert_eq!(house.get(&theirs, &key).await.status, 404);
    assert_eq!(house.patch(&theirs, &key, r#"{"greetings.words": "Hi"}"#).await.status, 404);
    assert_eq!(house.patch("/settings", &key, r#"{"greetings.words": "Hi"}"#).await.status, 403);
    let own = format!("/guilds/{GUILD}/settings");
    assert_eq!(house.patch(&own, &reader, r#"{"greetings.words": "Hi"}"#).await.status, 403);
}

#[tokio::test]
async fn a_guild_may_demand_that_keys_expire() {
    let house = House::new().await;
    let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
    let path = format!("/guilds/{GUILD}/settings/api_keys");
    assert_eq!(house.patch(&path, &key, r#"{"max_lifetime_days": 7}"#).await.status, 200);
    let never = house.post("/keys", &key, r#"{"name": "x", "scopes": ["squads:read"]}"#).await;
    insta::assert_snapshot!(never.problem(), @"400 invalid-request: `expires_at` must be within 7 days: the setting api_keys.max_lifetime_days says so");
    let now = now(house.database.pool()).await;
    for (days, status) in [(8, 400), (6, 201)] {
        let expires_at = now + TimeDelta::days(days);
        let body = json!({"name": "x", "scopes": ["squads:read"], "expires_at": expires_at}).to_string();
        assert_eq!(house.post("/keys", &key, &body).await.status, status, "{days}");
    }
}
