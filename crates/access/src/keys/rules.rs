//! Who may hand out which keys.

use kernel::{ApiKeyId, GuildId, Problem, UserId};

use crate::actor::{Actor, Bearer};
use crate::scope::Scopes;

/// The guild of a key that `actor` asks for: its own where it is confined to one. Another guild's is 404, whether there
/// is such a guild or not.
pub fn guild_of_new_key(actor: &Actor, asked: Option<GuildId>) -> Result<Option<GuildId>, Problem> {
    match (actor.guild, asked) {
        (Some(own), Some(other)) if own != other => Err(Problem::not_found("guild")),
        (Some(own), _) => Ok(Some(own)),
        (None, asked) => Ok(asked),
    }
}

/// Refuses to put into `actor`'s hands a key that can do what `actor` cannot: more scopes, or another member's part.
pub fn may_hand_out(actor: &Actor, user: Option<UserId>, scopes: &Scopes) -> Result<(), Problem> {
    if let Some(lacking) = scopes.names().iter().find(|scope| !actor.has(scope)) {
        return Err(Problem::forbidden(format!(
            "A key cannot hand out what it does not hold itself: it lacks the scope `{lacking}`."
        )));
    }
    if actor.user.is_some() && actor.user != user {
        return Err(Problem::forbidden(
            "A key that is bound to a member hands out only keys that are bound to the same member.",
        ));
    }
    Ok(())
}

/// Refuses to revoke a key that can do what `actor` cannot; its own it may always.
pub fn may_revoke(
    actor: &Actor,
    key: ApiKeyId,
    user: Option<UserId>,
    scopes: &Scopes,
) -> Result<(), Problem> {
    let own = matches!(&actor.bearer, Bearer::Key { id, .. } if *id == key);
    if own {
        return Ok(());
    }
    if let Some(lacking) = scopes.names().iter().find(|scope| !actor.has(scope)) {
        return Err(Problem::forbidden(format!(
            "That key is stronger than this one, which lacks the scope `{lacking}`."
        )));
    }
    if actor.session().is_none() && actor.user.is_some() && actor.user != user {
        return Err(Problem::forbidden(
            "A key that is bound to a member revokes only keys that are bound to the same member.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(guild: Option<i64>, user: Option<i64>, scopes: &[&str]) -> Actor {
        Actor {
            bearer: Bearer::Key { id: ApiKeyId::new(uuid::Uuid::nil()), name: "test".into() },
            guild: guild.map(GuildId::new),
            user: user.map(UserId::new),
            scopes: Scopes::new(scopes.iter().copied()),
        }
    }

    #[test]
    fn a_guilds_key_makes_keys_of_its_guild_only() {
        let confined = actor(Some(1), None, &["*"]);
        assert_eq!(guild_of_new_key(&confined, None).unwrap(), Some(GuildId::new(1)));
        assert_eq!(guild_of_new_key(&confined, Some(GuildId::new(1))).unwrap(), Some(GuildId::new(1)));
        assert_eq!(guild_of_new_key(&confined, Some(GuildId::new(2))).unwrap_err().status(), 404);
        assert_eq!(guild_of_new_key(&actor(None, None, &["*"]), None).unwrap(), None);
    }

    #[test]
    fn nobody_hands_out_more_than_they_hold() {
        let some = actor(Some(1), None, &["keys:write", "squads:read"]);
        assert!(may_hand_out(&some, None, &Scopes::new(["squads:read"])).is_ok());
        assert_eq!(may_hand_out(&some, None, &Scopes::new(["*"])).unwrap_err().status(), 403);
        assert_eq!(may_hand_out(&some, None, &Scopes::new(["squads:write"])).unwrap_err().status(), 403);
    }

    #[test]
    fn a_members_key_makes_no_key_for_others() {
        let bound = actor(Some(1), Some(7), &["*"]);
        let play = Scopes::new(["campaigns:play"]);
        assert!(may_hand_out(&bound, Some(UserId::new(7)), &play).is_ok());
        assert_eq!(may_hand_out(&bound, Some(UserId::new(8)), &play).unwrap_err().status(), 403);
        assert_eq!(may_hand_out(&bound, None, &play).unwrap_err().status(), 403);
    }
}
