//! An author at work: a new campaign, tried and checked, and told what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use db::testing::Folder;
use serde_json::Value;

use crate::terminal::{Answer, example, run};

const SUMS: &str = "import json, random\nnumbers = [random.randint(1, 10**6) for _ in range(50)]\n\
                    print(json.dumps({'input': '\\n'.join(map(str, numbers)), 'result': sum(numbers)}))\n";

/// A campaign's folder with these files more or instead.
fn campaign(folder: &Folder, files: &[(&str, &str)]) -> PathBuf {
    let dir = folder.path().join("games");
    let usual = [
        ("campaign.toml", "name = \"Games\"\ncampaign_type = \"player\"\nduration_hours = 48\n"),
        ("01-sums/challenge.toml", "title = \"Sums\"\n"),
        ("01-sums/README.md", "Add them up.\n"),
        ("01-sums/generate.py", SUMS),
    ];
    for (file, text) in usual.iter().chain(files) {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn check(dir: &Path, more: &[&str]) -> Answer {
    run(["campaign", "check", dir.to_str().unwrap()].into_iter().chain(more.iter().copied()))
}

/// What `--json` says of one file, errors or warnings.
fn said(answer: &Value, list: &str, file: &str) -> Vec<Value> {
    answer[list].as_array().unwrap().iter().filter(|mistake| mistake["file"] == file).cloned().collect()
}

fn only<'a>(found: &'a [Value], words: &str) -> &'a Value {
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0]["message"].as_str().unwrap().contains(words), "{:#}", found[0]);
    &found[0]
}

#[test]
fn a_new_campaign_checks_clean_and_can_be_tried() {
    let folder = Folder::new();
    let dir = folder.path().join("winter-games");
    let made = run(["campaign", "new", dir.to_str().unwrap()]).ends_with(0);
    assert!(made.out.contains("01-sums/generate.py") && made.out.contains("campaign check"), "{made:#?}");
    run(["campaign", "new", dir.to_str().unwrap()]).ends_with(3).says("exists already");
    let clean = check(&dir, &["--json"]).ends_with(0).json();
    assert_eq!(
        (&clean["errors"], &clean["warnings"]),
        (&Value::Array(vec![]), &Value::Array(vec![])),
        "{clean:#}"
    );
    // It is fast, so it ran for many; and the solution beside it agreed each time.
    assert_eq!(clean["challenges"][0]["seeds"], 20);
    assert_eq!(clean["challenges"][0]["solutions"][0]["right"], 20);
    check(&dir, &[]).ends_with(0).says("It can be imported: 0 errors, 0 warnings.").says("solve.py 20/20");

    let challenge = dir.join("01-sums");
    let challenge = challenge.to_str().unwrap();
    let tried = run(["campaign", "try", challenge, "--seed", "check-3", "--json"]).ends_with(0).json();
    let numbers: Vec<u64> =
        tried["input"].as_str().unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(tried["answers"][0], numbers.iter().sum::<u64>().to_string());
    let shown = run(["campaign", "try", challenge]).ends_with(0);
    assert!(shown.out.starts_with("01-sums, seed check-1: "), "{shown:#?}");
    shown.says("… and 280 more lines; --full shows all");
    run(["campaign", "try", dir.to_str().unwrap()]).ends_with(3).says("is no challenge's folder");

    fs::write(dir.join("01-sums/generate.py"), "import sys\nprint('why', file=sys.stderr)\n1 / 0\n").unwrap();
    run(["campaign", "try", challenge])
        .ends_with(1)
        .says("(in line 3): ZeroDivisionError")
        .says("Standard error\nwhy");
}

/// The guide promises a traceback and what the script printed, with the seeds that failed.
#[test]
fn what_a_failing_script_said_is_told_with_its_seeds() {
    let slug = "35-fails-for-some";
    let dir = example("broken-campaign").join(slug);
    // One challenge's folder is enough.
    let answer = check(&dir, &["--json"]).ends_with(1).json();
    let found = said(&answer, "errors", "35-fails-for-some/generate.py");
    let mistake = only(
        &found,
        "IndexError: list index out of range (in 4 of 20 runs: check-11, check-16, check-17, check-19)",
    );
    assert_eq!(mistake["line"], 8);
    assert_eq!(mistake["seeds"][0], "check-11");
    assert_eq!(mistake["stderr"], "about to look\n");
    assert!(mistake["traceback"].as_str().unwrap().contains("numbers[0] = places[random.randrange(6)]"));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "nothing is said of the other challenges");
    check(&dir, &[])
        .ends_with(1)
        .says("35-fails-for-some/generate.py:8: ")
        .says("    Traceback (most recent call last):")
        .says("    On standard error:\n      about to look");
    // An import is told the same.
    let folder = Folder::new();
    let dir =
        campaign(&folder, &[("01-sums/generate.py", "import sys\nprint('why', file=sys.stderr)\n1 / 0\n")]);
    run([
        "--database-url",
        "postgres://nobody@127.0.0.1:1/none",
        "campaign",
        "import",
        dir.to_str().unwrap(),
        "--guild",
        "7",
    ])
    .ends_with(1)
    .says("Traceback (most recent call last):")
    .says("      why");
}

#[test]
fn some_challenges_can_be_checked_alone() {
    let dir = example("broken-campaign");
    let answer = check(&dir, &["--json", "--only", "34", "--only", "47-few-answers"]).ends_with(1).json();
    only(&said(&answer, "errors", "34-contradiction/generate.py"), "same input but different answers");
    assert!(!said(&answer, "warnings", "47-few-answers/generate.py").is_empty());
    assert_eq!(answer["challenges"].as_array().unwrap().len(), 2);
    assert!(answer["errors"].as_array().unwrap().iter().all(|e| e["file"] == "34-contradiction/generate.py"));
    check(&dir, &["--only", "99"]).ends_with(3).says("has no challenge that is called 99");
}

#[test]
fn solutions_are_run_on_every_input_and_on_the_example() {
    let right = "import sys\nprint(sum(map(int, sys.stdin)))\n";
    let folder = Folder::new();
    let example = "Add them up.\n\n    1\n    2\n    3\n\nThat is 7.\n";
    let files = [
        ("01-sums/README.md", example),
        ("01-sums/solve.py", right),
        ("01-sums/solve_wrong_first.py", "print(input())\n"),
        ("01-sums/solve_wrong_not_at_all.py", right),
        ("01-sums/solve_slow.py", "while True: pass\n"),
        ("01-sums/solve_crash.py", "print(int(input('')) + no_such_name)\n"),
    ];
    let dir = campaign(&folder, &files);
    let answer = check(&dir, &["--json", "--seeds", "2", "--set", "sandbox.cpu=1s"]).ends_with(1).json();
    only(
        &said(&answer, "errors", "01-sums/solve_wrong_not_at_all.py"),
        "declared wrong, but was right for all 2 inputs",
    );
    let crash = said(&answer, "errors", "01-sums/solve_crash.py");
    assert_eq!(only(&crash, "NameError")["line"], 1);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2, "{:#}", answer["errors"]);
    let example = said(&answer, "warnings", "01-sums/README.md");
    let said_of_it = "solve.py says `6`, which the text names nowhere";
    assert_eq!(only(&example, said_of_it)["line"], 3);
}

#[test]
fn links_and_examples_are_looked_at_in_every_language() {
    let folder = Folder::new();
    let files = [
        ("01-sums/README.md", "Add them up.\n\n    1\n    2\n    3\n\nThat is 6.\n"),
        ("01-sums/README.de.md", "# Summen\n\nZähle zusammen:\n\n    1\n    2\n    3\n\nDas macht 7.\n"),
        ("01-sums/README.fr.md", "Additionnez.\n\n    1\n    2\n    3\n\nCela fait 6. [Voir](carte.png)\n"),
        ("01-sums/solve.py", "import sys\nprint(sum(map(int, sys.stdin)))\n"),
    ];
    let dir = campaign(&folder, &files);
    let answer = check(&dir, &["--json", "--seeds", "2"]).ends_with(0).json();
    let german = said(&answer, "warnings", "01-sums/README.de.md");
    assert_eq!(only(&german, "solve.py says `6`, which the text names nowhere")["line"], 5);
    let french = said(&answer, "warnings", "01-sums/README.fr.md");
    assert_eq!(only(&french, "`carte.png` leads to no file")["line"], 7);
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 2, "{answer:#}");
}

#[test]
fn what_could_never_be_solved_is_an_error_of_its_line() {
    let folder = Folder::new();
    let mut files = Vec::new();
    for slug in ["02-b", "03-c"] {
        for (file, text) in
            [("challenge.toml", "title = \"X\"\n"), ("README.md", "x\n"), ("generate.py", SUMS)]
        {
            files.push((format!("{slug}/{file}"), text));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    // The guide's own 48 hours, and the default delay.
    let dir = campaign(&folder, &files);
    let answer = check(&dir, &["--json", "--seeds", "1"]).ends_with(1).json();
    only(
        &said(&answer, "errors", "campaign.toml"),
        "`03-c` (number 3 of 3) would be released 48 hours after it",
    );
}

#[test]
fn answers_by_rules_of_their_own_are_checked_by_them() {
    let folder = Folder::new();
    let script = "import json, random\nn = random.randint(1, 10**9)\n\
                  print(json.dumps({'input': str(n), 'result': [n / 7, {'any': [f'x{n}', f'y{n}']}]}))\n";
    let files = [
        (
            "01-sums/challenge.toml",
            "title = \"Near\"\nparts = 2\n[[answers]]\ncompare = \"number\"\nrelative = 1e-6\n\
                                    [[answers]]\nignore_case = true\n",
        ),
        ("01-sums/README.md", "One.\n\n<!-- part two -->\n\nTwo.\n"),
        ("01-sums/generate.py", script),
        ("01-sums/solve.py", "n = int(input())\nprint(f'{n / 7:.3f}')\nprint(f'Y{n}')\n"),
        ("02-flag/challenge.toml", "title = \"Flag\"\nflags = [\"FLAG{snow}\"]\n"),
        ("02-flag/README.md", "Find it.\n"),
    ];
    let dir = campaign(&folder, &files);
    let answer = check(&dir, &["--json"]).ends_with(0).json();
    assert_eq!(answer["challenges"][0]["solutions"][0]["right"], 20, "{answer:#}");
    only(&said(&answer, "warnings", "02-flag/challenge.toml"), "can copy them from each other");
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1, "{:#}", answer["warnings"]);
    let tried = run(["campaign", "try", dir.join("01-sums").to_str().unwrap(), "--json"]).ends_with(0).json();
    assert!(tried["answers"][1].as_str().unwrap().contains(" or y"), "{tried}");
    fs::write(dir.join("02-flag/generate.py"), SUMS).unwrap();
    check(&dir, &["--seeds", "1"])
        .ends_with(1)
        .says("02-flag/challenge.toml:2: `flags` are the answers, so there can be no generate.py");
}

#[test]
fn checkers_are_tried_before_they_are_trusted() {
    let folder = Folder::new();
    let script = "import json, random\nn = random.randint(1, 10**6)\n\
                  print(json.dumps({'input': str(n), 'result': f'{n} 0'}))\n";
    let right = "import json, sys\nasked = json.load(sys.stdin)\ntry: a, b = map(int, asked['answer'].split())\n\
                 except ValueError: print('false')\nelse: print(json.dumps({'correct': a + b == int(asked['input'])}))\n";
    let with = |checker: &str, more: &[(&str, &str)]| {
        let mut files = vec![("01-sums/generate.py", script), ("01-sums/check.py", checker)];
        files.extend(more);
        campaign(&folder, &files)
    };
    let errors = |checker: &str| {
        let answer = check(&with(checker, &[]), &["--json", "--seeds", "3"]).json();
        said(&answer, "errors", "01-sums/check.py")
    };
    let solve = [("01-sums/solve.py", "n = int(input())\nprint(n - 1, 1)\n")];
    let clean = check(&with(right, &solve), &["--json", "--seeds", "3"]).ends_with(0).json();
    assert_eq!(clean["challenges"][0]["solutions"][0]["right"], 3, "{clean:#}");
    assert!(said(&clean, "warnings", "01-sums/check.py").is_empty(), "{clean:#}");

    let crash = "import json, sys\nasked = json.load(sys.stdin)\na, b = map(int, asked['answer'].split())\nprint('true')\n";
    let found = errors(crash);
    let crashed = only(&found, "has a verdict on whatever is sent");
    assert_eq!(crashed["line"], 3);
    assert!(crashed["traceback"].as_str().unwrap().contains("map(int"), "{crashed}");
    let other =
        "import random, os, json\nprint(json.dumps({'correct': True, 'message': os.urandom(4).hex()}))\n";
    only(&errors(other), "run twice on the same answer, the checker said right");
    let by_day = "import datetime, json\nprint(json.dumps({'correct': True, 'message': str(datetime.date.today())}))\n";
    only(&errors(by_day), "not from the clock");
    only(&errors("print('false')\n"), "takes generate.py's own answer for wrong (on part 1, answer");
    only(&errors("print('ok')\n"), "the checker ran, but it printed \"ok\"");
    let answer = check(&with("print('true')\n", &[]), &["--json", "--seeds", "3"]).ends_with(0).json();
    only(&said(&answer, "warnings", "01-sums/check.py"), "does it look at the answer at all?");
}

#[test]
fn files_that_are_no_files_or_have_strange_names_are_refused_by_name() {
    let folder = Folder::new();
    let dir = campaign(
        &folder,
        &[("01-sums/files/words.txt", "a"), ("lib/x.py", ""), ("01-sums/attachments/a.png", "x")],
    );
    std::os::unix::fs::symlink("/etc/passwd", dir.join("01-sums/files/link.txt")).unwrap();
    std::os::unix::fs::symlink("/etc", dir.join("lib/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("01-sums/attachments/b.png")).unwrap();
    std::os::unix::net::UnixListener::bind(dir.join("01-sums/files/socket")).unwrap();
    for name in ["exe\u{202e}gpj.txt", "new\nline", "what?"] {
        fs::write(dir.join("01-sums/files").join(name), "x").unwrap();
    }
    fs::create_dir(dir.join("01-sums/attachments/folder")).unwrap();
    fs::write(dir.join("01-sums/attachments/folder/c.png"), "x").unwrap();
    fs::write(dir.join("01-sums/files/.DS_Store"), "left alone").unwrap();
    let answer = check(&dir, &["--json", "--seeds", "1"]).ends_with(1).json();
    let told: Vec<String> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{}: {}", error["file"].as_str().unwrap(), error["message"].as_str().unwrap()))
        .collect();
    for wanted in [
        "01-sums/files/link.txt: is a symbolic link; put the file itself here",
        "lib/folder: is a symbolic link",
        "01-sums/attachments/b.png: is a symbolic link",
        "01-sums/files/socket: is no file, but a device, a pipe or the like",
        "01-sums/files/exe\\u{202e}gpj.txt: its name holds the character \\u{202e}",
        "01-sums/files/new\\nline: its name holds the character \\n",
        "01-sums/files/what?: its name holds the character ?",
        "01-sums/attachments/folder/c.png: lies in a folder",
    ] {
        assert!(told.iter().any(|line| line.starts_with(wanted)), "{wanted} is not among {told:#?}");
    }
    assert_eq!(told.len(), 8, "{told:#?}");
    fs::remove_dir_all(dir.join("01-sums/files")).unwrap();
    fs::create_dir(dir.join("01-sums/files")).unwrap();
    fs::write(dir.join("01-sums/files/large.bin"), vec![0; (8 << 20) + 1]).unwrap();
    check(&dir, &["--seeds", "1"]).ends_with(1).says("01-sums/files/large.bin: is too large");
}
