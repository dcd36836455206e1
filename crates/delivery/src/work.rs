//! What runs in the background: webhooks, and events out and in by NATS, as far as the operator wants them.

use access::Means;
use jobs::NodeHandle;
use lake::ingest::EventWriter;

use crate::nats::{LakeFeed, Nats};
use crate::{NatsSettings, Webhooks};

/// Starts it, until the node stops.
pub(crate) fn start(means: &Means, node: &NodeHandle) {
    let (pool, wake) = (means.app().pool(), means.app().wake());
    if let Some(webhooks) = means.get::<Webhooks>().filter(|webhooks| webhooks.settings().enabled) {
        webhooks.spawn(pool, node, wake);
    }
    let Some(settings) = means.get::<NatsSettings>() else { return };
    if let Some(nats) = Nats::new(settings) {
        jobs::outbox::spawn_publisher(pool.clone(), nats, node.clone(), wake);
    }
    let lake = means.get::<EventWriter>();
    if let Some(feed) = lake.and_then(|lake| LakeFeed::new(settings, lake.clone())) {
        feed.spawn(node);
    }
}
