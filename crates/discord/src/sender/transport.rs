//! Connections to Discord: HTTP/1.1, kept while they are good; limits on everything.

use std::fmt::Write as _;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::task::AbortOnDropHandle;

use super::request::Request;

/// Longest that a request may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer in bytes: a guild's thousand members or its commands in all languages are below.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Connections kept for later.
const KEPT: usize = 8;
const AGENT: &str =
    concat!("DiscordBot (https://github.com/questhall/questhall, ", env!("CARGO_PKG_VERSION"), ")");

/// A whole answer.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchange {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Whether Discord may have had the request.
    pub(super) sent: bool,
    pub(super) why: String,
}

fn before(why: impl std::fmt::Display) -> Trouble {
    Trouble { sent: false, why: why.to_string() }
}

fn after(why: impl std::fmt::Display) -> Trouble {
    Trouble { sent: true, why: why.to_string() }
}

struct Connection {
    requests: SendRequest<Full<Bytes>>,
    _task: AbortOnDropHandle<()>,
}

/// Where requests go.
pub(super) struct Transport {
    secure: bool,
    host: String,
    authority: HeaderValue,
    port: u16,
    base: String,
    tls: TlsConnector,
    kept: Mutex<Vec<Connection>>,
}

impl Transport {
    /// To the API at this address, which the settings have checked.
    pub(super) fn new(api_url: &str) -> std::io::Result<Self> {
        let wrong = || std::io::Error::other("discord.api_url is no address");
        let uri: Uri = api_url.parse().map_err(|_| wrong())?;
        let secure = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
        let authority = uri.authority().ok_or_else(wrong)?.as_str().parse().map_err(|_| wrong())?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { secure, host, authority, port, base, tls: connector()?, kept: Mutex::default() })
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(&self, token: &str, request: &Request) -> Result<Exchange, Trouble> {
        let whole = tokio::time::timeout(PATIENCE, self.at_leisure(token, request));
        whole.await.unwrap_or_else(|_| Err(after(format!("no whole answer within {} s", PATIENCE.as_secs()))))
    }

    async fn at_leisure(&self, token: &str, request: &Request) -> Result<Exchange, Trouble> {
        let head = self.head(token, request)?;
        // The other side may have ended a connection that idled: those are tried until one works.
        while let Some(mut kept) = self.take() {
            if kept.requests.ready().await.is_ok() {
                return self.on(kept, head).await;
            }
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(before)?;
        let _ = stream.set_nodelay(true);
        let connection = if self.secure {
            let name = ServerName::try_from(self.host.clone()).map_err(before)?;
            start(TokioIo::new(self.tls.connect(name, stream).await.map_err(before)?)).await?
        } else {
            start(TokioIo::new(stream)).await?
        };
        self.on(connection, head).await
    }

    async fn on(
        &self,
        mut connection: Connection,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Exchange, Trouble> {
        let response = connection
            .requests
            .send_request(request)
            .await
            .map_err(|error| if error.is_canceled() { before(error) } else { after(error) })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(after)?.to_bytes();
        if connection.requests.is_ready() || connection.requests.ready().await.is_ok() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT {
                kept.push(connection);
            }
        }
        Ok(Exchange { status: head.status, headers: head.headers, body })
    }

    fn take(&self) -> Option<Connection> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn head(&self, token: &str, request: &Request) -> Result<hyper::Request<Full<Bytes>>, Trouble> {
        let (body, kind) = request.encoded();
        let target: Uri = format!("{}{}", self.base, request.path).parse().map_err(before)?;
        let mut head = hyper::Request::new(Full::new(body));
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = target;
        let headers = head.headers_mut();
        headers.insert(HOST, self.authority.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // What answers an interaction is known by the interaction's own token.
        if request.counts() {
            let mut secret = HeaderValue::from_str(&format!("Bot {token}")).map_err(before)?;
            secret.set_sensitive(true);
            headers.insert(AUTHORIZATION, secret);
        }
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&kind).map_err(before)?);
        }
        if let Some(reason) = &request.reason {
            headers.insert("x-audit-log-reason", HeaderValue::from_str(&percent(reason)).map_err(before)?);
        }
        Ok(head)
    }
}

/// A text for a header: whatever is not plain is written `%41`.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" -_.,:;()#".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

async fn start<T>(io: T) -> Result<Connection, Trouble>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (requests, connection) = http1::handshake(io).await.map_err(before)?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to Discord ended");
        }
    });
    Ok(Connection { requests, _task: AbortOnDropHandle::new(task) })
}

/// Trusts whom the machine trusts.
pub(crate) fn connector() -> std::io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
