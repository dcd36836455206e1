//! Banks: questions that quizzes of any quest draw from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quiz::Question;
use crate::ids::QuestId;

/// A bank of questions with their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Status codes", "questions": [
    { "slug": "not-found", "type": "number", "text": "Which status says that there is no such thing?", "number": "404" }] }))]
pub struct BankDocument {
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// The questions, 1 to 500; none of them names a pool.
    pub questions: Vec<Question>,
}

/// A bank under its short name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedBank {
    /// The bank's short name, unique in the guild.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$", example = "status-codes")]
    pub slug: String,
    /// The bank.
    pub bank: BankDocument,
}

/// A bank as its authors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BankSource {
    /// Its short name.
    pub slug: String,
    /// Counts changes: hand it in with the next one, so that nobody's is overwritten unseen.
    pub revision: i32,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// Published quests that draw from it.
    pub quests: Vec<BankUse>,
    /// The bank, keys and all.
    pub bank: BankDocument,
}

/// A published quest that draws from a bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BankUse {
    /// The quest.
    pub quest_id: QuestId,
    /// Its short name.
    pub slug: String,
    /// Whether the bank changed since it was published: it draws from the questions of then until it is published again.
    pub behind: bool,
}

/// A bank in its authors' list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BankSummary {
    /// Its short name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// How many questions it has.
    pub questions: i32,
    /// Counts changes.
    pub revision: i32,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
}
