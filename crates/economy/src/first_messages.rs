//! The first message of a day claims the daily bytes: a reader of the outbox, as the lake knows nothing of bytes.
//!
//! A day that was over for longer than a day when its messages came is not claimed: history that is brought in mints nothing.

use std::collections::BTreeSet;

use ::jobs::TimerError;
use ::jobs::outbox::{Consumer, Start, Stored};
use chrono::NaiveDate;
use kernel::UserId;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::error::Error;
use crate::ops::daily_claim_many;

/// Claims for everybody whose first message of a day is told (`member.first_messages`), once, in the transaction that moves its cursor.
#[derive(Debug, Clone, Copy, Default)]
pub struct DailyClaims;

/// The event's data.
#[derive(Debug, Deserialize)]
struct FirstMessages {
    day: NaiveDate,
    user_ids: Vec<UserId>,
}

impl Consumer for DailyClaims {
    fn name(&self) -> &'static str {
        "economy.daily_claims"
    }

    fn start(&self) -> Start {
        Start::Now
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let told = events.iter().filter(|event| event.event_type == "member.first_messages");
        let mut claims = BTreeSet::new();
        for event in told {
            // An event of another version's making is nothing that trying again would mend.
            match serde_json::from_value::<FirstMessages>(event.payload.clone()) {
                Ok(first) if (event.created_at.date_naive() - first.day).num_days() > 1 => {}
                Ok(first) => {
                    claims.extend(first.user_ids.into_iter().map(|user| (event.guild_id, first.day, user)));
                }
                Err(error) => {
                    tracing::error!(%error, id = %event.event_id, "first messages could not be read");
                }
            }
        }
        let mut claims = claims.into_iter().peekable();
        while let Some((guild, day, user)) = claims.next() {
            let mut users = vec![user];
            while let Some((_, _, user)) = claims.next_if(|next| (next.0, next.1) == (guild, day)) {
                users.push(user);
            }
            daily_claim_many(connection, guild, &users, day).await.map_err(|error| match error {
                Error::Database(error) => TimerError::from(error),
                other => TimerError::Retry(other.to_string()),
            })?;
        }
        Ok(())
    }
}
