//! `questhall award`: XP, gold and stars given to members, or taken.

use clap::{Args, Subcommand};
use kernel::{Problem, UserId};
use progress::awards;

use super::operator::{on_database, once, operator, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

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

pub(crate) async fn run(global: &Global, command: &AwardCommand, screen: &Screen) -> Result<(), Failure> {
    let (AwardCommand::Give(what) | AwardCommand::Revoke(what)) = command;
    let new = awards::NewAward {
        user_ids: what.users.clone(),
        xp: what.xp,
        gold: what.gold,
        stars: what.stars,
        reason: what.reason.clone(),
    };
    on_database(global, async |pool| {
        let (guild, once) = (what.guild.id, once());
        let done = match command {
            AwardCommand::Give(_) => awards::ops::award(pool, guild, new, operator(), &once).await,
            AwardCommand::Revoke(_) => awards::ops::revoke(pool, guild, new, operator(), &once).await,
        };
        rows_of(screen, &done.map_err(Problem::from)?.members, &["user_id", "xp", "level", "gold", "stars"])
    })
    .await
}
