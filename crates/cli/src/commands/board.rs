//! `questhall board`: the quest board.

use clap::Subcommand;
use community::board;
use community::board::model::BoardStatus;
use community::ids::BoardQuestId;
use kernel::{PageQuery, UserId};

use super::operator::{on_database, once, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum BoardCommand {
    /// List the quests on the board, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Only those that are open, claimed or complete.
        #[arg(long)]
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

pub(crate) async fn run(global: &Global, command: &BoardCommand, screen: &Screen) -> Result<(), Failure> {
    use BoardCommand as C;
    use board::ops;
    on_database(global, async |pool| match command {
        C::List { guild, status, user, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = board::model::BoardQuery {
                    status: *status,
                    claimed_by: *user,
                    limit: page.limit,
                    cursor: page.cursor,
                };
                ops::quest_list(pool, guild.id, query).await
            });
            let columns =
                ["id", "title", "status", "claimed_by", "xp_reward", "gold_reward", "github_issue_url"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Post { guild, body } => {
            one(screen, ops::quest_create(pool, guild.id, read(body)?, operator(), &once()).await)
        }
        C::Edit { guild, quest, body } => {
            one(screen, ops::quest_update(pool, guild.id, *quest, read(body)?, operator()).await)
        }
        C::Remove { guild, quest } => {
            one(screen, ops::quest_remove(pool, guild.id, *quest, operator()).await)
        }
        C::Claim { guild, quest, user } => one(screen, ops::quest_claim(pool, guild.id, *quest, *user).await),
        C::Unclaim { guild, quest, user } => {
            one(screen, ops::quest_unclaim(pool, guild.id, *quest, *user).await)
        }
        C::Release { guild, quest } => {
            one(screen, ops::quest_release(pool, guild.id, *quest, operator()).await)
        }
        C::Complete { guild, quest } => {
            one(screen, ops::quest_complete(pool, guild.id, *quest, operator()).await)
        }
    })
    .await
}
