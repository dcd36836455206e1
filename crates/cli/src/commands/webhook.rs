//! `questhall webhook`: webhooks of a guild, by the operator.

use access::{By, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use db::Database;
use delivery::model::{Delivery, Webhook, WebhookWithSecret};
use delivery::{Webhooks, ops};
use kernel::{GuildId, PageQuery, WebhookId};
use serde_json::json;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail as _},
    screen::{Screen, counted, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Make a webhook and print its secret, this once.
    Create {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// Where to post events to, such as `https://example.org/hooks`.
        #[arg(long)]
        url: String,
        /// Which events, such as `campaign.*`; repeat, or separate with commas [default: all].
        #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', default_value = "*")]
        types: Vec<String>,
    },
    /// List a guild's webhooks, newest first; never their secrets.
    List {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Remove a webhook with its deliveries.
    Delete {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Have it get what happens from now on.
    Enable {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Have it get nothing.
    Disable {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Give it a new secret and print it; the old one signs too for a while.
    RotateSecret {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// For how many hours.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=168))]
        overlap_hours: u16,
    },
    /// Post a test to it at once; exit code 1 when it does not take it.
    Ping {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// List its latest 200 deliveries.
    Deliveries {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// Only those given up.
        #[arg(long)]
        dead: bool,
    },
    /// Have what was given up delivered again.
    Replay {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// These deliveries, as `webhook deliveries` shows them.
        #[arg(long = "delivery", value_name = "ID", value_delimiter = ',')]
        deliveries: Vec<i64>,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// Those given up at this time or later, such as 2031-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        from: Option<DateTime<Utc>>,
        /// Those given up before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<DateTime<Utc>>,
    },
}

pub(crate) async fn run(global: &Global, command: &WebhookCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let settings = setup::settings(global, &[])?;
    let webhooks = Webhooks::new(settings.webhooks()).or_fail(Code::Unavailable)?;
    setup::with_database(global, async |database| {
        // What is sealed here has to open on the nodes that deliver.
        let mut connection = database.connect().await?;
        server::secrets::key_ensure(&mut connection, &settings.vault()).await.or_fail(Code::Unavailable)?;
        act(database, &webhooks, command, screen).await
    })
    .await
}

async fn act(
    database: &Database,
    webhooks: &Webhooks,
    command: &WebhookCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    let (pool, origin) = (database.pool(), Origin::default());
    let problem = |error: delivery::Error| Failure::from(kernel::Problem::from(error));
    match command {
        WebhookCommand::Create { guild, name, url, types } => {
            let new = delivery::model::NewWebhook {
                name: name.clone(),
                url: url.clone(),
                event_types: types.clone(),
            };
            let made = ops::webhook_create(pool, webhooks, *guild, new, By::Cli, &origin).await;
            shown_once(screen, &made.map_err(problem)?)
        }
        WebhookCommand::List { guild } => list(database, *guild, screen).await,
        WebhookCommand::Delete { guild, id } => {
            ops::webhook_delete(pool, *guild, *id, By::Cli, &origin).await.map_err(problem)?;
            screen.answer(&json!({ "deleted": id }), |_| format!("{id} gets nothing from now on."))
        }
        WebhookCommand::Enable { guild, id } => {
            let edit = delivery::model::WebhookEdit { enabled: Some(true), ..Default::default() };
            let webhook = ops::webhook_update(pool, webhooks, *guild, *id, edit, By::Cli, &origin).await;
            screen.answer(&webhook.map_err(problem)?, |webhook| {
                format!("{} gets what happens from now on.", webhook.name)
            })
        }
        WebhookCommand::Disable { guild, id } => {
            let edit = delivery::model::WebhookEdit { enabled: Some(false), ..Default::default() };
            let webhook = ops::webhook_update(pool, webhooks, *guild, *id, edit, By::Cli, &origin).await;
            screen.answer(&webhook.map_err(problem)?, |webhook| {
                format!("{} gets nothing until it is enabled again.", webhook.name)
            })
        }
        WebhookCommand::RotateSecret { guild, id, overlap_hours } => {
            let overlap = TimeDelta::hours(i64::from(*overlap_hours));
            let made = ops::secret_rotate(pool, webhooks, *guild, *id, overlap, By::Cli, &origin).await;
            shown_once(screen, &made.map_err(problem)?)
        }
        WebhookCommand::Ping { guild, id } => {
            let ping = ops::ping(pool, webhooks, *guild, *id).await.map_err(problem)?;
            screen.answer(&ping, |ping| match &ping.error {
                None => format!("It took the test in {} ms.", ping.response_ms),
                Some(error) => format!("It did not take the test: {error}."),
            })?;
            if ping.delivered { Ok(()) } else { Err(Failure::no()) }
        }
        WebhookCommand::Deliveries { guild, id, dead } => {
            let status = dead.then_some(delivery::model::DeliveryStatus::Dead);
            let page = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor: None };
            let page = ops::delivery_list(pool, *guild, *id, status, &page).await?;
            screen.answer(&page.items, |items| deliveries(items))
        }
        WebhookCommand::Replay { guild, id, deliveries, all, from, until } => {
            let replay = delivery::model::Replay {
                delivery_ids: deliveries.clone(),
                all: *all,
                from: *from,
                until: *until,
            };
            let replayed = ops::replay(pool, webhooks, *guild, *id, &replay, By::Cli, &origin).await?;
            screen.answer(&json!({ "replayed": replayed }), |_| {
                format!("{} on the way again.", counted(replayed, "event"))
            })
        }
    }
}

/// The secret alone on standard output, so that `$(questhall webhook create …)` is the secret.
fn shown_once(screen: &Screen, made: &WebhookWithSecret) -> Result<(), Failure> {
    if !screen.is_json() {
        screen.note(&format!(
            "Webhook {} ({}). Its secret is shown this once:",
            made.webhook.id, made.webhook.name
        ));
    }
    screen.answer(made, |made| made.secret.clone())
}

async fn list(database: &Database, guild: GuildId, screen: &Screen) -> Result<(), Failure> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    let mut cursor = None;
    loop {
        let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
        let page = ops::webhook_list(database.pool(), guild, &query).await?;
        webhooks.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    screen.answer(&webhooks, |webhooks| {
        let rows = webhooks.iter().map(|webhook| {
            let health = &webhook.health;
            let state = match (&webhook.disabled_reason, health.failing_since) {
                (Some(reason), _) => format!("disabled ({reason})"),
                (None, Some(since)) => format!("failing since {}", since.format("%Y-%m-%d %H:%M")),
                (None, None) => "well".to_owned(),
            };
            [
                webhook.id.to_string(),
                webhook.name.clone(),
                webhook.url.clone(),
                webhook.event_types.join(" "),
                state,
                health.pending.to_string(),
                health.dead.to_string(),
            ]
        });
        table(["id", "name", "address", "events", "state", "pending", "dead"], rows)
    })
}

fn deliveries(items: &[Delivery]) -> String {
    let rows = items.iter().map(|item| {
        let at =
            item.attempted_at.map_or("never".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
        [
            item.id.to_string(),
            item.event_type.clone(),
            item.status.as_str().to_owned(),
            item.attempts.to_string(),
            at,
            item.error.clone().unwrap_or_default(),
        ]
    });
    table(["id", "event", "state", "attempts", "latest", "trouble"], rows)
}
