//! Whatever is sent, the answer is the client's fault in words, never ours.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::guilds::Guild;
use crate::house::{Answer, House, ask};
use crate::samples::{Operation, all_operations, body_of, bundle, operations, sample};

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;

fn document() -> Value {
    serde_json::to_value(server::openapi()).unwrap()
}

/// Path parameters that are texts: what is no id of anything is not found, or refused with the rest of the request.
const TEXTS: [&str; 7] =
    ["bank_slug", "queue", "schedule", "participant_id", "category", "name", "source_id"];

pub(crate) fn value(guild: &Guild, name: &str) -> String {
    guild.ids.get(name).cloned().unwrap_or_else(|| match name {
        "queue" => "jobs.timers".to_owned(),
        "schedule" => "jobs.partitions_ahead".to_owned(),
        "node_id" => uuid::Uuid::nil().to_string(),
        "day" => "2026-11-20".to_owned(),
        "category" => "api_keys".to_owned(),
        _ => "1".to_owned(),
    })
}

async fn send(house: &House, key: &str, method: &Method, path: &str, body: Option<Vec<u8>>) -> Answer {
    send_as(house, USER, key, method, path, body).await
}

pub(crate) async fn send_as(
    house: &House,
    user: i64,
    key: &str,
    method: &Method,
    path: &str,
    body: Option<Vec<u8>>,
) -> Answer {
    let mut request = ask(method.clone(), path, key);
    // To the others it means that they do no more than a member may.
    if access::testing::takes_member(method.as_str(), path) {
        request = request.header("questhall-user", user);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    house.send(request.body(body.map_or_else(Body::empty, Body::from)).unwrap()).await
}

/// Some operations take keys of a guild, some of none.
pub(crate) fn key_for<'a>(house: &'a House, guild: &'a Guild, operation: &Operation) -> &'a str {
    if operation.path.contains("{guild_id}") { &guild.key } else { &house.global }
}

/// Whether the answer is no stream: those are not read to their end.
fn ends(operation: &Operation) -> bool {
    operation.description.pointer("/responses/200/content/text~1event-stream").is_none()
}

#[tokio::test]
async fn garbage_in_paths_is_named() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut faults = Vec::new();
    let mut tried = 0;
    for operation in operations(&document()) {
        let names: Vec<String> = operation.path_parameters().map(str::to_owned).collect();
        for bad_name in &names {
            for garbage in [
                "garbage",
                "-1",
                "0",
                "1e9",
                "99999999999999999999999",
                "%00",
                "%FF",
                "%F0%9F%A6%80",
                "%2e%2e",
                "null",
            ] {
                tried += 1;
                let path = operation.path_with(|name| {
                    if name == bad_name { garbage.to_owned() } else { value(&guild, name) }
                });
                let key = key_for(&house, &guild, &operation);
                let answer = send(&house, key, &operation.method, &path, None).await;
                let fine = match answer.status.as_u16() {
                    // What is no text at all is refused before the parameters are told apart.
                    400 if matches!(garbage, "%00" | "%FF") => true,
                    400 | 404 | 409 | 422 if TEXTS.contains(&bad_name.as_str()) => true,
                    400 => answer.json()["errors"][0]["field"] == bad_name.as_str(),
                    _ => false,
                };
                if !fine {
                    faults.push(format!("{} as {path}: {} {}", operation.name(), answer.status, answer.text));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 500, "{tried}");
}

#[tokio::test]
async fn garbage_in_queries_and_headers_is_the_clients_fault() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut faults = Vec::new();
    let mut tried = 0;
    for operation in operations(&document()).iter().filter(|operation| ends(operation)) {
        if operation.method != Method::GET {
            continue;
        }
        let key = key_for(&house, &guild, operation);
        let path = operation.path_with(|name| value(&guild, name));
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            for garbage in [
                "",
                "x",
                "-1",
                "0",
                "1e400",
                "99999999999999999999999",
                "%00",
                "a%00b",
                "%FF",
                "%F0%9F%A6%80",
                "%5B%5D",
                "null",
            ] {
                tried += 1;
                let answer =
                    send(&house, key, &operation.method, &format!("{path}?{name}={garbage}"), None).await;
                if answer.status.is_server_error() {
                    faults.push(format!(
                        "{} {name}={garbage}: {} {}",
                        operation.name(),
                        answer.status,
                        answer.text
                    ));
                }
            }
        }
        // Cursors that are well-formed and of another list.
        for cursor in [
            "bnVsbA",
            "W10",
            "IlwwIg",
            "WyJcMCIsIlwwIl0",
            "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk",
            "LTE",
            "eyJhIjoxfQ",
        ] {
            if operation.parameters("query").any(|parameter| parameter["name"] == "cursor") {
                let answer =
                    send(&house, key, &operation.method, &format!("{path}?cursor={cursor}"), None).await;
                if answer.status.is_server_error() {
                    faults.push(format!(
                        "{} cursor={cursor}: {} {}",
                        operation.name(),
                        answer.status,
                        answer.text
                    ));
                }
            }
        }
        let answer = send(&house, key, &operation.method, &format!("{path}?no_such_parameter=1"), None).await;
        if operation.parameters("query").next().is_some() && answer.status != 400 {
            faults.push(format!("{}: an unknown parameter gives {}", operation.name(), answer.status));
        }
        for user in ["x", "0", "-1", "99999999999999999999"] {
            let request =
                ask(Method::GET, &path, key).header("questhall-user", user).body(Body::empty()).unwrap();
            let answer = house.send(request).await;
            if answer.status.is_server_error() {
                faults.push(format!(
                    "{} as user {user}: {} {}",
                    operation.name(),
                    answer.status,
                    answer.text
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 200, "{tried}");
}

/// What no body is.
fn raw_garbage() -> Vec<Vec<u8>> {
    let deep =
        |n: usize, open: &str, close: &str| format!("{}{}", open.repeat(n), close.repeat(n)).into_bytes();
    let mut all: Vec<Vec<u8>> = [
        "",
        "{",
        "nul",
        "[]",
        "\"x\"",
        "1",
        "null",
        "true",
        "{\"a\":1e999}",
        "{\"a\":1}",
        "{}{}",
        "{\"\\ud800\":1}",
        "{\"a\":\"\\u0000\"}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    all.push(vec![0xff, 0xfe, 0x00]);
    all.push(deep(5_000, "[", "]"));
    all.push(deep(5_000, "{\"a\":", "}"));
    all
}

/// What no field is, or hardly any.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(i32::MAX),
        json!(1e308),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("a\u{0}b"),
        json!("\u{202e}\u{1f980}\u{feff}"),
        json!("x".repeat(70_000)),
        json!("0000-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!("9223372036854775807"),
        json!([]),
        json!([null]),
        json!(["\u{0}"]),
        json!(vec![1; 1_000]),
        json!({}),
        json!({ "a": "\u{0}" }),
    ]
}

/// Every place in a value, as JSON pointers.
pub(crate) fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                all.push(place.clone());
                places(value, &place, all);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                let place = format!("{at}/{index}");
                all.push(place.clone());
                places(value, &place, all);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn garbage_in_bodies_is_the_clients_fault() {
    let mut settings = server::Settings::default();
    settings.http.upload_limit = 300_000;
    let house = House::with(settings).await;
    let document = document();
    let mut faults = Vec::new();
    let mut tried = 0;
    for (n, operation) in operations(&document).iter().enumerate() {
        let Some(schema) = operation.body_schema() else { continue };
        // Some of what is sent is accepted and changes things: each operation has a guild to itself.
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = key_for(&house, &guild, operation);
        let path = operation.path_with(|name| value(&guild, name));
        let whole = match operation.id.as_str() {
            "campaign_import" | "campaign_import_into" | "campaign_check" => bundle(),
            _ => sample(&document, schema, true),
        };
        let mut bodies: Vec<(String, Vec<u8>)> = raw_garbage()
            .into_iter()
            .map(|body| (String::from_utf8_lossy(&body).chars().take(40).collect(), body))
            .collect();
        let mut unknown = whole.clone();
        unknown["no_such_field"] = json!(1);
        bodies.push(("an unknown field".to_owned(), unknown.to_string().into_bytes()));
        let mut all = Vec::new();
        // A bundle is read in the same way wherever it goes: once is enough.
        if !matches!(operation.id.as_str(), "campaign_import_into" | "campaign_check") {
            places(&whole, "", &mut all);
        }
        for place in all {
            for value in values() {
                let mut body = whole.clone();
                *body.pointer_mut(&place).unwrap() = value.clone();
                let what = format!("{place} = {}", value.to_string().chars().take(40).collect::<String>());
                bodies.push((what, body.to_string().into_bytes()));
            }
        }
        for (what, body) in bodies {
            tried += 1;
            let answer = send_as(&house, guild.user, key, &operation.method, &path, Some(body)).await;
            // Without a sandbox, what needs one is not to be had: 503, and no fault.
            if answer.status.is_server_error() && answer.status != 503 {
                faults.push(format!("{} with {what}: {} {}", operation.name(), answer.status, answer.text));
            } else if answer.status.is_client_error() {
                answer.problem();
            }
            // Settings are fields by name: one that is not known is like a value that does not fit.
            let refused =
                answer.status == 400 || answer.status == 422 && operation.path.contains("/settings");
            if what == "an unknown field" && !refused && answer.status != 503 {
                faults.push(format!("{} with {what}: {} {}", operation.name(), answer.status, answer.text));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 1_000, "{tried}");
}

/// The places in which an object stands, the whole included.
fn objects(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    places(value, "", &mut all);
    all.retain(|place| value.pointer(place).is_some_and(Value::is_object));
    all
}

/// serde reads a struct from a list as well: of `[]` it would make one of defaults, and a wish nobody had would be granted.
#[tokio::test]
async fn a_list_is_no_object_and_a_misspelt_field_no_silence() {
    let house = House::new().await;
    let document = document();
    let mut faults = Vec::new();
    let (mut tried, mut deep) = (0, 0);
    for (n, operation) in all_operations(&document).iter().enumerate() {
        let Some(schema) = operation.body_schema() else { continue };
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = key_for(&house, &guild, operation);
        let path = operation.path_with(|name| value(&guild, name));
        let whole = match body_of(&document, operation) {
            Some(by_hand) if operation.id.starts_with("campaign_") => by_hand,
            _ => sample(&document, schema, true),
        };
        for place in objects(&whole) {
            let mut listed = whole.clone();
            *listed.pointer_mut(&place).unwrap() = json!([]);
            let mut misspelt = whole.clone();
            misspelt.pointer_mut(&place).unwrap()["no_such_field"] = json!({ "at_all": [] });
            for body in [listed, misspelt] {
                tried += 1;
                deep += usize::from(!place.is_empty());
                let body_sent = Some(body.to_string().into_bytes());
                let answer = send_as(&house, guild.user, key, &operation.method, &path, body_sent).await;
                let refused = match answer.status.as_u16() {
                    400 => true,
                    422 => operation.path.contains("/settings"),
                    // Without a sandbox, what needs one is not to be had.
                    503 => operation.id.ends_with("_check"),
                    // Of a batch, what is wrong is told an event at a time.
                    200 => {
                        operation.id == "lake_ingest"
                            && answer.json()["refused"].as_array().is_some_and(|events| events.len() == 1)
                    }
                    _ => false,
                };
                if !refused {
                    let text: String = answer.text.chars().take(200).collect();
                    faults.push(format!("{} took {body}: {} {text}", operation.name(), answer.status));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 150 && deep > 10, "{tried}, {deep} of them deep");
}

/// A place in a value as problems name it: `rewards[0].bytes`.
pub(crate) fn named(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| match part.parse::<usize>() {
        Ok(index) if !path.is_empty() => format!("{path}[{index}]"),
        _ if path.is_empty() => part.to_owned(),
        _ => format!("{path}.{part}"),
    })
}

/// Places that take whatever stands there, or are read by their neighbour's word.
fn takes_anything(operation: &Operation, place: &str) -> bool {
    operation.path.contains("/settings") || ANYTHING.contains(&(operation.id.as_str(), place))
}

// What a rule of automod is told depends on its type, which is looked at once the whole is read.
const ANYTHING: &[(&str, &str)] = &[
    ("rule_create", "/config"),
    ("rule_replace", "/config"),
    ("rule_replay", "/rule/config"),
    ("rule_try", "/rule/config"),
];

/// However deep it stands: types that are read by way of others (flattened, untagged) are where paths get lost.
#[tokio::test]
async fn a_value_of_the_wrong_type_is_named_by_its_path() {
    let house = House::new().await;
    let document = document();
    let mut faults = Vec::new();
    let (mut tried, mut deep) = (0, 0);
    for (n, operation) in all_operations(&document).iter().enumerate() {
        let Some(schema) = operation.body_schema() else { continue };
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = key_for(&house, &guild, operation);
        let path = operation.path_with(|name| value(&guild, name));
        let whole = match body_of(&document, operation) {
            Some(by_hand) if operation.id.starts_with("campaign_") => by_hand,
            _ => sample(&document, schema, true),
        };
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        for place in all.iter().filter(|place| !takes_anything(operation, place)) {
            let mut body = whole.clone();
            let here = body.pointer_mut(place).unwrap();
            *here = if here.is_object() { json!("no object") } else { json!({ "no_such": { "value": 1 } }) };
            tried += 1;
            deep += usize::from(place.matches('/').count() > 1);
            let sent = Some(body.to_string().into_bytes());
            let answer = send_as(&house, guild.user, key, &operation.method, &path, sent).await;
            let (told, wanted) = match answer.status.as_u16() {
                400 => (answer.json()["errors"][0]["field"].clone(), named(place)),
                // Of a batch, what is wrong is told an event at a time.
                200 if operation.id == "lake_ingest" => {
                    let path =
                        named(place).trim_start_matches("events[0]").trim_start_matches('.').to_owned();
                    (answer.json()["refused"][0]["field"].clone(), path)
                }
                // Without a sandbox, what needs one is not to be had.
                503 if operation.id.ends_with("_check") => continue,
                _ => (Value::Null, named(place)),
            };
            // What is inside an object of the wrong kind may be what is wrong with it.
            let within = |told: &str| {
                told == wanted || told.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('.'))
            };
            if !told.as_str().is_some_and(within) {
                let text: String = answer.text.chars().take(200).collect();
                faults.push(format!("{} at {place}: {} {text}", operation.name(), answer.status));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 300 && deep > 50, "{tried}, {deep} of them deep");
}

/// What looks as if nothing stood there, and what breaks the line it stands in, names nothing that people could choose.
#[tokio::test]
async fn names_that_cannot_be_read_are_refused() {
    let house = House::new().await;
    let document = document();
    let mut faults = Vec::new();
    let mut tried = 0;
    for (n, operation) in operations(&document).iter().enumerate() {
        // A member is called what Discord calls them.
        let Some(schema) = operation.body_schema().filter(|_| operation.id != "member_put") else { continue };
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = key_for(&house, &guild, operation);
        let path = operation.path_with(|name| value(&guild, name));
        let whole = match body_of(&document, operation) {
            Some(by_hand) if operation.id.starts_with("campaign_") => by_hand,
            _ => sample(&document, schema, true),
        };
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        all.retain(|place| ["/name", "/title"].iter().any(|end| place.ends_with(end)));
        for place in all.iter().filter(|place| whole.pointer(place).is_some_and(Value::is_string)) {
            for name in ["", " ", "\u{a0}\u{3000}", "\u{200b}\u{feff}", "\u{3164}", "two\nlines", "a\u{7f}"] {
                tried += 1;
                let mut body = whole.clone();
                *body.pointer_mut(place).unwrap() = json!(name);
                let body_sent = Some(body.to_string().into_bytes());
                let answer = send_as(&house, guild.user, key, &operation.method, &path, body_sent).await;
                // Without a sandbox, what needs one is not to be had.
                if !answer.status.is_client_error() && answer.status != 503 {
                    let text: String = answer.text.chars().take(200).collect();
                    faults.push(format!("{} {place} = {name:?}: {} {text}", operation.name(), answer.status));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 100, "{tried}");
}
