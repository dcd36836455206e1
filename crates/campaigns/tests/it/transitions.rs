//! What administrators do to a campaign's life: what they are told, what is on record, and what meets on the way.

use std::time::{Duration, Instant};

use campaigns::Error;
use campaigns::model::{Campaign, Status};
use campaigns::ops::{self, Asker};
use campaigns::timers::CampaignTimers;
use challenges::catalogue::ChallengePatch;
use jobs::{Run, TimerTable as _};
use kernel::{CampaignId, UserId};
use serde_json::{Value, json};

use crate::stage::{GUILD, NODE, Stage};

const HOUR: Duration = Duration::from_hours(1);

/// Waits until a transaction waits for a lock that another one has.
async fn somebody_waits(stage: &Stage) {
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let begun = Instant::now();
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(stage.pool()).await.unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "nobody waits");
        tokio::task::yield_now().await;
    }
}

/// Carries out what is due, as one batch of the engine.
async fn engine_runs(stage: &Stage) {
    let mut tx = stage.pool().begin().await.unwrap();
    let batch = CampaignTimers.claim(&mut tx, None, 500).await.unwrap();
    let run = Run { node_id: NODE, started: Instant::now() };
    CampaignTimers.execute(&mut tx, &run, &batch).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn starting_answers_the_campaign_as_it_runs() {
    let stage = Stage::new().await;
    let draft = stage.draft(2, json!({})).await;
    let started = ops::campaign_start(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id).await.unwrap();
    assert_eq!((started.status, started.state.as_str()), (Status::Running, "active"));
    assert!(started.started_at.is_some() && started.published_at.is_some());
    assert_eq!(started.challenges_released, 1);
    let pending: Vec<String> = stage.pending(draft.id).await.into_iter().map(|(timer, _)| timer).collect();
    assert_eq!(pending, ["RELEASE_CHALLENGE", "CLOSE_CAMPAIGN", "EXPIRE_CAMPAIGN"]);
    let again = ops::campaign_start(stage.pool(), &stage.wake, GUILD, Asker::CLI, draft.id).await;
    assert!(matches!(again, Err(Error::State { .. })));
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_campaigns_state_says_what_became_of_it() {
    let stage = Stage::new().await;
    let draft = stage.draft(1, json!({})).await;
    assert_eq!(draft.state, "draft");
    let published = stage.published(1, json!({})).await;
    assert_eq!(published.state, "published");
    let cancelled =
        ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, published.id).await.unwrap();
    assert_eq!(cancelled.state, "cancelled");
    let running = stage.running(1, json!({})).await;
    let closed = ops::campaign_close(stage.pool(), &stage.wake, GUILD, Asker::CLI, running.id).await.unwrap();
    assert_eq!(closed.state, "completed");
    // Its start failed for good, so it is taken out of the way an hour later.
    let lapsed = stage.published(1, json!({})).await;
    sqlx::query("UPDATE campaigns.campaign_timers SET status = 'FAILED' WHERE timer_type = 'START_CAMPAIGN'")
        .execute(stage.pool())
        .await
        .unwrap();
    stage.pass(lapsed.id, 2 * HOUR).await;
    stage.run_due().await;
    assert_eq!(stage.get(lapsed.id).await.state, "lapsed");
}

#[tokio::test]
async fn the_audit_log_shows_what_a_transition_changed() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    let (pool, wake, id) = (stage.pool(), &stage.wake, campaign.id);
    ops::campaign_start(pool, wake, GUILD, Asker::CLI, id).await.unwrap();
    ops::campaign_close(pool, wake, GUILD, Asker::CLI, id).await.unwrap();
    ops::campaign_open_rewards(pool, wake, GUILD, Asker::CLI, id).await.unwrap();
    let other = stage.published(1, json!({})).await;
    ops::campaign_cancel(pool, wake, GUILD, Asker::CLI, other.id).await.unwrap();
    let entries: Vec<(String, Value, Value)> = sqlx::query_as(
        "SELECT action_type, before_snapshot, after_snapshot FROM access.admin_log
         WHERE target_id IN ($1, $2) AND action_type <> 'CREATE' AND target_table = 'campaigns.campaigns' ORDER BY id",
    )
    .bind(id.to_string())
    .bind(other.id.to_string())
    .fetch_all(pool)
    .await
    .unwrap();
    let moved: Vec<_> = entries
        .iter()
        .map(|(action, before, after)| {
            (action.as_str(), before["status"].as_str().unwrap(), after["status"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        moved,
        [
            ("PUBLISH", "CREATED", "CREATED"),
            ("ADMIN_START", "CREATED", "RUNNING"),
            ("ADMIN_CLOSE", "RUNNING", "CLOSED"),
            ("ADMIN_OPEN_REWARDS", "CLOSED", "REWARD_CLAIM"),
            ("PUBLISH", "CREATED", "CREATED"),
            ("ADMIN_CANCEL", "CREATED", "EXPIRED"),
        ]
    );
    for (action, before, after) in &entries {
        assert_ne!(before, after, "{action}");
    }
}

#[tokio::test]
async fn a_fee_goes_back_though_the_first_registration_commits_while_the_expiry_waits() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "entry_fee": 30 })).await;
    let registering = registering(&stage, campaign.id).await;
    let (pool, wake) = (stage.pool(), &stage.wake);
    let cancel = ops::campaign_cancel(pool, wake, GUILD, Asker::CLI, campaign.id);
    let finish = async {
        somebody_waits(&stage).await;
        registering.commit().await.unwrap();
    };
    let (cancelled, ()) = tokio::join!(cancel, finish);
    assert_eq!(cancelled.unwrap().state, "cancelled");
    assert_eq!(stage.balance(5).await, 100);
    stage.audit_clean().await;
}

/// A registration of member 5, with its fee, that is not committed yet.
async fn registering(stage: &Stage, id: CampaignId) -> sqlx::PgTransaction<'static> {
    let mut conn = stage.pool().acquire().await.unwrap();
    people::member_ensure(&mut conn, GUILD, UserId::new(5), None).await.unwrap();
    economy::accounts_ensure(&mut conn, GUILD, &[UserId::new(5)]).await.unwrap();
    drop(conn);
    let mut tx = stage.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM campaigns.campaigns WHERE id = $1 FOR SHARE")
        .bind(id.get())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO campaigns.campaign_participants
             (campaign_id, participant_id, participant_type, guild_id, display_name, registered_by, fee_paid)
         VALUES ($1, '5', 'player', $2, 'Five', 5, 30)",
    )
    .bind(id.get())
    .bind(GUILD.get())
    .execute(&mut *tx)
    .await
    .unwrap();
    let fee = economy::Posting {
        guild_id: GUILD,
        giver: UserId::new(5),
        receiver: UserId::HOUSE,
        amount: kernel::Bytes::new(30),
        kind: economy::Kind::Fee,
        reason: None,
        reference: Some(economy::Reference { kind: "campaign", id: id.to_string() }),
        dedupe_key: None,
    };
    economy::post(&mut tx, &[fee]).await.unwrap();
    tx
}

#[tokio::test]
async fn a_roster_is_fixed_though_the_first_squad_registers_while_the_start_waits() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "campaign_type": "squad" })).await;
    let squad: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO squads.squads (guild_id, name) VALUES ($1, 'Red') RETURNING id")
            .bind(GUILD.get())
            .fetch_one(stage.pool())
            .await
            .unwrap();
    stage.join(squad, &[1, 2]).await;
    stage.pass(campaign.id, HOUR).await;
    let mut tx = stage.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM campaigns.campaigns WHERE id = $1 FOR SHARE")
        .bind(campaign.id.get())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO campaigns.campaign_participants
             (campaign_id, participant_id, participant_type, guild_id, display_name, registered_by)
         VALUES ($1, $2::uuid::text, 'squad', $3, 'Red', 1)",
    )
    .bind(campaign.id.get())
    .bind(squad)
    .bind(GUILD.get())
    .execute(&mut *tx)
    .await
    .unwrap();
    let finish = async {
        somebody_waits(&stage).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(engine_runs(&stage), finish);
    assert_eq!(stage.status(campaign.id).await, Status::Running);
    let roster = "SELECT count(*) FROM campaigns.campaign_squad_rosters WHERE campaign_id = $1";
    assert_eq!(stage.count(roster, campaign.id).await, 2);
}

#[tokio::test]
async fn what_would_lead_beyond_the_year_9999_is_refused() {
    let stage = Stage::new().await;
    let draft = stage.draft(1, json!({})).await;
    let late: chrono::DateTime<chrono::Utc> = "9998-12-31T23:00:00Z".parse().unwrap();
    let (pool, wake) = (stage.pool(), &stage.wake);
    let published = ops::campaign_publish(pool, wake, GUILD, Asker::CLI, draft.id, Some(late)).await;
    assert!(matches!(published, Err(Error::Invalid(wrong)) if wrong[0].field == "start_time"));
    let patch = json!({ "start_time": late });
    let patched = ops::campaign_update(pool, wake, GUILD, Asker::CLI, draft.id, &patch).await;
    assert!(matches!(patched, Err(Error::Invalid(wrong)) if wrong[0].field == "start_time"));
    let last: chrono::DateTime<chrono::Utc> = "8999-12-31T23:00:00Z".parse().unwrap();
    let settings = json!({ "duration_hours": 87_600, "release_delay_minutes": 525_600 });
    let draft = stage.draft(1, settings).await;
    let published = ops::campaign_publish(pool, wake, GUILD, Asker::CLI, draft.id, Some(last)).await.unwrap();
    assert!(serde_json::to_string(&published.end_time).unwrap().starts_with("\"9009-"));
}

#[tokio::test]
async fn rewards_for_ranks_need_a_challenge_to_solve() {
    let stage = Stage::new().await;
    let ranked =
        json!({ "rewards": [{ "participation": true, "xp": 1 }, { "from": 1, "to": 1, "bytes": 5 }] });
    let (pool, wake) = (stage.pool(), &stage.wake);
    let refused = |result: Result<Campaign, Error>| match result {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|w| w.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let draft = stage.draft(0, ranked.clone()).await;
    let soon = db::now(&mut pool.acquire().await.unwrap()).await.unwrap() + chrono::TimeDelta::hours(1);
    let publish = ops::campaign_publish(pool, wake, GUILD, Asker::CLI, draft.id, Some(soon)).await;
    assert_eq!(refused(publish), ["rewards[1]"]);
    let start = ops::campaign_start(pool, wake, GUILD, Asker::CLI, draft.id).await;
    assert_eq!(refused(start), ["rewards[1]"]);
    assert_eq!(stage.get(draft.id).await, draft);

    let plain = stage.published(0, json!({})).await;
    let patched = ops::campaign_update(pool, wake, GUILD, Asker::CLI, plain.id, &ranked).await;
    assert_eq!(refused(patched), ["rewards[1]"]);

    let full = stage.published(1, ranked).await;
    let mut bundle = campaigns::authoring::bundle_export(pool, GUILD, full.id).await.unwrap();
    bundle.challenges.clear();
    let emptied =
        campaigns::authoring::bundle_import(pool, wake, GUILD, Asker::CLI, &bundle, Some(full.id)).await;
    assert_eq!(refused(emptied), ["rewards[1]"]);
    let last = (GUILD, full.id, stage.challenge(full.id, 1).await);
    let removed = challenges::ops::challenge_delete(pool, last, (access::By::Cli, None)).await;
    assert_eq!(kernel::Problem::from(removed.unwrap_err()).status(), 409);
    assert_eq!(stage.get(full.id).await.challenges, 1);
}

/// What can be done to a published campaign whose start is due, each of which may meet any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Start,
    Publish,
    Patch,
    Close,
    Cancel,
    Register,
    Withdraw,
    Test,
    Import,
    Add,
    Rescript,
    Board,
    Engine,
}

const DEEDS: [Deed; 13] = [
    Deed::Start,
    Deed::Publish,
    Deed::Patch,
    Deed::Close,
    Deed::Cancel,
    Deed::Register,
    Deed::Withdraw,
    Deed::Test,
    Deed::Import,
    Deed::Add,
    Deed::Rescript,
    Deed::Board,
    Deed::Engine,
];

impl Deed {
    /// Does it, and hands over what a database error says. Refusals are fine: the other deed came first.
    async fn done(self, stage: &Stage, id: CampaignId, n: i64) -> Option<String> {
        let (pool, wake) = (stage.pool(), &stage.wake);
        let told = |error: Error| match error {
            Error::Database(error) | Error::Challenge(challenges::Error::Database(error)) => {
                Some(error.to_string())
            }
            Error::Ledger(error) => Some(error.to_string()),
            _ => None,
        };
        let of_challenge = |error: challenges::Error| told(error.into());
        match self {
            Self::Start => ops::campaign_start(pool, wake, GUILD, Asker::CLI, id).await.err().and_then(told),
            Self::Publish => {
                let at = db::now(&mut pool.acquire().await.unwrap()).await.unwrap()
                    + chrono::TimeDelta::hours(n + 1);
                ops::campaign_publish(pool, wake, GUILD, Asker::CLI, id, Some(at)).await.err().and_then(told)
            }
            Self::Patch => {
                let patch = json!({ "duration_hours": 20 + n, "freeze_minutes": 30 });
                ops::campaign_update(pool, wake, GUILD, Asker::CLI, id, &patch).await.err().and_then(told)
            }
            Self::Close => ops::campaign_close(pool, wake, GUILD, Asker::CLI, id).await.err().and_then(told),
            Self::Cancel => {
                ops::campaign_cancel(pool, wake, GUILD, Asker::CLI, id).await.err().and_then(told)
            }
            Self::Register => ops::register(pool, wake, GUILD, id, UserId::new(n)).await.err().and_then(told),
            Self::Withdraw => {
                ops::withdraw(pool, wake, GUILD, id, UserId::new(90)).await.err().and_then(told)
            }
            Self::Test => {
                ops::tester_add(pool, GUILD, Asker::CLI, id, UserId::new(70 + n)).await.err().and_then(told)
            }
            Self::Import => {
                let mut bundle = campaigns::authoring::bundle_export(pool, GUILD, id).await.unwrap();
                bundle.challenges[1].generation_script += "\n#";
                let into = Some(id);
                campaigns::authoring::bundle_import(pool, wake, GUILD, Asker::CLI, &bundle, into)
                    .await
                    .err()
                    .and_then(told)
            }
            Self::Add => {
                let draft = json!({ "title": format!("Another {n}"), "description": "x", "generation_script": "print()" });
                let draft = serde_json::from_value(draft).unwrap();
                let by = (access::By::Cli, None);
                challenges::ops::challenge_create(pool, wake, (GUILD, id), &draft, by)
                    .await
                    .err()
                    .and_then(of_challenge)
            }
            Self::Rescript => {
                let which = (GUILD, id, stage.challenge(id, 1).await);
                let patch = ChallengePatch {
                    generation_script: Some(format!("print({n})")),
                    ..ChallengePatch::default()
                };
                let by = (access::By::Cli, None);
                challenges::ops::challenge_update(pool, wake, which, &patch, by)
                    .await
                    .err()
                    .and_then(of_challenge)
            }
            Self::Board => {
                let page = kernel::PageQuery::default();
                challenges::ops::board(pool, (GUILD, id), false, &page).await.err().and_then(of_challenge)
            }
            Self::Engine => {
                let mut tx = pool.begin().await.unwrap();
                let batch = CampaignTimers.claim(&mut tx, None, 500).await.unwrap();
                let run = Run { node_id: NODE, started: Instant::now() };
                match CampaignTimers.execute(&mut tx, &run, &batch).await {
                    Ok(()) => tx.commit().await.err().map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_meets_nobody_waits_in_a_circle() {
    let stage = Stage::new().await;
    for (i, one) in DEEDS.into_iter().enumerate() {
        for other in &DEEDS[i..] {
            let campaign = stage.published(3, json!({ "entry_fee": 1, "freeze_minutes": 60 })).await;
            stage.register(campaign.id, 90).await;
            stage.pass(campaign.id, HOUR).await;
            let id = campaign.id;
            // Each twice, and the engine beside them.
            let met = tokio::join!(
                one.done(&stage, id, 1),
                other.done(&stage, id, 2),
                Deed::Engine.done(&stage, id, 0),
                one.done(&stage, id, 3),
                other.done(&stage, id, 4),
            );
            let errors: Vec<String> = [met.0, met.1, met.2, met.3, met.4].into_iter().flatten().collect();
            assert_eq!(errors, Vec::<String>::new(), "{one:?} and {other:?}");
            stage.run_due().await;
        }
    }
    stage.audit_clean().await;
    let circles: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(stage.pool())
            .await
            .unwrap();
    assert_eq!(circles, 0, "deadlocks that were tried again");
}

/// The circle that there was: an engine has a timer and wants its campaign, an admin has the campaign and wants the timer.
#[tokio::test]
async fn an_admin_lets_an_engine_finish_that_has_a_timer() {
    let stage = Stage::new().await;
    for deed in [Deed::Start, Deed::Publish, Deed::Patch, Deed::Cancel, Deed::Import, Deed::Add] {
        let campaign = stage.published(3, json!({})).await;
        stage.pass(campaign.id, HOUR).await;
        let mut tx = stage.pool().begin().await.unwrap();
        let batch = CampaignTimers.claim(&mut tx, None, 500).await.unwrap();
        assert_eq!(batch.len(), 1);
        let finish = async {
            somebody_waits(&stage).await;
            let run = Run { node_id: NODE, started: Instant::now() };
            CampaignTimers.execute(&mut tx, &run, &batch).await.unwrap();
            tx.commit().await.unwrap();
        };
        let (error, ()) = tokio::join!(deed.done(&stage, campaign.id, 1), finish);
        assert_eq!(error, None, "{deed:?}");
        stage.run_due().await;
    }
}
