//! The catalogue of events.

use access::{Actor, Json, Problems};
use jobs::outbox::event_types;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Every type of event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Catalogue {
    /// The types, by name.
    items: Vec<Entry>,
}

/// A type of event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventCatalogueEntry)]
pub(super) struct Entry {
    /// Its name.
    #[serde(rename = "type")]
    #[schema(example = "campaign.started")]
    name: &'static str,
    /// When it happens.
    when: &'static str,
    /// Who gets it: `everyone`; `member`, the one concerned, and administrators; or `admins`.
    audience: &'static str,
    /// The scope that reading it takes.
    scope: &'static str,
    /// The scope that reads it whomever it concerns.
    admin_scope: &'static str,
    /// The JSON Schema of its `data`.
    schema: Value,
    /// An example of its `data`.
    example: Value,
}

/// See every type of event
///
/// With the JSON Schema and an example of its `data`. The envelope around it is that of `CloudEvents` 1.0.
#[utoipa::path(get, path = "/events/catalogue", tag = "events", operation_id = "event_catalogue",
    responses((status = 200, body = Catalogue), Problems), security(("api_key" = [])))]
pub(super) async fn show(_actor: Actor) -> Json<Catalogue> {
    let items = event_types()
        .into_iter()
        .map(|declared| Entry {
            name: declared.name,
            when: declared.when,
            audience: declared.audience.as_str(),
            scope: declared.read,
            admin_scope: declared.admin,
            schema: declared.schema(),
            example: (declared.example)(),
        })
        .collect();
    Json(Catalogue { items })
}
