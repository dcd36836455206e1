//! `questhall admin`: local administrators, for development.

use std::io::BufRead as _;

use access::By;
use access::sign_in::{admin_user_activate, admin_user_create, admin_user_list, admin_user_password};
use clap::Subcommand;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail as _},
    screen::{Screen, table},
    setup,
};

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

pub(crate) async fn run(global: &Global, command: &AdminCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let development = setup::settings(global, &[])?.auth.development;
    setup::with_database(global, async |database| {
        let mut tx = db::begin(database.pool()).await?;
        let user = match command {
            AdminCommand::List => {
                let users = admin_user_list(&mut tx).await?;
                return screen.answer(&users, |users| {
                    let rows = users.iter().map(|user| {
                        let seen = user.last_login_at.map(|at| at.format("%Y-%m-%d %H:%M").to_string());
                        let state = if user.is_active { "active" } else { "disabled" };
                        [user.username.clone(), state.to_owned(), seen.unwrap_or_else(|| "never".to_owned())]
                    });
                    table(["name", "state", "signed in"], rows)
                });
            }
            AdminCommand::Create { username } => {
                admin_user_create(&mut tx, By::Cli, username, &password(screen)?).await?
            }
            AdminCommand::Password { username } => {
                admin_user_password(&mut tx, By::Cli, username, &password(screen)?).await?
            }
            AdminCommand::Disable { username } => {
                admin_user_activate(&mut tx, By::Cli, username, false).await?
            }
            AdminCommand::Enable { username } => {
                admin_user_activate(&mut tx, By::Cli, username, true).await?
            }
        };
        tx.commit().await?;
        if !development && user.is_active {
            screen.note("Local administrators sign in where auth.development is true, and nowhere else.");
        }
        screen.answer(&user, |user| {
            let may = if user.is_active { "may sign in" } else { "may not sign in" };
            format!("{} {may}.", user.username)
        })
    })
    .await
}

/// The first line of standard input.
fn password(screen: &Screen) -> Result<String, Failure> {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() {
        screen.note("Password (it is shown while you type; a pipe hides it):");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).or_fail(Code::Unavailable)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
