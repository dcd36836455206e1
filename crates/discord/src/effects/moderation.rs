//! Moderation's effects: bans, time-outs, messages to members. What is to be done, in which order and how often is moderation's
//! affair; here is how Discord is asked for it.

use std::fmt::Write as _;
use std::time::Duration;

use ::jobs::NodeHandle;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use kernel::{MessageId, Problem, UserId};
use moderation::effects::{self, Dead, Leased, Outcome, Payload, Settled};
use moderation::model::Action;
use moderation::ops::bans_seen;
use moderation::rules::timeout_until;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::bot::Bot;
use crate::sender::{Answer, Method, Request, SendError};
use crate::settings::snowflake;
use crate::words::{cut, plain, when};

/// Effects carried out at once.
const AT_ONCE: usize = 16;
/// How often to look where nobody wakes us.
const POLL: Duration = Duration::from_secs(2);
/// How long an effect is ours without a word from us; renewed while it takes longer.
const LEASE: Duration = Duration::from_mins(1);
/// How long one request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// A direct message holds up what it announces no longer than this.
const LETTER: Duration = Duration::from_secs(2);
/// Discord's longest stop of invites, less what clocks may differ.
const LONGEST_STOP: TimeDelta = TimeDelta::seconds(24 * 3_600 - 60);
/// Discord deletes many messages at once only if they are younger; a little less.
const BULK_AGE: TimeDelta = TimeDelta::minutes(14 * 24 * 60 - 5);
/// Where Discord's ids begin to count, in milliseconds since 1970.
const EPOCH: i64 = 1_420_070_400_000;

/// Works until the node stops. What takes long holds up nothing but what follows it.
pub(crate) fn spawn(bot: Bot, node: &NodeHandle) {
    let workers = node.clone();
    let mut node = node.clone();
    drop(workers.spawn(async move {
        let mut woken = bot.app().wake().subscribe(effects::QUEUE);
        let mut running = JoinSet::new();
        while node.ready().await {
            woken.mark_unchanged();
            match claim(&bot, Some(node.id()), AT_ONCE.saturating_sub(running.len()), LEASE).await {
                Ok(leased) => {
                    for effect in leased {
                        running.spawn(act_and_tell(bot.clone(), effect));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "what moderation wants done on Discord cannot be read");
                    let _ = tokio::time::timeout(POLL, node.stopping().cancelled()).await;
                }
            }
            tokio::select! {
                Some(_) = running.join_next() => {}
                Ok(()) = woken.changed() => {}
                () = tokio::time::sleep(POLL) => {}
                () = node.stopping().cancelled() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }));
}

async fn claim(
    bot: &Bot,
    holder: Option<Uuid>,
    most: usize,
    lease: Duration,
) -> Result<Vec<Leased>, Problem> {
    let most = i64::try_from(most).unwrap_or(0);
    if most == 0 {
        return Ok(Vec::new());
    }
    Ok(effects::claim(bot.app().pool(), None, holder, lease, most).await?)
}

async fn act_and_tell(bot: Bot, effect: Leased) {
    if let Err(error) = act(&bot, &effect, LEASE).await {
        // The lease ends, and it is done again.
        tracing::warn!(%error, effect = %effect.id, "what became of an effect on Discord cannot be written down");
    }
    bot.app().wake().outbox();
}

/// Carries out what moderation wants done now, and tells how much that was. Each is this process's for so long without a word from it, and is kept as
/// long as it takes.
pub async fn moderate_once(bot: &Bot, lease: Duration) -> Result<usize, Problem> {
    let leased = claim(bot, None, AT_ONCE, lease).await?;
    for done in join_all(leased.iter().map(|effect| act(bot, effect, lease))).await {
        done?;
    }
    Ok(leased.len())
}

/// Carries one out, keeping it ours meanwhile, and writes down what came of it.
async fn act(bot: &Bot, effect: &Leased, lease: Duration) -> Result<(), Problem> {
    let (pool, receipt) = (bot.app().pool(), &effect.receipt);
    let work = carry_out(bot, effect);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            () = tokio::time::sleep(lease / 3) => {
                // It is somebody else's by now: whoever has it says what became of it.
                if matches!(effects::renew(pool, receipt, lease).await, Ok(false)) {
                    return Ok(());
                }
            }
        }
    };
    let (dead, retry) = match done {
        Ok(settled) => {
            effects::applied(pool, receipt, settled).await?;
            return Ok(());
        }
        Err(Failed::Never(reason)) => (Dead { reason, code: None }, None),
        Err(Failed::Send(SendError::Refused { status, code, .. })) => {
            let code = i32::try_from(code).unwrap_or(0);
            match effects::answer(effect.payload.kind(), status, code) {
                Outcome::Applied => {
                    effects::applied(pool, receipt, Settled::default()).await?;
                    return Ok(());
                }
                Outcome::Later(dead) => (dead, Some(Duration::ZERO)),
                Outcome::Never(dead) => (dead, None),
            }
        }
        Err(Failed::Send(error)) => {
            let pause = if let SendError::Later(pause) = error { pause } else { Duration::ZERO };
            (Dead { reason: error.to_string(), code: None }, Some(pause))
        }
    };
    tracing::info!(guild = %effect.guild_id, effect = %effect.id, reason = dead.reason, "an effect on Discord failed");
    effects::failed(pool, receipt, &dead, retry).await?;
    Ok(())
}

enum Failed {
    Send(SendError),
    Never(String),
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Send(error.into())
    }
}

async fn send(bot: &Bot, request: Request) -> Result<Answer, SendError> {
    bot.sender().send(&request.within(PATIENCE)).await
}

async fn now(bot: &Bot) -> Result<DateTime<Utc>, sqlx::Error> {
    db::now(&mut *db::acquire(bot.app().pool()).await?).await
}

async fn carry_out(bot: &Bot, effect: &Leased) -> Result<Settled, Failed> {
    let guild = effect.guild_id;
    let to = |method: Method, path: String, reason: &str| {
        Request::new(method, format!("/guilds/{guild}/{path}")).because(reason)
    };
    let request = match &effect.payload {
        Payload::Ban { user_id, delete_message_seconds, reason } => {
            let body = json!({ "delete_message_seconds": delete_message_seconds });
            to(Method::PUT, format!("bans/{user_id}"), reason).json(body)
        }
        // Discord's description wants a body here, if an empty one.
        Payload::Unban { user_id, reason } => {
            to(Method::DELETE, format!("bans/{user_id}"), reason).json(json!({}))
        }
        Payload::Timeout { user_id, until, reason } => {
            let until = timeout_until(*until, now(bot).await?).to_rfc3339();
            let body = json!({ "communication_disabled_until": until });
            to(Method::PATCH, format!("members/{user_id}"), reason).json(body)
        }
        Payload::Untimeout { user_id, reason } => {
            let body = json!({ "communication_disabled_until": null });
            to(Method::PATCH, format!("members/{user_id}"), reason).json(body)
        }
        Payload::Kick { user_id, reason } => to(Method::DELETE, format!("members/{user_id}"), reason),
        Payload::DeleteMessage { channel_id, message_id, reason } => {
            // A thread, or a post in a forum, bears the id of its first message, and goes with it.
            let path = if channel_id.get() == message_id.get() {
                format!("/channels/{channel_id}")
            } else {
                format!("/channels/{channel_id}/messages/{message_id}")
            };
            Request::new(Method::DELETE, path).because(reason)
        }
        Payload::IncidentActions { until } => {
            let now = now(bot).await?;
            let until = until.map(|until| until.min(now + LONGEST_STOP).to_rfc3339());
            let body = json!({ "invites_disabled_until": until, "dms_disabled_until": until });
            to(Method::PUT, "incident-actions".to_owned(), "Questhall: raid mode").json(body)
        }
        Payload::BulkBan { .. } => return bulk_ban(bot, effect).await,
        Payload::Purge { .. } => return purge(bot, effect).await,
        Payload::Alert { .. } => return alert(bot, effect).await,
        Payload::DirectMessage { .. } => {
            let written = tokio::time::timeout(LETTER, letter(bot, effect)).await;
            return written
                .unwrap_or_else(|_| Err(Failed::Never("Discord did not take it within 2 s.".to_owned())));
        }
    };
    send(bot, request).await?;
    Ok(Settled::default())
}

/// Bans many. Whom the answer names is banned; where it names nobody, their bans are seen one by one on the gateway, or looked
/// at here where there is none. Those whom Discord did not ban may have been banned before: that is looked at, too.
async fn bulk_ban(bot: &Bot, effect: &Leased) -> Result<Settled, Failed> {
    let Payload::BulkBan { user_ids, delete_message_seconds, reason } = &effect.payload else {
        return Ok(Settled::default());
    };
    let guild = effect.guild_id;
    let body = json!({ "user_ids": user_ids, "delete_message_seconds": delete_message_seconds });
    let request = Request::new(Method::POST, format!("/guilds/{guild}/bulk-ban")).because(reason).json(body);
    // Who is banned already stays so: it can be said again.
    let named = |body: &Value, what: &str| -> Vec<UserId> {
        let ids = body[what].as_array().into_iter().flatten();
        ids.filter_map(|id| id.as_str().and_then(snowflake)).map(UserId::new).collect()
    };
    let (mut banned, open) = match send(bot, request.repeatable()).await {
        Ok(answer) => {
            let (banned, failed) = (named(&answer.body, "banned_users"), named(&answer.body, "failed_users"));
            let silent = banned.is_empty() && failed.is_empty();
            let open = if silent && !bot.settings().gateway { user_ids.clone() } else { failed };
            (banned, open)
        }
        Err(error) if error.code() == Some(500_000) => (Vec::new(), user_ids.clone()),
        Err(error) => return Err(error.into()),
    };
    let mut left = 0;
    for user in open {
        match send(bot, Request::new(Method::GET, format!("/guilds/{guild}/bans/{user}"))).await {
            Ok(_) => banned.push(user),
            Err(error) if error.code() == Some(10_026) => left += 1,
            Err(error) => return Err(error.into()),
        }
    }
    if !banned.is_empty() {
        let seen = bans_seen(bot.app().pool(), guild, &banned, false).await;
        seen.map_err(|error| SendError::Away(error.to_string()))?;
    }
    if left > 0 {
        let all = user_ids.len();
        return Err(Failed::Never(format!(
            "Discord did not ban {left} of {all}: the bot needs Ban Members and Manage Server, and a role above theirs."
        )));
    }
    Ok(Settled::default())
}

/// A message that Discord posts once, however often it is sent within some minutes. A case's key would not do: two guilds may
/// write to one person.
fn message(channel: i64, effect: &Leased, text: &str) -> Request {
    let nonce: String = effect.id.get().simple().to_string().chars().skip(7).collect();
    let body = json!({
        "content": cut(text, 2_000), "allowed_mentions": { "parse": [] }, "nonce": nonce, "enforce_nonce": true,
    });
    Request::new(Method::POST, format!("/channels/{channel}/messages")).json(body).repeatable()
}

fn written(answer: &Answer) -> Settled {
    let message_id = answer.body["id"].as_str().and_then(snowflake).map(MessageId::new);
    Settled { message_id, ..Settled::default() }
}

async fn alert(bot: &Bot, effect: &Leased) -> Result<Settled, Failed> {
    let Payload::Alert { channel_id, text, user_id, case_number } = &effect.payload else {
        return Ok(Settled::default());
    };
    let Some(channel) = channel_id else {
        return Err(Failed::Never("No channel is chosen for alerts.".to_owned()));
    };
    let mut said = cut(text, 1_800);
    if let Some(number) = case_number {
        let _ = write!(said, " (case {number})");
    }
    if let Some(user) = user_id {
        let _ = write!(said, " <@{user}>");
    }
    Ok(written(&send(bot, message(channel.get(), effect, &said)).await?))
}

/// Tells a member of their case.
async fn letter(bot: &Bot, effect: &Leased) -> Result<Settled, Failed> {
    let Payload::DirectMessage { user_id, case_number, action, reason, expires_at, .. } = &effect.payload
    else {
        return Ok(Settled::default());
    };
    let body = json!({ "recipient_id": user_id });
    let open = Request::new(Method::POST, "/users/@me/channels").json(body).repeatable();
    let channel = send(bot, open).await?.body["id"].as_str().and_then(snowflake);
    let channel = channel.ok_or_else(|| Failed::Never("Discord opened no channel to them.".to_owned()))?;
    let what = match action {
        Action::Warn => "You were warned",
        Action::Timeout => "You were timed out",
        Action::Kick => "You were removed from the server",
        Action::Ban => "You were banned",
        _ => "A moderator acted on you",
    };
    let mut text = format!("{what} (case {case_number}): {}", plain(reason));
    if let Some(until) = expires_at {
        let _ = write!(text, "\nUntil: {}", when(*until));
    }
    if let (Some(token), Some(url)) = (&effect.appeal_token, &bot.app().http().public_url) {
        let _ = write!(text, "\nAppeal: {}/appeal/{token}", url.trim_end_matches('/'));
    }
    Ok(written(&send(bot, message(channel, effect, &text)).await?))
}

/// Deletes messages of a channel, a hundred at a time: those of one member, or all, from before the case. Those that Discord
/// deletes only one by one, as they are older than two weeks, stay.
async fn purge(bot: &Bot, effect: &Leased) -> Result<Settled, Failed> {
    let Payload::Purge { channel_id, user_id, limit, before, reason } = &effect.payload else {
        return Ok(Settled::default());
    };
    let oldest = (now(bot).await? - BULK_AGE).timestamp_millis();
    let young = |id: i64| (id >> 22) + EPOCH > oldest;
    let mut before = (before.timestamp_millis() - EPOCH).max(0) << 22;
    let mut left = usize::try_from(*limit).unwrap_or(0);
    let mut gone = 0;
    let path = format!("/channels/{channel_id}/messages");
    while left > 0 {
        let page =
            send(bot, Request::new(Method::GET, format!("{path}?limit=100&before={before}"))).await?.body;
        let of = |message: &Value| {
            let id = message["id"].as_str().and_then(snowflake)?;
            Some((id, message["author"]["id"].as_str().and_then(snowflake)?))
        };
        let page: Vec<(i64, i64)> = page.as_array().into_iter().flatten().filter_map(of).collect();
        let last = page.iter().map(|(id, _)| *id).min();
        let Some(last) = last.filter(|last| *last < before) else { break };
        let theirs = |author: i64| user_id.is_none_or(|user| user.get() == author);
        let wanted: Vec<String> = page
            .iter()
            .filter(|(id, author)| young(*id) && *id < before && theirs(*author))
            .map(|(id, _)| id.to_string())
            .take(left)
            .collect();
        let request = match wanted.as_slice() {
            [] => None,
            [only] => Some(Request::new(Method::DELETE, format!("{path}/{only}"))),
            many => {
                let body = json!({ "messages": many });
                Some(Request::new(Method::POST, format!("{path}/bulk-delete")).json(body).repeatable())
            }
        };
        if let Some(request) = request {
            match send(bot, request.because(reason)).await {
                // Somebody was faster.
                Err(error) if error.code() == Some(10_008) => {}
                other => drop(other?),
            }
        }
        gone += i32::try_from(wanted.len()).unwrap_or(0);
        left -= wanted.len();
        before = last;
        if !young(last) {
            break;
        }
    }
    Ok(Settled { messages: Some(gone), ..Settled::default() })
}
