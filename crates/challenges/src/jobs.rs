//! What runs by the clock, and one-off work.

use std::time::Duration;

use ::jobs::TimerError;
use ::jobs::schedule::Schedule;
use ::jobs::timers::{At, Due, Handlers, Kind, LeaseSettings};
use access::Means;
use sandbox::Sandbox;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{borrowed, inputs, submissions};

/// Rows removed by one statement of a clean-up.
const CLEAN_UP_BATCH: i64 = 5_000;
/// Inputs for all challenges that are about to be released: there is nothing to tell them apart by.
#[derive(Debug, Serialize, Deserialize)]
struct Pregenerate {}

const PREGENERATE: Kind<Pregenerate> = Kind::once("challenges.pregenerate", |_| "all".to_owned());
/// How long ahead of a release inputs are made, and for how many challenges at once.
const PREGENERATE_AHEAD: Duration = Duration::from_mins(30);
const PREGENERATE_AT_ONCE: i64 = 50;

/// The periodic jobs of this slice, for the server to run.
pub(crate) fn schedules(means: &Means) -> Vec<Schedule> {
    let pool = means.app().pool().clone();
    vec![
        Schedule::new("challenges.rate_limits_clean", "*/5 * * * *", move |_| {
            let pool = pool.clone();
            Box::pin(async move {
                let removed = submissions::rate_limits_clean(&pool, CLEAN_UP_BATCH).await?;
                Ok(json!({ "removed": removed }))
            })
        }),
        Schedule::new("challenges.borrowed_answers", "* * * * *", |connection| {
            Box::pin(async move { Ok(json!({ "found": borrowed::borrowed_find(connection).await? })) })
        }),
        // Scripts run for minutes: not in a periodic job's transaction, but as work of its own.
        Schedule::new(PREGENERATE.name(), "*/5 * * * *", |connection| {
            Box::pin(async move {
                let timer = PREGENERATE.schedule(connection, None, At::Now, &Pregenerate {}).await?;
                Ok(json!({ "timer": timer }))
            })
        }),
    ]
}

/// The handlers of this slice's timers. What needs scripts is left to nodes that can run them.
pub(crate) fn handlers(means: &Means) -> Handlers {
    let Some(sandbox) = means.get::<Sandbox>().cloned() else { return Handlers::new() };
    let app = means.app().clone();
    // One at a time: the sandbox shares its workers with participants who wait for theirs.
    let settings = LeaseSettings { concurrency: 1, ..LeaseSettings::default() };
    Handlers::new().leased(PREGENERATE, settings, move |_: Due<Pregenerate>, _| {
        let (app, sandbox) = (app.clone(), sandbox.clone());
        async move {
            // What was made is stored as it goes, and not made again: this may begin any number of times.
            inputs::pregenerate_due(app.pool(), app.wake(), &sandbox, PREGENERATE_AHEAD, PREGENERATE_AT_ONCE)
                .await
                .map(|done| tracing::debug!(?done, "inputs were made ahead"))
                .map_err(|error| TimerError::Retry(error.to_string()))
        }
    })
}
