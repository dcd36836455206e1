//! Nodes that die, and timers that kill them.

use jobs::{Engine, EngineSettings, Node, Wake};

use crate::support::{Rings, World, eager};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_batch_is_rolled_back_and_rings_once() {
    let world = World::new().await;
    world.add(50, "ok").await;
    world.run("UPDATE public.rings SET behaviour = 'gate' WHERE n = 30").await;
    let rings = Rings::new();
    let doomed = world.server(&rings, EngineSettings { max_batch: 100, ..eager() }).await;
    rings.gate.wait_for_arrival().await;
    doomed.die().await;
    rings.gate.open.add_permits(1);
    let server = world.server(&rings, eager()).await;
    world.until_completed(50).await;
    world.assert_exactly_once().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_kills_nodes_is_found_out_and_the_others_ring() {
    let world = World::new().await;
    world.add(20, "ok").await;
    world.run("UPDATE public.rings SET behaviour = 'hang' WHERE n = 7").await;
    let rings = Rings::new();
    // The first dies with a whole batch in its hands, five more with the culprit alone.
    for death in 0..=5 {
        let doomed = world.server(&rings, eager()).await;
        rings.gate.wait_for_arrival().await;
        doomed.die().await;
        // Its connections are closed behind its back; until PostgreSQL has noticed, the next one holds it for alive.
        world
            .until(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                  WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted",
                0,
            )
            .await;
        let counted = world.number("SELECT crash_count::bigint FROM public.rings WHERE n = 7").await;
        assert_eq!(counted, death, "the death was counted before it happened");
    }
    let survivor = world.server(&rings, eager()).await;
    world.until_completed(19).await;
    world.until("SELECT count(*) FROM public.rings WHERE status = 'FAILED' AND n = 7", 1).await;
    let told = world
        .number(
            "SELECT count(*) FROM public.rings WHERE last_error = '5 nodes in a row died while they ran it'",
        )
        .await;
    assert_eq!(told, 1);
    world.assert_exactly_once().await;
    survivor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_innocent_are_not_counted_against() {
    let world = World::new().await;
    world.add(3, "retry").await;
    let (dead, _wake) = world.node().await;
    drop(dead);
    let server = world.server(&Rings::new(), eager()).await;
    world.until("SELECT count(*) FROM public.rings WHERE retry_count = 1 AND crash_count = 0", 3).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn survivors_notice_a_death_and_a_good_end_is_none() {
    let world = World::new().await;
    let server = world.server(&Rings::new(), eager()).await;
    let good = world.server(&Rings::new(), eager()).await;
    good.stop().await;
    let (dead, _wake) = world.node().await;
    drop(dead);
    world.until("SELECT count(*) FROM jobs.nodes WHERE died_at IS NOT NULL", 1).await;
    let alive = format!(
        "SELECT count(*) FROM jobs.nodes WHERE id = '{}' AND died_at IS NULL AND stopped_at IS NULL",
        server.node.id()
    );
    assert_eq!(world.number(&alive).await, 1);
    server.stop().await;
}

const CHILD: &str = "QUESTHALL_TEST_CRASH_URL";

/// Not a test: the process that the next one kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test that kills it"]
async fn child() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let wake = Wake::new();
    let node = Node::start(pool.clone(), "child", "0", &["worker"], wake.clone()).await.unwrap();
    let settings = EngineSettings { max_batch: 40, workers: 2, ..eager() };
    Engine::spawn(pool, Rings::new(), settings, &node.handle(), &wake);
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_killed_at_random_lose_and_double_nothing() {
    const KILLS: i64 = 15;
    const COUNT: i64 = 12_000;
    let completed = "SELECT count(*) FROM public.rings WHERE status = 'COMPLETED'";
    let world = World::new().await;
    world.add(COUNT, "ok").await;
    for kill in 1..=KILLS {
        let mut process = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["crash::child", "--exact", "--ignored", "--quiet"])
            .env(CHILD, world.url())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // At another point each time: early in its caution, or in the midst of full batches.
        let enough = (world.number(completed).await + kill * 37 % 150 + 1).min(COUNT);
        world.until(&format!("SELECT (({completed}) >= {enough})::int::bigint"), 1).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }
    world.assert_exactly_once().await;
    let server = world.server(&Rings::new(), eager()).await;
    world.until_completed(COUNT).await;
    world.assert_exactly_once().await;
    // A restart may be quicker than the server's notice of the broken connection; the heartbeat tells then.
    world.until("SELECT count(*) FROM jobs.nodes WHERE died_at IS NULL", 1).await;
    let died = world.number("SELECT count(*) FROM jobs.nodes WHERE died_at IS NOT NULL").await;
    assert!(died > KILLS / 2, "{died} died with something in their hands");
    server.stop().await;
}
