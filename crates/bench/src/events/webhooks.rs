//! Webhooks: from queue to endpoint and back into the database.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use access::{By, Origin};
use anyhow::{Context as _, Result, ensure};
use delivery::model::NewWebhook;
use delivery::{WebhookSettings, Webhooks, ops};
use jobs::outbox::{Event, emit};
use jobs::{Node, Wake};
use kernel::GuildId;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::SECTION;
use crate::figure::{Figure, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::per_second;

/// The first guild; each has a webhook.
const GUILD: i64 = 2_000_000;
const GUILDS: usize = 20;
const PATIENCE: Duration = Duration::from_mins(5);
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let events = if quick { 200 } else { 20_000 };
    let _spinner = progress::spinner("delivering to webhooks");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let endpoint = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    let bare = bare(address, events).await?;
    let rate = delivered(ground, address, events).await?;
    endpoint.abort();
    Ok(vec![
        Figure::new(SECTION, format!("webhook deliveries, {GUILDS} webhooks"), rate, Unit::PerSecond)
            .limit(bare, "bare POSTs over as many connections"),
    ])
}

/// From the first event to the last delivery that was recorded.
async fn delivered(ground: &Ground, address: SocketAddr, events: usize) -> Result<f64> {
    let settings = WebhookSettings {
        internal_networks: vec!["127.0.0.0/8".parse().map_err(anyhow::Error::msg)?],
        ..WebhookSettings::default()
    };
    let webhooks = Webhooks::new(settings)?;
    for guild in guilds() {
        let new = NewWebhook {
            name: "bench".to_owned(),
            url: format!("http://{address}/"),
            event_types: vec!["*".to_owned()],
        };
        ops::webhook_create(ground.pool(), &webhooks, guild, new, By::Cli, &Origin::default()).await?;
    }
    let wake = Wake::new();
    let node = Node::start(ground.pool().clone(), "bench", "0", &["worker"], wake.clone()).await?;
    webhooks.spawn(ground.pool(), &node.handle(), &wake);
    let consumer = async {
        while sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM jobs.outbox_cursors WHERE consumer = 'webhooks'"#
        )
        .fetch_one(&mut *db::acquire(ground.pool()).await?)
        .await?
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, sqlx::Error>(())
    };
    tokio::time::timeout(PATIENCE, consumer).await.context("nobody delivers")??;
    let began = Instant::now();
    let all: Vec<Event> = guilds().cycle().zip(0..events).map(|(guild, n)| event(guild, n)).collect();
    for batch in all.chunks(500) {
        let mut transaction = db::begin(ground.pool()).await?;
        emit(&mut transaction, batch).await?;
        transaction.commit().await?;
        wake.outbox();
    }
    let wanted = i64::try_from(events)?;
    let done = async {
        loop {
            let delivered = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM delivery.webhook_deliveries WHERE status = 'DELIVERED'"#
            )
            .fetch_one(&mut *db::acquire(ground.pool()).await?)
            .await?;
            if delivered >= wanted {
                return Ok::<_, sqlx::Error>(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.context("not everything was delivered in time")??;
    let took = began.elapsed();
    ensure!(node.stop(PATIENCE).await?, "the node does not stop");
    Ok(per_second(events, took))
}

fn guilds() -> impl Iterator<Item = GuildId> + Clone {
    (0..GUILDS).map(|n| GuildId::new(GUILD + i64::try_from(n).unwrap_or_default()))
}

fn event(guild: GuildId, n: usize) -> Event {
    Event {
        guild_id: guild,
        event_type: "campaign.test_tick",
        subject: "campaigns/0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: json!({ "tick": n }),
    }
}

/// The limit: one request after the other over as many connections, without a database or signatures.
async fn bare(address: SocketAddr, requests: usize) -> Result<f64> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..GUILDS {
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let body = "x".repeat(350);
            let request =
                format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let mut answer = [0; ANSWER.len()];
            for _ in 0..requests / GUILDS {
                stream.write_all(request.as_bytes()).await?;
                stream.read_exact(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(per_second(requests, began.elapsed()))
}

/// Takes whatever comes, as long as it says how long it is.
async fn answer(mut stream: TcpStream) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length =
            text.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse::<usize>().ok()?;
        while bytes.len() < head + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        bytes.drain(..head + length);
        stream.write_all(ANSWER).await.ok()?;
    }
}
