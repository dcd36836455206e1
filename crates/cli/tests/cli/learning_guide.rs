//! The page on learning, followed as it stands there: from `path new` to a learner who has completed the path.

use std::fs;
use std::process::Command;

use db::testing::{Folder, PrivateCluster};

use crate::guide::blocks_of;
use crate::terminal::{Answer, unsettled};
use crate::up::Up;

/// The guild of the page.
const GUILD: &str = "175928847299117063";
/// The path of the page, which is a folder.
const PATH: &str = "rust-for-starters";

/// The block of commands that begins so.
fn commands(begin: &str) -> String {
    let found =
        blocks_of("learning.md").into_iter().find(|(_, kind, text)| kind == "sh" && text.starts_with(begin));
    found.unwrap_or_else(|| panic!("the page has no block that begins with {begin}")).2
}

/// A reader's terminal: what is typed there, in this folder, with a Questhall whose data lies there.
fn typed(folder: &Folder, cluster: &PrivateCluster, script: &str) -> Answer {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_questhall")).parent().unwrap();
    let output = unsettled(&mut Command::new("bash"))
        .args(["-euo", "pipefail", "-c", &format!("export PATH=\"$BIN:$PATH\"\n{script}")])
        .current_dir(folder.path())
        .env("QUESTHALL_DATA_DIR", &cluster.settings.data_dir)
        .env("BIN", binary)
        .output()
        .expect("bash is there");
    output.into()
}

#[test]
fn a_new_author_and_a_learner_get_through_by_the_page_alone() {
    let (cluster, folder) = (PrivateCluster::new(), Folder::new());
    let author = commands("questhall path new");
    let (new, rest) = author.split_once('\n').unwrap();
    typed(&folder, &cluster, new).ends_with(0);

    // What `path new` made passes as it is; then with every file that the page shows, under the name that stands with it.
    let dir = folder.path().join(PATH);
    typed(&folder, &cluster, &format!("questhall path check {PATH}")).ends_with(0).says("3 quests, 4 steps");
    let mut files = 0;
    for (_, kind, text) in blocks_of("learning.md") {
        let Some((_, file)) = kind.split_once(' ') else { continue };
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = if file == "path.toml" { fs::read_to_string(&path).unwrap() } else { String::new() };
        fs::write(path, format!("{before}\n{text}").trim_start_matches('\n')).unwrap();
        files += 1;
    }
    assert!(files >= 7, "{files}");
    let check = typed(&folder, &cluster, &format!("questhall --json path check {PATH}")).ends_with(0).json();
    for nothing in ["errors", "warnings", "needs"] {
        assert_eq!(check[nothing], serde_json::json!([]), "{check:#}");
    }
    assert_eq!(
        (&check["quests"], &check["steps"], &check["not_tried"]),
        (&4.into(), &6.into(), &serde_json::Value::Null)
    );

    let up = Up::start(&cluster.settings.data_dir, &[]);
    // The reader's guild is known: the bot is in it, or somebody has set it up.
    let rest = format!("questhall role grant --guild {GUILD} --user 5 owner\n{rest}");
    let author = typed(&folder, &cluster, &rest).ends_with(0);
    author.says("4 quests, 6 steps").says(&format!("published in guild {GUILD}")).says("4 quests made");

    let url = up.answer["url"].as_str().unwrap();
    let walk = commands("# A key that may do everything.").replace("http://127.0.0.1:8080", url);
    assert!(walk.contains(url), "{walk}");
    let walk = typed(&folder, &cluster, &walk).ends_with(0);
    let told: Vec<&str> = walk.out.lines().collect();
    let expected = [
        "True",
        "True",
        "Any order will do, but each word once, and nothing else.",
        "True",
        "graded",
        "100.00",
    ];
    assert_eq!(told, expected, "{walk:#?}");
    typed(&folder, &cluster, "questhall audit").ends_with(0);
    assert_eq!(up.stop(), Some(0));
}

/// A step as the page shows one is one.
#[test]
fn the_pages_step_is_read() {
    let folder = Folder::new();
    let dir = folder.path().join(PATH);
    learning::authoring::write(&learning::authoring::new_path(PATH).unwrap(), &dir).unwrap();
    let step = blocks_of("learning.md")
        .into_iter()
        .find(|(heading, kind, _)| heading == "Steps" && kind == "markdown");
    fs::write(dir.join("quests/rust-for-starters-1/03-look-back.md"), step.unwrap().2).unwrap();
    let bundle = learning::authoring::read(&dir, None).unwrap();
    assert_eq!(bundle.quests[0].quest.steps[2].note_characters, 40);
}
