//! TOML as its author wrote it: the line of everything in it, and everything that is wrong with it at once.

mod mending;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

pub(super) use mending::toml_read;

/// Where everything stands in a TOML text, by the path of its field: `quiz.questions[1].text`.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    at: BTreeMap<String, Place>,
    /// The line on which the text begins.
    first: usize,
    /// Fields that were taken out or filled in.
    mended: Vec<String>,
}

/// Where a field stands.
#[derive(Debug, Clone)]
struct Place {
    /// The line, from 1.
    line: usize,
    /// Of a text, the lines on which it begins and ends.
    text: Option<(usize, usize)>,
    /// Of a table, what its author calls it.
    name: Option<String>,
}

/// Lines by the bytes with which they begin.
struct Lines {
    starts: Vec<usize>,
    before: usize,
}

impl Lines {
    fn of(text: &str, before: usize) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(ends).collect(), before }
    }

    /// The line, from 1, on which this byte stands.
    fn line(&self, at: usize) -> usize {
        self.before + self.starts.partition_point(|start| *start <= at)
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The path of what a field is in.
fn outer(field: &str) -> Option<&str> {
    if field.ends_with(']') {
        return field.rsplit_once('[').map(|(list, _)| list);
    }
    field.rsplit_once('.').map(|(outer, _)| outer)
}

impl Places {
    fn note(&mut self, field: &str, value: &DeValue<'_>, lines: &Lines, text: &str) {
        let mut inner = |field: String, start: usize, value: &Spanned<DeValue<'_>>| {
            let place = Place {
                line: lines.line(start),
                text: matches!(value.get_ref(), DeValue::String(_))
                    .then(|| extent(&value.span(), lines, text)),
                name: name_of(value.get_ref()),
            };
            self.note(&field, value.get_ref(), lines, text);
            self.at.insert(field, place);
        };
        match value {
            DeValue::Table(fields) => {
                for (key, value) in fields {
                    inner(joined(field, key.get_ref()), key.span().start, value);
                }
            }
            DeValue::Array(list) => {
                for (n, value) in list.iter().enumerate() {
                    inner(format!("{field}[{n}]"), value.span().start, value);
                }
            }
            _ => {}
        }
    }

    /// The line on which a field is written, or, where it is not there, what it belongs into.
    pub(super) fn line(&self, field: &str) -> usize {
        let mut field = Some(field);
        while let Some(there) = field {
            if let Some(place) = self.at.get(there) {
                return place.line;
            }
            field = outer(there);
        }
        self.first.max(1)
    }

    /// The line of the n-th line of a text, from 1, such as a program.
    pub(super) fn line_within(&self, field: &str, nth: usize) -> usize {
        match self.at.get(field).and_then(|place| place.text) {
            Some((first, last)) => (first + nth.max(1) - 1).min(last),
            None => self.line(field),
        }
    }

    /// Whether a field, something in it, or what it is in was mended: then what is said of it may follow from that.
    pub(super) fn is_mended(&self, field: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.mended.iter().any(|mended| {
            // What belongs to a thing depends on its type.
            let typed = mended.strip_suffix("type").filter(|outer| outer.is_empty() || outer.ends_with('.'));
            match typed.map(|outer| outer.trim_end_matches('.')) {
                Some("") => true,
                Some(thing) => within(field, thing),
                None => within(field, mended) || within(mended, field),
            }
        })
    }

    /// A mistake in a field, in words. What is in lists is counted from 1, and called as its author calls it.
    pub(super) fn told(&self, field: &str, message: &str) -> String {
        let (within, key) = self.parted(field);
        match (within.is_empty(), key.is_empty()) {
            (true, true) => message.to_owned(),
            (true, false) => format!("`{key}` {message}"),
            (false, true) => format!("{} {message}", within.join(", ")),
            (false, false) => format!("{}: `{key}` {message}", within.join(", ")),
        }
    }

    /// In which item of which list something is, as the beginning of a sentence.
    fn within(&self, field: &str) -> String {
        let (within, key) = self.parted(field);
        match (within.is_empty(), key.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("`{key}`: "),
            (false, true) => format!("{}: ", within.join(", ")),
            (false, false) => format!("{}, `{key}`: ", within.join(", ")),
        }
    }

    /// The items of lists that a field is in, from outside inwards, and its path in the last of them.
    fn parted(&self, field: &str) -> (Vec<String>, String) {
        let (mut whole, mut within, mut key) = (String::new(), Vec::new(), String::new());
        for part in field.split('.').filter(|part| !part.is_empty()) {
            whole = joined(&whole, part);
            let nth = part
                .split_once('[')
                .and_then(|(list, n)| Some((list, n.strip_suffix(']')?.parse::<usize>().ok()?)));
            match nth {
                None => key = joined(&key, part),
                Some((list, n)) => {
                    let name = self.at.get(&whole).and_then(|place| place.name.as_deref());
                    let name = name.map(|name| format!(" (`{name}`)")).unwrap_or_default();
                    within.push(format!("{} {}{name}", one_of(list), n.saturating_add(1)));
                    key.clear();
                }
            }
        }
        (within, key)
    }
}

/// What an author calls a table in a list.
fn name_of(value: &DeValue<'_>) -> Option<String> {
    let named =
        |key: &&str| value.get(*key).and_then(|name| name.get_ref().as_str()).filter(|name| !name.is_empty());
    let name = ["slug", "quest", "pool", "name", "title"].iter().find_map(named)?;
    Some(name.chars().take(60).collect())
}

/// The lines on which a text begins and ends: behind its quotes.
fn extent(span: &Range<usize>, lines: &Lines, text: &str) -> (usize, usize) {
    let raw = text.get(span.clone()).unwrap_or_default();
    let behind = raw.strip_prefix("'''").or_else(|| raw.strip_prefix("\"\"\""));
    let skipped = usize::from(behind.is_some_and(|rest| rest.starts_with('\n')));
    let (first, last) = (lines.line(span.start), lines.line(span.end.saturating_sub(1)));
    ((first + skipped).min(last), last)
}

/// One item of a list, in words.
fn one_of(list: &str) -> &str {
    match list {
        "rubric" => "criterion",
        "extra" => "extra side",
        "requires" | "of" => "quest",
        "all" | "any" => "rule",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::model::bank::BankDocument;
    use crate::model::quest::{QuestDocument, Step};

    fn said<T: DeserializeOwned>(text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        let _ = toml_read::<T>("x.toml", text, 0, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_line_and_its_item() {
        let text = "titel = \"A\"\ndifficulty = \"Beginer\"\nexperience_points = \"many\"\n\n[[resources]]\ntype = \"Link\"\ntitle = \"A\"\n\
                    \n[[resources]]\ntitle = \"Words\"\nurl = \"https://example.org\"\nkind = 3\n";
        let said = said::<QuestDocument>(text);
        for wanted in [
            "x.toml:1: unknown field `titel`; did you mean `title`?",
            "x.toml:1: missing field `type`",
            "x.toml:2: `difficulty` cannot be read: unknown variant `Beginer`, expected one of `Beginner`, `Intermediate`, `Advanced`, `Expert`",
            "x.toml:3: `experience_points` cannot be read: invalid type: string \"many\", expected i32",
            "x.toml:5: resource 1 (`A`): missing field `url`",
            "x.toml:9: resource 2 (`Words`): missing field `type`",
            "x.toml:12: resource 2 (`Words`): unknown field `kind`, expected one of `type`, `title`, `description`, `url`",
        ] {
            assert!(said.iter().any(|line| line == wanted), "{wanted} is not in {said:#?}");
        }
        // That `title` and `difficulty` are missing follows.
        assert_eq!(said.len(), 7, "{said:#?}");
    }

    #[test]
    fn mistakes_of_syntax_are_told_at_once_too() {
        let said = said::<BankDocument>("title = A bank\nquestions = []\nmore = \n");
        assert!(said.iter().any(|line| line.starts_with("x.toml:1: ")), "{said:#?}");
        assert!(said.iter().any(|line| line.starts_with("x.toml:3: ")), "{said:#?}");
    }

    #[test]
    fn rules_have_one_key_and_known_ones() {
        let head = "title = \"A\"\ntype = \"Tutorial\"\ndifficulty = \"Beginner\"\n";
        let one = said::<QuestDocument>(&format!(
            "{head}unlock = {{ any = [{{ levle = 3 }}, {{ xp = 1, level = 2 }}] }}\n"
        ));
        assert_eq!(one.len(), 2, "{one:#?}");
        assert!(one[0].starts_with("x.toml:4: ") && one[0].contains("unknown variant `levle`"), "{one:#?}");
        assert!(
            one[1].starts_with("x.toml:4: ") && one[1].contains("must be a table with exactly one key"),
            "{one:#?}"
        );
    }

    #[test]
    fn a_text_within_several_lines_has_lines_of_its_own() {
        let text = "type = \"Coding\"\ntitle = \"T\"\n[coding]\nchecker = '''\nimport json\nprint(\n'''\n\n[[coding.tests]]\nname = \"a\"\n\
                    append = \"print(1)\\nprint(2)\"\n";
        let mut findings = Vec::new();
        let (_, places) = toml_read::<Step>("x.toml", text, 1, &mut findings).unwrap();
        assert_eq!((findings, places.line("coding.checker")), (Vec::new(), 5));
        assert_eq!(
            (places.line_within("coding.checker", 1), places.line_within("coding.checker", 2)),
            (6, 7)
        );
        assert_eq!(places.line_within("coding.tests[0].append", 2), 12);
        // What is not there is told of what it belongs into.
        assert_eq!((places.line("coding.tests[0].expected"), places.line("nothing")), (10, 2));
        let told = places.told("coding.tests[0].expected", "is missing");
        assert_eq!(told, "test 1 (`a`): `expected` is missing");
    }
}
