//! What is kept beside the lake, re-derived from it: members' counters as far back as the lake reaches (`counters`), and guilds' days from
//! the members' counters and the journal of rewards (`days`).
//!
//! [`drift()`] reports, [`repair()`] mends while everything goes on. What cannot be derived is not claimed: counters of categories (a
//! channel may have changed its category since), and days whose events retention has dropped. Lifetime counters must be the sum of
//! their days, which are kept.
//!
//! A job does both every week ([`access::weekly`]). What was mended is in the audit log.

mod counters;
mod days;

use std::collections::BTreeSet;
use std::fmt;

use access::Author;
use access::weekly::{Audit, Weekly};
use chrono::NaiveDate;
use jobs::schedule::JobError;
use kernel::GuildId;
use progress::drift::{self, on_record, unhurried};
use progress::seasons::calendars;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;

kernel::decl_words! {
    /// What is summed up of a guild's day.
    pub enum DayFigure {
        /// Events.
        Count = "count",
        /// XP that they brought.
        Xp = "xp",
        /// Stars that they brought.
        Stars = "stars",
    }
}

/// A figure that is kept beside the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// How many events of a type a member caused in a period: both as `lake.event_counters` has them.
    Counter {
        /// The type.
        event_type: String,
        /// The period.
        period: String,
    },
    /// A guild's day, of a kind of event.
    Day {
        /// The day, in UTC.
        day: NaiveDate,
        /// The kind.
        kind: String,
        /// Which of its figures.
        figure: DayFigure,
    },
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter { event_type, period } => write!(f, "counter {event_type} {period}"),
            Self::Day { day, kind, figure } => write!(f, "day {day} {kind} {figure}"),
        }
    }
}

/// A figure that is not what the lake, or the journal, adds up to.
pub type Drift = drift::Drift<Figure>;

/// Members who are mended at once: so long their guild's events wait.
const AT_ONCE: usize = 50;

/// The slice's audit. A guild's drift is picked out of everybody's.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let mut found = drift(conn).await.map_err(failed)?;
            found.retain(|drift| guild.is_none_or(|guild| drift.guild_id == guild));
            Ok(found.into_iter().map(Drift::told).collect())
        })
    },
    weekly: Some(Weekly {
        job: "lake.audit",
        cron: "7 4 * * 0",
        timer: "lake.audit_repair",
        repair: |pool, guild, author| {
            Box::pin(async move {
                let mended = repair(pool, guild, author).await.map_err(failed)?;
                Ok(mended.into_iter().map(Drift::told).collect())
            })
        },
    }),
};

/// What went wrong, for the job.
fn failed(error: Error) -> JobError {
    match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

/// Every figure that is not what the lake adds up to. Reads lake and journal from one end to the other; empty when all is well. Each
/// statement is a snapshot of its own, so it may run while others write.
pub async fn drift(conn: &mut PgConnection) -> Result<Vec<Drift>, Error> {
    let mut all = counters::drift(conn, None, None).await?;
    all.extend(days::drift(conn, None).await?);
    all.sort_unstable();
    Ok(all)
}

/// Mends a guild's drift and answers what it was. First everything is looked at while all goes on; then the members concerned are
/// counted again and mended, few at a time: so long the guild's events and its seasons wait, and in between they come through. Whatever
/// stops it, what was mended stays, and running it again mends the rest; then it finds nothing. What was mended is in the audit log,
/// in the same transaction as itself.
#[kernel::boxed]
pub async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    let users: BTreeSet<i64> = look(pool, guild).await?.iter().filter_map(Drift::user).collect();
    let users: Vec<i64> = users.into_iter().collect();
    let mut mended = Vec::new();
    for part in users.chunks(AT_ONCE) {
        mended.extend(part_mend(pool, guild, part, author).await?);
    }
    // Sums of the members' counters, which are right by now.
    mended.extend(days::repair(pool, guild, author).await?);
    Ok(mended)
}

/// What differs in a guild now.
async fn look(pool: &PgPool, guild: GuildId) -> Result<Vec<Drift>, Error> {
    let mut tx = db::begin(pool).await?;
    unhurried(&mut tx).await?;
    let found = counters::drift(&mut tx, Some(guild), None).await?;
    tx.commit().await?;
    Ok(found)
}

/// Mends some members' counters under the guild's locks, and commits.
async fn part_mend(
    pool: &PgPool,
    guild: GuildId,
    users: &[i64],
    author: Author<'_>,
) -> Result<Vec<Drift>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        unhurried(&mut tx).await?;
        people::store::guilds_lock(&mut tx, &[guild]).await?;
        // A season that is rolled over between reading its counters and writing them would get those of the one before.
        calendars(&mut tx, &[guild]).await?;
        let mut mended = counters::drift(&mut tx, Some(guild), Some(users)).await?;
        counters::mend(&mut tx, guild, &mended).await?;
        // Days have changed, and lifetimes are their sums.
        let lifetimes = counters::drift(&mut tx, Some(guild), Some(users)).await?;
        counters::mend(&mut tx, guild, &lifetimes).await?;
        mended.extend(lifetimes);
        on_record(&mut tx, guild, &mended, author).await?;
        tx.commit().await?;
        Ok(mended)
    })
    .await
}
