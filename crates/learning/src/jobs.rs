//! What runs by the clock.

use ::jobs::outbox::Consumers;
use ::jobs::schedule::{JobError, Schedule};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

/// Learners whose progress is worked out anew by one run.
const RECALCULATED: i64 = 500;
/// Learners whom one run looks at in their turn, and at most as many who earned something just now.
const LOOKED_AT: i64 = 1_000;
/// The job that looks at them: its last result says how far it has come.
const ELSEWHERE: &str = "learning.elsewhere";

/// The periodic jobs of this slice, for the server to run.
pub fn schedules(pool: &PgPool) -> Vec<Schedule> {
    let pool = pool.clone();
    // Each learner in a transaction of their own: the schedule's own would hold many locks for long.
    let elsewhere = pool.clone();
    let looks = Schedule::new(ELSEWHERE, "* * * * *", move |connection| {
        let pool = elsewhere.clone();
        Box::pin(async move {
            let failed = |error: crate::Error| JobError::Failed(error.to_string());
            let after = come_to(connection).await?;
            let round = crate::ops::learners_round(&pool, after, LOOKED_AT).await.map_err(failed)?;
            let steps = crate::ops::steps_come_true(&pool, &round.who).await.map_err(failed)?;
            let unlocked = crate::ops::rules_come_true(&pool, &round.who).await.map_err(failed)?;
            let until = round.until.map(|(guild, user)| [guild.to_string(), user.to_string()]);
            Ok(json!({ "steps": steps, "unlocked": unlocked, "until": until }))
        })
    });
    let recalculates = Schedule::new("learning.recalculate", "* * * * *", move |_| {
        let pool = pool.clone();
        Box::pin(async move {
            let done = crate::ops::recalculate(&pool, RECALCULATED).await;
            done.map(|learners| json!({ "learners": learners }))
                .map_err(|error| JobError::Failed(error.to_string()))
        })
    });
    vec![recalculates, looks]
}

/// How far the last run has come.
async fn come_to(connection: &mut PgConnection) -> Result<Option<(GuildId, UserId)>, JobError> {
    let last = sqlx::query_scalar!(
        r#"SELECT last_result->'until' AS "until: Json<Value>" FROM jobs.schedules WHERE name = $1"#,
        ELSEWHERE
    )
    .fetch_optional(connection)
    .await?;
    Ok(last.flatten().and_then(|Json(until)| serde_json::from_value(until).ok()))
}

/// This slice's readers of the outbox.
pub fn consumers() -> Consumers {
    Consumers::new().with(crate::ops::Elsewhere)
}
