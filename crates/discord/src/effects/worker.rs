//! Does what is to be done, a few targets at a time.

use std::time::Duration;

use ::jobs::NodeHandle;
use futures::future::join_all;
use kernel::{GuildId, RoleId, UserId};
use people::roles::{RoleOutcome, RoleReport, report};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::announce::announcement;
use super::store::{self, Claimed};
use crate::bot::Bot;
use crate::sender::{Method, Request, SendError};
use crate::settings::snowflake;

/// Targets acted on at once.
const AT_ONCE: i64 = 16;
/// How often to look where nobody wakes us.
const POLL: Duration = Duration::from_secs(1);
/// Attempts after which an effect is given up that Discord never refused: about a day.
const MAX_ATTEMPTS: i32 = 30;
/// How long one attempt waits for its turn; less than its claim lasts.
const PATIENCE: Duration = Duration::from_mins(1);
/// Rows removed by one run of the clean-up.
const CLEAN: i64 = 10_000;

/// Works until the node stops.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        while node.ready().await {
            let done = work(&bot, Some(node.id())).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what is to be done on Discord cannot be read");
                0
            });
            if done == 0 {
                let _ = tokio::time::timeout(POLL, node.stopping().cancelled()).await;
            }
        }
    }));
}

/// Does what is due, and tells how much that was.
pub async fn work_once(bot: &Bot) -> sqlx::Result<usize> {
    work(bot, None).await
}

async fn work(bot: &Bot, holder: Option<Uuid>) -> sqlx::Result<usize> {
    let claimed = store::claim(&mut *db::acquire(bot.app().pool()).await?, holder, AT_ONCE).await?;
    let count = claimed.len();
    for done in join_all(claimed.iter().map(|one| act(bot, one))).await {
        done?;
    }
    Ok(count)
}

/// Acts, and takes down what came of it.
async fn act(bot: &Bot, claimed: &Claimed) -> sqlx::Result<()> {
    let done = match claimed.kind.as_str() {
        "announcement" => post(bot, claimed).await,
        _ => role(bot, claimed).await,
    };
    let mut conn = db::acquire(bot.app().pool()).await?;
    match done {
        Ok(()) => store::settle(&mut conn, claimed, "done", None).await,
        Err(Failed::ForGood(reason)) => {
            tracing::warn!(guild = claimed.guild_id, effect = %claimed.id, reason, "an effect on Discord is given up");
            store::settle(&mut conn, claimed, "dead", Some(&reason)).await
        }
        Err(Failed::ForNow(reason)) if claimed.attempts >= MAX_ATTEMPTS => {
            store::settle(&mut conn, claimed, "dead", Some(&reason)).await
        }
        Err(Failed::ForNow(reason)) => {
            let seconds =
                f64::from(2_i32.saturating_pow(claimed.attempts.clamp(1, 11).unsigned_abs())).min(3_600.0);
            store::postpone(&mut conn, claimed, seconds, &reason).await
        }
    }
}

enum Failed {
    ForNow(String),
    ForGood(String),
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        if error.is_passing() { Self::ForNow(error.to_string()) } else { Self::ForGood(in_words(&error)) }
    }
}

/// A refusal as somebody can act on it who runs the guild.
fn in_words(error: &SendError) -> String {
    let advice = match error.code() {
        Some(10_003) => "the channel is gone: choose another",
        Some(10_004) => "the bot is not in this server any more: invite it again",
        Some(10_007) => "the member has left",
        Some(10_011) => "the role is gone: choose another",
        Some(50_001) => "the bot cannot see this channel: permit it to",
        Some(50_013) => "the bot lacks the permission: for a role, its own highest role must stand above it",
        _ => return error.to_string(),
    };
    format!("{advice} ({error})")
}

async fn post(bot: &Bot, claimed: &Claimed) -> Result<(), Failed> {
    let payload = &claimed.payload;
    let channel = payload["channel_id"].as_str().and_then(snowflake);
    let channel = channel.ok_or_else(|| Failed::ForGood("it names no channel".to_owned()))?;
    let message = json!({
        "content": announcement(payload),
        "allowed_mentions": { "parse": [] },
        // 25 characters at most: enough of the id to be one of its kind in the few minutes that Discord remembers it.
        "nonce": claimed.id.simple().to_string()[..25],
        "enforce_nonce": true,
    });
    let path = format!("/channels/{channel}/messages");
    bot.sender().send(&Request::new(Method::POST, path).json(message).repeatable().within(PATIENCE)).await?;
    Ok(())
}

async fn role(bot: &Bot, claimed: &Claimed) -> Result<(), Failed> {
    let payload = &claimed.payload;
    let id = |name: &str| payload[name].as_str().and_then(snowflake);
    let (Some(user), Some(role), Some(version)) = (id("user_id"), id("role_id"), payload["version"].as_i64())
    else {
        return Err(Failed::ForGood("it names no role of a member".to_owned()));
    };
    let guild = claimed.guild_id;
    let wanted = payload["wanted"] == Value::Bool(true);
    let method = if wanted { Method::PUT } else { Method::DELETE };
    let path = format!("/guilds/{guild}/members/{user}/roles/{role}");
    let causes: Vec<&str> =
        payload["causes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let reason =
        format!("Questhall: {}", if wanted { causes.join(", ") } else { "no cause any more".to_owned() });
    let sent = bot.sender().send(&Request::new(method, path).because(&reason).within(PATIENCE)).await;
    let outcome = match sent {
        Ok(_) => Ok(()),
        // Who is gone has no role, and a role that is gone nobody has: what was to be taken is taken.
        Err(error) if !wanted && matches!(error.code(), Some(10_007 | 10_011)) => Ok(()),
        Err(error) => Err(Failed::from(error)),
    };
    let error = match &outcome {
        Ok(()) => None,
        Err(Failed::ForGood(reason)) => Some(reason.chars().take(500).collect()),
        // It is tried again here first.
        Err(Failed::ForNow(_)) => return outcome,
    };
    let told = RoleOutcome { user_id: UserId::new(user), role_id: RoleId::new(role), version, error };
    let told = RoleReport { outcomes: vec![told] };
    report(bot.app().pool(), GuildId::new(guild), &told)
        .await
        .map_err(|error| Failed::ForNow(error.to_string()))?;
    outcome
}

/// Removes effects that are long past.
pub(crate) async fn clean(conn: &mut PgConnection) -> sqlx::Result<u64> {
    store::clean(conn, CLEAN).await
}
