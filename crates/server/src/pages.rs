//! Pages for people: what each kind of problem means.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use kernel::{Kind, Problem};

use crate::slices::catalogue;
use crate::web::PAGE_POLICY;

/// What to do about a kind, for those that are everybody's. The others' detail says it each time.
fn advice(kind: Kind) -> &'static str {
    match kind.slug {
        "invalid-request" => {
            "Something in the path, the query, a header or the body is not as this operation takes it. `errors` lists the \
             fields that are wrong, and why. Sending the same again will fail again."
        }
        "unauthenticated" => {
            "Send an API key with every request: `Authorization: Bearer qh_…`. Whoever runs this server makes one with \
             `questhall key create`. A key that expired or was revoked is refused like one that never was."
        }
        "forbidden" => {
            "The key is good, but lacks the scope that this operation takes, or acts for somebody it is not bound to. \
             `GET /api/v1/whoami` says what a key may do."
        }
        "not-found" => {
            "There is nothing at this address, or nothing that this key may know of: what belongs to another guild does \
             not exist for it."
        }
        "method-not-allowed" => {
            "The address is right, the method is not. The `Allow` header lists the ones that work here."
        }
        "conflict" => "The thing is not in a state in which this can be done. Look at it again, then decide.",
        "rate-limited" => "Too much, too fast. `Retry-After` says after how many seconds to try again.",
        "internal" => {
            "The fault is ours. It has been logged under the request's id, which `X-Request-Id` told; give it to whoever \
             runs this server."
        }
        "unavailable" => {
            "Something that is needed is away for the moment. Try again after `Retry-After` seconds."
        }
        "timed-out" => {
            "The request took longer than this server allows and was given up; what it had begun was rolled back. With an \
             `Idempotency-Key` it is safe to send again."
        }
        "body-too-large" => "The body is larger than this operation accepts.",
        "unsupported-media-type" => "Send the body as JSON, with `Content-Type: application/json`.",
        "idempotency-key-reused" => {
            "An `Idempotency-Key` stands for one deed. This one came with another method, address or body before; make a \
             new one."
        }
        "idempotency-key-in-use" => {
            "The first request with this key is still running. Ask again in a moment."
        }
        "invalid-setting" => {
            "A setting has another type, has bounds that this value is outside of, or does not exist. `errors` names it; \
             `GET /api/v1/settings` lists what there is, with bounds and defaults. Nothing was changed."
        }
        "answer-not-kept" => {
            "The first request with this `Idempotency-Key` was carried out. Its answer held a secret, or was too large to \
             keep, so it cannot be repeated. Look at what there is now."
        }
        "foreign-request" => {
            "A request that changes something and is known by a cookie takes the header `X-CSRF-Token`, with the token that \
             `GET /api/v1/auth/me` tells, and must come from this server's own pages. Programs send an API key instead."
        }
        "sign-in-failed" => {
            "Nobody was signed in: a wrong password, or an answer of Discord's that was used before, came too late, or was \
             meant for another browser. Begin again."
        }
        "sign-in-unavailable" => {
            "Discord, which tells us who you are, does not answer, or answers what cannot be used. Try again after \
             `Retry-After` seconds."
        }
        _ => "The problem's `detail` says what happened this time and what to do about it.",
    }
}

/// `/problems` and `/problems/{slug}`.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/problems", get(list)).route("/problems/{slug}", get(show))
}

async fn list() -> Response {
    let mut rows = String::new();
    for kind in catalogue() {
        let Kind { slug, status, title } = kind;
        let title = escape(title);
        // Writing to a String cannot fail.
        let _ = write!(
            rows,
            "<tr><td>{status}</td><td><a href=\"/problems/{slug}\">{slug}</a></td><td>{title}</td></tr>"
        );
    }
    page(
        "Problems",
        &format!(
            "<p>When something goes wrong, the answer is <code>application/problem+json</code> (RFC 9457). Its \
             <code>type</code> is one of these, and never changes; programs compare it.</p><table><tr><th>Status</th>\
             <th>Type</th><th>Title</th></tr>{rows}</table>"
        ),
    )
}

async fn show(Path(slug): Path<String>) -> Response {
    match catalogue().into_iter().find(|kind| kind.slug == slug) {
        Some(kind) => {
            let example = serde_json::to_string_pretty(&Problem::new(kind, "…")).unwrap_or_default();
            page(
                kind.title,
                &format!(
                    "<p><code>{}</code>, status {}</p><p>{}</p><pre>{}</pre><p><a href=\"/problems\">All problems</a></p>",
                    kind.slug,
                    kind.status,
                    code(&escape(advice(kind))),
                    escape(&example),
                ),
            )
        }
        None => Problem::not_found("kind of problem").into_response(),
    }
}

fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · Questhall</title><style>body{{font:1rem/1.5 system-ui,sans-serif;\
         max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}}table{{border-collapse:collapse}}\
         td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}pre,code{{background:#f2f2f2;padding:.1rem .3rem}}\
         pre{{padding:1rem;overflow:auto}}@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#1b1b1b}}\
         pre,code{{background:#2b2b2b}}a{{color:#8ab4f8}}}}</style></head><body><h1>{title}</h1>{body}</body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, html).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `` `code` `` becomes an element.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use access::problems::CATALOGUE;

    use super::*;

    #[test]
    fn slugs_name_one_kind_each() {
        let kinds = catalogue();
        let mut slugs: Vec<_> = kinds.iter().map(|kind| kind.slug).collect();
        slugs.sort_unstable();
        let before = slugs.len();
        slugs.dedup();
        assert_eq!(slugs.len(), before, "two kinds share a slug");
    }

    #[test]
    fn what_everybody_meets_is_explained() {
        let fallback = advice(Kind::new("no-such-kind", 400, ""));
        for kind in CATALOGUE {
            assert_ne!(advice(*kind), fallback, "{}", kind.slug);
        }
    }

    #[test]
    fn text_is_escaped_and_code_marked() {
        assert_eq!(code(&escape("a `<b>` c")), "a <code>&lt;b&gt;</code> c");
    }
}
