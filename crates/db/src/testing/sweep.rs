//! Removes databases that crashed test runs left behind, and templates of migrations that nobody runs any more.

use sqlx::PgConnection;

/// Drops test databases older than an hour and templates that are older than a day. Called under the template lock.
///
/// Another checkout may still use such a template; it then makes it anew.
pub(super) async fn leftovers(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text
           FROM pg_database
           LEFT JOIN LATERAL pg_stat_file('base/' || oid || '/PG_VERSION', true) AS file ON true
          WHERE (datname ~ '^qh_test_[0-9]+_[0-9]+_[0-9]+$'
                 AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now()) - 3600)
             OR (datname ~ '^qh_template_[0-9a-f]{16}$' AND file.modification < now() - interval '1 day')",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap_or_default();
    for name in names {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // Somebody else's sweep may have been faster, or a copy of the template is being made right now.
        if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *admin).await {
            tracing::debug!(name, %error, "a leftover test database stays for the next sweep");
        }
    }
}
