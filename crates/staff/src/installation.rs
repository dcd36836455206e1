//! What those see and do who run the installation: for whoever is confined to no guild.

pub(super) mod condition;
pub(super) mod nodes;
pub(super) mod queues;
pub(super) mod schedules;
pub(super) mod timers;

use frame::shell::Shell;

/// An address of these pages.
fn at(shell: &Shell, rest: &str) -> String {
    shell.at(&format!("/staff/installation{rest}"))
}
