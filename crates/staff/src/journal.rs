//! The journal: what brought or took XP, stars and gold, but for what the lake tells of.

use access::scope::CommunityWrite;
use access::{App, Query};
use axum::extract::State;
use frame::form::Form;
use frame::page::Page;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use progress::Event;
use progress::activity::{self, ActivityQuery};
use serde::Deserialize;

use super::kinds;
use super::lake::filled;
use super::names::Names;
use super::sheet::{Sheet, asking, field, folded, join, table, text};

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    event_type: String,
    cursor: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let kind = filled::<Event>("event_type", &filter.event_type, "must be a kind of entry")?;
    let wanted = ActivityQuery { event_type: kind, limit: None, cursor: filter.cursor };
    let page = activity::activity(app.pool(), visit.guild_id(), None, &wanted).await?;
    let shell = visit.shell;
    let names = Names::of(&app, shell.guild_id, page.items.iter().map(|entry| entry.user_id)).await?;
    let rows = page.items.iter().map(|entry| {
        vec![
            text(kinds::in_journal(&entry.event_type)),
            names.member(&shell, &entry.user_id),
            text(format::signed(entry.xp)),
            text(format::signed(entry.stars)),
            text(format::signed(entry.gold)),
            format::time(&entry.timestamp),
        ]
    });
    let path = shell.at("/staff/journal");
    let values = Form::of(&serde_json::json!({ "event_type": kind }));
    let kinds: Vec<(String, String)> = std::iter::once((String::new(), "All".to_owned()))
        .chain(
            Event::ALL
                .iter()
                .filter(|kind| !kind.is_of_lake())
                .map(|kind| (kind.as_str().to_owned(), kinds::in_journal(kind.as_str()))),
        )
        .collect();
    let search = asking(&path, [field(&values.choice("event_type", "What", &kinds))], "Look");
    let query = kind.map(|kind| format!("event_type={kind}")).unwrap_or_default();
    let heads = ["What", "Who", "#XP", "#Stars", "#Gold", "When"];
    let body = join([
        folded("Look for something", &search),
        table("Entries", &heads, rows.collect(), "Nothing like that was earned."),
        ui::more(&path, query, page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "The journal of rewards").part("Newest first", body)))
}
