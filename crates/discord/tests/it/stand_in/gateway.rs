//! The stand-in's gateway: hello, identify, ready, resume, heartbeats, events; and misbehaviour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use tokio_websockets::{Message, ServerBuilder};

use super::TOKEN;

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
    tricks: VecDeque<Trick>,
    /// What clients said first: `identify`, or `resume <sequence>`.
    pub(crate) greetings: Vec<String>,
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

    /// The next connection does this.
    pub(crate) fn plays(&self, trick: Trick) {
        self.memory.lock().unwrap().tricks.push_back(trick);
    }

    pub(crate) fn greetings(&self) -> Vec<String> {
        self.memory.lock().unwrap().greetings.clone()
    }
}

async fn serve(stream: TcpStream, memory: &Mutex<Memory>, url: &str) -> Option<()> {
    let (_, mut socket) = ServerBuilder::new().accept(stream).await.ok()?;
    let trick = {
        let mut memory = memory.lock().unwrap();
        memory.connections += 1;
        memory.tricks.pop_front()
    };
    if matches!(trick, Some(Trick::AcceptAndClose)) {
        return socket.close().await.ok();
    }
    let text = |value: Value| Message::text(value.to_string());
    socket.send(text(json!({ "op": 10, "d": { "heartbeat_interval": 300 } }))).await.ok()?;
    let first = loop {
        let message = socket.next().await?.ok()?;
        let value: Value = serde_json::from_str(message.as_text()?).unwrap();
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
        let user = json!({ "id": super::APPLICATION.to_string(), "username": "questhall" });
        let ready =
            json!({ "v": 10, "session_id": id, "resume_gateway_url": url, "user": user, "guilds": [] });
        socket.send(text(json!({ "op": 0, "t": "READY", "s": 1, "d": ready }))).await.ok()?;
    }
    let mut told = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            message = socket.next() => {
                let message = message?.ok()?;
                if let Some(value) = message.as_text().map(|text| serde_json::from_str::<Value>(text).unwrap())
                    && value["op"] == 1
                {
                    memory.lock().unwrap().beats += 1;
                    if !matches!(trick, Some(Trick::Deaf)) {
                        socket.send(text(json!({ "op": 11 }))).await.ok()?;
                    }
                }
            }
            _ = tick.tick() => {
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
