//! What a slice may forget and the compiler cannot see: each part of each slice, held against what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use access::testing::means;
use db::testing::TestDatabase;
use jobs::outbox::event_types;
use server::SLICES;

/// Schemas without a slice.
const HOUSE_SCHEMAS: [(&str, &str); 3] = [
    ("jobs", "the machinery below all slices"),
    ("questhall", "what the migrations keep of themselves, and functions that all schemas use"),
    ("public", "PostgreSQL's own"),
];

/// Slices whose page in docs/ bears another name, as its readers look for that.
const PAGES: [(&str, &str); 4] = [
    ("campaigns", "authors-guide.md"),
    ("challenges", "authors-guide.md"),
    ("delivery", "webhooks.md"),
    ("operations", "operators-guide.md"),
];

/// Timers that only a node with a sandbox runs, which a test is not.
const OF_NODES_WITH_A_SANDBOX: [&str; 1] = ["challenges.pregenerate"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The crate in which a module is.
fn crate_of(module: &str) -> &str {
    module.split("::").next().unwrap()
}

/// The page of a slice.
fn page(slice: &str) -> String {
    let other = PAGES.iter().find(|(name, _)| *name == slice);
    other.map_or(format!("{slice}.md"), |(_, page)| (*page).to_owned())
}

#[test]
fn every_slice_that_a_crate_declares_is_listed_once() {
    let mut listed: Vec<&str> = SLICES.iter().map(|slice| slice.name).collect();
    listed.sort_unstable();
    let before = listed.len();
    listed.dedup();
    assert_eq!(listed.len(), before, "a slice is listed twice");
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().join("src/slice.rs").exists() {
            assert!(listed.contains(&name.as_str()), "crates/{name} is not listed in server::SLICES");
        }
    }
}

#[test]
fn every_slice_has_a_page() {
    for slice in SLICES {
        let page = page(slice.name);
        assert!(root().join("docs").join(&page).exists(), "{} has no page docs/{page}", slice.name);
        assert!(slice.about.ends_with('.'), "{}: {}", slice.name, slice.about);
    }
}

#[tokio::test]
async fn every_schema_is_a_slices() {
    let database = TestDatabase::new().await;
    let schemas: Vec<String> = sqlx::query_scalar(
        "SELECT nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    for schema in schemas {
        let known = SLICES.iter().any(|slice| slice.name == schema)
            || HOUSE_SCHEMAS.iter().any(|(house, _)| *house == schema);
        assert!(known, "no slice is named {schema} as the schema is");
    }
}

#[test]
fn routes_bear_the_tag_of_their_slice() {
    for slice in SLICES {
        let (_, document) = (slice.router)().split_for_parts();
        let tags: Vec<&str> =
            [slice.name].into_iter().chain(slice.tags.iter().map(|(name, _)| *name)).collect();
        for (path, item) in &document.paths.paths {
            for operation in
                [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten()
            {
                let borne = operation.tags.clone().unwrap_or_default();
                assert!(
                    !borne.is_empty() && borne.iter().all(|tag| tags.contains(&tag.as_str())),
                    "{path} of {} bears {borne:?}",
                    slice.name
                );
            }
        }
    }
}

#[test]
fn every_event_is_listed_by_the_slice_that_declares_it() {
    let mut listed = BTreeMap::new();
    for slice in SLICES {
        for event in slice.events.iter().copied().flatten() {
            assert!(listed.insert(event.name, slice.name).is_none(), "{} is listed twice", event.name);
            let home = crate_of(event.module);
            let own = home == slice.name || (home, slice.name) == ("jobs", "operations");
            assert!(own, "{} lists {}, which {home} declares", slice.name, event.name);
        }
    }
    let scopes: BTreeSet<&str> = access::scope::named().iter().map(|scope| scope.name).collect();
    for event in event_types() {
        if event.name.starts_with("test.") || event.name.contains(".test_") {
            continue;
        }
        assert!(
            listed.contains_key(event.name),
            "{} declares {}, and lists it not",
            event.module,
            event.name
        );
        for scope in [event.read, event.admin] {
            assert!(scopes.contains(scope), "{}: there is no scope {scope}", event.name);
        }
    }
}

#[test]
fn every_scope_and_kind_of_problem_is_one_slices() {
    let mut scopes = BTreeMap::new();
    let mut slugs = BTreeMap::new();
    for slice in SLICES {
        for scope in slice.scopes {
            assert!(scopes.insert(scope.name, slice.name).is_none(), "{} is listed twice", scope.name);
        }
        for kind in slice.problems {
            assert!(slugs.insert(kind.slug, slice.name).is_none(), "{} is listed twice", kind.slug);
        }
    }
    for scope in access::scope::named() {
        assert!(scopes.contains_key(scope.name), "no slice lists the scope {}", scope.name);
    }
    let read = |page: &str| std::fs::read_to_string(root().join("docs").join(page)).unwrap_or_default();
    let guide = read("api-guide.md");
    for (scope, slice) in scopes {
        let told = format!("`{scope}`");
        assert!(
            guide.contains(&told) || read(&page(slice)).contains(&told),
            "neither docs/api-guide.md nor docs/{} tells of the scope {scope}",
            page(slice)
        );
    }
}

#[tokio::test]
async fn jobs_timers_and_readers_bear_their_slices_name() {
    let database = TestDatabase::new().await;
    let means = means(database.pool());
    let mut readers = BTreeSet::new();
    for slice in SLICES {
        let own = |name: &str| {
            let home = name.split('.').next().unwrap();
            home == slice.name || (home, slice.name) == ("jobs", "operations")
        };
        for job in slice.jobs(&means) {
            assert!(own(job.name), "{} has a job {}", slice.name, job.name);
        }
        for kind in slice.handlers(&means).kinds() {
            assert!(own(kind), "{} has timers {kind}", slice.name);
        }
        for reader in (slice.consumers)(&means).names() {
            assert!(readers.insert(reader), "two readers are named {reader}");
        }
        if let Some(weekly) = slice.audit.and_then(|audit| audit.weekly) {
            assert_eq!(weekly.job, format!("{}.audit", slice.name));
            assert_eq!(weekly.timer, format!("{}.audit_repair", slice.name));
        }
    }
}

/// Readers of the outbox that only a node with a bot has, which a test has not.
const OF_NODES_WITH_A_BOT: [&str; 1] = ["discord.effects"];

/// Readers that a slice starts as a worker, as they need more than a consumer is given.
const OF_WORKERS: [&str; 1] = ["webhooks"];

/// The code of a folder's sources, without comments and what only tests see; nothing, where there is no such folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let text = lines.collect::<Vec<_>>().join("\n");
            found.push((path, text));
        }
    }
    found
}

/// The literal with which a text begins, or that of the constant, of the same source, whose name it begins with.
fn said<'a>(source: &'a str, text: &'a str) -> Option<&'a str> {
    let literal = |text: &'a str| text.trim_start().strip_prefix('"')?.split('"').next();
    let text = text.trim_start();
    literal(text).or_else(|| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let name = Some(&text[..end]).filter(|name| !name.contains(|c: char| c.is_ascii_lowercase()))?;
        let declared = format!("const {name}: &str = ");
        literal(&source[source.find(&declared)? + declared.len()..])
    })
}

/// What is said right behind this in a source.
fn named<'a>(source: &'a str, behind: &str) -> Vec<&'a str> {
    let each = source.match_indices(behind);
    each.filter_map(|(at, found)| said(source, &source[at + found.len()..])).collect()
}

/// The names of the readers of the outbox in a source.
fn readers(source: &str) -> Vec<&str> {
    const NAME: &str = "fn name(&self) -> &'static str {";
    let each = source.match_indices("impl Consumer for ");
    each.filter_map(|(at, _)| {
        let rest = &source[at..];
        said(source, &rest[rest.find(NAME)? + NAME.len()..])
    })
    .collect()
}

#[test]
fn literals_are_found_where_code_names_something() {
    let source = "const A: Kind = Kind::new(\n    \"a-b\", 409);\nKind::new(NAME, 1); Kind::new(\"c\", 2)";
    assert_eq!(named(source, "Kind::new("), ["a-b", "c"]);
    let source = "const JOB: &str = \"a.b\";\nSchedule::new(JOB, 1); Schedule::new(OTHER, 2); Schedule::new(KIND.name(), 3)";
    assert_eq!(named(source, "Schedule::new("), ["a.b"]);
    let source = "impl Consumer for A {\n    fn name(&self) -> &'static str {\n        \"a.reads\"\n    }\n}";
    assert_eq!(readers(source), ["a.reads"]);
}

/// What a slice's sources name in so many words and its declaration does not hold would work half: a refusal without a page, a setting
/// that nobody can choose, a route that nobody reaches, a job that never runs.
#[tokio::test]
async fn what_a_slice_names_it_declares() {
    let database = TestDatabase::new().await;
    let means = means(database.pool());
    let (mut seen, mut forgotten) = (0, Vec::new());
    // A slice may have another one's events happen: those of members, say.
    let events = SLICES.iter().flat_map(|slice| slice.events.iter().copied().flatten());
    let events: BTreeSet<String> = events.map(|event| event.name.to_owned()).collect();
    for slice in SLICES {
        let home = if slice.name == "operations" { "server" } else { slice.name };
        let (_, document) = (slice.router)().split_for_parts();
        let operations = document.paths.paths.values().flat_map(|item| {
            [&item.get, &item.post, &item.put, &item.patch, &item.delete].map(|operation| {
                operation.as_ref().and_then(|operation| operation.operation_id.clone()).unwrap_or_default()
            })
        });
        let timers: BTreeSet<String> =
            slice.handlers(&means).kinds().chain(OF_NODES_WITH_A_SANDBOX).map(str::to_owned).collect();
        let read: Vec<&str> =
            (slice.consumers)(&means).names().chain(OF_NODES_WITH_A_BOT).chain(OF_WORKERS).collect();
        let declared: [(&str, BTreeSet<String>); 7] = [
            ("Kind::new(", slice.problems.iter().map(|kind| kind.slug.to_owned()).collect()),
            (
                "const CATEGORY: &'static str = ",
                slice.settings.iter().map(|described| described().category.to_owned()).collect(),
            ),
            ("operation_id = ", operations.collect()),
            ("event_type: ", events.clone()),
            ("Schedule::new(", slice.jobs(&means).iter().map(|job| job.name.to_owned()).collect()),
            ("Kind::once(", timers.clone()),
            ("Kind::often(", timers),
        ];
        for (_, source) in sources(&root().join("crates").join(home).join("src")) {
            // Whole parts: what is written is listed.
            for (behind, part, listed) in [
                (": Audit = Audit {", "audit", slice.audit.is_some()),
                (": Keeper = Keeper {", "personal", slice.personal.is_some()),
            ] {
                if source.contains(behind) && !listed {
                    forgotten.push(format!("{}: {part}", slice.name));
                }
            }
            let unread = readers(&source).into_iter().filter(|name| !read.contains(name));
            forgotten.extend(unread.map(|name| format!("{}: the reader {name}", slice.name)));
            for (behind, declared) in &declared {
                for name in named(&source, behind) {
                    seen += 1;
                    if !declared.contains(name) {
                        forgotten.push(format!("{}: {behind}\"{name}\"", slice.name));
                    }
                }
            }
        }
    }
    assert!(seen > 200, "{seen}");
    assert_eq!(forgotten, Vec::<String>::new(), "the declarations of slices lack these");
}

/// Work that starts otherwise than by its slice's `workers`, and so is public.
const STARTED_BY_OTHERS: [(&str, &str); 2] = [
    ("crates/delivery/src/lib.rs", "tests start webhooks with a clock and a sender of their own"),
    ("crates/delivery/src/nats/lake.rs", "tests start a reader of a stream of their own"),
];

/// Signatures of public functions, in a source, that are given the node on which they start work.
fn public_work(source: &str) -> Vec<&str> {
    let each = source.match_indices("pub fn ").chain(source.match_indices("pub async fn "));
    each.filter_map(|(at, _)| source[at..].split(['{', ';']).next())
        .filter(|signature| signature.contains("NodeHandle"))
        .collect()
}

#[test]
fn public_work_is_found() {
    let source =
        "pub(crate) fn a(n: &NodeHandle) {}\npub fn b(\n    n: NodeHandle,\n) {}\npub fn c(n: i32) {}";
    assert_eq!(public_work(source), ["pub fn b(\n    n: NodeHandle,\n) "]);
}

/// What nothing calls the compiler tells of, unless it is public: so what starts work in the background is not, and cannot be forgotten
/// among a slice's `workers`.
#[test]
fn what_starts_work_is_private_to_its_slice() {
    let mut found = Vec::new();
    for slice in SLICES.iter().filter(|slice| !["operations", "access"].contains(&slice.name)) {
        for (path, source) in sources(&root().join("crates").join(slice.name).join("src")) {
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if !STARTED_BY_OTHERS.iter().any(|(known, _)| *known == path) {
                found
                    .extend(public_work(&source).into_iter().map(|signature| format!("{path}: {signature}")));
            }
        }
    }
    assert_eq!(
        found,
        Vec::<String>::new(),
        "make them `pub(crate)`, or say in STARTED_BY_OTHERS who starts them"
    );
}

/// A file that no module names is compiled by nobody: a command, a page or a test that is forgotten like that looks as if it were there.
#[test]
fn every_source_is_a_module_of_its_crate() {
    let (mut seen, mut orphans) = (0, Vec::new());
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        for (path, _) in ["src", "tests"].iter().flat_map(|part| sources(&folder.join(part))) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let parent = path.parent().unwrap();
            if ["lib", "main", "mod"].contains(&name) || parent.ends_with("src/bin") {
                continue;
            }
            seen += 1;
            let above = ["lib.rs", "main.rs", "mod.rs"].map(|file| parent.join(file));
            let above = above.into_iter().chain([parent.with_extension("rs")]);
            let declared = above
                .filter_map(|above| std::fs::read_to_string(above).ok())
                .any(|text| text.lines().any(|line| line.trim_end().ends_with(&format!("mod {name};"))));
            if !declared {
                orphans.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    assert!(seen > 700, "{seen}");
    assert_eq!(orphans, Vec::<String>::new(), "no `mod` names these files");
}
