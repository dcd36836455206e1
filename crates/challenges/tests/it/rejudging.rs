//! A comparison that changes after answers were given.

use access::By;
use challenges::audit::audit;
use challenges::rejudge::{Rejudged, rejudge};
use kernel::ChallengeId;
use serde_json::json;

use crate::world::{GUILD, Rules, World, slug};

impl World {
    async fn rules(&self, challenge: ChallengeId, rules: serde_json::Value) {
        sqlx::query("UPDATE challenges.challenges SET answer_rules = $2 WHERE id = $1")
            .bind(challenge.get())
            .bind(rules)
            .execute(self.pool())
            .await
            .unwrap();
    }

    async fn anew(&self, challenge: ChallengeId, apply: bool) -> Rejudged {
        rejudge(self.pool(), None, (GUILD, self.campaign, challenge), apply, (By::System, None))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_would_be_right_is_told_and_counts_when_the_author_says_so() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=4, &[challenge]).await;
    assert!(world.submit(challenge, 1, None, "right").await.unwrap().correct);
    for (user, answer) in [(2, "wrong"), (2, "RIGHT"), (2, "Right"), (3, " rIGHT"), (4, "left")] {
        assert!(!world.submit(challenge, user, None, answer).await.unwrap().correct);
    }
    assert_eq!(
        world.anew(challenge, true).await,
        Rejudged { answers: 6, ..Rejudged::default() },
        "nothing has changed"
    );
    world.rules(challenge, json!([{ "compare": "exact", "ignore_case": true }])).await;
    let told = world.anew(challenge, false).await;
    let who: Vec<_> =
        told.newly_right.iter().map(|r| (r.participant_id.as_str(), r.answer.as_str())).collect();
    assert_eq!(who, [("2", "RIGHT"), ("3", "rIGHT")], "the earliest of each");
    assert!(!told.applied && told.no_longer_right.is_empty());
    assert_eq!(audit(world.pool(), Some(world.key())).await.unwrap(), []);
    let solved =
        "SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1 AND is_correct";
    assert_eq!(world.count(solved).await, 1, "looking changes nothing");

    let applied = world.anew(challenge, true).await;
    assert!(applied.applied && applied.newly_right == told.newly_right);
    assert_eq!(world.count(solved).await, 3);
    assert_eq!(
        audit(world.pool(), Some(world.key())).await.unwrap(),
        [],
        "places, points, scores and histogram agree"
    );
    let logged =
        "SELECT count(*) FROM access.admin_log WHERE action_type = 'REJUDGE' AND $1::uuid IS NOT NULL";
    assert_eq!(world.count(logged).await, 1);
    let events = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.solved' AND subject = 'campaigns/' || $1::uuid";
    assert_eq!(world.count(events).await, 3);
    // Again, nothing is left to do; and answers go on from there.
    assert!(world.anew(challenge, true).await.newly_right.is_empty());
    assert_eq!(world.submit(challenge, 4, None, "RIGHT").await.unwrap().position, Some(4));

    // Stricter rules take nothing away.
    world.rules(challenge, json!([{ "compare": "exact" }])).await;
    let stricter = world.anew(challenge, true).await;
    assert_eq!((stricter.newly_right.len(), stricter.no_longer_right.len()), (0, 3));
    assert_eq!(world.count(solved).await, 4);
    assert_eq!(slug(world.submit(challenge, 2, None, "left").await), "already-solved");
}

#[tokio::test]
async fn a_second_part_counts_only_behind_the_first() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 2).await;
    world.players(1..=2, &[challenge]).await;
    assert!(world.submit(challenge, 1, None, "right").await.unwrap().correct);
    assert!(!world.submit(challenge, 1, None, "RIGHT2").await.unwrap().correct);
    assert!(!world.submit(challenge, 2, None, "RIGHT").await.unwrap().correct);
    world.rules(challenge, json!([{ "compare": "exact", "ignore_case": true }])).await;
    let applied = world.anew(challenge, true).await;
    let parts: Vec<_> = applied.newly_right.iter().map(|r| (r.participant_id.as_str(), r.part)).collect();
    assert_eq!(parts, [("1", 2), ("2", 1)]);
    assert_eq!(audit(world.pool(), Some(world.key())).await.unwrap(), []);
    world.run("UPDATE campaigns.campaigns SET status = 'CLOSED' WHERE id = $1").await;
    world.rules(challenge, json!([{ "compare": "lines" }])).await;
    let over = rejudge(world.pool(), None, (GUILD, world.campaign, challenge), true, (By::System, None))
        .await
        .unwrap();
    assert!(!over.applied && over.newly_right.is_empty());
}
