//! What the clock ends: a case when its time is over. Its timer names the case, so that an old one never lifts a newer.

use access::Means;
use jobs::TimerError;
use jobs::timers::{Due, Handlers, LeaseSettings};
use kernel::GuildId;
use sqlx::PgConnection;

use super::put::{self, Extra};
use super::raids;
use super::timers::{END, EXPIRE, OfCase, OfRaid, PROLONG};
use crate::effects::NewEffect;
use crate::effects::store as effects;
use crate::error::Error;
use crate::model::{Action, CaseId, Moderator, Resolution, Source};
use crate::store::cases::{self, Insert};

/// What runs the timers of cases and raids: each in a transaction of its own, as it locks the guild's cases.
pub(crate) fn handlers(means: &Means) -> Handlers {
    let settings = LeaseSettings { concurrency: 4, ..LeaseSettings::default() };
    let pool = || means.app().pool().clone();
    let (expiring, prolonging, ending) = (pool(), pool(), pool());
    Handlers::new()
        .leased(EXPIRE, settings, move |due: Due<OfCase>, lease| {
            let pool = expiring.clone();
            async move {
                let mut tx = db::begin(&pool).await?;
                expire(&mut tx, due.guild()?, due.payload.case_id).await.map_err(retry)?;
                lease.complete(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        })
        .leased(PROLONG, settings, move |due: Due<OfCase>, lease| {
            let pool = prolonging.clone();
            async move {
                let mut tx = db::begin(&pool).await?;
                prolong(&mut tx, due.guild()?, due.payload.case_id).await.map_err(retry)?;
                lease.complete(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        })
        .leased(END, settings, move |due: Due<OfRaid>, lease| {
            let pool = ending.clone();
            async move {
                let mut tx = db::begin(&pool).await?;
                raids::end_by_timer(&mut tx, due.guild()?, due.payload.raid_id).await.map_err(retry)?;
                lease.complete(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        })
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
