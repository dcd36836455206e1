//! Events that leave the house, by webhooks and NATS `JetStream`; and those for the lake that come by NATS.
//!
//! Promises:
//! * An event is posted to every webhook of its guild that wants and may have it, at least once, in the order in which it
//!   happened, signed by the Standard Webhooks specification; `webhook-id` tells a repetition.
//! * An endpoint that is slow, hangs, lies or floods keeps up nobody but itself. What it does not take for a day becomes a
//!   dead letter, which can be replayed; an endpoint that fails for days is disabled, and its administrators are told.
//! * Any number of nodes share the work; what a node that died was at is taken over by the others.
//! * Nobody makes the house call an address inside the operator's network, whatever a name resolves to, unless the operator
//!   allows it.
//! * A message from NATS is acknowledged when its events are in the lake, where each counts once.
//! * A secret is shown once, to who makes or rotates it, and is in no answer, log or audit entry afterwards. The database
//!   has it sealed, by a key that is not in the database.
//!
//! Map: [`settings`] what an operator may choose · [`model`] types · [`rules`] patterns and the schedule of attempts ·
//! [`signing`] · [`address`] who may be called · [`sender`] one attempt · `store`, `queue`
//! SQL · [`fanout`] from the outbox into queues · `worker` from queues to endpoints · [`ops`] what the faces call ·
//! [`routes`] the HTTP face · [`lag`] how far readers are behind · [`schedules`] clearing away · [`nats`] the broker, both ways · [`document`] the page about events.

pub mod address;
pub mod document;
pub mod error;
mod events;
pub mod fanout;
pub mod lag;
pub mod model;
pub mod nats;
pub mod ops;
mod queue;
pub mod routes;
pub mod rules;
pub mod schedules;
pub mod sender;
pub mod settings;
pub mod signing;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod work;
mod worker;

use std::sync::Arc;

use jobs::{NodeHandle, Wake};
use kernel::Clock;
use sqlx::PgPool;
use tokio::sync::watch;
mod slice;

pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use sender::{Resolver, Sender};
pub use settings::{GuildFrom, LakeSource, NatsSettings, WebhookSettings};
pub use slice::SLICE;
pub use store::seal::{
    ForeignSecret, previous_secrets_forget, secret_heads, secrets_foreign, secrets_reseal,
};

/// What everything about webhooks works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: WebhookSettings,
    sender: Sender,
    clock: Clock,
    wake: watch::Sender<u64>,
}

impl Webhooks {
    /// With the machine's resolver. Errs when the certificates that the settings name cannot be read.
    pub fn new(settings: WebhookSettings) -> std::io::Result<Self> {
        Ok(Self::with_sender(settings.clone(), Sender::new(settings)?, Clock::system()))
    }

    /// With a sender of one's own; signatures carry this clock's time.
    pub fn with_sender(settings: WebhookSettings, sender: Sender, clock: Clock) -> Self {
        Self(Arc::new(Inner { settings, sender, clock, wake: watch::Sender::new(0) }))
    }

    /// Queues events and delivers them, until the node stops.
    pub fn spawn(&self, pool: &PgPool, node: &NodeHandle, wake: &Wake) {
        jobs::outbox::spawn_consumer(pool.clone(), fanout::FanOut(self.clone()), node.clone(), wake);
        worker::spawn(pool.clone(), self.clone(), node.clone());
    }

    /// What the operator chose.
    pub fn settings(&self) -> &WebhookSettings {
        &self.0.settings
    }

    /// What seals secrets.
    fn vault(&self) -> &access::Vault {
        &self.0.settings.vault
    }

    fn sender(&self) -> &Sender {
        &self.0.sender
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Has this process look for queues that are due.
    fn wake(&self) {
        self.0.wake.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The same in a moment, when what is being written will have been committed.
    fn wake_soon(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            this.wake();
        });
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.wake.subscribe()
    }
}
