//! What the faces call: each operation is a transaction.

mod daily;

pub use daily::{daily_claim, daily_claim_at, daily_claim_many};

use access::web::Repeatable;
use access::{AuditEntry, By, Origin, audit};
use jobs::outbox;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use people::roles::Span;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;
use crate::events::announcement;
use crate::ledger;
use crate::model::{
    AwardKind, AwardRequest, Balance, Config, ConfigEdit, Kind, LeaderboardRow, Posting, Receipt, Reference,
    Transaction, TransferRequest,
};
use crate::transfers::{self, Transfer};
use crate::{role_rewards, rules, store};

/// What a member has. Whoever is asked about for the first time is given an account, with the starting balance.
#[kernel::boxed]
pub async fn balance_get(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Balance, Error> {
    let mut conn = db::acquire(pool).await?;
    if let Some(balance) = store::balance_get(&mut conn, guild, user).await? {
        return Ok(balance);
    }
    drop(conn);
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        known(&mut tx, guild, user).await?;
        ledger::accounts_ensure(&mut tx, guild, &[user]).await?;
        let balance = store::balance_get(&mut tx, guild, user).await?.ok_or(sqlx::Error::RowNotFound)?;
        tx.commit().await?;
        Ok(balance)
    })
    .await
}

/// A member pays another: whole positive amounts up to the guild's `max_transfer`, not to themselves, to bots or to who
/// has left, and not before their cooldown is over. Where many do so, [`transfers::TransferWriter`] does it in batches.
#[kernel::boxed]
pub async fn transfer(
    pool: &PgPool,
    guild: GuildId,
    giver: UserId,
    request: &TransferRequest,
) -> Result<Receipt, Error> {
    transfers::transfer(pool, &Transfer::new(guild, giver, request)?).await
}

/// An administrator gives bytes to a member, or takes some they have. Audited.
#[kernel::boxed]
pub async fn award(
    pool: &PgPool,
    guild: GuildId,
    request: &AwardRequest,
    by: By<'_>,
    origin: &Origin,
) -> Result<Receipt, Error> {
    let reason = rules::check_reason(request.reason.as_deref())?;
    rules::check_award(request.amount)?;
    let user = request.user_id;
    let (kind, giver, receiver, action, event) = match request.kind {
        AwardKind::Award => (Kind::Award, UserId::HOUSE, user, "MANUAL_AWARD", "bytes.awarded"),
        AwardKind::Fine => (Kind::Fine, user, UserId::HOUSE, "MANUAL_REVOKE", "bytes.fined"),
    };
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        if !store::config_get(&mut tx, guild).await?.is_enabled {
            return Err(Error::Disabled);
        }
        if known(&mut tx, guild, user).await?.is_bot {
            return Err(Error::Bot);
        }
        let posting = Posting {
            guild_id: guild,
            giver,
            receiver,
            amount: request.amount,
            kind,
            reason: reason.clone(),
            reference: Some(Reference { kind: "admin", id: by.changed_by() }),
            dedupe_key: None,
        };
        let posted = ledger::post(&mut tx, std::slice::from_ref(&posting)).await?;
        let receipt = receipt(&mut tx, guild, user, posted[0].id()).await?;
        let mut entry = AuditEntry::new(
            Some(guild),
            by,
            action,
            "economy.bytes_transactions",
            receipt.transaction.id.to_string(),
        )
        .from(origin);
        entry.after = Some(json!(receipt.transaction));
        entry.reason = reason.as_deref();
        audit::record(&mut tx, &entry).await?;
        announce(&mut tx, event, guild, user, &receipt.transaction).await?;
        Repeatable::current().carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(receipt)
    })
    .await
}

/// A page of the guild's transactions, or of one member's, newest first.
#[kernel::boxed]
pub async fn history(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    kind: Option<Kind>,
    page: &PageQuery,
) -> Result<Page<Transaction>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let rows = match user {
        Some(user) => {
            known(&mut conn, guild, user).await?;
            store::history_of_member(&mut conn, guild, user, kind, after, limit).await?
        }
        None => store::history_of_guild(&mut conn, guild, kind, after, limit).await?,
    };
    Ok(Page::new(rows, limit, |row| (row.created_at, row.id)))
}

/// A page of members by balance, ranked; ties share a rank. A page goes on counting where the one before ended.
#[kernel::boxed]
pub async fn leaderboard(
    pool: &PgPool,
    guild: GuildId,
    page: &PageQuery,
) -> Result<Page<LeaderboardRow>, Problem> {
    let limit = page.limit()?;
    let after: Option<rules::Place> = page.after()?;
    let mut conn = db::acquire(pool).await?;
    let holders =
        store::holders(&mut conn, guild, after.map(|place| (place.balance, place.user_id)), limit).await?;
    let ranked = rules::rank(after, holders.iter().map(|holder| (holder.user_id, holder.balance)));
    let rows: Vec<_> = ranked.into_iter().zip(holders).collect();
    Ok(Page::new(rows, limit, |(place, _)| *place).map(|(place, holder)| LeaderboardRow {
        rank: place.rank,
        user_id: holder.user_id,
        name: holder.name,
        balance: kernel::Bytes::new(holder.balance),
    }))
}

/// The guild's rules.
pub async fn config_get(pool: &PgPool, guild: GuildId) -> Result<Config, Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(store::config_get(&mut conn, guild).await?)
}

/// Changes the guild's rules; what the edit leaves out stays. Audited when it changes anything.
#[kernel::boxed]
pub async fn config_put(
    pool: &PgPool,
    guild: GuildId,
    edit: &ConfigEdit,
    by: By<'_>,
    origin: &Origin,
) -> Result<Config, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::config_lock(&mut tx, guild).await?;
        let before = store::config_get(&mut tx, guild).await?;
        let after = rules::edit_config(&before, edit)?;
        if after != before {
            store::config_put(&mut tx, guild, &after).await?;
            let target = guild.to_string();
            let mut entry =
                AuditEntry::new(Some(guild), by, "UPDATE", "economy.bytes_configs", target).from(origin);
            entry.before = Some(json!(before));
            entry.after = Some(json!(after));
            audit::record(&mut tx, &entry).await?;
            // As many as one transaction should write; the periodic job does the rest.
            if after.role_rewards != before.role_rewards {
                role_rewards::reconcile(&mut tx, &Span::of(Some(guild))).await?;
            }
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// The member, who must be there.
async fn known(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<people::Member, Error> {
    let member = people::member_get(conn, guild, user).await.map_err(|error| match error {
        people::Error::Database(error) => Error::Database(error),
        other => Error::Database(sqlx::Error::Protocol(other.to_string())),
    })?;
    member.filter(|member| member.left_at.is_none()).ok_or(Error::UnknownMember(user))
}

async fn receipt(conn: &mut PgConnection, guild: GuildId, user: UserId, id: Uuid) -> Result<Receipt, Error> {
    let transaction = store::transaction_get(conn, guild, id).await?;
    let balance = store::balance_get(conn, guild, user).await?.ok_or(sqlx::Error::RowNotFound)?.balance;
    Ok(Receipt { transaction, balance })
}

/// Tells the member concerned, and nobody else, what moved.
async fn announce(
    conn: &mut PgConnection,
    event_type: &'static str,
    guild: GuildId,
    user: UserId,
    transaction: &Transaction,
) -> Result<(), Error> {
    Ok(outbox::emit_one(conn, announcement(event_type, guild, user, transaction)).await?)
}
