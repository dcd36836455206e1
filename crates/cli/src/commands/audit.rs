//! `questhall audit`: what is stored against what the journals add up to.

use std::collections::BTreeSet;

use access::{By, Origin};
use db::Database;
use kernel::GuildId;
use serde::Serialize;

use crate::{
    args::{AuditArgs, Global},
    failure::Failure,
    screen::{Screen, counted as so_many, table},
    setup,
};

/// A figure that is not what its journal says.
#[derive(Debug, Serialize)]
struct Drift {
    /// Whose figure it is.
    slice: &'static str,
    guild_id: GuildId,
    /// Which figure, of what.
    what: String,
    stored: String,
    derived: String,
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
            let drifted = |slice: &str| -> BTreeSet<GuildId> {
                drifts.iter().filter(|drift| drift.slice == slice).map(|drift| drift.guild_id).collect()
            };
            let (earned, counted) = (drifted("progress"), drifted("lake"));
            let mut mended = repair(database, args.guild, screen).await?;
            let here = Origin::default();
            let (pool, author) = (database.pool(), access::Author::new(By::Cli, &here));
            for guild in counted {
                let figures = lake::audit::repair(pool, guild, author).await;
                mended += figures.map_err(kernel::Problem::from)?.len();
            }
            for guild in earned {
                let figures = progress::audit::repair(pool, guild, author).await;
                mended += figures.map_err(kernel::Problem::from)?.len();
            }
            screen.note(&format!("{} mended.", so_many(mended, "figure")));
            drifts = drift(database, args.guild, screen).await?;
        }
        screen.answer(&drifts, |drifts| {
            if drifts.is_empty() {
                return "Everything agrees with its journal.".to_owned();
            }
            let rows = drifts.iter().map(|drift| {
                let Drift { slice, guild_id, what, stored, derived } = drift;
                [(*slice).to_owned(), guild_id.to_string(), what.clone(), stored.clone(), derived.clone()]
            });
            table(["slice", "guild", "what", "stored", "by the journal"], rows)
        })?;
        if drifts.is_empty() { Ok(()) } else { Err(Failure::no()) }
    })
    .await
}

/// Every slice's drift.
async fn drift(database: &Database, guild: Option<GuildId>, screen: &Screen) -> Result<Vec<Drift>, Failure> {
    let mut connection = database.connect().await?;
    let bar = screen.bar(6, "auditing");
    let mut found = Vec::new();

    bar.set_prefix("economy");
    let rows = economy::audit::drift(&mut connection, guild).await.map_err(kernel::Problem::from)?;
    found.extend(rows.into_iter().map(|row| Drift {
        slice: "economy",
        guild_id: row.guild_id,
        what: format!("{} of user {}", row.what, row.user_id),
        stored: row.stored.to_string(),
        derived: row.derived.to_string(),
    }));
    bar.inc(1);

    let of_member = |slice: &'static str, row: progress::drift::Drift| Drift {
        slice,
        guild_id: row.guild_id,
        what: match row.user_id {
            Some(user) => format!("{} of user {user}", row.what),
            None => row.what,
        },
        stored: row.stored.to_string(),
        derived: row.derived.to_string(),
    };
    bar.set_prefix("progress");
    let rows = progress::audit::drift(&mut connection).await.map_err(kernel::Problem::from)?;
    found.extend(rows.into_iter().map(|row| of_member("progress", row)));
    bar.inc(1);

    bar.set_prefix("lake");
    let rows = lake::audit::drift(&mut connection).await.map_err(kernel::Problem::from)?;
    found.extend(rows.into_iter().map(|row| of_member("lake", row)));
    bar.inc(1);

    bar.set_prefix("squads");
    let rows = squads::audit::drift(&mut connection, guild).await.map_err(kernel::Problem::from)?;
    let squad = |id: Option<kernel::SquadId>| id.map_or("none".to_owned(), |id| id.to_string());
    found.extend(rows.into_iter().map(|row| Drift {
        slice: "squads",
        guild_id: row.guild_id,
        what: format!("squad of user {}", row.user_id),
        stored: squad(row.stored),
        derived: squad(row.derived),
    }));
    bar.inc(1);

    bar.set_prefix("campaigns");
    let rows = campaigns::audit::drift(&mut connection, guild).await?;
    found.extend(rows.into_iter().map(|row| Drift {
        slice: "campaigns",
        guild_id: row.guild_id,
        what: format!("{}: {}", row.subject, row.check),
        stored: row.found,
        derived: row.expected,
    }));
    bar.inc(1);

    bar.set_prefix("learning");
    let rows = learning::audit::drift(&mut connection, guild).await?;
    found.extend(rows.into_iter().map(|row| Drift {
        slice: "learning",
        guild_id: row.guild_id,
        what: row.what,
        stored: row.stored,
        derived: row.derived,
    }));
    bar.inc(1);

    bar.set_prefix("challenges");
    let rows = challenges::audit::audit(database.pool(), None).await?;
    found.extend(rows.into_iter().map(|row| Drift {
        slice: "challenges",
        guild_id: row.guild_id,
        what: format!("campaigns/{}: {} of {}", row.campaign_id, row.figure, row.subject),
        stored: row.stored,
        derived: row.derived,
    }));
    bar.inc(1);
    bar.finish_and_clear();

    found.retain(|drift| guild.is_none_or(|guild| drift.guild_id == guild));
    // Every guild's, so told whichever was asked for.
    if let Some(estranged) = jobs::outbox::estranged(&mut connection).await? {
        let here = jobs::outbox::horizon(&mut connection).await?;
        found.push(Drift {
            slice: "jobs",
            guild_id: GuildId::new(0),
            what: format!("positions of the outbox's readers: {estranged}"),
            stored: estranged.position().map_or("another cluster's".to_owned(), |at| at.to_string()),
            derived: format!("at most {here}"),
        });
    }
    Ok(found)
}

/// Brings back bytes and squads, and tells of each figure what it was; answers with how many they were.
async fn repair(database: &Database, guild: Option<GuildId>, screen: &Screen) -> Result<usize, Failure> {
    let (pool, origin) = (database.pool(), Origin::default());
    let figures =
        economy::audit::repair(pool, guild, By::Cli, &origin).await.map_err(kernel::Problem::from)?;
    let mut mended = figures.len();
    for drift in figures {
        let economy::audit::Drift { guild_id, user_id, what, stored, derived } = drift;
        screen.note(&format!(
            "Repaired: {what} of user {user_id} in guild {guild_id} was {stored}, is {derived}."
        ));
    }
    let squad = |id: Option<kernel::SquadId>| id.map_or("none".to_owned(), |id| id.to_string());
    let memberships =
        squads::audit::repair(pool, guild, By::Cli, &origin).await.map_err(kernel::Problem::from)?;
    mended += memberships.len();
    for squads::audit::Drift { guild_id, user_id, stored, derived } in memberships {
        let (stored, derived) = (squad(stored), squad(derived));
        screen.note(&format!(
            "Repaired: squad of user {user_id} in guild {guild_id} was {stored}, is {derived}."
        ));
    }
    Ok(mended)
}
