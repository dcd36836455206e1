//! What an operator may choose, in one structure.
//!
//! Sources, each overruling the ones before it: defaults, `questhall.toml`, `DATABASE_URL`, `QUESTHALL_*` variables (a
//! double underscore goes down a level: `QUESTHALL_HTTP__LISTEN`), the command line. A setting nobody knows is an error,
//! and every error names the setting, where it came from and what is expected. [`load`] does the reading.
//!
//! Durations are written `"250ms"`, `"30s"`, `"5min"`, `"1h"`, or as a number of seconds.

mod load;
mod roles;

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use access::sign_in::Discord;
use access::{HttpSettings, Vault};
use db::settings::duration;
use serde::{Deserialize, Serialize, de};

pub use load::{Override, SettingsError, Sources, load, load_with};
pub use roles::{Role, Roles};

/// Everything that can be set. Unset fields take [`Default`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What this process does; all of it unless told.
    pub roles: Roles,
    /// Folder for the private PostgreSQL; the same as `db.data_dir`, and stronger.
    pub data_dir: Option<PathBuf>,
    /// Whether a starting process may bring the schema up to date.
    pub migrate: bool,
    /// The HTTP face.
    pub http: Http,
    /// How people sign in.
    pub auth: Auth,
    /// What seals the secrets in the database.
    pub secrets: Secrets,
    /// The database.
    pub db: db::Settings,
    /// The jail for Python scripts.
    pub sandbox: Sandbox,
    /// Learning and search.
    pub learning: Learning,
    /// Timers, answers and schedules.
    pub workers: Workers,
    /// Event streams.
    pub streams: Streams,
    /// Posting events to guilds' addresses.
    pub webhooks: delivery::WebhookSettings,
    /// Publishing events to NATS `JetStream`.
    pub nats: delivery::NatsSettings,
    /// The bot on Discord.
    pub discord: discord::DiscordSettings,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// What is logged, and how.
    pub log: Log,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roles: Roles::default(),
            data_dir: None,
            migrate: true,
            http: Http::default(),
            auth: Auth::default(),
            secrets: Secrets::default(),
            db: db::Settings::default(),
            sandbox: Sandbox::default(),
            learning: Learning::default(),
            workers: Workers::default(),
            streams: Streams::default(),
            webhooks: delivery::WebhookSettings::default(),
            nats: delivery::NatsSettings::default(),
            discord: discord::DiscordSettings::default(),
            metrics: Metrics::default(),
            log: Log::default(),
        }
    }
}

/// `[http]`: the HTTP face.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where to listen. Port 0 takes any free one.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// How the outside reaches us, such as `https://quests.example.org`: for the API document. None: relative addresses.
    pub public_url: Option<String>,
    /// Largest body in bytes that ordinary routes accept.
    pub body_limit: usize,
    /// Largest body in bytes that routes for imports accept.
    pub upload_limit: usize,
    /// Longest a request may take before it is answered with 503 and rolled back.
    #[serde(deserialize_with = "duration")]
    pub request_timeout: Duration,
    /// Longest a client may take to send a request's head, and longest a connection may idle between two requests. Longer
    /// than load balancers keep theirs (mostly 60 s), or they send requests on connections that we are just ending.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// How long a client may leave unread what was sent to it; then it is let go, and a stream's client may resume.
    #[serde(deserialize_with = "duration")]
    pub stall_timeout: Duration,
    /// Connections held at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// Take the client's address from the last entry of `X-Forwarded-For`, whoever sent it. Only behind a proxy that sets it.
    pub trust_forwarded_for: bool,
    /// Addresses and networks of proxies, such as `10.0.0.0/8`: from these, the client's address is taken from
    /// `X-Forwarded-For`.
    pub trusted_proxies: Vec<String>,
    /// Pages of these origins may call the API from a browser, such as `https://example.org`. Empty: none may.
    pub cors_origins: Vec<String>,
    /// How long a stopping server waits for requests in flight.
    #[serde(deserialize_with = "duration")]
    pub drain_timeout: Duration,
    /// How long a stopping server still accepts connections while `/readyz` says 503, and tells those that are kept to end, so
    /// that a load balancer can turn away first. Longer than the balancer takes to notice; 0 where there is none. A node with
    /// a database of its own does not wait.
    #[serde(deserialize_with = "duration")]
    pub drain_delay: Duration,
}

/// An address with a port.
fn address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = SocketAddr;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address and a port such as \"127.0.0.1:8080\" or \"[::]:8080\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Visitor)
}

fn some_address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    address(deserializer).map(Some)
}

impl Default for Http {
    fn default() -> Self {
        let api = HttpSettings::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            body_limit: api.body_limit,
            upload_limit: api.upload_limit,
            request_timeout: api.request_timeout,
            header_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_mins(1),
            max_connections: 20_000,
            trust_forwarded_for: api.trust_forwarded_for,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            drain_timeout: Duration::from_secs(20),
            drain_delay: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// What the slices' handlers need of it.
    pub fn api(&self) -> HttpSettings {
        let Http { body_limit, upload_limit, request_timeout, trust_forwarded_for, .. } = self.http;
        HttpSettings {
            body_limit,
            upload_limit,
            request_timeout,
            trust_forwarded_for,
            // Checked by `validate`.
            trusted_proxies: self.http.trusted_proxies.iter().filter_map(|text| text.parse().ok()).collect(),
            public_url: self.http.public_url.clone(),
            development: self.auth.development,
            discord: self.auth.discord(),
            vault: self.vault(),
        }
    }

    /// What posting events needs of it.
    pub fn webhooks(&self) -> delivery::WebhookSettings {
        delivery::WebhookSettings { vault: self.vault(), ..self.webhooks.clone() }
    }

    /// What seals the secrets in the database: the keys of the setting, else those of the file beside our data.
    pub fn vault(&self) -> Vault {
        // Checked by `validate`.
        let set = self.secrets.key.as_deref().and_then(|text| Vault::parse(text).ok());
        set.unwrap_or_else(|| Vault::in_file(&self.db.data_dir.join("secrets.key")))
    }
}

/// `[secrets]`: what seals the secrets in the database, such as webhooks' keys.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// 32 bytes in Base64, the same for every node; several, one a line: the first seals, all of them open. None: the file
    /// `secrets.key` in the data folder, which the first start makes.
    pub key: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("key", &self.key.as_ref().map(|_| "…")).finish()
    }
}

impl Secrets {
    fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        match self.key.as_deref().map(Vault::parse) {
            Some(Err(_)) => Err((
                "secrets.key",
                "must hold 32 bytes in Base64, as `openssl rand -base64 32` makes them; several, one a line",
            )),
            _ => Ok(()),
        }
    }
}

/// `[auth]`: how people sign in.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// A developer's machine: local administrators may sign in with a password, and cookies do without TLS. Never where
    /// others can reach it.
    pub development: bool,
    /// The client id of an application registered with Discord. None: nobody signs in by Discord.
    pub discord_client_id: Option<String>,
    /// Its client secret.
    pub discord_client_secret: Option<String>,
    /// Where Discord is; a stand-in's address in tests.
    pub discord_url: String,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            development: false,
            discord_client_id: None,
            discord_client_secret: None,
            discord_url: "https://discord.com".to_owned(),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("development", &self.development)
            .field("discord_client_id", &self.discord_client_id)
            .field("discord_client_secret", &self.discord_client_secret.as_ref().map(|_| "…"))
            .field("discord_url", &self.discord_url)
            .finish()
    }
}

impl Auth {
    fn discord(&self) -> Option<Discord> {
        Some(Discord {
            client_id: self.discord_client_id.clone()?,
            client_secret: self.discord_client_secret.clone()?,
            base_url: self.discord_url.clone(),
        })
    }

    fn validate(&self, http: &Http) -> Result<(), (&'static str, &'static str)> {
        if self.discord_client_id.is_some() != self.discord_client_secret.is_some() {
            return Err(("auth.discord_client_secret", "must be set together with auth.discord_client_id"));
        }
        if self.discord_client_id.is_some() && http.public_url.is_none() {
            return Err((
                "http.public_url",
                "must be set where people sign in by Discord, which sends them back there",
            ));
        }
        let url = &self.discord_url;
        if !(url.starts_with("https://") || self.development && url.starts_with("http://")) {
            return Err(("auth.discord_url", "must begin with https:// (http:// in development only)"));
        }
        let secure = http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        if self.discord_client_id.is_some() && !self.development && !secure {
            return Err(("http.public_url", "must begin with https:// where people sign in by Discord"));
        }
        Ok(())
    }
}

/// `[learning]`: learning and search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Learning {
    /// Folder with a static model, by which search finds by meaning as well: one `*.safetensors` and `tokenizer.json`. None: by words alone.
    pub embedding_model: Option<PathBuf>,
}

/// `[sandbox]`: the jail for Python scripts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// Run scripts in this process. Without it, whatever needs a script is answered 503.
    pub enabled: bool,
    /// How many scripts run at once; 0: as many as there are cores.
    pub workers: usize,
    /// The interpreter. None: the first that is new enough.
    pub python: Option<PathBuf>,
    /// Run scripts although no jail can be built here. They then have all the server's own rights.
    pub allow_unjailed: bool,
    /// Longest a script may run.
    #[serde(deserialize_with = "duration")]
    pub wall: Duration,
    /// Most processor time it may use; counted in whole seconds.
    #[serde(deserialize_with = "duration")]
    pub cpu: Duration,
    /// Most memory in MiB beyond what Python itself takes.
    pub memory_mib: u64,
    /// Most output in bytes.
    pub output_bytes: usize,
    /// How many runs of one guild may wait.
    pub queue_limit: usize,
}

impl Default for Sandbox {
    fn default() -> Self {
        let limits = sandbox::Limits::default();
        Self {
            enabled: true,
            workers: 0,
            python: None,
            allow_unjailed: false,
            wall: limits.wall,
            cpu: limits.cpu,
            memory_mib: limits.memory_bytes >> 20,
            output_bytes: limits.output_bytes,
            queue_limit: sandbox::Config::default().queue_limit,
        }
    }
}

impl Sandbox {
    /// The configuration that [`sandbox::Sandbox::start`] takes.
    pub fn config(&self) -> sandbox::Config {
        let default = sandbox::Config::default();
        sandbox::Config {
            python: self.python.clone(),
            workers: if self.workers == 0 { default.workers } else { self.workers },
            limits: sandbox::Limits {
                wall: self.wall,
                cpu: self.cpu,
                memory_bytes: self.memory_mib << 20,
                output_bytes: self.output_bytes,
            },
            allow_unjailed: self.allow_unjailed,
            queue_limit: self.queue_limit,
            ..default
        }
    }
}

/// `[workers]`: timers, answers and schedules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workers {
    /// Batches of timers that run at once in this process, for each queue.
    pub timer_workers: u32,
    /// The most timers in one transaction.
    pub timer_batch: i64,
    /// Writers that judge and record answers, each on a connection of its own while it works.
    pub submission_writers: usize,
    /// Writers that carry out transfers of bytes, each on a connection of its own while it works.
    pub transfer_writers: usize,
    /// Writers that take events into the lake, each on a connection of its own while it works.
    pub event_writers: usize,
    /// How long a stopping server waits for the batches that have begun.
    #[serde(deserialize_with = "duration")]
    pub stop_timeout: Duration,
}

impl Default for Workers {
    fn default() -> Self {
        let engine = jobs::EngineSettings::default();
        Self {
            timer_workers: engine.workers,
            timer_batch: engine.max_batch,
            submission_writers: 2,
            transfer_writers: 2,
            event_writers: 2,
            stop_timeout: Duration::from_secs(20),
        }
    }
}

/// `[streams]`: server-sent events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    /// How often an idle stream shows that it lives.
    #[serde(deserialize_with = "duration")]
    pub heartbeat: Duration,
    /// The shortest time between two leaderboards on one stream.
    #[serde(deserialize_with = "duration")]
    pub leaderboard_interval: Duration,
    /// Streams open at once in this process; further ones are answered 503.
    pub max_streams: usize,
    /// Of these, streams opened with one API key; further ones are answered 429.
    pub max_streams_per_key: usize,
    /// Of these, streams of one guild; further ones are answered 429.
    pub max_streams_per_guild: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            leaderboard_interval: Duration::from_secs(1),
            max_streams: 15_000,
            max_streams_per_key: 12_000,
            max_streams_per_guild: 12_000,
        }
    }
}

/// `[metrics]`: figures for Prometheus at `/metrics`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether there is a `/metrics`.
    pub enabled: bool,
    /// Where a node without the role `http` answers `/healthz`, `/readyz` and `/metrics`. None: nowhere.
    #[serde(deserialize_with = "some_address")]
    pub listen: Option<SocketAddr>,
    /// With a token, `/metrics` wants it as a bearer token from everybody. Without, it answers this machine alone.
    pub token: Option<String>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: None, token: None }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("Metrics")
            .field("enabled", &self.enabled)
            .field("listen", &self.listen)
            .field("token", &token)
            .finish()
    }
}

/// `[log]`: what is logged, to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `text` for people, `json` for programs.
    pub format: LogFormat,
    /// What is logged, as `tracing` filters are written: `info`, `warn,jobs=debug`. Left out, `info`; at a terminal (`up`),
    /// where people want to see what is wrong and not all that is right, `warn`.
    pub filter: Option<String>,
}

impl Log {
    /// The filter that was chosen, or this one.
    pub fn filter_or<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.filter.as_deref().unwrap_or(otherwise)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: None }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Checks what the types cannot say. Names the setting, with its table.
    pub fn validate(&self) -> Result<(), (String, String)> {
        let wrong = |setting: &str, problem: &str| Err((setting.to_owned(), problem.to_owned()));
        self.db.validate().map_err(|error| (format!("db.{}", error.setting), error.problem))?;
        if self.http.body_limit == 0 || self.http.body_limit > self.http.upload_limit {
            return wrong("http.body_limit", "must be at least 1 and not above http.upload_limit");
        }
        if self.http.upload_limit > 1 << 30 {
            return wrong("http.upload_limit", "must not exceed 1 GiB");
        }
        for (setting, value) in [
            ("http.request_timeout", self.http.request_timeout),
            ("http.header_timeout", self.http.header_timeout),
            ("http.stall_timeout", self.http.stall_timeout),
            ("streams.heartbeat", self.streams.heartbeat),
            ("sandbox.wall", self.sandbox.wall),
            ("sandbox.cpu", self.sandbox.cpu),
        ] {
            if value.is_zero() {
                return wrong(setting, "must be longer than 0");
            }
        }
        if self.http.max_connections == 0 {
            return wrong("http.max_connections", "must be at least 1");
        }
        if let Some(url) = &self.http.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return wrong("http.public_url", "must begin with http:// or https://");
        }
        for proxy in &self.http.trusted_proxies {
            if let Err(problem) = proxy.parse::<access::web::address::Network>() {
                return wrong("http.trusted_proxies", &problem);
            }
        }
        self.auth.validate(&self.http).or_else(|(setting, problem)| wrong(setting, problem))?;
        self.secrets.validate().or_else(|(setting, problem)| wrong(setting, problem))?;
        for origin in &self.http.cors_origins {
            let plain = origin.split_once("://").is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '*'])
            });
            if !plain {
                return wrong(
                    "http.cors_origins",
                    "must hold origins such as https://example.org, without a path",
                );
            }
        }
        if self.workers.timer_workers == 0 || self.workers.timer_workers > self.db.max_connections() {
            return wrong(
                "workers.timer_workers",
                "must be at least 1 and not above the size of the database's pool",
            );
        }
        if !(1..=10_000).contains(&self.workers.timer_batch) {
            return wrong("workers.timer_batch", "must be between 1 and 10000");
        }
        if !(1..=64).contains(&self.workers.submission_writers) {
            return wrong("workers.submission_writers", "must be between 1 and 64");
        }
        if !(1..=64).contains(&self.workers.transfer_writers) {
            return wrong("workers.transfer_writers", "must be between 1 and 64");
        }
        if !(1..=64).contains(&self.workers.event_writers) {
            return wrong("workers.event_writers", "must be between 1 and 64");
        }
        if self.sandbox.memory_mib == 0 || self.sandbox.memory_mib > 1 << 20 {
            return wrong("sandbox.memory_mib", "must be between 1 and 1048576");
        }
        if self.sandbox.workers > 1024 {
            return wrong("sandbox.workers", "must not exceed 1024");
        }
        if self.metrics.token.as_ref().is_some_and(|token| token.len() < 16) {
            return wrong("metrics.token", "must have at least 16 characters");
        }
        self.webhooks
            .validate()
            .map_err(|(name, problem)| (format!("webhooks.{name}"), problem.to_owned()))?;
        self.nats.validate().map_err(|(name, problem)| (format!("nats.{name}"), problem.to_owned()))?;
        self.discord.validate().map_err(|(name, problem)| (format!("discord.{name}"), problem.to_owned()))?;
        if let Err(error) = self.log.filter_or("").parse::<tracing_subscriber::EnvFilter>() {
            return Err((
                "log.filter".to_owned(),
                format!("must be a filter such as `info,jobs=debug`: {error}"),
            ));
        }
        Ok(())
    }
}
