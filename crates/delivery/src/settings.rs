//! What an operator may choose about events that leave the house.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use db::settings::duration;
use serde::Deserialize;

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

/// `[nats]`: publishing events to NATS `JetStream`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// The server, such as `nats://127.0.0.1:4222` or `tls://user:password@nats.example.org`; several with commas. None:
    /// nothing is published.
    pub url: Option<String>,
    /// The stream that keeps the events; made if it is not there.
    pub stream: String,
    /// What every subject begins with.
    pub subject_prefix: String,
    /// How long a stream that we make keeps events.
    #[serde(deserialize_with = "duration")]
    pub max_age: Duration,
    /// A file with credentials, as NATS' tools make them.
    pub credentials: Option<PathBuf>,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            url: None,
            stream: "QUESTHALL".to_owned(),
            subject_prefix: "questhall".to_owned(),
            max_age: Duration::from_hours(7 * 24),
            credentials: None,
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
            .field("subject_prefix", &self.subject_prefix)
            .finish_non_exhaustive()
    }
}

impl NatsSettings {
    /// Checks what the types cannot say: the setting that is wrong, and what is expected.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let token = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if !token(&self.stream) {
            return Err(("stream", "must be letters, digits, `-` and `_`"));
        }
        if !self.subject_prefix.split('.').all(token) {
            return Err((
                "subject_prefix",
                "must be words of letters, digits, `-` and `_`, with dots between them",
            ));
        }
        Ok(())
    }
}
