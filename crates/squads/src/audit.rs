//! Memberships re-derived from the journal.

use kernel::{GuildId, SquadId, UserId};
use serde::Serialize;
use sqlx::PgConnection;

use crate::error::Error;

/// A membership that is not what the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member.
    pub user_id: UserId,
    /// The squad they are in, by `squads.squad_memberships`.
    pub stored: Option<SquadId>,
    /// The squad they should be in, by their last row of `squads.squad_membership_log`.
    pub derived: Option<SquadId>,
}

/// All memberships that differ from what the journal says last, of one guild or of all; empty when all is well. One
/// statement, hence one snapshot: it may run while others write.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH last AS (
               SELECT DISTINCT ON (guild_id, user_id) guild_id, user_id, to_squad_id
                 FROM squads.squad_membership_log
                WHERE $1::bigint IS NULL OR guild_id = $1
                ORDER BY guild_id, user_id, occurred_at DESC, id DESC
           )
           SELECT guild_id AS "guild_id!: GuildId", user_id AS "user_id!: UserId", m.squad_id AS "stored?: SquadId",
                  l.to_squad_id AS "derived?: SquadId"
             FROM (SELECT * FROM squads.squad_memberships WHERE $1::bigint IS NULL OR guild_id = $1) m
             FULL JOIN last l USING (guild_id, user_id)
            WHERE m.squad_id IS DISTINCT FROM l.to_squad_id
            ORDER BY guild_id, user_id"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
