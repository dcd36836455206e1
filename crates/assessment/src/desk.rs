//! Where learners ask for something to review: those who ask at one instant are answered together.

use std::sync::Arc;

use jobs::Wake;
use jobs::gather::{Gather, Request};
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, QuestId};
use sqlx::PgPool;

use crate::error::Error;
use crate::model::peer::Assigned;
use crate::ops::reviews_request;

#[derive(Debug, Clone)]
struct Wish {
    guild: GuildId,
    quest: QuestId,
    assessment: AssessmentId,
    user: UserId,
}

impl Request for Wish {
    type Group = (GuildId, QuestId, AssessmentId);
    type Who = UserId;
    type Answer = Assigned;
    type Error = Error;

    fn group(&self) -> Self::Group {
        (self.guild, self.quest, self.assessment)
    }

    fn who(&self) -> UserId {
        self.user
    }
}

/// Where learners ask for something to review. Cheap to clone; it ends when its last clone is dropped and who waits is answered.
#[derive(Debug, Clone)]
pub struct ReviewDesk(Gather<Wish>);

impl ReviewDesk {
    /// Opens a desk, which takes a connection of `pool` while it answers. Needs a Tokio runtime.
    pub fn start(pool: &PgPool, wake: &Wake) -> Self {
        let (pool, wake) = (pool.clone(), wake.clone());
        Self(Gather::start(move |wishes: Arc<[Wish]>| {
            let (pool, wake) = (pool.clone(), wake.clone());
            Box::pin(async move {
                let Some(first) = wishes.first() else { return Ok(Vec::new()) };
                let users: Vec<UserId> = wishes.iter().map(|one| one.user).collect();
                let about = (first.quest, first.assessment);
                let outcomes = reviews_request(&pool, first.guild, about, &users).await?;
                if outcomes.iter().any(Result::is_ok) {
                    wake.outbox();
                }
                Ok(outcomes)
            })
        }))
    }

    /// As [`crate::ops::review_request`] does, answered after the commit. Asking again changes nothing.
    pub async fn request(
        &self,
        guild: GuildId,
        user: UserId,
        quest: QuestId,
        assessment: AssessmentId,
    ) -> Result<Assigned, Error> {
        self.0.ask(Wish { guild, quest, assessment, user }).await.unwrap_or(Err(Error::Stopping))
    }
}
