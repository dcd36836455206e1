//! Pages with places for values: Mustache, as far as pages use it. A value that is not there is told, not left blank.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::authoring::html::LONGEST;
use crate::authoring::markdown::told;

/// How deeply sections may lie in each other.
const DEEPEST: usize = 16;
/// How many tags are looked at, those of a section as often as it is repeated.
const MOST: u32 = 20_000;
/// What is empty there, too, before anything is handed in.
const EMPTY_AT_FIRST: [&str; 6] =
    ["submitted_answers", "raw_submitted_answers", "format_errors", "partial_scores", "score", "feedback"];

/// A value that a program gave. Numbers are as they are written there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "is", rename_all = "snake_case")]
pub(super) enum Given {
    /// None at all.
    #[default]
    Nothing,
    Truth(bool),
    Number(String),
    Text(String),
    List(Vec<Given>),
    Table(BTreeMap<String, Given>),
}

impl Given {
    /// What a table has under a name, or a list at a place.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(table) => table.get(name),
            Self::List(list) => list.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn holds(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Truth(truth) => *truth,
            Self::Number(number) => number.parse::<f64>().is_ok_and(|number| number.abs() > 0.0),
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Table(table) => !table.is_empty(),
        }
    }

    /// As Python shows it.
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Nothing => Some(""),
            Self::Truth(true) => Some("True"),
            Self::Truth(false) => Some("False"),
            Self::Number(text) | Self::Text(text) => Some(text),
            Self::List(_) | Self::Table(_) => None,
        }
    }
}

/// Puts values into a page.
pub(super) fn filled(page: &str, values: &Given) -> Result<String, String> {
    if page.len() > LONGEST {
        return Err(too_long());
    }
    let mut filling = Filling { out: String::with_capacity(page.len()), tags: 0 };
    filling.part(page, &mut vec![values])?;
    Ok(filling.out)
}

fn too_long() -> String {
    format!("its HTML is longer than {} KiB", LONGEST / 1024)
}

struct Filling {
    out: String,
    tags: u32,
}

/// A tag: what stands before it, its mark and name, and what follows.
struct Tag<'p> {
    before: &'p str,
    mark: char,
    name: &'p str,
    behind: &'p str,
}

/// The next tag of a page, if there is one.
fn next(page: &str) -> Result<Option<Tag<'_>>, String> {
    let Some(at) = page.find("{{") else { return Ok(None) };
    let (before, rest) = page.split_at(at);
    let (open, close) = if rest.starts_with("{{{") { ("{{{", "}}}") } else { ("{{", "}}") };
    let inner = &rest[open.len()..];
    let end = inner.find(close).ok_or("has a `{{` that does not end")?;
    let (inner, behind) = (inner[..end].trim(), &inner[end + close.len()..]);
    let (mark, name) = match inner.chars().next() {
        _ if open == "{{{" => ('&', inner),
        Some(mark @ ('&' | '#' | '^' | '/' | '!' | '>' | '=')) => (mark, inner[1..].trim()),
        _ => (' ', inner),
    };
    Ok(Some(Tag { before, mark, name, behind }))
}

impl Filling {
    fn part(&mut self, page: &str, scopes: &mut Vec<&Given>) -> Result<(), String> {
        if scopes.len() > DEEPEST {
            return Err("has sections that are nested too deeply".to_owned());
        }
        let mut rest = page;
        while let Some(tag) = next(rest)? {
            self.tags += 1;
            if self.tags > MOST {
                return Err("is too large when it is filled in".to_owned());
            }
            self.push(tag.before)?;
            rest = tag.behind;
            match tag.mark {
                '!' => {}
                '#' | '^' => {
                    let (inner, behind) = section(tag.name, tag.behind)?;
                    rest = behind;
                    self.section(inner, tag.mark == '^', found(tag.name, scopes), scopes)?;
                }
                '/' => return Err(format!("ends a section `{}` that did not begin", told(tag.name))),
                '>' | '=' => return Err("has a `{{` of a kind that has no form here".to_owned()),
                mark => {
                    let root = tag.name.split('.').next().unwrap_or_default();
                    let value = match found(tag.name, scopes) {
                        Some(value) => value.shown(),
                        None if EMPTY_AT_FIRST.contains(&root) => Some(""),
                        None => return Err(format!("names `{}`, which no program gives", told(tag.name))),
                    };
                    let value = value.ok_or_else(|| {
                        format!("shows `{}`, which is neither text nor number", told(tag.name))
                    })?;
                    if mark == '&' {
                        self.push(value)?;
                    } else {
                        let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                        self.push(&value.replace('"', "&quot;").replace('\'', "&#39;"))?;
                    }
                }
            }
        }
        self.push(rest)
    }

    fn section<'v>(
        &mut self,
        inner: &str,
        unless: bool,
        value: Option<&'v Given>,
        scopes: &mut Vec<&'v Given>,
    ) -> Result<(), String> {
        let Some(value) = value.filter(|value| value.holds()) else {
            return if unless { self.part(inner, scopes) } else { Ok(()) };
        };
        if unless {
            return Ok(());
        }
        let items = match value {
            Given::List(items) => items.iter().collect(),
            one => vec![one],
        };
        for item in items {
            // Even what is empty takes time when it is repeated.
            self.tags += 1;
            scopes.push(item);
            self.part(inner, scopes)?;
            scopes.pop();
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), String> {
        if self.out.len() + text.len() > LONGEST {
            return Err(too_long());
        }
        self.out.push_str(text);
        Ok(())
    }
}

/// What lies in a section that has begun, and what is behind it.
fn section<'p>(name: &str, page: &'p str) -> Result<(&'p str, &'p str), String> {
    let mut open = 1;
    let mut rest = page;
    while let Some(tag) = next(rest)? {
        match tag.mark {
            '#' | '^' if tag.name == name => open += 1,
            '/' if tag.name == name => open -= 1,
            _ => {}
        }
        if open == 0 {
            let inner = page.len() - rest.len() + tag.before.len();
            return Ok((&page[..inner], tag.behind));
        }
        rest = tag.behind;
    }
    Err(format!("has a section `{}` that does not end", told(name)))
}

/// The value of a name: its first part is looked for from the innermost section outwards.
fn found<'v>(name: &str, scopes: &[&'v Given]) -> Option<&'v Given> {
    if name == "." {
        return scopes.last().copied();
    }
    let mut parts = name.split('.').map(str::trim);
    let first = parts.next()?;
    let root = scopes.iter().rev().find_map(|scope| scope.get(first))?;
    parts.try_fold(root, Given::get)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Values as JSON has them.
    fn given(value: &Value) -> Given {
        match value {
            Value::Null => Given::Nothing,
            Value::Bool(truth) => Given::Truth(*truth),
            Value::Number(number) => Given::Number(number.to_string()),
            Value::String(text) => Given::Text(text.clone()),
            Value::Array(list) => Given::List(list.iter().map(given).collect()),
            Value::Object(table) => {
                Given::Table(table.iter().map(|(name, value)| (name.clone(), given(value))).collect())
            }
        }
    }

    #[test]
    fn a_page_is_filled_in() {
        let values = given(&json!({ "params": {
            "a": 3, "b": 1.50, "deep": { "list": ["<b>", true] }, "none": null, "zero": 0,
            "answers": [{ "right": "true", "is": "x & y" }, { "right": "false", "is": "'z'" }],
        }, "correct_answers": { "c": "four" } }));
        let fill = |page: &str| filled(page, &values);
        for (page, becomes) in [
            ("{{params.a}} {{ params.b }}{{! no }}{{params.none}} {{correct_answers.c}}", "3 1.5 four"),
            ("{{params.deep.list.0}}{{{params.deep.list.0}}}{{&params.deep.list.1}}", "&lt;b&gt;<b>True"),
            (
                "{{#params.answers}}<pl-answer correct=\"{{right}}\">{{is}}{{params.a}}</pl-answer>{{/params.answers}}",
                "<pl-answer correct=\"true\">x &amp; y3</pl-answer><pl-answer correct=\"false\">&#39;z&#39;3</pl-answer>",
            ),
            ("{{#params.deep.list}}{{.}},{{/params.deep.list}}", "&lt;b&gt;,True,"),
            (
                "{{#params.zero}}x{{/params.zero}}{{^params.zero}}y{{/params.zero}}{{^params.no}}z{{/params.no}}",
                "yz",
            ),
            ("{{#params.a}}{{#params.a}}n{{/params.a}}{{/params.a}}", "n"),
            ("{{feedback.x}}{{submitted_answers.y}}", ""),
        ] {
            assert_eq!(fill(page).as_deref(), Ok(becomes), "{page}");
        }
        for (page, why) in [
            ("{{params.no}}", "names `params.no`, which no program gives"),
            ("{{params.deep}}", "neither text nor number"),
            ("{{params.deep.list.-1}}", "no program gives"),
            ("{{options.x}}", "no program gives"),
            ("{{params", "does not end"),
            ("{{#params.a}}x", "section `params.a` that does not end"),
            ("x{{/params.a}}", "did not begin"),
            ("{{> other}}", "no form here"),
            ("{{=<% %>=}}", "no form here"),
        ] {
            let told = fill(page).unwrap_err();
            assert!(told.contains(why), "{why} is not in {told}");
        }
    }

    #[test]
    fn a_page_does_not_grow_beyond_measure() {
        let list: Vec<u32> = (0..1_000).collect();
        let values = given(&json!({ "l": list, "text": "x".repeat(50_000) }));
        let within = |inner: &str, times: usize| {
            format!("{}{inner}{}", "{{#l}}".repeat(times), "{{/l}}".repeat(times))
        };
        for page in [
            within("", 3),
            within("{{text}}", 1),
            within("x", 2),
            "{{#text}}".repeat(20) + &"{{/text}}".repeat(20),
        ] {
            assert!(filled(&page, &values).is_err(), "{page}");
        }
    }
}
