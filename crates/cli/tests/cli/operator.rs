//! Seasons, achievements, the board and the rest of a guild's slices, run by the operator.

use db::testing::TestDatabase;
use kernel::{GuildId, UserId};
use people::members_ensure;

use crate::terminal::run;

async fn with_members() -> TestDatabase {
    let database = TestDatabase::new().await;
    let members = [(UserId::new(5), Some("Ada")), (UserId::new(6), Some("Bob"))];
    members_ensure(&mut database.pool().acquire().await.unwrap(), GuildId::new(7), &members).await.unwrap();
    database
}

#[tokio::test]
async fn seasons_achievements_and_awards_are_run_from_the_terminal() {
    let database = with_members().await;
    let url = database.url();
    let at = |noun: &str, verb: &str, rest: &[&str]| {
        run(["--database-url", &url, "--json", noun, verb, "--guild", "7"]
            .into_iter()
            .chain(rest.iter().copied()))
    };
    let season = at("season", "create", &[r#"{"name": "Spring", "ends_at": "2190-01-01T00:00:00Z"}"#]);
    assert_eq!(season.ends_with(0).json()["state"], "active");
    let roll = r#"{"next": {"name": "Summer", "ends_at": "2190-01-01T00:00:00Z"}}"#;
    assert_eq!(at("season", "roll", &["1", roll]).ends_with(0).json()["started"]["name"], "Summer");
    assert_eq!(at("season", "standings", &["1"]).ends_with(0).json(), serde_json::json!([]));
    at("season", "create", &["nonsense"]).ends_with(2).says("not as the API takes it");
    at("season", "delete", &["1"]).ends_with(4).says("has not begun");

    let hero =
        at("achievement", "create", &[r#"{"name": "Hero", "requirement_type": "custom", "gold_reward": 9}"#]);
    let hero = hero.ends_with(0).json()["id"].to_string();
    at("achievement", "grant", &[&hero, "5", "--reason", "saved the day"]).ends_with(0);
    at("achievement", "grant", &[&hero, "5"]).ends_with(4).says("has the achievement already");
    at("achievement", "revoke", &[&hero, "5", "--reason", "it was Bob", "--take-back"]).ends_with(0);

    let given = at("award", "give", &["5", "6", "--gold", "120", "--reason", "a talk"]).ends_with(0).json();
    assert_eq!((given.as_array().unwrap().len(), &given[0]["gold"]), (2, &120.into()));
    at("award", "revoke", &["5", "--gold", "121", "--reason", "x"]).ends_with(4).says("less than no gold");
    let shelf = at("shop", "list", &[]).ends_with(0).json();
    assert_eq!(shelf[0]["slug"], "coffee");

    at("category", "create", &[r#"{"name": "Help", "channels": ["9"]}"#]).ends_with(0);
    at("multiplier", "create", &[r#"{"name": "Double", "ends_at": "2190-01-01T00:00:00Z"}"#]).ends_with(0);
    at("board", "post", &[r#"{"title": "Mend the gate"}"#]).ends_with(0);
    at("board", "complete", &["1"]).ends_with(4).says("taken on by nobody");
    assert_eq!(at("board", "claim", &["1", "--user", "5"]).ends_with(0).json()["claimed_by"], "5");
    at("board", "unclaim", &["1", "--user", "6"]).ends_with(4);
    assert_eq!(at("board", "unclaim", &["1", "--user", "5"]).ends_with(0).json()["status"], "open");
    let coffee = shelf[0]["id"].to_string();
    at("shop", "buy", &[&coffee, "--user", "5", "--at-most", "1"]).ends_with(4);
    assert_eq!(at("shop", "buy", &[&coffee, "--user", "5"]).ends_with(0).json()["status"], "paid");
    let quiet = at("member", "preferences", &["5", "--awards", "false"]).ends_with(0).json();
    assert_eq!((&quiet["announce_awards"], &quiet["announce_level_up"]), (&false.into(), &true.into()));
    assert_eq!(at("member", "preferences", &["5"]).ends_with(0).json(), quiet);
    assert_eq!(at("member", "names", &["5", "6", "99"]).ends_with(0).json().as_array().unwrap().len(), 2);
    at("announcement", "say", &["--channel", "9", "Hello"]).ends_with(0);
    at("skill", "create", &[r#"{"slug": "graphs", "name": "Graphs"}"#]).ends_with(0);
    let tree = at("skill", "tree", &["--user", "5"]).ends_with(0).json();
    assert_eq!((&tree[0]["slug"], &tree[0]["unlocked"]), (&"graphs".into(), &true.into()));
}

#[tokio::test]
async fn what_is_to_be_in_step_with_discord_is_noted_for_a_bot() {
    let database = with_members().await;
    let url = database.url();
    let at = |verb: &str, rest: &[&str]| {
        let head = ["--database-url", &url, "--json", "discord", verb, "--guild", "7"];
        run(head.into_iter().chain(rest.iter().copied()))
    };
    for (noun, start, stop) in
        [("setup", "setup-start", "setup-stop"), ("automod", "automod-start", "automod-stop")]
    {
        let stands = |told: serde_json::Value| {
            let sync = &told["sync"];
            format!("{} {} {}", sync["status"], sync["wanted"], sync["has_bot"])
        };
        assert_eq!(stands(at(noun, &[]).ends_with(0).json()), r#""off" false false"#, "{noun}");
        assert_eq!(stands(at(stop, &[]).ends_with(0).json()), r#""off" false false"#, "{noun}");
        assert_eq!(stands(at(start, &[]).ends_with(0).json()), r#""pending" true false"#, "{noun}");
        assert_eq!(stands(at(noun, &[]).ends_with(0).json()), r#""pending" true false"#, "{noun}");
        at(stop, &[]).ends_with(0);
        assert_eq!(at(noun, &[]).ends_with(0).json()["sync"]["wanted"], false, "{noun}");
    }
    assert_eq!(at("setup-start", &["--channel", "9"]).ends_with(0).json()["channel_id"], "9");
    let noted: Vec<String> = sqlx::query_scalar(
        "SELECT target_id || ' ' || (after_snapshot ->> 'wanted') FROM access.admin_log
          WHERE target_table = 'discord.syncs' ORDER BY id",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert_eq!(noted, ["setup true", "setup false", "automod true", "automod false", "setup true"]);
    assert_eq!(at("effects", &[]).ends_with(0).json(), serde_json::json!([]));
    at("effects", &["--status", "lost"]).ends_with(4).says("must be one of pending, done, dead");
    at("retry", &["0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f"]).ends_with(4).says("no such effect");
}

#[tokio::test]
async fn a_file_of_another_bots_xp_is_imported() {
    let database = with_members().await;
    let url = database.url();
    let file = std::env::temp_dir().join(format!("questhall-mee6-{}.csv", std::process::id()));
    std::fs::write(&file, "id,username,xp\n5,Ada,200\nx,?,1\n").unwrap();
    let import = |options: &[&str]| {
        run(["--database-url", &url, "member", "import", "--guild", "7", file.to_str().unwrap()]
            .into_iter()
            .chain(options.iter().copied()))
    };
    import(&[]).ends_with(4).says("1 line is wrong, and nothing was imported");
    import(&["--dry-run"]).ends_with(0).says("1 members would get 200 XP");
    import(&["--skip-faults"]).ends_with(0).says("1 members got 200 XP");
    import(&["--skip-faults"]).ends_with(0).says("0 members got 0 XP");
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn members_and_the_lake_are_looked_at() {
    let database = with_members().await;
    let url = database.url();
    let at = |noun: &str, verb: &str, rest: &[&str]| {
        run(["--database-url", &url, noun, verb, "--guild", "7"].into_iter().chain(rest.iter().copied()))
    };
    let now = db::now(&mut database.pool().acquire().await.unwrap()).await.unwrap();
    let event = |source: &str, user: &str, seconds: i64, length: u32| {
        serde_json::json!({
            "event_type": "message_create", "user_id": user, "channel_id": "9", "source_id": source,
            "timestamp": now - chrono::TimeDelta::seconds(seconds),
            "payload": { "length": length, "code_blocks": 1 },
        })
        .to_string()
    };
    let lines = [event("first", "5", 100, 300), event("second", "5", 95, 10), event("third", "6", 90, 10)];
    let file = std::env::temp_dir().join(format!("questhall-look-{}.ndjson", std::process::id()));
    std::fs::write(&file, lines.join("\n")).unwrap();
    run(["--database-url", &url, "ingest", "--guild", "7", file.to_str().unwrap()]).ends_with(0);
    std::fs::remove_file(&file).unwrap();

    // Why did this event earn 25 XP?
    at("lake", "explain", &["first"])
        .ends_with(0)
        .says("MESSAGE: 5 earned 25 XP, 1 star")
        .says("× 1.2")
        .says("The message is of middle length.")
        .says("The message has a code block.");
    at("lake", "explain", &["second"]).ends_with(0).says("It earned nothing. The member was rewarded");
    at("lake", "explain", &["nothing"]).ends_with(4).says("no such event");
    at("lake", "events", &["--user", "6"]).ends_with(0).says("third");
    let events = at("lake", "events", &["--type", "message_create", "--channel", "9", "--json"]).ends_with(0);
    assert_eq!(events.json().as_array().unwrap().len(), 3);
    let none = at("lake", "events", &["--type", "voice_join", "--json"]).ends_with(0);
    assert_eq!(none.json(), serde_json::json!([]));
    at("lake", "events", &["--type", "dance"]).ends_with(2).says("must be one of message_create");
    at("lake", "health", &[]).ends_with(0).says("at the pace of the last week");
    assert_eq!(at("lake", "health", &["--json"]).ends_with(0).json()["last_day"], 3);

    at("member", "show", &["5"]).ends_with(0).says("Ada").says("to the next");
    let board = at("member", "leaderboard", &["--json"]).ends_with(0).json();
    assert_eq!(
        (&board[0]["name"], &board[0]["xp"], &board[1]["rank"]),
        (&"Ada".into(), &25.into(), &2.into())
    );
    at("member", "activity", &["5"]).ends_with(0).says("MESSAGE");
    assert_eq!(at("member", "activity", &["--json"]).ends_with(0).json().as_array().unwrap().len(), 2);
    let days = at("member", "days", &["5", "--json"]).ends_with(0).json();
    let total: i64 = days.as_array().unwrap().iter().map(|day| day["xp"].as_i64().unwrap()).sum();
    assert_eq!((days.as_array().unwrap().len(), total), (30, 25));
    at("member", "days", &["--from", "2026-02-01", "--to", "2026-01-01"]).ends_with(4).says("not be after");
    at("member", "put", &["8", "--name", "Cy", "--bot", "true"]).ends_with(0).says("Cy (bot)");
    at("member", "list", &[]).ends_with(0).says("Cy (bot)");
    assert_eq!(at("member", "seasons", &["5", "--json"]).ends_with(0).json(), serde_json::json!([]));
    at("multiplier", "factors", &["MESSAGE", "--channel", "9"]).ends_with(0).says("all of it");
    at("multiplier", "factors", &["DANCE"]).ends_with(2).says("must be one of MESSAGE");

    let copy = at("member", "export", &["5"]).ends_with(0).json();
    assert_eq!(
        (&copy["member"]["name"], copy["slices"]["lake"]["events"].as_array().unwrap().len()),
        (&"Ada".into(), 2)
    );
    at("member", "erase", &["5"]).ends_with(2).says("--reason");
    at("member", "erase", &["5", "--reason", "asked for it"]).ends_with(0).says("rows of theirs");
    at("member", "show", &["5"]).ends_with(0).says("Deleted member");
    at("member", "show", &["99"]).ends_with(4).says("no such member");
}
