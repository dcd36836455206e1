//! Server-sent events: latency under load, and memory of those that idle.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jobs::outbox::{Event, emit};
use kernel::GuildId;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::SECTION;
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::process::Server;
use crate::progress;
use crate::sample::Samples;

/// The first guild.
const GUILD: i64 = 1_000_000;
/// Longest that anything may take before we give up.
const PATIENCE: Duration = Duration::from_mins(2);

/// How much of it.
#[derive(Debug, Clone, Copy)]
struct Load {
    clients: usize,
    /// Clients are spread over so many guilds, and so are events.
    guilds: usize,
    /// Events a second.
    rate: usize,
    events: usize,
}

impl Load {
    fn clients_of(self, guild: usize) -> usize {
        self.clients / self.guilds + usize::from(guild < self.clients % self.guilds)
    }
}

/// When each event was committed, or written; clients look it up by its number.
type Sent = Arc<Vec<OnceLock<Instant>>>;

/// From the commit of an event to its arrival at a client, beside bare sockets that get the same bytes.
pub(super) async fn latency(
    ground: &Ground,
    server: &Server,
    authorization: &str,
    quick: bool,
) -> Result<Vec<Figure>> {
    let (clients, seconds) = if quick { (50, 2) } else { (1_000, 20) };
    let mut figures = Vec::new();
    for (name, guilds, rate) in [
        ("1,000 events/s to 1,000 clients of 50 guilds", 50, 1_000),
        ("20 events/s to 1,000 clients of one guild", 1, 20),
    ] {
        let load = Load { clients, guilds: guilds.min(clients), rate, events: rate * seconds };
        let _spinner = progress::spinner("sending events");
        let (bare50, bare99) = bare(load).await?.p50_p99();
        let (p50, p99) = streamed(ground, server, authorization, load).await?.p50_p99();
        let figure = |percentile: &str, value, limit| {
            let name = format!("outbox to stream, {name}, {percentile}");
            Figure::new(SECTION, name, value, Unit::Milliseconds).limit(limit, "bare sockets, the same bytes")
        };
        figures.push(figure("p50", p50, bare50));
        figures.push(figure("p99", p99, bare99).target(Target::AtMost(50.0)));
    }
    Ok(figures)
}

async fn streamed(ground: &Ground, server: &Server, authorization: &str, load: Load) -> Result<Samples> {
    let sent: Sent = Arc::new((0..load.events).map(|_| OnceLock::new()).collect());
    let mut readers = JoinSet::new();
    for guild in 0..load.guilds {
        for _ in 0..load.clients_of(guild) {
            let stream = open(server.address, authorization, guild).await?;
            let expected = (load.events + load.guilds - 1 - guild) / load.guilds;
            readers.spawn(read(stream, Arc::clone(&sent), expected));
        }
    }
    let began = Instant::now();
    // A transaction of a few events every few milliseconds, as a busy house commits them.
    let batch = (load.rate / 200).max(1);
    for first in (0..load.events).step_by(batch) {
        let last = (first + batch).min(load.events);
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let due = began + Duration::from_secs_f64(first as f64 / load.rate as f64);
        tokio::time::sleep_until(due.into()).await;
        let events: Vec<Event> = (first..last).map(|n| event(load, n)).collect();
        let mut transaction = db::begin(ground.pool()).await?;
        emit(&mut transaction, &events).await?;
        let now = Instant::now();
        for n in first..last {
            let _ = sent[n].set(now);
        }
        transaction.commit().await?;
    }
    gather(readers).await
}

fn event(load: Load, n: usize) -> Event {
    Event {
        guild_id: GuildId::new(GUILD + i64::try_from(n % load.guilds).unwrap_or_default()),
        event_type: "campaign.test_tick",
        subject: "campaigns/0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: json!({ "tick": n, "filling": "about as long as what is said of a solved challenge".repeat(2) }),
    }
}

/// Opens a stream and reads its first message.
async fn open(address: SocketAddr, authorization: &str, guild: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
    let guild = GUILD + i64::try_from(guild)?;
    let request = format!(
        "GET /api/v1/guilds/{guild}/events HTTP/1.1\r\nhost: bench\r\nauthorization: {authorization}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    let hello = async {
        while !text.windows(13).any(|window| window == b"event: hello\n") {
            ensure!(stream.read_buf(&mut text).await? > 0, "the server ended the stream");
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, hello).await.context("no stream begins")??;
    ensure!(text.starts_with(b"HTTP/1.1 200"), "no stream: {}", String::from_utf8_lossy(&text));
    // What is left of the first message holds no number: the reader passes over it.
    Ok(stream)
}

/// Reads until so many events were seen; how long each was on its way.
async fn read(mut stream: TcpStream, sent: Sent, expected: usize) -> Result<Samples> {
    const MARK: &[u8] = b"\"tick\":";
    let mut samples = Samples::default();
    let mut text: Vec<u8> = Vec::with_capacity(64 * 1024);
    while samples.len() < expected {
        let count = tokio::time::timeout(PATIENCE, stream.read_buf(&mut text))
            .await
            .context("events are missing")??;
        ensure!(count > 0, "the server ended the stream");
        let now = Instant::now();
        let mut from = 0;
        while let Some(at) = text[from..].windows(MARK.len()).position(|window| window == MARK) {
            let digits = &text[from + at + MARK.len()..];
            let Some(end) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { break };
            let n: usize = std::str::from_utf8(&digits[..end])?.parse()?;
            let Some(since) = sent.get(n).and_then(OnceLock::get) else { bail!("event {n} was not sent") };
            samples.push(now.saturating_duration_since(*since));
            from += at + MARK.len() + end;
        }
        // A mark that is cut stays for the next time.
        let keep = from.max(text.len().saturating_sub(MARK.len() + 20));
        text.drain(..keep.min(text.len()));
    }
    Ok(samples)
}

/// The limit: the same bytes over as many sockets, at the same rate, without a database, HTTP or JSON.
async fn bare(load: Load) -> Result<Samples> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let sent: Sent = Arc::new((0..load.events).map(|_| OnceLock::new()).collect());
    let mut readers = JoinSet::new();
    let mut guilds: Vec<Vec<TcpStream>> = Vec::new();
    for guild in 0..load.guilds {
        let mut ends = Vec::new();
        for _ in 0..load.clients_of(guild) {
            let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (here, (there, _)) = (here?, there?);
            there.set_nodelay(true)?;
            let expected = (load.events + load.guilds - 1 - guild) / load.guilds;
            readers.spawn(read(here, Arc::clone(&sent), expected));
            ends.push(there);
        }
        guilds.push(ends);
    }
    let began = Instant::now();
    for n in 0..load.events {
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let due = began + Duration::from_secs_f64(n as f64 / load.rate as f64);
        tokio::time::sleep_until(due.into()).await;
        let text = format!("{}{}\n\n", "x".repeat(400), event(load, n).payload);
        let _ = sent[n].set(Instant::now());
        for end in &mut guilds[n % load.guilds] {
            end.write_all(text.as_bytes()).await?;
        }
    }
    let samples = gather(readers).await;
    drop(guilds);
    samples
}

async fn gather(mut readers: JoinSet<Result<Samples>>) -> Result<Samples> {
    let mut all = Samples::default();
    while let Some(ended) = readers.join_next().await {
        all.extend(ended??);
    }
    Ok(all)
}

/// What the server takes when ten thousand clients wait for something to happen.
pub(super) async fn idle(server: &Server, authorization: &str, quick: bool) -> Result<Vec<Figure>> {
    let clients = if quick { 100 } else { 10_000 };
    let pid = server.pid().context("the server has ended")?;
    let before = resident(pid)?;
    let mut streams = Vec::with_capacity(clients);
    {
        let _spinner = progress::spinner("opening streams");
        for n in 0..clients {
            streams.push(open(server.address, authorization, n % 50).await?);
        }
        // Every stream has sent a heartbeat at least, so that whatever it takes has been taken.
        if !quick {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
    }
    let with = resident(pid)?;
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    // What starting took may be given back meanwhile.
    let each = (with - before).max(0.0) * 1024.0 / clients as f64;
    drop(streams);
    Ok(vec![
        Figure::new(
            SECTION,
            format!("memory of the server with {clients} idle streams"),
            with,
            Unit::Mebibytes,
        )
        .limit(before, "the same server without them")
        .target(Target::AtMost(150.0)),
        Figure::new(SECTION, "memory of an idle stream", each, Unit::Kibibytes),
    ])
}

/// Resident memory of a process in MiB.
fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel does not say")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
