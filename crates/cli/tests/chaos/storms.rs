//! One server with a PostgreSQL of its own, as `questhall up` runs it: the server is killed, or its postmaster, or any of
//! PostgreSQL's other processes.

use std::time::{Duration, Instant};

use db::testing::PrivateCluster;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::crowd::Crowd;
use crate::process::{Server, questhall};
use crate::town::Town;
use crate::{chance, enough, http, kills, reckoning, until};

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// The server, and with it its PostgreSQL.
    Server,
    /// The server, and again while it comes up.
    ServerTwice,
    /// PostgreSQL's first process.
    Postmaster,
    /// One of PostgreSQL's others, which makes it start all of them anew.
    Backend,
}

/// The victims of one storm, in an order that chance decides.
fn victims(rng: &mut StdRng, number: usize) -> Vec<Victim> {
    let kinds = [
        Victim::Server,
        Victim::Postmaster,
        Victim::Backend,
        Victim::Server,
        Victim::Backend,
        Victim::ServerTwice,
    ];
    // Each at least once, if there are as many.
    (0..number).map(|n| if n < kinds.len() { kinds[n] } else { *kinds.choose(rng).unwrap() }).collect()
}

/// Waits for a random instant: some answers from now, so that there is progress between deaths, and a little more.
pub(crate) async fn random_instant(crowd: &Crowd, rng: &mut StdRng) {
    let enough = crowd.answered() + rng.random_range(1..60);
    until("members are served between two deaths", async || (crowd.answered() >= enough).then_some(())).await;
    tokio::time::sleep(Duration::from_micros(rng.random_range(0..40_000))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_nothing_is_lost_or_doubled() {
    let began = Instant::now();
    let mut rng = chance("whatever_is_killed");
    let cluster = PrivateCluster::new();
    let data_dir = cluster.settings.data_dir.display().to_string();
    let mut server = Server::new(&[
        "--data-dir".to_owned(),
        data_dir.clone(),
        "--set".to_owned(),
        "http.request_timeout=2s".to_owned(),
        "--set".to_owned(),
        "sandbox.enabled=false".to_owned(),
    ]);
    println!("  up, with a new database, in {:?}", server.up().await);
    let db::private::Occupant::Running(options) = db::private::occupant(&cluster.settings.data_dir) else {
        panic!("no PostgreSQL runs in {}", cluster.settings.data_dir.display());
    };
    let town = Town::found(&options).await;
    let crowd = Crowd::gather(&town, vec![server.address()], 12, false, &mut rng).await;

    let victims = victims(&mut rng, kills(60));
    let mut slowest = Duration::ZERO;
    let mut deaths = 0;
    for (done, victim) in victims.iter().enumerate() {
        if enough(began, done, victims.len()) {
            break;
        }
        random_instant(&crowd, &mut rng).await;
        let died = Instant::now();
        match victim {
            Victim::Server => {
                server.kill();
                server.start();
            }
            Victim::ServerTwice => {
                server.kill();
                server.start();
                tokio::time::sleep(Duration::from_micros(rng.random_range(0..800_000))).await;
                server.kill();
                deaths += 1;
                server.start();
            }
            Victim::Postmaster => {
                // None while it is being started again after an earlier death.
                until("there is a postmaster", async || cluster.kill_postmaster()).await;
            }
            Victim::Backend => kill_backend(&cluster, &mut rng).await,
        }
        deaths += 1;
        let at = server.ready().await;
        until("the server is ready again", async || {
            http::get(at, "/readyz", None).await.ok().filter(|answer| answer.status == 200)
        })
        .await;
        slowest = slowest.max(died.elapsed());
    }
    let stormed = began.elapsed();
    crowd.each_kind_succeeded().await;
    let internal = crowd.internal_errors();
    let told = crowd.disperse().await;
    town.live_out().await;
    println!("  {deaths} deaths in {stormed:?}, back after at most {slowest:?}");
    reckoning::tell(&told);
    reckoning::all(&town, &told).await;
    let audit = questhall(&["audit".to_owned(), "--data-dir".to_owned(), data_dir]).status().unwrap();
    assert!(audit.success(), "questhall audit: {audit}");
    assert!(
        internal.is_empty(),
        "{} answers 500, such as {:?}",
        internal.len(),
        &internal[..internal.len().min(5)]
    );
    let faults = server.faults();
    assert!(
        faults.is_empty(),
        "{} faults logged, such as {:#?}",
        faults.len(),
        &faults[..faults.len().min(5)]
    );
    town.pool.close().await;
    server.stop().await;
    server.nothing_left().await;
    until("PostgreSQL has gone with the server", async || cluster.processes().is_empty().then_some(())).await;
    println!("  {:?} in all", began.elapsed());
}

/// SIGKILL for one of the processes under the postmaster, whichever: of a session, the log writer, the checkpointer.
async fn kill_backend(cluster: &PrivateCluster, rng: &mut StdRng) {
    let postmaster = db::private::postmaster(&cluster.settings.data_dir);
    let pid = until("PostgreSQL has processes", async || {
        let others: Vec<i32> =
            cluster.processes().into_iter().filter(|pid| Some(*pid) != postmaster).collect();
        others.choose(rng).copied()
    })
    .await;
    // It may have ended meanwhile: then this death was its own.
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}
