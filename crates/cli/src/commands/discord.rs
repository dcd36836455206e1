//! `questhall discord`: what of a guild is kept in step with Discord, and what is done there, by the operator. It is noted; a node with a bot does it.

use clap::Subcommand;
use discord::effects::ops as effects;
use discord::{native, setup};
use kernel::{ChannelId, PageQuery};
use uuid::Uuid;

use super::operator::{on_database, one, operator, pages, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum DiscordCommand {
    /// How a guild is set up from Discord: what was taken over, what the bot lacks, what failed.
    Setup {
        #[command(flatten)]
        guild: Guild,
    },
    /// Set a guild up from what Discord has of it, or ask Discord again, as `/setup` does.
    SetupStart {
        #[command(flatten)]
        guild: Guild,
        /// The channel for everything that is announced nowhere.
        #[arg(long, value_name = "ID")]
        channel: Option<ChannelId>,
    },
    /// Have nothing follow Discord any more; what was taken over stays.
    SetupStop {
        #[command(flatten)]
        guild: Guild,
    },
    /// What Discord itself judges of a guild's rules, and what failed.
    Automod {
        #[command(flatten)]
        guild: Guild,
    },
    /// Have Discord itself judge what it can of a guild's rules, or ask it again.
    AutomodStart {
        #[command(flatten)]
        guild: Guild,
    },
    /// Take them back.
    AutomodStop {
        #[command(flatten)]
        guild: Guild,
    },
    /// Announcements and roles on Discord, the latest first.
    Effects {
        #[command(flatten)]
        guild: Guild,
        /// Only those that stand so: pending, done or dead.
        #[arg(long)]
        status: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Try again what was given up.
    Retry {
        #[command(flatten)]
        guild: Guild,
        /// The effect.
        effect: Uuid,
    },
}

pub(crate) async fn run(global: &Global, command: &DiscordCommand, screen: &Screen) -> Result<(), Failure> {
    use DiscordCommand as C;
    let has_bot = crate::setup::settings(global, &[])?.discord.application().is_some();
    on_database(global, async |pool| match command {
        C::Setup { guild } => one(screen, setup::state(pool, guild.id, has_bot).await),
        C::SetupStart { guild, channel } => {
            let how = setup::Start { channel_id: *channel };
            setup::start(pool, guild.id, how, operator()).await?;
            one(screen, setup::state(pool, guild.id, has_bot).await)
        }
        C::SetupStop { guild } => {
            setup::stop(pool, guild.id, operator()).await?;
            one(screen, setup::state(pool, guild.id, has_bot).await)
        }
        C::Automod { guild } => one(screen, native::state(pool, guild.id, has_bot).await),
        C::AutomodStart { guild } => {
            native::start(pool, guild.id, operator()).await?;
            one(screen, native::state(pool, guild.id, has_bot).await)
        }
        C::AutomodStop { guild } => {
            native::stop(pool, guild.id, operator()).await?;
            one(screen, native::state(pool, guild.id, has_bot).await)
        }
        C::Effects { guild, status, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                effects::effect_list(pool, guild.id, status.as_deref(), &page).await
            });
            rows_of(
                screen,
                &rows.await?,
                &["id", "kind", "target", "status", "attempts", "last_error", "created_at"],
            )
        }
        C::Retry { guild, effect } => {
            one(screen, effects::effect_retry(pool, guild.id, *effect, operator()).await)
        }
    })
    .await
}
