//! Cases: numbers, duplicates, what supersedes what, ends, escalation, edits; and over HTTP.

use access::testing::House;
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{GuildId, UserId};
use moderation::effects::{Payload, Settled, applied};
use moderation::model::{
    Action, CaseEdit, EscalationAction, NewCase, NewEscalation, Rank, Resolution, Source, Standing,
};
use moderation::ops::native::{Native, NativeAction};
use moderation::{Error, ops};
use serde_json::json;

use super::{ADA, GUILD, MOD, count, due, make, make_as, moderator, operator};

fn about(action: Action) -> NewCase {
    NewCase::about(action, ADA, "because")
}

#[tokio::test]
async fn thirty_two_moderators_ban_in_the_same_second_and_one_case_is_in_force() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let races = join_all((100..132).map(|id| make_as(pool, UserId::new(id), about(Action::Ban)))).await;
    let made: Vec<_> = races.iter().filter_map(|race| race.as_ref().ok()).collect();
    assert_eq!(made.len(), 1);
    let number = made[0].case_number;
    for race in &races {
        match race {
            Ok(_) => {}
            Err(Error::Duplicate { number: told, .. }) => assert_eq!(*told, number),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(count(pool, "SELECT count(*) FROM moderation.effects WHERE kind = 'ban'").await, 1);
}

#[tokio::test]
async fn numbers_have_no_gaps_and_every_guild_has_its_own() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let races = join_all((1..=40).map(|id| {
        let new = NewCase::about(Action::Note, UserId::new(id), "seen");
        make_as(pool, MOD, new)
    }))
    .await;
    let mut numbers: Vec<i32> = races.into_iter().map(|race| race.unwrap().case_number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    let (by, standing) = (moderator(MOD), Standing::default());
    let other = ops::case_make(pool, GuildId::new(2), about(Action::Note), &by, &standing, operator()).await;
    assert_eq!(other.unwrap().case_number, 1);
    assert!(matches!(ops::case_get(pool, GuildId::new(2), 2).await, Err(Error::UnknownCase)));
}

#[tokio::test]
async fn the_member_is_told_before_they_are_banned_and_a_closed_door_holds_nothing_up() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let case = make(pool, about(Action::Ban)).await;
    let first = due(pool).await;
    assert_eq!(first.len(), 1, "one of a target at a time");
    assert!(matches!(&first[0].payload, Payload::DirectMessage { may_appeal: true, .. }));
    assert!(first[0].appeal_token.as_deref().unwrap().starts_with("1."));
    assert!(first[0].idempotency_key.len() <= 25);
    let closed = moderation::effects::Dead { reason: "closed".into(), code: Some(50_007) };
    moderation::effects::failed(pool, &first[0].receipt, &closed, None).await.unwrap();
    let second = due(pool).await;
    assert!(matches!(&second[0].payload, Payload::Ban { .. }));
    applied(pool, &second[0].receipt, Settled::default()).await.unwrap();
    let case = ops::case_get(pool, GUILD, case.case_number).await.unwrap();
    assert_eq!(
        (case.effect_state.as_str(), case.member_notified, case.resolved),
        ("applied", Some(false), false)
    );
}

#[tokio::test]
async fn an_old_end_never_lifts_a_newer_ban() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let old = make(pool, about(Action::Ban).lasting(3_600)).await;
    sqlx::query("UPDATE moderation.moderation_cases SET effect_state = 'applied'")
        .execute(pool)
        .await
        .unwrap();
    // A minute later it is no duplicate: a ban without end is meant.
    sqlx::query("ALTER TABLE moderation.moderation_cases DISABLE TRIGGER tg_moderation_cases_immutable")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("UPDATE moderation.moderation_cases SET created_at = created_at - interval '1 minute'")
        .execute(pool)
        .await
        .unwrap();
    let new = make(pool, about(Action::Ban)).await;
    let old = ops::case_get(pool, GUILD, old.case_number).await.unwrap();
    assert_eq!((old.resolution, old.resolved), (Some(Resolution::Superseded), true));
    // The old one's timer comes due.
    sqlx::query("UPDATE jobs.timers SET scheduled_at = now() - interval '1 second'")
        .execute(pool)
        .await
        .unwrap();
    run_timers(pool).await;
    let new = ops::case_get(pool, GUILD, new.case_number).await.unwrap();
    assert!(!new.resolved);
    assert_eq!(
        count(pool, "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'unban'").await,
        0
    );
}

#[tokio::test]
async fn a_ban_whose_time_is_over_is_lifted_once_by_a_case_that_names_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let ban = make(pool, about(Action::Ban).lasting(3_600)).await;
    sqlx::query("UPDATE moderation.moderation_cases SET expires_at = now() + interval '1 millisecond'")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("UPDATE jobs.timers SET scheduled_at = now() - interval '1 second'")
        .execute(pool)
        .await
        .unwrap();
    run_timers(pool).await;
    let ban = ops::case_get(pool, GUILD, ban.case_number).await.unwrap();
    assert_eq!(ban.resolution, Some(Resolution::Expired));
    let unban = ops::case_get(pool, GUILD, ban.case_number + 1).await.unwrap();
    assert_eq!(
        (unban.action, unban.source, unban.parent_case_id),
        (Action::Unban, Source::Expiry, Some(ban.id))
    );
}

/// Runs every timer that is due, and waits until none is.
async fn run_timers(pool: &sqlx::PgPool) {
    let wake = jobs::Wake::new();
    let node = jobs::Node::start(pool.clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    let handlers = moderation::SLICE.handlers(&access::testing::means(pool));
    jobs::timers::spawn(pool, handlers, jobs::EngineSettings::default(), &node.handle(), &wake);
    let open =
        "SELECT count(*) FROM jobs.timers WHERE status IN ('PENDING', 'RUNNING') AND scheduled_at <= now()";
    while count(pool, open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn each_rung_of_the_escalation_fires_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for (warnings, action, seconds) in
        [(2, EscalationAction::Timeout, Some(600)), (3, EscalationAction::Ban, None)]
    {
        let new = NewEscalation {
            warnings,
            within_days: 30,
            action,
            duration_seconds: seconds,
            reason: None,
            is_active: true,
        };
        ops::rules::escalation_write(pool, GUILD, None, new, operator()).await.unwrap();
    }
    for _ in 0..4 {
        make(pool, about(Action::Warn)).await;
    }
    let followed =
        "SELECT count(*) FROM moderation.moderation_cases WHERE source = 'escalation' AND action = 'timeout'";
    assert_eq!(count(pool, followed).await, 1);
    let banned =
        "SELECT count(*) FROM moderation.moderation_cases WHERE source = 'escalation' AND action = 'ban'";
    assert_eq!(count(pool, banned).await, 1);
}

#[tokio::test]
async fn who_is_out_of_the_bots_reach_has_a_case_that_failed_and_nothing_is_sent() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let owner = Rank { owner: true, ..Rank::default() };
    let standing = Standing {
        target: Some(owner),
        moderator: None,
        bot: Some(Rank { owner: false, position: 9, permissions: 1 << 2 }),
    };
    let case = ops::case_make(pool, GUILD, about(Action::Ban), &moderator(MOD), &standing, operator())
        .await
        .unwrap();
    assert_eq!((case.effect_state.as_str(), case.resolution), ("failed", Some(Resolution::Failed)));
    assert!(case.effect_error.unwrap().contains("owner"));
    assert!(due(pool).await.is_empty());
    let above = Standing {
        target: Some(Rank { position: 5, ..Rank::default() }),
        moderator: Some(Rank { position: 5, permissions: 1 << 2, owner: false }),
        bot: None,
    };
    let refused = ops::case_make(pool, GUILD, about(Action::Ban), &moderator(MOD), &above, operator()).await;
    assert!(matches!(refused, Err(Error::OutOfReach(_))), "{refused:?}");
}

#[tokio::test]
async fn what_is_done_on_discord_by_hand_becomes_a_case_once_and_our_own_is_known() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let entry = NativeAction {
        entry_id: 99,
        action: Action::Ban,
        user_id: ADA,
        user_tag: Some("ada".into()),
        moderator_id: MOD,
        moderator_tag: None,
        reason: None,
        until: None,
    };
    let bot = UserId::new(5);
    let first = ops::native_action(pool, GUILD, &entry, bot).await.unwrap();
    let Native::Case(case) = first else { panic!("{first:?}") };
    assert_eq!((case.source, case.effect_state.as_str()), (Source::Discord, "applied"));
    assert_eq!(ops::native_action(pool, GUILD, &entry, bot).await.unwrap(), Native::Known);
    let ours = NativeAction { entry_id: 100, moderator_id: bot, ..entry };
    assert_eq!(ops::native_action(pool, GUILD, &ours, bot).await.unwrap(), Native::Ours);
    assert!(due(pool).await.is_empty(), "it is done already");
}

#[tokio::test]
async fn cases_and_what_discord_has_are_held_against_each_other() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    make(pool, about(Action::Ban)).await;
    assert_eq!(
        ops::bans_seen(pool, GUILD, &[ADA], false).await.unwrap(),
        1,
        "an empty answer is made good by what is seen"
    );
    sqlx::query("UPDATE moderation.moderation_cases SET updated_at = now() - interval '1 hour'")
        .execute(pool)
        .await
        .unwrap();
    let stranger = UserId::new(8);
    ops::bans_seen(pool, GUILD, &[stranger], true).await.unwrap();
    let audit = moderation::SLICE.audit.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    let found = (audit.drift)(&mut conn, Some(GUILD)).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    (audit.weekly.unwrap().repair)(pool, GUILD, operator()).await.unwrap();
    assert_eq!((audit.drift)(&mut conn, None).await.unwrap(), []);
    assert_eq!((audit.weekly.unwrap().repair)(pool, GUILD, operator()).await.unwrap(), []);
}

#[tokio::test]
async fn who_comes_back_while_timed_out_is_timed_out_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let case = make(pool, NewCase { quiet: true, ..about(Action::Timeout).lasting(3_600) }).await;
    let sent = due(pool).await;
    applied(pool, &sent[0].receipt, Settled::default()).await.unwrap();
    let still = ops::member_returned(pool, GUILD, ADA, case.expires_at).await.unwrap();
    assert_eq!(still.timed_out_again, None);
    let back = ops::member_returned(pool, GUILD, ADA, None).await.unwrap();
    assert_eq!(back.timed_out_again, Some(case.case_number));
    assert!(matches!(&due(pool).await[0].payload, Payload::Timeout { .. }));
}

#[tokio::test]
async fn edits_are_kept_and_move_the_end() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let case = make(pool, NewCase { quiet: true, ..about(Action::Timeout).lasting(600) }).await;
    let edit = CaseEdit { reason: Some("worse".into()), duration_seconds: Some(Some(7_200)) };
    let after =
        ops::case_edit(pool, GUILD, case.case_number, &edit, &moderator(MOD), operator()).await.unwrap();
    assert_eq!(after.expires_at, Some(case.created_at + TimeDelta::seconds(7_200)));
    let edits = ops::case_edits(pool, GUILD, case.case_number).await.unwrap();
    let fields: Vec<&str> = edits.iter().map(|edit| edit.field.as_str()).collect();
    assert_eq!(fields, ["reason", "expires_at"]);
    assert_eq!((edits[0].old_value.as_deref(), edits[0].edited_by), (Some("because"), Some(MOD)));
}

#[tokio::test]
async fn cases_over_http() {
    let house = House::new(GUILD, &["moderation:read", "moderation:write", "moderation:own"], |_| {
        moderation::router().split_for_parts().0
    })
    .await;
    let base = "/guilds/1/moderation/cases";
    let new = json!({ "action": "warn", "user_id": "7", "user_tag": "ada", "reason": "Loud", "evidence": [{ "url": "https://e.com/a" }] });
    let (status, case) = house.send("POST", base, None, Some(new)).await;
    assert_eq!((status, &case["case_number"], &case["moderator_tag"]), (201, &json!(1), &json!("test")));
    for (body, field) in [
        (json!({ "action": "ban", "user_id": "7", "reason": " " }), "reason"),
        (json!({ "action": "timeout", "user_id": "7", "reason": "x" }), "duration_seconds"),
        (json!({ "action": "party", "user_id": "7", "reason": "x" }), "action"),
        (json!({ "action": "warn", "reason": "x" }), "user_id"),
        (json!({ "action": "warn", "user_id": "7", "reason": "x", "evidence": [{ "url": "x" }] }), "url"),
    ] {
        let (status, problem) = house.send("POST", base, None, Some(body)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    let ban = json!({ "action": "ban", "user_id": "9", "reason": "Spam" });
    assert_eq!(house.send("POST", base, None, Some(ban.clone())).await.0, 201);
    let (status, problem) = house.send("POST", base, None, Some(ban)).await;
    assert_eq!((status, problem["type"].as_str().unwrap()), (409, "/problems/case-in-force"));
    assert!(problem["detail"].as_str().unwrap().contains("case 2"), "{problem}");
    let (_, page) = house.send("GET", &format!("{base}?user_id=7&text=lou&in_force=true"), None, None).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let (_, none) = house.send("GET", &format!("{base}?text=100%25"), None, None).await;
    assert_eq!(none["items"], json!([]));
    let (status, evidence) = house.send("GET", &format!("{base}/1/evidence"), None, None).await;
    assert_eq!((status, &evidence[0]["url"]), (200, &json!("https://e.com/a")));
    let id = evidence[0]["id"].as_str().unwrap();
    assert_eq!(house.send("DELETE", &format!("{base}/1/evidence/{id}"), None, None).await.0, 200);
    assert_eq!(house.send("DELETE", &format!("{base}/1/evidence/{id}"), None, None).await.0, 404);
    let (_, edits) = house.send("GET", &format!("{base}/1/edits"), None, None).await;
    assert_eq!(edits.as_array().unwrap().len(), 2);
    let (status, lifted) =
        house.send("POST", &format!("{base}/2/lift"), None, Some(json!({ "reason": "Sorry" }))).await;
    assert_eq!((status, &lifted["resolution"]), (200, &json!("lifted")));
    let (status, void) =
        house.send("POST", &format!("{base}/1/void"), None, Some(json!({ "reason": "Wrong" }))).await;
    assert_eq!((status, &void["resolution"]), (200, &json!("voided")));
    let (_, own) = house.send("GET", "/guilds/1/moderation/own-cases", Some(7), None).await;
    assert_eq!(
        (own["items"].as_array().unwrap().len(), &own["items"][0]["moderator_tag"]),
        (1, &json!("Moderators"))
    );
    let (_, csv) =
        house.send_text("GET", "/guilds/1/moderation/cases.csv?user_id=9", None, String::new()).await;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let now = DateTime::<Utc>::UNIX_EPOCH.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let path = format!("/guilds/1/moderation/statistics?since={now}&until=2100-01-01T00:00:00Z");
    let (status, figures) = house.send("GET", &path, None, None).await;
    assert_eq!(status, 200);
    assert!(
        figures.as_array().unwrap().iter().any(|row| row["action"] == "warn" && row["overturned"] == 1),
        "{figures}"
    );
    for path in
        ["/guilds/2/moderation/cases", "/guilds/1/moderation/cases/99", "/guilds/1/moderation/cases/99/edits"]
    {
        assert_eq!(house.send("GET", path, None, None).await.0, 404, "{path}");
    }
    assert_eq!(house.send("GET", "/guilds/1/moderation/cases/zero", None, None).await.0, 400);
    let (status, _) = house
        .send(
            "POST",
            "/guilds/1/moderation/rules",
            None,
            Some(json!({ "name": "x", "rule_type": "invites", "action": "delete" })),
        )
        .await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn who_is_forgotten_is_named_nowhere_and_their_ban_goes_on() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let new = NewCase {
        user_tag: Some("Ada Lovelace".into()),
        reason: "Ada Lovelace spammed".into(),
        ..about(Action::Ban)
    };
    let ban = make(pool, new).await;
    let edit = CaseEdit { reason: Some("Ada Lovelace spammed again".into()), duration_seconds: None };
    ops::case_edit(pool, GUILD, ban.case_number, &edit, &moderator(MOD), operator()).await.unwrap();
    ops::appeal_file(pool, GUILD, ADA, ban.case_number, "I am Ada Lovelace").await.unwrap();
    for _ in 0..2 {
        for effect in due(pool).await {
            applied(pool, &effect.receipt, Settled::default()).await.unwrap();
        }
    }
    let keepers = access::personal::Keepers::of(&[&moderation::SLICE]);
    let mut tx = pool.begin().await.unwrap();
    let copies = keepers.copies(&mut tx, GUILD, ADA).await.unwrap();
    assert_eq!(copies["moderation"]["appeals"][0]["statement"], json!("I am Ada Lovelace"));
    for _ in 0..2 {
        keepers.forget(&mut tx, GUILD, ADA, &["Ada Lovelace".to_owned(), "7".to_owned()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    for table in [
        "moderation_cases",
        "moderation_case_edits",
        "appeals",
        "effects",
        "raids",
        "appeal_notes",
        "automod_hits",
    ] {
        let sql = format!("SELECT count(*) FROM moderation.{table} t WHERE t::text ILIKE '%lovelace%'");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
    assert!(!ops::case_get(pool, GUILD, ban.case_number).await.unwrap().resolved);
}
