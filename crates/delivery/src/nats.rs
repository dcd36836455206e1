//! NATS `JetStream`: every event to it ([`publish`]), and events for the lake from it ([`lake`]).

pub mod lake;
pub mod publish;

use std::time::Duration;

use async_nats::{Client, ConnectOptions};

use crate::settings::NatsSettings;

pub use lake::LakeFeed;
pub use publish::{CONSUMER, Nats};

/// Longest to wait for an answer of the server's.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the server could not be worked with.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// A connection by the settings; it reconnects by itself once it was connected.
async fn connect(settings: &NatsSettings, name: &str) -> Result<Client, Trouble> {
    let url = settings.url.as_deref().ok_or("no server is named")?;
    let options = match &settings.credentials {
        Some(file) => ConnectOptions::with_credentials_file(file).await?,
        None => ConnectOptions::new(),
    };
    let options = options.name(name).connection_timeout(PATIENCE).event_callback(|event| async move {
        tracing::info!(%event, "NATS");
    });
    let servers: Vec<String> = url.split(',').map(|url| url.trim().to_owned()).collect();
    let connecting = tokio::time::timeout(PATIENCE * 2, options.connect(servers));
    Ok(connecting.await.map_err(|_| "the server does not answer")??)
}
