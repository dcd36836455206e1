//! A real NATS server for tests, to be killed and started again at will.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::context::GetStreamErrorKind;
use db::testing::Folder;

use crate::settings::NatsSettings;

/// Longest to wait until it answers.
const PATIENCE: Duration = Duration::from_mins(2);

/// A NATS server with `JetStream`, and its store in a folder that goes with it.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    port: u16,
    folder: Folder,
}

/// Where the program is. Debian keeps it where only root looks.
fn program() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"]);
    folders.map(|folder| PathBuf::from(folder).join("nats-server")).find(|file| file.is_file())
}

impl Broker {
    /// Starts one at any free port. `None` where there is no program: that is said loudly, and on a machine that checks changes
    /// (`CI` is set) it is a failure.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os("CI").is_none(), "nats-server is not installed");
            eprintln!("SKIPPED: nats-server is not installed (Debian: apt-get install nats-server)");
            return None;
        };
        let folder = Folder::new();
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            let port = port.expect("there is a free port").port();
            let mut child = run(&program, port, folder.path());
            // Somebody else may have taken the port meanwhile: then it ends by itself.
            while child.try_wait().expect("a child can be looked at").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { child, port, folder });
                }
                std::thread::park_timeout(Duration::from_millis(10));
            }
        }
        panic!("nats-server ends by itself, whatever the port");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it after a kill, at the same port and over the same store.
    pub fn again(&mut self) {
        let program = program().expect("it was there before");
        self.child = run(&program, self.port, self.folder.path());
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Settings that name it.
    pub fn settings(&self) -> NatsSettings {
        NatsSettings { url: Some(self.url()), ..NatsSettings::default() }
    }

    /// A client of the test's own, once the server answers.
    pub async fn context(&self) -> jetstream::Context {
        let connecting = async {
            loop {
                if let Ok(client) = async_nats::connect(self.url()).await {
                    let context = jetstream::new(client);
                    // That there is no such stream says that JetStream answers.
                    let asked = context.get_stream("NONE").await.map_err(|error| error.kind());
                    if let Err(GetStreamErrorKind::JetStream(error)) = asked
                        && error.code() == 404
                    {
                        return context;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("the NATS server answers")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(program: &Path, port: u16, folder: &Path) -> Child {
    Command::new(program)
        .args(["--jetstream", "--addr", "127.0.0.1", "--port", &port.to_string(), "--store_dir"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server runs")
}
