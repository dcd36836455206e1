//! `questhall season`: seasons of a guild: windows of competition.

use clap::Subcommand;
use kernel::{PageQuery, Problem};
use progress::ids::SeasonId;
use progress::seasons;
use serde_json::json;

use super::operator::{on_database, one, operator, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

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

pub(crate) async fn run(global: &Global, command: &SeasonCommand, screen: &Screen) -> Result<(), Failure> {
    use SeasonCommand as C;
    on_database(global, async |pool| match command {
        C::List { guild } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                seasons::ops::season_list(pool, guild.id, &page).await
            });
            rows_of(screen, &rows.await?, &["id", "name", "state", "starts_at", "ends_at", "repeats"])
        }
        C::Create { guild, body } => {
            one(screen, seasons::ops::season_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, season, body } => {
            one(screen, seasons::ops::season_update(pool, guild.id, *season, read(body)?, operator()).await)
        }
        C::Roll { guild, season, body } => {
            let roll = body.as_deref().map(read).transpose()?.unwrap_or_default();
            one(screen, seasons::ops::season_roll(pool, guild.id, *season, roll, operator()).await)
        }
        C::Delete { guild, season } => {
            let gone = seasons::ops::season_delete(pool, guild.id, *season, operator()).await;
            gone.map_err(Problem::from)?;
            screen.answer(&json!({}), |_| "It will not begin.".to_owned())
        }
        C::Standings { guild, season, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                seasons::ops::season_standings(pool, guild.id, *season, &page).await
            });
            rows_of(screen, &rows.await?, &["rank", "user_id", "name", "season_stars", "season_xp", "level"])
        }
    })
    .await
}
