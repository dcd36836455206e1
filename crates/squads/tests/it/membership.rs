//! Joining, moving and leaving against a real database: room, price, campaigns, journal.

use access::{By, Origin};
use db::testing::TestDatabase;
use economy::LedgerError;
use futures::future::join_all;
use kernel::{GuildId, SquadId, UserId};
use people::members_ensure;
use sqlx::PgPool;
use squads::ops::{
    member_remove, squad_create, squad_deactivate, squad_get, squad_join, squad_leave, squad_move,
};
use squads::{Error, NewSquad, squad_members, squad_of};

const GUILD: GuildId = GuildId::new(1);
const ADA: UserId = UserId::new(7);

/// A database with members 1 to `members`, and Ada.
async fn with_members(members: i64) -> TestDatabase {
    let database = TestDatabase::new().await;
    let mut users: Vec<_> = (1..=members).map(|id| (UserId::new(id), None)).collect();
    users.push((ADA, Some("Ada")));
    members_ensure(&mut database.pool().acquire().await.unwrap(), GUILD, &users).await.unwrap();
    database
}

async fn make(pool: &PgPool, name: &str, switch_cost: i32, max_members: Option<i32>) -> SquadId {
    let squad = NewSquad { name: name.into(), description: None, role_id: None, switch_cost, max_members };
    squad_create(pool, GUILD, squad, By::Cli, &Origin::default()).await.unwrap().id
}

async fn balance(pool: &PgPool, user: UserId) -> i64 {
    economy::ops::balance_get(pool, GUILD, user).await.unwrap().balance.get()
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn assert_sound(pool: &PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(squads::audit::drift(&mut conn, None).await.unwrap(), []);
    assert_eq!(economy::audit::drift(&mut conn, None).await.unwrap(), []);
    let journal = count(pool, "SELECT count(*) FROM squads.squad_membership_log").await;
    let told = count(pool, "SELECT count(*) FROM jobs.outbox WHERE event_type LIKE 'squad.%'").await;
    assert_eq!(journal, told, "every change is told once");
}

/// A running squad campaign in which this squad takes part.
async fn run_campaign(pool: &PgPool, squad: SquadId, allow_squad_moves: bool) {
    let campaign: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, duration_hours, start_time, secret,
                                          allow_squad_moves)
         VALUES ($1, 'Advent', 'squad', 24, now(), decode(repeat('00', 32), 'hex'), $2) RETURNING id",
    )
    .bind(GUILD.get())
    .bind(allow_squad_moves)
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO campaigns.campaign_participants (campaign_id, participant_id, participant_type, guild_id,
                                                      display_name, registered_by)
         VALUES ($1, $2::text, 'squad', $3, 'Owls', 7)",
    )
    .bind(campaign)
    .bind(squad.to_string())
    .bind(GUILD.get())
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("UPDATE campaigns.campaigns SET status = 'RUNNING' WHERE id = $1")
        .bind(campaign)
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn thirty_two_joiners_race_for_five_places() {
    let database = with_members(32).await;
    let pool = database.pool();
    let squad = make(pool, "Owls", 50, Some(5)).await;
    let races = join_all((1..=32).map(|id| squad_join(pool, GUILD, UserId::new(id), squad))).await;
    let joined = races.iter().filter(|result| result.is_ok()).count();
    assert_eq!(joined, 5);
    assert!(races.iter().all(|result| matches!(result, Ok(_) | Err(Error::Full(5)))), "{races:?}");
    assert_eq!(squad_get(pool, GUILD, squad).await.unwrap().member_count, 5);
    assert_eq!(squad_members(&mut pool.acquire().await.unwrap(), GUILD, &[squad]).await.unwrap().len(), 5);
    assert_sound(pool).await;
}

#[tokio::test]
async fn who_joins_two_squads_at_once_is_in_one() {
    let database = with_members(0).await;
    let pool = database.pool();
    let mut squads = Vec::new();
    for name in ["Owls", "Foxes", "Hares", "Bears"] {
        squads.push(make(pool, name, 50, None).await);
    }
    let races = join_all(squads.iter().map(|squad| squad_join(pool, GUILD, ADA, *squad))).await;
    assert_eq!(races.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(races.iter().all(|result| matches!(result, Ok(_) | Err(Error::AlreadyInSquad))), "{races:?}");
    assert_sound(pool).await;
}

#[tokio::test]
async fn the_first_joining_is_free_and_moving_costs_what_the_new_squad_asks() {
    let database = with_members(0).await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", 10, None).await, make(pool, "Foxes", 30, None).await);
    assert_eq!(squad_join(pool, GUILD, ADA, owls).await.unwrap().cost.get(), 0);
    let moved = squad_move(pool, GUILD, ADA, foxes).await.unwrap();
    assert_eq!((moved.cost.get(), moved.from_squad_id), (30, Some(owls)));
    assert_eq!(balance(pool, ADA).await, 70);
    let paid: (String, String) = sqlx::query_as(
        "SELECT t.kind, t.reference_id FROM economy.bytes_transactions t
           JOIN squads.squad_membership_log l ON l.transaction_id = t.id AND l.cost = t.amount",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(paid, ("squad_switch".to_owned(), foxes.to_string()));

    // Leaving and joining is no way around the price.
    squad_leave(pool, GUILD, ADA).await.unwrap();
    assert_eq!(squad_join(pool, GUILD, ADA, owls).await.unwrap().cost.get(), 10);
    assert_eq!(balance(pool, ADA).await, 60);
    assert_eq!(squad_of(&mut pool.acquire().await.unwrap(), GUILD, ADA).await.unwrap(), Some(owls));
    assert_sound(pool).await;
}

#[tokio::test]
async fn who_cannot_pay_stays_where_they_are() {
    let database = with_members(0).await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", 0, None).await, make(pool, "Foxes", 101, None).await);
    squad_join(pool, GUILD, ADA, owls).await.unwrap();
    let refused = squad_move(pool, GUILD, ADA, foxes).await.unwrap_err();
    assert!(matches!(refused, Error::Ledger(LedgerError::InsufficientFunds { .. })), "{refused}");
    assert_eq!(squad_of(&mut pool.acquire().await.unwrap(), GUILD, ADA).await.unwrap(), Some(owls));
    assert_eq!(balance(pool, ADA).await, 100);
    assert_sound(pool).await;
}

#[tokio::test]
async fn racing_moves_are_each_paid_for_or_refused() {
    let database = with_members(0).await;
    let pool = database.pool();
    let mut squads = Vec::new();
    for n in 0..8 {
        squads.push(make(pool, &format!("Squad {n}"), 40, None).await);
    }
    squad_join(pool, GUILD, ADA, squads[0]).await.unwrap();
    let races = join_all(squads[1..].iter().map(|squad| squad_move(pool, GUILD, ADA, *squad))).await;
    assert_eq!(
        races.iter().filter(|result| result.is_ok()).count(),
        2,
        "100 bytes pay for two moves: {races:?}"
    );
    assert_eq!(balance(pool, ADA).await, 20);
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_running_campaign_holds_its_squads_together_unless_it_says_otherwise() {
    let database = with_members(0).await;
    let pool = database.pool();
    let (owls, foxes) = (make(pool, "Owls", 0, None).await, make(pool, "Foxes", 0, None).await);
    squad_join(pool, GUILD, ADA, owls).await.unwrap();
    run_campaign(pool, owls, true).await;
    squad_move(pool, GUILD, ADA, foxes).await.unwrap();
    squad_move(pool, GUILD, ADA, owls).await.unwrap();

    run_campaign(pool, owls, false).await;
    for refused in [squad_move(pool, GUILD, ADA, foxes).await, squad_leave(pool, GUILD, ADA).await] {
        match refused {
            Err(Error::Locked(campaign)) => assert_eq!(campaign, "Advent"),
            other => panic!("{other:?}"),
        }
    }
    let refused = squad_deactivate(pool, GUILD, owls, By::Cli, &Origin::default()).await;
    assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");

    // An administrator may take her out; then she joins another free.
    member_remove(pool, GUILD, owls, ADA, By::Cli, &Origin::default()).await.unwrap();
    assert_eq!(squad_join(pool, GUILD, ADA, foxes).await.unwrap().cost.get(), 0);
    assert_sound(pool).await;
}

#[tokio::test]
async fn retiring_a_squad_frees_its_members_and_its_name() {
    let database = with_members(6).await;
    let pool = database.pool();
    let owls = make(pool, "Owls", 50, None).await;
    for id in 1..=6 {
        squad_join(pool, GUILD, UserId::new(id), owls).await.unwrap();
    }
    let twin = NewSquad {
        name: "OWLS".into(),
        description: None,
        role_id: None,
        switch_cost: 50,
        max_members: None,
    };
    let refused = squad_create(pool, GUILD, twin, By::Cli, &Origin::default()).await;
    assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");

    for _ in 0..2 {
        let retired = squad_deactivate(pool, GUILD, owls, By::Cli, &Origin::default()).await.unwrap();
        assert_eq!((retired.is_active, retired.member_count), (false, 0));
    }
    assert!(matches!(squad_join(pool, GUILD, ADA, owls).await, Err(Error::Retired)));
    let new = make(pool, "owls", 50, None).await;
    assert_eq!(squad_join(pool, GUILD, UserId::new(1), new).await.unwrap().cost.get(), 0);
    assert_eq!(count(pool, "SELECT count(*) FROM access.admin_log WHERE action_type = 'DELETE'").await, 1);
    assert_sound(pool).await;
}

#[tokio::test]
async fn squads_of_another_guild_bots_and_strangers_are_refused() {
    let database = with_members(0).await;
    let pool = database.pool();
    let other = GuildId::new(2);
    members_ensure(&mut pool.acquire().await.unwrap(), other, &[(ADA, None)]).await.unwrap();
    let owls = make(pool, "Owls", 50, None).await;
    assert!(matches!(squad_join(pool, other, ADA, owls).await, Err(Error::UnknownSquad(_))));
    assert!(matches!(squad_get(pool, other, owls).await, Err(Error::UnknownSquad(_))));
    let stranger = squad_join(pool, GUILD, UserId::new(99), owls).await;
    assert!(matches!(stranger, Err(Error::People(people::Error::UnknownMember(_)))), "{stranger:?}");
    assert!(matches!(squad_leave(pool, GUILD, ADA).await, Err(Error::NotInSquad)));
    sqlx::query("UPDATE people.members SET is_bot = true").execute(pool).await.unwrap();
    assert!(matches!(squad_join(pool, GUILD, ADA, owls).await, Err(Error::Bot)));
    assert_sound(pool).await;
}

#[tokio::test]
async fn a_squads_name_imitates_nobody_who_runs_the_guild() {
    let database = with_members(1).await;
    let pool = database.pool();
    sqlx::query("INSERT INTO access.role_grants (guild_id, user_id, role) VALUES (1, 7, 'moderator')")
        .execute(pool)
        .await
        .unwrap();
    let named = async |name: &str| {
        let squad = NewSquad {
            name: name.into(),
            description: None,
            role_id: None,
            switch_cost: 0,
            max_members: None,
        };
        squad_create(pool, GUILD, squad, By::Cli, &Origin::default()).await
    };
    // A Cyrillic letter, a hidden character, a word of the service in other letters.
    for name in ["\u{410}da", "A\u{200b}da", "\u{202e}adA", "\u{410}dmin"] {
        assert!(matches!(named(name).await, Err(Error::Field("name", _))), "{name:?}");
    }
    let squad = named("Ada").await.expect("people may be called the same");
    let edit = squads::SquadEdit { name: Some("\u{410}da".into()), ..squads::SquadEdit::default() };
    let renamed = squads::ops::squad_update(pool, GUILD, squad.id, edit, By::Cli, &Origin::default()).await;
    assert!(matches!(renamed, Err(Error::Field("name", _))));
    named("Адам").await.expect("another name in other letters is a name");
}

#[tokio::test]
async fn a_members_name_imitates_nobody_and_hides_nothing() {
    let database = with_members(1).await;
    let pool = database.pool();
    sqlx::query("INSERT INTO access.role_grants (guild_id, user_id, role) VALUES (1, 7, 'admin')")
        .execute(pool)
        .await
        .unwrap();
    let put = async |user: i64, name: &str| {
        let edit = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
        people::ops::member_put(pool, GUILD, UserId::new(user), &edit, By::Cli, &Origin::default()).await
    };
    for name in ["\u{410}da", "Ad\u{200d}a", "a\nb"] {
        assert!(matches!(put(1, name).await, Err(people::Error::Field(_))), "{name:?}");
    }
    put(7, "\u{410}da").await.expect("their own name");
    // What Discord says is taken as far as it can be seen.
    let mut conn = pool.acquire().await.unwrap();
    members_ensure(&mut conn, GUILD, &[(UserId::new(30), Some("\u{202e}Zaph\u{200b}od\n"))]).await.unwrap();
    let member = people::member_get(&mut conn, GUILD, UserId::new(30)).await.unwrap().unwrap();
    assert_eq!(member.name, "Zaphod");
}

#[tokio::test]
async fn who_left_the_guild_takes_up_no_room() {
    let database = with_members(3).await;
    let pool = database.pool();
    let owls = make(pool, "Owls", 50, Some(2)).await;
    for id in 1..=2 {
        squad_join(pool, GUILD, UserId::new(id), owls).await.unwrap();
    }
    assert!(matches!(squad_join(pool, GUILD, UserId::new(3), owls).await, Err(Error::Full(2))));
    sqlx::query("UPDATE people.members SET left_at = now() WHERE user_id = 1").execute(pool).await.unwrap();
    assert_eq!(squad_get(pool, GUILD, owls).await.unwrap().member_count, 1);
    squad_join(pool, GUILD, UserId::new(3), owls).await.unwrap();
    assert!(matches!(squad_join(pool, GUILD, ADA, owls).await, Err(Error::Full(2))));
    assert_eq!(count(pool, "SELECT sum(member_count)::bigint FROM squads.figures(1)").await, 2);
    // Who comes back finds their place, and nobody is sent away for it.
    sqlx::query("UPDATE people.members SET left_at = NULL").execute(pool).await.unwrap();
    assert_eq!(squad_get(pool, GUILD, owls).await.unwrap().member_count, 3);
    assert_sound(pool).await;
}
