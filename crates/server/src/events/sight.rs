//! Who sees which event.

use access::Actor;
use access::scope::{
    CampaignsWrite, CommunityWrite, EconomyWrite, OperationsRead, Scope, SquadsWrite, WebhooksWrite,
};
use access::web::{MEMBER_HEADER, member_if_named};
use axum::http::HeaderMap;
use jobs::outbox::{Stored, Viewer};
use kernel::{Problem, UserId};

/// What a stream's reader may see.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    actor: Actor,
    member: Option<UserId>,
    /// Whether the request says for whom it looks: then it sees what that member sees, whatever the key may do besides.
    on_behalf: bool,
}

impl Sight {
    /// Of the bearer of a key: as the member the key is bound to, else the one that `Questhall-User` names, else as nobody.
    pub(super) fn of(actor: &Actor, headers: &HeaderMap) -> Result<Self, Problem> {
        let on_behalf = headers.contains_key(MEMBER_HEADER);
        Ok(Self { actor: actor.clone(), member: member_if_named(actor, headers)?, on_behalf })
    }

    /// Whether the bearer sees drafts, and through freezes.
    pub(super) fn runs_campaigns(&self) -> bool {
        !self.on_behalf && self.actor.has(CampaignsWrite::NAME)
    }

    /// What the table is asked for: never less than [`Sight::sees`] lets through.
    pub(super) fn viewer(&self) -> Viewer {
        let admin = [
            CampaignsWrite::NAME,
            SquadsWrite::NAME,
            EconomyWrite::NAME,
            CommunityWrite::NAME,
            WebhooksWrite::NAME,
            OperationsRead::NAME,
        ];
        match self.member {
            _ if !self.on_behalf && admin.iter().any(|scope| self.actor.has(scope)) => Viewer::Admin,
            Some(member) => Viewer::Member(member),
            None => Viewer::Public,
        }
    }

    /// Whether the bearer gets this event.
    pub(super) fn sees(&self, event: &Stored) -> bool {
        let (scopes, member) = (&self.actor.scopes, self.member);
        if self.on_behalf {
            delivery::sight::member_sees(scopes, member, event)
        } else {
            delivery::sight::sees(scopes, member, event)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::Scopes;
    use jobs::outbox::Position;
    use kernel::{ApiKeyId, GuildId};

    fn sight(scopes: &[&str], member: Option<i64>) -> Sight {
        let actor = Actor {
            bearer: access::Bearer::Key { id: ApiKeyId::new(uuid::Uuid::nil()), name: "test".into() },
            guild: None,
            user: member.map(UserId::new),
            scopes: Scopes::new(scopes.iter().copied()),
        };
        Sight::of(&actor, &HeaderMap::new()).unwrap()
    }

    fn event(event_type: &str, user: Option<i64>) -> Stored {
        Stored {
            position: Position::START,
            event_id: uuid::Uuid::nil(),
            guild_id: GuildId::new(1),
            event_type: event_type.to_owned(),
            subject: "x".to_owned(),
            correlation_id: None,
            user_id: user.map(UserId::new),
            payload: serde_json::Value::Null,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_family_takes_its_own_scope() {
        let reader = sight(&["campaigns:read"], None);
        assert!(reader.sees(&event("campaign.started", None)));
        for other in ["squad.joined", "bytes.transferred", "member.joined", "timer.failed", "unheard.of"] {
            assert!(!reader.sees(&event(other, None)), "{other}");
        }
        assert!(sight(&["*"], None).sees(&event("unheard.of", None)));
    }

    #[test]
    fn events_about_a_member_are_for_them_and_admins() {
        let solved = event("challenge.solved", Some(7));
        assert!(sight(&["campaigns:read"], Some(7)).sees(&solved));
        assert!(!sight(&["campaigns:read"], Some(8)).sees(&solved));
        assert!(!sight(&["campaigns:read"], None).sees(&solved));
        assert!(!sight(&["campaigns:read", "economy:write"], Some(8)).sees(&solved));
        assert!(sight(&["campaigns:write"], Some(8)).sees(&solved));
    }

    #[test]
    fn who_looks_for_a_member_sees_what_the_member_sees() {
        let solved = event("challenge.solved", Some(7));
        let admin = sight(&["*"], None);
        let on_behalf =
            |member| Sight { member: Some(UserId::new(member)), on_behalf: true, ..admin.clone() };
        assert!(admin.sees(&solved) && admin.runs_campaigns());
        assert!(on_behalf(7).sees(&solved) && !on_behalf(7).runs_campaigns());
        assert!(!on_behalf(8).sees(&solved));
        assert!(on_behalf(8).sees(&event("campaign.started", None)));
        assert!(!on_behalf(8).sees(&event("timer.failed", None)), "its error is for who can mend it");
        assert!(matches!(on_behalf(8).viewer(), Viewer::Member(user) if user == UserId::new(8)));
    }

    #[test]
    fn the_table_is_never_asked_for_less_than_is_seen() {
        for scopes in [&["campaigns:read"][..], &["campaigns:write"], &["economy:write"], &["*"]] {
            for member in [None, Some(7)] {
                let sight = sight(scopes, member);
                let filter = jobs::outbox::Filter::all(sight.viewer());
                for event in [
                    event("challenge.solved", Some(7)),
                    event("bytes.paid", Some(9)),
                    event("squad.joined", None),
                ] {
                    assert!(filter.matches(&event) || !sight.sees(&event), "{scopes:?} {member:?}");
                }
            }
        }
    }
}
