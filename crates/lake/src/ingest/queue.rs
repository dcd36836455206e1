//! What waits for a writer: a line a guild, and whichever writer is free takes what has waited longest.
//!
//! A guild is with one writer at a time, so that its events are taken in the order in which they came; guilds are not tied to writers, so
//! that none idles while another has more than it can do.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::GuildId;
use tokio::sync::{Notify, oneshot};

use super::event::Event;
use super::outcome::{IngestError, MAX_BATCH, Outcome};

/// The most events that may wait before those who cannot wait are told to come back.
const ROOM: usize = 40_000;
/// The same of one guild, so that it leaves room for others.
const ROOM_OF_GUILD: usize = ROOM / 2;

/// Events of a call, at most [`MAX_BATCH`] of them.
pub(super) struct Pending {
    pub(super) guild: GuildId,
    pub(super) events: Vec<Event>,
    /// Whether something before it in its feed failed.
    pub(super) broken: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>, IngestError>>,
}

impl Pending {
    /// Answers with an error, and keeps what comes behind it in its feed from being taken. The feed's guild is with one writer at a time,
    /// so that whoever takes the next sees that.
    pub(super) fn fail(self, error: IngestError) {
        self.broken.store(true, Ordering::Relaxed);
        // Whoever no longer listens sends everything again some day, or never.
        let _ = self.reply.send(Err(error));
    }
}

/// A batch that a writer took. Its guilds go to nobody else until it is dropped.
pub(super) struct Taken<'q> {
    queue: &'q Queue,
    pub(super) parts: Vec<Pending>,
    guilds: Vec<GuildId>,
    events: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.queue.done(&self.guilds, self.events);
    }
}

/// The lines.
pub(super) struct Queue {
    lines: Mutex<Lines>,
    work: Notify,
    writers: usize,
}

/// What of a queue a writer takes.
#[derive(Default)]
struct Batch {
    parts: Vec<Pending>,
    guilds: Vec<GuildId>,
    events: usize,
}

#[derive(Default)]
struct Lines {
    of: HashMap<GuildId, Line>,
    /// Guilds that wait and are with no writer, the one that has waited longest first.
    ready: VecDeque<GuildId>,
    /// Events of those.
    ready_events: usize,
    /// Events in all, those with writers too.
    events: usize,
    closed: bool,
}

#[derive(Default)]
struct Line {
    parts: VecDeque<Pending>,
    /// Events of `parts`.
    waiting: usize,
    /// A writer has events of this guild.
    taken: bool,
}

impl Queue {
    pub(super) fn new(writers: usize) -> Self {
        Self { lines: Mutex::default(), work: Notify::new(), writers }
    }

    /// Puts parts of a guild at the end of its line, one after the other with nothing between. With `wait` however many wait already: whoever
    /// waits for the answer bounds what they have here.
    pub(super) fn push(&self, guild: GuildId, parts: Vec<Pending>, wait: bool) -> Result<(), IngestError> {
        let count = parts.iter().map(|part| part.events.len()).sum::<usize>();
        let mut lines = self.lock();
        if lines.closed {
            return Err(IngestError::Stopping);
        }
        let of_guild = lines.of.get(&guild).map_or(0, |line| line.waiting);
        if !wait && (lines.events + count > ROOM || of_guild + count > ROOM_OF_GUILD) {
            return Err(IngestError::Busy);
        }
        lines.events += count;
        let line = lines.of.entry(guild).or_default();
        let first = line.parts.is_empty();
        line.waiting += count;
        line.parts.extend(parts);
        if !line.taken {
            lines.ready_events += count;
            if first {
                lines.ready.push_back(guild);
            }
            drop(lines);
            self.work.notify_one();
        }
        Ok(())
    }

    /// A batch, as soon as there is one; `None` when there will be no more.
    pub(super) async fn take(&self) -> Option<Taken<'_>> {
        loop {
            let notified = self.work.notified();
            {
                let mut lines = self.lock();
                if let Some(Batch { parts, guilds, events }) = lines.take(self.writers) {
                    // The rest is for whoever is idle.
                    if !lines.ready.is_empty() {
                        self.work.notify_one();
                    }
                    return Some(Taken { queue: self, parts, guilds, events });
                }
                if lines.closed && lines.events == 0 {
                    return None;
                }
            }
            notified.await;
        }
    }

    fn done(&self, guilds: &[GuildId], events: usize) {
        let mut lines = self.lock();
        let lines = &mut *lines;
        lines.events -= events;
        for guild in guilds {
            let Some(line) = lines.of.get_mut(guild) else { continue };
            line.taken = false;
            if line.parts.is_empty() {
                lines.of.remove(guild);
            } else {
                lines.ready_events += line.waiting;
                lines.ready.push_back(*guild);
            }
        }
        if lines.closed {
            self.work.notify_waiters();
        }
        if !lines.ready.is_empty() {
            self.work.notify_one();
        }
    }

    /// Nothing more comes; what waits is still to be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_waiters();
    }

    // Nothing that is done under it can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// All that waits of the first guild, as far as it fits; and of the next ones, where that is less than a writer's share of all that waits:
    /// many small guilds share the price of a commit, and large ones are spread over the writers.
    fn take(&mut self, writers: usize) -> Option<Batch> {
        let share = self.ready_events.div_ceil(writers).min(MAX_BATCH);
        let mut taken = Batch::default();
        while taken.events < share
            && let Some(guild) = self.ready.front().copied()
        {
            let Some(line) = self.of.get_mut(&guild) else { break };
            let next = line.parts.front().map_or(0, |part| part.events.len());
            if taken.events > 0 && taken.events + next > MAX_BATCH {
                break;
            }
            self.ready.pop_front();
            self.ready_events -= line.waiting;
            line.taken = true;
            taken.guilds.push(guild);
            while let Some(part) = line.parts.pop_front() {
                if taken.events > 0 && taken.events + part.events.len() > MAX_BATCH {
                    line.parts.push_front(part);
                    break;
                }
                line.waiting -= part.events.len();
                taken.events += part.events.len();
                taken.parts.push(part);
            }
        }
        (!taken.guilds.is_empty()).then_some(taken)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use futures::FutureExt as _;
    use kernel::UserId;

    use super::super::event::Payload;
    use super::*;
    use progress::EventType;

    fn part(guild: i64, events: usize) -> Pending {
        let event = Event {
            event_type: EventType::MemberJoin,
            user_id: UserId::new(1),
            channel_id: None,
            target_id: None,
            source_id: None,
            timestamp: DateTime::UNIX_EPOCH,
            payload: Payload::default(),
        };
        let (reply, _) = oneshot::channel();
        Pending { guild: GuildId::new(guild), events: vec![event; events], broken: Arc::default(), reply }
    }

    fn push(queue: &Queue, guild: i64, events: usize) -> Result<(), IngestError> {
        queue.push(GuildId::new(guild), vec![part(guild, events)], false)
    }

    /// Guild and events of each part; nothing where there is nothing to take.
    fn take(queue: &Queue) -> Option<(Taken<'_>, Vec<(i64, usize)>)> {
        let taken = queue.take().now_or_never()??;
        let parts = taken.parts.iter().map(|part| (part.guild.get(), part.events.len())).collect();
        Some((taken, parts))
    }

    #[test]
    fn a_guild_is_with_one_writer_at_a_time_and_keeps_its_order() {
        let queue = Queue::new(2);
        push(&queue, 1, 5).unwrap();
        let (first, parts) = take(&queue).unwrap();
        assert_eq!(parts, [(1, 5)]);
        push(&queue, 1, 6).unwrap();
        push(&queue, 1, 7).unwrap();
        assert!(take(&queue).is_none(), "the guild was given to two writers");
        drop(first);
        assert_eq!(take(&queue).unwrap().1, [(1, 6), (1, 7)]);
    }

    #[test]
    fn many_small_guilds_share_a_batch_and_large_ones_are_spread() {
        let queue = Queue::new(2);
        for guild in 1..=100 {
            push(&queue, guild, 2).unwrap();
        }
        let (one, parts) = take(&queue).unwrap();
        assert_eq!(parts.len(), 50);
        let (two, parts) = take(&queue).unwrap();
        assert!((25..=50).contains(&parts.len()), "{} guilds", parts.len());
        drop((one, two));

        let queue = Queue::new(2);
        for guild in 1..=2 {
            for _ in 0..8 {
                push(&queue, guild, 1_000).unwrap();
            }
        }
        let (_one, parts) = take(&queue).unwrap();
        assert!(
            parts.iter().all(|part| part.0 == 1)
                && parts.iter().map(|part| part.1).sum::<usize>() <= MAX_BATCH
        );
        let (_two, parts) = take(&queue).unwrap();
        assert!(parts.iter().all(|part| part.0 == 2));
        assert!(take(&queue).is_none());
    }

    #[test]
    fn nothing_is_left_behind_when_what_is_next_does_not_fit() {
        let queue = Queue::new(1);
        push(&queue, 1, MAX_BATCH - 1).unwrap();
        push(&queue, 1, 2).unwrap();
        push(&queue, 2, 2).unwrap();
        let (first, parts) = take(&queue).unwrap();
        assert_eq!(parts, [(1, MAX_BATCH - 1)]);
        let (second, parts) = take(&queue).unwrap();
        assert_eq!(parts, [(2, 2)]);
        drop((first, second));
        assert_eq!(take(&queue).unwrap().1, [(1, 2)]);
        assert!(take(&queue).is_none());
        assert!(queue.lock().of.is_empty(), "a line without anybody in it is kept");
    }

    #[test]
    fn who_cannot_wait_is_sent_away_when_it_is_full_and_a_guild_leaves_room() {
        let queue = Queue::new(1);
        while push(&queue, 1, 1_000).is_ok() {}
        assert_eq!(queue.lock().events, ROOM_OF_GUILD);
        while push(&queue, 2, 1_000).is_ok() {}
        assert_eq!(queue.lock().events, ROOM);
        assert_eq!(push(&queue, 3, 1), Err(IngestError::Busy));
        queue.push(GuildId::new(3), vec![part(3, 1)], true).unwrap();
        drop(take(&queue).unwrap());
        push(&queue, 3, 1).unwrap();
    }

    #[test]
    fn what_waits_when_it_closes_is_taken_and_then_there_is_no_more() {
        let queue = Queue::new(1);
        push(&queue, 1, 1).unwrap();
        let (first, _) = take(&queue).unwrap();
        push(&queue, 1, 2).unwrap();
        queue.close();
        assert_eq!(push(&queue, 1, 1), Err(IngestError::Stopping));
        assert!(queue.take().now_or_never().is_none(), "it ended before all was taken");
        drop(first);
        assert_eq!(take(&queue).unwrap().1, [(1, 2)]);
        assert!(matches!(queue.take().now_or_never(), Some(None)));
    }
}
