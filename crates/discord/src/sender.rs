//! What is sent to Discord, and how it is kept from being too much.
//!
//! Promises:
//! * All nodes together send at most 50 requests a second for an application: turns are handed out by the database. Answers to
//!   interactions, which Discord does not count, take none.
//! * What Discord says about when to come back is obeyed, by every node where it says so of everything. A limit that is shared
//!   with others is waited for and not counted.
//! * After 1,000 refused requests within ten minutes nothing is sent until these are over: Discord bans addresses at 10,000.
//! * A broken answer is tried again where that can do no harm, and not at all while Discord is down.
//! * Nothing follows a redirect, and no answer is read beyond a limit: it may be a page of HTML, or never end.

mod budget;
mod lanes;
mod limits;
mod request;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::settings::Application;
use budget::{Budget, Turn};
use lanes::Lanes;
use limits::{Limited, Scope, Seen};
use transport::{Exchange, Transport};

pub use request::{Attachment, Method, Request};
pub(crate) use transport::connector;

/// How often a request is sent again after an answer that broke.
const TRIES: u32 = 4;
/// The first pause after such an answer; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// Broken answers in a row after which Discord counts as down.
const DOWN_AFTER: u32 = 8;
/// How long nothing but one request in turn is sent then.
const DOWN_FOR: Duration = Duration::from_secs(5);
/// The least pause after a refusal.
const LEAST: Duration = Duration::from_millis(100);
/// How long to wait where Discord refuses without saying for how long: a page of its network's, as a rule.
const UNSAID: Duration = Duration::from_mins(1);

/// What Discord answered to a request that it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200 to 299.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Discord refused it, for good.
    #[error("Discord answered {status}: {message} (code {code})")]
    Refused {
        /// The status: 400 to 499, but 429.
        status: u16,
        /// Discord's code, 0 where it gives none.
        code: i64,
        /// Its words.
        message: String,
    },
    /// Its turn does not come in time.
    #[error("Discord lets this be sent in {} s only", .0.as_secs_f64().ceil())]
    Later(Duration),
    /// Too much was refused of late, so nothing is sent.
    #[error("too many requests were refused of late; nothing is sent for a while")]
    Closed,
    /// Discord does not work.
    #[error("Discord does not answer: {0}")]
    Away(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl SendError {
    /// Discord's code, where it gave one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same request may be taken later.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    application: Application,
    budget: Budget,
    lanes: Lanes,
    transport: Transport,
    health: std::sync::Mutex<Health>,
}

/// How Discord was of late.
#[derive(Debug, Default)]
struct Health {
    broken: u32,
    again: Option<Instant>,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("application", &self.0.application).finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender for this application; turns come from the database.
    pub fn new(pool: PgPool, application: Application) -> std::io::Result<Self> {
        let transport = Transport::new(&application.api_url)?;
        let budget = Budget::new(pool, application.id);
        let health = std::sync::Mutex::default();
        Ok(Self(Arc::new(Inner { application, budget, lanes: Lanes::default(), transport, health })))
    }

    /// The application's id.
    pub fn application_id(&self) -> i64 {
        self.0.application.id
    }

    /// Sends a request once its turn has come, and again where Discord says when, within the request's patience.
    #[kernel::boxed]
    pub async fn send(&self, request: &Request) -> Result<Answer, SendError> {
        let deadline = Instant::now() + request.patience;
        let route = request.route();
        // One at a time for each route and what it acts on: so they arrive in order, and nobody has to guess how many are left.
        let lane = self.0.lanes.lane(&route);
        let Ok(mut lane) = tokio::time::timeout_at(deadline, lane.lock()).await else {
            return Err(SendError::Later(request.patience));
        };
        let mut tries = 0;
        loop {
            wait(lane.free_at(), deadline).await?;
            self.may_try(deadline).await?;
            if request.counts() {
                self.turn(deadline).await?;
            }
            let trouble = match self.0.transport.exchange(&self.0.application.token, request).await {
                Ok(exchange) => {
                    let seen = Seen::of(&exchange);
                    lane.learn(&seen, Instant::now());
                    self.0.lanes.learn(&route, seen.bucket.as_deref());
                    match self.judge(&exchange, request).await? {
                        Judged::Answer(answer) => return Ok(answer),
                        Judged::Limited(limited) => {
                            self.obey(&mut lane, limited, deadline).await?;
                            continue;
                        }
                        Judged::Broken(trouble) => trouble,
                    }
                }
                Err(trouble) if trouble.sent && !request.repeatable => {
                    self.went(false);
                    return Err(SendError::Away(trouble.why));
                }
                Err(trouble) => trouble.why,
            };
            self.went(false);
            tries += 1;
            if tries >= TRIES || !request.repeatable {
                return Err(SendError::Away(trouble));
            }
            let jitter: f64 = rand::random_range(0.5..1.0);
            wait(Some(Instant::now() + PAUSE.mul_f64(jitter) * 2_u32.pow(tries - 1)), deadline).await?;
        }
    }

    /// What an answer means.
    async fn judge(&self, exchange: &Exchange, request: &Request) -> Result<Judged, SendError> {
        let status = exchange.status;
        if status.is_success() {
            self.went(true);
            return Ok(Judged::Answer(Answer {
                status: status.as_u16(),
                body: serde_json::from_slice(&exchange.body).unwrap_or(Value::Null),
            }));
        }
        if status.is_server_error() {
            return Ok(Judged::Broken(format!("it answered {}", status.as_u16())));
        }
        self.went(true);
        if status == StatusCode::TOO_MANY_REQUESTS {
            let limited = Limited::of(exchange);
            metrics::counter!("questhall_discord_rate_limited_total", "scope" => limited.scope.as_str())
                .increment(1);
            if limited.scope != Scope::Shared {
                self.0.budget.refused().await?;
            }
            return Ok(Judged::Limited(limited));
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.0.budget.refused().await?;
        }
        let body: Value = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        let message = body["message"].as_str().unwrap_or("no reason that can be read");
        tracing::debug!(status = status.as_u16(), path = request.shown(), body = %body, "Discord refused a request");
        Err(SendError::Refused {
            status: status.as_u16(),
            code: body["code"].as_i64().unwrap_or(0),
            message: message.chars().take(300).collect(),
        })
    }

    /// Takes what was said about when to come back down for whom it holds, and waits.
    async fn obey(
        &self,
        lane: &mut lanes::Lane,
        limited: Limited,
        deadline: Instant,
    ) -> Result<(), SendError> {
        // Whoever says "at once" and refuses all the same is not asked in a circle.
        let until = limited.wait.unwrap_or(UNSAID).max(LEAST);
        if limited.scope == Scope::Global {
            self.0.budget.pause(until).await?;
        }
        lane.close_until(Instant::now() + until);
        wait(Some(Instant::now() + until), deadline).await
    }

    /// Waits for this request's turn among those of all nodes.
    async fn turn(&self, deadline: Instant) -> Result<(), SendError> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.0.budget.turn(left).await? {
            Turn::In(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Turn::Later(pause) => Err(SendError::Later(pause)),
            Turn::Closed => Err(SendError::Closed),
        }
    }

    /// While Discord is down, lets one through every few seconds.
    async fn may_try(&self, deadline: Instant) -> Result<(), SendError> {
        let again = {
            let mut health = self.0.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = Instant::now();
            match health.again {
                Some(again) if again > now => Some(again),
                // This one finds out; the others wait for it.
                Some(_) => {
                    health.again = Some(now + DOWN_FOR);
                    None
                }
                None => None,
            }
        };
        match again {
            Some(again) if again > deadline => {
                Err(SendError::Away("it has been down for a while".to_owned()))
            }
            Some(again) => {
                tokio::time::sleep_until(again).await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes how Discord is.
    fn went(&self, well: bool) {
        let mut health = self.0.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if well {
            *health = Health::default();
            return;
        }
        health.broken = health.broken.saturating_add(1);
        if health.broken >= DOWN_AFTER {
            health.again = Some(Instant::now() + DOWN_FOR);
        }
    }
}

enum Judged {
    Answer(Answer),
    Limited(Limited),
    Broken(String),
}

/// Waits, unless that takes longer than there is patience for.
async fn wait(until: Option<Instant>, deadline: Instant) -> Result<(), SendError> {
    match until {
        Some(until) if until > deadline => {
            Err(SendError::Later(until.saturating_duration_since(Instant::now())))
        }
        Some(until) => {
            tokio::time::sleep_until(until).await;
            Ok(())
        }
        None => Ok(()),
    }
}
