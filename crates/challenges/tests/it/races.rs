//! Many answers at once, at one node and at several.

use std::collections::BTreeSet;

use challenges::submissions::{Outcome, Submission, SubmissionWriter, submit};
use futures::future::join_all;
use jobs::Wake;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::world::{Rules, World, slug};

/// Two nodes with a pool each, and a third way in without batches.
struct Nodes {
    writers: [SubmissionWriter; 2],
    pool: PgPool,
}

impl Nodes {
    async fn of(world: &World) -> Self {
        let pool =
            PgPoolOptions::new().max_connections(4).connect_with(world.db.options().clone()).await.unwrap();
        let writers = [world.pool(), &pool].map(|pool| SubmissionWriter::start(pool, &Wake::new(), 2, None));
        Self { writers, pool }
    }

    async fn submit(&self, n: usize, submission: Submission) -> Outcome {
        match n % 9 {
            8 => submit(&self.pool, submission).await,
            other => self.writers[other % 2].submit(submission).await,
        }
    }

    async fn submit_all(&self, submissions: Vec<Submission>) -> Vec<Outcome> {
        join_all(submissions.into_iter().enumerate().map(|(n, submission)| self.submit(n, submission))).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_right_answers_get_distinct_exact_positions() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=64, &[challenge]).await;
    let nodes = Nodes::of(&world).await;
    let answers = (1..=64).map(|user| world.answer(challenge, user, None, "right")).collect();
    let outcomes = nodes.submit_all(answers).await;
    let verdicts: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let positions: BTreeSet<i32> = verdicts.iter().map(|v| v.position.unwrap()).collect();
    assert_eq!(positions, (1..=64).collect());
    assert!(verdicts.iter().all(|v| v.points.unwrap() == 1001 - v.position.unwrap()));
    let counted = world
        .count("SELECT solve_count::bigint FROM challenges.challenge_parts JOIN challenges.challenges c ON c.id = challenge_id WHERE c.campaign_id = $1")
        .await;
    assert_eq!(counted, 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_duplicates_solve_once() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1], &[challenge]).await;
    let nodes = Nodes::of(&world).await;
    let outcomes = nodes.submit_all(vec![world.answer(challenge, 1, None, "right"); 64]).await;
    let verdicts: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(verdicts.iter().all(|v| v.correct && v.position == Some(1) && v.points == Some(1000)));
    assert_eq!(verdicts.iter().filter(|v| !v.already_solved).count(), 1);
    assert_eq!(world.recorded().await, 1);
    let points =
        world.count("SELECT points FROM campaigns.campaign_participants WHERE campaign_id = $1").await;
    assert_eq!(points, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_wrong_answers_stop_at_the_limit() {
    let world = World::new(Rules { per_5s: 7, per_5min: 7, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1], &[challenge]).await;
    let nodes = Nodes::of(&world).await;
    let outcomes = nodes.submit_all(vec![world.answer(challenge, 1, None, "wrong"); 64]).await;
    let slugs: Vec<String> = outcomes.into_iter().map(slug).collect();
    assert_eq!(slugs.iter().filter(|s| *s == "ok").count(), 7);
    assert_eq!(slugs.iter().filter(|s| *s == "too-many-answers").count(), 57);
    assert_eq!(world.recorded().await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_answer_of_a_burst_is_taken() {
    let world = World::new(Rules { per_5s: 1, per_5min: 2, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1], &[challenge]).await;
    let nodes = Nodes::of(&world).await;
    let mut answers = vec![world.answer(challenge, 1, None, "wrong"); 40];
    answers[33].answer = "right".into();
    let outcomes = nodes.submit_all(answers).await;
    assert!(outcomes[33].as_ref().unwrap().correct);
    let right = "SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1 AND is_correct";
    assert_eq!(world.count(right).await, 1);
    let wrong =
        "SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1 AND NOT is_correct";
    assert!(world.count(wrong).await <= 2);
}

/// Everybody answers everything, in opposite orders at the two nodes: whoever took locks in the order of arrival would
/// deadlock, and a deadlock would surface as an internal error.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_do_not_deadlock() {
    let world = World::new(Rules::default()).await;
    let mut challenges = Vec::new();
    for place in 1..=6 {
        challenges.push(world.challenge(place, 1).await);
    }
    world.players(1..=30, &challenges).await;
    let nodes = Nodes::of(&world).await;
    let mut answers = Vec::new();
    for round in 0..30 {
        for (n, challenge) in challenges.iter().enumerate() {
            let user = 1 + (i64::from(round) + 5 * i64::try_from(n).unwrap()) % 30;
            answers.push(world.answer(*challenge, user, None, "right"));
            answers.push(world.answer(challenges[5 - n], 31 - user, None, "right"));
        }
    }
    for outcome in nodes.submit_all(answers).await {
        assert!(outcome.unwrap().correct);
    }
    assert_eq!(world.recorded().await, 180);
    let gaps = world
        .count("SELECT count(*) FROM (SELECT max(solve_position) - count(*) AS gap FROM challenges.challenge_submissions WHERE campaign_id = $1 GROUP BY challenge_id) t WHERE gap <> 0")
        .await;
    assert_eq!(gaps, 0);
}

/// One submission that the database refuses spoils nothing for the others of its batch.
#[tokio::test]
async fn a_poisoned_answer_fails_alone() {
    let world = World::new(Rules::default()).await;
    let (good, bad) = (world.challenge(1, 1).await, world.challenge(2, 1).await);
    world.players(1..=9, &[good, bad]).await;
    // No such part: what cannot happen, made to happen.
    sqlx::query!("DELETE FROM challenges.challenge_parts WHERE challenge_id = $1", bad.get())
        .execute(world.pool())
        .await
        .unwrap();
    let writer = SubmissionWriter::start(world.pool(), &Wake::new(), 1, None);
    let outcomes = join_all((1..=9).map(|user| {
        let challenge = if user == 5 { bad } else { good };
        writer.submit(world.answer(challenge, user, None, "right"))
    }))
    .await;
    for (user, outcome) in (1..=9).zip(outcomes) {
        assert_eq!(slug(outcome), if user == 5 { "internal" } else { "ok" });
    }
    assert_eq!(world.recorded().await, 8);
}
