//! Learners review each other: allocation, debt, medians, deadlines, and many at once.

use std::collections::BTreeMap;

use assessment::ops;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Stage, Way};

const EVE: i64 = 9;

fn reviewed(peers: &Value) -> Value {
    json!({ "slug": "essay", "type": "PeerReview", "title": "Essay", "description": "Write.", "review": { "peers": peers, "rubric": [
        { "slug": "style", "text": "SECRET style", "points": 10 }, { "slug": "sense", "text": "SECRET sense", "points": 10 }] } })
}

fn review(style: u32, sense: u32) -> Option<Value> {
    Some(json!({ "scores": { "style": style, "sense": sense }, "feedback": format!("{style} and {sense}.") }))
}

async fn request(stage: &Stage, way: &Way, user: i64) -> Value {
    insist(stage, &way.to("reviews"), user, None).await
}

/// A request that is sent again where there were too many at once for the few connections of a test, as the answer says.
async fn insist(stage: &Stage, path: &str, user: i64, body: Option<Value>) -> Value {
    let (status, answer) = answered(stage, path, user, body).await;
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

async fn answered(stage: &Stage, path: &str, user: i64, body: Option<Value>) -> (u16, Value) {
    loop {
        match stage.send("POST", path, Some(user), body.clone()).await {
            (503, _) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

fn write(answer: &Value) -> String {
    format!(
        "assessment/reviews/{}",
        answer["review"]["id"].as_str().unwrap_or_else(|| panic!("nothing to review: {answer}"))
    )
}

/// A class in which all have handed in.
async fn class(stage: &Stage, peers: &Value, users: &[i64]) -> Way {
    let way = stage.way(&reviewed(peers)).await;
    stage.members(users).await;
    for user in users {
        stage.begin(&way.quest, *user).await;
        stage.hand_in(&way, *user, &format!("Work of {user}.")).await;
    }
    way
}

#[tokio::test]
async fn a_median_grades_and_debt_holds_back_feedback_alone() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 2, "owed": 2 }), &[ADA, BOB, EVE]).await;
    stage.read(&way.quest, ADA).await;
    let of_ada = |answer: &Value| answer["review"]["work"]["text"] == json!(format!("Work of {ADA}."));
    // Bob and Eve each ask until they have written both reviews.
    for (user, points) in [(BOB, (5, 8)), (EVE, (8, 9))] {
        for _ in 0..2 {
            let given = request(&stage, &way, user).await;
            assert!(
                given["review"]["work"]["text"] != json!(format!("Work of {user}.")),
                "one's own: {given}"
            );
            let points = if of_ada(&given) { review(points.0, points.1) } else { review(6, 6) };
            stage.ok("POST", &write(&given), Some(user), points).await;
        }
        assert_eq!(request(&stage, &way, user).await["review"], Value::Null);
    }
    let seen = stage.seen(&way.quest, ADA).await;
    // 6.5 and 8.5 of 20.
    assert_eq!((&seen["submissions"][0]["grade"], &seen["passed"]), (&json!("75.00"), &json!(true)));
    assert_eq!((&seen["reviews_owed"], &seen["submissions"][0]["comments"]), (&json!(2), &Value::Null));
    assert_eq!(stage.xp(ADA).await, 35, "debt holds back feedback, and nothing else");
    for _ in 0..2 {
        let given = request(&stage, &way, ADA).await;
        stage.ok("POST", &write(&given), Some(ADA), review(6, 6)).await;
    }
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!(
        (&seen["reviews_owed"], seen["submissions"][0]["comments"].as_array().unwrap().len()),
        (&json!(0), 2)
    );
    assert!(
        !seen.to_string().contains("reviewer") && !seen.to_string().contains("user_id"),
        "nobody is told who reviewed: {seen}"
    );
    assert_eq!(stage.told("assessment.graded").await.len(), 3);
    assert_eq!(stage.told("assessment.review_assigned").await.len(), 6);
    stage.assert_clean().await;
}

#[tokio::test]
async fn who_has_nothing_to_review_is_let_off() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 3, "owed": 3 }), &[ADA]).await;
    let alone = request(&stage, &way, ADA).await;
    assert_eq!(alone, json!({ "reviews_owed": 0, "forgiven": 3 }));
    stage.begin(&way.quest, BOB).await;
    assert_eq!(
        stage.refused("POST", &way.to("reviews"), Some(BOB), None).await.1,
        "submission-state",
        "hand in first"
    );
    stage.hand_in(&way, BOB, "Bob's.").await;
    let given = request(&stage, &way, BOB).await;
    assert_eq!(given["review"]["work"]["text"], json!(format!("Work of {ADA}.")));
    assert_eq!(request(&stage, &way, BOB).await["review"]["id"], given["review"]["id"], "the same one again");
    // Another's is not there; what is wrong is said; twice is refused.
    assert_eq!(stage.refused("POST", &write(&given), Some(ADA), review(1, 1)).await.0, 404);
    assert_eq!(stage.refused("POST", &write(&given), Some(BOB), review(11, 1)).await.0, 400);
    let empty = Some(json!({ "scores": { "style": 1, "sense": 1 }, "feedback": " " }));
    assert_eq!(stage.refused("POST", &write(&given), Some(BOB), empty).await.0, 400);
    stage.ok("POST", &write(&given), Some(BOB), review(5, 5)).await;
    assert_eq!(stage.refused("POST", &write(&given), Some(BOB), review(5, 5)).await.1, "submission-state");
    assert_eq!(request(&stage, &way, BOB).await, json!({ "reviews_owed": 0, "forgiven": 2 }));
    let (status, _) =
        stage.house.send("POST", &format!("/guilds/2/{}", write(&given)), Some(BOB), review(1, 1)).await;
    assert_eq!(status, 404);
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_is_declined_or_not_written_goes_to_somebody_else() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 1, "owed": 1 }), &[ADA, BOB, EVE]).await;
    let first = request(&stage, &way, BOB).await;
    stage.ok("POST", &format!("{}/decline", write(&first)), Some(BOB), None).await;
    assert_eq!(stage.refused("POST", &write(&first), Some(BOB), review(1, 1)).await.1, "submission-state");
    let second = request(&stage, &way, BOB).await;
    assert_ne!(second["review"]["work"], first["review"]["work"], "one that was declined is not given again");
    // Eve takes Ada's, and her time passes.
    let taken = request(&stage, &way, EVE).await;
    assert_eq!(taken["review"]["work"], first["review"]["work"]);
    stage.execute("UPDATE assessment.peer_review_assignments SET due_at = now() - interval '1 second' WHERE status = 'assigned'").await;
    assert_eq!(stage.refused("POST", &write(&taken), Some(EVE), review(1, 1)).await.1, "submission-state");
    // Neither Bob nor Eve is given it any more; Bob has had everybody's.
    assert_eq!(request(&stage, &way, BOB).await, json!({ "reviews_owed": 0, "forgiven": 1 }));
    stage.assert_clean().await;
}

async fn over(stage: &Stage) {
    stage
        .execute("UPDATE assessment.quest_submissions SET review_due_at = now() - interval '1 second'")
        .await;
    let due: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT (payload->>'submission_id')::uuid FROM jobs.timers WHERE kind = 'assessment.review_due'",
    )
    .fetch_all(stage.house.pool())
    .await
    .unwrap();
    for id in due {
        ops::review_due(stage.house.pool(), GUILD, assessment::ids::SubmissionId::new(id)).await.unwrap();
    }
}

#[tokio::test]
async fn when_time_is_over_there_are_reviews_enough_or_the_instructors_have_it() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 4, "owed": 1 }), &[ADA, BOB, EVE]).await;
    // Ada's gets two reviews of four, which are enough; the others' none.
    for user in [BOB, EVE] {
        let given = request(&stage, &way, user).await;
        assert_eq!(given["review"]["work"]["text"], json!(format!("Work of {ADA}.")).clone(), "{given}");
        stage.ok("POST", &write(&given), Some(user), review(6, 6)).await;
        if user == BOB {
            // So that Eve is given Ada's, too: the others have as many by now.
            stage
                .execute(
                    "UPDATE assessment.quest_submissions SET status = 'withdrawn' WHERE attempt_id <> (
                SELECT attempt_id FROM assessment.quest_submissions ORDER BY id LIMIT 1)",
                )
                .await;
        }
    }
    stage
        .execute("UPDATE assessment.quest_submissions SET status = 'in_review' WHERE status = 'withdrawn'")
        .await;
    let not_yet: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs.timers WHERE kind = 'assessment.review_due' AND scheduled_at > now() + interval '71 hours'")
        .fetch_one(stage.house.pool()).await.unwrap();
    assert_eq!(not_yet, 3);
    over(&stage).await;
    over(&stage).await;
    let states: BTreeMap<i64, String> = sqlx::query_as::<_, (i64, String)>(
        "SELECT l.user_id, s.status FROM assessment.quest_submissions s JOIN learning.learners l USING (guild_id, auth_user_id)")
        .fetch_all(stage.house.pool()).await.unwrap().into_iter().collect();
    assert_eq!(
        states,
        BTreeMap::from([
            (ADA, "graded".to_owned()),
            (BOB, "escalated".to_owned()),
            (EVE, "escalated".to_owned())
        ])
    );
    assert_eq!(stage.told("assessment.escalated").await.len(), 2, "once each");
    // They are in the queue now, and graded there.
    let queue = stage.ok("GET", "assessment/submissions", None, None).await;
    assert_eq!(queue["items"].as_array().unwrap().len(), 2);
    let id = queue["items"][0]["id"].as_str().unwrap().to_owned();
    // Nobody acts: they are reminded, and again.
    ops::review_remind(stage.house.pool(), GUILD, id.parse().unwrap()).await.unwrap();
    assert_eq!(stage.told("assessment.waiting_too_long").await.len(), 1);
    let reminders: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs.timers WHERE kind = 'assessment.review_remind'")
            .fetch_one(stage.house.pool())
            .await
            .unwrap();
    assert_eq!(reminders, 3);
    stage.judge(&id, json!({ "scores": { "style": 9, "sense": 9 } })).await;
    ops::review_remind(stage.house.pool(), GUILD, id.parse().unwrap()).await.unwrap();
    assert_eq!(stage.told("assessment.waiting_too_long").await.len(), 1);
    stage.assert_clean().await;
}

#[tokio::test]
async fn reviews_far_apart_fall_to_the_instructors_and_a_hidden_one_opens_its_place() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 2, "owed": 0 }), &[ADA, BOB, EVE]).await;
    let of = |answer: &Value| answer["review"]["work"]["text"].as_str().unwrap().to_owned();
    let ada = format!("Work of {ADA}.");
    let mut hidden = None;
    for (user, points) in [(BOB, 0), (EVE, 10)] {
        loop {
            let given = request(&stage, &way, user).await;
            if of(&given) == ada {
                stage.ok("POST", &write(&given), Some(user), review(points, points)).await;
                if user == BOB {
                    hidden = Some(write(&given));
                    assert_eq!(
                        stage.send("POST", &format!("{}/hide", write(&given)), None, None).await.0,
                        204
                    );
                    assert_eq!(
                        stage.send("POST", &format!("{}/hide", write(&given)), None, None).await.0,
                        204
                    );
                }
                break;
            }
            stage.ok("POST", &write(&given), Some(user), review(5, 5)).await;
        }
    }
    let path = "assessment/submissions?all=true";
    let all = stage.ok("GET", path, None, None).await;
    assert_eq!(all["items"][0]["status"], json!("in_review"), "one of two counts");
    let id = all["items"][0]["id"].as_str().unwrap().to_owned();
    let details = stage.ok("GET", &format!("assessment/submissions/{id}"), None, None).await;
    assert!(details["reviews"][0]["hidden_at"].is_string() && hidden.is_some());
    // Somebody new takes the place that is open again, and they lie too far apart.
    stage.members(&[10]).await;
    stage.begin(&way.quest, 10).await;
    stage.hand_in(&way, 10, "Work of ten.").await;
    loop {
        let given = request(&stage, &way, 10).await;
        let points = if of(&given) == ada { 1 } else { 5 };
        stage.ok("POST", &write(&given), Some(10), review(points, points)).await;
        if points == 1 {
            break;
        }
    }
    let all = stage.ok("GET", path, None, None).await;
    assert_eq!(all["items"][0]["status"], json!("escalated"));
    stage.assert_clean().await;
}

#[tokio::test]
async fn two_hundred_requests_at_once_give_each_their_own_and_leave_nobody_short() {
    let stage = Stage::new().await;
    let users: Vec<i64> = (1_000..1_200).collect();
    let way = class(&stage, &json!({ "required": 2, "owed": 2 }), &users).await;
    let begun = std::time::Instant::now();
    let given = join_all(users.iter().map(|user| request(&stage, &way, *user))).await;
    println!("200 requests at once: {:?}", begun.elapsed());
    let ids: std::collections::BTreeSet<&str> =
        given.iter().map(|one| one["review"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 200, "each their own");
    // One at a time is given where none was: so all have one by now.
    let spread: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE author_id = reviewer_id) FROM assessment.peer_review_assignments GROUP BY submission_id")
        .fetch_all(stage.house.pool()).await.unwrap();
    assert!(
        spread.len() >= 199 && spread.iter().all(|(reviews, own)| *reviews <= 2 && *own == 0),
        "{spread:?}"
    );
    join_all(given.iter().zip(&users).map(|(given, user)| {
        let path = write(given);
        let stage = &stage;
        async move { insist(stage, &path, *user, review(7, 7)).await }
    }))
    .await;
    let again = join_all(users.iter().map(|user| request(&stage, &way, *user))).await;
    join_all(again.iter().zip(&users).map(|(given, user)| {
        let path = write(given);
        let stage = &stage;
        async move {
            let (status, answer) = answered(stage, &path, *user, review(7, 7)).await;
            // Whoever came last, when the only work in want of a review was their own, was given another's as a third, and two were quicker.
            let is_needless = status == 409 && answer["type"] == "/problems/submission-state";
            assert!(is_needless || (200..300).contains(&status), "{path}: {status} {answer}");
        }
    }))
    .await;
    over(&stage).await;
    let open: i64 =
        sqlx::query_scalar("SELECT count(*) FROM assessment.quest_submissions WHERE status = 'in_review'")
            .fetch_one(stage.house.pool())
            .await
            .unwrap();
    assert_eq!(open, 0, "nobody waits past their time");
    stage.assert_clean().await;
}

#[tokio::test]
async fn erasing_a_reviewer_or_an_author_leaves_the_others_their_grades() {
    let stage = Stage::new().await;
    let way = class(&stage, &json!({ "required": 1, "owed": 1 }), &[ADA, BOB, EVE]).await;
    for user in [BOB, EVE, ADA] {
        let given = request(&stage, &way, user).await;
        stage.ok("POST", &write(&given), Some(user), review(8, 8)).await;
    }
    let mut tx = stage.house.pool().begin().await.unwrap();
    let keeper = assessment::SLICE.personal.unwrap();
    let copy = (keeper.copy)(&mut tx, GUILD, kernel::UserId::new(BOB)).await.unwrap();
    assert_eq!(copy["submissions"][0]["handed_in"]["text"], json!(format!("Work of {BOB}.")));
    assert_eq!(
        (copy["reviews_written"].as_array().unwrap().len(), &copy["reviews_owed"][0]["written"]),
        (1, &json!(1))
    );
    // Others were told of Bob, at full length.
    for sql in [
        "SET LOCAL questhall.allow_erasure = 'on'",
        "SET LOCAL questhall.forgotten = '(?<![[:alnum:]_])(?:Bob)(?![[:alnum:]_])'",
        "UPDATE assessment.submission_reviews SET feedback = 'As Bob said.'",
        "UPDATE assessment.grade_history SET reason = left(repeat('Bob ', 500), 2000)",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    assert_eq!((keeper.forget)(&mut tx, GUILD, kernel::UserId::new(BOB)).await.unwrap(), 1);
    (learning::SLICE.personal.unwrap().forget)(&mut tx, GUILD, kernel::UserId::new(BOB)).await.unwrap();
    tx.commit().await.unwrap();
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT feedback AS said FROM assessment.submission_reviews
                               UNION ALL SELECT reason FROM assessment.grade_history) told WHERE said LIKE '%Bob%'",
    )
    .fetch_one(stage.house.pool())
    .await
    .unwrap();
    assert_eq!(told, 0);
    let left: Vec<String> = sqlx::query_scalar("SELECT status FROM assessment.quest_submissions ORDER BY id")
        .fetch_all(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(left, ["graded", "graded"]);
    stage.assert_clean().await;
    over(&stage).await;
}
