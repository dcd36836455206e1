//! What a program's runs come to. The learner's program and whatever judges it never share a process: a run's output is all
//! that reaches the judge.

use serde::Deserialize;
use serde_json::json;

use crate::model::coding::{CodeFeedback, CodeTest, CodeTestResult, Coding};

/// The most of a program's output that is told, in characters.
const TOLD: usize = 4_000;

/// How one test ended: what the program printed, or why it ended badly.
pub type Ended = Result<String, String>;

/// What an author's checker prints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Verdicts {
    /// A verdict a test, in their order.
    pub passed: Vec<bool>,
    /// What to tell of each.
    #[serde(default)]
    pub feedback: Vec<String>,
}

/// What an author's checker reads. Of a test that ended badly the output is empty, so that whoever takes it apart need not ask; `error`
/// says why.
pub fn checker_input(coding: &Coding, ended: &[Ended]) -> Vec<u8> {
    let tests: Vec<_> = coding
        .tests
        .iter()
        .zip(ended)
        .map(|(test, ended)| {
            let output = ended.as_deref().unwrap_or_default();
            json!({ "name": test.name, "stdin": test.stdin, "expected": test.expected, "output": output,
                    "error": ended.as_ref().err() })
        })
        .collect();
    json!({ "tests": tests }).to_string().into_bytes()
}

/// What an author's checker printed, if it is a verdict on so many tests.
pub fn checker_output(stdout: &[u8], tests: usize) -> Result<Verdicts, String> {
    let read: Verdicts = serde_json::from_slice(stdout)
        .map_err(|error| format!("the checker must print {{\"passed\": [true, …]}}: {error}"))?;
    if read.passed.len() != tests {
        return Err(format!(
            "the checker must print a verdict for each of the {tests} tests, not {}",
            read.passed.len()
        ));
    }
    Ok(read)
}

/// Which tests are passed: by the checker's verdicts where there is one, else by comparing what was printed. What ended badly
/// is not passed, whatever a checker says.
pub fn passed(coding: &Coding, ended: &[Ended], verdicts: Option<&Verdicts>) -> Vec<bool> {
    coding
        .tests
        .iter()
        .zip(ended)
        .enumerate()
        .map(|(n, (test, ended))| match (ended, verdicts) {
            (Err(_), _) => false,
            (Ok(_), Some(verdicts)) => verdicts.passed.get(n).copied().unwrap_or(false),
            (Ok(output), None) => {
                test.expected.as_deref().is_some_and(|expected| plain(expected) == plain(output))
            }
        })
        .collect()
}

/// What the learner is told: everything of visible tests, of hidden ones how many.
pub fn feedback(
    coding: &Coding,
    ended: &[Ended],
    passed: &[bool],
    verdicts: Option<&Verdicts>,
) -> CodeFeedback {
    let mut told = CodeFeedback { tests: Vec::new(), hidden_passed: 0, hidden_total: 0 };
    for (n, ((test, ended), passed)) in coding.tests.iter().zip(ended).zip(passed).enumerate() {
        if test.hidden {
            told.hidden_total += 1;
            told.hidden_passed += u32::from(*passed);
        } else {
            let said = verdicts.and_then(|verdicts| verdicts.feedback.get(n)).filter(|text| !text.is_empty());
            told.tests.push(visible(test, ended, *passed, said.map(String::as_str)));
        }
    }
    told
}

fn visible(test: &CodeTest, ended: &Ended, passed: bool, feedback: Option<&str>) -> CodeTestResult {
    // What the program printed may be anything.
    let short = |text: &str| sandbox::readable(text).chars().take(TOLD).collect::<String>();
    CodeTestResult {
        name: test.name.clone(),
        passed,
        stdin: short(&test.stdin),
        expected: test.expected.as_deref().map(short),
        output: ended.as_deref().map(short).unwrap_or_default(),
        error: ended.as_ref().err().map(|error| short(error)),
        feedback: feedback.map(short),
    }
}

/// Without what nobody sees: white space at the ends of lines and of the whole.
fn plain(text: &str) -> String {
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(checker: bool) -> Coding {
        serde_json::from_value(json!({
            "checker": checker.then_some("print()"),
            "tests": [
                { "name": "two", "stdin": "1 1", "expected": "2\n" },
                { "name": "secret", "stdin": "40 2", "expected": "42", "hidden": true },
                { "name": "hidden too", "stdin": "0 0", "expected": "0", "hidden": true },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn output_is_compared_and_hidden_tests_stay_hidden() {
        let coding = coding(false);
        let ended =
            [Ok("2  \n\n".to_owned()), Ok("all passed".to_owned()), Err("it ran out of time".to_owned())];
        let passed = passed(&coding, &ended, None);
        assert_eq!(passed, [true, false, false]);
        let told = feedback(&coding, &ended, &passed, None);
        assert_eq!((told.tests.len(), told.hidden_passed, told.hidden_total), (1, 0, 2));
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("secret") && !text.contains("42") && !text.contains("hidden too"), "{text}");
    }

    #[test]
    fn what_cannot_be_kept_or_shown_of_an_output_is_replaced() {
        let coding = coding(false);
        let ended = [Ok("2\0\x1b[2J".to_owned()), Err("\0".to_owned()), Ok(String::new())];
        let told = feedback(&coding, &ended, &passed(&coding, &ended, None), None);
        assert_eq!(told.tests[0].output, "2\u{fffd}\u{fffd}[2J");
    }

    #[test]
    fn a_checker_judges_but_what_ended_badly_is_not_passed() {
        let coding = coding(true);
        let ended = [Ok("x".to_owned()), Err("boom".to_owned()), Ok("y".to_owned())];
        let verdicts =
            checker_output(br#"{"passed": [true, true, false], "feedback": ["well done"]}"#, 3).unwrap();
        assert_eq!(passed(&coding, &ended, Some(&verdicts)), [true, false, false]);
        assert_eq!(
            feedback(&coding, &ended, &[true, false, false], Some(&verdicts)).tests[0].feedback.as_deref(),
            Some("well done")
        );
        for wrong in [&b"all passed"[..], br#"{"passed": [true]}"#, br#"{"passed": "yes"}"#] {
            assert!(checker_output(wrong, 3).is_err());
        }
    }
}
