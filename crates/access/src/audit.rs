//! The audit log: what administrators changed, from any face, with before and after. Append-only; the database refuses
//! to change an entry.

use std::net::IpAddr;

use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;

use crate::actor::{By, Origin};

/// One change by an administrator. [`AuditEntry::new`] fills in what is seldom given.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// The guild that was changed; `None` for the whole installation.
    pub guild_id: Option<GuildId>,
    /// Who changed it.
    pub actor: By<'a>,
    /// What was done, in capitals: CREATE, UPDATE, DELETE, PUBLISH, CANCEL, RETRY and the like.
    pub action_type: &'a str,
    /// The table changed, with its schema: `campaigns.campaigns`.
    pub target_table: &'a str,
    /// The row's key as text.
    pub target_id: Option<String>,
    /// The row before, without secrets; `None` for a creation.
    pub before: Option<Value>,
    /// The row after, without secrets; `None` for a deletion.
    pub after: Option<Value>,
    /// Why, in the actor's words.
    pub reason: Option<&'a str>,
    /// The address the request came from.
    pub ip: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<&'a str>,
}

impl<'a> AuditEntry<'a> {
    /// An entry with neither snapshots nor reason nor origin.
    pub fn new(
        guild_id: Option<GuildId>,
        actor: By<'a>,
        action_type: &'a str,
        target_table: &'a str,
        target_id: impl Into<Option<String>>,
    ) -> Self {
        Self {
            guild_id,
            actor,
            action_type,
            target_table,
            target_id: target_id.into(),
            before: None,
            after: None,
            reason: None,
            ip: None,
            request_id: None,
        }
    }

    /// The same with where the request came from.
    #[must_use]
    pub fn from(mut self, origin: &'a Origin) -> Self {
        self.ip = origin.ip;
        self.request_id = origin.request_id.as_deref();
        self
    }
}

/// Writes the entry, in the transaction of the change.
pub async fn record(conn: &mut PgConnection, entry: &AuditEntry<'_>) -> sqlx::Result<()> {
    let (kind, user, key) = match entry.actor {
        By::Key(actor) => ("api_key", actor.user, Some(actor.key_id)),
        By::Cli => ("cli", None, None),
        By::System => ("system", None, None),
    };
    sqlx::query!(
        r#"
        INSERT INTO access.admin_log (guild_id, actor_kind, actor_id, api_key_id, action_type, target_table, target_id,
                                      before_snapshot, after_snapshot, ip_address, request_id, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        entry.guild_id.map_or(0, GuildId::get),
        kind,
        user.map(kernel::UserId::get),
        key.map(kernel::ApiKeyId::get),
        entry.action_type,
        entry.target_table,
        entry.target_id.as_deref(),
        entry.before,
        entry.after,
        entry.ip.map(|ip| ip.to_string()),
        entry.request_id,
        entry.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}
