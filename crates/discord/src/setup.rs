//! A guild is set up from what Discord has of it, and kept in step from then on: categories of channels, who runs it and who moderates it,
//! where things are announced.
//!
//! Promises:
//! * What an administrator chose by hand stays: only what was made from Discord follows it, and only while nobody changed it here.
//! * Setting up twice changes nothing; what broke off is gone on with.
//! * What changes on Discord is in force within seconds where the gateway tells of it, within hours otherwise.
//! * Nobody is made more than Discord makes them: roles that administer there administer here, those that moderate moderate.
//! * Who gives it up keeps what there is: nothing follows Discord any more.

mod categories;
mod missing;
mod roles;
pub(crate) mod routes;
mod seen;
mod store;

use std::time::Duration;

use ::jobs::NodeHandle;
use access::{Author, By, Origin};
use community::announcements::model::{AnnouncementKind, ChannelChoice};
use community::announcements::ops as announcement_ops;
use kernel::{ChannelId, GuildId, Problem, RoleId, problem};
use lake::ids::CategoryId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};
use crate::settings::snowflake;
use crate::sync::{self, Held, Kind, Outcome, PATIENCE, SyncState, Wish};

pub(crate) use missing::Missing;
pub(crate) use seen::Seen;

/// How often it is looked for guilds that are due.
const LOOK: Duration = Duration::from_secs(1);

/// How a guild is to be set up.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DiscordSetupStart)]
pub struct Start {
    /// The channel in which everything is announced for which no channel was chosen before.
    #[serde(default)]
    pub channel_id: Option<ChannelId>,
}

/// How a guild was set up from what Discord has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordSetup)]
pub struct SetupState {
    /// Whether it is kept in step, and what became of that.
    pub sync: SyncState,
    /// The channel that was named for what is announced nowhere, until it is chosen for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// Categories of Discord's, and what stands for them here.
    pub categories: Vec<SetupCategory>,
    /// Roles of Discord's that confer one of ours by what they permit there.
    pub roles: Vec<SetupRole>,
    /// Permissions that the bot lacked when Discord was asked last, as Discord calls them.
    pub lacks: Vec<String>,
    /// Roles of squads that stood above the bot's then: it cannot give or take them.
    pub above: Vec<RoleId>,
}

/// A category of Discord's, and what stands for it here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordSetupCategory)]
pub struct SetupCategory {
    /// Discord's.
    pub discord_id: ChannelId,
    /// Ours.
    pub category_id: CategoryId,
    /// The name that ours was given.
    pub name: String,
    /// How many channels Discord has in it.
    pub channels: i64,
}

/// A role of Discord's, and what it confers here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordSetupRole)]
pub struct SetupRole {
    /// Discord's.
    pub discord_role_id: RoleId,
    /// Ours: `admin` or `moderator`.
    pub role: String,
}

/// Has a guild be set up from what Discord has of it, or be looked at again, and be kept in step from then on: by a node that has a bot, within
/// seconds. Audited where that is new, or a channel is named.
pub async fn start(pool: &PgPool, guild: GuildId, how: Start, author: Author<'_>) -> Result<(), Problem> {
    let wish = Wish { wanted: true, channel_id: how.channel_id };
    sync::wish(pool, guild, Kind::Setup, wish, author).await?;
    Ok(())
}

/// Has nothing of a guild follow Discord any more: what there is stays. Audited.
pub async fn stop(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<(), Problem> {
    sync::wish(pool, guild, Kind::Setup, Wish { wanted: false, channel_id: None }, author).await?;
    Ok(())
}

/// How a guild was set up.
#[kernel::boxed]
pub async fn state(pool: &PgPool, guild: GuildId, has_bot: bool) -> Result<SetupState, Problem> {
    let mut conn = db::acquire(pool).await?;
    let known = sync::known(&mut conn, guild, Kind::Setup, has_bot).await?;
    let Missing { lacks, above } = known.found.map(Missing::read).unwrap_or_default();
    Ok(SetupState {
        sync: known.sync,
        channel_id: known.channel_id,
        categories: store::categories(&mut conn, guild).await?,
        roles: store::conferring(&mut conn, guild).await?,
        lacks,
        above,
    })
}

/// Asks Discord what a guild is like.
async fn ask(bot: &Bot, guild: GuildId) -> Result<Seen, SendError> {
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

/// Sets a guild up by what Discord has of it, or brings it in step, as [`start`] does, and waits for it; tells what Discord has, and what is
/// missing there.
#[kernel::boxed]
pub(crate) async fn set_up(
    bot: &Bot,
    guild: GuildId,
    how: Start,
    author: Author<'_>,
) -> Result<(Seen, Missing), Problem> {
    let pool = bot.app().pool();
    start(pool, guild, how, author).await?;
    let held = sync::take(pool, guild, Kind::Setup).await?;
    look(bot, guild, held, author).await
}

/// Brings a guild in step that somebody has in hand, and settles it.
async fn look(bot: &Bot, guild: GuildId, held: Held, author: Author<'_>) -> Result<(Seen, Missing), Problem> {
    let done = brought(bot, guild, held.wish.channel_id, author).await;
    let found = done.as_ref().ok().map(|(_, missing)| json!(missing));
    let outcome = Outcome { found, ..Outcome::of(&done) };
    sync::settle(bot.app().pool(), guild, Kind::Setup, &held, &outcome).await?;
    done
}

/// Asks what Discord has, and brings everything in step with it.
async fn brought(
    bot: &Bot,
    guild: GuildId,
    channel: Option<ChannelId>,
    author: Author<'_>,
) -> Result<(Seen, Missing), Problem> {
    let seen = ask(bot, guild).await.map_err(|error| out_of_reach(&error))?;
    people::guild_ensure(&mut *db::acquire(bot.app().pool()).await?, guild, Some(&seen.name)).await?;
    follow(bot, guild, &seen, author).await?;
    if let Some(channel) = channel {
        announce(bot, guild, channel, &seen, author).await?;
    }
    let missing = missing::missing(bot, guild, &seen).await?;
    Ok((seen, missing))
}

/// Brings everything in step with what Discord has.
async fn follow(bot: &Bot, guild: GuildId, seen: &Seen, author: Author<'_>) -> Result<(), Problem> {
    let pool = bot.app().pool();
    categories::follow(pool, guild, seen, author).await?;
    roles::follow(pool, guild, seen, author).await?;
    let choices = announcement_ops::channel_list(pool, guild).await?;
    for choice in choices.channels.into_iter().filter(|choice| choice.enabled) {
        if !seen.has_channel(choice.channel_id) && whose(bot, choice.channel_id).await? == Whose::Nobodys {
            tracing::info!(%guild, kind = %choice.kind, "the channel for announcements is gone: none are made");
            let off = ChannelChoice { enabled: false, ..choice };
            announcement_ops::channel_put(pool, guild, off, author).await?;
        }
    }
    Ok(())
}

/// Has everything be announced in a channel that is announced nowhere. What was chosen before stays, so that setting up twice undoes nothing: only
/// what is announced nowhere as its channel is gone gets another.
async fn announce(
    bot: &Bot,
    guild: GuildId,
    channel: ChannelId,
    seen: &Seen,
    author: Author<'_>,
) -> Result<(), Problem> {
    let pool = bot.app().pool();
    if !seen.has_channel(channel) && whose(bot, channel).await? != Whose::Guilds(guild) {
        return Err(Problem::field("channel_id", "names no channel of this server that the bot sees"));
    }
    let chosen = announcement_ops::channel_list(pool, guild).await?;
    for kind in AnnouncementKind::ALL {
        let known = chosen.channels.iter().find(|choice| choice.kind == kind);
        let lost = |choice: &ChannelChoice| !choice.enabled && !seen.has_channel(choice.channel_id);
        if known.is_none_or(lost) {
            let choice = ChannelChoice { kind, channel_id: channel, enabled: true };
            announcement_ops::channel_put(pool, guild, choice, author).await?;
        }
    }
    Ok(())
}

/// Whose a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// A guild's.
    Guilds(GuildId),
    /// It is gone.
    Nobodys,
    /// The bot may not see it, or it is no guild's.
    Unknown,
}

/// Whose a channel is that is in no list of a guild's, as threads are.
async fn whose(bot: &Bot, channel: ChannelId) -> Result<Whose, Problem> {
    let request = Request::new(Method::GET, format!("/channels/{channel}")).within(PATIENCE);
    match bot.sender().send(&request).await {
        Ok(answer) => {
            let guild = answer.body["guild_id"].as_str().and_then(snowflake);
            Ok(guild.map_or(Whose::Unknown, |guild| Whose::Guilds(GuildId::new(guild))))
        }
        Err(error) if error.code() == Some(10_003) => Ok(Whose::Nobodys),
        Err(SendError::Refused { .. }) => Ok(Whose::Unknown),
        Err(error) => Err(out_of_reach(&error)),
    }
}

/// Looks at the guilds that are due, and tells how many these were.
#[kernel::boxed]
pub async fn follow_once(bot: &Bot) -> Result<usize, Problem> {
    sync::turns(bot, Kind::Setup, |bot, guild, held| {
        Box::pin(async move {
            let origin = Origin::default();
            // What came of it is noted.
            let _ = look(bot, guild, held, Author::new(By::System, &origin)).await;
            Ok(())
        })
    })
    .await
}

/// Works until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    sync::spawn(bot, node, Kind::Setup, LOOK, |bot| Box::pin(follow_once(bot)));
}
