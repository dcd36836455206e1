//! Achievements: what can be earned, who earned it, and how far the others are.
//!
//! Promises:
//! * An achievement is earned once, whoever reports the threshold and however often it is crossed (by primary key); its
//!   XP and gold are paid in the transaction that grants it. One that was revoked is not earned again by itself.
//! * Events that are ingested grant at once, in their own transaction: [`evaluate_batch`] compares what a batch moved with
//!   the guild's thresholds in memory, and costs one short statement when nothing was crossed. XP that come from elsewhere
//!   grant in the transaction of [`crate::grant`].
//! * An achievement that is made or changed is granted to whoever has reached it already, in batches, by a durable timer;
//!   a daily sweep finds what anything might have missed.
//!
//! Map: [`model`] the types · [`rules`] what may be required, and which thresholds were crossed · [`evaluate`] granting ·
//! `retroactive` the timer and the sweep · [`ops`] transactions the faces call · `store` SQL · [`routes`] the HTTP face.

pub mod evaluate;
pub mod model;
pub mod ops;
pub mod retroactive;
pub mod routes;
pub mod rules;

mod store;

pub use evaluate::{evaluate_batch, evaluate_members};
pub use model::{Achievement, AchievementEdit, Earner, NewAchievement, Progress};

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "achievement.earned" Everyone "a member earned an achievement" {
        achievement_id: Integer = 12, "the achievement";
        name: Text = "Chatterbox", "its name";
        rarity: Text = "rare", "common, uncommon, rare, epic or legendary";
        user_id: Snowflake = "175928847299117063", "the member";
        xp: Integer = 100, "XP paid for it";
        gold: Integer = 25, "gold paid for it";
        season_id (optional): Integer = 3, "the season it was earned in";
        granted_by (optional): Snowflake = "175928847299117064", "who granted it, where somebody did";
        announce_channel_id (optional): Snowflake = "175928847299117065", "where to announce it, if not in the usual channel";
        retroactive: Boolean = false, "whether it had been reached before it could be earned";
    }
    "achievement.revoked" Member "an achievement was revoked" {
        achievement_id: Integer = 12, "the achievement";
        name: Text = "Chatterbox", "its name";
        user_id: Snowflake = "175928847299117063", "the member";
        taken_back: Boolean = true, "whether what was paid for it was taken back";
    }
}
