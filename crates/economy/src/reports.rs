//! The daily economy report: what came into being, what went, how fast it moved, and who holds it.
//!
//! A report is a row of `economy.daily_reports` per guild and UTC day, derived from the ledger. It may be made again at any
//! time, of any day: what people held at a day's end is what they hold now, less what has moved since.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{Bytes, GuildId, Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;

/// A guild's economy on one UTC day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The UTC day.
    pub day: NaiveDate,
    /// Transactions of the day.
    pub transaction_count: i64,
    /// Members who gave or received.
    pub active_users: i64,
    /// Bytes minted: those that left the house.
    pub issued: Bytes,
    /// Bytes burnt: those that came back to it.
    pub returned: Bytes,
    /// Bytes moved between members.
    pub transferred: Bytes,
    /// Bytes that members held at the end of the day.
    pub in_circulation: Bytes,
    /// Members who held more than nothing then.
    pub holders: i64,
    /// Bytes by the kind of transaction.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub by_kind: BTreeMap<String, i64>,
    /// Bytes that members passed on or spent that day, per byte in circulation at its end.
    pub velocity: f64,
    /// Share, 0 to 1, of what circulates that the ten richest held.
    pub top10_share: f64,
    /// Gini coefficient, 0 to 1, among the holders: 0 when all hold the same.
    pub gini: f64,
}

/// Guilds that had an economy by the end of a day.
pub async fn guilds(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild: GuildId" FROM economy.bytes_balances
            WHERE user_id = 0 AND created_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' ORDER BY guild_id"#,
        day,
    )
    .fetch_all(conn)
    .await
}

/// Makes a guild's report of a day anew, if it had an economy by then; tells how many. A guild at a time: what is read is the guild's day,
/// however many guilds there are.
pub async fn fill(conn: &mut PgConnection, guild: GuildId, day: NaiveDate) -> sqlx::Result<u64> {
    // Gini over amounts x in ascending order, with their positions i from 1 to n: 2 Σ i·x / (n Σ x) − (n + 1) / n.
    let done = sqlx::query!(
        r#"WITH bounds AS MATERIALIZED (
               SELECT $2::date::timestamp AT TIME ZONE 'UTC' AS day_begin,
                      ($2::date + 1)::timestamp AT TIME ZONE 'UTC' AS day_end
           ), guilds AS MATERIALIZED (
               SELECT b.guild_id FROM economy.bytes_balances b, bounds
                WHERE b.user_id = 0 AND b.guild_id = $1 AND b.created_at < day_end
           ), moved AS MATERIALIZED (
               SELECT t.guild_id, t.giver_id, t.receiver_id, t.amount, t.kind
                 FROM guilds g CROSS JOIN bounds
                 JOIN economy.bytes_transactions t
                   ON t.guild_id = g.guild_id AND t.created_at >= day_begin AND t.created_at < day_end
           ), kinds AS (
               SELECT guild_id, kind, count(*) AS n, sum(amount)::bigint AS amount FROM moved GROUP BY guild_id, kind
           ), flows AS (
               SELECT guild_id, sum(n)::bigint AS transactions, jsonb_object_agg(kind, amount) AS by_kind FROM kinds GROUP BY guild_id
           ), directions AS (
               SELECT guild_id, coalesce(sum(amount) FILTER (WHERE giver_id = 0), 0)::bigint AS issued,
                      coalesce(sum(amount) FILTER (WHERE receiver_id = 0), 0)::bigint AS returned,
                      coalesce(sum(amount) FILTER (WHERE giver_id <> 0 AND receiver_id <> 0), 0)::bigint AS transferred
                 FROM moved GROUP BY guild_id
           ), active AS (
               SELECT guild_id, count(*) AS users
                 FROM (SELECT guild_id, giver_id FROM moved WHERE giver_id <> 0
                       UNION SELECT guild_id, receiver_id FROM moved WHERE receiver_id <> 0) u
                GROUP BY guild_id
           ), later AS (
               SELECT s.guild_id, s.user_id, sum(s.change)::bigint AS change
                 FROM guilds g CROSS JOIN bounds CROSS JOIN LATERAL (
                      SELECT t.guild_id, t.giver_id AS user_id, -t.amount AS change FROM economy.bytes_transactions t
                       WHERE t.guild_id = g.guild_id AND t.created_at >= day_end
                      UNION ALL
                      SELECT t.guild_id, t.receiver_id, t.amount FROM economy.bytes_transactions t
                       WHERE t.guild_id = g.guild_id AND t.created_at >= day_end) s
                GROUP BY s.guild_id, s.user_id
           ), held AS MATERIALIZED (
               SELECT b.guild_id, b.user_id, b.balance - coalesce(l.change, 0) AS balance
                 FROM guilds g JOIN economy.bytes_balances b ON b.guild_id = g.guild_id AND b.user_id <> 0
                 LEFT JOIN later l ON l.guild_id = b.guild_id AND l.user_id = b.user_id
                WHERE b.balance - coalesce(l.change, 0) > 0
           ), ranked AS (
               SELECT guild_id, balance, row_number() OVER (PARTITION BY guild_id ORDER BY balance, user_id) AS i,
                      count(*) OVER (PARTITION BY guild_id) AS n
                 FROM held
           ), shares AS (
               SELECT guild_id, sum(balance)::bigint AS total, count(*) AS holders,
                      (coalesce(sum(balance) FILTER (WHERE i > n - 10), 0) / sum(balance))::float8 AS top10,
                      (2 * sum(i::numeric * balance) / (count(*) * sum(balance)) - (count(*) + 1)::numeric / count(*))::float8 AS gini
                 FROM ranked GROUP BY guild_id
           )
           INSERT INTO economy.daily_reports (guild_id, day, transaction_count, active_users, issued, returned, transferred,
                  in_circulation, holders, by_kind, velocity, top10_share, gini)
           SELECT g.guild_id, $2::date, coalesce(f.transactions, 0), coalesce(a.users, 0), coalesce(d.issued, 0),
                  coalesce(d.returned, 0), coalesce(d.transferred, 0), coalesce(s.total, 0), coalesce(s.holders, 0),
                  coalesce(f.by_kind, '{}'),
                  coalesce((d.transferred + d.returned)::float8 / s.total, 0),
                  coalesce(s.top10, 0), least(greatest(coalesce(s.gini, 0), 0), 1)
             FROM guilds g
             LEFT JOIN flows f USING (guild_id)
             LEFT JOIN directions d USING (guild_id)
             LEFT JOIN active a USING (guild_id)
             LEFT JOIN shares s USING (guild_id)
            ORDER BY g.guild_id
           ON CONFLICT ON CONSTRAINT pk_daily_reports DO UPDATE
              SET transaction_count = excluded.transaction_count, active_users = excluded.active_users,
                  issued = excluded.issued, returned = excluded.returned, transferred = excluded.transferred,
                  in_circulation = excluded.in_circulation, holders = excluded.holders, by_kind = excluded.by_kind,
                  velocity = excluded.velocity, top10_share = excluded.top10_share, gini = excluded.gini"#,
        guild.get(),
        day,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The days to report on by the clock, in order: yesterday, and those of the last week that a guild lacks the report of.
pub async fn due(conn: &mut PgConnection) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar!(
        r#"SELECT d.day AS "day!"
             FROM (SELECT (now() AT TIME ZONE 'UTC')::date - n AS day FROM generate_series(1, 7) AS n) d
            WHERE EXISTS (
                  SELECT FROM economy.bytes_balances b
                   WHERE b.user_id = 0 AND b.created_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
                     AND (d.day = (now() AT TIME ZONE 'UTC')::date - 1
                          OR NOT EXISTS (SELECT FROM economy.daily_reports r WHERE r.guild_id = b.guild_id AND r.day = d.day)))
            ORDER BY d.day"#
    )
    .fetch_all(conn)
    .await
}

/// Makes a guild's report of a day anew and answers with it. Today's is as of now.
#[kernel::boxed]
pub async fn report_make(pool: &PgPool, guild: GuildId, day: NaiveDate) -> Result<Report, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let today = db::now(&mut tx).await?.date_naive();
        if day > today {
            return Err(Error::Field("day", format!("must not be later than today, {today}")));
        }
        fill(&mut tx, guild, day).await?;
        let report = list(&mut tx, guild, Some(day), None, 1).await?.pop();
        tx.commit().await?;
        report.ok_or(Error::NoReport(day))
    })
    .await
}

/// A guild's report of a day, as it was made last.
pub async fn report_get(pool: &PgPool, guild: GuildId, day: NaiveDate) -> Result<Report, Error> {
    let mut conn = db::acquire(pool).await?;
    list(&mut conn, guild, Some(day), None, 1).await?.pop().ok_or(Error::NoReport(day))
}

/// A page of a guild's reports, the latest first.
pub async fn report_list(pool: &PgPool, guild: GuildId, page: &PageQuery) -> Result<Page<Report>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let reports = list(&mut conn, guild, None, after, limit.plus_one()).await?;
    Ok(Page::new(reports, limit, |report| report.day))
}

async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    day: Option<NaiveDate>,
    before: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<Report>> {
    let rows = sqlx::query!(
        r#"SELECT day, transaction_count, active_users, issued AS "issued: Bytes", returned AS "returned: Bytes",
                  transferred AS "transferred: Bytes", in_circulation AS "in_circulation: Bytes", holders,
                  by_kind AS "by_kind: Json<BTreeMap<String, i64>>", velocity, top10_share, gini
             FROM economy.daily_reports
            WHERE guild_id = $1 AND ($2::date IS NULL OR day = $2) AND ($3::date IS NULL OR day < $3)
            ORDER BY day DESC LIMIT $4"#,
        guild.get(),
        day,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Report {
            day: row.day,
            transaction_count: row.transaction_count,
            active_users: row.active_users,
            issued: row.issued,
            returned: row.returned,
            transferred: row.transferred,
            in_circulation: row.in_circulation,
            holders: row.holders,
            by_kind: row.by_kind.0,
            velocity: row.velocity,
            top10_share: row.top10_share,
            gini: row.gini,
        })
        .collect())
}
