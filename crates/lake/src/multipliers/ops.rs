//! What the faces call: each operation is a transaction.

use access::author::{Author, Deed};
use access::web::Repeatable;
use chrono::{DateTime, Utc};
use kernel::fields;
use kernel::{GuildId, Page, PageQuery, Problem};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::active::{Multipliers, Weighed};
use super::model::{Factor, Factors, MultiplierEvent, MultiplierEventEdit, NewMultiplierEvent, Weighing};
use super::{store, turn};
use crate::error::Error;
use crate::ids::MultiplierEventId;

const TABLE: &str = "lake.multiplier_events";

/// What multiplies rewards in the guild, as it is configured now; in three statements.
#[kernel::boxed]
pub async fn multipliers_of(conn: &mut PgConnection, guild: GuildId) -> Result<Multipliers, Error> {
    store::multipliers(conn, guild).await
}

/// A page of the guild's timed events, the latest made first.
pub async fn event_list(
    pool: &PgPool,
    guild: GuildId,
    page: &PageQuery,
) -> Result<Page<MultiplierEvent>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let events = store::list(&mut conn, guild, after, limit).await?;
    Ok(Page::new(events, limit, |event| event.id))
}

/// A timed event of the guild.
pub async fn event_get(
    pool: &PgPool,
    guild: GuildId,
    event: MultiplierEventId,
) -> Result<MultiplierEvent, Error> {
    store::get(&mut *db::acquire(pool).await?, guild, event).await?.ok_or(Error::Unknown("timed event"))
}

/// What multiplies the reward of an interaction, by what is configured now.
#[kernel::boxed]
pub async fn weigh(pool: &PgPool, guild: GuildId, what: Weighing) -> Result<Factors, Error> {
    let mut conn = db::acquire(pool).await?;
    let at = match what.at {
        Some(at) => fields::time("at", at)?,
        None => db::now(&mut conn).await?,
    };
    let multipliers = super::multipliers_of(&mut conn, guild).await?;
    Ok(factors_of(&multipliers.active_at(what.interaction_type, what.channel_id, at)))
}

/// The factors of an interaction, as they are told.
pub(crate) fn factors_of(weighed: &Weighed) -> Factors {
    let factors: Vec<Factor> = weighed
        .multipliers
        .iter()
        .map(|factor| Factor { why: factor.why, xp: factor.xp, stars: factor.stars })
        .collect();
    Factors {
        category_id: weighed.category,
        xp: factors.iter().map(|factor| factor.xp).product(),
        stars: factors.iter().map(|factor| factor.stars).product(),
        factors,
    }
}

/// Makes a timed event. Audited; tells `multiplier.scheduled`, or `multiplier.started` if it begins at once.
#[kernel::boxed]
pub async fn event_create(
    pool: &PgPool,
    guild: GuildId,
    mut new: NewMultiplierEvent,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<MultiplierEvent, Error> {
    new.name = fields::line("name", &new.name, 100)?;
    fields::within("xp_multiplier", new.xp_multiplier, 0.0, 100.0)?;
    fields::within("star_multiplier", new.star_multiplier, 0.0, 100.0)?;
    fields::time("ends_at", new.ends_at)?;
    new.starts_at.map(|at| fields::time("starts_at", at)).transpose()?;
    if let Some(kinds) = &mut new.interaction_types {
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            let message = "must name at least one interaction, or be null for all";
            return Err(Error::Invalid("interaction_types", message.to_owned()));
        }
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let now = db::now(&mut tx).await?;
        let starts_at = new.starts_at.unwrap_or(now);
        check_window(starts_at, new.ends_at, now)?;
        let id = store::insert(&mut tx, guild, &new, starts_at, author.member()).await?;
        let made = store::get(&mut tx, guild, id).await?.ok_or(Error::Unknown("timed event"))?;
        Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        // What begins at once is not announced twice.
        let what = if starts_at <= now { "multiplier.started" } else { "multiplier.scheduled" };
        turn::tell(&mut tx, &made, what, turn::figures(&made)).await?;
        turn::schedule(&mut tx, &made, now).await?;
        repeatable.carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes a timed event that is not over. Audited.
#[kernel::boxed]
pub async fn event_update(
    pool: &PgPool,
    guild: GuildId,
    event: MultiplierEventId,
    edit: MultiplierEventEdit,
    author: Author<'_>,
) -> Result<MultiplierEvent, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 100)).transpose()?;
    edit.starts_at.map(|at| fields::time("starts_at", at)).transpose()?;
    edit.ends_at.map(|at| fields::time("ends_at", at)).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (before, now) = store::lock(&mut tx, guild, event).await?.ok_or(Error::Unknown("timed event"))?;
        let after = MultiplierEvent {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            starts_at: edit.starts_at.unwrap_or(before.starts_at),
            ends_at: edit.ends_at.unwrap_or(before.ends_at),
            ..before.clone()
        };
        if after != before {
            if !before.active || before.ends_at <= now {
                return Err(Error::Refused("this timed event is over, or was called off".to_owned()));
            }
            if after.starts_at != before.starts_at && before.starts_at <= now {
                return Err(Error::Refused("it has begun; its start does not move any more".to_owned()));
            }
            check_window(after.starts_at, after.ends_at, now)?;
            store::update(&mut tx, &after).await?;
            turn::schedule(&mut tx, &after, now).await?;
            let deed = Deed::new("UPDATE", TABLE, event.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Calls a timed event off: one that runs ends now, what it multiplied stays; one that has not begun never does. Doing so
/// again changes nothing. Audited; tells `multiplier.called_off`.
#[kernel::boxed]
pub async fn event_call_off(
    pool: &PgPool,
    guild: GuildId,
    event: MultiplierEventId,
    author: Author<'_>,
) -> Result<MultiplierEvent, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (before, now) = store::lock(&mut tx, guild, event).await?.ok_or(Error::Unknown("timed event"))?;
        if !before.active || before.ends_at <= now {
            return Ok(before);
        }
        let after = if before.starts_at < now {
            MultiplierEvent { ends_at: now, ..before.clone() }
        } else {
            MultiplierEvent { active: false, ..before.clone() }
        };
        store::update(&mut tx, &after).await?;
        let deed = Deed::new("DELETE", TABLE, event.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        let payload = json!({ "event_id": event, "name": after.name });
        turn::tell(&mut tx, &after, "multiplier.called_off", payload).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
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
