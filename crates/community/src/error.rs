//! What can go wrong with members and what they earn.

use kernel::{GuildId, Problem, UserId};

/// Why an operation on members was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such member.
    #[error("there is no member {0} in this guild")]
    UnknownMember(UserId),
    /// A grant names somebody who is no member yet.
    #[error("a grant names somebody who is no member of guild {0}")]
    GrantToStranger(GuildId),
    /// A grant would take more gold, XP or stars than a member has, or give more XP than fit.
    #[error("a member would be left with less than no {0}, or with more than can be counted")]
    OutOfRange(&'static str),
    /// A guild's key would change what a person is in other guilds too.
    #[error("this person is in other guilds too; `{0}` is theirs as well")]
    Shared(&'static str),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(&'static str, &'static str),
    /// A field is wrong in a way that takes more words.
    #[error("`{0}` {1}")]
    Invalid(&'static str, String),
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    Unknown(&'static str),
    /// It cannot be done now: why, as a sentence without its full stop.
    #[error("{0}")]
    Refused(String),
    /// A refusal with a kind of its own.
    #[error("{1}")]
    Special(kernel::problem::Kind, String),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

/// What a violated constraint means, as a sentence without its full stop.
fn sentence(constraint: &str) -> Option<&'static str> {
    Some(match constraint {
        "uq_seasons_guild_id_name" => "another season bears this name",
        "ex_seasons_overlap" => "two seasons would overlap: an event belongs to one season at most",
        "uq_achievement_templates_guild_id_name" => "another achievement bears this name",
        "uq_categories_guild_id_name" => "another category bears this name",
        "uq_category_channels_channel_id" => "one of these channels is in another category",
        "fk_multiplier_events_category_id_categories" => "the guild has no such category",
        "uq_shop_items_guild_id_slug" => "another item of the shop has this short name",
        "uq_skills_guild_id_slug" => "another skill has this short name",
        _ => return None,
    })
}

impl From<sqlx::Error> for Error {
    /// Turns the constraints that callers can run into into words; the rest stays what it is.
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("ck_members_gold") => Self::OutOfRange("gold"),
            Some("ck_members_xp") => Self::OutOfRange("XP"),
            Some("ck_members_stars") => Self::OutOfRange("stars"),
            Some(other) if sentence(other).is_some() => {
                Self::Refused(sentence(other).unwrap_or_default().to_owned())
            }
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownMember(_) => Self::not_found("member"),
            Error::OutOfRange(_) => Self::conflict(format!("{error}.")),
            Error::Shared(field) => Self::forbidden(format!(
                "This person is a member of other guilds too, where `{field}` would change as well; that takes a key that is \
                 confined to no guild."
            )),
            Error::Field(field, message) => Self::field(field, message),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::Unknown(what) => Self::not_found(what),
            Error::Refused(_) => Self::conflict(capital(&error)),
            Error::Special(kind, _) => Self::new(kind, capital(&error)),
            Error::GrantToStranger(_) => Self::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
fn capital(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
