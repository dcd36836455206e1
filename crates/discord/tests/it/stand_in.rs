//! A stand-in for Discord: it keeps what it is told, answers as Discord does, and misbehaves on demand.

pub(crate) mod gateway;
mod http;
mod state;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use discord::Application;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use state::State;

/// The application's id and token.
pub(crate) const APPLICATION: i64 = 900_000_000_000_000_001;
pub(crate) const TOKEN: &str = "a.bot.token";

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) reason: Option<String>,
    pub(crate) at: tokio::time::Instant,
    pub(crate) files: Vec<(String, String)>,
}

/// How it misbehaves.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An answer 429 of this scope (none: its network's page of HTML), with this wait in seconds, in head and body.
    Limited(Option<&'static str>, f64),
    /// An answer of this status with a page of HTML.
    Html(u16),
    /// It takes the request, and then the connection breaks.
    TakenAndGone,
    /// It closes the connection without reading.
    Gone,
    /// It takes so long.
    Slow(Duration),
    /// A refusal with a code.
    Refused(u16, i64),
    /// A redirect to somewhere else.
    Redirect(String),
    /// Nothing left on this route for so many seconds.
    Empty(f64),
    /// An answer 200 of so many bytes.
    Endless(usize),
}

pub(crate) struct Inner {
    pub(crate) state: State,
    pub(crate) seen: Vec<Seen>,
    pub(crate) faults: VecDeque<(String, Fault)>,
    pub(crate) always: Option<Fault>,
    pub(crate) violations: Vec<String>,
}

/// The stand-in. Stops with its last handle.
#[derive(Clone)]
pub(crate) struct StandIn {
    pub(crate) inner: Arc<Mutex<Inner>>,
    pub(crate) url: String,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/api/v10", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner {
            state: State::default(),
            seen: Vec::new(),
            faults: VecDeque::new(),
            always: None,
            violations: Vec::new(),
        }));
        let router = http::router(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, url, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    pub(crate) fn application(&self) -> Application {
        Application { id: APPLICATION, public_key: None, token: TOKEN.to_owned(), api_url: self.url.clone() }
    }

    /// The next request whose `METHOD /path` holds this text is answered so.
    pub(crate) fn misbehave(&self, what: &str, fault: Fault) {
        self.inner.lock().unwrap().faults.push_back((what.to_owned(), fault));
    }

    /// Every request is answered so.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        self.inner.lock().unwrap().always = fault;
    }

    /// The requests so far, in order, whose `METHOD /path` holds this text.
    pub(crate) fn seen(&self, what: &str) -> Vec<Seen> {
        let inner = self.inner.lock().unwrap();
        inner
            .seen
            .iter()
            .filter(|seen| format!("{} {}", seen.method, seen.path).contains(what))
            .cloned()
            .collect()
    }

    /// Looks into the state.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.inner.lock().unwrap().state)
    }

    /// Nothing that was asked or answered broke Discord's own description.
    pub(crate) fn verdict(&self) {
        let inner = self.inner.lock().unwrap();
        assert!(inner.violations.is_empty(), "{:#?}", inner.violations);
    }
}
