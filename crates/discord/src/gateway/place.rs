//! What is known of a guild as far as judging takes it: who stands above whom, and what a channel is in. No member is kept.

use std::collections::HashMap;

use kernel::{ChannelId, GuildId, RoleId, UserId};
use moderation::model::Rank;
use serde_json::Value;

use super::events::{id, roles};

/// What is known of a guild.
#[derive(Debug, Default)]
pub(super) struct Place {
    owner: Option<UserId>,
    /// Of each role its place and its permissions.
    roles: HashMap<RoleId, (i32, u64)>,
    /// What each channel, and each thread that was seen, is in.
    parents: HashMap<ChannelId, Option<ChannelId>>,
    /// The bot's own roles.
    own: Option<Vec<RoleId>>,
}

impl Place {
    /// Whether Discord told of the guild as a whole.
    pub(super) fn is_known(&self) -> bool {
        self.owner.is_some()
    }

    /// Takes what an event says of it; `bot` is the bot's own id.
    pub(super) fn happened(&mut self, name: &str, data: &Value, bot: UserId) {
        match name {
            "GUILD_CREATE" if data["unavailable"] != true => self.guild(data, bot),
            "GUILD_UPDATE" => {
                self.owner = id(&data["owner_id"]).map(UserId::new).or(self.owner);
                self.roles(&data["roles"]);
            }
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => self.role(&data["role"]),
            "GUILD_ROLE_DELETE" => {
                if let Some(role) = id(&data["role_id"]) {
                    self.roles.remove(&RoleId::new(role));
                }
            }
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => self.channel(data),
            "CHANNEL_DELETE" | "THREAD_DELETE" => {
                if let Some(channel) = id(&data["id"]) {
                    self.parents.remove(&ChannelId::new(channel));
                }
            }
            "THREAD_LIST_SYNC" => self.channels(&data["threads"]),
            "GUILD_MEMBER_UPDATE" if id(&data["user"]["id"]) == Some(bot.get()) => {
                self.own = Some(roles(&data["roles"]));
            }
            _ => {}
        }
    }

    /// The guild as a whole, as `GUILD_CREATE` has it.
    fn guild(&mut self, data: &Value, bot: UserId) {
        *self = Self::default();
        self.owner = id(&data["owner_id"]).map(UserId::new);
        self.roles(&data["roles"]);
        self.channels(&data["channels"]);
        self.channels(&data["threads"]);
        let mut members = data["members"].as_array().into_iter().flatten();
        let own = members.find(|member| id(&member["user"]["id"]) == Some(bot.get()));
        self.own = own.map(|member| roles(&member["roles"]));
    }

    /// What Discord answered when it was asked: the guild, its channels, and the bot as a member.
    pub(super) fn asked(&mut self, guild: &Value, channels: &Value, own: &Value) {
        self.owner = id(&guild["owner_id"]).map(UserId::new);
        self.roles(&guild["roles"]);
        self.channels(channels);
        self.own = Some(roles(&own["roles"]));
    }

    fn roles(&mut self, list: &Value) {
        list.as_array().into_iter().flatten().for_each(|one| self.role(one));
    }

    fn role(&mut self, one: &Value) {
        let Some(role) = id(&one["id"]) else { return };
        let place = one["position"].as_i64().and_then(|place| i32::try_from(place).ok()).unwrap_or(0);
        let permissions = one["permissions"].as_str().and_then(|bits| bits.parse().ok()).unwrap_or(0);
        self.roles.insert(RoleId::new(role), (place, permissions));
    }

    fn channels(&mut self, list: &Value) {
        list.as_array().into_iter().flatten().for_each(|one| self.channel(one));
    }

    /// A channel, as events and answers have it.
    pub(super) fn channel(&mut self, one: &Value) {
        if let Some(channel) = id(&one["id"]) {
            self.parents.insert(ChannelId::new(channel), id(&one["parent_id"]).map(ChannelId::new));
        }
    }

    /// What a channel is in: for a thread its channel, and the category. `None` where that is not known.
    pub(super) fn parents(&self, channel: ChannelId) -> Option<Vec<ChannelId>> {
        let (mut parents, mut at) = (Vec::new(), channel);
        // A thread in a channel in a category: nothing stands deeper.
        for _ in 0..3 {
            match self.parents.get(&at)? {
                Some(parent) => {
                    parents.push(*parent);
                    at = *parent;
                }
                None => break,
            }
        }
        Some(parents)
    }

    /// What somebody with these roles may do.
    pub(super) fn rank(&self, guild: GuildId, user: UserId, held: &[RoleId]) -> Rank {
        let everybody = RoleId::new(guild.get());
        let known = held.iter().chain(std::iter::once(&everybody)).filter_map(|role| self.roles.get(role));
        let (position, permissions) = known.fold((0, 0), |(position, permissions), (place, bits)| {
            (position.max(*place), permissions | bits)
        });
        Rank { owner: self.owner == Some(user), position, permissions }
    }

    /// What the bot may do; `None` where that is not known.
    pub(super) fn own_rank(&self, guild: GuildId, bot: UserId) -> Option<Rank> {
        let own = self.own.as_ref().filter(|_| self.is_known())?;
        Some(self.rank(guild, bot, own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GUILD: GuildId = GuildId::new(1);
    const BOT: UserId = UserId::new(90);

    fn place() -> Place {
        let mut place = Place::default();
        let guild = json!({
            "id": "1", "owner_id": "9", "roles": [
                { "id": "1", "position": 0, "permissions": "1024" }, { "id": "60", "position": 3, "permissions": "8" },
                { "id": "61", "position": 5, "permissions": "4" },
            ],
            "channels": [{ "id": "40" }, { "id": "50", "parent_id": "40" }], "threads": [{ "id": "51", "parent_id": "50" }],
            "members": [{ "user": { "id": "7" }, "roles": ["60"] }, { "user": { "id": "90" }, "roles": ["61"] }],
        });
        place.happened("GUILD_CREATE", &guild, BOT);
        place
    }

    #[test]
    fn a_thread_is_in_its_channel_and_in_the_category() {
        let mut place = place();
        let parents = |place: &Place, id: i64| {
            place.parents(ChannelId::new(id)).map(|all| all.iter().map(|one| one.get()).collect::<Vec<_>>())
        };
        assert_eq!(parents(&place, 51), Some(vec![50, 40]));
        assert_eq!(parents(&place, 40), Some(vec![]));
        assert_eq!(parents(&place, 52), None);
        place.happened("THREAD_CREATE", &json!({ "id": "52", "parent_id": "50" }), BOT);
        place.happened("CHANNEL_UPDATE", &json!({ "id": "50", "parent_id": null }), BOT);
        assert_eq!(parents(&place, 52), Some(vec![50]));
        place.happened("CHANNEL_DELETE", &json!({ "id": "50" }), BOT);
        assert_eq!(parents(&place, 52), None);
    }

    #[test]
    fn ranks_follow_roles_and_ownership() {
        let mut place = place();
        let both = [RoleId::new(60), RoleId::new(61), RoleId::new(404)];
        let all = Rank { owner: false, position: 5, permissions: 1_024 | 8 | 4 };
        assert_eq!(place.rank(GUILD, UserId::new(7), &both), all);
        assert!(place.rank(GUILD, UserId::new(9), &[]).owner);
        assert_eq!(place.own_rank(GUILD, BOT).map(|rank| rank.position), Some(5));
        place.happened(
            "GUILD_ROLE_UPDATE",
            &json!({ "role": { "id": "61", "position": 2, "permissions": "0" } }),
            BOT,
        );
        place.happened("GUILD_MEMBER_UPDATE", &json!({ "user": { "id": "90" }, "roles": ["60", "61"] }), BOT);
        assert_eq!(place.own_rank(GUILD, BOT).map(|rank| rank.position), Some(3));
        place.happened("GUILD_ROLE_DELETE", &json!({ "role_id": "60" }), BOT);
        place.happened("GUILD_UPDATE", &json!({ "owner_id": "90" }), BOT);
        assert_eq!(place.own_rank(GUILD, BOT), Some(Rank { owner: true, position: 2, permissions: 1_024 }));
    }
}
