//! Every operation of the API has a page, or a reason why it has none; `crates/dashboard/coverage.txt` says which.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;

use crate::house::House;

/// How many operations have no page yet. This number only ever gets smaller.
const NO_PAGE_YET: usize = 0;

/// What the list says of each operation.
fn coverage() -> BTreeMap<String, String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboard/coverage.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let (operation, said) =
            line.split_once(": ").unwrap_or_else(|| panic!("not `operation: page`: {line}"));
        assert!(all.insert(operation.to_owned(), said.to_owned()).is_none(), "{operation} is there twice");
    }
    all
}

#[test]
fn every_operation_has_a_page_or_a_reason() {
    let document = serde_json::to_value(server::openapi()).unwrap();
    let coverage = coverage();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<String> =
        operations.filter_map(|operation| operation["operationId"].as_str().map(str::to_owned)).collect();
    let missing: Vec<&String> = ids.iter().filter(|id| !coverage.contains_key(*id)).collect();
    assert!(missing.is_empty(), "not in crates/dashboard/coverage.txt: {missing:?}");
    let gone: Vec<&String> = coverage.keys().filter(|id| !ids.contains(id)).collect();
    assert!(gone.is_empty(), "no operations any more: {gone:?}");
    let unpaged = coverage.values().filter(|said| *said == "no page yet").count();
    assert_eq!(unpaged, NO_PAGE_YET, "say so in this test");
}

#[tokio::test]
async fn every_page_of_the_list_is_there() {
    let house = House::new().await;
    let mut tried = 0;
    for (operation, said) in coverage() {
        if said == "no page yet" {
            continue;
        }
        if let Some(reason) = said.strip_prefix("API only, because ") {
            assert!(reason.len() > 10, "{operation}: {reason} is no reason");
            continue;
        }
        let (method, path) = said.split_once(' ').unwrap_or_else(|| panic!("{operation}: {said}"));
        let parts = path.split('/').map(|part| match part {
            "{token}" => "1.opens-nothing",
            "{case_number}" | "{guild_id}" | "{user_id}" | "{achievement_id}" | "{board_quest_id}"
            | "{season_id}" | "{item_id}" | "{purchase_id}" | "{category_id}" | "{event_id}" => "1",
            part if part.starts_with('{') => "00000000-0000-0000-0000-000000000000",
            part => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        // Nobody is signed in; what matters is that somebody asks who. Where a link is what lets one in, that it is looked up.
        if said.contains("{token}") {
            assert!(answer.text.contains("link"), "{operation}: {method} {path}: {answer:?}");
            tried += 1;
            continue;
        }
        assert!(!matches!(answer.status.as_u16(), 404 | 405), "{operation}: {method} {path}: {answer:?}");
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}
