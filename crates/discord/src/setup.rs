//! A guild is set up from what Discord has of it, and kept in step from then on: categories of channels, who runs it and who moderates it,
//! where things are announced.
//!
//! Promises:
//! * What an administrator chose by hand stays: only what was made from Discord follows it, and only while nobody changed it here.
//! * Setting up twice changes nothing; what broke off is gone on with.
//! * What changes on Discord is in force within seconds where the gateway tells of it, within hours otherwise.
//! * Nobody is made more than Discord makes them: roles that administer there administer here, those that moderate moderate.

mod categories;
mod roles;
mod seen;
mod store;

use std::time::Duration;

use ::jobs::NodeHandle;
use access::{Author, By, Origin};
use community::announcements::model::ChannelChoice;
use community::announcements::ops as announcement_ops;
use futures::future::try_join_all;
use kernel::{ChannelId, GuildId, Problem, problem};

use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};

pub(crate) use seen::Seen;
pub(crate) use store::stale;

/// How often it is looked for guilds that are due.
const LOOK: Duration = Duration::from_secs(1);
/// Guilds that are looked at together.
const AT_ONCE: i64 = 8;
/// How long one question to Discord waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long `/setup` waits for a node that is at the same guild.
const WAIT: Duration = Duration::from_secs(8);
/// What a change on Discord waits for others, in seconds: channels are moved by the dozen.
pub(crate) const SOON: f64 = 1.0;
/// Over how many seconds guilds are spread that all come back at once.
pub(crate) const SPREAD: f64 = 300.0;

/// Asks Discord what a guild is like.
async fn look(bot: &Bot, guild: GuildId) -> Result<Seen, SendError> {
    let ask = |path: String| Request::new(Method::GET, path).within(PATIENCE);
    let whole = bot.sender().send(&ask(format!("/guilds/{guild}"))).await?;
    let channels = bot.sender().send(&ask(format!("/guilds/{guild}/channels"))).await?;
    // What is no list would read as a server without roles or channels, and all that stands for some would go.
    if !whole.body["roles"].is_array() || !channels.body.is_array() {
        return Err(SendError::Away("it does not tell which roles and channels there are".to_owned()));
    }
    Ok(Seen::of(guild, &whole.body, &channels.body))
}

fn out_of_reach(error: &SendError) -> Problem {
    Problem::new(problem::UNAVAILABLE, format!("Discord does not tell what the server is like: {error}."))
}

/// Sets a guild up by what Discord has of it, or brings it in step; tells what Discord has.
pub(crate) async fn set_up(bot: &Bot, guild: GuildId, author: Author<'_>) -> Result<Seen, Problem> {
    let pool = bot.app().pool();
    let mut conn = db::acquire(pool).await?;
    people::guild_ensure(&mut conn, guild, None).await?;
    store::begin(&mut conn, guild).await?;
    drop(conn);
    let began = tokio::time::Instant::now();
    while !store::hold(pool, guild, false).await? {
        if began.elapsed() > WAIT {
            return Err(Problem::conflict("It is being set up this very moment. Try again."));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let done = brought(bot, guild, author).await;
    store::let_go(pool, guild, done.is_ok()).await?;
    done
}

/// Asks what Discord has, and brings everything in step with it.
async fn brought(bot: &Bot, guild: GuildId, author: Author<'_>) -> Result<Seen, Problem> {
    let seen = look(bot, guild).await.map_err(|error| out_of_reach(&error))?;
    people::guild_ensure(&mut *db::acquire(bot.app().pool()).await?, guild, Some(&seen.name)).await?;
    follow(bot, guild, &seen, author).await?;
    Ok(seen)
}

/// Brings everything in step with what Discord has.
async fn follow(bot: &Bot, guild: GuildId, seen: &Seen, author: Author<'_>) -> Result<(), Problem> {
    let pool = bot.app().pool();
    categories::follow(pool, guild, seen, author).await?;
    roles::follow(pool, guild, seen, author).await?;
    let choices = announcement_ops::channel_list(pool, guild).await?;
    for choice in choices.channels.into_iter().filter(|choice| choice.enabled) {
        if !seen.has_channel(choice.channel_id) && is_gone(bot, choice.channel_id).await? {
            tracing::info!(%guild, kind = %choice.kind, "the channel for announcements is gone: none are made");
            let off = ChannelChoice { enabled: false, ..choice };
            announcement_ops::channel_put(pool, guild, off, author).await?;
        }
    }
    Ok(())
}

/// Whether a channel is gone. A thread is one, and in no list.
async fn is_gone(bot: &Bot, channel: ChannelId) -> Result<bool, Problem> {
    let request = Request::new(Method::GET, format!("/channels/{channel}")).within(PATIENCE);
    match bot.sender().send(&request).await {
        Err(error) if error.code() == Some(10_003) => Ok(true),
        Ok(_) | Err(SendError::Refused { .. }) => Ok(false),
        Err(error) => Err(out_of_reach(&error)),
    }
}

/// Looks at the guilds that are due, and tells how many these were.
pub async fn follow_once(bot: &Bot) -> Result<usize, Problem> {
    let due = store::due(bot.app().pool(), AT_ONCE).await?;
    let done = try_join_all(due.iter().map(|guild| follow_due(bot, *guild))).await?;
    Ok(done.into_iter().filter(|done| *done).count())
}

/// Brings a guild in step, unless another node does.
async fn follow_due(bot: &Bot, guild: GuildId) -> Result<bool, Problem> {
    let (pool, origin) = (bot.app().pool(), Origin::default());
    if !store::hold(pool, guild, true).await? {
        return Ok(false);
    }
    let done = brought(bot, guild, Author::new(By::System, &origin)).await;
    if let Err(problem) = &done {
        tracing::info!(%guild, %problem, "a server could not be brought in step with Discord yet");
    }
    store::let_go(pool, guild, done.is_ok()).await?;
    Ok(true)
}

/// Works until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        while node.ready().await {
            if let Err(error) = follow_once(&bot).await {
                tracing::warn!(%error, "servers that are to be brought in step with Discord cannot be read");
            }
            let _ = tokio::time::timeout(LOOK, node.stopping().cancelled()).await;
        }
    }));
}
