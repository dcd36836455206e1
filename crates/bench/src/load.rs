//! HTTP clients that keep their connections, as lean as can be: they share the cores with the server they load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::sample::Samples;

/// Longest that an answer may take before we give up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request with a body.
pub(crate) type Call = Request<Full<Bytes>>;

/// One connection.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its errors show themselves as the requests'.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn call(&mut self, call: Call) -> Result<(StatusCode, Bytes)> {
        let exchange = async {
            self.0.ready().await?;
            let answer = self.0.send_request(call).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, body))
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .context("the server did not answer in time")?
            .context("the connection was lost")
    }

    /// The same, for who wants success.
    pub(crate) async fn get(&mut self, call: Call) -> Result<Bytes> {
        let (status, body) = self.call(call).await?;
        if !status.is_success() {
            bail!("the server answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }
}

/// What makes the n-th request.
pub(crate) trait Calls: Send + Sync + 'static {
    fn call(&self, n: usize) -> Call;
}

impl<F: Fn(usize) -> Call + Send + Sync + 'static> Calls for F {
    fn call(&self, n: usize) -> Call {
        self(n)
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How long it went on.
    pub(crate) took: Duration,
    /// From when a request was due to its answer's last byte.
    pub(crate) latencies: Samples,
    /// Answers other than 2xx, and the first of them.
    pub(crate) refused: usize,
    pub(crate) example: Option<String>,
}

impl Outcome {
    /// Answers a second, for who wants no refusals.
    pub(crate) fn rate(&self) -> Result<f64> {
        self.flawless()?;
        Ok(crate::sample::per_second(self.latencies.len(), self.took))
    }

    /// Fails when a request was refused: such a figure would say nothing.
    pub(crate) fn flawless(&self) -> Result<()> {
        match &self.example {
            Some(example) => bail!("{} of the requests were refused, such as: {example}", self.refused),
            None => Ok(()),
        }
    }
}

/// As many requests as go through `connections`, each sending its next as soon as it has its answer. Numbers begin at
/// `from`; answers where the next load may begin.
pub(crate) async fn closed(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    from: usize,
    calls: Arc<impl Calls>,
) -> Result<(Outcome, usize)> {
    let next = Arc::new(AtomicUsize::new(from));
    let clients = connect_all(address, connections).await?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (next, calls) = (Arc::clone(&next), Arc::clone(&calls));
        tasks.spawn(async move {
            let mut outcome = Outcome::default();
            while began.elapsed() < duration {
                let call = calls.call(next.fetch_add(1, Ordering::Relaxed));
                one(&mut client, call, Instant::now(), &mut outcome).await?;
            }
            Ok(outcome)
        });
    }
    let outcome = gather(tasks, began).await?;
    Ok((outcome, next.load(Ordering::Relaxed)))
}

/// `rate` requests a second whatever the answers take. Latency counts from when a request was due, so that one slow answer
/// shows in all that had to wait for it.
pub(crate) async fn open(
    address: SocketAddr,
    connections: usize,
    rate: f64,
    duration: Duration,
    from: usize,
    calls: Arc<impl Calls>,
) -> Result<(Outcome, usize)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests")]
    let count = (rate * duration.as_secs_f64()) as usize;
    let clients = connect_all(address, connections).await?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut client, first) in clients.into_iter().zip(0usize..) {
        let calls = Arc::clone(&calls);
        tasks.spawn(async move {
            let mut outcome = Outcome::default();
            for n in (first..count).step_by(connections) {
                #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
                let due = began + Duration::from_secs_f64(n as f64 / rate);
                let call = calls.call(from + n);
                tokio::time::sleep_until(due.into()).await;
                one(&mut client, call, due, &mut outcome).await?;
            }
            Ok(outcome)
        });
    }
    Ok((gather(tasks, began).await?, from + count))
}

async fn connect_all(address: SocketAddr, connections: usize) -> Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    Ok(clients)
}

async fn one(client: &mut Client, call: Call, since: Instant, outcome: &mut Outcome) -> Result<()> {
    let (status, body) = client.call(call).await?;
    outcome.latencies.push(since.elapsed());
    if !status.is_success() {
        outcome.refused += 1;
        outcome.example.get_or_insert_with(|| format!("{status} {}", String::from_utf8_lossy(&body)));
    }
    Ok(())
}

async fn gather(mut tasks: JoinSet<Result<Outcome>>, began: Instant) -> Result<Outcome> {
    let mut all = Outcome::default();
    while let Some(ended) = tasks.join_next().await {
        let one = ended??;
        all.latencies.extend(one.latencies);
        all.refused += one.refused;
        all.example = all.example.or(one.example);
    }
    all.took = began.elapsed();
    Ok(all)
}

/// The API as one member sees it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// `Bearer …`.
    pub(crate) authorization: String,
    /// Such as `/api/v1/guilds/7/campaigns/…`.
    pub(crate) base: String,
}

impl Api {
    /// A read for a member.
    pub(crate) fn get(&self, path: &str, user: i64) -> Call {
        self.request("GET", path, Some(user), Bytes::new())
    }

    /// A write of JSON for a member.
    pub(crate) fn post(&self, path: &str, user: i64, body: String) -> Call {
        self.request("POST", path, Some(user), body.into())
    }

    /// A write of JSON by the key itself.
    pub(crate) fn post_as_key(&self, path: &str, body: String) -> Call {
        self.request("POST", path, None, body.into())
    }

    fn request(&self, method: &str, path: &str, user: Option<i64>, body: Bytes) -> Call {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("host", "bench")
            .header("authorization", &self.authorization)
            .header("content-type", "application/json");
        if let Some(user) = user {
            request = request.header("questhall-user", user);
        }
        let request = request.body(Full::new(body));
        // Made of our own texts only, ids, numbers and cursors, so it is well-formed; were it not, the server says so.
        request.unwrap_or_default()
    }
}
