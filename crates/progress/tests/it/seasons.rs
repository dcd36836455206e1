//! Seasons: one at a time, rolled over by whoever or whatever, and every event in exactly one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use jobs::outbox::{Feed, Filter, Position, Tail, Viewer};
use jobs::{EngineSettings, Node, Wake};
use progress::ids::SeasonId;
use progress::seasons::{self, NewSeason, NextSeason, RepeatBy, RollSeason, Season, SeasonState, ops};
use serde_json::json;

use crate::house::{GUILD, House, OTHER, house, operator};

async fn make(house: &House, name: &str, from: Option<i64>, to: i64, repeats: bool) -> Season {
    let now = house.now().await;
    let new = NewSeason {
        name: name.to_owned(),
        starts_at: from.map(|hours| now + TimeDelta::hours(hours)),
        ends_at: now + TimeDelta::hours(to),
        repeats,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    ops::season_create(house.pool(), GUILD, new, operator()).await.unwrap()
}

#[tokio::test]
async fn a_season_is_rolled_over_with_its_standings_archived() {
    let house = house().await;
    let soon = house.now().await + TimeDelta::days(30);
    let spring = house.ok("POST", "/seasons", Some(json!({ "name": " Spring ", "ends_at": soon }))).await;
    assert_eq!((&spring["name"], &spring["state"]), (&json!("Spring"), &json!("active")));
    let id = spring["id"].as_i64().unwrap();
    let path = format!("/seasons/{id}");
    assert_eq!(house.send("GET", &format!("{path}/standings"), None).await.0, 409);
    house
        .run(
            "INSERT INTO progress.user_stats (guild_id, user_id, season_id, season_stars, season_xp)
             SELECT 1, m.user_id, s.id, 5, 50 FROM people.members m, progress.seasons s WHERE m.guild_id = 1;
             INSERT INTO lake.event_counters (guild_id, user_id, event_type, period, count)
             VALUES (1, 7, 'message_create', 'season', 3), (1, 7, 'message_create', 'lifetime', 3),
                    (2, 7, 'message_create', 'season', 9)",
        )
        .await;

    // Only one at a time, none overlapping, each named once.
    let overlapping = json!({ "name": "Other", "ends_at": soon });
    assert_eq!(house.send("POST", "/seasons", Some(overlapping)).await.0, 409);
    let later = soon + TimeDelta::days(30);
    let named_twice = json!({ "name": "Spring", "starts_at": soon, "ends_at": later });
    assert_eq!(house.send("POST", "/seasons", Some(named_twice)).await.0, 409);

    let roll = json!({ "next": { "name": "Summer", "ends_at": later }, "reason": "enough" });
    let rolled = house.ok("POST", &format!("{path}/roll"), Some(roll.clone())).await;
    assert_eq!((&rolled["ended"]["state"], &rolled["standings"]), (&json!("ended"), &json!(2)));
    assert_eq!(
        (&rolled["started"]["name"], &rolled["started"]["state"]),
        (&json!("Summer"), &json!("active"))
    );
    assert_eq!(rolled["started"]["starts_at"], rolled["ended"]["ends_at"]);
    assert_eq!(house.send("POST", &format!("{path}/roll"), Some(roll)).await.0, 409, "once");
    let standings = house.ok("GET", &format!("{path}/standings?limit=1"), None).await;
    assert_eq!(standings["items"][0]["rank"], 1);
    let next = standings["next"].as_str().unwrap();
    let rest = house.ok("GET", &format!("{path}/standings?limit=1&cursor={next}"), None).await;
    assert_eq!((&rest["items"][0]["rank"], &rest["items"][0]["user_id"]), (&json!(1), &json!("8")));
    assert_eq!(house.send("DELETE", &path, None).await.0, 409);
    assert_eq!(house.send("PATCH", &path, Some(json!({ "name": "x" }))).await.0, 409);

    assert_eq!(house.count("SELECT count(*) FROM lake.event_counters WHERE period = 'season'").await, 1);
    assert_eq!(house.events("season.started").await.len(), 2);
    let ended = house.events("season.ended").await;
    assert_eq!((&ended[0]["members"], &ended[0]["first"][0]["stars"]), (&json!(2), &json!(5)));
    assert_eq!(house.audited("progress.seasons").await, ["CREATE", "SEASON_ROLL"]);
    let listed = house.ok("GET", "/seasons", None).await;
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][1]["name"]),
        (&json!("Summer"), &json!("Spring"))
    );
}

#[tokio::test]
async fn the_end_moves_and_the_planned_successor_with_it() {
    let house = house().await;
    let first = make(&house, "Season 1", None, 48, true).await;
    let open = ops::season_list(house.pool(), GUILD, &kernel::PageQuery::default()).await.unwrap().items;
    assert_eq!((open[0].name.as_str(), open[0].state), ("Season 2", SeasonState::Planned));
    assert_eq!(open[0].starts_at, first.ends_at);
    let longer = json!({ "ends_at": first.ends_at + TimeDelta::hours(5) });
    house.ok("PATCH", &format!("/seasons/{}", first.id), Some(longer)).await;
    let heir = ops::season_get(house.pool(), GUILD, open[0].id).await.unwrap();
    assert_eq!(heir.starts_at, first.ends_at + TimeDelta::hours(5));
    let past = json!({ "ends_at": first.starts_at - TimeDelta::hours(1) });
    assert_eq!(house.send("PATCH", &format!("/seasons/{}", first.id), Some(past)).await.0, 400);
    let forward = RollSeason { bring_forward: true, ..RollSeason::default() };
    let rolled = ops::season_roll(house.pool(), GUILD, first.id, forward, operator()).await.unwrap();
    let started = rolled.started.unwrap();
    assert_eq!((started.id, started.starts_at), (heir.id, rolled.ended.ends_at));
    let planned = make(&house, "Far", Some(9_000), 9_001, false).await;
    house.ok("DELETE", &format!("/seasons/{}", planned.id), None).await;
    assert_eq!(house.send("GET", &format!("/seasons/{}", planned.id), None).await.0, 404);
}

#[tokio::test]
async fn at_its_end_a_season_is_rolled_over_by_itself_once() {
    let house = house().await;
    make(&house, "Season 1", Some(-10), 1, true).await;
    // Two hours pass, and with them the end.
    house
        .run(
            "BEGIN;
             SET CONSTRAINTS progress.ex_seasons_overlap DEFERRED;
             UPDATE progress.seasons SET starts_at = starts_at - interval '2 hours', ends_at = ends_at - interval '2 hours';
             INSERT INTO lake.event_lake (guild_id, user_id, event_type, \"timestamp\")
             VALUES (1, 7, 'message_create', now() - interval '30 minutes'),
                    (1, 7, 'message_create', now() - interval '90 minutes');
             UPDATE jobs.timers SET scheduled_at = now();
             COMMIT;",
        )
        .await;
    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "test", "0", &["worker"], wake.clone()).await.unwrap();
    let tail = Tail::spawn(house.pool().clone(), &node.handle(), &wake);
    let filter = Filter { event_types: vec!["season.started".to_owned()], ..Filter::all(Viewer::Admin) };
    let mut feed = Feed::open(&tail, GUILD, filter, Some(Position::START)).await.unwrap();
    assert_eq!(feed.next().await.unwrap().payload["name"], "Season 1");
    for _ in 0..2 {
        let handlers = progress::jobs::handlers();
        jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    }
    let started = feed.next().await.unwrap();
    assert_eq!(started.payload["name"], "Season 2");
    assert_eq!(house.events("season.ended").await.len(), 1);
    // What happened since its start counts for the new season already, and nothing else does.
    let counted = "SELECT sum(count)::bigint FROM lake.event_counters WHERE period = 'season'";
    assert_eq!(house.count(counted).await, 1);
    assert_eq!(house.count("SELECT count(*) FROM progress.seasons WHERE active").await, 1);
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn every_event_is_in_exactly_one_season_while_seasons_roll() {
    let house = house().await;
    let pool = house.pool();
    make(&house, "Round 1", None, 24, false).await;
    let counting = (0..8).map(|_| async {
        let mut seen: Vec<(DateTime<Utc>, SeasonId)> = Vec::new();
        for _ in 0..40 {
            let mut tx = pool.begin().await.unwrap();
            // What happens now, and what happened a moment ago and comes late.
            let now: DateTime<Utc> =
                sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *tx).await.unwrap();
            let late = now - TimeDelta::milliseconds(3);
            let found = seasons::season_at(&mut tx, GUILD, &[now, late]).await.unwrap();
            tx.commit().await.unwrap();
            seen.extend(
                [now, late].into_iter().zip(found).filter_map(|(time, season)| Some((time, season?))),
            );
        }
        seen
    });
    let rolling = async {
        for n in 2..=12 {
            let runs = ops::season_list(pool, GUILD, &kernel::PageQuery::default()).await.unwrap();
            let active = runs.items.iter().find(|season| season.state == SeasonState::Active).unwrap().id;
            let next = NextSeason {
                name: format!("Round {n}"),
                ends_at: house.now().await + TimeDelta::days(1),
                repeats: false,
                repeat_by: RepeatBy::Length,
                name_pattern: None,
            };
            let roll = RollSeason { next: Some(next), ..RollSeason::default() };
            ops::season_roll(pool, GUILD, active, roll, operator()).await.unwrap();
        }
    };
    let (seen, ()) = futures::join!(join_all(counting), rolling);
    let seen: Vec<_> = seen.into_iter().flatten().collect();
    // Now that all is settled, each time lies in the season it was counted for.
    let times: Vec<_> = seen.iter().map(|(time, _)| *time).collect();
    let mut tx = pool.begin().await.unwrap();
    let settled = seasons::season_at(&mut tx, GUILD, &times).await.unwrap();
    for ((time, counted), settled) in seen.iter().zip(settled) {
        assert_eq!(Some(*counted), settled, "{time}");
    }
    assert!(seen.len() > 500, "{}", seen.len());
    assert_eq!(seasons::season_at(&mut tx, OTHER, &times[..1]).await.unwrap(), [None]);
    assert_eq!(house.count("SELECT count(*) FROM progress.seasons WHERE rolled_at IS NOT NULL").await, 11);
}

#[tokio::test]
async fn rolling_at_once_rolls_once() {
    let house = house().await;
    let season = make(&house, "One", None, 24, true).await;
    let rolls = join_all((0..6).map(|_| {
        let roll = RollSeason { bring_forward: true, ..RollSeason::default() };
        ops::season_roll(house.pool(), GUILD, season.id, roll, operator())
    }))
    .await;
    assert_eq!(rolls.iter().filter(|rolled| rolled.is_ok()).count(), 1);
    assert_eq!(house.events("season.ended").await.len(), 1);
}
