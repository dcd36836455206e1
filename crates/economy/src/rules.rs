//! What may be paid, by whom and to whom: pure decisions.

pub mod daily;

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Bytes, GuildId, UserId};
use serde::{Deserialize, Serialize};

use crate::error::{Error, LedgerError};
use crate::model::{Config, ConfigEdit, Kind, Posting};

/// The largest amount of one posting, and the most that a member may hold: what JavaScript's numbers still hold exactly
/// (2^53 − 1).
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
    posted: &BTreeSet<(GuildId, String)>,
) -> Result<(), LedgerError> {
    let mut seen = BTreeSet::new();
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
        let receiver = balances.entry((guild, posting.receiver)).or_default();
        if posting.receiver != UserId::HOUSE && *receiver > MAX_AMOUNT - amount {
            return Err(LedgerError::Overflow { user: posting.receiver });
        }
        *receiver += amount;
    }
    Ok(())
}

/// The most that an administrator may give or take at once.
pub const MAX_AWARD: i64 = 1_000_000_000;

/// Whether a member may pay another so much by the guild's rules. Cooldown, funds and bots are for the database to say.
pub fn check_transfer(config: &Config, giver: UserId, receiver: UserId, amount: Bytes) -> Result<(), Error> {
    if !config.is_enabled {
        return Err(Error::Disabled);
    }
    if giver == receiver {
        return Err(LedgerError::SelfPayment.into());
    }
    if !amount.is_positive() {
        return Err(Error::Field("amount", "must be at least 1".into()));
    }
    if amount.get() > i64::from(config.max_transfer) {
        return Err(Error::TooMuch(config.max_transfer));
    }
    Ok(())
}

/// Whether an administrator may give or take so much at once.
pub fn check_award(amount: Bytes) -> Result<(), Error> {
    if (1..=MAX_AWARD).contains(&amount.get()) {
        return Ok(());
    }
    Err(Error::Field("amount", format!("must be between 1 and {MAX_AWARD}")))
}

/// A reason as it is written down: trimmed, nothing instead of an empty one, at most 500 characters.
pub fn check_reason(reason: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = reason.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > 500 || text.contains('\0') {
        return Err(Error::Field("reason", "must be at most 500 characters, none of them NUL".into()));
    }
    Ok(Some(text.to_owned()))
}

/// The rules after an edit, or what is wrong with it.
pub fn edit_config(before: &Config, edit: &ConfigEdit) -> Result<Config, Error> {
    let within = |field, value: Option<i32>, old: i32, (least, most): (i32, i32)| match value {
        None => Ok(old),
        Some(value) if (least..=most).contains(&value) => Ok(value),
        Some(_) => Err(Error::Field(field, format!("must be between {least} and {most}"))),
    };
    if let Some(rewards) = &edit.role_rewards
        && (rewards.len() > 100 || rewards.values().any(|bytes| !(1..=MAX_AMOUNT).contains(bytes)))
    {
        let message = format!("must be at most 100 roles, each for 1 to {MAX_AMOUNT} bytes");
        return Err(Error::Field("role_rewards", message));
    }
    if let Some(bonuses) = &edit.streak_bonuses
        && (bonuses.len() > 20
            || bonuses.iter().any(|(days, times)| !(2..=3650).contains(days) || !(1..=1000).contains(times)))
    {
        let message = "must be at most 20 bonuses, each from 2 to 3650 days on, multiplying by 1 to 1000";
        return Err(Error::Field("streak_bonuses", message.into()));
    }
    Ok(Config {
        starting_balance: within(
            "starting_balance",
            edit.starting_balance,
            before.starting_balance,
            (0, 1_000_000),
        )?,
        daily_amount: within("daily_amount", edit.daily_amount, before.daily_amount, (0, 1_000_000))?,
        max_transfer: within("max_transfer", edit.max_transfer, before.max_transfer, (1, 1_000_000_000))?,
        cooldown_hours: within("cooldown_hours", edit.cooldown_hours, before.cooldown_hours, (0, 8760))?,
        role_rewards: edit.role_rewards.clone().unwrap_or_else(|| before.role_rewards.clone()),
        streak_bonuses: edit.streak_bonuses.clone().unwrap_or_else(|| before.streak_bonuses.clone()),
        daily_by_message: edit.daily_by_message.unwrap_or(before.daily_by_message),
        is_enabled: edit.is_enabled.unwrap_or(before.is_enabled),
    })
}

/// Where somebody stands on the leaderboard; as a cursor, where the next page goes on counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What they hold.
    pub balance: i64,
    /// Who they are.
    pub user_id: UserId,
    /// Their rank: one more than the number of members with more.
    pub rank: i64,
    /// Their number in the list.
    pub position: i64,
}

/// Ranks members that come by falling balance, going on from the place before them; ties share a rank (1, 1, 3).
pub fn rank(before: Option<Place>, holders: impl Iterator<Item = (UserId, i64)>) -> Vec<Place> {
    holders
        .scan(before, |last, (user_id, balance)| {
            let position = last.map_or(1, |place| place.position.saturating_add(1));
            let tied = last.filter(|place| place.balance == balance);
            let rank = tied.map_or(position, |place| place.rank);
            *last = Some(Place { balance, user_id, rank, position });
            *last
        })
        .collect()
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
        assert!(check_funds(&batch, balances(&[(1, 10)]), &BTreeSet::new()).is_ok());
        let backwards = [batch[1].clone(), batch[0].clone()];
        let refused = check_funds(&backwards, balances(&[(1, 10)]), &BTreeSet::new()).unwrap_err();
        assert_eq!(refused.to_string(), "this takes 10 bytes, and member 2 has 0");
    }

    #[test]
    fn nobody_holds_more_than_can_be_counted() {
        let full = balances(&[(1, 10), (2, MAX_AMOUNT - 5)]);
        assert!(check_funds(&[transfer(1, 2, 5)], full.clone(), &BTreeSet::new()).is_ok());
        let refused = check_funds(&[transfer(1, 2, 6)], full, &BTreeSet::new());
        assert!(matches!(refused, Err(LedgerError::Overflow { user }) if user == UserId::new(2)));
    }

    #[test]
    fn a_cause_is_paid_for_once() {
        let mut once = transfer(1, 2, 10);
        once.dedupe_key = Some("cause".into());
        let batch = [once.clone(), once.clone()];
        assert!(check_funds(&batch, balances(&[(1, 10)]), &BTreeSet::new()).is_ok());
        let posted = BTreeSet::from([(GUILD, "cause".to_owned())]);
        assert!(check_funds(&batch, balances(&[(1, 0)]), &posted).is_ok());
    }

    #[test]
    fn transfers_obey_the_guilds_rules() {
        let config = Config::default();
        let (a, b) = (UserId::new(1), UserId::new(2));
        assert!(check_transfer(&config, a, b, Bytes::new(1000)).is_ok());
        assert!(matches!(check_transfer(&config, a, b, Bytes::new(1001)), Err(Error::TooMuch(1000))));
        assert!(matches!(check_transfer(&config, a, b, Bytes::ZERO), Err(Error::Field("amount", _))));
        assert!(matches!(check_transfer(&config, a, b, Bytes::new(-1)), Err(Error::Field("amount", _))));
        assert!(check_transfer(&config, a, a, Bytes::new(1)).is_err());
        let off = Config { is_enabled: false, ..config };
        assert!(matches!(check_transfer(&off, a, b, Bytes::new(1)), Err(Error::Disabled)));
    }

    #[test]
    fn an_edit_changes_what_it_names_and_refuses_nonsense() {
        let before = Config::default();
        let edit = ConfigEdit { cooldown_hours: Some(0), ..ConfigEdit::default() };
        let after = edit_config(&before, &edit).unwrap();
        assert_eq!(after, Config { cooldown_hours: 0, ..before.clone() });
        for (field, edit) in [
            ("starting_balance", ConfigEdit { starting_balance: Some(-1), ..ConfigEdit::default() }),
            ("max_transfer", ConfigEdit { max_transfer: Some(0), ..ConfigEdit::default() }),
            ("cooldown_hours", ConfigEdit { cooldown_hours: Some(8761), ..ConfigEdit::default() }),
            (
                "role_rewards",
                ConfigEdit {
                    role_rewards: Some([(kernel::RoleId::new(5), 0)].into()),
                    ..ConfigEdit::default()
                },
            ),
            ("streak_bonuses", ConfigEdit { streak_bonuses: Some([(1, 2)].into()), ..ConfigEdit::default() }),
        ] {
            match edit_config(&before, &edit) {
                Err(Error::Field(named, _)) => assert_eq!(named, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn ties_share_a_rank_also_across_pages() {
        let holders: Vec<_> = (1..).map(UserId::new).zip([9, 7, 7, 7, 3]).collect();
        let ranks =
            |places: &[Place]| places.iter().map(|place| (place.rank, place.position)).collect::<Vec<_>>();
        let whole = rank(None, holders.iter().copied());
        assert_eq!(ranks(&whole), [(1, 1), (2, 2), (2, 3), (2, 4), (5, 5)]);
        let second = rank(Some(whole[2]), holders[3..].iter().copied());
        assert_eq!(ranks(&second), [(2, 4), (5, 5)]);
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
            let verdict = check_funds(&batch, balances(&before), &BTreeSet::new());
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
