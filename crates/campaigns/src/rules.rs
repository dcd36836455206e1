//! Pure decisions: which settings are valid, what they may become once a campaign runs, when its timers are due.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use kernel::FieldError;

use crate::model::{CampaignSettings, Reward, ScoringType, Status, TimerSettings, TimerType};

/// The most rows a reward table may have.
pub const MAX_REWARDS: usize = 100;
/// The most an entry fee or a single reward may be, in its unit.
pub const MAX_AMOUNT: i64 = 1_000_000_000;

/// The years in which a campaign may start. What follows from its start, hundreds of years later at most, is then still a
/// time that RFC 3339 can write.
const FIRST_YEAR: i32 = 1970;
const END_YEAR: i32 = 9000;

/// Everything that is wrong with these settings; empty when they are fine.
pub fn settings_check(settings: &CampaignSettings) -> Vec<FieldError> {
    let mut check = Check::default();
    let s = settings;
    if let Err(fault) = kernel::text::name_check(&s.name, 100) {
        check.say("name".to_owned(), &fault.to_string());
    }
    check.that(
        s.description.as_ref().is_none_or(|d| d.chars().count() <= 20_000),
        "description",
        "must be at most 20,000 characters",
    );
    check.that(
        s.start_time.is_none_or(|at| (FIRST_YEAR..END_YEAR).contains(&at.year())),
        "start_time",
        "must lie in the years 1970 to 8999",
    );
    check.within("duration_hours", s.duration_hours, 1, 87_600);
    check.within("release_delay_minutes", s.release_delay_minutes, 1, 525_600);
    check.within("entry_fee", s.entry_fee, 0, MAX_AMOUNT);
    check.within("freeze_minutes", s.freeze_minutes, 0, 5_256_000);
    check.that(
        s.duration_hours < 1 || i64::from(s.freeze_minutes) <= i64::from(s.duration_hours) * 60,
        "freeze_minutes",
        "must not be longer than the campaign runs",
    );
    check.within("early_access_minutes", s.early_access_minutes, 0, 525_600);
    check.within("late_join_minutes", s.late_join_minutes, 0, 5_256_000);
    match s.scoring_type {
        ScoringType::PointBased => {
            check.that(
                s.starting_points.is_some(),
                "starting_points",
                "is needed when scoring is point_based",
            );
            check.that(
                s.points_decrease_step.is_some(),
                "points_decrease_step",
                "is needed when scoring is point_based",
            );
        }
        ScoringType::TimeBased => {}
    }
    check.within("starting_points", s.starting_points.unwrap_or(0), 0, 1_000_000);
    check.within("points_decrease_step", s.points_decrease_step.unwrap_or(0), 0, 1_000_000);
    check.within("rate_limit.per_5s", s.rate_limit.per_5s, 1, 1_000);
    check.within("rate_limit.per_5min", s.rate_limit.per_5min, 1, 60_000);
    check.within("rate_limit.lockout_seconds", s.rate_limit.lockout_seconds, 0, 86_400);
    check.that(
        (1.0..=10.0).contains(&s.rate_limit.lockout_factor),
        "rate_limit.lockout_factor",
        "must be between 1 and 10",
    );
    timers_check(&mut check, &s.timers);
    rewards_check(&mut check, &s.rewards);
    check.0
}

fn timers_check(check: &mut Check, t: &TimerSettings) {
    check.within("timers.reward_delay_minutes", t.reward_delay_minutes, 0, 525_600);
    check.within("timers.claim_days", t.claim_days, 1, 3_650);
    check.within("timers.reminder_hours", t.reminder_hours, 0, 87_600);
    check.within("timers.expire_unstarted_minutes", t.expire_unstarted_minutes, 1, 525_600);
    check.within("timers.expire_unclosed_minutes", t.expire_unclosed_minutes, 1, 525_600);
    check.within("timers.expire_closed_hours", t.expire_closed_hours, 1, 87_600);
    check.that(
        i64::from(t.reminder_hours) < i64::from(t.claim_days) * 24,
        "timers.reminder_hours",
        "must be shorter than the claim window",
    );
    check.that(
        i64::from(t.reward_delay_minutes) < i64::from(t.expire_closed_hours) * 60,
        "timers.reward_delay_minutes",
        "must be shorter than timers.expire_closed_hours, or the campaign expires before rewards open",
    );
}

fn rewards_check(check: &mut Check, rewards: &[Reward]) {
    check.that(rewards.len() <= MAX_REWARDS, "rewards", "must have at most 100 rows");
    let mut taken: Vec<(i32, i32)> = Vec::new();
    for (i, reward) in rewards.iter().enumerate() {
        let at = |field: &str| format!("rewards[{i}].{field}");
        for (field, amount) in [("bytes", reward.bytes), ("xp", reward.xp), ("gold", reward.gold)] {
            check.within(&at(field), amount, 0, MAX_AMOUNT);
        }
        check.that(
            reward.bytes > 0 || reward.xp > 0 || reward.gold > 0,
            &format!("rewards[{i}]"),
            "must give bytes, xp or gold",
        );
        match (reward.participation, reward.from, reward.to) {
            (true, None, None) => {}
            (true, _, _) => {
                check
                    .say(at("participation"), "is for everyone who takes part, so it has no `from` and `to`");
            }
            (false, Some(from), Some(to)) => {
                check.that(1 <= from && from <= to, &at("from"), "must be 1 or more and not after `to`");
                let overlaps = taken.iter().any(|&(f, t)| from <= t && f <= to);
                check.that(!overlaps, &at("from"), "overlaps the ranks of an earlier row");
                taken.push((from, to));
            }
            (false, _, _) => check.say(at("from"), "and `to` are needed, or `participation = true`"),
        }
    }
    let participation = rewards.iter().filter(|r| r.participation).count();
    check.that(participation <= 1, "rewards", "must have at most one row for taking part");
}

/// The rewards for a rank that nobody can have, because a rank takes a solved part and there is no challenge.
pub fn rewards_unreachable(settings: &CampaignSettings, challenges: i64) -> Vec<FieldError> {
    let mut check = Check::default();
    if settings.rewards_enabled && challenges == 0 {
        for (i, _) in settings.rewards.iter().enumerate().filter(|(_, reward)| !reward.participation) {
            check.say(
                format!("rewards[{i}]"),
                "is for who solves something, but the campaign has no challenges: add some, or reward taking part \
                 (`participation = true`)",
            );
        }
    }
    check.0
}

/// What of these settings may no longer change in this state; empty when the change is fine.
pub fn change_check(status: Status, old: &CampaignSettings, new: &CampaignSettings) -> Vec<FieldError> {
    let mut check = Check::default();
    if status == Status::Created {
        return check.0;
    }
    let fixed = "can't change once the campaign has started";
    check.that(old.campaign_type == new.campaign_type, "campaign_type", fixed);
    check.that(old.scoring_type == new.scoring_type, "scoring_type", fixed);
    check.that(old.starting_points == new.starting_points, "starting_points", fixed);
    check.that(old.points_decrease_step == new.points_decrease_step, "points_decrease_step", fixed);
    check.that(old.start_time == new.start_time, "start_time", fixed);
    check.that(old.entry_fee == new.entry_fee, "entry_fee", fixed);
    if status != Status::Running {
        let closed = "can't change once the campaign has closed";
        check.that(old.duration_hours == new.duration_hours, "duration_hours", closed);
        check.that(old.rewards == new.rewards, "rewards", closed);
        check.that(old.rewards_enabled == new.rewards_enabled, "rewards_enabled", closed);
        check.that(old.timers == new.timers, "timers", closed);
    }
    check.0
}

/// The moments that decide when a campaign expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// Where it is in its life.
    pub status: Status,
    /// When it is to start.
    pub start_time: Option<DateTime<Utc>>,
    /// When it is to end.
    pub end_time: Option<DateTime<Utc>>,
    /// When it closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When claims opened.
    pub reward_claim_at: Option<DateTime<Utc>>,
}

/// When a campaign in this state expires: an hour past its start if it never started, two past its end if it never
/// closed, 48 hours after the close, seven days after claims opened, unless its timers are set otherwise (spec.md
/// section 2). `None` for what cannot expire: drafts without a start, and the expired.
pub fn expires_at(moments: &Moments, timers: &TimerSettings) -> Option<DateTime<Utc>> {
    let after = |at: Option<DateTime<Utc>>, by: TimeDelta| at.map(|at| at + by);
    match moments.status {
        Status::Created => {
            after(moments.start_time, TimeDelta::minutes(timers.expire_unstarted_minutes.into()))
        }
        Status::Running => after(moments.end_time, TimeDelta::minutes(timers.expire_unclosed_minutes.into())),
        Status::Closed => after(moments.closed_at, TimeDelta::hours(timers.expire_closed_hours.into())),
        Status::RewardClaim => after(moments.reward_claim_at, TimeDelta::days(timers.claim_days.into())),
        Status::Expired => None,
    }
}

/// The timers that a published campaign that has not started, or runs, must have pending, and when they are due.
/// Releases are not among them: each schedules the next.
pub fn timers_planned(status: Status, settings: &CampaignSettings) -> Vec<(TimerType, DateTime<Utc>)> {
    let Some(start) = settings.start_time else { return Vec::new() };
    let end = start + TimeDelta::hours(settings.duration_hours.into());
    let moments = Moments {
        status,
        start_time: Some(start),
        end_time: Some(end),
        closed_at: None,
        reward_claim_at: None,
    };
    let mut planned = Vec::new();
    if status == Status::Created {
        planned.push((TimerType::StartCampaign, start));
    }
    if matches!(status, Status::Created | Status::Running) {
        if settings.freeze_minutes > 0 {
            planned
                .push((TimerType::FreezeStandings, end - TimeDelta::minutes(settings.freeze_minutes.into())));
        }
        if settings.auto_close {
            planned.push((TimerType::CloseCampaign, end));
        }
    }
    planned.extend(expires_at(&moments, &settings.timers).map(|at| (TimerType::ExpireCampaign, at)));
    planned
}

#[derive(Default)]
struct Check(Vec<FieldError>);

impl Check {
    fn say(&mut self, field: String, message: &str) {
        self.0.push(FieldError { field, message: message.to_owned() });
    }

    fn that(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.say(field.to_owned(), message);
        }
    }

    fn within(&mut self, field: &str, value: impl Into<i64>, low: i64, high: i64) {
        let value = value.into();
        self.that((low..=high).contains(&value), field, &format!("must be between {low} and {high}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CampaignType, RateLimit};
    use proptest::prelude::*;

    fn settings() -> CampaignSettings {
        CampaignSettings {
            name: "A".into(),
            description: None,
            campaign_type: CampaignType::Player,
            scoring_type: ScoringType::TimeBased,
            starting_points: None,
            points_decrease_step: None,
            start_time: Some(DateTime::UNIX_EPOCH),
            duration_hours: 10,
            release_delay_minutes: 60,
            auto_close: true,
            rewards_enabled: true,
            entry_fee: 0,
            announcement_channel_id: None,
            freeze_minutes: 0,
            early_access_minutes: 0,
            late_join_minutes: 0,
            allow_squad_moves: false,
            tell_borrowed_answers: true,
            rate_limit: RateLimit::default(),
            timers: TimerSettings::default(),
            rewards: Vec::new(),
        }
    }

    fn reward(from: i32, to: i32) -> Reward {
        Reward { from: Some(from), to: Some(to), participation: false, bytes: 1, xp: 0, gold: 0 }
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(settings_check(&settings()), []);
    }

    #[test]
    fn every_mistake_is_named() {
        let mut bad = settings();
        bad.name = " ".into();
        bad.duration_hours = 0;
        bad.scoring_type = ScoringType::PointBased;
        bad.rewards = vec![reward(1, 3), reward(3, 4), Reward { bytes: 0, ..reward(9, 8) }];
        let fields: Vec<_> = settings_check(&bad).into_iter().map(|e| e.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "duration_hours",
                "starting_points",
                "points_decrease_step",
                "rewards[1].from",
                "rewards[2]",
                "rewards[2].from"
            ]
        );
    }

    #[test]
    fn what_competitors_rely_on_is_fixed_at_the_start() {
        let old = settings();
        let new = CampaignSettings { entry_fee: 5, duration_hours: 11, ..settings() };
        assert_eq!(change_check(Status::Created, &old, &new), []);
        let fields =
            |status| change_check(status, &old, &new).into_iter().map(|e| e.field).collect::<Vec<_>>();
        assert_eq!(fields(Status::Running), ["entry_fee"]);
        assert_eq!(fields(Status::Closed), ["entry_fee", "duration_hours"]);
    }

    #[test]
    fn a_published_campaign_plans_start_close_and_expiry() {
        let plan = timers_planned(Status::Created, &settings());
        let hours: Vec<_> = plan.iter().map(|(t, at)| (*t, at.timestamp() / 3600)).collect();
        assert_eq!(
            hours,
            [(TimerType::StartCampaign, 0), (TimerType::CloseCampaign, 10), (TimerType::ExpireCampaign, 1)]
        );
        let running = timers_planned(
            Status::Running,
            &CampaignSettings { auto_close: false, freeze_minutes: 60, ..settings() },
        );
        let hours: Vec<_> = running.iter().map(|(t, at)| (*t, at.timestamp() / 3600)).collect();
        assert_eq!(hours, [(TimerType::FreezeStandings, 9), (TimerType::ExpireCampaign, 12)]);
    }

    proptest! {
        #[test]
        fn later_states_never_expire_earlier(hours in 1i32..1000, unstarted in 1i32..10_000, claim in 1i32..100) {
            let mut s = settings();
            s.duration_hours = hours;
            s.timers.expire_unstarted_minutes = unstarted;
            s.timers.claim_days = claim;
            let start = DateTime::UNIX_EPOCH;
            let end = start + TimeDelta::hours(hours.into());
            let mut m = Moments { status: Status::Running, start_time: Some(start), end_time: Some(end), closed_at: Some(end), reward_claim_at: Some(end) };
            let running = expires_at(&m, &s.timers).unwrap();
            m.status = Status::Closed;
            prop_assert!(expires_at(&m, &s.timers).unwrap() > end);
            prop_assert!(running > end);
            m.status = Status::Expired;
            prop_assert_eq!(expires_at(&m, &s.timers), None);
        }
    }
}
