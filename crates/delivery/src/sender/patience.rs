//! How long an endpoint asks to be left alone: `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The wait that the answer's head asks for. A date counts from the answer's own `Date`, if it has one: the other side's clock
/// need not be ours. One that is over asks for nothing, and a number of any length for as long as we wait at all.
pub(super) fn asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = date(text)?;
    let now = headers.get(DATE).and_then(|date_| date(date_.to_str().ok()?.trim())).unwrap_or(now);
    Some((until - now).to_std().unwrap_or_default())
}

/// A date in the form that HTTP uses now, or in one of those that it used once.
fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_of_any_form_and_size() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        for (text, wait) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Fri, 20 Nov 2026 12:10:00 GMT", Some(600)),
            ("Friday, 20-Nov-26 12:10:00 GMT", Some(600)),
            ("Fri Nov 20 12:10:00 2026", Some(600)),
            ("Fri, 20 Nov 2026 11:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(251_607_124_799)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            assert_eq!(asked(&headers, now).map(|wait| wait.as_secs()), wait, "{text}");
        }
    }

    #[test]
    fn a_date_counts_from_the_clock_of_who_wrote_it() {
        let now: DateTime<Utc> = "2026-11-20T18:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Fri, 20 Nov 2026 12:00:00 GMT"));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Fri, 20 Nov 2026 12:01:00 GMT"));
        assert_eq!(asked(&headers, now), Some(Duration::from_mins(1)));
    }
}
