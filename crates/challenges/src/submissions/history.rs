//! Answers given: a participant's own, and all of them for admins.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, SubmissionId, UserId};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::{Reading, Viewer, challenge_get};
use crate::error::Error;
use crate::leaderboard::View;
use crate::model::{Acting, CampaignFacts};
use crate::store::{Found, campaign_found_by, challenge_exists};

/// An answer that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PastSubmission {
    /// Its id.
    pub id: SubmissionId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The participant it counts for.
    pub participant_id: String,
    /// The member who sent it.
    pub user_id: UserId,
    /// The part answered.
    pub part: i32,
    /// The answer.
    pub answer: String,
    /// Whether it was right.
    pub correct: bool,
    /// Which solver of the part this was, from 1. Hidden while the scoreboard is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    /// Points it brought. Hidden while the scoreboard is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i32>,
    /// Milliseconds from the first request of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<i64>,
    /// What the challenge's checker had to say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it arrived.
    pub submitted_at: DateTime<Utc>,
}

/// Whose answers to list.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Those of whoever this member acts for.
    Own(UserId),
    /// Everybody's, for admins.
    Everybodys,
}

/// Answers of a campaign, newest first: to one challenge, or to all.
#[kernel::boxed]
pub async fn submission_list(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    challenge: Option<ChallengeId>,
    whose: Whose,
    query: &PageQuery,
) -> Result<Page<PastSubmission>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let before: Option<Uuid> = query.after().map_err(Error::Invalid)?;
    let mut conn = db::acquire(pool).await?;
    let user = match whose {
        Whose::Own(user) => Some(user),
        Whose::Everybodys => None,
    };
    let Found { facts, acting, .. } = campaign_found_by(&mut conn, guild, campaign, user).await?;
    let view = View::of(&facts, user.is_none());
    let participant = if user.is_some() {
        let viewer = Viewer { admin: false, acting, view, reading: Reading::default() };
        if let Some(challenge) = challenge {
            // What is not released does not exist here either.
            challenge_get(&mut conn, &facts, &viewer, challenge).await?;
        }
        // Who acts for nobody has sent nothing: no participant has an empty id.
        Some(viewer.participant_id().unwrap_or_default().to_owned())
    } else {
        if let Some(challenge) = challenge {
            challenge_exists(&mut conn, guild, campaign, challenge).await?;
        }
        None
    };
    let within = (participant.as_deref(), challenge);
    let rows = rows(&mut conn, &facts, view, within, (before, limit.plus_one())).await?;
    Ok(Page::new(rows, limit, |row| row.id.get()))
}

/// The latest answers to a challenge of whoever a member acts for, as they may see them; at most so many.
pub(crate) async fn answers_of(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    acting: &Acting,
    challenge: ChallengeId,
    count: i64,
) -> sqlx::Result<Vec<PastSubmission>> {
    // A tester's are not kept.
    let Acting::For(participant) = acting else { return Ok(Vec::new()) };
    let within = (Some(participant.id.as_str()), Some(challenge));
    rows(conn, facts, View::of(facts, false), within, (None, count)).await
}

async fn rows(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    (participant, challenge): (Option<&str>, Option<ChallengeId>),
    (before, count): (Option<Uuid>, i64),
) -> sqlx::Result<Vec<PastSubmission>> {
    sqlx::query_as!(
        PastSubmission,
        r#"SELECT id AS "id: SubmissionId", challenge_id AS "challenge_id: ChallengeId", participant_id,
                  user_id AS "user_id: UserId", part, submitted_result AS answer, is_correct AS correct,
                  CASE WHEN is_correct AND submission_timestamp < coalesce($5, 'infinity'::timestamptz) THEN solve_position END AS position,
                  CASE WHEN is_correct AND submission_timestamp < coalesce($5, 'infinity'::timestamptz) THEN points_awarded END AS points,
                  elapsed_ms, checker_message AS message, submission_timestamp AS submitted_at
           FROM challenges.challenge_submissions
           WHERE guild_id = $7 AND campaign_id = $1 AND ($2::text IS NULL OR participant_id = $2)
             AND ($3::uuid IS NULL OR challenge_id = $3) AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $6"#,
        facts.id.get(),
        participant,
        challenge.map(ChallengeId::get),
        before,
        view.horizon(),
        count,
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await
}
