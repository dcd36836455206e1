//! Who sees which event: one rule for streams and webhooks, by what is declared of its type ([`jobs::declare_events!`]).

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use jobs::outbox::{Audience, EventType, Stored, Viewer, event_type, event_types};
use kernel::{Problem, UserId};

use crate::scope::{OperationsRead, Scope};
use crate::web::{MEMBER_HEADER, member_if_named};
use crate::{Actor, Scopes};

/// What somebody sees who holds scopes, and acts as a member if as any.
#[derive(Debug, Clone)]
pub struct Sight {
    scopes: Scopes,
    member: Option<UserId>,
    /// Whether it is said for whom is looked: then that member's sight is meant, whatever the key may do besides.
    on_behalf: bool,
}

impl Sight {
    /// Of who holds these scopes, as this member or as nobody.
    pub fn new(scopes: Scopes, member: Option<UserId>) -> Self {
        Self { scopes, member, on_behalf: false }
    }

    /// Of the bearer of a key: as the member the key is bound to, else the one that `Questhall-User` names, else as nobody.
    pub fn of(actor: &Actor, headers: &HeaderMap) -> Result<Self, Problem> {
        let on_behalf = headers.contains_key(MEMBER_HEADER);
        Ok(Self { on_behalf, ..Self::new(actor.scopes.clone(), member_if_named(actor, headers)?) })
    }

    /// Whether what this scope shows of all members is shown.
    pub fn administers(&self, scope: &str) -> bool {
        !self.on_behalf && self.scopes.permit(scope)
    }

    /// What the table is asked for: never less than [`Sight::sees`] lets through.
    pub fn viewer(&self) -> Viewer {
        let admin: BTreeSet<&str> = event_types().into_iter().map(|declared| declared.admin).collect();
        match self.member {
            _ if admin.iter().chain([&OperationsRead::NAME]).any(|scope| self.administers(scope)) => {
                Viewer::Admin
            }
            Some(member) => Viewer::Member(member),
            None => Viewer::Public,
        }
    }

    /// Whether they see this event. What nobody declared is for operators.
    pub fn sees(&self, event: &Stored) -> bool {
        let Some(declared) = event_type(&event.event_type) else {
            return self.administers(OperationsRead::NAME);
        };
        self.sees_as(declared, event.user_id)
    }

    fn sees_as(&self, declared: &EventType, concerned: Option<UserId>) -> bool {
        if self.administers(declared.admin) {
            return true;
        }
        // What is read with the scope of those who administer it is not for members at all.
        if self.on_behalf && declared.read == declared.admin {
            return false;
        }
        let theirs = concerned.is_some() && concerned == self.member;
        let may = match declared.audience {
            Audience::Everyone => concerned.is_none() || theirs,
            Audience::Member => theirs,
            Audience::Admins => false,
        };
        may && self.scopes.permit(declared.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId::new(7);

    fn declared(audience: Audience) -> EventType {
        let (read, admin) = ("kitchen:read", "kitchen:write");
        let (name, module, when) = ("test.kettle", "kitchen", "it boils");
        EventType {
            name,
            audience,
            read,
            admin,
            module,
            when,
            fields: &[],
            example: || serde_json::Value::Null,
        }
    }

    fn sees(scopes: &[&str], member: Option<UserId>, audience: Audience, concerned: Option<UserId>) -> bool {
        let sight = Sight::new(Scopes::new(scopes.iter().copied()), member);
        sight.sees_as(&declared(audience), concerned)
    }

    #[test]
    fn an_event_takes_its_own_scope() {
        assert!(sees(&["kitchen:read"], None, Audience::Everyone, None));
        assert!(sees(&["*"], None, Audience::Everyone, None));
        assert!(!sees(&["garden:read", "garden:write"], Some(ADA), Audience::Everyone, None));
    }

    #[test]
    fn events_about_a_member_are_for_them_and_admins() {
        for audience in [Audience::Member, Audience::Everyone] {
            assert!(sees(&["kitchen:read"], Some(ADA), audience, Some(ADA)));
            assert!(!sees(&["kitchen:read"], Some(UserId::new(8)), audience, Some(ADA)));
            assert!(!sees(&["kitchen:read"], None, audience, Some(ADA)));
            assert!(!sees(&["kitchen:read", "garden:write"], Some(UserId::new(8)), audience, Some(ADA)));
            assert!(sees(&["kitchen:write"], None, audience, Some(ADA)));
        }
        assert!(!sees(&["kitchen:read"], Some(ADA), Audience::Member, None), "it concerns nobody known");
    }

    #[test]
    fn who_looks_for_a_member_sees_what_the_member_sees() {
        let on_behalf = |member, audience, concerned| {
            let sight =
                Sight { on_behalf: true, ..Sight::new(Scopes::new(["*"]), Some(UserId::new(member))) };
            sight.sees_as(&declared(audience), concerned)
        };
        assert!(on_behalf(7, Audience::Member, Some(ADA)) && !on_behalf(8, Audience::Member, Some(ADA)));
        assert!(on_behalf(8, Audience::Everyone, None) && !on_behalf(8, Audience::Everyone, Some(ADA)));
        assert!(!on_behalf(7, Audience::Admins, None));
        let all = Sight { on_behalf: true, ..Sight::new(Scopes::new(["*"]), Some(ADA)) };
        assert!(!all.administers("kitchen:write"));
        assert!(matches!(all.viewer(), Viewer::Member(ADA)));
        let failed = EventType { read: "kitchen:write", ..declared(Audience::Everyone) };
        assert!(!all.sees_as(&failed, None), "its error is for who can mend it");
    }

    #[test]
    fn what_is_for_admins_is_for_nobody_else_whomever_it_names() {
        for concerned in [None, Some(ADA), Some(UserId::HOUSE)] {
            assert!(!sees(&["kitchen:read"], Some(ADA), Audience::Admins, concerned));
            assert!(!sees(&["kitchen:read"], None, Audience::Admins, concerned));
            assert!(sees(&["kitchen:write"], None, Audience::Admins, concerned));
        }
    }
}
