//! What a message holds: whose events, and which. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use access::web::json_parse;
use kernel::GuildId;
use lake::ingest::{Event, Fault};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::settings::{GuildFrom, LakeSource};

/// The most events of a message.
const MAX_EVENTS: usize = 10_000;

/// A message's events.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub(super) guild: GuildId,
    /// The good ones, in order, each with its place in the message.
    pub(super) events: Vec<(usize, Event)>,
    /// What is wrong with the others.
    pub(super) faults: Vec<(usize, Fault)>,
}

/// A batch, as HTTP has it, and whose it is where the body says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    guild_id: Option<GuildId>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

impl Parcel {
    /// Reads a message; or says, as a sentence's end, why nothing of it can be taken.
    pub(super) fn read(source: &LakeSource, subject: &str, body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
        let fields: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(text).map_err(|error| format!("the body is no JSON object: {error}"))?;
        let in_body = source.guild == GuildFrom::Body;
        let (named, events) = if fields.contains_key("events") {
            let batch: Batch<'_> = json_parse(body).map_err(|problem| {
                format!("the body is no batch `{{\"events\": […]}}`: {}", problem.detail())
            })?;
            (batch.guild_id, batch.events.iter().map(|event| Event::parse(event.get())).collect())
        } else if in_body {
            let named = fields.get("guild_id").map(|id| serde_json::from_str(id.get()));
            let named = named.transpose().map_err(|error| format!("`guild_id` {error}"))?;
            let event: BTreeMap<_, _> = fields.iter().filter(|(name, _)| *name != "guild_id").collect();
            let event = serde_json::to_string(&event).map_err(|error| error.to_string())?;
            (named, vec![Event::parse(&event)])
        } else {
            (None, vec![Event::parse(text.trim())])
        };
        if events.len() > MAX_EVENTS {
            return Err(format!("it holds {} events, where {MAX_EVENTS} are allowed", events.len()));
        }
        let guild = match (source.guild, named) {
            (GuildFrom::Subject, None) => guild_in(&source.subject, subject)?,
            (GuildFrom::Subject, Some(_)) => {
                return Err(
                    "`guild_id` in the body counts for nothing: the subject names the guild".to_owned()
                );
            }
            (GuildFrom::Body, Some(guild)) => guild,
            (GuildFrom::Body, None) => return Err("`guild_id` is missing in the body".to_owned()),
        };
        if !source.guilds.is_empty() && !source.guilds.contains(&guild) {
            return Err(format!("the guild {guild} is none of nats.lake.guilds"));
        }
        let mut parcel = Self { guild, events: Vec::with_capacity(events.len()), faults: Vec::new() };
        for (place, event) in events.into_iter().enumerate() {
            match event {
                Ok(event) => parcel.events.push((place, event)),
                Err(fault) => parcel.faults.push((place, fault)),
            }
        }
        Ok(parcel)
    }
}

/// The guild that the subject names, where the filter has its `*`.
fn guild_in(filter: &str, subject: &str) -> Result<GuildId, String> {
    let at = filter.split('.').position(|word| word == "*").ok_or("nats.lake.subject has no `*`")?;
    let word = subject.split('.').nth(at).unwrap_or_default();
    word.parse().map_err(|error| format!("the subject's guild `{word}` {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"event_type":"member_join","user_id":"7","timestamp":"2026-11-21T10:00:00Z"}"#;

    fn source(subject: &str, guild: GuildFrom) -> LakeSource {
        LakeSource { subject: subject.to_owned(), guild, ..LakeSource::default() }
    }

    fn read(source: &LakeSource, subject: &str, body: &str) -> Result<(i64, usize, Vec<usize>), String> {
        let parcel = Parcel::read(source, subject, body.as_bytes())?;
        let wrong = parcel.faults.iter().map(|(place, _)| *place).collect();
        Ok((parcel.guild.get(), parcel.events.len(), wrong))
    }

    #[test]
    fn a_message_is_an_event_or_a_batch() {
        let source = source("events.*.lake", GuildFrom::Subject);
        let read = |body: &str| read(&source, "events.42.lake", body);
        assert_eq!(read(GOOD), Ok((42, 1, vec![])));
        assert_eq!(read(&format!(" {GOOD}\n")), Ok((42, 1, vec![])));
        assert_eq!(read(&format!(r#"{{"events":[{GOOD},{{}},{GOOD}]}}"#)), Ok((42, 2, vec![1])));
        assert_eq!(read(r#"{"events":[]}"#), Ok((42, 0, vec![])));
        // Words in an event are found by the one who reads events.
        assert_eq!(read(&GOOD.replace('{', r#"{"content":"secret","#)), Ok((42, 0, vec![0])));
        for wrong in ["", "[]", "null", "{", "\"x\"", r#"{"events":{}}"#, r#"{"events":[],"more":1}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(Parcel::read(&source, "events.42.lake", b"\xff").is_err());
        let many = format!(r#"{{"events":[{}]}}"#, vec!["{}"; MAX_EVENTS + 1].join(","));
        assert!(read(&many).unwrap_err().contains("10001"));
    }

    #[test]
    fn the_subject_names_the_guild_and_the_body_may_not() {
        let source = source("lake.*", GuildFrom::Subject);
        for wrong in ["lake.x", "lake.0", "lake.-1", "lake"] {
            assert!(read(&source, wrong, GOOD).is_err(), "{wrong}");
        }
        assert!(read(&source, "lake.1", r#"{"guild_id":"1","events":[]}"#).is_err());
        // In a lone event it is a field as any other that is not known.
        let named = GOOD.replace('{', r#"{"guild_id":"1","#);
        assert_eq!(read(&source, "lake.1", &named), Ok((1, 0, vec![0])));
    }

    #[test]
    fn where_the_body_names_it_it_has_to() {
        let source = source("lake", GuildFrom::Body);
        let named = GOOD.replace('{', r#"{"guild_id":"5","#);
        assert_eq!(read(&source, "lake", &named), Ok((5, 1, vec![])));
        assert_eq!(
            read(&source, "lake", &format!(r#"{{"guild_id":"5","events":[{GOOD}]}}"#)),
            Ok((5, 1, vec![]))
        );
        for wrong in [GOOD, r#"{"events":[]}"#, r#"{"guild_id":5,"events":[]}"#, r#"{"guild_id":"x"}"#] {
            assert!(read(&source, "lake", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn guilds_may_be_limited() {
        let source = LakeSource { guilds: vec![GuildId::new(1)], ..source("lake.*", GuildFrom::Subject) };
        assert_eq!(read(&source, "lake.1", GOOD), Ok((1, 1, vec![])));
        assert!(read(&source, "lake.2", GOOD).unwrap_err().contains("none of nats.lake.guilds"));
    }
}
