//! Who takes part: registration with its fee, withdrawal with its refund, and testers.

use challenges::CampaignKey;
use economy::{Kind, Posting, Reference, ledger};
use jobs::Wake;
use jobs::outbox;
use kernel::{Bytes, CampaignId, GuildId, Page, PageQuery, Problem, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::{Asker, committed, event};
use crate::error::Error;
use crate::lifecycle;
use crate::model::{CampaignType, Registration, Status};

struct Terms {
    status: Status,
    campaign_type: CampaignType,
    name: String,
    entry_fee: i64,
    published: bool,
}

/// The campaign's terms, its row locked against a transition meanwhile.
async fn terms(conn: &mut PgConnection, guild_id: GuildId, id: CampaignId) -> Result<Terms, Error> {
    sqlx::query_as!(
        Terms,
        r#"SELECT status AS "status: Status", campaign_type AS "campaign_type: CampaignType", name, entry_fee,
                  published_at IS NOT NULL AS "published!"
           FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2 FOR SHARE"#,
        guild_id.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await?
    .filter(|terms| terms.published)
    .ok_or(Error::NotFound("campaign"))
}

/// Registers a member, or in a squad campaign their squad, and takes the fee from the member. Open from publication to
/// the close. Who is registered already gets that registration back and pays nothing more.
pub async fn register(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<(Registration, bool), Error> {
    db::retry(|| register_once(pool, wake, guild_id, id, user_id)).await
}

async fn register_once(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<(Registration, bool), Error> {
    let mut tx = pool.begin().await?;
    let terms = terms(&mut tx, guild_id, id).await?;
    if !matches!(terms.status, Status::Created | Status::Running) {
        return Err(Error::Registration(format!(
            "Registration closed when the campaign did; it is {} now.",
            terms.status
        )));
    }
    people::member_ensure(&mut tx, guild_id, user_id, None).await?;
    let tester = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM campaigns.campaign_testers WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2) AS "tester!""#,
        id.get(),
        user_id.get(),
        guild_id.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if tester {
        return Err(Error::Registration("Testers see challenges early, so they can't take part.".to_owned()));
    }
    let participant = participant(&mut tx, guild_id, terms.campaign_type, user_id).await?;
    let inserted = sqlx::query!(
        "INSERT INTO campaigns.campaign_participants
             (campaign_id, participant_id, participant_type, guild_id, display_name, registered_by, fee_paid)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ON CONSTRAINT pk_campaign_participants DO NOTHING",
        id.get(),
        participant.id,
        terms.campaign_type.as_str(),
        guild_id.get(),
        participant.name,
        user_id.get(),
        terms.entry_fee
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if inserted == 1 {
        if terms.entry_fee > 0 {
            let fee = Posting {
                guild_id,
                giver: user_id,
                receiver: UserId::HOUSE,
                amount: Bytes::new(terms.entry_fee),
                kind: Kind::Fee,
                reason: Some(format!("Entry fee of “{}”", terms.name)),
                reference: Some(reference(id)),
                dedupe_key: None,
            };
            ledger::post(&mut tx, &[fee]).await?;
        }
        if terms.campaign_type == CampaignType::Squad && terms.status == Status::Running {
            lifecycle::roster_fix(&mut tx, &[CampaignKey { guild_id, id }]).await?;
        }
        let payload = json!({
            "campaign_id": id, "participant_id": participant.id, "participant_type": terms.campaign_type,
            "display_name": participant.name,
        });
        outbox::emit(&mut tx, &[event(guild_id, "campaign.registered", id, None, payload)]).await?;
    }
    let registration = registration_of(&mut tx, guild_id, id, &participant.id)
        .await?
        .ok_or(Error::NotFound("registration"))?;
    tx.commit().await?;
    committed(wake);
    Ok((registration, inserted == 1))
}

/// Takes a registration back, and its fee, before the campaign starts. In a squad campaign only who registered may.
pub async fn withdraw(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    db::retry(|| withdraw_once(pool, wake, guild_id, id, user_id)).await
}

async fn withdraw_once(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    let terms = terms(&mut tx, guild_id, id).await?;
    if terms.status != Status::Created {
        return Err(Error::Registration("The campaign has started; registrations stand.".to_owned()));
    }
    let gone = sqlx::query!(
        "DELETE FROM campaigns.campaign_participants WHERE guild_id = $3 AND campaign_id = $1 AND registered_by = $2
         RETURNING participant_id, fee_paid",
        id.get(),
        user_id.get(),
        guild_id.get(),
    )
    .fetch_all(&mut *tx)
    .await?;
    if gone.is_empty() {
        return Err(Error::NotFound("registration"));
    }
    for row in &gone {
        if row.fee_paid > 0 {
            ledger::post(&mut tx, &[refund(guild_id, user_id, row.fee_paid, &terms.name, id, None)]).await?;
        }
        let payload = json!({ "campaign_id": id, "participant_id": row.participant_id });
        outbox::emit(&mut tx, &[event(guild_id, "campaign.withdrawn", id, None, payload)]).await?;
    }
    tx.commit().await?;
    committed(wake);
    Ok(())
}

/// A fee that goes back to who paid it.
pub(crate) fn refund(
    guild_id: GuildId,
    user_id: UserId,
    amount: i64,
    name: &str,
    id: CampaignId,
    dedupe_key: Option<String>,
) -> Posting {
    Posting {
        guild_id,
        giver: UserId::HOUSE,
        receiver: user_id,
        amount: Bytes::new(amount),
        kind: Kind::Refund,
        reason: Some(format!("Entry fee of “{name}” returned")),
        reference: Some(reference(id)),
        dedupe_key,
    }
}

pub(super) fn reference(id: CampaignId) -> Reference {
    Reference { kind: "campaign", id: id.to_string() }
}

struct Participant {
    id: String,
    name: String,
}

/// Whom the member would take part as.
async fn participant(
    conn: &mut PgConnection,
    guild_id: GuildId,
    campaign_type: CampaignType,
    user_id: UserId,
) -> Result<Participant, Error> {
    match campaign_type {
        CampaignType::Player => {
            let member =
                people::member_get(conn, guild_id, user_id).await?.ok_or(Error::NotFound("member"))?;
            if member.is_bot {
                return Err(Error::Registration("Bots can't take part.".to_owned()));
            }
            Ok(Participant { id: user_id.to_string(), name: member.name })
        }
        CampaignType::Squad => {
            let squad = squads::squad_of(conn, guild_id, user_id).await?.ok_or_else(|| {
                Error::Registration("Squads compete here, and you are in none: join one first.".to_owned())
            })?;
            let squad = squads::squad_get(conn, guild_id, squad).await?.ok_or(Error::NotFound("squad"))?;
            Ok(Participant { id: squad.id.to_string(), name: squad.name })
        }
    }
}

async fn registration_of(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
    participant: &str,
) -> Result<Option<Registration>, Error> {
    Ok(sqlx::query_as!(
        Registration,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", participant_id, participant_type, display_name,
                  registered_by AS "registered_by: UserId", registered_at, fee_paid
           FROM campaigns.campaign_participants WHERE guild_id = $3 AND campaign_id = $1 AND participant_id = $2"#,
        id.get(),
        participant,
        guild_id.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// A member's own registration, or their squad's.
pub async fn registration_get(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<Registration, Error> {
    let mut conn = pool.acquire().await?;
    super::store::campaign_get(&mut conn, guild_id, id, false).await?.ok_or(Error::NotFound("campaign"))?;
    let own = sqlx::query_scalar!(
        "SELECT p.participant_id FROM campaigns.campaign_participants p
         LEFT JOIN campaigns.campaign_squad_rosters r ON r.guild_id = p.guild_id AND r.campaign_id = p.campaign_id AND r.user_id = $2
         LEFT JOIN squads.squad_memberships m ON m.guild_id = p.guild_id AND m.user_id = $2
         WHERE p.guild_id = $3 AND p.campaign_id = $1
           AND p.participant_id IN ($2::bigint::text, coalesce(r.squad_id, m.squad_id)::text)",
        id.get(),
        user_id.get(),
        guild_id.get(),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("registration"))?;
    registration_of(&mut conn, guild_id, id, &own).await?.ok_or(Error::NotFound("registration"))
}

/// Who takes part, by participant id.
pub async fn participant_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    drafts: bool,
    page: &PageQuery,
) -> Result<Page<Registration>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<String>()?);
    super::campaign_get(pool, guild_id, id, drafts).await?;
    let rows = sqlx::query_as!(
        Registration,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", participant_id, participant_type, display_name,
                  registered_by AS "registered_by: UserId", registered_at, fee_paid
           FROM campaigns.campaign_participants
           WHERE guild_id = $4 AND campaign_id = $1 AND ($2::text IS NULL OR participant_id > $2)
           ORDER BY participant_id LIMIT $3"#,
        id.get(),
        after,
        limit.plus_one(),
        guild_id.get(),
    )
    .fetch_all(pool)
    .await?;
    Ok(Page::new(rows, limit, |r| r.participant_id.clone()))
}

/// Gives a member early access to challenges.
pub async fn tester_add(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    super::store::campaign_lock(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    people::member_ensure(&mut tx, guild_id, user_id, None).await?;
    let competes = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM campaigns.campaign_participants WHERE guild_id = $3 AND campaign_id = $1 AND participant_id = $2::bigint::text)
                  AS "competes!""#,
        id.get(),
        user_id.get(),
        guild_id.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if competes {
        return Err(Error::Registration(
            "Who takes part can't see challenges early; they would have to withdraw first.".to_owned(),
        ));
    }
    let added = sqlx::query!(
        "INSERT INTO campaigns.campaign_testers (campaign_id, user_id, guild_id) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT pk_campaign_testers DO NOTHING",
        id.get(),
        user_id.get(),
        guild_id.get()
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if added == 1 {
        tester_audited(&mut tx, guild_id, by, "CREATE", id, user_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes early access back.
pub async fn tester_remove(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    let removed = sqlx::query!(
        "DELETE FROM campaigns.campaign_testers WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2",
        id.get(),
        user_id.get(),
        guild_id.get()
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if removed == 0 {
        return Err(Error::NotFound("tester"));
    }
    tester_audited(&mut tx, guild_id, by, "DELETE", id, user_id).await?;
    tx.commit().await?;
    Ok(())
}

async fn tester_audited(
    conn: &mut PgConnection,
    guild_id: GuildId,
    by: Asker<'_>,
    action: &str,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    let key = format!("{id}/{user_id}");
    let mut entry = access::AuditEntry::new(Some(guild_id), by.by, action, "campaigns.campaign_testers", key);
    let row = Some(serde_json::json!({ "campaign_id": id, "user_id": user_id }));
    if action == "DELETE" {
        entry.before = row;
    } else {
        entry.after = row;
    }
    if let Some(origin) = by.origin {
        entry = entry.from(origin);
    }
    access::audit::record(conn, &entry).await?;
    Ok(())
}

/// Who has early access.
pub async fn tester_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    page: &PageQuery,
) -> Result<Page<UserId>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<i64>()?);
    super::campaign_get(pool, guild_id, id, true).await?;
    let rows = sqlx::query_scalar!(
        r#"SELECT user_id AS "user_id: UserId" FROM campaigns.campaign_testers
           WHERE guild_id = $4 AND campaign_id = $1 AND ($2::bigint IS NULL OR user_id > $2) ORDER BY user_id LIMIT $3"#,
        id.get(),
        after,
        limit.plus_one(),
        guild_id.get(),
    )
    .fetch_all(pool)
    .await?;
    Ok(Page::new(rows, limit, |user| user.get()))
}
