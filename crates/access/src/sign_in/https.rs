//! A request to somebody else's server, with limits on everything: time, redirects (none), size of the answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::uri::Scheme;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longest that a request may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer in bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the address cannot be used")]
    Address,
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the answer broke off, or was too large: {0}")]
    Body(String),
    #[error("no answer in time")]
    TimedOut,
}

/// Sends a request and reads the whole answer. Redirects are answers like any other.
pub(super) async fn call(request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), CallError> {
    tokio::time::timeout(PATIENCE, at_leisure(request)).await.map_err(|_| CallError::TimedOut)?
}

async fn at_leisure(mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), CallError> {
    let uri = request.uri().clone();
    let host = uri.host().ok_or(CallError::Address)?.to_owned();
    let secure = uri.scheme() == Some(&Scheme::HTTPS);
    let authority = uri.authority().ok_or(CallError::Address)?;
    let value = authority.as_str().parse().map_err(|_| CallError::Address)?;
    request.headers_mut().insert(header::HOST, value);
    *request.uri_mut() = uri.path_and_query().cloned().map(Uri::from).ok_or(CallError::Address)?;
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    if secure {
        let name = ServerName::try_from(host).map_err(|_| CallError::Address)?;
        exchange(connector().connect(name, stream).await?, request).await
    } else {
        exchange(stream, request).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), CallError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER);
        let body = body.collect().await.map_err(|error| CallError::Body(error.to_string()))?;
        Ok((status, body.to_bytes()))
    }
    .await;
    connection.abort();
    answer
}

/// Trusts whom the machine trusts. Read once.
fn connector() -> TlsConnector {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    });
    TlsConnector::from(Arc::clone(config))
}
