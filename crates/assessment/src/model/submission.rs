//! What is handed in, as those see it who grade it, and how they judge it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::UserId;
use learning::ids::{AssessmentId, QuestId, StepId};
use learning::model::assessment::Criterion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::Work;
use crate::ids::SubmissionId;

/// How a reviewer judges what was handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Points by criterion, where there is a rubric: all of them, each 0 to the criterion's points.
    #[serde(default)]
    pub scores: BTreeMap<String, u32>,
    /// Whether it passes, where there is no rubric.
    #[serde(default)]
    pub passed: Option<bool>,
    /// What the learner is told, Markdown: at most 20,000 characters.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub feedback: String,
}

/// How a grade that was published is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The new judgement.
    pub judgement: Judgement,
    /// Why: 1 to 2,000 characters, for the history.
    #[schema(min_length = 1, max_length = 2_000)]
    pub reason: String,
}

/// Something handed in, as those see it who grade it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Who handed it in.
    pub user_id: UserId,
    /// The quest.
    pub quest_id: QuestId,
    /// The assessment; absent for a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessment_id: Option<AssessmentId>,
    /// The step; absent for an assessment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_id: Option<StepId>,
    /// Title of the assessment or step.
    pub title: String,
    /// Which hand-in it is, from 1.
    pub attempt_number: i32,
    /// `submitted`, `in_review` (peers are at it), `escalated` (left to the instructors), or `graded`.
    pub status: String,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Seconds after the learner's own deadline; 0 in time.
    pub late_seconds: i32,
    /// Until when somebody has claimed it; absent when nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_until: Option<DateTime<Utc>>,
    /// What was handed in.
    pub work: Work,
    /// What reviewers look at.
    pub rubric: Vec<Criterion>,
    /// Percent of the points that pass.
    pub pass_percent: u32,
    /// Percent of the points it got before any penalty, once graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "97.50")]
    pub raw_grade: Option<String>,
    /// Percent of the points that counts, once graded.
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

/// A submission with how its grade came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubmissionDetails {
    /// The submission.
    pub submission: Submission,
    /// Its grades, the first one first.
    pub history: Vec<GradeChange>,
    /// What peers wrote, hidden reviews too.
    pub reviews: Vec<super::peer::WrittenReview>,
}

/// A grade, or a change of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GradeChange {
    /// When.
    pub at: DateTime<Utc>,
    /// peer, instructor, override or regrade.
    pub cause: String,
    /// The grade before, in percent; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The grade after, in percent.
    pub to: String,
    /// Whether it passes then.
    pub passed: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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
    /// Seconds after your deadline; 0 in time.
    pub late_seconds: i32,
    /// How long you may have to wait.
    pub waiting: super::view::Waiting,
}

/// What somebody is given who asks for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Next {
    /// What waits longest, claimed; absent when nothing waits that nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission: Option<Submission>,
}
