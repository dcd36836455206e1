//! The web layer that all slices share: state, extractors, middleware. A handler's signature tells what it takes and who
//! may call it; whatever is wrong with a request is answered with a [`kernel::Problem`] that names the field.

pub mod address;
pub mod app;
mod fallback;
mod file;
mod guard;
pub mod idempotency;
mod json;
mod params;
mod provided;
mod rate_limits;
mod request_id;
mod time_limit;
mod while_allowed;

pub use app::{App, HttpSettings};
pub use fallback::{no_method, no_route};
pub use file::{file_response, not_modified};
pub use guard::{AsMember, GUILD_HEADER, Global, Holder, InGuild, MEMBER_HEADER, SignedIn, member_if_named};
pub use idempotency::{Repeatable, idempotency, idempotency_clean};
pub use json::{Json, json_parse};
pub(crate) use params::field_problem;
pub use params::{Path, Query};
pub use provided::Provided;
pub use rate_limits::rate_limits;
pub(crate) use rate_limits::refusal;
pub use request_id::{REQUEST_ID_HEADER, RequestId, request_id};
pub use time_limit::time_limit;
pub use while_allowed::while_allowed;
