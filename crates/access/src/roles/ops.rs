//! What the faces do with roles. Each takes a transaction's connection: a change and its entry in the audit log commit
//! together.

use chrono::{DateTime, Datelike as _, Utc};
use kernel::{GuildId, Limit, Page, Problem, UserId};
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Grant, Mapping};
use super::store;
use crate::actor::{By, Origin};
use crate::audit::{self, AuditEntry};
use crate::role::Role;
use crate::sessions::SessionPolicy;
use crate::settings::settings_read;

/// The most Discord roles that a guild may map.
const MAX_MAPPINGS: i64 = 100;

/// Why roles could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Nothing to take away.
    #[error("nobody has that role there")]
    NoGrant,
    /// Nothing to take away.
    #[error("that Discord role does not confer that role")]
    NoMapping,
    /// More than the one who grants may do.
    #[error("nobody grants what they may not do themselves: {0} may do more")]
    TooMuch(Role),
    /// An owner is one person's standing on Discord.
    #[error("a Discord role cannot confer `owner`")]
    NoOwners,
    /// Too many of them.
    #[error("a guild maps at most {MAX_MAPPINGS} Discord roles")]
    TooManyMappings,
    /// In the past, or too far away.
    #[error("`expires_at` must be in the future, before the year 10000")]
    Expired,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NoGrant => Self::not_found("role grant"),
            RoleError::NoMapping => Self::not_found("role mapping"),
            RoleError::TooMuch(_) => Self::forbidden(
                "Nobody grants or takes away a role that may do more than they may themselves.",
            ),
            RoleError::NoOwners => Self::field("role", "must not be `owner`: no Discord role makes an owner"),
            RoleError::TooManyMappings => Self::conflict(format!(
                "A guild maps at most {MAX_MAPPINGS} Discord roles; remove one first."
            )),
            RoleError::Expired => Self::field("expires_at", "must be in the future, before the year 10000"),
            RoleError::Database(error) => error.into(),
        }
    }
}

/// Refuses to hand out, or to take away, what the actor may not do.
fn may_grant(by: By<'_>, role: Role) -> Result<(), RoleError> {
    match by {
        By::Key(actor) if !actor.scopes.cover(role.scopes()) => Err(RoleError::TooMuch(role)),
        _ => Ok(()),
    }
}

/// Grants in a guild, by user and role; those that have lapsed too.
pub async fn grant_list(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    role: Option<Role>,
    after: Option<(i64, String)>,
    limit: Limit,
) -> Result<Page<Grant>, RoleError> {
    let rows = store::grants(conn, guild, user, role.map(Role::as_str), after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |grant| (grant.user_id.get(), grant.role.clone())))
}

/// Grants a role by hand; again, to change until when.
#[kernel::boxed]
pub async fn grant_put(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: GuildId,
    user: UserId,
    role: Role,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Grant, RoleError> {
    may_grant(by, role)?;
    if let Some(at) = expires_at
        && (!(1970..=9999).contains(&at.year()) || at <= db::now(conn).await?)
    {
        return Err(RoleError::Expired);
    }
    let granted_by = match by {
        By::Key(actor) => actor.user,
        By::Cli | By::System => None,
    };
    let before = store::grant(conn, guild, user, role.as_str()).await?;
    let after = store::put(conn, guild, user, role.as_str(), granted_by, expires_at).await?;
    if before.as_ref() != Some(&after) {
        let action = if before.is_some() { "UPDATE" } else { "CREATE" };
        let entry = AuditEntry {
            before: before.map(|grant| json!(grant)),
            after: Some(json!(after)),
            ..AuditEntry::new(Some(guild), by, action, "access.role_grants", format!("{user}:{role}"))
                .from(origin)
        };
        audit::record(conn, &entry).await?;
    }
    Ok(after)
}

/// Takes a role away; it stops counting within a second. One that follows Discord comes back at the next sign-in.
pub async fn grant_remove(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: GuildId,
    user: UserId,
    role: Role,
) -> Result<(), RoleError> {
    may_grant(by, role)?;
    let before = store::grant(conn, guild, user, role.as_str()).await?.ok_or(RoleError::NoGrant)?;
    store::remove(conn, guild, user, role.as_str()).await?;
    let entry = AuditEntry {
        before: Some(json!(before)),
        ..AuditEntry::new(Some(guild), by, "DELETE", "access.role_grants", format!("{user}:{role}"))
            .from(origin)
    };
    audit::record(conn, &entry).await?;
    Ok(())
}

/// Which Discord roles confer which of ours; at most 100.
pub async fn mapping_list(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Mapping>, RoleError> {
    Ok(store::mappings(conn, &[guild.get()]).await?)
}

/// Has a Discord role confer one of ours, from the next sign-in on.
pub async fn mapping_put(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: GuildId,
    discord_role: i64,
    role: Role,
) -> Result<(), RoleError> {
    if role == Role::Owner {
        return Err(RoleError::NoOwners);
    }
    may_grant(by, role)?;
    if store::map(conn, guild, discord_role, role.as_str()).await? {
        if store::count_mappings(conn, guild).await? > MAX_MAPPINGS {
            return Err(RoleError::TooManyMappings);
        }
        let entry = AuditEntry {
            after: Some(json!({ "discord_role_id": discord_role.to_string(), "role": role })),
            ..mapping_entry(guild, by, "CREATE", discord_role, role).from(origin)
        };
        audit::record(conn, &entry).await?;
    }
    Ok(())
}

/// Has a Discord role confer one of ours no more, from the next sign-in on.
pub async fn mapping_remove(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: GuildId,
    discord_role: i64,
    role: Role,
) -> Result<(), RoleError> {
    may_grant(by, role)?;
    if !store::unmap(conn, guild, discord_role, role.as_str()).await? {
        return Err(RoleError::NoMapping);
    }
    let entry = AuditEntry {
        before: Some(json!({ "discord_role_id": discord_role.to_string(), "role": role })),
        ..mapping_entry(guild, by, "DELETE", discord_role, role).from(origin)
    };
    audit::record(conn, &entry).await?;
    Ok(())
}

fn mapping_entry<'a>(
    guild: GuildId,
    by: By<'a>,
    action: &'static str,
    discord_role: i64,
    role: Role,
) -> AuditEntry<'a> {
    AuditEntry::new(Some(guild), by, action, "access.role_mappings", format!("{discord_role}:{role}"))
}

/// A role that Discord says somebody has.
pub(crate) struct FromDiscord {
    pub(crate) guild: GuildId,
    pub(crate) role: Role,
}

/// A mapping, of some guilds'.
pub(crate) struct MappingOf {
    pub(crate) guild: GuildId,
    pub(crate) discord_role: i64,
    pub(crate) role: Role,
}

/// What Discord roles confer in these guilds.
pub(crate) async fn mappings_of(
    conn: &mut PgConnection,
    guilds: &[GuildId],
) -> Result<Vec<MappingOf>, Problem> {
    let guilds: Vec<i64> = guilds.iter().map(|guild| guild.get()).collect();
    let mappings = store::mappings(conn, &guilds).await?;
    mappings
        .into_iter()
        .map(|mapping| {
            let role = Role::from_column(&mapping.role)?;
            Ok(MappingOf { guild: mapping.guild_id, discord_role: mapping.discord_role_id, role })
        })
        .collect()
}

/// Brings somebody's roles to what Discord says; what was granted by hand stays.
#[kernel::boxed]
pub(crate) async fn follow_discord(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    user: UserId,
    grants: &[FromDiscord],
) -> Result<(), Problem> {
    let policy: SessionPolicy = settings_read(conn, None).await?;
    let guilds: Vec<i64> = grants.iter().map(|grant| grant.guild.get()).collect();
    let roles: Vec<String> = grants.iter().map(|grant| grant.role.to_string()).collect();
    let changes = store::follow(conn, user, &guilds, &roles, policy.lifetime_hours).await?;
    for change in changes.iter().filter(|change| change.role != Role::Member.as_str()) {
        let snapshot = Some(json!({ "user_id": user, "role": change.role, "source": "discord" }));
        let (action, before, after) =
            if change.gained { ("CREATE", None, snapshot) } else { ("DELETE", snapshot, None) };
        let target = format!("{user}:{}", change.role);
        let guild = Some(GuildId::new(change.guild_id));
        let entry = AuditEntry {
            before,
            after,
            ..AuditEntry::new(guild, by, action, "access.role_grants", target).from(origin)
        };
        audit::record(conn, &entry).await?;
    }
    Ok(())
}
