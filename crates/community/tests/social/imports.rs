//! XP from another bot: told before, granted once.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::house::{ADA, House};

#[expect(clippy::unnecessary_wraps, reason = "as requests take it")]
fn csv(data: &str, more: &Value) -> Option<Value> {
    let mut body = json!({ "format": "csv", "data": data });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Some(body)
}

#[tokio::test]
async fn a_file_is_imported_once_and_a_later_one_brings_the_difference() {
    let house = House::new().await;
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
    house.assert_sound().await;
}

#[tokio::test]
async fn wrong_lines_are_named_and_stop_it_unless_the_rest_is_asked_for() {
    let house = House::new().await;
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

#[tokio::test]
async fn what_an_import_brings_is_no_news_and_of_no_season() {
    let house = House::new().await;
    let until = house.now().await + chrono::TimeDelta::days(9);
    house.ok("POST", "/seasons", Some(json!({ "name": "Spring", "ends_at": until }))).await;
    house.follow("community.announcements").await;
    for kind in ["level_up", "achievement"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    let veteran =
        json!({ "name": "Veteran", "requirement_type": "xp_milestone", "requirement_value": 1_000 });
    house.ok("POST", "/achievements", Some(veteran)).await;
    house.ok("POST", "/xp/import", csv("id,xp\n7,5000\n", &json!({}))).await;
    assert_eq!(house.events("member.levelled_up").await[0]["retroactive"], true);
    assert_eq!(house.events("achievement.earned").await[0]["retroactive"], true);
    let seasonal = "SELECT count(*) FROM progress.user_stats";
    assert_eq!(house.count(seasonal).await, 0);
    let journaled =
        "SELECT count(*) FROM progress.activity_log WHERE event_type = 'IMPORT' AND season_id IS NULL";
    assert_eq!(house.count(journaled).await, 1);
    // Other XP are.
    house.give(crate::house::BOB, "a", 5_000, 0).await;
    assert_eq!(house.count(seasonal).await, 1);
    house.settled().await;
    let mut conn = house.pool().acquire().await.unwrap();
    while jobs::outbox::consume_batch(&mut conn, &community::announcements::Producer).await.unwrap() > 0 {}
    let told = house.ok("GET", "/announcements", None).await["items"].as_array().unwrap().clone();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|one| one["user_id"] == "8"), "{told:?}");
    house.assert_sound().await;
}
