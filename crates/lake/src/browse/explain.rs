//! Why an event earned what it earned, from what was written down when it did.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, GuildId, UserId};
use progress::EventType;
use progress::rewards::{self, Explanation, Refused, Step, Why};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use super::LakeEvent;
use crate::error::Error;

/// The longest stay in voice that settings allow, in hours.
const LONGEST_STAY: i64 = 48;
/// Ticks of a stay that are told: more than the longest stay has at six an hour.
const MOST_TICKS: i64 = 300;

/// A reward of an event, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ExplainedReward {
    /// Who earned it.
    pub user_id: UserId,
    /// What for, as in the journal.
    pub event_type: String,
    /// When: the event's own time, or the tick's.
    pub timestamp: DateTime<Utc>,
    /// XP earned.
    pub xp: i32,
    /// Stars earned.
    pub stars: i32,
    /// XP before any factor.
    pub base_xp: i32,
    /// Stars before any factor.
    pub base_stars: i32,
    /// The factors, in order.
    pub steps: Vec<Explanation>,
}

/// An event and what it earned.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explained {
    /// The event.
    pub event: LakeEvent,
    /// What it earned whom; two for a reaction. For an event of voice, the ticks of the stay: of all of it where somebody came, else up
    /// to the event; at most 300.
    pub rewards: Vec<ExplainedReward>,
    /// Why it earned nothing, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
}

/// How a reward came about, as the journal keeps it. Without a base, nothing changed the base: it is what was earned.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    base_xp: Option<i32>,
    base_stars: Option<i32>,
    steps: Vec<Step>,
}

/// An entry of the journal.
struct Entry {
    user_id: UserId,
    event_type: String,
    timestamp: DateTime<Utc>,
    xp: i32,
    stars: i32,
    category_id: Option<i32>,
    metadata: Value,
}

/// Why an event earned what it earned, from what was written down when it did.
#[kernel::boxed]
pub async fn explain(pool: &PgPool, guild: GuildId, source: &str) -> Result<Explained, Error> {
    let mut conn = db::acquire(pool).await?;
    let event = sqlx::query_as!(
        LakeEvent,
        r#"SELECT l.id, l.event_type, l.user_id AS "user_id: UserId", l.channel_id AS "channel_id: ChannelId",
                  l.target_id AS "target_id: UserId", l.source_id, l."timestamp", l.payload, l.refused
             FROM lake.event_keys k
             JOIN lake.event_lake l ON l.guild_id = k.guild_id AND l."timestamp" = k."timestamp" AND l.source_id = k.source_id
            WHERE k.guild_id = $1 AND k.source_id = $2"#,
        guild.get(),
        source,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::Unknown("event"))?;
    let kind = event.event_type.parse::<EventType>().ok();
    let entries = match kind.filter(|kind| kind.is_voice()) {
        Some(kind) => match stay(&mut conn, guild, &event, kind).await? {
            Some(span) => ticks(&mut conn, guild, event.user_id, span).await?,
            None => Vec::new(),
        },
        None => earned(&mut conn, guild, &event, source).await?,
    };
    let names = Names::read(&mut conn, guild, &entries).await?;
    let rewards: Vec<ExplainedReward> = entries.into_iter().map(|entry| explained(entry, &names)).collect();
    let refused = match event.refused.as_deref().and_then(|refused| refused.parse::<Refused>().ok()) {
        Some(limit) => Some(rewards::refusal(limit)),
        None if rewards.is_empty() => kind.map(nothing),
        None => None,
    };
    Ok(Explained { event, rewards, refused })
}

/// What the journal has of an event.
async fn earned(
    conn: &mut PgConnection,
    guild: GuildId,
    event: &LakeEvent,
    source: &str,
) -> Result<Vec<Entry>, Error> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT user_id AS "user_id: UserId", event_type, "timestamp", xp_delta AS xp, star_delta AS stars, category_id, metadata
             FROM progress.activity_log
            WHERE guild_id = $1 AND "timestamp" = $2 AND source_system = 'discord' AND source_event_id = $3
            ORDER BY event_type, id"#,
        guild.get(),
        event.timestamp,
        source,
    )
    .fetch_all(conn)
    .await?)
}

/// From when to when the stay in voice took, or has taken until the event. `None` where nobody was heard coming.
async fn stay(
    conn: &mut PgConnection,
    guild: GuildId,
    event: &LakeEvent,
    kind: EventType,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, Error> {
    let (at, longest) = (event.timestamp, TimeDelta::hours(LONGEST_STAY));
    if kind == EventType::VoiceJoin {
        let end = sqlx::query_scalar!(
            r#"SELECT "timestamp" FROM lake.event_lake
                WHERE guild_id = $1 AND user_id = $2 AND event_type IN ('voice_join', 'voice_leave')
                  AND "timestamp" > $3 AND "timestamp" <= $4
                ORDER BY "timestamp" LIMIT 1"#,
            guild.get(),
            event.user_id.get(),
            at,
            at + longest,
        )
        .fetch_optional(conn)
        .await?;
        return Ok(Some((at, end.unwrap_or(at + longest))));
    }
    let before = sqlx::query!(
        r#"SELECT event_type, "timestamp" FROM lake.event_lake
            WHERE guild_id = $1 AND user_id = $2 AND event_type IN ('voice_join', 'voice_leave')
              AND "timestamp" < $3 AND "timestamp" >= $4
            ORDER BY "timestamp" DESC LIMIT 1"#,
        guild.get(),
        event.user_id.get(),
        at,
        at - longest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(before
        .filter(|before| before.event_type == EventType::VoiceJoin.as_str())
        .map(|before| (before.timestamp, at)))
}

/// A member's ticks after `from`, up to `to`.
async fn ticks(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Entry>, Error> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT user_id AS "user_id: UserId", event_type, "timestamp", xp_delta AS xp, star_delta AS stars, category_id, metadata
             FROM progress.activity_log
            WHERE guild_id = $1 AND user_id = $2 AND event_type = 'VOICE_TICK' AND "timestamp" > $3 AND "timestamp" <= $4
            ORDER BY "timestamp", id LIMIT $5"#,
        guild.get(),
        user.get(),
        from,
        to,
        MOST_TICKS,
    )
    .fetch_all(conn)
    .await?)
}

fn explained(entry: Entry, names: &Names) -> ExplainedReward {
    let how: Metadata = serde_json::from_value(entry.metadata).unwrap_or_default();
    let mut steps = rewards::explain(&how.steps);
    names.put(entry.category_id, entry.timestamp, &mut steps);
    ExplainedReward {
        user_id: entry.user_id,
        event_type: entry.event_type,
        timestamp: entry.timestamp,
        xp: entry.xp,
        stars: entry.stars,
        base_xp: how.base_xp.unwrap_or(entry.xp),
        base_stars: how.base_stars.unwrap_or(entry.stars),
        steps,
    }
}

/// Why what no limit refused brought nobody anything.
const fn nothing(kind: EventType) -> &'static str {
    match kind {
        EventType::ReactionRemove => "Taking a reaction back earns nothing, and takes nothing away.",
        EventType::MemberJoin | EventType::MemberLeave => "Coming and going earns nothing.",
        EventType::VoiceJoin | EventType::VoiceLeave | EventType::VoiceMove => {
            "Time in voice earns by the tick, and this stay has none yet: it was too short, or spent alone, or muted and deafened, \
             or the hour's ticks were had already; it is paid when somebody comes, goes or is muted in the channel."
        }
        EventType::MessageCreate | EventType::ReactionAdd | EventType::ThreadCreate => {
            "The journal has nothing of it."
        }
    }
}

/// What factors from outside the settings are called.
struct Names {
    categories: HashMap<i32, String>,
    timed: Vec<Timed>,
}

struct Timed {
    name: String,
    xp: f64,
    stars: f64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

impl Names {
    async fn read(conn: &mut PgConnection, guild: GuildId, entries: &[Entry]) -> Result<Self, Error> {
        let times = || entries.iter().map(|entry| entry.timestamp);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Ok(Self { categories: HashMap::new(), timed: Vec::new() });
        };
        let ids: Vec<i32> = entries.iter().filter_map(|entry| entry.category_id).collect();
        let categories = sqlx::query!(
            "SELECT id, name FROM lake.categories WHERE guild_id = $1 AND id = ANY ($2)",
            guild.get(),
            &ids,
        )
        .fetch_all(&mut *conn)
        .await?;
        let timed = sqlx::query_as!(
            Timed,
            "SELECT name, xp_multiplier AS xp, star_multiplier AS stars, starts_at, ends_at FROM lake.multiplier_events
              WHERE guild_id = $1 AND starts_at <= $3 AND ends_at > $2 ORDER BY id LIMIT 200",
            guild.get(),
            first,
            last,
        )
        .fetch_all(conn)
        .await?;
        Ok(Self { categories: categories.into_iter().map(|row| (row.id, row.name)).collect(), timed })
    }

    /// Names the steps that are of a category, or of a timed event that was on and had these factors.
    fn put(&self, category: Option<i32>, at: DateTime<Utc>, steps: &mut [Explanation]) {
        let close = |a: f64, b: Option<f64>| (a - b.unwrap_or(1.0)).abs() < 1e-9;
        let mut on: Vec<&Timed> =
            self.timed.iter().filter(|timed| timed.starts_at <= at && at < timed.ends_at).collect();
        for step in steps {
            step.name = match step.why {
                Why::Category => category.and_then(|id| self.categories.get(&id).cloned()),
                Why::TimedEvent => on
                    .iter()
                    .position(|timed| close(timed.xp, step.xp) && close(timed.stars, step.stars))
                    .map(|found| on.remove(found).name.clone()),
                _ => None,
            };
        }
    }
}
