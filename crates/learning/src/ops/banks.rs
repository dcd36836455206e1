//! Banks of questions. A change reaches learners when a quest that draws from the bank is published again: publication copies the
//! questions into the quest's version.

use access::Author;
use access::author::Deed;
use kernel::{GuildId, Page, PageQuery, Problem};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::authoring::{is_fresh, person_of, refused, retired, slug_check, under};
use crate::error::Error;
use crate::model::bank::{BankDocument, BankSource, BankSummary, NamedBank};
use crate::rules::check::bank_check;
use crate::store::{self, CatalogueLock};

const TABLE: &str = "learning.question_banks";

/// A page of the guild's banks, by their short names.
pub async fn bank_list(
    pool: &PgPool,
    guild: GuildId,
    page: &PageQuery,
) -> Result<Page<BankSummary>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let rows = store::bank_list(&mut conn, guild, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |row| row.slug.clone()))
}

/// A bank as its authors see it.
pub async fn bank_source(pool: &PgPool, guild: GuildId, slug: &str) -> Result<BankSource, Error> {
    shown(&mut *db::acquire(pool).await?, guild, slug).await
}

async fn shown(conn: &mut PgConnection, guild: GuildId, slug: &str) -> Result<BankSource, Error> {
    let rows = store::banks_get(&mut *conn, guild, &[slug.to_owned()]).await?;
    let row = rows.into_iter().next().ok_or(Error::NotFound("bank"))?;
    let quests = store::bank_uses(conn, guild, slug).await?;
    Ok(BankSource {
        slug: row.slug,
        revision: row.revision,
        retired_at: row.retired_at,
        quests,
        bank: row.document,
    })
}

/// Makes a bank. Audited.
#[kernel::boxed]
pub async fn bank_create(
    pool: &PgPool,
    guild: GuildId,
    new: &NamedBank,
    author: Author<'_>,
) -> Result<BankSource, Error> {
    let mut wrong = slug_check(&new.slug);
    wrong.extend(under("bank", bank_check(&new.bank)));
    refused(wrong)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        let person = person_of(&mut tx, &author).await?;
        store::bank_insert(&mut tx, &lock, &new.slug, &new.bank, person).await?;
        let after =
            json!({ "slug": new.slug, "title": new.bank.title, "questions": new.bank.questions.len() });
        Deed::new("CREATE", TABLE, new.slug.clone()).after(after).record(&mut tx, guild, author).await?;
        let made = shown(&mut tx, guild, &new.slug).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Writes a bank over the one that is there. Audited.
#[kernel::boxed]
pub async fn bank_put(
    pool: &PgPool,
    guild: GuildId,
    slug: &str,
    expected: Option<i32>,
    bank: &BankDocument,
    author: Author<'_>,
) -> Result<BankSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        shown(&mut tx, guild, slug).await?;
        refused(under("bank", bank_check(bank)))?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        let before = shown(&mut tx, guild, slug).await?;
        is_fresh(expected, before.revision)?;
        if before.bank != *bank || before.retired_at.is_some() {
            store::bank_write(&mut tx, &lock, slug, bank).await?;
        }
        let put = shown(&mut tx, guild, slug).await?;
        if before.bank != *bank || before.retired_at.is_some() {
            let told = |one: &BankSource| {
                json!({ "slug": slug, "title": one.bank.title, "questions": one.bank.questions.len(),
                        "revision": one.revision, "retired": one.retired_at.is_some() })
            };
            let deed = Deed::new("UPDATE", TABLE, slug).before(told(&before)).after(told(&put));
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(put)
    })
    .await
}

/// Retires a bank: no quest is published any more that draws from it. Refused while a published one does. Audited.
#[kernel::boxed]
pub async fn bank_retire(
    pool: &PgPool,
    guild: GuildId,
    slug: &str,
    author: Author<'_>,
) -> Result<BankSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        shown(&mut tx, guild, slug).await?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        let before = shown(&mut tx, guild, slug).await?;
        if let Some(one) = before.quests.first() {
            let message = format!("is drawn from by `{}`, which is published", one.slug);
            return Err(Error::field("bank", message));
        }
        if before.retired_at.is_none() {
            store::bank_retire(&mut tx, &lock, slug).await?;
            retired(TABLE, slug.to_owned(), slug).record(&mut tx, guild, author).await?;
        }
        let after = shown(&mut tx, guild, slug).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Brings banks to what a bundle says; tells how many were another.
pub(super) async fn banks_bring(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    banks: &[NamedBank],
    author: Option<Uuid>,
) -> Result<usize, Error> {
    let slugs: Vec<String> = banks.iter().map(|named| named.slug.clone()).collect();
    if slugs.is_empty() {
        return Ok(0);
    }
    let known = store::banks_get(&mut *conn, lock.guild(), &slugs).await?;
    let mut changed = 0;
    for NamedBank { slug, bank } in banks {
        match known.iter().find(|row| row.slug == *slug) {
            Some(row) if row.document == *bank && row.retired_at.is_none() => continue,
            Some(_) => store::bank_write(&mut *conn, lock, slug, bank).await?,
            None => store::bank_insert(&mut *conn, lock, slug, bank, author).await?,
        }
        changed += 1;
    }
    Ok(changed)
}
