//! The events of squads, as the catalogue lists them.

jobs::declare_events! {
    read "squads:read", admin "squads:write";

    "squad.joined" Everyone "a member joined a squad" {
        user_id: Snowflake = "175928847299117063", "the member";
        from_squad_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the squad left; null when they were in none";
        to_squad_id (optional): Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the squad joined; null when they are in none now";
        cost: Integer = 50, "what it cost, in bytes";
    }
    "squad.moved" Everyone "a member went from one squad to another" {
        user_id: Snowflake = "175928847299117063", "the member";
        from_squad_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the squad left; null when they were in none";
        to_squad_id (optional): Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the squad joined; null when they are in none now";
        cost: Integer = 50, "what it cost, in bytes";
    }
    "squad.left" Everyone "a member left their squad" {
        user_id: Snowflake = "175928847299117063", "the member";
        from_squad_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the squad left; null when they were in none";
        to_squad_id (optional): Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the squad joined; null when they are in none now";
        cost: Integer = 50, "what it cost, in bytes";
    }
}
