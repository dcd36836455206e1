//! The events of the economy, as the catalogue lists them.

use jobs::outbox;
use kernel::{GuildId, UserId};
use serde_json::json;

use crate::model::Transaction;

jobs::declare_events! {
    read "economy:read", admin "economy:write";

    "bytes.transferred" Member "bytes were paid to another member" {
        transaction_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the transaction";
        giver_id: Snowflake = "175928847299117063", "who gave; 0 is the house";
        receiver_id: Snowflake = "175928847299117064", "who got it; 0 is the house";
        amount: Integer = 25, "how many bytes";
        reason (optional): Text = "for the cake", "why, in the giver's words";
    }
    "bytes.awarded" Member "an administrator gave bytes" {
        transaction_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the transaction";
        giver_id: Snowflake = "175928847299117063", "who gave; 0 is the house";
        receiver_id: Snowflake = "175928847299117064", "who got it; 0 is the house";
        amount: Integer = 25, "how many bytes";
        reason (optional): Text = "for the cake", "why, in the giver's words";
    }
    "bytes.fined" Member "an administrator took bytes" {
        transaction_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the transaction";
        giver_id: Snowflake = "175928847299117063", "who gave; 0 is the house";
        receiver_id: Snowflake = "175928847299117064", "who got it; 0 is the house";
        amount: Integer = 25, "how many bytes";
        reason (optional): Text = "for the cake", "why, in the giver's words";
    }
    "bytes.daily" Member "a day's bytes were claimed" {
        transaction_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the transaction";
        user_id: Snowflake = "175928847299117063", "the member";
        amount: Integer = 20, "how many bytes, the multiplier included";
        date: Date = "2026-12-01", "the UTC date claimed";
        streak: Integer = 8, "consecutive dates claimed, this one included";
        multiplier: Integer = 2, "what the streak multiplied the guild's amount by";
    }
    "role_reward.granted" Member "a member has received so many bytes in all that they get a role" {
        user_id: Snowflake = "175928847299117063", "the member";
        role_id: Snowflake = "175928847299117070", "the role";
        threshold: Integer = 1000, "how many bytes it took";
    }
}

/// The event of a transaction, for the member concerned.
pub(crate) fn announcement(
    event_type: &'static str,
    guild_id: GuildId,
    user: UserId,
    transaction: &Transaction,
) -> outbox::Event {
    outbox::Event {
        guild_id,
        event_type,
        subject: format!("transactions/{}", transaction.id),
        correlation_id: None,
        user_id: Some(user),
        payload: json!({
            "transaction_id": transaction.id,
            "giver_id": transaction.giver_id,
            "receiver_id": transaction.receiver_id,
            "amount": transaction.amount,
            "reason": transaction.reason,
        }),
    }
}
