//! Postings, transactions, balances and a guild's rules.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Bytes, GuildId, RoleId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

kernel::decl_words! {
    /// What a payment is for (`bytes_transactions.kind`). Each kind goes one way only: see [`crate::rules::direction_fits`].
    pub enum Kind {
        /// Between two members.
        Transfer = "transfer",
        /// From the house: what a new member starts with.
        Starting = "starting",
        /// From the house: the daily claim.
        Daily = "daily",
        /// To the house: taking part in something.
        Fee = "fee",
        /// From the house: a fee given back.
        Refund = "refund",
        /// From the house: earned.
        Reward = "reward",
        /// To the house: moving to another squad.
        SquadSwitch = "squad_switch",
        /// From the house: given by an administrator.
        Award = "award",
        /// To the house: bought in the shop.
        Purchase = "purchase",
        /// To the house: taken by an administrator.
        Fine = "fine",
    }
}

/// What a payment was for, by kind and key: ("campaign", its id), ("squad", its id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The kind of thing, at most 50 characters.
    pub kind: &'static str,
    /// Its key as text, at most 100 characters.
    pub id: String,
}

/// A payment to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The guild whose bytes these are.
    pub guild_id: GuildId,
    /// Who pays; [`UserId::HOUSE`] for the house.
    pub giver: UserId,
    /// Who is paid; [`UserId::HOUSE`] for the house.
    pub receiver: UserId,
    /// How much: 1 to 2^53 − 1 bytes.
    pub amount: Bytes,
    /// What for.
    pub kind: Kind,
    /// Why, for people, at most 1,000 characters.
    pub reason: Option<String>,
    /// What it belongs to.
    pub reference: Option<Reference>,
    /// Makes one cause post once per guild, 1 to 200 characters, as in `reward:<campaign>:<user>`.
    pub dedupe_key: Option<String>,
}

/// What became of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was posted now, as this transaction.
    Now(Uuid),
    /// Its cause had been posted before, as this transaction; nothing changed.
    AlreadyPosted(Uuid),
}

impl Posted {
    /// The transaction in the ledger.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Now(id) | Self::AlreadyPosted(id) => id,
        }
    }

    /// Whether it was posted now.
    pub const fn is_new(self) -> bool {
        matches!(self, Self::Now(_))
    }
}

/// What a member has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// The guild.
    pub guild_id: GuildId,
    /// The member.
    pub user_id: UserId,
    /// Bytes held now.
    pub balance: Bytes,
    /// Bytes ever received, refunds not counted; role rewards go by it.
    pub total_received: Bytes,
    /// Bytes ever given: sent, spent and fined.
    pub total_sent: Bytes,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// Identifier.
    pub id: Uuid,
    /// Who paid; "0" is the house.
    pub giver_id: UserId,
    /// Their name at the time.
    pub giver_name: String,
    /// Who was paid; "0" is the house.
    pub receiver_id: UserId,
    /// Their name at the time.
    pub receiver_name: String,
    /// Bytes moved.
    pub amount: Bytes,
    /// What for.
    pub kind: Kind,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it belongs to, as in campaign or squad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_type: Option<String>,
    /// The key of what it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// A place on the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaderboardRow {
    /// Rank by balance; ties share one (1, 1, 3).
    pub rank: i64,
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// Bytes held.
    pub balance: Bytes,
}

/// A member pays another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// Who is paid.
    pub receiver_id: UserId,
    /// How much: whole bytes, 1 to the guild's `max_transfer`.
    #[schema(value_type = i64, minimum = 1)]
    pub amount: Bytes,
    /// Why, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// An administrator gives bytes to a member, or takes some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwardRequest {
    /// The member.
    pub user_id: UserId,
    /// How much: 1 to 1,000,000,000 bytes.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000)]
    pub amount: Bytes,
    /// Whether bytes are given or taken.
    #[serde(default)]
    pub kind: AwardKind,
    /// Why, at most 500 characters; members can read it in their history.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// Which way an administrator's payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AwardKind {
    /// The member receives.
    #[default]
    Award,
    /// The member pays.
    Fine,
}

/// What came of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TransferReceipt)]
pub struct Receipt {
    /// The row in the ledger.
    pub transaction: Transaction,
    /// What the member has now: the giver of a transfer, the member of an award or fine.
    pub balance: Bytes,
}

/// How a daily claim came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The member asked for it.
    Command,
    /// The member wrote their first message of the UTC day.
    Message,
}

/// What came of a daily claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DailyReceipt {
    /// Bytes paid, the multiplier included.
    pub amount: Bytes,
    /// The UTC date claimed.
    pub date: NaiveDate,
    /// Consecutive dates claimed, this one included.
    pub streak: i32,
    /// What the streak multiplied the guild's daily amount by.
    pub multiplier: i32,
    /// What the member has now.
    pub balance: Bytes,
    /// The row in the ledger.
    pub transaction: Transaction,
}

/// The rules of a guild's economy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// Bytes a new member gets, once.
    pub starting_balance: i32,
    /// Bytes of a daily claim, before the streak's multiplier.
    pub daily_amount: i32,
    /// Largest single transfer.
    pub max_transfer: i32,
    /// Hours a giver waits between two transfers; 0 for none.
    pub cooldown_hours: i32,
    /// {role id: bytes}: who has received that much in all gets the role.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub role_rewards: BTreeMap<RoleId, i64>,
    /// {days: multiplier}: from that many consecutive days on the daily claim is multiplied.
    #[schema(value_type = BTreeMap<String, i32>)]
    pub streak_bonuses: BTreeMap<i32, i32>,
    /// Whether the first message of a UTC day claims too.
    pub daily_by_message: bool,
    /// False when the guild does not play with bytes: members can neither pay nor be awarded.
    pub is_enabled: bool,
}

impl Default for Config {
    /// 002's values; as the columns' defaults.
    fn default() -> Self {
        Self {
            starting_balance: 100,
            daily_amount: 10,
            max_transfer: 1000,
            cooldown_hours: 24,
            role_rewards: BTreeMap::new(),
            streak_bonuses: BTreeMap::from([(8, 2), (16, 4), (32, 8), (64, 16)]),
            daily_by_message: true,
            is_enabled: true,
        }
    }
}

/// A change of the rules. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigEdit {
    /// Bytes a new member gets, once: 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub starting_balance: Option<i32>,
    /// Bytes of a daily claim: 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub daily_amount: Option<i32>,
    /// Largest single transfer: 1 to 1,000,000,000.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub max_transfer: Option<i32>,
    /// Hours between two transfers of a giver: 0 to 8,760.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 8760)]
    pub cooldown_hours: Option<i32>,
    /// {role id: bytes}, all of them: at most 100 roles, each at least 1 byte.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, i64>>)]
    pub role_rewards: Option<BTreeMap<RoleId, i64>>,
    /// {days: multiplier}, all of them: at most 20, days 2 to 3,650, multipliers 1 to 1,000.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, i32>>)]
    pub streak_bonuses: Option<BTreeMap<i32, i32>>,
    /// Whether the first message of a UTC day claims too.
    #[serde(default)]
    pub daily_by_message: Option<bool>,
    /// Whether the guild plays with bytes.
    #[serde(default)]
    pub is_enabled: Option<bool>,
}
