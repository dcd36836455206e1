//! What a form sends, as the JSON that the API takes: so that page and API refuse alike, in the same words.
//!
//! A control is named by the path of its value in the body, and says what kind of value it holds where that is not text:
//! `amount:int`, `rewards[0].bytes:int`, `force:bool`, `answers[2].choices[]`. A control left empty is left out; `:text` keeps an empty text,
//! `:null` makes it null, and `:int-null`, `:time-null` a number or a time or null. `:lines` is a list, an item a line. Names that begin with `_` are the page's own.

use kernel::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// The most controls of a form.
const MAX_CONTROLS: usize = 2_000;
/// The longest list, and how deep a path may lead.
const MAX_ITEMS: usize = 500;
const MAX_DEPTH: usize = 8;

/// What was typed into a form: names of controls and their values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// From a body of `application/x-www-form-urlencoded`.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(body).take(MAX_CONTROLS + 1);
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if pairs.len() > MAX_CONTROLS {
            return Err(Problem::invalid(format!("A form holds at most {MAX_CONTROLS} values.")));
        }
        Ok(Self(pairs))
    }

    /// The last value of this control, whatever kind it says it holds.
    pub fn value(&self, path: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| path_of(name) == path_of(path)).map(|(_, value)| value.as_str())
    }

    /// Whether there is a control of exactly this name, kind included.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// All values of a control that may be given several times.
    pub fn values<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| path_of(name) == path_of(path)).map(|(_, value)| value.as_str())
    }

    /// The controls whose path begins so, with their values.
    pub fn beginning<'a>(&'a self, with: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let own = self.0.iter().map(|(name, value)| (path_of(name), value.as_str()));
        own.filter(move |(path, _)| path.starts_with(with))
    }

    /// The body as the API takes it.
    pub fn json(&self) -> Result<Value, Problem> {
        let mut body = Value::Object(Map::new());
        for (name, text) in &self.0 {
            if name.starts_with('_') {
                continue;
            }
            let path = path_of(name);
            let kind = name.get(path.len() + 1..).unwrap_or_default();
            let Some(value) = value_of(kind, text) else { continue };
            put(&mut body, path, value)?;
        }
        Ok(body)
    }

    /// The body as the API's own type reads it, and refuses it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        read_value(&self.json()?)
    }
}

/// A body as the API's own type reads it, and refuses it.
pub fn read_value<T: DeserializeOwned>(body: &Value) -> Result<T, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    // Of what is owned nothing needs the body's life.
    access::web::json_parse::<T>(&body)
}

/// The name of a control without what kind of value it holds.
fn path_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(path, _)| path)
}

/// The value that a text stands for; what does not fit its kind stays text, and the API says what is wrong with it.
fn value_of(kind: &str, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if let Some(kind) = kind.strip_suffix("-null") {
        return if trimmed.is_empty() { Some(Value::Null) } else { value_of(kind, text) };
    }
    let whole = || Value::String(text.replace("\r\n", "\n"));
    match kind {
        "text" => Some(whole()),
        // Also an empty one: whoever empties it means so.
        "lines" => Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()),
        "null" if trimmed.is_empty() => Some(Value::Null),
        _ if trimmed.is_empty() => None,
        "int" => Some(
            trimmed
                .replace([' ', '\u{202f}', '\u{a0}'], "")
                .parse::<i64>()
                .map_or_else(|_| whole(), Value::from),
        ),
        "number" => {
            let number = trimmed.parse::<f64>().ok().and_then(Number::from_f64);
            Some(number.map_or_else(whole, Value::Number))
        }
        "bool" => Some(match trimmed {
            "true" | "on" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => whole(),
        }),
        // As `datetime-local` writes it; what it is in UTC is said beside the control.
        "time" => Some(Value::String(match trimmed.len() {
            16 => format!("{trimmed}:00Z"),
            19 => format!("{trimmed}Z"),
            _ => trimmed.to_owned(),
        })),
        _ => Some(whole()),
    }
}

/// A step of a path.
enum Step<'a> {
    Key(&'a str),
    Item(usize),
    /// `[]`: one more.
    Next,
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        if key.is_empty() || key.contains(']') {
            return None;
        }
        steps.push(Step::Key(key));
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(if index.is_empty() { Step::Next } else { Step::Item(index.parse().ok()?) });
            rest = after;
        }
    }
    (steps.len() <= MAX_DEPTH).then_some(steps)
}

fn put(body: &mut Value, path: &str, value: Value) -> Result<(), Problem> {
    let strange =
        || Problem::invalid(format!("This form does not hold anything called `{}`.", shortened(path)));
    let mut place = body;
    for step in steps(path).ok_or_else(strange)? {
        place = match step {
            Step::Key(key) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                place.as_object_mut().ok_or_else(strange)?.entry(key).or_insert(Value::Null)
            }
            Step::Item(_) | Step::Next => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let items = place.as_array_mut().ok_or_else(strange)?;
                let index = if let Step::Item(index) = step { index } else { items.len() };
                if index >= MAX_ITEMS {
                    return Err(strange());
                }
                while items.len() <= index {
                    items.push(Value::Null);
                }
                &mut items[index]
            }
        };
    }
    *place = value;
    Ok(())
}

fn shortened(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn json_of(pairs: &[(&str, &str)]) -> Result<Value, Problem> {
        Typed(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).json()
    }

    #[test]
    fn controls_are_paths_into_the_body() {
        let body = json_of(&[
            ("_csrf", "x"),
            ("name", " Ada "),
            ("amount:int", "1 200"),
            ("rewards[1].bytes:int", "5"),
            ("rewards[0].bytes:int", "x"),
            ("force:bool", "false"),
            ("force:bool", "true"),
            ("picks[]", "a"),
            ("picks[]", "b"),
            ("left.out", "  "),
            ("reason:text", ""),
            ("ends:null", ""),
            ("at:time", "2026-12-01T18:00"),
            ("most:int-null", " "),
            ("least:int-null", "3"),
            ("until:time-null", ""),
            ("channels:lines", "5\r\n\r\n 6 \n"),
            ("names:lines", " "),
        ]);
        assert_eq!(
            body.unwrap(),
            json!({ "name": " Ada ", "amount": 1200, "rewards": [{ "bytes": "x" }, { "bytes": 5 }], "force": true,
                    "picks": ["a", "b"], "reason": "", "ends": null, "at": "2026-12-01T18:00:00Z", "most": null, "least": 3,
                    "until": null, "channels": ["5", "6"], "names": [] })
        );
    }

    #[test]
    fn strange_names_are_refused_and_cost_nothing() {
        for name in ["a[999999999]", "a[", "a]", "[0]", ".a", "a..b", "a[x]", "a.b.c.d.e.f.g.h.i", ""] {
            assert_eq!(json_of(&[(name, "1")]).unwrap_err().status(), 400, "{name}");
        }
        for clash in
            [[("a", "1"), ("a.b", "2")], [("a[0]", "1"), ("a.b", "2")], [("a.b", "1"), ("a[0]", "2")]]
        {
            assert_eq!(json_of(&clash).unwrap_err().status(), 400, "{clash:?}");
        }
        let many = "a=1&".repeat(MAX_CONTROLS + 1);
        assert_eq!(Typed::parse(many.as_bytes()).unwrap_err().status(), 400);
    }

    #[test]
    fn what_was_typed_is_found_again() {
        let typed = Typed::parse(b"a%3Aint=1&a%3Aint=2&b=%C3%A4+b").unwrap();
        assert_eq!((typed.value("a"), typed.value("b"), typed.value("c")), (Some("2"), Some("ä b"), None));
        assert_eq!(typed.values("a:int").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn a_body_is_refused_as_the_api_refuses_it() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[expect(dead_code, reason = "only whether it is read matters")]
            amount: i32,
        }
        let refusal = |body: &[u8]| Typed::parse(body).unwrap().read::<Body>().unwrap_err();
        assert_eq!(refusal(b"amount%3Aint=lots").errors()[0].field, "amount");
        assert_eq!(refusal(b"amount%3Aint=1&other=2").errors()[0].field, "other");
        assert_eq!(refusal(b"").errors()[0].field, "amount");
    }
}
