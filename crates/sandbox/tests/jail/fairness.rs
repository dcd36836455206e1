//! Who gets the workers, and who is turned away.

use std::sync::{Arc, Mutex};

use sandbox::{Config, RunError, Sandbox};

use super::{config, job, printed, sandbox, until};

/// A tenant with a long queue does not keep another waiting.
#[tokio::test]
async fn tenants_take_turns() {
    let sandbox = sandbox(1).await;
    let ended = Arc::new(Mutex::new(Vec::new()));
    let mut runs = tokio::task::JoinSet::new();
    let mut run = |tenant: i64| {
        let (sandbox, ended) = (sandbox.clone(), Arc::clone(&ended));
        runs.spawn(async move {
            sandbox.run(tenant, job("print(1)")).await.unwrap();
            ended.lock().unwrap().push(tenant);
        });
    };
    // On this runtime of one thread nothing is queued until we wait, so all of tenant 1's runs are before the others'.
    for _ in 0..20 {
        run(1);
    }
    for tenant in [2, 2, 3] {
        run(tenant);
    }
    runs.join_all().await;
    let order = ended.lock().unwrap().clone();
    let last = |tenant: i64| order.iter().rposition(|t| *t == tenant).unwrap();
    assert_eq!(order.len(), 23);
    assert!(last(3) <= 3, "{order:?}");
    assert!(last(2) <= 5, "{order:?}");
    assert_eq!(last(1), 22, "{order:?}");
}

#[tokio::test]
async fn a_full_queue_is_refused_at_once_and_only_to_that_tenant() {
    let sandbox = Sandbox::start(Config { queue_limit: 2, ..config(1) }).await.unwrap();
    let wait = "import time\ntime.sleep(1000)";
    let mut waiting = tokio::task::JoinSet::new();
    let enqueue = |waiting: &mut tokio::task::JoinSet<_>, tenant| {
        let sandbox = sandbox.clone();
        waiting.spawn(async move { sandbox.run(tenant, job(wait)).await });
    };
    enqueue(&mut waiting, 1);
    until(|| sandbox.stats().running == 1 && sandbox.stats().queued == 0).await;
    enqueue(&mut waiting, 1);
    enqueue(&mut waiting, 1);
    until(|| sandbox.stats().queued == 2).await;
    assert_eq!(sandbox.run(1, job("print(1)")).await, Err(RunError::QueueFull));
    enqueue(&mut waiting, 2);
    until(|| sandbox.stats().queued == 3).await;
    // Those who go away make room.
    waiting.shutdown().await;
    assert_eq!(printed(&sandbox, "print('room')").await, "room");
}

/// Many scripts through several workers: each caller gets its own answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throughput_smoke() {
    let sandbox = sandbox(2).await;
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..200_i64 {
        let sandbox = sandbox.clone();
        runs.spawn(async move {
            let output = sandbox.run(number % 7, job(&format!("print({number} * {number})"))).await.unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", number * number));
        });
    }
    assert_eq!(runs.join_all().await.len(), 200);
    let stats = sandbox.stats();
    assert_eq!((stats.succeeded, stats.failed, stats.restarts, stats.queued), (200, 0, 0, 0));
    let figures = sandbox::bench::jailed(&sandbox, 20).await.unwrap();
    assert_eq!(figures.runs, 20);
    let plain = sandbox::bench::plain_python(sandbox.python().0, 4, 2).await.unwrap();
    assert!(plain.p50 <= plain.p99 && !plain.cpu_per_run.is_zero());
    assert!(!sandbox::bench::own_work(sandbox.python().0, 5).await.unwrap().is_zero());
    sandbox.shutdown().await;
}
