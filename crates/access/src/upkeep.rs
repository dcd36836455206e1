//! What runs by the clock: clean-ups.

use jobs::schedule::Schedule;
use serde_json::json;

use crate::{rate_limit, sessions, sign_in, web};

/// Rows removed by one statement of a clean-up.
const CLEAN_UP_BATCH: i64 = 5_000;

/// The periodic jobs of this crate.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("access.idempotency_clean", "*/10 * * * *", |connection| {
            Box::pin(async move {
                let removed = web::idempotency_clean(connection, CLEAN_UP_BATCH).await?;
                Ok(json!({ "removed": removed }))
            })
        }),
        Schedule::new("access.sessions_clean", "17 * * * *", |connection| {
            Box::pin(async move {
                let sessions = sessions::sessions_clean(&mut *connection, CLEAN_UP_BATCH).await?;
                let sign_ins = sessions::oauth_states_clean(&mut *connection, CLEAN_UP_BATCH).await?;
                let leaves = sign_in::discord_leaves_clean(&mut *connection, CLEAN_UP_BATCH).await?;
                let links = sign_in::sign_in_links_clean(connection, CLEAN_UP_BATCH).await?;
                Ok(
                    json!({ "sessions": sessions, "sign_ins": sign_ins, "discord_leaves": leaves, "links": links }),
                )
            })
        }),
        Schedule::new("access.rate_limits_clean", "*/10 * * * *", |connection| {
            Box::pin(async move {
                let removed = rate_limit::rate_limits_clean(connection, CLEAN_UP_BATCH).await?;
                Ok(json!({ "removed": removed }))
            })
        }),
    ]
}
