//! Bytes and squads, by the operator.

use db::testing::TestDatabase;
use kernel::{GuildId, UserId};
use people::members_ensure;

use crate::terminal::run;

async fn with_members() -> TestDatabase {
    let database = TestDatabase::new().await;
    let members = [(UserId::new(5), Some("Ada")), (UserId::new(6), Some("=Bob"))];
    members_ensure(&mut database.pool().acquire().await.unwrap(), GuildId::new(7), &members).await.unwrap();
    database
}

#[tokio::test]
async fn bytes_are_awarded_paid_fined_listed_and_exported() {
    let database = with_members().await;
    let url = database.url();
    let economy = |arguments: &[&str]| {
        run(["--database-url", &url, "economy", arguments[0], "--guild", "7"]
            .into_iter()
            .chain(arguments[1..].iter().copied()))
    };
    assert_eq!(economy(&["balance", "5"]).ends_with(0).out, "100\n");
    economy(&["award", "5", "50", "--reason", "for the map"]).ends_with(0).says("Ada has 150 now");
    economy(&["transfer", "5", "6", "30"]).ends_with(0).says("Ada paid =Bob 30; Ada has 120 now");
    economy(&["transfer", "5", "6", "1"]).ends_with(4).says("You can transfer again in");
    economy(&["transfer", "6", "6", "1"]).ends_with(4).says("somebody else");
    economy(&["transfer", "6", "5", "1.5"]).ends_with(2);
    economy(&["fine", "6", "131"]).ends_with(4).says("This takes 131 bytes, and member 6 has 130");
    economy(&["award", "8", "1"]).ends_with(4).says("no such member");
    let history = economy(&["history", "--user", "6", "--kind", "transfer", "--json"]).ends_with(0).json();
    assert_eq!((history.as_array().unwrap().len(), &history[0]["amount"]), (1, &30.into()));
    economy(&["history", "--kind", "gift"]).ends_with(2).says("must be one of transfer, starting");
    let board = economy(&["leaderboard", "--json"]).ends_with(0).json();
    assert_eq!((&board[0]["name"], &board[0]["balance"]), (&"=Bob".into(), &130.into()));

    economy(&["daily", "5"]).ends_with(0).says("day 1 in a row; Ada has 130 now");
    economy(&["daily", "5"]).ends_with(4).says("claim");

    let csv = economy(&["export"]).ends_with(0).out;
    assert_eq!(csv.lines().count(), 1 + 5, "{csv}");
    assert!(csv.contains(",\"'=Bob\","), "{csv}");
    let file = std::env::temp_dir().join(format!("questhall-export-{}.csv", std::process::id()));
    economy(&["export", "--kind", "award", "--out", file.to_str().unwrap()])
        .ends_with(0)
        .says("1 transactions");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    std::fs::remove_file(&file).unwrap();

    let report = economy(&["report", "--json"]).ends_with(0).json();
    assert_eq!((&report["issued"], &report["transferred"]), (&260.into(), &30.into()));
    economy(&["report", "--day", "2001-01-01"]).ends_with(4).says("report");
}

#[tokio::test]
async fn the_rules_are_shown_and_changed() {
    let database = with_members().await;
    let url = database.url();
    let config = |arguments: &[&str]| {
        run(["--database-url", &url, "economy", "config", "--guild", "7"]
            .into_iter()
            .chain(arguments.iter().copied()))
    };
    config(&[]).ends_with(0).says("8=2, 16=4, 32=8, 64=16");
    let changed =
        config(&["--role-reward", "70=500", "--streak-bonus", "3=2", "--enabled", "false", "--json"]);
    let changed = changed.ends_with(0).json();
    assert_eq!((&changed["role_rewards"]["70"], &changed["is_enabled"]), (&500.into(), &false.into()));
    assert_eq!(changed["streak_bonuses"], serde_json::json!({ "3": 2 }));
    config(&["--no-role-rewards"]).ends_with(0).says("none");
    config(&["--max-transfer", "0"]).ends_with(4).says("must be between 1");
    config(&["--role-reward", "seventy=500"]).ends_with(2).says("two whole numbers");
}

#[tokio::test]
async fn squads_are_made_filled_shown_and_retired() {
    let database = with_members().await;
    let url = database.url();
    let squad = |arguments: &[&str]| {
        run(["--database-url", &url, "squad", arguments[0], "--guild", "7"]
            .into_iter()
            .chain(arguments[1..].iter().copied()))
    };
    let owls = squad(&["create", "Owls", "--role", "70", "--max-members", "1"]).ends_with(0).out;
    let owls = owls.trim_end();
    let foxes = squad(&["create", "Foxes", "--json"]).ends_with(0).json()["id"].as_str().unwrap().to_owned();
    squad(&["create", "owls"]).ends_with(4).says("bears this name");
    squad(&["move", "5", owls]).ends_with(0).says(&format!("none → {owls}"));
    squad(&["move", "6", owls]).ends_with(4).says("This squad is full");
    squad(&["edit", owls, "--no-max-members", "--name", "Night owls"]).ends_with(0).says("Night owls");
    squad(&["move", "6", owls]).ends_with(0);
    squad(&["show", owls]).ends_with(0).says("Ada");
    let board = squad(&["leaderboard", "--by", "bytes", "--json"]).ends_with(0).json();
    assert_eq!((&board[0]["name"], &board[0]["member_count"]), (&"Night owls".into(), &2.into()));
    squad(&["remove", "6", owls]).ends_with(0).says("→ none");
    squad(&["move", "5", &foxes]).ends_with(0);
    squad(&["retire", owls]).ends_with(0).says("Night owls is retired");
    squad(&["list"]).ends_with(0).says("Foxes");
    assert_eq!(squad(&["list", "--all", "--json"]).ends_with(0).json().as_array().unwrap().len(), 2);
    run(["--database-url", &url, "audit", "--guild", "7"]).ends_with(0).says("agrees");
}

#[tokio::test]
async fn the_audit_repairs_bytes_and_squads_on_request() {
    let database = with_members().await;
    let url = database.url();
    let audit = |arguments: &[&str]| {
        run(["--database-url", &url, "audit"].into_iter().chain(arguments.iter().copied()))
    };
    run(["--database-url", &url, "economy", "balance", "--guild", "7", "5"]).ends_with(0);
    sqlx::query("UPDATE economy.bytes_balances SET balance = 5000 WHERE user_id = 5")
        .execute(database.pool())
        .await
        .unwrap();
    audit(&["--guild", "7"]).ends_with(1).says("balance of user 5");
    audit(&["--guild", "8", "--repair"]).ends_with(0).says("0 figures mended");
    audit(&["--repair"]).ends_with(0).says("balance of user 5 in guild 7 was 5000, is 100");
    audit(&[]).ends_with(0).says("agrees");
    assert_eq!(
        run(["--database-url", &url, "economy", "balance", "--guild", "7", "5"]).ends_with(0).out,
        "100\n"
    );
}
