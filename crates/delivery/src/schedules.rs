//! The periodic jobs of this slice.

use jobs::schedule::Schedule;
use serde_json::json;

use crate::store::deliveries;

/// Deliveries removed at once.
const BATCH: i64 = 5_000;

/// All of them.
pub fn all() -> Vec<Schedule> {
    vec![Schedule::new("delivery.deliveries_clean", "*/5 * * * *", |connection| {
        Box::pin(async move {
            let removed = deliveries::clean(connection, BATCH).await?;
            Ok(json!({ "removed": removed }))
        })
    })]
}
