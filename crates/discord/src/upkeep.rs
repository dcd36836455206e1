//! What runs in the background: Discord's commands are brought to ours, effects are carried out, old rows are removed.

use std::time::Duration;

use ::jobs::NodeHandle;
use ::jobs::outbox::Consumers;
use ::jobs::schedule::{JobError, Schedule};
use access::Means;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::boards;
use crate::bot::Bot;
use crate::commands::sync;
use crate::effects::{self, Queue};
use crate::gateway;
use crate::interactions::forget_old;
use crate::{native, setup};

/// How long to wait before Discord is told of the commands again, where that failed.
const AGAIN: Duration = Duration::from_mins(5);

/// The slice's periodic jobs.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new("discord.clean", "*/10 * * * *", |connection| Box::pin(clean(connection)))]
}

/// The slice's readers of the outbox: one, where there is a bot.
pub(crate) fn consumers(means: &Means) -> Consumers {
    match means.get::<Bot>() {
        Some(_) => Consumers::new().with(Queue),
        None => Consumers::new(),
    }
}

/// Starts what the slice does besides, where there is a bot.
pub(crate) fn start(means: &Means, node: &NodeHandle) {
    let Some(bot) = means.get::<Bot>().cloned() else { return };
    effects::spawn(bot.clone(), node);
    effects::spawn_moderation(bot.clone(), node);
    boards::spawn(bot.clone(), node);
    setup::spawn(bot.clone(), node);
    native::spawn(bot.clone(), node);
    gateway::spawn(bot.clone(), node);
    let stopping = node.stopping().clone();
    drop(node.spawn(async move {
        let synced = async {
            loop {
                match sync(&bot).await {
                    Ok(done) => return tracing::info!(?done, "Discord has the bot's commands"),
                    Err(error) => tracing::warn!(%error, "Discord could not be told of the bot's commands"),
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        stopping.run_until_cancelled(synced).await;
    }));
}

async fn clean(conn: &mut PgConnection) -> Result<Value, JobError> {
    let interactions = forget_old(&mut *conn).await?;
    let effects = effects::clean(&mut *conn).await?;
    let drafts = sqlx::query!("DELETE FROM discord.quiz_drafts WHERE updated_at < now() - interval '7 days'")
        .execute(conn)
        .await?;
    Ok(json!({ "interactions": interactions, "effects": effects, "drafts": drafts.rows_affected() }))
}
