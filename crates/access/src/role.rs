//! What people may do in a guild: roles, which hold the scopes that say so ([`scope`]).

use std::sync::LazyLock;

use kernel::Problem;
use kernel::words::UnknownWord;

use crate::scope::{self, Scopes};

kernel::decl_words! {
    /// A role of somebody in a guild. Roles add up: who has several may do what any of them permits.
    pub enum Role {
        /// Everything, also granting what admins may not.
        Owner = "owner",
        /// Every scope that has a name.
        Admin = "admin",
        /// Looks after people: members, squads.
        Moderator = "moderator",
        /// Writes and runs campaigns.
        Author = "author",
        /// Sees how people get on.
        Instructor = "instructor",
        /// Takes part.
        Member = "member",
    }
}

impl Role {
    /// The role of this name; who asked for another is told which there are.
    pub fn named(name: &str) -> Result<Self, Problem> {
        name.parse().map_err(|unknown: UnknownWord| Problem::field("role", unknown.to_string()))
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
