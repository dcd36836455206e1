//! What a process does: the roles of a node among others.

use std::str::FromStr;

use serde::Deserialize;

kernel::decl_words! {
    /// One thing that a process can do.
    pub enum Role {
        /// Answers requests.
        Http = "http",
        /// Executes timers.
        Worker = "worker",
        /// Runs periodic jobs, when it is the leader's turn.
        Scheduler = "scheduler",
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
        let roles =
            names.map(|name| name.parse::<Role>().map_err(|unknown| format!("{unknown}, not `{name}`")));
        roles.collect::<Result<Vec<Role>, _>>().map(Self::new)
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
