//! What a checker reads and what it prints.

use sandbox::generator::alternatives;
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest message to a participant, in characters.
const MAX_MESSAGE: usize = 500;

/// What a checker said of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it is right.
    pub correct: bool,
    /// What share of the part's points a right answer brings, in per cent: 1 to 100.
    pub share: i32,
    /// What the participant is told.
    pub message: Option<String>,
}

/// What a checker finds on standard input.
pub(super) fn input(input: &Value, expected: &str, (part, answer): (i32, &str)) -> Vec<u8> {
    let results: Vec<&str> = alternatives(expected).collect();
    let result = match results.as_slice() {
        [only] => json!(only),
        several => json!(several),
    };
    json!({ "part": part, "input": input, "result": result, "answer": answer }).to_string().into_bytes()
}

/// Reads what a checker printed, or says in its author's words what is wrong with it.
pub(super) fn read(stdout: &[u8]) -> Result<Said, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Printed {
        correct: bool,
        #[serde(default)]
        share: Option<f64>,
        #[serde(default)]
        message: Option<String>,
    }
    const EXPECTED: &str = "a checker prints one JSON object {\"correct\": true} or {\"correct\": false}, with \"share\" and \"message\" where it likes";
    let text =
        std::str::from_utf8(stdout).map_err(|_| format!("its output is not UTF-8 text; {EXPECTED}"))?.trim();
    let printed = match serde_json::from_str::<Value>(text) {
        Ok(Value::Bool(correct)) => Printed { correct, share: None, message: None },
        Ok(object @ Value::Object(_)) => {
            serde_json::from_value(object).map_err(|error| format!("{error}; {EXPECTED}"))?
        }
        _ => {
            let shown: String = text.chars().take(60).collect();
            return Err(format!("it printed {shown:?}; {EXPECTED}"));
        }
    };
    let share = match printed.share {
        None => 100,
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 100")]
        Some(share) if share > 0.0 && share <= 1.0 => ((share * 100.0 + 1e-9).floor() as i32).max(1),
        Some(share) => {
            return Err(format!(
                "its \"share\" is {share}; expected more than 0 and at most 1, of the part's points"
            ));
        }
    };
    let message =
        printed.message.map(|message| message.trim().to_owned()).filter(|message| !message.is_empty());
    if let Some(long) = message.as_ref().map(|message| message.chars().count()).filter(|n| *n > MAX_MESSAGE) {
        return Err(format!("its \"message\" is {long} characters long; at most {MAX_MESSAGE} are shown"));
    }
    if message.as_ref().is_some_and(|message| message.contains('\0')) {
        return Err("its \"message\" contains the character NUL".to_owned());
    }
    Ok(Said { correct: printed.correct, share: if printed.correct { share } else { 100 }, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_and_anything_else_is_explained() {
        let said = |correct, share, message: Option<&str>| Said {
            correct,
            share,
            message: message.map(str::to_owned),
        };
        for (printed, expected) in [
            ("true", said(true, 100, None)),
            (" false\n", said(false, 100, None)),
            ("{\"correct\": true}", said(true, 100, None)),
            ("{\"correct\": true, \"share\": 0.5, \"message\": \" close \"}", said(true, 50, Some("close"))),
            ("{\"correct\": true, \"share\": 0.29}", said(true, 29, None)),
            ("{\"correct\": true, \"share\": 0.001}", said(true, 1, None)),
            ("{\"correct\": false, \"share\": 0.5, \"message\": \"\"}", said(false, 100, None)),
        ] {
            assert_eq!(read(printed.as_bytes()), Ok(expected), "{printed}");
        }
        for (printed, words) in [
            ("", "it printed \"\""),
            ("yes", "it printed \"yes\""),
            ("1", "it printed \"1\""),
            ("true\ntrue", "it printed"),
            ("{}", "missing field `correct`"),
            ("{\"correct\": 1}", "invalid type"),
            ("{\"correct\": true, \"points\": 3}", "unknown field `points`"),
            ("{\"correct\": true, \"share\": 0}", "more than 0 and at most 1"),
            ("{\"correct\": true, \"share\": 1.5}", "more than 0 and at most 1"),
        ] {
            assert!(read(printed.as_bytes()).unwrap_err().contains(words), "{printed}");
        }
        let long = json!({ "correct": true, "message": "x".repeat(501) }).to_string();
        assert!(read(long.as_bytes()).unwrap_err().contains("501 characters"));
        assert!(read(b"\xff").is_err());
    }

    #[test]
    fn a_checker_reads_part_input_result_and_answer() {
        let read = |expected: &str| -> Value {
            serde_json::from_slice(&input(&json!("1 2"), expected, (2, "x"))).unwrap()
        };
        assert_eq!(read("7"), json!({ "part": 2, "input": "1 2", "result": "7", "answer": "x" }));
        assert_eq!(read("7\u{1f}8")["result"], json!(["7", "8"]));
    }
}
