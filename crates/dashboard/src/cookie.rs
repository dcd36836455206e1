//! Cookies of the pages, beside the session's: what was done just now, which theme is wanted, and in development for whom
//! an administrator acts. None of them permits anything.

use access::HttpSettings;
use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// What was done by the form before this page.
    Flash,
    /// The theme somebody chose.
    Theme,
    /// In development: the member for whom an administrator looks and acts.
    ActingFor,
}

impl Cookie {
    fn name(self, http: &HttpSettings) -> String {
        let name = match self {
            Self::Flash => "questhall-flash",
            Self::Theme => "questhall-theme",
            Self::ActingFor => "questhall-as",
        };
        if http.insecure_cookies() { name.to_owned() } else { format!("__Host-{name}") }
    }

    /// The value that a request brings.
    pub(crate) fn read(self, http: &HttpSettings, headers: &HeaderMap) -> Option<String> {
        let name = self.name(http);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The header that sets it for so many seconds. The value must be letters, digits, `-` and `_`.
    pub(crate) fn set(self, http: &HttpSettings, value: &str, seconds: i64) -> HeaderValue {
        let secure = if http.insecure_cookies() { "" } else { "; Secure" };
        let name = self.name(http);
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The header that removes it.
    pub(crate) fn remove(self, http: &HttpSettings) -> HeaderValue {
        self.set(http, "", 0)
    }
}
