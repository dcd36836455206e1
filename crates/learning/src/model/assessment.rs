//! Assessments as authors write them: how a quest is judged as a whole, beside its steps.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::coding::Coding;
use super::quiz::Quiz;

kernel::decl_words! {
    /// Kind of an assessment.
    pub enum AssessmentType {
        /// Graded at once by its key.
        Quiz = "Quiz",
        /// Graded by an instructor.
        Assignment = "Assignment",
        /// Graded by an instructor.
        Project = "Project",
        /// Graded by other learners.
        PeerReview = "PeerReview",
        /// Graded at once by running it.
        AutoGraded = "AutoGraded",
        /// Graded by an instructor.
        ManualReview = "ManualReview",
    }
}

impl AssessmentType {
    /// Whether people judge it.
    pub const fn is_judged_by_people(self) -> bool {
        !matches!(self, Self::Quiz | Self::AutoGraded)
    }
}

/// How a quest is assessed, keys and rubric too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// Short name, unique among the quest's assessments: by it an assessment is the same one in the next version.
    pub slug: String,
    /// Kind, which decides who judges it.
    #[serde(rename = "type")]
    pub kind: AssessmentType,
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// What is asked, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether the quest is complete without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether passing it completes the quest without its steps, which then bring nothing by themselves. Such a one never is
    /// asked for besides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test_out: bool,
    /// `Quiz`: its questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiz: Option<Quiz>,
    /// `AutoGraded`: the tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// The others: what people look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

impl Assessment {
    /// Whether the quest is complete only once it is passed.
    pub const fn counts(&self) -> bool {
        !self.optional && !self.test_out
    }
}

/// When learners see a rubric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RubricVisibility {
    /// From the beginning.
    Always,
    /// Once what they handed in is graded.
    #[default]
    AfterGrading,
    /// Not at all; who reviews others' work sees it while they do.
    Never,
}

/// What people look at who judge what is handed in, and by when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Criteria, each with the points it can bring. None: passed or not; a `PeerReview` needs some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rubric: Vec<Criterion>,
    /// When learners see the rubric.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rubric_visibility: RubricVisibility,
    /// Percent of the points that pass: 1 to 100.
    #[serde(default = "half")]
    #[schema(minimum = 1, maximum = 100)]
    pub pass_percent: u32,
    /// How often it may be handed in; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_tries: Option<u32>,
    /// When it is to be handed in; absent for any time. Changing it makes no other version: it holds for everybody at once.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kernel::time::instant_if_any"
    )]
    pub due_at: Option<DateTime<Utc>>,
    /// Minutes after that which cost nothing: 0 to 10,080.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(maximum = 10_080)]
    pub grace_minutes: u32,
    /// Percent of the maximum that each day begun after `due_at` costs: 0 to 100.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(maximum = 100)]
    pub late_percent_per_day: u32,
    /// Days after `due_at` in which it is still taken: 0 to 365.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(maximum = 365)]
    pub late_days: u32,
    /// `PeerReview`: how many review, and how long they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<Peers>,
}

/// How learners review each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// Reviews that a submission gets: 1 to 20, 3 unless told.
    #[serde(default = "three")]
    #[schema(minimum = 1, maximum = 20)]
    pub required: u32,
    /// Reviews that a learner writes before they see their own feedback: 0 to 20, 3 unless told.
    #[serde(default = "three")]
    #[schema(maximum = 20)]
    pub owed: u32,
    /// Hours after handing in when it is graded by what reviews there are, or falls to the instructors: 1 to 8,760, 72 unless told.
    #[serde(default = "three_days")]
    #[schema(minimum = 1, maximum = 8760)]
    pub deadline_hours: u32,
    /// Hours in which a review that was begun is to be written: 1 to 720, 24 unless told.
    #[serde(default = "a_day")]
    #[schema(minimum = 1, maximum = 720)]
    pub lease_hours: u32,
}

impl Default for Peers {
    fn default() -> Self {
        Self { required: three(), owed: three(), deadline_hours: three_days(), lease_hours: a_day() }
    }
}

/// A criterion of a rubric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Short name, unique in the rubric.
    pub slug: String,
    /// What is looked at, Markdown.
    pub text: String,
    /// The most points it brings: 1 to 1,000.
    #[schema(minimum = 1, maximum = 1000)]
    pub points: u32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn half() -> u32 {
    50
}

const fn three() -> u32 {
    3
}

const fn three_days() -> u32 {
    72
}

const fn a_day() -> u32 {
    24
}
