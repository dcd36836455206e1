//! The stand-in's gateway: hello, identify, ready, resume, heartbeats, events; and misbehaviour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use tokio_websockets::{Message, ServerBuilder};

use super::TOKEN;
use super::described::user;

/// What a connection does instead of behaving, once.
#[derive(Debug, Clone)]
pub(crate) enum Trick {
    /// It accepts, and closes.
    AcceptAndClose,
    /// It says that the session is not valid; whether it can be gone on with.
    Invalid(bool),
    /// It asks for a new connection once this many events were sent.
    ReconnectAfter(usize),
    /// It sends again what was acknowledged: so many events before those that are missing.
    SendAgain(usize),
    /// It answers no heartbeat.
    Deaf,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// All events of the session, with their sequence.
    events: Vec<Value>,
    session: usize,
    /// Sessions that were told that they are ready.
    pub(crate) ready: usize,
    /// Guilds of which READY tells.
    pub(crate) guilds: Vec<i64>,
    tricks: VecDeque<Trick>,
    /// What clients said first: `identify`, or `resume <sequence>`.
    pub(crate) greetings: Vec<String>,
    /// Milliseconds between heartbeats; few where it is about those, as a machine that is busy may answer one late.
    pub(crate) pace: Option<u64>,
    /// How often all connections were dropped.
    drops: usize,
    pub(crate) connections: usize,
    pub(crate) beats: usize,
}

#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) url: String,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let memory = Arc::new(Mutex::new(Memory::default()));
        let (shared, own) = (Arc::clone(&memory), url.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (memory, url) = (Arc::clone(&shared), own.clone());
                tokio::spawn(async move {
                    serve(stream, &memory, &url).await;
                });
            }
        });
        Self { memory, url, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Something happens.
    pub(crate) fn happens(&self, name: &str, data: Value) {
        let mut memory = self.memory.lock().unwrap();
        // The first of a session is READY.
        let sequence = memory.events.len() + 2;
        memory.events.push(json!({ "op": 0, "t": name, "s": sequence, "d": data }));
    }

    /// The sequence of what happened last.
    pub(crate) fn last(&self) -> i64 {
        i64::try_from(self.memory.lock().unwrap().events.len()).unwrap() + 1
    }

    /// The next connection does this.
    pub(crate) fn plays(&self, trick: Trick) {
        self.memory.lock().unwrap().tricks.push_back(trick);
    }

    /// All connections break, without a word.
    pub(crate) fn drops(&self) {
        self.memory.lock().unwrap().drops += 1;
    }

    pub(crate) fn greetings(&self) -> Vec<String> {
        self.memory.lock().unwrap().greetings.clone()
    }
}

/// A frame: a text, or a piece of the stream that is compressed.
fn frame(stream: &mut Option<Compress>, value: &Value) -> Message {
    let text = value.to_string();
    let Some(stream) = stream else { return Message::text(text) };
    let (mut out, mut taken) = (Vec::with_capacity(text.len() / 2 + 64), 0);
    loop {
        let before = stream.total_in();
        stream.compress_vec(&text.as_bytes()[taken..], &mut out, FlushCompress::Sync).unwrap();
        taken += usize::try_from(stream.total_in() - before).unwrap();
        if taken == text.len() && out.len() < out.capacity() {
            return Message::binary(out);
        }
        out.reserve(1_024);
    }
}

/// What a client says: some say it in texts, some in bytes.
fn spoken(message: &Message) -> Option<Value> {
    let is_said = message.is_text() || message.is_binary();
    is_said.then(|| serde_json::from_slice(message.as_payload()).unwrap())
}

/// What a new session is told first.
fn ready(session: &str, url: &str, guilds: &[i64], shard: &Value) -> Value {
    let mut own = user(super::APPLICATION);
    own["bot"] = json!(true);
    own["verified"] = json!(true);
    own["mfa_enabled"] = json!(false);
    own["email"] = Value::Null;
    let guilds: Vec<Value> =
        guilds.iter().map(|guild| json!({ "id": guild.to_string(), "unavailable": true })).collect();
    let application = json!({ "id": super::APPLICATION.to_string(), "flags": 0 });
    json!({
        "v": 10, "session_id": session, "resume_gateway_url": url, "user": own, "guilds": guilds, "application": application,
        "session_type": "normal", "shard": shard,
    })
}

async fn serve(stream: TcpStream, memory: &Mutex<Memory>, url: &str) -> Option<()> {
    let (request, mut socket) = ServerBuilder::new().accept(stream).await.ok()?;
    let is_compressed = request.uri().query().is_some_and(|query| query.contains("compress=zlib-stream"));
    let mut zlib = is_compressed.then(|| Compress::new(Compression::default(), true));
    let (trick, drops, pace) = {
        let mut memory = memory.lock().unwrap();
        memory.connections += 1;
        (memory.tricks.pop_front(), memory.drops, memory.pace.unwrap_or(10_000))
    };
    if matches!(trick, Some(Trick::AcceptAndClose)) {
        return socket.close().await.ok();
    }
    let mut text = |value: Value| frame(&mut zlib, &value);
    socket.send(text(json!({ "op": 10, "d": { "heartbeat_interval": pace } }))).await.ok()?;
    let first = loop {
        let message = socket.next().await?.ok()?;
        let value: Value = spoken(&message)?;
        if value["op"] != 1 {
            break value;
        }
    };
    assert_eq!(first["d"]["token"], TOKEN);
    let (session, mut sent) = {
        let mut memory = memory.lock().unwrap();
        if first["op"] == 6 {
            memory.greetings.push(format!("resume {}", first["d"]["seq"]));
        } else {
            memory.greetings.push("identify".to_owned());
        }
        let known = format!("session{}", memory.session);
        if first["op"] == 6 && first["d"]["session_id"] == known.as_str() {
            let sequence = usize::try_from(first["d"]["seq"].as_i64().unwrap()).unwrap();
            (None, sequence - 1)
        } else {
            memory.session += 1;
            (Some(format!("session{}", memory.session)), 0)
        }
    };
    match trick {
        Some(Trick::Invalid(resumable)) => {
            socket.send(text(json!({ "op": 9, "d": resumable }))).await.ok()?;
            if !resumable {
                memory.lock().unwrap().session += 1;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            return None;
        }
        Some(Trick::SendAgain(count)) => sent = sent.saturating_sub(count),
        _ => {}
    }
    if let Some(id) = session {
        // A new session counts from its beginning.
        memory.lock().unwrap().events.clear();
        sent = 0;
        let guilds = memory.lock().unwrap().guilds.clone();
        let ready = ready(&id, url, &guilds, &first["d"]["shard"]);
        socket.send(text(json!({ "op": 0, "t": "READY", "s": 1, "d": ready }))).await.ok()?;
        memory.lock().unwrap().ready += 1;
    }
    let mut told = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            message = socket.next() => {
                let message = message?.ok()?;
                if let Some(value) = spoken(&message)
                    && value["op"] == 1
                {
                    memory.lock().unwrap().beats += 1;
                    if !matches!(trick, Some(Trick::Deaf)) {
                        socket.send(text(json!({ "op": 11 }))).await.ok()?;
                    }
                }
            }
            _ = tick.tick() => {
                if memory.lock().unwrap().drops != drops {
                    return None;
                }
                let new: Vec<Value> = memory.lock().unwrap().events.iter().skip(sent).cloned().collect();
                for event in new {
                    socket.send(text(event)).await.ok()?;
                    sent += 1;
                    told += 1;
                    match trick {
                        Some(Trick::ReconnectAfter(count)) if told >= count => {
                            socket.send(text(json!({ "op": 7 }))).await.ok()?;
                            return None;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
