//! Balances re-derived from the ledger, and brought back to it.

use std::collections::{BTreeMap, BTreeSet};

use access::weekly::{Audit, Figure, Weekly};
use access::{AuditEntry, By, Origin, audit};
use jobs::schedule::JobError;
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::error::LedgerError;

kernel::decl_words! {
    /// A figure of an account.
    pub enum AccountFigure {
        /// Bytes.
        Balance = "balance",
        /// Bytes received in all.
        TotalReceived = "total_received",
        /// Bytes sent in all.
        TotalSent = "total_sent",
        /// Days in a row with a claim.
        StreakCount = "streak_count",
        /// The latest of these days, as the number YYYYMMDD; 0 for never.
        LastDaily = "last_daily",
        /// When it paid another member last, in microseconds since 1970; 0 for never.
        LastTransferAt = "last_transfer_at",
    }
}

/// A figure that is not what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member; 0 for the house.
    pub user_id: UserId,
    /// Which figure.
    pub figure: AccountFigure,
    /// What `economy.bytes_balances` holds; 0 where there is no row.
    pub stored: i64,
    /// What `economy.bytes_transactions` adds up to.
    pub derived: i64,
}

impl Drift {
    /// In words that fit every slice.
    fn told(self) -> Figure {
        Figure {
            guild_id: self.guild_id,
            what: format!("{} of user {}", self.figure, self.user_id),
            stored: self.stored.to_string(),
            derived: self.derived.to_string(),
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
        job: "economy.audit",
        cron: "27 4 * * 0",
        timer: "economy.audit_repair",
        repair: |pool, guild, author| {
            Box::pin(async move {
                let mended = repair(pool, Some(guild), author.by, author.origin).await.map_err(failed)?;
                Ok(mended.into_iter().map(Drift::told).collect())
            })
        },
    }),
};

/// What went wrong, for the job.
fn failed(error: LedgerError) -> JobError {
    match error {
        LedgerError::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

/// All balances, totals and streaks that differ from what the ledger adds up to, the house's included; of one guild, or
/// of all. Reads the whole ledger; empty when all is well, and then every guild's balances add up to zero, as every
/// transaction does. One statement, hence one snapshot: it may run while others write.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, LedgerError> {
    let rows = sqlx::query!(
        r#"WITH ledger AS (
               SELECT guild_id, user_id, sum(change)::bigint AS balance, sum(received)::bigint AS received,
                      sum(sent)::bigint AS sent, max(gave_at) AS gave_at
                 FROM (SELECT guild_id, giver_id AS user_id, -amount AS change, 0 AS received, amount AS sent,
                              CASE kind WHEN 'transfer' THEN created_at END AS gave_at
                         FROM economy.bytes_transactions WHERE $1::bigint IS NULL OR guild_id = $1
                       UNION ALL
                       SELECT guild_id, receiver_id, amount, CASE kind WHEN 'refund' THEN 0 ELSE amount END, 0, NULL
                         FROM economy.bytes_transactions WHERE $1::bigint IS NULL OR guild_id = $1) sides
                GROUP BY guild_id, user_id
           ), claims AS (
               SELECT guild_id, receiver_id AS user_id, split_part(dedupe_key, ':', 3)::date AS day
                 FROM economy.bytes_transactions
                WHERE kind = 'daily' AND ($1::bigint IS NULL OR guild_id = $1)
                  AND dedupe_key ~ '^daily:[0-9]+:[0-9]{4}-[0-9]{2}-[0-9]{2}$'
           ), runs AS (
               -- Consecutive dates share the date that lies their number before them.
               SELECT guild_id, user_id, day,
                      day - row_number() OVER (PARTITION BY guild_id, user_id ORDER BY day)::integer AS run
                 FROM claims
           ), streaks AS (
               SELECT DISTINCT ON (guild_id, user_id) guild_id, user_id, max(day) AS last_day, count(*) AS days
                 FROM runs GROUP BY guild_id, user_id, run
                ORDER BY guild_id, user_id, max(day) DESC
           )
           SELECT guild_id AS "guild_id!: GuildId", user_id AS "user_id!: UserId", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM (SELECT * FROM economy.bytes_balances WHERE $1::bigint IS NULL OR guild_id = $1) b
             FULL JOIN ledger l USING (guild_id, user_id)
             LEFT JOIN streaks s USING (guild_id, user_id)
            CROSS JOIN LATERAL (VALUES
                  ('balance', coalesce(b.balance, 0), coalesce(l.balance, 0)),
                  ('total_received', coalesce(b.total_received, 0), coalesce(l.received, 0)),
                  ('total_sent', coalesce(b.total_sent, 0), coalesce(l.sent, 0)),
                  ('streak_count', coalesce(b.streak_count, 0)::bigint, coalesce(s.days, 0)),
                  ('last_daily', coalesce(to_char(b.last_daily, 'YYYYMMDD')::bigint, 0),
                   coalesce(to_char(s.last_day, 'YYYYMMDD')::bigint, 0)),
                  ('last_transfer_at', coalesce((extract(epoch FROM b.last_transfer_at) * 1000000)::bigint, 0),
                   coalesce((extract(epoch FROM l.gave_at) * 1000000)::bigint, 0))) AS f (what, stored, derived)
            WHERE f.stored <> f.derived
            ORDER BY guild_id, user_id, f.what"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    let drift = rows.into_iter().map(|row| {
        Ok(Drift {
            guild_id: row.guild_id,
            user_id: row.user_id,
            figure: AccountFigure::from_column(&row.what)?,
            stored: row.stored,
            derived: row.derived,
        })
    });
    drift.collect()
}

/// Brings balances, totals and streaks back to what the ledger says, and tells what they were. The ledger itself is never
/// changed. Whose ledger adds up to less than nothing is left as they are, for people to look into. Written to the audit
/// log, an entry a guild.
pub async fn repair(
    pool: &PgPool,
    guild: Option<GuildId>,
    by: By<'_>,
    origin: &Origin,
) -> Result<Vec<Drift>, LedgerError> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // The journal is read from one end to the other, however long it is.
        sqlx::query!("SELECT set_config('statement_timeout', '0', true)").fetch_one(&mut *tx).await?;
        let seen: BTreeSet<(GuildId, UserId)> =
            drift(&mut tx, guild).await?.iter().map(|drift| (drift.guild_id, drift.user_id)).collect();
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        hold(&mut tx, &seen).await?;
        // Whoever posts locks first: what is seen now, nobody changes any more.
        let mut drifts = drift(&mut tx, guild).await?;
        let below: BTreeSet<(GuildId, UserId)> = drifts
            .iter()
            .filter(|drift| {
                drift.figure == AccountFigure::Balance && drift.derived < 0 && drift.user_id != UserId::HOUSE
            })
            .map(|drift| (drift.guild_id, drift.user_id))
            .collect();
        drifts.retain(|drift| {
            let account = (drift.guild_id, drift.user_id);
            seen.contains(&account) && !below.contains(&account)
        });
        write(&mut tx, &drifts).await?;
        let mut guilds: BTreeMap<GuildId, Vec<&Drift>> = BTreeMap::new();
        for drift in &drifts {
            guilds.entry(drift.guild_id).or_default().push(drift);
        }
        for (guild, drifts) in guilds {
            let figures = |figure: fn(&Drift) -> i64| {
                json!(
                    drifts
                        .iter()
                        .map(|d| json!({ "user_id": d.user_id, "what": d.figure, "is": figure(d) }))
                        .collect::<Vec<_>>()
                )
            };
            let mut entry =
                AuditEntry::new(Some(guild), by, "REPAIR", "economy.bytes_balances", None).from(origin);
            entry.before = Some(figures(|drift| drift.stored));
            entry.after = Some(figures(|drift| drift.derived));
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(drifts)
    })
    .await
}

/// Locks these accounts in the order of their keys, making those that are missing.
async fn hold(conn: &mut PgConnection, accounts: &BTreeSet<(GuildId, UserId)>) -> sqlx::Result<()> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = accounts.iter().map(|(g, u)| (g.get(), u.get())).unzip();
    sqlx::query!(
        "INSERT INTO economy.bytes_balances (guild_id, user_id)
         SELECT g, u FROM unnest($1::bigint[], $2::bigint[]) AS a (g, u) ORDER BY g, u
         ON CONFLICT ON CONSTRAINT pk_bytes_balances DO NOTHING",
        &guilds,
        &users,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "SELECT b.user_id FROM economy.bytes_balances b
           JOIN unnest($1::bigint[], $2::bigint[]) AS a (guild_id, user_id) USING (guild_id, user_id)
          ORDER BY b.guild_id, b.user_id FOR UPDATE OF b",
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

async fn write(conn: &mut PgConnection, drifts: &[Drift]) -> sqlx::Result<()> {
    let guilds: Vec<i64> = drifts.iter().map(|drift| drift.guild_id.get()).collect();
    let users: Vec<i64> = drifts.iter().map(|drift| drift.user_id.get()).collect();
    let whats: Vec<&str> = drifts.iter().map(|drift| drift.figure.as_str()).collect();
    let derived: Vec<i64> = drifts.iter().map(|drift| drift.derived).collect();
    sqlx::query!(
        "WITH right_ones AS (
             SELECT guild_id, user_id, max(derived) FILTER (WHERE what = 'balance') AS balance,
                    max(derived) FILTER (WHERE what = 'total_received') AS total_received,
                    max(derived) FILTER (WHERE what = 'total_sent') AS total_sent,
                    max(derived) FILTER (WHERE what = 'streak_count') AS streak_count,
                    max(derived) FILTER (WHERE what = 'last_daily') AS last_daily,
                    max(derived) FILTER (WHERE what = 'last_transfer_at') AS last_transfer_at
               FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS d (guild_id, user_id, what, derived)
              GROUP BY guild_id, user_id)
         UPDATE economy.bytes_balances b
            SET balance = coalesce(r.balance, b.balance), total_received = coalesce(r.total_received, b.total_received),
                total_sent = coalesce(r.total_sent, b.total_sent),
                streak_count = coalesce(r.streak_count::integer, b.streak_count),
                last_daily = CASE WHEN r.last_daily IS NULL THEN b.last_daily
                                  WHEN r.last_daily > 0 THEN to_date(r.last_daily::text, 'YYYYMMDD') END,
                last_transfer_at = CASE WHEN r.last_transfer_at IS NULL THEN b.last_transfer_at
                                        WHEN r.last_transfer_at > 0
                                        THEN timestamptz 'epoch' + r.last_transfer_at * interval '1 microsecond' END
           FROM right_ones r
          WHERE b.guild_id = r.guild_id AND b.user_id = r.user_id",
        &guilds,
        &users,
        &whats as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}
