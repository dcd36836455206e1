//! What the faces call: each operation is a transaction. Changes of membership are `membership`'s.

use access::{AuditEntry, By, Origin, audit};
use kernel::text::Name;
use kernel::{GuildId, Page, PageQuery, Problem, SquadId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::membership::{self, Deed};
use crate::model::{Assignment, MembershipChange, NewSquad, Squad, SquadEdit, SquadMember};
use crate::{roles, rules, store};

/// Makes a squad. Audited.
#[kernel::boxed]
pub async fn squad_create(
    pool: &PgPool,
    guild: GuildId,
    squad: NewSquad,
    by: By<'_>,
    origin: &Origin,
) -> Result<Squad, Error> {
    let squad = rules::check_new(squad)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        original(&mut tx, guild, &squad.name).await?;
        let id = store::squad_insert(&mut tx, guild, &squad).await?;
        let made = store::squad_get(&mut tx, guild, id).await?.ok_or(Error::UnknownSquad(id))?;
        let mut entry = entry(guild, by, "CREATE", id, origin);
        entry.after = Some(json!(made));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Refuses a name that imitates those who run the guild.
async fn original(conn: &mut PgConnection, guild: GuildId, name: &str) -> Result<(), Error> {
    let Ok(name) = Name::new(name, 100) else { return Ok(()) };
    match access::staff::imitated(conn, guild, &name, None).await? {
        Some(staff) => Err(Error::Field("name", format!("looks like “{staff}” and is written otherwise"))),
        None => Ok(()),
    }
}

/// Changes an active squad; what the edit leaves out stays. A lower `max_members` sends nobody away. Audited.
#[kernel::boxed]
pub async fn squad_update(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    edit: SquadEdit,
    by: By<'_>,
    origin: &Origin,
) -> Result<Squad, Error> {
    let edit = rules::check_edit(edit)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::squad_lock(&mut tx, guild, squad).await?.0;
        if !before.is_active {
            return Err(Error::Retired);
        }
        if let Some(name) = edit.name.as_deref().filter(|name| *name != before.name) {
            original(&mut tx, guild, name).await?;
        }
        store::squad_update(&mut tx, guild, squad, &edit).await?;
        let after = store::squad_get(&mut tx, guild, squad).await?.ok_or(Error::UnknownSquad(squad))?;
        if after.role_id != before.role_id {
            let members = store::squad_members(&mut tx, guild, &[squad]).await?;
            let users: Vec<UserId> = members.into_iter().map(|member| member.user_id).collect();
            roles::follow(&mut tx, guild, &users, before.role_id, after.role_id).await?;
        }
        if after != before {
            let mut entry = entry(guild, by, "UPDATE", squad, origin);
            entry.before = Some(json!(before));
            entry.after = Some(json!(after));
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Retires a squad: its members are in none then, and join their next one free; its history stays. Refused while it
/// takes part in a running campaign that forbids changes. Retiring it again changes nothing. Audited.
#[kernel::boxed]
pub async fn squad_deactivate(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    by: By<'_>,
    origin: &Origin,
) -> Result<Squad, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::guild_share(&mut tx, guild).await?;
        let locked = store::squad_lock(&mut tx, guild, squad).await?;
        if !locked.0.is_active {
            return Ok(locked.0);
        }
        if let Some(campaign) = store::locking_campaign(&mut tx, guild, &[squad]).await? {
            return Err(Error::Locked(campaign));
        }
        membership::release_all(&mut tx, &locked, member_of(by)).await?;
        store::squad_retire(&mut tx, guild, squad).await?;
        let after = store::squad_get(&mut tx, guild, squad).await?.ok_or(Error::UnknownSquad(squad))?;
        let mut entry = entry(guild, by, "DELETE", squad, origin);
        entry.before = Some(json!(locked.0));
        entry.after = Some(json!(after));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// A squad of the guild, active or retired.
pub async fn squad_get(pool: &PgPool, guild: GuildId, squad: SquadId) -> Result<Squad, Error> {
    let mut conn = db::acquire(pool).await?;
    store::squad_get(&mut conn, guild, squad).await?.ok_or(Error::UnknownSquad(squad))
}

/// A page of the guild's squads in the order of their making; retired ones only when asked for.
#[kernel::boxed]
pub async fn squad_list(
    pool: &PgPool,
    guild: GuildId,
    with_retired: bool,
    page: &PageQuery,
) -> Result<Page<Squad>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let squads = store::squad_list(&mut conn, guild, with_retired, after, limit).await?;
    Ok(Page::new(squads, limit, |squad| squad.id))
}

/// A page of a squad's members by id.
pub async fn member_list(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    page: &PageQuery,
) -> Result<Page<SquadMember>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    store::squad_get(&mut conn, guild, squad).await?.ok_or(Error::UnknownSquad(squad))?;
    let members = store::member_list(&mut conn, guild, squad, after, limit).await?;
    Ok(Page::new(members, limit, |member| member.user_id))
}

/// A member joins a squad: free the first time, and after a removal; else for the squad's switch cost.
#[kernel::boxed]
pub async fn squad_join(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    squad: SquadId,
) -> Result<MembershipChange, Error> {
    change(pool, guild, user, Deed::Join(squad)).await
}

/// A member moves to another squad, for its switch cost.
#[kernel::boxed]
pub async fn squad_move(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    squad: SquadId,
) -> Result<MembershipChange, Error> {
    change(pool, guild, user, Deed::Move(squad)).await
}

/// A member leaves their squad.
#[kernel::boxed]
pub async fn squad_leave(pool: &PgPool, guild: GuildId, user: UserId) -> Result<MembershipChange, Error> {
    change(pool, guild, user, Deed::Leave).await
}

/// An administrator puts a member into a squad, from another one or none, for nothing. There must be room; and, unless it
/// is forced, no running campaign that holds either squad together. Audited.
#[kernel::boxed]
pub async fn member_assign(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    assignment: &Assignment,
    by: By<'_>,
    origin: &Origin,
) -> Result<MembershipChange, Error> {
    let user = assignment.user_id;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let deed = Deed::Assign { to: squad, actor: member_of(by), force: assignment.force };
        let change = membership::change(&mut tx, guild, user, deed).await?;
        let action = if change.from_squad_id.is_some() { "UPDATE" } else { "CREATE" };
        let mut entry =
            AuditEntry::new(Some(guild), by, action, "squads.squad_memberships", user.to_string())
                .from(origin);
        entry.before = change.from_squad_id.map(|from| json!({ "user_id": user, "squad_id": from }));
        entry.after = Some(json!({ "user_id": user, "squad_id": squad, "force": assignment.force }));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(change)
    })
    .await
}

/// An administrator takes a member out of a squad, also while a campaign runs. Audited.
#[kernel::boxed]
pub async fn member_remove(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    user: UserId,
    by: By<'_>,
    origin: &Origin,
) -> Result<MembershipChange, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let deed = Deed::Remove { from: squad, actor: member_of(by) };
        let change = membership::change(&mut tx, guild, user, deed).await?;
        let mut entry =
            AuditEntry::new(Some(guild), by, "DELETE", "squads.squad_memberships", user.to_string())
                .from(origin);
        entry.before = Some(json!({ "user_id": user, "squad_id": squad }));
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(change)
    })
    .await
}

async fn change(pool: &PgPool, guild: GuildId, user: UserId, deed: Deed) -> Result<MembershipChange, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let change = membership::change(&mut tx, guild, user, deed).await?;
        tx.commit().await?;
        Ok(change)
    })
    .await
}

fn entry<'a>(
    guild: GuildId,
    by: By<'a>,
    action: &'a str,
    squad: SquadId,
    origin: &'a Origin,
) -> AuditEntry<'a> {
    AuditEntry::new(Some(guild), by, action, "squads.squads", squad.to_string()).from(origin)
}

/// The member an administrator acts as, where their key is bound to one.
fn member_of(by: By<'_>) -> Option<UserId> {
    match by {
        By::Key(actor) => actor.user,
        By::Cli | By::System => None,
    }
}
