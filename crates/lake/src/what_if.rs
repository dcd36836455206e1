//! What the last days would have earned under other settings, and whose rank among each other that moves. Nothing is written.
//!
//! Both sums are counted anew from the lake, by the rules that reward what comes in: once with the settings as they are, once as they are
//! supposed to be; so what differs is the settings' doing alone. What multiplies rewards is taken as it is today. What is left aside: the
//! state of the limits when the days began, and how long somebody sat in voice: ticks are those that were paid, at what a tick is worth.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use access::settings::{Group as _, settings_read};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use kernel::problem::{FieldError, UNAVAILABLE};
use kernel::{ChannelId, GuildId, Problem, UserId};
use progress::rewards::{self, Cooldown, MessageReactions, Multiplier, Pair, RewardSettings, Step, Why};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::categories::Interaction;
use crate::ingest::Payload;
use crate::multipliers::{Multipliers, multipliers_of};

/// The most days that are gone through.
pub const MAX_DAYS: i32 = 7;
/// The most events, and the most ticks, that are gone through: of more, the latest.
pub const MAX_EVENTS: i64 = 100_000;
/// The most members that are told of.
const MAX_ROWS: usize = 50;
/// How long the database may take to find them.
const PATIENCE_MS: &str = "10000";

/// One is worked out at a time: it takes some of a processor's time, and some memory.
static TURN: Semaphore = Semaphore::const_new(1);

/// What is supposed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supposition {
    /// Over how many days: 1 to 7, 7 unless told.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 7)]
    pub days: Option<i32>,
    /// Settings of rewards by their names, such as `message_xp`, as they are supposed to be; what is not named is as it is.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// What is earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SupposedEarnings)]
pub struct Earnings {
    /// XP.
    pub xp: i64,
    /// Stars.
    pub stars: i64,
}

/// A member, as things are and as they would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SupposedMember)]
pub struct Moved {
    /// Who.
    pub user_id: UserId,
    /// Their rank by XP of these days, as things are; ties share one (1, 1, 3).
    pub rank: i64,
    /// What it would be.
    pub supposed_rank: i64,
    /// What these days come to as things are.
    pub earned: Earnings,
    /// What they would come to.
    pub supposed: Earnings,
}

/// What would have become of the last days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// The first instant that is looked at.
    pub from: DateTime<Utc>,
    /// The last.
    pub until: DateTime<Utc>,
    /// How many events and ticks were gone through.
    pub events: i64,
    /// Whether there were more in these days than are gone through: then these are the latest.
    pub cut: bool,
    /// How many members earned something.
    pub members: i64,
    /// How many of them would have another rank.
    pub moved: i64,
    /// What all earned together as things are.
    pub earned: Earnings,
    /// What they would have earned.
    pub supposed: Earnings,
    /// Those whose rank moves farthest, at most 50; then those whose XP changes most.
    pub rows: Vec<Moved>,
}

/// An event of the lake.
struct Row {
    event_type: String,
    user_id: UserId,
    channel_id: Option<ChannelId>,
    target_id: Option<UserId>,
    timestamp: DateTime<Utc>,
    payload: Json<Payload>,
}

/// A tick of voice that was paid, with what multiplied it.
struct Tick {
    user_id: UserId,
    steps: Json<Vec<Step>>,
}

/// What happened.
struct Days {
    rows: Vec<Row>,
    ticks: Vec<Tick>,
    bots: HashSet<UserId>,
    multipliers: Multipliers,
}

/// What the last days would have earned under other settings.
pub async fn what_if(pool: &PgPool, guild: GuildId, supposition: &Supposition) -> Result<WhatIf, Problem> {
    let days = supposition.days.unwrap_or(MAX_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Problem::field("days", format!("must be between 1 and {MAX_DAYS}")));
    }
    let mut tx = db::begin(pool).await?;
    let present: RewardSettings = settings_read(&mut tx, Some(guild)).await?;
    let supposed = changed(&present, &supposition.settings)?;
    let Ok(turn) = TURN.try_acquire() else {
        let detail = "Another question of this kind is being answered; ask again in a moment.";
        return Err(Problem::new(UNAVAILABLE, detail).retry_after(std::time::Duration::from_secs(2)));
    };
    sqlx::query!("SELECT set_config('statement_timeout', $1, true)", PATIENCE_MS).fetch_one(&mut *tx).await?;
    let until = db::now(&mut tx).await?;
    let from = until - TimeDelta::days(days.into());
    let found = read(&mut tx, guild, (from, until)).await?;
    tx.rollback().await?;
    let events = found.rows.len() + found.ticks.len();
    let most = usize::try_from(MAX_EVENTS).unwrap_or(usize::MAX);
    let cut = found.rows.len() >= most || found.ticks.len() >= most;
    let found = Arc::new(found);
    let counted = tokio::task::spawn_blocking(move || {
        // Kept until it is done, whoever still waits for it.
        let _turn = turn;
        (found.earned(&present), found.earned(&supposed))
    });
    let (earned, supposed) = counted.await.map_err(|error| Problem::internal(&error))?;
    let rows = compared(&earned, &supposed);
    let sum = |of: &HashMap<UserId, Earnings>| {
        of.values().fold(Earnings::default(), |sum, one| Earnings {
            xp: sum.xp + one.xp,
            stars: sum.stars + one.stars,
        })
    };
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(WhatIf {
        from,
        until,
        events: whole(events),
        cut,
        members: whole(rows.len()),
        moved: whole(rows.iter().filter(|row| row.rank != row.supposed_rank).count()),
        earned: sum(&earned),
        supposed: sum(&supposed),
        rows: farthest(rows),
    })
}

/// Settings with some of them changed; what is wrong is told by its name.
fn changed(present: &RewardSettings, wanted: &Map<String, Value>) -> Result<RewardSettings, Problem> {
    let mut values = match serde_json::to_value(present) {
        Ok(Value::Object(values)) => values,
        Ok(_) => return Err(Problem::internal_message("settings of rewards are no object")),
        Err(error) => return Err(Problem::internal(&error)),
    };
    let mut settings = present.clone();
    for (name, value) in wanted {
        let at = format!("settings.{name}");
        if !values.contains_key(name) {
            return Err(Problem::field(at, "is no setting of rewards"));
        }
        values.insert(name.clone(), value.clone());
        settings = serde_json::from_value(Value::Object(values.clone()))
            .map_err(|error| Problem::field(at, format!("does not fit: {error}")))?;
    }
    settings.validate().map_err(|wrong| {
        let at = |error: FieldError| FieldError { field: format!("settings.{}", error.field), ..error };
        Problem::fields(wrong.into_iter().map(at).collect())
    })?;
    Ok(settings)
}

async fn read(
    conn: &mut PgConnection,
    guild: GuildId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Days, Problem> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"SELECT event_type, user_id AS "user_id: UserId", channel_id AS "channel_id: ChannelId", target_id AS "target_id: UserId",
                  "timestamp", payload AS "payload: Json<Payload>"
             FROM lake.event_lake
            WHERE guild_id = $1 AND "timestamp" >= $2 AND "timestamp" <= $3
              AND event_type IN ('message_create', 'reaction_add', 'thread_create')
            ORDER BY "timestamp" DESC, id DESC LIMIT $4"#,
        guild.get(),
        from,
        until,
        MAX_EVENTS,
    )
    .fetch_all(&mut *conn)
    .await?;
    rows.reverse();
    let ticks = sqlx::query_as!(
        Tick,
        r#"SELECT user_id AS "user_id: UserId", coalesce(metadata->'steps', '[]') AS "steps!: Json<Vec<Step>>"
             FROM progress.activity_log
            WHERE guild_id = $1 AND "timestamp" >= $2 AND "timestamp" <= $3 AND event_type = 'VOICE_TICK'
            ORDER BY "timestamp" DESC, id DESC LIMIT $4"#,
        guild.get(),
        from,
        until,
        MAX_EVENTS,
    )
    .fetch_all(&mut *conn)
    .await?;
    let bots = sqlx::query_scalar!(
        r#"SELECT user_id AS "user_id: UserId" FROM people.members WHERE guild_id = $1 AND is_bot"#,
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let multipliers = multipliers_of(conn, guild).await?;
    Ok(Days { rows, ticks, bots: bots.into_iter().collect(), multipliers })
}

/// The state of the limits while the days are gone through.
#[derive(Default)]
struct Limits {
    cooldowns: HashMap<(UserId, Option<ChannelId>), Cooldown>,
    pairs: HashMap<(UserId, UserId, NaiveDate), Pair>,
    reactions: HashMap<i64, MessageReactions>,
}

impl Days {
    /// What each member earns by these settings.
    fn earned(&self, settings: &RewardSettings) -> HashMap<UserId, Earnings> {
        let mut limits = Limits::default();
        let mut all: HashMap<UserId, Earnings> = HashMap::new();
        let mut earn = |user: UserId, reward: &rewards::Reward| {
            let own = all.entry(user).or_default();
            own.xp += i64::from(reward.xp);
            own.stars += i64::from(reward.stars);
        };
        for row in &self.rows {
            if self.excluded(settings, row) {
                continue;
            }
            let (user, at) = (row.user_id, row.timestamp);
            let weighed = |kind| self.multipliers.active_at(kind, row.channel_id, at).multipliers;
            match row.event_type.as_str() {
                "message_create" => {
                    let cooldown = limits.cooldowns.entry((user, row.channel_id)).or_default();
                    let (figures, factors) = (row.payload.figures(), weighed(Interaction::Message));
                    if let Ok(reward) = rewards::message_reward(settings, figures, &factors, cooldown, at) {
                        earn(user, &reward);
                    }
                }
                "thread_create" => {
                    earn(user, &rewards::thread_reward(settings, &weighed(Interaction::ThreadCreate)));
                }
                _ => {
                    let (Some(target), Some(message)) = (row.target_id, row.payload.message_id) else {
                        continue;
                    };
                    if target == user {
                        continue;
                    }
                    let factors =
                        (weighed(Interaction::ReactionGiven), weighed(Interaction::ReactionReceived));
                    let outcome = rewards::reaction_rewards(
                        settings,
                        (&factors.0, &factors.1),
                        limits.pairs.entry((user, target, at.date_naive())).or_default(),
                        limits.reactions.entry(message.get()).or_default(),
                        user.get(),
                        at,
                    );
                    if let Ok((giver, receiver)) = outcome {
                        earn(user, &giver);
                        if !self.bots.contains(&target) {
                            earn(target, &receiver);
                        }
                    }
                }
            }
        }
        for tick in &self.ticks {
            let factors: Vec<Multiplier> = tick
                .steps
                .iter()
                .filter(|step| matches!(step.why, Why::Category | Why::TimedEvent))
                .map(|step| Multiplier { why: step.why, xp: step.xp, stars: step.stars })
                .collect();
            earn(tick.user_id, &rewards::tick_reward(settings, &factors));
        }
        all
    }

    /// Whether who did it earns nothing, whatever it is.
    fn excluded(&self, settings: &RewardSettings, row: &Row) -> bool {
        row.payload.bot
            || self.bots.contains(&row.user_id)
            || row.channel_id.is_some_and(|channel| settings.no_xp_channels.contains(&channel))
            || row.payload.roles.iter().any(|role| settings.no_xp_roles.contains(role))
    }
}

/// Ranks by XP: ties share one.
fn ranks(users: &[UserId], of: &HashMap<UserId, Earnings>) -> HashMap<UserId, i64> {
    let xp = |user: &UserId| of.get(user).map_or(0, |earned| earned.xp);
    let mut order: Vec<UserId> = users.to_vec();
    order.sort_by_key(|user| std::cmp::Reverse(xp(user)));
    let mut ranks = HashMap::with_capacity(order.len());
    let mut rank = 0;
    for (n, user) in order.iter().enumerate() {
        if n == 0 || xp(user) != xp(&order[n - 1]) {
            rank = i64::try_from(n + 1).unwrap_or(i64::MAX);
        }
        ranks.insert(*user, rank);
    }
    ranks
}

fn compared(earned: &HashMap<UserId, Earnings>, supposed: &HashMap<UserId, Earnings>) -> Vec<Moved> {
    let users: BTreeSet<UserId> = earned.keys().chain(supposed.keys()).copied().collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let (before, after) = (ranks(&users, earned), ranks(&users, supposed));
    let moved = |user: &UserId| {
        Some(Moved {
            user_id: *user,
            rank: *before.get(user)?,
            supposed_rank: *after.get(user)?,
            earned: earned.get(user).copied().unwrap_or_default(),
            supposed: supposed.get(user).copied().unwrap_or_default(),
        })
    };
    users.iter().filter_map(moved).collect()
}

/// Those for whom the most changes.
fn farthest(mut rows: Vec<Moved>) -> Vec<Moved> {
    rows.retain(|row| row.rank != row.supposed_rank || row.earned != row.supposed);
    rows.sort_by_key(|row| {
        let ranks = (row.rank - row.supposed_rank).abs();
        let xp = (row.earned.xp - row.supposed.xp).abs();
        (std::cmp::Reverse(ranks), std::cmp::Reverse(xp), row.supposed_rank, row.user_id)
    });
    rows.truncate(MAX_ROWS);
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn earning(all: &[(i64, i64)]) -> HashMap<UserId, Earnings> {
        all.iter().map(|(user, xp)| (UserId::new(*user), Earnings { xp: *xp, stars: 0 })).collect()
    }

    #[test]
    fn ranks_are_compared_and_those_who_move_farthest_come_first() {
        let before = earning(&[(1, 100), (2, 90), (3, 80), (4, 10)]);
        let after = earning(&[(1, 50), (2, 90), (3, 95), (4, 10)]);
        let rows = compared(&before, &after);
        let told: Vec<(i64, i64, i64)> =
            farthest(rows).iter().map(|row| (row.user_id.get(), row.rank, row.supposed_rank)).collect();
        assert_eq!(told, [(1, 1, 3), (3, 3, 1)]);
        // Who earns nothing as things are has a rank, too: the last.
        let rows = compared(&earning(&[(1, 5)]), &earning(&[(1, 5), (2, 9)]));
        assert_eq!(
            rows.iter().map(|row| (row.rank, row.supposed_rank)).collect::<Vec<_>>(),
            [(1, 2), (2, 1)]
        );
        assert!(farthest(compared(&before, &before)).is_empty());
    }

    #[test]
    fn what_is_supposed_is_checked_as_settings_are() {
        let present = RewardSettings::default();
        let with = |value: Value| changed(&present, value.as_object().unwrap());
        let named = |value: Value| with(value).unwrap_err().errors()[0].field.clone();
        assert_eq!(with(json!({})).unwrap(), present);
        assert_eq!(with(json!({ "message_xp": 30 })).unwrap().message_xp, 30);
        assert_eq!(named(json!({ "mesage_xp": 30 })), "settings.mesage_xp");
        assert_eq!(named(json!({ "message_xp": "much" })), "settings.message_xp");
        assert_eq!(named(json!({ "message_xp": -1 })), "settings.message_xp");
        assert_eq!(named(json!({ "long_factor": 101 })), "settings.long_factor");
    }
}
