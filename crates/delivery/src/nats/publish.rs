//! Publishing every event to NATS `JetStream`.
//!
//! * Subject `questhall.<guild>.<event type>`; the body is the event in its `CloudEvents` envelope; `Nats-Msg-Id` is its id, by
//!   which `JetStream` drops repetitions within ten minutes, and readers later ones.
//! * Events are stored in their order: each says which one it follows (`Nats-Expected-Last-Msg-Id`), so that after a break of
//!   the connection none is stored before those that got lost. Where others write into the same stream as well, that
//!   cannot hold; then each event waits for its confirmation.
//! * The position is kept in the database: after an outage of either side, publishing goes on where it was confirmed. The
//!   house does not notice an outage.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use jobs::outbox::{PublishError, Publisher, Stored};
use tokio::sync::Mutex;

use super::{PATIENCE, connect};
use crate::settings::NatsSettings;

/// Its name, which owns the cursor.
pub const CONSUMER: &str = "nats";

/// How long `JetStream` remembers ids. Repetitions come right after a break; half a minute would do.
const REMEMBERED: Duration = Duration::from_mins(10);
/// Room that headers take of a message.
const HEADERS: usize = 1024;

/// Publishes events to a stream.
#[derive(Debug)]
pub struct Nats {
    settings: NatsSettings,
    connection: Mutex<Connection>,
}

#[derive(Debug, Default)]
struct Connection {
    /// The client reconnects by itself once it was connected.
    client: Option<Client>,
    /// Whether the stream was found or made since trouble was last seen.
    checked: bool,
    /// Whether the last attempt failed: then each event waits for its confirmation.
    careful: bool,
}

impl Nats {
    /// A publisher by the settings; `None` when they name no server, or nothing is to be published. Connects when there is
    /// something to publish.
    pub fn new(settings: &NatsSettings) -> Option<Self> {
        let wanted = settings.url.is_some() && settings.publish;
        wanted.then(|| Self { settings: settings.clone(), connection: Mutex::default() })
    }

    async fn client(&self, connection: &mut Connection) -> Result<Client, PublishError> {
        if let Some(client) = &connection.client {
            return Ok(client.clone());
        }
        let client = connect(&self.settings, "questhall").await?;
        connection.client = Some(client.clone());
        Ok(client)
    }

    /// The stream: found, or made if it is not there. One that is there is left as it is.
    async fn check(&self, context: &jetstream::Context) -> Result<(), PublishError> {
        let prefix = &self.settings.subject_prefix;
        let stream = context
            .get_or_create_stream(stream::Config {
                name: self.settings.stream.clone(),
                description: Some("Questhall's events, as CloudEvents".to_owned()),
                subjects: vec![format!("{prefix}.>")],
                max_age: self.settings.max_age,
                duplicate_window: REMEMBERED.min(self.settings.max_age),
                storage: stream::StorageType::File,
                ..stream::Config::default()
            })
            .await?;
        let wanted = format!("{prefix}.>");
        let taken = |subject: &String| *subject == wanted || subject == ">";
        if stream.cached_info().config.subjects.iter().any(taken) {
            return Ok(());
        }
        Err(format!("the stream {} does not take the subjects {wanted}", self.settings.stream).into())
    }

    fn message(&self, event: &Stored) -> (String, Bytes) {
        let subject = format!("{}.{}.{}", self.settings.subject_prefix, event.guild_id, event.event_type);
        (subject, Bytes::from(event.cloud_event().to_string()))
    }

    async fn publish_all(&self, connection: &mut Connection, events: &[Stored]) -> Result<(), PublishError> {
        let client = self.client(connection).await?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(PATIENCE);
        if !connection.checked {
            self.check(&context).await?;
            connection.checked = true;
        }
        let room = client.server_info().max_payload.saturating_sub(HEADERS);
        let mut acks: Vec<PublishAckFuture> = Vec::with_capacity(events.len());
        let mut before: Option<String> = None;
        for event in events {
            let (subject, body) = self.message(event);
            if body.len() > room {
                // It would stand in the way of all that follow, for ever.
                metrics::counter!("questhall_nats_skipped_total").increment(1);
                tracing::error!(event = %event.event_id, bytes = body.len(), "an event is too large for this NATS server");
                continue;
            }
            let id = event.event_id.to_string();
            let mut message = PublishMessage::build().payload(body).message_id(&id);
            if let Some(before) = before.filter(|_| !connection.careful) {
                message = message.expected_last_message_id(before);
            }
            let ack = context.send_publish(subject, message).await?;
            if connection.careful {
                confirmed(ack).await?;
            } else {
                acks.push(ack);
            }
            before = Some(id);
        }
        for ack in acks {
            confirmed(ack).await?;
        }
        Ok(())
    }
}

async fn confirmed(ack: PublishAckFuture) -> Result<(), PublishError> {
    match ack.await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == PublishErrorKind::WrongLastMessageId => {
            Err("the stream holds something else than expected; going on one by one".into())
        }
        Err(error) => Err(error.into()),
    }
}

impl Publisher for Nats {
    fn name(&self) -> &'static str {
        CONSUMER
    }

    async fn publish(&self, events: &[Stored]) -> Result<(), PublishError> {
        let mut connection = self.connection.lock().await;
        // Whatever interrupts it, a time limit included, leaves it careful.
        let careful = std::mem::replace(&mut connection.careful, true);
        let checked = std::mem::take(&mut connection.checked);
        let mut now = Connection { client: connection.client.clone(), checked, careful };
        let result = self.publish_all(&mut now, events).await;
        connection.client = now.client;
        if result.is_ok() {
            connection.checked = true;
            connection.careful = false;
        }
        result
    }
}
