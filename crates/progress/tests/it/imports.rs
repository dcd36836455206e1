//! XP from another bot: told before, granted once.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::house::{ADA, House, assert_sound, house};

#[expect(clippy::unnecessary_wraps, reason = "as requests take it")]
fn csv(data: &str, more: &Value) -> Option<Value> {
    let mut body = json!({ "format": "csv", "data": data });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Some(body)
}

#[tokio::test]
async fn a_file_is_imported_once_and_a_later_one_brings_the_difference() {
    let house = house().await;
    let file = "id,username,xp\n7,Ada,150\n20,Cy,10\n8,Bob,0\n";
    let would = house.ok("POST", "/xp/import", csv(file, &json!({ "dry_run": true }))).await;
    assert_eq!((&would["granted"], &would["new_members"], &would["xp"]), (&json!(2), &json!(1), &json!(160)));
    assert_eq!(house.figures(ADA).await.0, 0, "only told");

    let imports = join_all((0..4).map(|_| house.send("POST", "/xp/import", csv(file, &json!({}))))).await;
    assert!(imports.iter().all(|(status, _)| *status == 200), "{imports:?}");
    let granted: i64 = imports.iter().map(|(_, done)| done["xp"].as_i64().unwrap()).sum();
    assert_eq!((granted, house.figures(ADA).await.0), (160, 150));
    assert_eq!(house.ok("GET", "/members/20", None).await["name"], "Cy");

    let later = "id,xp\n7,400\n20,5\n";
    let done = house.ok("POST", "/xp/import", csv(later, &json!({}))).await;
    assert_eq!((&done["xp"], &done["unchanged"]), (&json!(250), &json!(1)));
    assert_eq!(house.figures(ADA).await.0, 400);
    // Another source's XP come on top.
    let other = json!({ "source": "arcane", "format": "json", "data": r#"[{"id": "7", "xp": 100}]"# });
    house.ok("POST", "/xp/import", Some(other)).await;
    assert_eq!(house.figures(ADA).await.0, 500);
    // A level comes to what it takes here.
    let level = csv("id,level\n30,3\n", &json!({ "keep": "level", "source": "levels" }));
    house.ok("POST", "/xp/import", level).await;
    let member = house.ok("GET", "/members/30", None).await;
    assert_eq!((&member["level"], &member["xp"]), (&json!(3), &json!(196)));
    assert!(house.audited("people.members").await.iter().all(|action| action == "IMPORT"));
    assert_sound(&house).await;
}

#[tokio::test]
async fn wrong_lines_are_named_and_stop_it_unless_the_rest_is_asked_for() {
    let house = house().await;
    house.run("UPDATE people.members SET is_bot = true WHERE user_id = 8").await;
    let file = "id,xp\n7,10\nx,1\n8,5\n9\n";
    let (status, problem) = house.send("POST", "/xp/import", csv(file, &json!({}))).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("data")));
    assert_eq!(house.figures(ADA).await.0, 0);
    let told = house.ok("POST", "/xp/import", csv(file, &json!({ "dry_run": true }))).await;
    let lines: Vec<_> = told["faults"].as_array().unwrap().iter().map(|fault| &fault["line"]).collect();
    assert_eq!(lines, [&json!(3), &json!(4), &json!(5)]);
    let rest = house.ok("POST", "/xp/import", csv(file, &json!({ "skip_faults": true }))).await;
    assert_eq!((&rest["granted"], house.figures(ADA).await.0), (&json!(1), 10));
    let named = csv("id,xp\n7,1\n", &json!({ "source": "No!" }));
    assert_eq!(house.send("POST", "/xp/import", named).await.0, 400);
}

async fn xp_of(house: &House, user: i64) -> Value {
    house.send("GET", &format!("/members/{user}"), None).await.1["xp"].clone()
}

#[tokio::test]
async fn the_column_that_is_named_exactly_wins_and_doubles_are_refused_by_name() {
    let house = house().await;
    house.ok("POST", "/xp/import", csv("id,user_id,xp\n1,71,100\n2,72,200\n", &json!({}))).await;
    assert_eq!((xp_of(&house, 71).await, xp_of(&house, 72).await), (json!(100), json!(200)));
    assert_eq!(house.send("GET", "/members/1", None).await.0, 404, "a number of a line is nobody");
    let columns = "XP,experience,User ID,id\n5,999,73,1\n";
    house.ok("POST", "/xp/import", csv(columns, &json!({}))).await;
    assert_eq!(xp_of(&house, 73).await, json!(5));
    let object = r#"[{"id": 1, "user_id": "74", "xp": 7, "experience": 999}]"#;
    house.ok("POST", "/xp/import", Some(json!({ "format": "json", "data": object }))).await;
    assert_eq!(xp_of(&house, 74).await, json!(7));
    for (file, told) in [
        ("user_id,xp,user_id\n71,1,72\n", vec!["user_id"]),
        ("id,userid,xp\n1,71,1\n", vec!["id", "userid", "user_id"]),
        ("user_id,experience,exp\n71,1,2\n", vec!["experience", "exp", "xp"]),
        ("user_id,level,Level\n71,1,2\n", vec!["level"]),
        ("name,xp\nAda,1\n", vec!["user_id", "name"]),
        ("user_id,points\n71,1\n", vec!["xp", "points"]),
    ] {
        let (status, problem) = house.send("POST", "/xp/import", csv(file, &json!({}))).await;
        let message = problem["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(status, 400, "{file}");
        assert!(told.iter().all(|name| message.contains(&format!("`{name}`"))), "{file}: {message}");
    }
}

#[tokio::test]
async fn exports_of_other_bots_are_taken_as_they_are() {
    let house = house().await;
    for (user, format, data) in [
        (101, "csv", "\u{feff}user_id;username;xp\r\n101;Ada;10\r\n"),
        (102, "csv", "user_id\tusername\txp\n102\tAda, the first\t10\n"),
        (103, "json", "\u{feff}[{\"id\": \"103\", \"xp\": 10}]"),
        // MEE6's leaderboard.
        (
            104,
            "json",
            r#"{"guild": {"id": "1"}, "page": 0, "players": [{"id": "104", "guild_id": "1", "username": "Ada",
            "xp": 10, "level": 0, "detailed_xp": [10, 100, 10], "message_count": 1}], "role_rewards": []}"#,
        ),
        // Polaris: everything, and the XP alone.
        (
            105,
            "json",
            r#"{"settings": {"enabled": true}, "users": {"105": {"xp": 10, "cooldown": 1712, "hidden": true}}}"#,
        ),
        (106, "json", r#"{"106": {"xp": 10, "cooldown": 1712}}"#),
        // Polaris' leaderboard.
        (
            107,
            "json",
            r#"{"guild": {"name": "x"}, "leaderboard": [{"id": "107", "xp": 10, "rank": 1, "username": "Ada"}]}"#,
        ),
        // AmariBot.
        (
            108,
            "json",
            r#"{"id": "1", "count": 1, "total_count": 1, "data": [{"id": "108", "username": "Ada", "exp": "10",
            "level": 1, "weeklyExp": 3}]}"#,
        ),
        // Lurkr.
        (
            109,
            "json",
            r#"{"guild": {"id": "1"}, "levels": [{"userId": "109", "xp": 10, "level": 1, "messageCount": 5, "rank": 1,
            "user": {"username": "Ada", "avatar": null}}], "roleRewards": []}"#,
        ),
        // Arcane.
        (110, "json", r#"[{"id": "110", "name": "Ada", "level": 1, "exp": 10, "xp": 10}]"#),
        (111, "csv", "User ID,Username,Level,XP\n111,Ada,1,10\n"),
    ] {
        let body = json!({ "format": format, "data": data });
        let (status, answer) = house.send("POST", "/xp/import", Some(body)).await;
        assert_eq!((status, &answer["xp"]), (200, &json!(10)), "{user}: {answer}");
        assert_eq!(xp_of(&house, user).await, json!(10), "{user}");
    }
    assert_eq!(house.ok("GET", "/members/109", None).await["name"], "Ada");
    for (format, data, told) in [
        ("csv", "[{\"id\": \"7\", \"xp\": 1}]", "`format`"),
        ("json", "user_id,xp\n7,1\n", "`format`"),
        ("json", r#"{"settings": {}, "people": []}"#, "`people`"),
        ("csv", "user_id,xp\n1.75929E+17,5\n", "spreadsheet"),
        ("csv", "user_id,xp\n7,\"12,500\"\n", "separators"),
    ] {
        let body = json!({ "format": format, "data": data });
        let (status, problem) = house.send("POST", "/xp/import", Some(body)).await;
        let message = problem["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(told), "{data}: {problem}");
    }
}

#[tokio::test]
async fn all_wrong_lines_are_told_with_their_ids() {
    let house = house().await;
    let lines = (0..250).map(|line| format!("{},x{line}\n", 1_000 + line));
    let file = format!("user_id,xp\n{}", lines.collect::<String>());
    let (status, problem) = house.send("POST", "/xp/import", csv(&file, &json!({}))).await;
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!((status, errors.len()), (400, 250));
    let last = errors[249]["message"].as_str().unwrap();
    assert!(last.contains("251") && last.contains("1249") && last.contains("x249"), "{last}");
    let told = house.ok("POST", "/xp/import", csv(&file, &json!({ "dry_run": true }))).await;
    assert_eq!((&told["fault_count"], &told["faults"][249]["user_id"]), (&json!(250), &json!("1249")));
}
