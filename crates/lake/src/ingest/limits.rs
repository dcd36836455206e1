//! The limits of a batch: their state is read, moved on event by event, and written back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, GuildId};
use progress::EventType;
use progress::model::Event as Kind;
use progress::rewards::{self, Cooldown, MessageReactions, Pair, Refused};
use sqlx::PgConnection;

use super::admitted::Fresh;
use super::book::{Book, Cause};
use super::config::GuildConfig;
use super::store::{self, ChannelKey, Locked, MessageKey, PairKey, Seen, Stay};
use super::voice::{Found, Happening, Rewound, Rooms};
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
        let mut first: BTreeMap<i64, DateTime<Utc>> = BTreeMap::new();
        let voice = || fresh.iter().filter(|one| one.event.event_type.is_voice());
        for one in voice() {
            first.entry(one.guild.get()).or_insert(one.event.timestamp);
        }
        let behind =
            if first.is_empty() { BTreeSet::new() } else { store::voice_behind(conn, &first).await? };
        for one in voice().filter(|one| !behind.contains(&one.guild.get())) {
            talkers.insert(one.user());
            places.extend(one.channel().map(|channel| (one.guild.get(), channel)));
        }
        let stays =
            if talkers.is_empty() { HashMap::new() } else { store::stays(conn, &talkers, &places).await? };

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
        for ((guild, user), stay) in stays {
            see((guild, user), stay.sitting.joined_at, false);
            limits.rooms.entry(guild).or_default().seat(user, stay);
        }
        let mut members = store::members_lock(conn, &seen).await?;
        for guild in behind {
            let of_guild: Vec<&Fresh<'_>> = voice().filter(|one| one.guild.get() == guild).collect();
            let Some(config) = of_guild.first().map(|one| one.config.clone()) else { continue };
            let is_bot = |one: &Fresh<'_>| members.get(&one.user()).is_some_and(|member| member.is_bot);
            let news: Vec<Happening> =
                of_guild.iter().map(|one| Happening::of(one, excluded(one, is_bot(one)))).collect();
            let rewound = Rewound::through(conn, guild, &config, &news).await?;
            let concerned = rewound.users().into_iter().map(|user| (guild, user));
            let others: Vec<_> = concerned.filter(|key| !members.contains_key(key)).collect();
            members.extend(store::members_lock_known(conn, &others).await?);
            let taken = store::ticks_paid(conn, guild, &rewound.take).await?;
            limits.rewound.insert(GuildId::new(guild), (config, rewound, taken));
        }
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
    rooms: HashMap<i64, Rooms>,
    /// Guilds whose voice was gone through again: what to pay and to take, and what was paid for the latter.
    rewound: BTreeMap<GuildId, Again>,
    /// Stays that are otherwise since.
    reseated: Vec<(i64, Stay)>,
}

/// How a guild rewards, what going through its voice again changes, and what was paid for what is taken.
type Again = (GuildConfig, Rewound, Vec<(i32, i32)>);

impl Limits {
    /// Rewards an event, and says why not where a limit says so.
    pub(super) fn reward(&mut self, one: &Fresh<'_>, book: &mut Book<'_>) -> Option<Refused> {
        let excluded = excluded(one, book.is_bot(one.user()));
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

    /// Moves the guild's voice on, unless events that came late have rewound it.
    fn voice(&mut self, one: &Fresh<'_>, excluded: Option<Refused>, book: &mut Book<'_>) {
        if self.rewound.contains_key(&one.guild) {
            return;
        }
        let mut found = Found::default();
        let rooms = self.rooms.entry(one.guild.get()).or_default();
        rooms.happen(&Happening::of(one, excluded), &one.config, &mut found);
        found.pay(one.guild, &one.config, book);
    }

    /// Puts right what events of voice that came late show to have been otherwise.
    pub(super) fn rewind(&mut self, book: &mut Book<'_>) {
        for (guild, (config, rewound, taken)) in std::mem::take(&mut self.rewound) {
            for (earned, amounts) in rewound.take.iter().zip(taken) {
                if amounts != (0, 0) {
                    let tick = rewards::Tick { user_id: earned.user, at: earned.at };
                    let category = config.category(Some(ChannelId::new(earned.channel)));
                    book.take_back(guild, tick, earned.cause(), amounts, category);
                }
            }
            rewound.pay.pay(guild, &config, book);
            self.reseated.extend(rewound.stays.into_iter().map(|stay| (guild.get(), stay)));
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
        let moved = self.rooms.iter().flat_map(|(guild, rooms)| rooms.changed().map(|stay| (*guild, stay)));
        let mut stays: Vec<(i64, Stay)> = moved.chain(self.reseated.iter().copied()).collect();
        if !stays.is_empty() {
            stays.sort_unstable_by_key(|(guild, stay)| (*guild, stay.sitting.user_id));
            store::stays_write(conn, &stays).await?;
        }
        Ok(())
    }
}

/// Why who did it earns nothing, whatever it is.
fn excluded(one: &Fresh<'_>, is_bot: bool) -> Option<Refused> {
    if one.event.payload.bot || is_bot {
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
