//! A command as it was called: who, where, with what.

use std::collections::HashMap;

use access::{Actor, Author, By, Origin};
use kernel::{ChannelId, GuildId, Problem, UserId};
use serde_json::Value;

use super::acting::acting;
use crate::bot::Bot;
use crate::interactions::model::{Given, Interaction};
use crate::settings::snowflake;
use crate::words::{Lang, say};

/// What Discord says of somebody in a guild.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Powers {
    /// A bit set.
    pub(crate) permissions: u64,
    /// Their roles.
    pub(crate) roles: Vec<i64>,
}

impl Powers {
    fn of(permissions: &str, roles: &[String]) -> Self {
        let roles = roles.iter().filter_map(|role| snowflake(role)).collect();
        Self { permissions: permissions.parse().unwrap_or(0), roles }
    }
}

/// A call.
pub(crate) struct Call {
    pub(crate) bot: Bot,
    pub(crate) guild: GuildId,
    pub(crate) user: UserId,
    /// In which channel.
    pub(crate) channel: Option<ChannelId>,
    /// In which language to answer: that of who asked, or the guild's where all read it.
    pub(crate) lang: Lang,
    /// The language of who asked, as Discord has it, for texts that are there in several.
    pub(crate) locale: Option<String>,
    /// The guild's, for what all read afterwards.
    pub(crate) guild_lang: Lang,
    given: HashMap<String, Value>,
    names: HashMap<UserId, (String, bool)>,
    actor: Option<Actor>,
    /// What Discord says of who calls.
    pub(super) powers: Powers,
    /// The same of those members who are named.
    pub(super) theirs: HashMap<UserId, Powers>,
    origin: Origin,
    /// What the button, menu or form is about.
    pub(crate) args: Vec<String>,
    /// What was chosen in a menu.
    pub(crate) chosen: Vec<String>,
    /// What is in a form.
    pub(crate) fields: HashMap<String, Vec<String>>,
}

impl Call {
    /// A call by somebody who is made known, with what they may do here.
    #[kernel::boxed]
    pub(crate) async fn new(
        bot: &Bot,
        interaction: &Interaction,
        given: &[Given],
        private: bool,
    ) -> Result<Self, Problem> {
        let guild = interaction.guild().ok_or_else(|| Problem::invalid("It names no guild."))?;
        let mut call = Self::looking(bot, interaction, GuildId::new(guild), given)?;
        if !private {
            call.lang = call.guild_lang;
        }
        let member = interaction.member.as_ref().ok_or_else(|| Problem::invalid("It names no member."))?;
        let mut conn = db::acquire(bot.app().pool()).await?;
        people::member_ensure(&mut conn, call.guild, call.user, Some(member.name())).await?;
        for (user, (name, is_bot)) in &call.names {
            people::member_ensure(&mut conn, call.guild, *user, Some(name)).await?;
            if *is_bot {
                let edit = people::MemberEdit { is_bot: Some(true), ..people::MemberEdit::default() };
                people::store::member_update(&mut conn, call.guild, *user, &edit).await?;
            }
        }
        // Discord shows who is there: whoever came back without anybody telling us is back.
        let there: Vec<UserId> = [call.user].into_iter().chain(call.theirs.keys().copied()).collect();
        people::members_return(&mut conn, call.guild, &there).await?;
        call.actor = Some(acting(&mut conn, call.guild, call.user, member).await?);
        Ok(call)
    }

    /// A call by somebody who only looks for what they may type.
    pub(crate) fn looking(
        bot: &Bot,
        interaction: &Interaction,
        guild: GuildId,
        given: &[Given],
    ) -> Result<Self, Problem> {
        let member = interaction.member.as_ref().ok_or_else(|| Problem::invalid("It names no member."))?;
        let user = snowflake(&member.user.id).ok_or_else(|| Problem::invalid("The member has no id."))?;
        let users = interaction.data.iter().flat_map(|data| &data.resolved.users);
        let names = users
            .filter_map(|(id, user)| {
                let name = user.global_name.clone().unwrap_or_else(|| user.username.clone());
                Some((UserId::new(snowflake(id)?), (name, user.bot)))
            })
            .collect();
        let members = interaction.data.iter().flat_map(|data| &data.resolved.members);
        let theirs = members
            .filter_map(|(id, named)| {
                Some((UserId::new(snowflake(id)?), Powers::of(&named.permissions, &named.roles)))
            })
            .collect();
        Ok(Self {
            bot: bot.clone(),
            guild,
            user: UserId::new(user),
            channel: interaction.channel_id.as_deref().and_then(snowflake).map(ChannelId::new),
            lang: Lang::of(interaction.locale.as_deref()),
            locale: interaction.locale.clone(),
            guild_lang: Lang::of(interaction.guild_locale.as_deref()),
            given: given.iter().map(|given| (given.name.clone(), given.value.clone())).collect(),
            names,
            actor: None,
            powers: Powers::of(&member.permissions, &member.roles),
            theirs,
            origin: Origin { ip: None, request_id: Some(format!("discord:{}", interaction.id)) },
            args: Vec::new(),
            chosen: Vec::new(),
            fields: HashMap::new(),
        })
    }

    /// Refuses who lacks this scope.
    pub(crate) fn needs(&self, scope: Option<&str>) -> Result<(), Problem> {
        let has = scope.is_none_or(|scope| self.actor.as_ref().is_some_and(|actor| actor.has(scope)));
        if has {
            return Ok(());
        }
        Err(Problem::forbidden(say!(
            self.lang,
            "You may not do that here. It takes a role that those who run this server give.",
            "Das darfst du hier nicht. Dafür braucht es eine Rolle, die vergibt, wer diesen Server führt."
        )))
    }

    /// Who makes a change, for the audit log.
    pub(crate) fn by(&self) -> By<'_> {
        self.actor.as_ref().map_or(By::System, By::Key)
    }

    /// From where.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Both.
    pub(crate) fn author(&self) -> Author<'_> {
        Author::new(self.by(), &self.origin)
    }

    pub(crate) fn pool(&self) -> &sqlx::PgPool {
        self.bot.app().pool()
    }

    /// A text that was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.as_str()
    }

    /// A text that must be given.
    pub(crate) fn must(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem::field(name.to_owned(), "is missing"))
    }

    /// A number that was given.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.given.get(name)?.as_i64()
    }

    /// A yes or no that was given.
    pub(crate) fn yes(&self, name: &str) -> Option<bool> {
        self.given.get(name)?.as_bool()
    }

    /// A channel that was given.
    pub(crate) fn channel_given(&self, name: &str) -> Option<ChannelId> {
        self.text(name).and_then(snowflake).map(ChannelId::new)
    }

    /// The member that was named.
    pub(crate) fn member(&self, name: &str) -> Option<UserId> {
        self.text(name).and_then(snowflake).map(UserId::new)
    }

    /// The member that must be named.
    pub(crate) fn must_member(&self, name: &str) -> Result<UserId, Problem> {
        self.member(name).ok_or_else(|| Problem::field(name.to_owned(), "is missing"))
    }

    /// Which argument a component carries.
    pub(crate) fn arg(&self, at: usize) -> Result<&str, Problem> {
        self.args
            .get(at)
            .map(String::as_str)
            .ok_or_else(|| Problem::invalid("This button is of another version."))
    }

    /// The id of a component for who called.
    pub(crate) fn mine(&self, name: &str, args: &[&str]) -> String {
        self.bot.signer().sign(self.guild, Some(self.user), name, args)
    }

    /// The id of a component for anybody here.
    pub(crate) fn anybodys(&self, name: &str, args: &[&str]) -> String {
        self.bot.signer().sign(self.guild, None, name, args)
    }

    /// Has what was just committed told to whom it concerns.
    pub(crate) fn committed(&self) {
        self.bot.app().wake().outbox();
    }
}

/// Somebody as a message shows them: nobody is pinged, as no message of ours permits it.
pub(crate) fn mention(user: UserId) -> String {
    format!("<@{user}>")
}
