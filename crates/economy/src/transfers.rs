//! Transfers between members, posted in batches.
//!
//! What holds, however many arrive at however many nodes:
//! * a transfer keeps to the guild's rules as of its batch: amounts, cooldown, who is a bot or has left;
//! * its refusal is its own: the rest of its batch does not notice;
//! * transfers of a batch are judged one after the other: what one brings, the next may spend, and a giver's second one
//!   finds the cooldown of the first;
//! * the locks are taken in the order of the accounts' keys, so that nodes race without deadlock, also for one hot account;
//! * a request with an `Idempotency-Key` is paid once.
//!
//! | room | holds |
//! |---|---|
//! | `writer` | [`TransferWriter`]: gathers transfers while the batch before them commits |
//! | `batch` | a batch in one transaction, few statements however many it holds |
//! | `store` | its SQL |

mod batch;
mod store;
mod writer;

use access::web::Repeatable;
use kernel::{Bytes, GuildId, UserId};
use sqlx::PgPool;

use crate::error::Error;
use crate::model::{Receipt, TransferRequest};
use crate::rules;

pub use writer::{MAX_BATCH, TransferWriter};

/// A transfer that somebody asks for.
#[derive(Debug, Clone)]
pub struct Transfer {
    guild_id: GuildId,
    giver: UserId,
    receiver: UserId,
    amount: Bytes,
    reason: Option<String>,
    /// The request that asked for it, which must not be carried out again under its `Idempotency-Key`.
    request: Repeatable,
}

impl Transfer {
    /// What `giver` asks for now. A reason that is too long is refused.
    pub fn new(guild_id: GuildId, giver: UserId, request: &TransferRequest) -> Result<Self, Error> {
        Ok(Self {
            guild_id,
            giver,
            receiver: request.receiver_id,
            amount: request.amount,
            reason: rules::check_reason(request.reason.as_deref())?,
            request: Repeatable::current(),
        })
    }
}

/// What came of a transfer: the receipt, or why there is none.
pub type Outcome = Result<Receipt, Error>;

/// Carries out one transfer in a transaction of its own: what [`TransferWriter`] does for many.
pub async fn transfer(pool: &PgPool, transfer: &Transfer) -> Outcome {
    let mut outcomes = db::retry(|| batch::commit(pool, std::slice::from_ref(transfer))).await?;
    outcomes.pop().unwrap_or(Err(Error::Stopping))
}
