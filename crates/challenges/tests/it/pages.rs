//! What is told at once for a page is what each operation tells by itself.

use challenges::hints::hint_list;
use challenges::inputs::{input_begun, input_files};
use challenges::ops::{self, Onlooker};
use challenges::submissions::{Whose, submission_list};
use kernel::{ChallengeId, PageQuery, Problem, UserId};

use crate::world::{GUILD, Rules, World};

const MOST: i64 = 10;

/// Compares what a page of a challenge is made of with what the operations tell; answers whether the challenge is there for the onlooker,
/// and whether they take part.
async fn compare(world: &World, challenge: ChallengeId, admin: bool, user: i64) -> (bool, bool) {
    let (pool, within, user) = (world.pool(), (GUILD, world.campaign, challenge), UserId::new(user));
    let who = Onlooker { admin, user: Some(user), ..Onlooker::default() };
    let alone = ops::challenge_get(pool, within, who).await;
    let play = match ops::challenge_play(pool, within, who, Some(MOST)).await {
        Ok(play) => play,
        Err(error) => {
            assert_eq!(Problem::from(error).slug(), Problem::from(alone.unwrap_err()).slug());
            return (false, false);
        }
    };
    assert_eq!(play.challenge, alone.unwrap());
    let own = play.own;
    assert_eq!(own.input, input_begun(pool, within, user).await.unwrap_or_default());
    assert_eq!(own.files, input_files(pool, within, user).await.unwrap_or_default());
    let hints = hint_list(pool, within, user).await;
    assert_eq!(own.hints, hints.unwrap_or_default());
    let few = PageQuery { limit: Some(MOST), cursor: None };
    let answers =
        submission_list(pool, (GUILD, world.campaign), Some(challenge), Whose::Own(user), &few).await;
    assert_eq!(own.answers, answers.map(|page| page.items).unwrap_or_default());
    if let Ok((told, hints)) = ops::challenge_hints(pool, within, who).await {
        assert_eq!((told, hints), (play.challenge, own.hints));
    }
    (true, own.registered)
}

#[tokio::test]
async fn a_challenge_is_told_at_once_as_bit_by_bit() {
    let world = World::new(Rules { early_access_minutes: 120, ..Rules::default() }).await;
    // The twelfth comes in an hour; testers have it already.
    let (open, secret) = (world.challenge(1, 2).await, world.challenge_released(12, 1, None).await);
    world.players([1], &[open]).await;
    world.tester(3).await;
    for challenge in [open, secret] {
        world.hint(challenge, 1, 30, 250).await;
    }
    world.submit(open, 1, None, "wrong").await.unwrap();
    world.submit(open, 1, None, "right").await.unwrap();
    let [player, stranger, tester] = [1, 2, 3];
    for (challenge, admin, user, expected) in [
        (open, false, player, (true, true)),
        (open, false, stranger, (true, false)),
        (open, false, tester, (true, false)),
        (open, true, player, (true, true)),
        (secret, false, player, (false, false)),
        (secret, false, tester, (true, false)),
        (secret, true, player, (true, true)),
        (secret, true, stranger, (true, false)),
    ] {
        let found = compare(&world, challenge, admin, user).await;
        assert_eq!(found, expected, "{challenge}, admin: {admin}, user {user}");
    }
    // What is nobody's, or was not asked for, is not told.
    let within = (GUILD, world.campaign, open);
    let nobody = ops::challenge_play(world.pool(), within, Onlooker::default(), Some(MOST)).await.unwrap();
    assert!(!nobody.own.registered && nobody.own.hints.is_empty());
    let who = Onlooker { user: Some(UserId::new(player)), ..Onlooker::default() };
    let looks = ops::challenge_play(world.pool(), within, who, None).await.unwrap();
    assert!(!looks.own.registered && looks.own.input.is_none() && looks.own.answers.is_empty());
    assert_eq!(looks.challenge.solved_parts, [1]);
}

#[tokio::test]
async fn who_joins_a_squad_late_is_in_one_that_takes_part_and_plays_for_nobody() {
    let rules = Rules { squads: true, late_join_minutes: 60, ..Rules::default() };
    let world = World::new(rules).await;
    let challenge = world.challenge(1, 1).await;
    let squad = world.squad("red").await;
    world.register(&squad.to_string(), "squad", 1).await;
    world.input(challenge, &squad.to_string(), "squad", 10).await;
    world.on_roster(squad, 1).await;
    world.join(squad, 2, 5).await;
    let input = async |user| {
        assert_eq!(compare(&world, challenge, false, user).await, (true, true));
        let within = (GUILD, world.campaign, challenge);
        input_begun(world.pool(), within, UserId::new(user)).await.unwrap()
    };
    assert!(input(1).await.is_some());
    assert!(input(2).await.is_none());
}

#[tokio::test]
async fn a_leaderboard_is_told_with_ones_own_place_and_how_it_came_about() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=3, &[challenge]).await;
    for user in [2, 1] {
        world.submit(challenge, user, None, "right").await.unwrap();
    }
    let within = (GUILD, world.campaign);
    let page = PageQuery { limit: Some(2), cursor: None };
    for (user, rank) in [(1, Some(2)), (2, Some(1)), (3, Some(3)), (4, None)] {
        let user = UserId::new(user);
        let who = Onlooker { user: Some(user), ..Onlooker::default() };
        let watched = ops::board_watched(world.pool(), within, who, &page, 1).await.unwrap();
        assert_eq!(watched.board, ops::board(world.pool(), within, false, &page).await.unwrap());
        let around = ops::board_around(world.pool(), within, user, 0).await.unwrap();
        assert_eq!(watched.me, around.me);
        assert_eq!(watched.me.map(|me| me.rank), rank);
        let race = watched.race.unwrap();
        assert_eq!(race.lines.len(), 1);
        assert_eq!(race.lines[0].participant_id, "2");
        let (all, board) =
            ops::overview(world.pool(), within, who, &PageQuery::default(), &page).await.unwrap();
        assert_eq!((all.items.len(), board), (1, watched.board));
    }
    let who = Onlooker::default();
    let without = ops::board_watched(world.pool(), within, who, &page, 0).await.unwrap();
    assert!(without.race.is_none() && without.me.is_none());
}
