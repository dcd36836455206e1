//! The weekly audit: counters that drifted are mended by themselves, and on record.

use access::testing::means;
use std::time::Duration;

use jobs::schedule::Schedule;
use jobs::{EngineSettings, Node, Wake};
use serde_json::{Value, json};

use crate::house::{assert_sound, house};

#[tokio::test]
async fn the_weekly_audit_mends_what_drifted() {
    let house = house().await;
    house
        .run(
            "INSERT INTO lake.event_counters (guild_id, user_id, event_type, period, count)
             VALUES (1, 8, 'message_create', 'lifetime', 5)",
        )
        .await;
    let weekly = || -> Schedule {
        lake::SLICE.jobs(&means(house.pool())).into_iter().find(|job| job.name == "lake.audit").unwrap()
    };
    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(house.pool().clone(), vec![weekly()], &node.handle(), &wake).unwrap();
    let done = "SELECT count(*) FROM jobs.schedules WHERE name = 'lake.audit' AND last_run_at IS NOT NULL";
    while house.count(done).await == 0 {
        tokio::task::yield_now().await;
    }
    let handlers = lake::SLICE.handlers(&means(house.pool()));
    jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    let open = "SELECT count(*) FROM jobs.timers WHERE kind = 'lake.audit_repair' AND status IN ('PENDING', 'RUNNING')";
    while house.count(open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    let result: Value =
        sqlx::query_scalar("SELECT last_result FROM jobs.schedules WHERE name = 'lake.audit'")
            .fetch_one(house.pool())
            .await
            .unwrap();
    assert_eq!((&result["drift"], &result["mending"]), (&json!(1), &json!(["1"])), "{result}");
    assert_sound(&house).await;
    assert_eq!(house.audited("people.members").await, ["REPAIR"]);
}
