//! What the faces call: each operation is a transaction.

pub mod appeals;
pub mod cases;
mod expiry;
pub mod hits;
pub mod native;
pub(crate) mod put;
pub mod raids;
pub mod rules;
mod timers;

use jobs::outbox::{self, Event};
use kernel::GuildId;
use serde_json::json;
use sqlx::PgConnection;

pub use appeals::{
    appeal_decide, appeal_file, appeal_file_by_link, appeal_get, appeal_list, appeal_note, appeal_open,
    appeal_withdraw, appeals_own,
};
pub use cases::{
    case_edit, case_edits, case_get, case_lift, case_list, case_make, case_void, evidence_add, evidence_list,
    evidence_remove, statistics,
};
pub(crate) use expiry::handlers;
pub use hits::{Recorded, hit_list, hit_statistics, native_hit, record_hits};
pub use native::{
    Native, NativeAction, Returned, bans_seen, member_returned, native_action, sanction_gone, timeouts_seen,
};
pub use raids::{raid_end, raid_joined, raid_list, raid_release, raid_running, raid_start};
pub use rules::{pipeline, versions};

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
