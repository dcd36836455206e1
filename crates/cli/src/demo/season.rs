//! A season of talk: what was said and done in the guild since autumn, taken into the lake as any source's events are, so that XP, levels,
//! achievements, charts and standings follow from it; and what is being said while the demo runs.

use std::collections::VecDeque;

use access::{Author, By, Origin};
use chrono::{DateTime, Datelike as _, DurationRound as _, TimeDelta, Timelike as _, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kernel::{ChannelId, MessageId, PageQuery, UserId};
use lake::categories::{self, Interaction, NewCategory, Weight};
use lake::ingest::generator::{Community, FIRST_CHANNEL, FIRST_MEMBER, Generator};
use lake::ingest::{Event, IngestError, Outcome, Payload};
use progress::EventType;
use progress::achievements::model::{Rarity, RequirementScope, RequirementType};
use progress::achievements::{self, NewAchievement};
use progress::seasons::{NewSeason, RepeatBy, Season};
use server::Services;
use sqlx::PgPool;

use super::people::{self, MEMBERS};
use super::{GUILD, failed};
use crate::failure::{Code, Failure};
use crate::screen::Screen;

/// What the season is called.
const NAME: &str = "Copper Season";
/// Days that have passed of it when the demo is made, and those to come.
const DAYS: (i64, i64) = (83, 8);
/// Text channels.
const CHANNELS: usize = 24;
/// Events that are sent at once, and how often that many are on their way.
const CHUNK: usize = 8_000;
const AHEAD: usize = 3;
/// Days before which everybody who speaks was there already.
const OLD_HANDS_DAYS: i64 = 4;
/// Who is quieter than this many others may leave.
const FAITHFUL: i64 = 1_100;
/// Events a day while the demo runs: one in four seconds.
const LIVE_A_DAY: usize = 21_600;
/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 11;
/// What the last event of the history is called: where it is in the lake, all of them are.
const LAST: &str = "demo:history";

/// Of an average hour, so many hundredths happen in each hour of the day (UTC): a guild of Europe and the Americas.
const HOURS: [u32; 24] = [
    90, 72, 56, 44, 36, 34, 42, 58, 76, 92, 102, 108, 114, 118, 120, 124, 130, 138, 148, 158, 164, 158, 138,
    112,
];
/// The same of the days, from Monday on.
const WEEKDAYS: [u32; 7] = [94, 96, 98, 100, 102, 112, 108];

/// How much happens at a time, where 1 is the average.
fn rhythm(at: DateTime<Utc>) -> f64 {
    let hour = HOURS[at.hour() as usize % HOURS.len()];
    let day = WEEKDAYS[at.weekday().num_days_from_monday() as usize % WEEKDAYS.len()];
    let mean = f64::from(HOURS.iter().sum::<u32>()) / 24.0 * f64::from(WEEKDAYS.iter().sum::<u32>()) / 7.0;
    f64::from(hour) * f64::from(day) / mean
}

/// What is to be there before the first event is rewarded: the season, what can be achieved, categories of channels.
pub(super) async fn prepare(pool: &PgPool) -> Result<Season, Failure> {
    let here = Origin::default();
    let author = Author::new(By::Cli, &here);
    categories(pool, author).await?;
    goals(pool, author).await?;
    let page = PageQuery { limit: Some(100), cursor: None };
    let there = progress::seasons::ops::season_list(pool, GUILD, &page).await?;
    if let Some(season) = there.items.into_iter().find(|season| season.name == NAME) {
        return Ok(season);
    }
    let now = db::now(&mut *db::acquire(pool).await?).await?;
    let today = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    let new = NewSeason {
        name: NAME.to_owned(),
        starts_at: Some(today - TimeDelta::days(DAYS.0)),
        ends_at: today + TimeDelta::days(DAYS.1),
        repeats: true,
        repeat_by: RepeatBy::Length,
        name_pattern: None,
    };
    progress::seasons::ops::season_create(pool, GUILD, new, author).await.map_err(failed)
}

async fn categories(pool: &PgPool, author: Author<'_>) -> Result<(), Failure> {
    let page = PageQuery { limit: Some(100), cursor: None };
    let there = categories::ops::category_list(pool, GUILD, true, &page).await?;
    let wanted: [(&str, &str, std::ops::Range<i64>, f64); 3] = [
        ("Help desk", "Where questions are answered: helping counts more.", 0..4, 1.5),
        ("Workshops", "Where things are built together.", 4..9, 1.25),
        ("Hearth", "Small talk, jokes and pets.", 9..14, 0.75),
    ];
    for (name, about, channels, xp_multiplier) in wanted {
        if there.items.iter().any(|one| one.name == name) {
            continue;
        }
        let weight = |interaction_type| Weight { interaction_type, xp_multiplier, star_multiplier: 1.0 };
        let new = NewCategory {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            channels: channels.map(|n| ChannelId::new(FIRST_CHANNEL + n)).collect(),
            multipliers: vec![weight(Interaction::Message), weight(Interaction::ReactionReceived)],
        };
        categories::ops::category_create(pool, GUILD, new, author).await.map_err(failed)?;
    }
    Ok(())
}

/// An achievement to be made.
type Goal =
    (&'static str, &'static str, Rarity, RequirementType, RequirementScope, Option<&'static str>, i32, i32);

#[expect(clippy::too_many_lines, reason = "a list of goals")]
async fn goals(pool: &PgPool, author: Author<'_>) -> Result<(), Failure> {
    use RequirementScope::{Lifetime, Season as InSeason};
    use RequirementType::{CounterThreshold, Custom, StarThreshold, XpMilestone};
    let page = PageQuery { limit: Some(200), cursor: None };
    let there = achievements::ops::achievement_list(pool, GUILD, true, &page).await?;
    let wanted: [Goal; 12] = [
        (
            "First words",
            "Say something.",
            Rarity::Common,
            CounterThreshold,
            Lifetime,
            Some("messages_sent"),
            1,
            5,
        ),
        (
            "Regular",
            "Send 100 messages.",
            Rarity::Common,
            CounterThreshold,
            Lifetime,
            Some("messages_sent"),
            100,
            50,
        ),
        (
            "Storyteller",
            "Send 500 messages.",
            Rarity::Uncommon,
            CounterThreshold,
            Lifetime,
            Some("messages_sent"),
            500,
            150,
        ),
        (
            "Town crier",
            "Send 1,500 messages.",
            Rarity::Epic,
            CounterThreshold,
            Lifetime,
            Some("messages_sent"),
            1_500,
            400,
        ),
        (
            "Kind word",
            "React to 25 messages of others.",
            Rarity::Common,
            CounterThreshold,
            Lifetime,
            Some("reactions_given"),
            25,
            25,
        ),
        (
            "Well liked",
            "Have others react 100 times.",
            Rarity::Rare,
            CounterThreshold,
            Lifetime,
            Some("reactions_received"),
            100,
            200,
        ),
        (
            "Thread weaver",
            "Open ten threads.",
            Rarity::Uncommon,
            CounterThreshold,
            Lifetime,
            Some("threads_created"),
            10,
            100,
        ),
        (
            "Night watch",
            "Spend ten hours in voice in a season.",
            Rarity::Rare,
            CounterThreshold,
            InSeason,
            Some("voice_minutes"),
            600,
            250,
        ),
        ("Apprentice", "Reach 1,000 XP.", Rarity::Common, XpMilestone, Lifetime, None, 1_000, 0),
        ("Journeyman", "Reach 10,000 XP.", Rarity::Rare, XpMilestone, Lifetime, None, 10_000, 0),
        (
            "Copper star",
            "Collect 500 stars in a season.",
            Rarity::Epic,
            StarThreshold,
            InSeason,
            None,
            500,
            100,
        ),
        (
            "Keeper of the roof",
            "Given by those who run the guild.",
            Rarity::Legendary,
            Custom,
            Lifetime,
            None,
            0,
            1_000,
        ),
    ];
    for (name, description, rarity, kind, scope, field, value, xp) in wanted {
        if there.items.iter().any(|one| one.name == name) {
            continue;
        }
        let new = NewAchievement {
            name: name.to_owned(),
            description: description.to_owned(),
            category: "guild".to_owned(),
            requirement_type: kind,
            requirement_scope: scope,
            requirement_field: field.map(str::to_owned),
            requirement_value: (kind != Custom).then_some(value),
            xp_reward: xp,
            gold_reward: if rarity == Rarity::Common { 0 } else { 10 },
            badge_image_url: None,
            rarity,
            announce_channel_id: None,
        };
        achievements::ops::achievement_create(pool, GUILD, new, author).await.map_err(failed)?;
    }
    Ok(())
}

/// What happened from the season's begin until the demo was made, some `events`, in order: the crowd that the generator makes, of which the old hands
/// are there from the beginning, others join when they are first heard of, and some of the quiet ones leave.
pub(super) fn history(
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    events: usize,
) -> impl Iterator<Item = Event> {
    let community =
        Community { seed: SEED, events, members: MEMBERS, channels: CHANNELS, from, over: until - from };
    let mut known = vec![false; MEMBERS];
    let old_hands = from + TimeDelta::days(OLD_HANDS_DAYS);
    let crowd = Generator::new(community).in_rhythm(rhythm).flat_map(move |event| {
        let place = usize::try_from(event.user_id.get() - FIRST_MEMBER).unwrap_or(0);
        let before = known.get(place).copied().unwrap_or(true);
        let kept = match event.event_type {
            EventType::MemberJoin => false,
            EventType::MemberLeave => {
                before && event.user_id.get() > FIRST_MEMBER + FAITHFUL && place % 3 == 0
            }
            _ => true,
        };
        if kept && let Some(known) = known.get_mut(place) {
            *known = true;
        }
        let joins = kept && !before && event.timestamp > old_hands;
        let joined = joins.then(|| Event {
            event_type: EventType::MemberJoin,
            channel_id: None,
            target_id: None,
            source_id: Some(format!("demo:join:{place}")),
            payload: Payload::default(),
            ..event.clone()
        });
        joined.into_iter().chain(kept.then_some(event))
    });
    crowd.chain(std::iter::once(last(until)))
}

/// What the owner says when the history ends.
fn last(at: DateTime<Utc>) -> Event {
    Event {
        event_type: EventType::MessageCreate,
        user_id: people::id(0),
        channel_id: Some(ChannelId::new(FIRST_CHANNEL)),
        target_id: None,
        source_id: Some(LAST.to_owned()),
        timestamp: at,
        payload: Payload { length: Some(42), message_id: Some(MessageId::new(1)), ..Payload::default() },
    }
}

/// What became of a chunk of events.
type Answered = BoxFuture<'static, Result<Vec<Outcome>, IngestError>>;

/// Has the history taken, from where it was broken off, if it was. Answers how many events that were.
pub(super) async fn tell(
    services: &Services,
    season: &Season,
    total: usize,
    screen: &Screen,
) -> Result<usize, Failure> {
    let pool = services.app.pool();
    let known = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM lake.event_keys WHERE guild_id = $1 AND source_id = $2) AS "all!",
                  (SELECT max("timestamp") FROM lake.event_lake WHERE guild_id = $1) AS last"#,
        GUILD.get(),
        LAST,
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await?;
    if known.all {
        return Ok(0);
    }
    // A guild's events are taken in order, so that what comes before the last one known is known, too.
    let go_on = known.last.unwrap_or(season.starts_at);
    let until = season.created_at;
    let mut events = history(season.starts_at, until, total).filter(|event| event.timestamp >= go_on);
    let feed = services.lake.feed(GUILD);
    let bar = screen.bar(total, "events of a season");
    let mut sent: VecDeque<(usize, Answered)> = VecDeque::new();
    let (mut counted, mut ended) = (0, false);
    while !ended || !sent.is_empty() {
        if !ended {
            let chunk: Vec<Event> = events.by_ref().take(CHUNK).collect();
            ended = chunk.len() < CHUNK;
            let (count, feed) = (chunk.len(), feed.clone());
            let mut answer = async move { feed.submit(chunk).await }.boxed();
            // Asked once, it has its place in the line.
            let answer = match (&mut answer).now_or_never() {
                Some(done) => futures::future::ready(done).boxed(),
                None => answer,
            };
            sent.push_back((count, answer));
        }
        while sent.len() > if ended { 0 } else { AHEAD } {
            let Some((count, answer)) = sent.pop_front() else { break };
            let outcomes = answer
                .await
                .map_err(|error| Failure::new(Code::Unavailable, format!("the demo's history: {error}")))?;
            counted += outcomes.iter().filter(|outcome| **outcome == Outcome::Counted).count();
            bar.inc(u64::try_from(count).unwrap_or(0));
        }
    }
    bar.finish_and_clear();
    Ok(counted)
}

/// Goes on talking until it is stopped.
pub(super) async fn talk_on(services: Services) {
    let Ok(now) = async { db::now(&mut *db::acquire(services.app.pool()).await?).await }.await else {
        return;
    };
    let community = Community {
        // Another crowd's day each time.
        seed: now.timestamp().unsigned_abs(),
        events: LIVE_A_DAY * 365,
        members: MEMBERS,
        channels: CHANNELS,
        from: now,
        over: TimeDelta::days(365),
    };
    let feed = services.lake.feed(GUILD);
    for mut event in Generator::new(community).in_rhythm(rhythm) {
        if matches!(event.event_type, EventType::MemberJoin | EventType::MemberLeave) {
            continue;
        }
        // Numbers begin anew with each start; what was said in another run is something else.
        event.source_id = event.source_id.map(|id| format!("live:{}:{id}", now.timestamp()));
        let wait = (event.timestamp - kernel::Clock::system().now()).to_std().unwrap_or_default();
        tokio::time::sleep(wait).await;
        if let Err(error) = feed.offer(vec![event]).await {
            tracing::debug!(%error, "the demo is silent for a moment");
        }
    }
}

/// Members who talk much: they have gold to spend.
pub(super) fn talkative(count: usize) -> impl Iterator<Item = UserId> {
    (0..count).map(people::id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn span() -> (DateTime<Utc>, DateTime<Utc>) {
        let from = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        (from, from + TimeDelta::days(DAYS.0) + TimeDelta::hours(21))
    }

    #[test]
    fn the_history_is_the_same_each_time_and_that_of_a_living_guild() {
        let (from, until) = span();
        let events: Vec<Event> = history(from, until, 300_000).collect();
        assert!(history(from, until, 300_000).eq(events.iter().cloned()));
        assert!((285_000..315_000).contains(&events.len()), "{}", events.len());
        assert!(events.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
        assert_eq!(events.iter().map(Event::source).collect::<HashSet<_>>().len(), events.len());
        let members: HashSet<UserId> = events.iter().map(|event| event.user_id).collect();
        assert!(members.len() > MEMBERS * 9 / 10, "{}", members.len());
        let of_hour = |hour| events.iter().filter(|event| event.timestamp.hour() == hour).count();
        assert!(of_hour(20) > 3 * of_hour(5), "{} in the evening, {} at night", of_hour(20), of_hour(5));
        let leave = events.iter().filter(|event| event.event_type == EventType::MemberLeave).count();
        assert!((5..200).contains(&leave), "{leave} leave");
        for event in events.iter().step_by(997) {
            let json = serde_json::to_string(event).unwrap();
            assert_eq!(&Event::parse(&json).unwrap(), event, "{json}");
        }
    }

    #[test]
    fn an_average_hour_is_average() {
        let (from, _) = span();
        let week: f64 = (0..7 * 24).map(|hour| rhythm(from + TimeDelta::hours(hour))).sum();
        assert!((week / (7.0 * 24.0) - 1.0).abs() < 0.01, "{week}");
    }
}
