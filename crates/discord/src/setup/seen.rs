//! What Discord has of a guild, as far as setting it up takes it. Pure.

use access::Role;
use kernel::{ChannelId, GuildId, RoleId};
use serde_json::Value;

use crate::settings::snowflake;

/// Administrator, and manage server.
const RUNS: u64 = (1 << 3) | (1 << 5);
/// Kick, ban, and time members out.
const MODERATES: u64 = (1 << 1) | (1 << 2) | (1 << 40);
/// A channel that holds others.
const CATEGORY: u64 = 4;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenRole {
    pub(crate) id: RoleId,
    pub(crate) position: i64,
    pub(crate) permissions: u64,
    /// Whether it is a bot's or boosters': nobody gives or takes it.
    pub(crate) managed: bool,
}

impl SeenRole {
    /// Which of ours it stands for.
    pub(super) fn confers(&self) -> Option<Role> {
        match self.permissions {
            _ if self.managed => None,
            bits if bits & RUNS != 0 => Some(Role::Admin),
            bits if bits & MODERATES != 0 => Some(Role::Moderator),
            _ => None,
        }
    }
}

/// A guild.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    /// What everybody may do.
    pub(crate) everybody: u64,
    /// Roles besides everybody's.
    pub(crate) roles: Vec<SeenRole>,
    /// Categories with their names, as they stand there.
    pub(crate) categories: Vec<(ChannelId, String)>,
    /// Channels, each with the category that it is in.
    pub(crate) channels: Vec<(ChannelId, Option<ChannelId>)>,
}

fn id(value: &Value) -> Option<i64> {
    value.as_str().and_then(snowflake)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Seen {
    /// Of Discord's own description of a guild and of its channels.
    pub(super) fn of(guild: GuildId, whole: &Value, channels: &Value) -> Self {
        let mut seen =
            Self { name: whole["name"].as_str().unwrap_or_default().to_owned(), ..Self::default() };
        for role in list(&whole["roles"]) {
            let permissions = role["permissions"].as_str().and_then(|bits| bits.parse().ok()).unwrap_or(0);
            match id(&role["id"]) {
                Some(id) if id == guild.get() => seen.everybody = permissions,
                Some(id) => seen.roles.push(SeenRole {
                    id: RoleId::new(id),
                    position: role["position"].as_i64().unwrap_or(0),
                    permissions,
                    managed: role["managed"] == true,
                }),
                None => {}
            }
        }
        let mut all: Vec<&Value> = list(channels).collect();
        all.sort_by_key(|channel| (channel["position"].as_i64(), id(&channel["id"])));
        for channel in all {
            let Some(own) = id(&channel["id"]).map(ChannelId::new) else { continue };
            if channel["type"].as_u64() == Some(CATEGORY) {
                seen.categories.push((own, channel["name"].as_str().unwrap_or_default().to_owned()));
            } else {
                seen.channels.push((own, id(&channel["parent_id"]).map(ChannelId::new)));
            }
        }
        seen
    }

    pub(crate) fn has_channel(&self, channel: ChannelId) -> bool {
        self.channels.iter().any(|(known, _)| *known == channel)
    }

    /// What somebody with these roles may do, and how high they stand.
    pub(crate) fn powers(&self, held: &[RoleId]) -> (u64, i64) {
        let held = self.roles.iter().filter(|role| held.contains(&role.id));
        held.fold((self.everybody, 0), |(bits, place), role| {
            (bits | role.permissions, place.max(role.position))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_guild_is_read_from_what_discord_says_of_it() {
        let role = |id: &str, permissions: u64, managed: bool| json!({ "id": id, "permissions": permissions.to_string(), "position": 2, "managed": managed });
        let guild = json!({ "name": "The hall", "roles": [
            role("1", 1 << 10, false), role("60", 1 << 5, false), role("61", 1 << 40, false), role("62", 8, true), role("63", 0, false),
        ] });
        let channels = json!([
            { "id": "50", "type": 0, "parent_id": "40", "position": 1 }, { "id": "41", "type": 4, "name": "Voices", "position": 1 },
            { "id": "40", "type": 4, "name": "Talk", "position": 0 }, { "id": "51", "type": 15, "parent_id": null, "position": 0 },
        ]);
        let seen = Seen::of(GuildId::new(1), &guild, &channels);
        assert_eq!((seen.name.as_str(), seen.everybody), ("The hall", 1 << 10));
        let confers: Vec<Option<Role>> = seen.roles.iter().map(SeenRole::confers).collect();
        assert_eq!(confers, [Some(Role::Admin), Some(Role::Moderator), None, None]);
        let named: Vec<&str> = seen.categories.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(named, ["Talk", "Voices"]);
        let channel = ChannelId::new;
        assert_eq!(seen.channels, [(channel(51), None), (channel(50), Some(channel(40)))]);
        assert_eq!(seen.powers(&[RoleId::new(61)]), ((1 << 10) | (1 << 40), 2));
        assert_eq!(Seen::of(GuildId::new(1), &Value::Null, &Value::Null), Seen::default());
    }
}
