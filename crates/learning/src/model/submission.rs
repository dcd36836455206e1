//! What learners hand in for review, and how reviewers judge it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assessment::Criterion;
use crate::ids::{QuestId, StepId, SubmissionId};

/// What a learner hands in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Text, Markdown: at most 100,000 characters.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub text: String,
    /// Addresses of what lies elsewhere, https or http: at most 20.
    #[serde(default)]
    #[schema(example = json!(["https://example.org/my-work"]))]
    pub links: Vec<String>,
}

/// How a reviewer judges what was handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Points by criterion, where the step has a rubric: all of them, each 0 to the criterion's points.
    #[serde(default)]
    pub scores: BTreeMap<String, u32>,
    /// Whether it passes, where the step has no rubric.
    #[serde(default)]
    pub passed: Option<bool>,
    /// What the learner is told, Markdown: at most 20,000 characters.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub feedback: String,
}

/// Something handed in, as reviewers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Who handed it in.
    pub user_id: UserId,
    /// The quest.
    pub quest_id: QuestId,
    /// The step.
    pub step_id: StepId,
    /// Title of the step.
    pub step_title: String,
    /// Which hand-in it is, from 1.
    pub attempt_number: i32,
    /// submitted, or graded.
    pub status: String,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// What was handed in.
    pub work: Work,
    /// What reviewers look at.
    pub rubric: Vec<Criterion>,
    /// Percent of the points that pass.
    pub pass_percent: u32,
    /// Percent of the points it got, once graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "87.50")]
    pub grade: Option<String>,
    /// Whether it passes, once graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// What the learner was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
}

/// What a learner is answered who hands something in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandedIn {
    /// Its id.
    pub id: SubmissionId,
    /// Which hand-in it is, from 1.
    pub attempt_number: i32,
    /// Tries left; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<i32>,
}
