//! Answers given: a participant's own, and all of them for admins.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, SubmissionId, UserId};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::{Reading, Viewer, challenge_get};
use crate::error::Error;
use crate::leaderboard::View;
use crate::model::Acting;
use crate::store::{acting_for, campaign_find, challenge_exists};

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
    let facts = campaign_find(&mut conn, guild, campaign).await?;
    let (participant, view) = match whose {
        Whose::Everybodys => {
            if let Some(challenge) = challenge {
                challenge_exists(&mut conn, guild, campaign, challenge).await?;
            }
            (None, View::of(&facts, true))
        }
        Whose::Own(user) => {
            let acting = acting_for(&mut conn, &[(facts.key(), user, facts.now)]).await?.pop();
            let view = View::of(&facts, false);
            let acting = acting.unwrap_or(Acting::Nobody);
            let viewer = Viewer { admin: false, acting, view, reading: Reading::default() };
            if let Some(challenge) = challenge {
                // What is not released does not exist here either.
                challenge_get(&mut conn, &facts, &viewer, challenge).await?;
            }
            // Who acts for nobody has sent nothing: no participant has an empty id.
            let id = match viewer.acting {
                Acting::For(participant) => participant.id,
                Acting::Tester(_) | Acting::Nobody => String::new(),
            };
            (Some(id), view)
        }
    };
    let rows = sqlx::query_as!(
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
        campaign.get(),
        participant,
        challenge.map(ChallengeId::get),
        before,
        view.horizon(),
        limit.plus_one(),
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Page::new(rows, limit, |row| row.id.get()))
}
