//! What the stand-in keeps, and what it answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::APPLICATION;
use super::described::{application, guild, role, user};

const THEN: &str = "2026-11-29T12:00:00.000000+00:00";

/// Guilds, members, channels, messages, commands.
#[derive(Debug)]
pub(crate) struct State {
    next: i64,
    /// Guilds the bot is in.
    pub(crate) guilds: BTreeSet<i64>,
    /// Channels, each with its guild; 0 for a conversation with one member.
    pub(crate) channels: BTreeMap<i64, i64>,
    /// Roles by guild.
    pub(crate) roles: BTreeMap<i64, BTreeSet<i64>>,
    /// Members' roles.
    pub(crate) members: BTreeMap<(i64, i64), BTreeSet<i64>>,
    /// What channels are in.
    pub(crate) parents: BTreeMap<i64, i64>,
    /// What channels are called, where that is not told by their number.
    pub(crate) names: BTreeMap<i64, String>,
    /// Channels that are threads.
    pub(crate) threads: BTreeSet<i64>,
    /// Rules of Discord's own `AutoMod`.
    pub(crate) automod: BTreeMap<i64, Value>,
    /// Whose the guilds are, who is not said to be anybody else.
    pub(crate) owner: i64,
    /// Permissions of roles.
    pub(crate) permissions: BTreeMap<i64, u64>,
    /// Messages by channel, in order.
    pub(crate) messages: BTreeMap<i64, Vec<Value>>,
    nonces: HashMap<(i64, String), Value>,
    /// The application's commands.
    pub(crate) commands: Vec<Value>,
    /// Answers to interactions, by the interaction's token.
    pub(crate) originals: HashMap<String, Value>,
    /// What was promised and came, as the bot sent it, by the interaction's token.
    pub(crate) kept: HashMap<String, Value>,
    /// First answers to interactions that came by the gateway, by id.
    pub(crate) callbacks: BTreeMap<i64, Value>,
    /// Who may not speak, and until when.
    pub(crate) silent: BTreeMap<(i64, i64), String>,
    /// Who is banned.
    pub(crate) bans: BTreeSet<(i64, i64)>,
    /// Who cannot be banned with others.
    pub(crate) immune: BTreeSet<i64>,
    /// Whether the answer to banning many names nobody, as Discord's sometimes does.
    pub(crate) silent_bulk: bool,
    /// Until when nobody comes in by an invite.
    pub(crate) closed: BTreeMap<i64, Value>,
    /// Where the gateway is said to be.
    pub(crate) gateway: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next: 1_000_000_000_000_000_000,
            guilds: BTreeSet::from([1]),
            channels: BTreeMap::from([(50, 1), (51, 1)]),
            roles: BTreeMap::from([(1, BTreeSet::from([60, 61]))]),
            members: BTreeMap::from([
                ((1, 7), BTreeSet::new()),
                ((1, 8), BTreeSet::new()),
                ((1, APPLICATION), BTreeSet::new()),
            ]),
            parents: BTreeMap::new(),
            names: BTreeMap::new(),
            threads: BTreeSet::new(),
            automod: BTreeMap::new(),
            owner: 9,
            permissions: BTreeMap::new(),
            messages: BTreeMap::new(),
            nonces: HashMap::new(),
            commands: Vec::new(),
            originals: HashMap::new(),
            kept: HashMap::new(),
            callbacks: BTreeMap::new(),
            silent: BTreeMap::new(),
            bans: BTreeSet::new(),
            immune: BTreeSet::new(),
            silent_bulk: false,
            closed: BTreeMap::new(),
            gateway: "ws://127.0.0.1:1".to_owned(),
        }
    }
}

/// A status and a body; null for none.
pub(crate) type Answered = (u16, Value);

fn refused(status: u16, code: i64, message: &str) -> Answered {
    (status, json!({ "message": message, "code": code }))
}

impl State {
    fn id(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    /// Somebody wrote something, of this id.
    pub(crate) fn says(&mut self, channel: i64, id: i64, who: i64) {
        let mut message = self.message(channel, &json!({ "content": "whatever" }));
        message["id"] = json!(id.to_string());
        message["author"] = user(who);
        self.messages.entry(channel).or_default().push(message);
    }

    fn roles(&self, guild: i64) -> Vec<Value> {
        let known = |id: &i64| self.permissions.get(id).copied().unwrap_or_default();
        let everybody = role(guild, 0, known(&guild));
        let roles = self.roles.get(&guild).into_iter().flatten();
        std::iter::once(everybody)
            .chain((1..).zip(roles).map(|(place, id)| role(*id, place, known(id))))
            .collect()
    }

    fn channel(&self, id: i64) -> Value {
        let parent = self.parents.get(&id).map(ToString::to_string);
        if self.threads.contains(&id) {
            let metadata = json!({
                "archived": false, "archive_timestamp": null, "auto_archive_duration": 1_440, "locked": false,
            });
            return json!({
                "id": id.to_string(), "type": 11, "flags": 0, "guild_id": self.channels[&id].to_string(), "name": format!("thread{id}"),
                "parent_id": parent, "owner_id": "7", "thread_metadata": metadata, "message_count": 0, "member_count": 1,
                "total_message_sent": 0,
            });
        }
        let is_category = self.parents.values().any(|of| *of == id) && parent.is_none();
        json!({
            "id": id.to_string(), "type": if is_category { 4 } else { 0 }, "flags": 0, "guild_id": self.channels[&id].to_string(),
            "name": self.names.get(&id).cloned().unwrap_or_else(|| format!("channel{id}")), "position": 0, "parent_id": parent, "permission_overwrites": [], "topic": null,
            "nsfw": false, "rate_limit_per_user": 0, "last_message_id": self.last_message(id).map(|id| id.to_string()),
        })
    }

    fn last_message(&self, channel: i64) -> Option<i64> {
        let ids =
            self.messages.get(&channel)?.iter().filter_map(|message| message["id"].as_str()?.parse().ok());
        ids.max()
    }

    /// A guild as the gateway tells of it.
    pub(crate) fn guild_create(&self, id: i64) -> Value {
        let mut all = guild(id, self.owner, self.roles(id));
        let of = |threads: bool| -> Vec<Value> {
            let channels =
                self.channels.iter().filter(|(one, of)| **of == id && self.threads.contains(one) == threads);
            channels.map(|(one, _)| self.channel(*one)).collect()
        };
        let members: Vec<Value> = self
            .members
            .keys()
            .filter(|(of, _)| *of == id)
            .filter_map(|(_, member)| self.member(id, *member))
            .collect();
        for (name, value) in [
            ("channels", json!(of(false))),
            ("threads", json!(of(true))),
            ("member_count", json!(members.len())),
            ("members", json!(members)),
            ("joined_at", json!(THEN)),
            ("large", json!(false)),
            ("unavailable", json!(false)),
        ] {
            all[name] = value;
        }
        for empty in
            ["presences", "voice_states", "stage_instances", "guild_scheduled_events", "soundboard_sounds"]
        {
            all[empty] = json!([]);
        }
        all
    }

    /// A member as they are told of when they join.
    pub(crate) fn joins(&mut self, guild: i64, id: i64) -> Value {
        self.members.insert((guild, id), BTreeSet::new());
        let mut member = self.member(guild, id).unwrap();
        member["guild_id"] = json!(guild.to_string());
        member
    }

    /// A message of a member as the gateway tells of it.
    pub(crate) fn writes(&mut self, guild: i64, channel: i64, who: i64, text: &str) -> Value {
        let mut message = self.message(channel, &json!({ "content": text }));
        let mut member = self.member(guild, who).unwrap();
        member.as_object_mut().unwrap().remove("user");
        message["author"] = user(who);
        message["member"] = member;
        message["guild_id"] = json!(guild.to_string());
        message
    }

    /// A command that a member typed, as the gateway tells of it.
    pub(crate) fn types(&mut self, guild: i64, channel: i64, who: i64, name: &str) -> Value {
        let known = self.commands.iter().find(|command| command["name"] == name).unwrap();
        let (command, id) = (known["id"].clone(), self.id());
        let mut member = self.member(guild, who).unwrap();
        member["permissions"] = json!("0");
        json!({
            "id": id.to_string(), "application_id": APPLICATION.to_string(), "type": 2, "token": format!("token{id}"), "version": 1,
            "guild_id": guild.to_string(), "channel_id": channel.to_string(), "channel": self.channel(channel),
            "guild": { "id": guild.to_string(), "locale": "en-US", "features": [] }, "locale": "en-GB", "guild_locale": "en-US",
            "member": member, "app_permissions": "0", "entitlements": [], "authorizing_integration_owners": { "0": guild.to_string() },
            "context": 0, "attachment_size_limit": 10_485_760,
            "data": { "id": command, "name": name, "type": 1 },
        })
    }

    fn message(&mut self, channel: i64, body: &Value) -> Value {
        let id = self.id();
        let files = body["attachments"].as_array().cloned().unwrap_or_default();
        let attachments: Vec<Value> = files
            .iter()
            .map(|file| {
                let address = "https://cdn.example.org/file";
                json!({ "id": id.to_string(), "filename": file["filename"], "size": 1, "url": address, "proxy_url": address })
            })
            .collect();
        json!({
            "id": id.to_string(), "channel_id": channel.to_string(), "type": 0, "author": user(APPLICATION), "mentions": [],
            "content": body["content"].as_str().unwrap_or_default(), "mention_roles": [], "attachments": attachments,
            "embeds": [], "timestamp": THEN, "edited_timestamp": null,
            "flags": body["flags"].as_i64().unwrap_or(0), "components": [], "pinned": false, "mention_everyone": false,
            "tts": false,
        })
    }

    fn member(&self, guild: i64, id: i64) -> Option<Value> {
        let roles: Vec<String> = self.members.get(&(guild, id))?.iter().map(ToString::to_string).collect();
        Some(json!({
            "avatar": null, "banner": null, "communication_disabled_until": null, "flags": 0, "joined_at": THEN, "nick": null,
            "pending": false, "premium_since": null, "roles": roles, "user": user(id), "mute": false, "deaf": false,
        }))
    }

    /// What Discord answers.
    #[expect(clippy::too_many_lines, reason = "a line for each of Discord's operations")]
    pub(crate) fn answer(&mut self, method: &str, path: &str, query: &str, body: Option<&Value>) -> Answered {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let body = body.cloned().unwrap_or(Value::Null);
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        match (method, parts.as_slice()) {
            ("GET", ["gateway", "bot"]) => {
                let limit =
                    json!({ "max_concurrency": 1, "remaining": 999, "reset_after": 1000, "total": 1000 });
                (200, json!({ "url": self.gateway, "session_start_limit": limit, "shards": 1 }))
            }
            ("GET", ["users", "@me"]) => {
                let mut own = user(APPLICATION);
                for (name, value) in [
                    ("mfa_enabled", json!(false)),
                    ("locale", json!("en-US")),
                    ("bot", json!(true)),
                    ("verified", json!(true)),
                ] {
                    own[name] = value;
                }
                (200, own)
            }
            ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => (200, application()),
            ("GET", ["applications", _, "commands"]) => (200, json!(self.commands)),
            ("PUT", ["applications", id, "commands"]) => {
                let made = body.as_array().cloned().unwrap_or_default();
                self.commands = made.into_iter().map(|command| self.command(id, command)).collect();
                (200, json!(self.commands))
            }
            ("POST", ["channels", channel, "messages"]) => self.post(number(channel), &body),
            ("PATCH", ["channels", channel, "messages", message]) => {
                let Some(list) = self.messages.get_mut(&number(channel)) else {
                    return refused(404, 10_008, "Unknown Message");
                };
                match list.iter_mut().find(|known| known["id"] == *message) {
                    Some(known) => {
                        known["content"] = body["content"].clone();
                        (200, known.clone())
                    }
                    None => refused(404, 10_008, "Unknown Message"),
                }
            }
            ("DELETE", ["channels", channel, "messages", message]) => {
                let list = self.messages.entry(number(channel)).or_default();
                let before = list.len();
                list.retain(|known| known["id"] != *message);
                if list.len() < before { (204, Value::Null) } else { refused(404, 10_008, "Unknown Message") }
            }
            ("PUT" | "DELETE", ["guilds", guild, "members", member, "roles", role]) => {
                let (guild, role) = (number(guild), number(role));
                if !self.guilds.contains(&guild) {
                    return refused(404, 10_004, "Unknown Guild");
                }
                if !self.roles.get(&guild).is_some_and(|roles| roles.contains(&role)) {
                    return refused(404, 10_011, "Unknown Role");
                }
                let Some(held) = self.members.get_mut(&(guild, number(member))) else {
                    return refused(404, 10_007, "Unknown Member");
                };
                if method == "PUT" {
                    held.insert(role);
                } else {
                    held.remove(&role);
                }
                (204, Value::Null)
            }
            ("GET", ["guilds", guild, "members", member]) => match self.member(number(guild), number(member))
            {
                Some(member) => (200, member),
                None => refused(404, 10_007, "Unknown Member"),
            },
            ("POST", ["users", "@me", "channels"]) => {
                let member = number(body["recipient_id"].as_str().unwrap_or_default());
                let channel = 5_000_000 + member;
                self.channels.insert(channel, 0);
                (
                    200,
                    json!({ "id": channel.to_string(), "type": 1, "flags": 0, "recipients": [user(member)] }),
                )
            }
            ("PUT", ["guilds", guild, "bans", member]) => {
                let (guild, member) = (number(guild), number(member));
                self.bans.insert((guild, member));
                self.members.remove(&(guild, member));
                (204, Value::Null)
            }
            ("DELETE", ["guilds", guild, "bans", member]) => {
                let was = self.bans.remove(&(number(guild), number(member)));
                if was { (204, Value::Null) } else { refused(404, 10_026, "Unknown Ban") }
            }
            ("PATCH", ["guilds", guild, "members", member]) => {
                let who = (number(guild), number(member));
                if !self.members.contains_key(&who) {
                    return refused(404, 10_007, "Unknown Member");
                }
                match body["communication_disabled_until"].as_str() {
                    Some(until) => drop(self.silent.insert(who, until.to_owned())),
                    None => drop(self.silent.remove(&who)),
                }
                (200, self.member(who.0, who.1).unwrap())
            }
            ("DELETE", ["guilds", guild, "members", member]) => {
                let was = self.members.remove(&(number(guild), number(member)));
                if was.is_some() { (204, Value::Null) } else { refused(404, 10_007, "Unknown Member") }
            }
            ("GET", ["guilds", guild, "roles"]) => (200, json!(self.roles(number(guild)))),
            ("GET", ["guilds", id]) => {
                let id = number(id);
                if !self.guilds.contains(&id) {
                    return refused(404, 10_004, "Unknown Guild");
                }
                (200, guild(id, self.owner, self.roles(id)))
            }
            ("GET", ["guilds", guild, "channels"]) => {
                let of = self
                    .channels
                    .iter()
                    .filter(|(id, of)| **of == number(guild) && !self.threads.contains(id));
                (200, json!(of.map(|(id, _)| self.channel(*id)).collect::<Vec<_>>()))
            }
            ("GET" | "DELETE", ["channels", channel]) => {
                let id = number(channel);
                if !self.channels.contains_key(&id) {
                    return refused(404, 10_003, "Unknown Channel");
                }
                let answer = self.channel(id);
                if method == "DELETE" {
                    self.channels.remove(&id);
                    self.messages.remove(&id);
                }
                (200, answer)
            }
            ("GET", ["guilds", _, "auto-moderation", "rules"]) => {
                (200, json!(self.automod.values().collect::<Vec<_>>()))
            }
            ("POST", ["guilds", guild, "auto-moderation", "rules"]) => {
                // By hand, as the description lacks it.
                let of_kind = |rule: &&Value| rule["trigger_type"] == body["trigger_type"];
                if self.automod.values().filter(of_kind).count()
                    >= if body["trigger_type"] == 1 { 6 } else { 1 }
                {
                    return refused(400, 50_035, "Invalid Form Body");
                }
                let rule = self.automod_rule(number(guild), APPLICATION, &body);
                (200, rule)
            }
            ("PATCH", ["guilds", _, "auto-moderation", "rules", rule]) => {
                match self.automod.get_mut(&number(rule)) {
                    Some(known) => {
                        for (name, value) in body.as_object().into_iter().flatten() {
                            match value {
                                Value::Object(fields) => {
                                    for (field, value) in fields {
                                        known[name][field] = value.clone();
                                    }
                                }
                                value => known[name] = value.clone(),
                            }
                        }
                        (200, known.clone())
                    }
                    None => refused(404, 10_066, "Unknown Auto Moderation Rule"),
                }
            }
            ("DELETE", ["guilds", _, "auto-moderation", "rules", rule]) => {
                match self.automod.remove(&number(rule)) {
                    Some(_) => (204, Value::Null),
                    None => refused(404, 10_066, "Unknown Auto Moderation Rule"),
                }
            }
            ("POST", ["guilds", guild, "bulk-ban"]) => {
                let users = body["user_ids"].as_array().cloned().unwrap_or_default();
                let (mut banned, mut failed) = (Vec::new(), Vec::new());
                for user in users {
                    let id = number(user.as_str().unwrap_or_default());
                    // Who is banned already is not banned by this, and counts as failed.
                    if self.immune.contains(&id) || !self.bans.insert((number(guild), id)) {
                        failed.push(user);
                    } else {
                        self.members.remove(&(number(guild), id));
                        banned.push(user);
                    }
                }
                if banned.is_empty() {
                    return refused(400, 500_000, "Failed to ban users");
                }
                if self.silent_bulk {
                    return (200, Value::Null);
                }
                (200, json!({ "banned_users": banned, "failed_users": failed }))
            }
            ("GET", ["guilds", guild, "bans", member]) => {
                if !self.bans.contains(&(number(guild), number(member))) {
                    return refused(404, 10_026, "Unknown Ban");
                }
                (200, json!({ "user": user(number(member)), "reason": null }))
            }
            ("PUT", ["guilds", guild, "incident-actions"]) => {
                self.closed.insert(number(guild), body["invites_disabled_until"].clone());
                (
                    200,
                    json!({
                        "invites_disabled_until": body["invites_disabled_until"],
                        "dms_disabled_until": body["dms_disabled_until"],
                    }),
                )
            }
            ("GET", ["channels", channel, "messages"]) => {
                let asked = |name: &str| {
                    let value =
                        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
                    value.parse::<i64>().ok()
                };
                let (before, limit) = (asked("before").unwrap_or(i64::MAX), asked("limit").unwrap_or(50));
                let (after, limit) = (asked("after"), usize::try_from(limit).unwrap_or(0));
                let id_of = |message: &Value| number(message["id"].as_str().unwrap_or_default());
                let mut list = self.messages.get(&number(channel)).cloned().unwrap_or_default();
                list.retain(|message| {
                    id_of(message) < before && after.is_none_or(|after| id_of(message) > after)
                });
                list.sort_by_key(|message| std::cmp::Reverse(id_of(message)));
                // Those nearest to what was asked for, the newest first in either case.
                if after.is_some() {
                    list.drain(..list.len().saturating_sub(limit));
                }
                list.truncate(limit);
                (200, json!(list))
            }
            ("POST", ["channels", channel, "messages", "bulk-delete"]) => {
                let gone = body["messages"].as_array().cloned().unwrap_or_default();
                // By hand, as the description lacks it.
                if !(2..=100).contains(&gone.len()) {
                    return refused(400, 50_016, "Provided too few or too many messages to delete.");
                }
                let list = self.messages.entry(number(channel)).or_default();
                list.retain(|known| !gone.contains(&known["id"]));
                (204, Value::Null)
            }
            ("POST", ["interactions", id, token, "callback"]) => {
                if self.callbacks.contains_key(&number(id)) {
                    return refused(400, 40_060, "Interaction has already been acknowledged.");
                }
                self.callbacks.insert(number(id), body.clone());
                let message = (body["type"] == 4).then(|| self.message(50, &body["data"]));
                if let Some(message) = &message {
                    self.originals.insert((*token).to_owned(), message.clone());
                }
                if !query.split('&').any(|pair| {
                    matches!(pair, "with_response=true" | "with_response=1" | "with_response=True")
                }) {
                    return (204, Value::Null);
                }
                let mut answer = json!({ "interaction": { "id": id, "type": 2 } });
                if let Some(message) = message {
                    answer["interaction"]["response_message_id"] = message["id"].clone();
                    answer["interaction"]["response_message_loading"] = json!(false);
                    answer["interaction"]["response_message_ephemeral"] = json!(false);
                    answer["resource"] = json!({ "type": 4, "message": message });
                }
                (200, answer)
            }
            ("PATCH", ["webhooks", _, token, "messages", "@original"]) => {
                let message = self.message(50, &body);
                self.originals.insert((*token).to_owned(), message.clone());
                self.kept.insert((*token).to_owned(), body);
                (200, message)
            }
            ("POST", ["webhooks", _, _]) => {
                let message = self.message(50, &body);
                (200, message)
            }
            _ => refused(404, 0, "404: Not Found"),
        }
    }

    /// Somebody makes a rule of Discord's own `AutoMod`.
    pub(crate) fn automod_rule(&mut self, guild: i64, creator: i64, body: &Value) -> Value {
        let id = self.id();
        let mut rule = body.clone();
        for (name, value) in [("id", id), ("guild_id", guild), ("creator_id", creator)] {
            rule[name] = json!(value.to_string());
        }
        if rule["trigger_type"] == 1 {
            for name in ["keyword_filter", "regex_patterns", "allow_list"] {
                if rule["trigger_metadata"][name].is_null() {
                    rule["trigger_metadata"][name] = json!([]);
                }
            }
        }
        self.automod.insert(id, rule.clone());
        rule
    }

    fn post(&mut self, channel: i64, body: &Value) -> Answered {
        if !self.channels.contains_key(&channel) {
            return refused(404, 10_003, "Unknown Channel");
        }
        // By hand, as the description lacks it.
        if body["content"].as_str().is_some_and(|content| content.chars().count() > 2_000) {
            return refused(400, 50_035, "Invalid Form Body");
        }
        let nonce = body["nonce"].as_str().map(|nonce| (channel, nonce.to_owned()));
        if body["enforce_nonce"] == true
            && let Some(before) = nonce.as_ref().and_then(|nonce| self.nonces.get(nonce))
        {
            return (200, before.clone());
        }
        let message = self.message(channel, body);
        self.messages.entry(channel).or_default().push(message.clone());
        if let Some(nonce) = nonce {
            self.nonces.insert(nonce, message.clone());
        }
        (200, message)
    }

    fn command(&mut self, application: &str, mut command: Value) -> Value {
        let permissions = command["default_member_permissions"].as_i64().map(|bits| bits.to_string());
        command["id"] = json!(self.id().to_string());
        command["version"] = json!(self.id().to_string());
        command["application_id"] = json!(application);
        command["default_member_permissions"] = json!(permissions);
        if command["type"].is_null() {
            command["type"] = json!(1);
        }
        if command["integration_types"].is_null() {
            command["integration_types"] = json!([0]);
        }
        command
    }
}
