//! SQL over who is in which squad, and the journal of it.

use chrono::{DateTime, Utc};
use kernel::{Bytes, GuildId, Limit, SquadId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::LockedSquad;
use crate::error::Error;
use crate::model::SquadMember;
use crate::rules::LastDeparture;

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
                  coalesce(k.name, s.user_id::text) AS "name!", s.joined_at
             FROM squads.squad_memberships s
             LEFT JOIN people.known_as k ON k.guild_id = s.guild_id AND k.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.squad_id = ANY($2::uuid[])
            ORDER BY s.squad_id, s.user_id"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(members)
}

/// A page of a squad's members by id, one more than the page holds.
pub async fn member_list(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
    after: Option<UserId>,
    limit: Limit,
) -> Result<Vec<SquadMember>, Error> {
    let members = sqlx::query_as!(
        SquadMember,
        r#"SELECT s.squad_id AS "squad_id: SquadId", s.user_id AS "user_id: UserId",
                  coalesce(k.name, s.user_id::text) AS "name!", s.joined_at
             FROM squads.squad_memberships s
             LEFT JOIN people.known_as k ON k.guild_id = s.guild_id AND k.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.squad_id = $2 AND s.user_id > $3
            ORDER BY s.user_id LIMIT $4"#,
        guild.get(),
        squad.get(),
        after.map_or(0, UserId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(members)
}

/// Locks a member's membership and tells the squad they are in, if any.
pub(crate) async fn membership_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<SquadId>, Error> {
    let squad = sqlx::query_scalar!(
        r#"SELECT squad_id AS "squad_id: SquadId" FROM squads.squad_memberships
            WHERE guild_id = $1 AND user_id = $2 FOR UPDATE"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(squad)
}

/// How a member last left a squad, by the journal. Removals carry a reason, departures of one's own accord do not.
pub(crate) async fn last_departure(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<LastDeparture, Error> {
    let removed = sqlx::query_scalar!(
        r#"SELECT (action = 'leave' AND reason IS NOT NULL) AS "removed!" FROM squads.squad_membership_log
            WHERE guild_id = $1 AND user_id = $2
            ORDER BY occurred_at DESC, id DESC LIMIT 1"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(match removed {
        None => LastDeparture::Never,
        Some(true) => LastDeparture::Removed,
        Some(false) => LastDeparture::OwnAccord,
    })
}

/// A change of membership to be journaled.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) user: UserId,
    pub(crate) from: Option<SquadId>,
    pub(crate) to: Option<SquadId>,
    pub(crate) cost: Bytes,
    pub(crate) transaction: Option<Uuid>,
    /// Who did it, where it was not the member.
    pub(crate) actor: Option<UserId>,
    /// Why; always there where it was not the member's own doing.
    pub(crate) reason: Option<&'a str>,
}

/// Journals changes and answers with when they took effect: the clock now, not when the transaction began, because
/// whoever waited for a lock comes after whoever held it.
pub(crate) async fn journal(
    conn: &mut PgConnection,
    guild: GuildId,
    entries: &[Entry<'_>],
) -> Result<DateTime<Utc>, Error> {
    let users: Vec<i64> = entries.iter().map(|e| e.user.get()).collect();
    let from: Vec<Option<Uuid>> = entries.iter().map(|e| e.from.map(SquadId::get)).collect();
    let to: Vec<Option<Uuid>> = entries.iter().map(|e| e.to.map(SquadId::get)).collect();
    let costs: Vec<i64> = entries.iter().map(|e| e.cost.get()).collect();
    let transactions: Vec<Option<Uuid>> = entries.iter().map(|e| e.transaction).collect();
    let actors: Vec<Option<i64>> = entries.iter().map(|e| e.actor.map(UserId::get)).collect();
    let reasons: Vec<Option<&str>> = entries.iter().map(|e| e.reason).collect();
    let at = sqlx::query_scalar!(
        r#"WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS at), written AS (
               INSERT INTO squads.squad_membership_log (guild_id, user_id, action, from_squad_id, to_squad_id, cost,
                                                        transaction_id, actor_id, reason, occurred_at)
               SELECT $1, e.user_id, CASE WHEN e.from_id IS NULL THEN 'join' WHEN e.to_id IS NULL THEN 'leave' ELSE 'move' END,
                      e.from_id, e.to_id, e.cost, e.transaction_id, e.actor_id, e.reason, moment.at
                 FROM moment CROSS JOIN
                      unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::bigint[], $8::text[])
                      AS e (user_id, from_id, to_id, cost, transaction_id, actor_id, reason)
           )
           SELECT at AS "at!" FROM moment"#,
        guild.get(),
        &users,
        &from as &[Option<Uuid>],
        &to as &[Option<Uuid>],
        &costs,
        &transactions as &[Option<Uuid>],
        &actors as &[Option<i64>],
        &reasons as &[Option<&str>],
    )
    .fetch_one(conn)
    .await?;
    Ok(at)
}

/// Puts a member into a squad; refuses when somebody else's transaction put them into one meanwhile.
pub(crate) async fn membership_insert(
    conn: &mut PgConnection,
    squad: &LockedSquad,
    user: UserId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id, joined_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT pk_squad_memberships DO NOTHING",
        squad.0.guild_id.get(),
        user.get(),
        squad.0.id.get(),
        at,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::AlreadyInSquad) }
}

/// Moves a member, whose membership is locked, to another squad.
pub(crate) async fn membership_move(
    conn: &mut PgConnection,
    squad: &LockedSquad,
    user: UserId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE squads.squad_memberships SET squad_id = $3, joined_at = $4 WHERE guild_id = $1 AND user_id = $2",
        squad.0.guild_id.get(),
        user.get(),
        squad.0.id.get(),
        at,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Takes a member, whose membership is locked, out of their squad.
pub(crate) async fn membership_delete(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "DELETE FROM squads.squad_memberships WHERE guild_id = $1 AND user_id = $2",
        guild.get(),
        user.get(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Takes everybody out of a locked squad and says who that was, by id.
pub(crate) async fn memberships_clear(
    conn: &mut PgConnection,
    squad: &LockedSquad,
) -> Result<Vec<UserId>, Error> {
    let mut users = sqlx::query_scalar!(
        r#"DELETE FROM squads.squad_memberships WHERE guild_id = $1 AND squad_id = $2
           RETURNING user_id AS "user_id: UserId""#,
        squad.0.guild_id.get(),
        squad.0.id.get(),
    )
    .fetch_all(conn)
    .await?;
    users.sort_unstable();
    Ok(users)
}
