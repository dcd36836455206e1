//! The challenges of a campaign: what participants see of them, and what authors do with them.
//!
//! What holds:
//! * a challenge that is not released does not exist for participants, by list or by id; testers are early;
//! * categories, difficulty, scripts and answers are in [`Authoring`], which only admins get;
//! * the text of a part comes with the solution of the part before;
//! * who reads gets the texts in their language, where they are told in it;
//! * solve counts do not look past the viewer's [`View`];
//! * what is released keeps its place, its slug and its parts.

mod check;
mod files;
mod languages;
mod read;
mod store;
mod validate;
mod write;

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, HintId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::leaderboard::View;
use crate::model::{Acting, Participant};
use crate::rules::AnswerRule;

pub use check::{CheckedScript, CheckedSeed, NEW_SCRIPT_RUNS, check, draft_try, script_check, scripts_new};
pub(crate) use files::script_files;
pub use files::{
    Attachment, CampaignFiles, ChallengeFiles, MAX_ATTACHMENTS_BYTES, MOST_ATTACHMENTS, ScriptFile,
    attachment_get, files_put, files_read,
};
pub use languages::{MOST_TRANSLATIONS, Reading, Translation, USUAL_LANGUAGE};
pub use read::{challenge_get, challenge_list, drafts};
pub use validate::{draft_check, slug_fits};
pub use write::{
    Author, challenge_create, challenge_delete, challenge_reorder, challenge_update, challenges_put,
};

/// The most challenges a campaign may have.
pub const MAX_CHALLENGES: usize = 200;

/// Who looks at challenges.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Sees everything, unreleased challenges and scripts too.
    pub admin: bool,
    /// For whom the viewer acts in the campaign; [`Acting::Nobody`] where they do not say who they are.
    pub acting: Acting,
    /// How far they may look.
    pub view: View,
    /// In which language.
    pub reading: Reading,
}

impl Viewer {
    /// One who writes challenges: sees everything, and acts for nobody.
    pub(crate) fn author() -> Self {
        Self { admin: true, acting: Acting::Nobody, view: View::Live, reading: Reading::default() }
    }

    pub(crate) fn participant_id(&self) -> Option<&str> {
        match &self.acting {
            Acting::For(Participant { id, .. }) => Some(id),
            Acting::Tester(_) | Acting::Nobody => None,
        }
    }
}

/// A challenge.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// Its campaign.
    pub campaign_id: CampaignId,
    /// Its place in the campaign, from 1.
    pub position: i32,
    /// Its folder's name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its text, Markdown.
    pub description: String,
    /// The texts of the parts from the second, Markdown: those that are open, a part's once the viewer's participant has solved the part
    /// before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub part_descriptions: Vec<String>,
    /// The language of title and texts as they are here.
    pub language: String,
    /// All languages that it is told in, its own first.
    pub languages: Vec<String>,
    /// How many answers it has: 1 to 10.
    pub parts: i32,
    /// When it was released; absent while it is secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<DateTime<Utc>>,
    /// When it stops to take answers, where that is before the campaign's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<DateTime<Utc>>,
    /// How many solved each part. While the scoreboard is frozen: before that.
    pub solve_counts: Vec<i32>,
    /// `point_based`: what the first solver of each part gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<i32>,
    /// The parts that the viewer's participant has solved.
    pub solved_parts: Vec<i32>,
    /// Files for everybody who may see the challenge, its text's pictures among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What only admins see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authoring: Option<Authoring>,
}

/// What only admins see of a challenge.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Authoring {
    /// The script that makes the inputs.
    pub generation_script: String,
    /// Counts the changes of what inputs are made from: the script, the slug, the number of parts.
    pub script_version: i32,
    /// When the script last changed.
    pub script_updated_at: DateTime<Utc>,
    /// How this version of the script failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_error: Option<String>,
    /// Tags.
    pub categories: Vec<String>,
    /// 1 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty_level: Option<i32>,
    /// Takes no answers so long after its release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_after_minutes: Option<i32>,
    /// How its answers are judged and what its parts bring.
    pub answers: Vec<AnswerRule>,
    /// The script that says whether an answer is right, where comparing does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checker_script: Option<String>,
    /// How this version of the checker failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checker_error: Option<String>,
    /// Its hints.
    pub hints: Vec<HintDraft>,
    /// Its texts in further languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
    /// What its script finds under `files/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ScriptFile>,
}

/// A hint as its author writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HintDraft {
    /// Its id; ignored on the way in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<HintId>,
    /// Markdown, 1 to 10,000 characters.
    #[schema(min_length = 1, max_length = 10_000)]
    pub body: String,
    /// The part it helps with: 1 unless told.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 10)]
    pub part: i32,
    /// Bytes paid by who unlocks it.
    #[serde(default)]
    #[schema(default = 0, minimum = 0)]
    pub cost_bytes: i64,
    /// Points (`point_based`) or seconds (`time_based`) off the score.
    #[serde(default)]
    #[schema(default = 0, minimum = 0)]
    pub penalty: i64,
}

const fn one() -> i32 {
    1
}

fn usual_language() -> String {
    USUAL_LANGUAGE.to_owned()
}

/// A new challenge. It is put last.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeDraft {
    /// Folder name on export, and part of what inputs are seeded with: `[a-z0-9-]`, at most 64. From the title if left out.
    #[serde(default)]
    pub slug: Option<String>,
    /// 1 to 200 characters.
    pub title: String,
    /// Markdown, at most 100,000 characters.
    pub description: String,
    /// The texts of the parts from the second, one for each.
    #[serde(default)]
    #[schema(max_items = 9)]
    pub part_descriptions: Vec<String>,
    /// How many answers it has: 1 (unless told) to 10.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 10)]
    pub parts: i32,
    /// The language of title and texts, as a tag: `de`, `pt-BR`.
    #[serde(default = "usual_language")]
    #[schema(default = "en", pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
    pub language: String,
    /// The texts in further languages.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub translations: Vec<Translation>,
    /// The Python script that makes the inputs, at most 256 KiB.
    pub generation_script: String,
    /// Tags, never shown to participants.
    #[serde(default)]
    pub categories: Vec<String>,
    /// 1 to 10, never shown to participants.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    pub difficulty_level: Option<i32>,
    /// Takes no answers so long after its release.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub closes_after_minutes: Option<i32>,
    /// How answers are judged and what parts bring: one for all parts or one each; none compares exactly, for the campaign's
    /// points.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub answers: Vec<AnswerRule>,
    /// A Python script that says whether an answer is right, where comparing does not; at most 256 KiB.
    #[serde(default)]
    pub checker_script: Option<String>,
    /// Hints, in their order.
    #[serde(default)]
    pub hints: Vec<HintDraft>,
}

/// A change of a challenge: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChallengePatch {
    /// Only before the release: inputs are seeded with it.
    pub slug: Option<String>,
    /// 1 to 200 characters.
    pub title: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// The texts of the parts from the second, one for each.
    #[schema(max_items = 9)]
    pub part_descriptions: Option<Vec<String>>,
    /// 1 to 10; only before the campaign starts.
    #[schema(minimum = 1, maximum = 10)]
    pub parts: Option<i32>,
    /// The language of title and texts.
    #[schema(pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
    pub language: Option<String>,
    /// All texts in further languages.
    #[schema(max_items = 20)]
    pub translations: Option<Vec<Translation>>,
    /// The script. Inputs that nobody has asked for yet are made anew.
    pub generation_script: Option<String>,
    /// With a new script: also replace the inputs of those who have begun but not finished.
    pub regenerate_started: bool,
    /// Tags.
    pub categories: Option<Vec<String>>,
    /// 1 to 10; null for none.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i32>)]
    pub difficulty_level: Option<Option<i32>>,
    /// Takes no answers so long after its release; null stays open to the end.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i32>)]
    pub closes_after_minutes: Option<Option<i32>>,
    /// How answers are judged, which holds for those to come, and what parts bring, which stays once the challenge is released.
    pub answers: Option<Vec<AnswerRule>>,
    /// The script that says whether an answer is right, for answers to come; null has them compared.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub checker_script: Option<Option<String>>,
    /// All hints, in their order. Those that somebody has unlocked can be edited but not removed.
    pub hints: Option<Vec<HintDraft>>,
}

impl Challenge {
    /// What its author wrote, for who may see it; for others without what is secret.
    pub(crate) fn draft(&self) -> ChallengeDraft {
        let authoring = self.authoring.clone();
        ChallengeDraft {
            slug: Some(self.slug.clone()),
            title: self.title.clone(),
            description: self.description.clone(),
            part_descriptions: self.part_descriptions.clone(),
            parts: self.parts,
            language: self.languages.first().cloned().unwrap_or_else(usual_language),
            translations: authoring.as_ref().map(|a| a.translations.clone()).unwrap_or_default(),
            generation_script: authoring.as_ref().map(|a| a.generation_script.clone()).unwrap_or_default(),
            categories: authoring.as_ref().map(|a| a.categories.clone()).unwrap_or_default(),
            difficulty_level: authoring.as_ref().and_then(|a| a.difficulty_level),
            closes_after_minutes: authoring.as_ref().and_then(|a| a.closes_after_minutes),
            answers: authoring.as_ref().map(|a| a.answers.clone()).unwrap_or_default(),
            checker_script: authoring.as_ref().and_then(|a| a.checker_script.clone()),
            hints: authoring.map(|a| a.hints).unwrap_or_default(),
        }
    }
}

impl ChallengeDraft {
    /// Whether the two say the same; hints are the same whatever their ids, translations in whatever order.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let bare = |draft: &Self| {
            let hints = draft.hints.iter().map(|hint| HintDraft { id: None, ..hint.clone() }).collect();
            let mut translations = draft.translations.clone();
            translations.sort_by(|a, b| a.language.cmp(&b.language));
            Self { translations, hints, ..draft.clone() }
        };
        bare(self) == bare(other)
    }
}

impl ChallengePatch {
    /// The challenge as it is to be.
    pub(crate) fn applied(&self, old: &ChallengeDraft) -> ChallengeDraft {
        fn or<T: Clone>(new: Option<&T>, old: &T) -> T {
            new.unwrap_or(old).clone()
        }
        ChallengeDraft {
            slug: self.slug.clone().or_else(|| old.slug.clone()),
            title: or(self.title.as_ref(), &old.title),
            description: or(self.description.as_ref(), &old.description),
            part_descriptions: or(self.part_descriptions.as_ref(), &old.part_descriptions),
            parts: self.parts.unwrap_or(old.parts),
            language: or(self.language.as_ref(), &old.language),
            translations: or(self.translations.as_ref(), &old.translations),
            generation_script: or(self.generation_script.as_ref(), &old.generation_script),
            categories: or(self.categories.as_ref(), &old.categories),
            difficulty_level: self.difficulty_level.unwrap_or(old.difficulty_level),
            closes_after_minutes: self.closes_after_minutes.unwrap_or(old.closes_after_minutes),
            answers: or(self.answers.as_ref(), &old.answers),
            checker_script: or(self.checker_script.as_ref(), &old.checker_script),
            hints: or(self.hints.as_ref(), &old.hints),
        }
    }
}

/// Tells null from left out.
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
