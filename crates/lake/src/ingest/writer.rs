//! Writes what waits, batch by batch.
//!
//! Nobody waits for a batch to fill: what finds a writer idle is taken at once. Under load batches grow by themselves, up to
//! [`MAX_BATCH`] events, and the price of locks and a commit is shared. What waits is bounded: who comes when too much does waits for
//! the answer, or is told to come back, as they like.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use jobs::Wake;
use kernel::GuildId;
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::batch::{Done, Memory, commit};
use super::event::{Event, Fault};
use super::outcome::{IngestError, MAX_BATCH, Outcome};
use super::queue::{Pending, Queue};

/// Attempts at a batch while the database is away, with growing pauses.
const ATTEMPTS: u32 = 6;

/// The way into the lake. Cheap to clone; its writers end when the last clone is dropped and what waits is written.
#[derive(Clone)]
pub struct EventWriter(Arc<Entrance>);

struct Entrance(Arc<Queue>);

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl std::fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventWriter").finish_non_exhaustive()
    }
}

impl EventWriter {
    /// Starts `writers` tasks (at least one), each with a connection of `pool` while it works. A guild's events are with one of them at a
    /// time. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake, writers: usize) -> Self {
        let writers = writers.max(1);
        let (memory, queue) = (Arc::new(Memory::default()), Arc::new(Queue::new(writers)));
        for _ in 0..writers {
            tokio::spawn(write_all(pool.clone(), wake.clone(), Arc::clone(&memory), Arc::clone(&queue)));
        }
        Self(Arc::new(Entrance(queue)))
    }

    /// A feed of a guild's events, whose order is kept.
    pub fn feed(&self, guild: GuildId) -> Feed {
        Feed { writer: self.clone(), guild, broken: Arc::default() }
    }

    /// Has events written, however many wait before them: for who can be slowed down. Answered after the commit, an outcome
    /// for each event, in order. Those of a guild that are submitted after an answer come after.
    pub async fn submit(&self, guild: GuildId, events: Vec<Event>) -> Result<Vec<Outcome>, IngestError> {
        self.feed(guild).submit(events).await
    }
}

/// A guild's events from one source, in order. Several calls may be on their way at a time: they are taken in the order in which they
/// were made, and once one of them has failed, none of the later ones is taken. Whoever then begins a new feed and sends
/// everything again from there, or from the beginning, ends in the totals of a feed that never failed.
#[derive(Debug, Clone)]
pub struct Feed {
    writer: EventWriter,
    guild: GuildId,
    broken: Arc<AtomicBool>,
}

impl Feed {
    /// Has events written, however many wait before them: for who can be slowed down. Answered after the commit, an outcome
    /// for each event, in order. Its place in the line is taken when it is first polled.
    pub async fn submit(&self, events: Vec<Event>) -> Result<Vec<Outcome>, IngestError> {
        self.send(events, true).await
    }

    /// The same for who cannot wait: [`IngestError::Busy`] when too many do already.
    pub async fn offer(&self, events: Vec<Event>) -> Result<Vec<Outcome>, IngestError> {
        self.send(events, false).await
    }

    async fn send(&self, mut events: Vec<Event>, wait: bool) -> Result<Vec<Outcome>, IngestError> {
        let mut outcomes = Vec::with_capacity(events.len());
        let (mut parts, mut answers) = (Vec::new(), Vec::new());
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(MAX_BATCH));
            let events = std::mem::replace(&mut events, rest);
            let (reply, answer) = oneshot::channel();
            parts.push(Pending { guild: self.guild, events, broken: Arc::clone(&self.broken), reply });
            answers.push(answer);
        }
        if !parts.is_empty() {
            self.writer.0.0.push(self.guild, parts, wait)?;
        }
        for answer in answers {
            outcomes.extend(answer.await.unwrap_or(Err(IngestError::Stopping))?);
        }
        Ok(outcomes)
    }
}

async fn write_all(pool: PgPool, wake: Wake, memory: Arc<Memory>, queue: Arc<Queue>) {
    while let Some(mut taken) = queue.take().await {
        let mut gathered = std::mem::take(&mut taken.parts);
        for broken in gathered.extract_if(.., |part| part.broken.load(Ordering::Relaxed)) {
            broken.fail(IngestError::Unavailable);
        }
        if !gathered.is_empty() {
            write(&pool, &wake, &memory, gathered).await;
        }
    }
}

async fn write(pool: &PgPool, wake: &Wake, memory: &Memory, gathered: Vec<Pending>) {
    let batch: Vec<(GuildId, &Event)> = gathered
        .iter()
        .flat_map(|pending| pending.events.iter().map(|event| (pending.guild, event)))
        .collect();
    metrics::histogram!("questhall_ingest_batch_events").record(count(batch.len()));
    let outcomes = take(pool, wake, memory, &batch).await;
    drop(batch);
    match outcomes {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for pending in gathered {
                let own = outcomes.by_ref().take(pending.events.len()).collect();
                // Whoever no longer listens has sent the events all the same.
                let _ = pending.reply.send(Ok(own));
            }
        }
        Err(error) => {
            for pending in gathered {
                pending.fail(error);
            }
        }
    }
}

/// Takes a batch. While the database is away or out of sorts it is tried again, which is safe as events count once. A batch that the database
/// refuses is halved until the event is found that it cannot take; the others are taken.
async fn take(
    pool: &PgPool,
    wake: &Wake,
    memory: &Memory,
    batch: &[(GuildId, &Event)],
) -> Result<Vec<Outcome>, IngestError> {
    let mut attempt = 1;
    let error = loop {
        // A panic would end the writer, and with it every later event's hope; it fails this batch instead.
        match AssertUnwindSafe(commit(pool, memory, batch)).catch_unwind().await {
            Ok(Ok(Done { outcomes, emitted })) => {
                if emitted {
                    wake.outbox();
                }
                note(&outcomes);
                return Ok(outcomes);
            }
            Ok(Err(crate::Error::Database(error))) if !is_of_events(&error) => {
                if attempt == ATTEMPTS {
                    tracing::error!(%error, events = batch.len(), "events could not be written");
                    return Err(IngestError::Unavailable);
                }
                tracing::warn!(%error, attempt, events = batch.len(), "events are written again");
                tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
                attempt += 1;
            }
            Ok(Err(error)) => break error.to_string(),
            Err(_) => break "it panicked".to_owned(),
        }
    };
    if batch.len() == 1 {
        tracing::error!(error, event = ?batch[0], "an event cannot be taken");
        return Ok(vec![Outcome::Refused(Fault::new(
            "",
            "cannot be stored; the reason is in the server's log",
        ))]);
    }
    tracing::warn!(error, events = batch.len(), "a batch of events failed; it is halved to find out which");
    let (left, right) = batch.split_at(batch.len() / 2);
    let mut outcomes = Box::pin(take(pool, wake, memory, left)).await?;
    outcomes.extend(Box::pin(take(pool, wake, memory, right)).await?);
    Ok(outcomes)
}

/// Whether an event may be what the database refuses: data that it cannot keep (class 22), a constraint (class 23), or rows that were
/// not as the batch found them. Everything else (the connection, locks, time limits, memory, a full disk) is no event's
/// fault, and may well work in a moment.
fn is_of_events(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        sqlx::Error::RowNotFound | sqlx::Error::Protocol(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

fn note(outcomes: &[Outcome]) {
    let mut counts = [0u64; 4];
    for outcome in outcomes {
        let at = match outcome {
            Outcome::Counted => 0,
            Outcome::Duplicate => 1,
            Outcome::SwitchedOff => 2,
            Outcome::Refused(_) => 3,
        };
        counts[at] += 1;
    }
    for (result, count) in ["counted", "duplicate", "switched_off", "refused"].into_iter().zip(counts) {
        if count > 0 {
            metrics::counter!("questhall_ingest_events_total", "result" => result).increment(count);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure")]
fn count(events: usize) -> f64 {
    events as f64
}
