//! Paths as authors write them, and the bundle of a path with its quests.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::files::FileBundle;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bank::NamedBank;
use super::quest::{Difficulty, QuestDocument, english, is_english, is_zero};
use crate::rules::unlock::Rule;

kernel::decl_words! {
    in "learning.path_type";
    /// Kind of a learning path.
    pub enum PathType {
        /// One subject from its beginning to its end.
        Course = "Course",
        /// One subject in depth.
        Specialization = "Specialization",
        /// Much in a short time.
        Bootcamp = "Bootcamp",
        /// Anything else.
        Custom = "Custom",
    }
}

/// A path: chapters, and which quests are in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Rust from the start", "description": "…", "type": "Course", "quests": [] }))]
pub struct PathDocument {
    /// Name, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// What is learnt, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Kind.
    #[serde(rename = "type")]
    pub path_type: PathType,
    /// Language it is written in, for search, by PostgreSQL's name of it; english unless told.
    #[serde(default = "english", skip_serializing_if = "is_english")]
    pub language: String,
    /// IANA time zone in which its dates are read; UTC unless told.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    pub timezone: String,
    /// Author's estimate for the whole, in hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_hours: Option<i32>,
    /// XP for completing the path, on top of its parts: 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub experience_points: i32,
    /// Rule for the path as a whole; see a quest's `unlock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "level": 2 }))]
    pub unlock: Option<Rule>,
    /// Quests outside of its chapters, before all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quests: Vec<PathQuest>,
    /// Its chapters, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
}

/// A chapter of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// Short name, unique in the path.
    pub slug: String,
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// What it is about, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// First day on which its quests can be begun, in the path's zone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "kernel::time::day_if_any")]
    pub starts: Option<NaiveDate>,
    /// Last day on which they can be begun.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "kernel::time::day_if_any")]
    pub ends: Option<NaiveDate>,
    /// XP for completing the chapter, on top of its quests: 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub experience_points: i32,
    /// Rule for the chapter as a whole; see a quest's `unlock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "level": 2 }))]
    pub unlock: Option<Rule>,
    /// Its quests, in their order.
    #[serde(default)]
    pub quests: Vec<PathQuest>,
}

/// A quest's place in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PathQuest {
    /// The quest, by its short name.
    pub quest: String,
    /// Whether the path is complete without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Difficulty within this path; the quest's own unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Difficulty>,
    /// Rule that opens it here; see a quest's `unlock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "level": 2 }))]
    pub unlock: Option<Rule>,
}

/// A path with its quests: what a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PathBundle)]
pub struct Bundle {
    /// The path's short name.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$", example = "rust-from-the-start")]
    pub slug: String,
    /// The path.
    pub path: PathDocument,
    /// Its quests. A quest that the path names and that is not here must be in the guild already.
    #[serde(default)]
    pub quests: Vec<NamedQuest>,
    /// Banks that its quizzes draw from. One that is not here must be in the guild already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banks: Vec<NamedBank>,
    /// Skills that its quests bring, by short name: those that the guild lacks are made, the others stay as they are there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, BundleSkill>,
}

/// A skill as a bundle tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleSkill {
    /// Name shown, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is to have it, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 2_000)]
    pub description: String,
    /// Branch of the tree it grows on, 1 to 50 characters; general unless told.
    #[serde(default = "general")]
    #[schema(min_length = 1, max_length = 50)]
    pub domain: String,
}

/// A quest under its short name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedQuest {
    /// The quest's short name, unique in the guild.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$", example = "loops")]
    pub slug: String,
    /// The quest.
    pub quest: QuestDocument,
    /// Its files, which its texts and resources name as `files/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileBundle>,
}

impl PathDocument {
    /// All its quests in their order, each with its chapter's place.
    pub fn entries(&self) -> impl Iterator<Item = (Option<usize>, &PathQuest)> {
        let outside = self.quests.iter().map(|quest| (None, quest));
        let within = self.chapters.iter().enumerate();
        outside
            .chain(within.flat_map(|(n, chapter)| chapter.quests.iter().map(move |quest| (Some(n), quest))))
    }

    /// The place of the first chapter that brings XP which nobody could earn: none of its quests has to be done, so it is never completed.
    pub fn unearned(&self) -> Option<usize> {
        self.chapters.iter().position(|chapter| {
            chapter.experience_points > 0 && chapter.quests.iter().all(|quest| quest.optional)
        })
    }
}

fn general() -> String {
    "general".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

fn is_utc(timezone: &str) -> bool {
    timezone == "UTC"
}
