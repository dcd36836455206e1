//! All slices' routes as one API, and the document that describes it.

mod answers;

use std::collections::BTreeSet;

use access::App;
use access::openapi::Common;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{InfoBuilder, License, OpenApi, ServerBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use crate::slices::SLICES;

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
#[openapi(components(schemas(jobs::timers::Status)))]
struct Frame;

/// All slices' routes under [`PREFIX`], and their document.
pub(crate) fn router() -> OpenApiRouter<App> {
    let routes = SLICES.iter().fold(OpenApiRouter::new(), |routes, slice| routes.merge((slice.router)()));
    OpenApiRouter::with_openapi(Frame::openapi()).nest(PREFIX, routes)
}

/// What the tags say that routes bear: slices, and topics of theirs.
fn tags(document: &OpenApi) -> Vec<Tag> {
    let borne: BTreeSet<&str> = document.paths.paths.values().flat_map(borne_by).collect();
    let mut tags: Vec<Tag> = Vec::new();
    for slice in SLICES.iter().rev() {
        for (name, about) in [(slice.name, slice.about)].iter().chain(slice.tags) {
            if borne.contains(name) && tags.iter().all(|tag| tag.name != *name) {
                tags.push(TagBuilder::new().name(*name).description(Some(*about)).build());
            }
        }
    }
    tags
}

/// The tags of a path's operations.
fn borne_by(path: &PathItem) -> impl Iterator<Item = &str> {
    let operations = [&path.get, &path.post, &path.put, &path.patch, &path.delete];
    operations
        .into_iter()
        .flatten()
        .filter_map(|operation| operation.tags.as_ref())
        .flatten()
        .map(String::as_str)
}

/// The document of the whole API, as it is checked in and served. `public_url` is where the server is reached from outside.
pub(crate) fn document(public_url: Option<&str>) -> OpenApi {
    let mut document = router().into_openapi();
    finish(&mut document, public_url);
    document
}

fn finish(document: &mut OpenApi, public_url: Option<&str>) {
    Common.modify(document);
    document.tags = Some(tags(document));
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
