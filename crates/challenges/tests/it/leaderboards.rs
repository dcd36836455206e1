//! Who stands where, and what the freeze hides.

use challenges::leaderboard::{Leaderboard, Standing, View, around, by_squad, feed, page, solvers};
use challenges::model::CampaignFacts;
use challenges::{Snapshot, campaign_find, standings_snapshot};
use kernel::PageQuery;

use crate::world::{GUILD, Rules, World};

async fn facts(world: &World) -> CampaignFacts {
    let mut conn = world.pool().acquire().await.unwrap();
    campaign_find(&mut conn, GUILD, world.campaign).await.unwrap()
}

async fn board(world: &World, admin: bool, limit: i64, cursor: Option<String>) -> Leaderboard<Standing> {
    let facts = facts(world).await;
    let mut conn = world.pool().acquire().await.unwrap();
    let query = PageQuery { limit: Some(limit), cursor };
    page(&mut conn, &facts, View::of(&facts, admin), &query).await.unwrap()
}

/// The whole board, page by page.
async fn whole(world: &World, admin: bool, limit: i64) -> Vec<(i64, String)> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = board(world, admin, limit, cursor).await;
        rows.extend(page.items.into_iter().map(|row| (row.rank, row.participant_id)));
        cursor = page.next;
        if cursor.is_none() {
            return rows;
        }
    }
}

async fn set_score(world: &World, user: i64, parts: i32, points: i64, total_ms: i64, last: i32) {
    use challenges::rules::{Score, Scoring};
    let score = Score { points, penalty: 0, parts_solved: parts, total_ms };
    let scoring = facts(world).await.scoring;
    let _: Scoring = scoring;
    let (key, bucket) = (score.rank_key(scoring), score.bucket(scoring));
    sqlx::query(
        "UPDATE campaigns.campaign_participants SET points = $3, parts_solved = $4, total_ms = $5, rank_major = $6, rank_minor = $7,
             bucket = $8, last_correct_at = now() + make_interval(secs => $9)
         WHERE campaign_id = $1 AND participant_id = $2",
    )
    .bind(world.campaign.get())
    .bind(user.to_string())
    .bind(points)
    .bind(parts)
    .bind(total_ms)
    .bind(key.major)
    .bind(key.minor)
    .bind(bucket)
    .bind(f64::from(last))
    .execute(world.pool())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO campaigns.standing_buckets AS b VALUES ($1, $2, $3, 1)
         ON CONFLICT (guild_id, campaign_id, bucket) DO UPDATE SET participants = b.participants + 1",
    )
    .bind(GUILD.get())
    .bind(world.campaign.get())
    .bind(bucket)
    .execute(world.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn ties_share_a_rank_in_order_of_the_last_right_answer() {
    let world = World::new(Rules::default()).await;
    world.players(1..=7, &[]).await;
    set_score(&world, 1, 1, 900, 10, 30).await;
    set_score(&world, 2, 1, 900, 10, 20).await;
    set_score(&world, 3, 1, 800, 10, 10).await;
    set_score(&world, 4, 1, 0, 10, 10).await;
    set_score(&world, 5, 1, 901, 10, 99).await;
    let expected: Vec<(i64, String)> = [(1, 5), (2, 2), (2, 1), (4, 3), (5, 4), (6, 6), (6, 7)]
        .map(|(r, p): (i64, i64)| (r, p.to_string()))
        .into();
    for limit in [1, 2, 3, 4, 100] {
        assert_eq!(whole(&world, false, limit).await, expected, "pages of {limit}");
    }
}

#[tokio::test]
async fn time_based_ranks_by_parts_then_time() {
    let world = World::new(Rules { time_based: true, ..Rules::default() }).await;
    world.players(1..=5, &[]).await;
    set_score(&world, 1, 1, 0, 5_000, 1).await;
    set_score(&world, 2, 2, 0, 90_000_000, 2).await;
    set_score(&world, 3, 2, 0, 90_000_001, 3).await;
    set_score(&world, 4, 1, 0, 5_000, 0).await;
    let expected: Vec<(i64, String)> =
        [(1, 2), (2, 3), (3, 4), (3, 1), (5, 5)].map(|(r, p): (i64, i64)| (r, p.to_string())).into();
    for limit in [1, 2, 100] {
        assert_eq!(whole(&world, false, limit).await, expected, "pages of {limit}");
    }
}

/// A few hundred scores with many ties: every page size gives the ranks that sorting gives, and so does one's own rank.
#[tokio::test]
async fn pages_and_own_ranks_agree_with_sorting() {
    let world = World::new(Rules::default()).await;
    world.players(1..=300, &[]).await;
    let mut seed = 12345u64;
    for user in 1..=260 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let points = i64::try_from((seed >> 40) % 40).unwrap() * 37;
        set_score(&world, user, 1, points, 10, i32::try_from((seed >> 20) % 50).unwrap()).await;
    }
    let expected: Vec<(i64, String)> = sqlx::query_as(
        "SELECT rank() OVER (ORDER BY rank_major DESC, rank_minor), participant_id FROM campaigns.campaign_participants
         WHERE campaign_id = $1 ORDER BY rank_major DESC, rank_minor, last_correct_at, participant_id",
    )
    .bind(world.campaign.get())
    .fetch_all(world.pool())
    .await
    .unwrap();
    for limit in [7, 50, 200] {
        assert_eq!(whole(&world, false, limit).await, expected, "pages of {limit}");
    }
    let facts = facts(&world).await;
    let mut conn = world.pool().acquire().await.unwrap();
    for (at, (rank, id)) in expected.iter().enumerate().step_by(13) {
        let mine = around(&mut conn, &facts, View::Live, id, 3).await.unwrap();
        assert_eq!(mine.me.as_ref().unwrap().rank, *rank);
        let near: Vec<(i64, String)> =
            mine.neighbours.into_iter().map(|row| (row.rank, row.participant_id)).collect();
        assert_eq!(near, expected[at.saturating_sub(3)..(at + 4).min(expected.len())], "around {at}");
        assert_eq!(around(&mut conn, &facts, View::Live, id, 0).await.unwrap().me.unwrap().rank, *rank);
    }
}

#[tokio::test]
async fn the_freeze_shows_how_things_stood_and_leaks_nothing() {
    let world =
        World::new(Rules { started_minutes_ago: 22 * 60, freeze_minutes: 60, ..Rules::default() }).await;
    let (first, second) = (world.challenge(1, 1).await, world.challenge(2, 1).await);
    world.players(1..=3, &[first, second]).await;
    world.submit(first, 1, None, "right").await.unwrap();
    world.submit(first, 2, None, "right").await.unwrap();
    let before = whole(&world, false, 10).await;
    assert_eq!(before.iter().map(|(rank, _)| *rank).collect::<Vec<_>>(), [1, 2, 3]);

    // Two hours to the end become half an hour; what was answered so far was an hour and more ago.
    world.run("UPDATE campaigns.campaigns SET start_time = now() - interval '23 hours 30 minutes' WHERE id = $1").await;
    world.run("UPDATE challenges.challenge_submissions SET submission_timestamp = now() - interval '2 hours' WHERE campaign_id = $1").await;
    for user in [3, 2, 1] {
        world.submit(second, user, None, "right").await.unwrap();
    }
    world.submit(first, 3, None, "right").await.unwrap();

    // No timer has stored the standings: who looks first does.
    let frozen = board(&world, false, 10, None).await;
    assert!(frozen.frozen_since.is_some() && !frozen.is_final);
    let rows: Vec<(i64, String)> =
        frozen.items.into_iter().map(|row| (row.rank, row.participant_id)).collect();
    assert_eq!(rows, before);
    let live = whole(&world, true, 10).await;
    assert_ne!(live, before, "admins see through");

    let facts = facts(&world).await;
    let view = View::of(&facts, false);
    let mut conn = world.pool().acquire().await.unwrap();
    let query = PageQuery { limit: Some(10), cursor: None };
    let of_second = solvers(&mut conn, &facts, view, (second, 1), &query).await.unwrap();
    assert!(of_second.items.is_empty());
    let of_first = solvers(&mut conn, &facts, view, (first, 1), &query).await.unwrap();
    assert_eq!(of_first.items.iter().map(|s| s.participant_id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let me = around(&mut conn, &facts, view, "3", 5).await.unwrap();
    assert_eq!(me.me.unwrap().parts_solved, 0);
    assert_eq!(me.neighbours.len(), 3);
    let feed = feed(&mut conn, &facts, view).await.unwrap();
    assert_eq!(feed.standings.iter().map(|s| (s.pos, s.score)).collect::<Vec<_>>(), [(1, 1000), (2, 999)]);
    assert_eq!(feed.standings[0].task_stats.len(), 1);
    drop(conn);

    // The close shows all.
    let mut tx = world.pool().begin().await.unwrap();
    sqlx::query("UPDATE campaigns.campaigns SET status = 'CLOSED', closed_at = now() WHERE id = $1")
        .bind(world.campaign.get())
        .execute(&mut *tx)
        .await
        .unwrap();
    assert_eq!(standings_snapshot(&mut tx, &[world.key()], Snapshot::Final).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let last = board(&world, false, 2, None).await;
    assert!(last.is_final && last.frozen_since.is_none() && last.next.is_some());
    assert_eq!(whole(&world, false, 2).await, live);
    assert!(challenges::audit::audit(world.pool(), Some(world.key())).await.unwrap().is_empty());
}

#[tokio::test]
async fn players_sum_up_by_squad() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=4, &[challenge]).await;
    let (red, blue) = (world.squad("red").await, world.squad("blue").await);
    for (squad, user) in [(red, 1), (blue, 2), (blue, 3)] {
        world.join(squad, user, 10).await;
    }
    for user in [4, 1, 2, 3] {
        world.submit(challenge, user, None, "right").await.unwrap();
    }
    let facts = facts(&world).await;
    let mut conn = world.pool().acquire().await.unwrap();
    let board = by_squad(&mut conn, &facts, View::Live, &PageQuery::default()).await.unwrap();
    let rows: Vec<_> =
        board.items.iter().map(|s| (s.rank, s.name.as_str(), s.participants, s.points)).collect();
    assert_eq!(rows, [(1, "blue", 2, 998 + 997), (2, "red", 1, 999)]);
}

#[tokio::test]
async fn the_feed_is_as_ctftime_wants_it() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 2).await;
    world.challenge_released(2, 1, None).await;
    world.players(1..=2, &[challenge]).await;
    world.submit(challenge, 2, None, "right").await.unwrap();
    let facts = facts(&world).await;
    let mut conn = world.pool().acquire().await.unwrap();
    let feed = serde_json::to_value(feed(&mut conn, &facts, View::Live).await.unwrap()).unwrap();
    assert_eq!(feed["tasks"], serde_json::json!(["challenge-1 (1)", "challenge-1 (2)"]));
    let team = &feed["standings"][0];
    assert_eq!((&team["pos"], &team["team"], &team["score"]), (&1.into(), &"P 2".into(), &1000.into()));
    assert_eq!(team["taskStats"]["challenge-1 (1)"]["points"], 1000);
    assert!(team["lastAccept"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(feed["standings"].as_array().unwrap().len(), 1, "who solved nothing is not listed");
}

#[tokio::test]
async fn boards_show_todays_names() {
    let world = World::new(Rules::default()).await;
    let challenge = world.challenge(1, 1).await;
    world.players(1..=3, &[challenge]).await;
    for sql in [
        "INSERT INTO people.guilds (guild_id, name) SELECT guild_id, 'G' FROM campaigns.campaigns WHERE id = $1",
        "INSERT INTO people.users (id, discord_name) SELECT n, 'User ' || n FROM generate_series(1, 2) n WHERE $1::uuid IS NOT NULL",
        "INSERT INTO people.members (guild_id, user_id) SELECT guild_id, n FROM campaigns.campaigns, generate_series(1, 2) n WHERE campaigns.id = $1",
    ] {
        world.run(sql).await;
    }
    world.submit(challenge, 1, None, "right").await.unwrap();
    world.run("UPDATE people.users SET discord_name = 'Ada' WHERE id = 1 AND $1::uuid IS NOT NULL").await;
    world
        .run("UPDATE people.members SET display_name = 'Bob here' WHERE user_id = 2 AND $1::uuid IS NOT NULL")
        .await;
    world.submit(challenge, 2, None, "right").await.unwrap();
    // The third is known by nothing but their registration.
    let expected = ["Ada", "Bob here", "P 3"];
    let query = PageQuery::default();
    let names = async |view: View| {
        let facts = facts(&world).await;
        let mut conn = world.pool().acquire().await.unwrap();
        let rows = page(&mut conn, &facts, view, &query).await.unwrap().items;
        rows.into_iter().map(|row| row.display_name).collect::<Vec<_>>()
    };
    assert_eq!(names(View::Live).await, expected);
    let facts = facts(&world).await;
    let mut conn = world.pool().acquire().await.unwrap();
    let mine = around(&mut conn, &facts, View::Live, "2", 1).await.unwrap();
    assert_eq!(mine.me.unwrap().display_name, "Bob here");
    let solved = solvers(&mut conn, &facts, View::Live, (challenge, 1), &query).await.unwrap().items;
    assert_eq!(solved.iter().map(|s| s.display_name.as_str()).collect::<Vec<_>>(), ["Ada", "Bob here"]);
    let feed = feed(&mut conn, &facts, View::Live).await.unwrap();
    assert_eq!(feed.standings.iter().map(|s| s.team.as_str()).collect::<Vec<_>>(), ["Ada", "Bob here"]);
    drop(conn);
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT payload->>'display_name' FROM jobs.outbox WHERE event_type = 'challenge.solved' ORDER BY payload->>'position'",
    )
    .fetch_all(world.pool())
    .await
    .unwrap();
    assert_eq!(told, ["User 1", "Bob here"]);

    // Standings that are stored keep figures, not names.
    let mut tx = world.pool().begin().await.unwrap();
    standings_snapshot(&mut tx, &[world.key()], Snapshot::Final).await.unwrap();
    tx.commit().await.unwrap();
    world
        .run("UPDATE people.users SET discord_name = 'Lovelace' WHERE id = 1 AND $1::uuid IS NOT NULL")
        .await;
    assert_eq!(names(View::Final).await, ["Lovelace", "Bob here", "P 3"]);
}
