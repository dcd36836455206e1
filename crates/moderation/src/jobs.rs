//! What runs by the clock: what is kept no longer goes.

use ::jobs::schedule::{JobError, Schedule};
use access::settings::settings_read;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::effects::store as effects;
use crate::settings::ModerationSettings;
use crate::store::{appeals, hits};

/// Rows of a kind that one statement removes, and a run of a guild at most: the next hour has the rest.
const CLEAN_UP_BATCH: i64 = 10_000;

/// The periodic jobs of this slice, for the server to run.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new("moderation.clean", "23 * * * *", |connection| Box::pin(clean(connection)))]
}

async fn clean(conn: &mut PgConnection) -> Result<Value, JobError> {
    let (mut gone, mut done) = (0, 0);
    for guild in hits::guilds(conn).await? {
        let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
        let days = i32::try_from(settings.hits_days).unwrap_or(3_650);
        gone += hits::clean(conn, guild, days, CLEAN_UP_BATCH).await?;
        let days = i32::try_from(settings.effects_days).unwrap_or(365);
        done += effects::clean(conn, guild, days, CLEAN_UP_BATCH).await?;
    }
    let links = appeals::links_clean(conn).await?;
    Ok(json!({ "hits": gone, "effects": done, "links": links }))
}
