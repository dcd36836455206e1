//! The README's walk-through, typed as it stands.

use db::testing::{Folder, PrivateCluster};

use crate::{
    terminal::{Answer, example, unsettled},
    up::Up,
};

/// The block of commands under the heading.
fn walk_through() -> String {
    let readme = include_str!("../../../../README.md");
    let (_, section) =
        readme.split_once("## A campaign from import to reward").expect("the section is there");
    let (_, block) = section.split_once("```sh\n").expect("it has commands");
    block.split_once("\n```").expect("the block ends").0.to_owned()
}

#[test]
fn the_walk_through_holds() {
    let (cluster, folder) = (PrivateCluster::new(), Folder::new());
    let up = Up::start(&cluster.settings.data_dir, &[]);
    let url = up.answer["url"].as_str().unwrap();
    // What differs from a reader's terminal: the port, the folder that holds the binary, and no folder to write to.
    let script = walk_through();
    let typed = script.replace("http://127.0.0.1:8080", url).replace("input.txt", "$TMP/input.txt");
    assert!(typed.contains(url) && typed.contains("$TMP/input.txt"), "{typed}");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_questhall")).parent().unwrap();
    let answer: Answer = unsettled(&mut std::process::Command::new("bash"))
        .args(["-euo", "pipefail", "-c", &typed.replace("$PWD/target/release", "$BIN")])
        .current_dir(example("..").canonicalize().unwrap())
        .env("QUESTHALL_DATA_DIR", &cluster.settings.data_dir)
        .env("BIN", binary)
        .env("TMP", folder.path())
        .output()
        .expect("bash is there")
        .into();
    let answer = answer.ends_with(0).says("It can be imported").says("Everything agrees with its journal.");
    assert!(answer.out.contains("\"correct\":true"), "{answer:#?}");
    assert_eq!(up.stop(), Some(0));
}
