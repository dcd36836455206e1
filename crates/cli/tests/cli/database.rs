//! Keys, migrations, audit.

use db::testing::{PrivateCluster, TestDatabase, dump, restore};
use sqlx::ConnectOptions as _;

use crate::terminal::run;

#[tokio::test]
async fn keys_are_shown_once_listed_rotated_and_revoked() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let key = |arguments: &[&str]| {
        run(["--database-url", &url, "key"].into_iter().chain(arguments.iter().copied()))
    };

    let made = key(&["create", "--name", "bot", "--guild", "7", "--scope", "campaigns:read,campaigns:play"])
        .ends_with(0);
    let plain = made.out.trim_end();
    // Alone on standard output, for `$(…)`.
    assert!(plain.starts_with("qh_") && !plain.contains(char::is_whitespace), "{made:#?}");
    assert!(!made.err.contains(plain), "{made:#?}");

    let listed = key(&["list", "--json"]).ends_with(0);
    assert!(!listed.out.contains(plain), "{listed:#?}");
    let listed = listed.json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &"bot".into()));
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(key(&["list", "--guild", "8", "--json"]).ends_with(0).json().as_array().unwrap().len(), 0);
    key(&["list"]).ends_with(0).says("campaigns:read campaigns:play");

    let rotated = key(&["rotate", id]).ends_with(0);
    assert!(rotated.out.starts_with("qh_") && rotated.out.trim_end() != plain, "{rotated:#?}");

    key(&["revoke", id]).ends_with(0).says("refused from now on");
    key(&["list"]).ends_with(0).says("revoked");
    key(&["rotate", id]).ends_with(4).says("revoked");
    key(&["revoke", "00000000-0000-7000-8000-000000000000"]).ends_with(4).says("no such API key");
}

#[tokio::test]
async fn a_key_for_nothing_or_for_what_there_is_not_is_not_made() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let create = |arguments: &[&str]| {
        run(["--database-url", &url, "key", "create", "--name", "k"]
            .into_iter()
            .chain(arguments.iter().copied()))
    };
    create(&["--scope", "campaign:read"]).ends_with(2).says("must be one of campaigns:play, campaigns:read");
    create(&[]).ends_with(2).says("--scope");
    create(&["--scope", "*", "--user", "5"]).ends_with(2).says("--guild");
    create(&["--scope", "*", "--expires", "2001-01-01T00:00:00Z"]).ends_with(4).says("must be in the future");
    let listed = run(["--database-url", &url, "key", "list", "--json"]).ends_with(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn settings_are_listed_chosen_and_taken_back() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let settings = |arguments: &[&str]| {
        run(["--database-url", &url, "settings"].into_iter().chain(arguments.iter().copied()))
    };
    let name = "api_keys.max_lifetime_days";
    settings(&["list"]).ends_with(0).says(name);
    assert_eq!(settings(&["set", name, "90", "--guild", "7"]).ends_with(0).out, "90\n");
    assert_eq!(settings(&["get", name, "--guild", "7"]).ends_with(0).out, "90\n");
    assert_eq!(settings(&["get", name]).ends_with(0).out, "null\n");
    settings(&["list", "--group", "api_keys", "--guild", "7"]).ends_with(0).says("guild");
    settings(&["set", name, "soon"]).ends_with(4).says("must be a whole number from 1 to 3650");
    settings(&["set", name, "-1"]).ends_with(4).says("must be a whole number from 1 to 3650");
    settings(&["set", "api_keys.days", "1"]).ends_with(4).says("known are api_keys.max_lifetime_days");
    settings(&["get", "api_keys.days"]).ends_with(4).says("no such setting");
    settings(&["list", "--group", "nothing"]).ends_with(4).says("no such group");
    assert_eq!(settings(&["reset", name, "--guild", "7"]).ends_with(0).out, "null\n");
}

#[tokio::test]
async fn roles_are_granted_and_taken_away_and_the_log_says_so() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let ask = |arguments: &[&str]| run(["--database-url", &url].into_iter().chain(arguments.iter().copied()));
    ask(&["role", "grant", "--guild", "7", "--user", "5", "author"])
        .ends_with(0)
        .says("5 is author in guild 7");
    ask(&["role", "grant", "--guild", "7", "--user", "5", "king"]).ends_with(2).says("must be one of owner");
    ask(&["role", "list", "--guild", "7"]).ends_with(0).says("author");
    ask(&["role", "map", "--guild", "7", "--discord-role", "77", "owner"])
        .ends_with(4)
        .says("must not be `owner`");
    ask(&["role", "map", "--guild", "7", "--discord-role", "77", "moderator"]).ends_with(0);
    ask(&["role", "mappings", "--guild", "7"]).ends_with(0).says("moderator");
    ask(&["role", "unmap", "--guild", "7", "--discord-role", "77", "moderator"]).ends_with(0);
    ask(&["role", "take", "--guild", "7", "--user", "5", "author"]).ends_with(0);
    ask(&["role", "take", "--guild", "7", "--user", "5", "author"]).ends_with(4).says("no such role grant");
    let log = ask(&["audit-log", "--guild", "7", "--json"]).ends_with(0).json();
    let deeds: Vec<_> = log.as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(deeds, ["DELETE", "DELETE", "CREATE", "CREATE"]);
    assert!(
        log.as_array().unwrap().iter().all(|entry| entry["before"].is_object() || entry["after"].is_object())
    );
    ask(&["audit-log", "--actor", "nobody"]).ends_with(2).says("must be user:<id>");
    ask(&["admin", "list", "--json"]).ends_with(0);
    ask(&["admin", "disable", "ada"]).ends_with(4).says("no local administrator");
}

#[tokio::test]
async fn migrations_are_told_and_applied() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let db = |command: &str| run(["--database-url", &url, "db", command]);
    db("status").ends_with(1).says("pending");
    run(["--database-url", &url, "key", "list"]).ends_with(3).says("questhall db migrate");
    db("migrate").ends_with(0).says("the schema is up to date");
    db("migrate").ends_with(0).says("The schema is up to date.");
    let status = run(["--database-url", &url, "db", "status", "--json"]).ends_with(0).json();
    let lines = status.as_array().unwrap();
    assert!(lines.len() > 5 && lines.iter().all(|line| line["state"] == "applied"), "{status:#}");
}

#[tokio::test]
async fn the_audit_finds_what_was_tampered_with() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let audit =
        |more: &[&str]| run(["--database-url", &url, "audit"].into_iter().chain(more.iter().copied()));
    run([
        "--database-url",
        &url,
        "key",
        "create",
        "--name",
        "k",
        "--guild",
        "7",
        "--user",
        "5",
        "--scope",
        "*",
    ])
    .ends_with(0);
    audit(&[]).ends_with(0).says("Everything agrees");

    let changed = sqlx::raw_sql("UPDATE people.members SET xp = xp + 500 WHERE user_id = 5")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    let drifts = audit(&["--json"]).ends_with(1).json();
    let drift = drifts.as_array().unwrap().iter().find(|drift| drift["what"] == "xp of user 5").unwrap();
    assert_eq!(
        (&drift["slice"], &drift["stored"], &drift["derived"]),
        (&"progress".into(), &"500".into(), &"0".into())
    );
    audit(&[]).ends_with(1).says("xp of user 5");
    audit(&["--guild", "8"]).ends_with(0);
}

#[test]
fn a_database_that_does_not_answer_is_a_sentence() {
    // Port 1 is nobody's.
    run(["--database-url", "postgres://me@127.0.0.1:1/x", "key", "list"])
        .ends_with(3)
        .says("no PostgreSQL answers at 127.0.0.1:1");
    run(["--database-url", "mysql://me@127.0.0.1/x", "key", "list"])
        .ends_with(3)
        .says("must begin with postgres://");
}

#[tokio::test]
async fn a_dump_restored_into_another_cluster_is_told_and_mended() {
    let old = TestDatabase::new().await;
    // As a consumer leaves its cursor; the other cluster is younger.
    sqlx::raw_sql(
        "INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ('webhooks', '9000000000', 5);
         INSERT INTO jobs.outbox (transaction_id, guild_id, event_type, subject, payload)
         VALUES ('9000000000', 7, 'test.happened', 'tests/1', '{}')",
    )
    .execute(old.pool())
    .await
    .unwrap();
    let cluster = PrivateCluster::new();
    let file = cluster.folder().join("questhall.dump");
    dump(old.options(), &file).await;
    let database = cluster.open().await.unwrap();
    restore(&file, database.options()).await;
    let at = ["--data-dir", cluster.settings.data_dir.to_str().unwrap()];
    let type_in = |arguments: &[&str]| run(at.iter().chain(arguments).copied());
    type_in(&["--set", "http.listen=127.0.0.1:0", "doctor"])
        .says("! outbox")
        .says("lies in the future of this PostgreSQL cluster")
        .says("questhall audit --repair");
    let drift = type_in(&["audit", "--json"]).ends_with(1).json();
    assert_eq!(drift[0]["slice"], "operations", "{drift}");
    assert_eq!(drift.as_array().unwrap().len(), 1, "{drift}");
    assert_eq!(drift[0]["stored"], "9000000000-5");
    type_in(&["audit", "--repair"]).ends_with(0).says("agrees with its journal");
    type_in(&["--set", "http.listen=127.0.0.1:0", "doctor"]).says("✓ outbox");
    database.close().await;
}

#[tokio::test]
async fn a_role_that_owns_nothing_can_run_what_nodes_do() {
    let database = TestDatabase::new().await;
    let role = format!("qh_runner_{}", std::process::id());
    let grants = run(["db", "grants", &role]).ends_with(0).out;
    let execute = async |statement: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(database.pool()).await
    };
    execute(format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    execute(grants).await.unwrap();
    let runner =
        sqlx::PgPool::connect_with(database.options().clone().options([("role", &role)])).await.unwrap();
    let may = async |statement: &str| {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(&runner).await.map_err(|error| error.to_string())
    };
    // What the schedules do: partitions, views, the journal's archive.
    for statement in [
        "SELECT questhall.ensure_month_partitions('jobs.outbox', 6)",
        "SELECT questhall.ensure_past_partitions('jobs.outbox', 3)",
        "INSERT INTO jobs.outbox (guild_id, event_type, subject, payload) VALUES (7, 'test.happened', 'x', '{}')",
        "SELECT questhall.refresh_view('campaigns.mv_active_campaigns')",
        "SELECT questhall.refresh_view('campaigns.mv_pending_timers')",
        "SELECT campaigns.archive_old_state_logs()",
        "SELECT campaigns.cleanup_timer_executions()",
        "SELECT questhall.drop_month_partition((SELECT partition_name FROM questhall.month_partitions('jobs.outbox') LIMIT 1))",
        "BEGIN; LOCK TABLE jobs.outbox IN SHARE ROW EXCLUSIVE MODE; COMMIT",
        "SELECT version FROM public._sqlx_migrations",
    ] {
        may(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    // And nothing that is none of its business.
    for statement in [
        "SELECT questhall.drop_month_partition('jobs.nodes')",
        "SELECT questhall.drop_month_partition((SELECT partition_name FROM questhall.month_partitions('jobs.outbox') ORDER BY ends_at DESC LIMIT 1))",
        "DROP TABLE jobs.nodes",
        "CREATE TABLE jobs.mine (n integer)",
    ] {
        assert!(may(statement).await.is_err(), "{statement}");
    }
    // As the role, though the operating system knows us as the cluster's owner.
    let url = database.options().clone().options([("role", &role)]).to_url_lossy().to_string();
    run(["--database-url", &url, "db", "status"]).ends_with(0);
    run(["--database-url", &url, "campaign", "list"]).ends_with(0);
    runner.close().await;
    execute(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}
