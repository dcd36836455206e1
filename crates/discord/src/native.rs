//! The cheap part of a guild's rules as rules of Discord's own `AutoMod`, where the guild wishes: what it blocks never appears, even while we are
//! away.
//!
//! Promises:
//! * Discord's rules follow ours within seconds, and are gone when the guild does not wish them any more; rules that somebody else made there are
//!   left alone.
//! * Only what does nothing but delete is handed over: what Discord blocks comes to no case of ours.
//! * Each time that Discord blocks something counts as a hit of our rule, once. No word of it is kept.
//! * One that was made and not noted, as a process died, is found again and not made twice.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::jobs::NodeHandle;
use access::Author;
use access::author::Deed;
use futures::future::try_join_all;
use kernel::{ChannelId, GuildId, Problem, UserId, problem};
use moderation::automod::Native;
use moderation::model::RuleId;
use moderation::ops::rules::{rules_native, versions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};
use crate::settings::snowflake;

pub(crate) use store::stale;

/// How often it is looked whether rules are others.
const LOOK: Duration = Duration::from_secs(5);
/// Guilds that are looked at together.
const AT_ONCE: i64 = 8;
/// How long one request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
const REASON: &str = "Questhall: automod";

/// Has Discord judge what it can of the guild's rules, or no more. Audited. Tells what it takes, and what stays ours alone.
pub(crate) async fn wish(
    bot: &Bot,
    guild: GuildId,
    wanted: bool,
    author: Author<'_>,
) -> Result<Native, Problem> {
    let pool = bot.app().pool();
    let mut tx = db::begin(pool).await?;
    people::guild_ensure(&mut tx, guild, None).await?;
    if store::wish(&mut tx, guild, wanted).await? {
        let deed = Deed::new("UPDATE", "discord.native_automod", guild.to_string());
        let (before, after) = (json!({ "wanted": !wanted }), json!({ "wanted": wanted }));
        deed.before(before).after(after).record(&mut tx, guild, author).await?;
    }
    tx.commit().await?;
    if store::hold(pool, guild, false).await?.is_none() {
        return Err(Problem::conflict("Discord is being told of the rules this very moment. Try again."));
    }
    let version = version(bot, guild).await?;
    let done = follow(bot, guild, wanted).await;
    store::let_go(pool, guild, version, done.is_ok()).await?;
    done
}

async fn version(bot: &Bot, guild: GuildId) -> Result<Option<i64>, Problem> {
    Ok(versions(bot.app().pool(), &[guild]).await?.into_iter().map(|(_, version)| version).next())
}

fn refused(error: &SendError) -> Problem {
    match error {
        SendError::Refused { code: 50_001 | 50_013, .. } => {
            Problem::forbidden("The bot may not manage Discord's AutoMod: permit it to manage the server.")
        }
        error => Problem::new(problem::UNAVAILABLE, format!("Discord's AutoMod cannot be told: {error}.")),
    }
}

async fn ask(bot: &Bot, method: Method, path: String, body: Option<Value>) -> Result<Value, Problem> {
    let mut request = Request::new(method, path).within(PATIENCE).because(REASON);
    if let Some(body) = body {
        request = request.json(body);
    }
    Ok(bot.sender().send(&request).await.map_err(|error| refused(&error))?.body)
}

/// Deletes one of Discord's rules; somebody may have been before us.
async fn delete(bot: &Bot, guild: GuildId, id: i64) -> Result<(), Problem> {
    let path = format!("/guilds/{guild}/auto-moderation/rules/{id}");
    let request = Request::new(Method::DELETE, path).within(PATIENCE).because(REASON);
    match bot.sender().send(&request).await {
        Err(error) if error.code() != Some(10_066) => Err(refused(&error)),
        _ => Ok(()),
    }
}

/// A rule as Discord has it.
struct There {
    id: i64,
    name: String,
    trigger: Value,
    ours: bool,
}

/// Brings Discord's rules to ours.
async fn follow(bot: &Bot, guild: GuildId, wanted: bool) -> Result<Native, Problem> {
    let pool = bot.app().pool();
    let native = if wanted { rules_native(pool, guild).await? } else { Native::default() };
    let path = format!("/guilds/{guild}/auto-moderation/rules");
    let own = bot.sender().application_id();
    let listed = ask(bot, Method::GET, path.clone(), None).await?;
    let there: Vec<There> = listed
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| {
            Some(There {
                id: rule["id"].as_str().and_then(snowflake)?,
                name: rule["name"].as_str().unwrap_or_default().to_owned(),
                trigger: rule["trigger_type"].clone(),
                ours: rule["creator_id"].as_str().and_then(snowflake) == Some(own),
            })
        })
        .collect();
    let noted = store::rules(&mut *db::acquire(pool).await?, guild).await?;
    // First what goes: Discord takes few of a kind.
    let mut kept: BTreeMap<RuleId, (i64, Option<Vec<u8>>)> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for (rule, (id, hash)) in noted {
        let known = there.iter().find(|known| known.id == id);
        let at = native.of.iter().position(|of| *of == rule);
        // What a rule is triggered by cannot be changed.
        match (known, at) {
            (Some(known), Some(at)) if known.trigger == native.rules[at]["trigger_type"] => {
                kept.insert(rule, (id, Some(hash)));
                continue;
            }
            (Some(_), _) => {
                delete(bot, guild, id).await?;
                gone.insert(id);
            }
            // It was deleted there by hand.
            (None, _) => {}
        }
        store::forget(&mut *db::acquire(pool).await?, guild, rule).await?;
    }
    for known in there.iter().filter(|known| known.ours) {
        if gone.contains(&known.id) || kept.values().any(|(id, _)| *id == known.id) {
            continue;
        }
        let at = (0..native.of.len()).find(|at| {
            native.rules[*at]["name"] == known.name.as_str() && !kept.contains_key(&native.of[*at])
        });
        match at.filter(|at| native.rules[*at]["trigger_type"] == known.trigger) {
            Some(at) => drop(kept.insert(native.of[at], (known.id, None))),
            // Made by us and of no use any more.
            None => delete(bot, guild, known.id).await?,
        }
    }
    for (rule, body) in native.of.iter().zip(&native.rules) {
        let hash = Sha256::digest(body.to_string().as_bytes()).to_vec();
        let id = match kept.get(rule) {
            Some((_, Some(known))) if *known == hash => continue,
            Some((id, _)) => {
                let mut change = body.clone();
                if let Some(fields) = change.as_object_mut() {
                    fields.remove("trigger_type");
                }
                ask(bot, Method::PATCH, format!("{path}/{id}"), Some(change)).await?;
                *id
            }
            None => {
                let made = ask(bot, Method::POST, path.clone(), Some(body.clone())).await?;
                let id = made["id"].as_str().and_then(snowflake);
                id.ok_or_else(|| Problem::internal_message("Discord names no rule"))?
            }
        };
        store::note(&mut *db::acquire(pool).await?, guild, *rule, id, &hash).await?;
    }
    Ok(native)
}

/// Looks at the guilds whose rules are others, or whose turn it is; tells how many these were.
pub async fn native_once(bot: &Bot) -> Result<usize, Problem> {
    let pool = bot.app().pool();
    let wishing = store::wishing(pool).await?;
    store::changed(pool, &versions(pool, &wishing).await?).await?;
    let due = store::due(pool, AT_ONCE).await?;
    let done = try_join_all(due.iter().map(|guild| follow_due(bot, *guild))).await?;
    Ok(done.into_iter().filter(|done| *done).count())
}

/// Tells Discord of a guild's rules, unless another node does.
async fn follow_due(bot: &Bot, guild: GuildId) -> Result<bool, Problem> {
    let pool = bot.app().pool();
    let Some(wanted) = store::hold(pool, guild, true).await? else { return Ok(false) };
    let version = version(bot, guild).await?;
    let done = follow(bot, guild, wanted).await;
    if let Err(problem) = &done {
        tracing::info!(%guild, %problem, "Discord's AutoMod could not be told of the rules yet");
    }
    store::let_go(pool, guild, version, done.is_ok()).await?;
    Ok(true)
}

/// Discord blocked something by one of its rules: a hit, where the rule is made of ours.
pub(crate) async fn blocked(
    bot: &Bot,
    guild: GuildId,
    (rule, user, channel): (i64, UserId, Option<ChannelId>),
    source: &str,
) -> Result<Result<bool, moderation::Error>, Problem> {
    let pool = bot.app().pool();
    match store::of(&mut *db::acquire(pool).await?, guild, rule).await? {
        Some(rule) => Ok(moderation::ops::native_hit(pool, guild, rule, source, user, channel).await),
        None => Ok(Ok(false)),
    }
}

/// Works until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        while node.ready().await {
            if let Err(error) = native_once(&bot).await {
                tracing::warn!(%error, "guilds whose rules Discord is to be told of cannot be read");
            }
            let _ = tokio::time::timeout(LOOK, node.stopping().cancelled()).await;
        }
    }));
}
