//! What an operator chooses about Discord.

use std::fmt;
use std::time::Duration;

use hyper::Uri;
use serde::Deserialize;

/// `[discord]`: the bot. Where no token is set there is none.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordSettings {
    /// The application's id, from the developer portal.
    pub application_id: Option<String>,
    /// The application's public key in hexadecimal digits: what interactions over HTTP are signed with.
    pub public_key: Option<String>,
    /// The bot's token.
    pub token: Option<String>,
    /// Where Discord's HTTP API is; a stand-in's address in tests. https, or this machine.
    pub api_url: String,
    /// Where Discord's gateway is. wss, or this machine. None: as `GET /gateway/bot` says.
    pub gateway_url: Option<String>,
    /// Whether this node connects to the gateway, where messages, voice and members are seen. Without it commands work, by HTTP
    /// alone. Needs the privileged intent *Server Members*. One node at a time does.
    pub gateway: bool,
    /// Whether the gateway is asked for the content of messages, of which figures are kept and no word, and which automod judges. A
    /// privileged intent, to be turned on in the developer portal too. Without it messages count, but not what they are like.
    pub message_content: bool,
    /// After this a promise is given to whoever waits for an answer. Discord waits for three seconds, of which its way and ours take
    /// some. No operator's to choose: tests that are not about it have time, as what is promised looks otherwise.
    #[serde(skip)]
    pub promise: Duration,
}

impl Default for DiscordSettings {
    fn default() -> Self {
        Self {
            application_id: None,
            public_key: None,
            token: None,
            api_url: "https://discord.com/api/v10".to_owned(),
            gateway_url: None,
            gateway: false,
            message_content: false,
            promise: Duration::from_millis(1_500),
        }
    }
}

impl fmt::Debug for DiscordSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscordSettings")
            .field("application_id", &self.application_id)
            .field("public_key", &self.public_key)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("api_url", &self.api_url)
            .field("gateway_url", &self.gateway_url)
            .field("gateway", &self.gateway)
            .field("message_content", &self.message_content)
            .field("promise", &self.promise)
            .finish()
    }
}

/// The application, as its settings have it once they are checked.
#[derive(Clone)]
pub struct Application {
    /// Discord's id of it.
    pub id: i64,
    /// What interactions over HTTP are signed with.
    pub public_key: Option<[u8; 32]>,
    /// The bot's token.
    pub token: String,
    /// Where the API is, without a slash at its end.
    pub api_url: String,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("id", &self.id)
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

impl DiscordSettings {
    /// Checks what the types cannot say: the setting that is wrong, and what is expected.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if self.token.is_some() != self.application_id.is_some() {
            return Err(("application_id", "must be set together with discord.token"));
        }
        if self
            .token
            .as_deref()
            .is_some_and(|token| token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(("token", "must be the bot's token, as the developer portal shows it"));
        }
        if self.application_id.as_deref().is_some_and(|id| snowflake(id).is_none()) {
            return Err(("application_id", "must be the application's id: digits"));
        }
        if self.public_key.as_deref().is_some_and(|key| hex32(key).is_none()) {
            return Err(("public_key", "must be 64 hexadecimal digits, as the developer portal shows them"));
        }
        if (self.gateway || self.public_key.is_some()) && self.token.is_none() {
            return Err(("token", "must be set where the bot is to work"));
        }
        if !is_ours(&self.api_url, "https", "http") {
            return Err(("api_url", "must begin with https://, or lead to this machine by its address"));
        }
        if self.gateway_url.as_deref().is_some_and(|url| !is_ours(url, "wss", "ws")) {
            return Err(("gateway_url", "must begin with wss://, or lead to this machine by its address"));
        }
        Ok(())
    }

    /// The application, where one is set and the settings are valid.
    pub fn application(&self) -> Option<Application> {
        self.validate().ok()?;
        Some(Application {
            id: snowflake(self.application_id.as_deref()?)?,
            public_key: self.public_key.as_deref().and_then(hex32),
            token: self.token.clone()?,
            api_url: self.api_url.trim_end_matches('/').to_owned(),
        })
    }
}

/// Whether an address is safe to send the token to: over TLS, or to this machine.
pub(crate) fn is_ours(url: &str, secure: &str, plain: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || uri.query().is_some() {
        return false;
    }
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    scheme == secure || (scheme == plain && address.is_ok_and(|address| address.is_loopback()))
}

pub(crate) fn snowflake(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id > 0)
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    hex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_nowhere() {
        for (url, good) in [
            ("https://discord.com/api/v10", true),
            ("http://127.0.0.1:9/api", true),
            ("http://[::1]:9", true),
            ("http://discord.com", false),
            ("http://localhost", false),
            ("http://127.0.0.1.example.org", false),
            ("https://user@discord.com", false),
            ("ftp://127.0.0.1", false),
            ("discord.com", false),
        ] {
            assert_eq!(is_ours(url, "https", "http"), good, "{url}");
        }
    }

    #[test]
    fn when_a_promise_is_given_is_not_set() {
        let unset: DiscordSettings = serde_json::from_str("{}").unwrap();
        assert_eq!((unset.promise, &unset), (Duration::from_millis(1_500), &DiscordSettings::default()));
        assert!(serde_json::from_str::<DiscordSettings>(r#"{"promise":"1s"}"#).is_err());
    }

    #[test]
    fn what_is_half_set_is_told() {
        let set = |token: Option<&str>, id: Option<&str>, key: Option<&str>| {
            let settings = DiscordSettings {
                token: token.map(str::to_owned),
                application_id: id.map(str::to_owned),
                public_key: key.map(str::to_owned),
                ..DiscordSettings::default()
            };
            settings.validate().err().map(|(setting, _)| setting)
        };
        assert_eq!(set(None, None, None), None);
        assert_eq!(set(Some("t"), None, None), Some("application_id"));
        assert_eq!(set(Some("t t"), Some("1"), None), Some("token"));
        assert_eq!(set(Some("t"), Some("x"), None), Some("application_id"));
        assert_eq!(set(Some("t"), Some("1"), Some("ab")), Some("public_key"));
        assert_eq!(set(None, None, Some(&"ab".repeat(32))), Some("token"));
        assert_eq!(set(Some("t"), Some("1"), Some(&"ab".repeat(32))), None);
        assert!(
            !format!("{:?}", DiscordSettings { token: Some("secret".into()), ..Default::default() })
                .contains("secret")
        );
    }
}
