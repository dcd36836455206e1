//! The limits of a batch: their state is read, moved on event by event, and written back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ChannelId;
use progress::EventType;
use progress::model::Event as Kind;
use progress::rewards::{self, Cooldown, MessageReactions, Pair, Refused};
use sqlx::PgConnection;

use super::admitted::Fresh;
use super::book::{Book, Cause};
use super::store::{self, ChannelKey, Locked, MessageKey, PairKey, Seen, Stay};
use crate::categories::Interaction;

/// What is read before rewarding: members, and the state of the limits.
pub(super) struct State {
    pub(super) members: HashMap<(i64, i64), Locked>,
    pub(super) limits: Limits,
}

impl State {
    pub(super) async fn read(conn: &mut PgConnection, fresh: &[Fresh<'_>]) -> sqlx::Result<Self> {
        let mut limits = Limits::default();
        let (mut talkers, mut places) = (BTreeSet::new(), BTreeSet::new());
        for one in fresh.iter().filter(|one| one.event.event_type.is_voice()) {
            talkers.insert(one.user());
            places.extend(one.channel().map(|channel| (one.guild.get(), channel)));
        }
        if !talkers.is_empty() {
            limits.stays = store::stays(conn, &talkers, &places).await?;
        }

        let mut seen: BTreeMap<(i64, i64), Seen> = BTreeMap::new();
        let mut see = |key: (i64, i64), at, is_bot| {
            let entry = seen.entry(key).or_insert(Seen { at, is_bot });
            entry.at = entry.at.min(at);
            entry.is_bot |= is_bot;
        };
        for one in fresh {
            see(one.user(), one.event.timestamp, one.event.payload.bot);
            if one.is_reaction()
                && let Some(target) = one.target()
            {
                see(target, one.event.timestamp, false);
            }
        }
        for ((guild, user), stay) in &limits.stays {
            see((*guild, *user), stay.sitting.joined_at, false);
        }
        let mut members = store::members_lock(conn, &seen).await?;
        let mut farewells: BTreeMap<(i64, i64), DateTime<Utc>> = BTreeMap::new();
        for one in fresh.iter().filter(|one| one.event.event_type == EventType::MemberLeave) {
            let left = farewells.entry(one.user()).or_insert(one.event.timestamp);
            *left = one.event.timestamp.min(*left);
        }
        if !farewells.is_empty() {
            for (key, at) in store::present_at(conn, &farewells).await? {
                if let Some(member) = members.get_mut(&key) {
                    member.present_at = Some(at);
                }
            }
        }

        let messages: BTreeSet<ChannelKey> = fresh
            .iter()
            .filter(|one| one.event.event_type == EventType::MessageCreate)
            .filter_map(|one| Some((one.guild.get(), one.event.user_id.get(), one.channel()?)))
            .collect();
        if !messages.is_empty() {
            limits.cooldowns = store::cooldowns(conn, &messages).await?;
            let late: Vec<store::Late> = fresh
                .iter()
                .filter(|one| one.event.event_type == EventType::MessageCreate)
                .filter_map(|one| {
                    let key = (one.guild.get(), one.event.user_id.get(), one.channel()?);
                    let latest = limits.cooldowns.get(&key)?.latest()?;
                    let seconds = one.config.rewards.message_cooldown_seconds;
                    (one.event.timestamp <= latest).then_some((key, one.event.timestamp, seconds))
                })
                .collect();
            if !late.is_empty() {
                for (key, rewarded) in store::rewarded_near(conn, &late).await? {
                    limits.cooldowns.entry(key).or_default().note(rewarded);
                }
            }
        }
        let reactions: Vec<&Fresh<'_>> = fresh.iter().filter(|one| one.is_reaction()).collect();
        if let Some(first) = reactions.iter().map(|one| one.event.timestamp).min() {
            let pairs = reactions.iter().filter_map(|one| one.pair()).collect();
            limits.pairs = store::pairs(conn, &pairs).await?;
            let window =
                reactions.iter().map(|one| one.config.rewards.burst_window_seconds).max().unwrap_or(0);
            let reacted = reactions.iter().filter_map(|one| one.message()).collect();
            let reactors = reactions.iter().map(|one| one.event.user_id.get()).collect();
            let since = first - TimeDelta::seconds(i64::from(window));
            limits.reactions = store::reactions(conn, &reacted, &reactors, since).await?;
        }
        Ok(Self { members, limits })
    }
}

/// The state of the limits, and what of it changed.
#[derive(Default)]
pub(super) struct Limits {
    cooldowns: HashMap<ChannelKey, Cooldown>,
    cooldowns_changed: BTreeSet<ChannelKey>,
    pairs: HashMap<PairKey, Pair>,
    pairs_changed: BTreeSet<PairKey>,
    reactions: HashMap<MessageKey, MessageReactions>,
    reactors: BTreeMap<(i64, i64, i64), (DateTime<Utc>, i32)>,
    stays: HashMap<(i64, i64), Stay>,
    stays_changed: BTreeSet<(i64, i64)>,
}

impl Limits {
    /// Rewards an event, and says why not where a limit says so.
    pub(super) fn reward(&mut self, one: &Fresh<'_>, book: &mut Book<'_>) -> Option<Refused> {
        let excluded = excluded(one, book);
        match one.event.event_type {
            EventType::MessageCreate => self.message(one, excluded, book),
            EventType::ReactionAdd => self.reaction(one, excluded, book),
            EventType::ThreadCreate => {
                if excluded.is_none() {
                    let multipliers = one.config.multipliers(
                        Interaction::ThreadCreate,
                        one.event.channel_id,
                        one.event.timestamp,
                    );
                    let reward = rewards::thread_reward(&one.config.rewards, &multipliers);
                    book.earn(one.guild, one.event.user_id, Kind::ThreadCreate, one.into(), &reward);
                }
                excluded
            }
            EventType::VoiceJoin | EventType::VoiceLeave | EventType::VoiceMove => {
                self.voice(one, excluded, book);
                excluded
            }
            EventType::MemberJoin | EventType::MemberLeave => {
                book.membership(one.user(), one.event.event_type, one.event.timestamp);
                None
            }
            EventType::ReactionRemove => None,
        }
    }

    fn message(
        &mut self,
        one: &Fresh<'_>,
        excluded: Option<Refused>,
        book: &mut Book<'_>,
    ) -> Option<Refused> {
        if excluded.is_some() {
            return excluded;
        }
        let at = one.event.timestamp;
        let key = (one.guild.get(), one.event.user_id.get(), one.channel().unwrap_or(0));
        let multipliers = one.config.multipliers(Interaction::Message, one.event.channel_id, at);
        let cooldown = self.cooldowns.entry(key).or_default();
        let figures = one.event.payload.figures();
        match rewards::message_reward(&one.config.rewards, figures, &multipliers, cooldown, at) {
            Ok(reward) => {
                self.cooldowns_changed.insert(key);
                book.earn(one.guild, one.event.user_id, Kind::Message, one.into(), &reward);
                None
            }
            Err(refused) => Some(refused),
        }
    }

    fn reaction(
        &mut self,
        one: &Fresh<'_>,
        excluded: Option<Refused>,
        book: &mut Book<'_>,
    ) -> Option<Refused> {
        let (Some(target), Some(message), Some(pair)) = (one.event.target_id, one.message(), one.pair())
        else {
            return excluded;
        };
        if target == one.event.user_id {
            return Some(excluded.unwrap_or(Refused::OwnMessage));
        }
        if excluded.is_some() {
            return excluded;
        }
        let at = one.event.timestamp;
        let given = one.config.multipliers(Interaction::ReactionGiven, one.event.channel_id, at);
        let received = one.config.multipliers(Interaction::ReactionReceived, one.event.channel_id, at);
        let reactor = one.event.user_id.get();
        self.pairs_changed.insert(pair);
        let row = self.reactors.entry((message.0, message.1, reactor)).or_insert((at, 0));
        row.1 += 1;
        let outcome = rewards::reaction_rewards(
            &one.config.rewards,
            (&given, &received),
            self.pairs.entry(pair).or_default(),
            self.reactions.entry(message).or_default(),
            reactor,
            at,
        );
        match outcome {
            Ok((giver, receiver)) => {
                book.earn(one.guild, one.event.user_id, Kind::ReactionGiven, one.into(), &giver);
                if !book.is_bot((one.guild.get(), target.get())) {
                    book.earn(one.guild, target, Kind::ReactionReceived, one.into(), &receiver);
                }
                None
            }
            Err(refused) => Some(refused),
        }
    }

    /// Moves a stay on, after settling what the channels concerned brought up to now.
    fn voice(&mut self, one: &Fresh<'_>, excluded: Option<Refused>, book: &mut Book<'_>) {
        // Bots are no company, and earn nothing.
        if excluded == Some(Refused::Bot) {
            return;
        }
        let (key, at) = (one.user(), one.event.timestamp);
        let there = self.stays.get(&key).copied().filter(|stay| stay.left_at.is_none());
        if let Some(stay) = there {
            self.settle(one, stay.channel, book);
        }
        let arriving = if one.event.event_type == EventType::VoiceLeave { None } else { one.channel() };
        if let Some(channel) = arriving.filter(|channel| there.is_none_or(|stay| stay.channel != *channel)) {
            self.settle(one, channel, book);
        }
        let payload = &one.event.payload;
        let begins = one.event.event_type == EventType::VoiceJoin || there.is_none();
        // As it is after settling.
        let mut stay = self.stays.get(&key).copied();
        if let Some(stay) = stay.as_mut().filter(|_| there.is_some() && (arriving.is_none() || begins)) {
            // Gone, or back again without a farewell that we heard.
            book.voice_minutes(one.guild, key.1, stay.sitting.minutes(at, &one.config.rewards), at);
            stay.left_at = Some(at);
        }
        let next = match (arriving, stay) {
            (None, Some(stay)) => stay,
            (Some(channel), before) if begins => Stay {
                channel,
                sitting: rewards::Sitting::begin(
                    key.1,
                    at,
                    (payload.muted, payload.deafened),
                    before.as_ref().map(|stay| &stay.sitting),
                ),
                left_at: None,
                earns: excluded != Some(Refused::Role),
            },
            (Some(channel), Some(mut stay)) => {
                stay.channel = channel;
                stay.sitting.muted = payload.muted;
                stay.sitting.deafened = payload.deafened;
                stay.earns = excluded != Some(Refused::Role);
                stay
            }
            (_, None) => return,
        };
        self.stays.insert(key, next);
        self.stays_changed.insert(key);
    }

    /// Pays the ticks of everybody in a channel up to the event.
    fn settle(&mut self, one: &Fresh<'_>, channel: i64, book: &mut Book<'_>) {
        let guild = one.guild.get();
        let mut users: Vec<i64> = self
            .stays
            .iter()
            .filter(|((of, _), stay)| *of == guild && stay.channel == channel && stay.left_at.is_none())
            .map(|((_, user), _)| *user)
            .collect();
        users.sort_unstable();
        let mut sitters: Vec<rewards::Sitting> =
            users.iter().filter_map(|user| Some(self.stays.get(&(guild, *user))?.sitting)).collect();
        let ticks = rewards::settle(&mut sitters, one.event.timestamp, &one.config.rewards);
        for (user, sitting) in users.iter().zip(sitters) {
            if let Some(stay) = self.stays.get_mut(&(guild, *user))
                && stay.sitting != sitting
            {
                stay.sitting = sitting;
                self.stays_changed.insert((guild, *user));
            }
        }
        if one.config.no_xp_channels.contains(&channel) {
            return;
        }
        let place = Some(ChannelId::new(channel));
        let category = one.config.category(place);
        for tick in ticks {
            let Some(stay) = self.stays.get(&(guild, tick.user_id)).filter(|stay| stay.earns) else {
                continue;
            };
            let multipliers = one.config.multipliers(Interaction::VoiceTick, place, tick.at);
            let reward = rewards::tick_reward(&one.config.rewards, &multipliers);
            let cause = format!(
                "voice:{}:{}:{}",
                tick.user_id,
                stay.sitting.joined_at.timestamp_micros(),
                tick.at.timestamp_micros()
            );
            book.tick(one.guild, tick, category, cause, &reward);
        }
    }

    pub(super) async fn write(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let cooldowns: Vec<_> = self
            .cooldowns_changed
            .iter()
            .filter_map(|key| Some((*key, self.cooldowns.get(key)?.latest()?)))
            .collect();
        if !cooldowns.is_empty() {
            store::cooldowns_write(conn, &cooldowns).await?;
        }
        if !self.pairs_changed.is_empty() {
            let pairs: Vec<_> =
                self.pairs_changed.iter().filter_map(|key| Some((*key, *self.pairs.get(key)?))).collect();
            store::pairs_write(conn, &pairs).await?;
            let reactors: Vec<_> = self
                .reactors
                .iter()
                .map(|((guild, message, reactor), (at, times))| (*guild, *message, *reactor, *at, *times))
                .collect();
            store::reactors_write(conn, &reactors).await?;
        }
        if !self.stays_changed.is_empty() {
            let stays: Vec<_> =
                self.stays_changed.iter().filter_map(|key| Some((key.0, *self.stays.get(key)?))).collect();
            store::stays_write(conn, &stays).await?;
        }
        Ok(())
    }
}

/// Why who did it earns nothing, whatever it is.
fn excluded(one: &Fresh<'_>, book: &Book<'_>) -> Option<Refused> {
    if one.event.payload.bot || book.is_bot(one.user()) {
        return Some(Refused::Bot);
    }
    if one.channel().is_some_and(|channel| one.config.no_xp_channels.contains(&channel)) {
        return Some(Refused::Channel);
    }
    let roles = &one.event.payload.roles;
    (!one.config.no_xp_roles.is_empty()
        && roles.iter().any(|role| one.config.no_xp_roles.contains(&role.get())))
    .then_some(Refused::Role)
}

impl<'a> From<&Fresh<'a>> for Cause<'a> {
    fn from(one: &Fresh<'a>) -> Self {
        Cause {
            source: one.event.source(),
            at: one.event.timestamp,
            season: one.season,
            category: one.category,
        }
    }
}
