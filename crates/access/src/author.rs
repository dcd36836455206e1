//! Who makes a change, for the audit log.

use kernel::{GuildId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{AuditEntry, By, Origin, audit};

/// Who makes a change and from where: what every operation of an administrator takes along.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// Who.
    pub by: By<'a>,
    /// From where.
    pub origin: &'a Origin,
}

impl<'a> Author<'a> {
    /// Somebody, from somewhere.
    pub fn new(by: By<'a>, origin: &'a Origin) -> Self {
        Self { by, origin }
    }

    /// The member an administrator acts as, where their key is bound to one.
    pub fn member(&self) -> Option<UserId> {
        match self.by {
            By::Key(actor) => actor.user,
            By::Cli | By::System => None,
        }
    }
}

/// A change to be written to the audit log.
#[derive(Debug)]
pub struct Deed<'a> {
    action: &'a str,
    table: &'a str,
    id: String,
    before: Option<Value>,
    after: Option<Value>,
    reason: Option<&'a str>,
}

impl<'a> Deed<'a> {
    /// Something was done to the row of `table` with this id.
    pub fn new(action: &'a str, table: &'a str, id: impl Into<String>) -> Self {
        Self { action, table, id: id.into(), before: None, after: None, reason: None }
    }

    /// How it was before.
    #[must_use]
    pub fn before(mut self, row: impl Serialize) -> Self {
        self.before = Some(json!(row));
        self
    }

    /// How it is now.
    #[must_use]
    pub fn after(mut self, row: impl Serialize) -> Self {
        self.after = Some(json!(row));
        self
    }

    /// Why, in the administrator's words.
    #[must_use]
    pub fn because(mut self, reason: Option<&'a str>) -> Self {
        self.reason = reason;
        self
    }

    /// Writes it, in the transaction of the change.
    #[kernel::boxed]
    pub async fn record(
        self,
        conn: &mut PgConnection,
        guild: GuildId,
        author: Author<'_>,
    ) -> sqlx::Result<()> {
        let mut entry =
            AuditEntry::new(Some(guild), author.by, self.action, self.table, self.id).from(author.origin);
        entry.before = self.before;
        entry.after = self.after;
        entry.reason = self.reason;
        audit::record(conn, &entry).await
    }
}
