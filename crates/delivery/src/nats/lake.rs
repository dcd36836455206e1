//! Events for the lake, from NATS `JetStream`.
//!
//! * All nodes share one durable consumer: each message goes to one of them, and to another if that one dies. A message is
//!   acknowledged when its events are durable. It comes again after a crash in between, and its events count once all the same.
//! * While the database does not take events, messages are given back for a while (`NAK` with a delay) and fewer are asked for.
//! * A node asks for a bounded number of messages, and bytes of them, and takes those of a guild in their order. With several
//!   nodes, or after a message was given back, others may overtake it.
//! * What cannot be taken, wholly or in part, is counted, logged with the reason but without its words, and put among the dead letters where there
//!   are any, before `JetStream` is told to forget it (`TERM`). What of it is good is taken.

mod parcel;
mod session;

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, AckKind, Context, Message, stream};
use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _};
use jobs::NodeHandle;
use kernel::GuildId;
use lake::ingest::EventWriter;
use parcel::Parcel;
use session::{HEADERS, Part, Session, give_back};
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::{PATIENCE, Trouble, connect};
use crate::settings::NatsSettings;

/// How long `JetStream` waits for a message's acknowledgement before another node gets it; and how often it is told that
/// this one is still at it.
const ACK_WAIT: Duration = Duration::from_secs(30);
const PROGRESS: Duration = Duration::from_secs(10);
/// Messages of all nodes that may wait for their acknowledgement.
const MAX_ACK_PENDING: i64 = 20_000;
/// Bytes of messages that are asked for at once, at least; no less than the largest message that the server takes.
const BYTES: usize = 8 << 20;
/// How often the server shows that a request for messages stands.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The pause after trouble: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Takes messages of a stream into the lake.
#[derive(Debug, Clone)]
pub struct LakeFeed {
    settings: NatsSettings,
    writer: EventWriter,
}

/// What became of some messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    All,
    /// The database takes nothing now.
    Later,
}

impl LakeFeed {
    /// By the settings; `None` when they name no stream.
    pub fn new(settings: &NatsSettings, writer: EventWriter) -> Option<Self> {
        let wanted = settings.url.is_some() && settings.lake.stream.is_some();
        wanted.then(|| Self { settings: settings.clone(), writer })
    }

    /// Takes messages until the node stops; any number of nodes may.
    pub fn spawn(self, node: &NodeHandle) {
        let (workers, node) = (node.clone(), node.clone());
        workers.spawn(async move { self.run(node).await });
    }

    async fn run(self, mut node: NodeHandle) {
        let mut pause = PAUSES.0;
        while node.ready().await {
            let worked = self.work(&mut node, &mut pause).await;
            let Err(error) = worked else { continue };
            metrics::counter!("questhall_nats_lake_errors_total").increment(1);
            tracing::warn!(%error, ?pause, "no events come from NATS");
            tokio::select! {
                () = node.stopping().cancelled() => {}
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Takes messages while all goes well, and the node takes work.
    async fn work(&self, node: &mut NodeHandle, pause: &mut Duration) -> Result<(), Trouble> {
        // Boxed, so that idle nodes do not hold what opening takes.
        let opening = node.stopping().run_until_cancelled(Box::pin(self.open()));
        let Some(session) = opening.await else { return Ok(()) };
        let mut session = session?;
        loop {
            let message = tokio::select! {
                () = node.stopping().cancelled() => None,
                message = session.messages.next() => match message {
                    Some(message) => Some(message?),
                    None => return Err("the stream of messages ended".into()),
                },
            };
            let Some(message) = message else { return session.give_back().await };
            let together = session.gather(message, self.settings.lake.in_flight);
            let taken = self.take(&session, together).await?;
            match taken {
                Taken::All => *pause = PAUSES.0,
                Taken::Later => {
                    let stopping = node.stopping().clone();
                    let _ = stopping.run_until_cancelled(sleep(*pause)).await;
                    *pause = (*pause * 2).min(PAUSES.1);
                }
            }
            // A node that drains leaves the rest to the others.
            if node.ready().now_or_never() != Some(true) {
                return session.give_back().await;
            }
        }
    }

    async fn open(&self) -> Result<Session, Trouble> {
        let lake = &self.settings.lake;
        let client = connect(&self.settings, "questhall-lake").await?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(PATIENCE);
        let consumer = self.consumer(&context).await?;
        if let Some(subject) = &lake.dead_letters {
            let kept = context.stream_by_subject(subject.as_str()).await;
            kept.map_err(|_| format!("no stream keeps the dead letters' subject {subject}"))?;
        }
        let most = client.server_info().max_payload + HEADERS;
        let messages = consumer
            .stream()
            .max_messages_per_batch(lake.in_flight)
            .max_bytes_per_batch(most.max(BYTES))
            .heartbeat(HEARTBEAT)
            .messages()
            .await?;
        Ok(Session { context, client, consumer, messages })
    }

    /// The consumer and its stream: found, or made if they are not there. What is there is left as it is.
    async fn consumer(&self, context: &Context) -> Result<PullConsumer, Trouble> {
        let lake = &self.settings.lake;
        let name = lake.stream.clone().unwrap_or_default();
        let stream = context
            .get_or_create_stream(stream::Config {
                name: name.clone(),
                description: Some("Events for Questhall's lake".to_owned()),
                subjects: vec![lake.subject.clone()],
                max_age: self.settings.max_age,
                storage: stream::StorageType::File,
                ..stream::Config::default()
            })
            .await?;
        let wanted = pull::Config {
            durable_name: Some(lake.consumer.clone()),
            description: Some("Takes events into Questhall's lake".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            // However long the database is away.
            max_deliver: -1,
            filter_subject: lake.subject.clone(),
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&lake.consumer, wanted).await?;
        let found = &consumer.cached_info().config;
        if found.filter_subject != lake.subject || found.ack_policy != AckPolicy::Explicit {
            let problem = format!(
                "the consumer {} of the stream {name} is another's: it must take {} and want explicit acknowledgements; \
                 name another in nats.lake.consumer, or remove it",
                lake.consumer, lake.subject
            );
            return Err(problem.into());
        }
        Ok(consumer)
    }

    /// Has the messages' events taken, and says so to `JetStream`.
    async fn take(&self, session: &Session, messages: Vec<Message>) -> Result<Taken, Trouble> {
        let mut guilds: BTreeMap<GuildId, Vec<Part>> = BTreeMap::new();
        for message in messages {
            match Parcel::read(&self.settings.lake, &message.subject, &message.payload) {
                Ok(parcel) => {
                    let Parcel { guild, events, faults } = parcel;
                    let (places, events): (Vec<_>, Vec<_>) = events.into_iter().unzip();
                    let faults = faults
                        .into_iter()
                        .map(|(place, fault)| format!("events[{place}]: {fault}"))
                        .collect();
                    guilds.entry(guild).or_default().push(Part { message, places, events, faults });
                }
                Err(reason) => session.forget(&self.settings.lake, &message, &[reason]).await?,
            }
        }
        let submitted = guilds.iter_mut().map(|(guild, parts)| {
            let events = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.events)).collect();
            self.writer.submit(*guild, events)
        });
        let submitted = join_all(submitted);
        let outcomes = still_at_it(&guilds, submitted).await?;
        let mut taken = Taken::All;
        for (parts, outcomes) in guilds.into_values().zip(outcomes) {
            match outcomes {
                Ok(outcomes) => {
                    let mut outcomes = outcomes.into_iter();
                    for part in parts {
                        session.acknowledge(&self.settings.lake, part, &mut outcomes).await?;
                    }
                }
                Err(error) => {
                    taken = Taken::Later;
                    tracing::warn!(%error, messages = parts.len(), "messages are given back to NATS");
                    for part in parts {
                        give_back(&part.message, error).await?;
                    }
                }
            }
        }
        Ok(taken)
    }
}

/// Waits for what was submitted, and says meanwhile that we are at it.
async fn still_at_it<T>(
    guilds: &BTreeMap<GuildId, Vec<Part>>,
    submitted: impl Future<Output = T>,
) -> Result<T, Trouble> {
    let mut progress = interval_at(tokio::time::Instant::now() + PROGRESS, PROGRESS);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut submitted = std::pin::pin!(submitted);
    loop {
        tokio::select! {
            done = &mut submitted => return Ok(done),
            _ = progress.tick() => {
                for part in guilds.values().flatten() {
                    part.message.ack_with(AckKind::Progress).await?;
                }
            }
        }
    }
}
