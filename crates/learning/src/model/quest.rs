//! Quests as authors write them: a document, which is drafted, checked and published as a whole.

use std::collections::BTreeMap;

use kernel::files::PictureSize;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assessment::{Assessment, Criterion};
use super::coding::Coding;
use super::quiz::Quiz;
use crate::rules::unlock::Rule;

kernel::decl_words! {
    in "learning.quest_type";
    /// Kind of a quest.
    pub enum QuestType {
        /// Shows how something is done.
        Tutorial = "Tutorial",
        /// Lets it be done.
        Practice = "Practice",
        /// Asks for more.
        Challenge = "Challenge",
        /// Makes something whole.
        Project = "Project",
        /// Tests what was learnt.
        Assessment = "Assessment",
        /// Leaves the way open.
        Exploration = "Exploration",
    }
}
kernel::decl_words! {
    in "learning.difficulty_level";
    /// Difficulty, ascending.
    pub enum Difficulty {
        /// For who begins.
        Beginner = "Beginner",
        /// For who has begun.
        Intermediate = "Intermediate",
        /// For who knows.
        Advanced = "Advanced",
        /// For who could teach it.
        Expert = "Expert",
    }
}
kernel::decl_words! {
    in "learning.step_type";
    /// Kind of a step, which decides how it is completed.
    pub enum StepType {
        /// Confirmed by the learner.
        Reading = "Reading",
        /// Confirmed by the learner.
        Video = "Video",
        /// Confirmed by the learner.
        Interactive = "Interactive",
        /// Judged by running it.
        Coding = "Coding",
        /// Graded at once by its key.
        Quiz = "Quiz",
        /// Confirmed by the learner, with a note where one is asked for.
        Discussion = "Discussion",
        /// Judged by a reviewer.
        Submission = "Submission",
        /// Confirmed by the learner, with a note where one is asked for.
        Reflection = "Reflection",
    }
}
kernel::decl_words! {
    in "learning.resource_type";
    /// Kind of a resource.
    pub enum ResourceType {
        /// A text.
        Document = "Document",
        /// A film.
        Video = "Video",
        /// A sound.
        Audio = "Audio",
        /// Something to try out.
        Interactive = "Interactive",
        /// A page elsewhere.
        Link = "Link",
        /// A program.
        Code = "Code",
        /// Data.
        Dataset = "Dataset",
    }
}

/// A quest with everything in it, keys too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Loops", "description": "How to do something again.", "type": "Tutorial", "difficulty": "Beginner",
    "experience_points": 50, "steps": [{ "slug": "read", "type": "Reading", "title": "Read", "description": "…" }],
}))]
pub struct QuestDocument {
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// What it is about, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Kind.
    #[serde(rename = "type")]
    pub quest_type: QuestType,
    /// Difficulty.
    pub difficulty: Difficulty,
    /// Language it is written in, for search, by PostgreSQL's name of it; english unless told.
    #[serde(default = "english", skip_serializing_if = "is_english")]
    pub language: String,
    /// Author's estimate, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<i32>,
    /// XP for completing the quest, on top of its steps: 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub experience_points: i32,
    /// Points for completing it, by the skill's short name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, i32>,
    /// Quests that must be completed first, by short name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Rule that must hold besides, in every path and outside of paths. One key: `all`, `any`, `not`, `quest`, `quests`, `chapter`,
    /// `path`, `xp`, `level`, `skill`, `achievement` or `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "level": 2 }))]
    pub unlock: Option<Rule>,
    /// Documents, videos, links that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// Its files, by name, and what each holds. Texts and resources name them as `files/NAME`; what they hold comes with an import.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, QuestFile>,
    /// Its steps, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// How it is assessed as a whole, beside its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
}

/// A step of a quest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Short name, unique in the quest: by it a step is the same one in the next version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slug: String,
    /// Kind, which decides how it is completed.
    #[serde(rename = "type")]
    pub step_type: StepType,
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// What is to be done, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// XP for completing it: 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub experience_points: i32,
    /// Whether it may be skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Address of what is watched or tried out: `Video`, `Interactive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The least length of the note by which it is confirmed, in characters; 0 asks for none.
    #[serde(default, skip_serializing_if = "is_none_asked")]
    pub note_characters: u32,
    /// What happens elsewhere in the guild and completes it, instead of the learner's confirming. One key: `challenge`, `achievement`,
    /// `board_quests`, `threads` or `voice_minutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({ "voice_minutes": 30 }))]
    pub elsewhere: Option<Elsewhere>,
    /// `Quiz`: its questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiz: Option<Quiz>,
    /// `Coding`: the tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// `Submission`: what reviewers look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<SubmissionStep>,
}

/// What completes a step elsewhere in the guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// All parts of a challenge are solved, whenever that was: by its short name, in whichever of the guild's campaigns.
    Challenge(String),
    /// An achievement was earned, whenever that was.
    Achievement(i32),
    /// So many quests of the board were completed since the quest was begun.
    BoardQuests(u32),
    /// So many threads were begun since the quest was.
    Threads(u32),
    /// So many minutes were spent talking since the quest was begun, as far as they earned XP: in tens.
    VoiceMinutes(u32),
}

/// What reviewers look at in a `Submission` step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmissionStep {
    /// Criteria, each with the points it can bring. None: passed or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rubric: Vec<Criterion>,
    /// Percent of the points that pass: 1 to 100.
    #[serde(default = "half")]
    #[schema(minimum = 1, maximum = 100)]
    pub pass_percent: u32,
    /// How often it may be handed in; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_tries: Option<u32>,
}

/// Something that goes with a quest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Kind.
    #[serde(rename = "type")]
    pub resource_type: ResourceType,
    /// Title, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is: http or https, or a file of the quest as `files/NAME`.
    pub url: String,
}

/// What a file of a quest holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestFile {
    /// SHA-256 of it, in lower-case hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Its size.
    pub bytes: u32,
    /// How large it is shown, if it is a picture that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureSize>,
}

impl QuestDocument {
    /// The step of this short name.
    pub fn step(&self, slug: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.slug == slug)
    }
}

pub(super) fn english() -> String {
    "english".to_owned()
}

pub(super) fn is_english(language: &str) -> bool {
    language == "english"
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over the field")]
pub(super) const fn is_zero(amount: &i32) -> bool {
    *amount == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over the field")]
const fn is_none_asked(characters: &u32) -> bool {
    *characters == 0
}

const fn half() -> u32 {
    50
}
