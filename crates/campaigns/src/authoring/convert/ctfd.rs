//! An unpacked export of `CTFd`: challenges with their flags, hints, files and points.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ConvertError, Made, Mistake, answers, bytes, text};
use crate::authoring::convert::ConvertError::Unreadable;

#[derive(Deserialize)]
struct Table<T> {
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Challenge {
    id: i64,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    value: Option<i64>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    max_attempts: Option<i64>,
    #[serde(default)]
    connection_info: Option<String>,
    #[serde(default)]
    requirements: Option<Value>,
}

#[derive(Deserialize)]
struct Flag {
    challenge_id: i64,
    content: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    data: Option<String>,
}

#[derive(Deserialize)]
struct Hint {
    challenge_id: i64,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    cost: Option<i64>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    challenge_id: Option<i64>,
    location: String,
}

#[derive(Deserialize)]
struct Dynamic {
    id: i64,
    #[serde(default)]
    initial: Option<i64>,
    #[serde(default)]
    minimum: Option<i64>,
    #[serde(default)]
    decay: Option<i64>,
}

fn table<T: DeserializeOwned>(source: &Path, file: &str) -> Result<Vec<T>, ConvertError> {
    let path = source.join("db").join(file);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let source = text(&path)?;
    if source.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str::<Table<T>>(&source)
        .map(|table| table.results)
        .map_err(|error| Unreadable { file: path, why: error.to_string() })
}

/// Reads an export.
#[expect(clippy::too_many_lines, reason = "table after table")]
pub(super) fn read(source: &Path, left_out: &mut Vec<Mistake>) -> Result<Vec<Made>, ConvertError> {
    let mut left = |file: &str, why: String| left_out.push(Mistake::of(format!("db/{file}"), why));
    let mut challenges: Vec<Challenge> = table(source, "challenges.json")?;
    challenges.sort_by_key(|challenge| challenge.id);
    let (flags, hints): (Vec<Flag>, Vec<Hint>) = (table(source, "flags.json")?, table(source, "hints.json")?);
    let files: Vec<Stored> = table(source, "files.json")?;
    let dynamic: Vec<Dynamic> = table(source, "dynamic_challenge.json")?;
    let mut made = Vec::new();
    for challenge in challenges {
        let named = |what: &str| format!("`{}`: {what}", challenge.name);
        let own: Vec<&Flag> = flags.iter().filter(|flag| flag.challenge_id == challenge.id).collect();
        let is_plain = |flag: &&&Flag| flag.kind.as_deref().unwrap_or("static") == "static";
        for flag in own.iter().filter(|flag| !is_plain(flag)) {
            let kind = flag.kind.as_deref().unwrap_or_default();
            left(
                "flags.json",
                named(&format!("a flag of the kind {kind} is not carried over; write a check.py for it")),
            );
        }
        let plain: Vec<&&Flag> = own.iter().filter(is_plain).collect();
        if plain.is_empty() {
            left("challenges.json", named("has no plain flag, so the whole challenge is left out"));
            continue;
        }
        let mut of = Made { slug: challenge.name.clone(), ..Made::default() };
        of.settings.insert("title".to_owned(), title(&challenge.name).into());
        if let Some(category) =
            challenge.category.as_deref().and_then(|category| kernel::text::name(category, 100))
        {
            of.settings.insert("categories".to_owned(), vec![category.to_owned()].into());
        }
        let texts: Vec<toml::Value> = plain.iter().map(|flag| flag.content.clone().into()).collect();
        of.settings.insert("flags".to_owned(), texts.into());
        let mut rule = toml::Table::new();
        if plain.iter().any(|flag| flag.data.as_deref() == Some("case_insensitive")) {
            rule.insert("ignore_case".to_owned(), true.into());
        }
        let decays = dynamic.iter().find(|dynamic| dynamic.id == challenge.id);
        let points = decays.and_then(|decays| decays.initial).or(challenge.value);
        if let Some(points) = points.filter(|points| (0..=1_000_000).contains(points)) {
            rule.insert("points".to_owned(), points.into());
        }
        if let Some(Dynamic { minimum, decay, .. }) = decays {
            left(
                "dynamic_challenge.json",
                named(&format!(
                    "its points decay (to {} after {} solves); here they shrink by the campaign's `points_decrease_step` with each",
                    minimum.unwrap_or(0),
                    decay.unwrap_or(0)
                )),
            );
        }
        if !rule.is_empty() {
            of.settings.insert("answers".to_owned(), answers(rule));
        }
        of.readme = format!(
            "# {}\n\n{}\n",
            title(&challenge.name),
            challenge.description.as_deref().unwrap_or_default().trim()
        );
        let kept: Vec<toml::Value> = hints
            .iter()
            .filter(|hint| hint.challenge_id == challenge.id)
            .filter_map(|hint| {
                let mut table = toml::Table::new();
                table.insert(
                    "text".to_owned(),
                    hint.content.clone().filter(|text| !text.trim().is_empty())?.into(),
                );
                table.insert("penalty".to_owned(), hint.cost.unwrap_or(0).max(0).into());
                Some(toml::Value::Table(table))
            })
            .collect();
        if !kept.is_empty() {
            of.settings.insert("hints".to_owned(), kept.into());
        }
        for file in files.iter().filter(|file| file.challenge_id == Some(challenge.id)) {
            let Some(called) = file.location.rsplit('/').next().filter(|_| !file.location.contains(".."))
            else {
                continue;
            };
            let path = source.join("uploads").join(&file.location);
            if path.is_file() {
                of.files.push((format!("attachments/{called}"), bytes(&path)?));
            } else {
                left("files.json", named(&format!("the file {} is not in the export", file.location)));
            }
        }
        for (is_there, why) in [
            (challenge.state.as_deref() == Some("hidden"), "was hidden; here it is released in its turn"),
            (
                challenge.max_attempts.is_some_and(|most| most > 0),
                "its bound of attempts is not carried over; use `[rate_limit]`",
            ),
            (
                challenge.connection_info.as_deref().is_some_and(|info| !info.trim().is_empty()),
                "its service is not carried over",
            ),
            (
                challenge.requirements.as_ref().is_some_and(|value| !value.is_null()),
                "its requirements are not carried over",
            ),
            (
                challenge.kind.as_deref().is_some_and(|kind| !matches!(kind, "standard" | "dynamic")),
                "is of a kind of its own; only its text, flags, hints and files are carried over",
            ),
        ] {
            if is_there {
                left("challenges.json", named(why));
            }
        }
        made.push(of);
    }
    for (file, what) in [
        ("pages.json", "pages"),
        ("teams.json", "teams"),
        ("users.json", "users"),
        ("submissions.json", "submissions"),
    ] {
        let rows: Vec<Value> = table(source, file).unwrap_or_default();
        if !rows.is_empty() {
            left(file, format!("{} {what} are not carried over", rows.len()));
        }
    }
    Ok(made)
}

fn title(name: &str) -> String {
    kernel::text::name(name, 200).map_or_else(|| "Challenge".to_owned(), str::to_owned)
}
