//! By words.

use learning::rules::check::LANGUAGES;
use serde_json::json;

use crate::stage::{Stage, marked};

#[tokio::test]
async fn titles_come_before_texts_and_hits_are_marked() {
    let stage = Stage::new(None).await;
    stage.quest("text", "Doing it again", "A loop does something again and again.", "english").await;
    stage.quest("title", "Loops", "How to do something again.", "english").await;
    stage.quest("other", "Soup", "How to cook.", "english").await;
    let found = stage.find("q=looping").await;
    assert_eq!(found["meaning"], "absent");
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{found}");
    assert_eq!((&items[0]["slug"], &items[0]["kind"]), (&json!("title"), &json!("quest")));
    assert_eq!(marked(&items[0]["title"]), "[Loops]");
    assert_eq!(marked(&items[1]["excerpt"]), "[loop] does something again and again");
    assert_eq!(stage.slugs("q=%22something%20again%22").await.len(), 2);
    assert_eq!(stage.slugs("q=something%20-loop").await, Vec::<String>::new());
    assert_eq!(stage.slugs("q=soup%20or%20loop&limit=1").await.len(), 1);
    assert_eq!(stage.find("q=loop&mode=words").await["meaning"], "unasked");
}

#[tokio::test]
async fn only_what_learners_may_see_is_found() {
    let stage = Stage::new(None).await;
    stage.draft("draft", "A draft of loops", "", "english").await;
    let retired = stage.quest("retired", "Retired loops", "", "english").await;
    stage.ok("DELETE", &format!("learning/sources/quests/{retired}"), None).await;
    let open = stage.quest("open", "Open loops", "", "english").await;
    let draft = json!({ "quest": { "title": "Open loops", "description": "secret plans", "type": "Tutorial", "difficulty": "Beginner",
                                   "steps": [{ "slug": "read", "type": "Reading", "title": "x" }] } });
    stage.ok("PUT", &format!("learning/sources/quests/{open}"), Some(draft)).await;
    sqlx::raw_sql(
        "INSERT INTO people.guilds (guild_id, name) VALUES (2, 'Another');
         INSERT INTO learning.learning_paths (guild_id, slug, name, description, path_type, is_published, published_at, document)
         VALUES (2, 'theirs', 'Loops of theirs', '', 'Course', true, now(), '{}')",
    )
    .execute(stage.pool())
    .await
    .unwrap();
    assert_eq!(stage.slugs("q=loops").await, ["open"]);
    assert_eq!(stage.slugs("q=secret").await, Vec::<String>::new(), "drafts are not looked at");
    assert_eq!(stage.slugs("q=umbrellas").await, Vec::<String>::new(), "steps are not looked at");
    let bundle = json!({ "slug": "course", "path": { "name": "A course of loops", "description": "d", "type": "Course",
                         "quests": [{ "quest": "open" }] }, "quests": [] });
    stage.ok("POST", "learning/import", Some(bundle)).await;
    assert_eq!(stage.slugs("q=loops&kind=path").await, ["course"]);
    assert_eq!(stage.slugs("q=loops&kind=quest").await, ["open"]);
    assert_eq!(stage.slugs("q=loops").await.len(), 2);
}

/// Whatever an author writes, no part of an answer is marked that was not asked for, and nothing is taken out but the marks.
#[tokio::test]
async fn nothing_that_authors_write_is_taken_for_a_mark() {
    let stage = Stage::new(None).await;
    let hostile = "<b>loop</b> <script>alert(1)</script> \u{e000}soup\u{e001} \"loop\"";
    stage.quest("hostile", "Loop \u{fffd} <mark>", hostile, "english").await;
    let found = stage.find("q=loop").await;
    let excerpt = &found["items"][0]["excerpt"];
    let hits: Vec<&str> = excerpt
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["hit"] == true)
        .map(|part| part["text"].as_str().unwrap())
        .collect();
    assert!(!hits.is_empty() && hits.iter().all(|hit| *hit == "loop"), "{excerpt}");
    assert!(!found.to_string().contains(['\u{e000}', '\u{e001}']));
    assert_eq!(marked(&found["items"][0]["title"]), "[Loop] \u{fffd} <mark>");
}

#[tokio::test]
async fn each_language_is_read_as_what_it_is() {
    let stage = Stage::new(None).await;
    // A word as it stands in a text, and another form of it.
    let words = [
        ("simple", "loops", "loops"),
        ("arabic", "الكتاب", "كتاب"),
        ("danish", "huset", "huse"),
        ("dutch", "boeken", "boek"),
        ("english", "loops", "looping"),
        ("finnish", "taloissa", "talo"),
        ("french", "boucles", "boucle"),
        ("german", "Schleifen", "Schleife"),
        ("greek", "δρόμοι", "δρόμος"),
        ("hungarian", "házak", "ház"),
        ("italian", "cicli", "ciclo"),
        ("norwegian", "husene", "huset"),
        ("portuguese", "laços", "laço"),
        ("romanian", "bucle", "buclă"),
        ("russian", "циклы", "цикл"),
        ("spanish", "bucles", "bucle"),
        ("swedish", "flickor", "flicka"),
        ("turkish", "döngüler", "döngü"),
    ];
    assert_eq!(words.map(|(language, ..)| language), LANGUAGES);
    for (language, text, _) in words {
        stage.quest(language, &format!("In {language}"), text, language).await;
    }
    let mut missed = Vec::new();
    for (language, _, asked) in words {
        let asked: String = asked.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"));
        if stage.slugs(&format!("q={asked}&language={language}")).await != [language] {
            missed.push(language);
        }
    }
    assert!(missed.is_empty(), "not found in {missed:?}");
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let stage = Stage::new(None).await;
    let long = format!("q={}", "x".repeat(201));
    for (query, field) in [
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00b", "q"),
        (long.as_str(), "q"),
        ("limit=5", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=51", "limit"),
        ("q=a&language=klingon", "language"),
        ("q=a&mode=magic", "mode"),
        ("q=a&kind=step", "kind"),
        ("q=a&more=1", "more"),
    ] {
        let (status, problem) =
            stage.house.send("GET", &format!("/guilds/1/search?{query}"), None, None).await;
        assert_eq!(status, 400, "{query}: {problem}");
        assert!(problem.to_string().contains(field), "{query}: {problem}");
    }
    for query in ["q=%26%7C%21%28%29%3A%2A", "q=%27%22", "q=the", "q=-", "q=%22", "q=%5C%5C"] {
        assert_eq!(stage.slugs(query).await, Vec::<String>::new(), "{query}");
    }
}
