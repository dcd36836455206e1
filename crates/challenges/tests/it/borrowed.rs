//! Answers that belong to somebody else.

use challenges::borrowed::{borrowed_find, borrowed_list};
use kernel::PageQuery;

use crate::world::{GUILD, Rules, World, slug};

impl World {
    async fn expects(&self, user: i64, answer: &str) {
        sqlx::query(
            "UPDATE challenges.generated_input_cache SET expected_results = ARRAY[$2] WHERE participant_id = $1",
        )
        .bind(user.to_string())
        .bind(answer)
        .execute(self.pool())
        .await
        .unwrap();
    }

    async fn found(&self) -> u64 {
        borrowed_find(&mut self.pool().acquire().await.unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn somebody_elses_answer_is_told_to_staff_once() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=4, &[challenge]).await;
    for (user, answer) in [(1, "11111"), (2, "22222"), (3, "shared"), (4, "shared")] {
        world.expects(user, answer).await;
    }
    assert!(world.submit(challenge, 2, None, "22222").await.unwrap().correct);
    // Wrong, and somebody else's; wrong and nobody's; wrong, and right for more than one.
    for answer in ["22222", "33333", "shared"] {
        assert!(!world.submit(challenge, 1, None, answer).await.unwrap().correct);
    }
    assert_eq!(world.found().await, 1);
    assert_eq!(world.found().await, 0, "each once");
    let page = PageQuery { limit: None, cursor: None };
    let told = borrowed_list(world.pool(), (GUILD, world.campaign), &page).await.unwrap().items;
    let [only] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((only.participant_id.as_str(), only.owner_id.as_str(), only.part), ("1", "2", 1));
    assert_eq!((only.participant_name.as_str(), only.owner_name.as_str()), ("P 1", "P 2"));
    assert!(only.owner_solved_at.is_some_and(|solved| solved < only.submitted_at));
    let told =
        "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.borrowed_answer' AND user_id = 0
                AND subject = 'campaigns/' || $1::uuid AND payload->>'owner_name' = 'P 2'";
    assert_eq!(world.count(told).await, 1);
    // Who sent it learns that it is wrong, and no more.
    let nobody =
        borrowed_list(world.pool(), (kernel::GuildId::new(1), world.campaign), &page).await.unwrap_err();
    assert_eq!(kernel::Problem::from(nobody).slug(), "not-found");
    assert_eq!(slug(world.submit(challenge, 1, None, "11111").await), "ok");
}

#[tokio::test]
async fn a_campaign_may_not_want_to_know() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=2, &[challenge]).await;
    world.expects(1, "11111").await;
    world.expects(2, "22222").await;
    world.run("UPDATE campaigns.campaigns SET tell_borrowed_answers = false WHERE id = $1").await;
    world.submit(challenge, 1, None, "22222").await.unwrap();
    assert_eq!(world.found().await, 0);
    world.run("UPDATE campaigns.campaigns SET tell_borrowed_answers = true WHERE id = $1").await;
    assert_eq!(world.found().await, 1);
    // A guess that happens to be somebody's says nothing.
    world.expects(2, "42").await;
    world.submit(challenge, 1, None, "42").await.unwrap();
    assert_eq!(world.found().await, 0);
}

#[tokio::test]
async fn answers_are_met_by_the_rule_of_their_challenge_and_looked_at_once() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=3, &[challenge]).await;
    for (user, answer) in [(1, "north east"), (2, "south west\u{1f}s w by w"), (3, "3.14159 rad")] {
        world.expects(user, answer).await;
    }
    world.run("UPDATE challenges.challenges SET answer_rules = '[{\"compare\": \"tokens\", \"ignore_case\": true}]' WHERE campaign_id = $1").await;
    for answer in ["South\n  WEST", "s w  BY w", "southwest"] {
        assert!(!world.submit(challenge, 1, None, answer).await.unwrap().correct);
    }
    assert_eq!(world.found().await, 2);
    let looks = "SELECT count(*) FROM challenges.borrowed_looks WHERE campaign_id = $1";
    assert_eq!(world.count(looks).await, 3, "also those that are nobody's");
    // Numbers with a tolerance are met by it.
    world.run("UPDATE challenges.challenges SET answer_rules = '[{\"compare\": \"number\", \"absolute\": \"0.01\"}]' WHERE campaign_id = $1").await;
    assert!(!world.submit(challenge, 1, None, "3.15 rad").await.unwrap().correct);
    assert!(!world.submit(challenge, 1, None, "3.16 rad").await.unwrap().correct);
    assert_eq!(world.found().await, 1);
    // What is forgotten again is too old to be looked at anew.
    world.run("UPDATE challenges.borrowed_looks SET looked_at = now() - interval '31 minutes' WHERE campaign_id = $1").await;
    world.run("UPDATE challenges.challenge_submissions SET submission_timestamp = now() - interval '16 minutes' WHERE campaign_id = $1").await;
    assert_eq!((world.found().await, world.count(looks).await), (0, 0));
}

#[tokio::test]
async fn an_answer_that_is_written_late_is_looked_at_too() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=2, &[challenge]).await;
    world.expects(1, "11111").await;
    world.expects(2, "22222").await;
    world.submit(challenge, 1, None, "33333").await.unwrap();
    assert_eq!(world.found().await, 0);
    // Its checker took minutes: it bears the time of its arrival, before what was looked at already.
    world.submit(challenge, 1, None, "22222").await.unwrap();
    world
        .run("UPDATE challenges.challenge_submissions SET submission_timestamp = now() - interval '5 minutes' WHERE campaign_id = $1 AND submitted_result = '22222'")
        .await;
    assert_eq!(world.found().await, 1);
}
