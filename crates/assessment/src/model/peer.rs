//! Reviews among learners. Reviewers are not told whose work it is, nor authors who reviewed it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use learning::ids::{AssessmentId, QuestId};
use learning::model::assessment::Criterion;
use learning::model::learner::FileView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::Work;
use crate::ids::ReviewId;

/// What a learner is answered who asks for something to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Assigned {
    /// What to review; absent when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewTask>,
    /// Reviews that you still owe.
    pub reviews_owed: i32,
    /// Reviews that you were let off just now, as there is nothing to review.
    pub forgiven: i32,
}

/// Reviews that a learner has to write, of one assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewOwed {
    /// The quest.
    pub quest_id: QuestId,
    /// Its title.
    pub quest: String,
    /// The assessment.
    pub assessment_id: AssessmentId,
    /// How many they still owe.
    pub owed: i32,
    /// When the one that they are at is taken back; none where they are at none.
    pub due_at: Option<DateTime<Utc>>,
}

/// Somebody's work to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewTask {
    /// The review to write.
    pub id: ReviewId,
    /// When it is taken back.
    pub due_at: DateTime<Utc>,
    /// What was asked, Markdown.
    pub description: String,
    /// Files of the quest that it names as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// What was handed in.
    pub work: Work,
    /// What to look at.
    pub rubric: Vec<Criterion>,
}

/// A review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// Points by criterion: all of them, each 0 to the criterion's points.
    pub scores: BTreeMap<String, u32>,
    /// What the author is told, Markdown: 1 to 20,000 characters.
    #[schema(min_length = 1, max_length = 20_000)]
    pub feedback: String,
}

/// How a reviewer stands after writing or declining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reviewed {
    /// Reviews that you still owe.
    pub reviews_owed: i32,
}

/// A review that was written, as those see it who grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WrittenReview {
    /// Its id.
    pub id: ReviewId,
    /// Points by criterion.
    pub scores: BTreeMap<String, u32>,
    /// What the author is told.
    pub feedback: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// When it was struck out; absent where it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_at: Option<DateTime<Utc>>,
}
