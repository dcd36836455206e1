//! Gathers answers while the batch before them commits.
//!
//! Nobody waits for a batch to fill: an answer that finds its writer idle is judged at once, alone. Under load the batch
//! grows by itself to what arrived meanwhile, and the price of a commit is shared.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jobs::Wake;
use sandbox::Sandbox;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::batch::{Come, Judged, Order, commit};
use super::{Outcome, Submission};
use crate::checks::store::pending_release;
use crate::checks::{Waiting, check_all};
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

/// The way back in for answers that their checkers have looked at. It keeps no writer alive.
#[derive(Debug, Clone)]
pub(crate) struct WayIn(Arc<[mpsc::WeakSender<Pending>]>);

impl WayIn {
    /// Hands an answer on; whoever waits for it is told where that is too late.
    pub(crate) async fn give(&self, submission: Submission, reply: oneshot::Sender<Outcome>) {
        let shard = shard_of(&submission, self.0.len());
        let Some(sender) = self.0[shard].upgrade() else {
            // It is kept, and taken up by whoever is there then.
            let _ = reply.send(Err(Error::Stopping));
            return;
        };
        if let Err(mpsc::error::SendError(pending)) = sender.send(Pending { submission, reply }).await {
            let _ = pending.reply.send(Err(Error::Stopping));
        }
    }
}

/// Answers of one campaign go to the same writer, so that they do not wait for each other's locks.
fn shard_of(submission: &Submission, writers: usize) -> usize {
    usize::try_from(submission.campaign_id.get().as_u128() % (writers as u128)).unwrap_or(0)
}

/// Where answers go that need a checker; nowhere on a node that runs no scripts.
type ToCheckers = Option<mpsc::UnboundedSender<Waiting>>;

/// The way in for answers. Cheap to clone; its writers end when the last clone is dropped and what waits is judged.
#[derive(Debug, Clone)]
pub struct SubmissionWriter(Arc<[mpsc::Sender<Pending>]>);

impl SubmissionWriter {
    /// Starts `writers` tasks (at least one), each with a connection of `pool` while it works. Answers of one campaign
    /// always go to the same one, so that they do not wait for each other's locks. With a sandbox, challenges with checkers are judged
    /// here, too. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake, writers: usize, sandbox: Option<Sandbox>) -> Self {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..writers.max(1)).map(|_| mpsc::channel(QUEUE)).unzip();
        let checkers = sandbox.map(|sandbox| {
            let (to, coming) = mpsc::unbounded_channel();
            let back = WayIn(senders.iter().map(mpsc::Sender::downgrade).collect());
            tokio::spawn(check_all(pool.clone(), wake.clone(), sandbox, back, coming));
            to
        });
        for receiver in receivers {
            tokio::spawn(write_all(pool.clone(), wake.clone(), receiver, checkers.clone()));
        }
        Self(senders.into())
    }

    /// Has an answer judged and recorded. Answered after the commit.
    pub async fn submit(&self, submission: Submission) -> Outcome {
        let sender = &self.0[shard_of(&submission, self.0.len())];
        let (reply, outcome) = oneshot::channel();
        if sender.send(Pending { submission, reply }).await.is_err() {
            return Err(Error::Stopping);
        }
        outcome.await.unwrap_or(Err(Error::Stopping))
    }
}

async fn write_all(pool: PgPool, wake: Wake, mut waiting: mpsc::Receiver<Pending>, checkers: ToCheckers) {
    let mut gathered = Vec::with_capacity(MAX_BATCH);
    let mut order = Order::default();
    while waiting.recv_many(&mut gathered, MAX_BATCH).await > 0 {
        let (batch, replies): (Vec<Submission>, Vec<_>) =
            gathered.drain(..).map(|pending| (pending.submission, pending.reply)).unzip();
        let outcomes = judge_all(&pool, &wake, &batch, &mut order).await;
        for (reply, come) in replies.into_iter().zip(outcomes) {
            match come {
                // Whoever no longer listens has sent the answer all the same: it counts.
                Come::To(outcome) => drop(reply.send(outcome)),
                Come::Check(check) => to_checker(&pool, &checkers, Waiting { check: *check, reply }).await,
            }
        }
    }
}

/// Hands an answer to its checker; where there is nobody to run it, takes it back.
async fn to_checker(pool: &PgPool, checkers: &ToCheckers, waiting: Waiting) {
    let left = match checkers {
        Some(checkers) => match checkers.send(waiting) {
            Ok(()) => return,
            Err(mpsc::error::SendError(left)) => left,
        },
        None => waiting,
    };
    if let Err(error) = pending_release(pool, &left.check).await {
        tracing::warn!(%error, "an answer that cannot be checked here could not be taken back");
    }
    let _ = left.reply.send(Err(Error::CheckUnavailable));
}

/// Judges a batch; should it fail as a whole, judges its answers one by one, so that a single one that the database
/// cannot take costs nobody else.
async fn judge_all(pool: &PgPool, wake: &Wake, batch: &[Submission], order: &mut Order) -> Vec<Come> {
    match attempt(pool, wake, batch, order).await {
        Ok(outcomes) => outcomes,
        // What a commit on a lost connection did is not known: the participant asks again, and a solved part is solved.
        Err(error) if db::is_connection_lost(&error) => {
            batch.iter().map(|_| Come::To(Err(Error::ConnectionLost))).collect()
        }
        Err(error) => {
            tracing::warn!(error = %error, answers = batch.len(), "a batch of answers failed; judging them one by one");
            let mut outcomes = Vec::with_capacity(batch.len());
            for submission in batch {
                let alone = attempt(pool, wake, std::slice::from_ref(submission), order).await;
                outcomes.push(match alone {
                    Ok(mut all) => all.pop().unwrap_or(Come::To(Err(Error::Stopping))),
                    Err(error) => Come::To(Err(error.into())),
                });
            }
            outcomes
        }
    }
}

async fn attempt(
    pool: &PgPool,
    wake: &Wake,
    batch: &[Submission],
    order: &mut Order,
) -> sqlx::Result<Vec<Come>> {
    // A panic would end the writer and with it every later answer's hope; it fails this batch instead.
    let result = AssertUnwindSafe(commit(pool, batch, order)).catch_unwind().await;
    let Judged { outcomes, events } = result
        .unwrap_or_else(|_| Err(sqlx::Error::Protocol("judging a batch of answers panicked".into())))?;
    if events {
        wake.outbox();
    }
    Ok(outcomes)
}
