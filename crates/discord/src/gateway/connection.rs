//! A connection to the gateway: hello, identify or resume, heartbeats, and events to the queue.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use hyper::Uri;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_websockets::{ClientBuilder, Limits, Message, WebSocketStream};

use super::lease::{Lease, Session};
use crate::bot::Bot;
use crate::interactions::arrived;
use crate::sender::connector;
use crate::settings::is_ours;

/// Longest that connecting, and the first words, may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The largest event in bytes: a guild with many channels.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// Guilds, members, bans and the audit log, voice, messages, reactions.
const INTENTS: u64 = 1 | 1 << 1 | 1 << 2 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 20 | 1 << 21;
/// What messages say.
const CONTENT: u64 = 1 << 15;

/// An event, and of which session.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) session: Session,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It could not be made, or broke.
    Broken(String),
    /// Discord wants a new one.
    Asked,
    /// Discord does not know the session; whether it can be gone on with.
    Invalid(bool),
    /// Discord stopped answering heartbeats.
    Dead,
    /// Discord closed it, with this code.
    Closed(u16),
    /// Nobody takes events any more.
    Unwanted,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(why) => f.write_str(why),
            Self::Asked => f.write_str("Discord wants a new one"),
            Self::Invalid(true) => f.write_str("the session cannot be gone on with now"),
            Self::Invalid(false) => f.write_str("the session is over"),
            Self::Dead => f.write_str("Discord answers no heartbeats"),
            Self::Closed(code) => write!(f, "Discord closed it with the code {code}"),
            Self::Unwanted => f.write_str("nobody takes events any more"),
        }
    }
}

impl Ended {
    /// Whether trying again changes nothing until somebody mends something: a wrong token, intents that were not turned on.
    pub(crate) fn is_for_good(&self) -> bool {
        matches!(self, Self::Closed(4004 | 4010..=4014))
    }

    /// Whether the session is over.
    fn forgets(&self) -> bool {
        matches!(self, Self::Invalid(false) | Self::Closed(1000 | 1001 | 4007 | 4009)) || self.is_for_good()
    }
}

/// What a connection needs.
pub(crate) struct Connection<'a> {
    pub(crate) bot: &'a Bot,
    pub(crate) url: &'a str,
    pub(crate) shard: i32,
    pub(crate) count: i32,
    pub(crate) lease: &'a Lease,
    pub(crate) queue: &'a mpsc::Sender<Happened>,
}

impl Connection<'_> {
    /// Connects, and reads until it ends.
    pub(crate) async fn live(&self) -> Ended {
        let session = match self.lease.session().await {
            Ok(session) => session,
            Err(error) => return Ended::Broken(error.to_string()),
        };
        // What READY says is Discord's; still nothing goes to where the token is not safe.
        let session = session.filter(|session| is_ours(&session.url, "wss", "ws"));
        let url = session.as_ref().map_or_else(|| self.url.to_owned(), |session| session.url.clone());
        let ended = self.on(&url, session).await;
        if ended.forgets()
            && let Err(error) = self.lease.forget().await
        {
            tracing::warn!(%error, "a session that is over could not be forgotten");
        }
        if matches!(ended, Ended::Invalid(_)) {
            // Discord asks for a pause of one to five seconds.
            tokio::time::sleep(Duration::from_secs_f64(rand::random_range(1.0..5.0))).await;
        }
        ended
    }

    async fn on(&self, url: &str, session: Option<Session>) -> Ended {
        let Ok(uri) = format!("{}/?v=10&encoding=json", url.trim_end_matches('/')).parse::<Uri>() else {
            return Ended::Broken("the gateway's address is none".to_owned());
        };
        let Some(host) = uri.host().map(|host| host.trim_matches(['[', ']']).to_owned()) else {
            return Ended::Broken("the gateway's address has no host".to_owned());
        };
        let secure = uri.scheme_str() == Some("wss");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = match timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ended::Broken(error.to_string()),
            Err(_) => return Ended::Broken("no connection in time".to_owned()),
        };
        if !secure {
            return self.over(uri, stream, session).await;
        }
        let tls = async {
            let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
            let connector = connector().map_err(|error| error.to_string())?;
            connector.connect(name, stream).await.map_err(|error| error.to_string())
        };
        match timeout(PATIENCE, tls).await {
            Ok(Ok(stream)) => self.over(uri, stream, session).await,
            Ok(Err(error)) => Ended::Broken(error),
            Err(_) => Ended::Broken("no TLS in time".to_owned()),
        }
    }

    async fn over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        uri: Uri,
        stream: S,
        session: Option<Session>,
    ) -> Ended {
        let limits = Limits::default().max_payload_len(Some(MAX_EVENT));
        let builder = ClientBuilder::from_uri(uri).limits(limits);
        match timeout(PATIENCE, builder.connect_on(stream)).await {
            Ok(Ok((socket, _))) => self.talk(socket, session).await,
            Ok(Err(error)) => Ended::Broken(error.to_string()),
            Err(_) => Ended::Broken("no handshake in time".to_owned()),
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: WebSocketStream<S>,
        mut session: Option<Session>,
    ) -> Ended {
        let hello = match timeout(PATIENCE, next(&mut socket)).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(ended)) => return ended,
            Err(_) => return Ended::Broken("Discord says no hello".to_owned()),
        };
        let Some(every) = hello["d"]["heartbeat_interval"].as_u64().filter(|ms| (100..600_000).contains(ms))
        else {
            return Ended::Broken("its hello names no pace".to_owned());
        };
        let every = Duration::from_millis(every);
        let token = self.bot.settings().token.clone().unwrap_or_default();
        let first = match &session {
            Some(session) => {
                json!({ "op": 6, "d": { "token": token, "session_id": session.id, "seq": session.sequence } })
            }
            None => self.identify(&token),
        };
        if let Err(error) = socket.send(Message::text(first.to_string())).await {
            return Ended::Broken(error.to_string());
        }
        // What the next heartbeat says was seen; not what was committed.
        let mut seen = session.as_ref().map(|session| session.sequence);
        let mut beats = interval_at(Instant::now() + every.mul_f64(rand::random()), every);
        // A process that stood still does not make up for beats: the second would come before Discord could have answered the first.
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = true;
        loop {
            // While nobody takes events nothing is read; heartbeats go on, and are not expected to be answered.
            let room = self.queue.capacity() > 0;
            tokio::select! {
                _ = beats.tick() => {
                    if !answered && room {
                        return Ended::Dead;
                    }
                    answered = !room;
                    let beat = json!({ "op": 1, "d": seen }).to_string();
                    if let Err(error) = socket.send(Message::text(beat)).await {
                        return Ended::Broken(error.to_string());
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(20)), if !room => {
                    if self.queue.is_closed() {
                        return Ended::Unwanted;
                    }
                }
                frame = next(&mut socket), if room => {
                    let frame = match frame {
                        Ok(frame) => frame,
                        Err(ended) => return ended,
                    };
                    match frame["op"].as_u64() {
                        Some(0) => {
                            seen = frame["s"].as_i64().or(seen);
                            if let Some(ended) = self.hand_on(frame, &mut session) {
                                return ended;
                            }
                        }
                        Some(1) => {
                            let beat = json!({ "op": 1, "d": seen }).to_string();
                            if let Err(error) = socket.send(Message::text(beat)).await {
                                return Ended::Broken(error.to_string());
                            }
                        }
                        Some(7) => return Ended::Asked,
                        Some(9) => return Ended::Invalid(frame["d"] == true),
                        Some(11) => answered = true,
                        _ => {}
                    }
                }
            }
        }
    }

    fn identify(&self, token: &str) -> Value {
        let content = if self.bot.settings().message_content { CONTENT } else { 0 };
        json!({ "op": 2, "d": {
            "token": token, "intents": INTENTS | content, "shard": [self.shard, self.count], "large_threshold": 50,
            "properties": { "os": std::env::consts::OS, "browser": "questhall", "device": "questhall" },
        } })
    }

    /// Puts an event into the queue, which has room. Who asks for something is answered meanwhile: Discord waits for three seconds, which what came
    /// before may take. Told of it again, nobody does it again.
    fn hand_on(&self, mut frame: Value, session: &mut Option<Session>) -> Option<Ended> {
        let name = frame["t"].as_str().unwrap_or_default().to_owned();
        let sequence = frame["s"].as_i64().unwrap_or_default();
        if name == "READY" {
            let (id, url) = (frame["d"]["session_id"].as_str(), frame["d"]["resume_gateway_url"].as_str());
            let (Some(id), Some(url)) = (id, url) else {
                return Some(Ended::Broken("it is ready for no session".to_owned()));
            };
            *session = Some(Session { id: id.to_owned(), url: url.to_owned(), sequence });
        }
        let Some(session) = session.as_mut() else {
            return Some(Ended::Broken("an event came before a session".to_owned()));
        };
        session.sequence = sequence;
        let mut data = frame["d"].take();
        if name == "INTERACTION_CREATE" {
            arrived(self.bot, data.take());
        }
        let happened = Happened { session: session.clone(), name, data };
        match self.queue.try_send(happened) {
            Ok(()) => None,
            Err(_) => Some(Ended::Unwanted),
        }
    }
}

/// The next frame that is JSON.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Result<Value, Ended> {
    loop {
        match socket.next().await {
            None => return Err(Ended::Broken("it ended".to_owned())),
            Some(Err(error)) => return Err(Ended::Broken(error.to_string())),
            Some(Ok(message)) => {
                if let Some((code, _)) = message.as_close() {
                    return Err(Ended::Closed(code.into()));
                }
                if let Some(text) = message.as_text() {
                    return serde_json::from_str(text).map_err(|error| Ended::Broken(error.to_string()));
                }
            }
        }
    }
}
