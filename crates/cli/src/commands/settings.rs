//! `questhall settings`: what administrators choose while it runs, by the operator.

use access::settings::{
    Registry, SettingGroup, SettingsError, Source, settings_change, settings_list, settings_reset,
};
use access::{By, Origin};
use clap::Subcommand;
use db::Database;
use kernel::{GuildId, Problem};
use serde_json::{Map, Value, json};

use crate::{
    args::Global,
    failure::Failure,
    screen::{Screen, table},
    setup,
};

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

pub(crate) async fn run(global: &Global, command: &SettingsCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let registry = server::settings_registry();
    setup::with_database(global, async |database| match command {
        SettingsCommand::List { guild, group } => {
            let groups = all(database, &registry, *guild).await?;
            let groups: Vec<_> = groups
                .into_iter()
                .filter(|of| group.as_ref().is_none_or(|wanted| of.category == wanted))
                .collect();
            if groups.is_empty() {
                return Err(SettingsError::NoGroup.into());
            }
            screen.answer(&groups, |groups| listed(groups))
        }
        SettingsCommand::Get { key, guild } => show(database, &registry, key, *guild, screen).await,
        SettingsCommand::Set { key, value, guild } => {
            let value = match registry.find(key) {
                Some((_, field)) => field.typed(value),
                None => Value::String(value.clone()),
            };
            let values = Map::from_iter([(key.clone(), value)]);
            let mut tx = db::begin(database.pool()).await?;
            settings_change(&mut tx, &registry, By::Cli, &Origin::default(), *guild, &values).await?;
            tx.commit().await?;
            show(database, &registry, key, *guild, screen).await
        }
        SettingsCommand::Reset { key, guild } => {
            let mut tx = db::begin(database.pool()).await?;
            settings_reset(&mut tx, &registry, By::Cli, &Origin::default(), *guild, &[key]).await?;
            tx.commit().await?;
            show(database, &registry, key, *guild, screen).await
        }
    })
    .await
}

async fn all(
    database: &Database,
    registry: &Registry,
    guild: Option<GuildId>,
) -> Result<Vec<SettingGroup>, Failure> {
    let mut connection = db::acquire(database.pool()).await?;
    Ok(settings_list(&mut connection, registry, guild).await?)
}

/// The value alone on standard output, as it is typed for `set`.
async fn show(
    database: &Database,
    registry: &Registry,
    key: &str,
    guild: Option<GuildId>,
    screen: &Screen,
) -> Result<(), Failure> {
    let groups = all(database, registry, guild).await?;
    let setting = groups.iter().flat_map(|group| &group.settings).find(|setting| setting.key == key);
    match setting {
        Some(setting) => screen.answer(setting, |setting| plain(&setting.value)),
        None => Err(Problem::not_found("setting").into()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| json!(value).to_string(), str::to_owned)
}

fn listed(groups: &[SettingGroup]) -> String {
    let rows = groups.iter().flat_map(|group| &group.settings).map(|setting| {
        let source = match setting.source {
            Source::Default => "default",
            Source::Installation => "installation",
            Source::Guild => "guild",
        };
        [setting.key.clone(), plain(&setting.value), source.to_owned(), setting.description.to_owned()]
    });
    table(["setting", "value", "chosen by", "meaning"], rows)
}
