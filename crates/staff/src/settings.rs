//! Settings, of the guild or of the whole installation, made from what they are declared to be.

use access::audit;
use access::scope::{Scope as _, SettingsRead, SettingsWrite};
use access::settings::{self, Registry, Setting, SettingGroup, Source};
use access::{App, Author, Global, Path, Query};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::{Control, Form};
use frame::format;
use frame::html::{Html, with_code};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::{GuildId, Limit, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::sheet::{Sheet, aside, code, field, form, join, link, says, side_by_side, table, text, when};
use super::told::{led, told};

#[derive(Debug, Deserialize)]
pub(super) struct GroupPath {
    category: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SettingPath {
    category: String,
    name: String,
}

/// The table whose changes the audit log tells of.
pub(super) const TABLE: &str = "access.settings";

/// Whose settings: a guild's, or those that count where a guild says nothing.
#[derive(Debug, Clone, Copy)]
struct Whose {
    guild: Option<GuildId>,
    path: &'static str,
    title: &'static str,
}

impl Whose {
    const fn guild(guild: GuildId) -> Self {
        Self { guild: Some(guild), path: "/staff/settings", title: "Settings" }
    }

    const INSTALLATION: Self =
        Self { guild: None, path: "/staff/installation/settings", title: "Settings of the installation" };

    /// Whether a value was chosen here.
    fn chose(self, setting: &Setting) -> bool {
        match self.guild {
            Some(_) => setting.source == Source::Guild,
            None => setting.source != Source::Default,
        }
    }

    fn at(self, shell: &Shell, category: &str) -> String {
        shell.at(&format!("{}/{category}", self.path))
    }
}

async fn groups(app: &App, registry: &Registry, shell: Shell, whose: Whose) -> Result<Sheet, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let groups = settings::settings_list(&mut conn, registry, whose.guild).await?;
    let rows = groups.iter().map(|group| {
        let own = group.settings.iter().filter(|setting| whose.chose(setting)).count();
        vec![
            link(whose.at(&shell, group.category), format::word(group.category)),
            with_code(group.description),
            text(if own == 0 { "As they come".to_owned() } else { format!("{own} set here") }),
        ]
    });
    let rows = rows.collect();
    let body = table("Groups of settings", &["Group", "What about", "Set"], rows, "There are none.");
    Ok(Sheet::new(shell, whose.title).part("Groups", body))
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsRead>,
) -> Result<Page<Sheet>, Problem> {
    let whose = Whose::guild(visit.guild_id());
    Ok(Page(groups(&app, &registry, visit.shell, whose).await?))
}

pub(super) async fn list_whole(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsRead>,
    _operator: Global<SettingsRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(groups(&app, &registry, visit.shell, Whose::INSTALLATION).await?))
}

/// A value as it stands in a control.
fn typed_as(setting: &Setting, value: &Value) -> String {
    match (setting.kind, value) {
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => text.clone(),
        ("array", Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        ("json", value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (_, value) => value.to_string(),
    }
}

/// A value from what stands in a control; what does not fit stays text, and the API says what is wrong with it.
fn value_of(setting: &Setting, typed: &str) -> Value {
    let (typed, trimmed) = (typed.replace("\r\n", "\n"), typed.trim());
    if setting.nullable && trimmed.is_empty() {
        return Value::Null;
    }
    match setting.kind {
        "array" => typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        "string" => Value::String(typed),
        "id" => Value::String(trimmed.to_owned()),
        _ => serde_json::from_str(trimmed).unwrap_or_else(|_| Value::String(trimmed.to_owned())),
    }
}

fn stored(group: &SettingGroup) -> Value {
    let values: Map<String, Value> = group
        .settings
        .iter()
        .map(|setting| (name_of(setting).to_owned(), Value::String(typed_as(setting, &setting.value))))
        .collect();
    json!({ group.category: values })
}

fn name_of(setting: &Setting) -> &str {
    setting.key.split_once('.').map_or(setting.key.as_str(), |(_, name)| name)
}

fn help(setting: &Setting) -> String {
    let mut help = setting.description.to_owned();
    let bound = |value: &Option<Value>| value.as_ref().map(ToString::to_string);
    if let (Some(least), Some(most)) = (bound(&setting.minimum), bound(&setting.maximum)) {
        help = format!("{help} From {least} to {most}.");
    }
    match setting.kind {
        "array" => help.push_str(" One a line."),
        "json" => help.push_str(" As JSON."),
        "id" => help.push_str(" A Discord id."),
        _ => {}
    }
    let default = typed_as(setting, &setting.default).replace('\n', ", ");
    let default = if default.is_empty() { "none".to_owned() } else { default };
    if setting.kind != "json" {
        help = format!("{help} Unless told: {default}.");
    }
    help
}

fn control(form: &Form, setting: &Setting) -> Html {
    let (label, help) = (format::word(name_of(setting)), help(setting));
    let options: Vec<(String, String)> =
        setting.choices.iter().flatten().map(|choice| ((*choice).to_owned(), format::word(choice))).collect();
    let key = setting.key.as_str();
    let control: Control<'_> = match setting.kind {
        "boolean" => form.check(key, &label),
        "integer" => form.number(key, &label),
        "array" | "json" => form.text(key, &label, 6).exact(),
        "string" if !options.is_empty() => form.choice(key, &label, &options),
        "string" if setting.max_length.is_some_and(|most| most > 200) => form.text(key, &label, 4),
        _ => form.line(key, &label),
    };
    field(&control.help(&help))
}

async fn sheet(
    app: &App,
    registry: &Registry,
    (shell, whose): (Shell, Whose),
    category: &str,
    told: Form,
) -> Result<Sheet, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let group = settings::settings_get(&mut conn, registry, whose.guild, category).await?;
    let may = shell.may(SettingsWrite::NAME);
    let values = told.over(&stored(&group));
    let controls = group.settings.iter().map(|setting| control(&values, setting)).collect::<Vec<_>>();
    let action = whose.at(&shell, category);
    let body = if may {
        form(&shell, &action, [side_by_side(controls)], [super::sheet::button("keep", "Keep", "primary")])
    } else {
        let rows = group.settings.iter().map(|setting| {
            vec![
                text(format::word(name_of(setting))),
                code(typed_as(setting, &setting.value)),
                with_code(setting.description),
            ]
        });
        table("Settings", &["Setting", "Value", "What it does"], rows.collect(), "There are none.")
    };
    let own = group.settings.iter().filter(|setting| whose.chose(setting));
    let own = own.map(|setting| {
        let back = format!("{action}/{}/reset", name_of(setting));
        vec![
            text(format::word(name_of(setting))),
            code(typed_as(setting, &setting.value)),
            code(typed_as(setting, &setting.default)),
            text(setting.updated_by.as_deref().unwrap_or("–")),
            when(setting.updated_at.as_ref()),
            if may { shell.button(&back, "Back to the default", "quiet") } else { Html::default() },
        ]
    });
    let own: Vec<Vec<Html>> = own.collect();
    let heads = ["Setting", "Here", "Unless told", "By", "When", ""];
    let changed = join([
        table("Changed here", &heads, own, "Everything is as it comes."),
        aside("The audit log has every change."),
    ]);
    Ok(Sheet::new(shell, format::word(group.category))
        .below(whose.path, whose.title)
        .lead(says(group.description))
        .of(values)
        .part("Settings", body)
        .part("Changed here", changed))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsRead>,
    Path(path): Path<GroupPath>,
) -> Result<Page<Sheet>, Problem> {
    let whose = Whose::guild(visit.guild_id());
    Ok(Page(sheet(&app, &registry, (visit.shell, whose), &path.category, Form::new()).await?))
}

pub(super) async fn show_whole(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsRead>,
    _operator: Global<SettingsRead>,
    Path(path): Path<GroupPath>,
) -> Result<Page<Sheet>, Problem> {
    let whose = Whose::INSTALLATION;
    Ok(Page(sheet(&app, &registry, (visit.shell, whose), &path.category, Form::new()).await?))
}

/// Changes what was typed otherwise than it is, and leaves the rest to its default.
async fn keep(
    app: &App,
    registry: &Registry,
    (whose, category): (Whose, &str),
    typed: &Typed,
    author: Author<'_>,
) -> Result<usize, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let group = settings::settings_get(&mut tx, registry, whose.guild, category).await?;
    let changed = group.settings.iter().filter_map(|setting| {
        let value = value_of(setting, typed.value(&setting.key)?);
        (value != setting.value).then(|| (setting.key.clone(), value))
    });
    let changed: Map<String, Value> = changed.collect();
    settings::settings_change(&mut tx, registry, author.by, author.origin, whose.guild, &changed).await?;
    tx.commit().await?;
    Ok(changed.len())
}

async fn changed(
    app: &App,
    registry: &Registry,
    (shell, whose, category): (Shell, Whose, &str),
    typed: Typed,
    author: Author<'_>,
) -> Result<Response, Problem> {
    let changed = keep(app, registry, (whose, category), &typed, author).await;
    let outcome = changed.map(|changed| {
        let said = format!("Kept: {} changed.", format::count(changed, "setting", "settings"));
        led(whose.at(&shell, category), said)
    });
    told(app, typed, outcome, |form| sheet(app, registry, (shell, whose), category, form)).await
}

pub(super) async fn change(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    Path(path): Path<GroupPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell.clone(), Whose::guild(visit.guild_id()), path.category.as_str());
    changed(&app, &registry, place, typed, visit.guild.author()).await
}

pub(super) async fn change_whole(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    operator: Global<SettingsWrite>,
    Path(path): Path<GroupPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell, Whose::INSTALLATION, path.category.as_str());
    changed(&app, &registry, place, typed, operator.author()).await
}

/// An entry of the audit log.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Undone {
    entry: i32,
}

/// Makes the settings that a change was about what they were before it: as they had been chosen here, or not chosen.
async fn undo(
    app: &App,
    registry: &Registry,
    (whose, category): (Whose, &str),
    entry: i32,
    author: Author<'_>,
) -> Result<(), Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let filter = audit::Filter {
        actor: None,
        action: None,
        target_table: Some(TABLE.to_owned()),
        target_id: Some(category.to_owned()),
        since: None,
        until: None,
    };
    // The log goes on below a number, the latest first.
    let page = audit::list(&mut tx, whose.guild, &filter, entry.checked_add(1), Limit::new(Some(1))?).await?;
    let told = page.items.into_iter().find(|found| found.id == entry);
    let told = told.ok_or_else(|| Problem::not_found("change of these settings"))?;
    let keys = |value: Option<Value>| match value {
        Some(Value::Object(values)) => values,
        _ => Map::new(),
    };
    let (before, after) = (keys(told.before), keys(told.after));
    let unchosen: Vec<&str> =
        after.keys().filter(|key| !before.contains_key(*key)).map(String::as_str).collect();
    let (by, origin) = (author.by, author.origin);
    if !before.is_empty() {
        settings::settings_change(&mut tx, registry, by, origin, whose.guild, &before).await?;
    }
    if !unchosen.is_empty() {
        settings::settings_reset(&mut tx, registry, by, origin, whose.guild, &unchosen).await?;
    }
    Ok(tx.commit().await?)
}

async fn undone(
    app: &App,
    registry: &Registry,
    (shell, whose, category): (Shell, Whose, &str),
    (entry, typed): (i32, Typed),
    author: Author<'_>,
) -> Result<Response, Problem> {
    let outcome = undo(app, registry, (whose, category), entry, author).await;
    let outcome = outcome.map(|()| led(whose.at(&shell, category), "It is as it was before that change."));
    told(app, typed, outcome, |form| sheet(app, registry, (shell, whose), category, form)).await
}

pub(super) async fn undo_change(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    Path(path): Path<GroupPath>,
    Query(wanted): Query<Undone>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell.clone(), Whose::guild(visit.guild_id()), path.category.as_str());
    undone(&app, &registry, place, (wanted.entry, typed), visit.guild.author()).await
}

pub(super) async fn undo_change_whole(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    operator: Global<SettingsWrite>,
    Path(path): Path<GroupPath>,
    Query(wanted): Query<Undone>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell, Whose::INSTALLATION, path.category.as_str());
    undone(&app, &registry, place, (wanted.entry, typed), operator.author()).await
}

/// Back to what counts where nothing is said here.
async fn put_back(
    app: &App,
    registry: &Registry,
    (shell, whose, path): (Shell, Whose, &SettingPath),
    typed: Typed,
    author: Author<'_>,
) -> Result<Response, Problem> {
    let key = format!("{}.{}", path.category, path.name);
    if registry.find(&key).is_none() {
        return Err(Problem::not_found("setting"));
    }
    let reset = async {
        let mut tx = db::begin(app.pool()).await?;
        let (by, origin) = (author.by, author.origin);
        settings::settings_reset(&mut tx, registry, by, origin, whose.guild, &[&key]).await?;
        tx.commit().await?;
        let said = format!("{} is back at its default.", format::word(&path.name));
        Ok(led(whose.at(&shell, &path.category), said))
    };
    let outcome = reset.await;
    told(app, typed, outcome, |form| sheet(app, registry, (shell, whose), &path.category, form)).await
}

pub(super) async fn reset(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    Path(path): Path<SettingPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell.clone(), Whose::guild(visit.guild_id()), &path);
    put_back(&app, &registry, place, typed, visit.guild.author()).await
}

pub(super) async fn reset_whole(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    operator: Global<SettingsWrite>,
    Path(path): Path<SettingPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let place = (visit.shell, Whose::INSTALLATION, &path);
    put_back(&app, &registry, place, typed, operator.author()).await
}
