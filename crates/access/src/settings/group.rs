//! Groups of settings, as slices declare them and as the faces know them all.

use std::sync::Arc;

use kernel::problem::FieldError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::field::Field;

/// Settings that belong together. Declare it with `#[serde(default, deny_unknown_fields)]`:
///
/// ```
/// use access::settings::{Field, Group};
///
/// #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Greetings {
///     enabled: bool,
///     delay_seconds: i64,
/// }
///
/// impl Default for Greetings {
///     fn default() -> Self {
///         Self { enabled: true, delay_seconds: 5 }
///     }
/// }
///
/// impl Group for Greetings {
///     const CATEGORY: &'static str = "greetings";
///     const ABOUT: &'static str = "How new members are greeted.";
///     const FIELDS: &'static [Field] = &[
///         Field::boolean("enabled", "Greet new members."),
///         Field::integer("delay_seconds", 0, 3_600, "Seconds to wait before greeting."),
///     ];
/// }
/// ```
///
/// then add [`Described::of`] it to what the server's registry is made of.
pub trait Group: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// The name: lower-case letters and underscores. A setting's key is `category.field`.
    const CATEGORY: &'static str;
    /// What these settings are about, as a sentence.
    const ABOUT: &'static str;
    /// Every field of the struct.
    const FIELDS: &'static [Field];
    /// True where only the whole installation has such a setting, and no guild one of its own.
    const INSTALLATION_ONLY: bool = false;

    /// Checks what concerns several fields, or what a [`Field`] cannot say. Names the fields without the category.
    fn validate(&self) -> Result<(), Vec<FieldError>> {
        Ok(())
    }
}

/// A [`Group`] without its type, for those who handle all of them.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// The group's name.
    pub category: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Whether guilds have none of their own.
    pub installation_only: bool,
    /// Its settings.
    pub fields: &'static [Field],
    defaults: fn() -> Map<String, Value>,
    check: fn(Map<String, Value>) -> Result<(), Vec<FieldError>>,
}

impl Described {
    /// Describes a group.
    pub fn of<G: Group>() -> Self {
        Self {
            category: G::CATEGORY,
            about: G::ABOUT,
            installation_only: G::INSTALLATION_ONLY,
            fields: G::FIELDS,
            defaults: defaults::<G>,
            check: |values| typed::<G>(values).map(drop),
        }
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Values where nobody chose any.
    pub fn defaults(&self) -> Map<String, Value> {
        (self.defaults)()
    }

    /// Checks a whole group's values.
    pub(super) fn check(&self, values: Map<String, Value>) -> Result<(), Vec<FieldError>> {
        (self.check)(values)
    }
}

/// All groups there are. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<[Described]>);

impl Registry {
    /// These groups, by name.
    pub fn new(groups: impl IntoIterator<Item = Described>) -> Self {
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|group| group.category);
        Self(groups.into())
    }

    /// The groups in the order of their names.
    pub fn groups(&self) -> &[Described] {
        &self.0
    }

    /// The group of this name.
    pub fn group(&self, category: &str) -> Option<&Described> {
        self.0.iter().find(|group| group.category == category)
    }

    /// The group and field of a key such as `economy.level_base`.
    pub fn find(&self, key: &str) -> Option<(&Described, &'static Field)> {
        let (category, name) = key.split_once('.')?;
        let group = self.group(category)?;
        Some((group, group.field(name)?))
    }

    /// What is wrong with how groups are declared, for a test: names, tables that do not fit their structs, defaults
    /// that are out of bounds.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for pair in self.0.windows(2) {
            if pair[0].category == pair[1].category {
                faults.push(format!("two groups are called {}", pair[0].category));
            }
        }
        for group in self.0.iter() {
            let plain = |name: &str| {
                !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            };
            if !plain(group.category) || group.category.len() > 50 {
                faults.push(format!("`{}` is no name for a group", group.category));
            }
            let defaults = group.defaults();
            for field in group.fields {
                let key = format!("{}.{}", group.category, field.name);
                match defaults.get(field.name) {
                    None => faults.push(format!("{key} is no field of its struct")),
                    Some(value) => faults
                        .extend(field.check(value).err().map(|error| format!("{key}: the default {error}"))),
                }
                if !plain(field.name) || key.len() > 100 || field.about.is_empty() {
                    faults.push(format!("{key} has no fitting name or no description"));
                }
            }
            let unknown = defaults.keys().filter(|name| group.field(name).is_none());
            faults.extend(unknown.map(|name| format!("{}.{name} is not described", group.category)));
            if let Err(errors) = group.check(defaults.clone()) {
                faults.push(format!("the defaults of {} are refused: {errors:?}", group.category));
            }
        }
        faults
    }
}

/// The group's defaults by field.
pub(super) fn defaults<G: Group>() -> Map<String, Value> {
    match serde_json::to_value(G::default()) {
        Ok(Value::Object(values)) => values,
        // A struct with named fields is an object; `Registry::faults` tells of any other.
        _ => Map::new(),
    }
}

/// The group that these values make, if they make one.
pub(super) fn typed<G: Group>(values: Map<String, Value>) -> Result<G, Vec<FieldError>> {
    let group: G = serde_path_to_error::deserialize(Value::Object(values)).map_err(|error| {
        let path = error.path().to_string();
        crate::web::field_problem(&path, &error.inner().to_string()).errors().to_vec()
    })?;
    group.validate()?;
    Ok(group)
}
