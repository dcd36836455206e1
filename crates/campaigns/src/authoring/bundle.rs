//! The bundle: all that an author wrote, without anything that a guild added.

use kernel::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::CampaignSettings;
use crate::rules::{self, MAX_AMOUNT};

/// The line of a README that parts the text of part one from that of part two.
pub const PART_TWO_MARK: &str = "<!-- part two -->";
/// The most challenges a campaign may have.
pub(crate) const MAX_CHALLENGES: usize = 200;
/// The most hints a challenge may have.
pub(crate) const MAX_HINTS: usize = 20;

/// A campaign with its challenges, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The campaign's settings, as in `campaign.toml`.
    pub campaign: CampaignSettings,
    /// Its challenges, in the order of their release.
    #[serde(default)]
    pub challenges: Vec<ChallengeBundle>,
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
    /// How many answers it has: 1 or 2.
    #[serde(default = "one")]
    pub parts: i32,
    /// Markdown, of part one where there are two.
    pub description: String,
    /// Markdown of part two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_part2: Option<String>,
    /// The Python script that makes inputs.
    pub generation_script: String,
    /// Its hints, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<HintBundle>,
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
    wrong
}

/// Everything that is wrong with one challenge.
pub(crate) fn challenge_check(c: &ChallengeBundle) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut that = |holds: bool, field: String, message: &str| {
        if !holds {
            wrong.push(FieldError { field, message: message.to_owned() });
        }
    };
    let length = |text: &str| text.chars().count();
    that(
        slug_fits(&c.slug),
        "slug".into(),
        "must be 1 to 64 lower-case letters, digits and dashes, and not begin with a dash",
    );
    that((1..=200).contains(&length(c.title.trim())), "title".into(), "must be 1 to 200 characters");
    that(matches!(c.parts, 1 | 2), "parts".into(), "must be 1 or 2");
    that(c.difficulty.is_none_or(|d| (1..=10).contains(&d)), "difficulty".into(), "must be between 1 and 10");
    that(
        c.closes_after_minutes.is_none_or(|m| (1..=5_256_000).contains(&m)),
        "closes_after_minutes".into(),
        "must be between 1 and 5256000",
    );
    that(c.categories.len() <= 50, "categories".into(), "must be at most 50");
    that(
        c.categories.iter().all(|t| (1..=100).contains(&length(t))),
        "categories".into(),
        "must be 1 to 100 characters each",
    );
    that(
        (1..=100_000).contains(&length(&c.description)),
        "description".into(),
        "must be 1 to 100,000 characters",
    );
    that(
        c.description_part2.as_ref().is_none_or(|d| (1..=100_000).contains(&length(d))),
        "description_part2".into(),
        "must be 1 to 100,000 characters",
    );
    that(
        c.description_part2.is_some() == (c.parts == 2),
        "description_part2".into(),
        "is needed for two parts, and only for two",
    );
    that(
        (1..=262_144).contains(&c.generation_script.len()),
        "generation_script".into(),
        "must be 1 byte to 256 KiB",
    );
    that(c.hints.len() <= MAX_HINTS, "hints".into(), "must be at most 20");
    for (i, hint) in c.hints.iter().enumerate() {
        let at = |field: &str| format!("hints[{i}].{field}");
        that((1..=10_000).contains(&length(hint.text.trim())), at("text"), "must be 1 to 10,000 characters");
        that(1 <= hint.part && hint.part <= c.parts, at("part"), "is not a part of this challenge");
        that(
            (0..=MAX_AMOUNT).contains(&hint.cost_bytes),
            at("cost_bytes"),
            "must be between 0 and 1000000000",
        );
        that((0..=MAX_AMOUNT).contains(&hint.penalty), at("penalty"), "must be between 0 and 1000000000");
    }
    wrong
}

/// Whether a folder may be called so.
pub(crate) fn slug_fits(slug: &str) -> bool {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&slug.len()) && slug.bytes().all(ok) && !slug.starts_with('-')
}
