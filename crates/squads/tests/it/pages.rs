//! Roles that follow membership, administrators who move members, a squad's page and the leaderboard.

use access::{By, Origin};
use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{GuildId, PageQuery, RoleId, SquadId, UserId};
use people::{members_ensure, roles as discord};
use sqlx::PgPool;
use squads::ops::{
    member_assign, member_remove, squad_create, squad_deactivate, squad_join, squad_leave, squad_move,
    squad_update,
};
use squads::pages::{Measure, leaderboard, squad_page};
use squads::roles::{ObservedRoles, observe, reconcile};
use squads::{Assignment, Error, NewSquad, SquadEdit, squad_of};

const GUILD: GuildId = GuildId::new(1);

async fn guild() -> TestDatabase {
    let database = TestDatabase::new().await;
    let users: Vec<_> = (1..=9).map(|id| (UserId::new(id), None)).collect();
    members_ensure(&mut database.pool().acquire().await.unwrap(), GUILD, &users).await.unwrap();
    database
}

fn user(id: i64) -> UserId {
    UserId::new(id)
}

async fn make(pool: &PgPool, name: &str, role: Option<i64>, max_members: Option<i32>) -> SquadId {
    let squad = NewSquad {
        name: name.into(),
        description: None,
        role_id: role.map(RoleId::new),
        switch_cost: 0,
        max_members,
    };
    squad_create(pool, GUILD, squad, By::Cli, &Origin::default()).await.unwrap().id
}

/// What Discord is to be told: member, role, whether they are to have it.
async fn pending(pool: &PgPool) -> Vec<(i64, i64, bool)> {
    let page = discord::list(pool, GUILD, true, &PageQuery::default()).await.unwrap();
    page.items.iter().map(|role| (role.user_id.get(), role.role_id.get(), role.wanted)).collect()
}

/// Discord has it all.
async fn confirm(pool: &PgPool) {
    let page = discord::list(pool, GUILD, true, &PageQuery::default()).await.unwrap();
    let outcomes = page
        .items
        .iter()
        .map(|role| discord::RoleOutcome {
            user_id: role.user_id,
            role_id: role.role_id,
            version: role.version,
            error: None,
        })
        .collect();
    discord::report(pool, GUILD, &discord::RoleReport { outcomes }).await.unwrap();
    assert_eq!(pending(pool).await, []);
}

async fn mended(pool: &PgPool) -> u64 {
    let mut tx = pool.begin().await.unwrap();
    let mended = reconcile(&mut tx, &people::roles::Span::of(None)).await.unwrap();
    tx.commit().await.unwrap();
    mended
}

/// A campaign in which these squads take part, as it is in this state; final ranks where it is over.
async fn campaign(pool: &PgPool, name: &str, status: &str, squads: &[(SquadId, i32)]) {
    let id: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, duration_hours, start_time, end_time, secret,
                                          published_at)
         VALUES (1, $1, 'squad', 24, date_trunc('hour', now()), date_trunc('hour', now()) + interval '24 hours',
                 decode(repeat('00', 32), 'hex'), now())
         RETURNING id",
    )
    .bind(name)
    .fetch_one(pool)
    .await
    .unwrap();
    for (position, (squad, rank)) in (1i32..).zip(squads) {
        sqlx::query(
            "INSERT INTO campaigns.campaign_participants (campaign_id, participant_id, participant_type, guild_id,
                 display_name, registered_by) VALUES ($1, $2, 'squad', 1, 'x', 7)",
        )
        .bind(id)
        .bind(squad.to_string())
        .execute(pool)
        .await
        .unwrap();
        if status == "CLOSED" {
            sqlx::query(
                "INSERT INTO campaigns.campaign_standings (campaign_id, snapshot, position, guild_id, rank, participant_id,
                     participant_type, display_name, points, penalty, parts_solved, total_ms)
                 VALUES ($1, 'final', $2, 1, $3, $4, 'squad', 'x', 70, 0, 2, 5)",
            )
            .bind(id)
            .bind(position)
            .bind(rank)
            .bind(squad.to_string())
            .execute(pool)
            .await
            .unwrap();
        }
    }
    for state in ["RUNNING", "CLOSED"] {
        if state == status || status == "CLOSED" {
            sqlx::query("UPDATE campaigns.campaigns SET status = $2 WHERE id = $1")
                .bind(id)
                .bind(state)
                .execute(pool)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn the_role_follows_the_member_wherever_they_go() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", Some(70), None).await, make(pool, "Foxes", Some(71), None).await);
    let hares = make(pool, "Hares", None, None).await;
    squad_join(pool, GUILD, user(1), owls).await.unwrap();
    assert_eq!(pending(pool).await, [(1, 70, true)]);
    confirm(pool).await;
    squad_move(pool, GUILD, user(1), foxes).await.unwrap();
    assert_eq!(pending(pool).await, [(1, 70, false), (1, 71, true)]);
    confirm(pool).await;
    squad_move(pool, GUILD, user(1), hares).await.unwrap();
    assert_eq!(pending(pool).await, [(1, 71, false)]);
    confirm(pool).await;
    squad_move(pool, GUILD, user(1), owls).await.unwrap();
    squad_leave(pool, GUILD, user(1)).await.unwrap();
    assert_eq!(pending(pool).await, [(1, 70, false)]);
    confirm(pool).await;

    // The squad's own changes.
    squad_join(pool, GUILD, user(2), owls).await.unwrap();
    let edit = SquadEdit { role_id: Some(Some(RoleId::new(75))), ..SquadEdit::default() };
    squad_update(pool, GUILD, owls, edit, By::Cli, &Origin::default()).await.unwrap();
    assert_eq!(pending(pool).await, [(2, 70, false), (2, 75, true)]);
    member_remove(pool, GUILD, owls, user(2), By::Cli, &Origin::default()).await.unwrap();
    confirm(pool).await;
    squad_join(pool, GUILD, user(3), owls).await.unwrap();
    confirm(pool).await;
    squad_deactivate(pool, GUILD, owls, By::Cli, &Origin::default()).await.unwrap();
    assert_eq!(pending(pool).await, [(3, 75, false)]);
    make(pool, "New owls", Some(75), None).await;
    assert_eq!(mended(pool).await, 0, "nothing is left to mend");
}

#[tokio::test]
async fn what_came_apart_is_mended_on_either_side() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, _) = (make(pool, "Owls", Some(70), None).await, make(pool, "Foxes", Some(71), None).await);
    squad_join(pool, GUILD, user(1), owls).await.unwrap();
    squad_join(pool, GUILD, user(2), owls).await.unwrap();
    confirm(pool).await;
    sqlx::query("DELETE FROM people.member_roles WHERE user_id = 1").execute(pool).await.unwrap();
    sqlx::query(
        "INSERT INTO people.member_roles (guild_id, user_id, role_id, causes, confirmed_at)
         VALUES (1, 3, 70, '{squad}', now())",
    )
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(mended(pool).await, 2);
    assert_eq!(pending(pool).await, [(1, 70, true), (3, 70, false)]);
    assert_eq!(mended(pool).await, 0);
    confirm(pool).await;

    let seen = async |id: i64, held: &[i64]| {
        let role_ids = held.iter().map(|role| RoleId::new(*role)).collect();
        observe(pool, GUILD, user(id), &ObservedRoles { role_ids }).await.unwrap().reopened
    };
    assert_eq!(seen(1, &[70, 5]).await, 0);
    assert_eq!(seen(2, &[71, 5]).await, 2, "one taken and one given by hand");
    assert_eq!(pending(pool).await, [(2, 70, true), (2, 71, false)]);
    assert_eq!(seen(2, &[70]).await, 0, "that is what it should be");
    assert_eq!(pending(pool).await, []);
    let stranger = observe(pool, GUILD, user(99), &ObservedRoles { role_ids: vec![] }).await;
    assert!(matches!(stranger, Err(Error::People(people::Error::UnknownMember(_)))));
}

#[tokio::test]
async fn an_administrator_moves_members_within_the_rules_or_by_force() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", None, None).await, make(pool, "Foxes", None, Some(1)).await);
    let assign = async |id: i64, squad: SquadId, force: bool| {
        let assignment = Assignment { user_id: user(id), force };
        member_assign(pool, GUILD, squad, &assignment, By::Cli, &Origin::default()).await
    };
    assert_eq!(assign(1, owls, false).await.unwrap().from_squad_id, None);
    assert!(matches!(assign(1, owls, false).await, Err(Error::SameSquad)));
    assert_eq!(assign(1, foxes, false).await.unwrap().from_squad_id, Some(owls));
    assert!(matches!(assign(2, foxes, false).await, Err(Error::Full(1))));
    assert!(matches!(assign(2, foxes, true).await, Err(Error::Full(1))), "no force makes room");
    assign(3, owls, false).await.unwrap();
    campaign(pool, "Advent", "RUNNING", &[(foxes, 1)]).await;
    assert!(matches!(assign(1, owls, false).await, Err(Error::Locked(_))), "out of a squad that plays");
    squad_leave(pool, GUILD, user(3)).await.unwrap();
    assign(3, owls, false).await.unwrap();
    assert_eq!(assign(1, owls, true).await.unwrap().to_squad_id, Some(owls));
    assert!(matches!(assign(1, foxes, false).await, Err(Error::Locked(_))), "into one that plays");
    assert!(
        matches!(squad_move(pool, GUILD, user(1), foxes).await, Err(Error::Locked(_))),
        "nor by themselves"
    );
    assert_eq!(squad_of(&mut pool.acquire().await.unwrap(), GUILD, user(1)).await.unwrap(), Some(owls));
    let audited: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM access.admin_log WHERE target_table = 'squads.squad_memberships'",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(audited, 5);
    assert_eq!(squads::audit::drift(&mut pool.acquire().await.unwrap(), Some(GUILD)).await.unwrap(), []);
}

#[tokio::test]
async fn moves_both_ways_at_once_keep_role_and_membership_together() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", Some(70), None).await, make(pool, "Foxes", Some(71), None).await);
    for id in 1..=8 {
        squad_join(pool, GUILD, user(id), if id % 2 == 0 { owls } else { foxes }).await.unwrap();
    }
    let moves = (0..64).map(|n| {
        let to = if n / 8 % 2 == 0 { foxes } else { owls };
        squad_move(pool, GUILD, user(1 + n % 8), to)
    });
    for told in join_all(moves).await {
        assert!(matches!(told, Ok(_) | Err(Error::SameSquad)), "{told:?}");
    }
    assert_eq!(mended(pool).await, 0, "roles went with their members");
    assert_eq!(squads::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap(), []);
}

#[tokio::test]
async fn a_page_shows_members_bytes_and_final_ranks_but_no_running_ones() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", None, None).await, make(pool, "Foxes", None, None).await);
    make(pool, "Hares", None, None).await;
    for (id, squad) in [(1, owls), (2, owls), (3, foxes)] {
        squad_join(pool, GUILD, user(id), squad).await.unwrap();
        economy::ops::balance_get(pool, GUILD, user(id)).await.unwrap();
    }
    sqlx::query("UPDATE people.members SET xp = user_id * 10 WHERE user_id <= 3")
        .execute(pool)
        .await
        .unwrap();
    campaign(pool, "Spring", "CLOSED", &[(foxes, 1), (owls, 2)]).await;
    campaign(pool, "Summer", "CLOSED", &[(owls, 1), (foxes, 1)]).await;
    campaign(pool, "Autumn", "RUNNING", &[(owls, 1)]).await;
    let page = squad_page(pool, GUILD, owls).await.unwrap();
    let standing = page.standing.unwrap();
    assert_eq!((standing.xp, standing.rank_by_xp), (30, 1));
    assert_eq!((standing.bytes.get(), standing.rank_by_bytes), (200, 1));
    assert_eq!((standing.wins, standing.rank_by_wins), (1, 2));
    let members: Vec<_> = page.members.iter().map(|m| (m.user_id.get(), m.xp, m.balance.get())).collect();
    assert_eq!(members, [(2, 20, 100), (1, 10, 100)]);
    let campaigns: Vec<_> = page.campaigns.iter().map(|c| (c.name.as_str(), c.rank, c.points)).collect();
    assert_eq!(
        campaigns,
        [("Autumn", None, None), ("Summer", Some(1), Some(70)), ("Spring", Some(2), Some(70))]
    );

    let names = async |by: Measure| {
        let (mut query, mut rows) = (PageQuery { limit: Some(1), cursor: None }, Vec::new());
        loop {
            let page = leaderboard(pool, GUILD, by, &query).await.unwrap();
            rows.extend(page.items.into_iter().map(|row| (row.rank, row.name)));
            query.cursor = page.next;
            if query.cursor.is_none() {
                return rows;
            }
        }
    };
    let expected = |rows: [(i64, &str); 3]| rows.map(|(rank, name)| (rank, name.to_owned()));
    assert_eq!(names(Measure::Xp).await, expected([(1, "Owls"), (1, "Foxes"), (3, "Hares")]));
    assert_eq!(names(Measure::Bytes).await, expected([(1, "Owls"), (2, "Foxes"), (3, "Hares")]));
    assert_eq!(names(Measure::Wins).await, expected([(1, "Foxes"), (2, "Owls"), (3, "Hares")]));
    assert!(matches!(squad_page(pool, GuildId::new(2), owls).await, Err(Error::UnknownSquad(_))));
}

#[tokio::test]
async fn figures_of_a_large_guild_are_kept_for_a_moment() {
    let database = guild().await;
    let pool = database.pool();
    let owls = make(pool, "Owls", None, None).await;
    let foxes = make(pool, "Foxes", None, None).await;
    make(pool, "Hares", None, None).await;
    // Each in one of the two, with as many XP and bytes as their number; ten have left the guild.
    for sql in [
        "INSERT INTO people.users (id) SELECT n FROM generate_series(1000, 3100) AS n",
        "INSERT INTO people.members (guild_id, user_id, xp, left_at)
         SELECT 1, n, n, CASE WHEN n > 3090 THEN now() END FROM generate_series(1000, 3100) AS n",
        "INSERT INTO economy.bytes_balances (guild_id, user_id, balance)
         SELECT 1, n, n FROM generate_series(1000, 3100) AS n",
        "INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id)
         SELECT 1, n, (SELECT id FROM squads.squads WHERE name = CASE WHEN n % 3 = 0 THEN 'Owls' ELSE 'Foxes' END)
           FROM generate_series(1000, 3100) AS n",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    campaign(pool, "Spring", "CLOSED", &[(owls, 1), (foxes, 2)]).await;
    let sum = |of: fn(i64) -> bool| (1000..=3090i64).filter(|n| of(*n)).sum::<i64>();
    let (owls_have, foxes_have) = (sum(|n| n % 3 == 0), sum(|n| n % 3 != 0));
    let rows = async |by: Measure| {
        let (mut query, mut rows) = (PageQuery { limit: Some(1), cursor: None }, Vec::new());
        loop {
            let page = leaderboard(pool, GUILD, by, &query).await.unwrap();
            rows.extend(
                page.items.into_iter().map(|row| (row.rank, row.name, row.xp, row.bytes.get(), row.wins)),
            );
            query.cursor = page.next;
            if query.cursor.is_none() {
                return rows;
            }
        }
    };
    let (first, second) =
        (("Foxes".to_owned(), foxes_have, foxes_have, 0), ("Owls".to_owned(), owls_have, owls_have, 1));
    let placed = |rank: i64, (name, xp, bytes, wins): (String, i64, i64, i64)| (rank, name, xp, bytes, wins);
    let nothing = |rank: i64| (rank, "Hares".to_owned(), 0, 0, 0);
    let by_xp = [placed(1, first.clone()), placed(2, second.clone()), nothing(3)];
    // Many look at once, and none is refused or sees half of it.
    let everything = PageQuery::default();
    let looks = (0..8).map(|_| leaderboard(pool, GUILD, Measure::Xp, &everything));
    for page in join_all(looks).await {
        assert_eq!(page.unwrap().items.len(), 3);
    }
    assert_eq!(rows(Measure::Xp).await, by_xp);
    assert_eq!(rows(Measure::Bytes).await, by_xp);
    assert_eq!(rows(Measure::Wins).await, [placed(1, second), placed(2, first), nothing(2)]);
    let standing = squad_page(pool, GUILD, owls).await.unwrap().standing.unwrap();
    assert_eq!(
        (standing.xp, standing.rank_by_xp, standing.wins, standing.rank_by_wins),
        (owls_have, 2, 1, 1)
    );
    let members = leaderboard(pool, GUILD, Measure::Xp, &everything).await.unwrap();
    let counted = members.items.iter().map(|row| row.member_count).sum::<i64>();
    assert_eq!(counted, 2_091, "those who left are not counted");

    // What changes shows when the figures have become too old; who is retired is gone at once from its page.
    sqlx::query("UPDATE people.members SET xp = 0 WHERE user_id % 3 <> 0 AND user_id >= 1000")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("UPDATE squads.squad_figure_rounds SET computed_at = now()").execute(pool).await.unwrap();
    assert_eq!(rows(Measure::Xp).await, by_xp);
    sqlx::query("UPDATE squads.squad_figure_rounds SET computed_at = now() - interval '16 seconds'")
        .execute(pool)
        .await
        .unwrap();
    let after = rows(Measure::Xp).await;
    assert_eq!((after[0].1.as_str(), after[0].2), ("Owls", owls_have));
    assert_eq!((after[1].0, after[1].2, after[2].0, after[2].2), (2, 0, 2, 0));
    squad_deactivate(pool, GUILD, owls, By::Cli, &Origin::default()).await.unwrap();
    assert_eq!(squad_page(pool, GUILD, owls).await.unwrap().standing, None);
}

#[tokio::test]
async fn a_repair_brings_memberships_back_to_the_journal_and_roles_with_them() {
    let database = guild().await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", Some(70), None).await, make(pool, "Foxes", Some(71), None).await);
    squad_join(pool, GUILD, user(1), owls).await.unwrap();
    squad_join(pool, GUILD, user(2), owls).await.unwrap();
    squad_join(pool, GUILD, user(3), owls).await.unwrap();
    squad_leave(pool, GUILD, user(3)).await.unwrap();
    confirm(pool).await;
    sqlx::query("DELETE FROM squads.squad_memberships WHERE user_id = 1").execute(pool).await.unwrap();
    sqlx::query("UPDATE squads.squad_memberships SET squad_id = $1 WHERE user_id = 2")
        .bind(foxes.get())
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id) VALUES (1, 3, $1)")
        .bind(foxes.get())
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(mended(pool).await, 4, "roles follow what somebody did to the table");
    let repaired = squads::audit::repair(pool, None, By::Cli, &Origin::default()).await.unwrap();
    assert_eq!(repaired.len(), 3);
    assert_eq!(squads::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap(), []);
    assert_eq!(pending(pool).await, [(1, 70, true), (2, 70, true), (2, 71, false), (3, 71, false)]);
    assert_eq!(squads::audit::repair(pool, None, By::Cli, &Origin::default()).await.unwrap(), []);
}

#[tokio::test]
async fn a_guilds_repair_waits_for_its_own_changes_and_for_no_other_guilds() {
    use std::time::Duration;
    let database = guild().await;
    let pool = database.pool();
    let owls = make(pool, "Owls", None, None).await;
    squad_join(pool, GUILD, user(1), owls).await.unwrap();
    sqlx::query("DELETE FROM squads.squad_memberships WHERE user_id = 1").execute(pool).await.unwrap();
    // Somebody of another guild is changing squads: with the row written and not committed.
    let mut other = pool.begin().await.unwrap();
    let squad: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO squads.squads (guild_id, name) VALUES (2, 'Bats') RETURNING id")
            .fetch_one(&mut *other)
            .await
            .unwrap();
    sqlx::query("INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id) VALUES (2, 9, $1)")
        .bind(squad)
        .execute(&mut *other)
        .await
        .unwrap();
    let origin = Origin::default();
    let repair = squads::audit::repair(pool, Some(GUILD), By::Cli, &origin);
    let repaired = tokio::time::timeout(Duration::from_mins(1), repair).await;
    assert_eq!(repaired.expect("another guild holds nothing up").unwrap().len(), 1);
    other.rollback().await.unwrap();

    // A change of this guild's that is under way is waited for: here a join that waits for the squad's row.
    let mut busy = pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM squads.squads WHERE id = $1 FOR UPDATE")
        .bind(owls.get())
        .execute(&mut *busy)
        .await
        .unwrap();
    let waiting = async |wanted: i64| {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let begun = std::time::Instant::now();
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await.unwrap() < wanted {
            assert!(begun.elapsed() < Duration::from_mins(1), "fewer than {wanted} wait");
            tokio::task::yield_now().await;
        }
    };
    let repair = async {
        waiting(1).await;
        let free = async {
            waiting(2).await;
            busy.commit().await.unwrap();
        };
        futures::join!(squads::audit::repair(pool, Some(GUILD), By::Cli, &origin), free).0
    };
    let (joined, repaired) = futures::join!(squad_join(pool, GUILD, user(2), owls), repair);
    assert_eq!((joined.unwrap().to_squad_id, repaired.unwrap()), (Some(owls), Vec::new()));
}
