//! Made-up events that look like a real community's: a few members say most, a few channels hold most, talk comes in
//! conversations with replies and reactions, people sit together in voice. The same seed makes the same events on every machine.
//!
//! What is what, of a hundred events: about 70 messages, 19 reactions given and 1 taken back, 7 of voice, 1 thread, 2 members joining
//! or leaving. Members are drawn by a power law: of 10,000, the busiest hundred write about a fifth of the messages. Who comes into
//! voice mostly joins others and stays for about 50 minutes, however many events there are in all.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, MessageId, RoleId, UserId};
use progress::EventType;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::event::{Event, Payload};

/// What kind of community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Community {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Events in all.
    pub events: usize,
    /// Members.
    pub members: usize,
    /// Text channels; a tenth as many for voice.
    pub channels: usize,
    /// When the first event happens.
    pub from: DateTime<Utc>,
    /// Over how long they are spread.
    pub over: TimeDelta,
}

/// The first member's id; the others follow.
pub const FIRST_MEMBER: i64 = 200_000_000_000_000_000;
/// The first text channel's id; the others follow.
pub const FIRST_CHANNEL: i64 = 300_000_000_000_000_000;
const FIRST_VOICE: i64 = 400_000_000_000_000_000;
/// Conversations that go on at the same time.
const CONVERSATIONS: usize = 12;
/// Messages that still get reactions.
const RECENT: usize = 64;
/// Seconds that a stay in voice takes on average, and at most.
const STAY: (f64, f64) = (3_000.0, 21_600.0);

struct Conversation {
    channel: i64,
    who: Vec<i64>,
}

/// The events, in order of their time.
pub struct Generator {
    rng: StdRng,
    community: Community,
    made: usize,
    at: DateTime<Utc>,
    pause: f64,
    rhythm: fn(DateTime<Utc>) -> f64,
    conversations: Vec<Conversation>,
    /// Recent messages: message, author, channel.
    recent: Vec<(i64, i64, i64)>,
    /// Who is in which voice channel, and who leaves next.
    voice: BTreeMap<i64, i64>,
    leaving: BinaryHeap<Reverse<(DateTime<Utc>, i64)>>,
}

impl Generator {
    /// The events of this community.
    pub fn new(community: Community) -> Self {
        let mut rng = StdRng::seed_from_u64(community.seed);
        let community =
            Community { members: community.members.max(2), channels: community.channels.max(1), ..community };
        #[expect(clippy::cast_precision_loss, reason = "a mean pause")]
        let pause = community.over.num_microseconds().unwrap_or(i64::MAX) as f64
            / (0.97 * community.events.max(1) as f64);
        let conversations = (0..CONVERSATIONS).map(|_| conversation(&mut rng, &community)).collect();
        Self {
            rng,
            community,
            made: 0,
            at: community.from,
            pause,
            rhythm: steady,
            conversations,
            recent: Vec::with_capacity(RECENT),
            voice: BTreeMap::new(),
            leaving: BinaryHeap::new(),
        }
    }

    /// The same with hours that are busier than others: `rhythm` says how many times as much as on average happens at a time. Its
    /// mean should be 1; at no time is it taken for less than a hundredth.
    #[must_use]
    pub fn in_rhythm(mut self, rhythm: fn(DateTime<Utc>) -> f64) -> Self {
        self.rhythm = rhythm;
        self
    }

    /// Something that nobody saw coming: 97 of a hundred events; the others are farewells.
    fn happening(&mut self) -> Event {
        match self.rng.random_range(0..97) {
            0..70 => self.message(),
            70..90 => self.reaction(),
            90..94 => self.voice(),
            94 => self.thread(),
            _ => {
                let user = member(&mut self.rng, &self.community);
                let kind = if self.rng.random_range(0..3) == 0 {
                    EventType::MemberLeave
                } else {
                    EventType::MemberJoin
                };
                self.event(kind, user)
            }
        }
    }

    fn event(&self, event_type: EventType, user: i64) -> Event {
        Event {
            event_type,
            user_id: UserId::new(user),
            channel_id: None,
            target_id: None,
            source_id: None,
            timestamp: self.at,
            payload: Payload::default(),
        }
    }

    fn message(&mut self) -> Event {
        // Most are said where most is being said.
        let which = skewed(&mut self.rng, CONVERSATIONS, 1.6);
        if self.rng.random_range(0..40) == 0 {
            self.conversations[which] = conversation(&mut self.rng, &self.community);
        }
        let speaking = self.rng.random_range(0..self.conversations[which].who.len());
        let (channel, user) = (self.conversations[which].channel, self.conversations[which].who[speaking]);
        let id = self.snowflake();
        let mut event = self.event(EventType::MessageCreate, user);
        event.channel_id = Some(ChannelId::new(channel));
        event.source_id = Some(id.to_string());
        let rng = &mut self.rng;
        let length = match rng.random_range(0..100) {
            0..70 => rng.random_range(1..80),
            70..92 => rng.random_range(80..260),
            92..98 => rng.random_range(260..700),
            _ => rng.random_range(700..2_000),
        };
        let one_in = |rng: &mut StdRng, n: u32| (rng.random_range(0..n) == 0).then_some(1);
        event.payload = Payload {
            length: Some(length),
            code_blocks: one_in(rng, 25),
            links: one_in(rng, 12),
            attachments: one_in(rng, 18),
            emoji: (rng.random_range(0..5) == 0).then(|| rng.random_range(1..9)),
            message_id: Some(MessageId::new(id)),
            roles: vec![RoleId::new(500_000_000_000_000_000 + user % 7)],
            ..Payload::default()
        };
        if self.rng.random_range(0..4) == 0
            && let Some((answered, author, _)) =
                self.recent.iter().rev().find(|(_, author, of)| *of == channel && *author != user).copied()
        {
            event.payload.reply_to = Some(MessageId::new(answered));
            event.target_id = Some(UserId::new(author));
        }
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push((id, user, channel));
        event
    }

    fn reaction(&mut self) -> Event {
        if self.recent.is_empty() {
            return self.message();
        }
        let newest = skewed(&mut self.rng, self.recent.len(), 2.0);
        let (message, author, channel) = self.recent[self.recent.len() - 1 - newest];
        let user = member(&mut self.rng, &self.community);
        let kind = if self.rng.random_range(0..20) == 0 {
            EventType::ReactionRemove
        } else {
            EventType::ReactionAdd
        };
        let id = self.snowflake();
        let mut event = self.event(kind, user);
        event.channel_id = Some(ChannelId::new(channel));
        event.target_id = Some(UserId::new(author));
        event.source_id = Some(format!("{message}:{user}:{id}"));
        event.payload.message_id = Some(MessageId::new(message));
        event
    }

    /// Somebody comes into voice; or moves, or mutes themselves, where they are there already.
    fn voice(&mut self) -> Event {
        let user = member(&mut self.rng, &self.community);
        let rooms = (self.community.channels / 10).max(1);
        let company = self.rng.random_range(0..4) > 0 && !self.voice.is_empty();
        let channel = if company {
            let nth = self.rng.random_range(0..self.voice.len());
            self.voice.values().nth(nth).copied().unwrap_or(FIRST_VOICE)
        } else {
            FIRST_VOICE + i64::try_from(self.rng.random_range(0..rooms)).unwrap_or(0)
        };
        let before = self.voice.insert(user, channel);
        let kind = if before.is_some() { EventType::VoiceMove } else { EventType::VoiceJoin };
        let mut event = self.event(kind, user);
        event.channel_id = Some(ChannelId::new(channel));
        event.payload.from_channel_id = before.map(ChannelId::new);
        event.payload.muted = self.rng.random_range(0..4) == 0;
        event.payload.deafened = event.payload.muted && self.rng.random_range(0..3) == 0;
        if before.is_none() {
            let stay = (-self.rng.random_range(f64::MIN_POSITIVE..1.0).ln() * STAY.0).min(STAY.1);
            #[expect(clippy::cast_possible_truncation, reason = "microseconds of a stay")]
            let stay = TimeDelta::microseconds((stay * 1e6) as i64 + 1);
            self.leaving.push(Reverse((self.at + stay, user)));
        }
        event
    }

    /// Somebody who was in voice goes.
    fn farewell(&mut self, user: i64) -> Event {
        let mut event = self.event(EventType::VoiceLeave, user);
        event.channel_id = self.voice.remove(&user).map(ChannelId::new);
        event
    }

    fn thread(&mut self) -> Event {
        let user = member(&mut self.rng, &self.community);
        let id = self.snowflake();
        let channel = self.conversations[0].channel;
        let mut event = self.event(EventType::ThreadCreate, user);
        event.channel_id = Some(ChannelId::new(channel));
        event.source_id = Some(id.to_string());
        event.payload.thread_id = Some(ChannelId::new(id));
        event
    }

    /// An id as Discord makes them: of the time, in milliseconds since 2015, and a running number.
    fn snowflake(&self) -> i64 {
        let since_2015 = self.at.timestamp_millis() - 1_420_070_400_000;
        (since_2015.max(0) << 22) | i64::try_from(self.made & 0x3f_ffff).unwrap_or(0)
    }
}

impl Iterator for Generator {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.made == self.community.events {
            return None;
        }
        // Pauses are as random as people: exponential.
        let pause = -self.rng.random_range(f64::MIN_POSITIVE..1.0).ln() * self.pause
            / (self.rhythm)(self.at).max(0.01);
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of a pause")]
        let pause = TimeDelta::microseconds(pause as i64 + 1);
        let end = self.community.from + self.community.over;
        let next = (self.at + pause).min(end);
        let mut event = match self.leaving.peek() {
            // Whoever goes before anything else happens; what comes after that is as far away as ever.
            Some(Reverse((at, user))) if *at <= next => {
                let (at, user) = (*at, *user);
                self.leaving.pop();
                self.at = at;
                self.farewell(user)
            }
            _ => {
                self.at = next;
                self.happening()
            }
        };
        if event.source_id.is_none() {
            event.source_id = Some(format!("{}:{}:{}", event.event_type, event.user_id, self.made));
        }
        self.made += 1;
        Some(event)
    }
}

/// The same at all hours.
const fn steady(_: DateTime<Utc>) -> f64 {
    1.0
}

fn conversation(rng: &mut StdRng, community: &Community) -> Conversation {
    let channel = FIRST_CHANNEL + i64::try_from(skewed(rng, community.channels, 2.0)).unwrap_or(0);
    let who = (0..rng.random_range(2..8)).map(|_| member(rng, community)).collect();
    Conversation { channel, who }
}

fn member(rng: &mut StdRng, community: &Community) -> i64 {
    FIRST_MEMBER + i64::try_from(skewed(rng, community.members, 3.0)).unwrap_or(0)
}

/// One of `count`, the first ones far more often than the last.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index, drawn"
)]
fn skewed(rng: &mut StdRng, count: usize, by: f64) -> usize {
    let drawn: f64 = rng.random();
    ((drawn.powf(by) * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use chrono::Timelike as _;

    use super::*;

    fn community() -> Community {
        Community {
            seed: 7,
            events: 20_000,
            members: 10_000,
            channels: 40,
            from: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
            over: TimeDelta::days(7),
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_good_events_in_order() {
        let events: Vec<Event> = Generator::new(community()).collect();
        assert!(Generator::new(community()).eq(events.iter().cloned()));
        assert!(!Generator::new(Community { seed: 8, ..community() }).eq(events.iter().cloned()));
        assert!(events.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
        assert_eq!(events.iter().map(Event::source).collect::<HashSet<_>>().len(), events.len());
        for event in &events {
            let json = serde_json::to_string(event).unwrap();
            assert_eq!(&Event::parse(&json).unwrap(), event, "{json}");
        }
    }

    #[test]
    fn more_happens_when_the_rhythm_says_so() {
        let busy_by_day = |at: DateTime<Utc>| if (6..18).contains(&at.hour()) { 1.8 } else { 0.2 };
        let events: Vec<Event> = Generator::new(community()).in_rhythm(busy_by_day).collect();
        let by_day = events.iter().filter(|event| (6..18).contains(&event.timestamp.hour())).count();
        assert!(by_day * 100 > events.len() * 85, "{by_day} of {}", events.len());
        let over = events.last().unwrap().timestamp - events[0].timestamp;
        assert!(over > TimeDelta::days(6), "{over}");
    }

    #[test]
    fn a_few_say_most() {
        let mut by_member: HashMap<UserId, usize> = HashMap::new();
        for event in Generator::new(community()).filter(|e| e.event_type == EventType::MessageCreate) {
            *by_member.entry(event.user_id).or_default() += 1;
        }
        let mut counts: Vec<usize> = by_member.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let (all, busiest): (usize, usize) = (counts.iter().sum(), counts.iter().take(100).sum());
        assert!((13_000..15_000).contains(&all), "{all} messages");
        assert!(busiest * 6 > all, "the busiest hundred wrote {busiest} of {all}");
    }
}
