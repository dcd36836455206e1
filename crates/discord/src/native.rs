//! The cheap part of a guild's rules as rules of Discord's own `AutoMod`, where the guild wishes: what it blocks never appears, even while we are
//! away.
//!
//! Promises:
//! * Discord's rules follow ours within seconds, and are gone when the guild does not wish them any more; rules that somebody else made there are
//!   left alone.
//! * Only what does nothing but delete is handed over: what Discord blocks comes to no case of ours.
//! * Each time that Discord blocks something counts as a hit of our rule, once. No word of it is kept.
//! * One that was made and not noted, as a process died, is found again and not made twice.

pub(crate) mod routes;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::jobs::NodeHandle;
use access::Author;
use kernel::{ChannelId, GuildId, Problem, UserId, problem};
use moderation::automod::Native;
use moderation::model::RuleId;
use moderation::ops::rules::{rules_native, versions};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};
use crate::settings::snowflake;
use crate::sync::{self, Held, Kind, Outcome, PATIENCE, SyncState, Wish};

/// How often it is looked whether rules are others.
const LOOK: Duration = Duration::from_secs(5);
const REASON: &str = "Questhall: automod";

/// What Discord's own `AutoMod` has of a guild's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordAutomod)]
pub struct NativeState {
    /// Whether it is to have any, and what became of that.
    pub sync: SyncState,
    /// Rules that it can judge.
    pub rules: Vec<NativeRule>,
    /// What it would not take, as sentences.
    pub left_out: Vec<String>,
}

/// A rule that Discord's own `AutoMod` can judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscordAutomodRule)]
pub struct NativeRule {
    /// Ours.
    pub rule_id: RuleId,
    /// What it is called.
    pub name: String,
    /// Discord's, where it was told of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{1,19}$", example = "175928847299117063")]
    pub discord_id: Option<String>,
    /// Whether Discord was told of it as it is now.
    pub is_told: bool,
}

/// Has Discord judge what it can of a guild's rules, or be looked at again: a node with a bot tells it within seconds. Audited where that is new.
pub async fn start(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<(), Problem> {
    sync::wish(pool, guild, Kind::Automod, Wish { wanted: true, channel_id: None }, author).await?;
    Ok(())
}

/// Has Discord judge none of a guild's rules any more: a node with a bot takes them back within seconds. Audited.
pub async fn stop(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<(), Problem> {
    sync::wish(pool, guild, Kind::Automod, Wish { wanted: false, channel_id: None }, author).await?;
    Ok(())
}

/// What Discord has of a guild's rules.
#[kernel::boxed]
pub async fn state(pool: &PgPool, guild: GuildId, has_bot: bool) -> Result<NativeState, Problem> {
    let native = rules_native(pool, guild).await?;
    let mut conn = db::acquire(pool).await?;
    let known = sync::known(&mut conn, guild, Kind::Automod, has_bot).await?;
    let noted = store::rules(&mut conn, guild).await?;
    let rules = native.of.iter().zip(&native.rules).map(|(rule, body)| NativeRule {
        rule_id: *rule,
        name: name(body),
        discord_id: noted.get(rule).map(|(id, _)| id.to_string()),
        is_told: noted.get(rule).is_some_and(|(_, told)| *told == hash(body)),
    });
    Ok(NativeState { sync: known.sync, rules: rules.collect(), left_out: native.left_out })
}

/// What a rule for Discord is called.
fn name(rule: &Value) -> String {
    rule["name"].as_str().unwrap_or_default().to_owned()
}

/// By what it is known whether Discord was told the same before.
fn hash(rule: &Value) -> Vec<u8> {
    Sha256::digest(rule.to_string().as_bytes()).to_vec()
}

/// Has Discord judge what it can of the guild's rules, or no more, as [`start`] and [`stop`] do, and waits for it. Tells what it takes, and what
/// stays ours alone.
pub(crate) async fn tell(
    bot: &Bot,
    guild: GuildId,
    wanted: bool,
    author: Author<'_>,
) -> Result<Native, Problem> {
    let pool = bot.app().pool();
    if !sync::wish(pool, guild, Kind::Automod, Wish { wanted, channel_id: None }, author).await? {
        return Ok(Native::default());
    }
    let held = sync::take(pool, guild, Kind::Automod).await?;
    look(bot, guild, held).await
}

/// Tells Discord of the rules of a guild that somebody has in hand, and settles it.
async fn look(bot: &Bot, guild: GuildId, held: Held) -> Result<Native, Problem> {
    let pool = bot.app().pool();
    let version = versions(pool, &[guild]).await?.into_iter().map(|(_, version)| version).next();
    let done = follow(bot, guild, held.wish.wanted).await;
    let outcome = Outcome { version, ..Outcome::of(&done) };
    sync::settle(pool, guild, Kind::Automod, &held, &outcome).await?;
    done
}

fn refused(error: &SendError) -> Problem {
    match error {
        SendError::Refused { code: 50_001 | 50_013, .. } => {
            Problem::forbidden("The bot may not manage Discord's AutoMod: permit it to manage the server.")
        }
        error => Problem::new(problem::UNAVAILABLE, format!("Discord's AutoMod cannot be told: {error}.")),
    }
}

async fn ask(bot: &Bot, method: Method, path: String, body: Option<Value>) -> Result<Value, SendError> {
    let mut request = Request::new(method, path).within(PATIENCE).because(REASON);
    if let Some(body) = body {
        request = request.json(body);
    }
    Ok(bot.sender().send(&request).await?.body)
}

/// Whether this one rule is what Discord does not take: others may be well.
fn is_about_the_rule(error: &SendError) -> bool {
    matches!(error, SendError::Refused { code, .. } if !matches!(code, 50_001 | 50_013))
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
    let listed = ask(bot, Method::GET, path.clone(), None).await.map_err(|error| refused(&error))?;
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
    let mut not_taken = Vec::new();
    for (rule, body) in native.of.iter().zip(&native.rules) {
        let hash = hash(body);
        let told = match kept.get(rule) {
            Some((_, Some(known))) if *known == hash => continue,
            Some((id, _)) => {
                let mut change = body.clone();
                if let Some(fields) = change.as_object_mut() {
                    fields.remove("trigger_type");
                }
                ask(bot, Method::PATCH, format!("{path}/{id}"), Some(change)).await.map(|_| Some(*id))
            }
            None => {
                let made = ask(bot, Method::POST, path.clone(), Some(body.clone())).await;
                made.map(|made| made["id"].as_str().and_then(snowflake))
            }
        };
        let id = match told {
            Ok(id) => id.ok_or_else(|| Problem::internal_message("Discord names no rule"))?,
            Err(error) if is_about_the_rule(&error) => {
                not_taken.push(format!("{}: {error}.", name(body)));
                continue;
            }
            Err(error) => return Err(refused(&error)),
        };
        store::note(&mut *db::acquire(pool).await?, guild, *rule, id, &hash).await?;
    }
    if not_taken.is_empty() {
        return Ok(native);
    }
    Err(Problem::conflict(format!("Discord does not take some of the rules. {}", not_taken.join(" "))))
}

/// Looks at the guilds whose rules are others, or whose turn it is; tells how many these were.
pub async fn native_once(bot: &Bot) -> Result<usize, Problem> {
    let pool = bot.app().pool();
    let wishing = sync::wishing(pool, Kind::Automod).await?;
    sync::changed(pool, Kind::Automod, &versions(pool, &wishing).await?).await?;
    sync::turns(bot, Kind::Automod, |bot, guild, held| {
        Box::pin(async move {
            // What came of it is noted.
            let _ = look(bot, guild, held).await;
            Ok(())
        })
    })
    .await
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
    sync::spawn(bot, node, Kind::Automod, LOOK, |bot| Box::pin(native_once(bot)));
}
