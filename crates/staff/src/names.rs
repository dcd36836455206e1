//! What members are called, for lists that tell their ids alone.

use std::collections::HashMap;

use access::App;
use futures::future::BoxFuture;
use kernel::{GuildId, Problem, UserId};
use people::names::{MAX_NAMES, names};

use frame::html::Html;
use frame::shell::Shell;
use frame::ui;

/// Names of members.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<UserId, String>);

impl Names {
    /// Those of these, by one statement. Whoever is beyond the most that are asked for is shown by their id. Boxed, so that what is
    /// looked through is not a part of what is awaited.
    pub(super) fn of(
        app: &App,
        guild: GuildId,
        users: impl IntoIterator<Item = UserId>,
    ) -> BoxFuture<'_, Result<Self, Problem>> {
        let mut users: Vec<UserId> = users.into_iter().collect();
        users.sort_unstable();
        users.dedup();
        users.truncate(MAX_NAMES);
        Box::pin(async move {
            if users.is_empty() {
                return Ok(Self::default());
            }
            let known = names(app.pool(), guild, &users).await?;
            Ok(Self(known.into_iter().map(|named| (named.user_id, named.name)).collect()))
        })
    }

    /// What somebody is called; their id where nobody knows.
    pub(super) fn called(&self, user: UserId) -> String {
        self.0.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }

    /// A member by name and arms.
    pub(super) fn member(&self, shell: &Shell, user: &UserId) -> Html {
        ui::member(shell, user, &self.called(*user))
    }
}
