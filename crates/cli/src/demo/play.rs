//! Players who fetch their inputs and hand in answers, mostly right ones.

use std::time::Duration;

use challenges::{
    Submission,
    inputs::{input_get, input_with_answers},
};
use futures::{StreamExt as _, stream};
use kernel::{CampaignId, ChallengeId, UserId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use sandbox::Sandbox;
use server::Services;

use super::{GUILD, failed, people};
use crate::{failure::Failure, screen::Screen};

/// So many of a hundred players open the first challenge at once.
const EARLY_BIRDS: u32 = 30;

/// So many of a hundred answers are right.
const RIGHT: u32 = 70;

/// Seconds between two moves once the demo runs.
const PAUSE_SECONDS: std::ops::RangeInclusive<u64> = 2..=6;

/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 2;

/// A challenge that is released.
#[derive(Debug, Clone, Copy)]
struct Open {
    id: ChallengeId,
    parts: i32,
}

/// Lets most members fetch their first input and answer, so that there is a leaderboard to look at.
pub(super) async fn first_moves(
    campaign: CampaignId,
    services: &Services,
    screen: &Screen,
) -> Result<(), Failure> {
    let Some(sandbox) = &services.sandbox else {
        screen.note("Nobody plays: no script can be run on this machine. `questhall doctor` says why.");
        return Ok(());
    };
    let first = wait_for_first(campaign, services).await?;
    let mut chance = StdRng::seed_from_u64(SEED);
    let moves: Vec<(UserId, bool)> = people::players()
        .filter(|_| chance.random_range(0..100) < EARLY_BIRDS)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|user| (user, chance.random_range(0..100) < RIGHT))
        .collect();
    let bar = screen.bar(moves.len(), "members make their first moves");
    let mut done = stream::iter(moves)
        .map(|(user, right)| make_move(campaign, services, sandbox, first, user, right))
        .buffer_unordered(4);
    while let Some(outcome) = done.next().await {
        outcome?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The first challenge is released by a timer, within moments of the start.
async fn wait_for_first(campaign: CampaignId, services: &Services) -> Result<Open, Failure> {
    for _ in 0..100 {
        if let Some(first) = released(campaign, services).await?.first() {
            return Ok(*first);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Failure::new(
        crate::failure::Code::Internal,
        "the demo's first challenge was not released within 5 seconds",
    ))
}

/// Plays until it is stopped: now and then a member, chosen by chance, opens an input or hands in an answer.
pub(super) async fn play_on(campaign: CampaignId, services: Services) {
    let Some(sandbox) = services.sandbox.clone() else { return };
    let mut chance = StdRng::seed_from_u64(SEED + 1);
    let members: Vec<UserId> = people::players().collect();
    loop {
        tokio::time::sleep(Duration::from_secs(chance.random_range(PAUSE_SECONDS))).await;
        let open = match released(campaign, &services).await {
            Ok(open) => open,
            Err(failure) => {
                tracing::debug!(%failure, "the demo skips a move");
                continue;
            }
        };
        let (Some(user), Some(challenge)) = (members.choose(&mut chance), open.choose(&mut chance)) else {
            continue;
        };
        let right = chance.random_range(0..100) < RIGHT;
        if let Err(failure) = make_move(campaign, &services, &sandbox, *challenge, *user, right).await {
            tracing::debug!(%failure, "the demo skips a move");
        }
    }
}

/// A member opens the challenge and answers its next part.
async fn make_move(
    campaign: CampaignId,
    services: &Services,
    sandbox: &Sandbox,
    challenge: Open,
    user: UserId,
    right: bool,
) -> Result<(), Failure> {
    let pool = services.app.pool();
    let place = (GUILD, campaign, challenge.id);
    input_get(pool, services.app.wake(), sandbox, place, user).await.map_err(failed)?;
    let answers = input_with_answers(pool, place, &user.to_string()).await.map_err(failed)?.answers;
    for part in 1..=challenge.parts {
        let answer = usize::try_from(part - 1).ok().and_then(|index| answers.get(index));
        let answer = answer.filter(|_| right).map_or("a wild guess", String::as_str);
        let submission = Submission::new(place, user, Some(part), answer).map_err(failed)?;
        match services.submissions.submit(submission).await {
            // Solved before: on to the next part.
            Ok(verdict) if verdict.already_solved => {}
            Ok(_) => break,
            // Too fast, or locked out: that is part of the game.
            Err(error) => {
                tracing::debug!(%error, "an answer of the demo's was refused");
                break;
            }
        }
    }
    Ok(())
}

async fn released(campaign: CampaignId, services: &Services) -> Result<Vec<Open>, Failure> {
    let rows = sqlx::query_as!(
        Open,
        r#"SELECT id AS "id: ChallengeId", parts FROM challenges.challenges
            WHERE guild_id = $2 AND campaign_id = $1 AND released_at IS NOT NULL ORDER BY order_position"#,
        campaign.get(),
        GUILD.get(),
    )
    .fetch_all(&mut *db::acquire(services.app.pool()).await?)
    .await?;
    Ok(rows)
}
