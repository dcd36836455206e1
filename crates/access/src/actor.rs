//! Who acts: the bearer of a key in a request, the operator at the command line, or the program itself.

use std::net::IpAddr;

use kernel::{ApiKeyId, GuildId, UserId};

use crate::scope::Scopes;

/// The bearer of a good API key. As an extractor it answers 401 to everybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The key's row.
    pub key_id: ApiKeyId,
    /// What the key is for, in its owner's words.
    pub key_name: String,
    /// The guild the key is confined to; `None` serves every guild.
    pub guild: Option<GuildId>,
    /// The member the key always acts as; `None` acts for whom it says, or as itself.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Scopes,
}

impl Actor {
    /// Whether the key permits what needs `scope`.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.permit(scope)
    }

    /// The actor as journals write it: `user:<id>` for a key bound to a member, else `key:<id>`.
    pub fn changed_by(&self) -> String {
        match self.user {
            Some(user) => format!("user:{user}"),
            None => format!("key:{}", self.key_id),
        }
    }
}

/// Where a request came from, for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, where the server knows it.
    pub ip: Option<IpAddr>,
    /// The request's id, as in the response and the log.
    pub request_id: Option<String>,
}

/// Who makes a change, as `ops` take it from every face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The bearer of an API key.
    Key(&'a Actor),
    /// The operator at the command line, who needs no key.
    Cli,
    /// The program itself: a timer, a clean-up.
    System,
}

impl By<'_> {
    /// As journals write it: `key:<id>`, `user:<id>`, `cli` or `system`.
    pub fn changed_by(&self) -> String {
        match self {
            Self::Key(actor) => actor.changed_by(),
            Self::Cli => "cli".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}
