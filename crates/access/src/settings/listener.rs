//! The connection that hears of changes.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::cache::Settings;

/// The channel of the trigger on `access.settings`.
const CHANNEL: &str = "questhall_settings";
/// How often the connection is asked whether it lives, and for how long it may think: together less than a second, so
/// that one that was cut without a word is noticed in time.
const PING: Duration = Duration::from_millis(450);

impl Settings {
    /// Listens for changes until `stop`; connects anew when the connection is lost. The server runs it.
    pub async fn listen(&self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.connect().await {
                Ok(listener) => {
                    pause = Duration::from_millis(100);
                    self.forget(true);
                    let stopped = stop.run_until_cancelled(self.hear(listener)).await.is_none();
                    self.forget(false);
                    if stopped {
                        return;
                    }
                }
                Err(error) => {
                    pause = (pause * 2).min(Duration::from_secs(5));
                    tracing::warn!(%error, ?pause, "cannot listen for changes of settings; they are read every second");
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    async fn connect(&self) -> sqlx::Result<PgListener> {
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with((*self.0.pool.connect_options()).clone())
            .await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.eager_reconnect(false);
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// Returns when the connection is lost, or silent for too long.
    async fn hear(&self, mut listener: PgListener) {
        loop {
            match tokio::time::timeout(PING, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.changed(notification.payload()),
                Ok(Ok(None)) => return,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the connection that listens for settings broke");
                    return;
                }
                Err(_) => {
                    let ping = sqlx::query!("SELECT 1 AS alive").fetch_one(&mut listener);
                    if !matches!(tokio::time::timeout(PING, ping).await, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }
}
