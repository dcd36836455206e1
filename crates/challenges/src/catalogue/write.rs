//! What authors do with challenges, one way for every face: a change is a challenge as it is to be, compared with what it
//! is. Each function belongs in a transaction, takes the campaign's lock, and writes the audit log in it.

use std::collections::HashSet;

use access::{AuditEntry, By, Origin, audit};
use jobs::outbox::{self, Event};
use kernel::{CampaignId, ChallengeId, FieldError, GuildId, Problem};
use serde_json::json;
use sqlx::PgConnection;

use super::languages::translations_put;
use super::read::{challenge_get, challenges_all};
use super::store;
use super::validate::{Faults, draft_check, slug_of};
use super::{Challenge, ChallengeDraft, ChallengePatch, MAX_CHALLENGES, Viewer};
use crate::error::Error;
use crate::model::CampaignFacts;
use crate::rules::points_differ;
use crate::store::{campaign_find, campaigns_lock};

const TABLE: &str = "challenges.challenges";

/// Who writes, and where from; the command line comes from nowhere.
pub type Author<'a> = (By<'a>, Option<&'a Origin>);

/// Locks the campaign against other authors, and against releases while places change. Over is over.
#[kernel::boxed]
pub(super) async fn lock(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> Result<CampaignFacts, Error> {
    campaigns_lock(conn, guild, campaign).await?;
    let facts = campaign_find(conn, guild, campaign).await?;
    if facts.is_over() { Err(Error::NotRunning(facts.status)) } else { Ok(facts) }
}

fn entry<'a>((by, origin): Author<'a>, guild: GuildId, action: &'a str, row: String) -> AuditEntry<'a> {
    let entry = AuditEntry::new(Some(guild), by, action, TABLE, row);
    match origin {
        Some(origin) => entry.from(origin),
        None => entry,
    }
}

pub(super) async fn log(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    who: Author<'_>,
    (action, id): (&str, ChallengeId),
    (before, after): (Option<&Challenge>, Option<&Challenge>),
) -> Result<(), Error> {
    let snapshot = |challenge: Option<&Challenge>| challenge.and_then(|c| serde_json::to_value(c).ok());
    let mut entry = entry(who, facts.guild_id, action, id.to_string());
    entry.before = snapshot(before);
    entry.after = snapshot(after);
    Ok(audit::record(conn, &entry).await?)
}

/// Adds a challenge at the end of a campaign that is not over.
#[kernel::boxed]
pub async fn challenge_create(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    draft: &ChallengeDraft,
    who: Author<'_>,
) -> Result<Challenge, Error> {
    Faults::of(draft_check(draft)).done()?;
    let facts = lock(conn, guild, campaign).await?;
    let place = store::challenge_count(conn, guild, campaign).await? + 1;
    if usize::try_from(place).is_ok_and(|place| place > MAX_CHALLENGES) {
        return Err(Error::Invalid(Problem::conflict(format!(
            "A campaign has at most {MAX_CHALLENGES} challenges."
        ))));
    }
    let id = insert(conn, &facts, place, draft, who).await?;
    challenge_get(conn, &facts, &Viewer::author(), id).await
}

async fn insert(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    place: i32,
    draft: &ChallengeDraft,
    who: Author<'_>,
) -> Result<ChallengeId, Error> {
    let slug = draft.slug.clone().unwrap_or_else(|| slug_of(&draft.title));
    let id = store::challenge_insert(conn, facts, place, &slug, draft).await?;
    store::parts_put(conn, (facts.guild_id, id), draft.parts).await?;
    store::hints_put(conn, facts, id, &draft.hints).await?;
    translations_put(conn, (facts.guild_id, id), &draft.translations).await?;
    let challenge = challenge_get(conn, facts, &Viewer::author(), id).await?;
    log(conn, facts, who, ("CREATE", id), (None, Some(&challenge))).await?;
    Ok(id)
}

/// Changes a challenge. Texts change for everybody at once. A new script makes anew the inputs that nobody has asked for;
/// those of who has begun stay, unless `regenerate_started` says otherwise.
#[kernel::boxed]
pub async fn challenge_update(
    conn: &mut PgConnection,
    (guild, campaign, id): (GuildId, CampaignId, ChallengeId),
    patch: &ChallengePatch,
    who: Author<'_>,
) -> Result<Challenge, Error> {
    let facts = lock(conn, guild, campaign).await?;
    let before = challenge_get(conn, &facts, &Viewer::author(), id).await?;
    let old = before.draft();
    let wanted = patch.applied(&old);
    let mut faults = Faults::of(new_faults(&old, &wanted));
    if patch.regenerate_started && patch.generation_script.is_none() {
        faults.say("regenerate_started", "goes with a new generation_script only");
    }
    faults.done()?;
    if let Some(fixed) = fixed(&facts, &before, &wanted).into_iter().next() {
        return Err(Error::AlreadyReleased(fixed.message));
    }
    if store::hints_lost(conn, (guild, id), wanted.hints.len()).await? {
        return Err(Error::Invalid(Problem::conflict(
            "Somebody has paid for a hint that would go; edit it instead of removing it.",
        )));
    }
    change(conn, &facts, &before, (before.position, &wanted), patch.regenerate_started, who).await?;
    challenge_get(conn, &facts, &Viewer::author(), id).await
}

/// What is wrong with a challenge as it is to be, and was not wrong before: nobody has to mend what they do not touch.
fn new_faults(old: &ChallengeDraft, wanted: &ChallengeDraft) -> Vec<FieldError> {
    let known = draft_check(old);
    draft_check(wanted).into_iter().filter(|fault| !known.contains(fault)).collect()
}

/// What can no longer change: participants rely on it.
fn fixed(facts: &CampaignFacts, before: &Challenge, wanted: &ChallengeDraft) -> Vec<FieldError> {
    let mut faults = Faults::default();
    let released = before.released_at.is_some();
    if released && wanted.slug.as_ref().is_some_and(|slug| *slug != before.slug) {
        faults.say("slug", "Inputs are seeded with the slug: it cannot change after the release.");
    }
    let brought = before.authoring.as_ref().map_or(&[][..], |authoring| &authoring.answers);
    if released && points_differ(&wanted.answers, brought, before.parts) {
        faults.say("answers", "What a part brings cannot change after the release.");
    }
    if wanted.parts != before.parts && (facts.status != "CREATED" || released) {
        faults.say("parts", "The number of parts cannot change once the campaign has started.");
    }
    faults.list()
}

/// Brings a challenge to what it is to be; writes nothing where it is that already.
async fn change(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    before: &Challenge,
    (place, wanted): (i32, &ChallengeDraft),
    regenerate_started: bool,
    who: Author<'_>,
) -> Result<(), Error> {
    let old = before.draft();
    let wanted = ChallengeDraft {
        slug: Some(wanted.slug.clone().unwrap_or_else(|| before.slug.clone())),
        title: wanted.title.trim().to_owned(),
        ..wanted.clone()
    };
    if old.same(&wanted) && place == before.position {
        return Ok(());
    }
    let id = before.id;
    let rescripted = wanted.generation_script != old.generation_script;
    // Whatever inputs are made from is part of the version, so that none that is being made of the old is stored as new.
    let remade = rescripted || wanted.slug != old.slug || wanted.parts != old.parts;
    store::challenge_write(conn, (facts.guild_id, id), place, &wanted, (rescripted, remade)).await?;
    if wanted.parts != old.parts {
        store::parts_put(conn, (facts.guild_id, id), wanted.parts).await?;
    }
    if remade {
        let replaced = store::inputs_invalidate(conn, (facts.guild_id, id), regenerate_started).await?;
        if rescripted && before.released_at.is_some() {
            script_changed(conn, facts, (id, &wanted.title), regenerate_started && replaced).await?;
        }
    }
    store::hints_put(conn, facts, id, &wanted.hints).await?;
    translations_put(conn, (facts.guild_id, id), &wanted.translations).await?;
    let after = challenge_get(conn, facts, &Viewer::author(), id).await?;
    log(conn, facts, who, ("UPDATE", id), (Some(before), Some(&after))).await
}

/// Tells everyone that what makes the inputs of a released challenge has changed.
pub(super) async fn script_changed(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    (id, title): (ChallengeId, &str),
    inputs_replaced: bool,
) -> Result<(), Error> {
    let event = Event {
        guild_id: facts.guild_id,
        event_type: "challenge.script_changed",
        subject: format!("campaigns/{}", facts.id),
        correlation_id: None,
        user_id: None,
        payload: json!({ "campaign_id": facts.id, "challenge_id": id, "title": title, "inputs_replaced": inputs_replaced }),
    };
    Ok(outbox::emit_one(conn, event).await?)
}

/// Removes a challenge that is not released; those behind it move up.
#[kernel::boxed]
pub async fn challenge_delete(
    conn: &mut PgConnection,
    (guild, campaign, id): (GuildId, CampaignId, ChallengeId),
    who: Author<'_>,
) -> Result<(), Error> {
    let facts = lock(conn, guild, campaign).await?;
    let before = challenge_get(conn, &facts, &Viewer::author(), id).await?;
    if before.released_at.is_some() {
        return Err(Error::AlreadyReleased(
            "A released challenge cannot be removed; close it instead (closes_after_minutes).".to_owned(),
        ));
    }
    remove(conn, &facts, &[before], who).await?;
    store::places_close(conn, guild, campaign).await?;
    if facts.published && store::ranks_unreachable(conn, guild, campaign).await? {
        return Err(Error::Invalid(Problem::conflict(
            "The campaign rewards who solves something, and this is its last challenge.",
        )));
    }
    Ok(())
}

async fn remove(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    gone: &[Challenge],
    who: Author<'_>,
) -> Result<(), Error> {
    store::challenges_delete(conn, facts.guild_id, &gone.iter().map(|c| c.id).collect::<Vec<_>>()).await?;
    for challenge in gone {
        log(conn, facts, who, ("DELETE", challenge.id), (Some(challenge), None)).await?;
    }
    Ok(())
}

/// Brings all challenges of a campaign to what an author's folder says, in its order. They are the same by their slugs; those
/// that the folder no longer has go. What is released keeps its place, its slug and its parts, and who has begun keeps their
/// input. What is wrong is named as `challenges[i].field`.
#[kernel::boxed]
pub async fn challenges_put(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    drafts: &[ChallengeDraft],
    who: Author<'_>,
) -> Result<(), Error> {
    let facts = lock(conn, guild, campaign).await?;
    let known = challenges_all(conn, &facts).await?;
    let slugs: HashSet<&str> = drafts.iter().filter_map(|draft| draft.slug.as_deref()).collect();
    let (kept, gone): (Vec<Challenge>, Vec<Challenge>) =
        known.into_iter().partition(|challenge| slugs.contains(challenge.slug.as_str()));
    let before = |draft: &ChallengeDraft| {
        kept.iter().find(|challenge| draft.slug.as_deref() == Some(&*challenge.slug))
    };

    let mut wrong = Faults::default();
    for challenge in gone.iter().filter(|challenge| challenge.released_at.is_some()) {
        wrong.say("challenges", format!("must keep `{}`, which has been released", challenge.slug));
    }
    for (place, draft) in (1..).zip(drafts) {
        let Some(before) = before(draft) else { continue };
        let at = format!("challenges[{}]", place - 1);
        if before.released_at.is_some() && before.position != place {
            wrong.say(&at, "has been released; it must keep its place");
        }
        for fault in fixed(&facts, before, draft) {
            wrong.say(format!("{at}.{}", fault.field), fault.message);
        }
        if store::hints_lost(conn, (guild, before.id), draft.hints.len()).await? {
            let why = "must keep the hints that somebody has unlocked; add new ones behind them";
            wrong.say(format!("{at}.hints"), why);
        }
    }
    wrong.done()?;

    remove(conn, &facts, &gone, who).await?;
    // Two challenges may swap places; the places are compared when all are in theirs.
    store::places_deferred(conn, true).await?;
    for (place, draft) in (1..).zip(drafts) {
        match before(draft) {
            Some(before) => change(conn, &facts, before, (place, draft), false, who).await?,
            None => {
                insert(conn, &facts, place, draft, who).await?;
            }
        }
    }
    Ok(store::places_deferred(conn, false).await?)
}

/// Puts a campaign's challenges into this order: all of them must be named once, and the released ones keep their places.
#[kernel::boxed]
pub async fn challenge_reorder(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    order: &[ChallengeId],
    who: Author<'_>,
) -> Result<(), Error> {
    let facts = lock(conn, guild, campaign).await?;
    let known = store::places(conn, guild, campaign).await?;
    let mut sorted: (Vec<ChallengeId>, Vec<ChallengeId>) =
        (order.to_vec(), known.iter().map(|k| k.id).collect());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    if sorted.0 != sorted.1 {
        return Err(Error::field("challenge_ids", "must name every challenge of the campaign exactly once"));
    }
    let moved = (1..)
        .zip(order)
        .any(|(place, id)| known.iter().any(|k| k.released && k.id == *id && k.order_position != place));
    if moved {
        return Err(Error::AlreadyReleased("Released challenges keep their places.".to_owned()));
    }
    store::places_put(conn, guild, campaign, order).await?;
    let ids = |ids: Vec<ChallengeId>| Some(json!({ "challenge_ids": ids }));
    let mut entry = entry(who, facts.guild_id, "REORDER", campaign.to_string());
    entry.target_table = "campaigns.campaigns";
    entry.before = ids(known.iter().map(|k| k.id).collect());
    entry.after = ids(order.to_vec());
    Ok(audit::record(conn, &entry).await?)
}
