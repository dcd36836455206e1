//! `questhall multiplier`: timed multipliers, such as a double-XP weekend.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use kernel::{ChannelId, PageQuery, Problem};
use lake::categories::Interaction;
use lake::ids::MultiplierEventId;
use lake::multipliers;
use serde_json::json;

use super::operator::{on_database, once, one, operator, pages, plain, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::{Screen, wide_table};

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

pub(crate) async fn run(
    global: &Global,
    command: &MultiplierCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use MultiplierCommand as C;
    use multipliers::ops;
    on_database(global, async |pool| match command {
        C::List { guild, limit } => {
            let rows = pages(*limit, async |page: PageQuery| ops::event_list(pool, guild.id, &page).await);
            let columns =
                ["id", "name", "xp_multiplier", "star_multiplier", "starts_at", "ends_at", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Factors { guild, interaction, channel, at } => {
            let what = multipliers::model::Weighing {
                interaction_type: *interaction,
                channel_id: *channel,
                at: *at,
            };
            let weighed = ops::weigh(pool, guild.id, what).await.map_err(Problem::from)?;
            screen.answer(&weighed, |weighed| {
                let rows = weighed.factors.iter().map(|factor| {
                    vec![plain(Some(&json!(factor.why))), factor.xp.to_string(), factor.stars.to_string()]
                });
                let all = vec!["all of it".to_owned(), weighed.xp.to_string(), weighed.stars.to_string()];
                wide_table(&["why", "xp", "stars"], rows.chain([all]))
            })
        }
        C::Create { guild, body } => {
            one(screen, ops::event_create(pool, guild.id, read(body)?, operator(), &once()).await)
        }
        C::Edit { guild, event, body } => {
            one(screen, ops::event_update(pool, guild.id, *event, read(body)?, operator()).await)
        }
        C::CallOff { guild, event } => {
            one(screen, ops::event_call_off(pool, guild.id, *event, operator()).await)
        }
    })
    .await
}
