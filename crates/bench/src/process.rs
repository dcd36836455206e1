//! A `questhall` server beside us, as an operator would start it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use http_body_util::Full;
use hyper::Request;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::load::Client;

/// Longest that a server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at whether it is ready.
const LOOK: Duration = Duration::from_millis(5);

/// The key for secrets of the servers that are measured, which keep none: any will do, as long as two on one database have the same.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start until it said that it was ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts `program` with these arguments and waits until it is ready.
    pub(crate) async fn start(program: &Path, args: &[&str]) -> Result<Self> {
        // Taken and given back: nobody else gets it within the next moments.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program);
        command.args(args).arg("--listen").arg(address.to_string());
        for (name, _) in std::env::vars_os() {
            let ours = name.to_string_lossy();
            if ours.starts_with("QUESTHALL_") || ours == "DATABASE_URL" {
                command.env_remove(&name);
            }
        }
        // A settings file of the folder that we happen to stand in is not measured.
        command.env("QUESTHALL_LOG__FILTER", "warn").current_dir(std::env::temp_dir());
        // Nor is a key left in, or taken from, the data folder of whoever runs this.
        command.env("QUESTHALL_SECRETS__KEY", KEY);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while !server.is_ready().await {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended with {status}; what it said stands above");
            }
            if began.elapsed() > PATIENCE {
                bail!("the server was not ready in time");
            }
            tokio::time::sleep(LOOK).await;
        }
        server.ready_after = began.elapsed();
        Ok(server)
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut client) = Client::connect(self.address).await else { return false };
        let Ok(call) = Request::get("/readyz").header("host", "bench").body(Full::default()) else {
            return false;
        };
        matches!(client.call(call).await, Ok((status, _)) if status.is_success())
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it in good order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.child.id() {
            kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        }
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the server does not stop")??;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}
