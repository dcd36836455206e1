//! Inputs: one for each participant and challenge, made by the challenge's script in the sandbox and kept.
//!
//! What holds:
//! * the same participant gets the same input on every node: whoever makes it first stores it, the others take that;
//! * the first request is stamped once, by the database's clock, when the input is there;
//! * no database transaction is open while a script runs;
//! * answers never leave here but to admins; a failing script tells its author what is wrong, once for each version, and
//!   participants something polite.

mod generate;
mod pregenerate;
mod store;

use chrono::{DateTime, Utc};
use jobs::Wake;
use kernel::{CampaignId, ChallengeId, GuildId, Page, PageQuery, UserId};
use sandbox::Sandbox;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::model::{Acting, CampaignFacts, Participant};
use crate::store::{Found, campaign_found_by};

pub(crate) use generate::unusable;
pub use pregenerate::{Pregenerated, pregenerate, pregenerate_due};
pub(crate) use store::script_read;
pub use store::{InputWithAnswer, MadeFile, StoredInput};

/// What a failing script's participants are told when it is not the script's fault.
const BUSY: &str = "Your input could not be made just now. Please try again in a moment.";

/// A participant's input.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Text, or any JSON.
    pub value: Value,
    /// When the participant first asked for it; `None` where it was asked for first when the campaign was over.
    pub first_request: Option<DateTime<Utc>>,
}

/// The input of whoever this member acts for, made now if it was not made before. The first request starts the clock.
///
/// For registered participants while the campaign runs, and to read until it expires; for testers before the release.
#[kernel::boxed]
pub async fn input_get(
    pool: &PgPool,
    wake: &Wake,
    sandbox: &Sandbox,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    user: UserId,
) -> Result<Input, Error> {
    // Another node may invalidate what was just made; three rounds of that are not bad luck any more.
    for _ in 0..3 {
        let mut conn = db::acquire(pool).await?;
        let Found { facts, acting, .. } = campaign_found_by(&mut conn, guild, campaign, Some(user)).await?;
        let nobody = Participant::player(user);
        let asked = acting.participant().unwrap_or(&nobody);
        let look = store::input_look(&mut conn, (guild, campaign, challenge), asked).await?;
        let look = look.ok_or(Error::NotFound("challenge"))?;
        let early = acting.is_tester() && facts.open_to_testers(look.order_position, facts.now);
        if !early && look.released_at.is_none_or(|at| at > facts.now) {
            return Err(Error::NotFound("challenge"));
        }
        let participant = match &acting {
            Acting::Nobody => return Err(Error::NotEligible),
            Acting::For(_) if !look.registered => return Err(Error::NotRegistered),
            Acting::For(participant) | Acting::Tester(participant) => participant,
        };
        let playing = early || facts.is_running();
        if !playing && (!facts.is_over() || facts.status == "EXPIRED") {
            return Err(Error::NotRunning(facts.status));
        }
        if let Some(cached) = look.cached {
            if cached.first_request.is_some() || !playing {
                return Ok(Input { value: cached.input, first_request: cached.first_request });
            }
            if let Some(first_request) =
                store::first_request_stamp(&mut conn, (guild, challenge), participant).await?
            {
                return Ok(Input { value: cached.input, first_request: Some(first_request) });
            }
            continue;
        }
        let script =
            store::script_read(&mut conn, guild, challenge).await?.ok_or(Error::NotFound("challenge"))?;
        drop(conn);
        match generate::generate(sandbox, &script, participant).await {
            Ok(made) => store::inputs_store(pool, &script, &[made]).await?,
            Err(failure) => return Err(failed(pool, wake, &script, failure).await?),
        };
    }
    Err(Error::InputUnavailable(BUSY))
}

/// The input of whoever this member acts for, where they have begun: looking starts no clock and makes nothing.
#[kernel::boxed]
pub async fn input_begun(
    pool: &PgPool,
    within: (GuildId, CampaignId, ChallengeId),
    user: UserId,
) -> Result<Option<Input>, Error> {
    Ok(begun(&mut *db::acquire(pool).await?, within, user).await?.map(|begun| begun.input))
}

/// The files beside the input of whoever this member acts for, once they have begun.
#[kernel::boxed]
pub async fn input_files(
    pool: &PgPool,
    within: (GuildId, CampaignId, ChallengeId),
    user: UserId,
) -> Result<Vec<MadeFile>, Error> {
    let begun = begun(&mut *db::acquire(pool).await?, within, user).await?;
    Ok(begun.ok_or(Error::InputFirst)?.files)
}

/// What one of those files holds.
#[kernel::boxed]
pub async fn input_file(
    pool: &PgPool,
    within: (GuildId, CampaignId, ChallengeId),
    user: UserId,
    name: &str,
) -> Result<Vec<u8>, Error> {
    let mut conn = db::acquire(pool).await?;
    let begun = begun(&mut conn, within, user).await?.ok_or(Error::InputFirst)?;
    let content = store::file_of(&mut conn, (within.0, within.2), &begun.participant.id, name).await?;
    content.ok_or(Error::NotFound("file"))
}

/// What somebody has who has begun.
pub(crate) struct Begun {
    participant: Participant,
    pub(crate) input: Input,
    pub(crate) files: Vec<MadeFile>,
}

async fn begun(
    conn: &mut PgConnection,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    user: UserId,
) -> Result<Option<Begun>, Error> {
    let Found { facts, acting, .. } = campaign_found_by(conn, guild, campaign, Some(user)).await?;
    begun_by(conn, &facts, &acting, challenge).await
}

/// What whoever a member acts for has begun with, if they have.
pub(crate) async fn begun_by(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    acting: &Acting,
    challenge: ChallengeId,
) -> Result<Option<Begun>, Error> {
    let Some(participant) = acting.participant() else { return Ok(None) };
    let look = store::input_look(conn, (facts.guild_id, facts.id, challenge), participant).await?;
    let look = look.ok_or(Error::NotFound("challenge"))?;
    let early = acting.is_tester() && facts.open_to_testers(look.order_position, facts.now);
    if !early && look.released_at.is_none_or(|at| at > facts.now) {
        return Err(Error::NotFound("challenge"));
    }
    let playing = early || facts.is_running();
    let readable = playing || (facts.is_over() && facts.status != "EXPIRED");
    if !readable || !(acting.is_tester() || look.registered) {
        return Ok(None);
    }
    // Once it is over no clock runs any more: what is there may be read.
    let begun = look.cached.filter(|cached| cached.first_request.is_some() || !playing);
    Ok(begun.map(|cached| Begun {
        participant: participant.clone(),
        input: Input { value: cached.input, first_request: cached.first_request },
        files: cached.files,
    }))
}

/// Tells the author, if it is the script's fault and the first time in this version, and says what to tell participants.
async fn failed(
    pool: &PgPool,
    wake: &Wake,
    script: &store::Script,
    failure: generate::Failure,
) -> Result<Error, sqlx::Error> {
    if let Some(words) = &failure.for_author
        && store::script_failed(pool, script, words).await?
    {
        wake.outbox();
    }
    Ok(Error::InputUnavailable(failure.for_participants))
}

/// A page of a challenge's inputs with their answers, for admins, in the order of the participants' ids.
pub async fn input_list(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    query: &PageQuery,
) -> Result<Page<InputWithAnswer>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let after: String = query.after().map_err(Error::Invalid)?.unwrap_or_default();
    let mut conn = db::acquire(pool).await?;
    crate::store::challenge_exists(&mut conn, guild, campaign, challenge).await?;
    let rows = store::inputs_with_answers(&mut conn, (guild, challenge), &after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |row| row.participant_id.clone()))
}

/// One participant's stored input with its answers, for admins.
#[kernel::boxed]
pub async fn input_with_answers(
    pool: &PgPool,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    participant_id: &str,
) -> Result<StoredInput, Error> {
    let mut conn = db::acquire(pool).await?;
    crate::store::challenge_exists(&mut conn, guild, campaign, challenge).await?;
    let stored = store::input_stored(&mut conn, (guild, challenge), participant_id).await?;
    let mut stored = stored.ok_or(Error::NotFound("input"))?;
    stored.files = store::files_of(&mut conn, (guild, challenge), participant_id).await?;
    Ok(stored)
}
