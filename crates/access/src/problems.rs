//! The kinds of problem that the web layer answers with, beside those of [`kernel::problem`].

use kernel::{Kind, problem};

/// The route exists, but not for this method.
pub const METHOD_NOT_ALLOWED: Kind =
    Kind::new("method-not-allowed", 405, "That cannot be done with this address");
/// The body is larger than the route accepts.
pub const TOO_LARGE: Kind = Kind::new("body-too-large", 413, "The body is too large");
/// The body is of a type that the route does not read.
pub const UNSUPPORTED_MEDIA_TYPE: Kind =
    Kind::new("unsupported-media-type", 415, "The body is of the wrong type");
/// The same `Idempotency-Key` came with another request.
pub const IDEMPOTENCY_KEY_REUSED: Kind =
    Kind::new("idempotency-key-reused", 422, "That Idempotency-Key belongs to another request");
/// The first request with this `Idempotency-Key` is still running.
pub const IDEMPOTENCY_KEY_IN_USE: Kind =
    Kind::new("idempotency-key-in-use", 409, "The first request with that Idempotency-Key is still running");
/// The request with this `Idempotency-Key` was carried out, but its answer was not kept.
pub const ANSWER_NOT_KEPT: Kind =
    Kind::new("answer-not-kept", 409, "The request was carried out; its answer was not kept");
/// A setting that nobody knows, or a value that it does not take.
pub const INVALID_SETTING: Kind = Kind::new("invalid-setting", 422, "A setting is not valid");
/// An unsafe request with a cookie that another site may have sent.
pub const FOREIGN_REQUEST: Kind = Kind::new("foreign-request", 403, "Another site may have sent this");
/// The sign-in was not finished: refused, forged, too late, or begun in another browser.
pub const SIGN_IN_FAILED: Kind = Kind::new("sign-in-failed", 400, "You are not signed in");
/// Who should vouch for somebody cannot be reached, or answers nonsense.
pub const SIGN_IN_UNAVAILABLE: Kind =
    Kind::new("sign-in-unavailable", 503, "Nobody can be signed in right now");
/// The request took longer than it may.
pub const TIMED_OUT: Kind = Kind::new("timed-out", 503, "The request took too long");

/// Kinds that this crate adds.
pub const PROBLEMS: &[Kind] = &[
    METHOD_NOT_ALLOWED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    IDEMPOTENCY_KEY_REUSED,
    IDEMPOTENCY_KEY_IN_USE,
    ANSWER_NOT_KEPT,
    INVALID_SETTING,
    FOREIGN_REQUEST,
    SIGN_IN_FAILED,
    SIGN_IN_UNAVAILABLE,
    TIMED_OUT,
];

/// Kinds that every slice may answer with: the kernel's and this crate's. The server serves a page for each at
/// `/problems/{slug}`, together with the `PROBLEMS` of the slices.
pub const CATALOGUE: &[Kind] = &[
    problem::INVALID,
    problem::UNAUTHENTICATED,
    problem::FORBIDDEN,
    problem::NOT_FOUND,
    problem::CONFLICT,
    problem::RATE_LIMITED,
    problem::INTERNAL,
    problem::UNAVAILABLE,
    METHOD_NOT_ALLOWED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    IDEMPOTENCY_KEY_REUSED,
    IDEMPOTENCY_KEY_IN_USE,
    ANSWER_NOT_KEPT,
    INVALID_SETTING,
    FOREIGN_REQUEST,
    SIGN_IN_FAILED,
    SIGN_IN_UNAVAILABLE,
    TIMED_OUT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_fit_for_an_address() {
        let mut slugs: Vec<_> = CATALOGUE.iter().map(|kind| kind.slug).collect();
        assert!(slugs.iter().all(|slug| slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), CATALOGUE.len());
        assert!(PROBLEMS.iter().all(|kind| CATALOGUE.contains(kind)));
    }
}
