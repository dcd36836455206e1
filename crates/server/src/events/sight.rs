//! Who sees which event.

use access::scope::{
    CampaignsWrite, CommunityWrite, EconomyWrite, OperationsRead, Scope, SquadsWrite, WebhooksWrite,
};
use access::{Actor, web::member_if_named};
use axum::http::HeaderMap;
use jobs::outbox::{Stored, Viewer};
use kernel::{Problem, UserId};

/// What a stream's reader may see.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    actor: Actor,
    member: Option<UserId>,
}

impl Sight {
    /// Of the bearer of a key: as the member the key is bound to, else the one that `Questhall-User` names, else as nobody.
    pub(super) fn of(actor: &Actor, headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self { actor: actor.clone(), member: member_if_named(actor, headers)? })
    }

    /// Whether the bearer sees drafts, and through freezes.
    pub(super) fn runs_campaigns(&self) -> bool {
        self.actor.has(CampaignsWrite::NAME)
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
            _ if admin.iter().any(|scope| self.actor.has(scope)) => Viewer::Admin,
            Some(member) => Viewer::Member(member),
            None => Viewer::Public,
        }
    }

    /// Whether the bearer gets this event.
    pub(super) fn sees(&self, event: &Stored) -> bool {
        delivery::sight::sees(&self.actor.scopes, self.member, event)
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
