//! Who sits in which voice channel, and what their sitting brings, from nothing but a guild's events of voice in the order of their time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use kernel::{ChannelId, GuildId};
use progress::EventType;
use progress::rewards::{self, Refused, Tick};
use sqlx::PgConnection;

use super::admitted::Fresh;
use super::book::Book;
use super::config::GuildConfig;
use super::store::{self, Stay};
use crate::categories::Interaction;

/// How many events of the lake are gone through at a time.
const AT_ONCE: i64 = 4_096;
/// After how many of them it is looked whether those that came late still matter.
const LOOK: usize = 64;

/// Something that happened in voice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening {
    pub(super) user: i64,
    pub(super) kind: EventType,
    pub(super) channel: Option<i64>,
    pub(super) at: DateTime<Utc>,
    pub(super) muted: bool,
    pub(super) deafened: bool,
    /// Why who did it earns nothing.
    pub(super) refused: Option<Refused>,
}

impl Happening {
    pub(super) fn of(one: &Fresh<'_>, refused: Option<Refused>) -> Self {
        Self {
            user: one.event.user_id.get(),
            kind: one.event.event_type,
            channel: one.channel(),
            at: one.event.timestamp,
            muted: one.event.payload.muted,
            deafened: one.event.payload.deafened,
            refused,
        }
    }
}

/// A tick that earns: whose stay, when, and where they sat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Earned {
    pub(super) at: DateTime<Utc>,
    pub(super) user: i64,
    pub(super) joined_at: DateTime<Utc>,
    pub(super) channel: i64,
}

impl Earned {
    /// Its cause, as the journal has it.
    pub(super) fn cause(&self) -> String {
        format!("voice:{}:{}:{}", self.user, self.joined_at.timestamp_micros(), self.at.timestamp_micros())
    }

    fn tick(&self) -> Tick {
        Tick { user_id: self.user, at: self.at }
    }
}

/// What was found: ticks, and whole minutes of stays that ended (whose, how many, when).
#[derive(Default)]
pub(super) struct Found {
    ticks: Vec<Earned>,
    minutes: Vec<(i64, i32, DateTime<Utc>)>,
}

impl Found {
    /// Writes it into the book.
    pub(super) fn pay(self, guild: GuildId, config: &GuildConfig, book: &mut Book<'_>) {
        for earned in self.ticks {
            let place = Some(ChannelId::new(earned.channel));
            let multipliers = config.multipliers(Interaction::VoiceTick, place, earned.at);
            let reward = rewards::tick_reward(&config.rewards, &multipliers);
            book.tick(guild, earned.tick(), config.category(place), earned.cause(), &reward);
        }
        for (user, minutes, at) in self.minutes {
            book.voice_minutes(guild, user, minutes, at);
        }
    }
}

/// A guild's stays in voice.
#[derive(Default)]
pub(super) struct Rooms {
    stays: HashMap<i64, Stay>,
    /// Who is in a channel now.
    sitting: HashMap<i64, BTreeSet<i64>>,
    changed: BTreeSet<i64>,
}

impl Rooms {
    /// Takes a stay as it was kept.
    pub(super) fn seat(&mut self, user: i64, stay: Stay) {
        if let Some(before) = self.stays.insert(user, stay)
            && let Some(sitting) = self.sitting.get_mut(&before.channel)
        {
            sitting.remove(&user);
        }
        if stay.left_at.is_none() {
            self.sitting.entry(stay.channel).or_default().insert(user);
        }
    }

    /// The stays that changed.
    pub(super) fn changed(&self) -> impl Iterator<Item = Stay> {
        self.changed.iter().filter_map(|user| self.stays.get(user).copied())
    }

    /// Moves a stay on, after settling what the channels concerned brought up to now.
    pub(super) fn happen(&mut self, what: &Happening, config: &GuildConfig, found: &mut Found) {
        // Bots are no company, and earn nothing.
        if what.refused == Some(Refused::Bot) {
            return;
        }
        let at = what.at;
        let there = self.stays.get(&what.user).copied().filter(|stay| stay.left_at.is_none());
        if let Some(stay) = there {
            self.settle(stay.channel, at, config, found);
        }
        let arriving = if what.kind == EventType::VoiceLeave { None } else { what.channel };
        if let Some(channel) = arriving.filter(|channel| there.is_none_or(|stay| stay.channel != *channel)) {
            self.settle(channel, at, config, found);
        }
        let begins = what.kind == EventType::VoiceJoin || there.is_none();
        // As it is after settling.
        let mut stay = self.stays.get(&what.user).copied();
        if let Some(stay) = stay.as_mut().filter(|_| there.is_some() && (arriving.is_none() || begins)) {
            // Gone, or back again without a farewell that we heard.
            found.minutes.push((what.user, stay.sitting.minutes(at, &config.rewards), at));
            stay.left_at = Some(at);
        }
        let earns = what.refused != Some(Refused::Role);
        let next = match (arriving, stay) {
            (None, Some(stay)) => stay,
            (Some(channel), before) if begins => Stay {
                channel,
                sitting: rewards::Sitting::begin(
                    what.user,
                    at,
                    (what.muted, what.deafened),
                    before.as_ref().map(|stay| &stay.sitting),
                ),
                left_at: None,
                earns,
            },
            (Some(channel), Some(mut stay)) => {
                stay.channel = channel;
                stay.sitting.muted = what.muted;
                stay.sitting.deafened = what.deafened;
                stay.earns = earns;
                stay
            }
            (_, None) => return,
        };
        self.seat(what.user, next);
        self.changed.insert(what.user);
    }

    /// Finds the ticks of everybody in a channel up to a time.
    fn settle(&mut self, channel: i64, at: DateTime<Utc>, config: &GuildConfig, found: &mut Found) {
        let Some(users) = self.sitting.get(&channel) else { return };
        let mut sitters: Vec<rewards::Sitting> =
            users.iter().filter_map(|user| Some(self.stays.get(user)?.sitting)).collect();
        let ticks = rewards::settle(&mut sitters, at, &config.rewards);
        for sitting in sitters {
            if let Some(stay) = self.stays.get_mut(&sitting.user_id)
                && stay.sitting != sitting
            {
                stay.sitting = sitting;
                self.changed.insert(sitting.user_id);
            }
        }
        if config.no_xp_channels.contains(&channel) {
            return;
        }
        for tick in ticks {
            if let Some(stay) = self.stays.get(&tick.user_id).filter(|stay| stay.earns) {
                let joined_at = stay.sitting.joined_at;
                found.ticks.push(Earned { at: tick.at, user: tick.user_id, joined_at, channel });
            }
        }
    }

    /// Whether the same events bring the same in both, from now on.
    fn goes_on_as(&self, other: &Self, now: DateTime<Utc>) -> bool {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let matters = |stay: &Stay| stay.left_at.is_none() || stay.sitting.hour_starts_at == hour;
        let all_in = |these: &Self, those: &Self| {
            these.stays.iter().filter(|(_, stay)| matters(stay)).all(|(user, stay)| {
                those.stays.get(user).is_some_and(|other| match (stay.left_at, other.left_at) {
                    (None, None) => stay == other,
                    // Of who left it counts only how much they earned within the hour.
                    (Some(_), Some(_)) => {
                        stay.sitting.hour_starts_at == other.sitting.hour_starts_at
                            && stay.sitting.ticks_in_hour == other.sitting.ticks_in_hour
                    }
                    _ => false,
                })
            })
        };
        all_in(self, other) && all_in(other, self)
    }
}

/// What events that come after later ones change: what is to be paid after all, and what was paid and should not have been.
pub(super) struct Rewound {
    pub(super) pay: Found,
    pub(super) take: Vec<Earned>,
    /// How those who came, left or moved stand now, where it is otherwise than it was.
    pub(super) stays: Vec<Stay>,
}

impl Rewound {
    /// Goes through a guild's voice again, as it was and as it turns out to have been with these events, from so early that nobody's
    /// stay then reaches what is new, until both go on alike. What both bring is left alone: it was paid, by the rules of its day.
    pub(super) async fn through(
        conn: &mut PgConnection,
        guild: i64,
        config: &GuildConfig,
        news: &[Happening],
    ) -> sqlx::Result<Self> {
        let (mut was, mut is) = (Found::default(), Found::default());
        let (mut before, mut after) = (Rooms::default(), Rooms::default());
        let mut rest = news.iter().peekable();
        let (Some(first), Some(last)) = (news.first(), news.last()) else {
            return Ok(Self::between(&was, &is));
        };
        let since = first.at - TimeDelta::hours(i64::from(config.rewards.voice_stay_hours) + 1);
        let users: BTreeSet<i64> = news.iter().map(|new| new.user).collect();
        for old in store::voice_before(conn, guild, (since, last.at), &users).await? {
            before.happen(&old, config, &mut was);
            after.happen(&old, config, &mut is);
        }
        let mut from = (since, 0);
        let mut seen = 0;
        loop {
            let olds = store::voice_after(conn, guild, from, AT_ONCE).await?;
            for (_, old) in &olds {
                while let Some(new) = rest.next_if(|new| new.at < old.at) {
                    after.happen(new, config, &mut is);
                }
                before.happen(old, config, &mut was);
                after.happen(old, config, &mut is);
                seen += 1;
                if rest.peek().is_none() && seen % LOOK == 0 && before.goes_on_as(&after, old.at) {
                    return Ok(Self::between(&was, &is));
                }
            }
            match olds.last() {
                Some((id, old)) if i64::try_from(olds.len()) == Ok(AT_ONCE) => from = (old.at, *id),
                _ => break,
            }
        }
        for new in rest {
            after.happen(new, config, &mut is);
        }
        let stays = after.stays.iter().filter(|(user, stay)| before.stays.get(user) != Some(stay));
        let stays = stays.map(|(_, stay)| *stay).collect();
        Ok(Self { stays, ..Self::between(&was, &is) })
    }

    fn between(was: &Found, is: &Found) -> Self {
        let mut ticks: BTreeMap<Earned, i32> = BTreeMap::new();
        let mut minutes: BTreeMap<(i64, DateTime<Utc>), i32> = BTreeMap::new();
        for (found, sign) in [(was, -1), (is, 1)] {
            for tick in &found.ticks {
                *ticks.entry(*tick).or_default() += sign;
            }
            for (user, count, at) in &found.minutes {
                *minutes.entry((*user, *at)).or_default() += sign * count;
            }
        }
        let of = |sign: i32| {
            let mine = ticks.iter().filter(move |(_, count)| **count == sign);
            mine.map(|(tick, _)| *tick).collect::<Vec<_>>()
        };
        let pay = Found {
            ticks: of(1),
            minutes: minutes.iter().map(|((user, at), count)| (*user, *count, *at)).collect(),
        };
        Self { pay, take: of(-1), stays: Vec::new() }
    }

    /// Whom it concerns.
    pub(super) fn users(&self) -> BTreeSet<i64> {
        let ticks = self.pay.ticks.iter().chain(&self.take).map(|tick| tick.user);
        ticks.chain(self.pay.minutes.iter().map(|(user, ..)| *user)).collect()
    }
}
