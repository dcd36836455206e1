//! Pictures of pages, drawn once however many ask, and kept as long as what they say is true.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::keys::hex;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use cards::Poster;
use kernel::Problem;
use kernel::problem::UNAVAILABLE;
use sha2::{Digest as _, Sha256};

use super::SHARED;

/// For how long nobody looks whether a picture still says what the page says.
const FRESH: Duration = Duration::from_secs(15);
/// The most pictures that are kept: some 40 kB each.
const MAX_KEPT: usize = 64;
/// How long a picture may take that many wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A picture, and what it shows.
#[derive(Debug, Clone)]
struct Drawn {
    looked: Instant,
    poster: Poster,
    tag: HeaderValue,
    png: Bytes,
}

type Kept = Arc<tokio::sync::Mutex<Option<Drawn>>>;

/// By the path of the page.
static KEPT: LazyLock<Mutex<HashMap<String, Kept>>> = LazyLock::new(Mutex::default);

fn kept(path: &str) -> Kept {
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MAX_KEPT && !all.contains_key(path) {
        all.clear();
    }
    Arc::clone(all.entry(path.to_owned()).or_default())
}

/// The picture of the page at this path: `poster` is awaited where the last look was a while ago, and the picture drawn anew only where it
/// says something else than before. Who asks past all copies, by `Cache-Control: no-cache`, has it looked at now.
pub(crate) async fn picture(
    headers: &HeaderMap,
    path: &str,
    poster: impl Future<Output = Result<Poster, Problem>>,
) -> Result<Response, Problem> {
    let now = headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-cache");
    let kept = kept(path);
    // Who comes while it is being drawn waits for that.
    let mut kept = kept.lock().await;
    let drawn = match kept.take() {
        Some(drawn) if !now && drawn.looked.elapsed() < FRESH => drawn,
        old => match anew(old, poster).await {
            Ok(drawn) => drawn,
            Err(problem) => {
                KEPT.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
                return Err(problem);
            }
        },
    };
    let answer = told(headers, &drawn);
    *kept = Some(drawn);
    Ok(answer)
}

async fn anew(
    old: Option<Drawn>,
    poster: impl Future<Output = Result<Poster, Problem>>,
) -> Result<Drawn, Problem> {
    let poster = poster.await?;
    if let Some(old) = old.filter(|old| old.poster == poster) {
        return Ok(Drawn { looked: Instant::now(), ..old });
    }
    let png = cards::poster(poster.clone(), PATIENCE).await.ok_or_else(|| {
        let detail = "The picture could not be drawn in time; try again in a moment.";
        Problem::new(UNAVAILABLE, detail).retry_after(Duration::from_secs(1))
    })?;
    let tag = format!("\"{}\"", &hex(&Sha256::digest(&png).into())[..16]);
    let tag = HeaderValue::from_str(&tag).map_err(|error| Problem::internal(&error))?;
    Ok(Drawn { looked: Instant::now(), poster, tag, png: png.into() })
}

/// The picture, or that it is still the one that is known.
fn told(headers: &HeaderMap, drawn: &Drawn) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.to_str()
            .is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == drawn.tag))
    });
    let about = [(header::CACHE_CONTROL, SHARED), (header::ETAG, drawn.tag.clone())];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))];
    (about, kind, drawn.png.clone()).into_response()
}
