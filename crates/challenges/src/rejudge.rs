//! Judging anew what was answered before a comparison or a checker changed.
//!
//! A change holds for answers to come, so what is solved stays solved, and stays where it is. What was wrong by the old rules and is right
//! by the new ones is told to the author, who may have it counted: as of when it arrived, behind those who have solved the part already.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use access::AuditEntry;
use access::audit;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt as _};
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, GuildId, SubmissionId, UserId};
use sandbox::{Job, Sandbox};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::catalogue::{Author, script_files};
use crate::checks::{Said, checker_job, checker_run};
use crate::error::Error;
use crate::model::{CampaignFacts, CampaignKey};
use crate::rules::{AnswerRule, Scoring, is_right, points_for, points_of, rule_of, rules_read, share_of};
use crate::store::{campaign_find, campaigns_lock};
use crate::submissions::store::{
    NewScore, PartKey, participants_lock, parts_lock, parts_write, scores_write,
};

/// The most answers that are judged anew, newest first.
const MOST_ANSWERS: i64 = 20_000;
/// How many checkers run at once.
const AT_ONCE: usize = 8;

/// An answer whose verdict would be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RejudgedAnswer {
    /// Its id.
    pub submission_id: SubmissionId,
    /// Whose it is: a player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// The part answered.
    pub part: i32,
    /// The answer.
    pub answer: String,
    /// When it arrived.
    pub submitted_at: DateTime<Utc>,
}

/// What judging anew comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejudged {
    /// How many answers were looked at.
    pub answers: usize,
    /// Wrong before, right now, of who has not solved the part: the earliest of each.
    pub newly_right: Vec<RejudgedAnswer>,
    /// Right before and wrong now. They stay solved.
    pub no_longer_right: Vec<RejudgedAnswer>,
    /// Answers on which the checker failed, or could not be run. They stay as they are.
    pub not_judged: usize,
    /// Whether `newly_right` counts now.
    pub applied: bool,
}

/// An answer with all that its verdict takes.
struct Given {
    id: SubmissionId,
    participant_id: String,
    user_id: UserId,
    part: i32,
    answer: String,
    was_right: bool,
    at: DateTime<Utc>,
    input: Value,
    expected: String,
    first_request: DateTime<Utc>,
}

/// What judges a challenge's answers.
struct Judge {
    version: i32,
    rules: Vec<AnswerRule>,
    checker: Option<(Arc<str>, String)>,
    title: String,
}

async fn judge_read(
    conn: &mut PgConnection,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
) -> Result<Judge, Error> {
    let row = sqlx::query!(
        "SELECT slug, title, answer_rules, checker_script, checker_version FROM challenges.challenges
         WHERE guild_id = $1 AND campaign_id = $2 AND id = $3",
        guild.get(),
        campaign.get(),
        challenge.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("challenge"))?;
    Ok(Judge {
        version: row.checker_version,
        rules: rules_read(row.answer_rules),
        checker: row.checker_script.map(|script| (script.into(), row.slug)),
        title: row.title,
    })
}

async fn answers_read(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
) -> sqlx::Result<Vec<Given>> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: SubmissionId", s.participant_id, s.user_id AS "user_id: UserId", s.part, s.submitted_result, s.is_correct,
                  s.submission_timestamp, i.input_json,
                  i.expected_results[s.part] AS expected,
                  i.first_request_timestamp AS "first_request!"
           FROM challenges.challenge_submissions s
           JOIN challenges.generated_input_cache i ON i.guild_id = s.guild_id AND i.challenge_id = s.challenge_id
                AND i.participant_id = s.participant_id AND i.participant_type = s.participant_type AND i.is_valid
                AND i.first_request_timestamp IS NOT NULL
           WHERE s.guild_id = $1 AND s.challenge_id = $2
           ORDER BY s.id DESC LIMIT $3"#,
        guild.get(),
        challenge.get(),
        MOST_ANSWERS,
    )
    .fetch_all(conn)
    .await?;
    let mut given: Vec<Given> = rows
        .into_iter()
        .filter_map(|row| {
            Some(Given {
                id: row.id,
                participant_id: row.participant_id,
                user_id: row.user_id,
                part: row.part,
                answer: row.submitted_result,
                was_right: row.is_correct,
                at: row.submission_timestamp,
                input: row.input_json,
                expected: row.expected?,
                first_request: row.first_request,
            })
        })
        .collect();
    given.reverse();
    Ok(given)
}

/// What each answer is by the present rules; `None` where the checker had no verdict.
async fn verdicts(
    sandbox: Option<&Sandbox>,
    guild: GuildId,
    (judge, checker): (&Judge, Option<&Job>),
    given: &[Given],
) -> Result<Vec<Option<Said>>, Error> {
    let plain = |correct| Some(Said { correct, share: 100, message: None });
    let Some(checker) = checker else {
        let compared =
            given.iter().map(|g| plain(is_right(rule_of(&judge.rules, g.part), &g.answer, &g.expected)));
        return Ok(compared.collect());
    };
    let sandbox = sandbox.ok_or(Error::CheckUnavailable)?;
    let mut runs = Vec::with_capacity(given.len());
    for g in given {
        runs.push(async move {
            let asked = (&g.input, g.expected.as_str());
            checker_run(sandbox, guild.get(), checker, asked, (g.part, &g.answer)).await.ok()
        });
    }
    Ok(stream::iter(runs).buffered(AT_ONCE).collect().await)
}

/// Judges a challenge's answers by what holds now, and says which verdicts would be others. With `apply`, what was wrong and is right
/// counts, in one transaction, unless the rules change meanwhile.
pub async fn rejudge(
    pool: &PgPool,
    sandbox: Option<&Sandbox>,
    within: (GuildId, CampaignId, ChallengeId),
    apply: bool,
    who: Author<'_>,
) -> Result<Rejudged, Error> {
    let (guild, campaign, challenge) = within;
    let mut conn = db::acquire(pool).await?;
    campaign_find(&mut conn, guild, campaign).await?;
    let judge = judge_read(&mut conn, within).await?;
    let given = answers_read(&mut conn, (guild, challenge)).await?;
    let checker = match (&judge.checker, sandbox) {
        (Some((script, slug)), Some(sandbox)) => {
            let files = script_files(&mut conn, within).await?;
            Some(checker_job(Arc::clone(script), slug, files, sandbox.limits()))
        }
        (Some(_), None) => return Err(Error::CheckUnavailable),
        (None, _) => None,
    };
    // No transaction is open while scripts run.
    drop(conn);
    let said = verdicts(sandbox, guild, (&judge, checker.as_ref()), &given).await?;
    let mut done = sorted(&given, &said);
    if apply && !done.newly_right.is_empty() {
        count(pool, within, (&judge, &given, &said), (&mut done, who)).await?;
    }
    Ok(done)
}

/// Which verdicts would be others. A part counts once, and only behind the part before it.
fn sorted(given: &[Given], said: &[Option<Said>]) -> Rejudged {
    let told = |g: &Given| RejudgedAnswer {
        submission_id: g.id,
        participant_id: g.participant_id.clone(),
        part: g.part,
        answer: g.answer.clone(),
        submitted_at: g.at,
    };
    let mut solved: HashSet<(&str, i32)> =
        given.iter().filter(|g| g.was_right).map(|g| (g.participant_id.as_str(), g.part)).collect();
    let mut done = Rejudged { answers: given.len(), ..Rejudged::default() };
    for (g, said) in given.iter().zip(said) {
        let Some(said) = said else {
            done.not_judged += 1;
            continue;
        };
        let key = (g.participant_id.as_str(), g.part);
        match (g.was_right, said.correct) {
            (true, false) => done.no_longer_right.push(told(g)),
            (false, true)
                if !solved.contains(&key) && (g.part == 1 || solved.contains(&(key.0, g.part - 1))) =>
            {
                solved.insert(key);
                done.newly_right.push(told(g));
            }
            _ => {}
        }
    }
    done
}

/// Counts what is newly right.
#[expect(clippy::too_many_lines, reason = "one transaction, in the order of its locks")]
async fn count(
    pool: &PgPool,
    within: (GuildId, CampaignId, ChallengeId),
    (judge, given, said): (&Judge, &[Given], &[Option<Said>]),
    (done, who): (&mut Rejudged, Author<'_>),
) -> Result<(), Error> {
    let (guild, campaign, challenge) = within;
    let key = CampaignKey { guild_id: guild, id: campaign };
    let mut tx = db::begin(pool).await?;
    // Against answers, too: while this is held, none is judged.
    campaigns_lock(&mut tx, guild, campaign).await?;
    let facts = campaign_find(&mut tx, guild, campaign).await?;
    if !facts.is_running() {
        return Err(Error::NotRunning(facts.status));
    }
    let now = judge_read(&mut tx, within).await?;
    if now.version != judge.version || now.rules != judge.rules {
        return Err(Error::Invalid(kernel::Problem::conflict(
            "The rules of its answers were changed meanwhile; judge anew.",
        )));
    }
    let wanted: BTreeMap<SubmissionId, usize> = done
        .newly_right
        .iter()
        .filter_map(|right| {
            Some((right.submission_id, given.iter().position(|g| g.id == right.submission_id)?))
        })
        .collect();
    let mut whose: Vec<_> =
        done.newly_right.iter().map(|right| (key, right.participant_id.clone())).collect();
    whose.sort();
    whose.dedup();
    let mut locked = participants_lock(&mut tx, &whose.iter().collect::<Vec<_>>()).await?;
    let mut parts: Vec<PartKey> =
        done.newly_right.iter().map(|right| (guild, challenge, right.part)).collect();
    parts.sort_unstable();
    parts.dedup();
    let mut counts = parts_lock(&mut tx, &parts).await?;
    let old: HashMap<String, i32> = locked.iter().map(|((_, id), l)| (id.clone(), l.bucket)).collect();
    let mut events = Vec::new();
    // Somebody may have solved the part between the look and the lock: they keep that.
    let mut counted = Vec::new();
    for right in &done.newly_right {
        let Some(n) = wanted.get(&right.submission_id) else { continue };
        let g = &given[*n];
        let share = said[*n].as_ref().map_or(100, |said| said.share);
        let (Some(participant), Some(solves)) =
            (locked.get_mut(&(key, g.participant_id.clone())), counts.get_mut(&(guild, challenge, g.part)))
        else {
            continue;
        };
        let points = match facts.scoring {
            Scoring::PointBased => {
                let first = points_of(&judge.rules, g.part, facts.starting_points);
                share_of(points_for(first, facts.points_decrease_step, *solves + 1), share)
            }
            Scoring::TimeBased => 0,
        };
        let elapsed_ms = (g.at - g.first_request).max(TimeDelta::zero()).num_milliseconds();
        let position = *solves + 1;
        let written = sqlx::query!(
            "UPDATE challenges.challenge_submissions s
             SET is_correct = true, solve_position = $4, points_awarded = $5, elapsed_ms = $6, share_percent = nullif($7, 100)
             WHERE s.guild_id = $1 AND s.campaign_id = $2 AND s.id = $3 AND NOT s.is_correct
               AND NOT EXISTS (SELECT FROM challenges.challenge_submissions o
                               WHERE o.guild_id = s.guild_id AND o.challenge_id = s.challenge_id AND o.part = s.part
                                 AND o.participant_id = s.participant_id AND o.is_correct)",
            guild.get(),
            campaign.get(),
            g.id.get(),
            position,
            points,
            elapsed_ms,
            share,
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            continue;
        }
        *solves = position;
        participant.score.points += i64::from(points);
        participant.score.parts_solved += 1;
        participant.score.total_ms += elapsed_ms;
        participant.last_correct_at = participant.last_correct_at.max(Some(g.at));
        let name = participant.display_name.clone();
        events.push(solved_event(&facts, challenge, g, (position, points, elapsed_ms), &name));
        counted.push(right.clone());
    }
    let scores: Vec<NewScore> = locked
        .iter()
        .map(|((campaign, id), participant)| NewScore {
            campaign: *campaign,
            participant_id: id.clone(),
            score: participant.score,
            key: participant.score.rank_key(facts.scoring),
            last_correct_at: participant.last_correct_at,
            old_bucket: old.get(id).copied().unwrap_or(participant.bucket),
            bucket: participant.score.bucket(facts.scoring),
            wrong_streak: participant.wrong_streak,
            locked_until: participant.locked_until,
        })
        .collect();
    parts_write(&mut tx, &counts).await?;
    scores_write(&mut tx, &scores).await?;
    let (by, origin) = who;
    let mut entry =
        AuditEntry::new(Some(guild), by, "REJUDGE", "challenges.challenges", challenge.to_string());
    if let Some(origin) = origin {
        entry = entry.from(origin);
    }
    entry.after = Some(json!({ "title": judge.title, "newly_right": counted }));
    audit::record(&mut tx, &entry).await?;
    outbox::emit(&mut tx, &events).await?;
    tx.commit().await?;
    done.newly_right = counted;
    done.applied = true;
    Ok(())
}

/// `challenge.solved`, as an answer brings it.
fn solved_event(
    facts: &CampaignFacts,
    challenge: ChallengeId,
    g: &Given,
    (position, points, elapsed_ms): (i32, i32, i64),
    display_name: &str,
) -> Event {
    let frozen = facts.frozen_since(facts.now).is_some();
    let mut payload = json!({
        "campaign_id": facts.id, "challenge_id": challenge, "part": g.part, "participant_id": g.participant_id,
        "participant_type": facts.participants, "display_name": display_name, "solved_at": g.at, "elapsed_ms": elapsed_ms,
        "frozen": frozen,
    });
    if !frozen {
        payload["position"] = json!(position);
        payload["first_blood"] = json!(position == 1);
        if facts.scoring == Scoring::PointBased {
            payload["points"] = json!(points);
        }
    }
    Event {
        guild_id: facts.guild_id,
        event_type: "challenge.solved",
        subject: format!("campaigns/{}", facts.id),
        correlation_id: None,
        user_id: frozen.then_some(g.user_id),
        payload,
    }
}
