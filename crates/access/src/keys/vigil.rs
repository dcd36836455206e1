//! Watch over those who hold an answer, or an upload, that lasts: when their key is revoked or their role taken, it ends too.
//!
//! One task a process looks every `LOOK` at all of them, in the cache that requests ask as well: however many streams are
//! held, the database is asked once a round about all keys and once about all sessions. It lives while there is somebody to
//! watch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::GuildId;
use tokio_util::sync::CancellationToken;

use super::cache::KeyCache;
use crate::actor::Actor;

/// How often it is looked: with the age that the cache lets its answers have, a revoked key's streams end within a second.
const LOOK: Duration = Duration::from_millis(200);

/// The watch of one process. Cheap to clone; clones are the same watch.
#[derive(Debug, Clone)]
pub struct Vigils(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: KeyCache,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    next: u64,
    looking: bool,
    held: HashMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    secret: Arc<str>,
    guild: Option<GuildId>,
    /// As they were when it began.
    actor: Actor,
    over: CancellationToken,
}

impl Held {
    /// Whether who holds it may do now what they might do when it began: no less, and no more, for what is sent was chosen
    /// by that.
    fn stands(&self, now: &Actor) -> bool {
        let here = |actor: &Actor| match self.guild {
            Some(guild) => actor.in_guild(guild),
            None => Some(actor.clone()),
        };
        match (here(&self.actor), here(now)) {
            (Some(then), Some(now)) => {
                (then.guild, then.user) == (now.guild, now.user)
                    && then.scopes.cover(&now.scopes)
                    && now.scopes.cover(&then.scopes)
            }
            _ => false,
        }
    }
}

/// Watches while it is held.
#[derive(Debug)]
pub struct Vigil {
    vigils: Vigils,
    id: u64,
    over: CancellationToken,
}

impl Vigil {
    /// Cancelled when what is watched over has to end.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        self.vigils.watched().held.remove(&self.id);
    }
}

impl Vigils {
    /// A watch that asks this cache.
    pub fn new(keys: KeyCache) -> Self {
        Self(Arc::new(Inner { keys, watched: Mutex::default() }))
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches over whoever bears `secret` and is `actor`, in a guild if it is in one.
    pub fn begin(&self, secret: &str, actor: Actor, guild: Option<GuildId>) -> Vigil {
        let over = CancellationToken::new();
        let held = Held { secret: secret.into(), guild, actor, over: over.clone() };
        let mut watched = self.watched();
        let id = watched.next;
        watched.next += 1;
        watched.held.insert(id, held);
        if !std::mem::replace(&mut watched.looking, true) {
            let vigils = self.clone();
            tokio::spawn(async move { vigils.look().await });
        }
        drop(watched);
        Vigil { vigils: self.clone(), id, over }
    }

    async fn look(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let secrets: Vec<Arc<str>> = {
                let mut watched = self.watched();
                if watched.held.is_empty() {
                    watched.looking = false;
                    return;
                }
                let mut secrets: Vec<_> =
                    watched.held.values().map(|held| Arc::clone(&held.secret)).collect();
                secrets.sort_unstable();
                secrets.dedup();
                secrets
            };
            let mut now = HashMap::new();
            for secret in secrets {
                // While the database is away, nothing is learnt, and nothing comes either.
                if let Ok(actor) = self.0.keys.still(&secret).await {
                    now.insert(secret, actor);
                }
            }
            for held in self.watched().held.values() {
                if let Some(now) = now.get(&held.secret)
                    && !now.as_ref().is_some_and(|now| held.stands(now))
                {
                    held.over.cancel();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::UserId;

    use super::*;
    use crate::actor::{Person, Session};
    use crate::keys::cache::FRESH;
    use crate::role::Role;

    fn person(roles: &[(i64, Role)]) -> Actor {
        Actor::of_session(Session {
            operator: false,
            id: uuid::Uuid::nil(),
            person: Person::User(UserId::new(5)),
            csrf_hash: [0; 32],
            roles: roles.iter().map(|(guild, role)| (GuildId::new(*guild), *role)).collect(),
            discord_age: None,
        })
    }

    #[test]
    fn a_revoked_keys_streams_end_within_a_second() {
        // The look that finds an answer no longer fresh has it asked anew, and the next one hears it.
        assert!(FRESH.to_std().unwrap() + 2 * LOOK < Duration::from_secs(1));
    }

    #[test]
    fn a_role_taken_or_given_ends_what_was_begun_with_others() {
        let actor = person(&[(1, Role::Author), (2, Role::Member)]);
        let over = CancellationToken::new();
        let held = Held { secret: "".into(), guild: Some(GuildId::new(1)), actor, over };
        assert!(held.stands(&person(&[(1, Role::Author), (2, Role::Member)])));
        assert!(held.stands(&person(&[(1, Role::Author)])), "another guild's role is nothing to this one");
        for roles in
            [&[(1, Role::Member)][..], &[(1, Role::Author), (1, Role::Moderator)], &[(2, Role::Author)], &[]]
        {
            assert!(!held.stands(&person(roles)), "{roles:?}");
        }
    }
}
