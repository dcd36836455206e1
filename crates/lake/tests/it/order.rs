//! What events bring does not depend on the order in which they arrive, as far as it can be helped; and no order beats a limit.

use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use jobs::Wake;
use kernel::{ChannelId, GuildId, MessageId, UserId};
use lake::ingest::{Event, EventWriter, Payload};
use progress::EventType;
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);

fn writer(pool: &PgPool) -> EventWriter {
    EventWriter::start(pool, &Wake::new(), 2)
}

/// A full hour of yesterday.
async fn base(pool: &PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT date_trunc('hour', now() - interval '1 day')").fetch_one(pool).await.unwrap()
}

fn event(kind: EventType, user: i64, at: DateTime<Utc>) -> Event {
    let place = !matches!(kind, EventType::MemberJoin | EventType::MemberLeave);
    let reaction = kind == EventType::ReactionAdd || kind == EventType::ReactionRemove;
    let mut event = Event {
        event_type: kind,
        user_id: UserId::new(user),
        channel_id: place.then_some(ChannelId::new(9)),
        target_id: reaction.then_some(UserId::new(99)),
        source_id: None,
        timestamp: at,
        payload: Payload {
            length: (kind == EventType::MessageCreate).then_some(10),
            message_id: reaction.then_some(MessageId::new(1_000)),
            ..Payload::default()
        },
    };
    event.check().unwrap();
    event
}

async fn earned(pool: &PgPool, user: i64) -> i64 {
    let xp = sqlx::query_scalar("SELECT xp FROM people.members WHERE guild_id = 1 AND user_id = $1");
    xp.bind(user).fetch_one(pool).await.unwrap()
}

/// An order that looks like none, the same each time.
fn shuffled<T>(mut all: Vec<T>) -> Vec<T> {
    let mut state = 12_345_u64;
    for n in (1..all.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (n + 1);
        all.swap(n, other);
    }
    all
}

#[tokio::test]
async fn no_order_of_arrival_beats_the_cooldown() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let hour = |user| -> Vec<Event> {
        (0..360).map(|n| event(EventType::MessageCreate, user, at + TimeDelta::seconds(10 * n))).collect()
    };
    let one = writer(pool);
    one.submit(GUILD, hour(1)).await.unwrap();
    assert_eq!(earned(pool, 1).await, 1_800, "in order: every third message");
    one.submit(GUILD, shuffled(hour(2))).await.unwrap();
    assert_eq!(earned(pool, 2).await, 1_800, "a batch is put in order");
    let mut newest_first = hour(3);
    newest_first.reverse();
    let other = writer(pool);
    for (user, events, size) in [(3, newest_first, 1), (4, shuffled(hour(4)), 1), (5, shuffled(hour(5)), 7)] {
        for (n, chunk) in events.chunks(size).enumerate() {
            let node = if n % 2 == 0 { &one } else { &other };
            node.submit(GUILD, chunk.to_vec()).await.unwrap();
        }
        assert!(earned(pool, user).await <= 1_800, "{user} earned {}", earned(pool, user).await);
    }
    let too_near: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM lake.event_lake a
           JOIN lake.event_lake b ON b.user_id = a.user_id AND b.channel_id = a.channel_id AND b.refused IS NULL
                AND b.\"timestamp\" > a.\"timestamp\" AND b.\"timestamp\" < a.\"timestamp\" + interval '30 seconds'
          WHERE a.refused IS NULL",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(too_near, 0);
    let least: i64 = sqlx::query_scalar("SELECT min(xp) FROM people.members").fetch_one(pool).await.unwrap();
    assert!(least >= 900, "no order makes less than half of it: {least}");
}

#[tokio::test]
async fn voice_told_newest_first_is_rewarded_as_voice_told_in_order() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let minutes = TimeDelta::minutes;
    let mut batch = vec![
        event(EventType::VoiceJoin, 1, at),
        event(EventType::VoiceJoin, 2, at + minutes(15)),
        event(EventType::VoiceLeave, 2, at + minutes(46)),
        event(EventType::VoiceLeave, 1, at + minutes(80)),
    ];
    batch.reverse();
    writer(pool).submit(GUILD, batch).await.unwrap();
    assert_eq!((earned(pool, 1).await, earned(pool, 2).await), (30, 30), "three ticks each");
}

/// Whether somebody is there after these events, each in a batch of its own.
async fn is_there(pool: &PgPool, user: i64, events: &[(EventType, i64)]) -> bool {
    let at = base(pool).await;
    let one = writer(pool);
    for (kind, minute) in events {
        let event = event(*kind, user, at + TimeDelta::minutes(*minute));
        one.submit(GUILD, vec![event]).await.unwrap();
    }
    let there = sqlx::query_scalar("SELECT left_at IS NULL FROM people.members WHERE user_id = $1");
    there.bind(user).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn who_left_and_does_something_is_there_again_in_whatever_order_it_is_told() {
    use EventType::{
        MemberJoin, MemberLeave, MessageCreate, ReactionAdd, ReactionRemove, ThreadCreate, VoiceJoin,
        VoiceLeave, VoiceMove,
    };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut user = 0;
    for (events, there) in [
        (vec![(MemberJoin, 0), (MemberLeave, 10)], false),
        (vec![(MessageCreate, 0), (MemberLeave, 10), (MessageCreate, 11)], true),
        (vec![(MessageCreate, 0), (MessageCreate, 11), (MemberLeave, 10)], true),
        (vec![(MessageCreate, 0), (MessageCreate, 11), (MemberLeave, 12), (MemberLeave, 10)], false),
        (vec![(MemberLeave, 10), (MessageCreate, 9)], false),
        (vec![(MemberLeave, 10), (ReactionAdd, 11)], true),
        (vec![(MemberLeave, 10), (ThreadCreate, 11)], true),
        (vec![(MemberLeave, 10), (VoiceJoin, 11)], true),
        (vec![(MemberLeave, 10), (VoiceMove, 11)], true),
        (vec![(MemberJoin, 0), (MemberJoin, 12), (MemberLeave, 10)], true),
        // Discord tells these of people who are gone: they are thrown out of voice, and their reactions are removed.
        (vec![(VoiceJoin, 0), (MemberLeave, 10), (VoiceLeave, 11)], false),
        (vec![(MemberLeave, 10), (ReactionRemove, 11)], false),
    ] {
        user += 1;
        assert_eq!(is_there(pool, user, &events).await, there, "{events:?}");
    }
    // Whoever's message is reacted to need not be there.
    let at = base(pool).await;
    let one = writer(pool);
    one.submit(GUILD, vec![event(MemberLeave, 99, at + TimeDelta::minutes(20))]).await.unwrap();
    one.submit(GUILD, vec![event(ReactionAdd, 50, at + TimeDelta::minutes(21))]).await.unwrap();
    assert!(!is_there(pool, 99, &[]).await);
}

#[tokio::test]
async fn a_trial_of_another_curve_pays_for_no_level_that_xp_did_not_reach() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let at = base(pool).await;
    let talk = |from: i64, to: i64| -> Vec<Event> {
        (from..to).map(|n| event(EventType::MessageCreate, 1, at + TimeDelta::minutes(n))).collect()
    };
    let gold = async || -> i64 {
        sqlx::query_scalar("SELECT gold FROM people.members").fetch_one(pool).await.unwrap()
    };
    writer(pool).submit(GUILD, talk(0, 16)).await.unwrap();
    assert_eq!(gold().await, 100, "240 XP are level 3");
    sqlx::query(
        "INSERT INTO access.settings (guild_id, key, value_json, category)
         VALUES (1, 'rewards.level_base', '1', 'rewards')",
    )
    .execute(pool)
    .await
    .unwrap();
    // 240 and 255 XP are level 24 both.
    writer(pool).submit(GUILD, talk(16, 17)).await.unwrap();
    let level: i32 = sqlx::query_scalar("SELECT level FROM people.members").fetch_one(pool).await.unwrap();
    assert_eq!((level, gold().await), (24, 100));
    // 270 are level 25.
    writer(pool).submit(GUILD, talk(17, 18)).await.unwrap();
    assert_eq!(gold().await, 150);
}
