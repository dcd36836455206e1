//! A small guild to look at: guild 1 with forty members and three squads, the example campaign running with quick
//! releases, players who go on playing, and the example path with learners on their way. All of it goes through the slices' `ops`, as requests do.
//!
//! Starting it again finds what is there. What the players do is drawn from a fixed seed; when they do it is up to the
//! clock.

mod bundle;
mod learn;
mod path;
mod people;
mod play;

use std::path::Path;

use campaigns::{
    authoring,
    model::Status,
    ops::{self, Asker},
};
use kernel::{CampaignId, GuildId, PageQuery, Problem};
use learning::ids::PathId;
use server::Services;

use crate::{
    failure::{Code, Failure, OrFail},
    screen::Screen,
};

pub(crate) use play::play_on;

/// The guild that the demo lives in.
const GUILD: GuildId = GuildId::new(1);

/// Minutes between two releases: short enough to watch.
const RELEASE_DELAY_MINUTES: i32 = 2;

/// Hours that the campaign runs.
const DURATION_HOURS: i32 = 24;

/// A demo that is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    pub(crate) campaign: CampaignId,
    pub(crate) path: PathId,
}

/// Finds the demo's running campaign, or makes one with people who have begun to play.
pub(crate) async fn set_up(services: &Services, screen: &Screen) -> Result<Demo, Failure> {
    let pool = services.app.pool();
    let query = PageQuery { limit: Some(1), cursor: None };
    let running = ops::campaign_list(pool, GUILD, Some(Status::Running), false, &query).await?;
    people::move_in(pool).await?;
    let path = learn::set_up(services, screen).await?;
    if let Some(campaign) = running.items.first() {
        return Ok(Demo { campaign: campaign.id, path });
    }
    let bundle = bundle::read()?;
    let campaign =
        authoring::bundle_import(pool, services.app.wake(), GUILD, Asker::CLI, &bundle, None).await?;
    // Registration opens when it is published; an hour is more than enough for forty members.
    let soon = db::now(&mut *db::acquire(pool).await?).await? + chrono::TimeDelta::hours(1);
    ops::campaign_publish(pool, services.app.wake(), GUILD, Asker::CLI, campaign.id, Some(soon)).await?;
    for user in people::ids() {
        ops::register(pool, services.app.wake(), GUILD, campaign.id, user).await?;
    }
    ops::campaign_start(pool, services.app.wake(), GUILD, Asker::CLI, campaign.id).await?;
    let demo = Demo { campaign: campaign.id, path };
    play::first_moves(demo, services, screen).await?;
    Ok(demo)
}

impl Demo {
    /// What to look at, with commands that work when they are pasted.
    pub(crate) fn told(&self, url: &str, key: Option<&Path>) -> String {
        let Self { campaign, path } = self;
        let key = key.map_or("admin.key".to_owned(), |file| file.display().to_string());
        let me = people::ids().next_back().map(|user| user.to_string()).unwrap_or_default();
        format!(
            r#"
The demo is running: {} members of guild {GUILD}, and a new challenge every {RELEASE_DELAY_MINUTES} minutes. Try:

  KEY=$(cat {key})
  C={url}/api/v1/guilds/{GUILD}/campaigns/{campaign}

  curl -H "Authorization: Bearer $KEY" $C                        # the campaign
  curl -H "Authorization: Bearer $KEY" $C/leaderboard            # who leads
  curl -H "Authorization: Bearer $KEY" $C/challenges             # what is released
  curl -N -H "Authorization: Bearer $KEY" $C/leaderboard/stream  # the same, live
  curl -H "Authorization: Bearer $KEY" -H "Questhall-User: {me}" $C/registrations/me

  L={url}/api/v1/guilds/{GUILD}/learning

  curl -H "Authorization: Bearer $KEY" -H "Questhall-User: {me}" $L/paths/{path}   # a course, and how a member stands
"#,
            people::ids().len()
        )
    }
}

/// A problem of the demo's own making.
fn failed(problem: impl Into<Problem>) -> Failure {
    Failure::new(Code::Internal, format!("the demo: {}", problem.into().detail()))
}

/// Reads the embedded folder by way of a temporary one, so that it goes through the same reader as an author's.
fn with_temporary_folder<T>(work: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
    let folder = std::env::temp_dir().join(format!("questhall-demo-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).or_fail(Code::Unavailable)?;
    let outcome = work(&folder);
    // What cannot be removed is the system's to clean up.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}
