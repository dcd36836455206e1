//! Removes databases that crashed test runs left behind, and templates of migrations that nobody runs any more.

use sqlx::PgConnection;

/// Advisory lock of the sweep (`qh_sweep` in ASCII): one at a time is enough.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"qh_sweep");

/// Drops test databases older than an hour, which their names tell, and templates older than a day, which their
/// comments do. Mostly there are none, and this is one quick query.
///
/// Another checkout may still use such a template; it then makes it anew.
pub(super) async fn leftovers(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database
          WHERE (datname ~ '^qh_test_[0-9]+_[0-9]+_[0-9]+$'
                 AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now()) - 3600)
             OR (datname ~ '^qh_template_'
                 AND coalesce(substring(shobj_description(oid, 'pg_database') FROM '^[0-9]+$')::bigint, 0)
                     < extract(epoch FROM now()) - 86400
                 AND datname !~ '_building$')",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap_or_default();
    if names.is_empty() {
        return;
    }
    let ours = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(LOCK_KEY);
    if !ours.fetch_one(&mut *admin).await.unwrap_or(false) {
        return;
    }
    for name in names {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // A copy of the template may be in the making right now.
        if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *admin).await {
            tracing::debug!(name, %error, "a leftover test database stays for the next sweep");
        }
    }
    // Ends with the session in any case.
    let _ = sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK_KEY).execute(admin).await;
}
