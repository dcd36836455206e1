//! Badges: what credentials are issued for.

use access::Author;
use access::author::Deed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{GuildId, Page, PageQuery, Problem};
use sqlx::PgPool;

use crate::error::Error;
use crate::ids::BadgeId;
use crate::model::{Badge, BadgeEdit, NewBadge, Picture};
use crate::rules::picture;
use crate::store;

const TABLE: &str = "credentials.badges";

fn name(text: &str) -> Result<String, Error> {
    kernel::text::name_check(text, 200)
        .map(str::to_owned)
        .map_err(|fault| Error::Field("name", fault.to_string()))
}

fn text(field: &'static str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if !(1..=10_000).contains(&text.chars().count()) {
        return Err(Error::Field(field, "must be 1 to 10000 characters".to_owned()));
    }
    if text.contains('\0') {
        return Err(Error::Field(field, "must not contain U+0000".to_owned()));
    }
    Ok(text.to_owned())
}

fn days(days: Option<i32>) -> Result<Option<i32>, Error> {
    if days.is_none_or(|days| (1..=36_500).contains(&days)) {
        Ok(days)
    } else {
        Err(Error::Field("valid_days", "must be 1 to 36500, or null for without end".to_owned()))
    }
}

/// Makes a badge for a path or an achievement. Who has earned it already gets its credential by the job that looks for such. Audited.
#[kernel::boxed]
pub async fn badge_create(
    pool: &PgPool,
    guild: GuildId,
    new: &NewBadge,
    author: Author<'_>,
) -> Result<Badge, Error> {
    if new.path_id.is_some() == new.achievement_id.is_some() {
        return Err(Error::Field("path_id", "or `achievement_id` must be given, and not both".to_owned()));
    }
    let new = NewBadge {
        name: name(&new.name)?,
        description: text("description", &new.description)?,
        criteria: text("criteria", &new.criteria)?,
        valid_days: days(new.valid_days)?,
        ..new.clone()
    };
    let mut tx = db::begin(pool).await?;
    let id = store::badge_insert(&mut tx, guild, &new).await?;
    let badge = store::badge_get(&mut tx, guild, id).await?.ok_or(Error::NotFound("badge"))?;
    Deed::new("CREATE", TABLE, id.to_string()).after(&badge).record(&mut tx, guild, author).await?;
    tx.commit().await?;
    Ok(badge)
}

/// Changes a badge; what was issued stays as it was signed. Audited.
#[kernel::boxed]
pub async fn badge_update(
    pool: &PgPool,
    guild: GuildId,
    id: BadgeId,
    edit: &BadgeEdit,
    author: Author<'_>,
) -> Result<Badge, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::badge_lock(&mut tx, guild, id).await?;
        let mut after = before.clone();
        if let Some(given) = &edit.name {
            after.name = name(given)?;
        }
        if let Some(given) = &edit.description {
            after.description = text("description", given)?;
        }
        if let Some(given) = &edit.criteria {
            after.criteria = text("criteria", given)?;
        }
        if let Some(given) = edit.valid_days {
            after.valid_days = days(given)?;
        }
        after.is_active = edit.is_active.unwrap_or(after.is_active);
        if after != before {
            store::badge_update(&mut tx, &after).await?;
            let deed = Deed::new("UPDATE", TABLE, id.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Gives a badge its picture, or takes it away. Audited.
#[kernel::boxed]
pub async fn badge_image_put(
    pool: &PgPool,
    guild: GuildId,
    id: BadgeId,
    picture: &Picture,
    author: Author<'_>,
) -> Result<Badge, Error> {
    let wrong = |message: String| Error::Field("png", message);
    let png = picture
        .png
        .as_deref()
        .map(|text| STANDARD.decode(text).map_err(|_| wrong("must be Base64".to_owned())))
        .transpose()?;
    if let Some(png) = &png {
        picture::check(png).map_err(|fault| wrong(fault.to_string()))?;
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::badge_lock(&mut tx, guild, id).await?;
        store::badge_image_put(&mut tx, guild, id, png.as_deref()).await?;
        let after = store::badge_get(&mut tx, guild, id).await?.ok_or(Error::NotFound("badge"))?;
        let deed = Deed::new("UPDATE", TABLE, id.to_string()).before(&before).after(&after);
        deed.because(Some("picture")).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// A badge of the guild.
#[kernel::boxed]
pub async fn badge_get(pool: &PgPool, guild: GuildId, id: BadgeId) -> Result<Badge, Error> {
    store::badge_get(&mut *db::acquire(pool).await?, guild, id).await?.ok_or(Error::NotFound("badge"))
}

/// A page of the guild's badges in the order of their making.
#[kernel::boxed]
pub async fn badge_list(pool: &PgPool, guild: GuildId, page: &PageQuery) -> Result<Page<Badge>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let badges = store::badge_list(&mut *db::acquire(pool).await?, guild, after, limit).await?;
    Ok(Page::new(badges, limit, |badge| badge.id))
}
