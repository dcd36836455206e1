//! Connections that are cut: every session of PostgreSQL is ended, again and again, and nobody is told of timers that come
//! nearer.

use std::time::{Duration, Instant};

use db::testing::TestDatabase;
use rand::RngExt as _;

use crate::crowd::Crowd;
use crate::nodes::pair;
use crate::storms::random_instant;
use crate::town::{GUILD, Town};
use crate::{chance, enough, http, kills, reckoning, until};

/// Requests to each node when all is calm again.
const CALLS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_and_lost_notices_cost_no_timer() {
    let began = Instant::now();
    let mut rng = chance("cut_connections");
    let database = TestDatabase::new().await;
    let mut nodes = pair(&database.url());
    for node in &mut nodes {
        node.up().await;
    }
    let town = Town::found(database.options()).await;
    let crowd =
        Crowd::gather(&town, nodes.iter().map(crate::process::Server::address).collect(), 10, true, &mut rng)
            .await;
    let planned = kills(60);
    let mut cuts = 0;
    let mut sessions = 0;
    while cuts < planned && !enough(began, cuts, planned) {
        cuts += 1;
        random_instant(&crowd, &mut rng).await;
        sessions += cut(&town).await;
        // Some cuts come in pairs, while the first is being mended.
        if rng.random_bool(0.3) {
            sessions += cut(&town).await;
        }
    }
    let stormed = began.elapsed();

    // What the pools still hold is dead. Each such connection may cost one request, and none an internal error.
    cut(&town).await;
    let most = usize::try_from(db::Settings::default().max_connections()).unwrap();
    for node in &mut nodes {
        let at = node.ready().await;
        let mut refused = 0;
        for _ in 0..CALLS {
            let path = format!("/api/v1/guilds/{GUILD}/economy/config");
            let answer = http::get(at, &path, Some(&town.sender(1))).await.unwrap();
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            refused += usize::from(answer.status == 503);
        }
        assert!(refused <= most, "{refused} of {CALLS} requests were refused after the cut");
        println!("  after the last cut {refused} requests were refused");
    }
    crowd.each_kind_succeeded().await;
    let internal = crowd.internal_errors();
    let told = crowd.disperse().await;
    town.live_out().await;
    println!("  {cuts} cuts, {sessions} sessions in {stormed:?}");
    reckoning::tell(&told);
    reckoning::all(&town, &told).await;
    assert!(internal.is_empty(), "{} answers 500, such as {:?}", internal.len(), internal.first());
    for node in &mut nodes {
        node.stop().await;
        let faults = node.faults();
        assert!(faults.is_empty(), "{} faults logged, such as {:#?}", faults.len(), faults.first());
    }
    town.pool.close().await;
    println!("  {:?} in all", began.elapsed());
}

/// Ends every session but the one that does so; answers how many there were.
pub(crate) async fn cut(town: &Town) -> i64 {
    until("a session lives long enough to end the others", async || {
        let sql = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&town.pool).await.ok()
    })
    .await
}

/// The connections that listen, which are those that hold their node's lock (its class is "qhnd").
const LISTENERS: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1902669412
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// Ends them.
const CUT_LISTENER: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 1902669412
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// With the listening connection cut and nobody told, a timer that has become due is found by the next look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_nobody_was_told_of_is_found_by_looking() {
    let mut rng = chance("a_timer_nobody_was_told_of");
    let database = TestDatabase::new().await;
    let [mut node, _] = pair(&database.url());
    node.up().await;
    let town = Town::found(database.options()).await;
    let crowd = Crowd::gather(&town, vec![node.address()], 1, true, &mut rng).await;
    until("there is a campaign", async || (town.alive().await.ok()? > 0).then_some(())).await;
    let told = crowd.disperse().await;
    assert!(!told.is_empty());
    let mut latest = Duration::ZERO;
    for round in 0..kills(6) {
        let ran = "SELECT count(*) FROM campaigns.timer_executions";
        let before = until("nothing is due", async || {
            let due = "SELECT count(*) FROM campaigns.campaign_timers WHERE status = 'PENDING' AND scheduled_at <= now()";
            (town.number(due).await == 0).then_some(())?;
            Some(town.number(ran).await)
        })
        .await;
        // Either the connection is lost over which it would be told, or nobody says a word.
        if round % 2 == 0 {
            assert_eq!(town.number(CUT_LISTENER).await, 1, "the node listens on one connection");
        }
        assert!(town.pass(true).await.unwrap(), "there is a timer to come");
        let passed = Instant::now();
        until("the timer runs", async || (town.number(ran).await > before).then_some(())).await;
        latest = latest.max(passed.elapsed());
        until("the node listens again", async || (town.number(LISTENERS).await == 1).then_some(())).await;
    }
    println!("  found after at most {latest:?}, the longest sleep being {:?}", jobs::wake::MAX_SLEEP);
    node.stop().await;
    town.pool.close().await;
}
