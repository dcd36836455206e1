//! Where learners confirm steps: those who do so at one instant share a transaction.

use std::sync::Arc;

use ::jobs::Wake;
use ::jobs::gather::{Gather, Request};
use kernel::{GuildId, UserId};
use sqlx::PgPool;

use crate::error::Error;
use crate::ids::{QuestId, StepId};
use crate::model::learner::{AttemptView, Confirmation};
use crate::ops::{Confirmed, steps_complete};

impl Request for Confirmed {
    type Group = GuildId;
    type Who = UserId;
    type Answer = AttemptView;
    type Error = Error;

    fn group(&self) -> GuildId {
        self.guild
    }

    fn who(&self) -> UserId {
        self.user
    }
}

/// Where learners confirm steps. Cheap to clone; it ends when its last clone is dropped and who waits is answered.
#[derive(Debug, Clone)]
pub struct StepDesk(Gather<Confirmed>);

impl StepDesk {
    /// Opens a desk, which takes a connection of `pool` while it completes. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake) -> Self {
        let (pool, wake) = (pool.clone(), wake.clone());
        Self(Gather::start(move |confirmed: Arc<[Confirmed]>| {
            let (pool, wake) = (pool.clone(), wake.clone());
            Box::pin(async move {
                let Some(first) = confirmed.first() else { return Ok(Vec::new()) };
                let outcomes = steps_complete(&pool, first.guild, &confirmed).await?;
                if outcomes.iter().any(Result::is_ok) {
                    wake.outbox();
                }
                Ok(outcomes)
            })
        }))
    }

    /// As [`crate::ops::step_complete`] does, answered after the commit. Confirming again changes nothing.
    pub async fn complete(
        &self,
        guild: GuildId,
        user: UserId,
        quest: QuestId,
        step: StepId,
        confirmation: Confirmation,
    ) -> Result<AttemptView, Error> {
        let one = Confirmed { guild, user, quest, step, confirmation };
        self.0.ask(one).await.unwrap_or(Err(Error::Stopping))
    }
}
