//! Tracks of Exercism's, imported from a checkout.

use std::path::Path;
use std::time::Instant;

use access::{By, Origin};
use learning::authoring::{Foreign, exercism};
use learning::ops::{Author, Brought, foreign_import};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{ADA, GUILD, Stage};

fn put(dir: &Path, file: &str, text: &str) {
    let file = dir.join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn uuid(n: usize) -> String {
    uuid::Uuid::from_u128(0xe000 + n as u128).to_string()
}

fn concept(n: usize, slug: &str, teaches: &[&str], needs: &[&str]) -> Value {
    json!({ "uuid": uuid(n), "slug": slug, "name": format!("The {slug}"), "concepts": teaches, "prerequisites": needs, "status": "active" })
}

fn practice(n: usize, slug: &str, practises: &[&str], needs: &[&str], difficulty: i32) -> Value {
    json!({ "uuid": uuid(n), "slug": slug, "name": format!("The {slug}"), "practices": practises, "prerequisites": needs,
            "difficulty": difficulty })
}

/// A track's checkout with these exercises, each with texts of its own.
fn track(concepts: &[Value], practices: &[Value]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), concepts, practices);
    dir
}

fn write(dir: &Path, concepts: &[Value], practices: &[Value]) {
    let config = json!({
        "language": "Tiny", "slug": "tiny", "blurb": "A language that is soon learnt.", "version": 3,
        "exercises": { "concept": concepts, "practice": practices },
        "concepts": [{ "uuid": uuid(900), "slug": "loops", "name": "Loops" }, { "uuid": uuid(901), "slug": "strings", "name": "Strings" }],
    });
    put(dir, "config.json", &config.to_string());
    for (kind, all) in [("concept", concepts), ("practice", practices)] {
        for one in all {
            let slug = one["slug"].as_str().unwrap();
            if slug.contains("..") || slug.contains('\0') || slug.contains('/') {
                continue;
            }
            let folder = format!("exercises/{kind}/{slug}");
            put(dir, &format!("{folder}/.docs/instructions.md"), &format!("# Instructions\n\nDo {slug}.\n"));
            put(
                dir,
                &format!("{folder}/.meta/config.json"),
                &json!({ "blurb": format!("About {slug}."), "files": {} }).to_string(),
            );
        }
    }
    put(dir, "concepts/loops/about.md", "Loops go round.\n");
    put(
        dir,
        "concepts/loops/links.json",
        r#"[{"url":"https://example.org/loops","description":"More on loops"},{"url":"javascript:alert(1)","description":"x"}]"#,
    );
}

fn small() -> (Vec<Value>, Vec<Value>) {
    let concepts =
        vec![concept(1, "round", &["loops"], &[]), concept(2, "text", &["strings"], &["loops", "nothing"])];
    let mut hidden = practice(6, "hidden", &[], &[], 1);
    hidden["status"] = json!("wip");
    let practices = vec![
        practice(3, "hello-world", &[], &[], 1),
        practice(4, "reverse", &["strings"], &["strings"], 5),
        practice(5, "anagram", &["strings", "loops"], &["strings", "loops"], 9),
        hidden,
    ];
    (concepts, practices)
}

async fn import(stage: &Stage, foreign: &Foreign) -> Brought {
    for slug in foreign.skills.keys() {
        sqlx::query(
            "INSERT INTO community.skills (guild_id, slug, name) VALUES (1, $1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(slug)
        .execute(stage.house.pool())
        .await
        .unwrap();
    }
    let origin = Origin::default();
    let author = Author { by: By::Cli, origin: &origin };
    foreign_import(stage.house.pool(), GUILD, foreign, true, author).await.unwrap()
}

fn told(foreign: &Foreign) -> Vec<String> {
    foreign.left_out.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_track_becomes_a_path_that_opens_as_it_does_there() {
    let stage = Stage::new().await;
    let (concepts, practices) = small();
    let dir = track(&concepts, &practices);
    let foreign = exercism(dir.path()).unwrap();
    assert_eq!(
        told(&foreign),
        [
            "hidden: is wip there",
            "concepts/loops/links.json: javascript:alert(1): is no address of the web",
            "text needs nothing: nobody teaches it, so it is open without",
        ]
    );
    let by = |slug: &str| {
        foreign.bundle.quests.iter().find(|one| one.slug == format!("tiny-{slug}")).unwrap().quest.clone()
    };
    assert_eq!(by("round").requires, ["tiny-hello-world"]);
    assert_eq!(by("text").requires, ["tiny-hello-world", "tiny-round"]);
    assert_eq!(by("round").resources[0].url, "https://example.org/loops");
    assert_eq!(by("anagram").difficulty.as_str(), "Advanced");
    assert_eq!(by("anagram").description, "About anagram.");
    let done = import(&stage, &foreign).await.done;
    assert_eq!((done.created, done.published), (5, true));

    // What is open, from the first exercise on.
    let path = stage.path().await;
    stage.ok("POST", &format!("paths/{path}/enrolment"), Some(ADA), None).await;
    let open = async || {
        let view = stage.ok("GET", &format!("paths/{path}"), Some(ADA), None).await;
        let open = view["quests"].as_array().unwrap().iter().filter(|quest| quest.get("missing").is_none());
        open.map(|quest| quest["slug"].as_str().unwrap().trim_start_matches("tiny-").to_owned())
            .collect::<Vec<String>>()
    };
    assert_eq!(open().await, ["hello-world"]);
    stage.walk(ADA, &stage.id("tiny-hello-world").await).await;
    assert_eq!(open().await, ["hello-world", "round"]);
    stage.walk(ADA, &stage.id("tiny-round").await).await;
    assert_eq!(open().await, ["hello-world", "round", "text"]);
    stage.walk(ADA, &stage.id("tiny-text").await).await;
    assert_eq!(open().await.len(), 5);
    stage.assert_clean().await;
}

#[tokio::test]
async fn an_exercise_is_the_same_one_by_its_uuid() {
    let stage = Stage::new().await;
    let (concepts, mut practices) = small();
    let dir = track(&concepts, &practices);
    import(&stage, &exercism(dir.path()).unwrap()).await;
    let id = stage.id("tiny-reverse").await;
    let again = import(&stage, &exercism(dir.path()).unwrap()).await;
    assert_eq!((again.done.unchanged, again.done.created), (5, 0));
    // It is called otherwise, another one bears its name, and one is no longer there.
    practices[1]["slug"] = json!("backwards");
    practices[1]["name"] = json!("Backwards");
    practices[2] = practice(7, "reverse", &[], &[], 2);
    let dir = track(&concepts, &practices);
    let brought = import(&stage, &exercism(dir.path()).unwrap()).await;
    assert_eq!((brought.done.created, brought.gone.as_slice()), (1, &["tiny-anagram".to_owned()][..]));
    assert_eq!(stage.id("tiny-reverse").await, id);
    let source = stage.ok("GET", &format!("sources/quests/{id}"), None, None).await;
    assert_eq!(source["quest"]["title"], "Backwards");
    let quests = stage.ok("GET", "sources/quests?limit=200", None, None).await;
    assert_eq!(quests["items"].as_array().unwrap().len(), 6);
    let again = import(&stage, &exercism(dir.path()).unwrap()).await;
    assert_eq!((again.done.unchanged, again.done.created), (5, 0));
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_is_the_guilds_own_is_not_written_over() {
    let stage = Stage::new().await;
    stage.quest("tiny-reverse", &crate::stage::reading("Ours", &[], 1)).await;
    let (concepts, practices) = small();
    let foreign = exercism(track(&concepts, &practices).path()).unwrap();
    let origin = Origin::default();
    let author = Author { by: By::Cli, origin: &origin };
    let refused = foreign_import(stage.house.pool(), GUILD, &foreign, true, author).await.unwrap_err();
    assert!(
        matches!(refused, learning::Error::Invalid(fields) if fields[0].message.contains("`tiny-reverse` is another quest"))
    );
    let quests = stage.ok("GET", "sources/quests?limit=200", None, None).await;
    assert_eq!(quests["items"].as_array().unwrap().len(), 1, "nothing came along");
}

#[test]
fn nothing_outside_of_the_checkout_is_read_and_what_is_wrong_is_told_by_name() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "instructions.md", "a secret");
    put(outside.path(), ".docs/instructions.md", "a secret");
    let concepts = vec![concept(1, "round", &["loops"], &[])];
    let practices = vec![
        practice(2, "hello-world", &[], &[], 1),
        practice(3, "../../etc", &[], &[], 1),
        practice(4, "linked", &[], &[], 1),
        practice(5, "behind", &[], &[], 1),
        practice(6, "huge", &[], &[], 1),
        practice(7, "latin", &[], &[], 1),
        practice(8, "nul\0led", &[], &[], 1),
        practice(9, "a\u{202e}b", &[], &[], 1),
        practice(1, "double", &[], &[], 1),
        json!({ "uuid": "none", "slug": "no-uuid", "name": "x" }),
        practice(10, "nameless", &[], &[], 1),
    ];
    let dir = track(&concepts, &practices);
    let at = |file: &str| dir.path().join("exercises/practice").join(file);
    std::fs::remove_file(at("linked/.docs/instructions.md")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("instructions.md"), at("linked/.docs/instructions.md"))
        .unwrap();
    std::fs::remove_dir_all(at("behind")).unwrap();
    std::os::unix::fs::symlink(outside.path(), at("behind")).unwrap();
    std::fs::write(at("huge/.docs/instructions.md"), vec![b'x'; 2 * 1024 * 1024]).unwrap();
    std::fs::write(at("latin/.docs/instructions.md"), b"caf\xe9").unwrap();
    let mut config: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("config.json")).unwrap()).unwrap();
    config["exercises"]["practice"][10]["name"] = json!("\u{202e}");
    put(dir.path(), "config.json", &config.to_string());
    let foreign = exercism(dir.path()).unwrap();
    let whole = serde_json::to_string(&foreign).unwrap();
    assert!(!whole.contains("a secret"), "{whole}");
    let kept: Vec<&str> = foreign.bundle.quests.iter().map(|one| one.slug.as_str()).collect();
    assert_eq!(kept, ["tiny-round", "tiny-hello-world"]);
    let told = told(&foreign).join("\n");
    for said in [
        "../../etc: its `slug` is no short name",
        "linked/.docs/instructions.md: is a symbolic link, or lies behind one",
        "behind/.docs/instructions.md: is a symbolic link, or lies behind one",
        "huge/.docs/instructions.md: is larger than 1 MiB",
        "latin/.docs/instructions.md: is not UTF-8",
        "double: is there twice",
        "no-uuid: its `uuid` is none",
        "nameless: its `name` is none",
        "\\u{202e}",
        "\\u{0}",
    ] {
        assert!(told.contains(said), "{said} is not in:\n{told}");
    }
    assert!(!told.contains('\u{202e}') && !told.contains('\0'));
    let link = dir.path().join("config.json");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(outside.path().join("instructions.md"), &link).unwrap();
    assert!(exercism(dir.path()).unwrap_err().to_string().contains("symbolic link"));
    assert!(exercism(&dir.path().join("nowhere")).is_err());
}

/// 168 exercises and a thousand edges, as large tracks have.
#[tokio::test]
async fn a_large_track_comes_quickly_and_again_at_once() {
    let stage = Stage::new().await;
    let names: Vec<String> = (0..60).map(|n| format!("c{n}")).collect();
    let concepts: Vec<Value> = (0..60_usize)
        .map(|n| {
            let needs: Vec<&str> = names[n.saturating_sub(4)..n].iter().map(String::as_str).collect();
            concept(n, &format!("teach-{n}"), &[&names[n]], &needs)
        })
        .collect();
    let practices: Vec<Value> = (0..108_usize)
        .map(|n| {
            let needs: Vec<&str> = (0..7).map(|k| names[(n * 7 + k * 5) % 60].as_str()).collect();
            let slug = if n == 0 { "hello-world".to_owned() } else { format!("practise-{n}") };
            practice(100 + n, &slug, &needs[..2], &needs, i32::try_from(n % 10).unwrap() + 1)
        })
        .collect();
    let dir = track(&concepts, &practices);
    let begun = Instant::now();
    let foreign = exercism(dir.path()).unwrap();
    let read = begun.elapsed();
    let edges: usize = foreign.bundle.quests.iter().map(|one| one.quest.requires.len()).sum();
    assert!(foreign.bundle.quests.len() == 168 && edges >= 1_000, "{edges}");
    let done = import(&stage, &foreign).await.done;
    assert_eq!(done.created, 168);
    let first = begun.elapsed();
    let begun = Instant::now();
    let again = import(&stage, &exercism(dir.path()).unwrap()).await.done;
    let second = begun.elapsed();
    assert_eq!(again.unchanged, 168);
    println!("read in {read:?}, imported in {first:?} ({edges} edges), again in {second:?}");
    // What it was, without what it came from: nothing is written either.
    sqlx::query("UPDATE learning.learning_paths SET source_hash = NULL")
        .execute(stage.house.pool())
        .await
        .unwrap();
    let begun = Instant::now();
    assert_eq!(import(&stage, &foreign).await.done.unchanged, 168);
    println!("looked at as a whole in {:?}", begun.elapsed());
    stage.assert_clean().await;
}
