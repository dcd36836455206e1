//! Levels follow XP under the curve in force.
//!
//! XP that come move the level they reach in the same transaction, and pay for levels reached for the first time ever (`journal`, and
//! the lake's batches). When the curve changes, a trigger on `access.settings` schedules a walk over the members of each guild
//! concerned. A walk pays and announces nothing: nobody reached anything by it, and a trial of a setting leaves no trace.

use ::jobs::TimerError;
use ::jobs::timers::{At, Due, Handlers, Kind};
use access::settings::settings_read;
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::rewards::RewardSettings;

/// Members a step looks at.
const STEP: i64 = 2_000;

/// How far it has come.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Walk {
    /// The last member looked at.
    after: i64,
}

/// Brings a guild's members to their levels, a batch at a time; the trigger on settings knows it by this name.
const WALK: Kind<Walk> = Kind::often("progress.levels");

/// The handler of this timer.
pub(crate) fn handlers() -> Handlers {
    Handlers::new().on(WALK, step)
}

async fn step(conn: &mut PgConnection, due: Due<Walk>) -> Result<(), TimerError> {
    walk_on(conn, due.guild()?, due.payload).await.map_err(TimerError::from)
}

async fn walk_on(conn: &mut PgConnection, guild: GuildId, walk: Walk) -> Result<(), sqlx::Error> {
    // Read anew at each step: a later change schedules a walk of its own.
    let settings: RewardSettings = settings_read(&mut *conn, Some(guild)).await?;
    let step = sqlx::query!(
        r#"WITH step AS MATERIALIZED (
               SELECT user_id FROM people.members WHERE guild_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3
           ), wrong AS MATERIALIZED (
               SELECT m.user_id FROM people.members m JOIN step s ON s.user_id = m.user_id
                WHERE m.guild_id = $1 AND m.level <> 1 + width_bucket(m.xp, $4::bigint[])
                ORDER BY m.user_id FOR UPDATE OF m
           ), moved AS (
               UPDATE people.members m SET level = 1 + width_bucket(m.xp, $4::bigint[])
                 FROM wrong w WHERE m.guild_id = $1 AND m.user_id = w.user_id
           )
           SELECT count(*) AS "members!", max(user_id) AS last FROM step"#,
        guild.get(),
        walk.after,
        STEP,
        &settings.curve().thresholds(),
    )
    .fetch_one(&mut *conn)
    .await?;
    if let Some(last) = step.last.filter(|_| step.members == STEP) {
        WALK.schedule(conn, Some(guild), At::Now, &Walk { after: last }).await?;
    }
    Ok(())
}
