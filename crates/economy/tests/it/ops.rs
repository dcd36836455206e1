//! What members and administrators do with bytes, against a real database.

use access::personal::Keepers;
use access::{By, Origin};
use db::testing::TestDatabase;
use economy::model::{AwardKind, AwardRequest, ConfigEdit, TransferRequest};
use economy::{Error, Kind, LedgerError, ops};
use futures::future::join_all;
use kernel::{Bytes, GuildId, PageQuery, UserId};
use people::members_ensure;
use people::privacy::{member_erase, member_export};
use sqlx::PgPool;

const GUILD: GuildId = GuildId::new(1);
const ADA: UserId = UserId::new(7);
const BOB: UserId = UserId::new(8);

async fn with_members() -> TestDatabase {
    let database = TestDatabase::new().await;
    let names = [(ADA, Some("Ada")), (BOB, Some("Bob")), (UserId::new(9), Some("Beep"))];
    members_ensure(&mut database.pool().acquire().await.unwrap(), GUILD, &names).await.unwrap();
    sqlx::query("UPDATE people.members SET is_bot = true WHERE user_id = 9")
        .execute(database.pool())
        .await
        .unwrap();
    database
}

fn pay(receiver: UserId, amount: i64) -> TransferRequest {
    TransferRequest { receiver_id: receiver, amount: Bytes::new(amount), reason: Some(" thanks ".into()) }
}

async fn configure(pool: &PgPool, edit: ConfigEdit) {
    ops::config_put(pool, GUILD, &edit, By::Cli, &Origin::default()).await.unwrap();
}

async fn award(pool: &PgPool, user: UserId, amount: i64, kind: AwardKind) -> Result<i64, Error> {
    let request = AwardRequest { user_id: user, amount: Bytes::new(amount), kind, reason: None };
    let receipt = ops::award(pool, GUILD, &request, By::Cli, &Origin::default()).await?;
    Ok(receipt.balance.get())
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn assert_sound(pool: &PgPool) {
    assert_eq!(economy::audit::drift(&mut pool.acquire().await.unwrap(), None).await.unwrap(), []);
    assert_eq!(count(pool, "SELECT coalesce(sum(balance), 0)::bigint FROM economy.bytes_balances").await, 0);
}

#[tokio::test]
async fn a_transfer_moves_bytes_and_tells_the_receiver() {
    let database = with_members().await;
    let pool = database.pool();
    let receipt = ops::transfer(pool, GUILD, ADA, &pay(BOB, 30)).await.unwrap();
    assert_eq!(receipt.balance, Bytes::new(70));
    let transaction = receipt.transaction;
    assert_eq!((transaction.giver_name.as_str(), transaction.receiver_name.as_str()), ("Ada", "Bob"));
    assert_eq!((transaction.kind, transaction.reason.as_deref()), (Kind::Transfer, Some("thanks")));
    assert_eq!(ops::balance_get(pool, GUILD, BOB).await.unwrap().balance, Bytes::new(130));
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'bytes.transferred' AND user_id = 8";
    assert_eq!(count(pool, told).await, 1);
    assert_sound(pool).await;
}

#[tokio::test]
async fn transfers_that_break_a_rule_are_refused() {
    let database = with_members().await;
    let pool = database.pool();
    let refused = async |request| ops::transfer(pool, GUILD, ADA, &request).await.unwrap_err();
    assert!(matches!(refused(pay(ADA, 1)).await, Error::Ledger(LedgerError::SelfPayment)));
    assert!(matches!(refused(pay(BOB, 0)).await, Error::Field("amount", _)));
    assert!(matches!(refused(pay(BOB, -5)).await, Error::Field("amount", _)));
    assert!(matches!(refused(pay(BOB, 1001)).await, Error::TooMuch(1000)));
    assert!(matches!(refused(pay(BOB, 101)).await, Error::Ledger(LedgerError::InsufficientFunds { .. })));
    assert!(matches!(refused(pay(UserId::new(9), 1)).await, Error::Bot));
    assert!(matches!(refused(pay(UserId::HOUSE, 1)).await, Error::UnknownMember(_)));
    assert!(matches!(refused(pay(UserId::new(99), 1)).await, Error::UnknownMember(_)));
    assert_eq!(
        count(pool, "SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'transfer'").await,
        0
    );
    assert_sound(pool).await;
}

#[tokio::test]
async fn the_cooldown_lets_one_of_many_racing_transfers_through() {
    let database = with_members().await;
    let pool = database.pool();
    let races =
        join_all((0..16).map(|_| async { ops::transfer(pool, GUILD, ADA, &pay(BOB, 1)).await })).await;
    assert_eq!(races.iter().filter(|result| result.is_ok()).count(), 1);
    for refused in races.into_iter().filter_map(Result::err) {
        match refused {
            Error::Cooldown(wait) => assert!((86_000..=86_400).contains(&wait.as_secs()), "{wait:?}"),
            other => panic!("{other}"),
        }
    }
    configure(pool, ConfigEdit { cooldown_hours: Some(0), ..ConfigEdit::default() }).await;
    ops::transfer(pool, GUILD, ADA, &pay(BOB, 1)).await.unwrap();
    assert_sound(pool).await;
}

#[tokio::test]
async fn administrators_give_and_take_what_is_there_and_it_is_written_down() {
    let database = with_members().await;
    let pool = database.pool();
    assert_eq!(award(pool, ADA, 50, AwardKind::Award).await.unwrap(), 150);
    assert_eq!(award(pool, ADA, 150, AwardKind::Fine).await.unwrap(), 0);
    let refused = award(pool, ADA, 1, AwardKind::Fine).await.unwrap_err();
    assert!(matches!(refused, Error::Ledger(LedgerError::InsufficientFunds { .. })));
    assert!(matches!(award(pool, UserId::new(9), 1, AwardKind::Award).await, Err(Error::Bot)));
    assert!(matches!(
        award(pool, ADA, 1_000_000_001, AwardKind::Award).await,
        Err(Error::Field("amount", _))
    ));
    assert_eq!(
        count(pool, "SELECT count(*) FROM access.admin_log WHERE action_type LIKE 'MANUAL_%'").await,
        2
    );
    configure(pool, ConfigEdit { is_enabled: Some(false), ..ConfigEdit::default() }).await;
    assert!(matches!(award(pool, ADA, 1, AwardKind::Award).await, Err(Error::Disabled)));
    assert_sound(pool).await;
}

#[tokio::test]
async fn the_rules_are_kept_as_they_were_told_and_only_changes_are_audited() {
    let database = with_members().await;
    let pool = database.pool();
    let edit = ConfigEdit {
        max_transfer: Some(5),
        role_rewards: Some([(kernel::RoleId::new(77), 500)].into()),
        ..ConfigEdit::default()
    };
    configure(pool, edit.clone()).await;
    configure(pool, edit).await;
    let config = ops::config_get(pool, GUILD).await.unwrap();
    assert_eq!((config.max_transfer, config.starting_balance), (5, 100));
    assert_eq!(config.role_rewards, [(kernel::RoleId::new(77), 500)].into());
    assert_eq!(config.streak_bonuses, [(8, 2), (16, 4), (32, 8), (64, 16)].into());
    assert_eq!(count(pool, "SELECT count(*) FROM access.admin_log").await, 1);
}

#[tokio::test]
async fn history_and_leaderboard_page_without_gaps_or_repeats() {
    let database = with_members().await;
    let pool = database.pool();
    let mut conn = pool.acquire().await.unwrap();
    let others: Vec<_> = (100..110).map(|id| (UserId::new(id), None)).collect();
    members_ensure(&mut conn, GUILD, &others).await.unwrap();
    for (n, (user, _)) in (0..).zip(&others) {
        // Two of a kind, so that ranks are shared: 100, 100, 101, 101, …
        ops::balance_get(pool, GUILD, *user).await.unwrap();
        if n / 2 > 0 {
            award(pool, *user, n / 2, AwardKind::Award).await.unwrap();
        }
    }

    let (mut query, mut rows) = (PageQuery { limit: Some(3), cursor: None }, Vec::new());
    loop {
        let page = ops::leaderboard(pool, GUILD, &query).await.unwrap();
        rows.extend(page.items);
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    let ranks: Vec<_> = rows.iter().map(|row| row.rank).collect();
    assert_eq!(ranks, [1, 1, 3, 3, 5, 5, 7, 7, 9, 9]);
    assert!(rows.is_sorted_by_key(|row| (-row.balance.get(), row.user_id)));

    for (user, kind, expected) in [
        (None, None, 18),
        (None, Some(Kind::Award), 8),
        (Some(UserId::new(109)), None, 2),
        (Some(ADA), None, 0),
    ] {
        let (mut query, mut ids) = (PageQuery { limit: Some(4), cursor: None }, Vec::new());
        loop {
            let page = ops::history(pool, GUILD, user, kind, &query).await.unwrap();
            assert!(page.items.iter().all(|t| kind.is_none_or(|kind| t.kind == kind)));
            ids.extend(page.items.iter().map(|t| (t.created_at, t.id)));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(ids.len(), expected, "{user:?} {kind:?}");
        assert!(ids.is_sorted_by(|a, b| a > b), "newest first, none twice");
    }
}

#[tokio::test]
async fn a_copy_holds_the_ledger_and_whoever_is_forgotten_stays_in_it_without_a_name() {
    let database = with_members().await;
    let pool = database.pool();
    ops::transfer(pool, GUILD, ADA, &pay(BOB, 30)).await.unwrap();
    ops::transfer(pool, GUILD, BOB, &pay(ADA, 5)).await.unwrap();
    let here = Origin::default();
    let keepers = Keepers::of(&[&people::SLICE, &economy::SLICE]);
    let copy = member_export(pool, &keepers, GUILD, ADA, By::Cli, &here).await.unwrap();
    let paid = copy.slices["economy"]["transactions"].as_array().unwrap();
    assert!(paid.iter().any(|one| one["amount"] == 30 && one["reason"] == "thanks"), "{paid:?}");
    assert_eq!(copy.slices["economy"]["balances"].as_array().unwrap().len(), 1);
    for _ in 0..2 {
        member_erase(pool, &keepers, GUILD, ADA, "asked", By::Cli, &here).await.unwrap();
        let named = "SELECT count(*) FROM economy.bytes_transactions t WHERE t::text LIKE '%Ada%' OR giver_id = 7 AND reason = 'thanks'";
        assert_eq!(count(pool, named).await, 0);
    }
    let others =
        "SELECT count(*) FROM economy.bytes_transactions WHERE giver_username = 'Bob' AND reason = 'thanks'";
    assert_eq!(count(pool, others).await, 1, "others' names and words stay");
    assert_sound(pool).await;
    let touched =
        sqlx::query("UPDATE economy.bytes_transactions SET giver_username = 'x'").execute(pool).await;
    assert!(touched.is_err(), "the ledger is closed again");
}
