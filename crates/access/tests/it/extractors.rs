//! Whatever is wrong with a request is named: the field, the line, the header.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Request;

use crate::house::House;

#[tokio::test]
async fn a_wrong_body_is_told_by_field_or_by_line() {
    let house = House::new().await;
    let mut told = String::new();
    for body in [
        r#"{"title": "A", "rewards": []}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": "ten"}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": 1}, {"rank": -1, "bytes": 1}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": 1.5}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": 99999999999999999999}]}"#,
        r#"{"title": "A", "rewards": [{"bytes": 1}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": 1, "byte": 2}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "rank": 2, "bytes": 1}]}"#,
        r#"{"title": "A", "rewards": [{"rank": 1, "bytes": 1, "public": "yes"}]}"#,
        r#"{"title": "A", "rewards": {}}"#,
        r#"{"title": null, "rewards": []}"#,
        r#"{"rewards": []}"#,
        r#"{"titel": "A", "rewards": []}"#,
        r#"{"title": "A", "rewards": [], "host": 12}"#,
        r#"{"title": "A", "rewards": [], "host": "me"}"#,
        r#"{"title": "A", "rewards": [], "kind": "points"}"#,
        r#"{"title": "A", "rewards": [], "nested": {"x": 300}}"#,
        "[]",
        "",
        "{\n  \"title\": \"A\",\n  \"rewards\": [}\n}",
        r#"{"title": "A", "rewards": []"#,
        r#"{"title": "A", "rewards": []} and more"#,
        "\"\u{7f}",
        r#"{"title": "\u0000", "rewards": []}"#,
        r#"{"title": "\\u0000", "rewards": []}"#,
        r#"{"title": "\\\u0000", "rewards": []}"#,
    ] {
        let answer = house.post("/drafts", "", body).await;
        let line = if answer.status == 201 { "201".to_owned() } else { answer.problem() };
        writeln!(told, "{}\n    {line}", body.replace('\n', "\\n")).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    {"title": "A", "rewards": []}
        201
    {"title": "A", "rewards": [{"rank": 1, "bytes": "ten"}]}
        400 invalid-request: `rewards[0].bytes` must be a whole number from -9223372036854775808 to 9223372036854775807, not "ten"
    {"title": "A", "rewards": [{"rank": 1, "bytes": 1}, {"rank": -1, "bytes": 1}]}
        400 invalid-request: `rewards[1].rank` must be a whole number from 0 to 4294967295, not -1
    {"title": "A", "rewards": [{"rank": 1, "bytes": 1.5}]}
        400 invalid-request: `rewards[0].bytes` must be a whole number from -9223372036854775808 to 9223372036854775807, not 1.5
    {"title": "A", "rewards": [{"rank": 1, "bytes": 99999999999999999999}]}
        400 invalid-request: `rewards[0].bytes` must be a whole number from -9223372036854775808 to 9223372036854775807, not 100000000000000000000
    {"title": "A", "rewards": [{"bytes": 1}]}
        400 invalid-request: `rewards[0].rank` is missing
    {"title": "A", "rewards": [{"rank": 1, "bytes": 1, "byte": 2}]}
        400 invalid-request: `rewards[0].byte` is not known here; known are `rank`, `bytes`, `public`
    {"title": "A", "rewards": [{"rank": 1, "rank": 2, "bytes": 1}]}
        400 invalid-request: `rewards[0].rank` is given twice
    {"title": "A", "rewards": [{"rank": 1, "bytes": 1, "public": "yes"}]}
        400 invalid-request: `rewards[0].public` must be `true` or `false`, not "yes"
    {"title": "A", "rewards": {}}
        400 invalid-request: `rewards` must be a list, not an object
    {"title": null, "rewards": []}
        400 invalid-request: `title` must be a string, not null
    {"rewards": []}
        400 invalid-request: `title` is missing
    {"titel": "A", "rewards": []}
        400 invalid-request: `titel` is not known here; known are `title`, `rewards`, `host`, `kind`, `nested`
    {"title": "A", "rewards": [], "host": 12}
        400 invalid-request: `host` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063", not 12
    {"title": "A", "rewards": [], "host": "me"}
        400 invalid-request: `host` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    {"title": "A", "rewards": [], "kind": "points"}
        400 invalid-request: `kind` must be `point_based` or `time_based`, not `points`
    {"title": "A", "rewards": [], "nested": {"x": 300}}
        400 invalid-request: `nested.x` must be a whole number from 0 to 255, not 300
    []
        400 invalid-request: The request must be an object, not a list.

        400 invalid-request: The body is empty; this route takes a JSON body.
    {\n  "title": "A",\n  "rewards": [}\n}
        400 invalid-request: The body is not JSON: expected value at line 3, column 15.
    {"title": "A", "rewards": []
        400 invalid-request: The body is not JSON: it ends in the middle of an object at line 1, column 28.
    {"title": "A", "rewards": []} and more
        400 invalid-request: The body is not JSON: trailing characters at line 1, column 31.
    "
        400 invalid-request: The body must not hold the control character \u007f; of those, texts may hold tabs and line ends.
    {"title": "\u0000", "rewards": []}
        400 invalid-request: `title` must not hold a NUL character (\u0000)
    {"title": "\\u0000", "rewards": []}
        201
    {"title": "\\\u0000", "rewards": []}
        400 invalid-request: `title` must not hold a NUL character (\u0000)
    "#);
}

#[tokio::test]
async fn a_body_of_another_type_or_size_is_refused() {
    let house = House::new().await;
    let draft = r#"{"title": "A", "rewards": []}"#;
    let mut told = String::new();
    for (route, content_type, body) in [
        ("/drafts", Some("application/json; charset=utf-8"), draft.to_owned()),
        ("/drafts", Some("application/merge-patch+json"), draft.to_owned()),
        ("/drafts", Some("text/plain"), draft.to_owned()),
        ("/drafts", Some("multipart/form-data; boundary=application/json"), draft.to_owned()),
        ("/drafts", None, draft.to_owned()),
        ("/drafts", Some("application/json"), format!("\"{}\"", "x".repeat(3_000))),
        ("/maybe", None, String::new()),
        ("/maybe", Some("application/json"), draft.to_owned()),
        ("/maybe", Some("application/json"), "{}".to_owned()),
        ("/maybe", None, draft.to_owned()),
    ] {
        let mut request = Request::post(route);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = house.send(request.body(Body::from(body)).unwrap()).await;
        let line = if answer.status.is_success() {
            format!("{} {}", answer.status, answer.body)
        } else {
            answer.problem()
        };
        writeln!(told, "{route} {}\n    {line}", content_type.unwrap_or("-")).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    /drafts application/json; charset=utf-8
        201 Created ""
    /drafts application/merge-patch+json
        201 Created ""
    /drafts text/plain
        415 unsupported-media-type: This route reads JSON; send it with `Content-Type: application/json`.
    /drafts multipart/form-data; boundary=application/json
        415 unsupported-media-type: This route reads JSON; send it with `Content-Type: application/json`.
    /drafts -
        415 unsupported-media-type: This route reads JSON; send it with `Content-Type: application/json`.
    /drafts application/json
        413 body-too-large: The body is larger than this route accepts.
    /maybe -
        200 OK {"given":false}
    /maybe application/json
        200 OK {"given":true}
    /maybe application/json
        400 invalid-request: `title` is missing
    /maybe -
        415 unsupported-media-type: This route reads JSON; send it with `Content-Type: application/json`.
    "#);
}

#[tokio::test]
async fn wrong_parameters_are_told_by_name() {
    let house = House::new().await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let mut told = String::new();
    for path in [
        "/list?limit=10",
        "/list?limit=ten",
        "/list?limit=",
        "/list?limit=1&limit=2",
        "/list?limit=99999999999999999999",
        "/list?page=2",
        "/list?cursor=%00",
        "/campaigns/1",
        "/campaigns/%ff",
        "/campaigns/%00",
        "/guilds/me/campaigns/1",
        "/guilds/175928847299117063/campaigns/1",
        "/guilds/99999999999999999999/campaigns/0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f",
    ] {
        let answer = house.get(path, &key).await;
        let line = if answer.status.is_success() {
            format!("{} {}", answer.status, answer.body)
        } else {
            answer.problem()
        };
        writeln!(told, "{path}\n    {line}").unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    /list?limit=10
        200 OK {"limit":10}
    /list?limit=ten
        400 invalid-request: `limit` must be a whole number
    /list?limit=
        400 invalid-request: `limit` must not be empty
    /list?limit=1&limit=2
        400 invalid-request: `limit` is given twice
    /list?limit=99999999999999999999
        400 invalid-request: `limit` is too large
    /list?page=2
        400 invalid-request: `page` is not known here; known are `limit`, `cursor`
    /list?cursor=%00
        400 invalid-request: `cursor` must not hold a NUL character
    /campaigns/1
        400 invalid-request: `campaign_id` must be a UUID, such as "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f"
    /campaigns/%ff
        400 invalid-request: `campaign_id` must be UTF-8
    /campaigns/%00
        400 invalid-request: The path holds a NUL character (%00), which no name or id here holds.
    /guilds/me/campaigns/1
        400 invalid-request: `guild_id` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    /guilds/175928847299117063/campaigns/1
        400 invalid-request: `campaign_id` must be a UUID, such as "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f"
    /guilds/99999999999999999999/campaigns/0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f
        400 invalid-request: `guild_id` must be a Discord id: a string of 1 to 19 decimal digits, such as "175928847299117063"
    "#);
}

#[tokio::test]
async fn a_request_has_one_id_from_end_to_end() {
    let house = House::new().await;
    let with = |id: &str| Request::get("/list").header("x-request-id", id).body(Body::empty()).unwrap();
    let answer = house.send(with("abc-123_4.5")).await;
    assert_eq!(answer.headers["x-request-id"], "abc-123_4.5");
    for forged in ["a b", "a\"b", &"x".repeat(129), ""] {
        let answer = house.send(with(forged)).await;
        let made = answer.headers["x-request-id"].to_str().unwrap();
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{forged:?} became {made}");
    }
}

#[tokio::test]
async fn where_there_is_no_handler_there_is_a_problem_too() {
    let house = House::new().await;
    let answer = house.get("/nowhere", "").await;
    insta::assert_snapshot!(answer.problem(), @"404 not-found: There is nothing at `/nowhere`.");
    let answer = house.get("/drafts", "").await;
    insta::assert_snapshot!(answer.problem(), @"405 method-not-allowed: `/drafts` does not take GET; `Allow` says what it takes.");
    assert_eq!(answer.headers["allow"], "POST");
}
