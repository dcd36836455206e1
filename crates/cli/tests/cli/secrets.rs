//! The key that seals secrets, where nodes and tools do not have the same.

use db::testing::{Folder, TestDatabase};

use crate::terminal::{Answer, run};

const ONE: &str = "secrets.key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "secrets.key=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

#[tokio::test]
async fn another_key_is_refused_until_it_is_adopted() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let with = |key: &str, arguments: &[&str]| -> Answer {
        run(["--database-url", &url, "--set", key].into_iter().chain(arguments.iter().copied()))
    };
    sqlx::query("INSERT INTO people.guilds (guild_id, name) VALUES (7, 'Ours')")
        .execute(database.pool())
        .await
        .unwrap();
    with(ONE, &["secrets", "check"]).ends_with(0).says("not noted yet");
    let create = ["webhook", "create", "--guild", "7", "--name", "hook", "--url", "https://example.org/hook"];
    with(ONE, &create).ends_with(0);
    with(ONE, &["secrets", "check"]).ends_with(0).says("opens the secrets of all webhooks");

    let other = with(OTHER, &["secrets", "check", "--json"]).ends_with(1);
    assert_eq!(other.json()["key"], "another");
    let id = other.json()["unreadable"]["webhooks"][0]["id"].as_str().unwrap().to_owned();
    with(OTHER, &create).ends_with(3).says("QUESTHALL_SECRETS__KEY");
    let empty = Folder::new();
    let none = ["--data-dir", empty.path().to_str().unwrap()];
    run(["--database-url", &url].into_iter().chain(none).chain(create))
        .ends_with(3)
        .says("this node has none");

    with(OTHER, &["secrets", "adopt"]).ends_with(1).says("Nothing was changed").says(&id);
    with(ONE, &["secrets", "check"]).ends_with(0);
    with(OTHER, &["secrets", "adopt", "--yes"]).ends_with(0).says(&id);
    with(ONE, &["secrets", "check"]).ends_with(1);
    with(OTHER, &["webhook", "rotate-secret", "--guild", "7", &id]).ends_with(0);
    with(OTHER, &["secrets", "check"]).ends_with(0).says("opens the secrets of all webhooks");
    // What signed before cannot sign any longer, and is not kept.
    let kept: Option<Vec<u8>> = sqlx::query_scalar("SELECT previous_secret FROM delivery.webhooks")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(kept, None);
}
