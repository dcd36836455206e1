//! Webhooks and their deliveries.

use std::fmt;

use chrono::{DateTime, Utc};
use kernel::{GuildId, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An address to which a guild's events are posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Identifier.
    pub id: WebhookId,
    /// The guild.
    pub guild_id: GuildId,
    /// What it is for.
    pub name: String,
    /// Where events are posted to.
    pub url: String,
    /// Which events it gets: types, or beginnings of types followed by a star.
    pub event_types: Vec<String>,
    /// Whether it gets events.
    pub enabled: bool,
    /// Why it does not: `BY_HAND`, `FAILING` or `GONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// Since when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Until when the secret before the latest rotation signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed by hand.
    pub updated_at: DateTime<Utc>,
    /// How its deliveries stand.
    pub health: Health,
}

/// How a webhook's deliveries stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookHealth)]
pub struct Health {
    /// Events that wait to be delivered.
    pub pending: i64,
    /// Events that were given up and can be replayed.
    pub dead: i64,
    /// Failed attempts since the last success.
    pub failures: i32,
    /// The first of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<DateTime<Utc>>,
    /// When it last took an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// When the oldest pending event is to be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// A webhook to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "our site")]
    pub name: String,
    /// Where to post events to: `https://`, at a public address.
    #[schema(max_length = 2000, example = "https://example.org/hooks/questhall")]
    pub url: String,
    /// Which events: types of the catalogue, or beginnings of types followed by a star. All, unless told.
    #[serde(default = "everything")]
    #[schema(min_items = 1, max_items = 50, example = json!(["campaign.*", "challenge.solved"]))]
    pub event_types: Vec<String>,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A change of a webhook. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEdit {
    /// What it is for, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Where to post events to.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub url: Option<String>,
    /// Which events.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    pub event_types: Option<Vec<String>>,
    /// Whether it gets events. Enabling it begins with what happens then; what was given up can be replayed.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// A webhook with its new secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// The key of its signatures. Shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…")]
    pub secret: String,
}

impl fmt::Debug for WebhookWithSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookWithSecret").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

kernel::decl_words! {
    /// How a delivery stands.
    pub enum DeliveryStatus {
        /// It waits for its first or next attempt.
        Pending = "PENDING",
        /// The endpoint took it.
        Delivered = "DELIVERED",
        /// It was given up; it can be replayed.
        Dead = "DEAD",
    }
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its place in the webhook's order.
    pub id: i64,
    /// The event: `webhook-id` of every attempt.
    pub event_id: Uuid,
    /// The event's type.
    pub event_type: String,
    /// How it stands.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: i32,
    /// When it was queued, or replayed.
    pub queued_at: DateTime<Utc>,
    /// The latest attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempted_at: Option<DateTime<Utc>>,
    /// When it is tried next, if it waits: never before those that were queued earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// HTTP status of the latest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<i32>,
    /// How long the latest attempt took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<i32>,
    /// Why the latest attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Which dead letters to replay: exactly one of `delivery_ids`, `all`, and a time range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// These.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub delivery_ids: Vec<i64>,
    /// All of them.
    #[serde(default)]
    pub all: bool,
    /// Those given up at this instant or later.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub from: Option<DateTime<Utc>>,
    /// Those given up before this instant.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub until: Option<DateTime<Utc>>,
}

/// What came of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// Events that are on their way again.
    pub replayed: u64,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ping {
    /// Whether the endpoint took it.
    pub delivered: bool,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<i32>,
    /// How long it took, in milliseconds.
    pub response_ms: i32,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
