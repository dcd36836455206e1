//! Counting: events folded into runs, ratings and completions, then the figures made that this opens. Bounded transactions, each under
//! the guild's lock; whatever dies in between is gone on with.

use kernel::GuildId;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::model::Counted;
use crate::store::{figures, fold, items, next, ratings, reviews};

/// Events that one transaction folds.
const EVENTS: i64 = 20_000;
/// Idle attempts and subjects that one transaction takes.
const AT_ONCE: i64 = 500;
/// Quests that one transaction makes the figures of. A quest's runs lie all over their table: where many quests are open, each
/// transaction reads nearly all of it.
const QUESTS: i64 = 2_500;
/// How often attempts may vanish under one folding before that is a fault.
const MAX_VANISHED: usize = 10;

/// Folds what is pending in a guild, and what has become idle.
#[kernel::boxed]
pub async fn guild_fold(pool: &PgPool, guild: GuildId) -> Result<Counted, Error> {
    let mut counted = Counted::default();
    let mut vanished = 0;
    loop {
        let done = db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            let done = batch(&mut tx, guild).await?;
            tx.commit().await?;
            Ok::<_, Error>(done)
        })
        .await;
        let (events, attempts, tries) = match done {
            // Attempts that were there a moment ago are gone, with a learner who is forgotten: without them, then.
            Err(Error::Database(error)) if vanished < MAX_VANISHED && is_gone(&error) => {
                vanished += 1;
                continue;
            }
            done => done?,
        };
        counted.events += events;
        counted.first_tries += tries;
        if attempts == 0 {
            return Ok(counted);
        }
    }
}

fn is_gone(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

async fn batch(conn: &mut PgConnection, guild: GuildId) -> Result<(i64, usize, i64), Error> {
    let place = fold::guild_lock(&mut *conn, guild).await?;
    let (mut attempts, events) = fold::pending_take(&mut *conn, guild, EVENTS).await?;
    attempts.extend(fold::idle_find(&mut *conn, guild, AT_ONCE).await?);
    attempts.sort_unstable();
    attempts.dedup();
    if attempts.is_empty() {
        return Ok((events, 0, 0));
    }
    fold::versions_put(&mut *conn, guild, &attempts).await?;
    fold::runs_put(&mut *conn, guild, &attempts).await?;
    next::completions_put(&mut *conn, guild, &attempts).await?;
    reviews::cards_put(&mut *conn, guild, Some(&attempts), None).await?;
    let tries = fold::first_tries_put(&mut *conn, guild, &attempts, place).await?;
    if !tries.is_empty() {
        let mut standing = ratings::ratings_of(&mut *conn, guild, &tries).await?;
        for one in &tries {
            standing.take(one);
        }
        ratings::ratings_put(&mut *conn, guild, &standing).await?;
    }
    let taken = i64::try_from(tries.len()).unwrap_or(i64::MAX);
    fold::guild_folded(conn, guild, place + taken).await?;
    Ok((events, attempts.len(), taken))
}

/// Folds, then makes all figures that are open.
#[kernel::boxed]
pub async fn guild_count(pool: &PgPool, guild: GuildId) -> Result<Counted, Error> {
    let mut counted = guild_fold(pool, guild).await?;
    loop {
        let (quests, subjects, days) = db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            fold::guild_lock(&mut tx, guild).await?;
            let quests = figures::quests_take(&mut tx, guild, QUESTS).await?;
            if !quests.is_empty() {
                figures::quests_make(&mut tx, guild, &quests).await?;
            }
            let subjects = items::subjects_take(&mut tx, guild, AT_ONCE).await?;
            if !subjects.is_empty() {
                items::items_make(&mut tx, guild, &subjects).await?;
            }
            let days = figures::days_take(&mut tx, guild, 1).await?;
            for day in &days {
                figures::day_make(&mut tx, guild, *day).await?;
            }
            tx.commit().await?;
            Ok::<_, Error>((quests.len(), subjects.len(), days.len()))
        })
        .await?;
        if quests + subjects + days == 0 {
            return Ok(counted);
        }
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        counted.quests += count(quests);
        counted.subjects += count(subjects);
        counted.days += count(days);
    }
}

/// Derives everything of a guild again: all events are folded anew and all figures made.
pub async fn guild_recount(pool: &PgPool, guild: GuildId) -> Result<Counted, Error> {
    let mut tx = db::begin(pool).await?;
    fold::guild_lock(&mut tx, guild).await?;
    fold::reopen_all(&mut tx, guild).await?;
    tx.commit().await?;
    guild_count(pool, guild).await
}

/// Counts in all guilds where there is anything to count; tells in how many. With `figures`, makes figures too, else folds only. What fails
/// in one guild keeps no other waiting; the last failure is answered.
pub async fn all_count(pool: &PgPool, figures: bool) -> Result<usize, Error> {
    let mut conn = db::acquire(pool).await?;
    let guilds = fold::guilds_waiting(&mut conn).await?;
    drop(conn);
    let mut failed = None;
    for guild in &guilds {
        let done = if figures { guild_count(pool, *guild).await } else { guild_fold(pool, *guild).await };
        if let Err(error) = done {
            tracing::warn!(%guild, %error, "a guild's learning could not be counted");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(guilds.len()), Err)
}
