//! Gathers transfers while the batch before them commits.
//!
//! Nobody waits for a batch to fill: a transfer that finds its writer idle is carried out at once, alone. Under load the
//! batch grows by itself to what arrived meanwhile, and the price of locks and commit is shared, also by those who pay one
//! and the same member.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jobs::Wake;
use kernel::GuildId;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::batch::commit;
use super::{Outcome, Transfer};
use crate::error::Error;

/// The most transfers in one transaction.
pub const MAX_BATCH: usize = 256;

/// How many transfers may wait for a writer before requests wait to be let in.
const QUEUE: usize = 4096;

#[derive(Debug)]
struct Pending {
    transfer: Transfer,
    reply: oneshot::Sender<Outcome>,
}

/// The way in for transfers. Cheap to clone; its writers end when the last clone is dropped and what waits is done.
#[derive(Debug, Clone)]
pub struct TransferWriter(Arc<[mpsc::Sender<Pending>]>);

impl TransferWriter {
    /// Starts `writers` tasks (at least one), each with a connection of `pool` while it works. Transfers of one guild always
    /// go to the same one, so that they do not wait for each other's locks. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake, writers: usize) -> Self {
        let shards = (0..writers.max(1)).map(|_| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(write_all(pool.clone(), wake.clone(), receiver));
            sender
        });
        Self(shards.collect())
    }

    /// Has a transfer judged and posted. Answered after the commit.
    pub async fn transfer(&self, transfer: Transfer) -> Outcome {
        let sender = &self.0[shard(transfer.guild_id, self.0.len())];
        let (reply, outcome) = oneshot::channel();
        if sender.send(Pending { transfer, reply }).await.is_err() {
            return Err(Error::Stopping);
        }
        // A writer that died in the middle may have committed.
        outcome.await.unwrap_or(Err(Error::ConnectionLost))
    }
}

/// Which of `writers` has the guild. A snowflake's low bits are nearly always the same, hence the multiplication.
fn shard(guild: GuildId, writers: usize) -> usize {
    let mixed = guild.get().cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    usize::try_from(mixed).unwrap_or(0) % writers
}

async fn write_all(pool: PgPool, wake: Wake, mut waiting: mpsc::Receiver<Pending>) {
    let mut gathered = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut gathered, MAX_BATCH).await > 0 {
        let (batch, replies): (Vec<Transfer>, Vec<_>) =
            gathered.drain(..).map(|pending| (pending.transfer, pending.reply)).unzip();
        let outcomes = carry_out(&pool, &wake, &batch).await;
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever no longer listens has asked for it all the same.
            let _ = reply.send(outcome);
        }
    }
}

/// Carries out a batch; should it fail as a whole, its transfers one by one, so that a single one that the database cannot
/// take costs nobody else.
async fn carry_out(pool: &PgPool, wake: &Wake, batch: &[Transfer]) -> Vec<Outcome> {
    match attempt(pool, wake, batch).await {
        Ok(outcomes) => outcomes,
        // What a commit on a lost connection did is not known: nothing is tried again that may have been paid.
        Err(Error::Database(error)) if db::is_connection_lost(&error) => {
            batch.iter().map(|_| Err(Error::ConnectionLost)).collect()
        }
        Err(error) if batch.len() == 1 => vec![Err(error)],
        Err(error) => {
            tracing::warn!(%error, transfers = batch.len(), "a batch of transfers failed; carrying them out one by one");
            let mut outcomes = Vec::with_capacity(batch.len());
            for transfer in batch {
                let alone = attempt(pool, wake, std::slice::from_ref(transfer)).await;
                outcomes.push(match alone {
                    Ok(mut all) => all.pop().unwrap_or(Err(Error::Stopping)),
                    Err(Error::Database(error)) if db::is_connection_lost(&error) => {
                        Err(Error::ConnectionLost)
                    }
                    Err(error) => Err(error),
                });
            }
            outcomes
        }
    }
}

async fn attempt(pool: &PgPool, wake: &Wake, batch: &[Transfer]) -> Result<Vec<Outcome>, Error> {
    // A panic would end the writer and with it every later transfer's hope; it fails this batch instead.
    let result = AssertUnwindSafe(db::retry(|| commit(pool, batch))).catch_unwind().await;
    let outcomes = result.unwrap_or_else(|_| {
        Err(Error::Database(sqlx::Error::Protocol("a batch of transfers panicked".into())))
    })?;
    if outcomes.iter().any(Result::is_ok) {
        wake.outbox();
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guilds_are_spread_over_the_writers() {
        let mut counts = [0; 4];
        for n in 0..4000 {
            // Snowflakes made a minute apart, each the first of its millisecond.
            counts[shard(GuildId::new((1_000_000_000_000 + n * 60_000) << 22), 4)] += 1;
        }
        assert!(counts.iter().all(|count| (700..=1300).contains(count)), "{counts:?}");
    }
}
