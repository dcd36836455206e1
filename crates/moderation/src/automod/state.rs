//! What is remembered of a guild while messages and joins come: times, places and a number made of each content, by which the same is known
//! again. The number is made with a key of this process, and neither it nor anything else leaves memory.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId, UserId};

use super::message::{Body, Message};
use super::rule::Rate;

/// Messages of a member that are remembered.
const MOST_OF_MEMBER: usize = 100;
/// Members, contents and joins that are remembered; beyond, the oldest go first.
const MOST: usize = 50_000;

/// A message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    at: i64,
    content: u64,
    user: UserId,
    channel: ChannelId,
    message: MessageId,
}

/// What is remembered of a guild. One a guild, in the hands of whoever judges it.
#[derive(Debug, Default)]
pub struct State {
    members: HashMap<UserId, VecDeque<Seen>>,
    contents: HashMap<u64, VecDeque<Seen>>,
    joins: VecDeque<(i64, UserId)>,
    present: HashMap<UserId, i64>,
    key: RandomState,
    /// When it was last cleared of what is too old.
    swept: i64,
    longest: i64,
}

/// What a rate says of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Burst {
    /// How many, of what the rule counts.
    pub(super) count: usize,
    /// The messages that came before and are part of it.
    pub(super) before: Vec<(ChannelId, MessageId)>,
}

impl State {
    /// Nothing remembered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long something is remembered, in seconds: the longest time of a rule.
    pub(super) fn remember(&mut self, seconds: i64) {
        self.longest = seconds * 1_000;
    }

    /// A number for what a message says, the same for the same, whatever its capitals and hidden characters; `None` where it says nothing.
    pub(super) fn content(&self, message: &Message, plain: &str) -> Option<u64> {
        let mut hasher = self.key.build_hasher();
        let mut some = !plain.trim().is_empty();
        plain.trim().hash(&mut hasher);
        for body in std::iter::once(&message.body).chain(&message.forwarded) {
            some |= hash_body(body, std::ptr::eq(body, &raw const message.body), &mut hasher);
        }
        some.then(|| hasher.finish())
    }

    /// Writes down that a message came.
    pub(super) fn saw(&mut self, message: &Message, at: i64, content: u64) {
        let seen = Seen {
            at,
            content,
            user: message.author.user_id,
            channel: message.channel_id,
            message: message.id,
        };
        let of_member = self.members.entry(seen.user).or_default();
        // What comes twice, as after an outage, counts once.
        if of_member.iter().any(|other| other.message == seen.message) {
            return;
        }
        push(of_member, seen);
        push(self.contents.entry(content).or_default(), seen);
        if at - self.swept > 10_000 || self.members.len() > MOST || self.contents.len() > MOST {
            self.sweep(at);
        }
    }

    fn sweep(&mut self, now: i64) {
        self.swept = now;
        let mut oldest = now - self.longest;
        loop {
            self.members.retain(|_, seen| seen.back().is_some_and(|last| last.at >= oldest));
            self.contents.retain(|_, seen| seen.back().is_some_and(|last| last.at >= oldest));
            if self.members.len() <= MOST && self.contents.len() <= MOST {
                break;
            }
            // Under a flood less is remembered, rather than all memory taken.
            let left = now - oldest;
            if left < 1_000 {
                self.members.clear();
                self.contents.clear();
                break;
            }
            oldest = now - left / 2;
        }
        self.joins.retain(|(at, _)| *at >= oldest);
        self.present.retain(|_, at| *at >= now - 86_400_000);
    }

    /// How many messages a member wrote in a time.
    pub(super) fn rate(&self, user: UserId, at: i64, rate: Rate) -> Burst {
        self.burst(user, at, rate, |_| true, <[Seen]>::len)
    }

    /// How often a member wrote the same.
    pub(super) fn duplicates(&self, user: UserId, at: i64, content: u64, rate: Rate) -> Burst {
        self.burst(user, at, rate, |seen| seen.content == content, <[Seen]>::len)
    }

    /// In how many channels a member wrote the same.
    pub(super) fn channels(&self, user: UserId, at: i64, content: u64, rate: Rate) -> Burst {
        self.burst(
            user,
            at,
            rate,
            |seen| seen.content == content,
            |seen| distinct(seen.iter().map(|one| one.channel.get())),
        )
    }

    fn burst(
        &self,
        user: UserId,
        at: i64,
        rate: Rate,
        counts: impl Fn(&Seen) -> bool,
        how_many: impl Fn(&[Seen]) -> usize,
    ) -> Burst {
        let Some(seen) = self.members.get(&user) else { return Burst::default() };
        let since = at - i64::from(rate.seconds) * 1_000;
        if seen.len() < rate.count as usize {
            return Burst::default();
        }
        let within: Vec<Seen> =
            seen.iter().filter(|one| one.at > since && one.at <= at && counts(one)).copied().collect();
        Burst {
            count: how_many(&within),
            before: within.iter().map(|one| (one.channel, one.message)).collect(),
        }
    }

    /// By how many accounts the same was written.
    pub(super) fn accounts(&self, at: i64, content: u64, seconds: u32) -> Burst {
        let Some(seen) = self.contents.get(&content) else { return Burst::default() };
        let since = at - i64::from(seconds) * 1_000;
        let within: Vec<&Seen> = seen.iter().filter(|one| one.at > since && one.at <= at).collect();
        Burst {
            count: distinct(within.iter().map(|one| one.user.get())),
            before: within.iter().map(|one| (one.channel, one.message)).collect(),
        }
    }

    /// After a hit a member's messages count anew.
    pub(super) fn forget(&mut self, user: UserId) {
        self.members.remove(&user);
    }

    /// Writes down that somebody joined; false where it was told before and they did not leave since: Discord tells some joins twice.
    pub(super) fn joined(&mut self, user: UserId, at: i64) -> bool {
        if self.present.insert(user, at).is_some() {
            return false;
        }
        self.joins.push_back((at, user));
        if self.joins.len() > MOST {
            self.joins.pop_front();
        }
        if at - self.swept > 10_000 || self.present.len() > 10 * MOST {
            self.sweep(at);
        }
        true
    }

    /// How many joined in a time.
    pub(super) fn join_count(&self, at: i64, seconds: u32) -> usize {
        let since = at - i64::from(seconds) * 1_000;
        self.joins.iter().filter(|(when, _)| *when > since && *when <= at).count()
    }

    /// Raid mode is on: joins count anew.
    pub(super) fn forget_joins(&mut self) {
        self.joins.clear();
    }

    /// Somebody left: their next join is another.
    pub fn left(&mut self, user: UserId) {
        self.present.remove(&user);
    }

    /// How many members and contents are remembered, for figures.
    pub fn size(&self) -> (usize, usize) {
        (self.members.len(), self.contents.len())
    }
}

/// The time of a message: its id tells.
pub(super) fn time_of(message: MessageId) -> DateTime<Utc> {
    super::message::created_at(UserId::new(message.get()))
}

fn push(seen: &mut VecDeque<Seen>, one: Seen) {
    if seen.len() >= MOST_OF_MEMBER {
        seen.pop_front();
    }
    seen.push_back(one);
}

fn distinct(values: impl Iterator<Item = i64>) -> usize {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// Takes what is not the text of the message itself into the number; says whether there was anything.
fn hash_body(body: &Body, own: bool, hasher: &mut impl std::hash::Hasher) -> bool {
    let mut some = false;
    if !own {
        some |= !body.content.trim().is_empty();
        body.content.trim().hash(hasher);
    }
    for attachment in &body.attachments {
        some = true;
        attachment.name.hash(hasher);
        attachment.content_type.hash(hasher);
    }
    for embed in body.embeds.iter().filter(|embed| !embed.is_unfurled) {
        some = true;
        embed.texts.hash(hasher);
        embed.urls.hash(hasher);
    }
    for sticker in &body.stickers {
        some = true;
        sticker.hash(hasher);
    }
    if let Some(poll) = &body.poll {
        some = true;
        poll.question.hash(hasher);
        poll.answers.hash(hasher);
    }
    some
}
