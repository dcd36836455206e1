//! What operators do, all of it while events and transfers come: settings changed and changed back, a key revoked, the server killed and
//! its database carried into another cluster by dump and restore. Events arrive in any order, some of them twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use access::keys::{NewKey, key_create};
use access::{By, Origin, Scopes};
use chrono::TimeDelta;
use db::testing::{PrivateCluster, TestDatabase, dump, restore};
use lake::ingest::generator::{Community, Generator};
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgPool};
use tokio::sync::watch;

use crate::http::{self, Sender};
use crate::process::{Server, questhall};
use crate::town::{GUILD, Town};
use crate::{chance, reckoning, until};

/// Events in all, and of a request at most.
const EVENTS: usize = 2_400;
const BATCH: usize = 40;
/// Transfers between these members.
const TRANSFERS: usize = 120;
const FIRST: i64 = 1_001;
const MEMBERS: i64 = 6;
/// How many send at the same time.
const SENDERS: usize = 4;

/// Something to be sent until it is answered.
struct Deed {
    sender: i64,
    path: String,
    body: Value,
    /// Whether it goes under the key that is revoked, while that is good.
    doomed: bool,
}

/// What everybody knows.
struct Shared {
    at: watch::Receiver<Option<SocketAddr>>,
    steady: Sender,
    doomed: Sender,
    answered: AtomicUsize,
    /// Answers to the key that was revoked after it was.
    refused: AtomicUsize,
    revoked: AtomicBool,
    faults: Mutex<Vec<String>>,
}

impl Shared {
    /// Sends until there is an answer that settles it; answers whether it was done.
    async fn insist(&self, deed: &Deed) -> bool {
        let token = format!("{:032x}", rand::random::<u128>());
        let mut doomed = deed.doomed;
        let mut at = self.at.clone();
        loop {
            let here = at.wait_for(Option::is_some).await.unwrap().unwrap();
            let key = if doomed { &self.doomed.key } else { &self.steady.key };
            let sender = Sender { key: key.clone(), user: deed.sender };
            match http::post(here, &deed.path, &sender, &token, &deed.body).await {
                // Nobody told whoever uses the key. They get another, and what they sent counts once under either.
                Ok(answer) if doomed && answer.status == 401 => {
                    assert!(self.revoked.load(Ordering::Relaxed), "a good key is refused: {answer:?}");
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    doomed = false;
                }
                Ok(answer) if answer.status < 500 && answer.slug() != "idempotency-key-in-use" => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    // An answer that died with its node: the repetition is told that the deed was done.
                    if answer.status < 300 || answer.slug() == "answer-not-kept" {
                        return true;
                    }
                    self.faults.lock().unwrap().push(format!("{} {:?}", deed.path, answer));
                    return false;
                }
                Ok(answer) if answer.status == 500 => self.faults.lock().unwrap().push(format!("{answer:?}")),
                _ => tokio::time::sleep(std::time::Duration::from_millis(30)).await,
            }
        }
    }

    async fn answered(&self, count: usize) {
        until("answers come", async || (self.answered.load(Ordering::Relaxed) >= count).then_some(())).await;
    }

    /// A change by staff, until it is answered.
    async fn ask(&self, method: &str, path: &str, body: &Value) {
        let mut at = self.at.clone();
        until("an administrator is heard", async || {
            let here = at.wait_for(Option::is_some).await.unwrap().unwrap();
            let answer = http::ask(here, method, path, &self.steady.key, body).await.ok()?;
            assert!(answer.status < 300 || answer.status >= 500, "{method} {path}: {answer:?}");
            (answer.status < 300).then_some(())
        })
        .await;
    }
}

fn server(options: &PgConnectOptions) -> Server {
    let url = options.to_url_lossy().to_string();
    let settings =
        ["--database-url", &url, "--set", "http.request_timeout=5s", "--set", "sandbox.enabled=false"];
    Server::new(&settings.map(str::to_owned))
}

/// Events by shuffled batches, each tenth of them once more, and transfers, in one random order.
async fn deeds(pool: &PgPool, rng: &mut StdRng) -> (Vec<Deed>, usize) {
    let from = sqlx::query_scalar("SELECT now() - interval '2 days'").fetch_one(pool).await.unwrap();
    let over = TimeDelta::days(1);
    let community = Community { seed: rng.random(), events: EVENTS, members: 60, channels: 20, from, over };
    let mut events: Vec<Value> = Generator::new(community).map(|event| json!(event)).collect();
    let count = events.len();
    let again: Vec<Value> = events.iter().step_by(10).cloned().collect();
    events.extend(again);
    events.shuffle(rng);
    let mut deeds = Vec::new();
    let mut rest = events.as_slice();
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(rng.random_range(1..=BATCH).min(rest.len()));
        rest = later;
        let path = format!("/api/v1/guilds/{GUILD}/lake/events");
        deeds.push(Deed {
            sender: FIRST,
            path,
            body: json!({ "events": batch }),
            doomed: rng.random_bool(0.5),
        });
    }
    for n in 0..TRANSFERS {
        let sender = rng.random_range(0..MEMBERS);
        let receiver = (sender + rng.random_range(1..MEMBERS)) % MEMBERS;
        let body = json!({ "receiver_id": (FIRST + receiver).to_string(), "amount": rng.random_range(1..=9),
            "reason": format!("transfer {n}") });
        let path = format!("/api/v1/guilds/{GUILD}/economy/transfers");
        deeds.push(Deed { sender: FIRST + sender, path, body, doomed: false });
    }
    deeds.shuffle(rng);
    (deeds, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one day, told from morning to evening")]
async fn an_upheaval_loses_nothing_that_was_acknowledged() {
    let began = Instant::now();
    let mut rng = chance("an_upheaval");
    let database = TestDatabase::new().await;
    let town = Town::found(database.options()).await;
    town.settle(FIRST..FIRST + MEMBERS).await;
    let new = NewKey {
        name: "to be revoked".to_owned(),
        guild: Some(GUILD),
        user: None,
        scopes: Scopes::new(["community:ingest"]),
        expires_at: None,
    };
    let mut conn = town.pool.acquire().await.unwrap();
    let (doomed, plain) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
    drop(conn);

    let mut node = server(database.options());
    node.up().await;
    let (at, watched) = watch::channel(*node.address().borrow());
    let shared = Arc::new(Shared {
        at: watched,
        steady: town.sender(FIRST),
        doomed: Sender { key: plain.reveal().to_owned(), user: FIRST },
        answered: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        revoked: AtomicBool::new(false),
        faults: Mutex::default(),
    });
    let (deeds, events) = deeds(&town.pool, &mut rng).await;
    let all = deeds.len();
    let queue = Arc::new(Mutex::new(deeds));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (shared, queue) = (Arc::clone(&shared), Arc::clone(&queue));
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let Some(deed) = queue.lock().unwrap().pop() else { return done };
                    let acknowledged = shared.insist(&deed).await;
                    done.push((deed, acknowledged));
                }
            })
        })
        .collect();

    let rewards = format!("/api/v1/guilds/{GUILD}/settings/rewards");
    shared.answered(all / 8).await;
    shared.ask("PATCH", &rewards, &json!({ "message_xp": 99, "level_base": 40.0 })).await;
    shared.answered(all / 4).await;
    shared.revoked.store(true, Ordering::Relaxed);
    shared.ask("DELETE", &format!("/api/v1/keys/{}", doomed.id), &Value::Null).await;
    shared.answered(all / 2).await;

    // In the middle of it.
    at.send_replace(None);
    node.kill();
    let cluster = PrivateCluster::new();
    let file = cluster.folder().join("questhall.dump");
    dump(database.options(), &file).await;
    let carried = cluster.open().await.unwrap();
    restore(&file, carried.options()).await;
    let moved = town.moved(carried.options());
    let mut node = server(carried.options());
    println!("  carried over after {:?}; up there in {:?}", began.elapsed(), node.up().await);
    at.send_replace(*node.address().borrow());

    shared.answered(3 * all / 4).await;
    for name in ["message_xp", "level_base"] {
        shared.ask("DELETE", &format!("{rewards}/{name}"), &Value::Null).await;
    }
    let mut done = Vec::new();
    for sender in senders {
        done.extend(sender.await.unwrap());
    }
    let faults = std::mem::take(&mut *shared.faults.lock().unwrap());
    assert!(faults.is_empty(), "{} faults, such as {:#?}", faults.len(), faults.first());
    assert!(shared.refused.load(Ordering::Relaxed) > 0, "nobody was refused with the key that was revoked");

    // Nothing acknowledged is lost, and nothing is there twice.
    assert!(done.len() == all && done.iter().all(|(_, acknowledged)| *acknowledged));
    let counted = moved.number("SELECT count(*) FROM lake.event_lake").await;
    assert_eq!(counted, i64::try_from(events).unwrap(), "events");
    let transfers: HashMap<String, i64> = sqlx::query_as(
        "SELECT reason, count(*) FROM economy.bytes_transactions WHERE kind = 'transfer' GROUP BY reason",
    )
    .fetch_all(&moved.pool)
    .await
    .unwrap()
    .into_iter()
    .collect();
    assert!(transfers.len() == TRANSFERS && transfers.values().all(|times| *times == 1), "{transfers:?}");
    // What was written before is read on, what is written here as well.
    until("every reader of the outbox has read all of it", async || {
        let behind = "SELECT count(*) FROM jobs.outbox_cursors c JOIN jobs.outbox o ON (o.transaction_id, o.id) > (c.transaction_id, c.id)";
        (moved.number(behind).await == 0).then_some(())
    })
    .await;
    // Levels follow the curve that is in force again.
    until("the members were gone through after the last change", async || {
        let open = "SELECT count(*) FROM jobs.timers WHERE status IN ('PENDING', 'RUNNING') AND kind = 'progress.levels'";
        (moved.number(open).await == 0).then_some(())
    })
    .await;
    reckoning::books(&moved).await;
    let url = carried.options().to_url_lossy().to_string();
    let audit = questhall(&["audit".to_owned(), "--database-url".to_owned(), url]).status().unwrap();
    assert!(audit.success(), "questhall audit: {audit}");
    let faults = node.faults();
    assert!(faults.is_empty(), "{} faults logged, such as {:#?}", faults.len(), faults.first());
    moved.pool.close().await;
    town.pool.close().await;
    node.stop().await;
    node.nothing_left().await;
    carried.close().await;
    println!("  {all} requests, {events} events, in {:?}", began.elapsed());
}
