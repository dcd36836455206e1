//! What becomes of one answer after another.

use challenges::submissions::Submission;
use chrono::TimeDelta;
use kernel::{CampaignId, ChallengeId, GuildId, UserId};

use crate::world::{GUILD, Rules, World, slug, some_uuid};

#[tokio::test]
async fn a_right_answer_brings_points_by_position() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1, 2, 3], &[challenge]).await;

    let wrong = world.submit(challenge, 1, None, "42").await.unwrap();
    assert!(!wrong.correct && wrong.points.is_none() && wrong.submission_id.is_some());
    for (user, points, position) in [(2, 1000, 1), (1, 999, 2), (3, 998, 3)] {
        let verdict = world.submit(challenge, user, Some(1), " right\n").await.unwrap();
        assert!(verdict.correct && !verdict.already_solved && verdict.counted);
        assert_eq!((verdict.points, verdict.position), (Some(points), Some(position)));
        let elapsed = verdict.elapsed_ms.unwrap();
        assert!((1_800_000..1_900_000).contains(&elapsed), "{elapsed}");
    }
    let events = world
        .count("SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.solved' AND subject = 'campaigns/' || $1::uuid")
        .await;
    assert_eq!(events, 3);
    assert_eq!(world.recorded().await, 4);
}

#[tokio::test]
async fn the_same_right_answer_again_is_told_what_the_first_one_brought() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1], &[challenge]).await;
    let first = world.submit(challenge, 1, None, "right").await.unwrap();
    let again = world.submit(challenge, 1, None, "right").await.unwrap();
    assert!(again.correct && again.already_solved && again.submission_id.is_none());
    assert_eq!(
        (again.points, again.position, again.elapsed_ms),
        (first.points, first.position, first.elapsed_ms)
    );
    assert_eq!(slug(world.submit(challenge, 1, None, "wrong").await), "already-solved");
    assert_eq!(world.recorded().await, 1);
}

#[tokio::test]
async fn part_two_opens_with_part_one() {
    let world = World::new(Rules::default()).await;
    let (two, one) = (world.challenge(1, 2).await, world.challenge(2, 1).await);
    world.players([1], &[two, one]).await;
    assert_eq!(slug(world.submit(two, 1, Some(2), "right2").await), "part-locked");
    assert_eq!(slug(world.submit(one, 1, Some(2), "right2").await), "invalid-request");
    let first = world.submit(two, 1, None, "right").await.unwrap();
    assert_eq!((first.part, first.next_part), (1, Some(2)));
    // Without a part, the next open one is meant.
    assert!(!world.submit(two, 1, None, "right").await.unwrap().correct);
    let second = world.submit(two, 1, None, "right2").await.unwrap();
    assert_eq!((second.part, second.correct, second.next_part), (2, true, None));
}

#[tokio::test]
async fn who_is_too_fast_waits_and_a_right_answer_never_does() {
    let world = World::new(Rules { per_5s: 1, per_5min: 3, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1, 2], &[challenge]).await;

    let verdict = world.submit(challenge, 1, None, "a").await.unwrap();
    assert_eq!((verdict.left_in_5s, verdict.left_in_5min), (0, 2));
    assert!((4..=5).contains(&verdict.retry_after.unwrap()));
    assert_eq!(slug(world.submit(challenge, 1, None, "b").await), "too-many-answers");
    assert_eq!(slug(world.submit(challenge, 2, None, "b").await), "ok", "windows are per participant");
    world.let_pass(TimeDelta::seconds(6)).await;
    assert_eq!(slug(world.submit(challenge, 1, None, "b").await), "ok");
    world.let_pass(TimeDelta::seconds(6)).await;
    assert_eq!(slug(world.submit(challenge, 1, None, "c").await), "ok");
    world.let_pass(TimeDelta::seconds(60)).await;
    let refused = kernel::Problem::from(world.submit(challenge, 1, None, "d").await.unwrap_err());
    let wait = serde_json::to_value(&refused).unwrap()["retry_after"].as_u64().unwrap();
    assert!((180..=230).contains(&wait), "{wait}");
    assert!(world.submit(challenge, 1, None, "right").await.unwrap().correct);
}

#[tokio::test]
async fn lockouts_grow_and_hold_back_even_the_right_answer() {
    let world = World::new(Rules { lockout_seconds: 30, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    world.players([1], &[challenge]).await;
    assert_eq!(world.submit(challenge, 1, None, "a").await.unwrap().retry_after, Some(30));
    assert_eq!(slug(world.submit(challenge, 1, None, "right").await), "locked-out");
    world.let_pass(TimeDelta::seconds(31)).await;
    assert_eq!(world.submit(challenge, 1, None, "b").await.unwrap().retry_after, Some(60));
    world.let_pass(TimeDelta::seconds(31)).await;
    assert_eq!(slug(world.submit(challenge, 1, None, "right").await), "locked-out");
    world.let_pass(TimeDelta::seconds(31)).await;
    assert!(world.submit(challenge, 1, None, "right").await.unwrap().correct);
    assert_eq!(world.recorded().await, 3);
}

#[tokio::test]
async fn what_is_not_released_does_not_exist() {
    let world = World::new(Rules::default()).await;
    let secret = world.challenge_released(1, 1, None).await;
    let tomorrow = world.challenge_released(2, 1, Some(5)).await;
    world.players([1], &[secret, tomorrow]).await;
    for challenge in [secret, tomorrow, ChallengeId::new(some_uuid())] {
        assert_eq!(slug(world.submit(challenge, 1, None, "right").await), "not-found");
    }
    let nowhere = CampaignId::new(some_uuid());
    let other =
        |guild, campaign| Submission::new((guild, campaign, secret), UserId::new(1), None, "right").unwrap();
    for submission in [other(GUILD, nowhere), other(GuildId::new(8_000), world.campaign)] {
        assert_eq!(slug(challenges::submissions::submit(world.pool(), submission).await), "not-found");
    }
    assert_eq!(world.recorded().await, 0);
}

#[tokio::test]
async fn answers_are_taken_from_participants_with_an_input_while_the_campaign_runs() {
    let world = World::new(Rules::default()).await;
    let (open, closed) = (world.challenge(1, 1).await, world.challenge(2, 1).await);
    world.run("UPDATE challenges.challenges SET closes_at = now() WHERE campaign_id = $1 AND order_position = 2").await;
    world.players([1], &[open, closed]).await;
    world.register("2", "player", 2).await;
    assert_eq!(slug(world.submit(open, 2, None, "right").await), "input-first");
    assert_eq!(slug(world.submit(open, 3, None, "right").await), "not-registered");
    assert_eq!(slug(world.submit(closed, 1, None, "right").await), "challenge-closed");
    world.run("UPDATE challenges.generated_input_cache SET is_valid = false WHERE campaign_id = $1").await;
    assert_eq!(slug(world.submit(open, 1, None, "right").await), "input-first");
    world.run("UPDATE challenges.generated_input_cache SET is_valid = true WHERE campaign_id = $1").await;
    world.run("UPDATE campaigns.campaigns SET start_time = now() - interval '24 hours' WHERE id = $1").await;
    assert_eq!(slug(world.submit(open, 1, None, "right").await), "campaign-ended");
    world.run("UPDATE campaigns.campaigns SET status = 'CLOSED' WHERE id = $1").await;
    assert_eq!(slug(world.submit(open, 1, None, "right").await), "campaign-not-running");
    assert_eq!(world.recorded().await, 0);
}

#[test]
fn malformed_answers_are_refused_by_field() {
    let new = |part, answer: &str| {
        let ids = (GUILD, CampaignId::new(some_uuid()), ChallengeId::new(some_uuid()));
        Submission::new(ids, UserId::new(1), part, answer)
            .err()
            .map(|e| kernel::Problem::from(e).detail().to_owned())
    };
    assert_eq!(new(None, &"x".repeat(4096)), None);
    assert_eq!(new(None, &format!("{}\r\n", "x".repeat(4096))), None, "what an editor adds does not count");
    assert!(new(None, &"x".repeat(4097)).unwrap().contains("`answer`"));
    assert!(new(None, " \n").unwrap().contains("must not be empty"));
    assert!(new(None, "a\0b").unwrap().contains("zero character"));
    assert!(new(Some(11), "a").unwrap().contains("`part`"));
}

#[tokio::test]
async fn members_act_for_the_squad_they_started_in() {
    let world = World::new(Rules { squads: true, late_join_minutes: 60, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    let (red, blue) = (world.squad("red").await, world.squad("blue").await);
    for squad in [red, blue] {
        world.register(&squad.to_string(), "squad", 1).await;
        world.input(challenge, &squad.to_string(), "squad", 10).await;
    }
    // 1 was red at the start and moved to blue since; 2 joined blue two hours ago, 3 just now; 4 is in no squad.
    world.on_roster(red, 1).await;
    world.join(blue, 1, 120).await;
    world.join(blue, 2, 120).await;
    world.join(blue, 3, 1).await;
    assert_eq!(slug(world.submit(challenge, 4, None, "right").await), "not-eligible");
    assert_eq!(slug(world.submit(challenge, 3, None, "right").await), "not-eligible");
    assert_eq!(world.submit(challenge, 2, None, "right").await.unwrap().position, Some(1));
    assert_eq!(world.submit(challenge, 1, None, "right").await.unwrap().position, Some(2));
    let solved =
        "SELECT count(*) FROM campaigns.campaign_participants WHERE campaign_id = $1 AND parts_solved = 1";
    assert_eq!(world.count(solved).await, 2);
}

#[tokio::test]
async fn testers_try_early_and_take_nobodys_place() {
    let world =
        World::new(Rules { early_access_minutes: 90, started_minutes_ago: 30, ..Rules::default() }).await;
    let next = world.challenge_released(2, 1, None).await;
    let later = world.challenge_released(4, 1, None).await;
    world.tester(9).await;
    world.input(next, "9", "player", 1).await;
    world.input(later, "9", "player", 1).await;
    world.players([1], &[next]).await;
    let tried = world.submit(next, 9, None, "right").await.unwrap();
    assert!(tried.correct && !tried.counted && tried.position.is_none() && tried.submission_id.is_none());
    assert!(!world.submit(next, 9, None, "wrong").await.unwrap().correct);
    assert_eq!(slug(world.submit(later, 9, None, "right").await), "not-found");
    assert_eq!(slug(world.submit(next, 1, None, "right").await), "not-found");
    assert_eq!(world.recorded().await, 0);
    world.run("UPDATE challenges.challenges SET released_at = now() - interval '1 second' WHERE campaign_id = $1").await;
    assert_eq!(world.submit(next, 1, None, "right").await.unwrap().position, Some(1));
}

#[tokio::test]
async fn while_frozen_the_verdict_says_right_or_wrong_and_no_more() {
    let world =
        World::new(Rules { started_minutes_ago: 23 * 60, freeze_minutes: 30, ..Rules::default() }).await;
    let (before, after) = (world.challenge(1, 1).await, world.challenge(2, 1).await);
    world.players([1], &[before, after]).await;
    assert_eq!(world.submit(before, 1, None, "right").await.unwrap().points, Some(1000));
    world.run("UPDATE campaigns.campaigns SET freeze_minutes = 60 WHERE id = $1").await;
    world
        .run("UPDATE campaigns.campaigns SET start_time = start_time - interval '1 minute' WHERE id = $1")
        .await;
    let frozen = world.submit(after, 1, None, "right").await.unwrap();
    assert!(frozen.correct && frozen.points.is_none() && frozen.position.is_none());
    let leaks = world
        .count("SELECT count(*) FROM jobs.outbox WHERE subject = 'campaigns/' || $1::uuid AND user_id IS NULL AND (payload->>'frozen')::bool")
        .await;
    assert_eq!(leaks, 0);
    let told = world
        .count("SELECT count(*) FROM jobs.outbox WHERE subject = 'campaigns/' || $1::uuid AND user_id = 1 AND NOT payload ? 'points' AND NOT payload ? 'position'")
        .await;
    assert_eq!(told, 1);
}

/// How answers are compared, and what a part brings, as its author says.
#[tokio::test]
async fn answers_are_judged_and_weighed_by_the_rules_of_their_part() {
    let world = World::new(Rules::default()).await;
    let (weighed, plain) = (world.challenge(1, 2).await, world.challenge(2, 1).await);
    sqlx::query(
        r#"UPDATE challenges.challenges SET answer_rules = '[{"ignore_case": true, "points": 50},
            {"compare": "number", "absolute": "0.01", "points": 7}]' WHERE id = $1"#,
    )
    .bind(weighed.get())
    .execute(world.pool())
    .await
    .unwrap();
    world.players([1, 2, 3], &[weighed, plain]).await;
    sqlx::query(
        "UPDATE challenges.generated_input_cache SET expected_results[2] = '3.14159 ' || chr(31) || 'tau' WHERE challenge_id = $1",
    )
    .bind(weighed.get())
    .execute(world.pool())
    .await
    .unwrap();
    let verdict =
        async |challenge, user, answer: &str| world.submit(challenge, user, None, answer).await.unwrap();
    assert!(!verdict(weighed, 3, "wrong").await.correct);
    let first = verdict(weighed, 1, "RIGHT").await;
    assert_eq!((first.correct, first.points), (true, Some(50)));
    // The campaign's step counts as ever.
    let second = verdict(weighed, 2, "Right\r\n").await;
    assert_eq!((second.position, second.points), (Some(2), Some(49)));
    assert!(!verdict(weighed, 1, "3.2").await.correct);
    assert_eq!(verdict(weighed, 1, "3.14").await.points, Some(7));
    assert_eq!(verdict(weighed, 2, "tau").await.points, Some(6), "one of several right answers");
    let already = verdict(weighed, 2, "3.15").await;
    assert!(already.already_solved && already.correct);
    // Without rules, as ever.
    assert!(!verdict(plain, 1, "RIGHT").await.correct);
    assert_eq!(verdict(plain, 1, "right").await.points, Some(1000));
    assert!(challenges::audit::audit(world.pool(), Some(world.key())).await.unwrap().is_empty());
}
