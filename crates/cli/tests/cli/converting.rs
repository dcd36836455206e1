//! Campaigns made of what other systems keep.

use std::fs;
use std::path::Path;

use db::testing::Folder;
use serde_json::Value;

use crate::terminal::{example, run};

fn converted(source: &Path, dir: &Path) -> Value {
    run(["campaign", "convert", source.to_str().unwrap(), dir.to_str().unwrap(), "--json"])
        .ends_with(0)
        .json()
}

fn left(answer: &Value) -> Vec<String> {
    let left = answer["left_out"].as_array().unwrap();
    left.iter()
        .map(|l| format!("{}: {}", l["file"].as_str().unwrap(), l["message"].as_str().unwrap()))
        .collect()
}

fn put(dir: &Path, file: &str, content: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn holds(told: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(told.iter().any(|line| line.contains(wanted)), "{wanted} is not among {told:#?}");
    }
}

#[test]
fn kattis_packages_convert_and_check_clean() {
    let folder = Folder::new();
    let dir = folder.path().join("contest");
    let answer = converted(&example("kattis-packages"), &dir);
    assert_eq!(answer["challenges"], serde_json::json!(["01-bridges", "02-pairs", "03-pond"]));
    holds(
        &left(&answer),
        &[
            "bridges/problem_statement/problem.en.tex: LaTeX was made Markdown roughly",
            "bridges/submissions/accepted/greedy.cc: is not one Python file",
            "pond/problem_statement/problem.sv.tex: LaTeX was made Markdown roughly",
            "pond/data/secret: there is no generator, so all participants share these 8 inputs",
        ],
    );
    assert_eq!(left(&answer).len(), 5, "{:#?}", left(&answer));
    let read = |file: &str| fs::read_to_string(dir.join(file)).unwrap();
    assert!(
        read("01-bridges/README.md").contains("![A bridge with three carts on it](bridge.png)"),
        "{}",
        read("01-bridges/README.md")
    );
    let swedish = read("03-pond/README.sv.md");
    assert!(swedish.starts_with("# Dammen\n\nHur stor är isen?\n\nExample 1:"), "{swedish}");
    assert!(read("03-pond/challenge.toml").contains("points = 40"), "{}", read("03-pond/challenge.toml"));
    let report = run([
        "campaign",
        "check",
        dir.to_str().unwrap(),
        "--json",
        "--seeds",
        "4",
        "--set",
        "sandbox.cpu=2s",
    ]);
    let report = report.json();
    assert_eq!(report["errors"], serde_json::json!([]), "{report:#}");
    let solutions = |n: usize| {
        let of = report["challenges"][n]["solutions"].as_array().unwrap();
        of.iter()
            .map(|s| format!("{} {}/{}", s["name"].as_str().unwrap(), s["right"], s["runs"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(solutions(0), ["solve.py 4/4", "solve_2.py 4/4", "solve_wrong_1.py 0/4"]);
    assert_eq!(
        solutions(1),
        ["solve.py 4/4", "solve_2.py 4/4", "solve_slow_1.py 0/4", "solve_wrong_1.py 0/4"]
    );
    assert_eq!(solutions(2)[0], "solve.py 4/4");
    // Nothing is written over, and what is nothing is said to be so.
    run(["campaign", "convert", example("kattis-packages").to_str().unwrap(), dir.to_str().unwrap()])
        .ends_with(3)
        .says("exists already");
    run(["campaign", "convert", dir.join("lib").to_str().unwrap(), "x"])
        .ends_with(3)
        .says("there is no folder");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    run(["campaign", "convert", empty.to_str().unwrap(), folder.path().join("y").to_str().unwrap()])
        .ends_with(3)
        .says("is no Kattis package");
}

#[test]
fn task_generators_with_user_and_target_convert() {
    let folder = Folder::new();
    let source = folder.path().join("tasks");
    put(
        &source,
        "hidden/generator.py",
        "import hashlib, os, random\nimport words\n\ndef generate(user, target_dir):\n    flag = 'ugra_' + hashlib.sha256(user.encode()).hexdigest()[:12]\n    \
         with open(os.path.join(target_dir, 'memory.bin'), 'wb') as file:\n        file.write(random.randbytes(500) + flag.encode() + random.randbytes(500))\n    \
         return {'flags': [flag], 'substitutions': {'colour': words.one()}}\n",
    );
    put(
        &source,
        "hidden/words.py",
        "import random\ndef one():\n    return random.choice(['red', 'green'])\n",
    );
    put(&source, "hidden/README.md", "# Hidden\n\nIt is in the memory.\n");
    put(&source, "hidden/static/help.txt", "Look closer.");
    put(&source, "hidden/Dockerfile", "FROM scratch");
    put(
        &source,
        "printed/generate.py",
        "import json\n\ndef generate(user, target_dir):\n    with open(target_dir + '/note.txt', 'w') as note:\n        note.write('for ' + user)\n    \
         print(json.dumps({'flags': ['flag_' + user]}))\n",
    );
    let dir = folder.path().join("ctf");
    let answer = converted(&source, &dir);
    assert_eq!(answer["challenges"], serde_json::json!(["01-hidden", "02-printed"]));
    holds(&left(&answer), &["hidden/Dockerfile: is not carried over", "printed/README.md: there is no text"]);
    let report =
        run(["campaign", "check", dir.to_str().unwrap(), "--json", "--seeds", "4"]).ends_with(0).json();
    assert_eq!(report["challenges"][0]["files"][0]["name"], "memory.bin", "{report:#}");
    assert!(
        report["challenges"][1]["sample_results"][0].as_str().unwrap().starts_with("flag_"),
        "{report:#}"
    );
}

#[test]
fn an_export_of_ctfd_converts() {
    let folder = Folder::new();
    let source = folder.path().join("export");
    let table = |file: &str, rows: Value| {
        let table = serde_json::json!({ "count": 1, "results": rows, "meta": {} });
        put(&source, &format!("db/{file}"), &table.to_string());
    };
    table(
        "challenges.json",
        serde_json::json!([
            { "id": 2, "name": "Second \u{2744}", "description": "Find it.", "value": 300, "category": "forensics", "type": "dynamic",
              "state": "visible", "max_attempts": 5, "requirements": null },
            { "id": 1, "name": "First", "description": "Look.", "value": 100, "category": "web", "type": "standard", "state": "hidden",
              "connection_info": "nc example.org 1" },
            { "id": 3, "name": "By pattern", "description": "x", "value": 50, "category": "x", "type": "standard", "state": "visible" },
        ]),
    );
    table(
        "flags.json",
        serde_json::json!([
            { "id": 1, "challenge_id": 1, "type": "static", "content": "FLAG{one}", "data": "case_insensitive" },
            { "id": 2, "challenge_id": 2, "type": "static", "content": "FLAG{two}", "data": "" },
            { "id": 3, "challenge_id": 3, "type": "regex", "content": "FLAG.*", "data": "" },
        ]),
    );
    table(
        "hints.json",
        serde_json::json!([{ "id": 1, "challenge_id": 2, "content": "Closer.", "cost": 25 }]),
    );
    table(
        "files.json",
        serde_json::json!([{ "id": 1, "challenge_id": 2, "location": "ab12/disk.img" }, { "id": 2, "challenge_id": 1, "location": "../../etc/passwd" }]),
    );
    table(
        "dynamic_challenge.json",
        serde_json::json!([{ "id": 2, "initial": 500, "minimum": 100, "decay": 20 }]),
    );
    table("users.json", serde_json::json!([{ "id": 1 }]));
    put(&source, "uploads/ab12/disk.img", "disk");
    let dir = folder.path().join("ctf");
    let answer = converted(&source, &dir);
    assert_eq!(answer["challenges"], serde_json::json!(["01-first", "02-second"]));
    holds(
        &left(&answer),
        &[
            "`By pattern`: a flag of the kind regex is not carried over",
            "`By pattern`: has no plain flag, so the whole challenge is left out",
            "`First`: was hidden",
            "`First`: its service is not carried over",
            "its points decay (to 100 after 20 solves)",
            "its bound of attempts is not carried over",
            "db/users.json: 1 users are not carried over",
        ],
    );
    let toml = fs::read_to_string(dir.join("02-second/challenge.toml")).unwrap();
    for line in ["points = 500", "penalty = 25", "FLAG{two}"] {
        assert!(toml.contains(line), "{toml}");
    }
    assert_eq!(fs::read_to_string(dir.join("02-second/attachments/disk.img")).unwrap(), "disk");
    assert!(!dir.join("01-first/attachments").exists());
    run(["campaign", "check", dir.to_str().unwrap()]).ends_with(0).says("2 generators");
}
