//! From the outbox into the webhooks' queues: a durable consumer, so that an event is queued for a webhook exactly once.

use std::collections::{BTreeMap, BTreeSet};

use access::{Scopes, sight::Sight};
use jobs::TimerError;
use jobs::outbox::{Consumer, Stored};
use sqlx::PgConnection;

use crate::store::deliveries::{self, Listener, Queued};
use crate::{Webhooks, rules};

/// Queues events for the webhooks that want and may have them.
#[derive(Debug, Clone)]
pub struct FanOut(pub(crate) Webhooks);

/// Its name, which owns the cursor.
pub const CONSUMER: &str = "webhooks";

impl Consumer for FanOut {
    fn name(&self) -> &'static str {
        CONSUMER
    }

    fn batch(&self) -> i64 {
        200
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let guilds: BTreeSet<i64> = events.iter().map(|event| event.guild_id.get()).collect();
        let guilds: Vec<i64> = guilds.into_iter().collect();
        let mut listeners: BTreeMap<i64, Vec<(Listener, Sight)>> = BTreeMap::new();
        for listener in deliveries::listeners(connection, &guilds).await? {
            let sight = Sight::new(Scopes::new(listener.scopes.iter().cloned()), None);
            listeners.entry(listener.guild_id).or_default().push((listener, sight));
        }
        if listeners.is_empty() {
            return Ok(());
        }
        let mut queued = Queued::default();
        for event in events {
            let mut body = None;
            for (listener, sight) in listeners.get(&event.guild_id.get()).into_iter().flatten() {
                if !rules::wants(&listener.event_types, &event.event_type) || !sight.sees(event) {
                    continue;
                }
                queued.guild_ids.push(listener.guild_id);
                queued.webhook_ids.push(listener.id);
                queued.event_ids.push(event.event_id);
                queued.event_types.push(event.event_type.clone());
                queued.bodies.push(body.get_or_insert_with(|| event.cloud_event().to_string()).clone());
            }
        }
        if !queued.event_ids.is_empty() {
            deliveries::deliveries_insert(connection, &queued).await?;
            // Before the commit; who looks too early looks again within a second.
            self.0.wake_soon();
        }
        Ok(())
    }
}
