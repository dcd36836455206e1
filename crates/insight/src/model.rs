//! What is told.

use chrono::{DateTime, NaiveDate, Utc};
use learning::ids::{PathId, QuestId, StepId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::rules::estimate::Estimate;
use crate::rules::fsrs::ReviewRating;
use crate::rules::items::ItemVerdict;
use crate::rules::recommend::RecommendationWhy;

/// A quest's figures of a UTC day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestDayFigures {
    /// The quest.
    pub quest_id: QuestId,
    /// Its title.
    pub title: String,
    /// The day.
    pub day: NaiveDate,
    /// Attempts begun that day, those begun anew among them.
    pub total_attempts: i32,
    /// Those begun anew.
    pub restarts: i32,
    /// Attempts completed that day.
    pub successful_completions: i32,
    /// Attempts given up that day, by saying so or by 14 days without anything done.
    pub abandonments: i32,
    /// Mean active time of those completed, in minutes.
    pub average_completion_time_minutes: Estimate,
    /// Its median.
    pub median_completion_time_minutes: Estimate,
    /// Mean of how often those completed had been begun; null where none were.
    pub average_attempts_to_complete: Option<f64>,
    /// Given up, of those that were given up or completed.
    pub abandonment_rate: Estimate,
    /// Attempts in which a step was worked on, of those that were open at any time that day; `engagement_score` of the table is 100 times
    /// this.
    pub engagement: Estimate,
    /// Mean of the learners' ratings to the end of the day, 1 to 5; null without any.
    pub difficulty_rating: Option<f64>,
    /// Ratings that it is the mean of.
    pub ratings: i32,
    /// When these figures last changed.
    pub made_at: DateTime<Utc>,
}

/// A quest, version by version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestFigures {
    /// The quest.
    pub quest_id: QuestId,
    /// Its title.
    pub title: String,
    /// Its versions that were begun, the latest first.
    pub versions: Vec<VersionFigures>,
    /// The latest version beside the one before; null where there is no other.
    pub change: Option<VersionChange>,
}

/// A version of a quest. But for `restarts`, figures are of learners' first runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionFigures {
    /// The version.
    pub version: i32,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// First runs that came to it.
    pub attempts: i32,
    /// Those completed, of all that are over.
    pub completion: Estimate,
    /// Those given up by saying so.
    pub abandoned: i32,
    /// Those given up by 14 days without an event.
    pub idle: i32,
    /// Those that are not over.
    pub under_way: i32,
    /// Later runs: attempts that were given up and begun anew.
    pub restarts: i32,
    /// Those of them completed.
    pub restart_completion: Estimate,
    /// Mean active time of those completed, in minutes.
    pub mean_minutes: Estimate,
    /// Its median.
    pub median_minutes: Estimate,
    /// When the first was begun.
    pub first_begun_at: Option<DateTime<Utc>>,
    /// When the last was begun.
    pub last_begun_at: Option<DateTime<Utc>>,
    /// Its steps in their order: funnel and survival.
    pub steps: Vec<StepFigures>,
}

/// A step of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepFigures {
    /// The step.
    pub step_id: StepId,
    /// Its title.
    pub title: String,
    /// Its place in the version, from 1.
    pub place: i32,
    /// Whether it may be skipped.
    pub optional: bool,
    /// First runs in which it was touched.
    pub reached: i32,
    /// Those in which it was completed.
    pub done: Estimate,
    /// Those in which it was skipped.
    pub skipped: i32,
    /// Those given up here, of all that came so far.
    pub left: Estimate,
    /// First runs that stand here and are not over.
    pub under_way: i32,
    /// Share of those who began that would be left after this step, had nobody been still under way (Kaplan–Meier).
    pub survival: Estimate,
    /// Elo difficulty on the logit scale, from first tries; null where it is not tried. 0 is where somebody of ability 0 reaches half.
    pub difficulty: Option<f64>,
    /// First tries that it rests upon.
    pub tries: i32,
}

/// A version beside the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionChange {
    /// The version before.
    pub from: i32,
    /// The version after.
    pub to: i32,
    /// By how much the share of completed runs is larger. `n` is that of the smaller one.
    pub completion: Estimate,
    /// What that says.
    pub verdict: ChangeVerdict,
}

/// What a change says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdict {
    /// Fewer than 30 runs of a version are over: nothing is concluded.
    TooFew,
    /// The interval holds 0.
    NoDifferenceSeen,
    /// More complete it.
    Better,
    /// Fewer complete it.
    Worse,
}

/// A question with one wording and key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemFigures {
    /// The step or assessment; null for a bank's question, over all quizzes that draw it.
    pub subject_id: Option<Uuid>,
    /// Its title; null for an assessment, and for a bank's question.
    pub subject: Option<String>,
    /// The question's short name.
    pub item: String,
    /// Which wording and key: another one is another question.
    pub hash: String,
    /// Mean share of its points. `n` is of how many first tries.
    pub facility: Estimate,
    /// First tries in which it was left out.
    pub omitted: i32,
    /// Pearson's r of the share of its points and that of the rest of the quiz; null at zero variance and for a lone question.
    pub discrimination: Estimate,
    /// Covariance of both by the largest that the marks allow; null where there is none.
    pub efficiency: Option<f64>,
    /// Facility among the best 27 % by the rest, less that among the worst 27 %; null for a lone question.
    pub upper_lower: Option<f64>,
    /// When it was last answered in a first try.
    pub last_at: DateTime<Utc>,
    /// What is concluded.
    pub verdict: ItemVerdict,
    /// Answers that two learners at least gave, the most frequent first, twenty at most.
    pub answers: Vec<AnswerFigures>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerFigures {
    /// The canonical answer as JSON; `null` for one left out.
    pub answer: String,
    /// Who gave it, of all.
    pub chosen: Estimate,
    /// Whether it brings all points.
    pub is_right: bool,
    /// Mean share that they reached in the rest of the quiz; null for a lone question.
    pub mean_rest: Option<f64>,
}

/// What a learner thinks of a quest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// How hard it was, 1 (easy) to 5.
    #[schema(minimum = 1, maximum = 5)]
    #[serde(default)]
    pub difficulty: Option<i32>,
    /// How they liked it, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    #[serde(default)]
    pub enjoyment: Option<i32>,
    /// A word to the author, 5,000 characters at most.
    #[schema(max_length = 5000)]
    #[serde(default)]
    pub comment: Option<String>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Events folded.
    pub events: i64,
    /// First tries that moved ratings.
    pub first_tries: i64,
    /// Days made.
    pub days: i64,
    /// Quests made.
    pub quests: i64,
    /// Steps and assessments whose questions were analysed.
    pub subjects: i64,
}

/// A quest to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The quest.
    pub quest_id: QuestId,
    /// Its title.
    pub title: String,
    /// The higher, the more speaks for it: the sum of its reasons' weights.
    pub score: f64,
    /// The share of its points that the learner is expected to reach, where both are known.
    pub expected_share: Option<f64>,
    /// Why, the weightiest first.
    pub reasons: Vec<RecommendationReason>,
}

/// A reason for a recommendation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationReason {
    /// Which.
    pub why: RecommendationWhy,
    /// What it adds to the score.
    pub weight: f64,
    /// In words.
    pub text: String,
    /// The quest that it is about: what the learner did before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quest_id: Option<QuestId>,
    /// The path that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_id: Option<PathId>,
}

/// What a learner wants of reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewSettings {
    /// Reviews on a day at most.
    #[schema(minimum = 1, maximum = 100, example = 10)]
    pub per_day: i32,
}

/// Something to look at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewDue {
    /// The step that was passed.
    pub step_id: StepId,
    /// Its title.
    pub step: String,
    /// Its quest.
    pub quest_id: QuestId,
    /// The quest's title.
    pub quest: String,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
    /// How often it was answered.
    pub answers: i32,
}

/// An answer to a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewAnswer {
    /// How well it was remembered.
    pub rating: ReviewRating,
}

/// What comes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewAnswered {
    /// When it is asked again.
    pub due_at: DateTime<Utc>,
    /// How often it was answered by now.
    pub answers: i32,
}
