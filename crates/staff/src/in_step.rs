//! How something of a guild is kept in step with Discord: what pages about it share.

use access::web::Provided;
use discord::Bot;
use discord::sync::{SyncState, SyncStatus};
use frame::html::Html;
use frame::ui;

use super::sheet::{facts, join, says, text, when};

/// The bot, where there is one.
pub(super) type AtHand = Provided<Option<Bot>>;

/// How it stands, when Discord was asked, and what is amiss.
pub(super) fn stands(sync: &SyncState) -> Html {
    let seal = match sync.status {
        SyncStatus::Off => ui::seal("", "Off"),
        SyncStatus::Pending => ui::seal("soon", "To be done"),
        SyncStatus::InStep => ui::seal("on", "In step"),
        SyncStatus::Failed => ui::seal("bad", "Failed"),
    };
    let mut known = vec![("State", seal)];
    if let Some(why) = &sync.error {
        known.push(("Why", text(why)));
    }
    if sync.looked_at.is_some() {
        known.push(("Discord was asked", when(sync.looked_at.as_ref())));
        known.push(("In step last", when(sync.done_at.as_ref())));
    }
    if sync.next_at.is_some() {
        known.push(("It is asked again", when(sync.next_at.as_ref())));
    }
    let hint = match (sync.has_bot, sync.status) {
        (true, SyncStatus::Pending) => {
            says("The bot does it within seconds. This page, looked at again, says what became of it.")
        }
        (true, _) => Html::default(),
        (false, _) => says(
            "There is no bot here, so nothing is done on Discord. Whoever runs the installation sets one up: it takes the settings under discord.",
        ),
    };
    join([facts(known), hint])
}
