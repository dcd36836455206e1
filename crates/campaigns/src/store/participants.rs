//! Who takes part, and who tests. The name shown is today's; the one at registration stands in where there is no other.

use challenges::CampaignKey;
use kernel::{CampaignId, GuildId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{CampaignType, Registration, Status};

/// What decides whether somebody may register.
pub(crate) struct Terms {
    pub(crate) status: Status,
    pub(crate) campaign_type: CampaignType,
    pub(crate) name: String,
    pub(crate) entry_fee: i64,
}

/// A published campaign's terms, its row locked against a transition meanwhile.
pub(crate) async fn terms(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
) -> Result<Option<Terms>, sqlx::Error> {
    sqlx::query_as!(
        Terms,
        r#"SELECT status AS "status: Status", campaign_type AS "campaign_type: CampaignType", name, entry_fee
           FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2 AND published_at IS NOT NULL FOR SHARE"#,
        guild_id.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await
}

/// A participant to be registered.
#[derive(Debug)]
pub(crate) struct NewParticipant {
    pub(crate) id: String,
    pub(crate) kind: CampaignType,
    pub(crate) name: String,
    pub(crate) registered_by: UserId,
    pub(crate) fee_paid: i64,
}

/// Registers a participant; false where it is registered already.
pub(crate) async fn participant_insert(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    new: &NewParticipant,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO campaigns.campaign_participants
             (campaign_id, participant_id, participant_type, guild_id, display_name, registered_by, fee_paid)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ON CONSTRAINT pk_campaign_participants DO NOTHING",
        id.get(),
        new.id,
        new.kind.as_str(),
        guild_id.get(),
        new.name,
        new.registered_by.get(),
        new.fee_paid
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// A registration that was taken back.
pub(crate) struct Withdrawn {
    pub(crate) participant_id: String,
    pub(crate) fee_paid: i64,
}

/// Takes back what a member registered.
pub(crate) async fn participants_withdraw(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: UserId,
) -> Result<Vec<Withdrawn>, sqlx::Error> {
    sqlx::query_as!(
        Withdrawn,
        "DELETE FROM campaigns.campaign_participants WHERE guild_id = $3 AND campaign_id = $1 AND registered_by = $2
         RETURNING participant_id, fee_paid",
        campaign.id.get(),
        user_id.get(),
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await
}

/// Registrations of a campaign by participant id: the one of `participant`, or those after `after`.
pub(crate) async fn registrations(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    participant: Option<&str>,
    after: Option<&str>,
    count: i64,
) -> Result<Vec<Registration>, sqlx::Error> {
    sqlx::query_as!(
        Registration,
        r#"SELECT p.campaign_id AS "campaign_id: CampaignId", p.participant_id, p.participant_type,
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS "display_name!",
                  p.registered_by AS "registered_by: UserId", p.registered_at, p.fee_paid
           FROM campaigns.campaign_participants p
           WHERE p.guild_id = $5 AND p.campaign_id = $1 AND ($2::text IS NULL OR p.participant_id = $2)
             AND ($3::text IS NULL OR p.participant_id > $3)
           ORDER BY p.participant_id LIMIT $4"#,
        campaign.id.get(),
        participant,
        after,
        count,
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await
}

/// The registration by which a member takes part in a published campaign, as themselves or in their squad.
pub(crate) async fn registration_of_member(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: UserId,
) -> Result<Registration, Error> {
    let row = sqlx::query!(
        r#"SELECT p.participant_id AS "participant_id?", p.participant_type AS "participant_type?",
                  coalesce(CASE p.participant_type
                      WHEN 'player' THEN (SELECT k.name FROM people.known_as k
                                          WHERE k.guild_id = p.guild_id AND k.user_id = p.participant_id::bigint)
                      ELSE (SELECT q.name FROM squads.squads q
                            WHERE q.guild_id = p.guild_id AND q.id = p.participant_id::uuid)
                  END, p.display_name) AS display_name,
                  p.registered_by AS "registered_by?: UserId", p.registered_at AS "registered_at?", p.fee_paid AS "fee_paid?"
           FROM campaigns.campaigns c
           LEFT JOIN campaigns.campaign_participants p ON p.guild_id = $3 AND p.campaign_id = $1
                -- Ids that are known before the table is entered: as a condition over joined tables it read every participant.
                AND p.participant_id = ANY (ARRAY[$2::bigint::text, coalesce(
                    (SELECT r.squad_id FROM campaigns.campaign_squad_rosters r
                      WHERE r.guild_id = $3 AND r.campaign_id = $1 AND r.user_id = $2 LIMIT 1),
                    (SELECT m.squad_id FROM squads.squad_memberships m WHERE m.guild_id = $3 AND m.user_id = $2 LIMIT 1))::text])
           WHERE c.guild_id = $3 AND c.id = $1 AND c.published_at IS NOT NULL"#,
        campaign.id.get(),
        user_id.get(),
        campaign.guild_id.get()
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("campaign"))?;
    let registration = || {
        Some(Registration {
            campaign_id: campaign.id,
            participant_id: row.participant_id?,
            participant_type: row.participant_type?,
            display_name: row.display_name?,
            registered_by: row.registered_by?,
            registered_at: row.registered_at?,
            fee_paid: row.fee_paid?,
        })
    };
    registration().ok_or(Error::NotFound("registration"))
}

/// Whether a member is a tester, and whether they take part as a player.
pub(crate) struct Roles {
    pub(crate) tests: bool,
    pub(crate) competes: bool,
}

pub(crate) async fn roles_of(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: UserId,
) -> Result<Roles, sqlx::Error> {
    sqlx::query_as!(
        Roles,
        r#"SELECT EXISTS (SELECT FROM campaigns.campaign_testers WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2) AS "tests!",
                  EXISTS (SELECT FROM campaigns.campaign_participants
                          WHERE guild_id = $3 AND campaign_id = $1 AND participant_id = $2::bigint::text) AS "competes!""#,
        campaign.id.get(),
        user_id.get(),
        campaign.guild_id.get()
    )
    .fetch_one(conn)
    .await
}

/// Makes a member a tester; false where they are one.
pub(crate) async fn tester_insert(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "INSERT INTO campaigns.campaign_testers (campaign_id, user_id, guild_id) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT pk_campaign_testers DO NOTHING",
        id.get(),
        user_id.get(),
        guild_id.get()
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Makes a tester none; false where they are not.
pub(crate) async fn tester_delete(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!(
        "DELETE FROM campaigns.campaign_testers WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2",
        id.get(),
        user_id.get(),
        guild_id.get()
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected() == 1)
}

/// A campaign's testers by id.
pub(crate) async fn tester_list(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    after: Option<i64>,
    count: i64,
) -> Result<Vec<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT user_id AS "user_id: UserId" FROM campaigns.campaign_testers
           WHERE guild_id = $4 AND campaign_id = $1 AND ($2::bigint IS NULL OR user_id > $2) ORDER BY user_id LIMIT $3"#,
        campaign.id.get(),
        after,
        count,
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await
}
