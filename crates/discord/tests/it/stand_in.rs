//! A stand-in for Discord: it keeps what it is told, answers as Discord does, and misbehaves on demand.

// By their paths, as tests with a `main` of their own share this file.
#[path = "stand_in/described.rs"]
mod described;
#[path = "stand_in/gateway.rs"]
pub(crate) mod gateway;
#[path = "stand_in/http.rs"]
mod http;
#[path = "stand_in/state.rs"]
mod state;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use discord::Application;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use state::State;

/// The application's id and token.
pub(crate) const APPLICATION: i64 = 900_000_000_000_000_001;
/// Begins with the id, as Discord's do: clients look there.
pub(crate) const TOKEN: &str = "OTAwMDAwMDAwMDAwMDAwMDAx.bot.token";

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
    /// How many of a thousand requests it answers by some fault or other, and by which number it goes on.
    pub(crate) moods: Option<(u64, u64)>,
    /// Files that came with answers that were promised, by the interaction's token.
    pub(crate) files: HashMap<String, Vec<(String, String)>>,
    /// Who waits for an answer to an interaction, by its token.
    awaited: HashMap<String, Arc<Notify>>,
    pub(crate) violations: Vec<String>,
}

/// The stand-in. Stops with its last handle.
#[derive(Clone)]
pub(crate) struct StandIn {
    pub(crate) inner: Arc<Mutex<Inner>>,
    pub(crate) url: String,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Inner {
    /// What it does instead of behaving, for once.
    fn mood(&mut self) -> Option<Fault> {
        let (of_thousand, number) = self.moods.as_mut()?;
        *number ^= *number << 13;
        *number ^= *number >> 7;
        *number ^= *number << 17;
        if *number % 1_000 >= *of_thousand {
            return None;
        }
        Some(match *number / 1_000 % 7 {
            0 => Fault::Limited(Some("user"), 0.2),
            1 => Fault::Limited(Some("shared"), 0.2),
            2 => Fault::Html(502),
            3 => Fault::Html(500),
            4 => Fault::Gone,
            5 => Fault::TakenAndGone,
            _ => Fault::Slow(Duration::from_millis(300)),
        })
    }
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
            moods: None,
            files: HashMap::new(),
            awaited: HashMap::new(),
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

    /// Of a thousand requests so many are answered by some fault or other from now on.
    pub(crate) fn moody(&self, of_thousand: u64) {
        self.inner.lock().unwrap().moods = (of_thousand > 0).then_some((of_thousand, 88_172_645_463_325_252));
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

    /// Looks whenever an answer to the interaction of this token came, until that finds something or this time is over.
    pub(crate) async fn awaits<T>(
        &self,
        token: &str,
        patience: Duration,
        look: impl Fn(&mut Inner) -> Option<T>,
    ) -> Option<T> {
        let waiting = Arc::clone(self.inner.lock().unwrap().awaited.entry(token.to_owned()).or_default());
        let found = tokio::time::timeout(patience, async {
            loop {
                let found = look(&mut self.inner.lock().unwrap());
                if let Some(found) = found {
                    return found;
                }
                waiting.notified().await;
            }
        });
        let found = found.await.ok();
        self.inner.lock().unwrap().awaited.remove(token);
        found
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
