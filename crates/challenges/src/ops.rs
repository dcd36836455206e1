//! What the faces call: one transaction each.

use jobs::Wake;
use kernel::language::Reader;
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, UserId};
use sandbox::Files;
use sqlx::{PgConnection, PgPool};

use crate::catalogue::{self, Author, Challenge, ChallengeDraft, ChallengePatch, Reading, Viewer};
use crate::error::Error;
use crate::hints::{self, Hint};
use crate::inputs::{self, Input, MadeFile};
use crate::leaderboard::{self, Around, Feed, Leaderboard, Race, Solver, SquadStanding, Standing, View};
use crate::model::{Acting, CampaignFacts};
use crate::rules::MAX_PARTS;
use crate::store::{Found, campaign_find, campaign_found_by};
use crate::submissions::{self, PastSubmission};

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

/// A campaign as this onlooker sees it: drafts are for admins.
struct Sight {
    facts: CampaignFacts,
    viewer: Viewer,
    /// Whether they take part, or the squad they are in does.
    registered: bool,
}

async fn sight_of(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    who: Onlooker<'_>,
) -> Result<Sight, Error> {
    let Found { facts, acting, registered, preferred } =
        campaign_found_by(conn, guild, campaign, who.user).await?;
    if !facts.published && !who.admin {
        return Err(Error::NotFound("campaign"));
    }
    let (view, reading) = (View::of(&facts, who.admin), Reading::of(who.reader, preferred));
    // Nobody takes part in a draft.
    let registered = registered && facts.published;
    Ok(Sight { viewer: Viewer { admin: who.admin, acting, view, reading }, facts, registered })
}

/// A campaign's challenges in their order, as this onlooker sees them.
#[kernel::boxed]
pub async fn challenge_list(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    who: Onlooker<'_>,
    page: &PageQuery,
) -> Result<Page<Challenge>, Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, within, who).await?;
    catalogue::challenge_list(&mut conn, &facts, &viewer, page).await
}

/// A campaign's challenges as by [`challenge_list`], and a page of its leaderboard as by [`board`].
pub async fn overview(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    who: Onlooker<'_>,
    challenges: &PageQuery,
    standings: &PageQuery,
) -> Result<(Page<Challenge>, Leaderboard<Standing>), Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, within, who).await?;
    let challenges = catalogue::challenge_list(&mut conn, &facts, &viewer, challenges).await?;
    let board = leaderboard::page(&mut conn, &facts, viewer.view, standings).await?;
    Ok((challenges, board))
}

/// One challenge, as this onlooker sees it.
#[kernel::boxed]
pub async fn challenge_get(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
) -> Result<Challenge, Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, (guild, campaign), who).await?;
    catalogue::challenge_get(&mut conn, &facts, &viewer, challenge).await
}

/// A challenge with what somebody has of it.
#[derive(Debug, Clone)]
pub struct Play {
    /// Its campaign.
    pub campaign: CampaignFacts,
    /// The challenge, as by [`challenge_get`].
    pub challenge: Challenge,
    /// What the member has of it; nothing where it was not asked for.
    pub own: Own,
}

/// What a member, or whoever they act for, has of a challenge.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Whether they take part in the campaign, or the squad they are in does.
    pub registered: bool,
    /// Their input, where they have begun: looking starts no clock.
    pub input: Option<Input>,
    /// The files beside it.
    pub files: Vec<MadeFile>,
    /// The hints.
    pub hints: Vec<Hint>,
    /// Their latest answers, the newest first.
    pub answers: Vec<PastSubmission>,
}

/// One challenge as this onlooker sees it, and what they have of it, with so many of their answers, where that is told.
pub async fn challenge_play(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
    answers: Option<i64>,
) -> Result<Play, Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, registered } = sight_of(&mut conn, (guild, campaign), who).await?;
    let challenge = catalogue::challenge_get(&mut conn, &facts, &viewer, challenge).await?;
    let Some(answers) = answers.filter(|_| who.user.is_some()) else {
        return Ok(Play { campaign: facts, challenge, own: Own::default() });
    };
    let mut own = Own { registered, ..Own::default() };
    if is_there(&facts, &viewer.acting, &challenge) {
        let (acting, id) = (&viewer.acting, challenge.id);
        if let Some(begun) = inputs::begun_by(&mut conn, &facts, acting, id).await? {
            (own.input, own.files) = (Some(begun.input), begun.files);
        }
        own.hints = hints::hints_of(&mut conn, &facts, acting, id).await?;
        own.answers = submissions::answers_of(&mut conn, &facts, acting, id, answers).await?;
    }
    Ok(Play { campaign: facts, challenge, own })
}

/// One challenge as this onlooker sees it, with its hints as whoever they act for does.
pub async fn challenge_hints(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
) -> Result<(Challenge, Vec<Hint>), Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, (guild, campaign), who).await?;
    let challenge = catalogue::challenge_get(&mut conn, &facts, &viewer, challenge).await?;
    if !is_there(&facts, &viewer.acting, &challenge) {
        return Err(Error::NotFound("challenge"));
    }
    let hints = hints::hints_of(&mut conn, &facts, &viewer.acting, challenge.id).await?;
    Ok((challenge, hints))
}

/// Whether a challenge is there for who plays or tests: an admin's eyes do not help.
fn is_there(facts: &CampaignFacts, acting: &Acting, challenge: &Challenge) -> bool {
    challenge.released_at.is_some_and(|at| at <= facts.now)
        || (acting.is_tester() && facts.open_to_testers(challenge.position, facts.now))
}

/// What an attachment of a challenge holds, for who may see the challenge.
pub async fn attachment_get(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
    name: &str,
) -> Result<Vec<u8>, Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, (guild, campaign), who).await?;
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

/// A page of the overall leaderboard with what belongs to it for who looks.
#[derive(Debug, Clone)]
pub struct Board {
    /// The page, as by [`board`].
    pub board: Leaderboard<Standing>,
    /// The place of whoever they act for, as by [`board_around`].
    pub me: Option<Standing>,
    /// How the page's first came by what they have.
    pub race: Option<Race>,
}

/// A page of the overall leaderboard, the onlooker's own place as the member may see it, and how so many of the page's first came by
/// what they have.
pub async fn board_watched(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    who: Onlooker<'_>,
    page: &PageQuery,
    racers: usize,
) -> Result<Board, Error> {
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, within, who).await?;
    let board = leaderboard::page(&mut conn, &facts, viewer.view, page).await?;
    let me = match &viewer.acting {
        Acting::For(participant) if facts.published => {
            let view = View::of(&facts, false);
            leaderboard::around(&mut conn, &facts, view, &participant.id, 0).await?.me
        }
        _ => None,
    };
    let first = &board.items[..racers.min(board.items.len())];
    let race = if first.is_empty() {
        None
    } else {
        Some(leaderboard::race(&mut conn, &facts, viewer.view, first).await?)
    };
    Ok(Board { board, me, race })
}

/// The place of whoever this member acts for, and who stands next to it, as the member may see them.
#[kernel::boxed]
pub async fn board_around(
    pool: &PgPool,
    within: (GuildId, CampaignId),
    user: UserId,
    neighbours: i32,
) -> Result<Around, Error> {
    let mut conn = db::acquire(pool).await?;
    let who = Onlooker { user: Some(user), ..Onlooker::default() };
    let Sight { facts, viewer, .. } = sight_of(&mut conn, within, who).await?;
    match &viewer.acting {
        Acting::For(participant) => {
            leaderboard::around(&mut conn, &facts, viewer.view, &participant.id, neighbours).await
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
    let who = Onlooker { admin, ..Onlooker::default() };
    Ok(challenge_solvers(pool, (guild, campaign, challenge), who, part, page).await?.1)
}

/// One challenge as this onlooker sees it, with who solved a part of it, in order. What is not released is for admins.
pub async fn challenge_solvers(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    who: Onlooker<'_>,
    part: i32,
    page: &PageQuery,
) -> Result<(Challenge, Leaderboard<Solver>), Error> {
    if !(1..=MAX_PARTS).contains(&part) {
        return Err(Error::field("part", format!("must be between 1 and {MAX_PARTS}")));
    }
    let mut conn = db::acquire(pool).await?;
    let Sight { facts, viewer, .. } = sight_of(&mut conn, (guild, campaign), who).await?;
    let challenge = catalogue::challenge_get(&mut conn, &facts, &viewer, challenge).await?;
    if !who.admin && challenge.released_at.is_none_or(|at| at > facts.now) {
        return Err(Error::NotFound("challenge"));
    }
    let solvers = leaderboard::solvers(&mut conn, &facts, viewer.view, (challenge.id, part), page).await?;
    Ok((challenge, solvers))
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
