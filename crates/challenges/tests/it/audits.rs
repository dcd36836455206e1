//! Random play leaves nothing to report; tampering does.

use challenges::audit::{Drift, audit};
use challenges::hints::hint_unlock;
use challenges::submissions::SubmissionWriter;
use futures::future::join_all;
use jobs::Wake;
use kernel::{ChallengeId, HintId, UserId};

use crate::world::{GUILD, Rules, World};

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick(&mut self, n: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(n).unwrap())).unwrap()
    }
}

/// Forty players answer, rightly and wrongly, two-part challenges in both orders and buy hints, many at a time.
async fn play(seed: u64, time_based: bool) -> (World, Vec<ChallengeId>) {
    let rules = Rules {
        time_based,
        lockout_seconds: i32::from(seed.is_multiple_of(2)),
        per_5s: 3,
        per_5min: 20,
        ..Rules::default()
    };
    let world = World::new(rules).await;
    let mut challenges = Vec::new();
    let mut hints: Vec<(ChallengeId, HintId)> = Vec::new();
    for place in 1..=4 {
        let challenge = world.challenge(place, 1 + place % 2).await;
        for position in 1..=2 {
            let hint = world.hint(challenge, position, 0, i64::from(place) * 40).await;
            hints.push((challenge, hint));
        }
        challenges.push(challenge);
    }
    world.players(1..=40, &challenges).await;
    let writer = SubmissionWriter::start(world.pool(), &Wake::new(), 2, None);
    let mut chance = Chance(seed);
    for _ in 0..12 {
        let answers: Vec<_> = (0..30)
            .map(|_| {
                let challenge = challenges[usize::try_from(chance.below(4)).unwrap()];
                let answer = ["right", "right2", "wrong", "42"][usize::try_from(chance.below(4)).unwrap()];
                writer.submit(world.answer(challenge, 1 + chance.pick(40), None, answer))
            })
            .collect();
        let buys: Vec<_> = (0..4)
            .map(|_| {
                let (challenge, hint) = hints[usize::try_from(chance.below(8)).unwrap()];
                let user = UserId::new(1 + chance.pick(40));
                hint_unlock(world.pool(), (GUILD, world.campaign, challenge), hint, user)
            })
            .collect();
        // Whether each was refused or not is other tests' concern.
        let (outcomes, bought) = futures::join!(join_all(answers), join_all(buys));
        assert!(
            outcomes
                .into_iter()
                .all(|o| o.map_err(kernel::Problem::from).map_or_else(|p| p.status() < 500, |_| true))
        );
        assert!(bought.into_iter().all(|o| o.is_ok()));
    }
    (world, challenges)
}

async fn drifts(world: &World) -> Vec<Drift> {
    audit(world.pool(), None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_play_leaves_nothing_to_report() {
    for (seed, time_based) in [(1, false), (2, true), (3, false)] {
        let (world, _) = play(seed, time_based).await;
        let solves =
            "SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1 AND is_correct";
        let solves = world.count(solves).await;
        // Even seeds lock out, and so leave few answers to be judged.
        assert!(solves > if seed.is_multiple_of(2) { 3 } else { 15 }, "seed {seed}: {solves} solves");
        assert!(
            world.count("SELECT count(*) FROM challenges.hint_unlocks WHERE campaign_id = $1").await > 10
        );
        assert_eq!(drifts(&world).await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tampering_is_found() {
    let (world, _) = play(4, false).await;
    for (figure, tamper, mend) in [
        (
            "points",
            "UPDATE campaigns.campaign_participants SET points = points + 1 WHERE campaign_id = $1 AND participant_id = '7'",
            "UPDATE campaigns.campaign_participants SET points = points - 1 WHERE campaign_id = $1 AND participant_id = '7'",
        ),
        (
            "rank_major",
            "UPDATE campaigns.campaign_participants SET rank_major = rank_major + 1 WHERE campaign_id = $1 AND participant_id = '7'",
            "UPDATE campaigns.campaign_participants SET rank_major = rank_major - 1 WHERE campaign_id = $1 AND participant_id = '7'",
        ),
        (
            "participants",
            "INSERT INTO campaigns.standing_buckets SELECT guild_id, id, 999999, 1 FROM campaigns.campaigns WHERE id = $1",
            "DELETE FROM campaigns.standing_buckets WHERE campaign_id = $1 AND bucket = 999999",
        ),
        (
            "solve_count",
            "UPDATE challenges.challenge_parts p SET solve_count = solve_count + 1 FROM challenges.challenges c WHERE c.id = p.challenge_id AND c.campaign_id = $1 AND c.order_position = 1 AND part = 1",
            "UPDATE challenges.challenge_parts p SET solve_count = solve_count - 1 FROM challenges.challenges c WHERE c.id = p.challenge_id AND c.campaign_id = $1 AND c.order_position = 1 AND part = 1",
        ),
        (
            "points_awarded",
            "UPDATE challenges.challenge_submissions SET points_awarded = points_awarded + 1 WHERE campaign_id = $1 AND solve_position = 1",
            "UPDATE challenges.challenge_submissions SET points_awarded = points_awarded - 1 WHERE campaign_id = $1 AND solve_position = 1",
        ),
    ] {
        world.run(tamper).await;
        let found = drifts(&world).await;
        assert!(found.iter().any(|drift| drift.figure == figure), "{figure}: {found:?}");
        world.run(mend).await;
        assert_eq!(drifts(&world).await, [], "{figure}");
    }
}
