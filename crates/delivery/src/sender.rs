//! Posting an event to an address that a stranger chose.
//!
//! Names are resolved by ourselves, every address is checked before it is connected to ([`crate::address`]), and it is that
//! address which is connected to: a name that changes its mind gains nothing. Redirects are not followed, answers are
//! read only a little way, and all of it has to be done within one time limit.

mod patience;
mod resolve;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};
use uuid::Uuid;

pub use resolve::Resolver;

use crate::address::is_public;
use crate::error::Error;
use crate::queue::Failure;
use crate::settings::WebhookSettings;
use crate::signing::{Secret, signature};

/// Bytes of an answer's head, at most.
const MAX_HEAD: usize = 16 * 1024;
/// Bytes of an answer that are read, at most; the rest is nobody's business.
const MAX_ANSWER: usize = 16 * 1024;
/// Characters of a refusal that are kept for the administrator.
const KEPT: usize = 300;
const AGENT: &str = concat!("Questhall/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// An event as it is posted: signed anew for every attempt.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    id: String,
    timestamp: i64,
    signature: String,
    body: Bytes,
}

impl Message {
    pub(crate) fn new(event_id: Uuid, body: String, secrets: &[Secret], now: DateTime<Utc>) -> Self {
        let (id, timestamp) = (event_id.to_string(), now.timestamp());
        let signature = signature(secrets, &id, timestamp, body.as_bytes());
        Self { id, timestamp, signature, body: Bytes::from(body) }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    /// A whole answer with a status of 200 to 299.
    Taken {
        /// The status.
        status: i32,
        /// Milliseconds.
        ms: i32,
    },
    /// Anything else.
    Failed(Refusal),
}

/// Why an attempt failed, and what the endpoint said about the future.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal {
    pub(crate) status: Option<i32>,
    pub(crate) ms: i32,
    pub(crate) error: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the endpoint says that it is gone for good.
    pub(crate) fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    pub(crate) fn failure(&self) -> Failure {
        Failure { status: self.status, ms: self.ms, error: self.error.clone() }
    }
}

/// A connection that can be used again, for the same address.
pub(crate) struct Connection {
    url: String,
    requests: SendRequest<Full<Bytes>>,
    _task: AbortOnDropHandle<()>,
}

/// Posts events. Cheap to share behind an `Arc`.
pub struct Sender {
    settings: WebhookSettings,
    resolver: Resolver,
    tls: TlsConnector,
}

impl Sender {
    /// A sender with the machine's resolver and certificate authorities, and those of the settings.
    pub fn new(settings: WebhookSettings) -> std::io::Result<Self> {
        Self::with_resolver(settings, Resolver::system())
    }

    /// A sender that resolves names in another way.
    pub fn with_resolver(settings: WebhookSettings, resolver: Resolver) -> std::io::Result<Self> {
        let tls = tls::connector(settings.ca_file.as_deref())?;
        Ok(Self { settings, resolver, tls })
    }

    /// Checks an address as far as that can be done without looking up its name; returns it as it is stored.
    pub fn check_url(&self, text: &str) -> Result<String, Error> {
        let wrong = |message: &str| Err(Error::Field("url".to_owned(), message.to_owned()));
        let Ok(url) = Url::parse(text.trim()) else {
            return wrong("must be an address such as `https://example.org/hooks`");
        };
        let Some(host) = url.host() else { return wrong("must name a host") };
        if url.as_str().len() > 2000 {
            return wrong("must not be longer than 2000 characters");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not hold a name or a password; requests are signed instead");
        }
        if url.fragment().is_some() {
            return wrong("must not hold a fragment (`#…`)");
        }
        if !matches!(url.scheme(), "https" | "http") {
            return wrong("must begin with `https://`");
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        match address {
            Some(address) => {
                self.may_call(&url, address).map_err(|why| Error::Field("url".to_owned(), why))?;
            }
            // A name may still turn out to be an internal one, where other rules hold.
            None if self.settings.internal_networks.is_empty() => {
                self.may_call_public(&url).map_err(|why| Error::Field("url".to_owned(), why))?;
            }
            None => {}
        }
        Ok(url.into())
    }

    /// Whether this address may be called for this URL.
    fn may_call(&self, url: &Url, address: IpAddr) -> Result<(), String> {
        let address = address.to_canonical();
        if self.settings.internal_networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        if !is_public(address) {
            return Err("must not lead to an internal address".to_owned());
        }
        self.may_call_public(url)
    }

    fn may_call_public(&self, url: &Url) -> Result<(), String> {
        if url.scheme() != "https" && !self.settings.allow_http {
            return Err("must begin with `https://`".to_owned());
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let usual = port == 80 && self.settings.allow_http;
        if usual || self.settings.ports.is_empty() || self.settings.ports.contains(&port) {
            return Ok(());
        }
        let ports: Vec<String> = self.settings.ports.iter().map(u16::to_string).collect();
        Err(format!("must have one of the ports {}", ports.join(", ")))
    }

    /// Posts the message. `held` keeps the connection for the next one. Never takes longer than the time limit.
    #[kernel::boxed]
    pub(crate) async fn send(&self, held: &mut Option<Connection>, url: &str, message: Message) -> Attempt {
        let began = Instant::now();
        let ms = || i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        let done = tokio::time::timeout(self.settings.timeout, self.exchange(held, url, &message)).await;
        let result = done.unwrap_or_else(|_| {
            Err(Refusal {
                error: format!("no whole answer within {} ms", self.settings.timeout.as_millis()),
                ..Refusal::default()
            })
        });
        match result {
            Ok(status) => Attempt::Taken { status, ms: ms() },
            Err(refusal) => {
                // Whatever state it is in.
                *held = None;
                Attempt::Failed(Refusal { ms: ms(), ..refusal })
            }
        }
    }

    async fn exchange(
        &self,
        held: &mut Option<Connection>,
        url: &str,
        message: &Message,
    ) -> Result<i32, Refusal> {
        let parsed = Url::parse(url).map_err(|error| said(format!("the address is wrong: {error}")))?;
        let mut kept = held.take().filter(|kept| kept.url == url);
        loop {
            let used = kept.is_some();
            let mut connection = match kept.take() {
                Some(kept) => kept,
                None => self.connect(&parsed).await.map_err(said)?,
            };
            let response = match ready_and_send(&mut connection, &parsed, message).await {
                Ok(response) => response,
                // The other side may have ended a connection that idled: that is no failure of this attempt.
                Err(_) if used => continue,
                Err(error) => return Err(said(format!("the connection broke: {error}"))),
            };
            let status = response.status();
            let now = DateTime::from_timestamp(message.timestamp, 0).unwrap_or_default();
            let retry_after = patience::asked(response.headers(), now);
            let (text, reusable) = read(response).await?;
            if status.is_success() {
                *held = reusable.then_some(connection);
                return Ok(i32::from(status.as_u16()));
            }
            let error = if status.is_redirection() {
                format!("the endpoint answered {}: redirects are not followed", status.as_u16())
            } else if text.is_empty() {
                format!("the endpoint answered {}", status.as_u16())
            } else {
                format!("the endpoint answered {}: {text}", status.as_u16())
            };
            return Err(Refusal { status: Some(i32::from(status.as_u16())), error, retry_after, ms: 0 });
        }
    }

    /// Connects to the first address of the host that may be called and answers.
    async fn connect(&self, url: &Url) -> Result<Connection, String> {
        let port = url.port_or_known_default().ok_or("the address has no port")?;
        let addresses: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => self
                .resolver
                .resolve(name)
                .await
                .map_err(|error| format!("the name {name} cannot be resolved: {error}"))?,
            None => return Err("the address has no host".to_owned()),
        };
        let mut trouble = "the name has no address".to_owned();
        for address in addresses {
            if let Err(why) = self.may_call(url, address) {
                trouble = format!("the address {why}");
                continue;
            }
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return self.handshake(url, stream).await,
                Err(error) => trouble = format!("cannot connect: {error}"),
            }
        }
        Err(trouble)
    }

    async fn handshake(&self, url: &Url, stream: TcpStream) -> Result<Connection, String> {
        let _ = stream.set_nodelay(true);
        let (requests, task) = if url.scheme() == "https" {
            let name = tls::server_name(url)?;
            let stream =
                self.tls.connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))?;
            start(TokioIo::new(stream)).await?
        } else {
            start(TokioIo::new(stream)).await?
        };
        Ok(Connection { url: url.to_string(), requests, _task: task })
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("settings", &self.settings).finish_non_exhaustive()
    }
}

type Driven = (SendRequest<Full<Bytes>>, AbortOnDropHandle<()>);

async fn start<T>(io: T) -> Result<Driven, String>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (requests, connection) = builder.handshake(io).await.map_err(|error| error.to_string())?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a webhook's endpoint ended");
        }
    });
    Ok((requests, AbortOnDropHandle::new(task)))
}

async fn ready_and_send(
    connection: &mut Connection,
    url: &Url,
    message: &Message,
) -> Result<http::Response<hyper::body::Incoming>, hyper::Error> {
    connection.requests.ready().await?;
    connection.requests.send_request(request(url, message)).await
}

fn request(url: &Url, message: &Message) -> Request<Full<Bytes>> {
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = &url[url::Position::BeforePath..];
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = Method::POST;
    // What `Url` wrote is a path; were it none, the other side would say so.
    *request.uri_mut() = Uri::try_from(target).unwrap_or_default();
    let headers = request.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(HOST, &authority);
    put(USER_AGENT, AGENT);
    put(CONTENT_TYPE, "application/json");
    put(http::HeaderName::from_static("webhook-id"), &message.id);
    put(http::HeaderName::from_static("webhook-timestamp"), &message.timestamp.to_string());
    put(http::HeaderName::from_static("webhook-signature"), &message.signature);
    request
}

/// The answer's beginning as text, and whether it was read to its end, so that the connection can be used again. An answer
/// that breaks off is none: who sent it may have died before it did anything.
async fn read(response: http::Response<hyper::body::Incoming>) -> Result<(String, bool), Refusal> {
    let status = i32::from(response.status().as_u16());
    let mut body = response.into_body();
    let mut kept = Vec::new();
    let mut length = 0;
    let mut whole = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal {
            status: Some(status),
            error: format!("the answer broke off: {error}"),
            ..Refusal::default()
        })?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        kept.extend_from_slice(&data[..data.len().min((KEPT * 4).saturating_sub(kept.len()))]);
        if length > MAX_ANSWER {
            whole = false;
            break;
        }
    }
    let text = String::from_utf8_lossy(&kept);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(KEPT).collect();
    Ok((text.trim().to_owned(), whole))
}

fn said(error: impl Into<String>) -> Refusal {
    let mut error: String = error.into();
    if error.chars().count() > KEPT * 2 {
        error = error.chars().take(KEPT * 2).collect();
    }
    Refusal { error, ..Refusal::default() }
}
