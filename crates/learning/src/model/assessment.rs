//! Assessments as authors write them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of an assessment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[sqlx(type_name = "learning.assessment_type")]
pub enum AssessmentType {
    /// Graded at once by its key.
    Quiz,
    /// Graded by an instructor.
    Assignment,
    /// Graded by an instructor.
    Project,
    /// Graded by other learners.
    PeerReview,
    /// Graded at once by running it.
    AutoGraded,
    /// Graded by an instructor.
    ManualReview,
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
