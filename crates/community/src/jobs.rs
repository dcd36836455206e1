//! What runs by the clock.

mod life;

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use ::jobs::{NodeHandle, Wake};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::audit::weekly;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut retention = Schedule::new("community.lake_retention", "43 3 * * *", |connection| {
        Box::pin(lake_retention(connection))
    });
    // Dropping a partition locks its parent: rather tomorrow than that writers queue up behind us.
    retention.lock_timeout = std::time::Duration::from_secs(1);
    let mut audit =
        Schedule::new("community.audit", "17 4 * * 0", |connection| Box::pin(weekly::look(connection)));
    // Journals are read from one end to the other.
    audit.statement_timeout = std::time::Duration::from_hours(1);
    let mut all = life::schedules();
    all.extend([
        retention,
        audit,
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
pub fn handlers(pool: &PgPool) -> Handlers {
    life::handlers().and(weekly::handlers(pool))
}

/// Drops the months of the lake that are over.
async fn lake_retention(conn: &mut PgConnection) -> Result<Value, JobError> {
    Ok(json!(crate::lake::retain(conn).await?))
}

/// Starts this slice's consumers of the outbox, until the node stops.
pub fn consume(pool: &PgPool, node: &NodeHandle, wake: &Wake) {
    life::consume(pool, node, wake);
}

/// Folds the changes of the XP histogram in, which keeps ranks quick; they are right without it too.
async fn fold_histogram(conn: &mut PgConnection) -> Result<Value, JobError> {
    let folded =
        sqlx::query_scalar!(r#"SELECT progress.xp_histogram_fold() AS "folded!""#).fetch_one(conn).await?;
    Ok(json!({ "folded": folded }))
}
