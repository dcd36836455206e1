//! Seasons, and how the past ones ended.

use access::scope::CommunityRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use frame::html::Html;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::FutureExt as _;
use kernel::{Page as Items, PageQuery, Problem, UserId};
use progress::ids::SeasonId;
use progress::seasons::{Season, SeasonState, Standing, ops};
use serde::Deserialize;

use super::Cursor;

/// A season in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SeasonPath {
    season_id: SeasonId,
}

fn state(season: &Season) -> Html {
    match season.state {
        SeasonState::Planned => ui::seal("soon", "Planned"),
        SeasonState::Active => ui::seal("on", "Running"),
        SeasonState::Ended => ui::seal("done", "Over"),
    }
}

#[derive(Template)]
#[template(path = "guild/seasons.html")]
pub(super) struct SeasonsPage {
    shell: Shell,
    seasons: Vec<Season>,
    next: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(query): Query<Cursor>,
) -> Result<Page<SeasonsPage>, Problem> {
    let page = PageQuery { limit: None, cursor: query.cursor };
    let found = ops::season_list(app.pool(), visit.guild_id(), &page).await?;
    Ok(Page(SeasonsPage { shell: visit.shell, seasons: found.items, next: found.next }))
}

#[derive(Template)]
#[template(path = "guild/season.html")]
pub(super) struct SeasonPage {
    shell: Shell,
    season: Season,
    standings: Option<Items<Standing>>,
}

impl SeasonPage {
    fn here(&self) -> String {
        self.shell.at(&format!("/seasons/{}", self.season.id))
    }

    fn is_active(&self) -> bool {
        self.season.state == SeasonState::Active
    }

    fn is_me(&self, user: &UserId) -> bool {
        self.shell.member == Some(*user)
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<SeasonPath>,
    Query(query): Query<Cursor>,
) -> Result<Page<SeasonPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let season = ops::season_get(pool, guild, path.season_id).await?;
    let page = PageQuery { limit: None, cursor: query.cursor };
    let standings = if season.state == SeasonState::Ended {
        ops::season_standings(pool, guild, season.id, &page).map(optional).await?
    } else {
        None
    };
    Ok(Page(SeasonPage { shell: visit.shell, season, standings }))
}
