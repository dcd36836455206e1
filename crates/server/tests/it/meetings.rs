//! Deeds of all kinds at once in one guild: whatever meets whatever, nobody waits in a circle.

use axum::http::Method;
use futures::StreamExt as _;
use serde_json::Value;

use crate::guilds::{Guild, run_timers};
use crate::house::House;
use crate::malformed::{key_for, send_as, value};
use crate::samples::{Operation, body_of, operations};

const GUILD: i64 = 275_928_847_299_117_063;
const USER: i64 = 50_011;
/// Guilds, one after the other, in each of which everything is done in another order.
const ROUNDS: i64 = 4;
/// How often everything is done in a guild.
const TIMES: usize = 3;
/// How many are at it at once.
const AT_ONCE: usize = 12;

/// An order that looks like chance and is the same in every run.
fn shuffled<T>(all: Vec<T>, salt: u64) -> Vec<T> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(salt + 1);
    let mut keyed: Vec<(u64, T)> = all
        .into_iter()
        .map(|one| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state, one)
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, one)| one).collect()
}

#[tokio::test]
async fn whatever_meets_nobody_waits_in_a_circle() {
    // Who fails here by chance shall at least have said why.
    let _ = tracing_subscriber::fmt().with_env_filter("warn").with_test_writer().try_init();
    let house = House::new().await;
    let document: Value = serde_json::to_value(server::openapi()).unwrap();
    let deeds: Vec<Operation> = operations(&document)
        .into_iter()
        .filter(|operation| operation.method != Method::GET && operation.path.contains("{guild_id}"))
        .collect();
    assert!(deeds.len() > 100, "{}", deeds.len());
    let (mut done, mut faults) = (0, Vec::new());
    for round in 0..ROUNDS {
        let user = USER + 10 * round;
        let guild = Guild::furnish(&house, GUILD + round, user).await;
        // What takes things away leaves little to meet: in every second guild only.
        // Forgetting somebody reaches into all slices at once: whom it meets in a circle is tried again, and told of no fault. Last,
        // so that all else is held to meet in none.
        let last = round == ROUNDS - 1;
        if last {
            assert_eq!(circles(&house).await, 0, "deadlocks that were tried again");
        }
        let here = deeds
            .iter()
            .filter(|deed| round % 2 == 1 || deed.method != Method::DELETE)
            .filter(|deed| last || !deed.path.ends_with("/erasure"));
        let all: Vec<(&Operation, i64)> =
            here.flat_map(|deed| (0..TIMES).map(move |n| (deed, user + i64::from(n == 1)))).collect();
        let answers = futures::stream::iter(shuffled(all, round.unsigned_abs()))
            .map(|(deed, user)| {
                let (house, guild, document) = (&house, &guild, &document);
                async move {
                    let path = deed.path_with(|name| match name {
                        "user_id" => user.to_string(),
                        name => value(guild, name),
                    });
                    let body = body_of(document, deed).map(|body| body.to_string().into_bytes());
                    let key = key_for(house, guild, deed);
                    (deed, send_as(house, user, key, &deed.method, &path, body).await)
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let timers = async {
            for _ in 0..20 {
                run_timers(&house).await;
                tokio::task::yield_now().await;
            }
        };
        for (deed, answer) in tokio::join!(answers, timers).0 {
            done += usize::from(answer.status.is_success());
            // Without a sandbox, what needs one is not to be had.
            if answer.status.is_server_error() && answer.status != 503 {
                faults.push(format!("{}: {} {}", deed.name(), answer.status, answer.text));
            }
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
    assert!(done > 400, "{done}");
}

/// How often two transactions waited for each other.
async fn circles(house: &House) -> i64 {
    sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        .fetch_one(house.database.pool())
        .await
        .unwrap()
}
