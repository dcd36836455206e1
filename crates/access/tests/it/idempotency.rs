//! A request that is repeated because its answer was lost has its effect once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use access::web::{Repeatable, idempotency_clean};
use access::{Actor, Json};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::post;
use kernel::{Problem, problem};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use crate::house::{Answer, GUILD, Handled, House, post_json, send};

/// A route whose effect can be counted, and which waits at a gate where one is shut.
#[derive(Clone)]
struct Deeds {
    done: Arc<AtomicUsize>,
    begun: Arc<Notify>,
    gate: Arc<Semaphore>,
}

impl Deeds {
    fn new(gate: usize) -> Self {
        Self { done: Arc::default(), begun: Arc::default(), gate: Arc::new(Semaphore::new(gate)) }
    }

    fn count(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    async fn house(&self) -> (House, String) {
        let deeds = self.clone();
        let house = House::with(|router| {
            router.route(
                "/deeds",
                post(async move |_: Actor, Json(body): Json<serde_json::Value>| {
                    deeds.begun.notify_one();
                    deeds.gate.acquire().await.unwrap().forget();
                    let n = deeds.done.fetch_add(1, Ordering::SeqCst) + 1;
                    (
                        StatusCode::CREATED,
                        [(header::LOCATION, format!("/deeds/{n}"))],
                        Json(json!({"n": n, "of": body})),
                    )
                }),
            )
        })
        .await;
        let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
        (house, key)
    }
}

fn deed(key: &str, idempotency_key: &str, body: &str) -> Request<Body> {
    post_json("/deeds", key)
        .header("idempotency-key", idempotency_key)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let deeds = Deeds::new(9);
    let (house, key) = deeds.house().await;
    let first = house.send(deed(&key, "k", "1")).await;
    assert_eq!((first.status.as_u16(), replayed(&first)), (201, false));
    let again = house.send(deed(&key, "k", "1")).await;
    assert_eq!(again.status, first.status);
    assert_eq!(again.body, first.body);
    assert!(replayed(&again));
    for name in ["content-type", "location"] {
        assert_eq!(again.headers[name], first.headers[name]);
    }
    assert_eq!(deeds.count(), 1);

    assert_eq!(house.send(deed(&key, "another", "1")).await.body["n"], 2);
    let without = house.post("/deeds", &key, "1").await;
    assert_eq!(without.body["n"], 3);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_sender() {
    let deeds = Deeds::new(9);
    let (house, key) = deeds.house().await;
    assert_eq!(house.send(deed(&key, "k", "1")).await.status, 201);
    insta::assert_snapshot!(house.send(deed(&key, "k", "2")).await.problem(), @"422 idempotency-key-reused: This Idempotency-Key came with another request before; make a new one for each deed.");
    let elsewhere =
        post_json("/deeds?x=1", &key).header("idempotency-key", "k").body(Body::from("1")).unwrap();
    assert_eq!(house.send(elsewhere).await.status, 422);
    let for_another = post_json("/deeds", &key).header("idempotency-key", "k").header("questhall-user", "7");
    assert_eq!(house.send(for_another.body(Body::from("1")).unwrap()).await.status, 422);
    assert_eq!(deeds.count(), 1);

    let (_, stranger) = house.key(Some(GUILD), None, &["*"]).await;
    let theirs = house.send(deed(&stranger, "k", "2")).await;
    assert_eq!((theirs.status.as_u16(), replayed(&theirs)), (201, false));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let deeds = Deeds::new(9);
    let (house, key) = deeds.house().await;
    for bad in ["", "two words", &"x".repeat(256)] {
        let refused = house.send(deed(&key, bad, "1")).await.problem();
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused, @"400 invalid-request: `Idempotency-Key` must be one text of 1 to 255 visible ASCII characters");
        }
    }
    let twice = post_json("/deeds", &key).header("idempotency-key", "a").header("idempotency-key", "b");
    assert_eq!(house.send(twice.body(Body::from("1")).unwrap()).await.status, 400);
    let large = house.send(deed(&key, "k", &format!("\"{}\"", "x".repeat(20_000)))).await;
    assert_eq!(large.status, 413);
    assert_eq!(house.send(deed("qh_nobody", "k", "1")).await.status, 401);
    assert_eq!(deeds.count(), 0);
}

#[tokio::test]
async fn while_the_first_runs_others_are_told_to_wait() {
    let deeds = Deeds::new(0);
    let (house, key) = deeds.house().await;
    let first = tokio::spawn(send(house.router.clone(), deed(&key, "k", "1")));
    deeds.begun.notified().await;
    let second = house.send(deed(&key, "k", "1")).await;
    insta::assert_snapshot!(second.problem(), @"409 idempotency-key-in-use: The first request with this Idempotency-Key has not been answered yet; ask again in a moment.");
    assert_eq!(second.headers["retry-after"], "1");
    deeds.gate.add_permits(1);
    assert_eq!(first.await.unwrap().status, 201);
    assert!(replayed(&house.send(deed(&key, "k", "1")).await));
    assert_eq!(deeds.count(), 1);
}

#[tokio::test]
async fn of_racing_duplicates_one_has_the_effect() {
    let deeds = Deeds::new(64);
    let (house, key) = deeds.house().await;
    let racers: Vec<_> =
        (0..32).map(|_| tokio::spawn(send(house.router.clone(), deed(&key, "k", "1")))).collect();
    let (mut fresh, mut repeated, mut waiting) = (0, 0, 0);
    for racer in racers {
        let answer = racer.await.unwrap();
        match (answer.status.as_u16(), replayed(&answer)) {
            (201, false) => fresh += 1,
            (201, true) => repeated += 1,
            (409, false) => waiting += 1,
            other => panic!("{other:?}: {answer:?}"),
        }
    }
    assert_eq!((fresh, fresh + repeated + waiting, deeds.count()), (1, 32, 1));
}

#[tokio::test]
async fn a_client_that_goes_away_finds_its_answer_later() {
    let deeds = Deeds::new(0);
    let (house, key) = deeds.house().await;
    let first = tokio::spawn(send(house.router.clone(), deed(&key, "k", "1")));
    deeds.begun.notified().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    deeds.gate.add_permits(1);
    // The deed goes on by itself; ask until it is done, as a client would.
    let answer = loop {
        let answer = house.send(deed(&key, "k", "1")).await;
        if answer.status != 409 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((answer.status.as_u16(), replayed(&answer), deeds.count()), (201, true, 1));
}

#[tokio::test]
async fn what_failed_or_was_refused_for_now_may_be_sent_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let house = House::with(|router| {
        router.route(
            "/moody",
            post(async move || -> Handled {
                match calls.fetch_add(1, Ordering::SeqCst) {
                    0 => Err(Problem::internal_message("a test")),
                    1 => panic!("a test"),
                    2 => Err(Problem::new(problem::RATE_LIMITED, "slower")),
                    3 => Err(Problem::forbidden("not yet")),
                    4 => Err(Problem::conflict("soon").retry_after(std::time::Duration::from_secs(3))),
                    5 => Err(Problem::conflict("never")),
                    _ => Ok(Json(json!("changed its mind"))),
                }
            }),
        )
    })
    .await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let request = post_json("/moody", &key).header("idempotency-key", "k").body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        statuses.push((answer.status.as_u16(), replayed(&answer)));
    }
    // A refusal for good is an answer like any other, and so is kept, media type included.
    let expected =
        [(500, false), (500, false), (429, false), (403, false), (409, false), (409, false), (409, true)];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn the_work_of_a_dead_node_is_taken_over_when_its_lease_lapses() {
    let deeds = Deeds::new(0);
    let (house, key) = deeds.house().await;
    let first = tokio::spawn(send(house.router.clone(), deed(&key, "k", "1")));
    deeds.begun.notified().await;
    let lapse = sqlx::query("UPDATE access.idempotency_keys SET locked_until = now() - interval '1 s'");
    assert_eq!(lapse.execute(house.database.pool()).await.unwrap().rows_affected(), 1);
    // Another request does not get the key, lapsed or not.
    assert_eq!(house.send(deed(&key, "k", "2")).await.status, 422);

    let second = tokio::spawn(send(house.router.clone(), deed(&key, "k", "1")));
    deeds.begun.notified().await;
    deeds.gate.add_permits(2);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    // What is kept is the answer of whoever held the lease at the end.
    let third = house.send(deed(&key, "k", "1")).await;
    assert!(replayed(&third));
    assert_eq!(third.body, second.body);
}

#[tokio::test]
async fn what_was_committed_does_not_run_again_though_its_answer_was_lost() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let pools = Arc::new(std::sync::OnceLock::<sqlx::PgPool>::new());
    let pool_of = pools.clone();
    let house = House::with(|router| {
        router.route(
            "/transfers",
            post(async move || -> Handled {
                runs.fetch_add(1, Ordering::SeqCst);
                let mut tx = pool_of.get().unwrap().begin().await.unwrap();
                Repeatable::current().carried_out(&mut tx).await.unwrap();
                tx.commit().await.unwrap();
                Err(Problem::new(problem::UNAVAILABLE, "the connection broke at the commit"))
            }),
        )
    })
    .await;
    pools.set(house.database.pool().clone()).unwrap();
    let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
    let send = async |idempotency_key: &str| {
        let request = post_json("/transfers", &key).header("idempotency-key", idempotency_key);
        house.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(send("a").await.status, 503);
    insta::assert_snapshot!(send("a").await.problem(), @"409 answer-not-kept: The first request was carried out; its answer is not kept. Look at what it did.");
    assert_eq!(counter.load(Ordering::SeqCst), 1);

    // As the node left it that died after the commit: until its lease lapses, the answer may still come.
    let left = "UPDATE access.idempotency_keys SET locked_until = now() + interval '1 min'";
    sqlx::query(left).execute(house.database.pool()).await.unwrap();
    assert_eq!(send("a").await.problem().split(':').next(), Some("409 idempotency-key-in-use"));
    let lapse = "UPDATE access.idempotency_keys SET locked_until = now() - interval '1 s'";
    sqlx::query(lapse).execute(house.database.pool()).await.unwrap();
    assert_eq!(send("a").await.problem().split(':').next(), Some("409 answer-not-kept"));
    assert_eq!(counter.load(Ordering::SeqCst), 1);

    // Without a key, a request is nobody's repetition.
    let request = post_json("/transfers", &key).body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.status, 503);
    assert_eq!(counter.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn after_a_day_a_key_is_free_and_cleaned_away() {
    let deeds = Deeds::new(9);
    let (house, key) = deeds.house().await;
    for name in ["a", "b", "c"] {
        assert_eq!(house.send(deed(&key, name, "1")).await.status, 201);
    }
    let pool = house.database.pool();
    let kept: bool = sqlx::query_scalar(
        "SELECT bool_and(expires_at BETWEEN now() + interval '23 h' AND now() + interval '24 h') FROM access.idempotency_keys",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert!(kept);
    sqlx::query("UPDATE access.idempotency_keys SET expires_at = now() WHERE key <> 'c'")
        .execute(pool)
        .await
        .unwrap();
    // The next day another request may use the name.
    assert_eq!(house.send(deed(&key, "a", "2")).await.body["n"], 4);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(idempotency_clean(&mut conn, 100).await.unwrap(), 1);
    assert_eq!(idempotency_clean(&mut conn, 100).await.unwrap(), 0);
    assert!(replayed(&house.send(deed(&key, "c", "1")).await));
}

#[tokio::test]
async fn only_posts_are_kept_and_only_what_fits() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let house = House::with(move |router| {
        let large = || async { (HeaderMap::new(), vec![b'x'; 2 * 1024 * 1024]).into_response() };
        let deed = move || async move {
            calls.fetch_add(1, Ordering::SeqCst);
            StatusCode::NO_CONTENT
        };
        router.route("/large", post(large)).route("/put", axum::routing::put(deed))
    })
    .await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let large = || post_json("/large", &key).header("idempotency-key", "k").body(Body::empty()).unwrap();
    assert_eq!(house.send(large()).await.status, 200);
    assert_eq!(house.send(large()).await.problem().split(':').next(), Some("409 answer-not-kept"));
    for _ in 0..2 {
        let put = Request::put("/put").header("idempotency-key", "p").body(Body::empty()).unwrap();
        assert_eq!(house.send(put).await.status, 204);
    }
    assert_eq!(counter.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_key_that_could_not_be_given_back_at_once_is_free_when_the_database_takes_it() {
    let (calls, begun, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let house = {
        let (calls, begun, gate) = (Arc::clone(&calls), Arc::clone(&begun), Arc::clone(&gate));
        House::with(move |router| {
            router.route(
                "/moody",
                post(async move || -> Handled {
                    if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                        return Ok(Json(json!("done")));
                    }
                    begun.notify_one();
                    gate.notified().await;
                    Err(Problem::internal_message("a test"))
                }),
            )
        })
        .await
    };
    let (_, key) = house.key(None, None, &["*"]).await;
    let request = || post_json("/moody", &key).header("idempotency-key", "k").body(Body::empty()).unwrap();
    let first = tokio::spawn(send(house.router.clone(), request()));
    begun.notified().await;
    let run = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(house.database.pool()).await.unwrap();
    };
    // The database refuses to give the key back, and then does not any more.
    run("CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''away''; END';
         CREATE TRIGGER refuse BEFORE DELETE ON access.idempotency_keys FOR EACH ROW EXECUTE FUNCTION public.refuse()")
    .await;
    gate.notify_one();
    assert_eq!(first.await.unwrap().status, 500);
    assert_eq!(house.send(request()).await.status, 409, "it is not free yet");
    run("DROP TRIGGER refuse ON access.idempotency_keys").await;
    // The lease would hold for more than a minute.
    let freed = async {
        while house.send(request()).await.status == 409 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(50), freed).await.expect("the key is free");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}
