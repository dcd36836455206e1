//! A batch of transfers in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use access::web::Repeatable;
use jobs::outbox;
use kernel::{Bytes, GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use super::store::{self, Facts, Purses};
use super::{Outcome, Transfer};
use crate::error::{Error, LedgerError};
use crate::events::announcement;
use crate::ledger::{self, Written};
use crate::model::{Kind, Posting, Receipt, Transaction};
use crate::rules::{self, Account};

/// Judges a batch and commits what is let through; answers in order. An error means that nothing was paid, or that the
/// connection was lost.
pub(super) async fn commit(pool: &PgPool, batch: &[Transfer]) -> Result<Vec<Outcome>, Error> {
    let mut tx = db::begin(pool).await?;
    let outcomes = run(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(outcomes)
}

impl Transfer {
    fn giving(&self) -> Account {
        (self.guild_id, self.giver)
    }

    fn receiving(&self) -> Account {
        (self.guild_id, self.receiver)
    }
}

/// A transfer that was let through, and what its giver has then.
struct Paid<'a> {
    n: usize,
    transfer: &'a Transfer,
    balance: i64,
}

async fn run(conn: &mut PgConnection, batch: &[Transfer]) -> Result<Vec<Outcome>, Error> {
    let (facts, purses) = hold(conn, batch).await?;
    let Purses { mut balances, mut waits, names } = purses;
    let mut outcomes: Vec<Option<Outcome>> = batch.iter().map(|_| None).collect();
    let mut paid = Vec::with_capacity(batch.len());
    for (n, transfer) in batch.iter().enumerate() {
        let judged =
            check(&facts, transfer).and_then(|hours| pay(&mut balances, &mut waits, transfer, hours));
        match judged {
            Ok(balance) => paid.push(Paid { n, transfer, balance }),
            Err(refusal) => outcomes[n] = Some(Err(refusal)),
        }
    }
    for (n, receipt) in write(conn, &paid, &names).await? {
        outcomes[n] = Some(Ok(receipt));
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(Error::Stopping))).collect())
}

/// Locks everybody's accounts and reads what the rules ask about them. Accounts are opened for those only whose transfer
/// has nothing else against it.
async fn hold(conn: &mut PgConnection, batch: &[Transfer]) -> Result<(Facts, Purses), Error> {
    // The house is nobody's party, and so not locked.
    let parties: BTreeSet<Account> = batch
        .iter()
        .flat_map(|transfer| [transfer.giving(), transfer.receiving()])
        .filter(|account| account.1 != UserId::HOUSE)
        .collect();
    if let Some(locked) = store::lock(conn, &parties).await? {
        return Ok(locked);
    }
    let facts = store::facts(conn, &parties).await?;
    let allowed: BTreeSet<Account> = batch
        .iter()
        .filter(|transfer| check(&facts, transfer).is_ok())
        .flat_map(|transfer| [transfer.giving(), transfer.receiving()])
        .collect();
    if allowed.is_empty() {
        return Ok((facts, Purses::default()));
    }
    ledger::lock(conn, allowed.clone()).await?;
    // Judged by what was known before the accounts were opened: what else there is was not locked.
    let (_, purses) = store::lock(conn, &allowed).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok((facts, purses))
}

/// What can be said of a transfer by itself; answers with the hours of its cooldown.
fn check(facts: &Facts, transfer: &Transfer) -> Result<i32, Error> {
    let config = facts.configs.get(&transfer.guild_id).ok_or(Error::UnknownMember(transfer.giver))?;
    rules::check_transfer(config, transfer.giver, transfer.receiver, transfer.amount)?;
    for account in [transfer.giving(), transfer.receiving()] {
        // The house is nobody's member.
        match facts.members.get(&account).filter(|_| account.1 != UserId::HOUSE) {
            None => return Err(Error::UnknownMember(account.1)),
            Some(true) => return Err(Error::Bot),
            Some(false) => {}
        }
    }
    Ok(config.cooldown_hours)
}

/// Moves the bytes between locked balances, as far as the others of the batch have left them, or refuses; answers with what
/// the giver has then.
fn pay(
    balances: &mut BTreeMap<Account, i64>,
    waits: &mut BTreeMap<Account, f64>,
    transfer: &Transfer,
    hours: i32,
) -> Result<i64, Error> {
    if let Some(left) = waits.get(&transfer.giving()) {
        return Err(Error::Cooldown(Duration::try_from_secs_f64(*left).unwrap_or_default()));
    }
    let amount = transfer.amount.get();
    let given = balances.get(&transfer.giving()).copied().unwrap_or_default();
    let received = balances.get(&transfer.receiving()).copied().unwrap_or_default();
    if given < amount {
        let (user, balance, needed) = (transfer.giver, Bytes::new(given), transfer.amount);
        return Err(LedgerError::InsufficientFunds { user, balance, needed }.into());
    }
    if received > rules::MAX_AMOUNT - amount {
        return Err(LedgerError::Overflow { user: transfer.receiver }.into());
    }
    balances.insert(transfer.giving(), given - amount);
    balances.insert(transfer.receiving(), received + amount);
    if hours > 0 {
        waits.insert(transfer.giving(), f64::from(hours) * 3600.0);
    }
    Ok(given - amount)
}

/// Writes what was let through: ledger, events, and that the requests were carried out.
async fn write(
    conn: &mut PgConnection,
    paid: &[Paid<'_>],
    names: &BTreeMap<Account, String>,
) -> Result<Vec<(usize, Receipt)>, Error> {
    if paid.is_empty() {
        return Ok(Vec::new());
    }
    let postings: Vec<Posting> = paid
        .iter()
        .map(|Paid { transfer, .. }| Posting {
            guild_id: transfer.guild_id,
            giver: transfer.giver,
            receiver: transfer.receiver,
            amount: transfer.amount,
            kind: Kind::Transfer,
            reason: transfer.reason.clone(),
            reference: None,
            dedupe_key: None,
        })
        .collect();
    let written = ledger::write(conn, &postings, names).await?;
    let receipts: Vec<(GuildId, usize, Receipt)> = paid
        .iter()
        .zip(written)
        .map(|(paid, written)| {
            let written = written.ok_or(sqlx::Error::RowNotFound)?;
            Ok((paid.transfer.guild_id, paid.n, receipt(paid, written)))
        })
        .collect::<sqlx::Result<_>>()?;
    let events: Vec<outbox::Event> = receipts
        .iter()
        .map(|(guild, _, receipt)| {
            let transaction = &receipt.transaction;
            announcement("bytes.transferred", *guild, transaction.receiver_id, transaction)
        })
        .collect();
    outbox::emit(conn, &events).await?;
    if !Repeatable::all_carried_out(conn, paid.iter().map(|paid| &paid.transfer.request)).await? {
        // Somebody else carries the same request out by now: whose it is comes to light one by one.
        return Err(Error::Database(sqlx::Error::RowNotFound));
    }
    Ok(receipts.into_iter().map(|(_, n, receipt)| (n, receipt)).collect())
}

fn receipt(paid: &Paid<'_>, written: Written) -> Receipt {
    let transaction = Transaction {
        id: written.id,
        giver_id: paid.transfer.giver,
        giver_name: written.giver_name,
        receiver_id: paid.transfer.receiver,
        receiver_name: written.receiver_name,
        amount: paid.transfer.amount,
        kind: Kind::Transfer,
        reason: paid.transfer.reason.clone(),
        reference_type: None,
        reference_id: None,
        created_at: written.at,
    };
    Receipt { transaction, balance: Bytes::new(paid.balance) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn transfer(giver: i64, receiver: i64, amount: i64) -> Transfer {
        Transfer {
            guild_id: GuildId::new(1),
            giver: UserId::new(giver),
            receiver: UserId::new(receiver),
            amount: Bytes::new(amount),
            reason: None,
            request: Repeatable::default(),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_refused_the_rest_adds_up(
            start in proptest::collection::vec(0i64..100, 4),
            asked in proptest::collection::vec((1i64..=4, 1i64..=4, 1i64..60), 0..60),
            hours in 0i32..2,
        ) {
            let mut balances: BTreeMap<Account, i64> =
                (1..).map(|user| (GuildId::new(1), UserId::new(user))).zip(start).collect();
            let before = balances.clone();
            let mut waits = BTreeMap::new();
            let mut moved: BTreeMap<UserId, i64> = BTreeMap::new();
            let mut gave: BTreeMap<UserId, i32> = BTreeMap::new();
            for (giver, receiver, amount) in asked.into_iter().filter(|(g, r, _)| g != r) {
                let transfer = transfer(giver, receiver, amount);
                if let Ok(left) = pay(&mut balances, &mut waits, &transfer, hours) {
                    prop_assert!(left >= 0);
                    *moved.entry(transfer.giver).or_default() -= amount;
                    *moved.entry(transfer.receiver).or_default() += amount;
                    *gave.entry(transfer.giver).or_default() += 1;
                }
            }
            for (account, balance) in balances {
                prop_assert!(balance >= 0);
                prop_assert_eq!(balance - before[&account], moved.get(&account.1).copied().unwrap_or(0));
            }
            prop_assert!(hours == 0 || gave.values().all(|times| *times == 1));
        }
    }
}
