//! Changing who is in which squad. Every change goes the same way: the guild is kept from being repaired, the member's own
//! row is locked, then the squad they go to; the rules decide and name the price; then payment, journal, membership and event are written together.

use economy::{Kind, Posting, Reference};
use jobs::outbox;
use kernel::{Bytes, GuildId, SquadId, UserId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::model::MembershipChange;
use crate::roles;
use crate::rules;
use crate::store::{self, Entry, LockedSquad};

/// Why somebody's squad was changed by another, as the journal says it.
const ASSIGNED: &str = "put there by an administrator";
/// The same, when they were taken out.
const REMOVED: &str = "removed by an administrator";
/// The same, when their squad was retired.
const RETIRED: &str = "the squad was retired";

/// What is to happen to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// They join a squad, being in none.
    Join(SquadId),
    /// They move to a squad from another.
    Move(SquadId),
    /// They leave theirs.
    Leave,
    /// An administrator, who may be known as a member, puts them there, from another squad or none, for nothing. With
    /// `force` also while a campaign forbids it.
    Assign { to: SquadId, actor: Option<UserId>, force: bool },
    /// An administrator, who may be known as a member, takes them out of this one.
    Remove { from: SquadId, actor: Option<UserId> },
}

/// Changes a member's squad in the caller's transaction, or says why not.
#[kernel::boxed]
pub(crate) async fn change(
    tx: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    deed: Deed,
) -> Result<MembershipChange, Error> {
    store::guild_share(tx, guild).await?;
    let from = store::membership_lock(tx, guild, user).await?;
    let target = match deed {
        // What does not exist is said first, whatever else stands in the way.
        Deed::Join(to) if from.is_some() => {
            store::squad_get(tx, guild, to).await?.ok_or(Error::UnknownSquad(to))?;
            return Err(Error::AlreadyInSquad);
        }
        Deed::Move(to) if from.is_none() => {
            store::squad_get(tx, guild, to).await?.ok_or(Error::UnknownSquad(to))?;
            return Err(Error::NotInSquad);
        }
        Deed::Leave if from.is_none() => return Err(Error::NotInSquad),
        Deed::Move(to) | Deed::Assign { to, .. } if from == Some(to) => return Err(Error::SameSquad),
        Deed::Remove { from: named, .. } if from != Some(named) => {
            store::squad_get(tx, guild, named).await?.ok_or(Error::UnknownSquad(named))?;
            return Err(Error::NotInSquad);
        }
        Deed::Join(to) | Deed::Move(to) | Deed::Assign { to, .. } => Some(to),
        Deed::Leave | Deed::Remove { .. } => None,
    };
    // Neither of two squads may change while it plays; who was in none may still join.
    if let (Some(from), Deed::Move(_) | Deed::Leave | Deed::Assign { force: false, .. }) = (from, deed) {
        let squads: Vec<SquadId> = std::iter::once(from).chain(target).collect();
        if let Some(campaign) = store::locking_campaign(tx, guild, &squads).await? {
            return Err(Error::Locked(campaign));
        }
    }
    let left_role = match from {
        Some(from) => roles::role_of(tx, guild, from).await?,
        None => None,
    };

    let target = match target {
        Some(squad) => Some(admit(tx, guild, user, squad).await?),
        None => None,
    };
    let cost = match (&target, deed) {
        (Some(target), Deed::Move(_)) => rules::move_price(target.0.switch_cost),
        (Some(target), Deed::Join(_)) => {
            rules::join_price(target.0.switch_cost, store::last_departure(tx, guild, user).await?)
        }
        _ => Bytes::ZERO,
    };
    let (cost, transaction) = match &target {
        Some(target) => pay(tx, target, user, cost).await?,
        None => (Bytes::ZERO, None),
    };

    let to = target.as_ref().map(|target| target.0.id);
    let (actor, reason) = match deed {
        Deed::Remove { actor, .. } => (actor, Some(REMOVED)),
        Deed::Assign { actor, .. } => (actor, Some(ASSIGNED)),
        _ => (None, None),
    };
    let at = store::journal(tx, guild, &[Entry { user, from, to, cost, transaction, actor, reason }]).await?;
    match (&target, from) {
        (Some(target), None) => store::membership_insert(tx, target, user, at).await?,
        (Some(target), Some(_)) => store::membership_move(tx, target, user, at).await?,
        (None, _) => store::membership_delete(tx, guild, user).await?,
    }
    outbox::emit_one(tx, announcement(guild, user, from, to, cost)).await?;
    let role = target.as_ref().and_then(|target| target.0.role_id);
    roles::follow(tx, guild, &[user], left_role, role).await?;
    Ok(MembershipChange { user_id: user, from_squad_id: from, to_squad_id: to, cost, occurred_at: at })
}

/// Takes everybody out of a squad that is being retired.
pub(crate) async fn release_all(
    tx: &mut PgConnection,
    squad: &LockedSquad,
    actor: Option<UserId>,
) -> Result<(), Error> {
    let (guild, from) = (squad.0.guild_id, Some(squad.0.id));
    let users = store::memberships_clear(tx, squad).await?;
    let entries: Vec<Entry<'_>> = users
        .iter()
        .map(|user| Entry {
            user: *user,
            from,
            to: None,
            cost: Bytes::ZERO,
            transaction: None,
            actor,
            reason: Some(RETIRED),
        })
        .collect();
    store::journal(tx, guild, &entries).await?;
    let events: Vec<_> =
        users.iter().map(|user| announcement(guild, *user, from, None, Bytes::ZERO)).collect();
    outbox::emit(tx, &events).await?;
    Ok(roles::follow(tx, guild, &users, squad.0.role_id, None).await?)
}

/// Locks the squad that a member would go to, and lets them in: it is active, has room, and they are a member of the
/// guild and no bot.
async fn admit(
    tx: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    squad: SquadId,
) -> Result<LockedSquad, Error> {
    let member = people::member_get(tx, guild, user)
        .await?
        .filter(|member| member.left_at.is_none())
        .ok_or(people::Error::UnknownMember(user))?;
    if member.is_bot {
        return Err(Error::Bot);
    }
    let locked = store::squad_lock(tx, guild, squad).await?;
    if !locked.0.is_active {
        return Err(Error::Retired);
    }
    match locked.0.max_members {
        Some(max) if !rules::has_room(locked.0.member_count, Some(max)) => Err(Error::Full(max)),
        _ => Ok(locked),
    }
}

/// Pays for coming to a squad, unless it is free or the guild does not use bytes; answers with what was paid.
async fn pay(
    tx: &mut PgConnection,
    target: &LockedSquad,
    user: UserId,
    cost: Bytes,
) -> Result<(Bytes, Option<Uuid>), Error> {
    let guild_id = target.0.guild_id;
    if !cost.is_positive() || !economy::store::config_get(tx, guild_id).await?.is_enabled {
        return Ok((Bytes::ZERO, None));
    }
    let posting = Posting {
        guild_id,
        giver: user,
        receiver: UserId::HOUSE,
        amount: cost,
        kind: Kind::SquadSwitch,
        reason: None,
        reference: Some(Reference { kind: "squad", id: target.0.id.to_string() }),
        dedupe_key: None,
    };
    let posted = economy::post(tx, std::slice::from_ref(&posting)).await?;
    Ok((cost, posted.first().map(|posted| posted.id())))
}

/// The change, for everybody in the guild to hear, and for Discord's roles to follow.
fn announcement(
    guild_id: GuildId,
    user: UserId,
    from: Option<SquadId>,
    to: Option<SquadId>,
    cost: Bytes,
) -> outbox::Event {
    let event_type = match (from, to) {
        (None, _) => "squad.joined",
        (_, None) => "squad.left",
        _ => "squad.moved",
    };
    let squad = to.or(from).map_or_else(String::new, |squad| squad.to_string());
    outbox::Event {
        guild_id,
        event_type,
        subject: format!("squads/{squad}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "user_id": user, "from_squad_id": from, "to_squad_id": to, "cost": cost }),
    }
}
