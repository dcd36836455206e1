//! The bundle: all that an author wrote, without anything that a guild added.

use challenges::catalogue::{
    ChallengeDraft, HintDraft, MAX_CHALLENGES, Translation, USUAL_LANGUAGE, draft_check,
};
use challenges::rules::AnswerRule;
use kernel::FieldError;
use kernel::files::FileBundle;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::carried::files_of;

use crate::model::CampaignSettings;
use crate::rules;

/// A campaign with its challenges, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The campaign's settings, as in `campaign.toml`.
    pub campaign: CampaignSettings,
    /// Its challenges, in the order of their release.
    #[serde(default)]
    pub challenges: Vec<ChallengeBundle>,
    /// What all its scripts can import and read, by the path under `lib/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub library: Vec<FileBundle>,
}

/// A challenge, as its folder has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeBundle {
    /// The folder's name: lower-case letters, digits and dashes, at most 64. Inputs are seeded with it.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "03-water-carriers")]
    pub slug: String,
    /// Title, 1 to 200 characters.
    pub title: String,
    /// Tags for admins, never shown to participants.
    #[serde(default)]
    pub categories: Vec<String>,
    /// 1 to 10, for admins, never shown to participants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<i32>,
    /// Takes no answers this many minutes after its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_after_minutes: Option<i32>,
    /// How many answers it has: 1 to 10.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 10)]
    pub parts: i32,
    /// Markdown, of part one where there are several.
    pub description: String,
    /// Markdown of each part from the second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 9)]
    pub part_descriptions: Vec<String>,
    /// The language of title and texts, as a tag: `de`, `pt-BR`.
    #[serde(default = "usual_language", skip_serializing_if = "is_usual")]
    #[schema(default = "en", pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
    pub language: String,
    /// Title and texts in further languages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub translations: Vec<Translation>,
    /// The Python script that makes inputs.
    pub generation_script: String,
    /// How answers are judged and what parts bring: one for all parts or one each; none compares exactly, for the campaign's
    /// points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerRule>,
    /// The Python script that says whether an answer is right, where comparing does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker_script: Option<String>,
    /// Its hints, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<HintBundle>,
    /// What its script can import and read, by the path under `files/`; nobody else sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileBundle>,
    /// What participants download once the challenge is released, the pictures of its text among them, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileBundle>,
}

/// A hint of a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HintBundle {
    /// Markdown, at most 10,000 characters.
    pub text: String,
    /// Bytes that unlocking costs.
    #[serde(default)]
    pub cost_bytes: i64,
    /// Points (`point_based`) or seconds (`time_based`) off the score.
    #[serde(default)]
    pub penalty: i64,
    /// The part it helps with.
    #[serde(default = "one")]
    pub part: i32,
}

const fn one() -> i32 {
    1
}

fn usual_language() -> String {
    USUAL_LANGUAGE.to_owned()
}

fn is_usual(language: &str) -> bool {
    language == USUAL_LANGUAGE
}

/// Everything that is wrong with a bundle, each with the path of its field.
pub fn bundle_check(bundle: &Bundle) -> Vec<FieldError> {
    let mut wrong: Vec<FieldError> = rules::settings_check(&bundle.campaign)
        .into_iter()
        .map(|e| FieldError { field: format!("campaign.{}", e.field), ..e })
        .collect();
    if bundle.challenges.len() > MAX_CHALLENGES {
        wrong.push(FieldError {
            field: "challenges".into(),
            message: format!("must be at most {MAX_CHALLENGES}"),
        });
    }
    let mut slugs = std::collections::HashSet::new();
    for (i, challenge) in bundle.challenges.iter().enumerate() {
        let prefix = format!("challenges[{i}]");
        let at = |e: FieldError| FieldError { field: format!("{prefix}.{}", e.field), message: e.message };
        wrong.extend(challenge_check(challenge).into_iter().map(at));
        if !slugs.insert(&challenge.slug) {
            wrong.push(FieldError {
                field: format!("{prefix}.slug"),
                message: "is taken by an earlier challenge".into(),
            });
        }
    }
    match files_of(&bundle.library, &bundle.challenges) {
        Ok(files) => {
            let place = |slug: &str| {
                let n =
                    bundle.challenges.iter().position(|challenge| challenge.slug == slug).unwrap_or_default();
                format!("challenges[{n}]")
            };
            wrong.extend(files.check(place));
        }
        Err(unreadable) => wrong.extend(unreadable),
    }
    wrong
}

/// Everything that is wrong with one challenge: by the rules for every challenge, under the bundle's names of the fields.
pub(crate) fn challenge_check(c: &ChallengeBundle) -> Vec<FieldError> {
    draft_check(&c.into()).into_iter().map(renamed).collect()
}

/// A fault of a challenge under the bundle's name of its field.
pub(crate) fn renamed(mut fault: FieldError) -> FieldError {
    if let Some(challenge) = fault.field.strip_suffix("difficulty_level") {
        fault.field = format!("{challenge}difficulty");
    } else if let Some(hint) = fault.field.strip_suffix(".body") {
        fault.field = format!("{hint}.text");
    }
    fault
}

impl From<&ChallengeBundle> for ChallengeDraft {
    fn from(c: &ChallengeBundle) -> Self {
        let hints = c.hints.iter().map(|hint| HintDraft {
            id: None,
            body: hint.text.clone(),
            part: hint.part,
            cost_bytes: hint.cost_bytes,
            penalty: hint.penalty,
        });
        Self {
            slug: Some(c.slug.clone()),
            title: c.title.clone(),
            description: c.description.clone(),
            part_descriptions: c.part_descriptions.clone(),
            parts: c.parts,
            language: c.language.clone(),
            translations: c.translations.clone(),
            generation_script: c.generation_script.clone(),
            categories: c.categories.clone(),
            difficulty_level: c.difficulty,
            closes_after_minutes: c.closes_after_minutes,
            answers: c.answers.clone(),
            checker_script: c.checker_script.clone(),
            hints: hints.collect(),
        }
    }
}

impl From<ChallengeDraft> for ChallengeBundle {
    fn from(draft: ChallengeDraft) -> Self {
        let hints = draft.hints.into_iter().map(|hint| HintBundle {
            text: hint.body,
            cost_bytes: hint.cost_bytes,
            penalty: hint.penalty,
            part: hint.part,
        });
        Self {
            slug: draft.slug.unwrap_or_default(),
            title: draft.title,
            categories: draft.categories,
            difficulty: draft.difficulty_level,
            closes_after_minutes: draft.closes_after_minutes,
            parts: draft.parts,
            description: draft.description,
            part_descriptions: draft.part_descriptions,
            language: draft.language,
            translations: draft.translations,
            generation_script: draft.generation_script,
            answers: draft.answers,
            checker_script: draft.checker_script,
            hints: hints.collect(),
            files: Vec::new(),
            attachments: Vec::new(),
        }
    }
}
