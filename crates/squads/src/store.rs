//! SQL over squads and memberships. Callers own the connection and the transaction.

use kernel::{GuildId, SquadId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{Squad, SquadMember};

/// The squad a member is in now, if any.
pub async fn squad_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<SquadId>, Error> {
    let squad = sqlx::query_scalar!(
        r#"SELECT squad_id AS "squad_id: SquadId" FROM squads.squad_memberships WHERE guild_id = $1 AND user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(squad)
}

/// Who is in these squads of the guild now, by squad and member.
pub async fn squad_members(
    conn: &mut PgConnection,
    guild: GuildId,
    squads: &[SquadId],
) -> Result<Vec<SquadMember>, Error> {
    let ids: Vec<uuid::Uuid> = squads.iter().map(|squad| squad.get()).collect();
    let members = sqlx::query_as!(
        SquadMember,
        r#"SELECT s.squad_id AS "squad_id: SquadId", s.user_id AS "user_id: UserId",
                  coalesce(m.display_name, u.discord_name, s.user_id::text) AS "name!", s.joined_at
             FROM squads.squad_memberships s
             LEFT JOIN community.users u ON u.id = s.user_id
             LEFT JOIN community.members m ON m.guild_id = s.guild_id AND m.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.squad_id = ANY($2::uuid[])
            ORDER BY s.squad_id, s.user_id"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(members)
}

/// The squad, active or retired, or `None` where the guild has no such one.
pub async fn squad_get(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> Result<Option<Squad>, Error> {
    let found = sqlx::query_as!(
        Squad,
        r#"SELECT s.id AS "id: SquadId", s.guild_id AS "guild_id: GuildId", s.name, s.description,
                  s.role_id AS "role_id: _", s.switch_cost::bigint AS "switch_cost!: _", s.max_members, s.is_active,
                  (SELECT count(*) FROM squads.squad_memberships m
                    WHERE m.guild_id = s.guild_id AND m.squad_id = s.id) AS "member_count!", s.created_at
             FROM squads.squads s
            WHERE s.guild_id = $1 AND s.id = $2"#,
        guild.get(),
        squad.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
