//! A season ends while two nodes take in events from around its end: each is in exactly one season, and all sums agree.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use jobs::{EngineSettings, Node, Wake};
use kernel::{ChannelId, UserId};
use lake::ingest::{Event, EventWriter, Outcome, Payload};
use progress::EventType;
use progress::seasons::{NewSeason, NextSeason, RepeatBy, RollSeason, SeasonEdit, SeasonState, ops};
use tokio::sync::watch;

use crate::house::{GUILD, House, assert_sound, give, house, operator};

const WRITERS: i64 = 6;
/// Batches that each writer hands over at least, and events of a batch.
const BATCHES: i64 = 12;
const EVENTS: i64 = 25;

/// A message of its own member-and-channel pair, so that no cooldown holds it back: 15 XP and a star.
fn message(n: i64, at: DateTime<Utc>) -> Event {
    let mut event = Event {
        event_type: EventType::MessageCreate,
        user_id: UserId::new(100 + n % 7),
        channel_id: Some(ChannelId::new(1_000 + n)),
        target_id: None,
        source_id: Some(format!("message-{n}")),
        timestamp: at,
        payload: Payload { length: Some(10), ..Payload::default() },
    };
    event.check().unwrap();
    event
}

/// Writers that go on until something has happened, and then a little.
struct Crowd {
    taken: watch::Sender<i64>,
    over: watch::Sender<bool>,
    next: AtomicI64,
}

impl Crowd {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            taken: watch::Sender::new(0),
            over: watch::Sender::new(false),
            next: AtomicI64::new(0),
        })
    }

    /// Hands over batches of events at the times that `when` says, by several writers on two nodes.
    async fn write(&self, house: &House, when: impl AsyncFn(i64) -> DateTime<Utc>) {
        let nodes = [0, 1].map(|_| EventWriter::start(house.pool(), &Wake::new(), 1));
        let when = &when;
        join_all((0..WRITERS).map(|writer| {
            let node = &nodes[usize::try_from(writer % 2).unwrap()];
            async move {
                let (mut handed, mut after) = (0, 0);
                while handed < BATCHES || after < 2 {
                    after += i64::from(*self.over.borrow());
                    let mut events = Vec::new();
                    for _ in 0..EVENTS {
                        let n = self.next.fetch_add(1, Ordering::Relaxed);
                        events.push(message(n, when(n).await));
                    }
                    let outcomes = node.submit(GUILD, events).await.unwrap();
                    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Counted), "{outcomes:?}");
                    handed += 1;
                    self.taken.send_modify(|taken| *taken += EVENTS);
                }
            }
        }))
        .await;
    }

    /// Returns when so many events have been taken in.
    async fn has(&self, events: i64) {
        self.taken.subscribe().wait_for(|taken| *taken >= events).await.unwrap();
    }

    async fn check(&self, house: &House, seasons: i64) {
        let sent = self.next.load(Ordering::Relaxed);
        assert_eq!(house.count("SELECT count(*) FROM lake.event_lake").await, sent);
        // Whatever its entry says, the time of each event lies in that season and in no other.
        let wrong = "SELECT count(*) FROM progress.activity_log l
                      WHERE l.event_type = 'MESSAGE'
                        AND l.season_id IS DISTINCT FROM (SELECT s.id FROM progress.seasons s
                              WHERE s.guild_id = l.guild_id AND l.\"timestamp\" >= s.starts_at AND l.\"timestamp\" < s.ends_at)";
        assert_eq!(house.count(wrong).await, 0);
        let journaled = "SELECT count(*) FROM progress.activity_log WHERE event_type = 'MESSAGE' AND season_id IS NOT NULL";
        assert_eq!(house.count(journaled).await, sent, "each earned, in a season");
        // Members' figures of each season are the events of its window: messages, 15 XP and a star for each.
        let differ = "SELECT count(*) FROM progress.user_stats u JOIN progress.seasons s ON s.id = u.season_id
                       CROSS JOIN LATERAL (SELECT count(*) AS events FROM lake.event_lake l
                             WHERE l.guild_id = u.guild_id AND l.user_id = u.user_id
                               AND l.\"timestamp\" >= s.starts_at AND l.\"timestamp\" < s.ends_at) e
                       WHERE (u.messages_sent, u.season_xp, u.season_stars) IS DISTINCT FROM (e.events, 15 * e.events, e.events)";
        assert_eq!(house.count(differ).await, 0);
        let sums = "SELECT sum(messages_sent)::bigint FROM progress.user_stats";
        assert_eq!(house.count(sums).await, sent);
        assert_eq!(
            house.count("SELECT count(DISTINCT season_id) FROM progress.user_stats").await,
            seasons,
            "events came on both sides"
        );
        // The running season's counters began anew, and hold what is its own.
        let running = "SELECT coalesce(sum(c.count), 0)::bigint
                            - (SELECT count(*) FROM lake.event_lake l JOIN progress.seasons s ON s.active
                                WHERE l.\"timestamp\" >= s.starts_at AND l.\"timestamp\" < s.ends_at)
                         FROM lake.event_counters c WHERE c.period = 'season' AND c.category_id = 0";
        assert_eq!(house.count(running).await, 0);
        let archived = "SELECT count(*) FROM progress.season_standings r
                          JOIN progress.user_stats u USING (guild_id, season_id, user_id)
                         WHERE r.season_stars > u.season_stars OR r.season_xp > u.season_xp";
        assert_eq!(
            house.count(archived).await,
            0,
            "what came late is added to, never taken from, what was archived"
        );
        assert_sound(house).await;
    }
}

#[tokio::test]
async fn at_midnight_under_load_every_event_is_in_exactly_one_season() {
    let house = house().await;
    let now = house.now().await;
    let new = NewSeason {
        name: "Autumn".to_owned(),
        starts_at: Some(now - TimeDelta::hours(30)),
        ends_at: now + TimeDelta::hours(1),
        repeats: true,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    ops::season_create(house.pool(), GUILD, new, operator()).await.unwrap();
    // Midnight was half an hour ago, and nobody has rolled the season over yet.
    house
        .run(
            "BEGIN;
             SET CONSTRAINTS progress.ex_seasons_overlap DEFERRED;
             UPDATE progress.seasons SET starts_at = starts_at - interval '90 minutes', ends_at = ends_at - interval '90 minutes';
             COMMIT;",
        )
        .await;
    let open = ops::season_list(house.pool(), GUILD, &kernel::PageQuery::default()).await.unwrap().items;
    assert_eq!((open[0].state, open[1].state), (SeasonState::Planned, SeasonState::Active));
    let midnight = open[1].ends_at;
    assert_eq!(open[0].starts_at, midnight);

    let crowd = Crowd::new();
    // From seven minutes before to seven after, in no order; some at the very instant, and at the one before.
    let when = async |n: i64| match n % 10 {
        0 => midnight,
        1 => midnight - TimeDelta::microseconds(1),
        _ => midnight + TimeDelta::milliseconds((n * 7_919) % 840_000 - 420_000),
    };
    let rolling = async {
        crowd.has(WRITERS * BATCHES * EVENTS / 4).await;
        // Its time has come: two engines go for it while the writers write.
        house.run("UPDATE jobs.timers SET scheduled_at = now() WHERE kind = 'progress.season_turn'").await;
        let wake = Wake::new();
        let node = Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
        for _ in 0..2 {
            let handlers = progress::jobs::handlers();
            jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
        }
        while house.count("SELECT count(*) FROM progress.seasons WHERE rolled_at IS NOT NULL").await == 0 {
            tokio::task::yield_now().await;
        }
        crowd.over.send_replace(true);
        assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    };
    futures::join!(crowd.write(&house, when), rolling);
    assert_eq!(house.events("season.ended").await.len(), 1);
    crowd.check(&house, 2).await;
}

#[tokio::test]
async fn rolled_over_by_hand_under_load_what_happens_meanwhile_is_in_exactly_one_season() {
    let house = house().await;
    let first = NewSeason {
        name: "Round 1".to_owned(),
        starts_at: Some(house.now().await - TimeDelta::hours(1)),
        ends_at: house.now().await + TimeDelta::days(1),
        repeats: false,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    ops::season_create(house.pool(), GUILD, first, operator()).await.unwrap();
    let crowd = Crowd::new();
    // What happens now, what happened a moment ago, and what a clock that is ahead says.
    let when = async |n: i64| {
        let ahead = if n % 11 == 0 { 2_000 } else { 0 };
        house.now().await + TimeDelta::milliseconds(ahead - n % 5)
    };
    let rolling = async {
        for round in 2..=4 {
            crowd.has((round - 1) * WRITERS * BATCHES * EVENTS / 5).await;
            let runs = ops::season_list(house.pool(), GUILD, &kernel::PageQuery::default()).await.unwrap();
            let active = runs.items.iter().find(|season| season.state == SeasonState::Active).unwrap().id;
            let next = NextSeason {
                name: format!("Round {round}"),
                ends_at: house.now().await + TimeDelta::days(1),
                repeats: false,
                repeat_by: RepeatBy::Length,
                name_pattern: None,
            };
            let roll = RollSeason { next: Some(next), ..RollSeason::default() };
            ops::season_roll(house.pool(), GUILD, active, roll, operator()).await.unwrap();
        }
        crowd.over.send_replace(true);
    };
    futures::join!(crowd.write(&house, when), rolling);
    crowd.check(&house, 4).await;
}

#[tokio::test]
async fn a_season_that_begins_in_the_past_has_what_happened_since() {
    let house = house().await;
    let now = house.now().await;
    let writer = EventWriter::start(house.pool(), &Wake::new(), 1);
    let before = (0..40).map(|n| message(n, now - TimeDelta::hours(n + 1))).collect();
    writer.submit(GUILD, before).await.unwrap();
    give(&house, crate::house::ADA, "a", 70, 0).await;
    let import = serde_json::json!({ "format": "csv", "data": "id,xp\n7,9000\n" });
    house.ok("POST", "/xp/import", Some(import)).await;
    let new = NewSeason {
        name: "Autumn".to_owned(),
        starts_at: Some(now - TimeDelta::minutes(10 * 60 + 30)),
        ends_at: now + TimeDelta::days(1),
        repeats: false,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    let made = ops::season_create(house.pool(), GUILD, new, operator()).await.unwrap();
    assert_eq!(made.state, SeasonState::Active);
    let sums = "SELECT sum(messages_sent)::bigint FROM progress.user_stats";
    assert_eq!(house.count(sums).await, 10, "of the last ten hours");
    assert_eq!(house.count("SELECT sum(season_stars)::bigint FROM progress.user_stats").await, 10);
    let xp = "SELECT sum(season_xp)::bigint FROM progress.user_stats";
    assert_eq!(house.count(xp).await, 10 * 15 + 70, "and none from another bot");
    assert_sound(&house).await;
    // What comes from now on is added.
    writer.submit(GUILD, vec![message(100, now - TimeDelta::hours(2))]).await.unwrap();
    writer.submit(GUILD, vec![message(101, now - TimeDelta::hours(20))]).await.unwrap();
    assert_eq!(house.count(sums).await, 11);
    // A planned one whose start moves into the past as well.
    let rolled =
        ops::season_roll(house.pool(), GUILD, made.id, RollSeason::default(), operator()).await.unwrap();
    writer.submit(GUILD, vec![message(102, house.now().await)]).await.unwrap();
    assert_eq!(house.count(sums).await, 11, "no season runs");
    let winter = NewSeason {
        name: "Winter".to_owned(),
        starts_at: Some(now + TimeDelta::days(2)),
        ends_at: now + TimeDelta::days(9),
        repeats: false,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    let winter = ops::season_create(house.pool(), GUILD, winter, operator()).await.unwrap();
    let earlier = SeasonEdit { starts_at: Some(rolled.ended.ends_at), ..SeasonEdit::default() };
    let winter = ops::season_update(house.pool(), GUILD, winter.id, earlier, operator()).await.unwrap();
    assert_eq!((winter.state, house.count(sums).await), (SeasonState::Active, 12));
    assert_sound(&house).await;
}
