//! Server-sent events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures::StreamExt as _;
use jobs::outbox::{Event, emit};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use server::Settings;
use tower::ServiceExt as _;

use crate::guilds::Guild;
use crate::house::{House, ask};

// Types of events are seen by who may, as they are declared: also those that only tests emit.
mod declared_0 {
    jobs::declare_events! {
        read "campaigns:read", admin "campaigns:write";

        "campaign.test_a" Everyone "a test says so" {}
        "campaign.test_b" Everyone "a test says so" {}
        "campaign.test_bb" Everyone "a test says so" {}
        "campaign.test_c" Everyone "a test says so" {}
        "campaign.test_closed" Everyone "a test says so" {}
        "campaign.test_end" Everyone "a test says so" {}
        "campaign.test_started" Everyone "a test says so" {}
        "campaign.test_tick" Everyone "a test says so" {}
        "challenge.test_solved" Everyone "a test says so" {}
    }
}

mod declared_1 {
    jobs::declare_events! {
        read "campaigns:write", admin "campaigns:write";

        "timer.test_failed" Everyone "a test says so" {}
    }
}

mod declared_2 {
    jobs::declare_events! {
        read "squads:read", admin "squads:write";

        "squad.test_joined" Everyone "a test says so" {}
    }
}

pub(crate) const GUILD: i64 = 175_928_847_299_117_063;
const OTHER: i64 = 175_928_847_299_117_064;

/// How long a client waits for something that must come before it calls it missing: transactions of other tests hold events back.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client that reads a stream.
struct Client {
    body: BodyDataStream,
    text: String,
}

/// What it reads: `id`, `event` and `data`.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    id: String,
    event: String,
    data: Value,
}

impl Client {
    async fn open(house: &House, path: &str, key: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = ask(Method::GET, path, key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = house.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut client = Self { body: response.into_body().into_data_stream(), text: String::new() };
        let hello = client.next().await.unwrap();
        assert_eq!(hello.event, "hello");
        client
    }

    /// The next block, comments included; `None` at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let more = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let bytes = more.expect("something is sent in the end")?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next message that is no comment.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
            };
            if !block.starts_with(':') {
                let data = serde_json::from_str(&field("data: ")).unwrap();
                return Some(Message { id: field("id: "), event: field("event: "), data });
            }
        }
    }

    /// The numbers of the next `count` test events.
    async fn numbers(&mut self, count: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(self.next().await.unwrap().data["data"]["n"].as_i64().unwrap());
        }
        numbers
    }
}

fn event(guild: i64, event_type: &'static str, n: i64) -> Event {
    Event {
        guild_id: GuildId::new(guild),
        event_type,
        subject: "campaigns/x".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: json!({ "n": n }),
    }
}

impl House {
    async fn emit(&self, events: &[Event]) {
        let mut tx = self.database.pool().begin().await.unwrap();
        emit(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
        self.services.app.wake().outbox();
    }
}

fn path() -> String {
    format!("/api/v1/guilds/{GUILD}/events")
}

#[tokio::test]
async fn events_arrive_in_an_envelope_and_in_order() {
    let house = House::new().await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    house.emit(&[event(GUILD, "campaign.test_started", 1), event(OTHER, "campaign.test_started", 2)]).await;
    house.emit(&[event(GUILD, "campaign.test_closed", 3)]).await;
    let (first, second) = (client.next().await.unwrap(), client.next().await.unwrap());
    assert_eq!(
        (first.event.as_str(), second.event.as_str()),
        ("campaign.test_started", "campaign.test_closed")
    );
    let data = &first.data;
    assert_eq!(data["type"], "campaign.test_started");
    assert_eq!(data["source"], format!("/guilds/{GUILD}"));
    assert_eq!(data["subject"], "campaigns/x");
    assert_eq!(data["guild_id"], GUILD.to_string());
    assert_eq!(data["data"], json!({ "n": 1 }));
    assert!(uuid::Uuid::parse_str(data["id"].as_str().unwrap()).is_ok());
    assert!(data["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(second.data["data"]["n"], 3);
}

#[tokio::test]
async fn a_stream_goes_on_where_the_last_one_broke_off() {
    let house = House::new().await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    let events: Vec<Event> = (0..5).map(|n| event(GUILD, "campaign.test_tick", n)).collect();
    house.emit(&events).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(client.next().await.unwrap());
    }
    drop(client);
    // Enough that catching up takes several reads, and some while it catches up.
    let more: Vec<Event> = (5..500).map(|n| event(GUILD, "campaign.test_tick", n)).collect();
    house.emit(&more).await;
    let mut client = Client::open(&house, &path(), &house.global, &[("last-event-id", &seen[1].id)]).await;
    let late: Vec<Event> = (500..600).map(|n| event(GUILD, "campaign.test_tick", n)).collect();
    house.emit(&late).await;
    assert_eq!(client.numbers(598).await, (2..600).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_client_that_is_too_slow_for_the_live_stream_loses_nothing() {
    let house = House::new().await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    // More than the live stream keeps for anybody.
    for n in 0..10 {
        let events: Vec<Event> =
            (n * 1000..(n + 1) * 1000).map(|n| event(GUILD, "campaign.test_tick", n)).collect();
        house.emit(&events).await;
    }
    let end = house.services.tail.clone();
    let mut watcher = end.subscribe();
    house.emit(&[event(OTHER, "campaign.test_end", 0)]).await;
    while watcher.next().await.map(|event| event.event_type.clone()) != Ok("campaign.test_end".to_owned()) {}
    assert_eq!(client.numbers(10_000).await, (0..10_000).collect::<Vec<i64>>());
}

#[tokio::test]
async fn only_wanted_types_are_sent() {
    let house = House::new().await;
    let wanted = format!("{}?types=campaign.test_b,%20campaign.test_c", path());
    let mut client = Client::open(&house, &wanted, &house.global, &[]).await;
    let kinds =
        ["campaign.test_a", "campaign.test_b", "campaign.test_c", "campaign.test_bb", "campaign.test_b"];
    let events: Vec<Event> = kinds.iter().zip(0..).map(|(kind, n)| event(GUILD, kind, n)).collect();
    house.emit(&events).await;
    assert_eq!(client.numbers(3).await, [1, 2, 4]);
}

#[tokio::test]
async fn who_sees_what() {
    let house = House::new().await;
    let member = UserId::new(7);
    let events = [
        event(GUILD, "campaign.test_started", 0),
        Event { user_id: Some(member), ..event(GUILD, "challenge.test_solved", 1) },
        event(GUILD, "squad.test_joined", 2),
        event(GUILD, "timer.test_failed", 3),
        Event { user_id: Some(UserId::new(8)), ..event(GUILD, "challenge.test_solved", 4) },
        event(GUILD, "campaign.test_closed", 9),
    ];
    let cases: [(&[&str], Option<i64>, Vec<i64>); 5] = [
        (&["campaigns:read"], None, vec![0, 9]),
        (&["campaigns:read"], Some(7), vec![0, 1, 9]),
        (&["campaigns:read", "squads:read"], None, vec![0, 2, 9]),
        (&["campaigns:read", "campaigns:write"], None, vec![0, 1, 3, 4, 9]),
        (&["*"], None, vec![0, 1, 2, 3, 4, 9]),
    ];
    let mut clients = Vec::new();
    for (scopes, user, expected) in cases {
        let key = house.key(Some(GUILD), None, scopes).await;
        let user = user.map(|user| user.to_string());
        let headers: Vec<(&str, &str)> =
            user.as_deref().map(|user| ("questhall-user", user)).into_iter().collect();
        clients.push((Client::open(&house, &path(), &key, &headers).await, scopes, expected));
    }
    house.emit(&events).await;
    for (mut client, scopes, expected) in clients {
        assert_eq!(client.numbers(expected.len()).await, expected, "{scopes:?}");
    }
}

#[tokio::test]
async fn a_campaigns_stream_holds_its_challenges_and_no_other_campaign() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let campaign = &guild.ids["campaign_id"];
    // What furnishing the guild caused may still be on its way.
    let path = format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}/events?types=campaign.test_tick");
    let mut client = Client::open(&house, &path, &guild.key, &[]).await;
    let subjects = [
        format!("campaigns/{campaign}"),
        "campaigns/x".to_owned(),
        format!("campaigns/{campaign}/challenges/y"),
    ];
    let events: Vec<Event> = subjects
        .into_iter()
        .zip(0..)
        .map(|(subject, n)| Event { subject, ..event(GUILD, "campaign.test_tick", n) })
        .collect();
    house.emit(&events).await;
    assert_eq!(client.numbers(2).await, [0, 2]);
}

#[tokio::test]
async fn an_idle_stream_shows_that_it_lives() {
    let mut settings = Settings::default();
    settings.streams.heartbeat = Duration::from_millis(10);
    let house = House::with(settings).await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    for _ in 0..3 {
        assert_eq!(client.block().await.as_deref(), Some(": "));
    }
}

#[tokio::test]
async fn positions_that_are_none_are_refused_and_foreign_ones_start_anew() {
    let house = House::new().await;
    let request = ask(Method::GET, &path(), &house.global).header("last-event-id", "garbage");
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.json()["errors"][0]["field"], "Last-Event-ID", "{answer:?}");
    // From a database that this one was restored from, say.
    let future = format!("{}-1", u64::MAX);
    let mut client = Client::open(&house, &path(), &house.global, &[("last-event-id", &future)]).await;
    let gap = client.next().await.unwrap();
    assert_eq!((gap.event.as_str(), gap.data), ("gap", json!({ "reason": "unknown" })));
    house.emit(&[event(GUILD, "campaign.test_tick", 1)]).await;
    assert_eq!(client.numbers(1).await, [1]);
}

#[tokio::test]
async fn who_comes_back_after_events_were_cleared_away_is_told_of_the_gap_once() {
    let house = House::new().await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    house.emit(&(0..3).map(|n| event(GUILD, "campaign.test_tick", n)).collect::<Vec<_>>()).await;
    let seen = [client.next().await.unwrap(), client.next().await.unwrap(), client.next().await.unwrap()];
    drop(client);
    // As the retention job does with months that are over.
    sqlx::raw_sql(
        "INSERT INTO jobs.outbox_pruned (transaction_id, id)
         SELECT transaction_id, id FROM jobs.outbox ORDER BY transaction_id DESC, id DESC LIMIT 1;
         DELETE FROM jobs.outbox",
    )
    .execute(house.database.pool())
    .await
    .unwrap();
    house.emit(&[event(GUILD, "campaign.test_tick", 3)]).await;

    let resume =
        async |id: &str| Client::open(&house, &path(), &house.global, &[("last-event-id", id)]).await;
    let mut late = resume(&seen[0].id).await;
    let gap = late.next().await.unwrap();
    assert_eq!((gap.event.as_str(), gap.data), ("gap", json!({ "reason": "pruned" })));
    assert_eq!(late.numbers(1).await, [3]);
    // Who knows of it, or saw the last of what is gone, goes on as ever.
    for id in [&gap.id, &seen[2].id] {
        assert_eq!(resume(id).await.numbers(1).await, [3]);
    }
}

#[tokio::test]
async fn streams_end_when_the_server_stops_and_are_bounded() {
    let mut settings = Settings::default();
    settings.streams.max_streams = 1;
    let house = House::with(settings).await;
    let mut client = Client::open(&house, &path(), &house.global, &[]).await;
    let answer = house.get(&path(), &house.global).await;
    assert!(answer.problem().starts_with("503 unavailable"), "{answer:?}");
    house.services.closing.cancel();
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_place_is_given_back() {
    let mut settings = Settings::default();
    settings.streams.max_streams = 1;
    let house = House::with(settings).await;
    for _ in 0..3 {
        let client = Client::open(&house, &path(), &house.global, &[]).await;
        drop(client);
    }
}

/// Lets a member solve the first part of the guild's first challenge, as if their input had been made already.
pub(crate) async fn solve(house: &House, guild: &Guild, user: i64) {
    let ids = |name: &str| uuid::Uuid::parse_str(&guild.ids[name]).unwrap();
    sqlx::query(
        "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id,
             participant_type, input_json, expected_results, script_version, first_request_timestamp)
         VALUES ($1, $2, $3, $4, 'player', '\"x\"', '{y}', 1, now() - interval '1 minute')",
    )
    .bind(ids("challenge_id"))
    .bind(ids("campaign_id"))
    .bind(GUILD)
    .bind(user.to_string())
    .execute(house.database.pool())
    .await
    .unwrap();
    let path = format!(
        "/api/v1/guilds/{GUILD}/campaigns/{}/challenges/{}/submissions",
        guild.ids["campaign_id"], guild.ids["challenge_id"],
    );
    let verdict = house.act(&path, &guild.key, user, &json!({ "answer": "y" })).await;
    assert_eq!(verdict["correct"], true, "{verdict}");
}

fn board(guild: &Guild) -> String {
    format!("/api/v1/guilds/{GUILD}/campaigns/{}/leaderboard/stream", guild.ids["campaign_id"])
}

/// Who leads with how many points.
fn leaders(message: &Message) -> Vec<(String, i64)> {
    let rows = message.data["items"].as_array().unwrap();
    let row =
        |row: &Value| (row["participant_id"].as_str().unwrap().to_owned(), row["points"].as_i64().unwrap());
    rows.iter().map(row).collect()
}

impl Client {
    /// The next leaderboard that somebody has points on.
    async fn scores(&mut self) -> Vec<(String, i64)> {
        loop {
            let message = self.next().await.unwrap();
            assert_eq!(message.event, "leaderboard");
            let leaders = leaders(&message);
            if leaders.iter().any(|(_, points)| *points > 0) {
                return leaders;
            }
        }
    }
}

#[tokio::test]
async fn a_leaderboard_is_sent_as_it_is_and_when_it_changes() {
    let mut settings = Settings::default();
    settings.streams.leaderboard_interval = Duration::from_millis(1);
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let reader = house.key(Some(GUILD), None, &["campaigns:read"]).await;
    let mut all = Client::open(&house, &board(&guild), &reader, &[]).await;
    let first = all.next().await.unwrap();
    assert_eq!(leaders(&first), [("11".to_owned(), 0), ("12".to_owned(), 0)]);
    assert_eq!(
        (first.data["final"].clone(), first.data["frozen_since"].clone()),
        (json!(false), Value::Null)
    );

    let mut top = Client::open(&house, &format!("{}?limit=1", board(&guild)), &guild.key, &[]).await;
    solve(&house, &guild, 12).await;
    assert_eq!(all.scores().await, [("12".to_owned(), 100), ("11".to_owned(), 0)]);
    assert_eq!(top.scores().await, [("12".to_owned(), 100)]);
    // Who comes later sees how it stands.
    let mut late = Client::open(&house, &board(&guild), &reader, &[]).await;
    assert_eq!(late.scores().await, [("12".to_owned(), 100), ("11".to_owned(), 0)]);
}

#[tokio::test]
async fn a_frozen_leaderboard_stands_still_for_all_but_admins() {
    let mut settings = Settings::default();
    settings.streams.leaderboard_interval = Duration::from_millis(1);
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let campaign = uuid::Uuid::parse_str(&guild.ids["campaign_id"]).unwrap();
    let events = format!(
        "/api/v1/guilds/{GUILD}/campaigns/{campaign}/events?types=challenge.solved,campaign.test_end"
    );
    // A stream begins where the outbox's reader stands, which may still have this solve before it, and be held up by other
    // tests' transactions: streams that are not to show it are opened after it was read.
    let mut witness = Client::open(&house, &events, &guild.key, &[]).await;
    solve(&house, &guild, 11).await;
    assert_eq!(witness.next().await.unwrap().event, "challenge.solved");
    // It freezes a day before its end, which is now.
    sqlx::query("UPDATE campaigns.campaigns SET freeze_minutes = 60 * 24 + 1 WHERE id = $1")
        .bind(campaign)
        .execute(house.database.pool())
        .await
        .unwrap();
    let reader = house.key(Some(GUILD), None, &["campaigns:read"]).await;
    let solver = [("questhall-user", "11")];
    let mut public = Client::open(&house, &board(&guild), &reader, &[]).await;
    let mut admin = Client::open(&house, &board(&guild), &guild.key, &[]).await;
    // An admin's key that acts for a member shows what the member would see, on every board.
    let before_http = boards_on_behalf(&house, &guild, 11).await;
    let mut on_behalf = Client::open(&house, &board(&guild), &guild.key, &solver).await;
    let mut events_on_behalf = Client::open(&house, &events, &guild.key, &solver).await;
    assert_ne!(on_behalf.next().await.unwrap().data["frozen_since"], Value::Null);
    let mut public_events = Client::open(&house, &events, &reader, &solver).await;
    let mut own_events = Client::open(&house, &events, &reader, &[("questhall-user", "12")]).await;
    let before = public.next().await.unwrap();
    assert_ne!(before.data["frozen_since"], Value::Null);

    solve(&house, &guild, 12).await;
    let shown = loop {
        let shown = leaders(&admin.next().await.unwrap());
        if shown.iter().all(|(_, points)| *points > 0) {
            break shown;
        }
    };
    assert_eq!(shown, [("11".to_owned(), 100), ("12".to_owned(), 99)]);
    let own = own_events.next().await.unwrap();
    assert_eq!(own.event, "challenge.solved");
    assert_eq!(
        (own.data["data"]["points"].clone(), own.data["data"]["position"].clone()),
        (Value::Null, Value::Null)
    );

    // Whatever else happens makes the public's board look again: it still shows what it showed.
    let subject = format!("campaigns/{campaign}");
    house.emit(&[Event { subject, ..event(GUILD, "campaign.test_end", 0) }]).await;
    assert_eq!(public_events.next().await.unwrap().event, "campaign.test_end");
    assert_eq!(events_on_behalf.next().await.unwrap().event, "campaign.test_end");
    assert_eq!(boards_on_behalf(&house, &guild, 11).await, before_http);
    let mut late_on_behalf = Client::open(&house, &board(&guild), &guild.key, &solver).await;
    assert_eq!(leaders(&late_on_behalf.next().await.unwrap()), leaders(&before));
    let mut late = Client::open(&house, &board(&guild), &reader, &[]).await;
    assert_eq!(leaders(&late.next().await.unwrap()), leaders(&before));
}

/// Everything that tells who stands where, asked for with an admin's key that acts for a member.
async fn boards_on_behalf(house: &House, guild: &Guild, user: i64) -> Vec<Value> {
    let campaign = format!("/api/v1/guilds/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let challenge = format!("{campaign}/challenges/{}", guild.ids["challenge_id"]);
    let mut shown = Vec::new();
    for path in [
        format!("{campaign}/leaderboard"),
        format!("{campaign}/leaderboard/me"),
        format!("{campaign}/leaderboard/squads"),
        format!("{challenge}/leaderboard"),
        format!("{campaign}/scoreboard-feed"),
        format!("{campaign}/challenges"),
        format!("{campaign}/submissions"),
    ] {
        let request = ask(Method::GET, &path, &guild.key).header("questhall-user", user);
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        shown.push(answer.json());
    }
    // A member can't export what they play.
    let request = ask(Method::GET, &format!("{campaign}/export"), &guild.key).header("questhall-user", user);
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::FORBIDDEN);
    shown
}

#[tokio::test]
async fn a_members_stream_holds_what_concerns_them() {
    let house = House::new().await;
    let about = |subject: &str, user: Option<i64>, payload: Value| Event {
        subject: subject.to_owned(),
        user_id: user.map(UserId::new),
        payload,
        ..event(GUILD, "campaign.test_tick", 0)
    };
    let events = [
        about("x", None, json!({ "n": 0, "user_id": "7" })),
        about("x", None, json!({ "n": 1, "user_id": "8" })),
        about("x", None, json!({ "n": 2, "giver_id": "8", "receiver_id": "7" })),
        about("members/7", None, json!({ "n": 3 })),
        about("members/77", None, json!({ "n": 4 })),
        about("x", Some(7), json!({ "n": 5 })),
        about("x", Some(8), json!({ "n": 6, "participant_id": "7" })),
        about("x", None, json!({ "n": 7, "participant_id": "7" })),
    ];
    let path = format!("/api/v1/guilds/{GUILD}/members/7/events");
    let reader = house.key(Some(GUILD), None, &["campaigns:read"]).await;
    let admin = house.key(Some(GUILD), None, &["campaigns:write", "campaigns:read"]).await;
    // As the member; as somebody else; as an administrator.
    let cases = [
        (&reader, vec![("questhall-user", "7")], vec![0, 2, 3, 5, 7]),
        (&reader, vec![("questhall-user", "8")], vec![0, 2, 3, 6, 7]),
        (&admin, Vec::new(), vec![0, 2, 3, 5, 6, 7]),
    ];
    let mut live = Vec::new();
    for (key, headers, _) in &cases {
        live.push(Client::open(&house, &path, key, headers).await);
    }
    let start = house.services.tail.position().await.unwrap().to_string();
    house.emit(&events).await;
    for ((key, headers, expected), mut client) in cases.into_iter().zip(live) {
        assert_eq!(client.numbers(expected.len()).await, expected);
        // The table says the same as the live stream.
        let headers = [headers, vec![("last-event-id", start.as_str())]].concat();
        let mut late = Client::open(&house, &path, key, &headers).await;
        assert_eq!(late.numbers(expected.len()).await, expected);
    }
}

#[tokio::test]
async fn a_key_and_a_guild_hold_so_many_streams_and_no_more() {
    let mut settings = Settings::default();
    settings.streams.max_streams_per_guild = 2;
    let house = House::with(settings).await;
    let first = Client::open(&house, &path(), &house.global, &[]).await;
    let _second = Client::open(&house, &path(), &house.global, &[]).await;
    let open = async || {
        let request = ask(Method::GET, &path(), &house.global).body(Body::empty()).unwrap();
        house.router.clone().oneshot(request).await.unwrap()
    };
    let refused = open().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "30");
    let other = format!("/api/v1/guilds/{OTHER}/events");
    Client::open(&house, &other, &house.global, &[]).await;
    drop(first);
    assert_eq!(open().await.status(), StatusCode::OK);
}

/// Whoever may not open a stream any more does not go on reading one.
#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let house = House::new().await;
    let made = json!({ "name": "reader", "guild_id": GUILD.to_string(), "scopes": ["campaigns:read"] });
    let made = house.made("/api/v1/keys", &house.global, &made).await;
    let mut client = Client::open(&house, &path(), made["secret"].as_str().unwrap(), &[]).await;
    let mut other = Client::open(&house, &path(), &house.global, &[]).await;
    let revoke = format!("/api/v1/keys/{}", made["key"]["id"].as_str().unwrap());
    let answer = house.call(Method::DELETE, &revoke, &house.global, &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK);
    // How soon that is follows from two constants, which a test of the watch holds to a second.
    assert_eq!(client.next().await, None);
    // Others go on.
    house.emit(&[event(GUILD, "campaign.test_tick", 1)]).await;
    assert_eq!(other.numbers(1).await, [1]);
}

/// Taken XP is between the member and those who administer; whose first message came when, for the latter alone.
#[tokio::test]
async fn what_is_taken_and_what_is_for_admins_is_not_told_to_everyone() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    let reader = house.key(Some(GUILD), None, &["campaigns:read", "community:read"]).await;
    let mut client = Client::open(&house, &path(), &reader, &[]).await;
    let mut admin = Client::open(&house, &path(), &guild.key, &[]).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    let body = |gold: i64, reason: &str| json!({ "user_ids": ["11"], "gold": gold, "reason": reason });
    house.made(&format!("{api}/awards/revocations"), &guild.key, &body(1, "for cheating")).await;
    let now = db::now(&mut house.database.pool().acquire().await.unwrap()).await.unwrap();
    let event = json!({ "event_type": "message_create", "user_id": "11", "channel_id": "9", "source_id": "m1",
                        "timestamp": now });
    house.made(&format!("{api}/lake/events"), &guild.key, &json!({ "events": [event] })).await;
    house.made(&format!("{api}/awards"), &guild.key, &body(2, "for helping")).await;
    house.services.app.wake().outbox();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|message: &Message| message.data["data"]["reason"] != "for helping") {
        seen.push(client.next().await.unwrap());
    }
    let told: Vec<&str> = seen.iter().map(|message| message.event.as_str()).collect();
    assert!(!told.contains(&"member.first_messages"), "{told:?}");
    assert!(!seen.iter().any(|message| message.data.to_string().contains("cheating")), "{seen:?}");
    // Admins are told all of it.
    let mut all = Vec::new();
    while all.last().is_none_or(|message: &Message| message.data["data"]["reason"] != "for helping") {
        all.push(admin.next().await.unwrap());
    }
    let told: Vec<&str> = all.iter().map(|message| message.event.as_str()).collect();
    assert!(told.contains(&"member.first_messages"), "{told:?}");
    assert!(all.iter().any(|message| message.data.to_string().contains("cheating")), "{all:?}");
}
