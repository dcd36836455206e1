//! What the faces call: each operation is a transaction.

use access::author::{Author, Deed};
use chrono::{DateTime, Utc};
use kernel::fields;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use sqlx::{PgConnection, PgPool};

use super::model::{
    NewSeason, NextSeason, RepeatBy, RollSeason, Rolled, Season, SeasonEdit, SeasonState, Standing,
};
use super::{calendar, naming, repeat, store, turn};
use crate::error::Error;
use crate::ids::SeasonId;

const TABLE: &str = "progress.seasons";

/// A page of the guild's seasons, the latest first.
#[kernel::boxed]
pub async fn season_list(pool: &PgPool, guild: GuildId, page: &PageQuery) -> Result<Page<Season>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(DateTime<Utc>, SeasonId)>()?);
    let mut conn = db::acquire(pool).await?;
    let seasons = store::list(&mut conn, guild, after, limit).await?;
    Ok(Page::new(seasons, limit, |season| (season.starts_at, season.id)))
}

/// A season of the guild.
#[kernel::boxed]
pub async fn season_get(pool: &PgPool, guild: GuildId, season: SeasonId) -> Result<Season, Error> {
    known(&mut *db::acquire(pool).await?, guild, season).await
}

/// A page of an ended season's archived standings, by rank. Refused while it is not over.
#[kernel::boxed]
pub async fn season_standings(
    pool: &PgPool,
    guild: GuildId,
    season: SeasonId,
    page: &PageQuery,
) -> Result<Page<Standing>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(i64, UserId)>()?);
    let mut conn = db::acquire(pool).await?;
    if known(&mut conn, guild, season).await?.state != SeasonState::Ended {
        return Err(Problem::conflict("This season is not over; its standings are archived when it is."));
    }
    let standings = store::standings(&mut conn, guild, season, after, limit).await?;
    Ok(Page::new(standings, limit, |standing| (standing.rank, standing.user_id)))
}

/// Makes a season. It starts at once when its time has come and none runs; what happened since then counts for it. Audited.
#[kernel::boxed]
pub async fn season_create(
    pool: &PgPool,
    guild: GuildId,
    new: NewSeason,
    author: Author<'_>,
) -> Result<Season, Error> {
    let name = fields::line("name", &new.name, 100)?;
    let ends_at = fields::time("ends_at", new.ends_at)?;
    let pattern = new.name_pattern.as_deref().map(|text| pattern("name_pattern", text)).transpose()?;
    new.starts_at.map(|at| fields::time("starts_at", at)).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let now = calendar::lock(&mut tx, guild).await?;
        turn::turn(&mut tx, guild, now).await?;
        let starts_at = new.starts_at.unwrap_or(now);
        check_window(starts_at, ends_at, now)?;
        let plan = store::Plan {
            name: &name,
            starts_at,
            ends_at,
            repeats: new.repeats,
            repeat_by: new.repeat_by,
            name_pattern: pattern.as_deref(),
        };
        let id = store::insert(&mut tx, guild, &plan).await?;
        turn::turn(&mut tx, guild, now).await?;
        let made = known(&mut tx, guild, id).await?;
        count_what_was(&mut tx, &made, now).await?;
        Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes a season that is not over. When its end moves, a planned season that begins there moves along. Audited.
#[kernel::boxed]
pub async fn season_update(
    pool: &PgPool,
    guild: GuildId,
    season: SeasonId,
    edit: SeasonEdit,
    author: Author<'_>,
) -> Result<Season, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 100)).transpose()?;
    edit.starts_at.map(|at| fields::time("starts_at", at)).transpose()?;
    edit.ends_at.map(|at| fields::time("ends_at", at)).transpose()?;
    let wanted = match edit.name_pattern {
        Some(Some(text)) => Some(Some(pattern("name_pattern", &text)?)),
        other => other,
    };
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let now = calendar::lock(&mut tx, guild).await?;
        turn::turn(&mut tx, guild, now).await?;
        let before = known(&mut tx, guild, season).await?;
        let mut after = Season {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            starts_at: edit.starts_at.unwrap_or(before.starts_at),
            ends_at: edit.ends_at.unwrap_or(before.ends_at),
            repeats: edit.repeats.unwrap_or(before.repeats),
            repeat_by: edit.repeat_by.unwrap_or(before.repeat_by),
            name_pattern: wanted.clone().unwrap_or_else(|| before.name_pattern.clone()),
            ..before.clone()
        };
        if before.state == SeasonState::Ended && after != before {
            return Err(Error::Refused("this season is over; its archive does not change".to_owned()));
        }
        if before.state == SeasonState::Active && after.starts_at != before.starts_at {
            return Err(Error::Refused("this season has begun; its start does not move any more".to_owned()));
        }
        if after != before {
            check_window(after.starts_at, after.ends_at, now)?;
            store::defer_overlap(&mut tx).await?;
            store::update(&mut tx, &after).await?;
            follow(&mut tx, &before, &after).await?;
            store::check_overlap(&mut tx).await?;
            turn::turn(&mut tx, guild, now).await?;
            after = known(&mut tx, guild, season).await?;
            if after.starts_at != before.starts_at {
                count_what_was(&mut tx, &after, now).await?;
            }
            let deed = Deed::new("UPDATE", TABLE, season.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Removes a planned season. Refused once it has begun. Audited.
#[kernel::boxed]
pub async fn season_delete(
    pool: &PgPool,
    guild: GuildId,
    season: SeasonId,
    author: Author<'_>,
) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let now = calendar::lock(&mut tx, guild).await?;
        turn::turn(&mut tx, guild, now).await?;
        let before = known(&mut tx, guild, season).await?;
        if before.state != SeasonState::Planned {
            return Err(Error::Refused("only a season that has not begun can be removed".to_owned()));
        }
        store::delete(&mut tx, guild, season).await?;
        Deed::new("DELETE", TABLE, season.to_string()).before(&before).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Rolls the running season over now, before its end: it ends at this instant, its standings are archived, and the next
/// one starts, in one transaction. Audited as `SEASON_ROLL`.
#[kernel::boxed]
pub async fn season_roll(
    pool: &PgPool,
    guild: GuildId,
    season: SeasonId,
    roll: RollSeason,
    author: Author<'_>,
) -> Result<Rolled, Error> {
    let next = match roll.next {
        Some(next) => {
            fields::time("next.ends_at", next.ends_at)?;
            let name_pattern =
                next.name_pattern.as_deref().map(|text| pattern("next.name_pattern", text)).transpose()?;
            Some(NextSeason { name: fields::line("next.name", &next.name, 100)?, name_pattern, ..next })
        }
        None => None,
    };
    if next.is_some() && roll.bring_forward {
        let message = "cannot be asked for together with `next`: only one season can begin now";
        return Err(Error::Invalid("bring_forward", message.to_owned()));
    }
    let reason = roll.reason.map(|reason| fields::text("reason", &reason, 500)).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let now = calendar::lock(&mut tx, guild).await?;
        turn::turn(&mut tx, guild, now).await?;
        let before = known(&mut tx, guild, season).await?;
        if before.state != SeasonState::Active {
            return Err(Error::Refused(
                "this season does not run, so that it cannot be rolled over".to_owned(),
            ));
        }
        // What clocks ahead of ours have told already is of the next season, and no matter of the archive.
        let ahead = store::is_ahead(&mut tx, guild, now).await?;
        if ahead {
            store::update(&mut tx, &Season { ends_at: now, ..before.clone() }).await?;
            store::disown(&mut tx, guild, season, now).await?;
            super::derive::season_derive(&mut tx, guild, season).await?;
        }
        let standings = turn::end(&mut tx, &before, now).await?;
        let mut open = store::open(&mut tx, guild).await?;
        if let Some(next) = &next {
            check_window(now, next.ends_at, now)?;
            // What was planned to follow gives way, if it begins where the ended season would have ended.
            if let Some(heir) =
                open.iter().position(|other| other.starts_at == before.ends_at && before.repeats)
            {
                store::delete(&mut tx, guild, open.remove(heir).id).await?;
            }
            let plan = store::Plan {
                name: &next.name,
                starts_at: now,
                ends_at: next.ends_at,
                repeats: next.repeats,
                repeat_by: next.repeat_by,
                name_pattern: next.name_pattern.as_deref(),
            };
            store::insert(&mut tx, guild, &plan).await?;
        } else if roll.bring_forward {
            let first = open.first().ok_or_else(|| {
                Error::Refused("no season is planned that could begin now; say which in `next`".to_owned())
            })?;
            store::update(&mut tx, &Season { starts_at: now, ..first.clone() }).await?;
        }
        turn::turn(&mut tx, guild, now).await?;
        let ended = known(&mut tx, guild, season).await?;
        let started =
            store::open(&mut tx, guild).await?.into_iter().find(|other| other.state == SeasonState::Active);
        if let Some(started) = started.as_ref().filter(|_| ahead) {
            store::adopt(&mut tx, started).await?;
            super::derive::season_derive(&mut tx, guild, started.id).await?;
        }
        let rolled = Rolled { ended, standings, started };
        let deed = Deed::new("SEASON_ROLL", TABLE, season.to_string()).before(&before).after(&rolled);
        deed.because(reason.as_deref()).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(rolled)
    })
    .await
}

/// A pattern of names, checked.
fn pattern(field: &'static str, text: &str) -> Result<String, Error> {
    let text = fields::line(field, text, 100)?;
    naming::check(&text).map_err(|message| Error::Invalid(field, message))?;
    Ok(text)
}

async fn known(conn: &mut PgConnection, guild: GuildId, season: SeasonId) -> Result<Season, Error> {
    store::get(conn, guild, season).await?.ok_or(Error::Unknown("season"))
}

fn check_window(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Error> {
    if ends_at <= starts_at {
        return Err(Error::Invalid("ends_at", "must be after `starts_at`".to_owned()));
    }
    if ends_at <= now {
        return Err(Error::Invalid("ends_at", "must be in the future".to_owned()));
    }
    Ok(())
}

/// What happened since the start of a season that begins in the past counts for it: an event belongs to the season of its time.
async fn count_what_was(conn: &mut PgConnection, season: &Season, now: DateTime<Utc>) -> Result<(), Error> {
    if season.starts_at >= now {
        return Ok(());
    }
    store::adopt(&mut *conn, season).await?;
    super::derive::season_derive(conn, season.guild_id, season.id).await
}

/// Moves the planned season that begins where `before` ended, if `after` ends or repeats otherwise: its start moves to the new end. What
/// repeats by the calendar ends with its month again, and bears its name; everything else keeps its length.
async fn follow(conn: &mut PgConnection, before: &Season, after: &Season) -> Result<(), Error> {
    let moved = after.ends_at - before.ends_at;
    let same = (before.repeat_by, &before.name_pattern) == (after.repeat_by, &after.name_pattern);
    if moved.is_zero() && same {
        return Ok(());
    }
    let open = store::open(&mut *conn, before.guild_id).await?;
    let heir = open.into_iter().find(|other| {
        other.state == SeasonState::Planned && other.starts_at == before.ends_at && other.id != before.id
    });
    let Some(heir) = heir else { return Ok(()) };
    let mut taken = store::names(&mut *conn, before.guild_id).await?;
    taken.retain(|name| *name != heir.name);
    // Whether it is what was made by itself, and nobody has changed it since.
    let made = before.repeats
        && heir.name == naming::successor(before, before.ends_at, &taken)
        && Some(heir.ends_at) == repeat::next_end(before.repeat_by, before.starts_at, before.ends_at);
    let by_calendar = after.repeats && after.repeat_by != RepeatBy::Length;
    let next = match repeat::next_end(after.repeat_by, after.starts_at, after.ends_at) {
        Some(ends_at) if made && (by_calendar || !same) => Season {
            name: naming::successor(after, after.ends_at, &taken),
            starts_at: after.ends_at,
            ends_at,
            repeat_by: after.repeat_by,
            name_pattern: after.name_pattern.clone(),
            ..heir
        },
        _ => Season { starts_at: heir.starts_at + moved, ends_at: heir.ends_at + moved, ..heir },
    };
    store::update(conn, &next).await
}
