//! SQL over categories. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, UserId};
use serde_json::Value;
use sqlx::PgConnection;

use super::model::{Category, MovedChannel, Weight};
use crate::error::Error;
use crate::ids::CategoryId;

struct Row {
    id: CategoryId,
    guild_id: GuildId,
    name: String,
    description: Option<String>,
    active: bool,
    channels: Vec<i64>,
    multipliers: Value,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Category {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            name: row.name,
            description: row.description,
            active: row.active,
            channels: row.channels.into_iter().map(ChannelId::new).collect(),
            multipliers: serde_json::from_value(row.multipliers)
                .map_err(|error| Error::Database(sqlx::Error::Decode(Box::new(error))))?,
            created_at: row.created_at,
        })
    }
}

/// Categories of the guild by number, one more than the page holds; `only` for a single one.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<CategoryId>,
    with_removed: bool,
    after: Option<CategoryId>,
    limit: Limit,
) -> Result<Vec<Category>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CategoryId", c.guild_id AS "guild_id: GuildId", c.name, c.description, c.active,
                  c.created_at,
                  ARRAY(SELECT k.channel_id FROM lake.category_channels k
                         WHERE k.guild_id = c.guild_id AND k.category_id = c.id ORDER BY 1) AS "channels!",
                  (SELECT coalesce(jsonb_agg(jsonb_build_object(
                              'interaction_type', w.interaction_type, 'xp_multiplier', w.xp_multiplier,
                              'star_multiplier', w.star_multiplier) ORDER BY w.interaction_type), '[]')
                     FROM lake.category_multipliers w
                    WHERE w.guild_id = c.guild_id AND w.category_id = c.id) AS "multipliers!"
             FROM lake.categories c
            WHERE c.guild_id = $1 AND ($2::int IS NULL OR c.id = $2) AND (c.active OR $3) AND c.id > $4
            ORDER BY c.id LIMIT $5"#,
        guild.get(),
        only.map(CategoryId::get),
        with_removed,
        after.map_or(0, CategoryId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Category::try_from).collect()
}

/// Makes a category without channels and weights.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    name: &str,
    description: Option<&str>,
    created_by: Option<UserId>,
) -> Result<CategoryId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO lake.categories (guild_id, name, description, created_by) VALUES ($1, $2, $3, $4)
           RETURNING id AS "id: CategoryId""#,
        guild.get(),
        name,
        description,
        created_by.map(UserId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Locks a category against others who change it; false where the guild has no such one.
pub(super) async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    category: CategoryId,
) -> Result<bool, Error> {
    let found = sqlx::query!(
        "SELECT id FROM lake.categories WHERE guild_id = $1 AND id = $2 FOR UPDATE",
        guild.get(),
        category.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Writes name, description and whether it is there.
pub(super) async fn update(conn: &mut PgConnection, category: &Category) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE lake.categories SET name = $3, description = $4, active = $5 WHERE guild_id = $1 AND id = $2",
        category.guild_id.get(),
        category.id.get(),
        category.name,
        category.description,
        category.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Makes these its channels, and no others. One that is another category's is refused by the key.
#[kernel::boxed]
pub(super) async fn set_channels(
    conn: &mut PgConnection,
    guild: GuildId,
    category: CategoryId,
    channels: &[ChannelId],
) -> Result<(), Error> {
    let ids: Vec<i64> = channels.iter().map(|channel| channel.get()).collect();
    sqlx::query!(
        "DELETE FROM lake.category_channels WHERE guild_id = $1 AND category_id = $2 AND channel_id <> ALL($3)",
        guild.get(),
        category.get(),
        &ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO lake.category_channels (guild_id, category_id, channel_id)
         SELECT DISTINCT $1::bigint, $2::integer, c.id FROM unnest($3::bigint[]) AS c (id)
          WHERE NOT EXISTS (SELECT FROM lake.category_channels k
                             WHERE k.guild_id = $1 AND k.channel_id = c.id AND k.category_id = $2)
          ORDER BY c.id",
        guild.get(),
        category.get(),
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes each channel out of where it was, and puts those that are in no category then into where they are.
pub(super) async fn move_channels(
    conn: &mut PgConnection,
    guild: GuildId,
    moved: &[MovedChannel],
) -> Result<(), Error> {
    let ids: Vec<i64> = moved.iter().map(|one| one.channel.get()).collect();
    let of = |category: Option<CategoryId>| category.map(CategoryId::get);
    let from: Vec<Option<i32>> = moved.iter().map(|one| of(one.from)).collect();
    let to: Vec<Option<i32>> = moved.iter().map(|one| of(one.to)).collect();
    sqlx::query!(
        "DELETE FROM lake.category_channels k USING unnest($2::bigint[], $3::integer[]) AS m (channel_id, category_id)
          WHERE k.guild_id = $1 AND k.channel_id = m.channel_id AND k.category_id = m.category_id",
        guild.get(),
        &ids,
        &from as &[Option<i32>],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO lake.category_channels (guild_id, category_id, channel_id)
         SELECT $1, c.id, m.channel_id FROM unnest($2::bigint[], $3::integer[]) AS m (channel_id, category_id)
           JOIN lake.categories c ON c.guild_id = $1 AND c.id = m.category_id AND c.active
          ORDER BY m.channel_id
         ON CONFLICT (guild_id, channel_id) DO NOTHING",
        guild.get(),
        &ids,
        &to as &[Option<i32>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes these its weights, and no others.
#[kernel::boxed]
pub(super) async fn set_multipliers(
    conn: &mut PgConnection,
    guild: GuildId,
    category: CategoryId,
    weights: &[Weight],
) -> Result<(), Error> {
    let types: Vec<&str> = weights.iter().map(|weight| weight.interaction_type.as_str()).collect();
    let xp: Vec<f64> = weights.iter().map(|weight| weight.xp_multiplier).collect();
    let stars: Vec<f64> = weights.iter().map(|weight| weight.star_multiplier).collect();
    sqlx::query!(
        "DELETE FROM lake.category_multipliers
          WHERE guild_id = $1 AND category_id = $2 AND interaction_type <> ALL($3)",
        guild.get(),
        category.get(),
        &types as &[&str],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO lake.category_multipliers (guild_id, category_id, interaction_type, xp_multiplier, star_multiplier)
         SELECT $1, $2, w.kind, w.xp, w.stars
           FROM unnest($3::text[], $4::float8[], $5::float8[]) AS w (kind, xp, stars) ORDER BY w.kind
         ON CONFLICT ON CONSTRAINT pk_category_multipliers
         DO UPDATE SET xp_multiplier = excluded.xp_multiplier, star_multiplier = excluded.star_multiplier",
        guild.get(),
        category.get(),
        &types as &[&str],
        &xp,
        &stars,
    )
    .execute(conn)
    .await?;
    Ok(())
}
