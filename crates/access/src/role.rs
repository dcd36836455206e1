//! What people may do in a guild: the one table from roles to scopes.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use kernel::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scope::{self, Scopes};

/// A role of somebody in a guild. Roles add up: who has several may do what any of them permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, also granting what admins may not.
    Owner,
    /// Every scope that has a name.
    Admin,
    /// Looks after people: members, squads.
    Moderator,
    /// Writes and runs campaigns.
    Author,
    /// Sees how people get on.
    Instructor,
    /// Takes part.
    Member,
}

/// What members may do: look, and take part as themselves.
const MEMBER: &[&str] = &[
    "campaigns:read",
    "campaigns:play",
    "economy:read",
    "economy:play",
    "squads:read",
    "squads:play",
    "community:read",
    "community:play",
    "learning:read",
    "learning:play",
];
const MODERATOR: &[&str] = &["squads:write", "community:write", "settings:read"];
const AUTHOR: &[&str] = &["campaigns:write", "learning:write", "settings:read"];
const INSTRUCTOR: &[&str] = &["learning:grade", "settings:read"];

impl Role {
    /// Every role, the one that may most first.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Moderator, Self::Author, Self::Instructor, Self::Member];

    /// As written in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::Author => "author",
            Self::Instructor => "instructor",
            Self::Member => "member",
        }
    }

    /// What the role permits in its guild.
    pub fn scopes(self) -> &'static Scopes {
        static SCOPES: LazyLock<Vec<(Role, Scopes)>> = LazyLock::new(|| {
            let with = |more: &[&'static str]| Scopes::new(MEMBER.iter().chain(more).copied());
            let named = scope::ALL.iter().map(|scope| scope.name).filter(|name| *name != scope::EVERYTHING);
            vec![
                (Role::Owner, Scopes::new([scope::EVERYTHING])),
                (Role::Admin, Scopes::new(named)),
                (Role::Moderator, with(MODERATOR)),
                (Role::Author, with(AUTHOR)),
                (Role::Instructor, with(INSTRUCTOR)),
                (Role::Member, with(&[])),
            ]
        });
        static NONE: LazyLock<Scopes> = LazyLock::new(Scopes::default);
        SCOPES.iter().find(|(role, _)| *role == self).map_or(&NONE, |(_, scopes)| scopes)
    }

    /// What several roles permit together.
    pub fn scopes_of(roles: impl IntoIterator<Item = Self>) -> Scopes {
        let mut roles = roles.into_iter();
        let (Some(first), rest) = (roles.next(), roles) else { return Scopes::default() };
        let mut rest = rest.peekable();
        // One role is the rule: its list is shared, not copied.
        if rest.peek().is_none() {
            return first.scopes().clone();
        }
        let mut names: Vec<&str> = Vec::new();
        for role in std::iter::once(first).chain(rest) {
            for name in role.scopes().names() {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        Scopes::new(names)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|role| role.as_str()).collect();
            Problem::field("role", format!("must be one of {}", known.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_permits_scopes_that_there_are() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            let names = role.scopes().names();
            assert!(!names.is_empty(), "{role}");
            for name in names {
                assert!(scope::ALL.iter().any(|scope| scope.name == name), "{role}: {name}");
            }
            assert!(role.scopes().cover(Role::Member.scopes()), "{role} may less than a member");
        }
    }

    #[test]
    fn roles_add_up() {
        let both = Role::scopes_of([Role::Author, Role::Moderator]);
        assert!(both.permit("campaigns:write") && both.permit("squads:write") && !both.permit("keys:write"));
        assert_eq!(Role::scopes_of([]), Scopes::default());
        assert!(Role::Admin.scopes().permit("keys:write") && !Role::Admin.scopes().permit("*"));
        assert!(!Role::Admin.scopes().cover(Role::Owner.scopes()));
    }
}
