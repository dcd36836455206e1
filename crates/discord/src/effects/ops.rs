//! What administrators see of effects, and may do about them.

use access::author::{Author, Deed};
use kernel::{GuildId, Page, PageQuery, Problem};
use sqlx::PgPool;
use uuid::Uuid;

use super::store;
pub use super::store::Effect;

/// A page of the guild's effects, the latest first: of one status, or all.
#[kernel::boxed]
pub async fn effect_list(
    pool: &PgPool,
    guild: GuildId,
    status: Option<&str>,
    page: &PageQuery,
) -> Result<Page<Effect>, Problem> {
    if status.is_some_and(|status| !["pending", "done", "dead"].contains(&status)) {
        return Err(Problem::field("status", "must be one of pending, done, dead"));
    }
    let (limit, before) = (page.limit()?, page.after()?);
    let effects = store::list(&mut *db::acquire(pool).await?, guild, status, before, limit).await?;
    Ok(Page::new(effects, limit, |effect| effect.id))
}

/// Sends an effect again that was given up. Audited.
#[kernel::boxed]
pub async fn effect_retry(
    pool: &PgPool,
    guild: GuildId,
    id: Uuid,
    author: Author<'_>,
) -> Result<Effect, Problem> {
    let mut tx = db::begin(pool).await?;
    let Some(effect) = store::revive(&mut tx, guild, id).await? else {
        return Err(if store::known(&mut tx, guild, id).await? {
            Problem::conflict("Only what was given up can be sent again.")
        } else {
            Problem::not_found("effect")
        });
    };
    Deed::new("UPDATE", "discord.effects", id.to_string())
        .after(&effect)
        .record(&mut tx, guild, author)
        .await?;
    tx.commit().await?;
    Ok(effect)
}
