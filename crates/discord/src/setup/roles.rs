//! Discord's roles confer ours by what they permit there.

use std::collections::BTreeMap;

use access::Author;
use access::Role;
use access::roles::{RoleError, mapping_list, mapping_put, mapping_remove};
use kernel::{GuildId, Problem};
use sqlx::{PgConnection, PgPool};

use super::{Seen, store};

/// Brings the roles that Discord's confer in step, all at once.
#[kernel::boxed]
pub(super) async fn follow(
    pool: &PgPool,
    guild: GuildId,
    seen: &Seen,
    author: Author<'_>,
) -> Result<(), Problem> {
    let mut tx = db::begin(pool).await?;
    let mapped = mapping_list(&mut tx, guild).await?;
    let mapped = |discord: i64, role: &str| {
        mapped.iter().any(|one| one.discord_role_id == discord && one.role == role)
    };
    let noted = store::roles(&mut tx, guild).await?;
    let wanted: BTreeMap<i64, Role> =
        seen.roles.iter().filter_map(|role| Some((role.id.get(), role.confers()?))).collect();
    for (discord, role) in &noted {
        if wanted.get(discord).is_none_or(|wanted| wanted.as_str() != role) {
            take(&mut tx, guild, *discord, role, author).await?;
            store::role(&mut tx, guild, *discord, None).await?;
        }
    }
    for (discord, role) in &wanted {
        let is_noted = noted.get(discord).is_some_and(|noted| noted == role.as_str());
        // One that was mapped by hand is the administrator's own; one that was noted and is not mapped was taken by hand.
        if is_noted || mapped(*discord, role.as_str()) {
            continue;
        }
        match mapping_put(&mut tx, author.by, author.origin, guild, *discord, *role).await {
            Ok(()) => store::role(&mut tx, guild, *discord, Some(role.as_str())).await?,
            Err(RoleError::TooManyMappings) => {
                tracing::info!(%guild, "more roles administer or moderate than a guild may map");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
    // Ids are never given twice: what a role conferred that is gone, it confers to nobody.
    for gone in mapping_list(&mut tx, guild).await? {
        if seen.roles.iter().all(|role| role.id.get() != gone.discord_role_id)
            && gone.discord_role_id != guild.get()
        {
            take(&mut tx, guild, gone.discord_role_id, &gone.role, author).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Has a role confer one of ours no more, if it does.
async fn take(
    conn: &mut PgConnection,
    guild: GuildId,
    discord: i64,
    role: &str,
    author: Author<'_>,
) -> Result<(), Problem> {
    match mapping_remove(conn, author.by, author.origin, guild, discord, Role::named(role)?).await {
        Ok(()) | Err(RoleError::NoMapping) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
