//! Who acts: the bearer of a key or the holder of a session in a request, the operator at the command line, or the
//! program itself.

use std::net::IpAddr;
use std::sync::Arc;

use kernel::{ApiKeyId, GuildId, UserId};
use uuid::Uuid;

use crate::role::Role;
use crate::scope::{EVERYTHING, Scopes};

/// Who sent a request, and what they may do. As an extractor it answers 401 to everybody unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// By what they are known.
    pub bearer: Bearer,
    /// The guild that they are confined to; `None` serves every guild.
    pub guild: Option<GuildId>,
    /// The member they always act as; `None` acts for whom it says, or as itself.
    pub user: Option<UserId>,
    /// What they may do; of a person who is signed in only what holds whatever the guild: see [`Actor::in_guild`].
    pub scopes: Scopes,
}

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// An API key.
    Key {
        /// The key's row.
        id: ApiKeyId,
        /// What the key is for, in its owner's words.
        name: Arc<str>,
    },
    /// A session.
    Session(Arc<Session>),
}

/// A session as requests meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's row.
    pub id: Uuid,
    /// Who is signed in.
    pub person: Person,
    /// SHA-256 of the token that unsafe requests must carry.
    pub csrf_hash: [u8; 32],
    /// The person's roles.
    pub roles: Vec<(GuildId, Role)>,
    /// For how many seconds Discord was not asked about them; `None` where nobody may ask it.
    pub discord_age: Option<i64>,
    /// Whether the person runs the installation: then what concerns all of it is theirs. In a guild their roles count.
    pub operator: bool,
}

/// Somebody who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// A Discord user, who may do what their roles permit, guild by guild.
    User(UserId),
    /// A local administrator, who may do everything: in development only.
    Admin {
        /// The row in `access.admin_users`.
        id: Uuid,
        /// Their name.
        username: Arc<str>,
    },
}

impl Person {
    /// As journals write it: `user:<id>` or `admin:<id>`.
    pub fn changed_by(&self) -> String {
        match self {
            Self::User(user) => format!("user:{user}"),
            Self::Admin { id, .. } => format!("admin:{id}"),
        }
    }
}

impl Actor {
    /// Who holds this session.
    pub(crate) fn of_session(session: Session) -> Self {
        let (user, scopes) = match &session.person {
            Person::User(user) if session.operator => (Some(*user), Scopes::new([EVERYTHING])),
            Person::User(user) => (Some(*user), Scopes::default()),
            Person::Admin { .. } => (None, Scopes::new([EVERYTHING])),
        };
        Self { bearer: Bearer::Session(Arc::new(session)), guild: None, user, scopes }
    }

    /// The session, where it is one.
    pub fn session(&self) -> Option<&Session> {
        match &self.bearer {
            Bearer::Key { .. } => None,
            Bearer::Session(session) => Some(session),
        }
    }

    /// Whether this is somebody signed in who runs the installation.
    pub fn is_operator(&self) -> bool {
        self.session().is_some_and(|session| session.operator)
    }

    /// The actor as they are in this guild; `None` where the guild does not exist for them.
    pub fn in_guild(&self, guild: GuildId) -> Option<Self> {
        match &self.bearer {
            Bearer::Session(session) if matches!(session.person, Person::User(_)) => {
                let here = session.roles.iter().filter(|(of, _)| *of == guild).map(|(_, role)| *role);
                let scopes = Role::scopes_of(here);
                (!scopes.names().is_empty()).then(|| Self { guild: Some(guild), scopes, ..self.clone() })
            }
            _ if self.guild.is_some_and(|own| own != guild) => None,
            _ => Some(self.clone()),
        }
    }

    /// The actor with no more than what every member may do: who acts for a member does not do it as an administrator.
    #[must_use]
    pub fn as_member(self) -> Self {
        let names = Role::Member.scopes().names().iter().filter(|name| self.has(name)).cloned();
        let scopes = Scopes::new(names.collect::<Vec<_>>());
        Self { scopes, ..self }
    }

    /// Whether they may do what needs `scope`.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.permit(scope)
    }

    /// The actor as journals write it: `user:<id>` for a member or a key bound to one, `key:<id>` or `admin:<id>`.
    pub fn changed_by(&self) -> String {
        match (&self.bearer, self.user) {
            (Bearer::Session(session), _) => session.person.changed_by(),
            (Bearer::Key { .. }, Some(user)) => format!("user:{user}"),
            (Bearer::Key { id, .. }, None) => format!("key:{id}"),
        }
    }

    /// Whose requests these are, as `Idempotency-Key`, rate limits and streams tell senders apart: a key, or a person in
    /// all their sessions.
    pub fn sender(&self) -> String {
        match &self.bearer {
            Bearer::Key { id, .. } => format!("key:{id}"),
            Bearer::Session(session) => session.person.changed_by(),
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
    /// Who sent a request: the bearer of an API key, or who is signed in.
    Key(&'a Actor),
    /// The operator at the command line, who needs no key.
    Cli,
    /// The program itself: a timer, a clean-up.
    System,
}

impl By<'_> {
    /// As journals write it: `key:<id>`, `user:<id>`, `admin:<id>`, `cli` or `system`.
    pub fn changed_by(&self) -> String {
        match self {
            Self::Key(actor) => actor.changed_by(),
            Self::Cli => "cli".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_in(roles: &[(i64, Role)]) -> Actor {
        Actor::of_session(Session {
            id: Uuid::nil(),
            person: Person::User(UserId::new(5)),
            csrf_hash: [0; 32],
            roles: roles.iter().map(|(guild, role)| (GuildId::new(*guild), *role)).collect(),
            discord_age: None,
            operator: false,
        })
    }

    #[test]
    fn an_operator_may_do_everything_outside_of_guilds_and_in_them_what_their_roles_permit() {
        let mut session = signed_in(&[(1, Role::Member)]).session().unwrap().clone();
        session.operator = true;
        let actor = Actor::of_session(session);
        assert!(actor.is_operator() && actor.has("settings:write") && actor.has("operations:write"));
        assert!(!actor.in_guild(GuildId::new(1)).unwrap().has("settings:write"));
        assert_eq!(actor.in_guild(GuildId::new(2)), None);
        assert!(!signed_in(&[(1, Role::Owner)]).is_operator());
    }

    #[test]
    fn who_is_signed_in_may_do_guild_by_guild_what_their_roles_permit() {
        let actor = signed_in(&[(1, Role::Admin), (2, Role::Member), (2, Role::Author)]);
        assert!(!actor.has("campaigns:read"), "nothing outside of guilds");
        let one = actor.in_guild(GuildId::new(1)).unwrap();
        assert!(
            one.has("keys:write") && one.guild == Some(GuildId::new(1)) && one.user == Some(UserId::new(5))
        );
        let two = actor.in_guild(GuildId::new(2)).unwrap();
        assert!(two.has("campaigns:write") && !two.has("keys:write"));
        assert_eq!(actor.in_guild(GuildId::new(3)), None);
    }
}
