//! The lake: what happened on Discord, how the lake fares, and the guild day by day.

use ::lake::browse::{self, LakeEvent, LakeHealth, LakeQuery};
use access::scope::CommunityWrite;
use access::{App, Query};
use axum::extract::State;
use chrono::{DateTime, Utc};
use frame::days::{Span, charts};
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::{Visit, encode};
use frame::{format, ui};
use kernel::{ChannelId, Problem, UserId};
use progress::EventType;
use serde::{Deserialize, Serialize};

use super::kinds;
use super::names::Names;
use super::sheet::{Sheet, asking, code, facts, field, folded, join, lines, link, table, text, when};

/// Which events, as the address says it: what is left empty narrows nothing down.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Filter {
    event_type: String,
    user_id: String,
    channel_id: String,
    since: String,
    until: String,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

/// A value of the address, if it is filled in.
pub(super) fn filled<T: std::str::FromStr>(
    name: &'static str,
    value: &str,
    must: &str,
) -> Result<Option<T>, Problem> {
    match value.trim() {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|_| Problem::field(name, must)),
    }
}

/// An instant of the address, as `datetime-local` writes it: in UTC.
pub(super) fn instant(name: &'static str, value: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let value = value.trim();
    let whole = if value.len() == 16 { format!("{value}:00Z") } else { value.to_owned() };
    filled(name, &whole, "must be a time")
}

/// What of a filter stands in an address.
pub(super) fn in_address(values: &[(&str, &str)]) -> String {
    let filled = values.iter().filter(|(_, value)| !value.trim().is_empty());
    filled.map(|(name, value)| format!("{name}={}", encode(value.trim()))).collect::<Vec<_>>().join("&")
}

impl Filter {
    fn query(&self) -> Result<LakeQuery, Problem> {
        Ok(LakeQuery {
            event_type: filled::<EventType>("event_type", &self.event_type, "must be a type of event")?,
            user_id: filled::<UserId>("user_id", &self.user_id, "must be a member's id")?,
            channel_id: filled::<ChannelId>("channel_id", &self.channel_id, "must be a channel's id")?,
            since: instant("since", &self.since)?,
            until: instant("until", &self.until)?,
            limit: None,
            cursor: self.cursor.clone(),
        })
    }

    fn address(&self) -> String {
        in_address(&[
            ("event_type", &self.event_type),
            ("user_id", &self.user_id),
            ("channel_id", &self.channel_id),
            ("since", &self.since),
            ("until", &self.until),
        ])
    }
}

fn row(shell: &Shell, names: &Names, event: &LakeEvent) -> Vec<Html> {
    let member = |user: &UserId| names.member(shell, user);
    let why = event.source_id.as_ref().map(|source| {
        link(shell.at(&format!("/staff/earnings?source_id={}", encode(source))), "Why it earned that")
    });
    let payload = serde_json::to_string_pretty(&event.payload).unwrap_or_default();
    let label = format!("Figures of {}", event.id);
    let refused = event.refused.as_deref().map(|refused| ui::seal("", &format::word(refused)));
    vec![
        text(kinds::on_discord(&event.event_type)),
        member(&event.user_id),
        event.channel_id.map(code).unwrap_or_default(),
        event.target_id.as_ref().map(member).unwrap_or_default(),
        format::time(&event.timestamp),
        refused.unwrap_or_default(),
        join([folded(&label, &lines(&label, &payload)), why.unwrap_or_default()]),
    ]
}

pub(super) async fn events(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let page = browse::events(app.pool(), visit.guild_id(), &filter.query()?).await?;
    let shell = visit.shell;
    let users = page.items.iter().flat_map(|event| std::iter::once(event.user_id).chain(event.target_id));
    let names = Names::of(&app, shell.guild_id, users).await?;
    let rows = page.items.iter().map(|event| row(&shell, &names, event)).collect();
    let values = Form::of(&filter);
    let path = shell.at("/staff/lake");
    let all = std::iter::once((String::new(), "All".to_owned()));
    let kinds: Vec<(String, String)> =
        all.chain(EventType::ALL.map(|kind| (kind.to_string(), kinds::on_discord(kind.as_str())))).collect();
    let search = asking(
        &path,
        [
            field(&values.choice("event_type", "What", &kinds)),
            field(&values.line("user_id", "By whom").exact().help("A Discord id.")),
            field(&values.line("channel_id", "Channel").exact().help("Its id.")),
            field(&values.time("since", "Since").help("In UTC; 90 days ago unless told.")),
            field(&values.time("until", "Before").help("In UTC; now unless told.")),
        ],
        "Look",
    );
    let heads = ["What", "Who", "Where", "To whom", "When", "Earned nothing", "More"];
    let body = join([
        folded("Look for something", &search),
        table("Events", &heads, rows, "Nothing like that happened."),
        ui::more(&path, filter.address(), page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "What happened on Discord").part("Newest first", body)))
}

/// Bytes as people read them.
#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1_024.0 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

fn health_shown(health: &LakeHealth) -> Html {
    let off: Vec<String> = health.switched_off.iter().map(|kind| kinds::on_discord(kind.as_str())).collect();
    let known = facts([
        ("Newest event", when(health.newest.as_ref())),
        ("In the last day", text(format::number(health.last_day))),
        ("Kept for at least", text(format::count(health.retention_days, "day", "days"))),
        ("Switched off", text(if off.is_empty() { "Nothing".to_owned() } else { off.join(", ") })),
        ("An event takes", text(size(health.bytes_per_event))),
        ("This guild's will take", text(size(health.projected_bytes))),
        ("All guilds' take now", text(size(health.bytes))),
    ]);
    let months = health.months.iter().map(|month| {
        vec![
            text(month.starts_at.format("%B %Y")),
            text(format::number(month.events)),
            text(size(month.bytes)),
        ]
    });
    let months = table(
        "Months",
        &["Month, of all guilds", "#Events, about", "#On disk"],
        months.collect(),
        "There is none.",
    );
    join([known, months])
}

pub(super) async fn health(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
) -> Result<Page<Sheet>, Problem> {
    let health = browse::health(app.pool(), visit.guild_id()).await?;
    let rows = health.days.iter().map(|day| {
        vec![text(day.day), text(kinds::on_discord(&day.event_type)), text(format::number(day.events))]
    });
    let days =
        table("Days", &["Day (UTC)", "What", "#Events"], rows.collect(), "Nothing happened in 14 days.");
    Ok(Page(
        Sheet::new(visit.shell, "How the lake fares")
            .part("What is kept", health_shown(&health))
            .part("The last 14 days", days),
    ))
}

pub(super) async fn days(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(span): Query<Span>,
) -> Result<Page<Sheet>, Problem> {
    let figures = ::lake::days::days(app.pool(), visit.guild_id(), None, &span.query()?).await?;
    let shell = visit.shell;
    let search = asking(shell.at("/staff/days"), [span.controls()], "Look");
    let body = join([folded("Other days", &search), charts(&figures)]);
    Ok(Page(Sheet::new(shell, "Day by day").part("The guild's days", body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_says_is_read_or_refused_by_name() {
        let filter =
            Filter { since: "2026-12-01T18:00".to_owned(), user_id: " 5 ".to_owned(), ..Filter::default() };
        let query = filter.query().unwrap();
        assert_eq!(query.since.unwrap().to_rfc3339(), "2026-12-01T18:00:00+00:00");
        assert_eq!(query.user_id, Some(UserId::new(5)));
        assert_eq!(filter.address(), "user_id=5&since=2026-12-01T18%3A00");
        let wrong = Filter { channel_id: "here".to_owned(), ..Filter::default() };
        assert_eq!(wrong.query().unwrap_err().errors()[0].field, "channel_id");
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!((size(0), size(1_023), size(1_536)), ("0 B".into(), "1023 B".into(), "1.5 KiB".into()));
        assert_eq!(size(i64::MAX), "8388608.0 TiB");
    }
}
