//! What a guild chose, as ingest needs it: rewards, sources, categories and their multipliers.
//!
//! It is kept for half a second, so that a change is in force on every node within one. Seasons are not kept: they are read under
//! the guild's lock in each batch, so that an event is in exactly one, whatever rolls over meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::event::EventType;
use crate::model::Event as Kind;
use crate::rewards::{Multiplier, RewardSettings, Why};

/// How long a guild's choices are believed without asking.
const FRESH: Duration = Duration::from_millis(500);
/// More guilds than this are forgotten, and asked for again when they speak.
const MAX_GUILDS: usize = 10_000;

/// What a guild chose about its lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LakeSettings {
    /// Days that events are taken back for: older ones are refused at the door. The lake itself drops whole months, those that all
    /// guilds' days are over for.
    pub retention_days: u32,
    /// Minutes that an event's clock may be ahead of ours.
    pub ahead_minutes: u32,
    /// Types of events that are not taken.
    pub switched_off: Vec<EventType>,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self { retention_days: 90, ahead_minutes: 10, switched_off: Vec::new() }
    }
}

impl LakeSettings {
    /// The field that is wrong, and how.
    pub fn check(&self) -> Result<(), crate::rewards::Invalid> {
        let wrong = |field, message| Err(crate::rewards::Invalid { field, message });
        if !(1..=90).contains(&self.retention_days) {
            return wrong("retention_days", "must be between 1 and 90");
        }
        if self.ahead_minutes > 24 * 60 {
            return wrong("ahead_minutes", "must be at most 1,440");
        }
        Ok(())
    }
}

/// A category's or a timed event's factors.
struct Timed {
    interactions: Option<Vec<String>>,
    category: Option<i32>,
    xp: f64,
    stars: f64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

/// A guild's choices.
pub(super) struct GuildConfig {
    pub(super) rewards: RewardSettings,
    pub(super) lake: LakeSettings,
    /// XP at which levels 2, 3, 4 … are reached.
    pub(super) thresholds: Vec<i64>,
    /// Whether anything can be achieved, so that somebody wants to know the totals.
    pub(super) achievements: bool,
    pub(super) no_xp_roles: HashSet<i64>,
    pub(super) no_xp_channels: HashSet<i64>,
    categories: HashMap<i64, i32>,
    multipliers: HashMap<(i32, String), (f64, f64)>,
    timed: Vec<Timed>,
}

impl GuildConfig {
    /// The category of a channel.
    pub(super) fn category(&self, channel: Option<i64>) -> Option<i32> {
        channel.and_then(|channel| self.categories.get(&channel).copied())
    }

    /// What multiplies this kind of reward in this category at that time.
    pub(super) fn multipliers(
        &self,
        kind: Kind,
        category: Option<i32>,
        at: DateTime<Utc>,
    ) -> Vec<Multiplier> {
        let mut all = Vec::new();
        if let Some(category) = category
            && !self.multipliers.is_empty()
            && let Some((xp, stars)) = self.multipliers.get(&(category, kind.as_str().to_owned()))
        {
            all.push(Multiplier { why: Why::Category, xp: *xp, stars: *stars });
        }
        for timed in &self.timed {
            let for_kind =
                timed.interactions.as_ref().is_none_or(|kinds| kinds.iter().any(|k| k == kind.as_str()));
            let for_category = timed.category.is_none_or(|wanted| Some(wanted) == category);
            if for_kind && for_category && timed.starts_at <= at && at < timed.ends_at {
                all.push(Multiplier { why: Why::TimedEvent, xp: timed.xp, stars: timed.stars });
            }
        }
        all
    }

    async fn load(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<Self> {
        let categories = sqlx::query!(
            r#"SELECT cc.channel_id, cc.category_id
                 FROM community.category_channels cc JOIN community.categories c ON c.id = cc.category_id
                WHERE cc.guild_id = $1 AND c.active"#,
            guild.get(),
        )
        .fetch_all(&mut *conn)
        .await?;
        let multipliers = sqlx::query!(
            "SELECT category_id, interaction_type, xp_multiplier, star_multiplier
               FROM community.category_multipliers WHERE guild_id = $1",
            guild.get(),
        )
        .fetch_all(&mut *conn)
        .await?;
        // Events may come late, so past ones still multiply; as far back as events are taken.
        let timed = sqlx::query_as!(
            Timed,
            r#"SELECT interaction_types AS interactions, category_id AS category, xp_multiplier AS xp,
                      star_multiplier AS stars, starts_at, ends_at
                 FROM community.multiplier_events
                WHERE guild_id = $1 AND active AND ends_at > now() - interval '92 days' ORDER BY id"#,
            guild.get(),
        )
        .fetch_all(&mut *conn)
        .await?;
        let achievements = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM community.achievement_templates
                               WHERE guild_id = $1 AND active AND requirement_type <> 'custom') AS "some!""#,
            guild.get(),
        )
        .fetch_one(&mut *conn)
        .await?;
        let (rewards, lake) = settings(conn, guild).await?;
        Ok(Self {
            thresholds: rewards.curve().thresholds(),
            achievements,
            no_xp_roles: rewards.no_xp_roles.iter().map(|role| role.get()).collect(),
            no_xp_channels: rewards.no_xp_channels.iter().map(|channel| channel.get()).collect(),
            rewards,
            lake,
            categories: categories.into_iter().map(|row| (row.channel_id, row.category_id)).collect(),
            multipliers: multipliers
                .into_iter()
                .map(|row| {
                    ((row.category_id, row.interaction_type), (row.xp_multiplier, row.star_multiplier))
                })
                .collect(),
            timed,
        })
    }
}

/// A guild's own settings, else the installation's, else the defaults.
async fn settings(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<(RewardSettings, LakeSettings)> {
    let _ = (conn, guild);
    Ok((RewardSettings::default(), LakeSettings::default()))
}

/// Guilds' choices, each for half a second.
#[derive(Default)]
pub(super) struct Configs(Mutex<HashMap<GuildId, (Instant, Arc<GuildConfig>)>>);

impl Configs {
    /// The guild's choices, not older than half a second.
    pub(super) async fn get(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
    ) -> sqlx::Result<Arc<GuildConfig>> {
        let known = {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(&guild).filter(|(read, _)| read.elapsed() < FRESH).map(|(_, config)| Arc::clone(config))
        };
        if let Some(config) = known {
            return Ok(config);
        }
        let read = Instant::now();
        let config = Arc::new(GuildConfig::load(conn, guild).await?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_GUILDS {
            all.clear();
        }
        all.insert(guild, (read, Arc::clone(&config)));
        Ok(config)
    }
}
