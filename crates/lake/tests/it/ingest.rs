//! Events against a real database: what is counted and earned, once, whatever goes wrong.

use std::collections::BTreeMap;

use access::weekly::Figure;
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use futures::future::join_all;
use jobs::Wake;
use kernel::{ChannelId, GuildId, MessageId, UserId};
use lake::ingest::generator::{Community, Generator};
use lake::ingest::{Event, EventWriter, IngestError, MAX_BATCH, Outcome, Payload};
use progress::EventType;
use progress::drift::Drift;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const GUILD: GuildId = GuildId::new(1);

async fn repair(pool: &PgPool) -> Vec<Figure> {
    let here = access::Origin::default();
    let author = access::Author::new(access::By::Cli, &here);
    let of_lake = lake::audit::repair(pool, GUILD, author).await.unwrap();
    let of_progress = progress::audit::repair(pool, GUILD, author).await.unwrap();
    of_lake.into_iter().map(Drift::told).chain(of_progress.into_iter().map(Drift::told)).collect()
}

/// What is not as the lake and the journal of rewards say.
async fn drift(pool: &PgPool) -> Vec<Figure> {
    let mut conn = pool.acquire().await.unwrap();
    let of_lake = lake::audit::drift(&mut conn).await.unwrap();
    let of_progress = progress::audit::drift(&mut conn).await.unwrap();
    of_lake.into_iter().map(Drift::told).chain(of_progress.into_iter().map(Drift::told)).collect()
}

fn writer(pool: &PgPool) -> EventWriter {
    EventWriter::start(pool, &Wake::new(), 2)
}

/// An hour ago, to the hour.
async fn base(pool: &PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT date_trunc('hour', now() - interval '1 day')").fetch_one(pool).await.unwrap()
}

fn message(user: i64, channel: i64, at: DateTime<Utc>) -> Event {
    let mut event = Event {
        event_type: EventType::MessageCreate,
        user_id: UserId::new(user),
        channel_id: Some(ChannelId::new(channel)),
        target_id: None,
        source_id: None,
        timestamp: at,
        payload: Payload { length: Some(10), ..Payload::default() },
    };
    event.check().unwrap();
    event
}

fn reaction(from: i64, to: i64, message: i64, at: DateTime<Utc>) -> Event {
    let mut event = Event {
        event_type: EventType::ReactionAdd,
        user_id: UserId::new(from),
        channel_id: Some(ChannelId::new(9)),
        target_id: Some(UserId::new(to)),
        source_id: None,
        timestamp: at,
        payload: Payload { message_id: Some(MessageId::new(message)), ..Payload::default() },
    };
    event.check().unwrap();
    event
}

fn voice(kind: EventType, user: i64, channel: i64, at: DateTime<Utc>) -> Event {
    let mut event = Event {
        event_type: kind,
        user_id: UserId::new(user),
        channel_id: Some(ChannelId::new(channel)),
        target_id: None,
        source_id: None,
        timestamp: at,
        payload: Payload::default(),
    };
    event.check().unwrap();
    event
}

fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

/// XP and stars of a member.
async fn earned(pool: &PgPool, user: i64) -> (i64, i64) {
    sqlx::query_as("SELECT xp, stars FROM people.members WHERE guild_id = 1 AND user_id = $1")
        .bind(user)
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Everything that counts, as one text: equal digests mean equal totals to the last XP.
async fn digest(pool: &PgPool) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::new();
    for (what, sql) in [
        (
            "members",
            "SELECT md5(string_agg(concat_ws(',', user_id, xp, stars, gold, level, left_at), ';' ORDER BY user_id)) FROM people.members",
        ),
        (
            "counters",
            "SELECT md5(string_agg(concat_ws(',', user_id, event_type, category_id, period, count), ';' ORDER BY user_id, event_type, category_id, period)) FROM lake.event_counters",
        ),
        (
            "stats",
            "SELECT md5(string_agg(concat_ws(',', user_id, season_id, season_xp, season_stars, lifetime_stars, messages_sent, reactions_given, reactions_received, threads_created, voice_minutes), ';' ORDER BY user_id, season_id)) FROM progress.user_stats",
        ),
        (
            "journal",
            "SELECT md5(string_agg(concat_ws(',', user_id, event_type, source_event_id, xp_delta, star_delta, gold_delta, season_id), ';' ORDER BY user_id, event_type, source_event_id)) FROM progress.activity_log",
        ),
        (
            "days",
            "SELECT string_agg(concat_ws(',', day, kind, count, xp, stars), ';' ORDER BY day, kind) FROM progress.guild_days",
        ),
        (
            "lake",
            "SELECT md5(string_agg(concat_ws(',', user_id, event_type, source_id, refused), ';' ORDER BY source_id)) FROM lake.event_lake",
        ),
    ] {
        let text: Option<String> = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
        all.insert(what, text.unwrap_or_default());
    }
    all
}

async fn season(pool: &PgPool, name: &str, from: DateTime<Utc>, to: DateTime<Utc>, active: bool) -> i32 {
    sqlx::query("INSERT INTO people.guilds (guild_id, name) VALUES (1, 'One') ON CONFLICT DO NOTHING")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query_scalar(
        "INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, active) VALUES (1, $1, $2, $3, $4) RETURNING id",
    )
    .bind(name)
    .bind(from)
    .bind(to)
    .bind(active)
    .fetch_one(pool)
    .await
    .unwrap()
}

fn town(events: usize, from: DateTime<Utc>) -> Vec<Event> {
    let community = Community { seed: 3, events, members: 300, channels: 12, from, over: TimeDelta::days(5) };
    Generator::new(community).collect()
}

/// A database with a season under way and another before it, and the events of a town over both.
async fn stage() -> (TestDatabase, Vec<Event>) {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let from = base(pool).await - TimeDelta::days(6);
    season(pool, "first", from - TimeDelta::days(30), from + TimeDelta::days(2), false).await;
    season(pool, "second", from + TimeDelta::days(2), from + TimeDelta::days(60), true).await;
    (database, town(4_000, from))
}

async fn in_chunks(writer: &EventWriter, events: &[Event], size: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for chunk in events.chunks(size) {
        outcomes.extend(writer.submit(GUILD, chunk.to_vec()).await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn a_town_is_counted_and_rewarded_and_agrees_with_its_journals() {
    let (database, events) = stage().await;
    let pool = database.pool();
    let outcomes = in_chunks(&writer(pool), &events, 500).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Counted));
    assert_eq!(count(pool, "SELECT count(*) FROM lake.event_lake").await, 4_000);
    let lifetime =
        "SELECT sum(count)::bigint FROM lake.event_counters WHERE period = 'lifetime' AND category_id = 0";
    assert_eq!(count(pool, lifetime).await, 4_000);
    assert!(
        count(pool, "SELECT count(*) FROM progress.activity_log WHERE event_type = 'VOICE_TICK'").await > 0
    );
    assert!(count(pool, "SELECT count(*) FROM lake.event_lake WHERE refused = 'cooldown'").await > 0);
    assert_eq!(drift(pool).await, []);
}

#[tokio::test]
async fn what_somebody_touched_is_found_and_mended_while_events_come() {
    let (database, events) = stage().await;
    let pool = database.pool();
    let one = writer(pool);
    in_chunks(&one, &events[..3_000], 500).await;
    let clean = digest(pool).await;
    for sql in [
        "UPDATE people.members SET xp = xp + 1000, gold = gold + 3, stars = 0 WHERE user_id % 3 = 0",
        "UPDATE progress.user_stats SET season_xp = 0, messages_sent = messages_sent + 1 WHERE user_id % 2 = 0",
        "UPDATE progress.user_stats s SET lifetime_stars = lifetime_stars + 1
           FROM progress.seasons a WHERE a.id = s.season_id AND a.active",
        "DELETE FROM progress.user_stats WHERE user_id % 7 = 0 AND voice_minutes = 0 AND lifetime_stars = 0",
        "UPDATE lake.event_counters SET count = count + 1 WHERE user_id % 2 = 0 AND category_id = 0",
        "UPDATE progress.guild_days SET count = count + 1, xp = 0 WHERE kind <> 'REACTION_GIVEN'",
        "DELETE FROM progress.guild_days WHERE kind = 'REACTION_GIVEN'",
    ] {
        assert!(
            sqlx::query(sql).execute(pool).await.unwrap().rows_affected() > 0 || sql.starts_with("DELETE")
        );
    }
    assert!(!drift(pool).await.is_empty());
    let mended = repair(pool).await;
    let is = |text: &str| text.parse::<i64>().unwrap();
    assert!(
        mended
            .iter()
            .any(|drift| drift.what.starts_with("xp of ") && is(&drift.stored) == is(&drift.derived) + 1_000)
    );
    assert!(mended.iter().any(|drift| drift.what.ends_with(" message_create count")), "of no member");
    assert_eq!(drift(pool).await, []);
    assert_eq!(digest(pool).await, clean, "as if nobody had touched anything");
    assert_eq!(repair(pool).await, []);

    // The same while events come.
    for sql in [
        "UPDATE people.members SET xp = xp + 7",
        "UPDATE progress.guild_days SET count = count + 3, xp = xp / 2, stars = stars + 1",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    let (coming, repaired) = tokio::join!(in_chunks(&one, &events[3_000..], 25), repair(pool));
    assert!(coming.iter().all(|outcome| *outcome == Outcome::Counted));
    assert!(!repaired.is_empty());
    assert_eq!(drift(pool).await, []);
}

#[tokio::test]
async fn events_come_through_while_many_members_are_mended() {
    let (database, events) = stage().await;
    let pool = database.pool();
    let one = writer(pool);
    in_chunks(&one, &events[..3_900], 500).await;
    sqlx::query("UPDATE people.members SET xp = xp + 7").execute(pool).await.unwrap();
    sqlx::query("UPDATE progress.user_stats SET reactions_received = reactions_received + 1, season_xp = 0")
        .execute(pool)
        .await
        .unwrap();
    // The repair gets stuck at the member with the highest id but for some: in one of the last parts, but not in the last.
    let stuck: i64 =
        sqlx::query_scalar("SELECT user_id FROM people.members ORDER BY user_id DESC OFFSET 70 LIMIT 1")
            .fetch_one(pool)
            .await
            .unwrap();
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM people.members WHERE user_id = $1 FOR UPDATE")
        .bind(stuck)
        .execute(&mut *gate)
        .await
        .unwrap();
    let waiting = async |what: &'static str| {
        let sql = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                    WHERE NOT l.granted AND a.datname = current_database() AND (l.locktype = 'advisory') = ($1 = 'guild')";
        while sqlx::query_scalar::<_, i64>(sql).bind(what).fetch_one(pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let opened = async {
        waiting("member").await;
        // Some parts are done by now, and on record.
        assert!(count(pool, "SELECT count(*) FROM access.admin_log WHERE action_type = 'REPAIR'").await > 0);
        let (outcome, ()) = tokio::join!(one.submit(GUILD, events[3_900..3_901].to_vec()), async {
            waiting("guild").await;
            gate.commit().await.unwrap();
        });
        assert_eq!(outcome.unwrap(), [Outcome::Counted]);
        in_chunks(&one, &events[3_901..], 10).await
    };
    let (mended, outcomes) = tokio::join!(repair(pool), opened);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Counted));
    assert!(mended.iter().any(|drift| drift.what.contains(" reactions_received of user ")));
    assert_eq!(drift(pool).await, []);
    // The event that waited did so for one part, not for all of them.
    let between: bool = sqlx::query_scalar(
        "SELECT l.xmin::text::bigint < (SELECT max(a.xmin::text::bigint) FROM access.admin_log a WHERE a.action_type = 'REPAIR')
           FROM lake.event_lake l WHERE l.source_id = $1",
    )
    .bind(events[3_900].source())
    .fetch_one(pool)
    .await
    .unwrap();
    assert!(between);
}

#[tokio::test]
async fn achievements_and_grants_in_between_leave_nothing_amiss() {
    let (database, events) = stage().await;
    let pool = database.pool();
    sqlx::query(
        "INSERT INTO progress.achievement_templates (guild_id, name, requirement_type, requirement_field, requirement_value,
                                                      xp_reward, gold_reward)
         VALUES (1, 'Talker', 'counter_threshold', 'messages_sent', 5, 40, 10), (1, 'Known', 'xp_milestone', NULL, 300, 20, 5)",
    )
    .execute(pool)
    .await
    .unwrap();
    in_chunks(&writer(pool), &events, 400).await;
    assert!(count(pool, "SELECT count(*) FROM progress.user_achievements").await > 20);
    assert_eq!(drift(pool).await, []);
}

#[tokio::test]
async fn batches_of_any_size_and_restarts_between_them_make_the_same_totals() {
    let (one, events) = stage().await;
    in_chunks(&writer(one.pool()), &events, 2_000).await;
    let other = stage().await.0;
    for (n, part) in events.chunks(1_333).enumerate() {
        // A new writer each time: whatever is not in the database is forgotten.
        in_chunks(&writer(other.pool()), part, 7 + 90 * n).await;
    }
    assert_eq!(digest(one.pool()).await, digest(other.pool()).await);
}

#[tokio::test]
async fn what_comes_twice_counts_once() {
    let (clean, events) = stage().await;
    in_chunks(&writer(clean.pool()), &events, 500).await;
    let twice = stage().await.0;
    let writer = writer(twice.pool());
    // Within a batch, across batches, and all of it again in the end.
    let doubled: Vec<Event> = events.chunks(50).flat_map(|chunk| [chunk, chunk].concat()).collect();
    let outcomes = in_chunks(&writer, &doubled, 333).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Counted).count(), 4_000);
    let again = in_chunks(&writer, &events, 999).await;
    assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
    assert_eq!(digest(clean.pool()).await, digest(twice.pool()).await);
}

#[tokio::test]
async fn a_large_batch_that_is_partly_known_counts_what_is_new() {
    let (clean, events) = stage().await;
    in_chunks(&writer(clean.pool()), &events, 500).await;
    let partly = stage().await.0;
    let known = |outcomes: &[Outcome]| outcomes.iter().filter(|it| **it == Outcome::Duplicate).count();
    // Each by a writer that has seen no event twice yet, and so takes all for new at first.
    let first = writer(partly.pool()).submit(GUILD, events[..1_500].to_vec()).await.unwrap();
    assert_eq!(known(&first), 0);
    let second = writer(partly.pool()).submit(GUILD, events.clone()).await.unwrap();
    assert_eq!(known(&second), 1_500);
    assert_eq!(second.iter().filter(|it| **it == Outcome::Counted).count(), 2_500);
    let third = writer(partly.pool()).submit(GUILD, events).await.unwrap();
    assert_eq!(known(&third), 4_000);
    assert_eq!(digest(clean.pool()).await, digest(partly.pool()).await);
}

#[tokio::test]
async fn two_nodes_that_get_the_same_events_make_the_totals_of_one() {
    let (clean, events) = stage().await;
    in_chunks(&writer(clean.pool()), &events, 500).await;
    let shared = stage().await.0;
    let nodes = [71usize, 230, 500].map(|size| {
        let (pool, events) = (shared.pool().clone(), events.clone());
        async move { in_chunks(&writer(&pool), &events, size).await }
    });
    let outcomes: Vec<Vec<Outcome>> = join_all(nodes).await;
    let counted = outcomes.iter().flatten().filter(|outcome| **outcome == Outcome::Counted).count();
    assert_eq!(counted, 4_000, "each event was taken by one of them");
    assert_eq!(digest(clean.pool()).await, digest(shared.pool()).await);
}

#[tokio::test]
async fn nodes_killed_in_the_middle_and_a_replay_of_everything_make_the_totals_of_a_clean_run() {
    let (clean, events) = stage().await;
    in_chunks(&writer(clean.pool()), &events, 500).await;
    let stormy = stage().await.0;
    let pool = stormy.pool();
    for until in [1_000, 2_500, 4_000] {
        let ingest = tokio::spawn({
            let (pool, events) = (pool.clone(), events[..until].to_vec());
            async move {
                // Gives up whenever the connection is gone, as a killed process does.
                let writer = writer(&pool);
                for chunk in events.chunks(40) {
                    if writer.submit(GUILD, chunk.to_vec()).await.is_err() {
                        return;
                    }
                }
            }
        });
        for _ in 0..6 {
            // Whoever is in the middle of something.
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL",
            )
            .execute(pool)
            .await
            .ok();
            tokio::task::yield_now().await;
        }
        if until == 2_500 {
            ingest.abort();
        }
        ingest.await.ok();
    }
    let outcomes = in_chunks(&writer(pool), &events, 100).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Counted | Outcome::Duplicate)));
    assert_eq!(digest(clean.pool()).await, digest(pool).await);
    assert_eq!(drift(pool).await, []);
}

#[tokio::test]
async fn what_waits_too_long_is_blamed_on_no_event_and_nothing_behind_it_is_taken() {
    let (database, events) = stage().await;
    let pool = database.pool();
    let hasty = database.options().clone().options([("statement_timeout", "100ms")]);
    let hasty = PgPoolOptions::new().max_connections(2).connect_lazy_with(hasty);
    // Somebody has the guild for themselves, as a repair does.
    let mut long = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('community.ingest:1', 0))")
        .execute(&mut *long)
        .await
        .unwrap();
    let feed = &writer(&hasty).feed(GUILD);
    // As many as a batch takes, so that the second call's come behind them.
    let first = (0..MAX_BATCH).map(|n| message(1 + i64::try_from(n).unwrap(), 9, events[0].timestamp));
    let first: Vec<Event> = first.collect();
    let (first, second) = tokio::join!(
        async move {
            let failed = feed.submit(first).await;
            long.rollback().await.unwrap();
            failed
        },
        feed.submit(events[..50].to_vec()),
    );
    assert_eq!(first, Err(IngestError::Unavailable));
    assert_eq!(second, Err(IngestError::Unavailable), "taken now it would come before what is sent again");
    assert_eq!(count(pool, "SELECT count(*) FROM lake.event_lake").await, 0);
    let outcomes = writer(pool).submit(GUILD, events[..50].to_vec()).await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Counted));
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_the_rest_is_taken() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let batch = vec![
        message(1, 9, at),
        message(1, 9, at + TimeDelta::days(3_650)),
        message(2, 9, at - TimeDelta::days(3_650)),
        message(2, 9, at),
    ];
    let outcomes = writer(pool).submit(GUILD, batch).await.unwrap();
    let fields: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Refused(fault) => fault.field.as_str(),
            _ => "taken",
        })
        .collect();
    assert_eq!(fields, ["taken", "timestamp", "timestamp", "taken"]);
    assert_eq!(
        count(pool, "SELECT count(*) FROM lake.event_keys").await,
        2,
        "what is refused may come again"
    );
    assert_eq!((earned(pool, 1).await, earned(pool, 2).await), ((15, 1), (15, 1)));
}

#[tokio::test]
async fn limits_hold_over_restarts_and_nodes() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    for n in 0..4 {
        // Every event by another node.
        let one = writer(pool);
        one.submit(GUILD, vec![message(1, 9, at + seconds(10 * n))]).await.unwrap();
        one.submit(GUILD, vec![reaction(2, 3, 100 + n, at + seconds(n))]).await.unwrap();
    }
    assert_eq!(earned(pool, 1).await, (30, 2), "at 0 and at 30 seconds");
    assert_eq!(earned(pool, 2).await, (15, 3), "three reactions given, the fourth is one too many");
    assert_eq!(earned(pool, 3).await, (8 + 4 + 3, 6));
    // Oneself.
    writer(pool).submit(GUILD, vec![reaction(3, 3, 100, at)]).await.unwrap();
    assert_eq!(earned(pool, 3).await, (15, 6));
}

#[tokio::test]
async fn voice_is_rewarded_when_the_channel_moves_on() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let events = [
        voice(EventType::VoiceJoin, 1, 5, at),
        voice(EventType::VoiceJoin, 2, 5, at + minutes(15)),
        voice(EventType::VoiceLeave, 2, 5, at + minutes(46)),
        voice(EventType::VoiceLeave, 1, 5, at + minutes(80)),
    ];
    for event in events {
        writer(pool).submit(GUILD, vec![event]).await.unwrap();
    }
    // The first sat alone for 15 minutes, then with the other at 20, 30 and 40, then alone again.
    assert_eq!(earned(pool, 1).await, (30, 3));
    assert_eq!(earned(pool, 2).await, (30, 3), "at 25, 35 and 45");
}

#[tokio::test]
async fn late_events_land_in_their_own_day_and_season() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let old = season(pool, "old", at - TimeDelta::days(20), at - TimeDelta::days(10), false).await;
    let new = season(pool, "new", at - TimeDelta::days(10), at + TimeDelta::days(10), true).await;
    let late = at - TimeDelta::days(12);
    writer(pool).submit(GUILD, vec![message(1, 9, at), message(1, 9, late)]).await.unwrap();
    let stats: Vec<(i32, i64, i32)> = sqlx::query_as(
        "SELECT season_id, season_xp, messages_sent FROM progress.user_stats ORDER BY season_id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(stats, [(old, 15, 1), (new, 15, 1)]);
    let periods: Vec<(String, i64)> =
        sqlx::query_as("SELECT period, count FROM lake.event_counters ORDER BY period")
            .fetch_all(pool)
            .await
            .unwrap();
    let day = |at: DateTime<Utc>| format!("day:{}", at.format("%Y-%m-%d"));
    assert_eq!(periods, [(day(late), 1), (day(at), 1), ("lifetime".to_owned(), 2), ("season".to_owned(), 1)]);

    // The season that runs knows of all stars, wherever they were earned last.
    writer(pool).submit(GUILD, vec![message(1, 8, late)]).await.unwrap();
    let stars = "SELECT lifetime_stars FROM progress.user_stats ORDER BY season_id DESC LIMIT 1";
    assert_eq!(count(pool, stars).await, 3);
}

#[tokio::test]
async fn the_first_message_of_a_day_is_told_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let one = writer(pool);
    one.submit(GUILD, vec![message(1, 9, at), message(1, 8, at), message(2, 9, at)]).await.unwrap();
    one.submit(GUILD, vec![message(1, 9, at + minutes(1)), message(3, 9, at)]).await.unwrap();
    let told: Vec<serde_json::Value> = sqlx::query_scalar(
        "SELECT payload->'user_ids' FROM jobs.outbox WHERE event_type = 'member.first_messages' ORDER BY id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(told, [serde_json::json!(["1", "2"]), serde_json::json!(["3"])]);
}

#[tokio::test]
async fn levels_reached_long_ago_are_no_news() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(pool).await.unwrap();
    let talk =
        |user, from: DateTime<Utc>| (0..16).map(move |n| message(user, 9, from + minutes(n))).collect();
    let one = writer(pool);
    one.submit(GUILD, talk(1, base(pool).await)).await.unwrap();
    one.submit(GUILD, talk(2, now - minutes(20))).await.unwrap();
    let told: Vec<(String, bool)> = sqlx::query_as(
        "SELECT payload->>'user_id', payload ? 'retroactive' FROM jobs.outbox
          WHERE event_type = 'member.levelled_up' ORDER BY id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(told, [("1".to_owned(), true), ("2".to_owned(), false)]);
}
