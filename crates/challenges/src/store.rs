//! SQL that several rooms share: a campaign's facts, and for whom a member acts.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::model::{Acting, CampaignFacts, CampaignKey, Participant, ParticipantType};
use crate::rules::{Limits, Scoring};

struct CampaignRow {
    id: CampaignId,
    guild_id: GuildId,
    name: String,
    campaign_type: String,
    status: String,
    scoring_type: String,
    starting_points: i32,
    points_decrease_step: i32,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    release_delay_minutes: i32,
    freeze_minutes: i32,
    early_access_minutes: i32,
    limit_per_5s: i32,
    limit_per_5min: i32,
    lockout_seconds: i32,
    lockout_factor: f64,
    published: bool,
    frozen_stored: bool,
    final_stored: bool,
    has_testers: bool,
    tester: bool,
    squad_id: Option<Uuid>,
    registered: bool,
    preferred: Option<String>,
    now: DateTime<Utc>,
}

impl TryFrom<CampaignRow> for CampaignFacts {
    type Error = sqlx::Error;

    fn try_from(row: CampaignRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            name: row.name,
            participants: ParticipantType::from_column(&row.campaign_type)?,
            status: row.status,
            scoring: Scoring::from_column(&row.scoring_type)?,
            starting_points: row.starting_points,
            points_decrease_step: row.points_decrease_step,
            start_time: row.start_time,
            end_time: row.end_time,
            release_delay_minutes: row.release_delay_minutes,
            freeze_minutes: row.freeze_minutes,
            early_access_minutes: row.early_access_minutes,
            limits: Limits {
                per_5s: row.limit_per_5s,
                per_5min: row.limit_per_5min,
                lockout_seconds: row.lockout_seconds,
                lockout_factor: row.lockout_factor,
            },
            published: row.published,
            frozen_stored: row.frozen_stored,
            final_stored: row.final_stored,
            has_testers: row.has_testers,
            now: row.now,
        })
    }
}

/// A guild's campaign; another guild's is not found.
pub async fn campaign_find(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> Result<CampaignFacts, Error> {
    Ok(campaign_found_by(conn, guild, campaign, None).await?.facts)
}

/// A campaign as somebody finds it.
pub(crate) struct Found {
    pub(crate) facts: CampaignFacts,
    /// For whom they act in it; see [`acting_for`].
    pub(crate) acting: Acting,
    /// Whether they take part, or the squad they are in does.
    pub(crate) registered: bool,
    /// The language that they chose to read in.
    pub(crate) preferred: Option<String>,
}

/// A guild's campaign, and for whom a member acts in it now: one statement.
#[kernel::boxed]
pub(crate) async fn campaign_found_by(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
    user: Option<UserId>,
) -> Result<Found, Error> {
    let mut row = sqlx::query_as!(
        CampaignRow,
        r#"SELECT c.id AS "id: CampaignId", c.guild_id AS "guild_id: GuildId", c.name, c.campaign_type, c.status, c.scoring_type,
                  coalesce(c.starting_points, 0) AS "starting_points!",
                  coalesce(c.points_decrease_step, 0) AS "points_decrease_step!",
                  c.start_time, c.end_time, c.release_delay_minutes, c.freeze_minutes, c.early_access_minutes,
                  c.limit_per_5s, c.limit_per_5min, c.lockout_seconds, c.lockout_factor,
                  c.published_at IS NOT NULL AS "published!", c.frozen_at IS NOT NULL AS "frozen_stored!",
                  c.closed_at IS NOT NULL AS "final_stored!",
                  EXISTS (SELECT FROM campaigns.campaign_testers t
                          WHERE t.guild_id = c.guild_id AND t.campaign_id = c.id) AS "has_testers!",
                  EXISTS (SELECT FROM campaigns.campaign_testers t
                          WHERE t.guild_id = c.guild_id AND t.campaign_id = c.id AND t.user_id = $3) AS "tester!",
                  CASE WHEN c.campaign_type = 'squad' THEN coalesce(
                      (SELECT r.squad_id FROM campaigns.campaign_squad_rosters r
                       WHERE r.guild_id = c.guild_id AND r.campaign_id = c.id AND r.user_id = $3),
                      (SELECT m.squad_id FROM squads.squad_memberships m
                       WHERE m.guild_id = c.guild_id AND m.user_id = $3
                         AND m.joined_at + make_interval(mins => c.late_join_minutes) <= clock.at)) END AS squad_id,
                  -- Ids that are known before the table is entered, so that it is one look into the index.
                  EXISTS (SELECT FROM campaigns.campaign_participants p
                          WHERE p.guild_id = $2 AND p.campaign_id = $1
                            AND p.participant_id = ANY (ARRAY[$3::bigint::text, coalesce(
                                (SELECT r.squad_id FROM campaigns.campaign_squad_rosters r
                                  WHERE r.guild_id = $2 AND r.campaign_id = $1 AND r.user_id = $3 LIMIT 1),
                                (SELECT m.squad_id FROM squads.squad_memberships m
                                  WHERE m.guild_id = $2 AND m.user_id = $3 LIMIT 1))::text])) AS "registered!",
                  (SELECT p.language FROM people.user_preferences p WHERE p.guild_id = $2 AND p.user_id = $3) AS preferred,
                  clock.at AS "now!"
           FROM campaigns.campaigns c CROSS JOIN (SELECT clock_timestamp() AS at) clock
           WHERE c.guild_id = $2 AND c.id = $1"#,
        campaign.get(),
        guild.get(),
        user.map(UserId::get),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("campaign"))?;
    let (registered, preferred) = (row.registered, row.preferred.take());
    let acting = match user {
        Some(user) => acting(user, row.tester, &row.campaign_type, row.squad_id),
        None => Acting::Nobody,
    };
    Ok(Found { facts: row.try_into()?, acting, registered, preferred })
}

/// Takes an author's lock of a guild's campaign, the first of all locks (`campaigns::locks` has their order).
pub(crate) async fn campaigns_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2 FOR UPDATE",
        guild.get(),
        campaign.get()
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Locks campaigns against a change of status, in the order of their keys, and reads them. Whoever closes one waits for
/// the answers being judged; who comes later finds it closed.
pub(crate) async fn campaigns_lock_shared(
    conn: &mut PgConnection,
    campaigns: &[CampaignKey],
) -> sqlx::Result<Vec<CampaignFacts>> {
    let (guilds, ids) = CampaignKey::columns(campaigns);
    let rows = sqlx::query_as!(
        CampaignRow,
        r#"SELECT c.id AS "id: CampaignId", c.guild_id AS "guild_id: GuildId", c.name, c.campaign_type, c.status, c.scoring_type,
                  coalesce(c.starting_points, 0) AS "starting_points!",
                  coalesce(c.points_decrease_step, 0) AS "points_decrease_step!",
                  c.start_time, c.end_time, c.release_delay_minutes, c.freeze_minutes, c.early_access_minutes,
                  c.limit_per_5s, c.limit_per_5min, c.lockout_seconds, c.lockout_factor,
                  c.published_at IS NOT NULL AS "published!", c.frozen_at IS NOT NULL AS "frozen_stored!",
                  c.closed_at IS NOT NULL AS "final_stored!",
                  EXISTS (SELECT FROM campaigns.campaign_testers t
                          WHERE t.guild_id = c.guild_id AND t.campaign_id = c.id) AS "has_testers!",
                  false AS "tester!", NULL::uuid AS squad_id, false AS "registered!", NULL::text AS preferred,
                  clock_timestamp() AS "now!"
           FROM campaigns.campaigns c
           WHERE (c.guild_id, c.id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           ORDER BY c.guild_id, c.id FOR SHARE"#,
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CampaignFacts::try_from).collect()
}

/// For whom each of these members acts in each of these campaigns at a time, in the order asked. A tester acts as a
/// tester; a player for themselves; in squad campaigns a member acts for the squad they were in at the start, who was in
/// none for their present one once `late_join_minutes` have passed.
#[kernel::boxed]
pub(crate) async fn acting_for(
    conn: &mut PgConnection,
    asked: &[(CampaignKey, UserId, DateTime<Utc>)],
) -> sqlx::Result<Vec<Acting>> {
    let numbers: Vec<i32> = (0..asked.len()).map(|n| i32::try_from(n).unwrap_or(i32::MAX)).collect();
    let (guilds, campaigns): (Vec<i64>, Vec<Uuid>) =
        asked.iter().map(|(campaign, ..)| (campaign.guild_id.get(), campaign.id.get())).unzip();
    let users: Vec<i64> = asked.iter().map(|(_, user, _)| user.get()).collect();
    let times: Vec<DateTime<Utc>> = asked.iter().map(|(.., at)| *at).collect();
    let rows = sqlx::query!(
        r#"SELECT u.n AS "n!", c.campaign_type,
                  EXISTS (SELECT FROM campaigns.campaign_testers t
                          WHERE t.guild_id = u.guild_id AND t.campaign_id = u.campaign_id AND t.user_id = u.user_id) AS "tester!",
                  CASE WHEN c.campaign_type = 'squad' THEN coalesce(
                      (SELECT r.squad_id FROM campaigns.campaign_squad_rosters r
                       WHERE r.guild_id = u.guild_id AND r.campaign_id = u.campaign_id AND r.user_id = u.user_id),
                      (SELECT m.squad_id FROM squads.squad_memberships m
                       WHERE m.guild_id = u.guild_id AND m.user_id = u.user_id
                         AND m.joined_at + make_interval(mins => c.late_join_minutes) <= u.at)) END AS squad_id
           FROM unnest($1::int4[], $2::uuid[], $3::int8[], $4::timestamptz[], $5::int8[])
                AS u(n, campaign_id, user_id, at, guild_id)
           JOIN campaigns.campaigns c ON c.guild_id = u.guild_id AND c.id = u.campaign_id"#,
        &numbers,
        &campaigns,
        &users,
        &times,
        &guilds,
    )
    .fetch_all(conn)
    .await?;
    let mut acting = vec![Acting::Nobody; asked.len()];
    for row in rows {
        let Ok(n) = usize::try_from(row.n) else { continue };
        acting[n] = self::acting(asked[n].1, row.tester, &row.campaign_type, row.squad_id);
    }
    Ok(acting)
}

fn acting(user: UserId, tester: bool, campaign_type: &str, squad: Option<Uuid>) -> Acting {
    let player = Participant::player(user);
    match (tester, campaign_type, squad) {
        (true, ..) => Acting::Tester(player),
        (false, "squad", Some(squad)) => {
            Acting::For(Participant { id: squad.to_string(), kind: ParticipantType::Squad })
        }
        (false, "squad", None) => Acting::Nobody,
        _ => Acting::For(player),
    }
}

/// Fails unless a guild's campaign has this challenge.
pub(crate) async fn challenge_exists(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
    challenge: ChallengeId,
) -> Result<(), Error> {
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM challenges.challenges
                          WHERE guild_id = $3 AND id = $1 AND campaign_id = $2) AS "exists!""#,
        challenge.get(),
        campaign.get(),
        guild.get(),
    )
    .fetch_one(conn)
    .await?;
    if exists { Ok(()) } else { Err(Error::NotFound("challenge")) }
}
