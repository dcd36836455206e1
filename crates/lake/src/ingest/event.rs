//! An event as it comes in, and what is wrong with those that cannot be taken.
//!
//! Only figures come in, each by name: whatever else a payload holds is refused, so that nobody's words can get into the
//! lake by mistake or by design.

use chrono::{DateTime, SubsecRound, Utc};
use kernel::objects::Objects;
use kernel::{ChannelId, MessageId, RoleId, UserId};
use progress::EventType;
use progress::rewards::Figures;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most bytes of JSON an event may take.
pub const MAX_EVENT_BYTES: usize = 8 * 1024;
/// The most roles an event may name.
const MAX_ROLES: usize = 250;
/// The most of anything countable that an event may claim.
const MAX_FIGURE: u32 = 100_000;

/// Something that happened on Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncomingEvent)]
pub struct Event {
    /// What.
    pub event_type: EventType,
    /// Who did it.
    pub user_id: UserId,
    /// Where; needed for everything but `member_join`, `member_leave` and `voice_leave`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// To whom: the author of the message reacted or replied to. Needed for reactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<UserId>,
    /// What makes the event count once, 1 to 128 characters of ASCII without white space: the message's id, for instance. Where it is left out it is
    /// made of what, who, where, to whom and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub source_id: Option<String>,
    /// When it happened (RFC 3339).
    #[serde(deserialize_with = "kernel::time::instant")]
    pub timestamp: DateTime<Utc>,
    /// Figures about it.
    #[serde(default)]
    pub payload: Payload,
}

/// Figures about an event. Each is optional; others than these are refused, and words have no place here at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Payload {
    /// Characters of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Code blocks in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_blocks: Option<u32>,
    /// Links in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<u32>,
    /// Files attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<u32>,
    /// Emoji in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<u32>,
    /// Members mentioned in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<u32>,
    /// The message that was written or reacted to. Needed for reactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The thread that was begun or written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ChannelId>,
    /// The voice channel left by moving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_channel_id: Option<ChannelId>,
    /// Roles of who did it; those that earn nothing are looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleId>,
    /// Whether a bot did it.
    #[serde(skip_serializing_if = "is_false")]
    pub bot: bool,
    /// Muted in voice, by themselves or the server.
    #[serde(skip_serializing_if = "is_false")]
    pub muted: bool,
    /// Deafened in voice, by themselves or the server.
    #[serde(skip_serializing_if = "is_false")]
    pub deafened: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Payload {
    /// What rewards ask of a message.
    pub fn figures(&self) -> Figures {
        let some = |count: Option<u32>| count.unwrap_or(0) > 0;
        Figures {
            length: self.length.unwrap_or(0),
            code: some(self.code_blocks),
            link: some(self.links),
            attachment: some(self.attachments),
            emoji: self.emoji.unwrap_or(0),
        }
    }
}

/// Why an event was not taken: the field, and a message that follows its name. Sending it again unchanged is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("`{field}` {message}")]
#[schema(as = IngestFault)]
pub struct Fault {
    /// The field's path, such as `payload.length`; empty where the fault is of no field.
    pub field: String,
    /// What is wrong, as a sentence that follows the field's name.
    pub message: String,
}

impl Fault {
    /// A fault of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Field names under which people's words travel elsewhere.
const WORDS: &[&str] = &["content", "text", "message", "body", "embeds", "clean_content", "topic", "title"];

impl Event {
    /// An event from its JSON, checked.
    pub fn parse(json: &str) -> Result<Self, Fault> {
        if json.len() > MAX_EVENT_BYTES {
            return Err(Fault::new(
                "",
                format!("is too large: {} bytes, where {MAX_EVENT_BYTES} are allowed", json.len()),
            ));
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let mut event: Self = match serde_path_to_error::deserialize(Objects(&mut deserializer)) {
            Ok(event) => event,
            Err(error) => return Err(parse_fault(&error.path().to_string(), error.inner())),
        };
        if deserializer.end().is_err() {
            return Err(Fault::new("", "is followed by more than white space"));
        }
        event.check()?;
        Ok(event)
    }

    /// Checks what types cannot, and gives the event its source where it has none.
    pub fn check(&mut self) -> Result<(), Fault> {
        // PostgreSQL counts microseconds; what it cannot keep must not decide anything.
        self.timestamp = self.timestamp.trunc_subsecs(6);
        if self.event_type.needs_channel() && self.channel_id.is_none() {
            return Err(Fault::new(
                "channel_id",
                format!("is missing; {} happens in a channel", self.event_type),
            ));
        }
        let payload = &self.payload;
        if matches!(self.event_type, EventType::ReactionAdd | EventType::ReactionRemove) {
            if self.target_id.is_none() {
                return Err(Fault::new(
                    "target_id",
                    "is missing; it is the author of the message reacted to",
                ));
            }
            if payload.message_id.is_none() {
                return Err(Fault::new("payload.message_id", "is missing; it is the message reacted to"));
            }
        }
        for (field, count) in [
            ("payload.length", payload.length),
            ("payload.code_blocks", payload.code_blocks),
            ("payload.links", payload.links),
            ("payload.attachments", payload.attachments),
            ("payload.emoji", payload.emoji),
            ("payload.mentions", payload.mentions),
        ] {
            if count.is_some_and(|count| count > MAX_FIGURE) {
                return Err(Fault::new(field, "must be at most 100,000"));
            }
        }
        if payload.roles.len() > MAX_ROLES {
            return Err(Fault::new("payload.roles", "must name at most 250 roles"));
        }
        if let Some(source) = &self.source_id {
            if source.is_empty() || source.chars().count() > 128 {
                return Err(Fault::new("source_id", "must be 1 to 128 characters"));
            }
            // Some languages write whole sentences without a space.
            if !source.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Fault::new(
                    "source_id",
                    "must be an id: of letters, digits and signs of ASCII, without white space",
                ));
            }
        } else {
            self.source_id = Some(self.made_source());
        }
        Ok(())
    }

    /// What makes the event count once; empty only before [`Event::check`].
    pub fn source(&self) -> &str {
        self.source_id.as_deref().unwrap_or_default()
    }

    fn made_source(&self) -> String {
        format!(
            "{}:{}:{}:{}:{}:{}",
            self.event_type,
            self.user_id,
            self.channel_id.map_or(0, ChannelId::get),
            self.target_id.map_or(0, UserId::get),
            self.payload.message_id.map_or(0, MessageId::get),
            self.timestamp.timestamp_micros(),
        )
    }
}

fn parse_fault(path: &str, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    // What is no text is no type either, and serde takes it for a mistake of the JSON.
    let typeless = path == "event_type" && !error.is_eof();
    if !error.is_data() && !typeless {
        return Fault::new("", format!("is not JSON: {text} at column {}", error.column()));
    }
    let path = if path == "." { "" } else { path };
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    if text.starts_with("unknown field") {
        let name = quoted(text).unwrap_or_default();
        // The path names the field itself already.
        let field = if path.rsplit('.').next() == Some(&name) || path.is_empty() && name.is_empty() {
            path.to_owned()
        } else if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        if WORDS.contains(&name.as_str()) {
            return Fault::new(
                field,
                "is never taken: the lake keeps figures about events, not people's words",
            );
        }
        return Fault::new(
            field,
            format!(
                "is no field of an event ({})",
                text.split_once(", ").map_or(text, |(_, expected)| expected)
            ),
        );
    }
    if text.starts_with("invalid type: sequence, expected struct") {
        return Fault::new(path, "must be an object, not a list");
    }
    if text.starts_with("missing field") {
        return Fault::new(quoted(text).unwrap_or_default(), "is missing");
    }
    if path == "event_type" {
        let known = EventType::ALL.map(EventType::as_str).join(", ");
        return Fault::new(path, format!("must be one of {known}"));
    }
    Fault::new(path, format!("is wrong: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(extra: &str) -> Result<Event, Fault> {
        Event::parse(&format!(
            r#"{{"event_type":"message_create","user_id":"7","channel_id":"9","timestamp":"2026-11-21T10:00:00Z"{extra}}}"#
        ))
    }

    #[test]
    fn an_event_needs_little_and_gets_a_source() {
        let made = event("").unwrap();
        assert_eq!(made.source(), "message_create:7:9:0:0:1795255200000000");
        assert_eq!(event(r#","source_id":"m1""#).unwrap().source(), "m1");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (extra, field) in [
            (r#","payload":{"content":"hello"}"#, "payload.content"),
            (r#","payload":{"length":"hello"}"#, "payload.length"),
            (r#","payload":{"length":-1}"#, "payload.length"),
            (r#","payload":{"length":100001}"#, "payload.length"),
            (r#","payload":{"emoji":{"a":{"b":[[[1]]]}}}"#, "payload.emoji"),
            (r#","payload":{"roles":["x"]}"#, "payload.roles[0]"),
            (r#","payload":"words""#, "payload"),
            (r#","payload":[]"#, "payload"),
            (r#","contents":1"#, "contents"),
            (r#","target_id":5"#, "target_id"),
            (r#","target_id":"0""#, "target_id"),
            (r#","source_id":"""#, "source_id"),
            (r#","source_id":"a b""#, "source_id"),
            (r#","source_id":"a\u0000b""#, "source_id"),
            (r#","source_id":"明日は晴れるでしょう""#, "source_id"),
        ] {
            let fault = event(extra).unwrap_err();
            assert_eq!(fault.field, field, "{extra}: {fault}");
        }
        assert!(event(r#","payload":{"content":"hello"}"#).unwrap_err().message.contains("words"));
    }

    #[test]
    fn what_is_no_event_is_told_so() {
        let field = |json: &str| Event::parse(json).unwrap_err().field;
        assert_eq!(
            field(r#"{"event_type":"typing","user_id":"7","timestamp":"2026-11-21T10:00:00Z"}"#),
            "event_type"
        );
        assert_eq!(
            field(r#"{"event_type":5,"user_id":"7","timestamp":"2026-11-21T10:00:00Z"}"#),
            "event_type"
        );
        assert_eq!(
            field(r#"{"event_type":"message_create","user_id":"7","timestamp":"2026-11-21T10:00:00Z"}"#),
            "channel_id"
        );
        assert_eq!(field(r#"{"event_type":"member_join","timestamp":"2026-11-21T10:00:00Z"}"#), "user_id");
        assert_eq!(
            field(r#"{"event_type":"member_join","user_id":"7","timestamp":"yesterday"}"#),
            "timestamp"
        );
        assert_eq!(
            field(
                r#"{"event_type":"reaction_add","user_id":"7","channel_id":"1","target_id":"2","timestamp":"2026-11-21T10:00:00Z"}"#
            ),
            "payload.message_id"
        );
        let listed = r#"["member_join", "7", null, null, "2026-11-21T10:00:00Z"]"#;
        assert!(Event::parse(listed).unwrap_err().message.contains("not a list"));
        for whole in
            ["", "nonsense", "[]", listed, "{", &format!("\"{}\"", "x".repeat(9000)), &"[".repeat(5000)]
        {
            assert_eq!(field(whole), "", "{whole:.20}");
        }
    }
}
