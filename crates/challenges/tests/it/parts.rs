//! Challenges of many parts: each opens with the one before it, and counts by itself.

use challenges::audit::audit;
use challenges::catalogue::ChallengeDraft;
use challenges::hints::{hint_list, hint_unlock};
use challenges::ops::{self, Onlooker};
use kernel::{Problem, UserId};
use serde_json::json;

use crate::world::{GUILD, Rules, World, slug};

/// The answer to a part, as the tests' inputs have it.
fn right(part: i32) -> String {
    if part == 1 { "right".to_owned() } else { format!("right{part}") }
}

#[tokio::test]
async fn ten_parts_are_solved_one_after_the_other_and_weighed_each() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 10).await;
    let weights: Vec<_> = (1..=10).map(|part| json!({ "points": part * 100 })).collect();
    sqlx::query("UPDATE challenges.challenges SET answer_rules = $2 WHERE id = $1")
        .bind(challenge.get())
        .bind(json!(weights))
        .execute(world.pool())
        .await
        .unwrap();
    world.players(1..=2, &[challenge]).await;
    let within = (GUILD, world.campaign, challenge);
    let seen = async |user| {
        let who = Onlooker { user: Some(UserId::new(user)), ..Onlooker::default() };
        ops::challenge_get(world.pool(), within, who).await.unwrap()
    };
    assert_eq!(seen(1).await.part_descriptions, [""; 0], "only the first part is told at first");
    let early = world.submit(challenge, 1, Some(3), "right3").await.unwrap_err();
    let problem = Problem::from(early);
    assert_eq!((problem.slug(), problem.detail()), ("part-locked", "Part 3 opens when part 2 is solved."));
    for part in 1..=10 {
        // The answer to another part is none to this one.
        assert!(!world.submit(challenge, 1, None, &right(part % 10 + 1)).await.unwrap().correct);
        let verdict = world.submit(challenge, 1, None, &right(part)).await.unwrap();
        assert_eq!((verdict.part, verdict.correct, verdict.points), (part, true, Some(part * 100)));
        assert_eq!(verdict.next_part, (part < 10).then_some(part + 1));
        let told = seen(1).await;
        assert_eq!(told.solved_parts, (1..=part).collect::<Vec<_>>());
        assert_eq!(told.part_descriptions.len(), usize::try_from(part.min(9)).unwrap());
        assert_eq!(
            told.part_descriptions.last().unwrap(),
            &format!("The question of part {}.", (part + 1).min(10))
        );
    }
    let told = seen(1).await;
    assert_eq!(told.points, (1..=10).map(|part| part * 100).collect::<Vec<_>>());
    assert_eq!(told.solve_counts, [1; 10]);
    // When all is solved, an answer goes to the last part; any may be sent again.
    assert!(world.submit(challenge, 1, None, "right10").await.unwrap().already_solved);
    assert_eq!(slug(world.submit(challenge, 1, None, "right4").await), "already-solved");
    assert_eq!(world.submit(challenge, 1, Some(4), "right4").await.unwrap().points, Some(400));
    // The second solver of a part, who is no further than the third.
    for part in 1..=3 {
        let verdict = world.submit(challenge, 2, Some(part), &right(part)).await.unwrap();
        assert_eq!((verdict.position, verdict.points), (Some(2), Some(part * 100 - 1)));
    }
    let page = kernel::PageQuery::default();
    let solvers = async |part| {
        let board = ops::board_solvers(world.pool(), within, part, false, &page).await.unwrap();
        board.items.into_iter().map(|solver| solver.participant_id).collect::<Vec<_>>()
    };
    assert_eq!(
        (solvers(3).await, solvers(10).await),
        (vec!["1".to_owned(), "2".to_owned()], vec!["1".to_owned()])
    );
    let feed = ops::board_feed(world.pool(), (GUILD, world.campaign), false).await.unwrap();
    assert_eq!(feed.tasks.len(), 10);
    assert_eq!(feed.tasks[9], "challenge-1 (10)");
    let board = ops::board(world.pool(), (GUILD, world.campaign), false, &page).await.unwrap();
    let standing: Vec<_> = board.items.iter().map(|row| (row.parts_solved, row.points)).collect();
    assert_eq!(standing, [(10, 5_500), (3, 597)]);
    assert_eq!(audit(world.pool(), Some(world.key())).await.unwrap(), []);
    for part in [0, 11] {
        let refused = challenges::Submission::new(within, UserId::new(1), Some(part), "x").unwrap_err();
        assert_eq!(Problem::from(refused).errors()[0].field, "part");
    }
}

#[tokio::test]
async fn a_hint_opens_with_its_part() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 3).await;
    world.players([1], &[challenge]).await;
    let hint = world.hint_of_part(challenge, 1, 3).await;
    let (within, user) = ((GUILD, world.campaign, challenge), UserId::new(1));
    let available = async || hint_list(world.pool(), within, user).await.unwrap()[0].available;
    world.submit(challenge, 1, None, "right").await.unwrap();
    assert!(!available().await);
    let refused = hint_unlock(world.pool(), within, hint, user).await.unwrap_err();
    assert_eq!(Problem::from(refused).slug(), "part-locked");
    world.submit(challenge, 1, None, "right2").await.unwrap();
    assert!(available().await);
    assert!(hint_unlock(world.pool(), within, hint, user).await.unwrap().body.is_some());
}

#[tokio::test]
async fn a_draft_has_a_text_for_each_of_up_to_ten_parts() {
    let world = World::new(Rules::default()).await;
    let faults = |parts: i32, texts: usize| -> Vec<String> {
        let draft: ChallengeDraft = serde_json::from_value(json!({
            "title": "X", "description": "One.", "generation_script": "print(1)", "parts": parts,
            "part_descriptions": vec!["More."; texts], "hints": [{ "body": "Look.", "part": parts }],
        }))
        .unwrap();
        let wrong = challenges::catalogue::draft_check(&draft);
        wrong.into_iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect()
    };
    assert_eq!(faults(10, 9), [""; 0]);
    assert_eq!(faults(1, 0), [""; 0]);
    assert_eq!(faults(3, 1), ["part_descriptions must be 2 texts, of the parts 2 to 3"]);
    assert_eq!(faults(1, 1), ["part_descriptions must be left out: there is one part"]);
    assert_eq!(
        faults(11, 9),
        ["parts must be between 1 and 10", "hints[0].part must be a part of the challenge"]
    );
    // It is kept as it was written, and its parts wait to be solved.
    let draft: ChallengeDraft = serde_json::from_value(json!({
        "title": "Ten", "description": "One.", "generation_script": "print(1)", "parts": 10,
        "part_descriptions": (2..=10).map(|part| format!("Part {part}.")).collect::<Vec<_>>(),
    }))
    .unwrap();
    let made = ops::challenge_create(
        world.pool(),
        &jobs::Wake::new(),
        (GUILD, world.campaign),
        &draft,
        (access::By::Cli, None),
    )
    .await
    .unwrap();
    assert_eq!((made.part_descriptions.len(), made.solve_counts.len()), (9, 10));
    assert_eq!(made.part_descriptions[8], "Part 10.");
}
