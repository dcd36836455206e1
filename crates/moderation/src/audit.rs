//! Cases in force held against what Discord was seen to have, and brought back to it: Discord decides who is banned.

use access::Author;
use access::author::Deed;
use access::weekly::{Audit, Figure, Weekly};
use jobs::schedule::JobError;
use kernel::GuildId;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::model::{EffectState, Moderator, Resolution, Source};
use crate::ops::put::{self, Extra};
use crate::store::cases::{self, Insert};
use crate::store::observed::{self, Drift};

/// The slice's audit.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let found = observed::drift(conn, guild).await.map_err(JobError::Database)?;
            Ok(found.iter().map(told).collect())
        })
    },
    weekly: Some(Weekly {
        job: "moderation.audit",
        cron: "17 5 * * 0",
        timer: "moderation.audit_repair",
        repair: |pool, guild, author| {
            Box::pin(async move {
                let mended = db::retry(|| repair(pool, guild, author)).await.map_err(failed)?;
                Ok(mended.iter().map(told).collect())
            })
        },
    }),
};

fn failed(error: Error) -> JobError {
    match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

/// In words that fit every slice.
fn told(drift: &Drift) -> Figure {
    let (stored, derived) = match drift.case_number {
        Some(number) => (format!("in force by case {number}"), "not on Discord".to_owned()),
        None => ("no case".to_owned(), "in force on Discord".to_owned()),
    };
    Figure {
        guild_id: drift.guild_id,
        what: format!("{} of user {}", drift.action, drift.user_id),
        stored,
        derived,
    }
}

/// A case that Discord does not have is over; what it has without a case gets one.
async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    let mut tx = db::begin(pool).await?;
    cases::guild_lock(&mut tx, guild).await?;
    let found = observed::drift(&mut tx, Some(guild)).await?;
    let house = Moderator::house();
    for drift in &found {
        mend(&mut tx, drift, &house).await?;
        let id = drift.user_id.to_string();
        Deed::new("REPAIR", "moderation.moderation_cases", id)
            .before(json!({ "case_number": drift.case_number }))
            .after(json!({ "action": drift.action, "on_discord": drift.case_number.is_none() }))
            .record(&mut tx, guild, author)
            .await?;
    }
    tx.commit().await?;
    Ok(found)
}

async fn mend(conn: &mut PgConnection, drift: &Drift, house: &Moderator) -> Result<(), Error> {
    let guild = drift.guild_id;
    if let (Some(case), Some(number)) = (drift.case_id, drift.case_number) {
        cases::resolve(conn, guild, case, Resolution::Lifted, house).await?;
        return Ok(crate::ops::changed(conn, guild, number, "lifted").await?);
    }
    let tag = cases::name_of(conn, guild, drift.user_id).await?.unwrap_or_else(|| drift.user_id.to_string());
    let new = Insert {
        expires_at: drift.until,
        source: Source::Discord,
        effect_state: EffectState::Applied,
        ..Insert::new(drift.action, drift.user_id, &tag, house, "Found on Discord, without a case")
    };
    let extra = Extra { quiet: true, done_elsewhere: true, ..Extra::default() };
    put::put(conn, guild, &new, &extra).await?;
    Ok(())
}
