//! Who may act upon whom: by Discord's roles where they are known, else by roles here.

use access::Role;

use crate::model::{Action, Power, Rank, Standing};

impl Rank {
    /// Whether they have a permission; owners and administrators have all.
    pub fn may(&self, power: Power) -> bool {
        self.owner
            || self.permissions & (Power::Administrator as u64) != 0
            || self.permissions & (power as u64) != 0
    }

    /// Whether they are an administrator, or the owner.
    pub fn administers(&self) -> bool {
        self.owner || self.permissions & (Power::Administrator as u64) != 0
    }
}

/// The permission that an action takes on Discord.
const fn power(action: Action) -> Option<(Power, &'static str)> {
    match action {
        Action::Kick => Some((Power::Kick, "Kick Members")),
        Action::Ban | Action::Unban => Some((Power::Ban, "Ban Members")),
        Action::Timeout | Action::Untimeout => Some((Power::Moderate, "Moderate Members")),
        Action::Purge => Some((Power::ManageMessages, "Manage Messages")),
        Action::Warn | Action::Note => None,
    }
}

/// Why a moderator may not do this; `None` where they may, as far as it is known. Nobody acts upon the owner, nor upon whom their highest role is not
/// above; notes may be about anybody.
pub fn reach(action: Action, standing: &Standing) -> Option<String> {
    let moderator = standing.moderator?;
    if let Some((power, name)) = power(action)
        && !moderator.may(power)
    {
        return Some(format!("you lack the permission {name}"));
    }
    if matches!(action, Action::Note | Action::Unban | Action::Purge) || moderator.owner {
        return None;
    }
    let target = standing.target?;
    if target.owner {
        return Some("this is the guild's owner".to_owned());
    }
    (target.position >= moderator.position).then(|| "their highest role is not below yours".to_owned())
}

/// Why the bot could not carry it out; `None` where it could, as far as it is known. Then the case is made, has failed, and nothing is sent.
pub fn bot_lacks(action: Action, standing: &Standing) -> Option<String> {
    let bot = standing.bot?;
    let (power, name) = power(action)?;
    if !bot.may(power) {
        return Some(format!("The bot lacks the permission {name}."));
    }
    if matches!(action, Action::Unban | Action::Purge) {
        return None;
    }
    let target = standing.target?;
    if target.owner {
        return Some("Nobody can do this to the guild's owner.".to_owned());
    }
    if action == Action::Timeout && target.administers() {
        return Some("Discord lets nobody time out an administrator.".to_owned());
    }
    (target.position >= bot.position).then(|| {
        "The bot's highest role is not above this member's; move it up in the guild's settings.".to_owned()
    })
}

/// Why roles here forbid it; `None` where they do not. Owners and admins may act upon everybody below them, moderators upon who has no such
/// role.
pub fn reach_by_roles(action: Action, moderator: Option<Role>, target: Option<Role>) -> Option<String> {
    if matches!(action, Action::Note | Action::Unban | Action::Purge) {
        return None;
    }
    let rank = |role: Option<Role>| match role {
        Some(Role::Owner) => 3,
        Some(Role::Admin) => 2,
        Some(Role::Moderator) => 1,
        _ => 0,
    };
    (rank(target) > 0 && rank(target) >= rank(moderator))
        .then(|| "this is one of those who run the guild, and not below you".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rank(position: i32, permissions: u64) -> Rank {
        Rank { owner: false, position, permissions }
    }

    fn all() -> u64 {
        [Power::Kick, Power::Ban, Power::ManageGuild, Power::ManageMessages, Power::Moderate]
            .iter()
            .map(|power| *power as u64)
            .sum()
    }

    #[test]
    fn who_is_above_is_out_of_reach() {
        let standing =
            |target, moderator| Standing { target: Some(target), moderator: Some(moderator), bot: None };
        let owner = Rank { owner: true, ..Rank::default() };
        assert!(reach(Action::Ban, &standing(owner, rank(9, all()))).is_some());
        assert!(reach(Action::Ban, &standing(rank(9, 0), owner)).is_none());
        assert!(reach(Action::Ban, &standing(rank(5, 0), rank(5, all()))).is_some());
        assert!(reach(Action::Ban, &standing(rank(4, 0), rank(5, all()))).is_none());
        assert!(reach(Action::Ban, &standing(rank(4, 0), rank(5, 0))).unwrap().contains("Ban Members"));
        assert!(reach(Action::Note, &standing(owner, rank(1, 0))).is_none());
        assert!(reach(Action::Ban, &Standing::default()).is_none(), "what is not known is not looked at");
    }

    #[test]
    fn what_the_bot_cannot_do_is_said_before_it_is_tried() {
        let standing = |target, bot| Standing { target: Some(target), moderator: None, bot: Some(bot) };
        assert!(bot_lacks(Action::Kick, &standing(rank(1, 0), rank(5, 0))).unwrap().contains("Kick Members"));
        let admin = rank(1, Power::Administrator as u64);
        assert!(
            bot_lacks(Action::Timeout, &standing(admin, rank(5, all()))).unwrap().contains("administrator")
        );
        assert!(bot_lacks(Action::Kick, &standing(admin, rank(5, all()))).is_none());
        assert!(bot_lacks(Action::Kick, &standing(rank(5, 0), rank(5, all()))).is_some());
        assert!(
            bot_lacks(Action::Warn, &standing(rank(5, 0), rank(1, 0))).is_none(),
            "a warning takes no power"
        );
    }

    #[test]
    fn roles_here_are_ranks() {
        let moderator = Some(Role::Moderator);
        assert!(reach_by_roles(Action::Ban, moderator, None).is_none());
        assert!(reach_by_roles(Action::Ban, moderator, moderator).is_some());
        assert!(reach_by_roles(Action::Ban, Some(Role::Admin), moderator).is_none());
        assert!(reach_by_roles(Action::Ban, Some(Role::Admin), Some(Role::Owner)).is_some());
        assert!(reach_by_roles(Action::Note, None, Some(Role::Owner)).is_none());
    }

    proptest! {
        #[test]
        fn nobody_reaches_whoever_reaches_them(a in 0i32..20, b in 0i32..20) {
            let pair = |x, y| Standing { target: Some(rank(y, all())), moderator: Some(rank(x, all())), bot: None };
            prop_assert!(reach(Action::Ban, &pair(a, b)).is_some() || reach(Action::Ban, &pair(b, a)).is_some());
        }
    }
}
