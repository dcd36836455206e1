//! What learners see: nothing here has a key, a hidden test or a rubric in it.

use chrono::{DateTime, Utc};
use kernel::files::PictureSize;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::coding::CodeFeedback;
use super::quest::{Difficulty, Elsewhere, QuestType, Resource, StepType};
use super::quiz::AskedQuestion;
use crate::ids::{AssessmentId, AttemptId, ChapterId, PathId, QuestId, StepId};
use crate::model::assessment::AssessmentType;
use crate::store::{AttemptStatus, StepStatus};

/// How far something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgressView {
    /// Counted parts that are done.
    pub done: u32,
    /// Counted parts.
    pub total: u32,
    /// 100 × done / total, rounded down to 0.01: "33.33".
    #[schema(example = "33.33")]
    pub percentage: String,
}

/// How a quest stands to a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestState {
    /// It cannot be begun yet.
    Locked,
    /// It can be begun.
    Open,
    /// They are at it.
    InProgress,
    /// They have put it aside.
    Paused,
    /// They have given it up; it can be begun anew.
    Abandoned,
    /// They have done it.
    Completed,
}

impl From<AttemptStatus> for QuestState {
    fn from(status: AttemptStatus) -> Self {
        match status {
            AttemptStatus::InProgress => Self::InProgress,
            AttemptStatus::Completed => Self::Completed,
            AttemptStatus::Paused => Self::Paused,
            AttemptStatus::Abandoned => Self::Abandoned,
        }
    }
}

/// Something that a learner lacks for a quest to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lack {
    /// `quest`, `chapter`, `path`: not completed · `xp`, `level`, `skill`, `achievement`: not enough · `after`: not before then ·
    /// `closed`: since then · `unless`: no longer · `some`: so many of `of`.
    pub kind: &'static str,
    /// What, as a sentence.
    pub text: String,
    /// The quest that is not completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quest_id: Option<QuestId>,
    /// The path that is not completed, or that the chapter is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_id: Option<PathId>,
    /// How many of `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// When it opens, or closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// What there is to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub of: Vec<Lack>,
}

/// What a quest is called, and how a learner stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestHead {
    /// Its id.
    pub id: QuestId,
    /// Its title.
    pub title: String,
    /// Whether it can be begun, and is not retired.
    pub is_active: bool,
    /// State of their attempt; none where they have not begun.
    pub status: Option<AttemptStatus>,
}

impl QuestHead {
    /// A retired quest is there for who has begun it, and for nobody else.
    pub fn is_there(&self) -> bool {
        self.is_active || self.status.is_some()
    }
}

/// A quest, as a learner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestView {
    /// Its id.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it is about, Markdown.
    pub description: String,
    /// Kind.
    #[serde(rename = "type")]
    pub quest_type: QuestType,
    /// Difficulty.
    pub difficulty: Difficulty,
    /// Author's estimate, in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<i32>,
    /// XP for completing it, on top of its steps.
    pub experience_points: i32,
    /// The version that is begun now.
    pub version: i32,
    /// How it stands.
    pub state: QuestState,
    /// What is missing for it to open; empty unless it is locked.
    pub missing: Vec<Lack>,
    /// What goes with it. One at `files/NAME` is a file of the quest.
    pub resources: Vec<Resource>,
    /// Files that description and resources name as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// Titles of its steps.
    pub steps: Vec<StepTitle>,
    /// The learner's attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptView>,
}

/// A file of a quest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = QuestFileView)]
pub struct FileView {
    /// Its name: texts name it as `files/NAME`.
    pub name: String,
    /// Its size.
    pub bytes: u32,
    /// What kind of file it is.
    pub media_type: &'static str,
    /// How large it is shown, if it is a picture that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureSize>,
    /// Its address on this server.
    pub address: String,
}

/// An assessment of a quest, as far as it concerns its completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentTitle {
    /// Its id.
    pub id: AssessmentId,
    /// Its short name.
    pub slug: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: AssessmentType,
    /// Its title.
    pub title: String,
    /// Whether the quest is complete without it.
    pub optional: bool,
    /// Whether passing it completes the quest without its steps.
    pub test_out: bool,
    /// Whether it is passed.
    pub passed: bool,
}

/// A step, before it is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepTitle {
    /// Its title.
    pub title: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub step_type: StepType,
    /// Whether it may be skipped.
    pub optional: bool,
}

/// An attempt with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptView {
    /// Its id.
    pub id: AttemptId,
    /// The quest.
    pub quest_id: QuestId,
    /// The version it is of.
    pub version: i32,
    /// The version that is begun now: where it is another one, the attempt can be upgraded.
    pub current_version: i32,
    /// State.
    pub status: AttemptStatus,
    /// When it was begun, or begun anew.
    pub started_at: DateTime<Utc>,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: ProgressView,
    /// XP earned in it.
    pub experience_earned: i32,
    /// The learner's own notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Its steps, in their order.
    pub steps: Vec<StepView>,
    /// Files of its version, which texts name as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// How the quest is assessed beside its steps, and how the learner stands with each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<AssessmentTitle>,
}

/// A step of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepView {
    /// Its id.
    pub id: StepId,
    /// Its short name.
    pub slug: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub step_type: StepType,
    /// Its title.
    pub title: String,
    /// What is to be done, Markdown.
    pub description: String,
    /// Whether it may be skipped.
    pub optional: bool,
    /// XP for completing it.
    pub experience_points: i32,
    /// State.
    pub status: StepStatus,
    /// Address of what is watched or tried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What completes it elsewhere in the guild, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "voice_minutes": 30 }))]
    pub elsewhere: Option<Elsewhere>,
    /// The least length of the note by which it is confirmed; 0 asks for none.
    pub note_characters: u32,
    /// Tries used.
    pub tries: i32,
    /// How often it may be tried; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tries: Option<u32>,
    /// The best share achieved so far, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "66.66")]
    pub score: Option<String>,
    /// What the learner is told about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// `Coding`: what to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starter: Option<String>,
    /// `Coding`: the tests that can be seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<VisibleTest>,
}

/// A test that can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VisibleTest {
    /// What it is called.
    pub name: String,
    /// What the program reads.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// Python that runs after the learner's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub append: String,
    /// What the program is to print.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// How a learner confirms a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// A note, where the step asks for one: at most 20,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20_000)]
    pub note: Option<String>,
}

/// A learner's own notes on an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// The notes, at most 20,000 characters; absent removes them.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub notes: Option<String>,
}

/// A try at a quiz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuizTry {
    /// Which try it is, from 1.
    pub try_number: i32,
    /// When it must be handed in; absent for any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// Tries left after this one; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<i32>,
    /// Percent of the points that pass.
    pub pass_percent: u32,
    /// The questions, in this try's order, under this try's ids.
    pub questions: Vec<AskedQuestion>,
    /// Files of the quest, which texts name as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
}

/// Answers to a try at a quiz.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuizAnswers {
    /// An answer a question; one left out brings nothing.
    pub answers: Vec<super::quiz::ItemAnswer>,
}

/// What a try at a quiz came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuizResult {
    /// Which try it was.
    pub try_number: i32,
    /// Points reached.
    #[schema(example = "2.5")]
    pub points: String,
    /// Points there were.
    #[schema(example = "4")]
    pub of_points: String,
    /// Whether that passes.
    pub passed: bool,
    /// Tries left; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<i32>,
    /// What each question brought: only once it is passed, or no tries are left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionResult>,
    /// Files of the quest, which texts name as `files/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
}

/// What a question brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestionResult {
    /// The question's id in the try.
    pub question: String,
    /// Points reached.
    pub points: String,
    /// Points there were.
    pub of_points: u32,
    /// What the author says about it, Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// What a program came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgramResult {
    /// Which try it was.
    pub try_number: i32,
    /// Whether all tests are passed.
    pub passed: bool,
    /// Tries left; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<i32>,
    /// How the tests went.
    pub feedback: CodeFeedback,
}

/// What an upgrade of an attempt would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpgradePreview {
    /// The version of the attempt.
    pub from: i32,
    /// The version that is begun now.
    pub to: i32,
    /// Titles of steps that are new.
    pub added: Vec<String>,
    /// Titles of steps that are gone.
    pub removed: Vec<String>,
    /// Titles of steps that are graded or paid differently; those done stay done.
    pub changed: Vec<String>,
    /// How far the attempt would be.
    pub progress: ProgressView,
}

/// A path, as a learner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PathView {
    /// Its id.
    pub id: PathId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What is learnt, Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// XP that all of it brings.
    pub total_experience_points: i32,
    /// Whether the learner is enrolled.
    pub enrolled: bool,
    /// When they completed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// How far they are: of the mandatory quests.
    pub progress: ProgressView,
    /// Its chapters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterView>,
    /// Its quests, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quests: Vec<PathQuestView>,
}

/// A chapter, as a learner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChapterView {
    /// Its id.
    pub id: ChapterId,
    /// Its title.
    pub title: String,
    /// When its quests can be begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<DateTime<Utc>>,
    /// Until when they can be begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<DateTime<Utc>>,
    /// How far the learner is: of the mandatory quests.
    pub progress: ProgressView,
}

/// A quest in a path, as a learner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PathQuestView {
    /// The quest.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its difficulty in this path.
    pub difficulty: Difficulty,
    /// Its chapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chapter_id: Option<ChapterId>,
    /// Whether the path is complete without it.
    pub optional: bool,
    /// How it stands.
    pub state: QuestState,
    /// How far the attempt is, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// What is missing for it to open; empty unless it is locked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Lack>,
}
