//! Ticks of voice channels, from nothing but the events of who came, went, and was muted.
//!
//! Ticks are found when something happens in a channel, for the time since something last did: between two events nobody came or
//! went, so who was alone is known exactly. No clock runs, nothing is missed by a restart, and a replay finds the same ticks.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::settings::RewardSettings;

/// Somebody in a voice channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sitting {
    /// The member.
    pub user_id: i64,
    /// When they came into voice.
    pub joined_at: DateTime<Utc>,
    /// Up to when ticks were found: they are at this time plus whole tick lengths.
    pub last_tick_at: DateTime<Utc>,
    /// Muted, by themselves or the server.
    pub muted: bool,
    /// Deafened, by themselves or the server.
    pub deafened: bool,
    /// The UTC hour that `ticks_in_hour` counts.
    pub hour_starts_at: DateTime<Utc>,
    /// Rewarded ticks within that hour.
    pub ticks_in_hour: u32,
}

/// A rewarded tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Who sat there.
    pub user_id: i64,
    /// When the tick was.
    pub at: DateTime<Utc>,
}

impl Sitting {
    /// Somebody who comes into voice; `before` is their last stay, whose hour still counts.
    pub fn begin(
        user_id: i64,
        at: DateTime<Utc>,
        (muted, deafened): (bool, bool),
        before: Option<&Self>,
    ) -> Self {
        let hour = hour_of(at);
        let ticks =
            before.filter(|before| before.hour_starts_at == hour).map_or(0, |before| before.ticks_in_hour);
        Self {
            user_id,
            joined_at: at,
            last_tick_at: at,
            muted,
            deafened,
            hour_starts_at: hour,
            ticks_in_hour: ticks,
        }
    }

    /// Whole minutes from coming to `at`, as far as they count.
    pub fn minutes(&self, at: DateTime<Utc>, settings: &RewardSettings) -> i32 {
        let counted = (at - self.joined_at).min(TimeDelta::hours(i64::from(settings.voice_stay_hours)));
        i32::try_from(counted.num_minutes().max(0)).unwrap_or(i32::MAX)
    }
}

/// The ticks up to and including `at` of all who sit in one channel, in order of time and member. Who is alone gets none, nor who is
/// both muted and deafened, nor anybody beyond the hour's limit or the longest stay. Time that is behind is left alone.
pub fn settle(sitters: &mut [Sitting], at: DateTime<Utc>, settings: &RewardSettings) -> Vec<Tick> {
    let length = TimeDelta::minutes(i64::from(settings.voice_tick_minutes.max(1)));
    let longest = TimeDelta::hours(i64::from(settings.voice_stay_hours));
    let together = sitters.len() >= 2;
    let mut ticks = Vec::new();
    for sitter in sitters {
        let last = at.min(sitter.joined_at + longest);
        let hears = !(sitter.muted && sitter.deafened);
        while sitter.last_tick_at + length <= last {
            sitter.last_tick_at += length;
            if !together || !hears {
                continue;
            }
            let hour = hour_of(sitter.last_tick_at);
            if hour != sitter.hour_starts_at {
                sitter.hour_starts_at = hour;
                sitter.ticks_in_hour = 0;
            }
            if sitter.ticks_in_hour < settings.voice_ticks_an_hour {
                sitter.ticks_in_hour += 1;
                ticks.push(Tick { user_id: sitter.user_id, at: sitter.last_tick_at });
            }
        }
    }
    ticks.sort_unstable_by_key(|tick| (tick.at, tick.user_id));
    ticks
}

fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(600_000 + minutes)
    }

    fn sitter(user: i64, minutes: i64) -> Sitting {
        Sitting::begin(user, at(minutes), (false, false), None)
    }

    fn ticks(sitters: &mut [Sitting], minutes: i64) -> usize {
        settle(sitters, at(minutes), &RewardSettings::default()).len()
    }

    #[test]
    fn two_who_sit_together_tick_every_ten_minutes() {
        let mut sitters = [sitter(1, 0), sitter(2, 3)];
        assert_eq!(ticks(&mut sitters, 9), 0);
        assert_eq!(ticks(&mut sitters, 10), 1);
        assert_eq!(ticks(&mut sitters, 10), 0, "once");
        assert_eq!(ticks(&mut sitters, 33), 5);
    }

    #[test]
    fn who_is_alone_or_hears_and_says_nothing_earns_nothing() {
        assert_eq!(ticks(&mut [sitter(1, 0)], 60), 0);
        let mut away = Sitting { muted: true, deafened: true, ..sitter(1, 0) };
        assert_eq!(ticks(&mut [away, sitter(2, 0)], 60), 6, "the other one");
        away.deafened = false;
        assert_eq!(ticks(&mut [away, sitter(2, 0)], 60), 12, "muted alone is listening");
    }

    #[test]
    fn the_hour_and_the_stay_have_an_end_and_a_new_stay_begins_no_new_hour() {
        let settings = RewardSettings { voice_tick_minutes: 1, ..RewardSettings::default() };
        let mut sitters = [sitter(1, 0), sitter(2, 0)];
        assert_eq!(settle(&mut sitters, at(59), &settings).len(), 12);
        let again = Sitting::begin(1, at(30), (false, false), Some(&sitters[0]));
        assert_eq!(settle(&mut [again, sitter(3, 30)], at(59), &settings).len(), 6, "only the third's");
        let mut left_behind = [sitter(1, 0), sitter(2, 0)];
        assert_eq!(ticks(&mut left_behind, 100_000), 2 * 6 * 12);
    }

    proptest! {
        #[test]
        fn looking_more_often_finds_the_same_ticks(mut looks in prop::collection::vec(0i64..1_000, 0..30), end in 0i64..1_000) {
            let mut once = [sitter(1, 0), sitter(2, 7), sitter(3, 7)];
            let mut often = once;
            looks.retain(|look| *look <= end);
            looks.sort_unstable();
            let mut found: Vec<Tick> =
                looks.iter().flat_map(|look| settle(&mut often, at(*look), &RewardSettings::default())).collect();
            found.extend(settle(&mut often, at(end), &RewardSettings::default()));
            found.sort_unstable_by_key(|tick| (tick.at, tick.user_id));
            prop_assert_eq!(found, settle(&mut once, at(end), &RewardSettings::default()));
            prop_assert_eq!(once, often);
        }
    }
}
