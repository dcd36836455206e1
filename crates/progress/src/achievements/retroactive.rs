//! Granting to those who reached it before: after an achievement was made or changed, and by a daily sweep.

use ::jobs::TimerError;
use ::jobs::schedule::JobError;
use ::jobs::timers::{At, Due, Handlers, Kind};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{evaluate, store};
use crate::error::Error;
use crate::ids::AchievementId;

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

impl Walk {
    /// One that begins.
    fn new(achievement_id: Option<AchievementId>) -> Self {
        Self { walk: Uuid::now_v7(), achievement_id, after: 0 }
    }
}

/// Goes over a guild's members, a batch at a time.
const WALK: Kind<Walk> =
    Kind::once("progress.achievements_make_up", |walk| format!("{}:{}", walk.walk, walk.after));

/// The handlers of this slice's achievement timers.
pub fn handlers() -> Handlers {
    Handlers::new().on(WALK, step)
}

/// Schedules a walk over the guild's members, in the caller's transaction.
pub(super) async fn schedule(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement_id: Option<AchievementId>,
) -> Result<(), Error> {
    WALK.schedule(conn, Some(guild), At::Now, &Walk::new(achievement_id)).await?;
    Ok(())
}

async fn step(conn: &mut PgConnection, due: Due<Walk>) -> Result<(), TimerError> {
    walk_on(conn, due.guild()?, due.payload).await.map_err(|error| match error {
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
    if let Some(last) = members.last().filter(|_| i64::try_from(members.len()) == Ok(STEP)) {
        WALK.schedule(conn, Some(guild), At::Now, &Walk { after: *last, ..walk }).await?;
    }
    Ok(())
}

/// Schedules a walk over every guild in which something can be earned: what any path might have missed.
pub(crate) async fn sweep(conn: &mut PgConnection) -> Result<Value, JobError> {
    let told = |error: Error| match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    };
    let guilds = store::guilds(&mut *conn).await.map_err(told)?;
    let walk = Walk::new(None);
    WALK.schedule_all(conn, guilds.iter().map(|guild| (Some(*guild), At::Now, &walk))).await?;
    Ok(json!({ "guilds": guilds.len() }))
}
