//! What issues by itself: the reader of the outbox, as things are earned, and a job that finds what was earned before there was a badge,
//! or an address to sign for.

use std::collections::{BTreeMap, BTreeSet};

use ::jobs::TimerError;
use ::jobs::outbox::{Consumer, Consumers, Start, Stored};
use ::jobs::schedule::{JobError, Schedule};
use access::{Means, Vault};
use kernel::{GuildId, UserId};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use crate::error::Error;
use crate::ops::{self, Issuing};

/// The slice's readers of the outbox.
pub(crate) fn consumers(means: &Means) -> Consumers {
    Consumers::new().with(Issuer::of(means))
}

/// The periodic jobs of this slice, for the server to run.
pub(crate) fn schedules(means: &Means) -> Vec<Schedule> {
    let (pool, issuer) = (means.app().pool().clone(), Issuer::of(means));
    // Each guild in a transaction of its own: the schedule's own would hold all their locks.
    vec![Schedule::new("credentials.issue", "*/5 * * * *", move |_| {
        let (pool, issuer) = (pool.clone(), issuer.clone());
        Box::pin(async move {
            let done = ops::issue_missing(&pool, &issuer.issuing()).await;
            done.map(|issued| json!({ "issued": issued }))
                .map_err(|error| JobError::Failed(error.to_string()))
        })
    })]
}

/// Issues what was earned, as it is told.
#[derive(Debug, Clone)]
pub struct Issuer {
    vault: Vault,
    public_url: Option<String>,
}

/// Of an event, whom it concerns.
#[derive(Deserialize)]
struct Whom {
    user_id: UserId,
}

impl Issuer {
    /// With these keys, for this address.
    pub fn new(vault: Vault, public_url: Option<String>) -> Self {
        Self { vault, public_url }
    }

    fn of(means: &Means) -> Self {
        let http = means.app().http();
        Self::new(http.vault.clone(), http.public_url.clone())
    }

    fn issuing(&self) -> Issuing<'_> {
        Issuing { vault: &self.vault, public_url: self.public_url.as_deref() }
    }
}

impl Consumer for Issuer {
    fn name(&self) -> &'static str {
        "credentials.issue"
    }

    fn start(&self) -> Start {
        Start::Beginning
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let mut earned: BTreeMap<GuildId, BTreeSet<i64>> = BTreeMap::new();
        for event in events {
            if !matches!(event.event_type.as_str(), "learning.path_completed" | "achievement.earned") {
                continue;
            }
            if let Ok(whom) = serde_json::from_value::<Whom>(event.payload.clone()) {
                earned.entry(event.guild_id).or_default().insert(whom.user_id.get());
            }
        }
        // In the order of the guilds, as their locks are taken.
        for (guild, users) in earned {
            let users: Vec<i64> = users.into_iter().collect();
            match ops::issue_earned(&mut *connection, &self.issuing(), guild, Some(&users)).await {
                Err(Error::Database(error)) => return Err(error.into()),
                // The job issues it once there are an address and a key; nobody else has to wait for that.
                Ok(_) | Err(Error::NoAddress) => {}
                Err(error) => tracing::error!(%error, %guild, "what was earned cannot be signed for now"),
            }
        }
        Ok(())
    }
}
