//! Discord's gateway: what happens in guilds, as it happens.
//!
//! Promises:
//! * A shard's connection does nothing but read, heartbeat, and hand on to a bounded queue; while that is full nothing is read, and
//!   heartbeats go on.
//! * Who asks for something is answered at once, however much is still to be taken.
//! * What came is taken to the database in order, guild beside guild; a connection goes on after the last event that was committed. So
//!   every event is taken at least once, and counts once by its source.
//! * One node at a time holds a shard; when it dies, another goes on where it was.
//! * What was said while no session lasted is fetched, within bounds ([`missed`]).
//! * A guild that is out of order loses nothing; one that the bot left is noted.
//! * What is written and who comes is judged by the guild's rules in memory ([`judging`]).
//! * No content of a message is kept: figures are, as the lake takes them.

mod connection;
mod events;
mod judging;
mod lease;
mod missed;
mod place;
mod reading;
mod taking;

use std::time::Duration;

use ::jobs::NodeHandle;
use tokio::sync::mpsc;

use crate::bot::Bot;
use crate::sender::{Method, Request};
use connection::Connection;
use lease::Lease;

/// Events that wait between a connection and the database.
const QUEUE: usize = 2_000;
/// How often to look whether a shard is free.
const LOOK: Duration = Duration::from_secs(5);
/// Pauses between connections that fail grow from this to that.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Connects until the node stops, if the operator wants it.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    if !bot.settings().gateway {
        return;
    }
    let (workers, holder) = (node.clone(), node.id());
    let stopping = node.stopping().clone();
    drop(workers.spawn(async move {
        stopping
            .run_until_cancelled(async {
                loop {
                    if let Err(error) = watch(&bot, holder).await {
                        tracing::warn!(error, "Discord's gateway cannot be reached");
                    }
                    tokio::time::sleep(LOOK).await;
                }
            })
            .await;
    }));
}

/// Where the gateway is, and how many connections Discord wants.
async fn whereabouts(bot: &Bot) -> Result<(String, i32), String> {
    let answer =
        bot.sender().send(&Request::new(Method::GET, "/gateway/bot")).await.map_err(|e| e.to_string())?;
    let shards = answer.body["shards"].as_i64().and_then(|count| i32::try_from(count).ok()).unwrap_or(1);
    let url = bot.settings().gateway_url.clone();
    let url = url.or_else(|| answer.body["url"].as_str().map(str::to_owned));
    Ok((url.ok_or("Discord does not say where it is")?, shards.clamp(1, 1_000)))
}

/// Holds as many shards as are free, until one of them ends.
async fn watch(bot: &Bot, holder: uuid::Uuid) -> Result<(), String> {
    let (url, count) = whereabouts(bot).await?;
    let shards = (0..count).map(|shard| {
        let url = url.clone();
        async move {
            loop {
                match Lease::take(bot, shard, holder).await {
                    Ok(Some(lease)) => run(bot, &url, (shard, count), lease).await,
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "a shard of the gateway cannot be held"),
                }
                tokio::time::sleep(LOOK).await;
            }
        }
    });
    futures::future::join_all(shards).await;
    Ok(())
}

/// Keeps a shard connected while it is ours.
pub(crate) async fn run(bot: &Bot, url: &str, (shard, count): (i32, i32), lease: Lease) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let connected = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = tokio::time::Instant::now();
            let ended = Connection { bot, url, shard, count, lease: &lease, queue: &sender }.live().await;
            tracing::info!(shard, %ended, "a connection to Discord's gateway ended");
            if ended.is_for_good() {
                tracing::error!(shard, %ended, "Discord does not let the bot connect; mend its settings");
                pause = LONGEST_PAUSE;
            }
            // Accepting a connection is no success: one that lasted is.
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    tokio::select! {
        () = connected => {}
        () = taking::take_all(bot, &lease, receiver) => {}
        () = lease.keep() => tracing::warn!(shard, "a shard of the gateway is another node's now"),
    }
}
