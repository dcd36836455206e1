//! What the command line and the API do with settings. Each takes a transaction's connection: a change and its entry in
//! the audit log commit together.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::problem::FieldError;
use kernel::{GuildId, Problem};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::cache;
use super::field::{Field, Type};
use super::group::{Described, Group, Registry};
use super::store::{self, Row};
use crate::actor::{By, Origin};
use crate::audit::{self, AuditEntry};
use crate::problems::INVALID_SETTING;

/// Who chose a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettingSource)]
pub enum Source {
    /// Nobody.
    Default,
    /// Chosen for the whole installation.
    Installation,
    /// Chosen for the guild.
    Guild,
}

/// A setting as it counts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Setting {
    /// The setting: `category.name`.
    #[schema(example = "api_keys.max_lifetime_days")]
    pub key: String,
    /// boolean, integer, number, string, array (of strings), id (a Discord id as a string) or json.
    #[serde(rename = "type")]
    #[schema(example = "integer")]
    pub kind: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
    /// The smallest value, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub minimum: Option<Value>,
    /// The largest value, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub maximum: Option<Value>,
    /// Most characters, of strings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Most items, of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
    /// What may be chosen, where it is one of some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<&'static str>>,
    /// What counts where nobody chose.
    pub default: Value,
    /// What counts.
    pub value: Value,
    /// Who chose it.
    pub source: Source,
    /// Who set the value that counts, as in the audit log; null for a default.
    pub updated_by: Option<String>,
    /// When; null for a default.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Settings that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SettingGroup {
    /// The group's name.
    #[schema(example = "api_keys")]
    pub category: &'static str,
    /// What it is about.
    pub description: &'static str,
    /// Whether guilds have none of their own.
    pub installation_only: bool,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// Why settings could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such group, or guilds have none of it.
    #[error("there is no such group of settings")]
    NoGroup,
    /// Names that nobody knows, or values that do not fit.
    #[error("{}", sentence(.0))]
    Invalid(Vec<FieldError>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn sentence(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("`{}` {}", error.field, error.message)).collect::<Vec<_>>().join("; ")
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::NoGroup => Self::not_found("group of settings"),
            SettingsError::Invalid(errors) => Self::fields_of(INVALID_SETTING, errors),
            SettingsError::Database(error) => error.into(),
        }
    }
}

/// A group as it counts for a guild now, past the cache: for who is in a transaction already, or has no cache.
pub async fn settings_read<G: Group>(conn: &mut PgConnection, guild: Option<GuildId>) -> sqlx::Result<G> {
    let guild = if G::INSTALLATION_ONLY { None } else { guild };
    cache::read(conn, guild.map_or(0, GuildId::get)).await
}

/// All settings that a guild has, or that the installation has, in the order of their names.
pub async fn settings_list(
    conn: &mut PgConnection,
    registry: &Registry,
    guild: Option<GuildId>,
) -> Result<Vec<SettingGroup>, SettingsError> {
    let rows = store::rows(conn, guild.map_or(0, GuildId::get), None).await?;
    let groups = registry.groups().iter().filter(|group| guild.is_none() || !group.installation_only);
    Ok(groups.map(|group| shown(group, &rows)).collect())
}

/// One group of settings.
pub async fn settings_get(
    conn: &mut PgConnection,
    registry: &Registry,
    guild: Option<GuildId>,
    category: &str,
) -> Result<SettingGroup, SettingsError> {
    let group = registry
        .group(category)
        .filter(|group| guild.is_none() || !group.installation_only)
        .ok_or(SettingsError::NoGroup)?;
    let rows = store::rows(conn, guild.map_or(0, GuildId::get), Some(category)).await?;
    Ok(shown(group, &rows))
}

/// Chooses values, by key; all of them or none.
#[kernel::boxed]
pub async fn settings_change(
    conn: &mut PgConnection,
    registry: &Registry,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    values: &Map<String, Value>,
) -> Result<(), SettingsError> {
    let changes = by_group(registry, guild, values.keys().map(String::as_str))?;
    store::lock(conn, guild.map_or(0, GuildId::get)).await?;
    let rows = store::rows(conn, guild.map_or(0, GuildId::get), None).await?;
    let mut wrong = Vec::new();
    for (group, fields) in changes.values() {
        let mut whole = effective(group, &rows);
        let errors = wrong.len();
        for (key, field) in fields {
            let value = &values[*key];
            match field.check(value) {
                Ok(()) => drop(whole.insert(field.name.to_owned(), value.clone())),
                Err(message) => wrong.push(FieldError { field: (*key).to_owned(), message }),
            }
        }
        if wrong.len() == errors
            && let Err(errors) = group.check(whole)
        {
            wrong.extend(
                errors.into_iter().map(|error| FieldError {
                    field: format!("{}.{}", group.category, error.field),
                    ..error
                }),
            );
        }
    }
    if !wrong.is_empty() {
        return Err(SettingsError::Invalid(wrong));
    }
    let (mut keys, mut chosen, mut categories, mut descriptions) = (vec![], vec![], vec![], vec![]);
    for (group, fields) in changes.values() {
        for (key, field) in fields {
            keys.push((*key).to_owned());
            chosen.push(values[*key].clone());
            categories.push(group.category.to_owned());
            descriptions.push(field.about.to_owned());
        }
    }
    let put =
        store::Put { keys: &keys, values: &chosen, categories: &categories, descriptions: &descriptions };
    let changed = store::put(conn, guild.map_or(0, GuildId::get), &put, &by.changed_by()).await?;
    if changed > 0 {
        record(conn, by, origin, guild, "UPDATE", &rows, &changes, Some(values)).await?;
    }
    Ok(())
}

/// Takes back what was chosen for these keys, so that what it overruled counts again.
#[kernel::boxed]
pub async fn settings_reset(
    conn: &mut PgConnection,
    registry: &Registry,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    keys: &[&str],
) -> Result<(), SettingsError> {
    let changes = by_group(registry, guild, keys.iter().copied())?;
    store::lock(conn, guild.map_or(0, GuildId::get)).await?;
    let rows = store::rows(conn, guild.map_or(0, GuildId::get), None).await?;
    let mut wrong = Vec::new();
    for (group, fields) in changes.values() {
        let gone = |row: &Row| {
            row.guild_id == guild.map_or(0, GuildId::get) && fields.contains_key(row.key.as_str())
        };
        let left = rows.iter().filter(|row| !gone(row));
        if let Err(errors) = group.check(effective(group, left)) {
            wrong.extend(
                errors.into_iter().map(|error| FieldError {
                    field: format!("{}.{}", group.category, error.field),
                    ..error
                }),
            );
        }
    }
    if !wrong.is_empty() {
        return Err(SettingsError::Invalid(wrong));
    }
    let owned: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    if store::remove(conn, guild.map_or(0, GuildId::get), &owned).await? > 0 {
        record(conn, by, origin, guild, "RESET", &rows, &changes, None).await?;
    }
    Ok(())
}

type Changes<'a> = BTreeMap<&'static str, (&'a Described, BTreeMap<&'a str, &'static Field>)>;

/// The groups and fields of these keys; an error that names all those which nobody knows.
fn by_group<'a>(
    registry: &'a Registry,
    guild: Option<GuildId>,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Changes<'a>, SettingsError> {
    let (mut found, mut wrong) = (Changes::new(), Vec::new());
    for key in keys {
        match registry.find(key) {
            Some((group, _)) if guild.is_some() && group.installation_only => wrong.push(FieldError {
                field: key.to_owned(),
                message: "is set for the whole installation, not for a guild".to_owned(),
            }),
            Some((group, field)) => {
                found.entry(group.category).or_insert_with(|| (group, BTreeMap::new())).1.insert(key, field);
            }
            None => wrong.push(FieldError { field: key.to_owned(), message: unknown(registry, key) }),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(SettingsError::Invalid(wrong)) }
}

fn unknown(registry: &Registry, key: &str) -> String {
    let group = key.split_once('.').and_then(|(category, _)| registry.group(category));
    let known: Vec<String> = match group {
        Some(group) => {
            group.fields.iter().map(|field| format!("{}.{}", group.category, field.name)).collect()
        }
        None => registry.groups().iter().map(|group| format!("{}.…", group.category)).collect(),
    };
    format!("is no setting; known are {}", known.join(", "))
}

/// A group's values as they count; rows are the installation's, then the guild's.
fn effective<'a>(group: &Described, rows: impl IntoIterator<Item = &'a Row>) -> Map<String, Value> {
    let mut values = group.defaults();
    for row in rows {
        let field = of_group(row, group).filter(|field| field.check(&row.value_json).is_ok());
        if let Some(field) = field {
            values.insert(field.name.to_owned(), row.value_json.clone());
        }
    }
    values
}

fn of_group(row: &Row, group: &Described) -> Option<&'static Field> {
    let (category, name) = row.key.split_once('.')?;
    if category == group.category { group.field(name) } else { None }
}

fn shown(group: &Described, rows: &[Row]) -> SettingGroup {
    let defaults = group.defaults();
    let settings = group.fields.iter().map(|field| {
        let chosen = rows.iter().rev().find(|row| {
            of_group(row, group).is_some_and(|of| of.name == field.name)
                && field.check(&row.value_json).is_ok()
        });
        let default = defaults.get(field.name).cloned().unwrap_or(Value::Null);
        let (minimum, maximum) = match field.kind {
            Type::Integer { minimum, maximum } => (Some(json!(minimum)), Some(json!(maximum))),
            Type::Number { minimum, maximum } => (Some(json!(minimum)), Some(json!(maximum))),
            _ => (None, None),
        };
        Setting {
            key: format!("{}.{}", group.category, field.name),
            kind: field.type_name(),
            description: field.about,
            nullable: field.nullable,
            minimum,
            maximum,
            max_length: match field.kind {
                Type::Text { max_length } | Type::Texts { max_length, .. } => Some(max_length),
                _ => None,
            },
            max_items: match field.kind {
                Type::Texts { max_items, .. } => Some(max_items),
                _ => None,
            },
            choices: match field.kind {
                Type::Choice(choices) => Some(choices.to_vec()),
                _ => None,
            },
            value: chosen.map_or_else(|| default.clone(), |row| row.value_json.clone()),
            default,
            source: match chosen {
                None => Source::Default,
                Some(row) if row.guild_id == 0 => Source::Installation,
                Some(_) => Source::Guild,
            },
            updated_by: chosen.and_then(|row| row.updated_by.clone()),
            updated_at: chosen.map(|row| row.updated_at),
        }
    });
    SettingGroup {
        category: group.category,
        description: group.about,
        installation_only: group.installation_only,
        settings: settings.collect(),
    }
}

/// One entry a group: what was chosen before (null: nothing), and after.
#[expect(clippy::too_many_arguments, reason = "they are what an entry of the audit log is made of")]
async fn record(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    action: &'static str,
    rows: &[Row],
    changes: &Changes<'_>,
    after: Option<&Map<String, Value>>,
) -> Result<(), SettingsError> {
    let own =
        |key: &str| rows.iter().find(|row| row.guild_id == guild.map_or(0, GuildId::get) && row.key == key);
    for (category, (_, fields)) in changes {
        let snapshot = |value: &dyn Fn(&str) -> Option<Value>| -> Value {
            fields
                .keys()
                .filter_map(|key| Some(((*key).to_owned(), value(key)?)))
                .collect::<Map<_, _>>()
                .into()
        };
        let entry = AuditEntry {
            before: Some(snapshot(&|key| own(key).map(|row| row.value_json.clone()))),
            after: Some(snapshot(&|key| after?.get(key).cloned())),
            ..AuditEntry::new(guild, by, action, "access.settings", (*category).to_owned()).from(origin)
        };
        audit::record(conn, &entry).await?;
    }
    Ok(())
}
