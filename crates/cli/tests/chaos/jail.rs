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
const MEMBERS: i64 = 8;

/// A campaign of a folder, running, all its challenges released, on a node with the real sandbox.
pub(crate) struct Example {
    pub(crate) server: Server,
    pub(crate) town: Town,
    /// Where the campaign lies in the API.
    pub(crate) base: String,
    pub(crate) challenges: Vec<Uuid>,
    // Last, so that the database goes after those who use it.
    pub(crate) _database: TestDatabase,
}

impl Example {
    pub(crate) async fn begin(folder: &str) -> Self {
        let database = TestDatabase::new().await;
        let url = database.url();
        let mut server = Server::new(&["--database-url".to_owned(), url.clone()]);
        server.up().await;
        let town = Town::found(database.options()).await;
        town.settle(1..=MEMBERS).await;
        let import = ["campaign", "import", folder, "--unchecked", "--database-url", &url, "--guild", "4711"];
        let imported = questhall(&import.map(str::to_owned)).status().unwrap();
        assert!(imported.success(), "{imported}");
        let campaign: Uuid =
            sqlx::query_scalar("SELECT id FROM campaigns.campaigns").fetch_one(&town.pool).await.unwrap();
        let challenges = "SELECT id FROM challenges.challenges ORDER BY order_position";
        let challenges = sqlx::query_scalar(challenges).fetch_all(&town.pool).await.unwrap();
        let base = format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}");
        let mut example = Self { server, town, base, challenges, _database: database };
        assert_eq!(example.post(1, "start", &Value::Null).await.status, 200);
        for user in 1..=MEMBERS {
            assert_eq!(example.post(user, "registrations", &Value::Null).await.status, 201);
        }
        until("all challenges are released", async || {
            let hidden = "SELECT count(*) FROM challenges.challenges WHERE released_at IS NULL";
            if example.town.number(hidden).await == 0 {
                return Some(());
            }
            example.town.pass(false).await.unwrap();
            None
        })
        .await;
        example
    }

    pub(crate) async fn post(&mut self, user: i64, path: &str, body: &Value) -> Answer {
        let at = self.server.ready().await;
        let key = format!("{user}-{path}-{}", body["part"]);
        let path = format!("{}/{path}", self.base);
        http::post(at, &path, &self.town.sender(user), &key, body).await.unwrap()
    }

    pub(crate) fn input_path(&self, challenge: Uuid) -> String {
        format!("{}/challenges/{challenge}/input", self.base)
    }

    /// Hands in the stored answers to a stored input; answers how many parts that were.
    async fn solve(&mut self, user: i64, challenge: Uuid) -> usize {
        let results: Vec<String> = sqlx::query_scalar(
            "SELECT expected_results FROM challenges.generated_input_cache
             WHERE challenge_id = $1 AND participant_id = $2 AND first_request_timestamp IS NOT NULL",
        )
        .bind(challenge)
        .bind(user.to_string())
        .fetch_one(&self.town.pool)
        .await
        .unwrap();
        for (n, result) in results.iter().enumerate() {
            let body = json!({ "answer": result, "part": n + 1 });
            let answer = self.post(user, &format!("challenges/{challenge}/submissions"), &body).await;
            assert_eq!((answer.status, answer.body["correct"].as_bool()), (200, Some(true)), "{answer:?}");
        }
        results.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_survive_their_makers_and_no_jail_does() {
    let began = Instant::now();
    let mut rng = chance("inputs_survive");
    let mut example = Example::begin(EXAMPLE).await;
    assert!(!example.server.family().is_empty(), "the jail's processes are children of the server");

    let inputs = Arc::new(Mutex::new(BTreeMap::new()));
    let mut fetchers = JoinSet::new();
    let deaths = kills(8).max(example.challenges.len());
    for death in 0..deaths {
        // Everybody asks for the next challenge's input, and amid that the server dies.
        let challenge = example.challenges[death % example.challenges.len()];
        for user in 1..=MEMBERS {
            let (path, sender) = (example.input_path(challenge), example.town.sender(user));
            let (inputs, address) = (inputs.clone(), example.server.address());
            fetchers.spawn(async move {
                let answer = fetch(&address, &path, &sender).await;
                inputs.lock().unwrap().insert((user, challenge), answer.text);
            });
        }
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..80_000))).await;
        example.server.kill();
        example.server.up().await;
    }
    while let Some(ended) = fetchers.join_next().await {
        ended.unwrap();
    }

    // Each is stored once, and is what was given out; its answers are the right ones.
    let first = std::mem::take(&mut *inputs.lock().unwrap());
    assert_eq!(first.len(), example.challenges.len() * usize::try_from(MEMBERS).unwrap());
    let at = example.server.ready().await;
    let mut parts = 0;
    for ((user, challenge), input) in &first {
        let sender = example.town.sender(*user);
        let again = http::get(at, &example.input_path(*challenge), Some(&sender)).await.unwrap();
        assert!(!input.is_empty() && again.text == *input, "another input for {user} in {challenge}");
        parts += example.solve(*user, *challenge).await;
    }
    let Example { mut server, town, _database, .. } = example;
    let solved = "SELECT count(*) FROM challenges.challenge_submissions WHERE is_correct";
    assert_eq!(usize::try_from(town.number(solved).await).unwrap(), parts);
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
pub(crate) async fn fetch(
    address: &watch::Receiver<Option<SocketAddr>>,
    path: &str,
    sender: &http::Sender,
) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let at = *address.borrow();
        if let Some(at) = at
            && let Ok(answer) = http::get(at, path, Some(sender)).await
        {
            // Until a server has asked for a key once, requests with it count among those of their address: 429.
            assert!(matches!(answer.status, 200 | 429 | 503), "{answer:?}");
            if answer.status == 200 {
                return answer;
            }
        }
        assert!(Instant::now() < deadline, "no input comes from {path}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
