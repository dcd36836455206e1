//! What answers say about limits.

use std::time::Duration;

use serde_json::Value;

use super::transport::Exchange;

/// The longest pause that an answer may ask for; what is longer is not meant for us.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// What an answer's head says of its route's limit.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) bucket: Option<String>,
    pub(super) remaining: Option<u32>,
    pub(super) reset_after: Option<Duration>,
}

impl Seen {
    pub(super) fn of(exchange: &Exchange) -> Self {
        Self {
            bucket: exchange.header("x-ratelimit-bucket").map(str::to_owned),
            remaining: exchange.header("x-ratelimit-remaining").and_then(|text| text.parse().ok()),
            reset_after: exchange.header("x-ratelimit-reset-after").and_then(seconds),
        }
    }
}

/// Whom a limit holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// This route.
    User,
    /// Everybody who acts on the same thing: no fault of ours.
    Shared,
    /// Everything we send.
    Global,
}

impl Scope {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
            Self::Global => "global",
        }
    }
}

/// An answer 429.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limited {
    pub(super) scope: Scope,
    pub(super) wait: Option<Duration>,
}

impl Limited {
    /// Whom it holds for, and how long. Where Discord's own words are missing, its network speaks: that holds for all.
    pub(super) fn of(exchange: &Exchange) -> Self {
        let body: Value = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        let global = body["global"] == true || exchange.header("x-ratelimit-global").is_some();
        let scope = match exchange.header("x-ratelimit-scope") {
            Some("user") if !global => Scope::User,
            Some("shared") if !global => Scope::Shared,
            _ => Scope::Global,
        };
        let said = body["retry_after"].as_f64().and_then(duration);
        let head = exchange.header("retry-after").and_then(seconds);
        // The longer of the two: the head is rounded, and either may be missing.
        Self { scope, wait: said.max(head) }
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().and_then(duration)
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{HeaderMap, StatusCode};

    fn limited(heads: &[(&'static str, &str)], body: &str) -> Limited {
        let mut headers = HeaderMap::new();
        for (name, value) in heads {
            headers.insert(*name, value.parse().unwrap());
        }
        Limited::of(&Exchange {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        })
    }

    #[test]
    fn whom_a_limit_holds_for_and_how_long() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let user = r#"{"message": "slow", "retry_after": 1.5, "global": false}"#;
        for (heads, body, scope, wait) in [
            (vec![("x-ratelimit-scope", "user"), ("retry-after", "1")], user, Scope::User, ms(1500)),
            (vec![("x-ratelimit-scope", "shared")], user, Scope::Shared, ms(1500)),
            (vec![("x-ratelimit-scope", "global")], user, Scope::Global, ms(1500)),
            (
                vec![("x-ratelimit-global", "true"), ("x-ratelimit-scope", "user")],
                user,
                Scope::Global,
                ms(1500),
            ),
            (
                vec![("x-ratelimit-scope", "user")],
                r#"{"retry_after": 2, "global": true}"#,
                Scope::Global,
                ms(2000),
            ),
            (vec![("retry-after", "3")], "<html>error 1015</html>", Scope::Global, ms(3000)),
            (vec![], "<html>error 1015</html>", Scope::Global, None),
            (vec![("retry-after", "-1")], r#"{"retry_after": "x"}"#, Scope::Global, None),
            (vec![("retry-after", "1e30")], "", Scope::Global, None),
            (vec![("retry-after", "9999999")], "", Scope::Global, Some(MAX_WAIT)),
        ] {
            assert_eq!(limited(&heads, body), Limited { scope, wait }, "{heads:?} {body}");
        }
    }
}
