//! The API's document, and the page to read it with, which needs nothing from anywhere else.

use std::io::{self, Read as _};
use std::sync::{Arc, OnceLock};

use access::App;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Router, body::Bytes, routing::get};
use flate2::read::GzDecoder;
use kernel::Problem;
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::web::READER_POLICY;

/// Where the document is served.
const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

/// The document as it is sent: made when it is first asked for, as that takes longer than all else a server does before it listens.
#[derive(Debug, Clone)]
pub(crate) struct Document(Arc<Written>);

#[derive(Debug)]
struct Written {
    public_url: Option<String>,
    json: OnceLock<Bytes>,
}

impl Document {
    /// The document of a server that is reached at `public_url` from outside.
    pub(crate) fn of(public_url: Option<String>) -> Self {
        Self(Arc::new(Written { public_url, json: OnceLock::new() }))
    }

    fn json(&self) -> Bytes {
        let Written { public_url, json } = &*self.0;
        let made = json
            .get_or_init(|| Bytes::from(crate::document_text(&crate::api::document(public_url.as_deref()))));
        made.clone()
    }
}

/// `/api/v1/openapi.json`, `/docs` and its files.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(DOCUMENT_PATH, get(document))
        .route("/docs", get(async || Redirect::to("/docs/")))
        .route("/docs/", get(async || file("index.html")))
        .route("/docs/{file}", get(async |Path(name): Path<String>| file(&name)))
}

async fn document(State(_app): State<App>, Extension(document): Extension<Document>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, document.json()).into_response()
}

/// A file of the reader. `persist_authorization` stays off: a key is not left in the browser's storage.
fn file(name: &str) -> Response {
    let config = Config::from(DOCUMENT_PATH)
        .display_operation_id(true)
        .doc_expansion("none")
        .filter(true)
        .try_it_out_enabled(true)
        .validator_url("none");
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(found)) => {
            let kind = HeaderValue::from_str(&found.content_type)
                .unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, READER_POLICY),
                (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
            ];
            match unpacked(found) {
                Ok(bytes) => (headers, bytes).into_response(),
                Err(error) => Problem::internal(&error).into_response(),
            }
        }
        Ok(None) => Problem::not_found("page").into_response(),
        Err(error) => Problem::internal(&*error).into_response(),
    }
}

/// What a file holds: they lie packed in the binary. How it travels is said by who asks for it.
fn unpacked(file: SwaggerFile<'_>) -> io::Result<Vec<u8>> {
    if !file.gzpipped {
        return Ok(file.bytes.into_owned());
    }
    let mut bytes = Vec::new();
    GzDecoder::new(&*file.bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}
