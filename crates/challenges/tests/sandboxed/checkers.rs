//! Checkers: answers that a script of the author's has to look at.

use std::time::Duration;

use challenges::audit::audit;
use challenges::submissions::{Outcome, SubmissionWriter, Verdict};
use futures::future::join_all;
use jobs::Wake;
use kernel::{ChallengeId, Problem};
use sandbox::Sandbox;

use crate::world::{GUILD, World, slug};

/// Right is any even number that begins as the result does; a small one brings half.
const CHECKER: &str = "import json, sys\nasked = json.load(sys.stdin)\n\
    try: n = int(asked['answer'])\n\
    except ValueError: n = 1\n\
    if asked['answer'] == 'crash': raise ValueError('oh no')\n\
    if n % 2: print(json.dumps({'correct': False, 'message': 'odd, for ' + asked['input'] + asked['result']}))\n\
    else: print(json.dumps({'correct': True, 'share': 1 if n > 9 else 0.5}))";

impl World {
    async fn checked(&self, place: i32) -> ChallengeId {
        let id = self.challenge(place, 1).await;
        sqlx::query("UPDATE challenges.challenges SET checker_script = $2 WHERE id = $1")
            .bind(id.get())
            .bind(CHECKER)
            .execute(self.pool())
            .await
            .unwrap();
        id
    }

    fn writer(&self, sandbox: &Sandbox) -> SubmissionWriter {
        SubmissionWriter::start(self.pool(), &Wake::new(), 2, Some(sandbox.clone()))
    }

    async fn windows(&self) -> i64 {
        self.count("SELECT count(*) FROM challenges.submission_rate_limits WHERE campaign_id = $1").await
    }

    async fn waiting(&self) -> i64 {
        self.count("SELECT count(*) FROM challenges.pending_checks WHERE campaign_id = $1").await
    }

    async fn is_sound(&self) {
        assert_eq!(audit(self.pool(), Some(self.key())).await.unwrap(), []);
        assert_eq!(self.waiting().await, 0);
    }

    async fn until_recorded(&self, count: i64) {
        let wait = async {
            while self.recorded().await < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), wait).await.expect("it is judged in the end");
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    outcome.unwrap()
}

pub(crate) async fn judges(world: World, sandbox: Sandbox) {
    let challenge = world.checked(1).await;
    let plain = world.challenge(2, 1).await;
    world.players(1..=3, &[challenge, plain]).await;
    let writer = world.writer(&sandbox);
    let send = async |user, answer: &str| writer.submit(world.answer(challenge, user, None, answer)).await;
    let wrong = verdict(send(1, "7").await);
    assert!(!wrong.correct && wrong.submission_id.is_some());
    assert_eq!(wrong.message.as_deref(), Some("odd, for inputright"));
    let right = verdict(send(1, "42").await);
    assert_eq!((right.correct, right.position, right.points), (true, Some(1), Some(1000)));
    let half = verdict(send(2, "8").await);
    assert_eq!((half.correct, half.position, half.points), (true, Some(2), Some(499)));
    // The same again changes nothing; another right one is not taken for it.
    let again = verdict(send(1, "42").await);
    assert!(again.correct && again.already_solved && again.points == Some(1000));
    assert_eq!(slug(send(1, "44").await), "already-solved");
    // Beside it, answers are compared as ever.
    assert!(verdict(writer.submit(world.answer(plain, 1, None, "right")).await).correct);
    assert_eq!((world.recorded().await, world.windows().await), (4, 4));
    assert_eq!(
        world.count("SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1 AND checker_message LIKE 'odd%'").await,
        1
    );
    world.is_sound().await;
    // A tester's answers are judged and recorded nowhere.
    world.tester(3).await;
    let tried = verdict(send(3, "10").await);
    assert!(tried.correct && !tried.counted && tried.submission_id.is_none());
    assert_eq!((world.recorded().await, world.windows().await), (4, 4));
    // Where nothing can run, nothing is lost.
    let bare = SubmissionWriter::start(world.pool(), &Wake::new(), 1, None);
    world.players([4], &[challenge]).await;
    assert_eq!(slug(bare.submit(world.answer(challenge, 4, None, "42")).await), "check-unavailable");
    assert_eq!(slug(world.submit(challenge, 4, None, "42").await), "check-unavailable");
    assert_eq!((world.recorded().await, world.windows().await), (4, 4));
    world.is_sound().await;
}

pub(crate) async fn fails(world: World, sandbox: Sandbox) {
    let challenge = world.checked(1).await;
    world.players(1..=2, &[challenge]).await;
    let writer = world.writer(&sandbox);
    for user in [1, 1, 2] {
        let outcome = writer.submit(world.answer(challenge, user, None, "crash")).await;
        let problem = Problem::from(outcome.unwrap_err());
        assert_eq!((problem.status(), problem.slug()), (503, "check-unavailable"));
        assert!(!problem.detail().contains("oh no"), "{problem}");
    }
    assert_eq!((world.recorded().await, world.windows().await), (0, 0), "no try is used");
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.checker_failed' AND user_id = 0
                AND subject = 'campaigns/' || $1::uuid AND payload->>'error' LIKE '%the checker failed (in line 5): ValueError: oh no%'";
    assert_eq!(world.count(told).await, 1);
    assert!(verdict(writer.submit(world.answer(challenge, 1, None, "12")).await).correct);
    world.is_sound().await;
}

/// A node that was killed while a checker ran leaves its row, and nothing else.
async fn leave_behind(world: &World, challenge: ChallengeId, user: i64, answer: &str) {
    sqlx::query(
        "WITH w AS (INSERT INTO challenges.submission_rate_limits (guild_id, campaign_id, participant_id, participant_type, submission_timestamp)
                    VALUES ($1, $2, $4::bigint::text, 'player', now() - interval '10 minutes'))
         INSERT INTO challenges.pending_checks (guild_id, id, campaign_id, challenge_id, participant_id, participant_type, user_id, part,
             answer, arrived_at, claimed_until)
         VALUES ($1, questhall.uuid_v7(), $2, $3, $4::bigint::text, 'player', $4, 1, $5, now() - interval '10 minutes', now() - interval '1 second')",
    )
    .bind(GUILD.get())
    .bind(world.campaign.get())
    .bind(challenge.get())
    .bind(user)
    .bind(answer)
    .execute(world.pool())
    .await
    .unwrap();
}

pub(crate) async fn left_behind(world: World, sandbox: Sandbox) {
    let challenge = world.checked(1).await;
    world.players(1..=2, &[challenge]).await;
    leave_behind(&world, challenge, 1, "42").await;
    leave_behind(&world, challenge, 2, "7").await;
    // What arrived in time is judged in time, although the challenge has closed meanwhile.
    sqlx::query("UPDATE challenges.challenges SET closes_at = now() - interval '1 minute' WHERE id = $1")
        .bind(challenge.get())
        .execute(world.pool())
        .await
        .unwrap();
    let writer = world.writer(&sandbox);
    world.until_recorded(2).await;
    let elapsed =
        "SELECT elapsed_ms FROM challenges.challenge_submissions WHERE campaign_id = $1 AND is_correct";
    let elapsed = world.count(elapsed).await;
    assert!(
        (1_190_000..=1_260_000).contains(&elapsed),
        "twenty minutes from the input to the arrival: {elapsed}"
    );
    assert_eq!(world.windows().await, 2);
    assert_eq!(slug(writer.submit(world.answer(challenge, 2, None, "42")).await), "challenge-closed");
    world.is_sound().await;
}

pub(crate) async fn in_order(world: World, sandbox: Sandbox) {
    world.run("UPDATE campaigns.campaigns SET limit_per_5s = 3, limit_per_5min = 3 WHERE id = $1").await;
    let challenge = world.checked(1).await;
    world.players(1..=5, &[challenge]).await;
    let writer = world.writer(&sandbox);
    // Ten at once of one participant: three are looked at, right or not; the rest is refused before a script runs.
    let many =
        join_all((0..10).map(|n| writer.submit(world.answer(challenge, 1, None, &format!("{}", 2 * n + 1)))))
            .await;
    let refused = many.into_iter().map(slug).filter(|slug| slug == "too-many-answers").count();
    assert_eq!((refused, world.recorded().await, world.windows().await), (7, 3, 3));
    // The first to arrive is the first, however slowly it is checked.
    sqlx::query("UPDATE challenges.challenges SET checker_script = replace(checker_script, 'if n % 2', 'if n == 20: import time; time.sleep(0.5)\nif n % 2') WHERE id = $1")
        .bind(challenge.get())
        .execute(world.pool())
        .await
        .unwrap();
    let slow = writer.submit(world.answer(challenge, 2, None, "20"));
    let quick = writer.submit(world.answer(challenge, 3, None, "22"));
    let (slow, quick) = futures::join!(slow, quick);
    assert_eq!((verdict(slow).position, verdict(quick).position), (Some(1), Some(2)));
    world.is_sound().await;
}

pub(crate) async fn once(world: World, sandbox: Sandbox) {
    let challenge = world.checked(1).await;
    world.players(1..=20, &[challenge]).await;
    for user in 1..=20 {
        leave_behind(&world, challenge, user, "42").await;
    }
    // Two nodes find them at the same time.
    let (_one, _two) = (world.writer(&sandbox), world.writer(&sandbox));
    world.until_recorded(20).await;
    assert_eq!((world.recorded().await, world.windows().await), (20, 20));
    world.is_sound().await;
    // What cannot be checked, however often, is given back.
    world.players([21], &[challenge]).await;
    leave_behind(&world, challenge, 21, "42").await;
    world.run("UPDATE challenges.pending_checks SET attempts = 3 WHERE campaign_id = $1").await;
    let _three = world.writer(&sandbox);
    let wait = async {
        while world.waiting().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), wait).await.expect("it is given back");
    assert_eq!((world.recorded().await, world.windows().await), (20, 20));
}
