//! The events of what members earn, as the catalogue lists them; those of seasons, achievements and awards stand with them.

jobs::declare_events! {
    read "community:read", admin "community:write";

    "member.levelled_up" Everyone "a level was reached for the first time" {
        user_id: Snowflake = "175928847299117063", "the member";
        level: Integer = 7, "the level";
        xp: Integer = 480, "their XP";
        gold: Integer = 50, "gold paid for it";
        retroactive (optional): Boolean = true, "true where XP from another bot or events of earlier days brought it: nothing to announce";
    }
}
