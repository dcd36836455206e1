//! What a batch adds up to, member by member, until it is written.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use kernel::{GuildId, UserId};
use progress::EventType;
use progress::ids::SeasonId;
use progress::model::Event as Kind;
use progress::rewards::{Reward, Step, Tick};
use progress::rules::MAX_XP;
use serde::Serialize;

use super::config::GuildConfig;
use super::event::Event;
use super::store::{
    CounterKey, DayDelta, DayKey, Frame, JournalRow, Locked, MemberRows, Period, SeasonDelta, SeasonKey,
    shows_presence,
};

/// What happened longer ago is no news: levels and achievements that it brings are not announced, as they come by the thousand with a file
/// from earlier days.
const NEWS: TimeDelta = TimeDelta::hours(6);
/// The source of what events bring, in the journal.
const DISCORD: &str = "discord";

/// Where a reward comes from.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) source: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) season: Option<i32>,
    pub(super) category: Option<i32>,
}

/// How a reward came about, as the journal keeps it.
#[derive(Serialize)]
struct Metadata<'a> {
    base_xp: i32,
    base_stars: i32,
    #[serde(skip_serializing_if = "<[Step]>::is_empty")]
    steps: &'a [Step],
}

impl Frame {
    /// The season that an event of that time belongs to.
    pub(super) fn season_at(&self, guild: GuildId, at: DateTime<Utc>) -> Option<i32> {
        self.seasons.get(&guild)?.at(at).map(SeasonId::get)
    }

    fn active(&self, guild: i64) -> Option<i32> {
        self.seasons.get(&GuildId::new(guild))?.active().map(SeasonId::get)
    }
}

struct Entry {
    before: Locked,
    after: Locked,
    gold: i64,
    touched: bool,
}

/// What a batch adds up to.
pub(super) struct Book<'f> {
    frame: &'f Frame,
    members: BTreeMap<(i64, i64), Entry>,
    counters: HashMap<CounterKey, i64>,
    seasons: BTreeMap<SeasonKey, SeasonDelta>,
    /// When the latest of a guild's events happened.
    latest: HashMap<i64, DateTime<Utc>>,
    pub(super) journal: Vec<JournalRow>,
}

impl<'f> Book<'f> {
    pub(super) fn new(frame: &'f Frame, members: HashMap<(i64, i64), Locked>) -> Self {
        let members = members
            .into_iter()
            .map(|(key, before)| (key, Entry { before, after: before, gold: 0, touched: false }))
            .collect();
        Self {
            frame,
            members,
            counters: HashMap::new(),
            seasons: BTreeMap::new(),
            latest: HashMap::new(),
            journal: Vec::new(),
        }
    }

    pub(super) fn is_bot(&self, key: (i64, i64)) -> bool {
        self.members.get(&key).is_some_and(|entry| entry.before.is_bot)
    }

    pub(super) fn active_season(&self, guild: i64) -> Option<i32> {
        self.frame.active(guild)
    }

    /// Whether all of a guild's events happened so long ago that what they bring about is no news.
    pub(super) fn is_old(&self, guild: i64) -> bool {
        self.latest.get(&guild).is_none_or(|latest| *latest < self.frame.now - NEWS)
    }

    pub(super) fn member(&self, key: (i64, i64)) -> Option<&Locked> {
        self.members.get(&key).map(|entry| &entry.after)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = ((i64, i64), &Locked, &Locked)> {
        self.members.iter().map(|(key, entry)| (*key, &entry.before, &entry.after))
    }

    /// Counts an event: lifetime, its day, and the season if that is the active one; in all and in its category.
    pub(super) fn count(
        &mut self,
        guild: GuildId,
        event: &Event,
        category: Option<i32>,
        season: Option<i32>,
    ) {
        let (guild, user, kind) = (guild.get(), event.user_id.get(), event.event_type);
        let latest = self.latest.entry(guild).or_insert(event.timestamp);
        *latest = event.timestamp.max(*latest);
        let counts_now = season.is_some() && season == self.frame.active(guild);
        let periods = [
            Some(Period::Lifetime),
            Some(Period::Day(event.timestamp.date_naive())),
            counts_now.then_some(Period::Season),
        ];
        for period in periods.into_iter().flatten() {
            for category in [Some(0), category].into_iter().flatten() {
                *self.counters.entry((guild, user, kind.as_str(), category, period)).or_default() += 1;
            }
        }
        if let Some(entry) = self.members.get_mut(&(guild, user)) {
            let active = hour(event.timestamp);
            if entry.after.last_active_at.is_none_or(|last| last < active) && kind != EventType::MemberLeave {
                entry.after.last_active_at = Some(active);
                entry.touched = true;
            }
            if shows_presence(kind) {
                let at = event.timestamp;
                let member = &mut entry.after;
                member.present_at = member.present_at.max(Some(at));
                if member.left_at.is_some_and(|left| left < at) {
                    // Back, though nobody told us that they joined.
                    member.left_at = None;
                    member.joined_at = at;
                    entry.touched = true;
                }
            }
        }
        // Bots have counters, and nothing that competes.
        if event.payload.bot || self.is_bot((guild, user)) {
            return;
        }
        match kind {
            EventType::MessageCreate => self.season(guild, user, season, |s| s.messages_sent += 1),
            EventType::ThreadCreate => self.season(guild, user, season, |s| s.threads_created += 1),
            EventType::ReactionAdd => {
                let other = event.target_id.map(UserId::get).filter(|target| *target != user);
                if let Some(target) = other {
                    self.season(guild, user, season, |s| s.reactions_given += 1);
                    if !self.is_bot((guild, target)) {
                        self.season(guild, target, season, |s| s.reactions_received += 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn season(&mut self, guild: i64, user: i64, season: Option<i32>, change: impl FnOnce(&mut SeasonDelta)) {
        if let Some(season) = season {
            change(self.seasons.entry((guild, user, season)).or_default());
        }
    }

    /// Minutes of a stay in voice that ended.
    pub(super) fn voice_minutes(&mut self, guild: GuildId, user: i64, minutes: i32, at: DateTime<Utc>) {
        let season = self.frame.season_at(guild, at);
        if minutes != 0 {
            self.season(guild.get(), user, season, |s| {
                s.voice_minutes = s.voice_minutes.saturating_add(minutes);
            });
        }
    }

    /// Somebody joined or left, unless something later is known.
    pub(super) fn membership(&mut self, key: (i64, i64), kind: EventType, at: DateTime<Utc>) {
        let Some(entry) = self.members.get_mut(&key) else { return };
        let member = &mut entry.after;
        match (kind, member.left_at) {
            (EventType::MemberJoin, Some(left)) if at >= left => {
                member.left_at = None;
                member.joined_at = at;
                entry.touched = true;
            }
            (EventType::MemberJoin, None) if at > member.joined_at => {
                member.joined_at = at;
                entry.touched = true;
            }
            (EventType::MemberLeave, None)
                if at >= member.joined_at && member.present_at.is_none_or(|present| present <= at) =>
            {
                member.left_at = Some(at);
                entry.touched = true;
            }
            (EventType::MemberLeave, Some(left)) if at > left => {
                member.left_at = Some(at);
                entry.touched = true;
            }
            _ => {}
        }
    }

    /// Journals a reward of an event.
    pub(super) fn earn(
        &mut self,
        guild: GuildId,
        user: UserId,
        kind: Kind,
        cause: Cause<'_>,
        reward: &Reward,
    ) {
        self.write(guild.get(), user.get(), kind, &cause, cause.source.to_owned(), reward);
    }

    /// Journals a voice tick, at the tick's own time and season.
    pub(super) fn tick(
        &mut self,
        guild: GuildId,
        tick: Tick,
        category: Option<i32>,
        source: String,
        reward: &Reward,
    ) {
        let season = self.frame.season_at(guild, tick.at);
        let cause = Cause { source: "", at: tick.at, season, category };
        self.write(guild.get(), tick.user_id, Kind::VoiceTick, &cause, source, reward);
    }

    /// Takes back what was paid for a voice tick that was none, as events that came late show. The journal keeps both.
    pub(super) fn take_back(
        &mut self,
        guild: GuildId,
        tick: Tick,
        cause: String,
        (xp, stars): (i32, i32),
        category: Option<i32>,
    ) {
        let season = self.frame.season_at(guild, tick.at);
        let cause_of = Cause { source: "", at: tick.at, season, category };
        let reward = Reward { xp: -xp, stars: -stars, base_xp: -xp, base_stars: -stars, steps: Vec::new() };
        self.write(guild.get(), tick.user_id, Kind::VoiceTick, &cause_of, cause, &reward);
    }

    fn write(
        &mut self,
        guild: i64,
        user: i64,
        kind: Kind,
        cause: &Cause<'_>,
        source: String,
        reward: &Reward,
    ) {
        let Some(entry) = self.members.get_mut(&(guild, user)) else { return };
        let xp = i64::from(reward.xp).min(MAX_XP - entry.after.xp);
        entry.after.xp += xp;
        entry.after.stars += i64::from(reward.stars);
        entry.touched |= xp != 0 || reward.stars != 0;
        let plain =
            reward.steps.is_empty() && i64::from(reward.base_xp) == xp && reward.base_stars == reward.stars;
        let metadata = if plain {
            // The base is what was earned: most rows, and nothing to be said about them.
            Cow::Borrowed("{}")
        } else {
            let how =
                Metadata { base_xp: reward.base_xp, base_stars: reward.base_stars, steps: &reward.steps };
            serde_json::to_string(&how).map_or(Cow::Borrowed("{}"), Cow::Owned)
        };
        self.journal.push(JournalRow {
            guild,
            user,
            event: kind.as_str(),
            season: cause.season,
            category: cause.category,
            system: DISCORD,
            cause: source,
            xp: i32::try_from(xp).unwrap_or(i32::MAX),
            stars: reward.stars,
            gold: 0,
            metadata,
            at: cause.at,
        });
        self.season(guild, user, cause.season, |s| {
            s.xp += xp;
            s.stars += i64::from(reward.stars);
        });
    }

    /// Sets the levels that members' XP reach now, and answers those that these XP reached. Both are found from XP under the curve in
    /// force: a level kept under another one tells nothing, and a change of the curve reaches nothing.
    pub(super) fn levels(&mut self, chosen: &HashMap<GuildId, GuildConfig>) -> Vec<(i64, i64, i32)> {
        let mut risen = Vec::new();
        for ((guild, user), entry) in &mut self.members {
            if entry.after.xp == entry.before.xp {
                continue;
            }
            let Some(config) = chosen.get(&GuildId::new(*guild)) else { continue };
            let level_at = |xp| {
                let reached = config.thresholds.partition_point(|threshold| *threshold <= xp);
                i32::try_from(reached).unwrap_or(i32::MAX - 1) + 1
            };
            entry.after.level = level_at(entry.after.xp);
            risen.extend(
                (level_at(entry.before.xp) + 1..=entry.after.level).map(|level| (*guild, *user, level)),
            );
        }
        risen
    }

    /// Pays for a level, now.
    pub(super) fn pay_level(&mut self, key: (i64, i64), level: i32, gold: i32) {
        let season = self.frame.active(key.0);
        let now = self.frame.now;
        let Some(entry) = self.members.get_mut(&key) else { return };
        entry.gold += i64::from(gold);
        entry.touched = true;
        self.journal.push(JournalRow {
            guild: key.0,
            user: key.1,
            event: Kind::LevelUp.as_str(),
            season,
            category: None,
            system: "community",
            cause: format!("level_up:{}:{level}", key.1),
            xp: 0,
            stars: 0,
            gold,
            metadata: format!("{{\"level\":{level}}}").into(),
            at: now,
        });
    }

    /// The counters, in the order of their key.
    pub(super) fn counters(&self) -> Vec<(CounterKey, i64)> {
        let mut all: Vec<_> = self.counters.iter().map(|(key, count)| (*key, *count)).collect();
        all.sort_unstable();
        all
    }

    /// What the batch adds to the guilds' days: events that were counted, and what events brought.
    pub(super) fn days(&self) -> BTreeMap<DayKey, DayDelta> {
        let mut days: BTreeMap<DayKey, DayDelta> = BTreeMap::new();
        for ((guild, _, kind, category, period), count) in &self.counters {
            if let (0, Period::Day(day)) = (*category, *period) {
                days.entry((*guild, day, kind)).or_default().count += count;
            }
        }
        for row in self.journal.iter().filter(|row| row.system == DISCORD) {
            let delta = days.entry((row.guild, row.at.date_naive(), row.event)).or_default();
            delta.count += 1;
            delta.xp += i64::from(row.xp);
            delta.stars += i64::from(row.stars);
        }
        days
    }

    /// What the batch added to a lifetime counter.
    pub(super) fn added(&self, guild: i64, user: i64, kind: EventType) -> i64 {
        self.counters.get(&(guild, user, kind.as_str(), 0, Period::Lifetime)).copied().unwrap_or(0)
    }

    /// Messages of the batch by a member on a day.
    pub(super) fn messages_of_day(&self, guild: i64, user: i64, day: &str) -> i64 {
        let Ok(day) = day.parse() else { return 0 };
        let key = (guild, user, EventType::MessageCreate.as_str(), 0, Period::Day(day));
        self.counters.get(&key).copied().unwrap_or(0)
    }

    /// The members who changed.
    pub(super) fn member_rows(&self) -> MemberRows {
        let mut rows = MemberRows::default();
        for ((guild, user), entry) in self.members.iter().filter(|(_, entry)| entry.touched) {
            let member = &entry.after;
            rows.guilds.push(*guild);
            rows.users.push(*user);
            rows.xp.push(member.xp);
            rows.stars.push(member.stars);
            rows.levels.push(member.level);
            rows.gold.push(entry.gold);
            rows.active.push(member.last_active_at);
            rows.joined.push(member.joined_at);
            rows.left.push(member.left_at);
        }
        rows
    }

    /// The seasons that changed, each with the member's lifetime stars if it is the active one, else 0.
    pub(super) fn season_rows(&self) -> Vec<(SeasonKey, SeasonDelta, i64)> {
        self.seasons
            .iter()
            .map(|(key, delta)| {
                let stars = self.member((key.0, key.1)).map_or(0, |member| member.stars);
                let active = self.frame.active(key.0) == Some(key.2);
                (*key, *delta, if active { stars } else { 0 })
            })
            .collect()
    }

    /// Members whose stars changed while nothing of theirs did in the season that runs: late events, mostly. That season, and their stars.
    pub(super) fn stars_elsewhere(&self) -> Vec<(SeasonKey, i64)> {
        let moved = self.members.iter().filter(|(_, entry)| entry.after.stars != entry.before.stars);
        moved
            .filter_map(|((guild, user), entry)| {
                let key = (*guild, *user, self.frame.active(*guild)?);
                (!self.seasons.contains_key(&key)).then_some((key, entry.after.stars))
            })
            .collect()
    }

    pub(super) fn season_delta(&self, key: SeasonKey) -> SeasonDelta {
        self.seasons.get(&key).copied().unwrap_or_default()
    }
}

/// The hour of a time: how precisely activity is kept.
fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}
