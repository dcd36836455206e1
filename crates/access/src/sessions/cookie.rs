//! Cookies: read from requests, written to answers.
//!
//! Outside of development they are `__Host-` cookies: browsers take those over TLS only, for this host only, and let no
//! subdomain plant one.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::web::HttpSettings;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session's token.
    Session,
    /// By which a browser that began to sign in is known when it comes back.
    SignIn,
    /// What was done by the form before this page. Like those below it permits nothing.
    Flash,
    /// The theme somebody chose.
    Theme,
    /// The language in which somebody reads, chosen in this browser.
    Language,
    /// In development: the member for whom an administrator looks and acts.
    ActingFor,
}

impl Cookie {
    /// Its name.
    pub fn name(self, http: &HttpSettings) -> &'static str {
        let (name, bare) = match self {
            Self::Session => ("__Host-questhall", "questhall"),
            Self::SignIn => ("__Host-questhall-sign-in", "questhall-sign-in"),
            Self::Flash => ("__Host-questhall-flash", "questhall-flash"),
            Self::Theme => ("__Host-questhall-theme", "questhall-theme"),
            Self::Language => ("__Host-questhall-language", "questhall-language"),
            Self::ActingFor => ("__Host-questhall-as", "questhall-as"),
        };
        if http.insecure_cookies() { bare } else { name }
    }

    /// The value that a request brings; `None` where it brings none, or several, of which one may be planted.
    pub fn read(self, http: &HttpSettings, headers: &HeaderMap) -> Option<String> {
        let name = self.name(http);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(given, _)| *given == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then(|| value.to_owned())
    }

    /// The header that sets it for so many seconds. The value must be letters, digits, `-` and `_`.
    pub fn set(self, http: &HttpSettings, value: &str, seconds: i64) -> HeaderValue {
        let secure = if http.insecure_cookies() { "" } else { "; Secure" };
        let text =
            format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.name(http));
        // Names and values are letters and digits of ours.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The header that removes it.
    pub fn remove(self, http: &HttpSettings) -> HeaderValue {
        self.set(http, "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_not_when_given_twice() {
        let http = HttpSettings::default();
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            Cookie::Session.read(&http, &headers)
        };
        assert_eq!(read(&["a=b; __Host-questhall=x;c=d"]).as_deref(), Some("x"));
        assert_eq!(read(&["a=b", "__Host-questhall=x"]).as_deref(), Some("x"));
        assert_eq!(read(&["__Host-questhall=x; __Host-questhall=y"]), None);
        assert_eq!(read(&["questhall=x"]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn cookies_are_for_this_host_and_not_for_scripts() {
        let set = Cookie::Session.set(&HttpSettings::default(), "x", 60);
        assert_eq!(set, "__Host-questhall=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }
}
