//! Badges that the guild gives, and what each takes.

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use credentials::ids::BadgeId;
use credentials::model::Badge;
use credentials::ops;
use credentials::scope::CredentialsRead;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, markdown, ui};
use kernel::{PageQuery, Problem};
use serde::Deserialize;

use super::cases::Cursor;

/// A badge in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct BadgePath {
    badge_id: BadgeId,
}

/// Where a badge's picture is.
fn picture(badge: &Badge) -> String {
    format!("/api/v1/guilds/{}/credentials/achievements/{}/image", badge.guild_id, badge.id)
}

#[derive(Template)]
#[template(path = "you/badges.html")]
pub(super) struct BadgesPage {
    shell: Shell,
    badges: Vec<Badge>,
    next: Option<String>,
}

impl BadgesPage {
    fn at(&self, badge: &Badge) -> String {
        self.shell.at(&format!("/credentials/badges/{}", badge.id))
    }

    fn picture(badge: &Badge) -> String {
        picture(badge)
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CredentialsRead>,
    Query(query): Query<Cursor>,
) -> Result<Page<BadgesPage>, Problem> {
    let page = PageQuery { limit: None, cursor: query.cursor };
    let found = ops::badge_list(app.pool(), visit.guild_id(), &page).await?;
    Ok(Page(BadgesPage { shell: visit.shell, badges: found.items, next: found.next }))
}

#[derive(Template)]
#[template(path = "you/badge.html")]
pub(super) struct BadgePage {
    shell: Shell,
    badge: Badge,
}

impl BadgePage {
    fn criteria(&self) -> Html {
        markdown::render(&self.badge.criteria)
    }

    fn picture(&self) -> String {
        picture(&self.badge)
    }

    /// Where it is earned.
    fn way(&self) -> Option<(String, &'static str)> {
        match (self.badge.path_id, self.badge.achievement_id) {
            (Some(path), _) => {
                Some((self.shell.at(&format!("/learn/paths/{path}")), "The path that leads to it"))
            }
            (None, Some(id)) => {
                Some((self.shell.at(&format!("/achievements/{id}")), "The achievement that it goes with"))
            }
            (None, None) => None,
        }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CredentialsRead>,
    Path(path): Path<BadgePath>,
) -> Result<Page<BadgePage>, Problem> {
    let badge = ops::badge_get(app.pool(), visit.guild_id(), path.badge_id).await?;
    Ok(Page(BadgePage { shell: visit.shell, badge }))
}
