//! The audit log: what administrators changed, from any face, with before and after. Append-only; the database refuses
//! to change an entry.

use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, Page, Problem, UserId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actor::{Bearer, By, Origin, Person};

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
#[kernel::boxed]
pub async fn record(conn: &mut PgConnection, entry: &AuditEntry<'_>) -> sqlx::Result<()> {
    let (kind, user, key, admin) = match entry.actor {
        By::Key(actor) => match &actor.bearer {
            Bearer::Key { id, .. } => ("api_key", actor.user, Some(*id), None),
            Bearer::Session(session) => match session.person {
                Person::User(user) => ("user", Some(user), None, None),
                Person::Admin { id, .. } => ("admin_user", None, None, Some(id)),
            },
        },
        By::Cli => ("cli", None, None, None),
        By::System => ("system", None, None, None),
    };
    sqlx::query!(
        r#"
        INSERT INTO access.admin_log (guild_id, actor_kind, actor_id, api_key_id, admin_user_id, action_type,
                                      target_table, target_id, before_snapshot, after_snapshot, ip_address, request_id,
                                      reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        "#,
        entry.guild_id.map_or(0, GuildId::get),
        kind,
        user.map(kernel::UserId::get),
        key.map(kernel::ApiKeyId::get),
        admin,
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

/// A change, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = AuditLogEntry)]
pub struct Entry {
    /// Number; grows with time.
    pub id: i32,
    /// user, `api_key`, `admin_user`, cli or system.
    pub actor_kind: String,
    /// Who: `user:<id>`, `key:<id>`, `admin:<id>`, `cli` or `system`; as the filter `actor` takes it.
    pub actor: String,
    /// The member that the key was bound to, or the person.
    pub actor_user_id: Option<UserId>,
    /// What was done: CREATE, UPDATE, DELETE and the like.
    pub action: String,
    /// The table changed, with its schema.
    pub target_table: String,
    /// The row's key.
    pub target_id: Option<String>,
    /// The row before; null for a creation.
    pub before: Option<Value>,
    /// The row after; null for a deletion.
    pub after: Option<Value>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The address that the request came from.
    pub ip_address: Option<String>,
    /// The request's id, as in the response and the log.
    pub request_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What authors keep to themselves until it is released, or for good, by the fields of snapshots.
const OF_AUTHORS: [&str; 7] = [
    "generation_script",
    "checker_script",
    "hints",
    "description",
    "part_descriptions",
    "translations",
    "text",
];
/// Whose snapshots hold such fields.
const AUTHORED: [&str; 2] = ["challenges.", "campaigns."];

impl Entry {
    /// The entry without what only authors may see: that a field was changed stays, how does not.
    #[must_use]
    pub fn without_authors_secrets(mut self) -> Self {
        if AUTHORED.iter().any(|schema| self.target_table.starts_with(schema)) {
            self.before.iter_mut().chain(&mut self.after).for_each(hide);
        }
        self
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if OF_AUTHORS.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::from("(for authors)");
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide),
        _ => {}
    }
}

/// An actor to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorFilter {
    kind: &'static str,
    user: Option<i64>,
    id: Option<Uuid>,
}

impl FromStr for ActorFilter {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::field("actor", "must be user:<id>, key:<id>, admin:<id>, cli or system");
        let (kind, id) = text.split_once(':').map_or((text, None), |(kind, id)| (kind, Some(id)));
        let uuid = || id.and_then(|id| id.parse().ok()).map(Some).ok_or_else(wrong);
        Ok(match (kind, id) {
            ("cli", None) => Self { kind: "cli", user: None, id: None },
            ("system", None) => Self { kind: "system", user: None, id: None },
            ("user", Some(id)) => {
                Self { kind: "user", user: Some(id.parse::<UserId>().map_err(|_| wrong())?.get()), id: None }
            }
            ("key", _) => Self { kind: "api_key", user: None, id: uuid()? },
            ("admin", _) => Self { kind: "admin_user", user: None, id: uuid()? },
            _ => return Err(wrong()),
        })
    }
}

/// Which entries to look for; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Who.
    pub actor: Option<ActorFilter>,
    /// What was done.
    pub action: Option<String>,
    /// To which table.
    pub target_table: Option<String>,
    /// To which row.
    pub target_id: Option<String>,
    /// From when on.
    pub since: Option<DateTime<Utc>>,
    /// Before when.
    pub until: Option<DateTime<Utc>>,
}

struct EntryRow {
    id: i32,
    actor_kind: String,
    actor_id: Option<UserId>,
    api_key_id: Option<Uuid>,
    admin_user_id: Option<Uuid>,
    action_type: String,
    target_table: String,
    target_id: Option<String>,
    before_snapshot: Option<Value>,
    after_snapshot: Option<Value>,
    ip_address: Option<String>,
    request_id: Option<String>,
    reason: Option<String>,
    timestamp: DateTime<Utc>,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        let actor = match (row.actor_kind.as_str(), row.actor_id, row.api_key_id, row.admin_user_id) {
            ("user", Some(user), ..) => format!("user:{user}"),
            ("api_key", _, Some(key), _) => format!("key:{key}"),
            ("admin_user", .., Some(admin)) => format!("admin:{admin}"),
            (kind, ..) => kind.to_owned(),
        };
        Self {
            id: row.id,
            actor_kind: row.actor_kind,
            actor,
            actor_user_id: row.actor_id,
            action: row.action_type,
            target_table: row.target_table,
            target_id: row.target_id,
            before: row.before_snapshot,
            after: row.after_snapshot,
            reason: row.reason,
            ip_address: row.ip_address,
            request_id: row.request_id,
            at: row.timestamp,
        }
    }
}

/// Entries of a guild, or of the whole installation, newest first.
#[kernel::boxed]
pub async fn list(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    filter: &Filter,
    after: Option<i32>,
    limit: Limit,
) -> sqlx::Result<Page<Entry>> {
    let actor = filter.actor;
    let rows = sqlx::query_as!(
        EntryRow,
        r#"
        SELECT id, actor_kind, actor_id AS "actor_id: UserId", api_key_id, admin_user_id, action_type, target_table,
               target_id, before_snapshot, after_snapshot, ip_address, request_id, reason, "timestamp"
        FROM access.admin_log
        WHERE guild_id = $1
          AND ($2::integer IS NULL OR id < $2)
          AND ($3::text IS NULL OR actor_kind = $3)
          AND ($4::bigint IS NULL OR actor_id = $4)
          AND ($5::uuid IS NULL OR coalesce(api_key_id, admin_user_id) = $5)
          AND ($6::text IS NULL OR action_type = $6)
          AND ($7::text IS NULL OR target_table = $7)
          AND ($8::text IS NULL OR target_id = $8)
          AND ($9::timestamptz IS NULL OR "timestamp" >= $9)
          AND ($10::timestamptz IS NULL OR "timestamp" < $10)
        ORDER BY id DESC
        LIMIT $11
        "#,
        guild.map_or(0, GuildId::get),
        after,
        actor.map(|actor| actor.kind),
        actor.and_then(|actor| actor.user),
        actor.and_then(|actor| actor.id),
        filter.action.as_deref(),
        filter.target_table.as_deref(),
        filter.target_id.as_deref(),
        filter.since,
        filter.until,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::new(rows.into_iter().map(Entry::from).collect(), limit, |entry| entry.id))
}
