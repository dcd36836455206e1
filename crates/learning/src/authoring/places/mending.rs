//! Finding all mistakes of a text. serde stops at the first one: so what is wrong is taken out, what is missing is filled in, and it is
//! read again, until nothing is wrong. What was mended in this way never leaves the folder: a folder with a mistake is no bundle.

use std::collections::BTreeSet;
use std::ops::Range;

use kernel::objects::Objects;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeString, DeTable, DeValue, ValueDeserializer};

use super::{Lines, Places, joined};
use crate::authoring::folder::Finding;

/// The most mistakes that are told of one file: with more it is some other kind of file.
const MOST: usize = 50;

/// A step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Nth(usize),
}

/// Reads a text of a file, which begins behind so many lines of it, or notes everything that is wrong with it. What comes back
/// beside mistakes is what could be read of it.
pub(in crate::authoring) fn toml_read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    before: usize,
    findings: &mut Vec<Finding>,
) -> Option<(T, Places)> {
    let lines = Lines::of(text, before);
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What follows from a mistake on the same line is no other one.
        let mut told = BTreeSet::new();
        for error in errors {
            let line = lines.line(error.span().map_or(0, |span| span.start.min(text.len())));
            if told.len() < MOST && told.insert(line) {
                let message = error.message().trim().replace('\n', "; ");
                findings.push(Finding { file: file.to_owned(), line: Some(line), message });
            }
        }
        return None;
    }
    let root = DeValue::Table(root.into_inner());
    let mut places = Places { first: before + 1, ..Places::default() };
    places.note("", &root, &lines, text);
    let mut mending = Mending { file, places, root, holes: Vec::new(), last: 0, found: Vec::new() };
    let mut value = None;
    while value.is_none() && mending.found.len() < MOST {
        // Without a place of its own the whole is at 0..0, where nothing else is.
        let whole = ValueDeserializer::from(Spanned::new(0..0, mending.root.clone()));
        match T::deserialize(Objects(whole)) {
            Ok(read) => value = Some(read),
            Err(error) => {
                if !mending.mend(&error) {
                    break;
                }
            }
        }
    }
    let Mending { places, found, .. } = mending;
    findings.extend(found);
    value.map(|value| (value, places))
}

/// A text of which all mistakes are looked for.
struct Mending<'t> {
    file: &'t str,
    places: Places,
    root: DeValue<'t>,
    /// How often what was filled in had to be another thing, by its number.
    holes: Vec<usize>,
    /// What was filled in last.
    last: usize,
    found: Vec<Finding>,
}

impl Mending<'_> {
    /// Notes a mistake and takes it out of the way; whether anything is left to be read then.
    fn mend(&mut self, error: &toml::de::Error) -> bool {
        let message = error.message().trim().replace('\n', "; ");
        let span = error.span().unwrap_or(0..0);
        if let Some(hole) = hole_at(&span, self.last) {
            return self.fill_otherwise(hole, &message);
        }
        let quoted = |begin: &str| Some(message.strip_prefix(begin)?.split_once('`')?.0.to_owned());
        if let Some(missing) = quoted("missing field `") {
            let Some(table) = self.table_at(&span) else { return false };
            return self.fill(&table, &missing);
        }
        if message.starts_with("wanted exactly 1 element") {
            let Some(table) = self.table_at(&span) else { return false };
            let place = path(&table);
            // What it had may have been taken out just now.
            if !self.places.mended.iter().any(|field| field.starts_with(&format!("{place}."))) {
                self.tell(&place, "must be a table with exactly one key");
            }
            return self.take(&table);
        }
        let unknown = message.starts_with("unknown field `");
        let found = find(&self.root, &mut Vec::new(), &|key, value| {
            key.is_some_and(|key| key.span() == span) || !unknown && value.span() == span
        });
        let Some(at) = found else { return false };
        if unknown {
            let (message, meant) = suggested(&message);
            let inner = &at[..at.len() - 1];
            let within = self.places.within(&path(inner));
            self.say(self.places.line(&path(&at)), format!("{within}{message}"));
            if let Some(meant) = meant {
                let field = joined(&path(inner), &meant);
                self.places.mended.push(field);
            }
        } else {
            self.tell(&path(&at), &format!("cannot be read: {message}"));
        }
        self.take(&at)
    }

    fn tell(&mut self, field: &str, message: &str) {
        self.say(self.places.line(field), self.places.told(field, message));
    }

    fn say(&mut self, line: usize, message: String) {
        let finding = Finding { file: self.file.to_owned(), line: Some(line), message };
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    /// The table that stands at these bytes.
    fn table_at(&self, span: &Range<usize>) -> Option<Vec<Step>> {
        if *span == (0..0) {
            return Some(Vec::new());
        }
        let is_it = |value: &Spanned<DeValue<'_>>| {
            value.span() == *span && matches!(value.get_ref(), DeValue::Table(_))
        };
        find(&self.root, &mut Vec::new(), &|_, value| is_it(value))
    }

    /// Tells that a table lacks a field, unless it was taken out just now, and fills in something.
    fn fill(&mut self, table: &[Step], name: &str) -> bool {
        let place = path(table);
        let field = joined(&place, name);
        if !self.places.mended.contains(&field) {
            let within = self.places.within(&place);
            let line = self.places.line(&place);
            self.say(line, format!("{within}missing field `{name}`"));
            self.places.mended.push(field);
        }
        let hole = self.hole();
        match at_mut(&mut self.root, table) {
            Some(DeValue::Table(fields)) => fields.insert(unplaced(name), hole).is_none(),
            _ => false,
        }
    }

    /// Something to fill in, to begin with.
    fn hole(&mut self) -> Spanned<DeValue<'static>> {
        self.last = self.holes.len();
        self.holes.push(0);
        Spanned::new(hole_span(self.last), DeValue::String("".into()))
    }

    /// What was filled in will not do: another thing, or, where none does, what it is in goes.
    fn fill_otherwise(&mut self, hole: usize, message: &str) -> bool {
        let span = hole_span(hole);
        let Some(at) = find(&self.root, &mut Vec::new(), &|_, value| value.span() == span) else {
            return false;
        };
        let Some(tried) = self.holes.get_mut(hole) else { return false };
        *tried += 1;
        self.last = hole;
        let word =
            message.strip_prefix("unknown variant ``, expected ").and_then(|rest| rest.split('`').nth(1));
        let other = match (word, *tried) {
            (Some(word), 1) => DeValue::String(word.to_owned().into()),
            (_, 1) => DeValue::Integer(DeInteger::default()),
            (_, 2) => DeValue::Array(DeArray::new()),
            (_, 3) => DeValue::Table(DeTable::new()),
            (_, 4) => rule(),
            _ => return self.take(&at[..at.len() - 1]),
        };
        match at_mut(&mut self.root, &at) {
            Some(value) => *value = other,
            None => return false,
        }
        true
    }

    /// Takes a field out, or another thing for an item of a list, so that those behind it stay where they are; whether it could be: the
    /// whole cannot.
    fn take(&mut self, at: &[Step]) -> bool {
        let Some((last, within)) = at.split_last() else { return false };
        self.places.mended.push(path(at));
        match last {
            Step::Key(key) => match at_mut(&mut self.root, within) {
                Some(DeValue::Table(fields)) => fields.remove(key.as_str()).is_some(),
                _ => false,
            },
            Step::Nth(n) => {
                let hole = self.hole();
                let Some(DeValue::Array(list)) = at_mut(&mut self.root, within) else { return false };
                let Some(item) = list.get_mut(*n) else { return false };
                *item = hole;
                true
            }
        }
    }
}

/// A rule, for a list of them.
fn rule() -> DeValue<'static> {
    let level = Spanned::new(usize::MAX..usize::MAX, DeValue::Integer(DeInteger::default()));
    let mut rule = DeTable::new();
    rule.insert(unplaced("level"), level);
    DeValue::Table(rule)
}

/// A key that stands nowhere.
fn unplaced(name: &str) -> Spanned<DeString<'static>> {
    Spanned::new(usize::MAX..usize::MAX, name.to_owned().into())
}

/// Where something that was filled in stands: where no text has anything, each at a place of its own.
fn hole_span(number: usize) -> Range<usize> {
    let at = usize::MAX - 1 - number;
    at..at
}

/// The most that is ever filled in: more than mistakes that are told.
const HOLES: usize = 10 * MOST;

/// What was filled in at these bytes; what has none of its own belongs to what was filled in last.
fn hole_at(span: &Range<usize>, last: usize) -> Option<usize> {
    match (usize::MAX - 1).checked_sub(span.start) {
        None => Some(last),
        Some(number) => (number < HOLES).then_some(number),
    }
}

/// A key in its place; and a value.
type Key<'t> = Spanned<DeString<'t>>;
type Value<'t> = Spanned<DeValue<'t>>;

/// The innermost field that is `wanted`, by its key and its value.
fn find(
    value: &DeValue<'_>,
    way: &mut Vec<Step>,
    wanted: &dyn Fn(Option<&Key<'_>>, &Value<'_>) -> bool,
) -> Option<Vec<Step>> {
    let mut look = |step: Step, key: Option<&Key<'_>>, inner: &Value<'_>| {
        way.push(step);
        let found = find(inner.get_ref(), way, wanted).or_else(|| wanted(key, inner).then(|| way.clone()));
        way.pop();
        found
    };
    match value {
        DeValue::Table(fields) => fields
            .iter()
            .find_map(|(key, inner)| look(Step::Key(key.get_ref().clone().into_owned()), Some(key), inner)),
        DeValue::Array(list) => {
            list.iter().enumerate().find_map(|(n, inner)| look(Step::Nth(n), None, inner))
        }
        _ => None,
    }
}

fn at_mut<'a, 't>(value: &'a mut DeValue<'t>, way: &[Step]) -> Option<&'a mut DeValue<'t>> {
    let Some((step, rest)) = way.split_first() else { return Some(value) };
    let inner = match (value, step) {
        (DeValue::Table(fields), Step::Key(key)) => fields.get_mut(key.as_str())?,
        (DeValue::Array(list), Step::Nth(n)) => list.get_mut(*n)?,
        _ => return None,
    };
    at_mut(inner.get_mut(), rest)
}

/// Adds the likeliest key to "unknown field `dificulty`, expected one of `difficulty`, …", and names it.
fn suggested(message: &str) -> (String, Option<String>) {
    let near = || {
        let (unknown, expected) = message.split_once("unknown field `")?.1.split_once('`')?;
        let known = expected.split('`').skip(1).step_by(2);
        let near = known.map(|key| (strsim::damerau_levenshtein(unknown, key), key)).min();
        let (_, key) = near.filter(|(far, _)| *far <= 3)?;
        Some((format!("unknown field `{unknown}`; did you mean `{key}`?"), Some(key.to_owned())))
    };
    near().unwrap_or_else(|| (message.to_owned(), None))
}

/// A way as a field's path.
fn path(way: &[Step]) -> String {
    way.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) => joined(&path, key),
        Step::Nth(n) => format!("{path}[{n}]"),
    })
}
