//! The events of people and members, as the catalogue lists them.

jobs::declare_events! {
    read "community:read", admin "community:write";

    "member.role" Member "a member is to have a Discord role, or to lose it; repeated until that is reported" {
        user_id: Snowflake = "175928847299117063", "the member";
        role_id: Snowflake = "175928847299117070", "the role";
        wanted: Boolean = true, "whether they are to have it";
        causes: List = ["squad"], "why they are to have it";
        version: Integer = 2, "to be named in the report";
        attempt: Integer = 0, "how often it was announced before";
    }
}
