//! Paths as folders: written and read again, and everything that is wrong told with its file.

use kernel::files::FileBundle;
use learning::authoring::{Finding, Folder, bundle_outlook, new_path, read, write};
use learning::model::path::Bundle;
use proptest::prelude::*;
use serde_json::json;

use crate::stage::{Stage, bundle};

fn whole() -> Bundle {
    let mut whole = new_path("my-path").unwrap();
    let more: Bundle = serde_json::from_value(bundle()).unwrap();
    whole.quests.extend(more.quests);
    whole.quests.sort_by(|a, b| a.slug.cmp(&b.slug));
    whole
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    let mut bundle = whole();
    bundle.quests[0].quest.steps[0].description = "# A heading\n\n+++\n\nnot a fence\n".to_owned();
    bundle.path.unlock =
        Some(serde_json::from_value(json!({ "any": [{ "level": 3 }, { "after": "2026-12-01" }] })).unwrap());
    write(&bundle, &dir).unwrap();
    assert_eq!(read(&dir, None).unwrap(), bundle);
    assert!(write(&bundle, &dir).unwrap_err().to_string().contains("not empty"));
    assert_eq!(read(&dir, Some("another")).unwrap().slug, "another");
}

#[test]
fn everything_wrong_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    write(&whole(), &dir).unwrap();
    let put = |file: &str, text: &str| std::fs::write(dir.join(file), text).unwrap();
    put("path.toml", "name = \"x\"\ntype = \"Course\"\ntimezon = \"UTC\"\n");
    put(
        "quests/one/quest.toml",
        "title = \"One\"\ntype = \"Tutorial\"\ndifficulty = \"Beginner\"\nexperience_points = -5\n",
    );
    put("quests/two/01-read.md", "no settings\n");
    put("quests/three/01-read.md", "+++\ntype = \"Video\"\ntitle = \"Film\"\n+++\n\nText\n");
    std::fs::remove_file(dir.join("quests/extra/README.md")).unwrap();
    std::fs::create_dir(dir.join("quests/Not A Slug")).unwrap();
    let findings: Vec<String> = read(&dir, None).unwrap_err().iter().map(ToString::to_string).collect();
    for expected in [
        "path.toml:3: unknown field `timezon`; did you mean `timezone`?",
        "quests/Not A Slug: a quest's folder is called by its short name: lower-case letters, digits, dots, underscores and dashes",
        "quests/extra/README.md: is missing",
        "quests/one/quest.toml:4: `experience_points` must be 0 to 1000000",
        "quests/three/01-read.md:2: `url` is missing: where is the video?",
        "quests/two/01-read.md:1: must begin with its settings between two lines of +++, followed by its text",
    ] {
        assert!(findings.iter().any(|finding| finding == expected), "{expected}\nin {findings:#?}");
    }
}

#[test]
fn what_is_wrong_with_files_is_told_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    write(&whole(), &dir).unwrap();
    let put = |file: &str, text: &str| std::fs::write(dir.join(file), text).unwrap();
    std::fs::create_dir_all(dir.join("quests/one/files/deep")).unwrap();
    put("quests/one/files/map.png", "png");
    put("quests/one/files/.hidden", "");
    put("quests/one/files/a:b.txt", "");
    put("quests/one/README.md", "Look.\n\n![A map](files/map.png) ![gone](files/gone.png)\n");
    put("quests/one/plan.png", "png");
    put(
        "quests/one/01-read.md",
        "+++\ntype = \"Reading\"\ntitle = \"Read\"\n+++\n\n![p](plan.png) [m](01-read.md)\n[w](files/words.txt)\n",
    );
    put("README.md", "All of it.\n\n![a](files/map.png)\n");
    std::fs::create_dir(dir.join("quests/two/files")).unwrap();
    for n in 0..21 {
        put(&format!("quests/two/files/{n}"), "");
    }
    std::fs::create_dir(dir.join("quests/three/files")).unwrap();
    put("quests/three/files/a", &"x".repeat(5 << 20));
    put("quests/three/files/b", &"x".repeat(5 << 20));
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", dir.join("quests/one/files/link")).unwrap();
    let findings: Vec<String> = read(&dir, None).unwrap_err().iter().map(ToString::to_string).collect();
    let expected = [
        "README.md:3: `files/map.png` is shown nowhere: files belong to quests, and this is the text of the path",
        "quests/one/01-read.md:6: `plan.png` lies beside the text; put it into files/ and name it as files/plan.png",
        "quests/one/01-read.md:7: the text names `files/words.txt`, which is no file of the quest",
        "quests/one/README.md:3: the text names `files/gone.png`, which is no file of the quest",
        "quests/one/files/a:b.txt: its name holds the character :; use letters, digits and .-_+=,@()",
        "quests/one/files/deep: must be a file, and no folder or link: files have names only",
        "quests/one/files/link: must be a file, and no folder or link: files have names only",
        "quests/three/files/b: is too large: with those before it, it holds more than 8 MiB",
        "quests/two/files: must hold at most 20 files, not 21",
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for expected in expected {
        assert!(findings.iter().any(|finding| finding == expected), "{expected}\nin {findings:#?}");
    }
}

/// What is told, line by line.
fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_each_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    write(&whole(), &dir).unwrap();
    let quiz = "+++\ntype = \"Quiz\"\ntitel = \"Quiz\"\n\n[quiz]\npass_percent = 500\n\n[[quiz.questions]]\nslug = \"colour\"\n\
                type = \"single\"\ntext = \"Which?\"\nchoices = [{ slug = \"a\", text = \"A\" }, { slug = \"b\", text = \"B\" }]\n\n\
                [[quiz.questions]]\nslug = \"sum\"\ntype = \"nummer\"\ntext = \"How many?\"\n\n[[quiz.questions]]\nslug = \"word\"\n\
                type = \"text\"\npoints = 1000\nanswers = [\"a\"]\n+++\n";
    std::fs::write(dir.join("quests/my-path-2/01-quiz.md"), quiz).unwrap();
    let path = "name = \"A\"\ntype = \"Course\"\n\n[[chapters]]\nslug = \"a\"\ntitle = \"\"\n\n[[chapters.quests]]\nquest = \"one\"\n\n\
                [[chapters.quests]]\nquest = \"one\"\nunlock = { level = 0 }\n";
    std::fs::write(dir.join("path.toml"), path).unwrap();
    assert_eq!(
        lines(&read(&dir, None).unwrap_err()),
        [
            "path.toml:6: chapter 1 (`a`): `title` must be 1 to 255 characters on one line, without blanks around them",
            "path.toml:12: chapter 1 (`a`), quest 2 (`one`): `quest` is in the path twice",
            "path.toml:13: chapter 1 (`a`), quest 2 (`one`): `unlock` must ask for a level of 1 to 1,000",
            "quests/my-path-2/01-quiz.md:3: unknown field `titel`; did you mean `title`?",
            "quests/my-path-2/01-quiz.md:6: `quiz.pass_percent` must be 1 to 100",
            "quests/my-path-2/01-quiz.md:12: question 1 (`colour`): `choices` must have exactly one that is `right`",
            "quests/my-path-2/01-quiz.md:16: question 2 (`sum`): `type` cannot be read: unknown variant `nummer`, expected one of `single`, \
             `multiple`, `text`, `number`, `ordering`, `matching`",
            "quests/my-path-2/01-quiz.md:19: question 3 (`word`): missing field `text`",
            "quests/my-path-2/01-quiz.md:22: question 3 (`word`): `points` must be 1 to 100",
        ]
    );
}

#[test]
fn what_is_passed_over_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    let mut bundle = new_path("my-path").unwrap();
    bundle.path.chapters[1].quests.clear();
    bundle.path.chapters[1].experience_points = 0;
    write(&bundle, &dir).unwrap();
    std::fs::create_dir(dir.join("quests/my-path-1/steps")).unwrap();
    std::fs::create_dir(dir.join("banks")).unwrap();
    for file in
        ["quests/my-path-1/think.md", "quests/my-path-1/notes.txt", "quests/intro.md", "banks/words.md"]
    {
        std::fs::write(dir.join(file), "Text.\n").unwrap();
    }
    let names = "a step's file is called by its number, a dash, its short name and .md, such as 03-read.md";
    let opened = Folder::open(&dir, None);
    assert_eq!(lines(&opened.errors), [""; 0]);
    assert_eq!(
        lines(&opened.warnings),
        [
            "banks/words.md: is passed over: a bank is a file of TOML, such as banks/syntax.toml".to_owned(),
            "quests/intro.md: is passed over: what belongs to a quest lies in a folder of its own, such as quests/loops".to_owned(),
            "quests/my-path-1/steps: is passed over: steps lie beside quest.toml, and what they show or offer in files/".to_owned(),
            format!("quests/my-path-1/think.md: is passed over, for it is no step: {names}"),
            "quests/my-path-3: is named by no chapter of path.toml, and comes along as a quest outside of the path; to have it in the path, \
             write `[[chapters.quests]]` and `quest = \"my-path-3\"` there"
                .to_owned(),
        ]
    );
    // Whoever writes a number means a step.
    std::fs::rename(dir.join("quests/my-path-1/think.md"), dir.join("quests/my-path-1/03_think.md")).unwrap();
    let wrong = read(&dir, None).unwrap_err();
    assert_eq!(lines(&wrong), [format!("quests/my-path-1/03_think.md: is no step: {names}")]);
}

#[test]
fn what_the_guild_must_have_is_told_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my-path");
    let mut bundle = serde_json::to_value(new_path("my-path").unwrap()).unwrap();
    bundle["path"]["unlock"] = json!({ "all": [{ "path": "before" }, { "achievement": 3 }] });
    bundle["path"]["chapters"][0]["quests"][1] = json!({ "quest": "elsewhere" });
    let quest = &mut bundle["quests"][0]["quest"];
    quest["requires"] = json!(["nowhere"]);
    quest["skills"] = json!({ "graphs": 5 });
    quest["unlock"] = json!({ "any": [{ "skill": { "slug": "trees", "points": 2 } }, { "chapter": { "path": "before", "chapter": "a" } }] });
    quest["steps"][0]["elsewhere"] = json!({ "challenge": "coat-check" });
    let quiz = &mut bundle["quests"][1]["quest"]["steps"][0]["quiz"];
    quiz["draws"] = json!([{ "pool": "words", "count": 1 }]);
    let bundle: Bundle = serde_json::from_value(bundle).unwrap();
    write(&bundle, &dir).unwrap();
    let opened = Folder::open(&dir, None);
    assert_eq!(lines(&opened.errors), [""; 0]);
    assert_eq!(lines(&opened.outlook().0), [""; 0], "what is elsewhere may be there");
    let text = |file: &str| std::fs::read_to_string(dir.join(file)).unwrap();
    let mut found = Vec::new();
    for (need, finding) in opened.needs() {
        let line = finding.line.unwrap();
        let text = text(&finding.file);
        let written = text.lines().nth(line - 1).unwrap();
        let key = need.name.split('/').next().unwrap();
        assert!(written.contains(key) || written.contains(need.what), "{finding}: {written}");
        found.push(need.to_string());
    }
    found.sort();
    assert_eq!(
        found,
        [
            "the achievement `3`",
            "the challenge `coat-check`",
            "the chapter `before/a`",
            "the path `before`",
            "the quest `elsewhere`",
            "the quest `nowhere`",
            "the question bank `words`",
            "the skill `graphs`",
            "the skill `trees`",
        ]
    );
}

#[test]
fn files_that_nothing_names_come_along_and_are_told() {
    let mut bundle = whole();
    bundle.quests[0].files = vec![FileBundle::new("old.txt", b"old"), FileBundle::new("new.txt", b"new")];
    bundle.quests[0].quest.description = "[new](files/new.txt)".to_owned();
    let slug = bundle.quests[0].slug.clone();
    assert_eq!(bundle_outlook(&bundle).unused, [(slug, "old.txt".to_owned())]);
}

#[tokio::test]
async fn the_path_to_begin_with_can_be_imported_as_it_is() {
    let stage = Stage::new().await;
    let bundle = serde_json::to_value(new_path("my-path").unwrap()).unwrap();
    let done = stage.ok("POST", "import", None, Some(bundle)).await;
    assert_eq!(done["created"], json!(3));
    assert!(new_path("My Path").is_err());
    stage.assert_clean().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back(
        text in "[ a-z+#\"'\\\\{}\\n\t\u{e9}]{0,60}", content in any::<Vec<u8>>(), name in "[a-zé0-9_+=,@()][a-z é.]{0,20}[a-z]", code in "[ a-z+#\"'\\\\{}=\\n]{0,60}", readme in "\\PC{0,40}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("my-path");
        let mut bundle = whole();
        bundle.path.description = readme;
        for named in bundle.quests.iter_mut().step_by(2) {
            named.files = vec![FileBundle::new(name.clone(), &content)];
        }
        for named in &mut bundle.quests {
            named.quest.description = text.clone();
            for step in &mut named.quest.steps {
                step.description = text.clone();
                if let Some(coding) = &mut step.coding {
                    coding.starter = code.clone();
                    coding.tests[0].append = format!("{code}\n+++\n");
                }
            }
        }
        write(&bundle, &dir).unwrap();
        prop_assert_eq!(read(&dir, None), Ok(bundle));
    }
}
