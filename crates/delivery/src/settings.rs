//! What an operator may choose about events that leave the house.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use db::settings::duration;
use kernel::GuildId;
use serde::{Deserialize, Deserializer, de};

use crate::address::Network;

/// `[webhooks]`: posting events to addresses that guilds name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether this process delivers, if it is a worker.
    pub enabled: bool,
    /// Webhooks a guild may have.
    pub max_per_guild: u32,
    /// Ports of public addresses that may be called; empty: any.
    pub ports: Vec<u16>,
    /// Whether addresses may begin with `http://`, so that events travel readable by everybody on the way.
    pub allow_http: bool,
    /// Networks that may be called although they are not public, at any port and without TLS, such as `10.1.0.0/16`.
    pub internal_networks: Vec<Network>,
    /// A file with further certificate authorities to trust, in PEM.
    pub ca_file: Option<PathBuf>,
    /// The longest an attempt may take, from looking up the name to the answer's end.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Webhooks that this process works on at once.
    pub concurrency: usize,
    /// A webhook that failed for so long is disabled.
    #[serde(deserialize_with = "duration")]
    pub disable_after: Duration,
    /// What seals secrets that the database keeps.
    #[serde(skip)]
    pub vault: access::Vault,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_per_guild: 20,
            ports: vec![443, 8443],
            allow_http: false,
            internal_networks: Vec::new(),
            ca_file: None,
            timeout: Duration::from_secs(10),
            concurrency: 128,
            disable_after: Duration::from_hours(5 * 24),
            vault: access::Vault::ephemeral(),
        }
    }
}

impl WebhookSettings {
    /// Checks what the types cannot say: the setting that is wrong, and what is expected.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(("timeout", "must be longer than 0 and at most 20 s"));
        }
        if !(1..=4096).contains(&self.concurrency) {
            return Err(("concurrency", "must be between 1 and 4096"));
        }
        if !(1..=1000).contains(&self.max_per_guild) {
            return Err(("max_per_guild", "must be between 1 and 1000"));
        }
        if self.disable_after < Duration::from_hours(1) {
            return Err(("disable_after", "must be at least an hour"));
        }
        Ok(())
    }
}

/// A lease has to outlive an attempt and what is written after it.
const MAX_TIMEOUT: Duration = Duration::from_secs(20);

/// `[nats]`: events to NATS `JetStream`, and from there into the lake.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// The server, such as `nats://127.0.0.1:4222` or `tls://user:password@nats.example.org`; several with commas. None:
    /// nothing is published, and nothing taken.
    pub url: Option<String>,
    /// Whether what happens is published. Without, NATS only brings events for the lake.
    pub publish: bool,
    /// The stream that keeps the events; made if it is not there.
    pub stream: String,
    /// What every subject begins with.
    pub subject_prefix: String,
    /// How long a stream that we make keeps events.
    #[serde(deserialize_with = "duration")]
    pub max_age: Duration,
    /// A file with credentials, as NATS' tools make them.
    pub credentials: Option<PathBuf>,
    /// Where events for the lake come from.
    pub lake: LakeSource,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            url: None,
            publish: true,
            stream: "QUESTHALL".to_owned(),
            subject_prefix: "questhall".to_owned(),
            max_age: Duration::from_hours(7 * 24),
            credentials: None,
            lake: LakeSource::default(),
        }
    }
}

impl fmt::Debug for NatsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        let url = self.url.as_ref().map(|_| "…");
        f.debug_struct("NatsSettings")
            .field("url", &url)
            .field("stream", &self.stream)
            .field("publish", &self.publish)
            .field("subject_prefix", &self.subject_prefix)
            .field("lake", &self.lake)
            .finish_non_exhaustive()
    }
}

impl NatsSettings {
    /// Checks what the types cannot say: the setting that is wrong, and what is expected.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !is_token(&self.stream) {
            return Err(("stream", "must be letters, digits, `-` and `_`"));
        }
        if !self.subject_prefix.split('.').all(is_token) {
            return Err((
                "subject_prefix",
                "must be words of letters, digits, `-` and `_`, with dots between them",
            ));
        }
        let Some(stream) = &self.lake.stream else { return Ok(()) };
        if self.url.is_none() {
            return Err((
                "url",
                "must be set where nats.lake.stream is: it says on which server that stream is",
            ));
        }
        if !is_token(stream) {
            return Err(("lake.stream", "must be letters, digits, `-` and `_`"));
        }
        if self.publish && *stream == self.stream {
            return Err((
                "lake.stream",
                "must be another stream than nats.stream, which holds what Questhall publishes itself",
            ));
        }
        self.lake.validate()
    }
}

/// `[nats.lake]`: messages that bring events for the lake.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeSource {
    /// The stream they come from; made if it is not there. None: none come.
    pub stream: Option<String>,
    /// Which of its messages: a subject, in which `*` stands for the guild's id.
    pub subject: String,
    /// The durable consumer that all nodes share; made if it is not there.
    pub consumer: String,
    /// What says whose events a message holds.
    pub guild: GuildFrom,
    /// Only events of these guilds are taken; of any when empty.
    #[serde(deserialize_with = "guilds")]
    pub guilds: Vec<GuildId>,
    /// Messages that a node holds at once, at most.
    pub in_flight: usize,
    /// The subject to which messages go that cannot be taken; a stream must keep it. None: they are counted and logged.
    pub dead_letters: Option<String>,
}

/// What says whose events a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuildFrom {
    /// Its subject: whom NATS lets publish there is who may write for the guild.
    Subject,
    /// Its body: whoever may publish at all may write for every guild.
    Body,
}

impl Default for LakeSource {
    fn default() -> Self {
        Self {
            stream: None,
            subject: "lake.*".to_owned(),
            consumer: "questhall".to_owned(),
            guild: GuildFrom::Subject,
            guilds: Vec::new(),
            in_flight: 1000,
            dead_letters: None,
        }
    }
}

impl LakeSource {
    fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !is_filter(&self.subject) {
            return Err((
                "lake.subject",
                "must be words of letters, digits, `-` and `_`, or `*`, with dots between them; `>` may stand at the end",
            ));
        }
        if self.guild == GuildFrom::Subject
            && self.subject.split('.').filter(|word| *word == "*").count() != 1
        {
            return Err((
                "lake.subject",
                "must have one `*`, which stands for the guild's id, as in `lake.*`; or nats.lake.guild must be `body`",
            ));
        }
        if !is_token(&self.consumer) {
            return Err(("lake.consumer", "must be letters, digits, `-` and `_`"));
        }
        if !(1..=10_000).contains(&self.in_flight) {
            return Err(("lake.in_flight", "must be between 1 and 10000"));
        }
        let Some(subject) = &self.dead_letters else { return Ok(()) };
        if !subject.split('.').all(is_token) {
            return Err((
                "lake.dead_letters",
                "must be words of letters, digits, `-` and `_`, with dots between them",
            ));
        }
        if matches(&self.subject, subject) {
            return Err((
                "lake.dead_letters",
                "must not be among nats.lake.subject: they would come back for ever",
            ));
        }
        Ok(())
    }
}

/// Ids as JSON has them, and also as numbers: so a list of them reads in an environment variable.
fn guilds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GuildId>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    let ids = Vec::<Id>::deserialize(deserializer)?.into_iter().map(|id| match id {
        Id::Number(number) => number.to_string().parse(),
        Id::Text(text) => text.parse(),
    });
    ids.collect::<Result<_, kernel::id::ParseIdError>>().map_err(de::Error::custom)
}

/// A word of a subject, or the name of a stream or consumer.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A subject in which `*` stands for a word, and `>` at the end for one or more.
fn is_filter(text: &str) -> bool {
    let words = text.strip_suffix(".>").unwrap_or(text);
    words.split('.').all(|word| word == "*" || is_token(word))
}

/// Whether a subject is among those that the filter lets through.
pub(crate) fn matches(filter: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for wanted in filter.split('.') {
        match (wanted, words.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(word)) if wanted == word => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lake: LakeSource) -> Result<(), &'static str> {
        let lake = LakeSource { stream: lake.stream.or(Some("LAKE".to_owned())), ..lake };
        let url = Some("nats://127.0.0.1".to_owned());
        NatsSettings { url, lake, ..NatsSettings::default() }.validate().map_err(|(setting, _)| setting)
    }

    #[test]
    fn a_source_says_whose_events_come() {
        let lake = LakeSource::default;
        let subject = |text: &str| LakeSource { subject: text.to_owned(), ..lake() };
        assert_eq!(with(lake()), Ok(()));
        for good in ["*", "a.*", "a.*.b", "*.events", "a.*.>"] {
            assert_eq!(with(subject(good)), Ok(()), "{good}");
        }
        for wrong in ["", "a", "a.*.*", "a.>", ">", "a.>.*", "a..*", "a b.*", "a.*.b*"] {
            assert_eq!(with(subject(wrong)), Err("lake.subject"), "{wrong}");
        }
        let body = |text: &str| LakeSource { guild: GuildFrom::Body, ..subject(text) };
        for good in ["a", "a.>", "a.*.*"] {
            assert_eq!(with(body(good)), Ok(()), "{good}");
        }
        for wrong in ["", "a.", "a.>.b"] {
            assert_eq!(with(body(wrong)), Err("lake.subject"), "{wrong}");
        }
        let dead = |text: &str| LakeSource { dead_letters: Some(text.to_owned()), ..lake() };
        assert_eq!(with(dead("dead.lake")), Ok(()));
        for wrong in ["", "lake.dead", "dead.*"] {
            assert_eq!(with(dead(wrong)), Err("lake.dead_letters"), "{wrong}");
        }
        assert_eq!(with(LakeSource { stream: Some("QUESTHALL".into()), ..lake() }), Err("lake.stream"));
        assert_eq!(with(LakeSource { in_flight: 0, ..lake() }), Err("lake.in_flight"));
        let nowhere = NatsSettings {
            lake: LakeSource { stream: Some("LAKE".to_owned()), ..lake() },
            ..NatsSettings::default()
        };
        assert_eq!(nowhere.validate().unwrap_err().0, "url");
    }

    #[test]
    fn guilds_are_named_as_texts_or_numbers() {
        let lake: LakeSource = serde_json::from_str(r#"{ "guilds": ["175928847299117063", 7] }"#).unwrap();
        assert_eq!(lake.guilds, [GuildId::new(175_928_847_299_117_063), GuildId::new(7)]);
        for wrong in [r#"["x"]"#, "[0]", "[-1]", "[1.5]"] {
            assert!(serde_json::from_str::<LakeSource>(&format!(r#"{{ "guilds": {wrong} }}"#)).is_err());
        }
    }

    #[test]
    fn subjects_match_as_nats_has_it() {
        for (filter, subject, expected) in [
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
        ] {
            assert_eq!(matches(filter, subject), expected, "{filter} {subject}");
        }
    }
}
