//! The events of the economy, as the catalogue lists them.

jobs::declare_events! {
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
}
