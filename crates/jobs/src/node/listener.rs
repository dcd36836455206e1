//! The one connection that listens, and that holds the lock by which others see that we live.

use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::wake::{CHANNEL, Wake};

/// First key of the nodes' advisory locks ("qhnd"); the second is the hash of the node's id.
pub(super) const LOCK_CLASS: i32 = i32::from_be_bytes(*b"qhnd");

/// A listening connection of node `id`.
pub(super) struct Listener {
    id: Uuid,
    listener: PgListener,
}

impl Listener {
    /// Connects outside the pool, listens, and takes the lock.
    pub(super) async fn connect(pool: &PgPool, id: Uuid) -> Result<Self, sqlx::Error> {
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with((*pool.connect_options()).clone())
            .await?;
        let mut listener = PgListener::connect_with(&own).await?;
        // A reconnection would drop the lock silently: we make a new listener instead.
        listener.eager_reconnect(false);
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        sqlx::query!("SELECT pg_advisory_lock_shared($1, hashtext($2))", LOCK_CLASS, id.to_string())
            .execute(&mut listener)
            .await?;
        Ok(Self { id, listener })
    }

    /// Passes wake-ups on until cancelled; reconnects when the connection is lost.
    pub(super) async fn run(mut self, pool: PgPool, wake: Wake, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.listen(&wake) => {}
            }
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                match Self::connect(&pool, self.id).await {
                    Ok(listener) => {
                        self = listener;
                        pause = Duration::from_millis(100);
                        // Nobody knows what was missed.
                        wake.everything();
                        break;
                    }
                    Err(error) => {
                        pause = (pause * 2).min(Duration::from_secs(5));
                        tracing::warn!(%error, ?pause, "cannot listen for wake-ups; timers are found by polling");
                    }
                }
            }
        }
    }

    /// Returns when the connection is lost.
    async fn listen(&mut self, wake: &Wake) {
        loop {
            match self.listener.try_recv().await {
                Ok(Some(notification)) => wake.timers(notification.payload()),
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(%error, "the listening connection broke");
                    return;
                }
            }
        }
    }
}
