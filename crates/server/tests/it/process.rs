//! The whole process, with a socket: starting, serving, stopping.

use std::net::SocketAddr;
use std::time::Duration;

use access::keys::{NewKey, key_create};
use access::{By, Origin, Scopes};
use db::testing::{TestDatabase, schema};
use server::{Role, Roles, Server, Settings, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a test waits for something that must happen before it calls it missing.
const PATIENCE: Duration = Duration::from_mins(2);

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn settings(database: &TestDatabase) -> Settings {
    let mut settings = Settings::default();
    settings.db.url = Some(database.url());
    settings.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    // The test's own binary is none that can be started as a zygote.
    settings.sandbox.enabled = false;
    settings.secrets.key = Some(KEY.to_owned());
    // Nobody has to turn away.
    settings.http.drain_delay = Duration::ZERO;
    // What is in progress is done in the end, also on a busy machine.
    settings.http.drain_timeout = PATIENCE;
    settings.workers.stop_timeout = PATIENCE;
    settings
}

async fn key(server: &Server) -> String {
    let new = NewKey {
        name: "test".to_owned(),
        guild: None,
        user: None,
        scopes: Scopes::new(["*"]),
        expires_at: None,
    };
    let mut conn = server.database().pool().acquire().await.unwrap();
    let (_, plain) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
    plain.reveal().to_owned()
}

/// A connection with a request on it.
struct Wire(TcpStream);

impl Wire {
    async fn send(address: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Reads until `text` was seen; fails at the end of the stream.
    async fn read_until(&mut self, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            let mut bytes = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.0.read(&mut bytes)).await;
            let count = read.unwrap_or_else(|_| panic!("`{text}` does not come: {all}")).unwrap();
            assert!(count > 0, "the connection ended before `{text}`: {all}");
            all.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        all
    }

    /// Everything until the server ends the connection.
    async fn rest(mut self) -> String {
        let mut all = Vec::new();
        tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut all)).await.unwrap().unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    Wire::send(address, &request).await.rest().await
}

#[tokio::test]
async fn it_starts_serves_and_says_goodbye() {
    let database = TestDatabase::new().await;
    let server = Server::start(schema(), settings(&database), Roles::default()).await.unwrap();
    let address = server.address().unwrap();
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(address, "/metrics").await.contains("questhall_http_requests_total"));
    assert!(server.stop().await.unwrap());
    assert!(TcpStream::connect(address).await.is_err());
    let nodes: Vec<(Vec<String>, bool)> =
        sqlx::query_as("SELECT roles, stopped_at IS NOT NULL FROM jobs.nodes")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(nodes, [(vec!["http".to_owned(), "worker".to_owned(), "scheduler".to_owned()], true)]);
}

#[tokio::test]
async fn what_is_in_flight_is_answered_and_streams_end() {
    let database = TestDatabase::new().await;
    let server = Server::start(schema(), settings(&database), Roles::new([Role::Http])).await.unwrap();
    let (address, key) = (server.address().unwrap(), key(&server).await);
    let mut stream = Wire::send(
        address,
        &format!("GET /api/v1/guilds/1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"),
    )
    .await;
    stream.read_until("event: hello").await;

    // A request that waits for a lock, and is certainly waiting.
    let mut locker = database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE people.members IN ACCESS EXCLUSIVE MODE").execute(&mut *locker).await.unwrap();
    let slow = Wire::send(
        address,
        &format!("GET /api/v1/guilds/1/members HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"),
    )
    .await;
    loop {
        // Other tests' databases are on the same server.
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
              WHERE datname = current_database() AND relation = 'people.members'::regclass AND NOT granted",
        )
        .fetch_one(database.pool())
        .await
        .unwrap();
        if waiting > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let services = server.services().clone();
    let stopping = tokio::spawn(server.stop());
    services.closing.cancelled().await;
    // The stream ends as chunked bodies do, so that the client knows it was not cut.
    assert!(stream.rest().await.ends_with("0\r\n\r\n"));
    locker.rollback().await.unwrap();
    let answer = slow.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(services);
    assert!(stopping.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_load_balancer_is_told_before_connections_are_refused() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    settings.http.drain_delay = Duration::from_mins(10);
    let server = Server::start(schema(), settings, Roles::new([Role::Http])).await.unwrap();
    let (address, services) = (server.address().unwrap(), server.services().clone());
    let stopping = tokio::spawn(server.stop());
    services.draining.cancelled().await;
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503 "));
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200 "));
    stopping.abort();
}

#[tokio::test]
async fn it_stops_when_told_and_at_once_when_told_twice() {
    let database = TestDatabase::new().await;
    let shutdown = Shutdown::default();
    shutdown.gently.cancel();
    server::run(schema(), settings(&database), Roles::default(), shutdown).await.unwrap();

    let mut patient = settings(&database);
    patient.http.drain_delay = Duration::from_mins(10);
    let shutdown = Shutdown::default();
    shutdown.gently.cancel();
    let running = tokio::spawn(server::run(schema(), patient, Roles::default(), shutdown.clone()));
    shutdown.at_once.cancel();
    assert!(matches!(running.await.unwrap(), Err(server::RunError::Unfinished)));
}

#[tokio::test]
async fn a_taken_address_and_a_missing_schema_are_said_in_words() {
    let database = TestDatabase::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings_ = settings(&database);
    settings_.http.listen = taken.local_addr().unwrap();
    let error = Server::start(schema(), settings_, Roles::default()).await.err().unwrap().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:") && error.contains("http.listen"), "{error}");

    let empty = TestDatabase::empty().await;
    let mut settings = settings(&empty);
    settings.migrate = false;
    let error = Server::start(schema(), settings, Roles::default()).await.err().unwrap().to_string();
    assert!(error.contains("run `questhall db migrate`"), "{error}");
}

#[tokio::test]
async fn a_node_with_another_key_for_secrets_does_not_start() {
    let database = TestDatabase::new().await;
    let first = Server::start(schema(), settings(&database), Roles::new([Role::Worker])).await.unwrap();
    let second = Server::start(schema(), settings(&database), Roles::new([Role::Worker])).await.unwrap();
    let mut wrong = settings(&database);
    wrong.secrets.key = Some("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=".to_owned());
    let error =
        Server::start(schema(), wrong.clone(), Roles::new([Role::Http])).await.err().unwrap().to_string();
    assert!(error.contains("QUESTHALL_SECRETS__KEY") && error.contains("secrets adopt"), "{error}");
    assert!(first.stop().await.unwrap() && second.stop().await.unwrap());

    // Where no key can be made, a node starts all the same until there is something sealed.
    let empty = TestDatabase::new().await;
    let mut nowhere = settings(&empty);
    nowhere.secrets.key = None;
    nowhere.db.data_dir = "/sys/questhall".into();
    let server = Server::start(schema(), nowhere.clone(), Roles::new([Role::Worker])).await.unwrap();
    assert!(server.stop().await.unwrap());
    let server = Server::start(schema(), settings(&empty), Roles::new([Role::Worker])).await.unwrap();
    assert!(server.stop().await.unwrap());
    let error = Server::start(schema(), nowhere, Roles::new([Role::Worker])).await.err().unwrap().to_string();
    assert!(error.contains("this node has none"), "{error}");
}

#[tokio::test]
async fn heads_that_do_not_come_and_heads_that_are_too_large() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    // Heads that do come have the time to, however busy the machine is.
    settings.http.header_timeout = Duration::from_secs(2);
    let server = Server::start(schema(), settings, Roles::new([Role::Http])).await.unwrap();
    let address = server.address().unwrap();
    // The connection is ended; with what words is hyper's affair.
    Wire::send(address, "GET / HTTP/1.1\r\nhost: x\r\n").await.rest().await;
    let huge = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may hang up before all of it was sent.
    let _ = stream.write_all(huge.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(server.stop().await.unwrap());
}

#[tokio::test]
async fn a_node_that_serves_no_api_can_be_watched_all_the_same() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    settings.metrics.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = Server::start(schema(), settings, Roles::new([Role::Worker])).await.unwrap();
    let address = server.address().unwrap();
    for path in ["/healthz", "/readyz"] {
        assert!(get(address, path).await.starts_with("HTTP/1.1 200 OK\r\n"), "{path}");
    }
    assert!(get(address, "/metrics").await.contains("questhall_db_pool_connections"));
    assert!(get(address, "/api/v1/whoami").await.starts_with("HTTP/1.1 404 "));
    assert!(server.stop().await.unwrap());
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_let_go_and_can_resume() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    settings.http.stall_timeout = Duration::from_secs(1);
    let server = Server::start(schema(), settings, Roles::new([Role::Http])).await.unwrap();
    let (address, key) = (server.address().unwrap(), key(&server).await);
    let open = |after: &str| {
        format!(
            "GET /api/v1/guilds/1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{after}\r\n"
        )
    };
    let mut idle = Wire::send(address, &open("")).await;
    let hello = idle.read_until("event: hello").await;
    let position = hello.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().trim().to_owned();
    // More than the sockets' buffers on the way can hold.
    let event = |n: i64| jobs::outbox::Event {
        guild_id: kernel::GuildId::new(1),
        event_type: "campaign.test_tick",
        subject: "campaigns/x".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: serde_json::json!({ "n": n, "filling": "x".repeat(64 * 1024) }),
    };
    for n in 0..200 {
        let mut conn = database.pool().acquire().await.unwrap();
        jobs::outbox::emit_one(&mut conn, event(n)).await.unwrap();
    }
    server.services().app.wake().outbox();
    let gone = async {
        while !get(address, "/metrics").await.contains("questhall_streams_open{kind=\"guild\"} 0") {}
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it is let go");
    let mut again = Wire::send(address, &open(&format!("last-event-id: {position}\r\n"))).await;
    // What it left unread comes first.
    let missed = again.read_until("\"n\":0").await;
    assert!(missed.contains("event: hello"));
    drop((idle, again));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stream_is_resumed_after_the_server_was_away() {
    let database = TestDatabase::new().await;
    let emit = async |numbers: std::ops::Range<i64>| {
        let events: Vec<_> = numbers
            .map(|n| jobs::outbox::Event {
                guild_id: kernel::GuildId::new(1),
                event_type: "campaign.test_tick",
                subject: "campaigns/x".to_owned(),
                correlation_id: None,
                user_id: None,
                payload: serde_json::json!({ "n": n }),
            })
            .collect();
        let mut tx = database.pool().begin().await.unwrap();
        jobs::outbox::emit(&mut tx, &events).await.unwrap();
        tx.commit().await.unwrap();
    };
    let server = Server::start(schema(), settings(&database), Roles::new([Role::Http])).await.unwrap();
    let key = key(&server).await;
    let ask = |more: &str| {
        format!(
            "GET /api/v1/guilds/1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{more}\r\n"
        )
    };
    let mut stream = Wire::send(server.address().unwrap(), &ask("")).await;
    stream.read_until("event: hello").await;
    emit(0..3).await;
    let text = stream.read_until(r#""n":1}"#).await;
    let second = text.split(r#""n":1}"#).next().unwrap().rsplit("id: ").next().unwrap();
    let last = second.lines().next().unwrap().to_owned();
    drop(stream);
    assert!(server.stop().await.unwrap());
    // What happens while no server runs, such as by the command line, is in the outbox all the same.
    emit(3..500).await;

    let server = Server::start(schema(), settings(&database), Roles::new([Role::Http])).await.unwrap();
    let mut stream = Wire::send(server.address().unwrap(), &ask(&format!("last-event-id: {last}\r\n"))).await;
    emit(500..510).await;
    let text = stream.read_until(r#""n":509}"#).await;
    assert!(!text.contains("event: gap"), "{text}");
    let numbers: Vec<i64> =
        text.split(r#""n":"#).skip(1).map(|rest| rest.split('}').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (2..510).collect::<Vec<_>>());
    drop(stream);
    assert!(server.stop().await.unwrap());
}

/// HTTP/1.1 wants one name of the host it is sent to; of two, a proxy and we might believe different ones.
#[tokio::test]
async fn a_request_names_one_host() {
    let database = TestDatabase::new().await;
    let server = Server::start(schema(), settings(&database), Roles::new([Role::Http])).await.unwrap();
    let address = server.address().unwrap();
    for head in [
        "GET /healthz HTTP/1.1\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: a\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a, b\r\n",
    ] {
        let answer = Wire::send(address, &format!("{head}connection: close\r\n\r\n")).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    // Older clients know no such header.
    let answer = Wire::send(address, "GET /healthz HTTP/1.0\r\n\r\n").await.rest().await;
    assert!(answer.contains(" 200 "), "{answer}");
    assert!(server.stop().await.unwrap());
}

#[tokio::test]
async fn an_upload_that_stalls_is_cut_off() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    settings.http.stall_timeout = Duration::from_secs(1);
    let server = Server::start(schema(), settings, Roles::new([Role::Http])).await.unwrap();
    let (address, key) = (server.address().unwrap(), key(&server).await);
    let head = |more: &str| {
        format!(
            "POST /api/v1/guilds/1/lake/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{more}\r\n"
        )
    };
    // A stream that goes silent, and a body of which the rest does not come.
    let silent = head("content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n");
    let answer = Wire::send(address, &silent).await.rest().await;
    assert!(answer.contains("\"done\":false"), "{answer}");
    let short = head("content-type: application/json\r\ncontent-length: 100\r\n");
    let answer = Wire::send(address, &short).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(server.stop().await.unwrap());
}

/// What is refused before its body was read: the client can read why, whatever it was about to send.
#[tokio::test]
async fn an_early_refusal_can_be_read() {
    let database = TestDatabase::new().await;
    let server = Server::start(schema(), settings(&database), Roles::new([Role::Http])).await.unwrap();
    let address = server.address().unwrap();
    let head = "POST /api/v1/keys HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    // A small body is read, and the connection goes on.
    let mut wire = Wire::send(
        address,
        &format!("{head}content-length: 4\r\n\r\nnull{head}content-length: 4\r\n\r\nnull"),
    )
    .await;
    let first = wire.read_until("\r\n\r\n").await;
    assert!(
        first.starts_with("HTTP/1.1 401 ") && !first.to_lowercase().contains("connection: close"),
        "{first}"
    );
    drop(wire);
    // Of a large one it is said that no more is wanted, and the answer arrives whole.
    for _ in 0..5 {
        let (reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
        writing.write_all(format!("{head}content-length: 50000000\r\n\r\n").as_bytes()).await.unwrap();
        let sending = tokio::spawn(async move {
            let part = vec![b'x'; 64 * 1024];
            // More than the sockets' buffers on the way hold, and little enough to be heard out while the machine is busy.
            for _ in 0..160 {
                if writing.write_all(&part).await.is_err() {
                    return;
                }
            }
        });
        let mut answer = Vec::new();
        let mut reading = reading;
        let read = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(matches!(read, Ok(Ok(_))), "{read:?}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        assert!(answer.ends_with('}'), "{answer}");
        sending.abort();
    }
    assert!(server.stop().await.unwrap());
}

#[tokio::test]
async fn connections_that_are_kept_are_told_to_end_while_draining() {
    let database = TestDatabase::new().await;
    let mut settings = settings(&database);
    settings.http.drain_delay = Duration::from_mins(10);
    let server = Server::start(schema(), settings, Roles::new([Role::Http])).await.unwrap();
    let (address, services) = (server.address().unwrap(), server.services().clone());
    let mut wire = Wire::send(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let before = wire.read_until("version").await;
    assert!(!before.to_lowercase().contains("connection: close"), "{before}");
    let stopping = tokio::spawn(server.stop());
    services.draining.cancelled().await;
    wire.0.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let after = wire.rest().await;
    assert!(after.starts_with("HTTP/1.1 200 ") || after.contains("HTTP/1.1 200 "), "{after}");
    assert!(after.to_lowercase().contains("connection: close"), "{after}");
    stopping.abort();
}
