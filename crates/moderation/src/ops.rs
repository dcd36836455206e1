//! What the faces call: each operation is a transaction.

pub mod appeals;
pub mod cases;
mod expiry;
mod put;
pub mod raids;

use jobs::outbox::{self, Event};
use kernel::GuildId;
use serde_json::json;
use sqlx::PgConnection;

pub use cases::{
    case_edit, case_edits, case_get, case_lift, case_list, case_make, case_void, evidence_add, evidence_list,
    evidence_remove, statistics,
};
pub(crate) use expiry::handlers;
pub use raids::{raid_end, raid_joined, raid_list, raid_release, raid_running, raid_start};

/// Tells of a change of a case.
pub(crate) async fn changed(
    conn: &mut PgConnection,
    guild: GuildId,
    case_number: i32,
    change: &str,
) -> Result<(), sqlx::Error> {
    let event = Event {
        guild_id: guild,
        event_type: "moderation.case_changed",
        subject: format!("cases/{case_number}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "case_number": case_number, "change": change }),
    };
    outbox::emit_one(conn, event).await
}
