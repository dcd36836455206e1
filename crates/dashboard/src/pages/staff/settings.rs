//! The guild's settings, made from what they are declared to be.

use access::scope::{Scope as _, SettingsRead, SettingsWrite};
use access::settings::{self, Registry, Setting, SettingGroup};
use access::{App, Path};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::sheet::{Sheet, again, aside, code, field, form, join, link, says, table, text, when};
use crate::decode::Typed;
use crate::flash::done;
use crate::form::{Control, Form};
use crate::format;
use crate::html::Html;
use crate::page::Page;
use crate::shell::Shell;
use crate::visit::Visit;

#[derive(Debug, Deserialize)]
pub(super) struct GroupPath {
    category: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SettingPath {
    category: String,
    name: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsRead>,
) -> Result<Page<Sheet>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let groups = settings::settings_list(&mut conn, &registry, Some(visit.guild_id())).await?;
    let shell = visit.shell;
    let rows = groups.iter().map(|group| {
        let own = group.settings.iter().filter(|setting| setting.source == settings::Source::Guild).count();
        vec![
            link(shell.at(&format!("/staff/settings/{}", group.category)), format::word(group.category)),
            text(group.description),
            text(if own == 0 { "As they come".to_owned() } else { format!("{own} set here") }),
        ]
    });
    let rows = rows.collect();
    let body = table("Groups of settings", &["Group", "What about", "Set"], rows, "There are none.");
    Ok(Page(Sheet::new(shell, "Settings").part("Groups", body)))
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

fn stored(group: &SettingGroup) -> Form {
    let values: Map<String, Value> = group
        .settings
        .iter()
        .map(|setting| (name_of(setting).to_owned(), Value::String(typed_as(setting, &setting.value))))
        .collect();
    Form::of(&json!({ group.category: values }))
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
    shell: Shell,
    category: &str,
    refused: Option<Form>,
) -> Result<Sheet, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let group = settings::settings_get(&mut conn, registry, Some(shell.guild_id), category).await?;
    let may = shell.may(SettingsWrite::NAME);
    let values = refused.unwrap_or_else(|| stored(&group));
    let controls = group.settings.iter().map(|setting| control(&values, setting)).collect::<Vec<_>>();
    let action = shell.at(&format!("/staff/settings/{category}"));
    let body = if may {
        form(&shell, &action, controls, [super::sheet::button("keep", "Keep", "primary")])
    } else {
        let rows = group.settings.iter().map(|setting| {
            vec![
                text(format::word(name_of(setting))),
                code(typed_as(setting, &setting.value)),
                text(setting.description),
            ]
        });
        table("Settings", &["Setting", "Value", "What it does"], rows.collect(), "There are none.")
    };
    let own = group.settings.iter().filter(|setting| setting.source == settings::Source::Guild);
    let own = own.map(|setting| {
        let back = shell.at(&format!("/staff/settings/{category}/{}/reset", name_of(setting)));
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
        .below("/staff/settings", "Settings")
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
    Ok(Page(sheet(&app, &registry, visit.shell, &path.category, None).await?))
}

/// Changes what was typed otherwise than it is, and leaves the rest to its default.
pub(super) async fn change(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    Path(path): Path<GroupPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, category) = (visit.guild_id(), path.category.as_str());
    let change = async {
        let mut tx = db::begin(app.pool()).await?;
        let group = settings::settings_get(&mut tx, &registry, Some(guild), category).await?;
        let changed = group.settings.iter().filter_map(|setting| {
            let value = value_of(setting, typed.value(&setting.key)?);
            (value != setting.value).then(|| (setting.key.clone(), value))
        });
        let changed: Map<String, Value> = changed.collect();
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        settings::settings_change(&mut tx, &registry, by, origin, Some(guild), &changed).await?;
        tx.commit().await?;
        Ok::<_, Problem>(changed.len())
    };
    match change.await {
        Ok(changed) => {
            let said = format!("Kept: {} changed.", format::count(changed, "setting", "settings"));
            Ok(done(&app, &visit.shell.at(&format!("/staff/settings/{category}")), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, &registry, visit.shell, category, Some(form)).await?.refused(&problem))
        }
    }
}

/// Back to what counts where the guild says nothing.
pub(super) async fn reset(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    visit: Visit<SettingsWrite>,
    Path(path): Path<SettingPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let key = format!("{}.{}", path.category, path.name);
    if registry.find(&key).is_none() {
        return Err(Problem::not_found("setting"));
    }
    let reset = async {
        let mut tx = db::begin(app.pool()).await?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        settings::settings_reset(&mut tx, &registry, by, origin, Some(visit.guild_id()), &[&key]).await?;
        Ok::<_, Problem>(tx.commit().await?)
    };
    match reset.await {
        Ok(()) => {
            let to = visit.shell.at(&format!("/staff/settings/{}", path.category));
            Ok(done(&app, &to, &format!("{} is back at its default.", format::word(&path.name))))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, &registry, visit.shell, &path.category, Some(form)).await?.refused(&problem))
        }
    }
}
