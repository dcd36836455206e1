//! Hints are paid once.

use challenges::hints::{hint_list, hint_unlock};
use futures::future::join_all;
use kernel::{Problem, UserId};

use crate::world::{GUILD, Rules, World};

async fn balance(world: &World, user: i64) -> i64 {
    sqlx::query_scalar("SELECT coalesce(sum(balance), 0)::bigint FROM economy.bytes_balances WHERE guild_id = $1 AND user_id = $2")
        .bind(GUILD.get())
        .bind(user)
        .fetch_one(world.pool())
        .await
        .unwrap()
}

async fn fund(world: &World, user: i64) {
    let mut conn = world.pool().acquire().await.unwrap();
    economy::accounts_ensure(&mut conn, GUILD, &[UserId::new(user)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hint_is_charged_once_however_many_ask() {
    let world = World::new(Rules { squads: true, ..Rules::default() }).await;
    let challenge = world.challenge(1, 1).await;
    let squad = world.squad("red").await;
    world.register(&squad.to_string(), "squad", 1).await;
    world.input(challenge, &squad.to_string(), "squad", 10).await;
    for user in 1..=4 {
        world.on_roster(squad, user).await;
        fund(&world, user).await;
    }
    let hint = world.hint(challenge, 1, 30, 250).await;
    let ids = (GUILD, world.campaign, challenge);
    let locked = hint_list(world.pool(), ids, UserId::new(1)).await.unwrap();
    assert!(locked[0].body.is_none() && locked[0].cost_bytes == 30);

    let before: i64 = join_all((1..=4).map(|user| balance(&world, user))).await.into_iter().sum();
    let unlocked =
        join_all((0..32).map(|n| hint_unlock(world.pool(), ids, hint, UserId::new(1 + n % 4)))).await;
    assert!(unlocked.into_iter().all(|hint| hint.unwrap().body.is_some()));
    let after: i64 = join_all((1..=4).map(|user| balance(&world, user))).await.into_iter().sum();
    assert_eq!(before - after, 30);

    world.submit(challenge, 1, None, "right").await.unwrap();
    let net =
        world.count("SELECT rank_major FROM campaigns.campaign_participants WHERE campaign_id = $1").await;
    assert_eq!(net, 750);
    assert!(
        hint_list(world.pool(), ids, UserId::new(3)).await.unwrap()[0].body.is_some(),
        "the squad reads it"
    );
}

#[tokio::test]
async fn who_cannot_pay_gets_no_hint_and_keeps_the_score() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 2).await;
    world.players([1], &[challenge]).await;
    fund(&world, 1).await;
    let dear = world.hint(challenge, 1, 1_000_000, 5).await;
    let ids = (GUILD, world.campaign, challenge);
    let problem = Problem::from(hint_unlock(world.pool(), ids, dear, UserId::new(1)).await.unwrap_err());
    assert!((400..500).contains(&problem.status()), "{problem}");
    assert_eq!(
        world.count("SELECT penalty FROM campaigns.campaign_participants WHERE campaign_id = $1").await,
        0
    );
    assert_eq!(world.count("SELECT count(*) FROM challenges.hint_unlocks WHERE campaign_id = $1").await, 0);
    assert!(hint_list(world.pool(), ids, UserId::new(1)).await.unwrap()[0].body.is_none());
}

#[tokio::test]
async fn hints_of_part_two_and_of_secret_challenges_wait() {
    let world = World::new(Rules::default()).await;
    let (two, secret) = (world.challenge(1, 2).await, world.challenge_released(2, 1, None).await);
    world.players([1], &[two]).await;
    let later = world.hint_of_part(two, 1, 2).await;
    let hidden = world.hint(secret, 1, 0, 0).await;
    let user = UserId::new(1);
    let slug = async |challenge, hint| match hint_unlock(
        world.pool(),
        (GUILD, world.campaign, challenge),
        hint,
        user,
    )
    .await
    {
        Ok(_) => "ok".to_owned(),
        Err(error) => Problem::from(error).slug().to_owned(),
    };
    assert_eq!(slug(two, later).await, "part-locked");
    assert_eq!(slug(secret, hidden).await, "not-found");
    assert_eq!(slug(two, hidden).await, "not-found");
    assert!(hint_list(world.pool(), (GUILD, world.campaign, secret), user).await.is_err());
    world.submit(two, 1, None, "right").await.unwrap();
    assert_eq!(slug(two, later).await, "ok");
}
