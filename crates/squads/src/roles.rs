//! Discord's roles follow membership: whoever is in a squad is to have its role, and nobody else.
//!
//! Wishes are written in the transaction of the change, and announced until Discord is known to have them: see
//! [`people::roles`]. [`reconcile`] compares all of them with the memberships; [`observe`] takes down what Discord really
//! has, and has a squad's role taken from who was given it by hand.

use std::collections::BTreeMap;

use kernel::{GuildId, RoleId, SquadId, UserId};
use people::roles::{self, RoleWish, Span};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;

/// The cause under which the roles are wanted.
const CAUSE: &str = "squad";
/// Wishes mended in one transaction.
const AT_ONCE: i64 = 2_000;

/// What Discord has of a member's roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservedRoles {
    /// All roles that the member has there, at most 250.
    #[schema(max_items = 250)]
    pub role_ids: Vec<RoleId>,
}

/// What came of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RolesReconciled {
    /// Roles that are to be given or taken away anew.
    pub reopened: u64,
}

/// Has these members' roles follow from one squad to another.
pub(crate) async fn follow(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
    from: Option<RoleId>,
    to: Option<RoleId>,
) -> sqlx::Result<()> {
    if from == to {
        return Ok(());
    }
    let sides = [(from, false), (to, true)];
    let wishes: Vec<RoleWish> = sides
        .into_iter()
        .filter_map(|(role, wanted)| role.map(|role_id| (role_id, wanted)))
        .flat_map(|(role_id, wanted)| {
            users.iter().map(move |user_id| RoleWish { user_id: *user_id, role_id, wanted })
        })
        .collect();
    roles::roles_set(conn, guild, CAUSE, &wishes).await?;
    Ok(())
}

/// The role of a squad, if it has one.
pub(crate) async fn role_of(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> sqlx::Result<Option<RoleId>> {
    let role = sqlx::query_scalar!(
        r#"SELECT role_id AS "role_id: RoleId" FROM squads.squads WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        squad.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(role.flatten())
}

/// Compares what is wished for with who is in which squad, of these members, and mends a part of what differs. Tells
/// how many wishes it mended, so that it is to be called again while that is much. The span is said of every table: else all of each is
/// read.
#[kernel::boxed]
pub async fn reconcile(conn: &mut PgConnection, span: &Span) -> sqlx::Result<u64> {
    // Who is in a squad is held there until the wish is written.
    let missing = sqlx::query!(
        r#"SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id: UserId", s.role_id AS "role_id!: RoleId"
             FROM squads.squad_memberships m
             JOIN squads.squads s ON s.guild_id = m.guild_id AND s.id = m.squad_id AND s.role_id IS NOT NULL
            WHERE (m.guild_id, m.user_id) > ($3, $4) AND (m.guild_id, m.user_id) <= ($5, $6)
              AND NOT EXISTS (SELECT FROM people.member_roles r
                               WHERE r.guild_id = m.guild_id AND r.user_id = m.user_id AND r.role_id = s.role_id
                                 AND (r.guild_id, r.user_id) > ($3, $4) AND (r.guild_id, r.user_id) <= ($5, $6)
                                 AND $1 = ANY (r.causes))
            ORDER BY m.guild_id, m.user_id LIMIT $2 FOR SHARE OF m"#,
        CAUSE,
        AT_ONCE,
        span.after.0,
        span.after.1,
        span.until.0,
        span.until.1,
    )
    .fetch_all(&mut *conn)
    .await?;
    let stale = sqlx::query!(
        r#"SELECT r.guild_id AS "guild_id: GuildId", r.user_id AS "user_id: UserId", r.role_id AS "role_id: RoleId"
             FROM people.member_roles r
            WHERE (r.guild_id, r.user_id) > ($3, $4) AND (r.guild_id, r.user_id) <= ($5, $6) AND $1 = ANY (r.causes)
              AND NOT EXISTS (SELECT FROM squads.squad_memberships m
                                JOIN squads.squads s ON s.guild_id = m.guild_id AND s.id = m.squad_id
                               WHERE m.guild_id = r.guild_id AND m.user_id = r.user_id AND s.role_id = r.role_id
                                 AND (m.guild_id, m.user_id) > ($3, $4) AND (m.guild_id, m.user_id) <= ($5, $6))
            ORDER BY r.guild_id, r.user_id, r.role_id LIMIT $2"#,
        CAUSE,
        AT_ONCE,
        span.after.0,
        span.after.1,
        span.until.0,
        span.until.1,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut wishes: BTreeMap<GuildId, Vec<RoleWish>> = BTreeMap::new();
    for row in missing {
        let wish = RoleWish { user_id: row.user_id, role_id: row.role_id, wanted: true };
        wishes.entry(row.guild_id).or_default().push(wish);
    }
    for row in stale {
        let wish = RoleWish { user_id: row.user_id, role_id: row.role_id, wanted: false };
        wishes.entry(row.guild_id).or_default().push(wish);
    }
    let mended = wishes.values().map(|wishes| wishes.len() as u64).sum();
    for (guild, wishes) in wishes {
        roles::roles_set(conn, guild, CAUSE, &wishes).await?;
    }
    Ok(mended)
}

/// Takes down which roles a member has in Discord. Those of squads belong to their members and to nobody else; whatever
/// differs from what ought to be is announced anew.
#[kernel::boxed]
pub async fn observe(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    observed: &ObservedRoles,
) -> Result<RolesReconciled, Error> {
    if observed.role_ids.len() > 250 {
        return Err(Error::Field("role_ids", "must be at most 250 roles".into()));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::member_get(&mut tx, guild, user).await?.ok_or(people::Error::UnknownMember(user))?;
        let managed = sqlx::query_scalar!(
            r#"SELECT role_id AS "role_id!: RoleId" FROM squads.squads
                WHERE guild_id = $1 AND is_active AND role_id IS NOT NULL"#,
            guild.get(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let reopened = roles::observe(&mut tx, guild, user, &observed.role_ids, &managed).await?;
        tx.commit().await?;
        Ok(RolesReconciled { reopened })
    })
    .await
}
