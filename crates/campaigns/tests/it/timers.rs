//! The queue: exactly once, in order, and what happens when a timer fails.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use campaigns::model::Status;
use campaigns::ops::{self, Asker};
use campaigns::timers::CampaignTimers;
use jobs::{Engine, EngineSettings, Node, Run, TimerTable as _};
use kernel::{PageQuery, TimerId};
use serde_json::json;

use crate::stage::{GUILD, NODE, Stage};

#[tokio::test]
async fn a_campaigns_timers_are_claimed_one_at_a_time_the_earliest_first() {
    let stage = Stage::new().await;
    let campaign = stage.published(2, json!({})).await;
    stage.pass(campaign.id, Duration::from_hours(100)).await;
    let mut first = stage.pool().begin().await.unwrap();
    let mut second = stage.pool().begin().await.unwrap();
    assert_eq!(CampaignTimers.claim(&mut first, None, 10).await.unwrap().len(), 1);
    // The start is being executed elsewhere: its close must not be.
    assert_eq!(CampaignTimers.claim(&mut second, None, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn racing_engines_start_every_campaign_exactly_once() {
    let stage = Stage::new().await;
    let mut ids = HashSet::new();
    for _ in 0..60 {
        let campaign = stage.published(1, json!({})).await;
        stage.pass(campaign.id, Duration::from_hours(1)).await;
        ids.insert(campaign.id.get());
    }
    let mut nodes = Vec::new();
    for n in 0..3 {
        let node =
            Node::start(stage.pool().clone(), &format!("node {n}"), "test", &["worker"], stage.wake.clone())
                .await
                .unwrap();
        let settings = EngineSettings { max_batch: 7, ..EngineSettings::default() };
        drop(Engine::spawn(stage.pool().clone(), CampaignTimers, settings, &node.handle(), &stage.wake));
        nodes.push(node);
    }
    let mut follow =
        jobs::outbox::Tail::spawn(stage.pool().clone(), &nodes[0].handle(), &stage.wake).subscribe();
    let mut started = HashSet::new();
    let everything = tokio::time::timeout(Duration::from_mins(2), async {
        while !started.is_superset(&ids) {
            let all: Vec<uuid::Uuid> =
                sqlx::query_scalar("SELECT id FROM campaigns.campaigns WHERE status = 'RUNNING'")
                    .fetch_all(stage.pool())
                    .await
                    .unwrap();
            started = all.into_iter().collect();
            if !started.is_superset(&ids) {
                // The last may have started before there was somebody to follow it.
                let _ = tokio::time::timeout(Duration::from_millis(200), follow.next()).await;
            }
        }
    })
    .await;
    assert!(everything.is_ok(), "{} of {} started", started.len(), ids.len());
    for node in nodes {
        assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    }
    let twice: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT campaign_id FROM campaigns.campaign_state_log WHERE to_state = 'RUNNING'
         GROUP BY campaign_id HAVING count(*) <> 1) x",
    )
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(twice, 0);
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_failed_timer_is_listed_and_can_be_run_again() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    stage.pass(campaign.id, Duration::from_hours(1)).await;
    let run = Run { node_id: NODE, started: Instant::now() };
    let mut conn = stage.pool().acquire().await.unwrap();
    let timer = CampaignTimers.claim(&mut conn, None, 1).await.unwrap().pop().unwrap();
    CampaignTimers
        .fail(&mut conn, &run, &timer, "the first try", Some(Duration::from_mins(2)))
        .await
        .unwrap();
    assert!(CampaignTimers.claim(&mut conn, None, 1).await.unwrap().is_empty(), "it waits for its next try");
    CampaignTimers.fail(&mut conn, &run, &timer, "the last try", None).await.unwrap();
    let failed = ops::timer_list(stage.pool(), GUILD, None, Some("FAILED"), &PageQuery::default())
        .await
        .unwrap()
        .items;
    assert_eq!((failed.len(), failed[0].last_error.as_deref()), (1, Some("the last try")));
    let alerts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs.outbox WHERE event_type = 'timer.failed'")
            .fetch_one(stage.pool())
            .await
            .unwrap();
    assert_eq!(alerts, 1);
    let id: TimerId = failed[0].id;
    ops::timer_retry(stage.pool(), &stage.wake, GUILD, Asker::CLI, id).await.unwrap();
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Running);
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_close_that_comes_before_its_start_waits() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    // As if the start had failed and were to be tried again later than the close.
    stage.pass(campaign.id, Duration::from_hours(12)).await;
    sqlx::query("UPDATE campaigns.campaign_timers SET scheduled_at = now() + interval '1 hour' WHERE timer_type = 'START_CAMPAIGN'")
        .execute(stage.pool())
        .await
        .unwrap();
    sqlx::query(
        "UPDATE campaigns.campaign_timers SET status = 'CANCELLED' WHERE timer_type = 'EXPIRE_CAMPAIGN'",
    )
    .execute(stage.pool())
    .await
    .unwrap();
    let mut tx = stage.pool().begin().await.unwrap();
    let batch = CampaignTimers.claim(&mut tx, None, 10).await.unwrap();
    let run = Run { node_id: NODE, started: Instant::now() };
    let error = CampaignTimers.execute(&mut tx, &run, &batch).await.unwrap_err();
    assert!(matches!(error, jobs::TimerError::Retry(why) if why.contains("still CREATED")));
}
