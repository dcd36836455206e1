//! The daily claim, by command or with the first message of a UTC day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use jobs::outbox;
use kernel::{Bytes, GuildId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{known, receipt};
use crate::error::Error;
use crate::model::{Config, DailyReceipt, Kind, Occasion, Posting};
use crate::rules::daily::{self, Claim};
use crate::{ledger, store};

/// Pays a member's daily bytes: once per UTC date by the database's clock, however many claims race. With
/// [`Occasion::Message`] it is refused where the guild wants claims by command only. After success, wake the outbox.
#[kernel::boxed]
pub async fn daily_claim(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    occasion: Occasion,
) -> Result<DailyReceipt, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let now = db::now(&mut tx).await?;
        let receipt = daily_claim_at(&mut tx, guild, user, occasion, now).await?;
        access::web::Repeatable::current().carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(receipt)
    })
    .await
}

/// [`daily_claim`] in the caller's transaction, as of `now`, whose UTC date it is that is claimed. A refusal leaves
/// nothing to commit but the account of who is seen for the first time.
#[kernel::boxed]
pub async fn daily_claim_at(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    occasion: Occasion,
    now: DateTime<Utc>,
) -> Result<DailyReceipt, Error> {
    let today = now.date_naive();
    let config = store::config_get(conn, guild).await?;
    if !config.is_enabled {
        return Err(Error::Disabled);
    }
    if config.daily_amount == 0 || (occasion == Occasion::Message && !config.daily_by_message) {
        return Err(Error::NoDaily);
    }
    // Asked before any lock: the house is everybody's, and whoever has claimed today should not wait for it.
    let streaks = store::streaks_get(conn, guild, &[user]).await?;
    if let Some((Some(last), _)) = streaks.get(&user).copied()
        && last >= today
    {
        return Err(claimed(last, now));
    }
    if known(conn, guild, user).await?.is_bot {
        return Err(Error::Bot);
    }
    let Some(paid) = pay(conn, guild, &config, &[user], today).await?.pop() else {
        let last = store::streaks_get(conn, guild, &[user]).await?.get(&user).and_then(|(last, _)| *last);
        return Err(claimed(last.unwrap_or(today), now));
    };
    let receipt = receipt(conn, guild, user, paid.transaction).await?;
    Ok(DailyReceipt {
        amount: paid.claim.amount,
        date: today,
        streak: paid.claim.streak,
        multiplier: paid.claim.multiplier,
        balance: receipt.balance,
        transaction: receipt.transaction,
    })
}

/// Claims `date` for all of these members who wrote a message on it and have not claimed it yet, in the caller's
/// transaction, and tells who was paid how much. Nothing happens where the guild pays nothing, or by command only; bots and
/// who is no member are passed over. One statement where nobody is due, a handful otherwise, however many they are.
///
/// The house and the accounts of those who are paid stay locked until the transaction ends: call this late in it, and run
/// the transaction under [`db::retry`]. Afterwards wake the outbox.
#[kernel::boxed]
pub async fn daily_claim_many(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
    date: NaiveDate,
) -> Result<Vec<(UserId, Bytes)>, Error> {
    let due = store::daily_due(conn, guild, users, date).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let config = store::config_get(conn, guild).await?;
    let paid = pay(conn, guild, &config, &due, date).await?;
    Ok(paid.into_iter().map(|paid| (paid.user, paid.claim.amount)).collect())
}

/// A claim that was paid.
struct Paid {
    user: UserId,
    claim: Claim,
    transaction: Uuid,
}

/// Locks, decides and pays; whoever has claimed the date, or a later one, meanwhile is passed over.
async fn pay(
    conn: &mut PgConnection,
    guild: GuildId,
    config: &Config,
    users: &[UserId],
    date: NaiveDate,
) -> Result<Vec<Paid>, Error> {
    let wanted: BTreeSet<UserId> = users.iter().copied().collect();
    let parties = wanted.iter().chain([&UserId::HOUSE]).map(|user| (guild, *user)).collect();
    let accounts = ledger::lock(conn, parties).await?;
    let streaks: BTreeMap<_, _> = store::streaks_get(conn, guild, users).await?;
    let claims: Vec<(UserId, Claim)> = wanted
        .into_iter()
        .filter_map(|user| {
            let (last, streak) = streaks.get(&user).copied().unwrap_or_default();
            Some((user, daily::claim(config, last, streak, date)?))
        })
        .filter(|(_, claim)| claim.amount.is_positive())
        .collect();
    let postings: Vec<Posting> = claims
        .iter()
        .map(|(user, claim)| Posting {
            guild_id: guild,
            giver: UserId::HOUSE,
            receiver: *user,
            amount: claim.amount,
            kind: Kind::Daily,
            reason: None,
            reference: None,
            dedupe_key: Some(format!("daily:{user}:{date}")),
        })
        .collect();
    let posted = ledger::post_locked(conn, &accounts, &postings).await?;
    let paid: Vec<Paid> = claims
        .into_iter()
        .zip(posted)
        .filter(|(_, posted)| posted.is_new())
        .map(|((user, claim), posted)| Paid { user, claim, transaction: posted.id() })
        .collect();
    let streaks: Vec<(UserId, i32)> = paid.iter().map(|paid| (paid.user, paid.claim.streak)).collect();
    store::streaks_put(conn, guild, &streaks, date).await?;
    let events: Vec<_> = paid.iter().map(|paid| told(guild, paid, date)).collect();
    outbox::emit(conn, &events).await?;
    Ok(paid)
}

fn told(guild_id: GuildId, paid: &Paid, date: NaiveDate) -> outbox::Event {
    let Claim { streak, multiplier, amount } = paid.claim;
    outbox::Event {
        guild_id,
        event_type: "bytes.daily",
        subject: format!("transactions/{}", paid.transaction),
        correlation_id: None,
        user_id: Some(paid.user),
        payload: json!({
            "transaction_id": paid.transaction, "user_id": paid.user, "amount": amount, "date": date,
            "streak": streak, "multiplier": multiplier,
        }),
    }
}

/// The refusal: the next claim is possible when the date after the last one begins.
fn claimed(last: NaiveDate, now: DateTime<Utc>) -> Error {
    let next = last.checked_add_days(Days::new(1)).unwrap_or(last).and_time(NaiveTime::MIN).and_utc();
    Error::DailyClaimed { next, wait: (next - now).to_std().unwrap_or_default() }
}
