//! Webhooks, and the key that seals their secrets.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use kernel::{GuildId, WebhookId};

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Make a webhook and print its secret, this once.
    Create {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// Where to post events to, such as `https://example.org/hooks`.
        #[arg(long)]
        url: String,
        /// Which events, such as `campaign.*`; repeat, or separate with commas [default: all].
        #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', default_value = "*")]
        types: Vec<String>,
    },
    /// List a guild's webhooks, newest first; never their secrets.
    List {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Remove a webhook with its deliveries.
    Delete {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Have it get what happens from now on.
    Enable {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Have it get nothing.
    Disable {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// Give it a new secret and print it; the old one signs too for a while.
    RotateSecret {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// For how many hours.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=168))]
        overlap_hours: u16,
    },
    /// Post a test to it at once; exit code 1 when it does not take it.
    Ping {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
    },
    /// List its latest 200 deliveries.
    Deliveries {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// Only those given up.
        #[arg(long)]
        dead: bool,
    },
    /// Have what was given up delivered again.
    Replay {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The webhook's id, as `webhook list` shows it.
        id: WebhookId,
        /// These deliveries, as `webhook deliveries` shows them.
        #[arg(long = "delivery", value_name = "ID", value_delimiter = ',')]
        deliveries: Vec<i64>,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// Those given up at this time or later, such as 2031-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        from: Option<DateTime<Utc>>,
        /// Those given up before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<DateTime<Utc>>,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Say whether this machine's key is the one that seals the database's secrets, and what it does not open; exit code 1
    /// when it is another.
    Check,
    /// Take this machine's key for that of the installation, the one before being lost for good.
    ///
    /// Without --yes it only says what is lost with the other key: webhooks that need a new secret each (`questhall webhook
    /// rotate-secret`), people who have to sign in by Discord again. Afterwards give every node this key, and start them anew.
    Adopt {
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}
