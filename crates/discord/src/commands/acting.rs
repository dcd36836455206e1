//! What somebody may do here: by the roles that they were granted, those that Discord's confer, and by managing the server.

use std::sync::Arc;

use access::actor::{Bearer, Person, Session};
use access::role::Role;
use access::roles::{grant_list, mapping_list};
use access::{Actor, Scopes};
use kernel::{GuildId, Limit, Problem, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::interactions::model::Member;
use crate::settings::snowflake;

/// Discord's permissions by which somebody runs a server: administrator, and manage server.
const RUNS: u64 = (1 << 3) | (1 << 5);

/// Who calls, as operations know them. Discord itself says who it is, and which roles they have this very moment.
pub(super) async fn acting(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    member: &Member,
) -> Result<Actor, Problem> {
    let mut roles = vec![Role::Member];
    if member.permissions.parse::<u64>().is_ok_and(|bits| bits & RUNS != 0) {
        roles.push(Role::Admin);
    }
    let now = db::now(&mut *conn).await?;
    let grants = grant_list(conn, guild, Some(user), None, None, Limit::new(None)?).await?;
    // What was read from Discord at a sign-in may be out of date: Discord says it anew with every interaction.
    let granted = grants.items.iter().filter(|grant| grant.source != "discord");
    for grant in granted.filter(|grant| grant.expires_at.is_none_or(|at| at > now)) {
        roles.push(Role::named(&grant.role)?);
    }
    let held: Vec<i64> = member.roles.iter().filter_map(|role| snowflake(role)).collect();
    for mapping in mapping_list(conn, guild).await? {
        if held.contains(&mapping.discord_role_id) {
            roles.push(Role::named(&mapping.role)?);
        }
    }
    roles.sort_unstable();
    roles.dedup();
    let scopes: Scopes = Role::scopes_of(roles.iter().copied());
    let session = Session {
        operator: false,
        id: Uuid::nil(),
        person: Person::User(user),
        csrf_hash: [0; 32],
        roles: roles.into_iter().map(|role| (guild, role)).collect(),
        discord_age: Some(0),
    };
    Ok(Actor { bearer: Bearer::Session(Arc::new(session)), guild: Some(guild), user: Some(user), scopes })
}
