//! What a process does: the roles of a node among others.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One thing that a process can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers requests.
    Http,
    /// Executes timers.
    Worker,
    /// Runs periodic jobs, when it is the leader's turn.
    Scheduler,
}

impl Role {
    /// Every role, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Http, Self::Worker, Self::Scheduler];

    /// The name, as written in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || format!("must be http, worker or scheduler, not `{text}`");
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(known)
    }
}

/// What a process does: at least one role, each once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RoleList")]
pub struct Roles(Vec<Role>);

impl Roles {
    /// These roles; all of them when there are none.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        let mut roles: Vec<Role> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() { Self::default() } else { Self(roles) }
    }

    /// Whether the process has this role.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// The names, for `jobs.nodes`.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|role| role.as_str()).collect()
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self(Role::ALL.to_vec())
    }
}

impl FromStr for Roles {
    type Err = String;
    /// From a list with commas: `http,worker`.
    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse).collect::<Result<Vec<Role>, _>>().map(Self::new)
    }
}

/// A list, or a text with commas, which is what environment variables hold.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "must be a list of http, worker and scheduler, or a text such as \"http,worker\""
)]
enum RoleList {
    List(Vec<Role>),
    Text(String),
}

impl TryFrom<RoleList> for Roles {
    type Error = String;
    fn try_from(list: RoleList) -> Result<Self, String> {
        match list {
            RoleList::List(roles) => Ok(Self::new(roles)),
            RoleList::Text(text) => text.parse(),
        }
    }
}
