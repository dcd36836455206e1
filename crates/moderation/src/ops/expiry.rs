//! What the clock ends: a case when its time is over. Its timer names the case, so that an old one never lifts a newer.

use access::Means;
use jobs::TimerError;
use jobs::timers::{Handlers, LeaseSettings, Timer};
use kernel::GuildId;
use serde::Deserialize;
use sqlx::PgConnection;

use super::put::{self, Extra};
use crate::effects::NewEffect;
use crate::effects::store as effects;
use crate::error::Error;
use crate::model::{Action, Case, CaseId, Moderator, Resolution, Source};
use crate::store::cases::{self, Insert};

/// Ends a case.
pub(crate) const EXPIRE: &str = "moderation.expire";
/// Sends a time-out again whose end Discord would not take at first.
pub(crate) const PROLONG: &str = "moderation.prolong";

/// One pending timer of a kind a case.
pub(crate) fn timer_key(case: &Case) -> String {
    format!("{}:{}", case.guild_id, case.id)
}

#[derive(Debug, Deserialize)]
struct OfCase {
    case_id: CaseId,
}

/// What runs the timers of cases: each in a transaction of its own, as it locks the guild's cases.
pub(crate) fn handlers(means: &Means) -> Handlers {
    let settings = LeaseSettings { concurrency: 4, ..LeaseSettings::default() };
    let (expiring, prolonging) = (means.app().pool().clone(), means.app().pool().clone());
    Handlers::new()
        .leased(EXPIRE, settings, move |timer: Timer, lease| {
            let pool = expiring.clone();
            async move {
                let mut tx = pool.begin().await?;
                let (guild, of) = read(&timer)?;
                expire(&mut tx, guild, of.case_id).await.map_err(retry)?;
                lease.complete(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        })
        .leased(PROLONG, settings, move |timer: Timer, lease| {
            let pool = prolonging.clone();
            async move {
                let mut tx = pool.begin().await?;
                let (guild, of) = read(&timer)?;
                prolong(&mut tx, guild, of.case_id).await.map_err(retry)?;
                lease.complete(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        })
        .leased(super::raids::END, settings, {
            let pool = means.app().pool().clone();
            move |timer: Timer, lease| {
                let pool = pool.clone();
                async move {
                    let mut tx = pool.begin().await?;
                    super::raids::end_by_timer(&mut tx, &timer).await.map_err(retry)?;
                    lease.complete(&mut tx).await?;
                    Ok(tx.commit().await?)
                }
            }
        })
}

fn read(timer: &Timer) -> Result<(GuildId, OfCase), TimerError> {
    let guild = timer.guild_id.ok_or_else(|| TimerError::Fail("it names no guild".to_owned()))?;
    let of =
        serde_json::from_value(timer.payload.clone()).map_err(|error| TimerError::Fail(error.to_string()))?;
    Ok((guild, of))
}

fn retry(error: Error) -> TimerError {
    match error {
        Error::Database(error) => TimerError::Database(error),
        other => TimerError::Retry(other.to_string()),
    }
}

/// Ends a case whose time is over, unless something else ended it before; one whose end was moved waits for its new timer.
pub(crate) async fn expire(conn: &mut PgConnection, guild: GuildId, case: CaseId) -> Result<(), Error> {
    cases::guild_lock(conn, guild).await?;
    if !cases::due(conn, guild, case).await? {
        return Ok(());
    }
    let case = cases::by_id(conn, guild, case).await?;
    let house = Moderator::house();
    if case.action == Action::Ban {
        let reason = format!("The time of case {} is over", case.case_number);
        let new = Insert {
            source: Source::Expiry,
            parent: Some(case.id),
            ..Insert::new(Action::Unban, case.user_id, &case.user_tag, &house, &reason)
        };
        put::put(conn, guild, &new, &Extra::default()).await?;
        return Ok(());
    }
    // Discord ends time-outs by itself, and warnings are ours alone.
    cases::resolve(conn, guild, case.id, Resolution::Expired, &house).await?;
    super::changed(conn, guild, case.case_number, "expired").await?;
    Ok(())
}

/// Sends a time-out again that is in force.
async fn prolong(conn: &mut PgConnection, guild: GuildId, case: CaseId) -> Result<(), Error> {
    let case = cases::by_id(conn, guild, case).await?;
    if case.resolved {
        return Ok(());
    }
    if let Some(payload) = put::act(&case, &Extra::default()) {
        let idempotency_key = format!("c{}p", case.case_number);
        effects::ask(conn, guild, &[NewEffect { case_id: Some(case.id), idempotency_key, payload }]).await?;
    }
    Ok(())
}
