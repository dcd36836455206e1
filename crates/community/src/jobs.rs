//! What runs by the clock.

mod life;

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut all = life::schedules();
    all.extend([
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

/// Folds the changes of the XP histogram in, which keeps ranks quick; they are right without it too.
async fn fold_histogram(conn: &mut PgConnection) -> Result<Value, JobError> {
    let folded =
        sqlx::query_scalar!(r#"SELECT community.xp_histogram_fold() AS "folded!""#).fetch_one(conn).await?;
    Ok(json!({ "folded": folded }))
}
