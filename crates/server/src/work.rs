//! What works in the background: which slice's timers, one-off work and periodic jobs this process runs, by its roles.

use std::time::Duration;

use campaigns::timers::CampaignTimers;
use jobs::schedule::{Retention, Schedule, ScheduleError};
use jobs::timers::{At, Handlers, LeaseSettings, NewTimer};
use jobs::{Engine, EngineSettings, Node, TimerError};
use serde_json::json;

use crate::figures;
use crate::router::Services;
use crate::settings::{Role, Roles};

/// How often old figures are folded.
const UPKEEP: Duration = Duration::from_secs(5);
/// Rows removed by one statement of a clean-up.
const CLEAN_UP_BATCH: i64 = 5_000;
/// One-off work: inputs for challenges that are about to be released.
const PREGENERATE: &str = "challenges.pregenerate";
/// How long ahead of a release inputs are made, and for how many challenges at once.
const PREGENERATE_AHEAD: Duration = Duration::from_mins(30);
const PREGENERATE_AT_ONCE: i64 = 50;

/// Starts it all; the node's stop ends it.
pub(crate) fn start(services: &Services, roles: &Roles, node: &Node) -> Result<(), ScheduleError> {
    let (pool, wake, handle) = (services.app.pool(), services.app.wake(), node.handle());
    if roles.has(Role::Worker) {
        let engine = EngineSettings {
            max_batch: services.settings.workers.timer_batch,
            workers: services.settings.workers.timer_workers,
            ..EngineSettings::default()
        };
        Engine::spawn(pool.clone(), CampaignTimers, engine, &handle, wake);
        jobs::timers::spawn(pool, handlers(services), engine, &handle, wake);
        jobs::outbox::spawn_consumer(
            pool.clone(),
            economy::first_messages::DailyClaims,
            handle.clone(),
            wake,
        );
        community::jobs::consume(pool, &handle, wake);
        if services.settings.webhooks.enabled {
            services.webhooks.spawn(pool, &handle, wake);
        }
        if let Some(nats) = delivery::nats::Nats::new(&services.settings.nats) {
            jobs::outbox::spawn_publisher(pool.clone(), nats, handle.clone(), wake);
        }
        if let Some(feed) = delivery::nats::LakeFeed::new(&services.settings.nats, services.lake.clone()) {
            feed.spawn(&handle);
        }
    }
    if roles.has(Role::Scheduler) {
        jobs::schedule::spawn(pool.clone(), schedules(services), &handle, wake)?;
    }
    let (keys, stop) = (services.app.keys().clone(), services.closing.clone());
    tokio::spawn(async move { keys.run(stop).await });
    let (chosen, stop) = (services.app.settings().clone(), services.closing.clone());
    tokio::spawn(async move { chosen.listen(stop).await });
    let closing = services.closing.clone();
    tokio::spawn(async move {
        while closing.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            figures::recorder().run_upkeep();
        }
    });
    Ok(())
}

/// What runs one-off work, by kind. A kind that needs scripts is left to nodes that can run them.
fn handlers(services: &Services) -> Handlers {
    let pool = services.app.pool();
    let handlers = progress::jobs::handlers(pool)
        .and(lake::jobs::handlers(pool))
        .and(community::jobs::handlers())
        .and(economy::jobs::handlers(pool))
        .and(squads::jobs::handlers(pool));
    let Some(sandbox) = services.sandbox.clone() else { return handlers };
    let app = services.app.clone();
    // One at a time: the sandbox shares its workers with participants who wait for theirs.
    let settings = LeaseSettings { concurrency: 1, ..LeaseSettings::default() };
    handlers.leased(PREGENERATE, settings, move |_, _| {
        let (app, sandbox) = (app.clone(), sandbox.clone());
        async move {
            // What was made is stored as it goes, and not made again: this may begin any number of times.
            challenges::inputs::pregenerate_due(
                app.pool(),
                app.wake(),
                &sandbox,
                PREGENERATE_AHEAD,
                PREGENERATE_AT_ONCE,
            )
            .await
            .map(|done| tracing::debug!(?done, "inputs were made ahead"))
            .map_err(|error| TimerError::Retry(error.to_string()))
        }
    })
}

/// Every slice's periodic jobs, and the house's own.
fn schedules(services: &Services) -> Vec<Schedule> {
    let mut all = jobs::schedule::builtin(Retention::default());
    all.extend(campaigns::schedules::all());
    all.extend(people::jobs::schedules());
    all.extend(progress::jobs::schedules());
    all.extend(lake::jobs::schedules());
    all.extend(community::jobs::schedules());
    all.extend(economy::jobs::schedules());
    all.extend(delivery::schedules::all());
    all.extend(squads::jobs::schedules());
    all.extend(learning::jobs::schedules(services.app.pool()));
    all.push(Schedule::new("access.idempotency_clean", "*/10 * * * *", |connection| {
        Box::pin(async move {
            let removed = access::web::idempotency_clean(connection, CLEAN_UP_BATCH).await?;
            Ok(json!({ "removed": removed }))
        })
    }));
    all.push(Schedule::new("access.sessions_clean", "17 * * * *", |connection| {
        Box::pin(async move {
            let sessions = access::sessions::sessions_clean(&mut *connection, CLEAN_UP_BATCH).await?;
            let sign_ins = access::sessions::oauth_states_clean(&mut *connection, CLEAN_UP_BATCH).await?;
            let leaves = access::sign_in::discord_leaves_clean(connection, CLEAN_UP_BATCH).await?;
            Ok(json!({ "sessions": sessions, "sign_ins": sign_ins, "discord_leaves": leaves }))
        })
    }));
    all.push(Schedule::new("access.rate_limits_clean", "*/10 * * * *", |connection| {
        Box::pin(async move {
            let removed = access::rate_limit::rate_limits_clean(connection, CLEAN_UP_BATCH).await?;
            Ok(json!({ "removed": removed }))
        })
    }));
    let vault = services.app.http().vault.clone();
    all.push(Schedule::new("access.secrets_reseal", "41 * * * *", move |connection| {
        let vault = vault.clone();
        Box::pin(async move {
            // A node that lacks a key others have must not take for lost what it cannot open.
            let agreed = crate::secrets::key_ensure(&mut *connection, &vault).await;
            agreed.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let (leaves, lost) = access::sign_in::discord_leaves_reseal(&mut *connection, &vault).await?;
            let (webhooks, unreadable) = delivery::secrets_reseal(connection, &vault).await?;
            Ok(json!({ "webhooks": webhooks, "discord_leaves": leaves, "unreadable": unreadable + lost }))
        })
    }));
    let pool = services.app.pool().clone();
    all.push(Schedule::new("challenges.rate_limits_clean", "*/5 * * * *", move |_| {
        let pool = pool.clone();
        Box::pin(async move {
            let removed = challenges::submissions::rate_limits_clean(&pool, CLEAN_UP_BATCH).await?;
            Ok(json!({ "removed": removed }))
        })
    }));
    // Scripts run for minutes: not in a periodic job's transaction, but as work of its own.
    all.push(Schedule::new(PREGENERATE, "*/5 * * * *", |connection| {
        Box::pin(async move {
            let timer = NewTimer {
                kind: PREGENERATE,
                guild_id: None,
                dedupe_key: Some("all".to_owned()),
                at: At::Now,
                payload: json!({}),
            };
            let timer = jobs::timers::schedule(connection, timer).await?;
            Ok(json!({ "timer": timer }))
        })
    }));
    all
}
