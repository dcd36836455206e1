//! Operators of the installation: people who, signed in with Discord, may do what concerns all of it. The command line names them,
//! or whoever opens the one-time link by which an installation is set up; nobody else can.
//!
//! In a guild they may do what their roles there permit, like everybody.

use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

use crate::actor::By;
use crate::audit::{self, AuditEntry};

const TABLE: &str = "access.operators";

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Who: a Discord user.
    pub user_id: UserId,
    /// Who named them, as journals write it.
    pub added_by: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Names an operator; it counts within a second. False where they are one already. Audited.
pub async fn operator_add(conn: &mut PgConnection, by: By<'_>, user: UserId) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        "INSERT INTO access.operators (user_id, added_by) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT pk_operators DO NOTHING",
        user.get(),
        by.changed_by(),
    )
    .execute(&mut *conn)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(false);
    }
    let mut entry = AuditEntry::new(None, by, "CREATE", TABLE, user.to_string());
    entry.after = Some(json!({ "user_id": user }));
    audit::record(conn, &entry).await?;
    Ok(true)
}

/// All of them, the first one first; there are few.
pub async fn operator_list(conn: &mut PgConnection) -> sqlx::Result<Vec<Operator>> {
    sqlx::query_as!(
        Operator,
        r#"SELECT user_id AS "user_id: UserId", added_by, created_at FROM access.operators ORDER BY created_at, user_id"#
    )
    .fetch_all(conn)
    .await
}

/// Takes it away; it stops counting within a second. False where they were none. Audited.
pub async fn operator_remove(conn: &mut PgConnection, by: By<'_>, user: UserId) -> sqlx::Result<bool> {
    let gone = sqlx::query!("DELETE FROM access.operators WHERE user_id = $1", user.get())
        .execute(&mut *conn)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    let mut entry = AuditEntry::new(None, by, "DELETE", TABLE, user.to_string());
    entry.before = Some(json!({ "user_id": user }));
    audit::record(conn, &entry).await?;
    Ok(true)
}
