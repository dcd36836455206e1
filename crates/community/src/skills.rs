//! Skills: a guild's catalogue of what can be learnt, what builds on what, and who has how much of it.
//!
//! Promises:
//! * What builds on what has no cycle, whoever changes it at once (by a lock per guild); one that would arise is refused,
//!   naming it.
//! * The reward cascade of a completion (`XPGranted`, `SkillPointsGranted`, `ChallengeUnlocked` under one correlation id) reaches
//!   the ledgers exactly once, by event id and by place in the cascade, however often its events are delivered: XP in the
//!   journal, points in `user_skills`, and each event in the append-only `user_skill_rewards`.
//! * An event that says what cannot be (a skill or member that there is not) holds nothing up: it is told to
//!   administrators as `skill.reward_refused`.
//!
//! Map: [`model`] the types · [`rules`] cycles and order · [`cascade`] the consumer · [`ops`] transactions the faces call ·
//! `store` SQL · [`routes`] the HTTP face.

pub mod cascade;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;

mod store;

pub use cascade::Cascade;
pub use model::{NewSkill, Requirement, Skill, SkillEdit, SkillNode, SkillTree};

use kernel::problem::Kind;

/// Skills would build on each other in a circle.
pub const SKILL_CYCLE: Kind = Kind::new("skill-cycle", 409, "Skills would build on each other in a circle");

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "learning.xp_granted" Member "XPGranted: a completion brought XP; first of a cascade" {
        user_id: Snowflake = "175928847299117063", "the member";
        ordinal: Integer = 1, "its place in the cascade, from 1";
        xp: Integer = 50, "XP, 0 to 1,000,000";
        source_type: Text = "quest", "what was completed: step, quest, chapter or path";
        source_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "which one";
    }
    "learning.skill_points_granted" Member "SkillPointsGranted: a completion brought points in a skill" {
        user_id: Snowflake = "175928847299117063", "the member";
        ordinal: Integer = 2, "its place in the cascade";
        skill: Text = "graph-search", "the skill's short name";
        skill_points: Integer = 20, "points, 0 to 1,000,000";
        source_type: Text = "quest", "what was completed: step, quest, chapter or path";
        source_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "which one";
    }
    "learning.challenge_unlocked" Member "ChallengeUnlocked: a completion opened something; last of a cascade" {
        user_id: Snowflake = "175928847299117063", "the member";
        ordinal: Integer = 3, "its place in the cascade";
        unlocked_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "what was opened";
        source_type: Text = "quest", "what was completed: step, quest, chapter or path; rule, where something else that was earned opened it";
        source_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "which one";
    }
    "skill.levelled_up" Everyone "a member reached a level of a skill" {
        user_id: Snowflake = "175928847299117063", "the member";
        skill_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the skill";
        skill: Text = "graph-search", "its short name";
        level: Integer = 2, "the level";
        skill_points: Integer = 240, "their points in it";
    }
    "skill.reward_refused" Admins "an event of a reward cascade says what cannot be" {
        event_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the event";
        event_type: Text = "learning.skill_points_granted", "its type";
        reason: Text = "the guild has no skill `graphs`", "what is wrong";
    }
}
