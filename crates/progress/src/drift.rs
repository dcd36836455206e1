//! Figures that are not what their journal says, and what auditing members' figures takes.

use access::author::{Author, Deed};
use access::weekly::Figure;
use kernel::{GuildId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

/// Figures that the audit log names one by one; beyond, their number must do.
const NAMED: usize = 200;

/// A figure that is not what the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member; none where it is a figure of the whole guild.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Which figure: xp, level, gold or stars; of a season, `season 3 season_xp` and so on; `counter message_create lifetime`; or of
    /// the guild, `day 2026-11-21 MESSAGE xp`.
    pub what: String,
    /// What is stored.
    pub stored: i64,
    /// What the journal, or the lake, adds up to.
    pub derived: i64,
}

impl Drift {
    /// In words that fit every slice.
    pub fn told(self) -> Figure {
        let what = match self.user_id {
            Some(user) => format!("{} of user {user}", self.what),
            None => self.what,
        };
        let (stored, derived) = (self.stored.to_string(), self.derived.to_string());
        Figure { guild_id: self.guild_id, what, stored, derived }
    }

    /// The member, as the database stores them.
    pub fn user(&self) -> Option<i64> {
        self.user_id.map(UserId::get)
    }
}

/// Notes in the audit log what was mended, in the same transaction as itself.
pub async fn on_record(
    conn: &mut PgConnection,
    guild: GuildId,
    mended: &[Drift],
    author: Author<'_>,
) -> Result<(), sqlx::Error> {
    if mended.is_empty() {
        return Ok(());
    }
    let figures = |figure: fn(&Drift) -> i64| {
        let named = mended.iter().take(NAMED);
        let named = named.map(|d| json!({ "user_id": d.user_id, "what": d.what, "is": figure(d) }));
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

/// The drift of one figure, column by column.
pub fn columns<'a>(drift: impl Iterator<Item = &'a Drift>) -> (Vec<i64>, Vec<i64>) {
    drift.filter_map(|drift| Some((drift.user()?, drift.derived))).unzip()
}
