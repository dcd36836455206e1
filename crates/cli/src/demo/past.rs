//! Campaigns of the season that are over: one of players, one of squads, and one that is to come.
//!
//! They are played as campaigns are: published, registered for, answered, closed, rewarded, all by the slices' `ops` and timers, within
//! seconds. Then their time is stretched: one linear map takes every instant of theirs to where it would have been, had the weeks
//! passed, so that order, points and positions stay what the engine made of them. The journal of transitions and the timers'
//! executions keep the time at which they truly were.

use std::time::Duration;

use campaigns::authoring::{self, Bundle};
use campaigns::model::{Campaign, Status};
use campaigns::ops::{self, Asker};
use challenges::Submission;
use challenges::inputs::input_get;
use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kernel::{CampaignId, ChallengeId, PageQuery, UserId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sandbox::Sandbox;
use server::Services;
use sqlx::PgPool;

use super::{AT_ONCE, GUILD, failed, people, with_temporary_folder};
use crate::failure::{Code, Failure, OrFail as _};
use crate::screen::Screen;

/// A campaign of the past.
pub(super) struct Past {
    name: &'static str,
    about: &'static str,
    squads: bool,
    /// Days ago that it began, and days that it went on.
    days: (i64, i64),
    /// Hours between two releases.
    pace: i64,
    /// Members who play.
    players: usize,
    /// What chance is seeded with: the demo is the same every time.
    seed: u64,
    riddles: &'static [Riddle],
}

/// A challenge whose answer is the same for everybody.
struct Riddle {
    slug: &'static str,
    title: &'static str,
    text: &'static str,
    flag: &'static str,
    hint: &'static str,
    /// So many of a hundred players solve it.
    solved: u32,
}

const WARM_UP: [Riddle; 6] = [
    Riddle {
        slug: "01-first-light",
        title: "First light",
        text: "The hall's lamps are numbered from 0. Lamp *n* is lit if *n* has an odd number of ones in binary.\n\nHow many of the first 1,024 lamps are lit?",
        flag: "512",
        hint: "Flip the last bit of any number: what becomes of the count of ones?",
        solved: 92,
    },
    Riddle {
        slug: "02-the-echo",
        title: "The echo",
        text: "The echo repeats what you say, each letter moved by one more than the letter before it, beginning with one. It says:\n\n```text\niggpt\n```\n\nWhat did you say?",
        flag: "hello|HELLO",
        hint: "The first letter moved by one, the second by two …",
        solved: 78,
    },
    Riddle {
        slug: "03-ledger",
        title: "The ledger",
        text: "A ledger has entries 1 to 100. Every entry that is a multiple of 3 or 5 was written twice.\n\nWhat is the sum of all that is written in it?",
        flag: "7468",
        hint: "Sum once, then add the multiples again, each only once.",
        solved: 66,
    },
    Riddle {
        slug: "04-copper-pipes",
        title: "Copper pipes",
        text: "Pipes of 3 and 7 ells are laid end to end. Which is the longest run, in whole ells, that cannot be laid?",
        flag: "11",
        hint: "For two lengths without a common divisor there is a formula older than the hall.",
        solved: 51,
    },
    Riddle {
        slug: "05-the-clock",
        title: "The stopped clock",
        text: "Between noon and midnight, how often do the two hands of the hall's clock stand exactly on top of each other, noon itself counted and midnight not?",
        flag: "11",
        hint: "The minute hand gains eleven turns in twelve hours.",
        solved: 38,
    },
    Riddle {
        slug: "06-roofers",
        title: "The roofers' bet",
        text: "Two roofers take turns to lay 1, 2 or 3 of 22 tiles; who lays the last one wins.\n\nHow many should the first one lay?",
        flag: "2",
        hint: "Leave a multiple of four.",
        solved: 27,
    },
];

const SPRINT: [Riddle; 5] = [
    Riddle {
        slug: "01-muster",
        title: "Muster",
        text: "Every squad sends as many as it has letters in **QUESTHALL**. How many different letters is that?",
        flag: "8",
        hint: "One of them comes twice.",
        solved: 100,
    },
    Riddle {
        slug: "02-relay",
        title: "Relay",
        text: "A baton is handed on after 1, 2, 4, 8 … steps. After how many handings has it gone more than a million steps in all?",
        flag: "20",
        hint: "Powers of two add up to almost the next one.",
        solved: 92,
    },
    Riddle {
        slug: "03-hexagons",
        title: "Hexagons",
        text: "The floor is laid with hexagons around one in the middle. How many are there with ten rings around it?",
        flag: "331",
        hint: "Ring *n* has 6 *n*.",
        solved: 75,
    },
    Riddle {
        slug: "04-the-vote",
        title: "The vote",
        text: "Seven squads vote on three banners. In how many ways can the votes fall, if only the counts matter?",
        flag: "36",
        hint: "Stars and bars.",
        solved: 58,
    },
    Riddle {
        slug: "05-the-knot",
        title: "The knot",
        text: "A rope is cut by five straight cuts while it lies in a circle. Into how many pieces at most?",
        flag: "10",
        hint: "Each cut crosses the circle twice.",
        solved: 42,
    },
];

const PASTS: [Past; 2] = [
    Past {
        name: "Winter Warm-up",
        about: "Six short riddles for long evenings: paper and pencil are enough.",
        squads: false,
        days: (58, 14),
        pace: 48,
        players: 160,
        seed: 21,
        riddles: &WARM_UP,
    },
    Past {
        name: "Squad Sprint",
        about: "One week, squad against squad. Whoever of a squad finds the answer sends it for all.",
        squads: true,
        days: (30, 7),
        pace: 24,
        players: people::MEMBERS,
        seed: 22,
        riddles: &SPRINT,
    },
];

/// What is to come, and how many have registered.
const NEXT: (&str, usize) = ("Spring Ascent", 85);

/// Days until it begins.
const NEXT_DAYS: i64 = 5;

/// Makes them, from wherever they were left off.
pub(super) async fn set_up(services: &Services, screen: &Screen) -> Result<(), Failure> {
    let Some(sandbox) = &services.sandbox else { return Ok(()) };
    let there = all(services.app.pool()).await?;
    for past in &PASTS {
        let found = there.iter().find(|campaign| campaign.settings.name == past.name);
        if found.is_some_and(|campaign| campaign.status == Status::Expired) {
            continue;
        }
        play_through(services, sandbox, past, found.cloned(), screen).await?;
    }
    coming(services, &there).await
}

/// All campaigns of the guild.
async fn all(pool: &PgPool) -> Result<Vec<Campaign>, Failure> {
    let page = PageQuery { limit: Some(200), cursor: None };
    Ok(ops::campaign_list(pool, GUILD, None, true, &page).await?.items)
}

/// One that can be registered for.
async fn coming(services: &Services, there: &[Campaign]) -> Result<(), Failure> {
    let (pool, wake) = (services.app.pool(), services.app.wake());
    let found = there.iter().find(|campaign| campaign.settings.name == NEXT.0);
    let campaign = match found {
        Some(campaign) if campaign.status != Status::Created => return Ok(()),
        Some(campaign) => campaign.clone(),
        None => {
            let mut bundle = PASTS[0].bundle()?;
            NEXT.0.clone_into(&mut bundle.campaign.name);
            bundle.campaign.description =
                Some("The snow is going. Register in time: the first riddle is read out at noon.".to_owned());
            authoring::bundle_import(pool, wake, GUILD, Asker::CLI, &bundle, None).await?
        }
    };
    if campaign.published_at.is_some() {
        // Registrations of the first start are all there, or some more have come by themselves.
        return Ok(());
    }
    let start = db::now(&mut *db::acquire(pool).await?).await? + TimeDelta::days(NEXT_DAYS);
    ops::campaign_publish(pool, wake, GUILD, Asker::CLI, campaign.id, Some(start)).await?;
    register(services, campaign.id, (0..NEXT.1).map(|n| people::id(3 + n * 7)).collect()).await
}

pub(super) async fn register(
    services: &Services,
    campaign: CampaignId,
    users: Vec<UserId>,
) -> Result<(), Failure> {
    let (pool, wake) = (services.app.pool(), services.app.wake());
    stream::iter(users.into_iter().map(|user| async move {
        match ops::register(pool, wake, GUILD, campaign, user).await {
            // Who left the guild meanwhile takes no part.
            Ok(_) | Err(campaigns::Error::Registration(_)) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }))
    .buffer_unordered(AT_ONCE)
    .try_collect::<Vec<()>>()
    .await?;
    Ok(())
}

async fn play_through(
    services: &Services,
    sandbox: &Sandbox,
    past: &Past,
    found: Option<Campaign>,
    screen: &Screen,
) -> Result<(), Failure> {
    let (pool, wake) = (services.app.pool(), services.app.wake());
    let campaign = match found {
        Some(campaign) => campaign,
        None => authoring::bundle_import(pool, wake, GUILD, Asker::CLI, &past.bundle()?, None).await?,
    };
    let (id, mut status) = (campaign.id, campaign.status);
    if status == Status::Created {
        let soon = db::now(&mut *db::acquire(pool).await?).await? + TimeDelta::hours(1);
        ops::campaign_publish(pool, wake, GUILD, Asker::CLI, id, Some(soon)).await?;
        register(services, id, past.entrants(pool).await?).await?;
        ops::campaign_start(pool, wake, GUILD, Asker::CLI, id).await?;
        status = Status::Running;
    }
    if status == Status::Running {
        released(services, past, id).await?;
        play(services, sandbox, past, id, screen).await?;
        ops::campaign_close(pool, wake, GUILD, Asker::CLI, id).await?;
        status = Status::Closed;
    }
    if status == Status::Closed {
        ops::campaign_open_rewards(pool, wake, GUILD, Asker::CLI, id).await?;
    }
    claim(services, id).await?;
    stretch(pool, past, id).await?;
    wake.everything();
    over(pool, id).await
}

impl Past {
    /// The campaign as an author's folder holds it.
    fn bundle(&self) -> Result<Bundle, Failure> {
        let write =
            |file: std::path::PathBuf, text: String| std::fs::write(file, text).or_fail(Code::Unavailable);
        let mut bundle = with_temporary_folder(|folder| {
            let kind = if self.squads { "squad" } else { "player" };
            write(
                folder.join("campaign.toml"),
                format!(
                    "name = {:?}\ndescription = {:?}\ncampaign_type = \"{kind}\"\nscoring_type = \"point_based\"\n\
                     starting_points = 200\npoints_decrease_step = 1\nduration_hours = {}\nrelease_delay_minutes = {}\n\
                     [rate_limit]\nper_5s = 1000\nper_5min = 60000\n\
                     [[rewards]]\nfrom = 1\nto = 1\nbytes = 400\nxp = 400\ngold = 40\n\
                     [[rewards]]\nfrom = 2\nto = 5\nbytes = 200\nxp = 250\ngold = 20\n\
                     [[rewards]]\nparticipation = true\nbytes = 20\nxp = 40\ngold = 2\n",
                    self.name,
                    self.about,
                    self.days.1 * 24,
                    self.pace * 60,
                ),
            )?;
            for riddle in self.riddles {
                let folder = folder.join(riddle.slug);
                std::fs::create_dir(&folder).or_fail(Code::Unavailable)?;
                write(
                    folder.join("challenge.toml"),
                    format!(
                        "title = {:?}\nflags = [{}]\n[[hints]]\ntext = {:?}\ncost_bytes = 5\npenalty = 5\npart = 1\n",
                        riddle.title,
                        riddle.flags().map(|flag| format!("{flag:?}")).collect::<Vec<_>>().join(", "),
                        riddle.hint,
                    ),
                )?;
                write(folder.join("README.md"), riddle.text.to_owned())?;
            }
            authoring::read(folder).map_err(|findings| {
                let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
                Failure::new(
                    Code::Internal,
                    format!("the demo's {} is wrong: {}", self.name, lines.join("; ")),
                )
            })
        })?;
        bundle.campaign.timers.reward_delay_minutes = 5;
        Ok(bundle)
    }

    /// Who registers: the players, or one of each squad.
    async fn entrants(&self, pool: &PgPool) -> Result<Vec<UserId>, Failure> {
        if !self.squads {
            return Ok((0..self.players).map(|n| people::id(n * 2)).collect());
        }
        let first = sqlx::query_scalar!(
            r#"SELECT min(user_id) AS "first!: UserId" FROM squads.squad_memberships WHERE guild_id = $1 GROUP BY squad_id"#,
            GUILD.get(),
        );
        Ok(first.fetch_all(&mut *db::acquire(pool).await?).await?)
    }
}

impl Riddle {
    fn flags(&self) -> impl Iterator<Item = &'static str> {
        self.flag.split('|')
    }
}

/// Has the campaign's clock show its last days, so that its timers release all challenges, one after the other, and waits for that.
async fn released(services: &Services, past: &Past, id: CampaignId) -> Result<(), Failure> {
    let pool = services.app.pool();
    // The end stays to come while it is played.
    let (back, lasts) = (past.days.1 + 1, i32::try_from(past.days.1 + 30).unwrap_or(60) * 24);
    sqlx::query!(
        "UPDATE campaigns.campaigns SET start_time = now() - make_interval(days => $3), duration_hours = $4
          WHERE guild_id = $1 AND id = $2 AND start_time > now() - interval '1 day'",
        GUILD.get(),
        id.get(),
        i32::try_from(back).unwrap_or(8),
        lasts,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    sqlx::query!(
        "UPDATE campaigns.campaign_timers SET scheduled_at = now()
          WHERE guild_id = $1 AND campaign_id = $2 AND timer_type = 'RELEASE_CHALLENGE' AND status = 'PENDING'",
        GUILD.get(),
        id.get(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    services.app.wake().everything();
    for _ in 0..400 {
        let waiting = sqlx::query_scalar!(
            r#"SELECT count(*) AS "waiting!" FROM challenges.challenges
                WHERE guild_id = $1 AND campaign_id = $2 AND released_at IS NULL"#,
            GUILD.get(),
            id.get(),
        )
        .fetch_one(&mut *db::acquire(pool).await?)
        .await?;
        if waiting == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Err(Failure::new(
        Code::Internal,
        format!("the challenges of {} were not released within 10 seconds", past.name),
    ))
}

/// An answer that somebody sends: when of the campaign's time, who, to which challenge, and whether it is right.
#[derive(Debug, Clone, Copy)]
struct Move {
    at: f64,
    user: UserId,
    riddle: usize,
    right: bool,
}

impl Past {
    /// What is played: each challenge from when it is released on, most of it soon after.
    fn moves(&self, users: &[UserId]) -> Vec<Move> {
        let mut chance = StdRng::seed_from_u64(self.seed);
        let mut moves = Vec::new();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_wrap,
            reason = "a share of the campaign's time"
        )]
        let share = |n: usize| (n as i64 * self.pace) as f64 / (self.days.1 * 24) as f64;
        for user in users {
            for (n, riddle) in self.riddles.iter().enumerate() {
                let (solves, errs) =
                    (chance.random_range(0..100) < riddle.solved, chance.random_range(0..100) < 30);
                let pause = -chance.random_range(f64::MIN_POSITIVE..1.0_f64).ln() * 0.09;
                let at = (share(n) + pause).min(0.999);
                if errs && (solves || chance.random_range(0..3) == 0) {
                    moves.push(Move { at: at * 0.999, user: *user, riddle: n, right: false });
                }
                if solves {
                    moves.push(Move { at, user: *user, riddle: n, right: true });
                }
            }
        }
        moves.sort_by(|a, b| a.at.total_cmp(&b.at));
        moves
    }
}

async fn play(
    services: &Services,
    sandbox: &Sandbox,
    past: &Past,
    id: CampaignId,
    screen: &Screen,
) -> Result<(), Failure> {
    let pool = services.app.pool();
    let users: Vec<UserId> = sqlx::query_scalar!(
        r#"SELECT registered_by AS "user!: UserId" FROM campaigns.campaign_participants
            WHERE guild_id = $1 AND campaign_id = $2 ORDER BY registered_by"#,
        GUILD.get(),
        id.get(),
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let challenges: Vec<ChallengeId> = sqlx::query_scalar!(
        r#"SELECT id AS "id: ChallengeId" FROM challenges.challenges
            WHERE guild_id = $1 AND campaign_id = $2 ORDER BY order_position"#,
        GUILD.get(),
        id.get(),
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let moves = past.moves(&users);
    let bar = screen.bar(moves.len(), past.name);
    let mut done = stream::iter(moves)
        .map(|one| {
            let (challenge, riddle) = (challenges.get(one.riddle).copied(), &past.riddles[one.riddle]);
            async move {
                let Some(challenge) = challenge else { return Ok(()) };
                make(services, sandbox, (id, challenge), riddle, one).await
            }
        })
        .buffered(AT_ONCE);
    while let Some(outcome) = done.next().await {
        outcome?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn make(
    services: &Services,
    sandbox: &Sandbox,
    (campaign, challenge): (CampaignId, ChallengeId),
    riddle: &Riddle,
    one: Move,
) -> Result<(), Failure> {
    let (pool, wake) = (services.app.pool(), services.app.wake());
    let place = (GUILD, campaign, challenge);
    input_get(pool, wake, sandbox, place, one.user).await.map_err(failed)?;
    let answer = if one.right { riddle.flags().next().unwrap_or_default() } else { "no idea" };
    let submission = Submission::new(place, one.user, Some(1), answer).map_err(failed)?;
    match services.submissions.submit(submission).await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::debug!(%error, "an answer of the demo's was refused");
            Ok(())
        }
    }
}

/// Most of those who have a reward take it.
async fn claim(services: &Services, id: CampaignId) -> Result<(), Failure> {
    let (pool, wake) = (services.app.pool(), services.app.wake());
    let users: Vec<UserId> = sqlx::query_scalar!(
        r#"SELECT user_id AS "user: UserId" FROM campaigns.reward_claims
            WHERE guild_id = $1 AND campaign_id = $2 AND claimed_at IS NULL AND lapsed_at IS NULL ORDER BY rank, user_id LIMIT 150"#,
        GUILD.get(),
        id.get(),
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    stream::iter(users.into_iter().map(|user| async move {
        ops::reward_claim(pool, wake, GUILD, id, user).await.map(|_| ()).map_err(failed)
    }))
    .buffer_unordered(AT_ONCE)
    .try_collect::<Vec<()>>()
    .await?;
    Ok(())
}

/// Takes a campaign that was played just now to its place in the past, once; its expiry is due then.
async fn stretch(pool: &PgPool, past: &Past, id: CampaignId) -> Result<(), Failure> {
    let mut tx = db::begin(pool).await?;
    let played = sqlx::query!(
        r#"SELECT started_at AS "started!", extract(epoch FROM closed_at - started_at)::float8 AS "seconds!",
                  started_at < now() - interval '1 day' AS "done!"
             FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2 FOR UPDATE"#,
        GUILD.get(),
        id.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if played.done {
        return Ok(());
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of some days")]
    let factor = (past.days.1 * 86_400) as f64 / played.seconds.max(0.001);
    let begin = db::now(&mut tx).await? - TimeDelta::days(past.days.0);
    let map = super::stretch::Map { guild: GUILD, campaign: id, from: played.started, begin, factor };
    super::stretch::campaign(&mut tx, &map, i32::try_from(past.days.1 * 24).unwrap_or(1)).await?;
    super::stretch::answers(&mut tx, &map).await?;
    super::stretch::standings(&mut tx, &map).await?;
    tx.commit().await?;
    Ok(())
}

/// Waits until its timer has ended it.
async fn over(pool: &PgPool, id: CampaignId) -> Result<(), Failure> {
    for _ in 0..400 {
        if ops::campaign_get(pool, GUILD, id, true).await?.status == Status::Expired {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Err(Failure::new(Code::Internal, "a campaign of the demo's past did not end within 10 seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_can_be_read_as_folders() {
        for past in &PASTS {
            let bundle = past.bundle().unwrap();
            assert_eq!(bundle.challenges.len(), past.riddles.len());
            assert_eq!(authoring::bundle_check(&bundle), []);
        }
    }

    #[test]
    fn it_is_played_in_the_order_of_its_releases_and_the_same_each_time() {
        let users: Vec<UserId> = (0..100).map(people::id).collect();
        let moves = PASTS[0].moves(&users);
        let again = PASTS[0].moves(&users);
        assert!(
            moves.iter().zip(&again).all(|(a, b)| (a.user, a.riddle, a.right) == (b.user, b.riddle, b.right))
        );
        assert!(moves.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let first = |riddle| moves.iter().position(|one| one.riddle == riddle).unwrap();
        assert!((0..5).all(|n| first(n) < first(n + 1)));
        let solved = |riddle| moves.iter().filter(|one| one.riddle == riddle && one.right).count();
        assert!(solved(0) > solved(3) && solved(3) > solved(5) && solved(5) > 0);
    }
}
