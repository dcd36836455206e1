//! What an operator may choose about the database, with defaults that suit one node.
//!
//! Durations are written as `"30s"`, `"250ms"`, `"5min"`, `"1h"`, or a plain number of seconds; `0` switches the
//! limit off. [`Settings::validate`] names the setting that is wrong.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// Everything about the database that can be set. Unset fields take [`Default`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `postgres://…`, usually from `DATABASE_URL`. None: Questhall runs a PostgreSQL of its own under `data_dir`.
    pub url: Option<String>,
    /// Folder that holds the private PostgreSQL; created when absent. Not used with `url`.
    pub data_dir: PathBuf,
    /// Folder with `initdb` and `postgres` for the private PostgreSQL. None: `PATH`, then the usual places.
    pub postgres_bin: Option<PathBuf>,
    /// Connections each process keeps at hand in ordinary times.
    pub pool_size: u32,
    /// Further connections allowed under load; they close again once they have idled for `overflow_idle`.
    pub max_overflow: u32,
    /// How long a connection may idle before it is closed.
    #[serde(deserialize_with = "duration")]
    pub overflow_idle: Duration,
    /// A connection that idled longer than this is asked whether it lives before it is handed out. Asking always
    /// would cost a quarter of the small reads' throughput (docs/adr/0002).
    #[serde(deserialize_with = "duration")]
    pub liveness_check_after: Duration,
    /// How long a request waits for a connection before it fails.
    #[serde(deserialize_with = "duration")]
    pub acquire_timeout: Duration,
    /// Longest a statement may run; PostgreSQL cancels it then. 0: no limit.
    #[serde(deserialize_with = "duration")]
    pub statement_timeout: Duration,
    /// Longest a transaction may sit idle; PostgreSQL ends the connection then. 0: no limit.
    #[serde(deserialize_with = "duration")]
    pub idle_in_transaction_timeout: Duration,
    /// Longest a statement may wait for a lock. 0: no limit.
    #[serde(deserialize_with = "duration")]
    pub lock_timeout: Duration,
    /// Statements slower than this are logged as warnings. 0: none are.
    #[serde(deserialize_with = "duration")]
    pub slow_query: Duration,
    /// What `pg_stat_activity` shows for our connections.
    pub application_name: String,
    /// Send the timeouts when a connection begins. Switch off behind a pooler that refuses the `options` startup
    /// parameter (PgBouncer without `ignore_startup_parameters`), and set them with `ALTER ROLE` instead.
    pub startup_options: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            data_dir: default_data_dir(),
            postgres_bin: None,
            pool_size: 10,
            max_overflow: 10,
            overflow_idle: Duration::from_mins(1),
            liveness_check_after: Duration::from_secs(30),
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            idle_in_transaction_timeout: Duration::from_mins(1),
            lock_timeout: Duration::from_secs(10),
            slow_query: Duration::from_millis(500),
            application_name: "questhall".to_owned(),
            startup_options: true,
        }
    }
}

impl Settings {
    /// Checks what the types cannot, so that a bad value is refused at start and not at the first busy hour.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, problem: &str| Err(SettingsError { setting, problem: problem.to_owned() });
        if self.pool_size == 0 {
            return wrong("pool_size", "must be at least 1");
        }
        if self.max_connections() > 1000 {
            return wrong("pool_size", "together with max_overflow must not exceed 1000 connections");
        }
        if self.acquire_timeout.is_zero() {
            return wrong("acquire_timeout", "must be longer than 0, else no request ever gets a connection");
        }
        if self.overflow_idle.is_zero() {
            return wrong(
                "overflow_idle",
                "must be longer than 0, else every connection closes after each use",
            );
        }
        for (setting, value) in [
            ("statement_timeout", self.statement_timeout),
            ("idle_in_transaction_timeout", self.idle_in_transaction_timeout),
            ("lock_timeout", self.lock_timeout),
        ] {
            if i32::try_from(value.as_millis()).is_err() {
                return wrong(setting, "must not exceed 24 days");
            }
            if !value.is_zero() && value.as_millis() == 0 {
                return wrong(setting, "must be at least 1ms, or 0 for no limit");
            }
        }
        if self.application_name.is_empty() || self.application_name.len() > 63 {
            return wrong("application_name", "must have 1 to 63 characters");
        }
        if let Some(url) = &self.url
            && !(url.starts_with("postgres://") || url.starts_with("postgresql://"))
        {
            return wrong("url", "must begin with postgres:// or postgresql://");
        }
        if self.url.is_none() && self.data_dir.as_os_str().is_empty() {
            return wrong("data_dir", "must name a folder when no url is given");
        }
        Ok(())
    }

    /// The most connections one process opens through its pool.
    pub fn max_connections(&self) -> u32 {
        self.pool_size.saturating_add(self.max_overflow)
    }
}

/// A setting with a value that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {setting}: {problem}")]
pub struct SettingsError {
    /// The field of [`Settings`].
    pub setting: &'static str,
    /// What is wrong, as the end of a sentence.
    pub problem: String,
}

/// Root's data lies where services keep theirs, since an unprivileged PostgreSQL cannot look into `/root`; everybody
/// else's in their own home.
fn default_data_dir() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/questhall");
    }
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    home("XDG_DATA_HOME")
        .or_else(|| home("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from("questhall-data"), |share| share.join("questhall"))
}

/// Reads `"250ms"`, `"30s"`, `"5min"`, `"1h"` or a number of seconds, for `#[serde(deserialize_with = …)]`.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as \"250ms\", \"30s\", \"5min\", \"1h\", or a number of seconds")
        }

        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
            Ok(Duration::from_secs(seconds))
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
            u64::try_from(seconds)
                .map(Duration::from_secs)
                .map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse_duration(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Visitor)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => Some(Duration::from_secs(number)),
        "min" | "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_valid() {
        let settings = parse("").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.validate(), Ok(()));
        assert_eq!(settings.max_connections(), 20);
    }

    #[test]
    fn durations_are_read_in_every_unit() {
        let read = |text: &str| parse(&format!("lock_timeout = {text}")).map(|s| s.lock_timeout);
        assert_eq!(read("7"), Ok(Duration::from_secs(7)));
        assert_eq!(read("\"250ms\""), Ok(Duration::from_millis(250)));
        assert_eq!(read("\"5min\""), Ok(Duration::from_mins(5)));
        assert_eq!(read("\"2 h\""), Ok(Duration::from_hours(2)));
        assert_eq!(read("\"0\""), Ok(Duration::ZERO));
        for bad in ["-1", "\"soon\"", "\"5 fortnights\"", "\"\"", "1.5", "\"-3s\""] {
            let error = read(bad).unwrap_err();
            assert!(error.contains("a duration such as") && error.contains("lock_timeout"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        assert!(parse("pool_sise = 3").unwrap_err().contains("pool_sise"));
    }

    #[test]
    fn a_bad_value_names_its_setting() {
        let named = |text: &str| parse(text).unwrap().validate().unwrap_err().setting;
        assert_eq!(named("pool_size = 0"), "pool_size");
        assert_eq!(named("max_overflow = 4000000000"), "pool_size");
        assert_eq!(named("acquire_timeout = 0"), "acquire_timeout");
        assert_eq!(named("overflow_idle = 0"), "overflow_idle");
        assert_eq!(named("statement_timeout = \"1000h\""), "statement_timeout");
        assert_eq!(named("application_name = \"\""), "application_name");
        assert_eq!(named("url = \"mysql://x\""), "url");
        assert_eq!(named("data_dir = \"\""), "data_dir");
    }
}
