//! JSON: a list of members, or an object that holds one, as other bots' exports and interfaces do.

use kernel::UserId;
use serde_json::{Map, Value};

use super::columns::{self, listed, normal};
use super::{Fault, Line, line};

/// Under which names exports hold their members: MEE6 `players`, Polaris `users` and `leaderboard`, Lurkr `levels`, AmariBot `data`.
const HOLDERS: &[&str] = &["players", "users", "members", "leaderboard", "levels", "data", "xp"];

pub(super) fn read(text: &str) -> Vec<Result<Line, Fault>> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let hint = if text.trim_start().starts_with(['{', '[']) {
                ""
            } else {
                "; is it CSV? Say so with `format`"
            };
            return vec![Err(Fault::new(error.line(), None, format!("is no JSON: {error}{hint}")))];
        }
    };
    match members(&value) {
        Ok(members) => {
            members.into_iter().enumerate().map(|(n, (id, value))| member(n + 1, id, value)).collect()
        }
        Err(message) => vec![Err(Fault::new(0, None, message))],
    }
}

/// The members' values, each with its id where that is the name it stands under.
fn members(value: &Value) -> Result<Vec<(Option<&str>, &Value)>, String> {
    match value {
        Value::Array(list) => Ok(list.iter().map(|one| (None, one)).collect()),
        Value::Object(fields) => {
            let held = HOLDERS.iter().find_map(|name| fields.get(*name));
            match held {
                Some(Value::Array(list)) => Ok(list.iter().map(|one| (None, one)).collect()),
                Some(Value::Object(by_id)) if is_by_id(by_id) => Ok(by_id.iter().map(by_its_id).collect()),
                _ if is_by_id(fields) => Ok(fields.iter().map(by_its_id).collect()),
                _ => Err(format!(
                    "must be a list of members, or an object with such a list as its {}; this one has {}",
                    listed(HOLDERS.iter().copied()),
                    listed(fields.keys().map(String::as_str))
                )),
            }
        }
        _ => Err("must be a list of members, or an object with such a list as its `players`".to_owned()),
    }
}

fn by_its_id<'a>((id, value): (&'a String, &'a Value)) -> (Option<&'a str>, &'a Value) {
    (Some(id), value)
}

/// Whether an object holds members by their ids.
fn is_by_id(fields: &Map<String, Value>) -> bool {
    !fields.is_empty() && fields.keys().all(|key| key.parse::<UserId>().is_ok())
}

fn member(number: usize, id: Option<&str>, value: &Value) -> Result<Line, Fault> {
    if let (Some(id), Value::Number(xp)) = (id, value) {
        return line(number, Some(id), None, Some(&xp.to_string()), None);
    }
    let Value::Object(fields) = value else { return Err(Fault::new(number, id, "is no object")) };
    let titles: Vec<String> = fields.keys().map(|key| normal(key)).collect();
    let values: Vec<&Value> = fields.values().collect();
    let text = |at: Option<usize>| {
        let value = at.and_then(|at| values.get(at)).filter(|value| !value.is_null());
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let found = |names: columns::Names| {
        let at = names.place(&titles).map_err(|message| Fault::new(number, id, message))?;
        Ok::<_, Fault>(text(at))
    };
    let user = match id {
        Some(id) => Some(id.to_owned()),
        None => found(columns::USER)?.or_else(|| nested(fields, "id")),
    };
    let (xp, level) = (found(columns::XP)?, found(columns::LEVEL)?);
    if xp.is_none() && level.is_none() {
        return Err(Fault::new(number, user.as_deref(), "has neither `xp` nor `level`"));
    }
    let name = text(columns::NAME.first(&titles)).or_else(|| nested(fields, "username"));
    line(number, user.as_deref(), name.as_deref(), xp.as_deref(), level.as_deref())
}

/// What some say of the person in an object of its own.
fn nested(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get("user")?.get(name)?.as_str().map(str::to_owned)
}
