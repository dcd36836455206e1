//! Two nodes on one database: one dies and the other goes on, and answers that race through both.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use db::testing::{PrivateCluster, TestDatabase};
use futures::future::join_all;
use rand::RngExt as _;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use crate::crowd::Crowd;
use crate::http::{self, Answer};
use crate::process::Server;
use crate::storms::random_instant;
use crate::town::{GUILD, Town, bundle};
use crate::{chance, enough, kills, reckoning, until};

/// Two servers on the database at this URL, not started, that soon give requests up.
pub(crate) fn pair(url: &str) -> [Server; 2] {
    patient_pair(url, "2s")
}

/// The same, which give requests up after so long.
fn patient_pair(url: &str, patience: &str) -> [Server; 2] {
    let timeout = format!("http.request_timeout={patience}");
    let settings = ["--database-url", url, "--set", &timeout, "--set", "sandbox.enabled=false"];
    [0, 1].map(|_| Server::new(&settings.map(str::to_owned)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_is_replaced_by_the_other() {
    let began = Instant::now();
    let mut rng = chance("a_node_that_dies");
    let cluster = PrivateCluster::new();
    let database = cluster.open().await.unwrap();
    let mut nodes = pair(database.options().to_url_lossy().as_str());
    // Both migrate at once.
    nodes.iter_mut().for_each(Server::start);
    for node in &mut nodes {
        node.ready().await;
    }
    let town = Town::found(database.options()).await;
    let addresses = nodes.iter().map(Server::address).collect();
    let crowd = Crowd::gather(&town, addresses, 10, false, &mut rng).await;

    let planned = kills(60);
    let mut deaths = 0_usize;
    let mut slowest = Duration::ZERO;
    while deaths < planned && !enough(began, deaths, planned) {
        random_instant(&crowd, &mut rng).await;
        let dead = rng.random_range(0..2);
        let survivor = format!("%:{}", nodes[1 - dead].pid());
        nodes[dead].kill();
        deaths += 1;
        let died = Instant::now();
        let done = executed_by(&town, &survivor).await;
        until("the other node runs the timers", async || {
            (executed_by(&town, &survivor).await > done).then_some(())
        })
        .await;
        slowest = slowest.max(died.elapsed());
        nodes[dead].start();
        nodes[dead].ready().await;
    }
    let stormed = began.elapsed();
    crowd.each_kind_succeeded().await;
    let internal = crowd.internal_errors();
    let told = crowd.disperse().await;
    town.live_out().await;
    println!("  {deaths} deaths in {stormed:?}; the other had run a timer after at most {slowest:?}");
    reckoning::tell(&told);
    reckoning::all(&town, &told).await;
    assert!(internal.is_empty(), "{} answers 500, such as {:?}", internal.len(), internal.first());
    until("every death is noticed", async || {
        let noticed = "SELECT count(*) FROM jobs.nodes WHERE died_at IS NOT NULL";
        (town.number(noticed).await == i64::try_from(deaths).unwrap()).then_some(())
    })
    .await;
    for node in &mut nodes {
        node.stop().await;
        node.nothing_left().await;
        let faults = node.faults();
        assert!(faults.is_empty(), "{} faults logged, such as {:#?}", faults.len(), faults.first());
    }
    assert_eq!(town.number("SELECT count(*) FROM jobs.nodes WHERE stopped_at IS NOT NULL").await, 2);
    town.pool.close().await;
    database.close().await;
    println!("  {:?} in all", began.elapsed());
}

/// Timers that the node with this process id has run.
async fn executed_by(town: &Town, name: &str) -> i64 {
    let sql = "SELECT count(*) FROM campaigns.timer_executions e JOIN jobs.nodes n ON n.id = e.node_id WHERE n.name LIKE $1";
    sqlx::query_scalar(sql).bind(name).fetch_one(&town.pool).await.unwrap()
}

/// A running campaign whose first challenge is released, on two nodes.
struct Race {
    nodes: [Server; 2],
    addresses: [SocketAddr; 2],
    town: Town,
    campaign: Uuid,
    challenge: Uuid,
    // Last, so that the database goes after those who use it.
    _database: TestDatabase,
}

impl Race {
    /// With that many registered members who have their inputs, and a limit of wrong answers in five minutes.
    async fn begin(members: i64, limit: i64) -> Self {
        let database = TestDatabase::new().await;
        // Whoever races gets an answer, however long the queue is on a busy machine.
        let mut nodes = patient_pair(&database.url(), "25s");
        nodes.iter_mut().for_each(Server::start);
        let addresses = [nodes[0].ready().await, nodes[1].ready().await];
        let town = Town::found(database.options()).await;
        town.settle(1..=members).await;
        let mut draft = bundle("race");
        draft["campaign"]["rate_limit"] = json!({ "per_5s": 1000, "per_5min": limit });
        let base = format!("/api/v1/guilds/{GUILD}/campaigns");
        let made = http::post(
            addresses[0],
            &format!("{base}/import?unchecked=true"),
            &town.sender(1),
            "import",
            &draft,
        )
        .await
        .unwrap();
        assert_eq!(made.status, 201, "{made:?}");
        let campaign = town.campaign("race").await.unwrap().unwrap();
        let start = format!("{base}/{}/start", campaign.id);
        let started = http::post(addresses[1], &start, &town.sender(1), "start", &Value::Null).await.unwrap();
        assert_eq!(started.status, 200, "{started:?}");
        for user in 1..=members {
            let at = addresses[usize::try_from(user).unwrap() % 2];
            let path = format!("{base}/{}/registrations", campaign.id);
            let registered =
                http::post(at, &path, &town.sender(user), &format!("r{user}"), &Value::Null).await.unwrap();
            assert_eq!(registered.status, 201, "{registered:?}");
            town.inputs(campaign.id, user).await.unwrap();
        }
        let challenge = campaign.challenges[0].0;
        Self { nodes, addresses, town, campaign: campaign.id, challenge, _database: database }
    }

    /// All of these at once, through both nodes by turns: who, under which key, which answer.
    async fn answers(&self, all: impl IntoIterator<Item = (i64, String, &str)>) -> Vec<Answer> {
        let path = format!(
            "/api/v1/guilds/{GUILD}/campaigns/{}/challenges/{}/submissions",
            self.campaign, self.challenge
        );
        join_all(all.into_iter().enumerate().map(|(n, (user, key, answer))| {
            let (path, at, sender) = (path.clone(), self.addresses[n % 2], self.town.sender(user));
            let body = json!({ "answer": answer });
            async move { http::post(at, &path, &sender, &key, &body).await.unwrap() }
        }))
        .await
    }

    async fn recorded(&self) -> i64 {
        self.town.number("SELECT count(*) FROM challenges.challenge_submissions").await
    }

    async fn end(mut self) {
        reckoning::books(&self.town).await;
        for node in &mut self.nodes {
            node.stop().await;
            assert_eq!(node.faults(), Vec::<String>::new());
        }
        self.town.pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_right_answers_get_exact_positions() {
    let race = Race::begin(64, 1000).await;
    let answers = race.answers((1..=64).map(|user| (user, format!("a{user}"), "right"))).await;
    let mut places = BTreeSet::new();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        let place = answer.body["position"].as_i64().unwrap();
        assert_eq!(answer.body["points"].as_i64().unwrap(), (100 - 3 * (place - 1)).max(0), "{answer:?}");
        places.insert(place);
    }
    assert_eq!(places, (1..=64).collect());
    assert_eq!(race.recorded().await, 64);
    race.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_duplicates_solve_once() {
    let race = Race::begin(2, 1000).await;
    // One answer sent 64 times; and one request repeated 64 times.
    let answers = race.answers((1..=64).map(|n| (1, format!("a{n}"), "right"))).await;
    let first = answers.iter().filter(|answer| answer.body["already_solved"] == false).count();
    assert_eq!(first, 1, "{answers:#?}");
    assert!(
        answers.iter().all(|answer| answer.status == 200 && answer.body["position"] == 1),
        "{answers:#?}"
    );
    let repeated = race.answers((1..=64).map(|_| (2, "same".to_owned(), "right"))).await;
    let (done, others): (Vec<_>, Vec<_>) = repeated.iter().partition(|answer| answer.status == 200);
    assert!(
        !done.is_empty()
            && done.iter().all(|answer| answer.body["position"] == 2 && answer.body == done[0].body)
    );
    assert!(others.iter().all(|answer| answer.slug() == "idempotency-key-in-use"), "{others:#?}");
    assert_eq!(race.recorded().await, 2);
    race.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_wrong_answers_stop_at_the_limit() {
    const LIMIT: i64 = 9;
    let race = Race::begin(1, LIMIT).await;
    let answers = race.answers((1..=64).map(|n| (1, format!("a{n}"), "wrong"))).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(200), of(429)), (9, 64 - 9), "{answers:#?}");
    assert_eq!(race.recorded().await, LIMIT);
    // The right one is taken all the same.
    let right = race.answers([(1, "right".to_owned(), "right")]).await;
    assert_eq!((right[0].status, right[0].body["correct"].as_bool()), (200, Some(true)), "{right:?}");
    race.end().await;
}
