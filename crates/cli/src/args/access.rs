//! Who may do what: keys, roles, local administrators, settings, and what was changed.

use access::Role;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use kernel::{ApiKeyId, GuildId, UserId};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, this once.
    Create {
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may do, such as `campaigns:read`, or `*` for everything; repeat, or separate with commas.
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
        scopes: Vec<String>,
        /// Confine it to this guild.
        #[arg(long)]
        guild: Option<GuildId>,
        /// Have it act as this member of the guild.
        #[arg(long, value_name = "ID", requires = "guild")]
        user: Option<UserId>,
        /// From when it is refused, such as 2031-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<DateTime<Utc>>,
    },
    /// List keys, newest first; never the keys themselves.
    List {
        /// Only those confined to this guild.
        #[arg(long)]
        guild: Option<GuildId>,
    },
    /// Refuse a key from now on.
    Revoke {
        /// The key's id, as `key list` shows it.
        id: ApiKeyId,
    },
    /// Give a key a new secret and print it.
    Rotate {
        /// The key's id, as `key list` shows it.
        id: ApiKeyId,
        /// For how many minutes the old secret is good beside the new one; 0: it is refused at once [default: the setting
        /// `api_keys.rotation_grace_minutes`].
        #[arg(long, value_name = "MINUTES")]
        grace: Option<i64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List who has which role.
    List {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Grant a role.
    Grant {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// To whom: a Discord id.
        #[arg(long)]
        user: UserId,
        /// owner, admin, moderator, author, instructor or member.
        role: Role,
        /// From when it does not count any more, such as 2031-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<DateTime<Utc>>,
    },
    /// Take a role away.
    Take {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// From whom: a Discord id.
        #[arg(long)]
        user: UserId,
        /// owner, admin, moderator, author, instructor or member.
        role: Role,
    },
    /// List which Discord roles confer which of ours.
    Mappings {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Have a Discord role confer one of ours on whoever signs in with it.
    Map {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The Discord role's id.
        #[arg(long, value_name = "ID")]
        discord_role: UserId,
        /// admin, moderator, author, instructor or member.
        role: Role,
    },
    /// Have a Discord role confer one of ours no more.
    Unmap {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// The Discord role's id.
        #[arg(long, value_name = "ID")]
        discord_role: UserId,
        /// admin, moderator, author, instructor or member.
        role: Role,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a local administrator; the password is the first line of standard input.
    Create {
        /// The name, in lower case.
        username: String,
    },
    /// List them.
    List,
    /// Let one sign in no more; their sessions end.
    Disable {
        /// The name.
        username: String,
    },
    /// Let one sign in again.
    Enable {
        /// The name.
        username: String,
    },
    /// Give one another password, the first line of standard input; their sessions end.
    Password {
        /// The name.
        username: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditLogArgs {
    /// Changes in this guild instead of those that concern the whole installation.
    #[arg(long)]
    pub(crate) guild: Option<GuildId>,
    /// Only by this actor: `user:ID`, `key:ID`, `admin:ID`, `cli` or `system`.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only this deed, such as `DELETE`.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only changes of this table, such as `access.settings`.
    #[arg(long, value_name = "TABLE")]
    pub(crate) target: Option<String>,
    /// How many, 1 to 200.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// List the settings, with what counts and who chose it.
    List {
        /// As they count in this guild.
        #[arg(long)]
        guild: Option<GuildId>,
        /// Only this group, such as `api_keys`.
        #[arg(long)]
        group: Option<String>,
    },
    /// Print the value of a setting that counts.
    Get {
        /// The setting, such as `api_keys.max_lifetime_days`.
        key: String,
        /// As it counts in this guild.
        #[arg(long)]
        guild: Option<GuildId>,
    },
    /// Choose a value. Within a second it counts on every node.
    Set {
        /// The setting, such as `api_keys.max_lifetime_days`.
        key: String,
        /// The value: a text, a number, `true`, `null`, or JSON.
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// For this guild instead of the whole installation.
        #[arg(long)]
        guild: Option<GuildId>,
    },
    /// Take back what was chosen: what it overruled counts again.
    Reset {
        /// The setting, such as `api_keys.max_lifetime_days`.
        key: String,
        /// What was chosen for this guild instead of the whole installation.
        #[arg(long)]
        guild: Option<GuildId>,
    },
}
