//! Inputs made ahead of a release, so that the minute of the release costs no more than any other.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use jobs::Wake;
use kernel::{ChallengeId, GuildId};
use sandbox::Sandbox;
use serde::Serialize;
use sqlx::PgPool;

use super::{failed, generate, store};
use crate::error::Error;

/// How many inputs are made before they are stored, and how many wait for the sandbox at once: enough to keep its workers
/// busy, few enough that a participant who asks meanwhile does not wait long.
const CHUNK: i64 = 32;
const AT_ONCE: usize = 4;

/// What a run of [`pregenerate`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pregenerated {
    /// Inputs stored.
    pub made: u64,
    /// Challenges whose script failed or could not be run; the others were gone on with.
    pub failed: Vec<ChallengeId>,
}

/// Makes a challenge's inputs for all registered participants who have no valid one, in chunks. It can be ended at any
/// moment and begun again: what is stored is not made twice. Stops at the first participant for whom the script fails; its
/// author is told. Answers how many inputs were stored.
pub async fn pregenerate(
    pool: &PgPool,
    wake: &Wake,
    sandbox: &Sandbox,
    (guild, challenge): (GuildId, ChallengeId),
) -> Result<u64, Error> {
    let mut made = 0;
    let mut after = String::new();
    loop {
        let mut conn = db::acquire(pool).await?;
        let script =
            store::script_read(&mut conn, guild, challenge).await?.ok_or(Error::NotFound("challenge"))?;
        let chunk = store::participants_next(&mut conn, &script, &after, CHUNK).await?;
        drop(conn);
        let Some((last, _)) = chunk.last() else { return Ok(made) };
        after.clone_from(&last.id);
        let chunk: Vec<_> = chunk.into_iter().filter(|(_, made)| !made).map(|(who, _)| who).collect();
        // Gathered first: a closure that is held across an await would keep the caller's future from being `Send`.
        let runs: Vec<_> =
            chunk.iter().map(|participant| generate::generate(sandbox, &script, participant)).collect();
        let results: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
        let mut inputs = Vec::with_capacity(results.len());
        let mut failure = None;
        for result in results {
            match result {
                Ok(input) => inputs.push(input),
                Err(error) => failure = Some(error),
            }
        }
        if !inputs.is_empty() {
            made += store::inputs_store(pool, &script, &inputs).await?;
        }
        if let Some(failure) = failure {
            return Err(failed(pool, wake, &script, failure).await?);
        }
    }
}

/// [`pregenerate`] for the challenges released within `window`, the soonest first, at most `challenges` of them: for a
/// periodic job of one node. A failing script costs its own challenge only.
pub async fn pregenerate_due(
    pool: &PgPool,
    wake: &Wake,
    sandbox: &Sandbox,
    window: Duration,
    challenges: i64,
) -> Result<Pregenerated, Error> {
    let mut conn = db::acquire(pool).await?;
    let due = store::challenges_due(&mut conn, window.as_secs_f64(), challenges).await?;
    drop(conn);
    let mut done = Pregenerated::default();
    for (guild, challenge) in due {
        match pregenerate(pool, wake, sandbox, (guild, challenge)).await {
            Ok(made) => done.made += made,
            Err(Error::InputUnavailable(_) | Error::NotFound(_)) => done.failed.push(challenge),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
