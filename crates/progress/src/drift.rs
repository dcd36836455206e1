//! Figures that are not what their journal says, and what auditing members' figures takes.

use std::fmt::Display;

use access::author::{Author, Deed};
use access::weekly::Figure;
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::PgConnection;

/// Figures that the audit log names one by one; beyond, their number must do.
const NAMED: usize = 200;

/// A figure that is not what the journal says; an audit says by `F` which it looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift<F> {
    /// The guild.
    pub guild_id: GuildId,
    /// The member; none where it is a figure of the whole guild.
    pub user_id: Option<UserId>,
    /// Which figure; to people it is said as it is displayed.
    pub figure: F,
    /// What is stored.
    pub stored: i64,
    /// What the journal, or the lake, adds up to.
    pub derived: i64,
}

impl<F: Display> Drift<F> {
    /// In words that fit every slice.
    pub fn told(self) -> Figure {
        let what = match self.user_id {
            Some(user) => format!("{} of user {user}", self.figure),
            None => self.figure.to_string(),
        };
        let (stored, derived) = (self.stored.to_string(), self.derived.to_string());
        Figure { guild_id: self.guild_id, what, stored, derived }
    }
}

impl<F> Drift<F> {
    /// The member, as the database stores them.
    pub fn user(&self) -> Option<i64> {
        self.user_id.map(UserId::get)
    }
}

/// Notes in the audit log what was mended, in the same transaction as itself.
pub async fn on_record<F: Display>(
    conn: &mut PgConnection,
    guild: GuildId,
    mended: &[Drift<F>],
    author: Author<'_>,
) -> Result<(), sqlx::Error> {
    if mended.is_empty() {
        return Ok(());
    }
    let figures = |figure: fn(&Drift<F>) -> i64| {
        let named = mended.iter().take(NAMED);
        let named =
            named.map(|d| json!({ "user_id": d.user_id, "what": d.figure.to_string(), "is": figure(d) }));
        json!({ "figures": mended.len(), "first": named.collect::<Vec<_>>() })
    };
    let deed = Deed::new("REPAIR", "people.members", guild.to_string());
    let deed = deed.before(figures(|drift| drift.stored)).after(figures(|drift| drift.derived));
    deed.record(conn, guild, author).await
}

/// Journals are read from one end to the other, however long they are.
pub async fn unhurried(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('statement_timeout', '0', true)").fetch_one(conn).await?;
    Ok(())
}
