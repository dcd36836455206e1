//! Who leads: by XP, by stars of the running season, by bytes.

use access::scope::{CommunityRead, EconomyRead, Scope as _};
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{FutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use progress::Profile;
use progress::leaderboard::LeaderboardQuery;
use progress::seasons::{Season, SeasonState};
use serde::Deserialize;

/// How many seasons are looked through for the one that runs.
const SEASONS: i64 = 10;

/// By what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    /// XP of all time.
    #[default]
    Xp,
    /// Stars of the running season.
    Season,
    /// Bytes.
    Bytes,
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            Self::Xp => "xp",
            Self::Season => "season",
            Self::Bytes => "bytes",
        }
    }
}

/// Which leaderboard, and where it goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    by: By,
    cursor: Option<String>,
}

/// A row, whatever it is by.
struct Row {
    rank: i64,
    user_id: UserId,
    name: String,
    level: Option<i32>,
    score: i64,
}

#[derive(Template)]
#[template(path = "guild/leaderboard.html")]
pub(super) struct LeaderboardPage {
    shell: Shell,
    by: By,
    season: Option<Season>,
    rows: Vec<Row>,
    next: Option<String>,
    me: Option<Profile>,
}

impl LeaderboardPage {
    fn tabs(&self) -> Vec<(&'static str, &'static str, bool)> {
        let mut tabs = vec![("xp", "XP", self.by == By::Xp)];
        if self.season.is_some() {
            tabs.push(("season", "This season", self.by == By::Season));
        }
        if self.shell.may(EconomyRead::NAME) {
            tabs.push(("bytes", "Bytes", self.by == By::Bytes));
        }
        tabs
    }

    const fn unit(&self) -> &'static str {
        match self.by {
            By::Xp => "XP",
            By::Season => "Stars",
            By::Bytes => "Bytes",
        }
    }

    fn query(&self) -> String {
        format!("by={}", self.by.word())
    }

    fn is_me(&self, user: &UserId) -> bool {
        self.shell.member == Some(*user)
    }

    fn shows_me(&self) -> bool {
        self.rows.iter().any(|row| self.is_me(&row.user_id))
    }

    fn shows_levels(&self) -> bool {
        self.rows.iter().any(|row| row.level.is_some())
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(which): Query<Which>,
) -> Result<Page<LeaderboardPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let shell = visit.shell;
    let few = PageQuery { limit: Some(SEASONS), cursor: None };
    let own = async {
        match shell.member {
            Some(user) => {
                let settings = app.settings();
                progress::profile::member_profile_known(pool, settings, guild, user).map(optional).await
            }
            None => Ok(None),
        }
    };
    let (seasons, me) = try_join!(progress::seasons::ops::season_list(pool, guild, &few), own)?;
    let season = seasons.items.into_iter().find(|season| season.state == SeasonState::Active);
    let by = match which.by {
        By::Season if season.is_none() => By::Xp,
        By::Bytes if !shell.may(EconomyRead::NAME) => By::Xp,
        by => by,
    };
    let (rows, next) = if by == By::Bytes {
        let page = PageQuery { limit: None, cursor: which.cursor };
        let found = economy::ops::leaderboard(pool, guild, &page).await?;
        let rows = found.items.into_iter().map(|row| Row {
            rank: row.rank,
            user_id: row.user_id,
            name: row.name,
            level: None,
            score: row.balance.get(),
        });
        (rows.collect(), found.next)
    } else {
        let season_id = season.as_ref().filter(|_| by == By::Season).map(|season| season.id);
        let query = LeaderboardQuery { season_id, limit: None, cursor: which.cursor };
        let found = progress::leaderboard::leaderboard(pool, guild, &query).await?;
        let rows = found.items.into_iter().map(|row| Row {
            rank: row.rank,
            user_id: row.user_id,
            name: row.name,
            level: Some(row.level),
            score: if by == By::Season { row.stars } else { row.xp },
        });
        (rows.collect(), found.next)
    };
    Ok(Page(LeaderboardPage { shell, by, season, rows, next, me }))
}
