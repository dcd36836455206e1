//! Gathers answers while the batch before them commits.
//!
//! Nobody waits for a batch to fill: an answer that finds its writer idle is judged at once, alone. Under load the batch
//! grows by itself to what arrived meanwhile, and the price of a commit is shared.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jobs::Wake;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::batch::{Judged, commit};
use super::{Outcome, Submission};
use crate::error::Error;

/// The most answers judged in one transaction.
pub const MAX_BATCH: usize = 256;

/// How many answers may wait for a writer before requests wait to be let in.
const QUEUE: usize = 4096;

#[derive(Debug)]
struct Pending {
    submission: Submission,
    reply: oneshot::Sender<Outcome>,
}

/// The way in for answers. Cheap to clone; its writers end when the last clone is dropped and what waits is judged.
#[derive(Debug, Clone)]
pub struct SubmissionWriter(Arc<[mpsc::Sender<Pending>]>);

impl SubmissionWriter {
    /// Starts `writers` tasks (at least one), each with a connection of `pool` while it works. Answers of one campaign
    /// always go to the same one, so that they do not wait for each other's locks. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake, writers: usize) -> Self {
        let shards = (0..writers.max(1)).map(|_| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(write_all(pool.clone(), wake.clone(), receiver));
            sender
        });
        Self(shards.collect())
    }

    /// Has an answer judged and recorded. Answered after the commit.
    pub async fn submit(&self, submission: Submission) -> Outcome {
        let shard = submission.campaign_id.get().as_u128() % (self.0.len() as u128);
        let sender = &self.0[usize::try_from(shard).unwrap_or(0)];
        let (reply, outcome) = oneshot::channel();
        if sender.send(Pending { submission, reply }).await.is_err() {
            return Err(Error::Stopping);
        }
        outcome.await.unwrap_or(Err(Error::Stopping))
    }
}

async fn write_all(pool: PgPool, wake: Wake, mut waiting: mpsc::Receiver<Pending>) {
    let mut gathered = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut gathered, MAX_BATCH).await > 0 {
        let (batch, replies): (Vec<Submission>, Vec<_>) =
            gathered.drain(..).map(|pending| (pending.submission, pending.reply)).unzip();
        let outcomes = judge_all(&pool, &wake, &batch).await;
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever no longer listens has sent the answer all the same: it counts.
            let _ = reply.send(outcome);
        }
    }
}

/// Judges a batch; should it fail as a whole, judges its answers one by one, so that a single one that the database
/// cannot take costs nobody else.
async fn judge_all(pool: &PgPool, wake: &Wake, batch: &[Submission]) -> Vec<Outcome> {
    match attempt(pool, wake, batch).await {
        Ok(outcomes) => outcomes,
        // What a commit on a lost connection did is not known: the participant asks again, and a solved part is solved.
        Err(error) if db::is_connection_lost(&error) => {
            batch.iter().map(|_| Err(Error::ConnectionLost)).collect()
        }
        Err(error) => {
            tracing::warn!(error = %error, answers = batch.len(), "a batch of answers failed; judging them one by one");
            let mut outcomes = Vec::with_capacity(batch.len());
            for submission in batch {
                let alone = attempt(pool, wake, std::slice::from_ref(submission)).await;
                outcomes.push(
                    alone.map_err(Error::from).and_then(|mut all| all.pop().unwrap_or(Err(Error::Stopping))),
                );
            }
            outcomes
        }
    }
}

async fn attempt(pool: &PgPool, wake: &Wake, batch: &[Submission]) -> sqlx::Result<Vec<Outcome>> {
    // A panic would end the writer and with it every later answer's hope; it fails this batch instead.
    let result = AssertUnwindSafe(commit(pool, batch)).catch_unwind().await;
    let Judged { outcomes, events } = result
        .unwrap_or_else(|_| Err(sqlx::Error::Protocol("judging a batch of answers panicked".into())))?;
    if events {
        wake.outbox();
    }
    Ok(outcomes)
}
