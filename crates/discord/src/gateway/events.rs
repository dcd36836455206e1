//! What an event of the gateway is for us. Pure, but for chance: nothing of a message's words goes further than here.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId, RoleId, UserId};
use lake::ingest::{Event, Payload};
use moderation::model::{Action, Joined};
use moderation::ops::NativeAction;
use progress::EventType;
use serde_json::Value;

use crate::settings::snowflake;
use crate::sync::{SOON, SPREAD};

/// Where Discord's ids begin to count, in milliseconds since 1970.
pub(super) const EPOCH: i64 = 1_420_070_400_000;

/// What an event is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Means {
    /// Something for the lake.
    Lake(Box<Event>),
    /// Somebody is in a voice channel now, or in none.
    Voice(VoiceState),
    /// A guild is there: its name, and who is in which voice channel.
    Guild(String, Vec<VoiceState>),
    /// The bot is no longer in the guild.
    Left,
    /// A member's Discord roles.
    Roles(UserId, Vec<RoleId>),
    /// Somebody is banned now, or no longer.
    Ban(UserId, bool),
    /// Somebody was dealt with: an entry of the guild's audit log.
    Native(Box<NativeAction>),
    /// Discord's own `AutoMod` blocked what somebody wrote, by this rule of its.
    Blocked(i64, UserId, Option<ChannelId>),
    /// Rules of Discord's own `AutoMod` are others now.
    Rules,
    /// Nothing.
    Nothing,
}

/// Who is in which voice channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VoiceState {
    pub(super) user: UserId,
    pub(super) channel: Option<ChannelId>,
    pub(super) bot: bool,
    pub(super) muted: bool,
    pub(super) deafened: bool,
}

pub(super) fn id(value: &Value) -> Option<i64> {
    value.as_str().and_then(snowflake)
}

fn count(value: &Value) -> Option<u32> {
    value.as_array().and_then(|list| u32::try_from(list.len()).ok()).filter(|count| *count > 0)
}

/// When something with this id was made.
fn made_at(id: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis((id >> 22) + EPOCH).unwrap_or_default()
}

/// The guild that an event is of.
pub(super) fn guild_of(name: &str, data: &Value) -> Option<i64> {
    match name {
        "GUILD_CREATE" | "GUILD_UPDATE" | "GUILD_DELETE" => id(&data["id"]),
        _ => id(&data["guild_id"]),
    }
}

/// What it means; `now` is for what bears no time, `source` names it among all events.
pub(super) fn means(name: &str, data: &Value, now: DateTime<Utc>, source: &str) -> Means {
    match name {
        "MESSAGE_CREATE" => message(data).map_or(Means::Nothing, |event| Means::Lake(Box::new(event))),
        "MESSAGE_REACTION_ADD" => reaction(data, EventType::ReactionAdd, now, source),
        "MESSAGE_REACTION_REMOVE" => reaction(data, EventType::ReactionRemove, now, source),
        "THREAD_CREATE" if data["newly_created"] == true => thread(data).unwrap_or(Means::Nothing),
        "GUILD_MEMBER_ADD" => member(data, EventType::MemberJoin, now, source),
        "GUILD_MEMBER_REMOVE" => member(data, EventType::MemberLeave, now, source),
        "GUILD_MEMBER_UPDATE" => match id(&data["user"]["id"]) {
            Some(user) => Means::Roles(UserId::new(user), roles(&data["roles"])),
            None => Means::Nothing,
        },
        "GUILD_BAN_ADD" | "GUILD_BAN_REMOVE" => match id(&data["user"]["id"]) {
            Some(user) => Means::Ban(UserId::new(user), name == "GUILD_BAN_ADD"),
            None => Means::Nothing,
        },
        "GUILD_AUDIT_LOG_ENTRY_CREATE" => {
            native(data).map_or(Means::Nothing, |entry| Means::Native(Box::new(entry)))
        }
        "AUTO_MODERATION_ACTION_EXECUTION" => blocked(data).unwrap_or(Means::Nothing),
        "AUTO_MODERATION_RULE_UPDATE" | "AUTO_MODERATION_RULE_DELETE" => Means::Rules,
        "VOICE_STATE_UPDATE" => voice(data).map_or(Means::Nothing, Means::Voice),
        // A guild that is out of order comes back by itself.
        "GUILD_CREATE" if data["unavailable"] != true => {
            let states = data["voice_states"].as_array().into_iter().flatten().filter_map(voice).collect();
            Means::Guild(data["name"].as_str().unwrap_or_default().to_owned(), states)
        }
        "GUILD_DELETE" if data["unavailable"] != true => Means::Left,
        _ => Means::Nothing,
    }
}

/// Within how many seconds a guild that was set up is to be looked at because of this: its channels or roles are others now.
pub(super) fn changes(name: &str) -> Option<f64> {
    match name {
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "CHANNEL_DELETE" | "GUILD_ROLE_CREATE"
        | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => Some(SOON),
        // All of them come back at once, and something may have been missed.
        "GUILD_CREATE" => Some(SPREAD * rand::random::<f64>()),
        _ => None,
    }
}

pub(super) fn roles(list: &Value) -> Vec<RoleId> {
    list.as_array().into_iter().flatten().filter_map(id).map(RoleId::new).take(250).collect()
}

fn event(kind: EventType, user: i64, timestamp: DateTime<Utc>, source: String) -> Event {
    Event {
        event_type: kind,
        user_id: UserId::new(user),
        channel_id: None,
        target_id: None,
        source_id: Some(source),
        timestamp,
        payload: Payload::default(),
    }
}

fn message(data: &Value) -> Option<Event> {
    // People's messages and answers, and what they have commands say; not those that Discord writes about joins and pins.
    if !matches!(data["type"].as_u64(), Some(0 | 19)) || !data["webhook_id"].is_null() {
        return None;
    }
    let (message, user) = (id(&data["id"])?, id(&data["author"]["id"])?);
    let said = data["content"].as_str().unwrap_or_default();
    let some = |count: usize| u32::try_from(count).ok().filter(|count| *count > 0);
    let mut event = event(EventType::MessageCreate, user, made_at(message), format!("message:{message}"));
    event.channel_id = id(&data["channel_id"]).map(ChannelId::new);
    event.target_id = id(&data["referenced_message"]["author"]["id"]).map(UserId::new);
    event.payload = Payload {
        length: some(said.chars().count()),
        code_blocks: some(said.matches("```").count() / 2),
        links: some(said.matches("https://").count() + said.matches("http://").count()),
        attachments: count(&data["attachments"]),
        emoji: some(emoji(said)),
        mentions: count(&data["mentions"]),
        message_id: Some(MessageId::new(message)),
        reply_to: id(&data["message_reference"]["message_id"]).map(MessageId::new),
        roles: roles(&data["member"]["roles"]),
        bot: data["author"]["bot"] == true,
        ..Payload::default()
    };
    Some(event)
}

/// Emoji in a text: Discord's own, `<:name:id>`, and those of Unicode, of which a joined one counts once.
fn emoji(text: &str) -> usize {
    let own = text.match_indices("<:").chain(text.match_indices("<a:"));
    let own = own.filter(|(at, _)| {
        text[*at..].find('>').is_some_and(|end| text[*at..*at + end].matches(':').count() == 2)
    });
    let (mut drawn, mut joined) = (0, false);
    for c in text.chars() {
        let picture =
            matches!(c, '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}');
        if picture && !joined {
            drawn += 1;
        }
        joined = c == '\u{200d}';
    }
    own.count() + drawn
}

fn reaction(data: &Value, kind: EventType, now: DateTime<Utc>, source: &str) -> Means {
    let ids = (id(&data["user_id"]), id(&data["channel_id"]), id(&data["message_id"]));
    // Who wrote the message is told with a reaction that is added alone.
    let target = id(&data["message_author_id"]);
    let ((Some(user), Some(channel), Some(message)), Some(target)) = (ids, target) else {
        return Means::Nothing;
    };
    let mut event = event(kind, user, now, source.to_owned());
    event.channel_id = Some(ChannelId::new(channel));
    event.target_id = Some(UserId::new(target));
    event.payload.message_id = Some(MessageId::new(message));
    event.payload.bot = data["member"]["user"]["bot"] == true;
    event.payload.roles = roles(&data["member"]["roles"]);
    Means::Lake(Box::new(event))
}

fn thread(data: &Value) -> Option<Means> {
    let (thread, user, parent) = (id(&data["id"])?, id(&data["owner_id"])?, id(&data["parent_id"])?);
    let mut event = event(EventType::ThreadCreate, user, made_at(thread), format!("thread:{thread}"));
    event.channel_id = Some(ChannelId::new(parent));
    event.payload.thread_id = Some(ChannelId::new(thread));
    Some(Means::Lake(Box::new(event)))
}

fn member(data: &Value, kind: EventType, now: DateTime<Utc>, source: &str) -> Means {
    let Some(user) = id(&data["user"]["id"]) else { return Means::Nothing };
    let mut event = event(kind, user, now, source.to_owned());
    event.payload.bot = data["user"]["bot"] == true;
    Means::Lake(Box::new(event))
}

/// Each action of a rule is told by itself: that of blocking (1) is one of every rule of ours.
fn blocked(data: &Value) -> Option<Means> {
    let (rule, user) = (id(&data["rule_id"])?, UserId::new(id(&data["user_id"])?));
    let channel = id(&data["channel_id"]).map(ChannelId::new);
    (data["action"]["type"] == 1).then_some(Means::Blocked(rule, user, channel))
}

/// What an entry of the audit log says was done to somebody, if it is one of moderation.
fn native(data: &Value) -> Option<NativeAction> {
    let silenced = || {
        let changes = data["changes"].as_array()?;
        changes.iter().find(|change| change["key"] == "communication_disabled_until")
    };
    let (action, until) = match data["action_type"].as_u64()? {
        20 => (Action::Kick, None),
        22 => (Action::Ban, None),
        23 => (Action::Unban, None),
        24 => match time(&silenced()?["new_value"]) {
            Some(until) => (Action::Timeout, Some(until)),
            None => (Action::Untimeout, None),
        },
        _ => return None,
    };
    Some(NativeAction {
        entry_id: u64::try_from(id(&data["id"])?).ok()?,
        action,
        user_id: UserId::new(id(&data["target_id"])?),
        user_tag: None,
        moderator_id: UserId::new(id(&data["user_id"])?),
        moderator_tag: None,
        reason: data["reason"].as_str().map(str::to_owned),
        until,
    })
}

pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

/// Who joined, and until when Discord keeps them from speaking.
pub(super) fn joined(
    name: &str,
    data: &Value,
    now: DateTime<Utc>,
) -> Option<(Joined, Option<DateTime<Utc>>)> {
    if name != "GUILD_MEMBER_ADD" || data["user"]["bot"] == true {
        return None;
    }
    let user = &data["user"];
    let tag =
        user["global_name"].as_str().or_else(|| user["username"].as_str()).or_else(|| user["id"].as_str())?;
    let joined = Joined {
        user_id: UserId::new(id(&user["id"])?),
        tag: tag.to_owned(),
        joined_at: time(&data["joined_at"]).unwrap_or(now),
    };
    Some((joined, time(&data["communication_disabled_until"])))
}

fn voice(data: &Value) -> Option<VoiceState> {
    let on = |one: &str, other: &str| data[one] == true || data[other] == true;
    Some(VoiceState {
        user: UserId::new(id(&data["user_id"])?),
        channel: id(&data["channel_id"]).map(ChannelId::new),
        bot: data["member"]["user"]["bot"] == true,
        muted: on("mute", "self_mute"),
        deafened: on("deaf", "self_deaf"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_message_only_figures_are_left() {
        let said = "look https://e.org ```a``` <:owl:12> \u{1f469}\u{200d}\u{1f680}";
        let data = json!({
            "id": "1300000000000000000", "type": 0, "guild_id": "1", "channel_id": "50", "content": said,
            "author": { "id": "7" }, "attachments": [{}], "mentions": [], "member": { "roles": ["60"] },
        });
        let Means::Lake(event) = means("MESSAGE_CREATE", &data, DateTime::UNIX_EPOCH, "s") else { panic!() };
        assert_eq!(event.source_id.as_deref(), Some("message:1300000000000000000"));
        let payload = &event.payload;
        assert_eq!((payload.code_blocks, payload.links, payload.attachments), (Some(1), Some(1), Some(1)));
        assert_eq!((payload.emoji, payload.mentions), (Some(2), None));
        assert!(!serde_json::to_string(&event).unwrap().contains("look"));
        let pin = json!({ "id": "13", "type": 6, "author": { "id": "7" } });
        assert_eq!(means("MESSAGE_CREATE", &pin, DateTime::UNIX_EPOCH, "s"), Means::Nothing);
    }

    #[test]
    fn what_moderators_do_by_hand_is_read_from_the_audit_log() {
        let entry = |kind: u8, changes: Value| {
            let data = json!({
                "id": "12", "guild_id": "1", "user_id": "9", "target_id": "7", "action_type": kind, "changes": changes, "reason": "rude",
            });
            native(&data).map(|entry| (entry.action, entry.until.map(|until| until.timestamp())))
        };
        let until = |value: Value| json!([{ "key": "nick" }, { "key": "communication_disabled_until", "new_value": value }]);
        let nothing = json!([]);
        assert_eq!(entry(20, nothing.clone()), Some((Action::Kick, None)));
        assert_eq!(entry(22, nothing.clone()), Some((Action::Ban, None)));
        assert_eq!(entry(23, Value::Null), Some((Action::Unban, None)));
        assert_eq!(entry(24, until(json!("1970-01-01T00:01:00+00:00"))), Some((Action::Timeout, Some(60))));
        assert_eq!(entry(24, until(Value::Null)), Some((Action::Untimeout, None)));
        assert_eq!(entry(24, json!([{ "key": "nick", "new_value": "x" }])), None);
        assert_eq!(entry(72, nothing), None);
    }

    #[test]
    fn a_guild_out_of_order_is_no_guild_that_was_left() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(
            means("GUILD_DELETE", &json!({ "id": "1", "unavailable": true }), now, "s"),
            Means::Nothing
        );
        assert_eq!(means("GUILD_DELETE", &json!({ "id": "1" }), now, "s"), Means::Left);
        assert_eq!(
            means("GUILD_CREATE", &json!({ "id": "1", "unavailable": true }), now, "s"),
            Means::Nothing
        );
    }
}
