//! Entry fees, as the ledger has them.

use economy::{Kind, Posting, Reference};
use kernel::{Bytes, CampaignId, GuildId, UserId};

/// What a campaign's postings refer to.
pub(crate) fn reference(id: CampaignId) -> Reference {
    Reference { kind: "campaign", id: id.to_string() }
}

/// A fee that a member pays.
pub(crate) fn fee(guild_id: GuildId, user_id: UserId, amount: i64, name: &str, id: CampaignId) -> Posting {
    Posting {
        guild_id,
        giver: user_id,
        receiver: UserId::HOUSE,
        amount: Bytes::new(amount),
        kind: Kind::Fee,
        reason: Some(format!("Entry fee of “{name}”")),
        reference: Some(reference(id)),
        dedupe_key: None,
    }
}

/// A fee that goes back to who paid it.
pub(crate) fn refund(
    guild_id: GuildId,
    user_id: UserId,
    amount: i64,
    name: &str,
    id: CampaignId,
    dedupe_key: Option<String>,
) -> Posting {
    Posting {
        guild_id,
        giver: UserId::HOUSE,
        receiver: user_id,
        amount: Bytes::new(amount),
        kind: Kind::Refund,
        reason: Some(format!("Entry fee of “{name}” returned")),
        reference: Some(reference(id)),
        dedupe_key,
    }
}
