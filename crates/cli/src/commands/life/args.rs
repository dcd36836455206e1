//! What may be typed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use community::board::model::BoardStatus;
use community::ids::{AnnouncementId, BoardQuestId, PurchaseId, ShopItemId, SkillId};
use community::shop::model::PurchaseStatus;
use kernel::{ChannelId, UserId};
use lake::categories::Interaction;
use lake::ids::{CategoryId, MultiplierEventId};
use progress::ids::{AchievementId, SeasonId};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::economy::Guild;

/// A word that the API knows, such as a status.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum SeasonCommand {
    /// List seasons, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
    },
    /// Make a season.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or - for standard input.
        body: String,
    },
    /// Change a season that is not over.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The season.
        season: SeasonId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// End the running season now, archive its standings and begin the next.
    Roll {
        #[command(flatten)]
        guild: Guild,
        /// The season.
        season: SeasonId,
        /// What begins next, as in the API: JSON, @FILE or -; left out, the planned one at its own time.
        body: Option<String>,
    },
    /// Remove a season that has not begun.
    Delete {
        #[command(flatten)]
        guild: Guild,
        /// The season.
        season: SeasonId,
    },
    /// The archived standings of a season that is over.
    Standings {
        #[command(flatten)]
        guild: Guild,
        /// The season.
        season: SeasonId,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CategoryCommand {
    /// List categories of channels.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Removed ones too.
        #[arg(long)]
        all: bool,
    },
    /// Make a category.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change a category.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The category.
        category: CategoryId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Remove a category; its channels are free then.
    Remove {
        #[command(flatten)]
        guild: Guild,
        /// The category.
        category: CategoryId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MultiplierCommand {
    /// List timed multipliers, the latest made first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What multiplies an interaction's reward: its category's weight and timed multipliers.
    Factors {
        #[command(flatten)]
        guild: Guild,
        /// MESSAGE, `REACTION_GIVEN`, `REACTION_RECEIVED`, `THREAD_CREATE` or `VOICE_TICK`.
        #[arg(value_parser = word::<Interaction>)]
        interaction: Interaction,
        /// In this channel.
        #[arg(long, value_name = "ID")]
        channel: Option<ChannelId>,
        /// At this time, such as 2026-12-05T12:00:00Z [default: now].
        #[arg(long, value_name = "TIME")]
        at: Option<DateTime<Utc>>,
    },
    /// Multiply rewards for a while, such as for a double-XP weekend.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change one that is not over.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The timed multiplier.
        event: MultiplierEventId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// End one now, or before it begins.
    CallOff {
        #[command(flatten)]
        guild: Guild,
        /// The timed multiplier.
        event: MultiplierEventId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AchievementCommand {
    /// List achievements.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Retired ones too.
        #[arg(long)]
        all: bool,
    },
    /// Make an achievement; who has reached it gets it.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change an achievement.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Let nobody earn it any more.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
    },
    /// Grant an achievement by hand.
    Grant {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// To whom.
        user: UserId,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Revoke an achievement.
    Revoke {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// From whom.
        user: UserId,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Take back what was paid for it.
        #[arg(long)]
        take_back: bool,
    },
    /// Who has an achievement.
    Earners {
        #[command(flatten)]
        guild: Guild,
        /// The achievement.
        achievement: AchievementId,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What a member has, and how far they are with the rest.
    Progress {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BoardCommand {
    /// List the quests on the board, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Only those that are open, claimed or complete.
        #[arg(long, value_parser = word::<BoardStatus>)]
        status: Option<BoardStatus>,
        /// Only those that this member took on.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Post a quest.
    Post {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change a quest that is not done.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Take a quest off the board.
    Remove {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
    },
    /// Take on a quest for a member.
    Claim {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Give up a quest for the member who took it on.
    Unclaim {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Take a quest away from whoever took it on.
    Release {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
    },
    /// Accept a quest as done, and pay for it.
    Complete {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: BoardQuestId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShopCommand {
    /// List what is sold.
    List {
        #[command(flatten)]
        guild: Guild,
        /// What was taken off the shelf too.
        #[arg(long)]
        all: bool,
    },
    /// Put something on the shelf.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change something on the shelf, or take it off: '{"active": false}'.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The item.
        item: ShopItemId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Buy something for a member, with their gold.
    Buy {
        #[command(flatten)]
        guild: Guild,
        /// The item.
        item: ShopItemId,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// How many.
        #[arg(long, default_value_t = 1)]
        quantity: i32,
        /// The most gold to be paid in all.
        #[arg(long, value_name = "GOLD")]
        at_most: Option<i64>,
    },
    /// List purchases, the latest first.
    Purchases {
        #[command(flatten)]
        guild: Guild,
        /// Only those that are paid, fulfilled or refunded.
        #[arg(long, value_parser = word::<PurchaseStatus>)]
        status: Option<PurchaseStatus>,
        /// Only those of this member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Note that a purchase was handed over.
    Fulfil {
        #[command(flatten)]
        guild: Guild,
        /// The purchase.
        purchase: PurchaseId,
    },
    /// Give the gold of a purchase back.
    Refund {
        #[command(flatten)]
        guild: Guild,
        /// The purchase.
        purchase: PurchaseId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AwardCommand {
    /// Give members XP, gold or stars.
    Give(AwardArgs),
    /// Take XP, gold or stars from members.
    Revoke(AwardArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AwardArgs {
    #[command(flatten)]
    pub(crate) guild: Guild,
    /// The members; all of them, or none.
    #[arg(required = true, value_name = "USER")]
    pub(crate) users: Vec<UserId>,
    /// How many XP.
    #[arg(long, default_value_t = 0)]
    pub(crate) xp: i64,
    /// How much gold.
    #[arg(long, default_value_t = 0)]
    pub(crate) gold: i64,
    /// How many stars.
    #[arg(long, default_value_t = 0)]
    pub(crate) stars: i64,
    /// Why; members see it.
    #[arg(long)]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AnnouncementCommand {
    /// List announcements, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Only those that wait for their turn.
        #[arg(long)]
        waiting: bool,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Announce something in your own words.
    Say {
        #[command(flatten)]
        guild: Guild,
        /// The channel; the one chosen for notices if left out.
        #[arg(long, value_name = "ID")]
        channel: Option<ChannelId>,
        /// What to say.
        text: String,
    },
    /// Take back an announcement that waits.
    Cancel {
        #[command(flatten)]
        guild: Guild,
        /// The announcement.
        announcement: AnnouncementId,
    },
    /// Where announcements go.
    Channels {
        #[command(flatten)]
        guild: Guild,
    },
    /// Choose where a kind of announcement goes.
    Channel {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// The skill tree, with a member's points if one is named.
    Tree {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
    },
    /// Make a skill.
    Create {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change a skill.
    Edit {
        #[command(flatten)]
        guild: Guild,
        /// The skill.
        skill: SkillId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// What learning brought a member, the latest first.
    Rewards {
        #[command(flatten)]
        guild: Guild,
        /// The member.
        user: UserId,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Retire a skill.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The skill.
        skill: SkillId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportXpArgs {
    #[command(flatten)]
    pub(crate) guild: Guild,
    /// CSV with a heading that names `user_id` and `xp` or `level`, or JSON as MEE6, Polaris, AmariBot and Lurkr export it; `-` for
    /// standard input.
    pub(crate) file: PathBuf,
    /// Where the XP come from.
    #[arg(long, default_value = "mee6")]
    pub(crate) source: String,
    /// Keep levels instead of XP.
    #[arg(long)]
    pub(crate) levels: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Import the lines that are right although others are wrong.
    #[arg(long)]
    pub(crate) skip_faults: bool,
}
