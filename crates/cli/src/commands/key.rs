//! `questhall key`: API keys, by the operator, who needs none.

use access::{
    By, Origin, Scopes,
    keys::{Key, NewKey, PlainKey, Revoked, key_create, key_list, key_revoke, key_rotate},
};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use db::Database;
use kernel::{ApiKeyId, GuildId, Limit, UserId};
use serde_json::{Value, json};

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, table},
    setup,
};

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

pub(crate) async fn run(global: &Global, command: &KeyCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| match command {
        KeyCommand::Create { name, scopes, guild, user, expires } => {
            let new = NewKey {
                name: name.clone(),
                guild: *guild,
                user: *user,
                scopes: Scopes::parse(scopes.iter().map(|scope| scope.trim()))
                    .map_err(|problem| Failure::new(Code::Usage, problem.detail()))?,
                expires_at: *expires,
            };
            let (key, plain) = create(database, &new).await?;
            shown_once(screen, &key, &plain)
        }
        KeyCommand::List { guild } => list(database, *guild, screen).await,
        KeyCommand::Revoke { id } => {
            let mut tx = db::begin(database.pool()).await?;
            let revoked = key_revoke(&mut tx, By::Cli, &Origin::default(), None, *id).await?;
            tx.commit().await?;
            screen.answer(&revoked, |Revoked { key, also_revoked }| {
                let named = |key: &Key| format!("{}… ({})", key.prefix, key.name);
                let mut lines = vec![format!("{} is refused from now on.", named(key))];
                lines.extend(also_revoked.iter().map(|made| {
                    format!("{} too, which it had made, or one of those that it made.", named(made))
                }));
                lines.join("\n")
            })
        }
        KeyCommand::Rotate { id, grace } => {
            let mut tx = db::begin(database.pool()).await?;
            let (key, plain) = key_rotate(&mut tx, By::Cli, &Origin::default(), None, *id, *grace).await?;
            tx.commit().await?;
            shown_once(screen, &key, &plain)
        }
    })
    .await
}

/// Makes a key, and the guild and member that it is for where they are not known yet: the operator may name them first.
pub(crate) async fn create(database: &Database, new: &NewKey) -> Result<(Key, PlainKey), Failure> {
    let mut tx = db::begin(database.pool()).await?;
    if let Some(guild) = new.guild {
        people::guild_ensure(&mut tx, guild, None).await.map_err(kernel::Problem::from)?;
        if let Some(user) = new.user {
            people::member_ensure(&mut tx, guild, user, None).await.map_err(kernel::Problem::from)?;
        }
    }
    let made = key_create(&mut tx, By::Cli, &Origin::default(), new).await?;
    tx.commit().await?;
    Ok(made)
}

/// The key alone on standard output, so that `$(questhall key create …)` is the key.
fn shown_once(screen: &Screen, key: &Key, plain: &PlainKey) -> Result<(), Failure> {
    let mut answer = json!(key);
    if let Value::Object(fields) = &mut answer {
        fields.insert("key".to_owned(), json!(plain.reveal()));
    }
    if !screen.is_json() {
        screen.note(&format!(
            "Key {} ({}) may: {}. It is shown this once:",
            key.id,
            key.name,
            key.scopes.join(", ")
        ));
    }
    screen.answer(&answer, |_| plain.reveal().to_owned())
}

async fn list(database: &Database, guild: Option<kernel::GuildId>, screen: &Screen) -> Result<(), Failure> {
    let mut connection = db::acquire(database.pool()).await?;
    let limit = Limit::new(Some(kernel::page::MAX_LIMIT))?;
    let mut keys: Vec<Key> = Vec::new();
    let mut more = true;
    while more {
        let after = keys.last().map(|key| (key.created_at, key.id.get()));
        let page = key_list(&mut connection, guild, after, limit).await?;
        more = page.next.is_some();
        keys.extend(page.items);
    }
    screen.answer(&keys, |keys| {
        let rows = keys.iter().map(|key| {
            let state = match (key.is_active, key.expires_at) {
                (false, _) => "revoked".to_owned(),
                (true, Some(at)) => format!("until {}", at.format("%Y-%m-%d %H:%M")),
                (true, None) => "active".to_owned(),
            };
            let used = key.last_used.map_or("never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
            let guild = key.guild_id.map_or("all".to_owned(), |guild| guild.to_string());
            [
                key.id.to_string(),
                format!("{}…", key.prefix),
                key.name.clone(),
                guild,
                state,
                used,
                key.scopes.join(" "),
            ]
        });
        table(["id", "key", "name", "guild", "state", "last used", "scopes"], rows)
    })
}
