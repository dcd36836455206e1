//! SQL over squads; over who is in them, see `memberships`. Callers own the connection and the transaction.

mod memberships;

use kernel::{GuildId, Limit, RoleId, SquadId};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) use memberships::{
    Entry, journal, last_departure, membership_delete, membership_insert, membership_lock, membership_move,
    memberships_clear,
};
pub use memberships::{member_list, squad_members, squad_of};

use crate::error::Error;
use crate::model::{NewSquad, Squad, SquadEdit};

/// The squad, active or retired, or `None` where the guild has no such one.
#[kernel::boxed]
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
                     JOIN people.members p ON p.guild_id = m.guild_id AND p.user_id = m.user_id AND p.left_at IS NULL
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

/// The guild's squads in the order of their making, retired ones only when asked for; one more than the page holds.
pub async fn squad_list(
    conn: &mut PgConnection,
    guild: GuildId,
    with_retired: bool,
    after: Option<SquadId>,
    limit: Limit,
) -> Result<Vec<Squad>, Error> {
    let squads = sqlx::query_as!(
        Squad,
        r#"SELECT s.id AS "id: SquadId", s.guild_id AS "guild_id: GuildId", s.name, s.description,
                  s.role_id AS "role_id: _", s.switch_cost::bigint AS "switch_cost!: _", s.max_members, s.is_active,
                  (SELECT count(*) FROM squads.squad_memberships m
                     JOIN people.members p ON p.guild_id = m.guild_id AND p.user_id = m.user_id AND p.left_at IS NULL
                    WHERE m.guild_id = s.guild_id AND m.squad_id = s.id) AS "member_count!", s.created_at
             FROM squads.squads s
            WHERE s.guild_id = $1 AND s.id > $2 AND (s.is_active OR $3)
            ORDER BY s.id LIMIT $4"#,
        guild.get(),
        after.map_or(Uuid::nil(), SquadId::get),
        with_retired,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(squads)
}

/// Makes a squad.
pub(crate) async fn squad_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: &NewSquad,
) -> Result<SquadId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO squads.squads (guild_id, name, description, role_id, switch_cost, max_members)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id AS "id: SquadId""#,
        guild.get(),
        squad.name,
        squad.description,
        squad.role_id.map(RoleId::get),
        squad.switch_cost,
        squad.max_members,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what an edit says of a squad.
pub(crate) async fn squad_update(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
    edit: &SquadEdit,
) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE squads.squads
              SET name = coalesce($3, name), switch_cost = coalesce($4, switch_cost),
                  description = CASE WHEN $5 THEN $6 ELSE description END,
                  role_id = CASE WHEN $7 THEN $8 ELSE role_id END,
                  max_members = CASE WHEN $9 THEN $10 ELSE max_members END
            WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        squad.get(),
        edit.name,
        edit.switch_cost,
        edit.description.is_some(),
        edit.description.clone().flatten(),
        edit.role_id.is_some(),
        edit.role_id.flatten().map(RoleId::get),
        edit.max_members.is_some(),
        edit.max_members.flatten(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Retires a squad. Its role is free for another one.
pub(crate) async fn squad_retire(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE squads.squads SET is_active = false, role_id = NULL WHERE guild_id = $1 AND id = $2 AND is_active",
        guild.get(),
        squad.get(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Waits while a guild's memberships are being repaired, and keeps a repair waiting until the transaction ends. The first lock
/// of whatever changes who is in which squad.
pub(crate) async fn guild_share(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('squads.memberships:' || $1::bigint, 0))",
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds off all changes of a guild's memberships until the transaction ends. Statements after this one see what was changed
/// before.
pub(crate) async fn guild_lock(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('squads.memberships:' || $1::bigint, 0))",
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Proof that a squad's row is locked until the transaction ends, so that nobody else joins it or changes its rules.
#[derive(Debug)]
pub(crate) struct LockedSquad(pub(crate) Squad);

/// Locks a squad against joining and editing, then reads it, members counted.
pub(crate) async fn squad_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> Result<LockedSquad, Error> {
    // FOR NO KEY UPDATE: memberships refer to the row, and their foreign keys must not wait for it. The squad is read
    // afterwards, by a statement of its own, because the count must see who joined while this one waited.
    sqlx::query!(
        "SELECT id FROM squads.squads WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        squad.get(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    squad_get(conn, guild, squad).await?.map(LockedSquad).ok_or(Error::UnknownSquad(squad))
}

/// The name of a running squad campaign in which one of these squads takes part and which does not let members change squads.
pub(crate) async fn locking_campaign(
    conn: &mut PgConnection,
    guild: GuildId,
    squads: &[SquadId],
) -> Result<Option<String>, Error> {
    let ids: Vec<Uuid> = squads.iter().map(|squad| squad.get()).collect();
    let name = sqlx::query_scalar!(
        r#"SELECT c.name FROM campaigns.campaigns c
            WHERE c.guild_id = $1 AND c.status = 'RUNNING' AND c.campaign_type = 'squad' AND NOT c.allow_squad_moves
              AND (EXISTS (SELECT FROM campaigns.campaign_participants p
                            WHERE p.guild_id = c.guild_id AND p.campaign_id = c.id AND p.participant_id = ANY ($2::uuid[]::text[]))
                   OR EXISTS (SELECT FROM campaigns.campaign_squad_rosters r
                               WHERE r.guild_id = c.guild_id AND r.campaign_id = c.id AND r.squad_id = ANY ($2::uuid[])))
            ORDER BY c.id LIMIT 1"#,
        guild.get(),
        &ids,
    )
    .fetch_optional(conn)
    .await?;
    Ok(name)
}
