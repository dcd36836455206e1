//! What the faces call: one transaction each.

use jobs::Wake;
use kernel::language::Reader;
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, UserId};
use sandbox::Files;
use sqlx::{PgConnection, PgPool};

use crate::catalogue::{self, Author, Challenge, ChallengeDraft, ChallengePatch, Reading, Viewer};
use crate::error::Error;
use crate::leaderboard::{self, Around, Feed, Leaderboard, Race, Solver, SquadStanding, Standing, View};
use crate::model::{Acting, CampaignFacts};
use crate::rules::MAX_PARTS;
use crate::store::{acting_for, campaign_find};

/// How many race unless told.
const DEFAULT_RACERS: i64 = 10;

/// Who looks: an admin, a member, or nobody in particular.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onlooker<'a> {
    /// Whether they see drafts, secrets and through freezes.
    pub admin: bool,
    /// The member they are, where they say.
    pub user: Option<UserId>,
    /// In which language they read. Authors who name none get what is to be edited.
    pub reader: Reader<'a>,
}

/// The campaign as this onlooker may know of it: drafts are for admins.
async fn facts_for(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
    admin: bool,
) -> Result<(CampaignFacts, View), Error> {
    let facts = campaign_find(conn, guild, campaign).await?;
    if !facts.published && !admin {
        return Err(Error::NotFound("campaign"));
    }
    let view = View::of(&facts, admin);
    Ok((facts, view))
}

async fn viewer(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    who: Onlooker<'_>,
) -> sqlx::Result<Viewer> {
    let acting = match who.user {
        Some(user) => acting_for(conn, &[(facts.key(), user, facts.now)]).await?.pop(),
        None => None,
    };
    let reading = Reading::of(who.reader, who.user);
    Ok(Viewer { admin: who.admin, acting: acting.unwrap_or(Acting::Nobody), view, reading })
}

/// A campaign's challenges in their order, as this onlooker sees them.
#[kernel::boxed]
pub async fn challenge_list(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    who: Onlooker<'_>,
    page: &PageQuery,
) -> Result<Page<Challenge>, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, who.admin).await?;
    let viewer = viewer(&mut conn, &facts, view, who).await?;
    catalogue::challenge_list(&mut conn, &facts, &viewer, page).await
}

/// One challenge, as this onlooker sees it.
#[kernel::boxed]
pub async fn challenge_get(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
) -> Result<Challenge, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, who.admin).await?;
    let viewer = viewer(&mut conn, &facts, view, who).await?;
    catalogue::challenge_get(&mut conn, &facts, &viewer, challenge).await
}

/// What an attachment of a challenge holds, for who may see the challenge.
pub async fn attachment_get(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
    name: &str,
) -> Result<Vec<u8>, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, who.admin).await?;
    let viewer = viewer(&mut conn, &facts, view, who).await?;
    catalogue::attachment_get(&mut conn, &facts, &viewer, (challenge, name)).await
}

/// Refuses what adding this challenge would, and writes nothing: for who wants to try its script first.
pub async fn challenge_create_rehearsed(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    draft: &ChallengeDraft,
    by: Author<'_>,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    catalogue::challenge_create(&mut tx, within, draft, by).await?;
    Ok(tx.rollback().await?)
}

/// Refuses what changing the challenge so would, and writes nothing. Answers the challenge as it would be, with what its script finds, if
/// inputs would come of it that are made otherwise than before.
#[kernel::boxed]
pub async fn challenge_update_rehearsed(
    pool: &PgPool,
    which: (GuildId, CampaignId, ChallengeId),
    patch: &ChallengePatch,
    by: Author<'_>,
) -> Result<Option<(ChallengeDraft, Files)>, Error> {
    let mut tx = db::begin(pool).await?;
    let known = catalogue::drafts(&mut tx, which.0, which.1).await?;
    let wanted = catalogue::challenge_update(&mut tx, which, patch, by).await?.draft();
    let files = catalogue::script_files(&mut tx, which).await?;
    tx.rollback().await?;
    let made_alike = |old: &ChallengeDraft| {
        old.slug == wanted.slug
            && old.parts == wanted.parts
            && old.generation_script == wanted.generation_script
    };
    Ok((!known.iter().any(made_alike)).then_some((wanted, files)))
}

/// Adds a challenge at the end.
pub async fn challenge_create(
    pool: &PgPool,
    wake: &Wake,
    within: (GuildId, CampaignId),
    draft: &ChallengeDraft,
    by: Author<'_>,
) -> Result<Challenge, Error> {
    let mut tx = db::begin(pool).await?;
    let made = catalogue::challenge_create(&mut tx, within, draft, by).await?;
    tx.commit().await?;
    wake.everything();
    Ok(made)
}

/// Changes a challenge.
pub async fn challenge_update(
    pool: &PgPool,
    wake: &Wake,
    which: (GuildId, CampaignId, ChallengeId),
    patch: &ChallengePatch,
    by: Author<'_>,
) -> Result<Challenge, Error> {
    let mut tx = db::begin(pool).await?;
    let changed = catalogue::challenge_update(&mut tx, which, patch, by).await?;
    tx.commit().await?;
    wake.outbox();
    Ok(changed)
}

/// Removes a challenge that has not been released.
#[kernel::boxed]
pub async fn challenge_delete(
    pool: &PgPool,
    which: (GuildId, CampaignId, ChallengeId),
    by: Author<'_>,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    catalogue::challenge_delete(&mut tx, which, by).await?;
    Ok(tx.commit().await?)
}

/// Puts challenges in another order; answers them as they stand then.
#[kernel::boxed]
pub async fn challenge_reorder(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    order: &[ChallengeId],
    by: Author<'_>,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    catalogue::challenge_reorder(&mut tx, within, order, by).await?;
    Ok(tx.commit().await?)
}

/// A page of the overall leaderboard.
#[kernel::boxed]
pub async fn board(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    admin: bool,
    page: &PageQuery,
) -> Result<Leaderboard<Standing>, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    leaderboard::page(&mut conn, &facts, view, page).await
}

/// The place of whoever this member acts for, and who stands next to it, as the member may see them.
#[kernel::boxed]
pub async fn board_around(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    user: UserId,
    neighbours: i32,
) -> Result<Around, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, false).await?;
    match acting_for(&mut conn, &[(facts.key(), user, facts.now)]).await?.pop() {
        Some(Acting::For(participant)) => {
            leaderboard::around(&mut conn, &facts, view, &participant.id, neighbours).await
        }
        _ => Err(Error::NotRegistered),
    }
}

/// Squads by what their members scored.
pub async fn board_squads(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    admin: bool,
    page: &PageQuery,
) -> Result<Leaderboard<SquadStanding>, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    leaderboard::by_squad(&mut conn, &facts, view, page).await
}

/// Who solved a part of a challenge, in order. What is not released is for admins.
#[kernel::boxed]
pub async fn board_solvers(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    part: i32,
    admin: bool,
    page: &PageQuery,
) -> Result<Leaderboard<Solver>, Error> {
    if !(1..=MAX_PARTS).contains(&part) {
        return Err(Error::field("part", format!("must be between 1 and {MAX_PARTS}")));
    }
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    let onlooker = Viewer { admin, acting: Acting::Nobody, view, reading: Reading::default() };
    catalogue::challenge_get(&mut conn, &facts, &onlooker, challenge).await?;
    leaderboard::solvers(&mut conn, &facts, view, (challenge, part), page).await
}

/// The scoreboard as `CTFtime` reads it.
pub async fn board_feed(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    admin: bool,
) -> Result<Feed, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    leaderboard::feed(&mut conn, &facts, view).await
}

/// How these rows of a leaderboard came by what they have, for a chart.
pub async fn board_race(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    admin: bool,
    rows: &[Standing],
) -> Result<Race, Error> {
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    leaderboard::race(&mut conn, &facts, view, rows).await
}

/// The first of the leaderboard, up to [`leaderboard::MAX_RACERS`], and their scores over time: what a replay is made of.
pub async fn board_replay(
    pool: &PgPool,
    (guild, campaign): (GuildId, CampaignId),
    admin: bool,
    limit: Option<i64>,
) -> Result<Race, Error> {
    let limit = limit.unwrap_or(DEFAULT_RACERS);
    if !(1..=leaderboard::MAX_RACERS).contains(&limit) {
        return Err(Error::field("limit", format!("must be between 1 and {}", leaderboard::MAX_RACERS)));
    }
    let mut conn = db::acquire(pool).await?;
    let (facts, view) = facts_for(&mut conn, guild, campaign, admin).await?;
    let page = PageQuery { limit: Some(limit), cursor: None };
    let rows = leaderboard::page(&mut conn, &facts, view, &page).await?.items;
    leaderboard::race(&mut conn, &facts, view, &rows).await
}
