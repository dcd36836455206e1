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

/// Numbers that look like chance, the same for a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A day in voice: people come, go, wander and mute themselves, also without a word of where they came from.
fn voices(dice: &mut Dice, at: DateTime<Utc>, count: u64) -> Vec<Event> {
    (0..count)
        .map(|n| {
            let kind = match dice.below(10) {
                0..=3 => EventType::VoiceJoin,
                4..=6 => EventType::VoiceMove,
                _ => EventType::VoiceLeave,
            };
            let user = i64::try_from(dice.below(4)).unwrap() + 1;
            let minute = i64::try_from(dice.below(900)).unwrap();
            // No two at one time: which of them is first would be decided by the order of arrival.
            let mut event = event(
                kind,
                user,
                at + TimeDelta::minutes(minute) + TimeDelta::seconds(i64::try_from(n).unwrap() % 60),
            );
            event.channel_id = Some(ChannelId::new(9 + i64::try_from(dice.below(2)).unwrap()));
            event.payload.muted = dice.below(4) == 0;
            event.payload.deafened = event.payload.muted && dice.below(2) == 0;
            event.source_id = Some(format!("v-{n}"));
            event
        })
        .collect()
}

/// What voice brought each member of a guild, and how it stands there; of who left only what matters to who comes back.
async fn voice_of(pool: &PgPool, guild: GuildId) -> Vec<String> {
    let text = sqlx::query_scalar(
        "SELECT concat_ws(' ', m.user_id, m.xp, m.stars, m.level, s.season_xp, s.season_stars, s.voice_minutes,
                          CASE WHEN v.left_at IS NULL THEN concat_ws(' ', v.channel_id, v.joined_at, v.muted, v.deafened,
                                                                     v.ticks_in_hour, v.last_tick_at) END)
           FROM people.members m
           LEFT JOIN progress.user_stats s USING (guild_id, user_id)
           LEFT JOIN lake.voice_sessions v USING (guild_id, user_id)
          WHERE m.guild_id = $1 ORDER BY m.user_id",
    );
    text.bind(guild.get()).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn voice_brings_the_same_in_any_order_and_however_it_is_cut() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (one, other) = (writer(pool), writer(pool));
    let at: DateTime<Utc> = sqlx::query_scalar("SELECT date_trunc('hour', now() - interval '3 days')")
        .fetch_one(pool)
        .await
        .unwrap();
    let mut paid = 0;
    for seed in 1..=40 {
        let mut dice = Dice(seed);
        let (straight, turned) = (
            GuildId::new(i64::try_from(seed).unwrap() * 2),
            GuildId::new(i64::try_from(seed).unwrap() * 2 + 1),
        );
        for guild in [straight, turned] {
            sqlx::query("INSERT INTO people.guilds (guild_id, name) VALUES ($1, 'G')")
                .bind(guild.get())
                .execute(pool)
                .await
                .unwrap();
            sqlx::query(
                "INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, active)
                 VALUES ($1, 'Now', now() - interval '30 days', now() + interval '30 days', true)",
            )
            .bind(guild.get())
            .execute(pool)
            .await
            .unwrap();
        }
        // Some go on for so long that what came late does not matter any more before the end.
        let count = if seed % 8 == 0 { 250 } else { 6 + dice.below(40) };
        let mut events = voices(&mut dice, at, count);
        events.sort_by_key(|event| event.timestamp);
        events.dedup_by_key(|event| event.timestamp);
        one.submit(straight, events.clone()).await.unwrap();
        if seed % 2 == 0 {
            events.reverse();
        } else {
            for n in (1..events.len()).rev() {
                events.swap(n, usize::try_from(dice.below(u64::try_from(n).unwrap() + 1)).unwrap());
            }
        }
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let size = usize::try_from(1 + dice.below(6)).unwrap().min(rest.len());
            let (batch, left) = rest.split_at(size);
            let node = if dice.below(2) == 0 { &one } else { &other };
            node.submit(turned, batch.to_vec()).await.unwrap();
            rest = left;
        }
        let (expected, found) = (voice_of(pool, straight).await, voice_of(pool, turned).await);
        assert_eq!(found, expected, "seed {seed}");
        paid += earned_in(pool, straight).await;
    }
    assert!(paid > 1_000, "somebody earned something: {paid}");
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(progress::audit::drift(&mut conn).await.unwrap(), []);
    assert_eq!(lake::audit::drift(&mut conn).await.unwrap(), []);
}

async fn earned_in(pool: &PgPool, guild: GuildId) -> i64 {
    let xp =
        sqlx::query_scalar("SELECT coalesce(sum(xp), 0)::bigint FROM people.members WHERE guild_id = $1");
    xp.bind(guild.get()).fetch_one(pool).await.unwrap()
}
