//! A member: level and rank, what they earned lately, what they achieved.

use access::scope::CommunityRead;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::{Member, Visit};
use frame::{chart, format, sigil, ui};
use futures::try_join;
use kernel::{PageQuery, Problem, UserId};
use progress::Profile;
use progress::achievements::Progress;
use progress::member_seasons::MemberSeason;
use serde::Deserialize;

/// Over how many days XP are drawn.
const DAYS: i32 = 30;
/// How many achievements and seasons are looked at.
const SHOWN: i64 = 200;
const SEASONS: i64 = 8;

/// A member in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct MemberPath {
    pub(super) user_id: UserId,
}

#[derive(Template)]
#[template(path = "you/profile.html")]
pub(super) struct ProfilePage {
    shell: Shell,
    profile: Profile,
    chart: Html,
    earned: Vec<Progress>,
    seasons: Vec<MemberSeason>,
}

impl ProfilePage {
    fn level(&self) -> Option<(i64, i64)> {
        let next = self.profile.next_level_xp?;
        Some((self.profile.member.xp.get() - self.profile.level_xp, next - self.profile.level_xp))
    }

    fn is_me(&self) -> bool {
        self.shell.member == Some(self.profile.member.user_id)
    }
}

async fn page_of(app: &App, shell: Shell, user: UserId) -> Result<ProfilePage, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let all = PageQuery { limit: Some(SHOWN), cursor: None };
    let few = PageQuery { limit: Some(SEASONS), cursor: None };
    let profile = progress::profile::member_profile_known(pool, app.settings(), guild, user).await?;
    let member = &profile.member;
    let (achievements, days, seasons) = try_join!(
        progress::achievements::ops::progress_of(pool, member, &all),
        progress::activity::xp_by_day(pool, guild, user, DAYS),
        progress::member_seasons::seasons_of(pool, member, &few)
    )?;
    let days: Vec<_> = days.into_iter().map(|day| (day.day, day.xp)).collect();
    let mut earned = achievements.items;
    earned.retain(|one| one.earned_at.is_some());
    earned.sort_by_key(|one| std::cmp::Reverse(one.earned_at));
    let chart = chart::days("XP of the last 30 days", "XP", &days);
    Ok(ProfilePage { shell, profile, chart, earned, seasons: seasons.items })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<MemberPath>,
) -> Result<Page<ProfilePage>, Problem> {
    Ok(Page(page_of(&app, visit.shell, path.user_id).await?))
}

pub(super) async fn own(
    State(app): State<App>,
    member: Member<CommunityRead>,
) -> Result<Page<ProfilePage>, Problem> {
    let user = member.user_id();
    Ok(Page(page_of(&app, member.shell, user).await?))
}
