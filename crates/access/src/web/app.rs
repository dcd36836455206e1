//! What handlers share: axum's state.

use std::{sync::Arc, time::Duration};

use jobs::Wake;
use kernel::Clock;
use serde::Deserialize;
use sqlx::PgPool;

use crate::keys::{KeyCache, Vigils};
use crate::rate_limit::Limiter;
use crate::settings::Settings;
use crate::sign_in::{Discord, Following, GuildsKnown};
use crate::vault::Vault;
use crate::web::address::Network;

/// What an operator may choose about HTTP. Durations are written as for the database: `"30s"`, `"5min"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Largest body in bytes that ordinary routes accept.
    pub body_limit: usize,
    /// Largest body in bytes that routes for imports accept; no body may be larger.
    pub upload_limit: usize,
    /// Longest a request may take; it is answered with 503 and rolled back then.
    #[serde(deserialize_with = "db::settings::duration")]
    pub request_timeout: Duration,
    /// Take the client's address from the last entry of `X-Forwarded-For`, whoever sent it. Only behind a proxy that sets
    /// it: else anybody can write any address into the audit log.
    pub trust_forwarded_for: bool,
    /// Proxies of ours: from these, the client's address is the last entry of `X-Forwarded-For` that is none of them.
    #[serde(skip)]
    pub trusted_proxies: Vec<Network>,
    /// How the outside reaches us, such as `https://quests.example.org`.
    #[serde(skip)]
    pub public_url: Option<String>,
    /// A developer's machine: local sign-in, cookies without TLS.
    #[serde(skip)]
    pub development: bool,
    /// The application that people sign in by, where there is one.
    #[serde(skip)]
    pub discord: Option<Discord>,
    /// What seals secrets that the database keeps.
    #[serde(skip)]
    pub vault: Vault,
}

impl HttpSettings {
    /// Whether cookies must do without TLS: on a developer's machine that is not reached over it.
    pub fn insecure_cookies(&self) -> bool {
        self.development && !self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            body_limit: 256 * 1024,
            upload_limit: 16 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            trust_forwarded_for: false,
            trusted_proxies: Vec::new(),
            public_url: None,
            development: false,
            discord: None,
            vault: Vault::ephemeral(),
        }
    }
}

/// State of the routers of all slices. Cheap to clone. Extractors of this crate work with any state that has an `App`
/// by [`axum::extract::FromRef`].
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    wake: Wake,
    keys: KeyCache,
    vigils: Vigils,
    limiter: Limiter,
    settings: Settings,
    following: Following,
    http: HttpSettings,
}

impl App {
    /// State over this database; `wake` is the bell that wakes this process's timers and outbox.
    pub fn new(pool: PgPool, wake: Wake, http: HttpSettings) -> Self {
        Self::with_clock(pool, wake, http, Clock::system())
    }

    /// State whose caches age by `clock`, for tests that drive it.
    pub fn with_clock(pool: PgPool, wake: Wake, http: HttpSettings, clock: Clock) -> Self {
        let settings = Settings::new(pool.clone(), clock.clone());
        let keys = KeyCache::new(pool.clone(), clock.clone(), settings.clone(), http.development);
        Self(Arc::new(Inner {
            vigils: Vigils::new(keys.clone()),
            keys,
            limiter: Limiter::new(pool.clone(), clock.clone()),
            following: Following::new(clock),
            settings,
            pool,
            wake,
            http,
        }))
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// The bell that wakes timers and outbox after a commit.
    pub fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// Who may send how many requests.
    pub fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    /// The keys and sessions seen lately.
    pub fn keys(&self) -> &KeyCache {
        &self.0.keys
    }

    /// The watch over those who hold streams.
    pub(crate) fn vigils(&self) -> &Vigils {
        &self.0.vigils
    }

    /// What administrators chose, and may change while we run.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Says who knows which guilds are here; whoever signs in by Discord is asked about in those only. Once.
    pub fn know_guilds(&self, known: GuildsKnown) {
        self.0.following.know_guilds(known);
    }

    pub(crate) fn following(&self) -> &Following {
        &self.0.following
    }

    /// What the operator chose about HTTP.
    pub fn http(&self) -> &HttpSettings {
        &self.0.http
    }
}
