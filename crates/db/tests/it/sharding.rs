//! A database sharded by guild (docs/adr/0051-sharded-by-guild.md): what the schema and the statements promise so that every
//! table with a guild can be distributed by it, and the exceptions, each with its reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use db::testing::TestDatabase;
use sqlx::PgPool;

/// Keys of tables with a guild that it does not lead, and why: these tables are not distributed.
const NOT_LED_BY_GUILD: &[(&str, &str)] = &[
    ("access.api_keys: pk_api_keys", API_KEYS),
    ("access.api_keys: uq_api_keys_key_hash", API_KEYS),
    ("access.api_keys: uq_api_keys_previous_hash", API_KEYS),
    (
        "access.idempotency_keys: pk_idempotency_keys",
        "looked up by who asks and their key before the guild is known; many requests have none; gone within a day",
    ),
    ("jobs.timers: pk_timers", TIMERS),
    ("jobs.timers: uq_timers_dedupe_key", TIMERS),
    (
        "progress.seasons: ex_seasons_overlap",
        "GiST compares no numbers without an extension, so the guild leads it as a range; a sharded database has btree_gist, \
         and then it reads `guild_id WITH =`",
    ),
];

const API_KEYS: &str =
    "found by the hash of the secret alone, which says nothing of a guild; a key may serve every guild";
const TIMERS: &str = "a queue that is claimed across guilds, the earliest first; timers of the whole installation have no guild";

/// Tables without a guild: few, small, whole on every node of a sharded database.
const GLOBAL: &[(&str, &str)] = &[
    ("access.admin_users", "administrators of the installation with a local sign-in"),
    ("access.discord_leaves", "leave to ask Discord about a person, whatever their guilds"),
    ("access.oauth_states", "sign-ins under way: nobody is known yet"),
    ("access.operators", "people who run the installation, whatever their guilds"),
    ("access.rate_limits", "allowances of keys, sessions and addresses"),
    ("access.sessions", "a person is signed in once for all their guilds"),
    ("access.sign_in_links", "links that sign somebody in: nobody is known yet"),
    ("access.vault_checks", "one row: which key seals this database's secrets"),
    ("discord.command_sets", "one row for each application: which commands Discord has of it"),
    ("discord.gateway_shards", "one row for each connection to Discord's gateway, which carries many guilds"),
    (
        "discord.send_budgets",
        "one row for each application: when all nodes together may send the next request",
    ),
    ("jobs.backfills", "one row for each change of existing rows"),
    ("jobs.nodes", "one row for each server that runs"),
    ("jobs.outbox_cursors", "one row for each consumer of the outbox"),
    ("jobs.outbox_origin", "one row: which cluster's transactions the outbox counts by"),
    ("jobs.outbox_pruned", "one row: how far the outbox was cleared away"),
    ("jobs.queues", "queues that an administrator paused"),
    ("jobs.schedules", "one row for each periodic job"),
    ("people.users", "a person is one in all guilds"),
];

/// The catalogue's tables, each with the number of its column `guild_id`, if it has one.
const TABLES: &str = "WITH tables AS (
    SELECT c.oid, c.oid::regclass::text AS name,
           (SELECT attnum FROM pg_attribute a WHERE a.attrelid = c.oid AND attname = 'guild_id' AND NOT attisdropped) AS guild
      FROM pg_class c
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname <> '_sqlx_migrations'
       AND relnamespace::regnamespace::text !~ '^(pg_|information_schema$)') ";

async fn list(pool: &PgPool, query: &str) -> Vec<String> {
    let query = format!("{TABLES}{query}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(pool).await.expect("the catalogue can be asked")
}

/// What is not on the list, and entries of the list that are not needed any more.
fn assert_only(found: &[String], allowed: &[(&str, &str)], rule: &str) {
    let names: BTreeSet<&str> = allowed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), allowed.len(), "an entry stands twice");
    assert!(allowed.iter().all(|(_, reason)| reason.len() > 20), "every exception has its reason");
    let unexpected: Vec<&String> = found.iter().filter(|name| !names.contains(name.as_str())).collect();
    assert!(unexpected.is_empty(), "{rule}; violations: {unexpected:#?}");
    let stale: Vec<&&str> = names.iter().filter(|name| found.iter().all(|found| found != **name)).collect();
    assert!(stale.is_empty(), "exceptions that are none any more: {stale:?}");
}

#[tokio::test]
async fn the_guild_leads_every_key_of_its_tables() {
    let database = TestDatabase::new().await;
    let not_led = list(
        database.pool(),
        "SELECT t.name || ': ' || i.indexrelid::regclass::text FROM tables t JOIN pg_index i ON i.indrelid = t.oid
          WHERE guild IS NOT NULL AND (indisunique OR indisexclusion) AND indkey[0] <> guild
         UNION ALL
         SELECT name || ': has no primary key' FROM tables
          WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = oid AND indisprimary)
         ORDER BY 1",
    )
    .await;
    let not_led: Vec<String> = not_led.iter().map(|found| unqualified(found)).collect();
    assert_only(&not_led, NOT_LED_BY_GUILD, "guild_id leads every primary key, unique key and exclusion");
}

/// `schema.table: schema.index` as `schema.table: index`.
fn unqualified(found: &str) -> String {
    let Some((table, index)) = found.split_once(": ") else { return found.to_owned() };
    format!("{table}: {}", index.rsplit('.').next().unwrap_or(index))
}

#[tokio::test]
async fn the_guild_leads_every_foreign_key_between_its_tables() {
    let database = TestDatabase::new().await;
    let not_led = list(
        database.pool(),
        "SELECT t.name || ': ' || conname FROM pg_constraint
           JOIN tables t ON t.oid = conrelid JOIN tables r ON r.oid = confrelid
          WHERE contype = 'f' AND r.guild IS NOT NULL
            AND (conkey[1] IS DISTINCT FROM t.guild OR confkey[1] IS DISTINCT FROM r.guild)
          ORDER BY 1",
    )
    .await;
    assert_only(&not_led, &[], "a foreign key to a table with a guild holds guild_id first");
}

/// A second key over the same columns and more says nothing new, and costs a write for every row.
#[tokio::test]
async fn no_key_says_what_another_says_already() {
    let database = TestDatabase::new().await;
    let twice = list(
        database.pool(),
        "SELECT t.name || ': ' || wide.indexrelid::regclass || ' follows from ' || narrow.indexrelid::regclass
           FROM tables t
           JOIN pg_index narrow ON narrow.indrelid = t.oid
           JOIN pg_index wide ON wide.indrelid = t.oid AND wide.indexrelid <> narrow.indexrelid
          WHERE narrow.indisunique AND narrow.indpred IS NULL AND narrow.indexprs IS NULL AND wide.indisunique
            AND wide.indkey::int2[] @> (narrow.indkey::int2[])[0:narrow.indnkeyatts - 1]
            -- A foreign key that holds more than the id needs a key to point at.
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conindid = wide.indexrelid)
          ORDER BY 1",
    )
    .await;
    assert_only(&twice, &[], "no unique key holds all columns of another");
}

#[tokio::test]
async fn tables_without_a_guild_are_few_and_known() {
    let database = TestDatabase::new().await;
    let global = list(database.pool(), "SELECT name FROM tables WHERE guild IS NULL ORDER BY 1").await;
    assert_only(&global, GLOBAL, "a table belongs to a guild, or is known to belong to none");
}

/// The tables of this statement's `FROM` and `JOIN`, and those it locks by name.
fn tables_of(sql: &str) -> BTreeSet<String> {
    let words: Vec<&str> =
        sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';')).collect();
    words
        .windows(2)
        .filter(|pair| matches!(pair[0], "FROM" | "JOIN" | "INTO" | "UPDATE"))
        .map(|pair| pair[1].to_owned())
        .filter(|name| name.contains('.'))
        .collect()
}

/// Whether a statement locks rows and does not confine itself to one guild.
fn locks_across_guilds(sql: &str) -> bool {
    let locks = ["FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"];
    let confined = sql.match_indices("guild_id = $").any(|(at, _)| {
        // `$1 IS NULL OR m.guild_id = $1` is for one guild or for all.
        let before = sql[..at].trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_'));
        !before.ends_with(" OR ")
    });
    locks.iter().any(|lock| sql.contains(lock)) && !confined
}

/// The string literals of a Rust source, each with the function it stands in.
fn literals(source: &str) -> Vec<(String, String)> {
    let (mut found, mut function, mut rest) = (Vec::new(), String::new(), source);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let before = &rest[..at];
        if let Some(name) = before.rfind("fn ") {
            function = before[name + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        }
        let hashes = before.len() - before.trim_end_matches('#').len();
        let tail = &rest[at..];
        if tail.starts_with("//") {
            rest = tail.find('\n').map_or("", |end| &tail[end..]);
        } else if let Some(after) = tail.strip_prefix("'\"'") {
            rest = after;
        } else if !tail.starts_with('"') {
            rest = &tail[1..];
        } else if before.trim_end_matches('#').ends_with('r') && (hashes > 0 || before.ends_with('r')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = tail[1..].find(&end).unwrap_or(tail.len() - 1);
            found.push((function.clone(), tail[1..=length].to_owned()));
            rest = tail.get(1 + length + end.len()..).unwrap_or("");
        } else {
            let mut escaped = false;
            let length = tail[1..]
                .find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                })
                .unwrap_or(tail.len() - 1);
            found.push((function.clone(), tail[1..=length].to_owned()));
            rest = tail.get(length + 2..).unwrap_or("");
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the workspace's crates can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// A sharded database refuses to lock rows of several guilds in one statement. The document lists every statement that does,
/// with what it would cost to do by guild; this reads the program's statements, and the list.
#[tokio::test]
async fn statements_that_lock_across_guilds_are_known_by_name() {
    let database = TestDatabase::new().await;
    let distributed: BTreeSet<String> = list(
        database.pool(),
        "SELECT name FROM tables JOIN pg_index ON indrelid = oid AND indisprimary WHERE indkey[0] = guild",
    )
    .await
    .into_iter()
    .collect();
    assert!(distributed.len() > 60, "{}", distributed.len());

    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crates' folder");
    let mut files = Vec::new();
    sources(crates, &mut files);
    let mut found = BTreeMap::new();
    for file in files {
        let name = file.strip_prefix(crates).expect("a path below").to_string_lossy().replace('\\', "/");
        // Measuring and testing are not serving.
        if !name.contains("/src/") || name.starts_with("bench/") || name.contains("/testing") {
            continue;
        }
        let source = fs::read_to_string(&file).expect("a source is text");
        for (function, sql) in literals(&source) {
            if locks_across_guilds(&sql) && !tables_of(&sql).is_disjoint(&distributed) {
                found.insert(format!("{name}: {function}"), sql);
            }
        }
    }
    assert!(found.len() > 10, "{:?}", found.keys());

    let document = crates.join("../docs/adr/0051-sharded-by-guild.md");
    let document = fs::read_to_string(document).expect("the document is there");
    let listed: BTreeSet<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(name, _)| name.contains(".rs: "))
        .map(|(name, _)| name.to_owned())
        .collect();
    let unlisted: Vec<_> = found.iter().filter(|(name, _)| !listed.contains(*name)).collect();
    assert!(unlisted.is_empty(), "confine these to a guild, or list them with their cost: {unlisted:#?}");
    let stale: Vec<_> = listed.iter().filter(|name| !found.contains_key(*name)).collect();
    assert!(stale.is_empty(), "listed, but they lock across guilds no more: {stale:?}");
}

#[test]
fn what_locks_across_guilds_is_told_from_what_does_not() {
    assert!(locks_across_guilds("SELECT 1 FROM a.b WHERE id = $1 FOR UPDATE"));
    assert!(locks_across_guilds(
        "SELECT 1 FROM a.b x WHERE ($1::bigint IS NULL OR x.guild_id = $1) FOR SHARE OF x"
    ));
    assert!(locks_across_guilds("SELECT 1 FROM a.b JOIN a.c ON c.guild_id = b.guild_id FOR NO KEY UPDATE"));
    assert!(!locks_across_guilds("SELECT 1 FROM a.b x WHERE x.guild_id = $1 AND id = $2 FOR NO KEY UPDATE"));
    assert!(!locks_across_guilds("SELECT 1 FROM a.b WHERE id = $1"));
    let source = "fn one() { r#\"FROM \"a\" b\"#; } // \"no\"\nfn two() { '\"'; \"x\\\"y\"; }";
    let expected = [("one", "FROM \"a\" b"), ("two", "x\\\"y")].map(|(f, s)| (f.to_owned(), s.to_owned()));
    assert_eq!(literals(source), expected);
    assert_eq!(
        tables_of("SELECT 1 FROM (SELECT FROM a.b) x JOIN c.d"),
        BTreeSet::from(["a.b".into(), "c.d".into()])
    );
}
