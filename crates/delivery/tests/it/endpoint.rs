//! Other people's endpoints: a server that answers as it is told, badly where that is wanted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_mins(2);

/// How to answer a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// With this status.
    Status(u16),
    /// With this status, further header lines and a body.
    Whole(u16, &'static str, &'static str),
    /// Not at all.
    Hang,
    /// Not before the test lets it; then with this status.
    Late(Arc<Semaphore>, u16),
    /// With these bytes, whatever they are; then it ends the connection.
    Raw(&'static str),
    /// With a promise of more than comes.
    BreakOff,
    /// With a good head, and a body that comes a byte at a time for ever.
    DripBody,
    /// With promises that the answer is about to come, for ever.
    Promises,
    /// With a head that says 200 and a body without end.
    Flood,
    /// With a head without end.
    FloodHead,
    /// A byte at a time, slowly.
    Drip,
    /// By ending the connection after a good answer, without having said so.
    OkAndClose,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn n(&self) -> i64 {
        self.json()["data"]["n"].as_i64().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }
}

type Plan = dyn Fn(&Received) -> Answer + Send + Sync;

/// A running endpoint; ends when dropped.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Received>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    pub(crate) async fn ok() -> Self {
        Self::start(|_| Answer::Status(204)).await
    }

    /// Answers the requests in turn so, and then well.
    pub(crate) async fn script(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = std::sync::Mutex::new(answers.into_iter().collect::<std::collections::VecDeque<_>>());
        Self::start(move |_| answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(200))).await
    }

    pub(crate) async fn start(plan: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(plan), None).await
    }

    pub(crate) async fn tls(acceptor: TlsAcceptor) -> Self {
        Self::listen(Arc::new(|_: &Received| Answer::Status(200)), Some(acceptor)).await
    }

    async fn listen(plan: Arc<Plan>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (plan, sender, tls) = (Arc::clone(&plan), sender.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*plan, &sender).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*plan, &sender).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.requests.recv()).await;
        next.expect("a request comes").unwrap()
    }

    /// The numbers of the next `count` events.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        // What the house says of its own accord comes between them.
        while numbers.len() < count {
            numbers.extend(self.next().await.json()["data"]["n"].as_i64());
        }
        numbers
    }

    /// Whether nothing has come that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

async fn serve<S>(mut stream: S, plan: &Plan, sender: &mpsc::UnboundedSender<Received>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(request) = read(&mut stream).await {
        let answer = plan(&request);
        let _ = sender.send(request);
        let whole = |status: u16, headers: &str, body: &str| {
            format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        };
        let written = match answer {
            Answer::Status(status) => stream.write_all(whole(status, "", "").as_bytes()).await,
            Answer::Whole(status, headers, body) => {
                stream.write_all(whole(status, headers, body).as_bytes()).await
            }
            Answer::Hang => std::future::pending().await,
            Answer::Late(gate, status) => {
                gate.acquire().await.unwrap().forget();
                stream.write_all(whole(status, "", "").as_bytes()).await
            }
            Answer::Raw(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                return;
            }
            Answer::DripBody => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Answer::Promises => {
                while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Answer::BreakOff => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nI have").await;
                return;
            }
            Answer::Flood => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
                while stream.write_all(chunk.as_bytes()).await.is_ok() {}
                return;
            }
            Answer::FloodHead => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while stream.write_all(b"x-flood: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").await.is_ok() {}
                return;
            }
            Answer::Drip => {
                for byte in b"HTTP/1.1 200 OK\r\nx-drip: ".iter().chain(std::iter::repeat(&b'x')) {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Answer::OkAndClose => {
                let _ = stream.write_all(whole(200, "", "").as_bytes()).await;
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap().to_owned();
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..head + 4 + length].to_vec()).unwrap();
    Some(Received { head: first, headers, body })
}
