//! Interactions as Discord writes them, as far as we look.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::settings::snowflake;

/// `PING`.
pub const PING: u8 = 1;
/// A command.
pub const COMMAND: u8 = 2;
/// A button or a menu.
pub const COMPONENT: u8 = 3;
/// A command that is being typed.
pub const AUTOCOMPLETE: u8 = 4;
/// A form that was sent.
pub const MODAL: u8 = 5;

/// An interaction.
#[derive(Debug, Clone, Deserialize)]
pub struct Interaction {
    /// Its id.
    pub id: String,
    /// For which application.
    pub application_id: String,
    /// What it is: [`PING`] and so on.
    #[serde(rename = "type")]
    pub kind: u8,
    /// By what it is answered; good for a quarter of an hour.
    pub token: String,
    /// The guild; none in direct messages.
    #[serde(default)]
    pub guild_id: Option<String>,
    /// The channel.
    #[serde(default)]
    pub channel_id: Option<String>,
    /// Who, in a guild.
    #[serde(default)]
    pub member: Option<Member>,
    /// What was done.
    #[serde(default)]
    pub data: Option<Data>,
    /// Their language.
    #[serde(default)]
    pub locale: Option<String>,
    /// The guild's language.
    #[serde(default)]
    pub guild_locale: Option<String>,
}

/// A member.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// Who.
    pub user: User,
    /// Their name in the guild.
    #[serde(default)]
    pub nick: Option<String>,
    /// Their Discord roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// What Discord permits them in the channel: a bit set, in decimal digits.
    #[serde(default)]
    pub permissions: String,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their unique name.
    pub username: String,
    /// What they are called.
    #[serde(default)]
    pub global_name: Option<String>,
    /// Whether it is a bot.
    #[serde(default)]
    pub bot: bool,
}

impl Member {
    /// What they are called here.
    pub fn name(&self) -> &str {
        self.nick.as_deref().or(self.user.global_name.as_deref()).unwrap_or(&self.user.username)
    }
}

/// What was done.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Data {
    /// The command.
    pub name: String,
    /// What was given with it.
    pub options: Vec<Given>,
    /// The button's, menu's or form's id.
    pub custom_id: String,
    /// What was chosen in a menu.
    pub values: Vec<String>,
    /// What is in a form.
    pub components: Vec<Value>,
    /// People and others that are named.
    pub resolved: Resolved,
}

/// People that are named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resolved {
    /// By id.
    pub users: HashMap<String, User>,
    /// Those of them who are in the guild.
    pub members: HashMap<String, Named>,
}

/// A member who is named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Their Discord roles.
    pub roles: Vec<String>,
    /// What Discord permits them in the channel: a bit set, in decimal digits.
    pub permissions: String,
}

/// An option, or a subcommand with its own.
#[derive(Debug, Clone, Deserialize)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// What it is: 1 for a subcommand.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Its value.
    #[serde(default)]
    pub value: Value,
    /// A subcommand's.
    #[serde(default)]
    pub options: Vec<Given>,
    /// Whether it is being typed.
    #[serde(default)]
    pub focused: bool,
}

impl Interaction {
    /// Its id as a number.
    pub fn number(&self) -> Option<i64> {
        snowflake(&self.id)
    }

    /// The guild's id as a number.
    pub fn guild(&self) -> Option<i64> {
        snowflake(self.guild_id.as_deref()?)
    }
}

impl Data {
    /// The first control character in what somebody typed, tabs and line ends apart: as over HTTP, no text here may hold one. The database
    /// takes no NUL, and a terminal takes others for orders.
    pub fn control(&self) -> Option<char> {
        let mut open: Vec<&Given> = self.options.iter().collect();
        let mut texts: Vec<String> = self.fields().into_values().flatten().collect();
        while let Some(given) = open.pop() {
            open.extend(&given.options);
            texts.extend(given.value.as_str().map(str::to_owned));
        }
        texts.iter().find_map(|text| kernel::text::control(text))
    }

    /// What a form's fields hold, by their ids: a text, or what was chosen.
    pub fn fields(&self) -> HashMap<String, Vec<String>> {
        let mut fields = HashMap::new();
        let mut open: Vec<&Value> = self.components.iter().collect();
        while let Some(component) = open.pop() {
            open.extend(component["components"].as_array().into_iter().flatten());
            if component["component"].is_object() {
                open.push(&component["component"]);
            }
            let Some(id) = component["custom_id"].as_str() else { continue };
            let chosen = component["values"].as_array().into_iter().flatten();
            let mut values: Vec<String> =
                chosen.filter_map(|value| value.as_str().map(str::to_owned)).collect();
            values.extend(component["value"].as_str().map(str::to_owned));
            fields.insert(id.to_owned(), values);
        }
        fields
    }
}
