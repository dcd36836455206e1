//! From draft to expiry, late and in order, and back out of it by cancelling.

use std::time::Duration;

use campaigns::Error;
use campaigns::model::Status;
use campaigns::ops::{self, Asker};
use kernel::GuildId;
use serde_json::json;

use crate::stage::{GUILD, Stage};

const HOUR: Duration = Duration::from_hours(1);

fn names(pending: &[(String, i64)]) -> Vec<&str> {
    pending.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn publishing_schedules_start_close_and_expiry() {
    let stage = Stage::new().await;
    let campaign = stage.published(2, json!({ "freeze_minutes": 60 })).await;
    let pending = stage.pending(campaign.id).await;
    assert_eq!(
        pending,
        [
            ("START_CAMPAIGN".into(), 1),
            ("EXPIRE_CAMPAIGN".into(), 2),
            ("FREEZE_STANDINGS".into(), 10),
            ("CLOSE_CAMPAIGN".into(), 11)
        ]
    );
    assert_eq!(campaign.state, "published");
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_whole_life_takes_its_course() {
    let stage = Stage::new().await;
    let campaign = stage.running(3, json!({})).await;
    assert_eq!((campaign.status, campaign.state.as_str()), (Status::Running, "active"));
    assert_eq!(stage.released(campaign.id).await, [1]);

    stage.pass(campaign.id, HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.released(campaign.id).await, [1, 2]);
    assert_eq!(
        names(&stage.pending(campaign.id).await),
        ["RELEASE_CHALLENGE", "CLOSE_CAMPAIGN", "EXPIRE_CAMPAIGN"]
    );

    stage.pass(campaign.id, 9 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Closed);
    assert_eq!(names(&stage.pending(campaign.id).await), ["OPEN_REWARD_CLAIM", "EXPIRE_CAMPAIGN"]);

    stage.pass(campaign.id, HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::RewardClaim);

    stage.pass(campaign.id, 24 * 7 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Expired);
    assert!(stage.pending(campaign.id).await.is_empty());
    let path: Vec<String> = sqlx::query_scalar(
        "SELECT trigger_event || ' ' || to_state FROM campaigns.campaign_state_log WHERE campaign_id = $1 ORDER BY id",
    )
    .bind(campaign.id.get())
    .fetch_all(stage.pool())
    .await
    .unwrap();
    assert_eq!(
        path,
        [
            "CREATED CREATED",
            "START_CAMPAIGN RUNNING",
            "CLOSE_CAMPAIGN CLOSED",
            "OPEN_REWARD_CLAIM REWARD_CLAIM",
            "EXPIRE_CAMPAIGN EXPIRED"
        ]
    );
    stage.audit_clean().await;
}

#[tokio::test]
async fn what_was_due_while_nothing_ran_happens_late_and_in_order() {
    let stage = Stage::new().await;
    let campaign = stage.published(3, json!({})).await;
    // Nothing ran from before the start until long after the end: it starts, releases and closes, and only expires later.
    stage.pass(campaign.id, 100 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Closed);
    assert_eq!(stage.released(campaign.id).await, [1]);
    assert_eq!(
        stage.pending(campaign.id).await,
        [("OPEN_REWARD_CLAIM".into(), 0), ("EXPIRE_CAMPAIGN".into(), 48)]
    );
    stage.audit_clean().await;
}

#[tokio::test]
async fn without_auto_close_the_safety_net_expires_it_two_hours_after_its_end() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({ "auto_close": false })).await;
    stage.pass(campaign.id, 11 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Running);
    assert_eq!(stage.pending(campaign.id).await, [("EXPIRE_CAMPAIGN".into(), 1)]);
    stage.pass(campaign.id, HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Expired);
    stage.audit_clean().await;
}

#[tokio::test]
async fn without_rewards_it_expires_two_days_after_the_close() {
    let stage = Stage::new().await;
    let campaign = stage.running(0, json!({ "rewards_enabled": false })).await;
    stage.pass(campaign.id, 10 * HOUR).await;
    stage.run_due().await;
    stage.pass(campaign.id, 2 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.pending(campaign.id).await, [("EXPIRE_CAMPAIGN".into(), 46)]);
    stage.pass(campaign.id, 46 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.status(campaign.id).await, Status::Expired);
}

#[tokio::test]
async fn changing_the_times_moves_the_timers() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    let later = campaign.settings.start_time.unwrap() + chrono::TimeDelta::hours(5);
    let patch = json!({ "start_time": later, "auto_close": false });
    ops::campaign_update(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id, &patch).await.unwrap();
    assert_eq!(
        stage.pending(campaign.id).await,
        [("START_CAMPAIGN".into(), 6), ("EXPIRE_CAMPAIGN".into(), 7)]
    );
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_challenge_added_to_a_running_campaign_takes_the_chain_up_again() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({})).await;
    assert_eq!(names(&stage.pending(campaign.id).await), ["EXPIRE_CAMPAIGN", "CLOSE_CAMPAIGN"]);
    let mut bundle = campaigns::authoring::bundle_export(stage.pool(), GUILD, campaign.id).await.unwrap();
    let mut second = bundle.challenges[0].clone();
    second.slug = "c2".into();
    bundle.challenges.push(second);
    campaigns::authoring::bundle_import(
        stage.pool(),
        &stage.wake,
        GUILD,
        Asker::CLI,
        &bundle,
        Some(campaign.id),
    )
    .await
    .unwrap();
    stage.pass(campaign.id, HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.released(campaign.id).await, [1, 2]);
}

#[tokio::test]
async fn cancelling_cancels_what_is_to_come() {
    let stage = Stage::new().await;
    let campaign = stage.running(2, json!({})).await;
    let cancelled =
        ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id).await.unwrap();
    assert_eq!(cancelled.status, Status::Expired);
    assert!(cancelled.cancelled_at.is_some());
    assert!(stage.pending(campaign.id).await.is_empty());
    let again = ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id).await;
    assert!(matches!(again, Err(Error::State { .. })));
    stage.audit_clean().await;
}

#[tokio::test]
async fn an_admin_can_start_and_close_at_once() {
    let stage = Stage::new().await;
    let draft = stage.draft(1, json!({})).await;
    ops::campaign_start(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id).await.unwrap();
    stage.run_due().await;
    assert_eq!(stage.status(draft.id).await, Status::Running);
    let closed = ops::campaign_close(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id).await.unwrap();
    assert_eq!(closed.status, Status::Closed);
    let opened =
        ops::campaign_open_rewards(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id).await.unwrap();
    assert_eq!(opened.status, Status::RewardClaim);
    assert_eq!(names(&stage.pending(draft.id).await), ["EXPIRE_CAMPAIGN", "REWARD_REMINDER"]);
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_draft_needs_a_start_in_the_future_to_be_published() {
    let stage = Stage::new().await;
    let draft = stage.draft(1, json!({})).await;
    let publish = |at| ops::campaign_publish(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id, at);
    assert!(matches!(publish(None).await, Err(Error::Invalid(wrong)) if wrong[0].field == "start_time"));
    let past = Some(chrono::DateTime::UNIX_EPOCH);
    assert!(matches!(publish(past).await, Err(Error::Invalid(wrong)) if wrong[0].message.contains("past")));
}

#[tokio::test]
async fn another_guild_finds_nothing_and_changes_nothing() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    let other = GuildId::new(2002);
    let (pool, wake, id) = (stage.pool(), &stage.wake, campaign.id);
    assert!(matches!(ops::campaign_get(pool, other, id, true).await, Err(Error::NotFound(_))));
    assert!(matches!(ops::campaign_cancel(pool, wake, other, Asker::CLI, id).await, Err(Error::NotFound(_))));
    assert!(matches!(ops::campaign_delete(pool, other, Asker::CLI, id).await, Err(Error::NotFound(_))));
    let patch = json!({ "name": "Mine" });
    assert!(matches!(
        ops::campaign_update(pool, wake, other, Asker::CLI, id, &patch).await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(stage.get(id).await, campaign);
}

#[tokio::test]
async fn the_database_refuses_transitions_that_001_does_not_allow() {
    let stage = Stage::new().await;
    let campaign = stage.draft(1, json!({})).await;
    for status in ["CLOSED", "REWARD_CLAIM"] {
        let refused =
            sqlx::query("UPDATE campaigns.campaigns SET start_time = now(), status = $2 WHERE id = $1")
                .bind(campaign.id.get())
                .bind(status)
                .execute(stage.pool())
                .await
                .unwrap_err();
        assert_eq!(db::constraint(&refused), Some("ck_campaigns_transition"));
    }
}

#[tokio::test]
async fn deleting_takes_everything_but_the_ledger_along() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({})).await;
    let refused = ops::campaign_delete(stage.pool(), GUILD, Asker::CLI, campaign.id).await;
    assert!(matches!(refused, Err(Error::State { .. })));
    ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id).await.unwrap();
    ops::campaign_delete(stage.pool(), GUILD, Asker::CLI, campaign.id).await.unwrap();
    for sql in [
        "SELECT count(*) FROM campaigns.campaigns WHERE id = $1",
        "SELECT count(*) FROM campaigns.campaign_timers WHERE campaign_id = $1",
        "SELECT count(*) FROM campaigns.timer_executions WHERE campaign_id = $1",
        "SELECT count(*) FROM campaigns.campaign_state_log WHERE campaign_id = $1",
        "SELECT count(*) FROM challenges.challenges WHERE campaign_id = $1",
    ] {
        assert_eq!(stage.count(sql, campaign.id).await, 0, "{sql}");
    }
}

#[tokio::test]
async fn a_year_old_month_of_the_journal_moves_to_the_archive_whole() {
    let stage = Stage::new().await;
    let campaign = stage.draft(0, json!({})).await;
    for sql in [
        "CREATE TABLE campaigns.campaign_state_log_y2024m03 PARTITION OF campaigns.campaign_state_log
             FOR VALUES FROM ('2024-03-01T00:00:00Z') TO ('2024-04-01T00:00:00Z')",
        "INSERT INTO campaigns.campaign_state_log (campaign_id, guild_id, to_state, trigger_event, created_at)
         SELECT id, guild_id, 'CREATED', 'OLD', '2024-03-05' FROM campaigns.campaigns",
    ] {
        sqlx::query(sql).execute(stage.pool()).await.unwrap();
    }
    let moved: i32 = sqlx::query_scalar("SELECT campaigns.archive_old_state_logs()")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    assert_eq!(moved, 1);
    let archived = "SELECT count(*) FROM campaigns.campaign_state_log_archive WHERE campaign_id = $1 AND trigger_event = 'OLD'";
    assert_eq!(stage.count(archived, campaign.id).await, 1);
    let live = "SELECT count(*) FROM campaigns.campaign_state_log WHERE campaign_id = $1";
    assert_eq!(stage.count(live, campaign.id).await, 1);
    let again: i32 = sqlx::query_scalar("SELECT campaigns.archive_old_state_logs()")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    assert_eq!(again, 0);
}

#[tokio::test]
async fn old_runs_of_timers_are_removed_a_part_at_a_time() {
    let stage = Stage::new().await;
    let campaign = stage.draft(0, json!({})).await;
    for sql in [
        "SELECT questhall.ensure_past_partitions('campaigns.timer_executions', 9)",
        // A month in which one failed, one without, and one that is not over.
        "INSERT INTO campaigns.timer_executions (guild_id, timer_id, campaign_id, timer_type, status, started_at, completed_at)
         SELECT c.guild_id, gen_random_uuid(), c.id, 'START_CAMPAIGN', CASE WHEN n = 8 AND i = 1 THEN 'FAILED' ELSE 'COMPLETED' END, at, at
           FROM campaigns.campaigns c CROSS JOIN generate_series(1, 25) AS i CROSS JOIN unnest('{1, 7, 8}'::int[]) AS n
          CROSS JOIN LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - n * interval '1 month'
                                     + interval '3 days' AS at) t",
        "CREATE TABLE public.removed (rows bigint)",
        "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.removed SELECT count(*) FROM gone; RETURN NULL; END $$",
        "DO $$ DECLARE month record; BEGIN
             FOR month IN SELECT partition_name FROM questhall.month_partitions('campaigns.timer_executions') LOOP
                 EXECUTE format('CREATE TRIGGER tg_note AFTER DELETE ON %s REFERENCING OLD TABLE AS gone
                                 FOR EACH STATEMENT EXECUTE FUNCTION public.note()', month.partition_name);
             END LOOP; END $$",
    ] {
        sqlx::query(sql).execute(stage.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let gone = campaigns::schedules::timer_executions_cleanup(stage.pool(), 10).await.unwrap();
    assert_eq!(gone, 49);
    let most: i64 =
        sqlx::query_scalar("SELECT max(rows) FROM public.removed").fetch_one(stage.pool()).await.unwrap();
    assert_eq!(most, 10);
    let left = "SELECT count(*) FROM campaigns.timer_executions WHERE campaign_id = $1";
    assert_eq!(stage.count(left, campaign.id).await, 26, "what failed, and what is young");
    let months: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM questhall.month_partitions('campaigns.timer_executions') WHERE ends_at <= now() - interval '6 months'",
    )
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(months, 1, "the month of the failure alone");
    assert_eq!(campaigns::schedules::timer_executions_cleanup(stage.pool(), 10).await.unwrap(), 0);
}

#[tokio::test]
async fn metrics_are_rolled_up_from_the_journals() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({})).await;
    stage.register(campaign.id, 1).await;
    stage.solve(campaign.id, 1, 1, "1").await;
    let mut tx = stage.pool().begin().await.unwrap();
    // The roll-up leaves out the last seconds, for transactions under way: these are an hour old.
    for sql in [
        "UPDATE campaigns.timer_executions SET started_at = started_at - interval '30 seconds'",
        "UPDATE campaigns.campaign_state_log SET created_at = created_at - interval '30 seconds'",
        "UPDATE challenges.challenge_submissions SET submission_timestamp = submission_timestamp - interval '30 seconds'",
        "UPDATE jobs.outbox SET created_at = created_at - interval '30 seconds'",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    campaigns::schedules::metrics_record(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let page = ops::metric_list(stage.pool(), GUILD, campaign.id, None, &kernel::PageQuery::default())
        .await
        .unwrap();
    let mut types: Vec<_> = page.items.iter().map(|m| m.metric_type.as_str()).collect();
    types.sort_unstable();
    assert_eq!(
        types,
        ["ENGAGEMENT_COUNT", "PARTICIPANT_COUNT", "STATE_TRANSITION_TIME", "TIMER_EXECUTION_TIME"]
    );
}
