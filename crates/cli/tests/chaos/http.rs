//! A client that knows the difference between an answer and none: one connection a request, and an answer counts only when
//! all of it came.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than the server's own limit on requests.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null where the body is none or no JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Answer {
    /// The last part of a problem's type, or nothing.
    pub(crate) fn slug(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }
}

/// Who sends, and under which key.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) key: String,
    pub(crate) user: i64,
}

/// A POST with an `Idempotency-Key`. An error means that nobody knows what became of it.
pub(crate) async fn post(
    at: SocketAddr,
    path: &str,
    sender: &Sender,
    idempotency_key: &str,
    body: &Value,
) -> std::io::Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let (key, length) = (&sender.key, body.len());
    // A key that acts for a member may do no more than that member: what staff do is done by the key itself.
    let user = if is_staffs(path) { String::new() } else { format!("questhall-user: {}\r\n", sender.user) };
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: questhall\r\nauthorization: Bearer {key}\r\n{user}\
         idempotency-key: {idempotency_key}\r\n{kind}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    send(at, &request).await
}

/// Whether it is a deed of those who run campaigns, or of what tells the lake.
fn is_staffs(path: &str) -> bool {
    let deed = path.split('?').next().and_then(|path| path.rsplit('/').next());
    matches!(deed, Some("import" | "publish" | "start" | "close" | "cancel" | "open-rewards" | "events"))
}

/// What staff ask for, by the key itself.
pub(crate) async fn ask(
    at: SocketAddr,
    method: &str,
    path: &str,
    key: &str,
    body: &Value,
) -> std::io::Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: questhall\r\nauthorization: Bearer {key}\r\n{kind}\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    send(at, &request).await
}

/// A GET, by somebody or nobody.
pub(crate) async fn get(at: SocketAddr, path: &str, sender: Option<&Sender>) -> std::io::Result<Answer> {
    let who = sender.map_or_else(String::new, |Sender { key, user }| {
        format!("authorization: Bearer {key}\r\nquesthall-user: {user}\r\n")
    });
    send(at, &format!("GET {path} HTTP/1.1\r\nhost: questhall\r\n{who}connection: close\r\n\r\n")).await
}

async fn send(at: SocketAddr, request: &str) -> std::io::Result<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        parse(&bytes).ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

/// `None` when some of it is missing.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let body = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    // Without a length there is no body, as with 204; a body in chunks would fail here, which is as well.
    let complete = length.unwrap_or(0) == body.len();
    complete.then(|| Answer {
        status,
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
        text: String::from_utf8_lossy(body).into_owned(),
    })
}
