//! What moderation wants done on Discord: in order, once, and told where it cannot be.

use std::time::Duration;

use access::{Author, By, Origin};
use discord::effects::moderate_once;
use kernel::{PageQuery, UserId};
use moderation::effects::{claim, dead_list, send_again};
use moderation::model::{Action, Case, Joined, Moderator, NewCase, NewRaid, RaidAction, Standing};
use moderation::ops;
use serde_json::json;

use crate::chat::{ADA, BOB, Chat, GUILD};
use crate::stand_in::Fault;

const LEASE: Duration = Duration::from_mins(1);
const EVE: UserId = UserId::new(9);

fn eve() -> Moderator {
    Moderator { id: EVE, tag: "Eve".to_owned() }
}

async fn make(chat: &Chat, new: NewCase) -> Case {
    let origin = Origin::default();
    let by = Author::new(By::Cli, &origin);
    ops::case_make(chat.pool(), GUILD, new, &eve(), &Standing::default(), by).await.unwrap()
}

fn quiet(action: Action, user: i64) -> NewCase {
    NewCase { quiet: true, ..NewCase::about(action, UserId::new(user), "spam") }
}

/// Everything that is due is done.
pub(crate) async fn work(chat: &Chat) {
    while moderate_once(&chat.bot, LEASE).await.unwrap() > 0 {}
}

/// Whatever waits for another try waits no longer.
pub(crate) async fn patience(chat: &Chat) {
    chat.run("UPDATE moderation.effects SET due_at = now() WHERE state IN ('pending', 'leased')").await;
}

async fn state(chat: &Chat, case: &Case) -> String {
    let case = ops::case_get(chat.pool(), GUILD, case.case_number).await.unwrap();
    case.effect_state.as_str().to_owned()
}

async fn count(chat: &Chat, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(chat.pool()).await.unwrap()
}

fn asked(chat: &Chat) -> Vec<String> {
    chat.discord.seen("").iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

#[tokio::test]
async fn a_member_is_told_first_and_then_banned_with_the_case_in_the_audit_log() {
    let chat = Chat::new().await;
    chat.known().await;
    let case = make(&chat, NewCase::about(Action::Ban, UserId::new(BOB), "spam & more")).await;
    work(&chat).await;
    let letters = "POST /channels/5000008/messages";
    assert_eq!(asked(&chat), ["POST /users/@me/channels", letters, "PUT /guilds/1/bans/8"]);
    let reason = chat.discord.seen("bans/8")[0].reason.clone().unwrap();
    assert_eq!(reason.replace("%26", "&"), "Case 1 by Eve: spam & more");
    let letter = chat.discord.seen(letters)[0].body.clone().unwrap();
    assert_eq!(letter["content"], "You were banned (case 1): spam & more");
    assert_eq!(
        (&letter["enforce_nonce"], &letter["allowed_mentions"]),
        (&json!(true), &json!({ "parse": [] }))
    );
    assert_eq!(letter["nonce"].as_str().unwrap().len(), 25);
    assert!(chat.discord.with(|known| known.bans.contains(&(1, BOB))));
    let case = ops::case_get(chat.pool(), GUILD, case.case_number).await.unwrap();
    assert_eq!((case.effect_state.as_str(), case.member_notified), ("applied", Some(true)));
    chat.discord.verdict();
}

#[tokio::test]
async fn what_is_so_already_is_success() {
    let chat = Chat::new().await;
    chat.known().await;
    make(&chat, quiet(Action::Ban, BOB)).await;
    work(&chat).await;
    chat.discord.with(|known| known.bans.clear());
    let unban = make(&chat, quiet(Action::Unban, BOB)).await;
    chat.run(
        r#"INSERT INTO moderation.effects (guild_id, target, kind, payload, idempotency_key, max_attempts)
           VALUES (1, 'channel:50', 'delete_message', '{"kind": "delete_message", "channel_id": "50", "message_id": "77", "reason": "a slur"}', 'd', 5)"#,
    )
    .await;
    work(&chat).await;
    assert_eq!(state(&chat, &unban).await, "applied");
    assert_eq!(chat.discord.seen("DELETE /channels/50/messages/77").len(), 1);
    assert_eq!(count(&chat, "SELECT count(*) FROM moderation.effects WHERE state <> 'applied'").await, 0);
    chat.discord.verdict();
}

#[tokio::test]
async fn a_time_out_is_set_and_lifted_in_order_and_others_do_not_wait() {
    let chat = Chat::new().await;
    chat.known().await;
    make(&chat, quiet(Action::Timeout, ADA).lasting(28 * 86_400)).await;
    let lifted = make(&chat, quiet(Action::Untimeout, ADA)).await;
    let kick = make(&chat, quiet(Action::Kick, BOB)).await;
    for _ in 0..4 {
        chat.discord.misbehave("members/7", Fault::Html(502));
    }
    work(&chat).await;
    assert_eq!(
        (state(&chat, &lifted).await.as_str(), state(&chat, &kick).await.as_str()),
        ("pending", "applied")
    );
    patience(&chat).await;
    work(&chat).await;
    assert_eq!(state(&chat, &lifted).await, "applied");
    let sent: Vec<_> = chat.discord.seen("PATCH").iter().map(|seen| seen.body.clone().unwrap()).collect();
    assert!(sent[..5].iter().all(|body| body["communication_disabled_until"].is_string()), "{sent:?}");
    assert_eq!(sent[5..], [json!({ "communication_disabled_until": null })]);
    assert!(chat.discord.with(|known| known.silent.is_empty() && !known.members.contains_key(&(1, BOB))));
    chat.discord.verdict();
}

#[tokio::test]
async fn what_the_bot_may_not_is_dead_with_what_it_lacks_and_can_be_sent_again() {
    let chat = Chat::new().await;
    chat.known().await;
    let kick = make(&chat, quiet(Action::Kick, BOB)).await;
    chat.discord.misbehave("members/8", Fault::Refused(403, 50_013));
    work(&chat).await;
    assert_eq!(state(&chat, &kick).await, "failed");
    let dead = dead_list(chat.pool(), GUILD, &PageQuery::default()).await.unwrap().items;
    let error = dead[0].error.clone().unwrap();
    assert!(error.contains("it needs Kick Members, and a role above theirs"), "{error}");
    assert_eq!((dead.len(), dead[0].error_code), (1, Some(50_013)));
    let origin = Origin::default();
    send_again(chat.pool(), GUILD, dead[0].id, Author::new(By::Cli, &origin)).await.unwrap();
    work(&chat).await;
    assert_eq!(state(&chat, &kick).await, "applied");
    chat.discord.verdict();
}

#[tokio::test]
async fn what_discord_puts_off_is_not_asked_for_before() {
    let chat = Chat::new().await;
    chat.known().await;
    let kick = make(&chat, quiet(Action::Kick, BOB)).await;
    chat.discord.misbehave("members/8", Fault::Limited(Some("user"), 90.0));
    work(&chat).await;
    assert_eq!(state(&chat, &kick).await, "pending");
    let waits = "SELECT extract(epoch FROM due_at - now())::bigint FROM moderation.effects";
    let seconds = count(&chat, waits).await;
    assert!((30..=90).contains(&seconds), "{seconds}");
    chat.discord.verdict();
}

#[tokio::test]
async fn a_letter_that_takes_long_holds_the_ban_up_two_seconds_at_most() {
    let chat = Chat::new().await;
    chat.known().await;
    let case = make(&chat, NewCase::about(Action::Ban, UserId::new(BOB), "spam")).await;
    chat.discord.misbehave("@me/channels", Fault::Slow(Duration::from_mins(1)));
    work(&chat).await;
    let waited = chat.discord.seen("bans/8")[0].at - chat.discord.seen("@me/channels")[0].at;
    // It is less than a request to Discord may take, by as much as a busy machine may need.
    assert!(waited < Duration::from_secs(9), "{waited:?}");
    let case = ops::case_get(chat.pool(), GUILD, case.case_number).await.unwrap();
    assert_eq!((case.effect_state.as_str(), case.member_notified), ("applied", Some(false)));
}

#[tokio::test]
async fn what_a_dead_node_had_is_done_by_another_once() {
    let chat = Chat::new().await;
    chat.known().await;
    let ban = make(&chat, quiet(Action::Ban, BOB)).await;
    let lost = claim(chat.pool(), None, None, Duration::from_mins(1), 16).await.unwrap();
    assert_eq!(lost.len(), 1);
    work(&chat).await;
    assert_eq!(state(&chat, &ban).await, "pending", "it is another's");
    patience(&chat).await;
    work(&chat).await;
    assert_eq!((state(&chat, &ban).await.as_str(), chat.discord.seen("bans/8").len()), ("applied", 1));
}

/// A raid that bans, and who came.
pub(crate) async fn raid(chat: &Chat, users: &[i64]) {
    let origin = Origin::default();
    let by = Author::new(By::Cli, &origin);
    let new = NewRaid { action: RaidAction::Ban, reason: "bots".to_owned(), minutes: Some(30) };
    ops::raid_start(chat.pool(), GUILD, &new, None, &eve(), by).await.unwrap();
    let joined: Vec<Joined> = users
        .iter()
        .map(|id| Joined {
            user_id: UserId::new(*id),
            tag: format!("raider{id}"),
            joined_at: chrono::DateTime::UNIX_EPOCH,
        })
        .collect();
    ops::raid_joined(chat.pool(), GUILD, &joined).await.unwrap();
}

const BANS: &str =
    "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'ban' AND effect_state = 'applied'";

#[tokio::test]
async fn a_raid_is_banned_at_once_and_whom_discord_did_not_ban_is_told() {
    let chat = Chat::new().await;
    chat.known().await;
    raid(&chat, &[1_001, 1_002, 1_003]).await;
    // One was banned by hand meanwhile, one stands above the bot.
    chat.discord.with(|known| {
        known.bans.insert((1, 1_002));
        known.immune.insert(1_003);
    });
    work(&chat).await;
    assert!(chat.discord.seen("bulk-ban").is_empty(), "more may come");
    patience(&chat).await;
    work(&chat).await;
    assert!(chat.discord.with(|known| known.closed[&1].is_string()), "invites are stopped");
    assert_eq!(count(&chat, BANS).await, 2);
    let dead = dead_list(chat.pool(), GUILD, &PageQuery::default()).await.unwrap().items;
    assert!(dead[0].error.as_ref().unwrap().starts_with("Discord did not ban 1 of 3: "), "{dead:?}");
    chat.discord.verdict();
}

#[tokio::test]
async fn where_nobody_is_named_and_there_is_no_gateway_bans_are_looked_at() {
    let chat = Chat::new().await;
    chat.known().await;
    raid(&chat, &[1_001, 1_002]).await;
    chat.discord.with(|known| known.silent_bulk = true);
    work(&chat).await;
    patience(&chat).await;
    work(&chat).await;
    assert_eq!((count(&chat, BANS).await, chat.discord.seen("GET /guilds/1/bans/").len()), (2, 2));
    chat.discord.verdict();
}

#[tokio::test]
async fn what_takes_long_is_kept_and_done_once() {
    let chat = Chat::new().await;
    chat.known().await;
    let kick = make(&chat, quiet(Action::Kick, BOB)).await;
    chat.discord.misbehave("members/8", Fault::Slow(Duration::from_secs(6)));
    let lease = Duration::from_secs(4);
    let other = async {
        // Longer than it was taken for, and still nobody else gets it.
        while chat.discord.seen("members/8").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while chat.discord.seen("members/8")[0].at.elapsed() < Duration::from_millis(5_500) {
            assert_eq!(claim(chat.pool(), None, None, lease, 16).await.unwrap().len(), 0);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (done, ()) = tokio::join!(moderate_once(&chat.bot, lease), other);
    assert_eq!((done.unwrap(), chat.discord.seen("members/8").len()), (1, 1));
    assert_eq!(state(&chat, &kick).await, "applied");
}

#[tokio::test]
async fn purging_leaves_what_is_old_what_others_wrote_and_what_came_after() {
    let chat = Chat::new().await;
    chat.known().await;
    let now = chat.now().await * 1_000 - 1_420_070_400_000;
    let made = |days: i64, n: i64| ((now - days * 86_400_000 - 60_000) << 22) + n;
    chat.discord.with(|known| {
        for n in 0..250 {
            known.says(50, made(0, n), if n % 2 == 0 { BOB } else { ADA });
        }
        known.says(50, made(20, 1), BOB);
        known.says(50, ((now + 60_000) << 22) + 1, BOB);
    });
    let new = NewCase {
        channel_id: Some(kernel::ChannelId::new(50)),
        limit: Some(110),
        ..quiet(Action::Purge, BOB)
    };
    let case = make(&chat, new).await;
    work(&chat).await;
    let case = ops::case_get(chat.pool(), GUILD, case.case_number).await.unwrap();
    assert_eq!((case.effect_state.as_str(), case.messages_purged), ("applied", Some(110)));
    let left = |who: i64| {
        let who = who.to_string();
        chat.discord.with(|known| known.messages[&50].iter().filter(|one| one["author"]["id"] == who).count())
    };
    assert_eq!((left(ADA), left(BOB)), (125, 17));
    // Again: what is left of them, but neither the old one nor the one that came after.
    let new = NewCase {
        channel_id: Some(kernel::ChannelId::new(50)),
        limit: Some(1_000),
        ..quiet(Action::Purge, BOB)
    };
    let case = make(&chat, new).await;
    work(&chat).await;
    let case = ops::case_get(chat.pool(), GUILD, case.case_number).await.unwrap();
    assert_eq!((case.messages_purged, left(ADA), left(BOB)), (Some(15), 125, 2));
    let reason = chat.discord.seen("bulk-delete")[0].reason.clone().unwrap();
    assert!(reason.contains("Case"), "{reason}");
    chat.discord.verdict();
}

#[tokio::test]
async fn whatever_mood_discord_is_in_every_case_is_carried_out() {
    let chat = Chat::new().await;
    chat.known().await;
    for user in 0..20 {
        make(&chat, quiet(Action::Ban, 3_000 + user)).await;
    }
    chat.discord.moody(300);
    for _ in 0..100 {
        patience(&chat).await;
        work(&chat).await;
        if count(&chat, BANS).await == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((count(&chat, BANS).await, chat.discord.with(|known| known.bans.len())), (20, 20));
    assert!(chat.discord.seen("PUT").len() > 20, "it was in some mood");
    chat.discord.verdict();
}
