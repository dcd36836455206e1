//! What the bot lacks on a server.

use kernel::{GuildId, Problem, RoleId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Seen;
use crate::bot::Bot;
use crate::commands::all;
use crate::sender::{Method, Request};
use crate::settings::snowflake;
use crate::sync::PATIENCE;

/// Discord's permissions that the bot works by: bit, and what Discord calls it.
const NEEDED: [(u32, &str); 10] = [
    (10, "View Channels"),
    (11, "Send Messages"),
    (28, "Manage Roles"),
    (1, "Kick Members"),
    (2, "Ban Members"),
    (40, "Moderate Members"),
    (13, "Manage Messages"),
    (16, "Read Message History"),
    (34, "Manage Threads"),
    (7, "View Audit Log"),
];
const ADMINISTRATOR: u64 = 1 << 3;

/// What the bot lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// Permissions, as Discord calls them.
    pub(crate) lacks: Vec<String>,
    /// Roles of squads that it stands below, and so cannot give.
    pub(crate) above: Vec<RoleId>,
}

impl Missing {
    /// As it was noted.
    pub(super) fn read(noted: Value) -> Self {
        serde_json::from_value(noted).unwrap_or_default()
    }
}

/// What the bot lacks on a server. Where Discord does not tell, nothing: what takes a permission says so when it comes to it.
pub(super) async fn missing(bot: &Bot, guild: GuildId, seen: &Seen) -> Result<Missing, Problem> {
    let own = UserId::new(bot.sender().application_id());
    let request = Request::new(Method::GET, format!("/guilds/{guild}/members/{own}")).within(PATIENCE);
    let Ok(member) = bot.sender().send(&request).await else { return Ok(Missing::default()) };
    let held = member.body["roles"].as_array().into_iter().flatten();
    let held: Vec<RoleId> = held.filter_map(Value::as_str).filter_map(snowflake).map(RoleId::new).collect();
    let (bits, place) = seen.powers(&held);
    let needed = NEEDED.iter().filter(|(bit, _)| bits & (ADMINISTRATOR | 1 << bit) == 0);
    let lacks = needed.map(|(_, name)| (*name).to_owned()).collect();
    let pool = bot.app().pool();
    let squads = all(|page| async move { squads::ops::squad_list(pool, guild, false, &page).await }).await?;
    let is_above = |role: &RoleId| seen.roles.iter().any(|one| one.id == *role && one.position >= place);
    let above = squads.iter().filter_map(|squad| squad.role_id).filter(is_above).collect();
    Ok(Missing { lacks, above })
}
