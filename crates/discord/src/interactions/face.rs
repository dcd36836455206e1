//! The way of every interaction, whichever face it came by: taken once, answered in time.

use std::time::Duration;

use kernel::Problem;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::model::{AUTOCOMPLETE, COMMAND, COMPONENT, Interaction, MODAL, PING};
use super::reply::{Reply, deferred};
use crate::bot::Bot;
use crate::commands;
use crate::sender::{Method, Request};
use crate::words::Lang;

/// How long an answer may take all in all: the interaction's token is good for a quarter of an hour.
const ANSWER: Duration = Duration::from_mins(10);
/// Discord's words for an interaction of which it has no answer yet.
const UNKNOWN_MESSAGE: i64 = 10_008;
const UNKNOWN_WEBHOOK: i64 = 10_015;
/// How long is waited before an answer is given again of whose promise Discord does not know yet.
const NOT_YET: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
/// Rows removed by one run of the clean-up.
const CLEAN: i64 = 50_000;

/// The first answer.
#[derive(Debug)]
pub(crate) enum First {
    /// This, and that is all.
    Now(Value),
    /// This promise, which is kept once it is given: whoever gives it drops its end of the wire then.
    Promised(Value, oneshot::Sender<()>),
    /// It was taken before.
    Repeated,
}

/// Takes an interaction and answers it, or promises to.
pub(crate) async fn first(bot: &Bot, interaction: Interaction) -> Result<First, Problem> {
    if interaction.kind == PING {
        return Ok(First::Now(json!({ "type": 1 })));
    }
    let Some(guild) = interaction.guild().filter(|_| interaction.member.is_some()) else {
        let text = crate::words::say!(
            Lang::of(interaction.locale.as_deref()),
            "Commands work in a server, not in direct messages.",
            "Befehle gehen auf einem Server, nicht in Direktnachrichten."
        );
        return Ok(First::Now(Reply::text(text).private().callback()));
    };
    if interaction.data.as_ref().is_some_and(|data| data.control().is_some()) {
        let text = crate::words::say!(
            Lang::of(interaction.locale.as_deref()),
            "What you typed holds a control character, which texts here may not. Please type it anew.",
            "Was du geschrieben hast, enthält ein Steuerzeichen; das geht hier nicht. Bitte schreib es neu."
        );
        return Ok(First::Now(match interaction.kind {
            AUTOCOMPLETE => json!({ "type": 8, "data": { "choices": [] } }),
            _ => Reply::text(text).private().callback(),
        }));
    }
    if interaction.kind == AUTOCOMPLETE {
        let choices =
            tokio::time::timeout(bot.settings().promise, commands::complete(bot, &interaction)).await;
        // Whoever types does not need to know that nothing came.
        let choices = choices.unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_else(|error| {
            tracing::debug!(%error, "nothing was found for who types a command");
            Vec::new()
        });
        return Ok(First::Now(json!({ "type": 8, "data": { "choices": choices } })));
    }
    if !matches!(interaction.kind, COMMAND | COMPONENT | MODAL) {
        return Err(Problem::invalid("This kind of interaction is not known."));
    }
    if !take(bot, guild, interaction.number().unwrap_or_default()).await? {
        return Ok(First::Repeated);
    }
    let component = interaction.kind == COMPONENT;
    let private = commands::is_private(&interaction);
    let token = interaction.token.clone();
    let mut running = tokio::spawn({
        let bot = bot.clone();
        async move { commands::carry_out(&bot, interaction).await }
    });
    let (promise, given) = oneshot::channel();
    if let Ok(done) = tokio::time::timeout(bot.settings().promise, &mut running).await {
        let reply = done.unwrap_or_else(|error| broke(&error));
        if reply.files.is_empty() {
            return Ok(First::Now(reply.callback()));
        }
        // Files go along with a message of their own.
        let bot = bot.clone();
        tokio::spawn(async move { keep(&bot, &token, reply, given).await });
    } else {
        let bot = bot.clone();
        tokio::spawn(async move {
            let reply = match tokio::time::timeout(ANSWER, running).await {
                Ok(done) => done.unwrap_or_else(|error| broke(&error)),
                Err(_) => Reply::text("That took too long, and was given up."),
            };
            keep(&bot, &token, reply, given).await;
        });
    }
    Ok(First::Promised(deferred(component, private), promise))
}

fn broke(error: &tokio::task::JoinError) -> Reply {
    tracing::error!(%error, "a command broke");
    Reply::text("Something went wrong on our side. It has been logged.").private()
}

/// Gives the answer that was promised, after the promise: before it, Discord knows of nothing that could be answered.
async fn keep(bot: &Bot, token: &str, reply: Reply, given: oneshot::Receiver<()>) {
    // Nothing is ever sent: that its other end is gone says all.
    let _ = given.await;
    let path = format!("/webhooks/{}/{token}/messages/@original", bot.sender().application_id());
    // A form cannot come late: it is said instead that it would be too late.
    let reply = match reply.form {
        Some(_) => Reply::text("That took too long. Please try again."),
        None => reply,
    };
    let request = Request::new(Method::PATCH, path).json(reply.message()).files(reply.files);
    let mut waits = NOT_YET.iter();
    while let Err(error) = bot.sender().send(&request).await {
        // A promise that was given as an answer over HTTP may be on its way still.
        let not_yet = matches!(error.code(), Some(UNKNOWN_MESSAGE | UNKNOWN_WEBHOOK));
        let Some(wait) = waits.next().filter(|_| not_yet) else {
            return tracing::warn!(%error, "an answer that was promised could not be given");
        };
        tokio::time::sleep(*wait).await;
    }
}

/// Answers an interaction that came by the gateway.
pub(crate) fn arrived(bot: &Bot, data: Value) {
    let bot = bot.clone();
    tokio::spawn(async move {
        let interaction: Interaction = match serde_json::from_value(data) {
            Ok(interaction) => interaction,
            Err(error) => return tracing::warn!(%error, "an interaction cannot be read"),
        };
        let path = format!("/interactions/{}/{}/callback", interaction.id, interaction.token);
        let (answer, promise) = match first(&bot, interaction).await {
            Ok(First::Now(answer)) => (answer, None),
            Ok(First::Promised(answer, promise)) => (answer, Some(promise)),
            Ok(First::Repeated) => return,
            Err(problem) => (Reply::text(problem.to_string()).private().callback(), None),
        };
        // Sent again it is refused as answered, which is as good.
        let request =
            Request::new(Method::POST, path).json(answer).repeatable().within(Duration::from_secs(3));
        match bot.sender().send(&request).await {
            Err(error) if error.code() != Some(40_060) => {
                tracing::warn!(%error, "an interaction could not be answered");
            }
            _ => {}
        }
        drop(promise);
    });
}

/// Takes it, unless it was taken before, by whichever node.
async fn take(bot: &Bot, guild: i64, id: i64) -> Result<bool, Problem> {
    let done = sqlx::query!(
        "INSERT INTO discord.interactions (guild_id, interaction_id) VALUES ($1, $2)
         ON CONFLICT (guild_id, interaction_id) DO NOTHING",
        guild,
        id,
    )
    .execute(&mut *db::acquire(bot.app().pool()).await?)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes what was taken long enough ago: what is older is refused as stale.
pub(crate) async fn forget_old(conn: &mut sqlx::PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM discord.interactions WHERE (guild_id, interaction_id) IN (
             SELECT guild_id, interaction_id FROM discord.interactions
              WHERE created_at < now() - interval '1 hour' ORDER BY created_at LIMIT $1)",
        CLEAN,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
