//! Answers that belong to somebody else: wrong for who sent them, right for another participant's input.
//!
//! They are looked for beside the judging, which they cost nothing, and told to staff alone: whoever sent one learns that it is wrong. An
//! answer that several participants share, or that a few guesses find, says nothing about anybody and is left out. What makes two answers
//! alike is what makes one right: the challenge's rule of comparison.
//!
//! Each wrong answer is looked at once. Which ones were is kept by answer and not by time: an answer whose checker takes long is written
//! late, with the time of its arrival.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, SubmissionId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::rules::owners::Owners;
use crate::rules::{rule_of, rules_read};
use crate::store::campaign_find;

/// How far back answers are looked at, in seconds: what a run missed, the next ones see.
const BACK: f64 = 900.0;
/// For how long it is remembered that an answer was looked at, in seconds: longer than one is looked at.
const REMEMBERED: f64 = 2.0 * BACK;
/// How many answers a run looks at, the oldest first; what is left, the next one does.
const MOST_ANSWERS: i64 = 10_000;
/// Answers that are shorter are guesses.
const SHORTEST: i32 = 4;

/// An answer that belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BorrowedAnswer {
    /// The answer's id among the campaign's answers.
    pub submission_id: SubmissionId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The part answered.
    pub part: i32,
    /// Who submitted it: a player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// What they are called.
    pub participant_name: String,
    /// The member who sent it.
    pub user_id: UserId,
    /// When it arrived.
    pub submitted_at: DateTime<Utc>,
    /// Whose input it answers.
    pub owner_id: String,
    /// What they are called.
    pub owner_name: String,
    /// When they solved the part; absent where they had not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_solved_at: Option<DateTime<Utc>>,
}

type ChallengeKey = (GuildId, ChallengeId);

/// A wrong answer that nobody has looked at yet.
struct Wrong {
    guild_id: GuildId,
    campaign_id: CampaignId,
    id: SubmissionId,
    challenge_id: ChallengeId,
    participant_id: String,
    part: i32,
    answer: String,
    rules: Option<serde_json::Value>,
}

/// Looks for answers of the last minutes that belong to somebody else, and tells staff of each once. Answers how many were found.
pub async fn borrowed_find(conn: &mut PgConnection) -> sqlx::Result<u64> {
    sqlx::query!(
        "DELETE FROM challenges.borrowed_looks WHERE looked_at < now() - make_interval(secs => $1)",
        REMEMBERED
    )
    .execute(&mut *conn)
    .await?;
    let wrong = wrong_answers(conn).await?;
    if wrong.is_empty() {
        return Ok(0);
    }
    let owners = owners_of(conn, &wrong).await?;
    looked_at(conn, &wrong).await?;
    let borrowed: Vec<(&Wrong, &str)> =
        wrong.iter().zip(&owners).filter_map(|(wrong, owner)| Some((wrong, owner.as_deref()?))).collect();
    note(conn, &borrowed).await
}

async fn wrong_answers(conn: &mut PgConnection) -> sqlx::Result<Vec<Wrong>> {
    sqlx::query_as!(
        Wrong,
        r#"SELECT s.guild_id AS "guild_id: GuildId", s.campaign_id AS "campaign_id: CampaignId", s.id AS "id: SubmissionId",
                  s.challenge_id AS "challenge_id: ChallengeId", s.participant_id, s.part, s.submitted_result AS answer,
                  ch.answer_rules AS rules
           FROM challenges.challenge_submissions s
           JOIN campaigns.campaigns c ON c.guild_id = s.guild_id AND c.id = s.campaign_id AND c.tell_borrowed_answers
           JOIN challenges.challenges ch ON ch.guild_id = s.guild_id AND ch.id = s.challenge_id
           WHERE NOT s.is_correct AND s.submission_timestamp > now() - make_interval(secs => $1)
             AND char_length(s.submitted_result) >= $2
             AND NOT EXISTS (SELECT FROM challenges.borrowed_looks l
                             WHERE l.guild_id = s.guild_id AND l.campaign_id = s.campaign_id AND l.submission_id = s.id)
           ORDER BY s.submission_timestamp LIMIT $3"#,
        BACK,
        SHORTEST,
        MOST_ANSWERS,
    )
    .fetch_all(conn)
    .await
}

/// Whose each of these answers is, where it is that of one other participant and of nobody else.
async fn owners_of(conn: &mut PgConnection, wrong: &[Wrong]) -> sqlx::Result<Vec<Option<String>>> {
    let mut by_challenge = HashMap::<ChallengeKey, Vec<usize>>::new();
    for (n, answer) in wrong.iter().enumerate() {
        by_challenge.entry((answer.guild_id, answer.challenge_id)).or_default().push(n);
    }
    let (guilds, challenges): (Vec<i64>, Vec<Uuid>) =
        by_challenge.keys().map(|(guild, challenge)| (guild.get(), challenge.get())).unzip();
    let mut owners = vec![None; wrong.len()];
    // One challenge after the other, so that the answers to no more than one are held at once.
    let mut rows = sqlx::query!(
        r#"SELECT i.guild_id AS "guild_id: GuildId", i.challenge_id AS "challenge_id: ChallengeId", i.participant_id, i.expected_results
           FROM unnest($1::int8[], $2::uuid[]) AS u(guild_id, challenge_id)
           JOIN challenges.generated_input_cache i ON i.guild_id = u.guild_id AND i.challenge_id = u.challenge_id AND i.is_valid
           JOIN campaigns.campaign_participants p ON p.guild_id = i.guild_id AND p.campaign_id = i.campaign_id
                AND p.participant_id = i.participant_id AND p.participant_type = i.participant_type
           ORDER BY i.guild_id, i.challenge_id"#,
        &guilds,
        &challenges,
    )
    .fetch(conn);
    let mut at: Option<ChallengeKey> = None;
    let mut expected: Vec<(String, Vec<String>)> = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let key = (row.guild_id, row.challenge_id);
        if at.is_some_and(|at| at != key) {
            meet(wrong, at.and_then(|at| by_challenge.get(&at)), &expected, &mut owners);
            expected.clear();
        }
        at = Some(key);
        expected.push((row.participant_id, row.expected_results));
    }
    meet(wrong, at.and_then(|at| by_challenge.get(&at)), &expected, &mut owners);
    Ok(owners)
}

/// Holds the wrong answers to a challenge against what is expected of all.
fn meet(
    wrong: &[Wrong],
    of_challenge: Option<&Vec<usize>>,
    expected: &[(String, Vec<String>)],
    owners: &mut [Option<String>],
) {
    let mut by_part = HashMap::<i32, Vec<usize>>::new();
    for n in of_challenge.into_iter().flatten() {
        by_part.entry(wrong[*n].part).or_default().push(*n);
    }
    for (part, answers) in by_part {
        let rules = rules_read(wrong[answers[0]].rules.clone());
        let index = usize::try_from(part - 1).unwrap_or(usize::MAX);
        let of_part = expected
            .iter()
            .filter_map(|(owner, results)| Some((owner.as_str(), results.get(index)?.as_str())));
        let all = Owners::new(rule_of(&rules, part), of_part);
        for n in answers {
            let whose = all.of(&wrong[n].answer);
            if let (1, Some(owner)) = (whose.len(), whose.first()) {
                // By rules that have changed meanwhile, it may be one's own.
                owners[n] = Some((*owner).to_owned()).filter(|owner| *owner != wrong[n].participant_id);
            }
        }
    }
}

/// Remembers that these were looked at.
async fn looked_at(conn: &mut PgConnection, wrong: &[Wrong]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO challenges.borrowed_looks (guild_id, campaign_id, submission_id)
         SELECT * FROM unnest($1::int8[], $2::uuid[], $3::uuid[])
         ON CONFLICT ON CONSTRAINT pk_borrowed_looks DO NOTHING",
        &wrong.iter().map(|w| w.guild_id.get()).collect::<Vec<_>>(),
        &wrong.iter().map(|w| w.campaign_id.get()).collect::<Vec<_>>(),
        &wrong.iter().map(|w| w.id.get()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps answers that belong to somebody else, and tells staff of those that were not known.
async fn note(conn: &mut PgConnection, borrowed: &[(&Wrong, &str)]) -> sqlx::Result<u64> {
    if borrowed.is_empty() {
        return Ok(0);
    }
    let found = sqlx::query!(
        r#"WITH noted AS (
               INSERT INTO challenges.borrowed_answers (guild_id, campaign_id, submission_id, challenge_id, part, participant_id,
                   participant_type, user_id, submitted_at, owner_id, owner_solved_at)
               SELECT l.guild_id, l.campaign_id, l.id, l.challenge_id, l.part, l.participant_id, l.participant_type, l.user_id,
                      l.submission_timestamp, o.owner_id,
                      (SELECT s.submission_timestamp FROM challenges.challenge_submissions s
                       WHERE s.guild_id = l.guild_id AND s.challenge_id = l.challenge_id AND s.part = l.part
                         AND s.participant_id = o.owner_id AND s.is_correct LIMIT 1)
               FROM unnest($1::int8[], $2::uuid[], $3::uuid[], $4::text[]) AS o(guild_id, campaign_id, id, owner_id)
               JOIN challenges.challenge_submissions l
                 ON l.guild_id = o.guild_id AND l.campaign_id = o.campaign_id AND l.id = o.id AND NOT l.is_correct
               ON CONFLICT ON CONSTRAINT pk_borrowed_answers DO NOTHING
               RETURNING *
           )
           SELECT n.guild_id AS "guild_id!: GuildId", n.campaign_id AS "campaign_id!: CampaignId",
                  n.challenge_id AS "challenge_id!: ChallengeId", n.part AS "part!", n.participant_id AS "participant_id!",
                  n.user_id AS "user_id!: UserId", n.submitted_at AS "submitted_at!", n.owner_id AS "owner_id!",
                  n.owner_solved_at AS "owner_solved_at?", ch.title AS "title!", p.display_name AS "participant_name!",
                  q.display_name AS "owner_name!"
           FROM noted n
           JOIN challenges.challenges ch ON ch.guild_id = n.guild_id AND ch.id = n.challenge_id
           JOIN campaigns.campaign_participants p ON p.guild_id = n.guild_id AND p.campaign_id = n.campaign_id
                AND p.participant_id = n.participant_id
           JOIN campaigns.campaign_participants q ON q.guild_id = n.guild_id AND q.campaign_id = n.campaign_id
                AND q.participant_id = n.owner_id
           ORDER BY n.guild_id, n.submitted_at"#,
        &borrowed.iter().map(|(w, _)| w.guild_id.get()).collect::<Vec<_>>(),
        &borrowed.iter().map(|(w, _)| w.campaign_id.get()).collect::<Vec<_>>(),
        &borrowed.iter().map(|(w, _)| w.id.get()).collect::<Vec<_>>(),
        &borrowed.iter().map(|(_, owner)| (*owner).to_owned()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let events: Vec<Event> = found
        .iter()
        .map(|row| {
            let mut payload = json!({
                "campaign_id": row.campaign_id, "challenge_id": row.challenge_id, "title": row.title, "part": row.part,
                "participant_id": row.participant_id, "participant_name": row.participant_name,
                "member_id": row.user_id, "submitted_at": row.submitted_at, "owner_id": row.owner_id, "owner_name": row.owner_name,
            });
            if let Some(at) = row.owner_solved_at {
                payload["owner_solved_at"] = json!(at);
            }
            Event {
                guild_id: row.guild_id,
                event_type: "challenge.borrowed_answer",
                subject: format!("campaigns/{}", row.campaign_id),
                correlation_id: None,
                // For staff alone.
                user_id: Some(UserId::HOUSE),
                payload,
            }
        })
        .collect();
    outbox::emit(conn, &events).await?;
    Ok(found.len() as u64)
}

/// A campaign's answers that belong to somebody else, newest first, for staff.
pub async fn borrowed_list(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    query: &PageQuery,
) -> Result<Page<BorrowedAnswer>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let before: Option<Uuid> = query.after().map_err(Error::Invalid)?;
    let mut conn = db::acquire(pool).await?;
    campaign_find(&mut conn, guild, campaign).await?;
    let rows = sqlx::query_as!(
        BorrowedAnswer,
        r#"SELECT b.submission_id AS "submission_id: SubmissionId", b.challenge_id AS "challenge_id: ChallengeId", b.part, b.participant_id,
                  p.display_name AS participant_name, b.user_id AS "user_id: UserId", b.submitted_at, b.owner_id,
                  q.display_name AS owner_name, b.owner_solved_at
           FROM challenges.borrowed_answers b
           JOIN campaigns.campaign_participants p ON p.guild_id = b.guild_id AND p.campaign_id = b.campaign_id
                AND p.participant_id = b.participant_id
           JOIN campaigns.campaign_participants q ON q.guild_id = b.guild_id AND q.campaign_id = b.campaign_id
                AND q.participant_id = b.owner_id
           WHERE b.guild_id = $1 AND b.campaign_id = $2 AND ($3::uuid IS NULL OR b.submission_id < $3)
           ORDER BY b.submission_id DESC LIMIT $4"#,
        guild.get(),
        campaign.get(),
        before,
        limit.plus_one(),
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Page::new(rows, limit, |row| row.submission_id.get()))
}
