//! XP from another bot: told before, granted once.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::house::{ADA, assert_sound, house};

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
    house.run("UPDATE people.users SET is_bot = true WHERE id = 8").await;
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
