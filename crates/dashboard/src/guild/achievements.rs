//! Achievements: which there are, how rare they are, how far one is.

use std::collections::HashMap;

use access::scope::CommunityRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem};
use progress::achievements::{Achievement, Earner, Progress, ops};
use progress::ids::AchievementId;
use serde::Deserialize;

use super::Cursor;

/// How many are shown at once: as many as one's own progress is told of.
const SHOWN: i64 = 200;

/// An achievement in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AchievementPath {
    achievement_id: AchievementId,
}

#[derive(Template)]
#[template(path = "guild/achievements.html")]
pub(super) struct AchievementsPage {
    shell: Shell,
    achievements: Vec<Achievement>,
    own: HashMap<AchievementId, Progress>,
    next: Option<String>,
}

impl AchievementsPage {
    fn progress(&self, achievement: &Achievement) -> Option<&Progress> {
        self.own.get(&achievement.id)
    }

    fn is_earned(&self, achievement: &Achievement) -> bool {
        self.progress(achievement).is_some_and(|own| own.earned_at.is_some())
    }

    fn earned(&self) -> usize {
        self.achievements.iter().filter(|one| self.is_earned(one)).count()
    }

    fn steps(progress: &Progress) -> Option<(i64, i64)> {
        progress.value.zip(progress.threshold)
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(query): Query<Cursor>,
) -> Result<Page<AchievementsPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let page = PageQuery { limit: Some(SHOWN), cursor: query.cursor };
    let all = PageQuery { limit: Some(SHOWN), cursor: None };
    let own = async {
        let Some(user) = visit.shell.member else { return Ok(Vec::new()) };
        let found = ops::progress_list(pool, guild, user, &all).map(optional).await?;
        Ok(found.map(|found| found.items).unwrap_or_default())
    };
    let (found, own) = try_join!(ops::achievement_list(pool, guild, false, &page), own)?;
    let own = own.into_iter().map(|progress| (progress.achievement_id, progress)).collect();
    Ok(Page(AchievementsPage { shell: visit.shell, achievements: found.items, own, next: found.next }))
}

#[derive(Template)]
#[template(path = "guild/achievement.html")]
pub(super) struct AchievementPage {
    shell: Shell,
    achievement: Achievement,
    earners: Vec<Earner>,
    next: Option<String>,
}

impl AchievementPage {
    fn here(&self) -> String {
        self.shell.at(&format!("/achievements/{}", self.achievement.id))
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<AchievementPath>,
    Query(query): Query<Cursor>,
) -> Result<Page<AchievementPage>, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.achievement_id);
    let page = PageQuery { limit: None, cursor: query.cursor };
    let (achievement, found) = try_join!(
        ops::achievement_get(pool, guild, id).err_into::<Problem>(),
        ops::earner_list(pool, guild, id, &page)
    )?;
    Ok(Page(AchievementPage { shell: visit.shell, achievement, earners: found.items, next: found.next }))
}
