//! Quests and paths made and changed by forms, without a document.

use access::Role;
use axum::http::StatusCode;
use kernel::GuildId;
use serde_json::{Value, json};

use crate::dashboard::Browser;
use crate::dashboard_staff::{fill, page};
use crate::guilds::Guild;
use crate::house::House;

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;
const AUTHOR: i64 = 31;

fn at(rest: &str) -> String {
    format!("/g/{GUILD}/staff/learning{rest}")
}

async fn stored(house: &House, quest: &str) -> Value {
    let id = quest.rsplit('/').next().unwrap().parse().unwrap();
    let source = learning::ops::quest_source(house.database.pool(), GuildId::new(GUILD), id).await.unwrap();
    json!(source.quest)
}

#[tokio::test]
async fn a_quest_and_its_path_are_written_by_forms() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut author = Browser::signed_in(&house, GUILD, AUTHOR, Role::Author).await;
    let new = at("/quests/new");
    let form = page(&mut author, &new).await;
    let mut filled = vec![
        ("title:text", "A letter to the hall"),
        ("type", "Practice"),
        ("difficulty", "Beginner"),
        ("experience_points:int", "40"),
        ("steps[0].type", "Reading"),
        ("steps[0].title:text", ""),
        ("steps[0].description:text", "Dear hall."),
        ("steps[0].optional:bool", "false"),
        ("steps[1].type", "Submission"),
        ("steps[1].title:text", "Write one"),
        ("_rubric_1", "It is kind"),
    ];
    // A step of which only the text is there, and a criterion without points: told where they were typed.
    let wrong = author.submit(&form, &new, &filled).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    assert!(wrong.text.contains("f-_rubric_1-fault") && wrong.text.contains("Dear hall."), "{wrong:?}");
    filled.retain(|(name, _)| *name != "_rubric_1");
    filled.push(("_rubric_1", "4 It is kind\r\n6 It says what is needed"));
    let wrong = author.submit(&form, &new, &filled).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    assert!(wrong.text.contains("f-steps-0--title-fault"), "{wrong:?}");
    filled.retain(|(name, _)| *name != "steps[0].title:text");
    filled.push(("steps[0].title:text", "Read one"));
    let quest = fill(&mut author, &new, &new, &filled).await;
    let made = stored(&house, &quest).await;
    assert_eq!(made["steps"][0]["slug"], "read-one", "{made}");
    assert_eq!(
        made["steps"][1]["submission"]["rubric"],
        json!([{ "slug": "it-is-kind", "text": "It is kind", "points": 4 },
               { "slug": "it-says-what-is-needed", "text": "It says what is needed", "points": 6 }]),
    );
    let shown = page(&mut author, &quest).await;
    assert!(shown.contains("4 It is kind\n6 It says what is needed"), "{shown}");
    let publish = [
        ("title:text", "A letter"),
        ("steps[0].type", "Reading"),
        ("steps[0].title:text", "Read one"),
        ("steps[1].type", "Submission"),
        ("steps[1].title:text", "Write one"),
        ("_rubric_1", "4 It is kind"),
        ("_do", "publish"),
    ];
    fill(&mut author, &quest, &quest, &publish).await;
    assert!(page(&mut author, &quest).await.contains("It is published"));
    assert_eq!(stored(&house, &quest).await["steps"][1]["submission"]["rubric"].as_array().unwrap().len(), 1);
    // The path that leads to it: by its short name, which was made of its title.
    let new = at("/paths/new");
    let filled = [("name:text", "Letters"), ("type", "Course"), ("quests[0].quest", "a-letter-to-the-hall")];
    let path = fill(&mut author, &new, &new, &filled).await;
    fill(
        &mut author,
        &path,
        &path,
        &[("name:text", "Letters"), ("quests[0].quest", "a-letter-to-the-hall"), ("_do", "publish")],
    )
    .await;
    let mut learner = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let seen = learner.page(&path.replacen("/staff/learning", "/learn", 1)).await;
    assert!(seen.contains("A letter"), "{seen}");
    // Nobody changes what somebody else has changed meanwhile.
    let old = page(&mut author, &quest).await;
    fill(&mut author, &quest, &quest, &publish[..6]).await;
    fill(
        &mut author,
        &quest,
        &quest,
        &[("title:text", "Another"), ("steps[0].title:text", "Read"), ("steps[0].type", "Reading")],
    )
    .await;
    let behind = author.submit(&old, &quest, &publish[..6]).await;
    assert_eq!(behind.status, StatusCode::UNPROCESSABLE_ENTITY, "{behind:?}");
    assert_ne!(guild.ids["quest_id"], quest);
}

#[tokio::test]
async fn a_form_leaves_questions_and_assessments_as_they_are() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut author = Browser::signed_in(&house, GUILD, AUTHOR, Role::Author).await;
    let quest = at(&format!("/quests/{}", guild.ids["quest_id"]));
    let before = stored(&house, &quest).await;
    let shown = page(&mut author, &quest).await;
    assert!(!shown.contains("sesame"), "{shown}");
    let filled = [
        ("title:text", "A better title"),
        ("steps[0].title:text", "Read"),
        ("steps[0].type", "Reading"),
        ("steps[1].title:text", "Asked"),
        ("steps[2].title:text", "Essay"),
        ("steps[2].type", "Submission"),
        ("_place_1", "1"),
        ("_place_0", "2"),
    ];
    fill(&mut author, &quest, &quest, &filled).await;
    let after = stored(&house, &quest).await;
    assert_eq!((&after["title"], &after["assessments"]), (&json!("A better title"), &before["assessments"]));
    let [asked, read] = [&after["steps"][0], &after["steps"][1]];
    assert_eq!((&asked["title"], &asked["quiz"]), (&json!("Asked"), &before["steps"][1]["quiz"]));
    assert_eq!(read["slug"], "read");
    // The document is a page of its own, and whoever may not write finds neither.
    assert!(page(&mut author, &format!("{quest}?as=document")).await.contains("sesame"));
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    assert_eq!(member.get(&quest).await.status, StatusCode::FORBIDDEN);
}
