//! `questhall operator`: who, signed in with Discord, may do what concerns the whole installation.

use access::By;
use access::operators::{operator_add, operator_list, operator_remove};
use clap::Subcommand;
use kernel::UserId;
use serde_json::json;

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Name an operator. Signed in with Discord, they may do what concerns the whole installation; in a guild, what their roles permit.
    Add {
        /// Their Discord user id.
        user: UserId,
    },
    /// List them.
    List,
    /// Take it away; it stops counting within a second.
    Remove {
        /// Their Discord user id.
        user: UserId,
    },
}

pub(crate) async fn run(global: &Global, command: &OperatorCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| {
        let mut tx = db::begin(database.pool()).await?;
        match command {
            OperatorCommand::List => {
                let operators = operator_list(&mut tx).await?;
                screen.answer(&operators, |operators| {
                    let rows = operators.iter().map(|one| {
                        let since = one.created_at.format("%Y-%m-%d %H:%M").to_string();
                        [one.user_id.to_string(), one.added_by.clone(), since]
                    });
                    table(["user", "named by", "since"], rows)
                })
            }
            OperatorCommand::Add { user } => {
                if *user == UserId::HOUSE {
                    return Err(Failure::new(Code::Usage, "0 is the house, and nobody's id"));
                }
                let new = operator_add(&mut tx, By::Cli, *user).await?;
                tx.commit().await?;
                screen.answer(&json!({ "user_id": user, "new": new }), |_| {
                    if new {
                        format!("{user} is an operator now.")
                    } else {
                        format!("{user} was an operator already.")
                    }
                })
            }
            OperatorCommand::Remove { user } => {
                if !operator_remove(&mut tx, By::Cli, *user).await? {
                    return Err(Failure::new(Code::Refused, format!("{user} is no operator")));
                }
                tx.commit().await?;
                screen.answer(&json!({ "user_id": user, "removed": true }), |_| {
                    format!("{user} is no operator any more.")
                })
            }
        }
    })
    .await
}
