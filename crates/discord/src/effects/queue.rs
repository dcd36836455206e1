//! From events to effects: a consumer of the outbox.

use ::jobs::TimerError;
use ::jobs::outbox::{Consumer, Stored};
use sqlx::PgConnection;

use super::store::{self, Batch};

/// Queues what is to be done on Discord, once an event.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Queue;

impl Consumer for Queue {
    fn name(&self) -> &'static str {
        "discord.effects"
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let mut batch = Batch::default();
        for event in events {
            let (kind, target) = match event.event_type.as_str() {
                "announcement.due" => ("announcement", ("channel", &event.payload["channel_id"])),
                "member.role" => ("role", ("member", &event.payload["user_id"])),
                _ => continue,
            };
            let Some(id) = target.1.as_str() else { continue };
            batch.guilds.push(event.guild_id.get());
            batch.targets.push(format!("{}:{id}", target.0));
            batch.kinds.push(kind);
            batch.payloads.push(event.payload.clone());
            batch.keys.push(event.event_id.to_string());
        }
        if !batch.guilds.is_empty() {
            store::insert(connection, &batch).await?;
        }
        Ok(())
    }
}
