//! What is asked and what is found.

use learning::model::quest::{Difficulty, QuestType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SearchKind)]
pub enum Kind {
    /// A quest.
    Quest,
    /// A learning path.
    Path,
}

impl Kind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quest => "quest",
            Self::Path => "path",
        }
    }
}

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SearchMode)]
pub enum Mode {
    /// By words, and by meaning where that is possible.
    #[default]
    Both,
    /// By words alone.
    Words,
    /// By meaning alone.
    Meaning,
}

/// What is looked for, and how.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The words.
    pub text: String,
    /// Only these.
    pub kind: Option<Kind>,
    /// Only in this language.
    pub language: Option<String>,
    /// How.
    pub mode: Mode,
    /// How many at most: 1 to 50.
    pub limit: usize,
}

/// Whether meaning was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// It was.
    Used,
    /// It was, but some quests or paths are so new that they could be found by words only.
    Behind,
    /// There is no model here: words alone were looked at.
    Absent,
    /// It was not asked for.
    Unasked,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// The text, as its author wrote it.
    pub text: String,
    /// Whether it is what was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hit: bool,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Uuid,
    /// Its short name.
    pub slug: String,
    /// Its title, in parts.
    pub title: Vec<Part>,
    /// What of its text was asked for, in parts; its beginning where that is nothing.
    pub excerpt: Vec<Part>,
    /// Of a quest, its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quest_type: Option<QuestType>,
    /// Of a quest, its difficulty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Difficulty>,
    /// Language it is written in.
    pub language: String,
    /// Whether its words were found.
    pub by_words: bool,
    /// How like what was asked it is in meaning, up to 1; absent where that was not looked at, or is little.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likeness: Option<f32>,
}

/// What was found, the best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The hits.
    pub items: Vec<Hit>,
    /// Whether meaning was looked at.
    pub meaning: Meaning,
}
