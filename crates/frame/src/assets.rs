//! The files that pages name: their style sheet, their script, the icon. They are in the binary, under names that change with what is
//! in them, so that a browser keeps them for ever.

use std::sync::LazyLock;

use access::keys::hex;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use sha2::{Digest as _, Sha256};

/// A file.
struct Asset {
    /// `/assets/NAME-HASH.EXTENSION`.
    path: String,
    kind: &'static str,
    body: &'static str,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| asset("page", "css", "text/css; charset=utf-8", CSS));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| asset("page", "js", "text/javascript; charset=utf-8", JS));
static ICON: LazyLock<Asset> = LazyLock::new(|| asset("icon", "svg", "image/svg+xml", SVG));

const CSS: &str = concat!(
    "@layer tokens, base, frame, parts, pages;\n",
    include_str!("../assets/tokens.css"),
    include_str!("../assets/base.css"),
    include_str!("../assets/frame.css"),
    include_str!("../assets/parts.css"),
    include_str!("../assets/pages.css"),
);
const JS: &str = include_str!("../assets/page.js");
const SVG: &str = include_str!("../assets/icon.svg");

fn asset(name: &str, extension: &str, kind: &'static str, body: &'static str) -> Asset {
    let hash = hex(&Sha256::digest(body.as_bytes()).into());
    Asset { path: format!("/assets/{name}-{}.{extension}", &hash[..12]), kind, body }
}

/// Where the style sheet is.
pub fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon is.
pub fn icon() -> &'static str {
    &ICON.path
}

/// `/assets/{name}`.
#[expect(clippy::unused_async, reason = "a handler")]
pub async fn file(Path(name): Path<String>) -> Response {
    let found = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.path["/assets/".len()..] == name);
    let Some(asset) = found else { return Problem::not_found("file").into_response() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_visit_loads_little() {
        // Uncompressed; sent, it is about a quarter.
        assert!(CSS.len() < 44_000, "{}", CSS.len());
        assert!(JS.lines().count() <= 450, "{}", JS.lines().count());
    }

    #[test]
    fn nothing_comes_from_another_host() {
        for text in [CSS, JS, SVG] {
            let hosts = text.matches("://").count() - text.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(hosts, 0);
        }
    }
}
