//! Reading settings from their sources.

use std::{collections::BTreeMap, path::PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider, Source,
    error::{Actual, Kind},
    providers::{Format as _, Toml},
    value::{Dict, Map, Value},
};
use kernel::objects::Objects;
use serde::{Deserialize, Deserializer};

use super::Settings;

/// The file that is read when none is named, if it is there.
const DEFAULT_FILE: &str = "questhall.toml";

/// Variables that begin like settings and are none: for tests, scripts and the command line itself.
const NOT_SETTINGS: [&str; 6] = ["config", "seed", "test_", "bench_", "chaos_", "discord_openapi"];

/// One setting from the command line: its name, such as `http.listen`, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The setting with its table: `http.listen`.
    pub setting: String,
    /// Its value; texts are read as in an environment variable.
    pub value: String,
    /// What the user typed it as, such as `--listen`.
    pub option: String,
}

/// Where to read settings from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that was named, which must then exist. None: `questhall.toml`, if it is there.
    pub file: Option<PathBuf>,
    /// From the command line.
    pub overrides: Vec<Override>,
    /// Look at no environment variables, for tests.
    pub without_environment: bool,
}

/// A setting that is wrong, missing its file, or unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A value cannot be used.
    #[error("setting {setting} (from {source_name}): {problem}")]
    Value {
        /// The setting with its table: `http.listen`.
        setting: String,
        /// Where it came from.
        source_name: String,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// The named file is not there.
    #[error("there is no settings file {0}")]
    NoFile(String),
    /// The file cannot be read at all.
    #[error("the settings file {file} is not TOML: {problem}")]
    NotToml {
        /// The file.
        file: String,
        /// Line, column and what is wrong.
        problem: String,
    },
}

/// Reads and checks all settings; the environment is the process's own.
pub fn load(sources: &Sources) -> Result<Settings, SettingsError> {
    // What is not UTF-8 is no setting of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = if sources.without_environment { Vec::new() } else { variables.collect() };
    load_with(sources, environment)
}

/// The same with an environment that is handed in.
pub fn load_with(
    sources: &Sources,
    mut environment: Vec<(String, String)>,
) -> Result<Settings, SettingsError> {
    // QUESTHALL_DB__URL after DATABASE_URL, which is everybody's.
    environment.sort_unstable();
    let figment = figment(sources, &environment)?;
    let Whole(mut settings) = figment.extract().map_err(|error| explain(&figment, &error))?;
    if let Some(data_dir) = &settings.data_dir {
        settings.db.data_dir.clone_from(data_dir);
    }
    settings.validate().map_err(|(setting, problem)| SettingsError::Value {
        source_name: origin(&figment, &setting),
        setting,
        problem,
    })?;
    Ok(settings)
}

/// All settings, of which none is a list where a table belongs: `http = []` would be `[http]` with nothing set.
struct Whole(Settings);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Settings::deserialize(Objects(deserializer)).map(Self)
    }
}

fn figment(sources: &Sources, environment: &[(String, String)]) -> Result<Figment, SettingsError> {
    let file = sources.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
    let mut figment = Figment::new();
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            // Read on its own first: what it says about line and column is lost on the way through figment.
            text.parse::<toml::Table>().map_err(|error| SettingsError::NotToml {
                file: file.display().to_string(),
                problem: error.to_string().trim_end().to_owned(),
            })?;
            figment = figment.merge(Toml::file_exact(&file));
        }
        Err(_) if sources.file.is_none() => {}
        Err(error) => return Err(SettingsError::NoFile(format!("{}: {error}", file.display()))),
    }
    for variable in environment.iter().filter_map(Variable::parse) {
        figment = figment.merge(variable);
    }
    for option in &sources.overrides {
        figment = figment.merge(option);
    }
    Ok(figment)
}

/// A setting from the environment.
struct Variable {
    name: String,
    setting: String,
    value: String,
}

impl Variable {
    fn parse((name, value): &(String, String)) -> Option<Self> {
        let setting = if name == "DATABASE_URL" {
            "db.url".to_owned()
        } else if name == "NATS_URL" {
            "nats.url".to_owned()
        } else {
            let rest = name.strip_prefix("QUESTHALL_")?.to_ascii_lowercase();
            if NOT_SETTINGS.iter().any(|other| rest.starts_with(other)) {
                return None;
            }
            rest.replace("__", ".")
        };
        Some(Self { name: name.clone(), setting, value: value.clone() })
    }
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("the environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(nested(&self.setting, &self.value))
    }
}

impl Provider for Override {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("the command line, {}", self.option))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(nested(&self.setting, &self.value))
    }
}

/// `a.b` and a text as `{a: {b: value}}`. A text that reads as a number, a truth value or a list is one.
fn nested(setting: &str, text: &str) -> Map<Profile, Dict> {
    // Infallible: what is nothing else is a text.
    let value: Value = text.parse().unwrap_or_else(|_| Value::from(text.to_owned()));
    let mut parts = setting.rsplit('.');
    let leaf = parts.next().unwrap_or_default();
    let mut dict = Dict::from([(leaf.to_owned(), value)]);
    for part in parts {
        dict = Dict::from([(part.to_owned(), Value::from(dict))]);
    }
    BTreeMap::from([(Profile::Default, dict)])
}

/// Turns figment's first error into ours.
fn explain(figment: &Figment, error: &figment::Error) -> SettingsError {
    let path = error.path.join(".");
    let (setting, problem) = match &error.kind {
        Kind::UnknownField(name, known) => {
            let setting = match error.path.last() {
                Some(last) if last == name => path,
                Some(_) => format!("{path}.{name}"),
                None => name.clone(),
            };
            (setting, format!("is not known here; known are {}", known.join(", ")))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            (path, format!("must be {}, not {}", wanted(expected), given(found)))
        }
        Kind::UnknownVariant(found, known) => {
            (path, format!("must be one of {}, not `{found}`", known.join(", ")))
        }
        Kind::Message(message) => (path, message.clone()),
        other => (path, other.to_string()),
    };
    let source_name = error.metadata.as_ref().map_or_else(|| origin(figment, &setting), describe);
    SettingsError::Value { setting, source_name, problem }
}

/// Rust's names of types, in words.
fn wanted(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" | "string" | "path string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        other => other.strip_prefix("struct ").map_or_else(|| other.to_owned(), |_| "a table".to_owned()),
    }
}

fn given(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Str(text) => format!("\"{text}\""),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// Where a setting's value came from.
fn origin(figment: &Figment, setting: &str) -> String {
    figment.find_metadata(setting).map_or_else(|| "the defaults".to_owned(), describe)
}

fn describe(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        Some(Source::Custom(option)) => format!("{}, {option}", metadata.name),
        _ => metadata
            .name
            .to_string()
            .trim_matches('`')
            .replace("` environment variable(s)", " environment variables"),
    }
}
