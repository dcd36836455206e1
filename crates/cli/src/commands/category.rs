//! `questhall category`: categories of channels, and what interactions in them are worth.

use clap::Subcommand;
use kernel::PageQuery;
use lake::categories;
use lake::ids::CategoryId;

use super::operator::{on_database, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

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

pub(crate) async fn run(global: &Global, command: &CategoryCommand, screen: &Screen) -> Result<(), Failure> {
    use CategoryCommand as C;
    use categories::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::category_list(pool, guild.id, *all, &page).await
            });
            rows_of(screen, &rows.await?, &["id", "name", "channels", "multipliers", "active"])
        }
        C::Create { guild, body } => {
            one(screen, ops::category_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, category, body } => {
            one(screen, ops::category_update(pool, guild.id, *category, read(body)?, operator()).await)
        }
        C::Remove { guild, category } => {
            one(screen, ops::category_remove(pool, guild.id, *category, operator()).await)
        }
    })
    .await
}
