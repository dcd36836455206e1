//! The operator's side of signing in by Discord.

use std::fmt;

/// An application registered with Discord.
#[derive(Clone, PartialEq, Eq)]
pub struct Discord {
    /// Its client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: String,
    /// Where Discord is: `https://discord.com`, or a stand-in for tests.
    pub base_url: String,
}

impl fmt::Debug for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discord")
            .field("client_id", &self.client_id)
            .field("client_secret", &"…")
            .field("base_url", &self.base_url)
            .finish()
    }
}
