//! A guild to look at: guild 1 with two thousand members, a season of talk, squads, campaigns that are over, that run and that are to
//! come, the example path with learners on their way, a queue to be graded, cases and appeals, a shop and a board. All of it goes
//! through the slices' `ops` and writers, as requests do, so that what is counted is true.
//!
//! Starting it again finds what is there, and goes on where it was broken off. What its members do is drawn from a fixed seed; when they
//! do it is up to the clock.
//!
//! Map: `people`, `names` who lives there · `season` what they say, and what follows from it · `past` campaigns that are over, `stretch`
//! their time · `bundle`, `play` the one that runs · `path`, `learn` · `trade` shop, board and bytes · `order` moderation.

mod bundle;
mod learn;
mod names;
mod order;
mod past;
mod path;
mod people;
mod play;
mod season;
mod stretch;
mod trade;

use std::path::Path;
use std::time::Instant;

use access::sign_in;
use campaigns::{
    authoring,
    model::Status,
    ops::{self, Asker},
};
use kernel::{CampaignId, GuildId, PageQuery, Problem};
use learning::ids::PathId;
use server::{Server, Services};

use crate::{
    failure::{Code, Failure, OrFail},
    screen::Screen,
};

/// The guild that the demo lives in.
const GUILD: GuildId = GuildId::new(1);

/// Minutes between two releases: short enough to watch.
const RELEASE_DELAY_MINUTES: i32 = 2;

/// Hours that the campaign runs.
const DURATION_HOURS: i32 = 24;

/// For how long a link is good.
const LINKS_MINUTES: i32 = 24 * 60;

/// Members who do something at the same time while the demo is made.
const AT_ONCE: usize = 8;

/// Connections of what makes the demo.
const CONNECTIONS: u32 = 16;

/// A demo that is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    pub(crate) campaign: CampaignId,
    pub(crate) path: PathId,
}

/// Makes what there is not yet: everybody, then what they did, so many events of it. Nothing of it waits for the disk: what a crash takes is
/// made at the next start.
pub(crate) async fn set_up(server: &Server, events: u32, screen: &Screen) -> Result<Demo, Failure> {
    let pool = server.database().relaxed_pool(CONNECTIONS);
    let made = Box::pin(make(&server.services().over(&pool), events, screen)).await;
    pool.close().await;
    made
}

async fn make(services: &Services, events: u32, screen: &Screen) -> Result<Demo, Failure> {
    let pool = services.app.pool();
    people::move_in(pool).await?;
    let season = season::prepare(pool).await?;
    people::settle(pool, &season).await?;
    // One after the other: who plays or learns would wait for the locks under which thousands of events are rewarded at once, on a
    // slow machine for longer than anything may wait. Boxed: they hold much.
    timed("squads", people::gather(pool)).await?;
    Box::pin(timed("campaigns that are over", past::set_up(services, screen))).await?;
    let campaign = Box::pin(timed("the running campaign", running(services, screen))).await?;
    timed("moderation", order::keep(pool)).await?;
    let path = Box::pin(timed("learning", learn::set_up(services, screen))).await?;
    Box::pin(timed("the season", season::tell(services, &season, events as usize, screen))).await?;
    timed("trade", trade::set_up(services)).await?;
    trade::weekend(pool).await?;
    Ok(Demo { campaign, path })
}

/// Does it, and notes how long that took.
async fn timed<T>(what: &'static str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let began = Instant::now();
    let outcome = work.await;
    tracing::info!(took = ?began.elapsed(), "the demo: {what}");
    outcome
}

/// Finds the demo's running campaign, or makes one with people who have begun to play.
async fn running(services: &Services, screen: &Screen) -> Result<CampaignId, Failure> {
    let pool = services.app.pool();
    let query = PageQuery { limit: Some(1), cursor: None };
    let running = ops::campaign_list(pool, GUILD, Some(Status::Running), false, &query).await?;
    if let Some(campaign) = running.items.first() {
        return Ok(campaign.id);
    }
    let bundle = bundle::read()?;
    let campaign =
        authoring::bundle_import(pool, services.app.wake(), GUILD, Asker::CLI, &bundle, None).await?;
    // Registration opens when it is published; an hour is more than enough for some hundred members.
    let soon = db::now(&mut *db::acquire(pool).await?).await? + chrono::TimeDelta::hours(1);
    ops::campaign_publish(pool, services.app.wake(), GUILD, Asker::CLI, campaign.id, Some(soon)).await?;
    past::register(services, campaign.id, people::players().collect()).await?;
    ops::campaign_start(pool, services.app.wake(), GUILD, Asker::CLI, campaign.id).await?;
    play::first_moves(campaign.id, services, screen).await?;
    Ok(campaign.id)
}

/// Goes on talking and playing until it is stopped.
pub(crate) async fn live_on(demo: Demo, services: Services) {
    tokio::join!(season::talk_on(services.clone()), play::play_on(demo.campaign, services));
}

/// Links that let whoever is at this machine look around.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) owner: String,
    pub(crate) member: String,
}

/// Makes them anew; those of an earlier start are good no more.
pub(crate) async fn links(services: &Services, url: &str) -> Result<Links, Failure> {
    let mut tx = db::begin(services.app.pool()).await?;
    sign_in::links_withdraw(&mut tx, sign_in::Purpose::Demo).await?;
    let owner = sign_in::link_make(&mut tx, Some(people::id(0)), LINKS_MINUTES).await?;
    let member = sign_in::link_make(&mut tx, Some(people::id(people::GUEST)), LINKS_MINUTES).await?;
    tx.commit().await?;
    let link = |secret: &str| format!("{url}/demo?link={secret}");
    Ok(Links { owner: link(&owner), member: link(&member) })
}

impl Demo {
    /// What to look at, with commands that work when they are pasted.
    pub(crate) fn told(&self, url: &str, key: Option<&Path>, links: Option<&Links>) -> String {
        let Self { campaign, path } = self;
        let key = key.map_or("admin.key".to_owned(), |file| file.display().to_string());
        let me = people::id(people::GUEST);
        let links = links.map_or_else(String::new, |Links { owner, member }| {
            format!(
                "\nLook around in a browser on this machine (not for service: whoever has such a link is let in for a day):\n\n  \
                 as {:12} {owner}\n  as a member   {member}\n",
                "its owner"
            )
        });
        format!(
            r#"{links}
The demo is running: {} members of guild {GUILD}, and a new challenge every {RELEASE_DELAY_MINUTES} minutes. At the terminal:

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
            people::MEMBERS
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
