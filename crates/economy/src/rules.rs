//! What may be paid, by whom and to whom: pure decisions.

use std::collections::{BTreeMap, HashSet};

use kernel::{Bytes, GuildId, UserId};

use crate::error::LedgerError;
use crate::model::{Kind, Posting};

/// The largest amount of one posting: what JavaScript's numbers still hold exactly (2^53 − 1).
pub const MAX_AMOUNT: i64 = 9_007_199_254_740_991;

/// Whether a kind goes between these two: transfers between members, the rest to the house or from it.
pub fn direction_fits(kind: Kind, giver: UserId, receiver: UserId) -> bool {
    let (from_house, to_house) = (giver == UserId::HOUSE, receiver == UserId::HOUSE);
    match kind {
        Kind::Transfer => !from_house && !to_house,
        Kind::Starting | Kind::Daily | Kind::Refund | Kind::Reward | Kind::Award => from_house && !to_house,
        Kind::Fee | Kind::SquadSwitch | Kind::Purchase | Kind::Fine => to_house && !from_house,
    }
}

/// Whether a posting makes sense by itself.
pub fn check_posting(posting: &Posting) -> Result<(), LedgerError> {
    if !(1..=MAX_AMOUNT).contains(&posting.amount.get()) {
        return Err(LedgerError::Amount(posting.amount));
    }
    if posting.giver == posting.receiver {
        return Err(LedgerError::SelfPayment);
    }
    if !direction_fits(posting.kind, posting.giver, posting.receiver) {
        return Err(LedgerError::Direction(posting.kind));
    }
    Ok(())
}

/// An account: a member's, or the house's, in a guild.
pub type Account = (GuildId, UserId);

/// Whether the batch can be paid, one posting after the other, by these balances; the house's may go below zero.
/// Postings whose cause is in `posted`, or came earlier in the batch, change nothing.
pub fn check_funds(
    postings: &[Posting],
    mut balances: BTreeMap<Account, i64>,
    posted: &HashSet<(GuildId, String)>,
) -> Result<(), LedgerError> {
    let mut seen = HashSet::new();
    for posting in postings {
        if let Some(key) = &posting.dedupe_key {
            let cause = (posting.guild_id, key.clone());
            if posted.contains(&cause) || !seen.insert(cause) {
                continue;
            }
        }
        let (amount, guild) = (posting.amount.get(), posting.guild_id);
        let giver = balances.entry((guild, posting.giver)).or_default();
        if posting.giver != UserId::HOUSE && *giver < amount {
            return Err(LedgerError::InsufficientFunds {
                user: posting.giver,
                balance: Bytes::new(*giver),
                needed: posting.amount,
            });
        }
        *giver -= amount;
        *balances.entry((guild, posting.receiver)).or_default() += amount;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GUILD: GuildId = GuildId::new(1);

    fn transfer(giver: i64, receiver: i64, amount: i64) -> Posting {
        Posting {
            guild_id: GUILD,
            giver: UserId::new(giver),
            receiver: UserId::new(receiver),
            amount: Bytes::new(amount),
            kind: Kind::Transfer,
            reason: None,
            reference: None,
            dedupe_key: None,
        }
    }

    fn balances(of: &[(i64, i64)]) -> BTreeMap<Account, i64> {
        of.iter().map(|(user, balance)| ((GUILD, UserId::new(*user)), *balance)).collect()
    }

    #[test]
    fn amounts_are_whole_and_positive_and_nobody_pays_themselves() {
        for bad in [0, -1, MAX_AMOUNT + 1, i64::MIN] {
            assert!(matches!(check_posting(&transfer(1, 2, bad)), Err(LedgerError::Amount(_))), "{bad}");
        }
        assert!(matches!(check_posting(&transfer(1, 1, 5)), Err(LedgerError::SelfPayment)));
        assert!(matches!(check_posting(&transfer(0, 1, 5)), Err(LedgerError::Direction(Kind::Transfer))));
        assert!(check_posting(&transfer(1, 2, MAX_AMOUNT)).is_ok());
    }

    #[test]
    fn what_was_received_earlier_in_the_batch_can_be_spent() {
        let batch = [transfer(1, 2, 10), transfer(2, 3, 10)];
        assert!(check_funds(&batch, balances(&[(1, 10)]), &HashSet::new()).is_ok());
        let backwards = [batch[1].clone(), batch[0].clone()];
        let refused = check_funds(&backwards, balances(&[(1, 10)]), &HashSet::new()).unwrap_err();
        assert_eq!(refused.to_string(), "this takes 10 bytes, and member 2 has 0");
    }

    #[test]
    fn a_cause_is_paid_for_once() {
        let mut once = transfer(1, 2, 10);
        once.dedupe_key = Some("cause".into());
        let batch = [once.clone(), once.clone()];
        assert!(check_funds(&batch, balances(&[(1, 10)]), &HashSet::new()).is_ok());
        let posted = HashSet::from([(GUILD, "cause".to_owned())]);
        assert!(check_funds(&batch, balances(&[(1, 0)]), &posted).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_let_through_leaves_nobody_below_zero(
            start in proptest::collection::vec(0i64..100, 5),
            moves in proptest::collection::vec((1i64..=5, 1i64..=5, 1i64..60), 0..40),
        ) {
            let batch: Vec<Posting> =
                moves.iter().filter(|(g, r, _)| g != r).map(|(g, r, a)| transfer(*g, *r, *a)).collect();
            let before: Vec<(i64, i64)> = (1..).zip(start).collect();
            let verdict = check_funds(&batch, balances(&before), &HashSet::new());
            // Judged again by the plainest means.
            let mut held = balances(&before);
            let mut fine = true;
            for p in &batch {
                *held.get_mut(&(GUILD, p.giver)).unwrap() -= p.amount.get();
                fine &= held[&(GUILD, p.giver)] >= 0;
                if !fine { break; }
                *held.get_mut(&(GUILD, p.receiver)).unwrap() += p.amount.get();
            }
            prop_assert_eq!(verdict.is_ok(), fine);
        }
    }
}
