//! What handlers say of themselves in the `OpenAPI` document, briefly:
//!
//! ```ignore
//! #[utoipa::path(post, path = "/guilds/{guild_id}/campaigns", tag = "campaigns",
//!     params(access::openapi::InGuildPath, access::openapi::IdempotencyKey),
//!     responses((status = 201, body = Campaign), access::Problems),
//!     security(("api_key" = ["campaigns:write"])))]
//! ```

use std::collections::BTreeMap;

use kernel::{GuildId, Problem, UserId};
use serde::Deserialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, Modify, PartialSchema, ToSchema};

/// The name of the security scheme, as `security((…))` refers to it.
pub const API_KEY: &str = "api_key";
/// The name of the security scheme of people who are signed in.
pub const SESSION: &str = "session";

/// The name of the parameter by which a POST is safe to repeat.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The problems any route may answer with, as `application/problem+json`. What depends on an operation's body or headers is
/// added to the whole document.
#[derive(Debug, Clone, Copy)]
pub struct Problems;

const RESPONSES: [(&str, &str); 9] = [
    ("400", "The request is not valid; `errors` names the fields."),
    ("401", "No API key, or one that is unknown, expired or revoked."),
    ("403", "The key lacks the scope that this takes."),
    ("404", "There is no such thing, or none that this key may know of."),
    ("405", "The address is right, but does not take this method; `Allow` names those that it takes."),
    ("409", "That cannot be done now, in the state in which the thing is."),
    ("429", "Too many requests; `Retry-After` says when to try again."),
    ("500", "Something went wrong on our side; it has been logged."),
    ("503", "Not now: too busy, stopping, or without a database; `Retry-After` says when to try again."),
];

/// What operations may answer with besides that take a body.
pub const OF_BODIES: [(&str, &str); 2] = [
    ("413", "The body is larger than this takes."),
    ("415", "The body is of a type that this does not read."),
];

/// What operations may answer with besides that take an `Idempotency-Key`.
pub const OF_REPETITIONS: [(&str, &str); 1] =
    [("422", "What was sent cannot be done, or the `Idempotency-Key` belongs to another request.")];

/// A problem as a response of the document.
pub fn problem(description: &str) -> Response {
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(Problem::name()))));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        RESPONSES
            .into_iter()
            .map(|(status, description)| (status.to_owned(), RefOr::T(problem(description))))
            .collect()
    }
}

/// The guild in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct InGuildPath {
    /// The guild: its Discord id.
    pub guild_id: GuildId,
}

/// A member in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MemberPath {
    /// The member: a Discord user's id.
    pub user_id: UserId,
}

/// The header that says for whom a key acts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ActingMember {
    /// The member acted for: a Discord id. Left out when the key is bound to a member.
    #[param(rename = "Questhall-User")]
    pub user: Option<UserId>,
}

/// The header that makes a POST safe to repeat.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A text of the client's making, 1 to 255 visible ASCII characters, a new one for each deed. The same request with
    /// the same key has its effect once and gets the same answer for 24 hours.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    pub key: Option<String>,
}

/// Adds what all routes refer to: the security scheme and the schema of problems.
#[derive(Debug, Clone, Copy)]
pub struct Common;

impl Modify for Common {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Components::new);
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("qh_…")
            .description(Some("An API key: `Authorization: Bearer qh_…`."))
            .build();
        components.add_security_scheme(API_KEY, SecurityScheme::Http(scheme));
        let cookie = ApiKeyValue::with_description(
            "__Host-questhall",
            "The cookie of somebody who is signed in. Requests other than GET bring `X-CSRF-Token` too.",
        );
        components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
        Problem::schemas(&mut schemas);
        components.schemas.extend(schemas);
    }
}
