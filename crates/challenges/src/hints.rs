//! Hints: shown locked with their price; unlocked once, paid once, for all who act for the participant.

use chrono::{DateTime, Utc};
use economy::{Kind, Posting, Reference};
use jobs::outbox::{self, Event};
use kernel::{Bytes, CampaignId, ChallengeId, GuildId, HintId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;
use crate::model::{Acting, CampaignFacts, CampaignKey, Participant};
use crate::store::{Found, acting_for, campaign_found_by, campaigns_lock_shared};
use crate::submissions::store::{NewScore, participants_lock, scores_write};

/// A hint as a participant sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hint {
    /// Its id.
    pub id: HintId,
    /// Its place among the challenge's hints, from 1.
    pub position: i32,
    /// The part it helps with.
    pub part: i32,
    /// What unlocking it costs, in bytes.
    pub cost_bytes: i64,
    /// What unlocking it takes off the score: points (`point_based`) or seconds (`time_based`).
    pub penalty: i64,
    /// Whether it can be unlocked now: hints of a later part open with it.
    pub available: bool,
    /// Its text, Markdown; absent while it is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// When it was unlocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlocked_at: Option<DateTime<Utc>>,
}

struct Row {
    id: HintId,
    position: i32,
    part: i32,
    cost_bytes: i64,
    penalty: i64,
    body: String,
    unlocked_at: Option<DateTime<Utc>>,
    part_open: bool,
    order_position: i32,
    released_at: Option<DateTime<Utc>>,
    closes_at: Option<DateTime<Utc>>,
}

impl Row {
    fn visible(&self, facts: &CampaignFacts, tester: bool) -> bool {
        self.released_at.is_some_and(|at| at <= facts.now)
            || (tester && facts.open_to_testers(self.order_position, facts.now))
    }

    fn hint(self, tester: bool) -> Hint {
        let open = tester || self.unlocked_at.is_some();
        Hint {
            id: self.id,
            position: self.position,
            part: self.part,
            cost_bytes: self.cost_bytes,
            penalty: self.penalty,
            available: tester || self.part_open,
            body: open.then_some(self.body),
            unlocked_at: self.unlocked_at,
        }
    }
}

async fn rows(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    challenge: ChallengeId,
    participant: Option<&Participant>,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT h.id AS "id: HintId", h.position, h.part, h.cost_bytes, h.penalty, h.body, u.unlocked_at AS "unlocked_at?",
                  h.part = 1 OR EXISTS (SELECT FROM challenges.challenge_submissions s
                          WHERE s.guild_id = ch.guild_id AND s.challenge_id = ch.id AND s.participant_id = $3 AND s.part = h.part - 1
                            AND s.is_correct) AS "part_open!",
                  ch.order_position, ch.released_at, ch.closes_at
           FROM challenges.challenges ch
           JOIN challenges.challenge_hints h ON h.guild_id = ch.guild_id AND h.challenge_id = ch.id
           LEFT JOIN challenges.hint_unlocks u ON u.guild_id = h.guild_id AND u.hint_id = h.id AND u.participant_id = $3
           WHERE ch.guild_id = $4 AND ch.id = $1 AND ch.campaign_id = $2 ORDER BY h.position"#,
        challenge.get(),
        facts.id.get(),
        participant.map_or("", |p| p.id.as_str()),
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await
}

/// A challenge's hints as whoever this member acts for sees them. Testers see them all.
#[kernel::boxed]
pub async fn hint_list(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    user: UserId,
) -> Result<Vec<Hint>, Error> {
    let mut conn = db::acquire(pool).await?;
    let Found { facts, acting, .. } = campaign_found_by(&mut conn, guild, campaign, Some(user)).await?;
    let tester = acting.is_tester();
    let place = sqlx::query!(
        "SELECT order_position, released_at FROM challenges.challenges WHERE guild_id = $3 AND id = $1 AND campaign_id = $2",
        challenge.get(),
        campaign.get(),
        guild.get(),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("challenge"))?;
    let early = tester && facts.open_to_testers(place.order_position, facts.now);
    if !early && place.released_at.is_none_or(|at| at > facts.now) {
        return Err(Error::NotFound("challenge"));
    }
    Ok(hints_of(&mut conn, &facts, &acting, challenge).await?)
}

/// The hints of a challenge that is there for whoever a member acts for, as they see them.
pub(crate) async fn hints_of(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    acting: &Acting,
    challenge: ChallengeId,
) -> sqlx::Result<Vec<Hint>> {
    let rows = rows(conn, facts, challenge, acting.participant()).await?;
    Ok(rows.into_iter().map(|row| row.hint(acting.is_tester())).collect())
}

/// Unlocks a hint for whoever this member acts for, while the campaign runs. The member pays its cost, the participant its
/// penalty, both once: who asks again, or at the same time, gets the text.
#[kernel::boxed]
pub async fn hint_unlock(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    hint: HintId,
    user: UserId,
) -> Result<Hint, Error> {
    let mut tx = db::begin(pool).await?;
    let key = CampaignKey { guild_id: guild, id: campaign };
    let facts = campaigns_lock_shared(&mut tx, &[key]).await?.pop().ok_or(Error::NotFound("campaign"))?;
    let acting =
        acting_for(&mut tx, &[(facts.key(), user, facts.now)]).await?.pop().unwrap_or(Acting::Nobody);
    let find = async |conn: &mut PgConnection, participant: Option<&Participant>| {
        let rows = rows(conn, &facts, challenge, participant).await?;
        let row = rows.into_iter().find(|row| row.id == hint && row.visible(&facts, acting.is_tester()));
        row.ok_or(Error::NotFound("hint"))
    };
    // Whether it exists at all is asked first, so that a stranger learns no more than that.
    let row = find(&mut tx, acting.participant()).await?;
    let participant = match &acting {
        Acting::Tester(_) => return Ok(row.hint(true)),
        Acting::Nobody => return Err(Error::NotEligible),
        Acting::For(participant) => participant,
    };
    let key = (facts.key(), participant.id.clone());
    let locked = participants_lock(&mut tx, &[&key]).await?.remove(&key).ok_or(Error::NotRegistered)?;
    // Read again, now that nobody else acts for this participant.
    let mut row = find(&mut tx, Some(participant)).await?;
    if row.unlocked_at.is_some() {
        return Ok(row.hint(false));
    }
    if !facts.is_running() {
        return Err(Error::NotRunning(facts.status.clone()));
    }
    if facts.end_time.is_some_and(|end| facts.now >= end) {
        return Err(Error::Ended);
    }
    if row.closes_at.is_some_and(|closes| facts.now >= closes) {
        return Err(Error::ChallengeClosed);
    }
    if !row.part_open {
        return Err(Error::PartLocked(row.part));
    }
    row.unlocked_at = Some(unlock(&mut tx, &facts, &row, participant, user).await?);
    if row.penalty > 0 {
        let mut score = locked.score;
        score.penalty += row.penalty;
        let new = NewScore {
            campaign: facts.key(),
            participant_id: participant.id.clone(),
            score,
            key: score.rank_key(facts.scoring),
            last_correct_at: locked.last_correct_at,
            old_bucket: locked.bucket,
            bucket: score.bucket(facts.scoring),
            wrong_streak: locked.wrong_streak,
            locked_until: locked.locked_until,
        };
        scores_write(&mut tx, &[new]).await?;
    }
    let event = Event {
        guild_id: guild,
        event_type: "challenge.hint_unlocked",
        subject: format!("campaigns/{campaign}"),
        correlation_id: None,
        // What it cost others is a competitor's secret.
        user_id: Some(user),
        payload: json!({ "campaign_id": campaign, "challenge_id": challenge, "hint_id": hint,
            "participant_id": participant.id, "cost_bytes": row.cost_bytes, "penalty": row.penalty }),
    };
    outbox::emit_one(&mut tx, event).await?;
    if row.cost_bytes > 0 {
        pay(&mut tx, &facts, &row, participant, user).await?;
    }
    tx.commit().await?;
    Ok(row.hint(false))
}

async fn unlock(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    row: &Row,
    participant: &Participant,
    user: UserId,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO challenges.hint_unlocks (hint_id, campaign_id, participant_id, guild_id, unlocked_by, cost_bytes, penalty,
             unlocked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING unlocked_at",
        row.id.get(),
        facts.id.get(),
        participant.id,
        facts.guild_id.get(),
        user.get(),
        row.cost_bytes,
        row.penalty,
        facts.now,
    )
    .fetch_one(conn)
    .await
}

async fn pay(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    row: &Row,
    participant: &Participant,
    user: UserId,
) -> Result<(), Error> {
    let posting = Posting {
        guild_id: facts.guild_id,
        giver: user,
        receiver: UserId::HOUSE,
        amount: Bytes::new(row.cost_bytes),
        kind: Kind::Purchase,
        reason: Some("Hint unlocked".to_owned()),
        reference: Some(Reference { kind: "hint", id: row.id.to_string() }),
        dedupe_key: Some(format!("hint:{}:{}", row.id, participant.id)),
    };
    economy::post(conn, &[posting]).await?;
    Ok(())
}
