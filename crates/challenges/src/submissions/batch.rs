//! A batch, from locks to verdicts, in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use access::web::Repeatable;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use jobs::outbox::{self, Event};
use kernel::{GuildId, SubmissionId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::{NoContext, Timestamp, Uuid};

use super::judge::{Judgement, Solved, Standing, judge, refuse_if_too_many};
use super::store::{self, Locked, Look, NewScore, PartKey, ParticipantKey, Record};
use super::{Outcome, Submission, Verdict};
use crate::checks::Check;
use crate::checks::store::{pending_insert, pending_release, pending_take, windows_release};
use crate::error::Error;
use crate::model::{Acting, CampaignFacts, CampaignKey, Participant};
use crate::rules::{Recent, Scoring, lockout, points_for, points_of, share_of};
use crate::store::{acting_for, campaigns_lock_shared};

/// What came of a batch: an outcome for each submission, in order, and whether events were written.
pub(super) struct Judged {
    pub(super) outcomes: Vec<Come>,
    pub(super) events: bool,
}

/// What came of one submission.
#[derive(Debug)]
pub(super) enum Come {
    /// A verdict, or why there is none.
    To(Outcome),
    /// Its checker has to look at it first. It is kept until then.
    Check(Box<Check>),
}

/// Judges one answer in a transaction of its own: what [`super::SubmissionWriter`] does for many. Checkers are not at hand here: what
/// needs one is not judged.
pub async fn submit(pool: &PgPool, submission: Submission) -> Outcome {
    let mut judged = commit(pool, std::slice::from_ref(&submission), &mut Order::default()).await?;
    match judged.outcomes.pop() {
        Some(Come::To(outcome)) => outcome,
        Some(Come::Check(check)) => {
            pending_release(pool, &check).await?;
            Err(Error::CheckUnavailable)
        }
        None => Err(Error::Stopping),
    }
}

/// Judges a batch and commits it. An error means that nothing was recorded, or that the connection was lost.
pub(super) async fn commit(pool: &PgPool, batch: &[Submission], order: &mut Order) -> sqlx::Result<Judged> {
    let mut tx = db::begin(pool).await?;
    let judged = run(&mut tx, batch, order).await?;
    tx.commit().await?;
    Ok(judged)
}

/// The latest arrival that a writer has seen, by this machine's clock and by the database's. What passes between the two being read
/// is not the same for every batch: by itself, an answer could be earlier than one that arrived before it.
#[derive(Debug, Default)]
pub(super) struct Order(Option<(Instant, DateTime<Utc>)>);

impl Order {
    /// The time of an arrival, not before that of any earlier one.
    fn placed(&mut self, arrived: Instant, at: DateTime<Utc>) -> DateTime<Utc> {
        let Some((_, time)) = self.0.filter(|(last, _)| *last <= arrived) else {
            self.0 = self.0.or(Some((arrived, at)));
            return at;
        };
        // A database's clock that was set back is believed.
        let set_back = time - at > TimeDelta::seconds(1);
        let at = if set_back { at } else { at.max(time) };
        self.0 = Some((arrived, at));
        at
    }
}

/// One submission on its way through the batch.
struct Case<'a> {
    n: usize,
    submission: &'a Submission,
    facts: &'a CampaignFacts,
    arrival: DateTime<Utc>,
    participant: Participant,
    tester: bool,
}

impl Case<'_> {
    fn key(&self) -> ParticipantKey {
        (self.facts.key(), self.participant.id.clone())
    }

    fn part(&self, part: i32) -> PartKey {
        (self.facts.guild_id, self.submission.challenge_id, part)
    }

    /// The id under which the answer was kept while its checker looked at it.
    fn kept_as(&self) -> Option<SubmissionId> {
        self.submission.settles.as_ref()?.id
    }

    fn to_check(&self, part: i32) -> Check {
        Check {
            id: (!self.tester).then(|| submission_id(self.arrival)),
            submission: self.submission.clone(),
            participant: self.participant.clone(),
            part,
            arrived_at: self.arrival,
        }
    }

    fn look(&self) -> Look {
        Look {
            campaign: self.facts.key(),
            challenge_id: self.submission.challenge_id,
            participant: self.participant.clone(),
        }
    }
}

async fn run(conn: &mut PgConnection, batch: &[Submission], order: &mut Order) -> sqlx::Result<Judged> {
    let mut outcomes: Vec<Option<Come>> = batch.iter().map(|_| None).collect();

    let keys: Vec<CampaignKey> = unique(batch.iter().map(Submission::campaign));
    let campaigns = campaigns_lock_shared(conn, &keys).await?;
    let read_at = Instant::now();
    let Some(now) = campaigns.iter().map(|facts| facts.now).max() else {
        return Ok(Judged { outcomes: not_found(outcomes), events: false });
    };
    let campaigns: HashMap<CampaignKey, CampaignFacts> =
        campaigns.into_iter().map(|f| (f.key(), f)).collect();

    let mut cases = cases(conn, batch, &campaigns, (now, read_at, order), &mut outcomes).await?;
    // In the order of arrival, whatever the order in which requests found their way here.
    cases.sort_by_key(|case| (case.arrival, case.n));

    let wanted: BTreeSet<ParticipantKey> = cases.iter().filter(|c| !c.tester).map(Case::key).collect();
    let mut locked = if wanted.is_empty() {
        HashMap::new()
    } else {
        store::participants_lock(conn, &wanted.iter().collect::<Vec<_>>()).await?
    };

    let taken = settled_take(conn, &cases).await?;

    let looks: Vec<Look> = unique_in_order(cases.iter().map(Case::look));
    let keep = cases.iter().map(|case| case.facts.limits.per_5min).max().unwrap_or(1);
    let since = cases.first().map_or(now, |case| case.arrival);
    let read = if looks.is_empty() {
        Vec::new()
    } else {
        store::standings_read(conn, &looks, (since, keep)).await?
    };
    let mut standings: HashMap<Look, Standing> = HashMap::with_capacity(looks.len());
    let mut recents: HashMap<ParticipantKey, Recent> = HashMap::new();
    for (look, found) in looks.into_iter().zip(read) {
        if let Some((standing, recent)) = found {
            recents.entry((look.campaign, look.participant.id.clone())).or_insert(recent);
            standings.insert(look, standing);
        }
    }

    // First who is right, in order of arrival; then, with the parts locked, at which place.
    let mut judged: Vec<(&Case<'_>, Judgement)> = Vec::with_capacity(cases.len());
    let mut released = Vec::new();
    for case in &cases {
        let judgement = match case.kept_as() {
            Some(id) if !taken.contains(&id) => Err(Error::CheckedElsewhere),
            _ => judge_case(case, &mut locked, &mut standings, &mut recents),
        };
        match judgement {
            Ok(judgement) => {
                if matches!(judgement, Judgement::Again { .. }) && case.kept_as().is_some() {
                    released.push((case.facts.key(), case.participant.id.clone(), case.arrival));
                }
                judged.push((case, judgement));
            }
            Err(error) => {
                // What is not judged has cost no try.
                if case.kept_as().is_some_and(|id| taken.contains(&id)) {
                    released.push((case.facts.key(), case.participant.id.clone(), case.arrival));
                }
                outcomes[case.n] = Some(Come::To(Err(error)));
            }
        }
    }
    let mut settled = settle(conn, &judged, &mut locked, &mut standings, &recents).await?;
    write(conn, &mut settled, &locked, &campaigns).await?;
    windows_release(conn, &released).await?;
    for (n, verdict) in settled.verdicts {
        outcomes[n] = Some(Come::To(Ok(verdict)));
    }
    for (n, check) in settled.checks {
        outcomes[n] = Some(Come::Check(Box::new(check)));
    }
    Ok(Judged { outcomes: not_found(outcomes), events: !settled.events.is_empty() })
}

/// Whatever got no outcome names a campaign that its guild does not have.
fn not_found(outcomes: Vec<Option<Come>>) -> Vec<Come> {
    outcomes.into_iter().map(|o| o.unwrap_or(Come::To(Err(Error::NotFound("campaign"))))).collect()
}

/// Takes those that come back from their checkers out of those that wait. Most batches have none.
async fn settled_take(conn: &mut PgConnection, cases: &[Case<'_>]) -> sqlx::Result<Vec<SubmissionId>> {
    let keys: Vec<(GuildId, SubmissionId)> =
        cases.iter().filter_map(|case| Some((case.submission.guild_id, case.kept_as()?))).collect();
    if keys.is_empty() { Ok(Vec::new()) } else { pending_take(conn, &keys).await }
}

async fn cases<'a>(
    conn: &mut PgConnection,
    batch: &'a [Submission],
    campaigns: &'a HashMap<CampaignKey, CampaignFacts>,
    (now, read_at, order): (DateTime<Utc>, Instant, &mut Order),
    outcomes: &mut [Option<Come>],
) -> sqlx::Result<Vec<Case<'a>>> {
    let known: Vec<(usize, &Submission, &CampaignFacts, DateTime<Utc>)> = batch
        .iter()
        .enumerate()
        .filter_map(|(n, submission)| {
            let facts = campaigns.get(&submission.campaign())?;
            let arrival = if let Some(settles) = &submission.settles {
                settles.arrived_at
            } else {
                let waited = read_at.saturating_duration_since(submission.arrived);
                // What is kept meanwhile is kept in microseconds, and must be found by its time again.
                let at = (now - TimeDelta::from_std(waited).unwrap_or_default()).trunc_subsecs(6);
                order.placed(submission.arrived, at)
            };
            Some((n, submission, facts, arrival))
        })
        .collect();
    let plain = known.iter().all(|(_, _, facts, _)| {
        !facts.has_testers && facts.participants == crate::model::ParticipantType::Player
    });
    let acting = if plain {
        known.iter().map(|(_, s, ..)| Acting::For(Participant::player(s.user_id))).collect()
    } else {
        let asked: Vec<_> = known.iter().map(|(_, s, facts, at)| (facts.key(), s.user_id, *at)).collect();
        acting_for(conn, &asked).await?
    };
    let mut cases = Vec::with_capacity(known.len());
    for ((n, submission, facts, arrival), acting) in known.into_iter().zip(acting) {
        let tester = acting.is_tester();
        match acting {
            Acting::For(participant) | Acting::Tester(participant) => {
                cases.push(Case { n, submission, facts, arrival, participant, tester });
            }
            Acting::Nobody => outcomes[n] = Some(Come::To(Err(Error::NotEligible))),
        }
    }
    Ok(cases)
}

/// Judges one answer and lets the next ones of the batch know.
fn judge_case(
    case: &Case<'_>,
    locked: &mut HashMap<ParticipantKey, Locked>,
    standings: &mut HashMap<Look, Standing>,
    recents: &mut HashMap<ParticipantKey, Recent>,
) -> Result<Judgement, Error> {
    let standing = standings.get_mut(&case.look()).ok_or(Error::NotFound("challenge"))?;
    if !standing.visible(case.facts, case.tester, case.arrival) {
        return Err(Error::NotFound("challenge"));
    }
    let key = case.key();
    let participant = locked.get_mut(&key);
    if participant.is_none() && !case.tester {
        return Err(Error::NotRegistered);
    }
    let until = participant.as_ref().and_then(|p| p.locked_until);
    let asked = (case.submission.part, case.submission.answer.as_str(), case.arrival);
    let settles = case.submission.settles.as_ref();
    // Whoever was let in to be checked stays in.
    let until = until.filter(|_| settles.is_none());
    let judgement =
        judge(case.facts, standing, case.tester, (until, settles.map(|s| s.said.correct)), asked)?;
    let Some(participant) = participant else { return Ok(judgement) };
    let recent = recents.entry(key).or_default();
    match judgement {
        Judgement::Again { .. } => {}
        // A run of a checker is dear: also a right answer waits for room in the windows.
        Judgement::Check { .. } => {
            refuse_if_too_many(case.facts, recent, case.arrival)?;
            recent.record(case.arrival);
        }
        Judgement::Wrong { .. } => {
            if settles.is_none() {
                refuse_if_too_many(case.facts, recent, case.arrival)?;
                recent.record(case.arrival);
            }
            participant.wrong_streak = participant.wrong_streak.saturating_add(1);
            participant.locked_until =
                lockout(&case.facts.limits, participant.wrong_streak).map(|wait| case.arrival + wait);
        }
        Judgement::Right { part, elapsed_ms } => {
            if settles.is_none() {
                recent.record(case.arrival);
            }
            participant.wrong_streak = 0;
            participant.locked_until = None;
            let solved = Solved { position: 0, points: 0, elapsed_ms, at: case.arrival };
            standing.solve(part, solved);
        }
    }
    Ok(judgement)
}

/// What is to be written.
struct Settled {
    verdicts: Vec<(usize, Verdict)>,
    /// Answers that their checkers have to look at.
    checks: Vec<(usize, Check)>,
    records: Vec<Record>,
    events: Vec<Event>,
    changed: BTreeSet<ParticipantKey>,
    counts: HashMap<PartKey, i32>,
    old_buckets: HashMap<ParticipantKey, i32>,
    /// Requests with wrong answers. Judged again, one would be recorded again; a right one is not.
    once: Vec<Repeatable>,
}

/// Gives right answers their positions, and all answers their verdicts.
#[expect(clippy::too_many_lines, reason = "the last leg of a batch, answer by answer")]
async fn settle(
    conn: &mut PgConnection,
    judged: &[(&Case<'_>, Judgement)],
    locked: &mut HashMap<ParticipantKey, Locked>,
    standings: &mut HashMap<Look, Standing>,
    recents: &HashMap<ParticipantKey, Recent>,
) -> sqlx::Result<Settled> {
    let solved_parts: BTreeSet<PartKey> = judged
        .iter()
        .filter_map(|(case, judgement)| match judgement {
            Judgement::Right { part, .. } if !case.tester => Some(case.part(*part)),
            _ => None,
        })
        .collect();
    let mut counts = HashMap::new();
    if !solved_parts.is_empty() {
        counts = store::parts_lock(conn, &solved_parts.into_iter().collect::<Vec<_>>()).await?;
    }
    let mut settled = Settled {
        verdicts: Vec::with_capacity(judged.len()),
        checks: Vec::new(),
        records: Vec::with_capacity(judged.len()),
        events: Vec::new(),
        once: Vec::new(),
        changed: BTreeSet::new(),
        counts: HashMap::new(),
        old_buckets: locked.iter().map(|(key, p)| (key.clone(), p.bucket)).collect(),
    };
    for (case, judgement) in judged {
        let look = case.look();
        let key = case.key();
        if let Judgement::Check { part } = *judgement {
            settled.once.push(case.submission.request.clone());
            settled.checks.push((case.n, case.to_check(part)));
            continue;
        }
        let mut verdict = verdict_of(case, *judgement, recents.get(&key));
        let (Some(standing), false) = (standings.get_mut(&look), case.tester) else {
            settled.verdicts.push((case.n, verdict));
            continue;
        };
        let Some(participant) = locked.get_mut(&key) else { continue };
        let mut record = None;
        match *judgement {
            Judgement::Check { .. } => {}
            Judgement::Again { part } => {
                if let Some(solved) = standing.solved(part) {
                    show_solved(&mut verdict, case, solved);
                }
            }
            Judgement::Wrong { .. } => {
                record = Some(None);
                if case.facts.limits.lockout_seconds > 0 {
                    settled.changed.insert(key.clone());
                    let wait = participant.locked_until.map_or(0, |until| seconds_up(until - case.arrival));
                    verdict.retry_after = verdict.retry_after.max((wait > 0).then_some(wait));
                }
            }
            Judgement::Right { part, elapsed_ms } => {
                let count = counts.get_mut(&case.part(part)).ok_or_else(|| {
                    sqlx::Error::Protocol(format!("challenge {} lacks part {part}", look.challenge_id))
                })?;
                *count += 1;
                let points = match case.facts.scoring {
                    Scoring::PointBased => {
                        let first = points_of(&standing.rules, part, case.facts.starting_points);
                        let whole = points_for(first, case.facts.points_decrease_step, *count);
                        share_of(
                            whole,
                            case.submission.settles.as_ref().map_or(100, |settles| settles.said.share),
                        )
                    }
                    Scoring::TimeBased => 0,
                };
                let solved = Solved { position: *count, points, elapsed_ms, at: case.arrival };
                settled.counts.insert(case.part(part), *count);
                standing.solve(part, solved);
                participant.score.points += i64::from(points);
                participant.score.parts_solved += 1;
                participant.score.total_ms += elapsed_ms;
                participant.last_correct_at = participant.last_correct_at.max(Some(case.arrival));
                settled.changed.insert(key.clone());
                settled.events.push(solved_event(case, part, solved, &participant.display_name));
                verdict.next_part = (part < standing.parts).then_some(part + 1);
                show_solved(&mut verdict, case, solved);
                record = Some(Some(solved));
            }
        }
        if let Some(solved) = record {
            let settles = case.submission.settles.as_ref();
            if solved.is_none() && settles.is_none() {
                settled.once.push(case.submission.request.clone());
            }
            let id = case.kept_as().unwrap_or_else(|| submission_id(case.arrival));
            verdict.submission_id = Some(id);
            settled.records.push(Record {
                id,
                look,
                user_id: case.submission.user_id,
                part: verdict.part,
                answer: case.submission.answer.clone(),
                solved,
                arrival: case.arrival,
                said: settles.map(|settles| settles.said.clone()),
            });
        }
        settled.verdicts.push((case.n, verdict));
    }
    Ok(settled)
}

fn verdict_of(case: &Case<'_>, judgement: Judgement, recent: Option<&Recent>) -> Verdict {
    let (part, correct, already_solved) = match judgement {
        Judgement::Wrong { part } | Judgement::Check { part } => (part, false, false),
        Judgement::Right { part, .. } => (part, true, false),
        Judgement::Again { part } => (part, true, true),
    };
    let limits = &case.facts.limits;
    let fresh = Recent::default();
    // Testers' answers are not counted, so nothing of theirs is in a window.
    let recent = if case.tester { &fresh } else { recent.unwrap_or(&fresh) };
    let left = recent.left(case.arrival, limits);
    Verdict {
        submission_id: None,
        challenge_id: case.submission.challenge_id,
        part,
        correct,
        already_solved,
        counted: !case.tester,
        position: None,
        points: None,
        elapsed_ms: None,
        message: case.submission.settles.as_ref().and_then(|settles| settles.said.message.clone()),
        next_part: None,
        left_in_5s: left.per_5s,
        left_in_5min: left.per_5min,
        retry_after: recent.wait(case.arrival, limits).map(seconds_up),
        arrived_at: case.arrival,
    }
}

fn seconds_up(wait: TimeDelta) -> i64 {
    wait.num_seconds() + i64::from(wait.subsec_nanos() > 0)
}

/// What a solved part brought; place and points only while the scoreboard shows them.
fn show_solved(verdict: &mut Verdict, case: &Case<'_>, solved: Solved) {
    verdict.elapsed_ms = Some(solved.elapsed_ms);
    // What was solved before the freeze stays known.
    let hidden = case.facts.frozen_since(case.arrival).is_some_and(|since| solved.at >= since);
    if !hidden {
        verdict.position = Some(solved.position);
        verdict.points = (case.facts.scoring == Scoring::PointBased).then_some(solved.points);
    }
}

/// `challenge.solved`. While the scoreboard is frozen only the member who solved it (and admins) may see it, and it says
/// neither place nor points.
fn solved_event(case: &Case<'_>, part: i32, solved: Solved, display_name: &str) -> Event {
    let frozen = case.facts.frozen_since(case.arrival).is_some();
    let mut payload = json!({
        "campaign_id": case.submission.campaign_id,
        "challenge_id": case.submission.challenge_id,
        "part": part,
        "participant_id": case.participant.id,
        "participant_type": case.participant.kind,
        "display_name": display_name,
        "solved_at": case.arrival,
        "elapsed_ms": solved.elapsed_ms,
        "frozen": frozen,
    });
    if !frozen {
        payload["position"] = json!(solved.position);
        payload["first_blood"] = json!(solved.position == 1);
        if case.facts.scoring == Scoring::PointBased {
            payload["points"] = json!(solved.points);
        }
    }
    Event {
        guild_id: case.facts.guild_id,
        event_type: "challenge.solved",
        subject: format!("campaigns/{}", case.submission.campaign_id),
        correlation_id: None,
        user_id: frozen.then_some(case.submission.user_id),
        payload,
    }
}

async fn write(
    conn: &mut PgConnection,
    settled: &mut Settled,
    locked: &HashMap<ParticipantKey, Locked>,
    campaigns: &HashMap<CampaignKey, CampaignFacts>,
) -> sqlx::Result<()> {
    if !settled.records.is_empty() {
        store::records_insert(conn, &settled.records).await?;
    }
    if !settled.checks.is_empty() {
        pending_insert(conn, &settled.checks.iter().map(|(_, check)| check).collect::<Vec<_>>()).await?;
    }
    // Whoever lost its key took too long to answer; the answer counts all the same.
    Repeatable::all_carried_out(conn, &settled.once).await?;
    let scores: Vec<NewScore> = settled
        .changed
        .iter()
        .filter_map(|key| {
            let (participant, facts) = (locked.get(key)?, campaigns.get(&key.0)?);
            Some(NewScore {
                campaign: key.0,
                participant_id: key.1.clone(),
                score: participant.score,
                key: participant.score.rank_key(facts.scoring),
                last_correct_at: participant.last_correct_at,
                old_bucket: settled.old_buckets.get(key).copied().unwrap_or(participant.bucket),
                bucket: participant.score.bucket(facts.scoring),
                wrong_streak: participant.wrong_streak,
                locked_until: participant.locked_until,
            })
        })
        .collect();
    if !settled.counts.is_empty() {
        store::parts_write(conn, &settled.counts).await?;
    }
    if !scores.is_empty() {
        store::scores_write(conn, &scores).await?;
    }
    outbox::emit(conn, &settled.events).await
}

/// A time-ordered id from the time of arrival.
fn submission_id(arrival: DateTime<Utc>) -> SubmissionId {
    let seconds = u64::try_from(arrival.timestamp()).unwrap_or(0);
    SubmissionId::new(Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        arrival.timestamp_subsec_nanos(),
    )))
}

fn unique<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<T>>().into_iter().collect()
}

fn unique_in_order<T: Clone + Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}
