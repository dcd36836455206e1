//! Every example of the author's guide, run as it stands there.

use std::fs;
use std::path::Path;

use db::testing::{Folder, TestDatabase};

use crate::terminal::{example, run};

/// The guide's blocks of code: under which heading, of which kind, what stands in them.
fn blocks() -> Vec<(String, String, String)> {
    blocks_of("authors-guide.md")
}

/// The same of any page.
pub(crate) fn blocks_of(page: &str) -> Vec<(String, String, String)> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(guide).unwrap();
    let (mut heading, mut open, mut found) = (String::new(), None::<(String, String)>, Vec::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => {
                let (kind, block) = open.take().unwrap();
                found.push((heading.clone(), kind, block));
            }
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {
                if let Some(text) = line.strip_prefix("## ") {
                    text.clone_into(&mut heading);
                }
            }
        }
    }
    found
}

/// The n-th block of a kind under a heading.
fn block(heading: &str, kind: &str, n: usize) -> String {
    let mut all = blocks().into_iter().filter(|(under, of, _)| under == heading && of == kind);
    all.nth(n).unwrap_or_else(|| panic!("the guide has no such block under {heading}")).2
}

fn put(dir: &Path, file: &str, content: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "one example after the other")]
fn every_example_of_the_guide_works_as_it_stands_there() {
    let folder = Folder::new();
    let dir = folder.path().join("winter-games");
    let whole = dir.to_str().unwrap();
    run(["campaign", "new", whole]).ends_with(0);
    let settings = fs::read_to_string(dir.join("campaign.toml")).unwrap();
    assert_eq!(settings, block("A campaign in ten minutes", "toml", 0));
    put(&dir, "campaign.toml", &format!("{settings}\n{}", block("`campaign.toml`", "toml", 0)));
    let hints = block("`challenge.toml`", "toml", 0);
    put(
        &dir,
        "01-sums/challenge.toml",
        &format!("{}\n{hints}", block("A campaign in ten minutes", "toml", 1)),
    );

    put(
        &dir,
        "lib/snow.py",
        "import random\ndef scrambled(word):\n    return ''.join(random.sample(word, len(word)))\n",
    );
    put(
        &dir,
        "02-yard/files/words.txt",
        "snowball snowdrift snowstorm snowflakes icicles blizzards\nsleighride frostbite avalanche\n",
    );
    put(&dir, "02-yard/attachments/rules.pdf", "%PDF-1.4\n");
    put(&dir, "02-yard/yard.png", "not quite a picture");
    put(&dir, "02-yard/challenge.toml", "title = \"The yard\"\n");
    put(
        &dir,
        "02-yard/README.md",
        &format!("# The yard\n\n{}\nWhich word is it?\n", block("`README.md`: the story", "markdown", 0)),
    );
    put(&dir, "02-yard/generate.py", &block("Files", "python", 0));

    put(&dir, "03-evidence/challenge.toml", "title = \"Evidence\"\n");
    put(&dir, "03-evidence/README.md", "# Evidence\n\nWhat is the number?\n");
    put(&dir, "03-evidence/generate.py", &block("Files", "python", 1));
    // The participant's file is where the guide says that solutions find it.
    put(
        &dir,
        "03-evidence/solve.py",
        "import zipfile\nprint(zipfile.ZipFile('input/evidence.zip').read('note.txt').decode().split()[-1].rstrip('.'))\n",
    );

    put(&dir, "04-total/challenge.toml", "title = \"Total\"\n");
    put(&dir, "04-total/README.md", "# Total\n\nSend two numbers that make your total.\n");
    put(
        &dir,
        "04-total/generate.py",
        "import json, random\na, b = random.randint(1, 10**6), random.randint(1, 10**6)\n\
         print(json.dumps({'input': f'total: {a + b}', 'result': f'{a} {b}'}))\n",
    );
    put(&dir, "04-total/check.py", &block("Checkers", "python", 0));
    put(&dir, "04-total/solve.py", "n = int(input().split()[1])\nprint(n - 7, 7)\n");
    put(&dir, "04-total/solve_wrong.py", "n = int(input().split()[1])\nprint(n, 7)\n");

    let number = "import json, random\nn = random.randint(1, 10**9)\nprint(json.dumps({'input': str(n), 'result': n / 7}))\n";
    put(
        &dir,
        "05-near/challenge.toml",
        &format!("title = \"Near\"\n{}", block("How answers are compared", "toml", 0)),
    );
    put(&dir, "05-near/README.md", "# Near\n\nA seventh of it.\n");
    put(&dir, "05-near/generate.py", number);
    put(
        &dir,
        "06-flag/challenge.toml",
        &format!("title = \"Flag\"\n{}", block("How answers are compared", "toml", 1)),
    );
    put(&dir, "06-flag/README.md", "# Flag\n\nFind it.\n");

    put(
        &dir,
        "07-chimney/challenge.toml",
        &format!(
            "title = \"The chimney\"\n{}\n{}",
            block("Parts", "toml", 0),
            block("Several languages", "toml", 0)
        ),
    );
    let chimney = block("Parts", "markdown", 0);
    put(&dir, "07-chimney/README.md", &chimney);
    put(&dir, "07-chimney/README.de.md", &chimney.replace("# The chimney", "# Der Schornstein"));
    put(
        &dir,
        "07-chimney/generate.py",
        "import json, random\nn = random.randint(10**5, 10**8)\nprint(json.dumps({'input': 'bricks ' + str(n), 'result': [n * 2, n * 3, f'{n}  {n * 5}']}))\n",
    );
    put(
        &dir,
        "07-chimney/solve.py",
        "n = int(input().split()[1])\nprint(n * 2)\nprint(n * 3)\nprint(n, n * 5)\n",
    );

    let answer = run(["campaign", "check", whole, "--json", "--seeds", "6"]);
    let report = answer.json();
    assert_eq!(report["errors"], serde_json::json!([]), "{report:#}");
    assert!(report["challenges"].as_array().unwrap().len() == 7, "{report:#}");
    let of = |slug: &str| {
        report["challenges"].as_array().unwrap().iter().find(|c| c["slug"] == slug).unwrap().clone()
    };
    assert_eq!(of("03-evidence")["files"][0]["name"], "evidence.zip");
    assert_eq!(of("03-evidence")["solutions"][0]["right"], 6);
    assert_eq!(of("04-total")["solutions"][0]["right"], 6, "{report:#}");
    assert_eq!(of("04-total")["solutions"][1]["right"], 0, "{report:#}");
    assert_eq!(of("07-chimney")["solutions"][0]["right"], 6, "by tokens in part three: {report:#}");
    let read = campaigns::authoring::read(&dir).unwrap();
    let chimney = &read.challenges[6];
    assert_eq!((chimney.part_descriptions.len(), chimney.answers[2].points), (2, Some(250)));
    assert_eq!(chimney.translations[0].title.as_deref(), Some("Der Schornstein"));
    let told = |file: &str| {
        let warnings = report["warnings"].as_array().unwrap();
        warnings.iter().filter(|w| w["file"] == file).map(|w| w["message"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told("02-yard/README.md"), [""; 0], "its picture is there");
    assert!(told("06-flag/challenge.toml")[0].contains("can copy them from each other"));

    // What `try --out` writes.
    let out = folder.path().join("out");
    let evidence = dir.join("03-evidence");
    let tried =
        run(["campaign", "try", evidence.to_str().unwrap(), "--out", out.to_str().unwrap()]).ends_with(0);
    tried.says("File evidence.zip, ");
    assert!(fs::read(out.join("evidence.zip")).unwrap().starts_with(b"PK"));
    assert_eq!(fs::read_to_string(out.join("input.txt")).unwrap(), "Somebody left evidence.zip behind.");
    run(["campaign", "try", evidence.to_str().unwrap(), "--user", "5"]).ends_with(2);
}

/// The form of what a generator prints.
#[test]
fn the_guides_output_is_one_that_is_read() {
    let folder = Folder::new();
    let dir = folder.path().join("games");
    run(["campaign", "new", dir.to_str().unwrap()]).ends_with(0);
    let printed = block("`generate.py`: the generator", "json", 0);
    put(&dir, "01-sums/generate.py", &format!("print({printed:?})\n"));
    let challenge = dir.join("01-sums");
    run(["campaign", "try", challenge.to_str().unwrap()]).ends_with(0).says("12345");
}

/// Every line that the guide has its readers type, in their order: what they write in capitals stands for what they have.
#[tokio::test]
async fn every_command_of_the_guide_works_as_it_stands_there() {
    let database = TestDatabase::new().await;
    let url = database.url();
    // The reader's guild is known: the bot is in it, or somebody has set it up.
    let grant = ["role", "grant", "--guild", "123456789012345678", "--user", "5", "owner"];
    run(["--database-url", &url].into_iter().chain(grant)).ends_with(0);
    let folder = Folder::new();
    let here = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let source = example("kattis-packages").to_str().unwrap().to_owned();
    let (mut id, mut said) = (String::new(), 0);
    for line in blocks()
        .into_iter()
        .filter(|(_, kind, _)| kind == "sh")
        .flat_map(|(_, _, block)| block.lines().map(str::to_owned).collect::<Vec<_>>())
    {
        let typed = line.split('#').next().unwrap().trim().strip_prefix("questhall ").unwrap().to_owned();
        let imports = typed.contains(" import ");
        let exports = typed.contains(" export ");
        let mut words = vec!["--database-url".to_owned(), url.clone()];
        if imports {
            words.push("--json".to_owned());
        }
        words.extend(typed.split_whitespace().map(|word| match word {
            "CAMPAIGN" => id.clone(),
            "SOURCE" => source.clone(),
            "DIR" if exports => here("exported"),
            "DIR" if typed.contains(" convert ") => here("converted"),
            "ID" => "123456789012345678".to_owned(),
            word if word.starts_with("winter-games") || word.starts_with("DIR") => here(word),
            word => word.to_owned(),
        }));
        let answer = run(words).ends_with(0);
        said += 1;
        if imports {
            answer.json()["id"].as_str().unwrap().clone_into(&mut id);
        }
    }
    assert!(said >= 13, "{said}");
    assert!(folder.path().join("exported/01-sums/generate.py").exists());
    assert!(folder.path().join("converted/campaign.toml").exists());
}
