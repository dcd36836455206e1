//! The audit log: who changed what, and what was different afterwards.

use std::collections::BTreeMap;

use access::audit::{self, Entry};
use access::scope::{CampaignsWrite, OperationsRead, Scope as _, SettingsWrite};
use access::{App, Global, Query};
use axum::extract::State;
use frame::form::Form;
use frame::html::{Html, escape};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::{Visit, encode};
use frame::{format, ui};
use kernel::{GuildId, PageQuery, Problem};
use serde::Deserialize;
use serde_json::Value;

use super::names::Names;
use super::settings;
use super::sheet::{Sheet, aside, code, field, folded, join, says, table, text};

/// The longest value that is shown, in characters.
const SHOWN: usize = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    actor: Option<String>,
    action: Option<String>,
    target_table: Option<String>,
    target_id: Option<String>,
    cursor: Option<String>,
}

impl Filter {
    /// What is filled in, by name.
    fn filled(&self) -> Vec<(&'static str, &str)> {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("target_table", &self.target_table),
            ("target_id", &self.target_id),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?.trim())))
        .filter(|(_, value)| !value.is_empty())
        .collect()
    }
}

/// The leaves of a value by their paths.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| leaves(value, &below(name), found)),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}[{n}]"), found);
            }
        }
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        Value::Null => {}
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What is different: the path, the value before, the value after.
fn differences(entry: &Entry) -> Vec<(String, String, String)> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    entry.before.iter().for_each(|value| leaves(value, "", &mut before));
    entry.after.iter().for_each(|value| leaves(value, "", &mut after));
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &BTreeMap<String, String>, path: &String| side.get(path).cloned().unwrap_or_default();
    paths
        .into_iter()
        .map(|path| (path.clone(), value(&before, path), value(&after, path)))
        .filter(|(_, before, after)| before != after)
        .collect()
}

fn cut(value: &str) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() { format!("{shown}…") } else { shown }
}

/// A way to undo what an entry tells of, where there is an honest one: a setting is made what it was before.
fn way_back(shell: &Shell, guild: Option<GuildId>, entry: &Entry) -> Html {
    let Some(category) = entry.target_id.as_deref().filter(|_| entry.target_table == settings::TABLE) else {
        return Html::default();
    };
    if !shell.may(SettingsWrite::NAME) {
        return Html::default();
    }
    let place = if guild.is_some() { "" } else { "/installation" };
    let undo = shell.at(&format!("/staff{place}/settings/{category}/undo?entry={}", entry.id));
    shell.button(&undo, "Put it back", "quiet")
}

/// A table as people read it: without its schema.
fn table_called(table: &str) -> String {
    table.rsplit('.').next().unwrap_or(table).replace('_', " ")
}

/// Who did it, who is nobody of Discord.
fn actor_called(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("key", id)) => format!("API key …{}", id.rsplit('-').next().unwrap_or(id)),
        Some(("admin", name)) => name.to_owned(),
        _ if actor == "cli" => "The command line".to_owned(),
        _ if actor == "system" => "The server".to_owned(),
        _ => actor.to_owned(),
    }
}

fn shown(entry: &Entry, back: &Html) -> Html {
    let differences = differences(entry);
    let what = format::count(differences.len(), "difference", "differences");
    let rows = differences
        .iter()
        .map(|(path, before, after)| vec![code(path), text(cut(before)), text(cut(after))])
        .collect();
    let target = entry.target_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let about = [
        Some(code(format!("{}{target}", entry.target_table))),
        entry.reason.as_ref().map(|reason| says(format!("Why: {reason}"))),
        entry.ip_address.as_ref().map(|ip| aside(format!("From {ip}"))),
    ];
    let label = format!("Differences of entry {}", entry.id);
    folded(
        &format!("{}, {}: {what}", format::word(&entry.action), table_called(&entry.target_table)),
        &join([
            join(about.into_iter().flatten()),
            table(&label, &["Field", "Before", "After"], rows, "Nothing is different."),
            back.clone(),
        ]),
    )
}

fn search(action: &str, values: &Form) -> Html {
    let fields = [
        field(&values.line("actor", "Who").exact().help("user:ID, key:ID, admin:ID, cli or system")),
        field(&values.line("action", "Deed").exact().help("Such as CREATE, UPDATE, DELETE")),
        field(&values.line("target_table", "Table").exact().help("Such as campaigns.campaigns")),
        field(&values.line("target_id", "Row").exact()),
    ];
    Html::trusted(format!(
        "<form method=\"get\" action=\"{}\">{}<button>Look</button></form>",
        escape(action),
        join(fields)
    ))
}

/// The log of a guild, or of everything.
async fn log(
    app: &App,
    shell: Shell,
    (guild, path): (Option<GuildId>, &str),
    filter: &Filter,
) -> Result<Sheet, Problem> {
    let filled: BTreeMap<&str, &str> = filter.filled().into_iter().collect();
    let of = |name: &str| filled.get(name).map(|value| (*value).to_owned());
    let page = PageQuery { limit: None, cursor: filter.cursor.clone() };
    let (limit, after) = (page.limit()?, page.after()?);
    let wanted = audit::Filter {
        actor: filled.get("actor").map(|actor| actor.parse()).transpose()?,
        action: of("action"),
        target_table: of("target_table"),
        target_id: of("target_id"),
        since: None,
        until: None,
    };
    let mut conn = db::acquire(app.pool()).await?;
    let page = audit::list(&mut conn, guild, &wanted, after, limit).await?;
    drop(conn);
    // Over the whole installation there is no one name of anybody.
    let users = page.items.iter().filter_map(|entry| entry.actor_user_id.filter(|_| guild.is_some()));
    let names = Names::of(app, shell.guild_id, users).await?;
    let authors = shell.may(CampaignsWrite::NAME);
    let query: Vec<String> = filled.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let values = Form::of(&filled);
    let rows = page.items.into_iter().map(|entry| {
        let entry = if authors { entry } else { entry.without_authors_secrets() };
        let who = match entry.actor_user_id {
            Some(user) => names.member(&shell, &user),
            None => text(actor_called(&entry.actor)),
        };
        let back = way_back(&shell, guild, &entry);
        vec![format::time(&entry.at), who, shown(&entry, &back)]
    });
    let rows = rows.collect();
    let path = shell.at(path);
    let body = join([
        folded("Look for something", &search(&path, &values)),
        table("Changes", &["When", "Who", "What"], rows, "Nothing was changed."),
        ui::more(&path, query.join("&"), page.next.as_ref()),
    ]);
    let title = if guild.is_some() { "Audit log" } else { "Audit log of the installation" };
    Ok(Sheet::new(shell, title).part("Newest first", body))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let guild = visit.guild_id();
    Ok(Page(log(&app, visit.shell, (Some(guild), "/staff/audit"), &filter).await?))
}

pub(super) async fn list_whole(
    State(app): State<App>,
    visit: Visit<OperationsRead>,
    _operator: Global<OperationsRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(log(&app, visit.shell, (None, "/staff/installation/audit"), &filter).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_are_told_apart_by_their_paths() {
        let mut found = BTreeMap::new();
        leaves(&json!({ "a": { "b": [1, { "c": "x" }], "d": null }, "e": true }), "", &mut found);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        assert_eq!(found, [("a.b[0]", "1"), ("a.b[1].c", "x"), ("e", "true")]);
    }

    #[test]
    fn who_and_what_are_told_in_words() {
        assert_eq!(actor_called("key:01a22a1f-97a7-7522-ac16-6c7603d0b6c1"), "API key …6c7603d0b6c1");
        assert_eq!(
            (actor_called("admin:ada"), actor_called("cli")),
            ("ada".into(), "The command line".into())
        );
        assert_eq!(table_called("learning.learning_paths"), "learning paths");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"x".repeat(SHOWN + 1)).chars().count(), SHOWN + 1);
    }
}
