//! All slices' routes as one API, and the document that describes it.

mod answers;

use access::App;
use access::openapi::Common;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{InfoBuilder, License, OpenApi, ServerBuilder, security::SecurityRequirement};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use crate::{events, operations};

/// Where the API lies.
const PREFIX: &str = "/api/v1";

const DESCRIPTION: &str = "\
Questhall runs campaigns of coding challenges in which every player or squad solves an input of its own.

**Keys.** Every request carries an API key: `Authorization: Bearer qh_…`. A key holds scopes, may be confined to a guild, \
and may be bound to a member; a key that is bound to nobody says for whom it acts with `Questhall-User`.

**People** who are signed in send a cookie instead, and with everything but GET the header `X-CSRF-Token`. They act as \
themselves, and may do what their roles in a guild permit. Where the path names no guild, `Questhall-Guild` does.

**Limits.** `RateLimit` and `RateLimit-Policy` tell how much may be sent; more is answered 429 with `Retry-After`.

**Ids.** Discord's ids are decimal strings, ours are UUIDs. What belongs to another guild does not exist for a key: 404.

**Errors** are `application/problem+json` (RFC 9457). `type` never changes; each is explained at `/problems`.

**Lists** come in pages: `limit` says how many, `next` of one page is the `cursor` of the next.

**Repeating.** A POST that carries an `Idempotency-Key` has its effect once, and its repetition gets the same answer.

**Streams** are server-sent events, resumable with `Last-Event-ID`.";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(operations::TimerStatus)), tags(
    (name = "campaigns", description = "Campaigns: their settings, life cycle, registrations, rewards."),
    (name = "challenges", description = "Challenges: inputs, answers, hints."),
    (name = "leaderboards", description = "Who stands where."),
    (name = "events", description = "What happens, as it happens: server-sent events."),
    (name = "webhooks", description = "Events posted to an address of yours, signed by the Standard Webhooks specification."),
    (name = "economy", description = "Bytes: balances and transfers."),
    (name = "squads", description = "Squads and who is in them."),
    (name = "people", description = "Members of a guild, their names and preferences."),
    (name = "progress", description = "What members earned: XP, seasons, achievements, awards."),
    (name = "lake", description = "What happened on Discord, and what multiplies rewards."),
    (name = "community", description = "Quest board, shop, announcements, skills; copies of what is known of a member."),
    (name = "learning", description = "Paths, quests and their steps; attempts, progress and what they bring."),
    (name = "keys", description = "API keys."),
    (name = "sign-in", description = "Signing in and out with a browser, and one's sessions."),
    (name = "roles", description = "Who may do what in a guild."),
    (name = "audit", description = "What administrators changed, with before and after."),
    (name = "settings", description = "What administrators choose while it runs."),
    (name = "operations", description = "For those who run this installation. Takes keys that are confined to no guild."),
))]
struct Frame;

/// All slices' routes under [`PREFIX`], and their document.
pub(crate) fn router() -> OpenApiRouter<App> {
    let slices = OpenApiRouter::new()
        .merge(campaigns::router())
        .merge(challenges::router())
        .merge(economy::router())
        .merge(squads::router())
        .merge(people::router())
        .merge(progress::router())
        .merge(lake::router())
        .merge(community::router())
        .merge(learning::router())
        .merge(access::routes::routes())
        .merge(delivery::router())
        .merge(events::router())
        .merge(operations::router());
    OpenApiRouter::with_openapi(Frame::openapi()).nest(PREFIX, slices)
}

/// The document of the whole API, as it is checked in and served. `public_url` is where the server is reached from outside.
pub(crate) fn document(public_url: Option<&str>) -> OpenApi {
    let mut document = router().into_openapi();
    finish(&mut document, public_url);
    document
}

fn finish(document: &mut OpenApi, public_url: Option<&str>) {
    Common.modify(document);
    document.info = InfoBuilder::new()
        .title("Questhall")
        .version("1")
        .description(Some(DESCRIPTION))
        .license(Some(
            License::builder().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
        ))
        .build();
    let url = public_url.map_or("/", |url| url.trim_end_matches('/'));
    document.servers = Some(vec![ServerBuilder::new().url(url).build()]);
    document.security = Some(vec![SecurityRequirement::new(access::openapi::API_KEY, Vec::<String>::new())]);
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        for operation in operations.into_iter().filter_map(Option::as_mut) {
            tidy(operation);
            answers::complete(operation);
        }
    }
}

/// `utoipa` puts the scope into the security requirement only: say it in words as well.
fn tidy(operation: &mut Operation) {
    let Some(requirements) = &operation.security else { return };
    let Ok(serde_json::Value::Array(requirements)) = serde_json::to_value(requirements) else { return };
    let scopes: Vec<String> = requirements
        .iter()
        .filter_map(|requirement| requirement[access::openapi::API_KEY].as_array())
        .flatten()
        .filter_map(|scope| scope.as_str().map(|scope| format!("`{scope}`")))
        .collect();
    if !scopes.is_empty() {
        let needs = format!("Needs the scope {}.", scopes.join(" and "));
        operation.description = Some(match operation.description.take().filter(|text| !text.is_empty()) {
            Some(text) => format!("{text}\n\n{needs}"),
            None => needs,
        });
    }
}
