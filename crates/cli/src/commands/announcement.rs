//! `questhall announcement`: announcements: the queue, the channels, one's own words.

use clap::Subcommand;
use community::announcements;
use community::ids::AnnouncementId;
use kernel::{ChannelId, PageQuery, Problem};

use super::operator::{on_database, once, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

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

pub(crate) async fn run(
    global: &Global,
    command: &AnnouncementCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use AnnouncementCommand as C;
    use announcements::ops;
    on_database(global, async |pool| match command {
        C::List { guild, waiting, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = announcements::model::AnnouncementQuery {
                    status: waiting.then_some(announcements::AnnouncementStatus::Pending),
                    limit: page.limit,
                    cursor: page.cursor,
                    ..announcements::model::AnnouncementQuery::default()
                };
                ops::announcement_list(pool, guild.id, query).await
            });
            rows_of(screen, &rows.await?, &["id", "channel_id", "kind", "user_id", "status", "sent_at"])
        }
        C::Say { guild, channel, text } => {
            let new = announcements::NewNotice { channel_id: *channel, text: text.clone() };
            one(screen, ops::notice_create(pool, guild.id, new, operator(), &once()).await)
        }
        C::Cancel { guild, announcement } => {
            one(screen, ops::announcement_cancel(pool, guild.id, *announcement, operator()).await)
        }
        C::Channels { guild } => {
            let chosen = ops::channel_list(pool, guild.id).await.map_err(Problem::from)?;
            rows_of(screen, &chosen.channels, &["kind", "channel_id", "enabled"])
        }
        C::Channel { guild, body } => {
            let chosen = ops::channel_put(pool, guild.id, read(body)?, operator()).await;
            rows_of(screen, &chosen.map_err(Problem::from)?.channels, &["kind", "channel_id", "enabled"])
        }
    })
    .await
}
