//! Rules as administrators write them: what each looks at, and what it does.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, RoleId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::verdict::Act;
use crate::error::Error;
use crate::model::{RaidAction, RuleId};
use crate::rules::LONGEST_TIMEOUT;

kernel::decl_words! {
    /// What a rule looks at.
    #[schema(as = AutomodRuleType)]
    pub enum RuleType {
        /// So many messages of a member in a time.
        MessageRate = "message_rate",
        /// The same content by a member, so often in a time.
        DuplicateMessages = "duplicate_messages",
        /// The same content by a member in so many channels.
        CrossChannelSpam = "cross_channel_spam",
        /// So many mentions in a message.
        Mentions = "mentions",
        /// Links, by their domains.
        Links = "links",
        /// Invites to other guilds.
        Invites = "invites",
        /// Words, however they are disguised.
        Words = "words",
        /// Regular expressions of linear time.
        Regex = "regex",
        /// Files, by their endings.
        AttachmentTypes = "attachment_types",
        /// So many emoji in a message.
        EmojiSpam = "emoji_spam",
        /// Capitals.
        CapsSpam = "caps_spam",
        /// The same content by so many accounts.
        SameContent = "same_content",
        /// Names of members.
        UsernameRegex = "username_regex",
        /// Accounts that were made only lately.
        YoungAccount = "young_account",
        /// Accounts without a picture.
        MissingAvatar = "missing_avatar",
        /// So many who join in a time.
        JoinRate = "join_rate",
    }
}

impl RuleType {
    /// Whether it judges who joins, and not what is written.
    pub const fn is_of_accounts(self) -> bool {
        matches!(self, Self::UsernameRegex | Self::YoungAccount | Self::MissingAvatar | Self::JoinRate)
    }
}

/// So many in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// Within so many seconds.
    pub seconds: u32,
}

/// What a rule of each type is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Config {
    /// See [`RuleType::MessageRate`].
    MessageRate(Rate),
    /// See [`RuleType::DuplicateMessages`].
    DuplicateMessages(Rate),
    /// See [`RuleType::CrossChannelSpam`]: so many channels.
    CrossChannelSpam(Rate),
    /// See [`RuleType::Mentions`].
    Mentions(Mentions),
    /// See [`RuleType::Links`].
    Links(Links),
    /// See [`RuleType::Invites`].
    Invites(Invites),
    /// See [`RuleType::Words`].
    Words(Words),
    /// See [`RuleType::Regex`].
    Regex(Patterns),
    /// See [`RuleType::AttachmentTypes`].
    AttachmentTypes(Endings),
    /// See [`RuleType::EmojiSpam`].
    EmojiSpam(Count),
    /// See [`RuleType::CapsSpam`].
    CapsSpam(Caps),
    /// See [`RuleType::SameContent`].
    SameContent(Same),
    /// See [`RuleType::UsernameRegex`].
    UsernameRegex(Patterns),
    /// See [`RuleType::YoungAccount`].
    YoungAccount(Hours),
    /// See [`RuleType::MissingAvatar`].
    MissingAvatar(Nothing),
    /// See [`RuleType::JoinRate`].
    JoinRate(Joins),
}

/// So many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// How many are too many.
    pub count: u32,
}

/// Mentions that are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mentions {
    /// How many are too many: members and roles, each once.
    pub count: u32,
    /// Whether `@everyone` and `@here` are too many by themselves.
    #[serde(default = "yes")]
    pub everyone: bool,
}

/// Which links are let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Only these domains and what is below them, if there are any.
    #[serde(default)]
    pub allow: Vec<String>,
    /// None of these; with neither list, none at all.
    #[serde(default)]
    pub deny: Vec<String>,
    /// Whether a link that leads on, nobody knows whither, counts as denied unless it is allowed by name.
    #[serde(default = "yes")]
    pub redirectors: bool,
}

/// Which invites are let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invites {
    /// Codes of invites that may be posted, such as the guild's own.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// Words. `bad*` is a beginning, `*bad` an end, `*bad*` anything with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The words.
    pub words: Vec<String>,
}

/// Regular expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patterns {
    /// The patterns, each tried on what is shown and on its plain form.
    pub patterns: Vec<String>,
    /// Whether capitals matter.
    #[serde(default)]
    pub case_sensitive: bool,
}

/// Endings of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endings {
    /// Only these, if there are any.
    #[serde(default)]
    pub allow: Vec<String>,
    /// None of these.
    #[serde(default)]
    pub deny: Vec<String>,
}

/// Capitals that are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Of a hundred letters, so many capitals are too many.
    pub percent: u32,
    /// Texts with fewer letters are let through.
    #[serde(default = "twenty")]
    pub min_letters: u32,
}

/// The same content by many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Same {
    /// By how many accounts.
    pub accounts: u32,
    /// Within so many seconds.
    pub seconds: u32,
    /// Shorter texts are let through: many say "hello".
    #[serde(default = "twenty")]
    pub min_length: u32,
}

/// An age of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Younger accounts are too young.
    pub hours: u32,
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Joins that are too many, and what then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joins {
    /// How many.
    pub count: u32,
    /// Within so many seconds.
    pub seconds: u32,
    /// What raid mode does to who joins then; without, it is not switched on.
    #[serde(default)]
    pub raid: Option<RaidAction>,
    /// For how many minutes.
    #[serde(default)]
    pub raid_minutes: Option<u32>,
}

const fn yes() -> bool {
    true
}

const fn twenty() -> u32 {
    20
}

impl Config {
    /// Reads and checks what a rule of a type is told.
    pub fn read(rule_type: RuleType, value: &Value) -> Result<Self, Error> {
        fn of<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Error> {
            T::deserialize(value).map_err(|error| Error::At("config".to_owned(), told(&error.to_string())))
        }
        let config = match rule_type {
            RuleType::MessageRate => Self::MessageRate(of(value)?),
            RuleType::DuplicateMessages => Self::DuplicateMessages(of(value)?),
            RuleType::CrossChannelSpam => Self::CrossChannelSpam(of(value)?),
            RuleType::Mentions => Self::Mentions(of(value)?),
            RuleType::Links => Self::Links(of(value)?),
            RuleType::Invites => Self::Invites(of(value)?),
            RuleType::Words => Self::Words(of(value)?),
            RuleType::Regex => Self::Regex(of(value)?),
            RuleType::AttachmentTypes => Self::AttachmentTypes(of(value)?),
            RuleType::EmojiSpam => Self::EmojiSpam(of(value)?),
            RuleType::CapsSpam => Self::CapsSpam(of(value)?),
            RuleType::SameContent => Self::SameContent(of(value)?),
            RuleType::UsernameRegex => Self::UsernameRegex(of(value)?),
            RuleType::YoungAccount => Self::YoungAccount(of(value)?),
            RuleType::MissingAvatar => Self::MissingAvatar(of(value)?),
            RuleType::JoinRate => Self::JoinRate(of(value)?),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            Self::MessageRate(rate) | Self::DuplicateMessages(rate) | Self::CrossChannelSpam(rate) => {
                within("count", rate.count, 2, 100)?;
                within("seconds", rate.seconds, 1, 3_600)
            }
            Self::Mentions(mentions) => within("count", mentions.count, 1, 100),
            Self::Links(links) => {
                list("allow", &links.allow, 1_000, 253)?;
                list("deny", &links.deny, 10_000, 253)
            }
            Self::Invites(invites) => list("allow", &invites.allow, 1_000, 100),
            Self::Words(words) => some("words", &words.words, 2_000, 100),
            Self::Regex(patterns) | Self::UsernameRegex(patterns) => {
                some("patterns", &patterns.patterns, 100, 500)
            }
            Self::AttachmentTypes(endings) => {
                list("allow", &endings.allow, 200, 20)?;
                list("deny", &endings.deny, 200, 20)?;
                if endings.allow.is_empty() && endings.deny.is_empty() {
                    return Err(Error::At(
                        "config.deny".to_owned(),
                        "must name an ending, if `allow` does not".to_owned(),
                    ));
                }
                Ok(())
            }
            Self::EmojiSpam(emoji) => within("count", emoji.count, 1, 1_000),
            Self::CapsSpam(caps) => {
                within("percent", caps.percent, 1, 100)?;
                within("min_letters", caps.min_letters, 1, 4_000)
            }
            Self::SameContent(same) => {
                within("accounts", same.accounts, 2, 100)?;
                within("seconds", same.seconds, 1, 3_600)?;
                within("min_length", same.min_length, 1, 4_000)
            }
            Self::YoungAccount(age) => within("hours", age.hours, 1, 87_600),
            Self::MissingAvatar(_) => Ok(()),
            Self::JoinRate(joins) => {
                within("count", joins.count, 2, 10_000)?;
                within("seconds", joins.seconds, 1, 3_600)?;
                within("raid_minutes", joins.raid_minutes.unwrap_or(1), 1, 1_440)
            }
        }
    }
}

/// serde's words without the place in a text that nobody sees.
fn told(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    format!("is not what this type of rule takes: {message}")
}

fn within(field: &str, value: u32, least: u32, most: u32) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::At(format!("config.{field}"), format!("must be between {least} and {most}")))
}

fn list(field: &str, items: &[String], most: usize, longest: usize) -> Result<(), Error> {
    if items.len() > most {
        return Err(Error::At(format!("config.{field}"), format!("must be at most {most} entries")));
    }
    match items
        .iter()
        .position(|item| item.trim().is_empty() || item.chars().count() > longest || item.contains('\0'))
    {
        Some(n) => {
            Err(Error::At(format!("config.{field}[{n}]"), format!("must be 1 to {longest} characters")))
        }
        None => Ok(()),
    }
}

fn some(field: &str, items: &[String], most: usize, longest: usize) -> Result<(), Error> {
    if items.is_empty() {
        return Err(Error::At(format!("config.{field}"), "must not be empty".to_owned()));
    }
    list(field, items, most, longest)
}

/// A rule to be made, or as it is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAutomodRule)]
pub struct NewRule {
    /// Its name, unique in the guild: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it looks at.
    pub rule_type: RuleType,
    /// Thresholds and lists, by type: see docs/moderation.md.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    pub config: Value,
    /// What it does on a match.
    pub action: Act,
    /// How long a time-out (needed, at most 28 days) or a ban lasts.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub duration_seconds: Option<i32>,
    /// Whether the message goes too.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub delete_message: bool,
    /// Reason shown to the member; one made from the name, if left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// Channel that is told of a match; the guild's usual one, if left out.
    #[serde(default)]
    pub alert_channel_id: Option<ChannelId>,
    /// Members with any of these roles are let through.
    #[serde(default)]
    #[schema(max_items = 250)]
    pub exempt_role_ids: Vec<RoleId>,
    /// What is written in these channels, their threads, or channels of these categories is let through.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub exempt_channel_ids: Vec<ChannelId>,
    /// Whether rules after it are tried although it matched.
    #[serde(default)]
    pub continue_matching: bool,
    /// Whether a match is only recorded.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether it is tried at all.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub is_active: bool,
    /// Place in the order, low numbers first.
    #[serde(default)]
    pub priority: i32,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

impl NewRule {
    /// Checks everything but the patterns, which [`super::Pipeline::compile`] does.
    pub fn checked(mut self) -> Result<(Self, Config), Error> {
        self.name = kernel::fields::line("name", &self.name, 100)?;
        if let Some(reason) = &self.reason {
            self.reason = Some(crate::rules::line("reason", reason, 500)?);
        }
        check_duration(self.action == Act::Timeout, self.action == Act::Ban, self.duration_seconds)?;
        if self.action == Act::Delete && self.rule_type.is_of_accounts() {
            return Err(Error::At(
                "action".to_owned(),
                "cannot be delete: this rule judges accounts, not messages".to_owned(),
            ));
        }
        if self.exempt_role_ids.len() > 250 {
            return Err(Error::At("exempt_role_ids".to_owned(), "must be at most 250".to_owned()));
        }
        if self.exempt_channel_ids.len() > 500 {
            return Err(Error::At("exempt_channel_ids".to_owned(), "must be at most 500".to_owned()));
        }
        if self.config.to_string().len() > 200_000 {
            return Err(Error::At("config".to_owned(), "must be at most 200,000 bytes".to_owned()));
        }
        let config = Config::read(self.rule_type, &self.config)?;
        Ok((self, config))
    }
}

/// Checks how long something lasts that a rule or a rung does.
pub(crate) fn check_duration(timeout: bool, ban: bool, seconds: Option<i32>) -> Result<(), Error> {
    let wrong = |message: &str| Err(Error::At("duration_seconds".to_owned(), message.to_owned()));
    match seconds {
        None if timeout => wrong("must say for how long"),
        Some(seconds) if timeout && !(1..=LONGEST_TIMEOUT).contains(&i64::from(seconds)) => {
            wrong("must be between 1 and 2419200")
        }
        Some(seconds) if ban && seconds < 1 => wrong("must be at least 1"),
        Some(_) if !timeout && !ban => wrong("is for time-outs and bans only"),
        _ => Ok(()),
    }
}

/// A rule of a guild.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AutomodRule)]
pub struct Rule {
    /// Its row.
    pub id: RuleId,
    /// What it is.
    pub rule: NewRule,
    /// Who made it; absent where a key without a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(rule_type: RuleType, config: &Value) -> String {
        Config::read(rule_type, config).unwrap_err().to_string()
    }

    #[test]
    fn what_a_rule_is_told_is_checked_by_its_type() {
        for (rule_type, config, place) in [
            (RuleType::MessageRate, json!({ "count": 1, "seconds": 5 }), "config.count"),
            (RuleType::MessageRate, json!({ "count": 5 }), "config"),
            (RuleType::MessageRate, json!({ "count": 5, "seconds": 5, "x": 1 }), "config"),
            (RuleType::CrossChannelSpam, json!({ "count": 3, "seconds": 0 }), "config.seconds"),
            (RuleType::Words, json!({ "words": [] }), "config.words"),
            (RuleType::Words, json!({ "words": ["a", " "] }), "config.words[1]"),
            (RuleType::Links, json!({ "deny": ["a".repeat(300)] }), "config.deny[0]"),
            (RuleType::AttachmentTypes, json!({}), "config.deny"),
            (RuleType::CapsSpam, json!({ "percent": 101 }), "config.percent"),
            (RuleType::JoinRate, json!({ "count": 10, "seconds": 10, "raid": "party" }), "config"),
            (RuleType::MissingAvatar, json!({ "hours": 1 }), "config"),
        ] {
            let error = wrong(rule_type, &config);
            assert!(error.starts_with(&format!("`{place}`")), "{rule_type} {config}: {error}");
            assert!(!error.contains("at line"), "{error}");
        }
        assert!(Config::read(RuleType::MissingAvatar, &json!({})).is_ok());
        assert!(Config::read(RuleType::Mentions, &json!({ "count": 5 })).is_ok());
    }

    #[test]
    fn actions_take_what_the_database_takes() {
        assert!(check_duration(true, false, None).is_err());
        assert!(check_duration(true, false, Some(2_419_201)).is_err());
        assert!(check_duration(true, false, Some(2_419_200)).is_ok());
        assert!(check_duration(false, true, None).is_ok() && check_duration(false, true, Some(0)).is_err());
        assert!(check_duration(false, false, Some(5)).is_err());
    }
}
