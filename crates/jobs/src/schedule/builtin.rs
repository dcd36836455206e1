//! The house's own periodic jobs: partitions ahead, and clearing away what nobody asks for any more.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{JobError, Schedule};
use crate::timers;

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Executed and cancelled timers of `jobs.timers`.
    pub timers: Duration,
    /// Events in the outbox. Whole months are dropped, so some stay up to a month longer, and last month's always.
    pub outbox: Duration,
    /// Rows of nodes that stopped or died.
    pub nodes: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self { timers: 7 * day, outbox: 30 * day, nodes: 7 * day }
    }
}

/// Months of partitions made ahead.
const MONTHS_AHEAD: i32 = 3;
/// Rows deleted by one statement, and at most by one run: a long transaction would hold up the outbox.
const CLEAN_UP_BATCH: i64 = 5_000;
const CLEAN_UP_BATCHES: usize = 10;

/// The jobs that every installation needs.
pub fn builtin(retention: Retention) -> Vec<Schedule> {
    let mut drop_outbox = Schedule::new("jobs.outbox_retention", "23 4 * * *", move |connection| {
        Box::pin(outbox_retention(connection, retention.outbox))
    });
    // Dropping a partition locks its parent: rather tomorrow than that writers queue up behind us.
    drop_outbox.lock_timeout = Duration::from_secs(1);
    vec![
        Schedule::new("jobs.partitions_ahead", "13 3 * * *", |connection| {
            Box::pin(partitions_ahead(connection))
        }),
        Schedule::new("jobs.timers_clean_up", "*/10 * * * *", move |connection| {
            Box::pin(timers_clean_up(connection, retention.timers))
        }),
        drop_outbox,
        Schedule::new("jobs.nodes_clean_up", "33 * * * *", move |connection| {
            Box::pin(nodes_clean_up(connection, retention.nodes))
        }),
    ]
}

/// Makes the coming months' partitions of every table that is partitioned by month.
async fn partitions_ahead(connection: &mut PgConnection) -> Result<Value, JobError> {
    // A range over one timestamptz is what month partitions are; others are none of ours.
    let created = sqlx::query!(
        r#"SELECT format('%I.%I', n.nspname, c.relname) AS "table!",
                  questhall.ensure_month_partitions(c.oid::regclass, $1) AS "created!"
             FROM pg_partitioned_table AS p
             JOIN pg_class AS c ON c.oid = p.partrelid
             JOIN pg_namespace AS n ON n.oid = c.relnamespace
             JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
            WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'timestamptz'::regtype
            ORDER BY 1"#,
        MONTHS_AHEAD,
    )
    .fetch_all(connection)
    .await?;
    let tables = created.len();
    let made: serde_json::Map<String, Value> = created
        .into_iter()
        .filter(|row| row.created > 0)
        .map(|row| (row.table, Value::from(row.created)))
        .collect();
    Ok(json!({ "tables": tables, "made": made }))
}

async fn timers_clean_up(connection: &mut PgConnection, age: Duration) -> Result<Value, JobError> {
    let mut deleted = 0;
    for _ in 0..CLEAN_UP_BATCHES {
        let batch = timers::clean_up(&mut *connection, age, CLEAN_UP_BATCH).await?;
        deleted += batch;
        if batch < CLEAN_UP_BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(json!({ "deleted": deleted }))
}

/// Drops months of the outbox that ended before the retention. Last month stays: it is what
/// `questhall.ensure_month_partitions` would make again.
async fn outbox_retention(connection: &mut PgConnection, age: Duration) -> Result<Value, JobError> {
    let old = sqlx::query_scalar!(
        r#"SELECT partition_name::text AS "name!"
             FROM questhall.month_partitions('jobs.outbox')
            WHERE ends_at <= least(now() - make_interval(secs => $1),
                                   (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month') AT TIME ZONE 'UTC')"#,
        age.as_secs_f64(),
    )
    .fetch_all(&mut *connection)
    .await?;
    for partition in &old {
        // The name comes out of the catalogue, quoted by regclass. Who reads later than that is told of the gap.
        let note = format!(
            "INSERT INTO jobs.outbox_pruned AS known (transaction_id, id)
             SELECT transaction_id, id FROM {partition} ORDER BY transaction_id DESC, id DESC LIMIT 1
             ON CONFLICT (only_row) DO UPDATE
                SET transaction_id = excluded.transaction_id, id = excluded.id, pruned_at = now()
              WHERE (known.transaction_id, known.id) < (excluded.transaction_id, excluded.id)"
        );
        sqlx::raw_sql(AssertSqlSafe(note)).execute(&mut *connection).await?;
        sqlx::query!("SELECT questhall.drop_month_partition($1::text::regclass)", partition)
            .execute(&mut *connection)
            .await?;
    }
    Ok(json!({ "dropped": old }))
}

async fn nodes_clean_up(connection: &mut PgConnection, age: Duration) -> Result<Value, JobError> {
    let result = sqlx::query!(
        "DELETE FROM jobs.nodes WHERE heartbeat_at < now() - make_interval(secs => $1)",
        age.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(json!({ "deleted": result.rows_affected() }))
}
