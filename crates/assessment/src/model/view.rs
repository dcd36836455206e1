//! Assessments as learners see them: no key, no hidden test, no rubric before its time.

use chrono::{DateTime, Utc};
use learning::ids::AssessmentId;
use learning::model::assessment::{AssessmentType, Criterion};
use learning::model::learner::{FileView, VisibleTest};
use serde::Serialize;
use utoipa::ToSchema;

use super::work::Work;
use crate::ids::SubmissionId;

/// How long hand-ins wait for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// Nine of ten are graded within so many hours; absent where too few were for that to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    /// How many hand-ins of the last 90 days that is about, those that still wait among them.
    pub of: usize,
}

/// An assessment, and how a learner stands with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentView {
    /// Its id.
    pub id: AssessmentId,
    /// Its short name.
    pub slug: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: AssessmentType,
    /// Its title.
    pub title: String,
    /// What is asked, Markdown.
    pub description: String,
    /// Files of the quest that it names as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// Whether the quest is complete without it.
    pub optional: bool,
    /// Whether passing it completes the quest without its steps.
    pub test_out: bool,
    /// Percent that passes.
    pub pass_percent: u32,
    /// Whether it is passed.
    pub passed: bool,
    /// Your best grade in percent, after penalties.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "87.50")]
    pub best_grade: Option<String>,
    /// Tries used.
    pub tries: i32,
    /// Tries there are; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tries: Option<u32>,
    /// Minutes that a try may take; absent for any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit_minutes: Option<u32>,
    /// Your own deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// Minutes after it that cost nothing.
    pub grace_minutes: u32,
    /// Percent that each day begun after it costs.
    pub late_percent_per_day: u32,
    /// Days after it in which it is still taken.
    pub late_days: u32,
    /// What reviewers look at, once you may see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rubric: Vec<Criterion>,
    /// What a program begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starter: Option<String>,
    /// The visible tests of a program.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<VisibleTest>,
    /// Reviews of others that you owe; until then you are told your grade, and no feedback.
    pub reviews_owed: i32,
    /// How long hand-ins wait for people; absent where none do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// What you handed in, the first one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub submissions: Vec<OwnSubmission>,
}

/// Something handed in, as its author sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnSubmission {
    /// Its id.
    pub id: SubmissionId,
    /// Which hand-in it is, from 1.
    pub attempt_number: i32,
    /// `submitted`, `in_review`, `escalated` or `graded`.
    pub status: String,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Seconds after your deadline; 0 in time.
    pub late_seconds: i32,
    /// What you handed in.
    pub work: Work,
    /// Percent it got before any penalty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_grade: Option<String>,
    /// Percent that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Whether it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// What you are told about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// What other learners wrote, once it is graded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<String>,
}
