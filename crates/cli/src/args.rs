//! What every command takes: settings from the command line, and the guild. What a command takes of its own stands beside what it does.

use std::path::PathBuf;

use clap::Args;
use kernel::GuildId;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Settings file [default: questhall.toml, where there is one].
    #[arg(long, global = true, value_name = "FILE", env = "QUESTHALL_CONFIG", help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the private PostgreSQL [default: /var/lib/questhall for root, else ~/.local/share/questhall].
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use this database instead of a private one: `postgres://user@host/name`.
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    pub(crate) database_url: Option<String>,
    /// Any other setting, such as `--set http.listen=0.0.0.0:8080`; may be repeated.
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = setting, help_heading = "Settings")]
    pub(crate) set: Vec<(String, String)>,
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Guild {
    /// The guild.
    #[arg(long = "guild", value_name = "ID")]
    pub(crate) id: GuildId,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}
