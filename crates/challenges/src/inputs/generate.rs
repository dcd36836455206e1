//! One run of a script for one participant, and whether what it made can be used.

use std::sync::Arc;

use sandbox::{Job, Sandbox, generator};
use serde_json::Value;

use super::store::{Made, Script};
use crate::model::Participant;
use crate::rules::{MAX_ANSWER_BYTES, alternatives, seed};

/// Why there is no input.
pub(super) struct Failure {
    /// What is wrong with the script; `None` where it is not the script's fault.
    pub(super) for_author: Option<String>,
    /// What participants are told.
    pub(super) for_participants: &'static str,
}

/// Runs the script, seeded for this participant.
pub(super) async fn generate(
    sandbox: &Sandbox,
    script: &Script,
    participant: &Participant,
) -> Result<Made, Failure> {
    let job = Job {
        script: Arc::clone(&script.text),
        file_name: Arc::clone(&script.file_name),
        seed: seed(&script.secret, &script.slug, &participant.id),
        files: Arc::clone(&script.files),
        ..Job::default()
    };
    let generated =
        generator::generate(sandbox, script.guild_id.get(), job).await.map_err(|error| Failure {
            for_author: error.is_authors().then(|| error.to_string()),
            for_participants: error.for_participants(),
        })?;
    if let Some(problem) = unusable(script.parts, &generated.input, &generated.results) {
        return Err(Failure {
            for_author: Some(problem),
            for_participants: "This challenge's input could not be made. Its author has been told; please try again later.",
        });
    }
    Ok(Made {
        participant: participant.clone(),
        input: generated.input,
        results: generated.results,
        files: generated.files,
    })
}

/// What is wrong with an input and its answers, in the author's words.
pub(crate) fn unusable(parts: i32, input: &Value, results: &[String]) -> Option<String> {
    let given = i32::try_from(results.len()).unwrap_or(i32::MAX);
    if given != parts {
        return Some(format!(
            "the challenge has {parts} part{}, but `result` has {given} answer{}",
            if parts == 1 { "" } else { "s" },
            if given == 1 { "" } else { "s" },
        ));
    }
    let long =
        results.iter().flat_map(|result| alternatives(result)).find(|answer| answer.len() > MAX_ANSWER_BYTES);
    if let Some(long) = long {
        return Some(format!(
            "an answer is {} bytes long; nobody can submit more than {MAX_ANSWER_BYTES}",
            long.len()
        ));
    }
    if results.iter().any(|result| result.contains('\0')) || holds_zero(input) {
        return Some("`input` and `result` must not contain zero characters (\\u0000)".to_owned());
    }
    None
}

fn holds_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_zero),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || holds_zero(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_used_is_said_in_the_authors_words() {
        let results = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(unusable(1, &json!("x"), &results(&["1"])), None);
        let two = unusable(2, &json!("x"), &results(&["1"])).unwrap();
        assert_eq!(two, "the challenge has 2 parts, but `result` has 1 answer");
        assert!(unusable(1, &json!({"a": ["\0"]}), &results(&["1"])).unwrap().contains("zero"));
        assert!(unusable(1, &json!("x"), &["9".repeat(5000)]).unwrap().contains("5000 bytes"));
    }
}
