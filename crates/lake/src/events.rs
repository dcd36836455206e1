//! The events of the lake, as the catalogue lists them; those of timed multipliers stand with them.

jobs::declare_events! {
    read "community:read", admin "community:write";

"member.first_messages" Admins "members wrote their first message of a day; the daily bytes are claimed by it" {
    day: Date = "2026-12-01", "the day, in UTC";
    user_ids: List = ["175928847299117063"], "the members";
}}
