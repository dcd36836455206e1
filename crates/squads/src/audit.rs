//! Memberships re-derived from the journal, and brought back to it.

use access::weekly::{Audit, Figure, Weekly};
use access::{AuditEntry, By, Origin, audit};
use jobs::schedule::JobError;
use kernel::{GuildId, SquadId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::store;

/// A membership that is not what the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member.
    pub user_id: UserId,
    /// The squad they are in, by `squads.squad_memberships`.
    pub stored: Option<SquadId>,
    /// The squad they should be in, by their last row of `squads.squad_membership_log`.
    pub derived: Option<SquadId>,
}

impl Drift {
    /// In words that fit every slice.
    fn told(self) -> Figure {
        let squad = |id: Option<SquadId>| id.map_or("none".to_owned(), |id| id.to_string());
        Figure {
            guild_id: self.guild_id,
            what: format!("squad of user {}", self.user_id),
            stored: squad(self.stored),
            derived: squad(self.derived),
        }
    }
}

/// The slice's audit.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let found = drift(conn, guild).await.map_err(failed)?;
            Ok(found.into_iter().map(Drift::told).collect())
        })
    },
    weekly: Some(Weekly {
        job: "squads.audit",
        cron: "37 4 * * 0",
        timer: "squads.audit_repair",
        repair: |pool, guild, author| {
            Box::pin(async move {
                let mended = repair(pool, Some(guild), author.by, author.origin).await.map_err(failed)?;
                Ok(mended.into_iter().map(Drift::told).collect())
            })
        },
    }),
};

/// What went wrong, for the job.
fn failed(error: Error) -> JobError {
    match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

/// All memberships that differ from what the journal says last, of one guild or of all; empty when all is well. One
/// statement, hence one snapshot: it may run while others write.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH last AS (
               SELECT DISTINCT ON (guild_id, user_id) guild_id, user_id, to_squad_id
                 FROM squads.squad_membership_log
                WHERE $1::bigint IS NULL OR guild_id = $1
                ORDER BY guild_id, user_id, occurred_at DESC, id DESC
           )
           SELECT guild_id AS "guild_id!: GuildId", user_id AS "user_id!: UserId", m.squad_id AS "stored?: SquadId",
                  l.to_squad_id AS "derived?: SquadId"
             FROM (SELECT * FROM squads.squad_memberships WHERE $1::bigint IS NULL OR guild_id = $1) m
             FULL JOIN last l USING (guild_id, user_id)
            WHERE m.squad_id IS DISTINCT FROM l.to_squad_id
            ORDER BY guild_id, user_id"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Brings memberships back to what the journal says last, and Discord's roles with them; tells what they were. Guild by guild:
/// nobody changes squads in the one that is mended, and other guilds do not notice. Written to the audit log.
pub async fn repair(
    pool: &PgPool,
    guild: Option<GuildId>,
    by: By<'_>,
    origin: &Origin,
) -> Result<Vec<Drift>, Error> {
    let guilds = if let Some(guild) = guild {
        vec![guild]
    } else {
        let mut conn = db::acquire(pool).await?;
        let mut guilds: Vec<GuildId> =
            drift(&mut conn, None).await?.into_iter().map(|drift| drift.guild_id).collect();
        guilds.dedup();
        guilds
    };
    let mut mended = Vec::new();
    for guild in guilds {
        mended.extend(db::retry(|| guild_repair(pool, guild, by, origin)).await?);
    }
    Ok(mended)
}

async fn guild_repair(
    pool: &PgPool,
    guild: GuildId,
    by: By<'_>,
    origin: &Origin,
) -> Result<Vec<Drift>, Error> {
    let mut tx = db::begin(pool).await?;
    // The journal is read from one end to the other, however long it is.
    sqlx::query!("SELECT set_config('statement_timeout', '0', true)").fetch_one(&mut *tx).await?;
    store::guild_lock(&mut tx, guild).await?;
    let drifts = drift(&mut tx, Some(guild)).await?;
    if drifts.is_empty() {
        return Ok(drifts);
    }
    let users: Vec<i64> = drifts.iter().map(|drift| drift.user_id.get()).collect();
    sqlx::query!(
        "DELETE FROM squads.squad_memberships WHERE guild_id = $1 AND user_id = ANY ($2)",
        guild.get(),
        &users,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id, joined_at)
         SELECT l.guild_id, l.user_id, l.to_squad_id, l.occurred_at
           FROM unnest($2::bigint[]) AS d (user_id)
          CROSS JOIN LATERAL (SELECT * FROM squads.squad_membership_log l
                               WHERE l.guild_id = $1 AND l.user_id = d.user_id
                               ORDER BY l.occurred_at DESC, l.id DESC LIMIT 1) l
          WHERE l.to_squad_id IS NOT NULL",
        guild.get(),
        &users,
    )
    .execute(&mut *tx)
    .await?;
    crate::roles::reconcile(&mut tx, &people::roles::Span::of(Some(guild))).await?;
    for drift in &drifts {
        let user = drift.user_id.to_string();
        let mut entry =
            AuditEntry::new(Some(guild), by, "REPAIR", "squads.squad_memberships", user).from(origin);
        entry.before = Some(json!({ "squad_id": drift.stored }));
        entry.after = Some(json!({ "squad_id": drift.derived }));
        audit::record(&mut tx, &entry).await?;
    }
    tx.commit().await?;
    Ok(drifts)
}
