//! What a campaign's times and prices make of its challenges: what could never be solved, and what is worth a look.

use challenges::rules::points_of;
use chrono::{DateTime, Utc};

use super::bundle::ChallengeBundle;
use super::mistake::Mistake;
use crate::model::{CampaignSettings, ScoringType};

/// What is wrong with a campaign's plan, and what deserves a look.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) errors: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

/// Something of the plan, said of a key in a file: `line` finds the key's line where there is a folder.
type Lines<'a> = &'a dyn Fn(&str, &str) -> Option<usize>;

/// Looks at times and prices as of `now`.
pub(super) fn plan_check(
    settings: &CampaignSettings,
    challenges: &[ChallengeBundle],
    now: DateTime<Utc>,
    line: Lines<'_>,
) -> Plan {
    let mut plan = Plan::default();
    let of = |file: &str, key: &str, message: String| Mistake::new(file, line(file, key), message);
    if let Some(start) = settings.start_time.filter(|start| *start <= now) {
        plan.warnings.push(of(
            "campaign.toml",
            "start_time",
            format!(
                "`start_time` is in the past ({}): once published, the campaign starts at once, and what should have been \
                 released by then is",
                start.format("%Y-%m-%d %H:%M UTC")
            ),
        ));
    }
    plan.errors.extend(
        released_too_late(settings, challenges)
            .map(|message| of("campaign.toml", "release_delay_minutes", message)),
    );
    let minutes = i64::from(settings.duration_hours) * 60;
    for (n, challenge) in (0..).zip(challenges) {
        let file = format!("{}/challenge.toml", challenge.slug);
        let released = n * i64::from(settings.release_delay_minutes);
        if let Some(closes) = challenge.closes_after_minutes
            && released < minutes
            && released + i64::from(closes) > minutes
        {
            plan.warnings.push(of(
                &file,
                "closes_after_minutes",
                format!(
                    "`closes_after_minutes` reaches {} minutes beyond the campaign's end, which closes it anyway: leave it \
                     out, or make it at most {}",
                    released + i64::from(closes) - minutes,
                    minutes - released
                ),
            ));
        }
        if let (ScoringType::PointBased, Some(points)) = (settings.scoring_type, settings.starting_points) {
            plan.warnings
                .extend(dear_hints(challenge, points).map(|(key, message)| of(&file, &key, message)));
        }
    }
    plan
}

fn released_too_late(settings: &CampaignSettings, challenges: &[ChallengeBundle]) -> Option<String> {
    let minutes = i64::from(settings.duration_hours) * 60;
    let delay = i64::from(settings.release_delay_minutes);
    let (n, late) = (0_i64..).zip(challenges).find(|(n, _)| n * delay >= minutes)?;
    let longest = (minutes - 1) / i64::try_from(challenges.len() - 1).unwrap_or(1).max(1);
    let ways = if longest >= 1 {
        format!("`release_delay_minutes` at most {longest}, or `duration_hours` more than {}", n * delay / 60)
    } else {
        format!("`duration_hours` more than {}", n * delay / 60)
    };
    let late_ones = challenges.len() - usize::try_from(n).unwrap_or(0);
    Some(format!(
        "the campaign ends {} hours after its start, but `{}` (number {} of {}) would be released {} hours after it{}, so \
         nobody could solve it: make {ways}",
        settings.duration_hours,
        late.slug,
        n + 1,
        challenges.len(),
        n * delay / 60,
        if late_ones > 1 { format!(" and {} more later still", late_ones - 1) } else { String::new() },
    ))
}

/// The first hint with which a part's hints take more than the part can bring.
fn dear_hints(challenge: &ChallengeBundle, starting_points: i32) -> impl Iterator<Item = (String, String)> {
    (1..=challenge.parts).filter_map(move |part| {
        let points = i64::from(points_of(&challenge.answers, part, starting_points));
        let mut sum = 0;
        let dear = challenge.hints.iter().enumerate().filter(|(_, hint)| hint.part == part).find(|(_, hint)| {
            sum += hint.penalty;
            sum > points
        });
        let (n, hint) = dear?;
        let whose = if hint.penalty > points { "this hint takes" } else { "this hint and those before it take" };
        Some((
            format!("hints[{n}].penalty"),
            format!(
                "{whose} {sum} points, more than the {points} that the part brings at best: who opens it had better leave \
                 the part unsolved"
            ),
        ))
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::authoring::HintBundle;

    fn settings(more: &serde_json::Value) -> CampaignSettings {
        let mut all = json!({"name": "A", "campaign_type": "player", "scoring_type": "point_based",
            "starting_points": 100, "points_decrease_step": 1, "duration_hours": 48});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn challenges(count: usize) -> Vec<ChallengeBundle> {
        (1..=count)
            .map(|n| {
                serde_json::from_value(json!({"slug": format!("{n:02}-x"), "title": "X", "description": "x",
                    "generation_script": "x"}))
                .unwrap()
            })
            .collect()
    }

    fn said(settings: &CampaignSettings, challenges: &[ChallengeBundle]) -> (Vec<String>, Vec<String>) {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let plan = plan_check(settings, challenges, now, &|_, key| (key == "start_time").then_some(7));
        let lines = |of: Vec<Mistake>| of.iter().map(ToString::to_string).collect();
        (lines(plan.errors), lines(plan.warnings))
    }

    #[test]
    fn what_is_released_after_the_end_is_an_error() {
        // 48 hours and a day between releases, as by default: the third one would come when all is over.
        let (errors, _) = said(&settings(&json!({})), &challenges(4));
        assert_eq!(
            errors,
            [
                "campaign.toml: the campaign ends 48 hours after its start, but `03-x` (number 3 of 4) would be released 48 \
              hours after it and 1 more later still, so nobody could solve it: make `release_delay_minutes` at most 959, or \
              `duration_hours` more than 48"
            ]
        );
        assert_eq!(said(&settings(&json!({"release_delay_minutes": 959})), &challenges(4)).0, [""; 0]);
        assert_eq!(said(&settings(&json!({})), &challenges(2)).0, [""; 0]);
        assert_eq!(said(&settings(&json!({})), &[]).0, [""; 0]);
    }

    #[test]
    fn what_closes_late_costs_too_much_or_began_long_ago_is_pointed_out() {
        let mut two = challenges(2);
        two[1].closes_after_minutes = Some(1500);
        let hint = |penalty, part| HintBundle { text: "x".into(), cost_bytes: 0, penalty, part };
        two[0].hints = vec![hint(60, 1), hint(50, 1), hint(9, 1)];
        let past = settings(&json!({"start_time": "2020-12-01T06:00:00Z"}));
        let (errors, warnings) = said(&past, &two);
        assert_eq!(errors, [""; 0]);
        assert!(
            warnings[0].starts_with("campaign.toml:7: `start_time` is in the past (2020-12-01 06:00 UTC)")
        );
        assert!(
            warnings[1].starts_with("01-x/challenge.toml: this hint and those before it take 110 points")
        );
        assert!(
            warnings[2].contains("reaches 60 minutes beyond the campaign's end")
                && warnings[2].contains("at most 1440")
        );
        assert_eq!(warnings.len(), 3, "{warnings:#?}");
        let by_time = settings(&json!({"scoring_type": "time_based"}));
        assert_eq!(said(&by_time, &two[..1]).1, [""; 0], "seconds are no points");
    }
}
