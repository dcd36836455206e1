//! What runs by the clock.

mod life;

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut retention = Schedule::new("community.lake_retention", "43 3 * * *", |connection| {
        Box::pin(lake_retention(connection))
    });
    // Dropping a partition locks its parent: rather tomorrow than that writers queue up behind us.
    retention.lock_timeout = std::time::Duration::from_secs(1);
    let mut all = life::schedules();
    all.extend([
        retention,
        Schedule::new("community.fold_xp_histogram", "* * * * *", |connection| {
            Box::pin(fold_histogram(connection))
        }),
        Schedule::new("community.announce_roles", "* * * * *", |connection| {
            Box::pin(crate::roles::announce_again(connection))
        }),
    ]);
    all
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers() -> Handlers {
    life::handlers()
}

/// Drops the months of the lake that are over.
async fn lake_retention(conn: &mut PgConnection) -> Result<Value, JobError> {
    Ok(json!(crate::lake::retain(conn).await?))
}

/// Folds the changes of the XP histogram in, which keeps ranks quick; they are right without it too.
async fn fold_histogram(conn: &mut PgConnection) -> Result<Value, JobError> {
    let folded =
        sqlx::query_scalar!(r#"SELECT community.xp_histogram_fold() AS "folded!""#).fetch_one(conn).await?;
    Ok(json!({ "folded": folded }))
}
