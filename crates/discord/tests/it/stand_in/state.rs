//! What the stand-in keeps, and what it answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::APPLICATION;

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
    /// Messages by channel, in order.
    pub(crate) messages: BTreeMap<i64, Vec<Value>>,
    nonces: HashMap<(i64, String), Value>,
    /// The application's commands.
    pub(crate) commands: Vec<Value>,
    /// Answers to interactions, by the interaction's token.
    pub(crate) originals: HashMap<String, Value>,
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
            members: BTreeMap::from([((1, 7), BTreeSet::new()), ((1, 8), BTreeSet::new())]),
            messages: BTreeMap::new(),
            nonces: HashMap::new(),
            commands: Vec::new(),
            originals: HashMap::new(),
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

pub(crate) fn user(id: i64) -> Value {
    json!({
        "id": id.to_string(), "username": format!("user{id}"), "avatar": null, "discriminator": "0", "public_flags": 0,
        "flags": 0, "global_name": null, "primary_guild": null,
    })
}

fn role(id: i64, place: i32) -> Value {
    let colors = json!({ "primary_color": 0, "secondary_color": null, "tertiary_color": null });
    json!({
        "id": id.to_string(), "name": format!("role{id}"), "permissions": "0", "position": place, "color": 0, "colors": colors,
        "hoist": false, "managed": false, "mentionable": false, "icon": null, "unicode_emoji": null, "flags": 0,
    })
}

impl State {
    fn id(&mut self) -> i64 {
        self.next += 1;
        self.next
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
    pub(crate) fn answer(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let body = body.cloned().unwrap_or(Value::Null);
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        match (method, parts.as_slice()) {
            ("GET", ["gateway", "bot"]) => {
                let limit =
                    json!({ "max_concurrency": 1, "remaining": 999, "reset_after": 1000, "total": 1000 });
                (200, json!({ "url": self.gateway, "session_start_limit": limit, "shards": 1 }))
            }
            ("GET", ["users", "@me"]) => (200, user(APPLICATION)),
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
            ("GET", ["guilds", guild, "roles"]) => {
                let roles = self.roles.get(&number(guild)).cloned().unwrap_or_default();
                let roles: Vec<Value> = (1..).zip(roles).map(|(place, id)| role(id, place)).collect();
                (200, json!(roles))
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
                let list = self.messages.get(&number(channel)).cloned().unwrap_or_default();
                (200, json!(list.into_iter().rev().take(100).collect::<Vec<_>>()))
            }
            ("POST", ["channels", channel, "messages", "bulk-delete"]) => {
                let gone = body["messages"].as_array().cloned().unwrap_or_default();
                let list = self.messages.entry(number(channel)).or_default();
                list.retain(|known| !gone.contains(&known["id"]));
                (204, Value::Null)
            }
            ("POST", ["interactions", id, token, "callback"]) => {
                if self.callbacks.contains_key(&number(id)) {
                    return refused(400, 40_060, "Interaction has already been acknowledged.");
                }
                self.callbacks.insert(number(id), body.clone());
                if body["type"] == 4 {
                    let message = self.message(50, &body["data"]);
                    self.originals.insert((*token).to_owned(), message);
                }
                (204, Value::Null)
            }
            ("PATCH", ["webhooks", _, token, "messages", "@original"]) => {
                let message = self.message(50, &body);
                self.originals.insert((*token).to_owned(), message.clone());
                (200, message)
            }
            ("POST", ["webhooks", _, _]) => {
                let message = self.message(50, &body);
                (200, message)
            }
            _ => refused(404, 0, "404: Not Found"),
        }
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
        command
    }
}
