//! Granting to those who reached it before: after an achievement was made or changed, and by a daily sweep.

use ::jobs::TimerError;
use ::jobs::schedule::JobError;
use ::jobs::timers::{self, At, Handlers, NewTimer, Timer};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{evaluate, store};
use crate::error::Error;
use crate::ids::AchievementId;

/// The timer that goes over a guild's members, a batch at a time.
pub const TIMER: &str = "progress.achievements_make_up";

/// Members a step looks at.
const STEP: i64 = 1_000;

/// How far it has come.
#[derive(Debug, Serialize, Deserialize)]
struct Walk {
    /// Which walk it is, so that one begun later does not stop one under way.
    walk: Uuid,
    /// The achievement; all of them where absent.
    achievement_id: Option<AchievementId>,
    /// The last member looked at.
    after: i64,
}

/// The handlers of this slice's achievement timers.
pub fn handlers() -> Handlers {
    Handlers::new().on(TIMER, step)
}

/// Schedules a walk over the guild's members, in the caller's transaction.
pub(super) async fn schedule(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement_id: Option<AchievementId>,
) -> Result<(), Error> {
    go_on(conn, guild, &Walk { walk: Uuid::now_v7(), achievement_id, after: 0 }).await
}

async fn go_on(conn: &mut PgConnection, guild: GuildId, walk: &Walk) -> Result<(), Error> {
    let timer = NewTimer {
        kind: TIMER,
        guild_id: Some(guild),
        dedupe_key: Some(format!("{}:{}", walk.walk, walk.after)),
        at: At::Now,
        payload: json!(walk),
    };
    timers::schedule(conn, timer).await?;
    Ok(())
}

async fn step(conn: &mut PgConnection, timer: &Timer) -> Result<(), TimerError> {
    let guild = timer.guild_id.ok_or_else(|| TimerError::Fail("it names no guild".to_owned()))?;
    let walk: Walk = serde_json::from_value(timer.payload.clone())
        .map_err(|error| TimerError::Fail(format!("its payload is not ours: {error}")))?;
    walk_on(conn, guild, walk).await.map_err(|error| match error {
        Error::Database(error) => TimerError::from(error),
        other => TimerError::Retry(other.to_string()),
    })
}

async fn walk_on(conn: &mut PgConnection, guild: GuildId, walk: Walk) -> Result<(), Error> {
    // Read anew: it may have been changed or retired meanwhile.
    let thresholds = store::thresholds(&mut *conn, guild, walk.achievement_id).await?;
    if thresholds.is_empty() {
        return Ok(());
    }
    let members = store::members_after(&mut *conn, guild, walk.after, STEP).await?;
    evaluate::make_up(&mut *conn, guild, &thresholds, &members).await?;
    match members.last() {
        Some(last) if i64::try_from(members.len()) == Ok(STEP) => {
            go_on(conn, guild, &Walk { after: *last, ..walk }).await
        }
        _ => Ok(()),
    }
}

/// Schedules a walk over every guild in which something can be earned: what any path might have missed.
pub(crate) async fn sweep(conn: &mut PgConnection) -> Result<Value, JobError> {
    let told = |error: Error| match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    };
    let guilds = store::guilds(&mut *conn).await.map_err(told)?;
    for guild in &guilds {
        schedule(&mut *conn, *guild, None).await.map_err(told)?;
    }
    Ok(json!({ "guilds": guilds.len() }))
}
