//! What the faces call: each operation is a transaction.

use std::collections::BTreeSet;

use access::author::{Author, Deed};
use kernel::fields;
use kernel::{ChannelId, GuildId, Limit, Page, PageQuery, Problem};
use sqlx::{PgConnection, PgPool};

use super::model::{Category, CategoryEdit, MovedChannel, NewCategory, Weight};
use super::store;
use crate::error::Error;
use crate::ids::CategoryId;

const TABLE: &str = "lake.categories";

/// A page of the guild's categories by number; removed ones only when asked for.
pub async fn category_list(
    pool: &PgPool,
    guild: GuildId,
    with_removed: bool,
    page: &PageQuery,
) -> Result<Page<Category>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let categories = store::list(&mut conn, guild, None, with_removed, after, limit).await?;
    Ok(Page::new(categories, limit, |category| category.id))
}

/// A category of the guild, also a removed one.
pub async fn category_get(pool: &PgPool, guild: GuildId, category: CategoryId) -> Result<Category, Error> {
    known(&mut *db::acquire(pool).await?, guild, category).await
}

/// Makes a category. Audited.
#[kernel::boxed]
pub async fn category_create(
    pool: &PgPool,
    guild: GuildId,
    new: NewCategory,
    author: Author<'_>,
) -> Result<Category, Error> {
    let name = fields::line("name", &new.name, 100)?;
    let description = describe(new.description)?;
    check_channels(&new.channels)?;
    check_weights(&new.multipliers)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let by = author.member();
        let id = store::insert(&mut tx, guild, &name, description.as_deref(), by).await?;
        store::set_channels(&mut tx, guild, id, &new.channels).await?;
        store::set_multipliers(&mut tx, guild, id, &new.multipliers).await?;
        let made = known(&mut tx, guild, id).await?;
        Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes a category that was not removed. Audited.
#[kernel::boxed]
pub async fn category_update(
    pool: &PgPool,
    guild: GuildId,
    category: CategoryId,
    edit: CategoryEdit,
    author: Author<'_>,
) -> Result<Category, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 100)).transpose()?;
    let description = edit.description.map(describe).transpose()?;
    edit.channels.as_deref().map(check_channels).transpose()?;
    edit.multipliers.as_deref().map(check_weights).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, category).await?;
        if !before.active {
            return Err(Error::Refused("this category was removed".to_owned()));
        }
        let row = Category {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            description: description.clone().unwrap_or_else(|| before.description.clone()),
            ..before.clone()
        };
        store::update(&mut tx, &row).await?;
        if let Some(channels) = &edit.channels {
            store::set_channels(&mut tx, guild, category, channels).await?;
        }
        if let Some(weights) = &edit.multipliers {
            store::set_multipliers(&mut tx, guild, category, weights).await?;
        }
        let after = known(&mut tx, guild, category).await?;
        if after != before {
            let deed = Deed::new("UPDATE", TABLE, category.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Removes a category: its channels are free, its weights and its past stay. Removing it again changes nothing. Audited.
#[kernel::boxed]
pub async fn category_remove(
    pool: &PgPool,
    guild: GuildId,
    category: CategoryId,
    author: Author<'_>,
) -> Result<Category, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, category).await?;
        if !before.active {
            return Ok(before);
        }
        store::update(&mut tx, &Category { active: false, ..before.clone() }).await?;
        store::set_channels(&mut tx, guild, category, &[]).await?;
        let after = known(&mut tx, guild, category).await?;
        let deed = Deed::new("DELETE", TABLE, category.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Moves channels between categories, as they were moved on Discord: one that an administrator put elsewhere meanwhile stays there, and
/// none comes into a category that was removed. Audited.
pub async fn channels_moved(
    pool: &PgPool,
    guild: GuildId,
    moved: &[MovedChannel],
    author: Author<'_>,
) -> Result<(), Error> {
    let touched: BTreeSet<CategoryId> = moved.iter().flat_map(|one| [one.from, one.to]).flatten().collect();
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut before = Vec::new();
        for category in &touched {
            if store::lock(&mut tx, guild, *category).await? {
                before.push(known(&mut tx, guild, *category).await?);
            }
        }
        store::move_channels(&mut tx, guild, moved).await?;
        for before in before {
            let after = known(&mut tx, guild, before.id).await?;
            if after != before {
                let deed = Deed::new("UPDATE", TABLE, before.id.to_string()).before(&before).after(&after);
                deed.record(&mut tx, guild, author).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn known(conn: &mut PgConnection, guild: GuildId, category: CategoryId) -> Result<Category, Error> {
    let limit = Limit::new(Some(1)).map_err(|_| Error::Unknown("category"))?;
    store::list(conn, guild, Some(category), true, None, limit).await?.pop().ok_or(Error::Unknown("category"))
}

async fn locked(conn: &mut PgConnection, guild: GuildId, category: CategoryId) -> Result<Category, Error> {
    if !store::lock(conn, guild, category).await? {
        return Err(Error::Unknown("category"));
    }
    known(conn, guild, category).await
}

fn describe(text: Option<String>) -> Result<Option<String>, Error> {
    let text = text.map(|text| fields::text("description", &text, 500)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn check_channels(channels: &[ChannelId]) -> Result<(), Error> {
    if channels.len() > 500 {
        return Err(Error::Invalid("channels", "must be at most 500".to_owned()));
    }
    Ok(())
}

fn check_weights(weights: &[Weight]) -> Result<(), Error> {
    let kinds: BTreeSet<_> = weights.iter().map(|weight| weight.interaction_type).collect();
    if kinds.len() != weights.len() {
        return Err(Error::Invalid("multipliers", "must name each interaction once".to_owned()));
    }
    for weight in weights {
        fields::within("multipliers", weight.xp_multiplier, 0.0, 100.0)?;
        fields::within("multipliers", weight.star_multiplier, 0.0, 100.0)?;
    }
    Ok(())
}
