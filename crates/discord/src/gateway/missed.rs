//! What was said while no session lasted: a session that is over tells nothing of it afterwards, so the channels are asked.
//!
//! * Asked is where something was said since events were last taken, as far as a day back and so many messages a channel: figures, not archives.
//! * A message counts once, by its id, whether it is told or fetched, and however often. It is not judged: it was read long ago.
//! * Two requests at a time, so that whatever else is to be done on Discord gets its turn. What is not fetched when a process dies is not fetched.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, GuildId};
use lake::ingest::Event;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::events::{EPOCH, Means, id, means};
use crate::bot::Bot;
use crate::sender::{Method, Request};

/// Messages of a request: Discord's limit.
const PAGE: usize = 100;
/// Requests for a channel.
const PAGES: usize = 20;
/// Channels of a guild, those first in which something was said last.
const CHANNELS: usize = 100;
/// How far back.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// Events that were on their way when events were last taken.
const SLACK: TimeDelta = TimeDelta::minutes(1);

static TURNS: Semaphore = Semaphore::const_new(2);

/// Channels of a guild in which something was said, each with the last that was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missed {
    guild: GuildId,
    after: i64,
    channels: Vec<(ChannelId, i64)>,
}

impl Missed {
    /// What a guild says of its channels; `proof` is when events were last taken. `None` where nothing was said.
    pub(super) fn of(data: &Value, proof: DateTime<Utc>, now: DateTime<Utc>) -> Option<Self> {
        let guild = GuildId::new(id(&data["id"])?);
        let since = (proof - SLACK).max(now - LONGEST);
        let after = (since.timestamp_millis() - EPOCH).max(0) << 22;
        let list = |name: &str| data[name].as_array().into_iter().flatten();
        let said = list("channels").chain(list("threads")).filter_map(|channel| {
            let last = id(&channel["last_message_id"]).filter(|last| *last > after)?;
            // A forum's last message is a post of it, which is a channel of its own.
            let is_forum = matches!(channel["type"].as_u64(), Some(15 | 16));
            (!is_forum).then_some((ChannelId::new(id(&channel["id"])?), last))
        });
        let mut channels: Vec<(ChannelId, i64)> = said.collect();
        channels.sort_unstable_by_key(|(_, last)| std::cmp::Reverse(*last));
        channels.truncate(CHANNELS);
        (!channels.is_empty()).then_some(Self { guild, after, channels })
    }

    /// Fetches it, and takes it to the lake.
    pub(super) async fn fetch(self, bot: Bot) {
        let (guild, mut fetched) = (self.guild, 0);
        for (channel, last) in self.channels {
            match of_channel(&bot, guild, channel, self.after, last).await {
                Ok(count) => fetched += count,
                // The bot may not read what was said there, or Discord is away.
                Err(error) => {
                    tracing::info!(%guild, %channel, error, "what was missed in a channel is not told");
                }
            }
        }
        tracing::info!(%guild, fetched, "what was said meanwhile was fetched");
    }
}

async fn of_channel(
    bot: &Bot,
    guild: GuildId,
    channel: ChannelId,
    mut after: i64,
    last: i64,
) -> Result<usize, String> {
    let mut fetched = 0;
    for _ in 0..PAGES {
        let path = format!("/channels/{channel}/messages?after={after}&limit={PAGE}");
        let answer = {
            let _turn = TURNS.acquire().await.map_err(|error| error.to_string())?;
            bot.sender().send(&Request::new(Method::GET, path)).await.map_err(|error| error.to_string())?
        };
        let page = answer.body.as_array().cloned().unwrap_or_default();
        let Some(newest) = page.iter().filter_map(|message| id(&message["id"])).max() else { break };
        let events: Vec<Event> = page.iter().filter_map(told).collect();
        fetched += events.len();
        if !events.is_empty() {
            bot.faculties().lake.submit(guild, events).await.map_err(|error| error.to_string())?;
        }
        if page.len() < PAGE || newest >= last || newest <= after {
            break;
        }
        after = newest;
    }
    Ok(fetched)
}

/// A message as the gateway would have told of it.
fn told(message: &Value) -> Option<Event> {
    // It bears its own time and its own name.
    match means("MESSAGE_CREATE", message, DateTime::UNIX_EPOCH, "") {
        Means::Lake(event) => Some(*event),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_channels_in_which_something_was_said_since_are_asked() {
        let now = DateTime::from_timestamp_millis(EPOCH + 100 * 86_400_000).unwrap();
        let at = |back: TimeDelta| ((now - back).timestamp_millis() - EPOCH) << 22;
        let channel = |id: &str, kind: u8, last: i64| json!({ "id": id, "type": kind, "last_message_id": last.to_string() });
        let guild = json!({
            "id": "1",
            "channels": [
                channel("50", 0, at(TimeDelta::minutes(20))), channel("51", 0, at(TimeDelta::hours(2))),
                channel("52", 15, at(TimeDelta::minutes(1))), json!({ "id": "53", "type": 0, "last_message_id": null }),
            ],
            "threads": [channel("54", 11, at(TimeDelta::minutes(5)))],
        });
        let asked = |proof: TimeDelta| {
            let missed = Missed::of(&guild, now - proof, now)?;
            Some((missed.after, missed.channels.iter().map(|(id, _)| id.get()).collect::<Vec<_>>()))
        };
        assert_eq!(asked(TimeDelta::hours(1)), Some((at(TimeDelta::minutes(61)), vec![54, 50])));
        assert_eq!(asked(TimeDelta::minutes(2)), None);
        assert_eq!(asked(TimeDelta::days(30)), Some((at(TimeDelta::hours(24)), vec![54, 50, 51])));
    }
}
