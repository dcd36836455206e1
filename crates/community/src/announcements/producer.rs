//! From events to announcements: a consumer of the outbox.

use std::collections::BTreeSet;

use ::jobs::TimerError;
use ::jobs::outbox::{Consumer, Stored};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::model::AnnouncementKind;
use super::release;
use super::store::{self, Batch};

/// Queues what is worth announcing, once an event, and sends off what may leave at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Producer;

impl Consumer for Producer {
    fn name(&self) -> &'static str {
        "community.announcements"
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let mut batch = Batch::default();
        for event in events {
            let Some(kind) = kind_of(event) else { continue };
            batch.guilds.push(event.guild_id.get());
            batch.kinds.push(kind.as_str());
            batch.users.push(snowflake(&event.payload["user_id"]));
            let own = &event.payload[if kind == AnnouncementKind::Achievement {
                "announce_channel_id"
            } else {
                "announcement_channel_id"
            }];
            batch.channels.push(snowflake(own));
            batch.payloads.push(what(event));
            batch.keys.push(Some(event.event_id.to_string()));
        }
        if batch.guilds.is_empty() {
            return Ok(());
        }
        let queued = store::insert(&mut *connection, &batch).await?;
        let channels: BTreeSet<_> = queued.into_iter().map(|(guild, channel, _)| (guild, channel)).collect();
        release::release_all(connection, channels).await?;
        Ok(())
    }
}

/// What an event is announced as; `None` for what is not announced.
fn kind_of(event: &Stored) -> Option<AnnouncementKind> {
    Some(match event.event_type.as_str() {
        // Thousands may come with XP from another bot, or may have reached an achievement before it was made.
        "member.levelled_up" if event.payload["retroactive"] != true => AnnouncementKind::LevelUp,
        "achievement.earned" if event.payload["retroactive"] != true => AnnouncementKind::Achievement,
        // What is taken is nobody else's business.
        "member.awarded" if given(&event.payload) => AnnouncementKind::Award,
        "season.started" | "season.ended" => AnnouncementKind::Season,
        "board.quest_posted" | "board.quest_completed" => AnnouncementKind::Quest,
        "campaign.started" | "campaign.closed" | "challenge.released" => AnnouncementKind::Campaign,
        "multiplier.scheduled" | "multiplier.started" | "multiplier.ended" | "multiplier.called_off" => {
            AnnouncementKind::Notice
        }
        _ => return None,
    })
}

fn given(payload: &Value) -> bool {
    ["xp", "gold", "stars"].iter().any(|what| payload[*what].as_i64().is_some_and(|amount| amount > 0))
}

fn snowflake(value: &Value) -> Option<i64> {
    value.as_str()?.parse().ok().filter(|id| *id > 0)
}

/// The event's data, with its type.
fn what(event: &Stored) -> Value {
    let mut what = event.payload.clone();
    match &mut what {
        Value::Object(fields) => {
            fields.insert("event".to_owned(), json!(event.event_type));
        }
        other => *other = json!({ "event": event.event_type }),
    }
    what
}
