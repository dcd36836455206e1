//! The events of the community, as the catalogue lists them.

jobs::declare_events! {
    "member.levelled_up" Everyone "a level was reached for the first time" {
        user_id: Snowflake = "175928847299117063", "the member";
        level: Integer = 7, "the level";
        xp: Integer = 480, "their XP";
        gold: Integer = 50, "gold paid for it";
    }
}
