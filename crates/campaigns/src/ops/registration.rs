//! Who takes part: registration with its fee, withdrawal with its refund, and testers.

use challenges::CampaignKey;
use economy::ledger;
use jobs::Wake;
use jobs::outbox;
use kernel::{CampaignId, GuildId, Page, PageQuery, Problem, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::{Asker, committed, event, known, locked};
use crate::error::Error;
use crate::fees::{fee, refund};
use crate::model::{CampaignType, Registration, Status};
use crate::store::lifecycle::rosters_insert;
use crate::store::participants::{self as store, NewParticipant, Terms};

/// The terms of a published campaign, its row locked against a transition meanwhile.
async fn terms(conn: &mut PgConnection, guild_id: GuildId, id: CampaignId) -> Result<Terms, Error> {
    store::terms(conn, guild_id, id).await?.ok_or(Error::NotFound("campaign"))
}

/// Registers a member, or in a squad campaign their squad, and takes the fee from the member. Open from publication to
/// the close. Who is registered already gets that registration back and pays nothing more.
#[kernel::boxed]
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
    let mut tx = db::begin(pool).await?;
    let terms = terms(&mut tx, guild_id, id).await?;
    if !matches!(terms.status, Status::Created | Status::Running) {
        return Err(Error::Registration(format!(
            "Registration closed when the campaign did; it is {} now.",
            terms.status
        )));
    }
    people::member_ensure(&mut tx, guild_id, user_id, None).await?;
    if store::roles_of(&mut tx, CampaignKey { guild_id, id }, user_id).await?.tests {
        return Err(Error::Registration("Testers see challenges early, so they can't take part.".to_owned()));
    }
    let (participant, name) = participant(&mut tx, guild_id, terms.campaign_type, user_id).await?;
    let new = NewParticipant {
        id: participant,
        kind: terms.campaign_type,
        name,
        registered_by: user_id,
        fee_paid: terms.entry_fee,
    };
    let inserted = store::participant_insert(&mut tx, guild_id, id, &new).await?;
    if inserted {
        if terms.entry_fee > 0 {
            ledger::post(&mut tx, &[fee(guild_id, user_id, terms.entry_fee, &terms.name, id)]).await?;
        }
        if terms.campaign_type == CampaignType::Squad && terms.status == Status::Running {
            rosters_insert(&mut tx, &[CampaignKey { guild_id, id }]).await?;
        }
        let payload = json!({
            "campaign_id": id, "participant_id": new.id, "participant_type": new.kind, "display_name": new.name,
        });
        outbox::emit(&mut tx, &[event(guild_id, "campaign.registered", id, None, payload)]).await?;
    }
    let registration = registration_of(&mut tx, CampaignKey { guild_id, id }, &new.id).await?;
    tx.commit().await?;
    committed(wake);
    Ok((registration, inserted))
}

/// Takes a registration back, and its fee, before the campaign starts. In a squad campaign only who registered may.
#[kernel::boxed]
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
    let mut tx = db::begin(pool).await?;
    let terms = terms(&mut tx, guild_id, id).await?;
    if terms.status != Status::Created {
        return Err(Error::Registration("The campaign has started; registrations stand.".to_owned()));
    }
    let gone = store::participants_withdraw(&mut tx, CampaignKey { guild_id, id }, user_id).await?;
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

/// Whom the member would take part as: the participant's id, and its name.
async fn participant(
    conn: &mut PgConnection,
    guild_id: GuildId,
    campaign_type: CampaignType,
    user_id: UserId,
) -> Result<(String, String), Error> {
    match campaign_type {
        CampaignType::Player => {
            let member =
                people::member_get(conn, guild_id, user_id).await?.ok_or(Error::NotFound("member"))?;
            if member.is_bot {
                return Err(Error::Registration("Bots can't take part.".to_owned()));
            }
            Ok((user_id.to_string(), member.name))
        }
        CampaignType::Squad => {
            let squad = squads::squad_of(conn, guild_id, user_id).await?.ok_or_else(|| {
                Error::Registration("Squads compete here, and you are in none: join one first.".to_owned())
            })?;
            let squad = squads::squad_get(conn, guild_id, squad).await?.ok_or(Error::NotFound("squad"))?;
            Ok((squad.id.to_string(), squad.name))
        }
    }
}

async fn registration_of(
    conn: &mut PgConnection,
    key: CampaignKey,
    participant: &str,
) -> Result<Registration, Error> {
    let found = store::registrations(conn, key, Some(participant), None, 1).await?.pop();
    found.ok_or(Error::NotFound("registration"))
}

/// A member's own registration, or their squad's.
#[kernel::boxed]
pub async fn registration_get(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<Registration, Error> {
    let mut conn = db::acquire(pool).await?;
    store::registration_of_member(&mut conn, CampaignKey { guild_id, id }, user_id).await
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
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild_id, id, drafts).await?;
    let key = CampaignKey { guild_id, id };
    let rows = store::registrations(&mut conn, key, None, after.as_deref(), limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |r| r.participant_id.clone()))
}

/// Gives a member early access to challenges.
#[kernel::boxed]
pub async fn tester_add(
    pool: &PgPool,
    guild_id: GuildId,
    by: Asker<'_>,
    id: CampaignId,
    user_id: UserId,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    locked(&mut tx, guild_id, id).await?;
    people::member_ensure(&mut tx, guild_id, user_id, None).await?;
    if store::roles_of(&mut tx, CampaignKey { guild_id, id }, user_id).await?.competes {
        return Err(Error::Registration(
            "Who takes part can't see challenges early; they would have to withdraw first.".to_owned(),
        ));
    }
    if store::tester_insert(&mut tx, guild_id, id, user_id).await? {
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
    let mut tx = db::begin(pool).await?;
    if !store::tester_delete(&mut tx, guild_id, id, user_id).await? {
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
    let mut entry = by.entry(guild_id, action, "campaigns.campaign_testers", format!("{id}/{user_id}"));
    let row = Some(json!({ "campaign_id": id, "user_id": user_id }));
    if action == "DELETE" {
        entry.before = row;
    } else {
        entry.after = row;
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
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild_id, id, true).await?;
    let rows = store::tester_list(&mut conn, CampaignKey { guild_id, id }, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |user| user.get()))
}
