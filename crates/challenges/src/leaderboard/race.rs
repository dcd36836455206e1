//! How participants came by what they have: their scores over time, for charts and for replaying a leaderboard.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Leaderboard, Standing, View};
use crate::error::Error;
use crate::model::{CampaignFacts, ParticipantType};
use crate::rules::{Score, Scoring};

/// The most participants of a race.
pub const MAX_RACERS: i64 = 20;
/// The most answers and hints that are read: as many as so many participants have in the largest campaigns.
const MAX_MOMENTS: i64 = 10_000;

/// The first of a leaderboard, and their scores over time. What a frozen scoreboard hides is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Race {
    /// How the campaign is scored.
    pub scoring: Scoring,
    /// Set while the scoreboard is frozen: nothing is told of what happened since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_since: Option<DateTime<Utc>>,
    /// Whether it is over, and these are the first for good.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The first, in the order in which they stand, or stood last.
    pub lines: Vec<RaceLine>,
}

/// A participant's scores over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RaceLine {
    /// Their rank among all; ties share one (1, 1, 3).
    pub rank: i64,
    /// A player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// player or squad.
    pub participant_type: ParticipantType,
    /// The name as it is now.
    pub display_name: String,
    /// Their scores, each from when it holds, earliest first. Before the first they had nothing.
    pub moments: Vec<RaceMoment>,
}

/// A score, from when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RaceMoment {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Points less hint penalties, never below zero (`point_based`); 0 otherwise.
    pub points: i64,
    /// Hint penalties taken: points (`point_based`) or seconds (`time_based`).
    pub penalty: i64,
    /// Parts solved.
    pub parts_solved: i32,
    /// Milliseconds from first requests of inputs to right answers, with penalties in `time_based`.
    pub total_ms: i64,
    /// The last right answer; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_correct_at: Option<DateTime<Utc>>,
}

/// A right answer, or a hint that was unlocked.
struct Step {
    participant_id: String,
    at: DateTime<Utc>,
    points: i64,
    parts: i32,
    elapsed_ms: i64,
    penalty: i64,
}

/// The scores over time of these rows of a leaderboard that was read by the same view.
pub async fn race(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    rows: &[Standing],
) -> Result<Race, Error> {
    let ids: Vec<String> = rows.iter().map(|row| row.participant_id.clone()).collect();
    let steps = sqlx::query_as!(
        Step,
        r#"SELECT e.participant_id AS "participant_id!", e.at AS "at!", e.points AS "points!", e.parts AS "parts!",
                  e.elapsed_ms AS "elapsed_ms!", e.penalty AS "penalty!"
             FROM (SELECT participant_id, submission_timestamp AS at, points_awarded::bigint AS points, 1 AS parts, elapsed_ms,
                          0::bigint AS penalty
                     FROM challenges.challenge_submissions
                    WHERE guild_id = $1 AND campaign_id = $2 AND participant_id = ANY ($3) AND is_correct AND solve_position > 0
                      AND submission_timestamp < coalesce($4, 'infinity'::timestamptz)
                   UNION ALL
                   SELECT participant_id, unlocked_at, 0, 0, 0, penalty
                     FROM challenges.hint_unlocks
                    WHERE guild_id = $1 AND campaign_id = $2 AND participant_id = ANY ($3)
                      AND unlocked_at < coalesce($4, 'infinity'::timestamptz)) e
            ORDER BY e.at, e.participant_id LIMIT $5"#,
        facts.guild_id.get(),
        facts.id.get(),
        &ids,
        view.horizon(),
        MAX_MOMENTS,
    )
    .fetch_all(conn)
    .await?;
    let mut moments = moments(facts.scoring, steps);
    let lines = rows.iter().map(|row| RaceLine {
        rank: row.rank,
        participant_id: row.participant_id.clone(),
        participant_type: row.participant_type,
        display_name: row.display_name.clone(),
        moments: moments.remove(&row.participant_id).unwrap_or_default(),
    });
    Ok(Race {
        scoring: facts.scoring,
        frozen_since: view.horizon(),
        is_final: view == View::Final,
        lines: lines.collect(),
    })
}

/// What somebody has so far, when they were right last, and the moments until then.
type Run = (Score, Option<DateTime<Utc>>, Vec<RaceMoment>);

/// Sums up what is told in the order of time.
fn moments(scoring: Scoring, steps: Vec<Step>) -> HashMap<String, Vec<RaceMoment>> {
    let mut all: HashMap<String, Run> = HashMap::new();
    for step in steps {
        let (score, last, moments) = all.entry(step.participant_id).or_default();
        score.points += step.points;
        score.penalty += step.penalty;
        score.parts_solved += step.parts;
        score.total_ms = score.total_ms.saturating_add(step.elapsed_ms);
        if step.parts > 0 {
            *last = Some(step.at);
        }
        // What happened at one instant is one moment.
        moments.pop_if(|moment| moment.at == step.at);
        moments.push(RaceMoment {
            at: step.at,
            points: score.net_points(scoring),
            penalty: score.penalty,
            parts_solved: score.parts_solved,
            total_ms: score.net_ms(scoring),
            last_correct_at: *last,
        });
    }
    all.into_iter().map(|(participant, (_, _, moments))| (participant, moments)).collect()
}

impl RaceLine {
    /// What they had at an instant.
    fn at(&self, at: DateTime<Utc>) -> Option<&RaceMoment> {
        self.moments
            .partition_point(|moment| moment.at <= at)
            .checked_sub(1)
            .and_then(|n| self.moments.get(n))
    }

    fn standing(&self, at: DateTime<Utc>) -> Standing {
        let moment = self.at(at);
        Standing {
            rank: 0,
            participant_id: self.participant_id.clone(),
            participant_type: self.participant_type,
            display_name: self.display_name.clone(),
            points: moment.map_or(0, |moment| moment.points),
            penalty: moment.map_or(0, |moment| moment.penalty),
            parts_solved: moment.map_or(0, |moment| moment.parts_solved),
            total_ms: moment.map_or(0, |moment| moment.total_ms),
            last_correct_at: moment.and_then(|moment| moment.last_correct_at),
        }
    }
}

impl Race {
    /// How these stood among each other at an instant, by the rules of the leaderboard: ties share a rank, and stand in order of their last
    /// right answer.
    pub fn board_at(&self, at: DateTime<Utc>) -> Leaderboard<Standing> {
        let mut rows: Vec<Standing> = self.lines.iter().map(|line| line.standing(at)).collect();
        // More is better, then less.
        let key = |row: &Standing| match (row.parts_solved, self.scoring) {
            (0, _) => (-1, 0),
            (_, Scoring::PointBased) => (row.points, 0),
            (parts, Scoring::TimeBased) => (i64::from(parts), -row.total_ms),
        };
        rows.sort_by(|a, b| {
            let later = |row: &Standing| row.last_correct_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
            key(b)
                .cmp(&key(a))
                .then_with(|| later(a).cmp(&later(b)))
                .then_with(|| a.participant_id.cmp(&b.participant_id))
        });
        let keys: Vec<_> = rows.iter().map(key).collect();
        let mut rank = 0;
        for (n, row) in rows.iter_mut().enumerate() {
            if n == 0 || keys[n] != keys[n - 1] {
                rank = i64::try_from(n + 1).unwrap_or(i64::MAX);
            }
            row.rank = rank;
        }
        Leaderboard {
            scoring: self.scoring,
            frozen_since: self.frozen_since,
            is_final: false,
            items: rows,
            next: None,
        }
    }

    /// The instants at which somebody's score changed, earliest first, each once.
    pub fn instants(&self) -> Vec<DateTime<Utc>> {
        let mut all: Vec<_> =
            self.lines.iter().flat_map(|line| line.moments.iter().map(|moment| moment.at)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(n)
    }

    fn solve(who: &str, at: i64, points: i64) -> Step {
        Step {
            participant_id: who.to_owned(),
            at: minute(at),
            points,
            parts: 1,
            elapsed_ms: at * 60_000,
            penalty: 0,
        }
    }

    fn hint(who: &str, at: i64, penalty: i64) -> Step {
        Step { points: 0, parts: 0, elapsed_ms: 0, penalty, ..solve(who, at, 0) }
    }

    fn race(scoring: Scoring, who: &[&str], steps: Vec<Step>) -> Race {
        let mut moments = moments(scoring, steps);
        let line = |name: &&str| RaceLine {
            rank: 1,
            participant_id: (*name).to_owned(),
            participant_type: ParticipantType::Player,
            display_name: name.to_uppercase(),
            moments: moments.remove(*name).unwrap_or_default(),
        };
        let lines = who.iter().map(line).collect();
        Race { scoring, frozen_since: None, is_final: true, lines }
    }

    fn order(race: &Race, at: i64) -> Vec<(i64, String)> {
        let board = race.board_at(minute(at));
        board.items.into_iter().map(|row| (row.rank, row.participant_id)).collect()
    }

    fn of(order: &[(i64, &str)]) -> Vec<(i64, String)> {
        order.iter().map(|(rank, name)| (*rank, (*name).to_owned())).collect()
    }

    #[test]
    fn who_stood_where_at_each_instant() {
        let steps = vec![
            solve("a", 1, 100),
            solve("b", 2, 99),
            solve("c", 3, 99),
            hint("a", 4, 30),
            solve("c", 5, 50),
        ];
        let race = race(Scoring::PointBased, &["c", "b", "a", "d"], steps);
        assert_eq!(order(&race, 0), of(&[(1, "a"), (1, "b"), (1, "c"), (1, "d")]));
        assert_eq!(order(&race, 1), of(&[(1, "a"), (2, "b"), (2, "c"), (2, "d")]));
        // Ties share a rank, in the order of their last right answer.
        assert_eq!(order(&race, 3), of(&[(1, "a"), (2, "b"), (2, "c"), (4, "d")]));
        // A hint costs places; nobody who solved nothing comes before who did.
        assert_eq!(order(&race, 4), of(&[(1, "b"), (1, "c"), (3, "a"), (4, "d")]));
        assert_eq!(order(&race, 9), of(&[(1, "c"), (2, "b"), (3, "a"), (4, "d")]));
        assert_eq!(race.board_at(minute(9)).items[2].points, 70);
        assert_eq!(race.instants(), [1, 2, 3, 4, 5].map(minute));
    }

    #[test]
    fn by_time_more_parts_come_first_and_then_less_time() {
        let steps = vec![solve("a", 1, 0), solve("b", 2, 0), hint("a", 3, 120), solve("b", 4, 0)];
        let race = race(Scoring::TimeBased, &["a", "b"], steps);
        assert_eq!(order(&race, 2), of(&[(1, "a"), (2, "b")]));
        // Two minutes more: three against two.
        assert_eq!(order(&race, 3), of(&[(1, "b"), (2, "a")]));
        assert_eq!(order(&race, 4), of(&[(1, "b"), (2, "a")]));
        assert_eq!(race.board_at(minute(4)).items[0].total_ms, 360_000);
    }

    #[test]
    fn what_happens_at_one_instant_is_one_moment() {
        let race = race(Scoring::PointBased, &["a"], vec![solve("a", 1, 10), solve("a", 1, 10)]);
        assert_eq!(race.lines[0].moments.len(), 1);
        assert_eq!(race.board_at(minute(1)).items[0].points, 20);
    }
}
