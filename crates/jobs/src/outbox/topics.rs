//! Events of this process, sorted by who wants them: whoever follows one campaign is not woken by another guild's events.
//!
//! A topic exists while somebody subscribes to it, and holds its latest events, once for all its subscribers. A subscriber
//! who is slower than that is told so, and catches up from the table. So a slow one costs the others nothing, and an
//! idle one a few hundred bytes.

use std::{
    collections::{HashMap, VecDeque},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use kernel::{GuildId, UserId};
use tokio::sync::watch;

use super::{Stored, TailError};

/// Events that a topic keeps for subscribers who are a little slow, at most, and for how long.
const KEPT: usize = 1024;
const KEPT_FOR: Duration = Duration::from_secs(10);

/// What a subscriber follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Everything.
    Everything,
    /// A guild's events.
    Guild(GuildId),
    /// A guild's events about this, and what lies below it: `campaigns/<id>`.
    Subject(GuildId, String),
    /// A guild's events that concern a member.
    Member(GuildId, UserId),
}

/// An event on its way to readers of this process, and its text as they send it, made once for all of them.
#[derive(Debug)]
pub struct Live {
    event: Stored,
    rendered: OnceLock<Bytes>,
    since: Instant,
}

impl Live {
    /// An event that just came, from the reader or from the table.
    pub(super) fn new(event: Stored) -> Self {
        Self { event, rendered: OnceLock::new(), since: Instant::now() }
    }

    /// The event as a text, made by `render` when it is first asked for. All readers must render alike.
    pub fn rendered(&self, render: impl FnOnce(&Stored) -> Bytes) -> Bytes {
        self.rendered.get_or_init(|| render(&self.event)).clone()
    }
}

impl Deref for Live {
    type Target = Stored;
    fn deref(&self) -> &Stored {
        &self.event
    }
}

/// The topics of this process.
#[derive(Debug, Default)]
pub(super) struct Topics(Mutex<Map>);

#[derive(Debug, Default)]
struct Map {
    channels: HashMap<Topic, Weak<Channel>>,
    /// How many members' topics there may be: without any, nobody need look whom an event concerns.
    members: usize,
    sweep_at: usize,
    stopped: bool,
}

#[derive(Debug)]
struct Channel {
    ring: Mutex<Ring>,
    head: watch::Sender<Head>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<Live>>,
    /// The number of the event after the last.
    next: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Running,
    Stopped,
}

impl Topics {
    fn map(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events of a topic from now on.
    pub(super) fn subscribe(&self, topic: Topic) -> Subscription {
        let mut map = self.map();
        if map.channels.len() >= map.sweep_at {
            map.channels.retain(|_, channel| channel.strong_count() > 0);
            map.members = map.channels.keys().filter(|topic| matches!(topic, Topic::Member(..))).count();
            map.sweep_at = (map.channels.len() * 2).max(64);
        }
        let found = map.channels.get(&topic).and_then(Weak::upgrade);
        let channel = found.unwrap_or_else(|| {
            let head = if map.stopped { Head::Stopped } else { Head::Running };
            let channel = Arc::new(Channel { ring: Mutex::default(), head: watch::Sender::new(head) });
            map.members += usize::from(matches!(topic, Topic::Member(..)));
            map.channels.insert(topic, Arc::downgrade(&channel));
            channel
        });
        // Under the map's lock nothing is handed out: it begins here.
        let seen = channel.ring().next;
        Subscription { head: channel.head.subscribe(), channel, seen }
    }

    /// Whether anybody subscribes to anything.
    pub(super) fn is_followed(&self) -> bool {
        self.map().channels.values().any(|channel| channel.strong_count() > 0)
    }

    /// Hands out events: those of one topic together, so that each of its subscribers is woken once.
    pub(super) fn publish(&self, events: Vec<Stored>) {
        let map = self.map();
        let mut touched: HashMap<*const Channel, Arc<Channel>> = HashMap::new();
        for event in events {
            let event = Arc::new(Live::new(event));
            let guild = event.guild_id;
            let mut hand = |topic: &Topic| {
                if let Some(channel) = map.channels.get(topic).and_then(Weak::upgrade) {
                    channel.push(&event);
                    touched.entry(Arc::as_ptr(&channel)).or_insert(channel);
                }
            };
            hand(&Topic::Everything);
            hand(&Topic::Guild(guild));
            if let Some(root) = root(&event.subject) {
                hand(&Topic::Subject(guild, root.to_owned()));
            }
            if map.members > 0 {
                for member in concerned(&event) {
                    hand(&Topic::Member(guild, member));
                }
            }
        }
        drop(map);
        for channel in touched.into_values() {
            channel.head.send_modify(|_| {});
        }
    }

    /// Tells all subscribers, those to come included, that there is no more.
    pub(super) fn stop(&self) {
        let mut map = self.map();
        map.stopped = true;
        for channel in map.channels.values().filter_map(Weak::upgrade) {
            channel.head.send_replace(Head::Stopped);
        }
    }
}

/// The part of a subject that has a topic: its first two words, `campaigns/<id>`.
pub(super) fn root(subject: &str) -> Option<&str> {
    let first = subject.find('/')?;
    let end = subject[first + 1..].find('/').map_or(subject.len(), |second| first + 1 + second);
    Some(&subject[..end])
}

/// Fields of an event's data that name a member it concerns.
pub(super) const CONCERNS: [&str; 4] = ["user_id", "giver_id", "receiver_id", "participant_id"];

/// The members whom an event concerns, each once: the one it is for, whom its data names, and whom it is about.
pub(super) fn concerned(event: &Stored) -> Vec<UserId> {
    let mut members: Vec<UserId> = event.user_id.into_iter().collect();
    let named = CONCERNS.iter().filter_map(|field| event.payload.get(field)?.as_str());
    for text in named.chain(event.subject.strip_prefix("members/")) {
        if let Ok(member) = text.parse::<UserId>()
            && !members.contains(&member)
        {
            members.push(member);
        }
    }
    members
}

impl Channel {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: &Arc<Live>) {
        let mut ring = self.ring();
        while ring
            .events
            .front()
            .is_some_and(|oldest| ring.events.len() >= KEPT || oldest.since.elapsed() > KEPT_FOR)
        {
            ring.events.pop_front();
        }
        ring.events.push_back(Arc::clone(event));
        ring.next += 1;
    }
}

/// A subscriber's end.
#[derive(Debug)]
pub struct Subscription {
    channel: Arc<Channel>,
    head: watch::Receiver<Head>,
    /// The number of the next event to be seen.
    seen: u64,
}

impl Subscription {
    /// The topic's next event, in order. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Arc<Live>, TailError> {
        loop {
            let head = *self.head.borrow_and_update();
            if let Some(result) = self.look() {
                return result;
            }
            if head == Head::Stopped || self.head.changed().await.is_err() {
                return Err(TailError::Stopped);
            }
        }
    }

    /// What is there already.
    fn look(&mut self) -> Option<Result<Arc<Live>, TailError>> {
        let ring = self.channel.ring();
        let first = ring.next - ring.events.len() as u64;
        if self.seen < first {
            let missed = first - self.seen;
            self.seen = first;
            return Some(Err(TailError::Lagged(missed)));
        }
        let event = ring.events.get(usize::try_from(self.seen - first).ok()?)?;
        self.seen += 1;
        Some(Ok(Arc::clone(event)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::outbox::Position;

    fn event(guild: i64, subject: &str, n: i64) -> Stored {
        Stored {
            position: Position { transaction_id: 1, id: n },
            event_id: Uuid::nil(),
            guild_id: GuildId::new(guild),
            event_type: "test.happened".to_owned(),
            subject: subject.to_owned(),
            correlation_id: None,
            user_id: None,
            payload: json!({ "giver_id": "7", "receiver_id": "8", "participant_id": "squad" }),
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    async fn drain(subscription: &mut Subscription, topics: &Topics) -> Vec<i64> {
        topics.stop();
        let mut seen = Vec::new();
        while let Ok(event) = subscription.next().await {
            seen.push(event.position.id);
        }
        seen
    }

    #[tokio::test]
    async fn everybody_gets_what_they_follow_and_nothing_else() {
        let topics = Topics::default();
        let guild = GuildId::new(1);
        let mut followers = [
            (Topic::Everything, vec![1, 2, 3, 4]),
            (Topic::Guild(guild), vec![1, 2, 3]),
            (Topic::Subject(guild, "campaigns/a".to_owned()), vec![1, 2]),
            (Topic::Member(guild, UserId::new(8)), vec![1, 2, 3]),
            (Topic::Member(guild, UserId::new(9)), vec![3]),
            (Topic::Guild(GuildId::new(3)), vec![]),
        ]
        .map(|(topic, expected)| (topics.subscribe(topic), expected));
        topics.publish(vec![event(1, "campaigns/a", 1), event(1, "campaigns/a/challenges/b", 2)]);
        topics.publish(vec![event(1, "members/9", 3), event(2, "campaigns/a", 4)]);
        for (subscription, expected) in &mut followers {
            assert_eq!(drain(subscription, &topics).await, *expected);
        }
        assert_eq!(topics.subscribe(Topic::Guild(guild)).next().await.unwrap_err(), TailError::Stopped);
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_how_much_was_missed() {
        let topics = Topics::default();
        let mut slow = topics.subscribe(Topic::Guild(GuildId::new(1)));
        topics.publish((0..1500).map(|n| event(1, "x/y", n)).collect());
        assert_eq!(slow.next().await.unwrap_err(), TailError::Lagged(1500 - KEPT as u64));
        assert_eq!(slow.next().await.unwrap().position.id, 1500 - i64::try_from(KEPT).unwrap());
    }

    #[test]
    fn topics_that_nobody_follows_are_forgotten() {
        let topics = Topics::default();
        for n in 0..10_000 {
            drop(topics.subscribe(Topic::Member(GuildId::new(1), UserId::new(n))));
        }
        assert!(topics.map().channels.len() <= 128);
    }

    #[test]
    fn a_text_is_made_once() {
        let live = Live::new(event(1, "x", 1));
        assert_eq!(live.rendered(|_| Bytes::from_static(b"a")), live.rendered(|_| unreachable!()));
    }
}
