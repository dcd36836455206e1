//! `questhall secrets`: the key that seals the secrets in the database.

use access::vault::{self, KeyError};
use access::{By, Origin};
use clap::Subcommand;
use serde_json::json;
use server::secrets::{Unreadable, key_adopt, key_unreadable};

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail as _},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Say whether this machine's key is the one that seals the database's secrets, and what it does not open; exit code 1
    /// when it is another.
    Check,
    /// Take this machine's key for that of the installation, the one before being lost for good.
    ///
    /// Without --yes it only says what is lost with the other key: webhooks that need a new secret each (`questhall webhook
    /// rotate-secret`), people who have to sign in by Discord again. Afterwards give every node this key, and start them anew.
    Adopt {
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(global: &Global, command: SecretsCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let vault = setup::settings(global, &[])?.vault();
    setup::with_database(global, async |database| {
        let mut connection = database.connect().await?;
        if let SecretsCommand::Adopt { yes: true } = command {
            let lost = key_adopt(&mut connection, &vault, By::Cli, &Origin::default()).await;
            let lost = lost.or_fail(Code::Unavailable)?;
            screen.note("This machine's key seals from now on. Give it to every node, and start them anew.");
            return tell(screen, "adopted", &lost);
        }
        let (state, agreed) = match vault::key_agreed(&mut connection, &vault).await {
            Ok(true) => ("agreed", true),
            Ok(false) => ("not noted yet", true),
            Err(error @ (KeyError::Another { .. } | KeyError::Damaged)) => {
                screen.note(&format!("{error}."));
                ("another", false)
            }
            Err(error) => return Err(error).or_fail(Code::Unavailable),
        };
        let unreadable = key_unreadable(&mut connection, &vault).await.or_fail(Code::Unavailable)?;
        tell(screen, state, &unreadable)?;
        if let SecretsCommand::Adopt { yes: false } = command {
            screen.note("Nothing was changed. If the other key is lost for good, say so with --yes.");
            return Err(Failure::no());
        }
        if agreed { Ok(()) } else { Err(Failure::no()) }
    })
    .await
}

fn tell(screen: &Screen, state: &str, unreadable: &Unreadable) -> Result<(), Failure> {
    screen.answer(&json!({ "key": state, "unreadable": unreadable }), |_| {
        let leaves = match unreadable.discord_leaves {
            0 => String::new(),
            count => format!(" {count} people have to sign in by Discord again."),
        };
        let leaves = match unreadable.issuer_keys.len() {
            0 => leaves,
            count => {
                format!("{leaves} {count} guilds need a new key to sign credentials (`questhall credential rotate-key`).")
            }
        };
        if unreadable.webhooks.is_empty() {
            return format!("Key: {state}. It opens the secrets of all webhooks.{leaves}");
        }
        let rows = unreadable
            .webhooks
            .iter()
            .map(|webhook| [webhook.guild_id.to_string(), webhook.id.to_string(), webhook.name.clone()]);
        let webhooks = table(["guild", "webhook", "name"], rows);
        format!("Key: {state}. These webhooks need a new secret (`questhall webhook rotate-secret`):{leaves}\n{webhooks}")
    })
}
