//! Reading what a generator printed, and saying what is wrong with it in the author's words.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::files::{self, File};

/// What is wrong with a generator's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputError(String);

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OutputError {}

const EXPECTED: &str =
    "a generator prints exactly one JSON object {\"input\": …, \"result\": …} on standard output";

/// The most bytes an answer may have, without white space at its ends: both what a generator says and what is submitted.
pub const MAX_ANSWER_BYTES: usize = 4096;

/// The most parts that a challenge may have.
pub const MAX_PARTS: i32 = 10;

/// The most right answers that a part may have.
const MOST_ALTERNATIVES: usize = 20;
/// What parts several right answers to one part. No answer holds it: nobody can type it.
const ALTERNATIVE: char = '\u{1f}';

/// The right answers to a part.
pub fn alternatives(expected: &str) -> std::str::Split<'_, char> {
    expected.split(ALTERNATIVE)
}

/// The right answers to a part, for people.
pub fn shown_answer(expected: &str) -> Cow<'_, str> {
    if expected.contains(ALTERNATIVE) {
        Cow::Owned(alternatives(expected).collect::<Vec<_>>().join(" or "))
    } else {
        Cow::Borrowed(expected)
    }
}

/// An answer as it is kept and compared: without white space at either end (Unicode's notion of it), and with the line ends
/// that Unix has. Nothing else is changed: `42`, `42.0` and `042` are three answers.
pub fn canonical(answer: &str) -> Cow<'_, str> {
    let answer = answer.trim();
    if answer.contains('\r') {
        Cow::Owned(answer.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(answer)
    }
}

/// The first character of an answer for which nobody could submit it: a control character other than a tab or a line's end.
pub fn untypable(answer: &str) -> Option<char> {
    answer.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn wrong<T>(problem: impl fmt::Display) -> Result<T, OutputError> {
    Err(OutputError(problem.to_string()))
}

/// Reads a generator's standard output: the input, the answers in canonical text, and the participant's files.
///
/// # Errors
/// A sentence that says what is wrong and what was expected.
pub fn read_output(stdout: &[u8]) -> Result<(Value, Vec<String>, Vec<File>), OutputError> {
    let text = match std::str::from_utf8(stdout) {
        Ok(text) => text.trim(),
        Err(error) => {
            return wrong(format_args!(
                "its output is not UTF-8 text (byte {}); {EXPECTED}",
                error.valid_up_to()
            ));
        }
    };
    if text.is_empty() {
        return wrong(format_args!("it printed nothing; {EXPECTED}"));
    }
    let Some(at) = text.find('{') else {
        return wrong(format_args!("it printed {} and no JSON object; {EXPECTED}", shown(text)));
    };
    if at > 0 && whole::<&RawValue>(text).is_ok() {
        return wrong(format_args!(
            "it printed {}, which is JSON but not an object; {EXPECTED}",
            shown(text)
        ));
    }
    if at > 0 {
        return wrong(format_args!(
            "it printed other text before the JSON object: {}; {EXPECTED} (print notes to sys.stderr)",
            shown(&text[..at])
        ));
    }
    let members = members(text)?;
    let find = |key: &str| -> Result<&RawValue, OutputError> {
        let mut found = members.iter().filter(|(name, _)| name == key);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            (Some(_), Some(_)) => wrong(format_args!("its JSON object has the key \"{key}\" twice")),
            (None, _) => {
                let keys: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                let keys =
                    if keys.is_empty() { "no keys".to_owned() } else { format!("only {}", keys.join(", ")) };
                wrong(format_args!("its JSON object lacks the key \"{key}\" (it has {keys}); {EXPECTED}"))
            }
        }
    };
    let (input, result) = (find("input")?, find("result")?);
    let files = members.iter().find(|(name, _)| name == "files").map(|(_, raw)| read_files(raw));
    Ok((read_input(input)?, read_results(result)?, files.transpose()?.unwrap_or_default()))
}

/// What a participant's files may be, beyond what each may be called.
pub(super) fn made_files(files: &[File]) -> Result<(), OutputError> {
    files::made_check(files).map_err(OutputError)
}

/// `files`: each by its name, as text or as `{"base64": "…"}`.
fn read_files(raw: &RawValue) -> Result<Vec<File>, OutputError> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Content {
        Text(String),
        Bytes { base64: String },
    }
    let Ok(named) = whole::<serde_json::Map<String, Value>>(raw.get()) else {
        return wrong(
            "its \"files\" is no object; expected {\"name.txt\": \"text\", \"name.png\": {\"base64\": \"…\"}}",
        );
    };
    let mut made = Vec::with_capacity(named.len());
    for (path, value) in named {
        let content = match serde_json::from_value(value) {
            Ok(Content::Text(text)) => text.into_bytes(),
            Ok(Content::Bytes { base64 }) => match STANDARD.decode(base64.trim()) {
                Ok(bytes) => bytes,
                Err(_) => return wrong(format_args!("what its file {} holds is not base64", shown(&path))),
            },
            Err(_) => {
                return wrong(format_args!(
                    "its file {} is neither text nor {{\"base64\": \"…\"}}",
                    shown(&path)
                ));
            }
        };
        made.push(File { path, content: content.into() });
    }
    made_files(&made)?;
    Ok(made)
}

/// The object's members in order, each value as written.
fn members(text: &str) -> Result<Vec<(String, Box<RawValue>)>, OutputError> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Members>();
    let members = match stream.next() {
        Some(Ok(Members(members))) => members,
        Some(Err(error)) => return wrong(not_json(text, &error)),
        None => return wrong(EXPECTED),
    };
    let rest = text[stream.byte_offset()..].trim_start();
    match rest.chars().next() {
        None => Ok(members),
        Some('{') => wrong(format_args!("it printed more than one JSON object; {EXPECTED}")),
        Some(_) => wrong(format_args!(
            "it printed other text after the JSON object: {}; {EXPECTED} (print notes to sys.stderr)",
            shown(rest)
        )),
    }
}

/// A JSON object that keeps repeated keys, so that they can be complained about.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> String {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let near: String = {
        let from = floor(line, error.column().saturating_sub(20));
        line[from..].chars().take(40).collect()
    };
    if let Some(word) = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| bare_word(text, word)) {
        return format!(
            "its JSON contains {word}, which JSON does not have; make such a number text, or avoid it"
        );
    }
    if text.starts_with("{'") || near.contains('\'') {
        return format!(
            "it printed a Python dict and not JSON (near {near:?}); use print(json.dumps({{…}}))"
        );
    }
    if error.to_string().contains("recursion limit") {
        return "its JSON is nested more than 120 levels deep, which few programs can read".to_owned();
    }
    if error.is_eof() {
        return format!("its JSON object ends in the middle; {EXPECTED}");
    }
    if ["surrogate", "end of hex escape"].iter().any(|words| error.to_string().contains(words)) {
        return "its JSON contains half of a surrogate pair (\\ud800 to \\udfff), which is not a character"
            .to_owned();
    }
    format!("its output is not JSON: {error}, near {near:?}; {EXPECTED}")
}

/// Whether the word stands in the text outside JSON strings.
fn bare_word(text: &str, word: &str) -> bool {
    let mut outside = String::new();
    let mut inside = false;
    let mut escaped = false;
    for c in text.chars() {
        match (inside, c) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => inside = !inside,
            (true, _) => {}
            (false, c) => outside.push(c),
        }
    }
    outside.contains(word)
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    const LENGTH: usize = 60;
    let text = text.trim();
    let short: String = text.chars().take(LENGTH).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

fn whole<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

fn read_input(raw: &RawValue) -> Result<Value, OutputError> {
    if let Some(number) = numbers_outside_strings(raw.get()).find(|number| !keeps(number)) {
        return wrong(format_args!(
            "the number {} in its \"input\" is too large to be kept exactly in JSON; make it text",
            shown(number)
        ));
    }
    let input: Value = match whole(raw.get()) {
        Ok(input) => input,
        Err(error) => return wrong(not_json(raw.get(), &error)),
    };
    if input.is_null() {
        return wrong("its \"input\" is null; expected text or any other JSON");
    }
    if matches!(&input, Value::String(text) if text.is_empty()) {
        return wrong("its \"input\" is empty text");
    }
    if has_nul(&input) {
        return wrong("its \"input\" contains the character NUL (\\u0000), which cannot be stored");
    }
    Ok(input)
}

/// The text's number tokens.
fn numbers_outside_strings(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = &rest[at..];
            if let Some(string) = rest.strip_prefix('"') {
                let mut escaped = false;
                let end = string.find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                })?;
                rest = &string[end + 1..];
                continue;
            }
            let end = rest
                .find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')))
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            rest = after;
            return Some(number);
        }
    })
}

/// Whether the number means the same after a way through 64 bits.
fn keeps(number: &str) -> bool {
    if number.contains(['.', 'e', 'E']) {
        return number.parse::<f64>().is_ok_and(f64::is_finite);
    }
    number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn read_results(raw: &RawValue) -> Result<Vec<String>, OutputError> {
    if !raw.get().starts_with('[') {
        return Ok(vec![read_result(raw, "its \"result\"")?]);
    }
    let parts: Vec<&RawValue> = match whole(raw.get()) {
        Ok(parts) => parts,
        Err(error) => return wrong(not_json(raw.get(), &error)),
    };
    match i32::try_from(parts.len()) {
        Ok(0) => {
            wrong("its \"result\" is an empty list; expected one answer, or a list with one for each part")
        }
        Ok(1..=MAX_PARTS) => (1..)
            .zip(parts)
            .map(|(part, raw)| read_result(raw, &format!("part {part} of its \"result\"")))
            .collect(),
        _ => wrong(format_args!(
            "its \"result\" is a list of {}; a challenge has at most {MAX_PARTS} parts, with an answer each",
            parts.len()
        )),
    }
}

fn read_result(raw: &RawValue, what: &str) -> Result<String, OutputError> {
    let raw = raw.get();
    let text = match raw.as_bytes().first() {
        Some(b'"') => match whole::<String>(raw) {
            Ok(text) => canonical(&text).into_owned(),
            Err(error) => return wrong(not_json(raw, &error)),
        },
        Some(b'-' | b'0'..=b'9') => raw.to_owned(),
        Some(b't' | b'f') => {
            return wrong(format_args!("{what} is {raw}; expected text or a number, so write str(answer)"));
        }
        Some(b'n') => return wrong(format_args!("{what} is null; expected text or a number (is it None?)")),
        Some(b'[') => return wrong(format_args!("{what} is a list; expected text or a number")),
        _ => return read_any(raw, what),
    };
    if text.is_empty() {
        return wrong(format_args!("{what} is empty; nobody could give it as an answer"));
    }
    if text.len() > MAX_ANSWER_BYTES {
        return wrong(format_args!(
            "{what} is {} bytes long, and nobody can submit more than {MAX_ANSWER_BYTES}; ask for a sum or a hash of it",
            text.len()
        ));
    }
    match untypable(&text) {
        Some('\0') => {
            wrong(format_args!("{what} contains the character NUL (\\u0000), which nobody can type"))
        }
        Some(c) => wrong(format_args!(
            "{what} contains the character \\u{:04x}, which nobody can type",
            u32::from(c)
        )),
        None => Ok(text),
    }
}

/// Several right answers: `{"any": ["north", "n"]}`.
fn read_any(raw: &str, what: &str) -> Result<String, OutputError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Any<'a> {
        #[serde(borrow)]
        any: Vec<&'a RawValue>,
    }
    let Ok(Any { any }) = whole(raw) else {
        return wrong(format_args!(
            "{what} is an object; expected text or a number, or {{\"any\": […]}} where several answers are right"
        ));
    };
    if any.is_empty() || any.len() > MOST_ALTERNATIVES {
        return wrong(format_args!(
            "{what} has {} right answers; expected 1 to {MOST_ALTERNATIVES}",
            any.len()
        ));
    }
    let mut texts = Vec::with_capacity(any.len());
    for answer in any {
        if answer.get().starts_with('{') {
            return wrong(format_args!(
                "{what} has an object among its right answers; expected text or a number"
            ));
        }
        texts.push(read_result(answer, what)?);
    }
    Ok(texts.join(&ALTERNATIVE.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<(Value, Vec<String>), String> {
        match read_output(text.as_bytes()) {
            Ok((input, results, _)) => Ok((input, results)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn results(result: &str) -> Vec<String> {
        read(&format!("{{\"input\": 1, \"result\": {result}}}")).unwrap().1
    }

    #[test]
    fn answers_become_canonical_text() {
        for (written, canonical) in [
            ("42", "42"),
            ("-7", "-7"),
            ("0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1e+16", "1e+16"),
            ("2.0", "2.0"),
            ("\" padded\\n\"", "padded"),
            ("\"two\\nlines\"", "two\nlines"),
            ("\"three\\r\\nmore\\rlines\\r\\n\"", "three\nmore\nlines"),
            ("\"\\u00e5\"", "å"),
            ("[7]", "7"),
            ("{\"any\": [\"north\", \" n \", 1]}", "north\u{1f}n\u{1f}1"),
        ] {
            assert_eq!(results(written), [canonical], "{written}");
        }
        assert_eq!(results("[1, \"b\"]"), ["1", "b"]);
        assert_eq!(results("[1,2,3,4,5,6,7,8,9,10]").len(), 10);
    }

    #[test]
    fn inputs_are_text_or_any_json() {
        for input in
            [json!("a\nb"), json!([1, [2.5, null]]), json!({"grid": ["#.", ".#"]}), json!(3), json!(false)]
        {
            let printed = format!(" {}\n", json!({"input": input, "result": 1, "note": "ignored"}));
            assert_eq!(read(&printed).unwrap(), (input, vec!["1".to_owned()]));
        }
        assert_eq!(read("{\"input\": 0.1, \"result\": 1}").unwrap().0, json!(0.1));
        assert_eq!(
            read("{\"input\": \"99999999999999999999 -\", \"result\": 1}").unwrap().0,
            "99999999999999999999 -"
        );
    }

    #[test]
    fn files_are_text_or_bytes_by_name() {
        let files = |files: Value| {
            let printed = json!({"input": 1, "result": 2, "files": files}).to_string();
            read_output(printed.as_bytes())
                .map(|(_, _, files)| {
                    files.iter().map(|f| (f.path.clone(), f.content.to_vec())).collect::<Vec<_>>()
                })
                .map_err(|error| error.to_string())
        };
        let made = files(json!({"a.txt": "hé", "b.bin": {"base64": "AAH/"}})).unwrap();
        assert_eq!(
            made,
            [("a.txt".to_owned(), "hé".as_bytes().to_vec()), ("b.bin".to_owned(), vec![0, 1, 255])]
        );
        for (given, words) in [
            (json!(["a"]), "\"files\" is no object"),
            (json!({"a": 1}), "neither text nor"),
            (json!({"a": {"base64": "?"}}), "is not base64"),
            (json!({"../a": "x"}), "leads out of its folder"),
            (json!({"a/b": "x"}), "holds the character /"),
            (json!({"a\u{0}": "x"}), "holds the character"),
            (json!({"\u{202e}gpj.exe": "x"}), "holds the character \\u{202e}"),
            (json!({"a": "x".repeat(crate::files::MAX_MADE_BYTES + 1)}), "4 MiB together"),
        ] {
            let error = files(given).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn each_mistake_gets_its_own_words() {
        let deep = format!("{{\"input\": {}{}, \"result\": 2}}", "[".repeat(500), "]".repeat(500));
        for (printed, words) in [
            ("", "printed nothing"),
            ("  \n", "printed nothing"),
            ("hello", "it printed \"hello\" and no JSON object"),
            ("42", "no JSON object"),
            ("[{\"input\": 1}]", "which is JSON but not an object"),
            ("\"{\"", "which is JSON but not an object"),
            ("debug\n{\"input\": 1, \"result\": 2}", "other text before the JSON object: \"debug\""),
            ("{\"input\": 1, \"result\": 2}\ndone", "other text after the JSON object: \"done\""),
            ("{\"input\": 1, \"result\": 2}{\"input\": 1, \"result\": 2}", "more than one JSON object"),
            ("{\"input\": 1, \"result\": 2}\n{}", "more than one JSON object"),
            ("{}", "lacks the key \"input\" (it has no keys)"),
            ("{\"input\": 1}", "lacks the key \"result\" (it has only input)"),
            ("{\"result\": 1, \"inputs\": 2}", "lacks the key \"input\" (it has only result, inputs)"),
            ("{\"input\": 1, \"input\": 2, \"result\": 1}", "the key \"input\" twice"),
            ("{'input': 1, 'result': 2}", "a Python dict and not JSON"),
            ("{\"input\": 'a', \"result\": 2}", "a Python dict and not JSON"),
            ("{\"input\": 1, \"result\": NaN}", "contains NaN"),
            ("{\"input\": [1, -Infinity], \"result\": 1}", "contains -Infinity"),
            ("{\"input\": 1, \"result\": Infinity}", "contains Infinity"),
            ("{\"input\": 1, \"result\": 2", "ends in the middle"),
            ("{\"input\": null, \"result\": 2}", "\"input\" is null"),
            ("{\"input\": \"\", \"result\": 2}", "\"input\" is empty text"),
            ("{\"input\": 99999999999999999999, \"result\": 2}", "too large to be kept"),
            ("{\"input\": [1e999], \"result\": 2}", "too large to be kept"),
            ("{\"input\": \"a\\u0000\", \"result\": 2}", "\"input\" contains the character NUL"),
            ("{\"input\": {\"a\\u0000\": 1}, \"result\": 2}", "\"input\" contains the character NUL"),
            ("{\"input\": \"\\ud800\", \"result\": 2}", "half of a surrogate pair"),
            (&deep, "nested more than 120 levels deep"),
            ("{\"input\": 1, \"result\": null}", "\"result\" is null"),
            ("{\"input\": 1, \"result\": true}", "\"result\" is true"),
            ("{\"input\": 1, \"result\": {}}", "\"result\" is an object"),
            ("{\"input\": 1, \"result\": {\"any\": []}}", "has 0 right answers"),
            ("{\"input\": 1, \"result\": {\"any\": [[1]]}}", "is a list"),
            ("{\"input\": 1, \"result\": {\"any\": [{\"any\": [1]}]}}", "an object among its right answers"),
            ("{\"input\": 1, \"result\": \"a\\u001fb\"}", "nobody can type"),
            ("{\"input\": 1, \"result\": []}", "an empty list"),
            (
                "{\"input\": 1, \"result\": [1,2,3,4,5,6,7,8,9,10,11]}",
                "a list of 11; a challenge has at most 10 parts",
            ),
            ("{\"input\": 1, \"result\": [1, [2]]}", "part 2 of its \"result\" is a list"),
            ("{\"input\": 1, \"result\": [1, null]}", "part 2 of its \"result\" is null"),
            ("{\"input\": 1, \"result\": \" \\n\"}", "is empty; nobody could give it"),
            ("{\"input\": 1, \"result\": \"\\u0000\"}", "NUL"),
            ("{\"input\": 1, \"result\": \"a\\u001b[1m\"}", "the character \\u001b, which nobody can type"),
            ("{\"input\": 1, \"result\": {\"any\": [\"a\", \"b\\u0085c\"]}}", "the character \\u0085"),
        ] {
            let error = read(printed).expect_err(printed);
            assert!(error.contains(words), "{printed:?} gave {error:?}, expected {words:?}");
        }
        let error = read_output(b"{\"input\": \"\xff\"").unwrap_err().to_string();
        assert!(error.contains("not UTF-8 text (byte 11)"), "{error}");
        let long = format!("{{\"input\": 1, \"result\": \"{}\"}}", "x".repeat(MAX_ANSWER_BYTES + 1));
        assert!(read(&long).unwrap_err().contains("nobody can submit more than 4096"));
        assert_eq!(results(&format!("\" {} \"", "x".repeat(MAX_ANSWER_BYTES)))[0].len(), MAX_ANSWER_BYTES);
    }

    proptest! {
        /// Whatever is printed, reading it neither panics nor takes nonsense for a result.
        #[test]
        fn any_output_is_read_or_refused(printed in "[\\x00-\\x7fåñ🎲]{0,40}") {
            if let Ok((_, results)) = read(&printed) {
                prop_assert!(!results.is_empty());
            }
        }

        /// Text survives, but for white space at its ends.
        #[test]
        fn text_answers_survive(answer in "\\PC{1,20}") {
            let printed = json!({"input": 1, "result": answer}).to_string();
            match read(&printed) {
                Ok((_, results)) => prop_assert_eq!(results, vec![canonical(&answer).into_owned()]),
                Err(_) => prop_assert!(answer.trim().is_empty()),
            }
        }
    }
}
