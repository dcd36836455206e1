//! Skills, and who has them.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::SkillId;

/// A skill that another builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The skill that is needed.
    pub skill_id: SkillId,
    /// The level of it that is needed, from 1.
    #[serde(default = "one")]
    #[schema(minimum = 1, default = 1)]
    pub min_level: i32,
}

const fn one() -> i32 {
    1
}

/// Something that can be learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skill {
    /// Its id.
    pub id: SkillId,
    /// The guild.
    pub guild_id: GuildId,
    /// Short name, unique in the guild: what `skill_tags` refer to.
    pub slug: String,
    /// Name shown.
    pub name: String,
    /// What it is to have it.
    pub description: String,
    /// Branch of the tree it grows on.
    pub domain: String,
    /// Skill points a level takes.
    pub points_per_level: i32,
    /// The highest level.
    pub max_level: i32,
    /// What it builds on.
    pub requires: Vec<Requirement>,
    /// False once retired.
    pub active: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A skill to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSkill {
    /// Short name, unique in the guild: 1 to 100 of `a-z`, `0-9`, `+`, `#`, `.` and `-`, beginning with a letter or digit.
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z0-9][a-z0-9+#.-]{0,99}$")]
    pub slug: String,
    /// Name shown, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is to have it, at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    pub description: String,
    /// Branch of the tree it grows on, 1 to 50 characters.
    #[serde(default = "general")]
    #[schema(min_length = 1, max_length = 50, default = "general")]
    pub domain: String,
    /// Skill points a level takes, 1 to 1,000,000.
    #[serde(default = "hundred")]
    #[schema(minimum = 1, maximum = 1_000_000, default = 100)]
    pub points_per_level: i32,
    /// The highest level, 1 to 1,000.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 1_000, default = 10)]
    pub max_level: i32,
    /// What it builds on, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub requires: Vec<Requirement>,
}

impl NewSkill {
    /// A skill of this short name, which is its name, too.
    pub fn named(slug: String) -> Self {
        Self {
            name: slug.clone(),
            slug,
            description: String::new(),
            domain: general(),
            points_per_level: hundred(),
            max_level: ten(),
            requires: Vec::new(),
        }
    }
}

fn general() -> String {
    "general".to_owned()
}

const fn hundred() -> i32 {
    100
}

const fn ten() -> i32 {
    10
}

/// A change of a skill. What is absent stays as it is; what it builds on is replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillEdit {
    /// Name shown, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it is to have it, at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    pub description: Option<String>,
    /// Branch of the tree, 1 to 50 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 50)]
    pub domain: Option<String>,
    /// Skill points a level takes, 1 to 1,000,000. Members' levels follow.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub points_per_level: Option<i32>,
    /// The highest level, 1 to 1,000. Members' levels follow.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000)]
    pub max_level: Option<i32>,
    /// What it builds on, all of it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub requires: Option<Vec<Requirement>>,
    /// Whether it can be learnt.
    #[serde(default)]
    pub active: Option<bool>,
}

/// Whose tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TreeQuery {
    /// The member whose points to show; nobody's if left out.
    pub member_id: Option<UserId>,
}

/// A guild's skills as a tree: what others build on comes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkillTree {
    /// The skills that are not retired.
    pub skills: Vec<SkillNode>,
}

/// A skill in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkillNode {
    /// The skill.
    #[serde(flatten)]
    pub skill: Skill,
    /// How many skills lie below it on the longest way: 0 for one that builds on nothing.
    pub depth: usize,
    /// The member's points in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill_points: Option<i64>,
    /// The level these reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<i32>,
    /// Whether the member has what it builds on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlocked: Option<bool>,
}

/// A member's points in a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberSkill {
    /// The skill.
    pub skill_id: SkillId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Branch of the tree it grows on.
    pub domain: String,
    /// Points earned.
    pub skill_points: i64,
    /// The level these reach.
    pub level: i32,
    /// The highest level.
    pub max_level: i32,
}

/// An event of a cascade, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkillReward {
    /// The event's id.
    pub id: uuid::Uuid,
    /// The completion all events of the cascade come from.
    pub correlation_id: uuid::Uuid,
    /// Its place in the cascade, from 1.
    pub ordinal: i32,
    /// `XPGranted`, `SkillPointsGranted` or `ChallengeUnlocked`.
    pub event_type: String,
    /// The skill, for `SkillPointsGranted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill_id: Option<SkillId>,
    /// XP granted.
    pub xp: i32,
    /// Points granted.
    pub skill_points: i32,
    /// What was completed: step, quest, chapter or path.
    pub source_type: String,
    /// Which one.
    pub source_id: uuid::Uuid,
    /// What was unlocked, for `ChallengeUnlocked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlocked_id: Option<uuid::Uuid>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}
