//! What people may do in a guild: roles, which hold the scopes that say so ([`scope`]).

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
            // Whoever has another role is a member too.
            let held = |role: Role| {
                let held = scope::named().iter().filter(move |scope| {
                    scope.held_by.contains(&Role::Member) || scope.held_by.contains(&role)
                });
                Scopes::new(held.map(|scope| scope.name))
            };
            let scopes_of = |role| match role {
                Role::Owner => Scopes::new([scope::EVERYTHING]),
                Role::Admin => Scopes::new(scope::named().iter().map(|scope| scope.name)),
                other => held(other),
            };
            Role::ALL.into_iter().map(|role| (role, scopes_of(role))).collect()
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
                let known = scope::named().iter().any(|scope| scope.name == name);
                assert!(known || name == scope::EVERYTHING, "{role}: {name}");
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
