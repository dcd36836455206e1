//! Scoreboards that edit themselves: one message in a channel, which always shows how a campaign stands.
//!
//! A message is looked at every ten seconds, by one node, and edited only where it would show something else. When the campaign's standings are
//! final it is edited for the last time. Whose message or channel is gone is forgotten.

use std::time::Duration;

use ::jobs::NodeHandle;
use campaigns::model::Campaign;
use futures::future::join_all;
use kernel::{CampaignId, ChannelId, GuildId, MessageId, PageQuery, Problem};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};
use crate::settings::snowflake;
use crate::words::{Lang, cut, plain, say, when};

/// How often a message may be edited; Discord lets a channel's messages be edited some five times in five seconds, all of them together.
const EVERY: Duration = Duration::from_secs(10);
/// How often it is looked for messages that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Messages that are looked at together.
const AT_ONCE: i64 = 16;
/// How long one edit waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Places that a scoreboard shows.
const PLACES: i64 = 15;

/// A scoreboard's text, and whether it is final.
pub(crate) async fn shown(
    pool: &PgPool,
    lang: Lang,
    guild: GuildId,
    campaign: &Campaign,
) -> Result<(String, bool), Problem> {
    let query = PageQuery { limit: Some(PLACES), cursor: None };
    let board = challenges::ops::board(pool, (guild, campaign.id), false, &query).await?;
    let name = plain(&campaign.settings.name);
    let mut text = say!(lang, "**{name}: scoreboard**", "**{name}: Stand**");
    if let Some(since) = board.frozen_since {
        let since = when(since);
        text.push_str(&say!(lang, " (frozen {since})", " (eingefroren {since})"));
    }
    for row in &board.items {
        let (rank, points, parts) = (row.rank, row.points, row.parts_solved);
        let who = plain(&row.display_name);
        text.push_str(&say!(
            lang,
            "\n{rank}. {who} — {points} points, {parts} parts",
            "\n{rank}. {who} — {points} Punkte, {parts} Teile"
        ));
    }
    if board.items.is_empty() {
        text.push_str(&say!(lang, "\nNobody has solved anything yet.", "\nNoch hat niemand etwas gelöst."));
    }
    Ok((text, board.is_final))
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

fn message(text: &str) -> serde_json::Value {
    json!({ "content": cut(text, 2_000), "allowed_mentions": { "parse": [] } })
}

/// Posts a scoreboard into a channel and has it edit itself; one of the same campaign that was there before is left as it is.
pub(crate) async fn begin(
    bot: &Bot,
    lang: Lang,
    guild: GuildId,
    channel: ChannelId,
    campaign: &Campaign,
) -> Result<(), Problem> {
    let pool = bot.app().pool();
    let (text, is_final) = shown(pool, lang, guild, campaign).await?;
    let request = Request::new(Method::POST, format!("/channels/{channel}/messages")).json(message(&text));
    let posted = bot.sender().send(&request.within(PATIENCE)).await.map_err(|error| match error.code() {
        Some(50_001 | 50_013) => Problem::forbidden(say!(
            lang,
            "The bot may not write here: permit it to view the channel and to send messages.",
            "Der Bot darf hier nicht schreiben: erlaube ihm, den Kanal zu sehen und Nachrichten zu senden."
        )),
        _ => Problem::new(kernel::problem::UNAVAILABLE, format!("It could not be posted: {error}.")),
    })?;
    let message = posted.body["id"].as_str().and_then(snowflake).map(MessageId::new);
    let message = message.ok_or_else(|| Problem::internal_message("Discord names no message"))?;
    if is_final {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO discord.live_boards (guild_id, channel_id, campaign_id, message_id, lang, shown, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
         ON CONFLICT (guild_id, channel_id, campaign_id) DO UPDATE
            SET message_id = excluded.message_id, lang = excluded.lang, shown = excluded.shown, next_at = excluded.next_at",
        guild.get(),
        channel.get(),
        campaign.id.get(),
        message.get(),
        lang.code(),
        hash(&text),
        EVERY.as_secs_f64(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// A message that is due.
struct Due {
    guild_id: GuildId,
    channel_id: ChannelId,
    campaign_id: CampaignId,
    message_id: MessageId,
    lang: String,
    shown: Vec<u8>,
}

/// Looks at the messages that are due, and tells how many these were.
pub async fn edit_once(bot: &Bot) -> Result<usize, Problem> {
    let due = sqlx::query_as!(
        Due,
        r#"WITH due AS (
               SELECT guild_id, channel_id, campaign_id FROM discord.live_boards WHERE next_at <= now()
                ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           UPDATE discord.live_boards b SET next_at = now() + make_interval(secs => $2)
             FROM due WHERE b.guild_id = due.guild_id AND b.channel_id = due.channel_id AND b.campaign_id = due.campaign_id
        RETURNING b.guild_id AS "guild_id: GuildId", b.channel_id AS "channel_id: ChannelId",
                  b.campaign_id AS "campaign_id: CampaignId", b.message_id AS "message_id: MessageId", b.lang, b.shown"#,
        AT_ONCE,
        EVERY.as_secs_f64(),
    )
    .fetch_all(&mut *db::acquire(bot.app().pool()).await?)
    .await?;
    for done in join_all(due.iter().map(|one| edit(bot, one))).await {
        if let Err(error) = done {
            // It is looked at again.
            tracing::info!(%error, "a scoreboard could not be edited yet");
        }
    }
    Ok(due.len())
}

async fn edit(bot: &Bot, due: &Due) -> Result<(), Problem> {
    let pool = bot.app().pool();
    let campaign = match campaigns::ops::campaign_get(pool, due.guild_id, due.campaign_id, false).await {
        Ok(campaign) => campaign,
        Err(error) => {
            let problem = Problem::from(error);
            return if problem.status() == 404 { forget(pool, due).await } else { Err(problem) };
        }
    };
    let (text, is_final) = shown(pool, Lang::of(Some(&due.lang)), due.guild_id, &campaign).await?;
    let number = hash(&text);
    if number != due.shown {
        let path = format!("/channels/{}/messages/{}", due.channel_id, due.message_id);
        let request = Request::new(Method::PATCH, path).json(message(&text)).within(PATIENCE);
        match bot.sender().send(&request).await {
            Ok(_) => {}
            Err(error @ SendError::Refused { .. }) => {
                tracing::info!(guild = %due.guild_id, %error, "a scoreboard is gone, or out of reach: it is left alone");
                return forget(pool, due).await;
            }
            Err(error) => return Err(Problem::new(kernel::problem::UNAVAILABLE, error.to_string())),
        }
    }
    if is_final {
        return forget(pool, due).await;
    }
    sqlx::query!(
        "UPDATE discord.live_boards SET shown = $5
          WHERE guild_id = $1 AND channel_id = $2 AND campaign_id = $3 AND message_id = $4 AND shown <> $5",
        due.guild_id.get(),
        due.channel_id.get(),
        due.campaign_id.get(),
        due.message_id.get(),
        number,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

async fn forget(pool: &PgPool, due: &Due) -> Result<(), Problem> {
    sqlx::query!(
        "DELETE FROM discord.live_boards WHERE guild_id = $1 AND channel_id = $2 AND campaign_id = $3 AND message_id = $4",
        due.guild_id.get(),
        due.channel_id.get(),
        due.campaign_id.get(),
        due.message_id.get(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// Works until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        while node.ready().await {
            if let Err(error) = edit_once(&bot).await {
                tracing::warn!(%error, "scoreboards that edit themselves cannot be read");
            }
            let _ = tokio::time::timeout(LOOK, node.stopping().cancelled()).await;
        }
    }));
}
