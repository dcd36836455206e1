//! Authors: drafts, versions, what is refused, retiring.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, bundle, reading};

#[tokio::test]
async fn a_draft_changes_nothing_until_it_is_published_and_wording_makes_no_version() {
    let stage = Stage::new().await;
    let id = stage.quest("loops", &reading("Loops", &[], 10)).await;
    let source = format!("sources/quests/{id}");
    let mut changed = reading("Loops and more", &[], 10);
    let put = stage.ok("PUT", &source, None, Some(json!({ "quest": changed }))).await;
    assert_eq!((&put["is_draft"], &put["version"]), (&json!(true), &json!(1)));
    assert_eq!(stage.ok("GET", &format!("quests/{id}"), None, None).await["title"], json!("Loops"));
    let published = stage.ok("POST", &format!("{source}/publication"), None, None).await;
    assert_eq!((&published["is_draft"], &published["version"]), (&json!(false), &json!(1)));
    assert_eq!(stage.ok("GET", &format!("quests/{id}"), None, None).await["title"], json!("Loops and more"));

    // Ada begins; then what is graded changes.
    let begun = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    changed["steps"][0]["experience_points"] = json!(7);
    changed["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "slug": "more", "type": "Reading", "title": "More" }));
    stage.ok("PUT", &source, None, Some(json!({ "quest": changed }))).await;
    let published = stage.ok("POST", &format!("{source}/publication"), None, None).await;
    assert_eq!(published["version"], json!(2));
    let mine = stage.ok("GET", &format!("quests/{id}"), Some(ADA), None).await["attempt"].clone();
    assert_eq!((&mine["version"], &mine["current_version"]), (&json!(1), &json!(2)));
    assert_eq!(mine["steps"].as_array().unwrap().len(), 1);
    assert_eq!(stage.ok("POST", &format!("quests/{id}/attempt"), Some(BOB), None).await["version"], json!(2));

    let preview = stage.ok("GET", &format!("quests/{id}/attempt/upgrade"), Some(ADA), None).await;
    assert_eq!((&preview["added"], &preview["changed"]), (&json!(["More"]), &json!(["Read"])));
    let upgraded = stage.ok("POST", &format!("quests/{id}/attempt/upgrade"), Some(ADA), None).await;
    assert_eq!((&upgraded["version"], &upgraded["progress"]["total"]), (&json!(2), &json!(2)));
    assert_eq!(upgraded["steps"][0]["id"], begun["steps"][0]["id"], "a step is the same by its short name");
    stage.walk(ADA, &id).await;
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 17);
    let versions = stage.ok("GET", &format!("{source}/versions"), None, None).await;
    assert_eq!((&versions[0]["attempts"], &versions[1]["attempts"]), (&json!(2), &json!(0)));
    stage.assert_clean().await;
}

#[tokio::test]
async fn circles_and_what_could_never_be_opened_are_refused_by_name() {
    let stage = Stage::furnished().await;
    let one = stage.id("one").await;
    let mut circle = bundle()["quests"][0]["quest"].clone();
    circle["requires"] = json!(["three"]);
    stage.ok("PUT", &format!("sources/quests/{one}"), None, Some(json!({ "quest": circle }))).await;
    let (status, kind, problem) =
        stage.refused("POST", &format!("sources/quests/{one}/publication"), None, None).await;
    assert_eq!((status, kind.as_str()), (409, "quests-unreachable"));
    let of_one = problem["errors"].as_array().unwrap().iter().find(|error| error["field"] == "one").unwrap();
    assert_eq!(
        of_one["message"],
        json!("could never be opened: it waits for `three`, in the circle `one` → `three` → `two` → `one`")
    );
    // Nothing of it happened.
    assert_eq!(stage.ok("GET", &format!("quests/{one}"), None, None).await["state"], json!("open"));

    // Through a rule, by way of a chapter that the quest itself is in.
    let mut changed = bundle();
    changed["path"]["chapters"][0]["unlock"] = json!({ "chapter": { "path": "course", "chapter": "b" } });
    let (_, kind, problem) = stage.refused("POST", "import", None, Some(changed)).await;
    assert_eq!(kind, "quests-unreachable");
    let text = problem["detail"].as_str().unwrap();
    assert!(text.contains("the chapter `course/b`") && text.contains("in the circle"), "{text}");

    // What is not published blocks by its name; an alternative opens it.
    let lonely = reading("Lonely", &["nowhere"], 0);
    let made =
        stage.ok("POST", "sources/quests", None, Some(json!({ "slug": "lonely", "quest": lonely }))).await;
    let id = made["id"].as_str().unwrap();
    let (_, _, problem) =
        stage.refused("POST", &format!("sources/quests/{id}/publication"), None, None).await;
    let text = problem["detail"].as_str().unwrap();
    assert!(text.contains("the quest `nowhere`, which is not published"), "{text}");
    let mut open = reading("Lonely", &[], 0);
    open["unlock"] = json!({ "any": [{ "quest": "nowhere" }, { "level": 5 }] });
    stage.ok("PUT", &format!("sources/quests/{id}"), None, Some(json!({ "quest": open }))).await;
    stage.ok("POST", &format!("sources/quests/{id}/publication"), None, None).await;
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_a_chapter_would_never_pay_is_refused() {
    let stage = Stage::new().await;
    let mut changed = bundle();
    changed["path"]["chapters"][1]["experience_points"] = json!(50);
    changed["path"]["chapters"][1]["quests"][0]["optional"] = json!(true);
    let (status, _, problem) = stage.refused("POST", "import", None, Some(changed.clone())).await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (400, &json!("path.chapters[1].experience_points")),
        "{problem}"
    );
    changed["path"]["chapters"][1]["quests"][0]["optional"] = json!(false);
    stage.ok("POST", "import", None, Some(changed)).await;
}

#[tokio::test]
async fn two_authors_who_together_make_a_circle_do_not_get_through() {
    let stage = Stage::new().await;
    let (a, b) =
        (stage.quest("a", &reading("A", &[], 0)).await, stage.quest("b", &reading("B", &[], 0)).await);
    for (id, quest) in [(&a, reading("A", &["b"], 0)), (&b, reading("B", &["a"], 0))] {
        stage.ok("PUT", &format!("sources/quests/{id}"), None, Some(json!({ "quest": quest }))).await;
    }
    let (path_a, path_b) =
        (format!("sources/quests/{a}/publication"), format!("sources/quests/{b}/publication"));
    let (one, other) =
        futures::join!(stage.send("POST", &path_a, None, None), stage.send("POST", &path_b, None, None));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
    stage.assert_clean().await;
}

#[tokio::test]
async fn of_two_who_edit_at_once_the_later_is_told() {
    let stage = Stage::new().await;
    let new = json!({ "slug": "loops", "quest": reading("Loops", &[], 0) });
    let made = stage.ok("POST", "sources/quests", None, Some(new.clone())).await;
    let (status, _, problem) = stage.refused("POST", "sources/quests", None, Some(new)).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("slug")));
    let path = format!("sources/quests/{}", made["id"].as_str().unwrap());
    let edit = |title: &str| json!({ "revision": made["revision"], "quest": reading(title, &[], 0) });
    stage.ok("PUT", &path, None, Some(edit("Mine"))).await;
    let (status, kind, _) = stage.refused("PUT", &path, None, Some(edit("Yours"))).await;
    assert_eq!((status, kind.as_str()), (409, "changed-meanwhile"));
}

#[tokio::test]
async fn a_retired_quest_may_be_finished_but_not_begun_and_not_retired_from_under_others() {
    let stage = Stage::furnished().await;
    let (two, extra) = (stage.id("two").await, stage.id("extra").await);
    let (_, kind, problem) = stage.refused("DELETE", &format!("sources/quests/{two}"), None, None).await;
    assert_eq!(kind, "quests-unreachable");
    assert_eq!(problem["errors"][0]["field"], json!("three"));
    let one = stage.id("one").await;
    stage.walk(ADA, &one).await;
    let attempt = stage.ok("POST", &format!("quests/{extra}/attempt"), Some(ADA), None).await;
    stage.ok("DELETE", &format!("sources/quests/{extra}"), None, None).await;
    let step = attempt["steps"][0]["id"].as_str().unwrap();
    let done = stage
        .ok("POST", &format!("quests/{extra}/attempt/steps/{step}/completion"), Some(ADA), Some(json!({})))
        .await;
    assert_eq!(done["status"], json!("Completed"));
    stage.walk(BOB, &one).await;
    assert_eq!(
        stage.refused("POST", &format!("quests/{extra}/attempt"), Some(BOB), None).await.1,
        "quest-locked"
    );
    assert_eq!(stage.refused("GET", &format!("quests/{extra}"), Some(BOB), None).await.0, 404);
    stage.assert_clean().await;
}

#[tokio::test]
async fn everything_wrong_with_a_document_is_told_at_once() {
    let stage = Stage::new().await;
    let quest = json!({
        "title": "", "type": "Tutorial", "difficulty": "Beginner", "experience_points": -1, "requires": ["A!"],
        "unlock": { "not": { "quest": "x" } },
        "steps": [
            { "slug": "same", "type": "Quiz", "title": "Quiz", "quiz": { "questions": [
                { "slug": "q", "type": "single", "text": "?", "choices": [{ "slug": "a", "text": "A" }, { "slug": "b", "text": "B" }] },
                { "slug": "n", "type": "number", "text": "?", "number": "1 / (a - a)",
                  "parameters": [{ "name": "a", "from": 1, "to": 2 }] },
                { "slug": "t", "type": "text", "text": "?", "pattern": "(a)\\1" },
            ] } },
            { "slug": "same", "type": "Video", "title": "Film" },
            { "slug": "code", "type": "Coding", "title": "Code", "coding": { "tests": [] } },
        ],
    });
    let (status, _, problem) =
        stage.refused("POST", "sources/quests", None, Some(json!({ "slug": "x", "quest": quest }))).await;
    assert_eq!(status, 400);
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    for field in [
        "quest.title",
        "quest.experience_points",
        "quest.requires[0]",
        "quest.unlock",
        "quest.steps[0].quiz.questions[0].choices",
        "quest.steps[0].quiz.questions[1].number",
        "quest.steps[0].quiz.questions[2].pattern",
        "quest.steps[1].slug",
        "quest.steps[1].url",
        "quest.steps[2].coding.tests",
    ] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    // What only the guild can tell.
    let mut unknown = reading("Skilled", &[], 0);
    unknown["skills"] = json!({ "juggling": 5 });
    let made =
        stage.ok("POST", "sources/quests", None, Some(json!({ "slug": "skilled", "quest": unknown }))).await;
    let path = format!("sources/quests/{}/publication", made["id"].as_str().unwrap());
    assert_eq!(stage.refused("POST", &path, None, None).await.2["errors"][0]["field"], json!("skills"));
    let mut uncounted = reading("Nothing", &[], 0);
    uncounted["steps"][0]["optional"] = json!(true);
    let made = stage
        .ok("POST", "sources/quests", None, Some(json!({ "slug": "nothing", "quest": uncounted })))
        .await;
    let path = format!("sources/quests/{}/publication", made["id"].as_str().unwrap());
    assert_eq!(stage.refused("POST", &path, None, None).await.2["errors"][0]["field"], json!("steps"));
}

#[tokio::test]
async fn an_import_is_idempotent_and_what_is_exported_is_what_was_imported() {
    let stage = Stage::new().await;
    let first = stage.ok("POST", "import", None, Some(bundle())).await;
    assert_eq!((&first["created"], &first["published"]), (&json!(4), &json!(true)));
    let rows = async || -> Vec<String> {
        sqlx::query_scalar(
            "SELECT q::text FROM learning.quests q UNION ALL SELECT v::text FROM learning.quest_versions v
             UNION ALL SELECT p::text FROM learning.learning_paths p UNION ALL SELECT c::text FROM learning.catalogues c ORDER BY 1",
        )
        .fetch_all(stage.house.pool())
        .await
        .unwrap()
    };
    let before = rows().await;
    let again = stage.ok("POST", "import", None, Some(bundle())).await;
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(4)));
    assert_eq!(rows().await, before);

    let path = stage.path().await;
    let exported = stage.ok("GET", &format!("sources/paths/{path}/export"), None, None).await;
    let canonical = |bundle: &Value| {
        let mut read: learning::model::path::Bundle = serde_json::from_value(bundle.clone()).unwrap();
        read.quests.sort_by(|a, b| a.slug.cmp(&b.slug));
        read
    };
    // The guild's skills come along, so that another guild can have them, too.
    let mut expected = bundle();
    expected["skills"] = json!({ "graphs": { "name": "Graphs", "domain": "general" } });
    assert_eq!(canonical(&exported), canonical(&expected));

    let mut changed = bundle();
    changed["quests"][1]["quest"]["title"] = json!("Deux");
    changed["quests"][2]["quest"]["experience_points"] = json!(41);
    let third = stage.ok("POST", "import", None, Some(changed)).await;
    assert_eq!(
        (&third["reworded"], &third["new_versions"], &third["unchanged"]),
        (&json!(1), &json!(1), &json!(2))
    );
}
