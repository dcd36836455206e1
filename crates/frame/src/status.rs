//! Whether everything works, for whoever wants to know: by shape, by word, and as of when. What is looked at is the server's to say.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};

use access::App;

use crate::html::Html;
use crate::page::rendered;
use crate::visit::theme;
use crate::{format, ui};

/// How something fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It works.
    Good,
    /// It is not set up here: nothing is wrong.
    Absent,
    /// It works, with delay.
    Slow,
    /// It does not work.
    Bad,
}

impl Health {
    fn seal(self) -> Html {
        match self {
            Self::Good => ui::seal("on", "Works"),
            Self::Absent => ui::seal("", "Not set up"),
            Self::Slow => ui::seal("warn", "Slow"),
            Self::Bad => ui::seal("bad", "Does not work"),
        }
    }
}

/// A part of the service.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// How it fares.
    pub health: Health,
    /// What there is to say besides; nothing of what goes on inside.
    pub note: String,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    theme: &'static str,
    parts: &'a [Part],
    worst: Health,
    at: DateTime<Utc>,
}

impl StatusPage<'_> {
    const fn told(&self) -> &'static str {
        match self.worst {
            Health::Good | Health::Absent => "Everything works.",
            Health::Slow => "Everything works, some of it slowly.",
            Health::Bad => "Something does not work.",
        }
    }
}

/// The page. Where something does not work it says so to programs, too: 503.
pub fn page(app: &App, headers: &HeaderMap, parts: &[Part], at: DateTime<Utc>) -> Response {
    let worst = parts.iter().map(|part| part.health).max().unwrap_or(Health::Good);
    let status = if worst == Health::Bad { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut response = rendered(&StatusPage { theme: theme(app, headers), parts, worst, at }, status);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_says_how_all_fare() {
        let part = |health| Part { name: "x", about: "y", health, note: String::new() };
        let told = |healths: &[Health]| {
            let parts: Vec<Part> = healths.iter().copied().map(part).collect();
            let worst = parts.iter().map(|part| part.health).max().unwrap_or(Health::Good);
            StatusPage { theme: "auto", parts: &parts, worst, at: DateTime::UNIX_EPOCH }.render().unwrap()
        };
        assert!(told(&[Health::Good, Health::Absent]).contains("Everything works."));
        assert!(told(&[Health::Good, Health::Slow]).contains("some of it slowly"));
        assert!(told(&[Health::Slow, Health::Bad, Health::Good]).contains("Something does not work."));
    }
}
