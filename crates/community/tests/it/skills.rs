//! Skills: no circles, and cascades that reach the ledgers once.

use community::skills::Cascade;
use futures::future::join_all;
use jobs::outbox::{Event, emit};
use kernel::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{ADA, GUILD, House, assert_sound, house};

async fn skill(house: &House, slug: &str, requires: &[&Value]) -> Value {
    let requires: Vec<Value> = requires.iter().map(|skill| json!({ "skill_id": skill["id"] })).collect();
    let body =
        json!({ "slug": slug, "name": slug, "points_per_level": 10, "max_level": 3, "requires": requires });
    house.ok("POST", "/skills", Some(body)).await
}

#[tokio::test]
async fn a_circle_is_refused_and_named() {
    let house = house().await;
    let basics = skill(&house, "basics", &[]).await;
    let graphs = skill(&house, "graphs", &[&basics]).await;
    let search = skill(&house, "search", &[&graphs, &basics]).await;
    let circle = json!({ "requires": [{ "skill_id": search["id"] }] });
    let path = format!("/skills/{}", basics["id"].as_str().unwrap());
    let (status, problem) = house.send("PATCH", &path, Some(circle)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/skill-cycle")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("basics → search → "), "{detail}");
    let own = json!({ "requires": [{ "skill_id": basics["id"] }] });
    assert_eq!(house.send("PATCH", &path, Some(own)).await.0, 409);
    for bad in [
        json!({ "requires": [{ "skill_id": Uuid::nil() }] }),
        json!({ "requires": [{ "skill_id": graphs["id"], "min_level": 4 }] }),
    ] {
        assert_eq!(house.send("PATCH", &path, Some(bad)).await.0, 400);
    }
    let twice = json!({ "slug": "basics", "name": "again" });
    assert_eq!(house.send("POST", "/skills", Some(twice)).await.0, 409);

    let tree = house.ok("GET", "/skill-tree?member_id=7", None).await;
    let order: Vec<_> = tree["skills"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["slug"], &one["depth"], &one["unlocked"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        order,
        [
            (&json!("basics"), &json!(0), &yes),
            (&json!("graphs"), &json!(1), &no),
            (&json!("search"), &json!(2), &no)
        ]
    );
}

#[tokio::test]
async fn changing_a_graph_from_all_sides_at_once_closes_no_circle() {
    let house = house().await;
    let mut skills = Vec::new();
    for n in 0..4 {
        skills.push(skill(&house, &format!("s{n}"), &[]).await);
    }
    let skills = &skills;
    let house = &house;
    let changed = join_all((0..4).map(|n| async move {
        let path = format!("/skills/{}", skills[n]["id"].as_str().unwrap());
        let next = json!({ "requires": [{ "skill_id": skills[(n + 1) % 4]["id"] }] });
        house.send("PATCH", &path, Some(next)).await.0
    }))
    .await;
    assert_eq!(changed.iter().filter(|status| **status == 200).count(), 3, "{changed:?}");
}

fn event(event_type: &'static str, user: UserId, correlation: Option<Uuid>, data: &Value) -> Event {
    let mut payload = json!({ "user_id": user, "source_type": "quest", "source_id": Uuid::nil() });
    payload.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    Event {
        guild_id: GUILD,
        event_type,
        subject: format!("members/{user}"),
        correlation_id: correlation,
        user_id: Some(user),
        payload,
    }
}

async fn tell(house: &House, events: &[Event]) {
    let mut tx = house.pool().begin().await.unwrap();
    emit(&mut tx, events).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_cascade_reaches_the_ledgers_once() {
    let house = house().await;
    house.follow("community.skills").await;
    let search = skill(&house, "graph-search", &[]).await;
    let cascade = Uuid::now_v7();
    let all = [
        event("learning.xp_granted", ADA, Some(cascade), &json!({ "ordinal": 1, "xp": 60 })),
        event(
            "learning.skill_points_granted",
            ADA,
            Some(cascade),
            &json!({ "ordinal": 2, "skill": "graph-search", "skill_points": 25 }),
        ),
        event(
            "learning.challenge_unlocked",
            ADA,
            Some(cascade),
            &json!({ "ordinal": 3, "unlocked_id": Uuid::max() }),
        ),
    ];
    tell(&house, &all).await;
    // The same cascade told again, as other events.
    tell(&house, &all).await;
    join_all((0..4).map(|_| house.deliver(&Cascade))).await;
    house.deliver(&Cascade).await;
    house.run("UPDATE jobs.outbox_cursors SET transaction_id = '0', id = 0").await;
    house.deliver(&Cascade).await;

    assert_eq!(house.figures(ADA).await, (60, 0, 0));
    let held = house.ok("GET", "/members/7/skills", None).await;
    assert_eq!((&held["items"][0]["skill_points"], &held["items"][0]["level"]), (&json!(25), &json!(2)));
    let ledger = house.ok("GET", "/members/7/skill-rewards", None).await;
    assert_eq!(ledger["items"].as_array().unwrap().len(), 3);
    assert!(ledger["items"].as_array().unwrap().iter().all(|one| one["correlation_id"] == json!(cascade)));
    let risen = house.events("skill.levelled_up").await;
    assert_eq!((risen.len(), &risen[0]["level"]), (1, &json!(2)));
    // What a level takes changes, and levels follow.
    let path = format!("/skills/{}", search["id"].as_str().unwrap());
    house.ok("PATCH", &path, Some(json!({ "points_per_level": 25 }))).await;
    assert_eq!(house.ok("GET", "/members/7/skills", None).await["items"][0]["level"], 1);
    house.ok("DELETE", &path, None).await;
    assert_sound(&house).await;
}

#[tokio::test]
async fn what_cannot_be_is_told_and_holds_nothing_up() {
    let house = house().await;
    house.follow("community.skills").await;
    skill(&house, "real", &[]).await;
    let id = || Some(Uuid::now_v7());
    let points = |skill: &str| json!({ "ordinal": 1, "skill": skill, "skill_points": 5 });
    tell(
        &house,
        &[
            event("learning.skill_points_granted", ADA, id(), &points("unheard-of")),
            event("learning.xp_granted", UserId::new(99), id(), &json!({ "ordinal": 1, "xp": 5 })),
            event("learning.xp_granted", ADA, None, &json!({ "ordinal": 1, "xp": 5 })),
            event("learning.xp_granted", ADA, id(), &json!({ "ordinal": 1, "xp": -5 })),
            event("learning.xp_granted", ADA, id(), &json!({ "ordinal": 0, "xp": 5 })),
            event("learning.skill_points_granted", ADA, id(), &points("real")),
        ],
    )
    .await;
    house.deliver(&Cascade).await;
    let refused = house.events("skill.reward_refused").await;
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().any(|one| one["reason"].as_str().unwrap().contains("unheard-of")));
    assert_eq!(house.ok("GET", "/members/7/skills", None).await["items"][0]["skill_points"], 5);
    assert_eq!(house.figures(ADA).await, (0, 0, 0));
}
