//! Postings, transactions, balances and a guild's rules.

use kernel::{Bytes, GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a payment is for (`bytes_transactions.kind`). Each kind goes one way only: see [`crate::rules::direction_fits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    /// Between two members.
    Transfer,
    /// From the house: what a new member starts with.
    Starting,
    /// From the house: the daily claim.
    Daily,
    /// To the house: taking part in something.
    Fee,
    /// From the house: a fee given back.
    Refund,
    /// From the house: earned.
    Reward,
    /// To the house: moving to another squad.
    SquadSwitch,
    /// From the house: given by an administrator.
    Award,
    /// To the house: bought in the shop.
    Purchase,
    /// To the house: taken by an administrator.
    Fine,
}

impl Kind {
    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Starting => "starting",
            Self::Daily => "daily",
            Self::Fee => "fee",
            Self::Refund => "refund",
            Self::Reward => "reward",
            Self::SquadSwitch => "squad_switch",
            Self::Award => "award",
            Self::Purchase => "purchase",
            Self::Fine => "fine",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
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
