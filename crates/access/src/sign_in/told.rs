//! What Discord says of somebody, and which of our roles follow from that.

use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::{GuildId, Problem};
use sqlx::PgPool;

use super::provider::{Leave, Membership, Oneself};
use crate::role::Role;
use crate::roles::{self, FromDiscord};

/// In how many guilds at most Discord is asked for somebody's roles.
const MAX_ASKED: usize = 20;

/// Which of some guilds are here: asked of the slice that keeps guilds.
pub type GuildsKnown =
    Arc<dyn Fn(Vec<GuildId>) -> BoxFuture<'static, sqlx::Result<Vec<GuildId>>> + Send + Sync>;

/// What Discord says: who somebody is, and which roles follow from that in guilds that are here.
#[kernel::boxed]
pub(super) async fn told_by(
    pool: &PgPool,
    leave: &Leave<'_>,
    known: &GuildsKnown,
) -> Result<(Oneself, Vec<FromDiscord>), Problem> {
    let (user, memberships) = (leave.user().await?, leave.guilds().await?);
    let here = known(memberships.iter().map(|membership| membership.guild_id).collect()).await?;
    let memberships: Vec<Membership> =
        memberships.into_iter().filter(|membership| here.contains(&membership.guild_id)).collect();
    let mapped = mapped_roles(pool, leave, &here).await?;
    let mut grants: Vec<FromDiscord> = memberships.iter().map(by_permissions).collect();
    grants.extend(mapped);
    Ok((user, grants))
}

fn by_permissions(membership: &Membership) -> FromDiscord {
    let role = if membership.owner {
        Role::Owner
    } else if membership.manages() {
        Role::Admin
    } else {
        Role::Member
    };
    FromDiscord { guild: membership.guild_id, role }
}

/// Roles that follow from Discord's, in guilds that map any.
async fn mapped_roles(
    pool: &PgPool,
    leave: &Leave<'_>,
    here: &[GuildId],
) -> Result<Vec<FromDiscord>, Problem> {
    let mut conn = db::acquire(pool).await?;
    let mappings = roles::mappings_of(&mut conn, here).await?;
    // Discord may take its time; nothing of ours is held meanwhile.
    drop(conn);
    let mut guilds: Vec<GuildId> = mappings.iter().map(|mapping| mapping.guild).collect();
    guilds.sort_unstable();
    guilds.dedup();
    let mut granted = Vec::new();
    for guild in guilds.into_iter().take(MAX_ASKED) {
        let held = leave.roles(guild).await?;
        let follows =
            mappings.iter().filter(|mapping| mapping.guild == guild && held.contains(&mapping.discord_role));
        granted.extend(follows.map(|mapping| FromDiscord { guild, role: mapping.role }));
    }
    Ok(granted)
}
