//! Reading TOML so that an author sees every wrong key at once, each with its line.

use kernel::objects::Objects;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as Keys, Segment, Track};
use toml::Value;

use super::mistake::Mistake;

/// More than this in one file is some other kind of file.
const MOST_MISTAKES: usize = 50;

/// Reads a file's text as `T`, or notes everything that is wrong with it.
pub(super) fn toml_read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    let mut rest = match text.parse::<toml::Table>() {
        Ok(table) => Value::Table(table),
        Err(error) => {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            mistakes.push(Mistake::new(file, line, error.message().trim().replace('\n', "; ")));
            return None;
        }
    };
    // What is wrong is taken away, so that what is wrong beside it can be seen.
    let mut taken: Vec<String> = Vec::new();
    for _ in 0..MOST_MISTAKES {
        let mut track = Track::new();
        let reader = serde_path_to_error::Deserializer::new(Objects(rest.clone()), &mut track);
        let error = match T::deserialize(reader) {
            Ok(value) => return taken.is_empty().then_some(value),
            Err(error) => error.message().trim().replace('\n', "; "),
        };
        let path = track.path();
        let missing = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let mut meant = None;
        // What is missing because it was taken away, or written otherwise, has been told.
        if !missing.is_some_and(|missing| taken.iter().any(|name| name == missing)) {
            let (message, near) = suggested(&error);
            meant = near;
            let place = path.to_string();
            // A list may also stand on its key's own line.
            let outer = place.split(['.', '[']).next().unwrap_or_default();
            let line = key_line(text, &place).or_else(|| key_line(text, outer)).or(Some(1));
            mistakes.push(Mistake::new(file, line, message));
        }
        // Where something is missing, what it is missing from goes; of the whole file there is no more to say.
        let Some(name) = take(&mut rest, &path) else { break };
        taken.extend([name].into_iter().chain(meant));
    }
    None
}

/// Takes the innermost key of a path out of a document, and says its name.
fn take(document: &mut Value, path: &Keys) -> Option<String> {
    let steps: Vec<&Segment> = path.iter().collect();
    let last = steps.iter().rposition(|step| matches!(step, Segment::Map { .. }))?;
    let mut at = document;
    for step in &steps[..last] {
        at = match step {
            Segment::Map { key } => at.get_mut(key.as_str())?,
            Segment::Seq { index } => at.get_mut(*index)?,
            Segment::Enum { .. } | Segment::Unknown => return None,
        };
    }
    let Segment::Map { key } = steps[last] else { return None };
    at.as_table_mut()?.remove(key.as_str())?;
    Some(key.clone())
}

/// Adds the likeliest key to "unknown field `dificulty`, expected one of `difficulty`, …", and names it.
fn suggested(message: &str) -> (String, Option<String>) {
    let near = || {
        let (_, rest) = message.split_once("unknown field `")?;
        let (unknown, expected) = rest.split_once('`')?;
        let known = expected.split('`').skip(1).step_by(2);
        let near =
            known.map(|k| (strsim::damerau_levenshtein(unknown, k), k)).min().filter(|(far, _)| *far <= 3);
        near.map(|(_, key)| {
            (format!("unknown field `{unknown}`; did you mean `{key}`?"), Some(key.to_owned()))
        })
    };
    near().unwrap_or_else(|| (message.to_owned(), None))
}

/// The line on which a key such as `rate_limit.per_5s` or `rewards[1].from` is written; of its table where the key itself
/// is not there.
pub(super) fn key_line(text: &str, field: &str) -> Option<usize> {
    let (table, key) = field.rsplit_once('.').map_or((None, field), |(table, key)| (Some(table), key));
    let (table_name, index) = match table.or(Some(field)).and_then(|t| t.split_once('[')) {
        Some((name, rest)) => (Some(name), rest.trim_end_matches(']').parse::<usize>().ok()),
        None => (table, None),
    };
    let header = table_name.map(|name| match index {
        Some(_) => format!("[[{name}]]"),
        None => format!("[{name}]"),
    });
    let mut seen = 0;
    let mut inside = header.is_none();
    let mut header_line = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('[') {
            if header.as_deref() == Some(line) {
                inside = index.is_none_or(|i| i == seen);
                seen += 1;
                if inside {
                    header_line = Some(number);
                }
            } else {
                inside = false;
            }
        } else if inside && line.split('=').next().is_some_and(|k| k.trim().trim_matches('"') == key) {
            return Some(number);
        }
    }
    header_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its mistakes")]
    struct Sample {
        name: String,
        #[serde(default)]
        count: i32,
        #[serde(default)]
        rows: Vec<Row>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its mistakes")]
    struct Row {
        from: i32,
    }

    fn read(text: &str) -> Vec<String> {
        let mut mistakes = Vec::new();
        let read = toml_read::<Sample>("x.toml", text, &mut mistakes);
        assert_eq!(read.is_some(), mistakes.is_empty());
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_wrong_key_is_named_at_once() {
        let text =
            "nmae = \"A\"\ncuont = 1\nzebra = 2\n[[rows]]\nfrom = 1\n[[rows]]\nform = 1\nfrom = \"x\"\n";
        let said = read(text);
        for wanted in [
            "x.toml:1: unknown field `nmae`; did you mean `name`?",
            "x.toml:2: unknown field `cuont`; did you mean `count`?",
            "x.toml:3: unknown field `zebra`, expected one of `name`, `count`, `rows`",
            "x.toml:7: unknown field `form`; did you mean `from`?",
            "x.toml:8: invalid type: string \"x\", expected i32",
        ] {
            assert!(said.iter().any(|line| line == wanted), "{wanted} is not in {said:#?}");
        }
        // `name` is not told to be missing as well: the author knows where it is.
        assert_eq!(said.len(), 5, "{said:#?}");
        assert_eq!(read("name = \"A\"\n"), Vec::<String>::new());
        assert_eq!(read("count = 1\n"), ["x.toml:1: missing field `name`"]);
        assert!(read("name = \"A\"\nrows = [1]\n")[0].starts_with("x.toml:2: invalid type"));
        assert!(read("name = \n")[0].starts_with("x.toml:1: "));
    }

    const TOML: &str = "name = \"A\"\nduration_hours = 1\n\n[rate_limit]\nper_5s = 0\n\n[[rewards]]\nfrom = 1\n\n[[rewards]]\nto = 2\n";

    #[test]
    fn keys_are_found_on_their_lines() {
        assert_eq!(key_line(TOML, "duration_hours"), Some(2));
        assert_eq!(key_line(TOML, "rate_limit.per_5s"), Some(5));
        assert_eq!(key_line(TOML, "rewards[0].from"), Some(8));
        assert_eq!(key_line(TOML, "rewards[1].to"), Some(11));
        assert_eq!(key_line(TOML, "rewards[1].from"), Some(10));
        assert_eq!(key_line(TOML, "starting_points"), None);
    }
}
