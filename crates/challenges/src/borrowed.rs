//! Answers that belong to somebody else: wrong for who sent them, right for another participant's input.
//!
//! They are looked for beside the judging, which they cost nothing, and told to staff alone: whoever sent one learns that it is wrong. An
//! answer that several participants share, or that a few guesses find, says nothing about anybody and is left out.

use chrono::{DateTime, Utc};
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, SubmissionId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::store::campaign_find;

/// How far back answers are looked at, in seconds: what a run missed, the next ones see.
const BACK: f64 = 900.0;
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

/// Looks for answers of the last minutes that belong to somebody else, and tells staff of each once. Answers how many were found.
pub async fn borrowed_find(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let found = sqlx::query!(
        r#"WITH lately AS (
               SELECT s.* FROM challenges.challenge_submissions s
               JOIN campaigns.campaigns c ON c.guild_id = s.guild_id AND c.id = s.campaign_id AND c.tell_borrowed_answers
               WHERE NOT s.is_correct AND s.submission_timestamp > now() - make_interval(secs => $1)
                 AND char_length(s.submitted_result) >= $2
                 AND NOT EXISTS (SELECT FROM challenges.borrowed_answers b
                                 WHERE b.guild_id = s.guild_id AND b.campaign_id = s.campaign_id AND b.submission_id = s.id)
           ), owned AS (
               SELECT l.guild_id, l.campaign_id, l.id, min(i.participant_id) AS owner_id
               FROM lately l
               JOIN challenges.generated_input_cache i ON i.guild_id = l.guild_id AND i.challenge_id = l.challenge_id
                    AND i.participant_type = l.participant_type AND i.is_valid
                    AND CASE WHEN l.part = 1 THEN i.expected_result ELSE i.expected_result_part2 END = l.submitted_result
               GROUP BY l.guild_id, l.campaign_id, l.id
               HAVING count(*) = 1
           ), noted AS (
               INSERT INTO challenges.borrowed_answers (guild_id, campaign_id, submission_id, challenge_id, part, participant_id,
                   participant_type, user_id, submitted_at, owner_id, owner_solved_at)
               SELECT l.guild_id, l.campaign_id, l.id, l.challenge_id, l.part, l.participant_id, l.participant_type, l.user_id,
                      l.submission_timestamp, o.owner_id,
                      (SELECT s.submission_timestamp FROM challenges.challenge_submissions s
                       WHERE s.guild_id = l.guild_id AND s.challenge_id = l.challenge_id AND s.part = l.part
                         AND s.participant_id = o.owner_id AND s.is_correct LIMIT 1)
               FROM owned o JOIN lately l ON l.guild_id = o.guild_id AND l.campaign_id = o.campaign_id AND l.id = o.id
               WHERE o.owner_id <> l.participant_id
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
        BACK,
        SHORTEST,
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
