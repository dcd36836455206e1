//! The events of insight, as the catalogue lists them.

jobs::declare_events! {
    read "learning:read", admin "learning:grade";

    "insight.reviews_due" Member "a learner who wants to be asked again has reviews due; once a day at most" {
        user_id: Snowflake = "175928847299117063", "the learner";
        due: Integer = 7, "how many are due, at most as many as they want on a day";
    }
}
