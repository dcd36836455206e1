//! The real sandbox and the example campaign: a server that dies while it makes inputs leaves no process behind, and whoever
//! asks again gets the same input.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use db::testing::TestDatabase;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::http::{self, Answer};
use crate::process::{Server, questhall};
use crate::town::{GUILD, Town};
use crate::{PATIENCE, chance, kills, reckoning, until};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/advent-of-bytes");
const MEMBERS: i64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_survive_their_makers_and_no_jail_does() {
    let began = Instant::now();
    let mut rng = chance("inputs_survive");
    let database = TestDatabase::new().await;
    let url = database.url();
    let mut server = Server::new(&["--database-url".to_owned(), url.clone()]);
    server.up().await;
    let town = Town::found(database.options()).await;
    town.settle(1..=MEMBERS).await;
    let import = ["campaign", "import", EXAMPLE, "--unchecked", "--database-url", &url, "--guild", "4711"];
    let imported = questhall(&import.map(str::to_owned)).status().unwrap();
    assert!(imported.success(), "{imported}");
    let campaign: Uuid =
        sqlx::query_scalar("SELECT id FROM campaigns.campaigns").fetch_one(&town.pool).await.unwrap();
    let base = format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}");
    let at = server.ready().await;
    let started =
        http::post(at, &format!("{base}/start"), &town.sender(1), "start", &Value::Null).await.unwrap();
    assert_eq!(started.status, 200, "{started:?}");
    for user in 1..=MEMBERS {
        let registered = http::post(
            at,
            &format!("{base}/registrations"),
            &town.sender(user),
            &format!("r{user}"),
            &Value::Null,
        )
        .await;
        assert_eq!(registered.unwrap().status, 201);
    }
    until("all challenges are released", async || {
        if town.number("SELECT count(*) FROM challenges.challenges WHERE released_at IS NULL").await == 0 {
            return Some(());
        }
        town.pass(false).await.unwrap();
        None
    })
    .await;
    assert!(!server.family().is_empty(), "the jail's processes are children of the server");

    let challenges: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM challenges.challenges ORDER BY order_position")
            .fetch_all(&town.pool)
            .await
            .unwrap();
    let inputs = Arc::new(Mutex::new(BTreeMap::new()));
    let mut fetchers = JoinSet::new();
    for user in 1..=MEMBERS {
        for challenge in &challenges {
            let path = format!("{base}/challenges/{challenge}/input");
            let (inputs, address, sender, key) =
                (inputs.clone(), server.address(), town.sender(user), (user, *challenge));
            fetchers.spawn(async move {
                let answer = fetch(&address, &path, &sender).await;
                inputs.lock().unwrap().insert(key, answer.text);
            });
        }
    }
    let deaths = kills(8);
    for _ in 0..deaths {
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..400_000))).await;
        server.kill();
        server.up().await;
    }
    while let Some(ended) = fetchers.join_next().await {
        ended.unwrap();
    }

    // Each is stored once, and is what was given out; its answers are the right ones.
    let first = std::mem::take(&mut *inputs.lock().unwrap());
    let at = server.ready().await;
    let mut parts = 0;
    for ((user, challenge), input) in &first {
        let of_challenge = format!("{base}/challenges/{challenge}");
        let sender = town.sender(*user);
        let again = http::get(at, &format!("{of_challenge}/input"), Some(&sender)).await.unwrap();
        assert!(!input.is_empty() && again.text == *input, "another input for {user} in {challenge}");
        let results: (String, Option<String>) = sqlx::query_as(
            "SELECT expected_result, expected_result_part2 FROM challenges.generated_input_cache
             WHERE challenge_id = $1 AND participant_id = $2 AND first_request_timestamp IS NOT NULL",
        )
        .bind(challenge)
        .bind(user.to_string())
        .fetch_one(&town.pool)
        .await
        .unwrap();
        for (part, result) in [Some(results.0), results.1].into_iter().flatten().enumerate() {
            let body = json!({ "answer": result, "part": part + 1 });
            let key = format!("{user}-{challenge}-{part}");
            let answer =
                http::post(at, &format!("{of_challenge}/submissions"), &sender, &key, &body).await.unwrap();
            assert_eq!((answer.status, answer.body["correct"].as_bool()), (200, Some(true)), "{answer:?}");
            parts += 1;
        }
    }
    assert_eq!(first.len(), challenges.len() * usize::try_from(MEMBERS).unwrap());
    assert_eq!(
        town.number("SELECT count(*) FROM challenges.challenge_submissions WHERE is_correct").await,
        parts
    );
    reckoning::books(&town).await;
    town.pool.close().await;
    server.stop().await;
    server.nothing_left().await;
    assert_eq!(server.faults(), Vec::<String>::new());
    println!(
        "  {deaths} deaths, {} inputs, {parts} right answers, {:?} in all",
        first.len(),
        began.elapsed()
    );
}

/// Asks until there is an input.
async fn fetch(address: &watch::Receiver<Option<SocketAddr>>, path: &str, sender: &http::Sender) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let at = *address.borrow();
        if let Some(at) = at
            && let Ok(answer) = http::get(at, path, Some(sender)).await
        {
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            if answer.status == 200 {
                return answer;
            }
        }
        assert!(Instant::now() < deadline, "no input comes from {path}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
