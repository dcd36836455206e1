//! `questhall audit`: what is stored against what the journals add up to.

use std::collections::BTreeSet;

use access::weekly::{Audit, Figure};
use access::{Author, By, Origin};
use clap::Args;
use db::Database;
use jobs::schedule::JobError;
use kernel::GuildId;
use serde::Serialize;
use server::SLICES;

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, counted, table},
    setup,
};

/// A figure that is not what its journal says.
#[derive(Debug, Serialize)]
struct Drift {
    /// Whose figure it is.
    slice: &'static str,
    #[serde(flatten)]
    figure: Figure,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this guild.
    #[arg(long)]
    pub(crate) guild: Option<GuildId>,
    /// Bring what members, seasons, counters, balances, totals, streaks and squads have drifted back to the journals, while
    /// everything goes on, and readers of the outbox that a restored dump left in another cluster's future to here; other slices' drift is only reported.
    #[arg(long)]
    pub(crate) repair: bool,
}

pub(crate) async fn run(global: &Global, args: &AuditArgs, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    // Journals are read from one end to the other, however long they are.
    let unhurried = [("audit", "db.statement_timeout", "0".to_owned())];
    let settings = setup::settings(global, &unhurried)?;
    setup::with_database_as_it_is(&settings, async |database| {
        let mut drifts = drift(database, args.guild, screen).await?;
        if args.repair {
            jobs::outbox::settle(database.pool()).await?;
            let mended = repair(database, &drifts, screen).await?;
            screen.note(&format!("{} mended.", counted(mended, "figure")));
            drifts = drift(database, args.guild, screen).await?;
        }
        screen.answer(&drifts, |drifts| {
            if drifts.is_empty() {
                return "Everything agrees with its journal.".to_owned();
            }
            let rows = drifts.iter().map(|Drift { slice, figure }| {
                let Figure { guild_id, what, stored, derived } = figure;
                [(*slice).to_owned(), guild_id.to_string(), what.clone(), stored.clone(), derived.clone()]
            });
            table(["slice", "guild", "what", "stored", "by the journal"], rows)
        })?;
        if drifts.is_empty() { Ok(()) } else { Err(Failure::no()) }
    })
    .await
}

/// The slices that keep figures beside a journal, with their audits.
fn audits() -> impl Iterator<Item = (&'static str, Audit)> {
    SLICES.iter().filter_map(|slice| Some((slice.name, slice.audit?)))
}

/// Every slice's drift.
async fn drift(database: &Database, guild: Option<GuildId>, screen: &Screen) -> Result<Vec<Drift>, Failure> {
    let mut connection = database.connect().await?;
    let bar = screen.bar(audits().count(), "auditing");
    let mut found = Vec::new();
    for (slice, audit) in audits() {
        bar.set_prefix(slice);
        let figures = (audit.drift)(&mut connection, guild).await.map_err(failed)?;
        found.extend(figures.into_iter().map(|figure| Drift { slice, figure }));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(found)
}

/// Brings back what slices can bring back in the guilds that drifted, and tells of each figure what it was; answers with how many they
/// were. What others are derived from comes first.
async fn repair(database: &Database, drifts: &[Drift], screen: &Screen) -> Result<usize, Failure> {
    let here = Origin::default();
    let mut mended = 0;
    for (slice, audit) in audits() {
        let Some(weekly) = audit.weekly else { continue };
        let guilds: BTreeSet<GuildId> =
            drifts.iter().filter(|drift| drift.slice == slice).map(|drift| drift.figure.guild_id).collect();
        for guild in guilds {
            let author = Author::new(By::Cli, &here);
            let figures = (weekly.repair)(database.pool(), guild, author).await.map_err(failed)?;
            mended += figures.len();
            for Figure { guild_id, what, stored, derived } in figures {
                screen.note(&format!("Repaired: {what} in guild {guild_id} was {stored}, is {derived}."));
            }
        }
    }
    Ok(mended)
}

fn failed(error: JobError) -> Failure {
    match error {
        JobError::Database(error) => error.into(),
        JobError::Failed(why) => Failure::new(Code::Unavailable, why),
    }
}
