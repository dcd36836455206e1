//! SQL over timed events, and the picture that batches of events work with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, UserId};
use sqlx::PgConnection;

use super::active::{Multipliers, Timed};
use super::model::{MultiplierEvent, NewMultiplierEvent};
use crate::categories::Interaction;
use crate::error::Error;
use crate::ids::{CategoryId, MultiplierEventId};

fn interactions(names: Option<Vec<String>>) -> sqlx::Result<Option<Vec<Interaction>>> {
    names.map(|names| names.iter().map(|name| Interaction::from_column(name)).collect()).transpose()
}

/// What multiplies rewards in the guild now, and did within the year.
pub(super) async fn multipliers(conn: &mut PgConnection, guild: GuildId) -> Result<Multipliers, Error> {
    let channels = sqlx::query!(
        r#"SELECT k.channel_id AS "channel: ChannelId", k.category_id AS "category: CategoryId"
             FROM lake.category_channels k
             JOIN lake.categories c ON c.guild_id = k.guild_id AND c.id = k.category_id AND c.active
            WHERE k.guild_id = $1"#,
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let weights = sqlx::query!(
        r#"SELECT category_id AS "category: CategoryId", interaction_type, xp_multiplier, star_multiplier
             FROM lake.category_multipliers WHERE guild_id = $1"#,
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let timed = sqlx::query!(
        r#"SELECT interaction_types, category_id AS "category_id: CategoryId", xp_multiplier, star_multiplier, starts_at,
                  ends_at
             FROM lake.multiplier_events
            WHERE guild_id = $1 AND active AND ends_at > now() - interval '1 year'
            ORDER BY starts_at, id"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    let weights = weights.into_iter().map(|row| {
        let interaction = Interaction::from_column(&row.interaction_type)?;
        Ok(((row.category, interaction), (row.xp_multiplier, row.star_multiplier)))
    });
    let timed = timed.into_iter().map(|row| {
        Ok(Timed {
            interactions: interactions(row.interaction_types)?,
            category: row.category_id,
            xp: row.xp_multiplier,
            stars: row.star_multiplier,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
        })
    });
    Ok(Multipliers {
        categories: channels.into_iter().map(|row| (row.channel, row.category)).collect(),
        weights: weights.collect::<sqlx::Result<HashMap<_, _>>>()?,
        timed: timed.collect::<sqlx::Result<_>>()?,
    })
}

struct Row {
    id: MultiplierEventId,
    guild_id: GuildId,
    name: String,
    interaction_types: Option<Vec<String>>,
    category_id: Option<CategoryId>,
    xp_multiplier: f64,
    star_multiplier: f64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    active: bool,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for MultiplierEvent {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            name: row.name,
            interaction_types: interactions(row.interaction_types)?,
            category_id: row.category_id,
            xp_multiplier: row.xp_multiplier,
            star_multiplier: row.star_multiplier,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            active: row.active,
            created_at: row.created_at,
        })
    }
}

/// An event of the guild, locked against others who change it, and the time at which the lock was got.
#[kernel::boxed]
pub(super) async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    event: MultiplierEventId,
) -> Result<Option<(MultiplierEvent, DateTime<Utc>)>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: MultiplierEventId", guild_id AS "guild_id: GuildId", name, interaction_types,
                  category_id AS "category_id: CategoryId", xp_multiplier, star_multiplier, starts_at, ends_at, active,
                  created_at
             FROM lake.multiplier_events WHERE guild_id = $1 AND id = $2 FOR UPDATE"#,
        guild.get(),
        event.get(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await?;
    Ok(Some((row.try_into()?, now)))
}

/// An event of the guild.
pub(super) async fn get(
    conn: &mut PgConnection,
    guild: GuildId,
    event: MultiplierEventId,
) -> Result<Option<MultiplierEvent>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: MultiplierEventId", guild_id AS "guild_id: GuildId", name, interaction_types,
                  category_id AS "category_id: CategoryId", xp_multiplier, star_multiplier, starts_at, ends_at, active,
                  created_at
             FROM lake.multiplier_events WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        event.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(MultiplierEvent::try_from).transpose()?)
}

/// Events of the guild, the latest made first, one more than the page holds.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<MultiplierEventId>,
    limit: Limit,
) -> Result<Vec<MultiplierEvent>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: MultiplierEventId", guild_id AS "guild_id: GuildId", name, interaction_types,
                  category_id AS "category_id: CategoryId", xp_multiplier, star_multiplier, starts_at, ends_at, active,
                  created_at
             FROM lake.multiplier_events
            WHERE guild_id = $1 AND ($2::int IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3"#,
        guild.get(),
        after.map(MultiplierEventId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(MultiplierEvent::try_from).collect::<sqlx::Result<_>>()?)
}

/// Makes an event.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewMultiplierEvent,
    starts_at: DateTime<Utc>,
    by: Option<UserId>,
) -> Result<MultiplierEventId, Error> {
    let kinds: Option<Vec<&str>> =
        new.interaction_types.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect());
    let id = sqlx::query_scalar!(
        r#"INSERT INTO lake.multiplier_events (guild_id, name, interaction_types, category_id, xp_multiplier,
                                                    star_multiplier, starts_at, ends_at, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id AS "id: MultiplierEventId""#,
        guild.get(),
        new.name,
        kinds as Option<Vec<&str>>,
        new.category_id.map(CategoryId::get),
        new.xp_multiplier,
        new.star_multiplier,
        starts_at,
        new.ends_at,
        by.map(UserId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed.
pub(super) async fn update(conn: &mut PgConnection, event: &MultiplierEvent) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE lake.multiplier_events SET name = $3, starts_at = $4, ends_at = $5, active = $6
          WHERE guild_id = $1 AND id = $2",
        event.guild_id.get(),
        event.id.get(),
        event.name,
        event.starts_at,
        event.ends_at,
        event.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}
