//! Effects: order by target, leases, retries, dead letters, sending again.

use std::time::Duration;

use db::testing::TestDatabase;
use kernel::{PageQuery, UserId};
use moderation::effects::{
    Dead, Done, Outcome, Payload, Settled, answer, applied, claim, dead_list, failed, renew, send_again,
};
use moderation::model::{Action, NewCase};
use moderation::{Error, ops};
use sqlx::PgPool;

use super::{ADA, GUILD, count, due, make, operator};

fn quiet(action: Action, user: UserId) -> NewCase {
    NewCase { quiet: true, ..NewCase::about(action, user, "because") }
}

fn why() -> Dead {
    Dead { reason: "Discord did not answer.".into(), code: None }
}

async fn later(pool: &PgPool) {
    sqlx::query("UPDATE moderation.effects SET due_at = now() - interval '1 second'")
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn those_of_a_target_are_done_in_order_and_of_different_targets_at_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    make(pool, quiet(Action::Timeout, ADA).lasting(600)).await;
    make(pool, quiet(Action::Untimeout, ADA)).await;
    make(pool, quiet(Action::Kick, UserId::new(8))).await;
    let first = due(pool).await;
    assert_eq!(first.len(), 2);
    assert!(
        matches!(first[0].payload, Payload::Timeout { .. })
            && matches!(first[1].payload, Payload::Kick { .. })
    );
    assert!(due(pool).await.is_empty(), "they are leased");
    // What is tried again holds up what follows.
    assert_eq!(failed(pool, &first[0].receipt, &why(), Some(Duration::ZERO)).await.unwrap(), Done::Recorded);
    assert!(due(pool).await.is_empty(), "it waits");
    later(pool).await;
    let again = due(pool).await;
    let timeout = again.iter().find(|one| one.id == first[0].id).unwrap();
    assert_eq!(timeout.attempts, 2);
    applied(pool, &timeout.receipt, Settled::default()).await.unwrap();
    assert!(matches!(due(pool).await[0].payload, Payload::Untimeout { .. }));
}

#[tokio::test]
async fn whoever_hung_and_lost_the_lease_settles_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let case = make(pool, quiet(Action::Kick, ADA)).await;
    let hung = due(pool).await.remove(0);
    assert!(renew(pool, &hung.receipt, Duration::from_mins(1)).await.unwrap());
    later(pool).await;
    let other = due(pool).await.remove(0);
    assert!(other.receipt.token > hung.receipt.token && other.idempotency_key == hung.idempotency_key);
    assert_eq!(applied(pool, &hung.receipt, Settled::default()).await.unwrap(), Done::Lost);
    assert_eq!(failed(pool, &hung.receipt, &why(), None).await.unwrap(), Done::Lost);
    assert!(!renew(pool, &hung.receipt, Duration::from_mins(1)).await.unwrap());
    assert_eq!(applied(pool, &other.receipt, Settled::default()).await.unwrap(), Done::Recorded);
    assert_eq!(applied(pool, &other.receipt, Settled::default()).await.unwrap(), Done::Lost);
    assert_eq!(ops::case_get(pool, GUILD, case.case_number).await.unwrap().effect_state.as_str(), "applied");
}

#[tokio::test]
async fn what_a_dead_node_leased_is_anothers_at_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    make(pool, quiet(Action::Kick, ADA)).await;
    let node = uuid::Uuid::from_u128(7);
    let an_hour = Duration::from_hours(1);
    let held = claim(pool, None, Some(node), an_hour, 10).await.unwrap().remove(0);
    sqlx::query("INSERT INTO jobs.nodes (id, name, version, roles) VALUES ($1, 'a', '0', '{}')")
        .bind(node)
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(due(pool).await.len(), 0, "it lives");
    sqlx::query("UPDATE jobs.nodes SET died_at = now()").execute(pool).await.unwrap();
    let other = due(pool).await.remove(0);
    assert!(other.id == held.id && other.receipt.token > held.receipt.token);
    assert_eq!(due(pool).await.len(), 0, "it is the other's");
    assert_eq!(applied(pool, &held.receipt, Settled::default()).await.unwrap(), Done::Lost);
}

#[tokio::test]
async fn many_claimers_never_have_the_same() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for user in 1..=40 {
        make(pool, quiet(Action::Kick, UserId::new(user))).await;
    }
    let claims =
        futures::future::join_all((0..8).map(|_| claim(pool, Some(GUILD), None, Duration::from_mins(1), 10)))
            .await;
    let mut ids: Vec<_> = claims.into_iter().flat_map(|claimed| claimed.unwrap()).map(|one| one.id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), all), (40, 40));
}

#[tokio::test]
async fn what_discord_refuses_is_dead_with_a_reason_and_can_be_sent_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let case = make(pool, quiet(Action::Ban, ADA)).await;
    let ban = due(pool).await.remove(0);
    let Outcome::Never(dead) = answer(moderation::effects::EffectKind::Ban, 403, 50_013) else { panic!() };
    assert_eq!(failed(pool, &ban.receipt, &dead, None).await.unwrap(), Done::Dead);
    let failed_case = ops::case_get(pool, GUILD, case.case_number).await.unwrap();
    assert_eq!((failed_case.effect_state.as_str(), failed_case.resolved), ("failed", true));
    let letters = dead_list(pool, GUILD, &PageQuery::default()).await.unwrap().items;
    assert_eq!((letters.len(), letters[0].case_number), (1, Some(case.case_number)));
    assert!(letters[0].error.as_deref().unwrap().contains("Ban Members"));
    assert!(matches!(
        send_again(pool, kernel::GuildId::new(2), ban.id, operator()).await,
        Err(Error::UnknownEffect)
    ));
    send_again(pool, GUILD, ban.id, operator()).await.unwrap();
    let again = due(pool).await.remove(0);
    applied(pool, &again.receipt, Settled::default()).await.unwrap();
    let case = ops::case_get(pool, GUILD, case.case_number).await.unwrap();
    assert_eq!((case.effect_state.as_str(), case.resolved), ("applied", false));
    // When another took its place meanwhile it is not sent again.
    let other = make(pool, quiet(Action::Timeout, ADA).lasting(600)).await;
    let timeout = due(pool).await.remove(0);
    failed(pool, &timeout.receipt, &dead, None).await.unwrap();
    make(pool, quiet(Action::Timeout, ADA).lasting(900)).await;
    assert!(
        matches!(send_again(pool, GUILD, timeout.id, operator()).await, Err(Error::Closed(_))),
        "{other:?}"
    );
}

#[tokio::test]
async fn a_direct_message_that_somebody_died_over_is_not_repeated_and_holds_nothing_up() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    make(pool, NewCase::about(Action::Kick, ADA, "because")).await;
    assert!(matches!(due(pool).await[0].payload, Payload::DirectMessage { .. }));
    later(pool).await;
    let next = due(pool).await;
    assert!(matches!(next[0].payload, Payload::Kick { .. }), "{next:?}");
    assert_eq!(count(pool, "SELECT count(*) FROM moderation.effects WHERE state = 'dead'").await, 1);
}
