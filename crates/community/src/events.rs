//! The events of the community, as the catalogue lists them.

jobs::declare_events! {
    "member.levelled_up" Everyone "a level was reached for the first time" {
        user_id: Snowflake = "175928847299117063", "the member";
        level: Integer = 7, "the level";
        xp: Integer = 480, "their XP";
        gold: Integer = 50, "gold paid for it";
        retroactive (optional): Boolean = true, "true where XP from another bot or events of earlier days brought it: nothing to announce";
    }
    "member.role" Member "a member is to have a Discord role, or to lose it; repeated until that is reported" {
        user_id: Snowflake = "175928847299117063", "the member";
        role_id: Snowflake = "175928847299117070", "the role";
        wanted: Boolean = true, "whether they are to have it";
        causes: List = ["squad"], "why they are to have it";
        version: Integer = 2, "to be named in the report";
        attempt: Integer = 0, "how often it was announced before";
    }
    "member.first_messages" Admins "members wrote their first message of a day; the daily bytes are claimed by it" {
        day: Date = "2026-12-01", "the day, in UTC";
        user_ids: List = ["175928847299117063"], "the members";
    }
}
