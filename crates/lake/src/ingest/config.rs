//! What a guild chose, as ingest needs it: rewards, sources, categories and multipliers.
//!
//! It is kept for less than half a second, so that a change is in force on every node within one. Seasons are not kept: they are read
//! under their lock in each batch, so that an event is in exactly one, whatever rolls over meanwhile.

use std::collections::HashSet;
use std::sync::Arc;

use access::settings::settings_read;
use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId};
use progress::rewards::{Multiplier, RewardSettings};
use sqlx::PgConnection;

use super::settings::LakeSettings;
use crate::categories::Interaction;
use crate::error::Error;
use crate::fresh::Fresh;
use crate::multipliers::{Multipliers, multipliers_of};

/// What a guild's settings come to.
pub(super) struct Chosen {
    pub(super) rewards: RewardSettings,
    pub(super) lake: LakeSettings,
    /// XP at which levels 2, 3, 4 … are reached.
    pub(super) thresholds: Vec<i64>,
    /// Whether anything can be achieved, so that somebody wants to know the totals.
    pub(super) achievements: bool,
    pub(super) no_xp_roles: HashSet<i64>,
    pub(super) no_xp_channels: HashSet<i64>,
}

impl Chosen {
    async fn read(conn: &mut PgConnection, guild: GuildId) -> Result<Self, Error> {
        let rewards: RewardSettings = settings_read(conn, Some(guild)).await?;
        let lake = settings_read(conn, Some(guild)).await?;
        let achievements = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM progress.achievement_templates
                               WHERE guild_id = $1 AND active AND requirement_type <> 'custom') AS "some!""#,
            guild.get(),
        )
        .fetch_one(conn)
        .await?;
        Ok(Self {
            thresholds: rewards.curve().thresholds(),
            achievements,
            no_xp_roles: rewards.no_xp_roles.iter().map(|role| role.get()).collect(),
            no_xp_channels: rewards.no_xp_channels.iter().map(|channel| channel.get()).collect(),
            rewards,
            lake,
        })
    }
}

/// A guild's choices, as they count for a batch.
#[derive(Clone)]
pub(super) struct GuildConfig {
    pub(super) chosen: Arc<Chosen>,
    multipliers: Arc<Multipliers>,
}

impl std::ops::Deref for GuildConfig {
    type Target = Chosen;

    fn deref(&self) -> &Chosen {
        &self.chosen
    }
}

impl GuildConfig {
    /// The category of a channel.
    pub(super) fn category(&self, channel: Option<ChannelId>) -> Option<i32> {
        self.multipliers.category_of(channel).map(crate::ids::CategoryId::get)
    }

    /// What multiplies this interaction's reward in this channel at that time.
    pub(super) fn multipliers(
        &self,
        interaction: Interaction,
        channel: Option<ChannelId>,
        at: DateTime<Utc>,
    ) -> Vec<Multiplier> {
        self.multipliers.active_at(interaction, channel, at).multipliers
    }
}

/// Guilds' choices, each kept for a moment.
#[derive(Default)]
pub(super) struct Configs {
    chosen: Fresh<Chosen>,
    multipliers: Fresh<Multipliers>,
}

impl Configs {
    /// The guild's choices of this moment.
    pub(super) async fn get(&self, conn: &mut PgConnection, guild: GuildId) -> Result<GuildConfig, Error> {
        let chosen = self.chosen.get(&mut *conn, guild, Chosen::read).await?;
        let multipliers = self.multipliers.get(conn, guild, multipliers_of).await?;
        Ok(GuildConfig { chosen, multipliers })
    }
}
