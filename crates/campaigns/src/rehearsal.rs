//! A campaign gone through on paper: every instant of its time line, what would happen, what members would see, and what is amiss. Pure: it
//! follows the rules by which timers are planned, and writes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::CampaignId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{CampaignSettings, ScoringType, Status};
use crate::rules::{self, Moments};

kernel::decl_words! {
    /// What happens at an instant of a campaign's time line.
    pub enum RehearsedKind {
        /// Testers see a challenge.
        EarlyAccess = "early_access",
        /// It starts.
        Start = "start",
        /// A challenge can be solved.
        Release = "release",
        /// A challenge takes no answers any more.
        ChallengeCloses = "challenge_closes",
        /// The scoreboard freezes.
        Freeze = "freeze",
        /// Standings are final.
        Close = "close",
        /// Rewards can be claimed.
        RewardsOpen = "rewards_open",
        /// Who has not claimed is reminded.
        Reminder = "reminder",
        /// It is over.
        Expire = "expire",
    }
}

kernel::decl_words! {
    /// How bad it is.
    pub enum Severity {
        /// It would not become what its author wants.
        Error = "error",
        /// It may be meant so, and deserves a look.
        Warning = "warning",
        /// Good to know.
        Note = "note",
    }
}

/// An instant of the time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RehearsedMoment {
    /// When.
    pub at: DateTime<Utc>,
    /// What happens.
    pub kind: RehearsedKind,
    /// The challenge that it concerns, by its place from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<i32>,
    /// What happens, as a sentence.
    pub happens: String,
    /// What members see from then on, as a sentence.
    pub members_see: String,
}

/// Something that is amiss, or good to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The setting that it lies in, such as `rewards[0]`; absent where it lies in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is amiss, as a sentence.
    pub message: String,
}

/// A campaign gone through on paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rehearsal {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its name.
    pub name: String,
    /// When it starts in this rehearsal.
    pub starts_at: DateTime<Utc>,
    /// Whether that is its own start time; else it is gone through as if it started now.
    pub scheduled: bool,
    /// The instants, in order.
    pub moments: Vec<RehearsedMoment>,
    /// What is amiss, the worst first.
    pub findings: Vec<Finding>,
}

/// What a rehearsal has to know of a challenge.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its title.
    pub title: String,
    /// It takes no answers so long after its release.
    pub closes_after_minutes: Option<i32>,
    /// Why its script failed, if it did.
    pub script_error: Option<String>,
    /// Why its checker failed, if it did.
    pub checker_error: Option<String>,
}

/// Goes through a campaign with these challenges, in their order.
pub fn rehearse(
    campaign_id: CampaignId,
    settings: &CampaignSettings,
    pieces: &[Piece],
    now: DateTime<Utc>,
) -> Rehearsal {
    let start = settings.start_time.unwrap_or(now);
    let plan = Plan::of(settings, start);
    let mut moments = moments(settings, pieces, &plan);
    // What happens at one instant happens in this order: what ends comes last.
    moments.sort_by_key(|moment| (moment.at, moment.kind, moment.challenge));
    let released = |at: DateTime<Utc>| {
        let out = pieces.iter().zip(0..).filter(|(_, n)| {
            let release = plan.release(settings, *n);
            release <= at && release < plan.stops
        });
        out.count()
    };
    for moment in &mut moments {
        moment.members_see = seen(settings, &plan, moment.at, (released(moment.at), pieces.len()));
    }
    let mut findings = findings(settings, pieces, &plan, now);
    findings.sort_by_key(|finding| finding.severity);
    let scheduled = settings.start_time.is_some();
    Rehearsal { campaign_id, name: settings.name.clone(), starts_at: start, scheduled, moments, findings }
}

/// The instants on which everything else hangs.
struct Plan {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    freeze: Option<DateTime<Utc>>,
    /// When it closes by itself.
    close: Option<DateTime<Utc>>,
    /// From when on nothing is released: it closed, or expired.
    stops: DateTime<Utc>,
    rewards: Option<DateTime<Utc>>,
    expires: DateTime<Utc>,
}

impl Plan {
    fn of(settings: &CampaignSettings, start: DateTime<Utc>) -> Self {
        let end = start + TimeDelta::hours(settings.duration_hours.into());
        let close = settings.auto_close.then_some(end);
        let timers = &settings.timers;
        let rewards = close
            .filter(|_| settings.rewards_enabled)
            .map(|close| close + TimeDelta::minutes(timers.reward_delay_minutes.into()));
        let status = match (close, rewards) {
            (_, Some(_)) => Status::RewardClaim,
            (Some(_), None) => Status::Closed,
            (None, None) => Status::Running,
        };
        let moments = Moments {
            status,
            start_time: Some(start),
            end_time: Some(end),
            closed_at: close,
            reward_claim_at: rewards,
        };
        let expires = rules::expires_at(&moments, timers).unwrap_or(end);
        let freeze =
            (settings.freeze_minutes > 0).then(|| end - TimeDelta::minutes(settings.freeze_minutes.into()));
        Self { start, end, freeze, close, stops: close.unwrap_or(expires), rewards, expires }
    }

    /// When the challenge at this place, from 0, has its turn.
    fn release(&self, settings: &CampaignSettings, place: i64) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(place * i64::from(settings.release_delay_minutes))
    }
}

fn moments(settings: &CampaignSettings, pieces: &[Piece], plan: &Plan) -> Vec<RehearsedMoment> {
    let mut all = Vec::new();
    let mut add = |at, kind, challenge: Option<i64>, happens: String| {
        let challenge = challenge.and_then(|place| i32::try_from(place + 1).ok());
        all.push(RehearsedMoment { at, kind, challenge, happens, members_see: String::new() });
    };
    add(plan.start, RehearsedKind::Start, None, "It starts, and members are told.".to_owned());
    for (piece, place) in pieces.iter().zip(0i64..) {
        let release = plan.release(settings, place);
        if release >= plan.stops {
            continue;
        }
        if settings.early_access_minutes > 0 {
            let early = release - TimeDelta::minutes(settings.early_access_minutes.into());
            let told = format!("Testers see “{}”.", piece.title);
            add(early, RehearsedKind::EarlyAccess, Some(place), told);
        }
        add(release, RehearsedKind::Release, Some(place), format!("“{}” can be solved.", piece.title));
        let closes = piece.closes_after_minutes.map(|minutes| release + TimeDelta::minutes(minutes.into()));
        if let Some(closes) = closes.filter(|closes| *closes < plan.stops) {
            let told = format!("“{}” takes no answers any more.", piece.title);
            add(closes, RehearsedKind::ChallengeCloses, Some(place), told);
        }
    }
    if let Some(freeze) = plan.freeze {
        let told = "The scoreboard freezes for all but staff.".to_owned();
        add(freeze, RehearsedKind::Freeze, None, told);
    }
    if let Some(close) = plan.close {
        let told = "It closes: answers are taken no more, and the standings are final.".to_owned();
        add(close, RehearsedKind::Close, None, told);
    }
    if let Some(rewards) = plan.rewards {
        let told = format!("Rewards can be claimed, for {} days.", settings.timers.claim_days);
        add(rewards, RehearsedKind::RewardsOpen, None, told);
        if settings.timers.reminder_hours > 0 {
            let reminder = plan.expires - TimeDelta::hours(settings.timers.reminder_hours.into());
            let told = "Who has not claimed is reminded, once.".to_owned();
            add(reminder, RehearsedKind::Reminder, None, told);
        }
    }
    let told = match (plan.close, plan.rewards) {
        (None, _) => "Nobody closed it: it expires, and nobody is rewarded.",
        (Some(_), Some(_)) => "It is over: what was not claimed lapses.",
        (Some(_), None) => "It is over.",
    };
    add(plan.expires, RehearsedKind::Expire, None, told.to_owned());
    all
}

/// What members see from an instant on.
fn seen(
    settings: &CampaignSettings,
    plan: &Plan,
    at: DateTime<Utc>,
    (released, of): (usize, usize),
) -> String {
    if at >= plan.expires {
        return "The final standings, if it closed; nothing can be claimed.".to_owned();
    }
    if plan.rewards.is_some_and(|rewards| at >= rewards) {
        return "The final standings, and a button where a reward waits for them.".to_owned();
    }
    if plan.close.is_some_and(|close| at >= close) {
        return "The final standings; all challenges that were released, to read.".to_owned();
    }
    if at < plan.start {
        return match settings.entry_fee {
            0 => "A countdown to the start, and a button to take part.".to_owned(),
            fee => format!("A countdown to the start, and a button to take part, which costs {fee} bytes."),
        };
    }
    let board = if plan.freeze.is_some_and(|freeze| at >= freeze) {
        "a scoreboard that stands still"
    } else {
        "live standings"
    };
    let late = if at >= plan.end { "The end has passed; " } else { "" };
    let scored = match settings.scoring_type {
        ScoringType::PointBased => "by points",
        ScoringType::TimeBased => "by parts solved and time",
    };
    let told = format!("{late}{released} of {of} challenges, and {board}, {scored}.");
    let mut chars = told.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn findings(settings: &CampaignSettings, pieces: &[Piece], plan: &Plan, now: DateTime<Utc>) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut say = |severity, field: Option<&str>, message: String| {
        all.push(Finding { severity, field: field.map(str::to_owned), message });
    };
    for wrong in rules::settings_check(settings) {
        say(Severity::Error, Some(wrong.field.as_str()), format!("`{}` {}.", wrong.field, wrong.message));
    }
    let challenges = i64::try_from(pieces.len()).unwrap_or(i64::MAX);
    for wrong in rules::rewards_unreachable(settings, challenges) {
        say(Severity::Error, Some(wrong.field.as_str()), format!("`{}` {}.", wrong.field, wrong.message));
    }
    match settings.start_time {
        None => say(
            Severity::Note,
            Some("start_time"),
            "It has no start time yet: it is gone through as if it started now.".to_owned(),
        ),
        Some(at) if at < now - TimeDelta::minutes(1) => say(
            Severity::Error,
            Some("start_time"),
            "Its start lies in the past: it can be published with a later one, or started at once."
                .to_owned(),
        ),
        Some(_) => {}
    }
    if pieces.is_empty() {
        say(Severity::Warning, None, "It has no challenges: there is nothing to solve.".to_owned());
    }
    for (piece, place) in pieces.iter().zip(0i64..) {
        let title = &piece.title;
        if let Some(error) = &piece.script_error {
            say(Severity::Error, None, format!("The script of “{title}” fails: {error}"));
        }
        if let Some(error) = &piece.checker_error {
            say(Severity::Error, None, format!("The checker of “{title}” fails: {error}"));
        }
        let release = plan.release(settings, place);
        if release >= plan.stops {
            say(
                Severity::Error,
                Some("release_delay_minutes"),
                format!("“{title}” is never released: its turn would come when all is over."),
            );
        } else if release >= plan.end {
            say(
                Severity::Warning,
                Some("duration_hours"),
                format!("“{title}” is released after the end, while nobody has closed the campaign."),
            );
        } else if plan.freeze.is_some_and(|freeze| release >= freeze) {
            say(
                Severity::Note,
                Some("freeze_minutes"),
                format!("“{title}” is released while the scoreboard is frozen."),
            );
        }
    }
    if !settings.auto_close {
        say(
            Severity::Warning,
            Some("auto_close"),
            format!(
                "It does not close by itself: unless somebody closes it within {} minutes of its end, it expires, and nobody is \
                 rewarded.",
                settings.timers.expire_unclosed_minutes
            ),
        );
    }
    scores(settings, &mut say);
    rewards(settings, &mut say);
    all
}

/// What points come to.
fn scores(settings: &CampaignSettings, say: &mut impl FnMut(Severity, Option<&str>, String)) {
    let (Some(starting), Some(step)) = (settings.starting_points, settings.points_decrease_step) else {
        return;
    };
    if settings.scoring_type != ScoringType::PointBased {
        return;
    }
    if starting == 0 {
        say(
            Severity::Warning,
            Some("starting_points"),
            "Nobody gets points for solving anything.".to_owned(),
        );
    } else if step > 0 {
        // The k-th gets starting − (k − 1) × step.
        let first = (starting + step - 1) / step + 1;
        let severity = if first <= 10 { Severity::Warning } else { Severity::Note };
        say(
            severity,
            Some("points_decrease_step"),
            format!("Whoever solves a part as number {first} or later gets no points for it."),
        );
    }
}

fn rewards(settings: &CampaignSettings, say: &mut impl FnMut(Severity, Option<&str>, String)) {
    if !settings.rewards_enabled {
        if !settings.rewards.is_empty() {
            let told = "Rewards are switched off: what the table promises is not paid.";
            say(Severity::Warning, Some("rewards_enabled"), told.to_owned());
        }
        return;
    }
    if settings.rewards.is_empty() {
        let told = "Rewards open, and the table is empty: nobody gets anything.";
        say(Severity::Warning, Some("rewards"), told.to_owned());
    }
    let mut ranges: Vec<(i32, i32)> =
        settings.rewards.iter().filter_map(|reward| reward.from.zip(reward.to)).collect();
    ranges.sort_unstable();
    let mut next = 1;
    for (from, to) in ranges {
        if from > next {
            let ranks = if from - next == 1 {
                format!("Rank {next} gets")
            } else {
                format!("Ranks {next} to {} get", from - 1)
            };
            let told = format!("{ranks} nothing, while rank {from} does.");
            say(Severity::Warning, Some("rewards"), told);
        }
        next = next.max(to.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(more: &serde_json::Value) -> CampaignSettings {
        let mut all = json!({ "name": "A", "campaign_type": "player", "duration_hours": 10, "start_time": "2027-01-01T00:00:00Z",
            "rewards": [{ "participation": true, "xp": 5 }] });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        serde_json::from_value(all).unwrap()
    }

    fn pieces(count: usize) -> Vec<Piece> {
        let piece = |n: usize| Piece {
            title: format!("No. {n}"),
            closes_after_minutes: None,
            script_error: None,
            checker_error: None,
        };
        (1..=count).map(piece).collect()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn gone_through(settings: &CampaignSettings, pieces: &[Piece]) -> Rehearsal {
        rehearse(CampaignId::new(uuid::Uuid::nil()), settings, pieces, at("2026-12-01T00:00:00Z"))
    }

    fn line(rehearsal: &Rehearsal) -> Vec<(String, RehearsedKind)> {
        let told = |moment: &RehearsedMoment| (moment.at.format("%d %H:%M").to_string(), moment.kind);
        rehearsal.moments.iter().map(told).collect()
    }

    fn said(rehearsal: &Rehearsal) -> Vec<(Severity, &str)> {
        rehearsal.findings.iter().map(|one| (one.severity, one.field.as_deref().unwrap_or(""))).collect()
    }

    #[test]
    fn every_instant_comes_in_order_with_what_members_see() {
        let settings = settings(&json!({ "release_delay_minutes": 240, "freeze_minutes": 60 }));
        let rehearsal = gone_through(&settings, &pieces(3));
        assert_eq!(
            line(&rehearsal),
            [
                ("01 00:00", RehearsedKind::Start),
                ("01 00:00", RehearsedKind::Release),
                ("01 04:00", RehearsedKind::Release),
                ("01 08:00", RehearsedKind::Release),
                ("01 09:00", RehearsedKind::Freeze),
                ("01 10:00", RehearsedKind::Close),
                ("01 10:05", RehearsedKind::RewardsOpen),
                ("07 10:05", RehearsedKind::Reminder),
                ("08 10:05", RehearsedKind::Expire),
            ]
            .map(|(at, kind)| (at.to_owned(), kind))
        );
        assert!(rehearsal.moments[2].members_see.starts_with("2 of 3 challenges, and live standings"));
        assert!(rehearsal.moments[4].members_see.contains("stands still"));
        assert!(rehearsal.moments[7].members_see.contains("a button"));
        assert_eq!(said(&rehearsal), []);
    }

    #[test]
    fn what_would_go_wrong_is_found() {
        let late = settings(&json!({ "release_delay_minutes": 300 }));
        let rehearsal = gone_through(&late, &pieces(3));
        assert_eq!(said(&rehearsal), [(Severity::Error, "release_delay_minutes")]);
        assert_eq!(rehearsal.moments.iter().filter(|one| one.kind == RehearsedKind::Release).count(), 2);
        let open = settings(&json!({ "auto_close": false }));
        let rehearsal = gone_through(&open, &pieces(1));
        assert_eq!(said(&rehearsal), [(Severity::Warning, "auto_close")]);
        assert_eq!(line(&rehearsal).last().unwrap(), &("01 12:00".to_owned(), RehearsedKind::Expire));
        let gaps = settings(
            &json!({ "start_time": "2026-11-01T00:00:00Z", "scoring_type": "point_based", "starting_points": 100,
            "points_decrease_step": 25, "rewards": [{ "from": 2, "to": 3, "xp": 1 }, { "from": 6, "to": 9, "xp": 1 }] }),
        );
        let rehearsal = gone_through(&gaps, &[]);
        assert_eq!(
            said(&rehearsal),
            [
                (Severity::Error, "rewards[0]"),
                (Severity::Error, "rewards[1]"),
                (Severity::Error, "start_time"),
                (Severity::Warning, ""),
                (Severity::Warning, "points_decrease_step"),
                (Severity::Warning, "rewards"),
                (Severity::Warning, "rewards"),
            ]
        );
        let points =
            rehearsal.findings.iter().find(|one| one.field.as_deref() == Some("points_decrease_step"));
        assert!(points.unwrap().message.contains("number 5 or later"), "{points:?}");
        let unscheduled = settings(&json!({ "start_time": null, "rewards_enabled": false }));
        let rehearsal = gone_through(&unscheduled, &pieces(1));
        assert!(!rehearsal.scheduled);
        assert_eq!(
            said(&rehearsal),
            [(Severity::Warning, "rewards_enabled"), (Severity::Note, "start_time")]
        );
    }
}
