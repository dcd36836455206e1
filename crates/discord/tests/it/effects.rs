//! What is done on Discord: once, in order, and told where it cannot be.

use access::testing::means;
use access::{Author, By, Origin};
use discord::effects::{ops, work_once};
use jobs::outbox::{Event, emit};
use kernel::{PageQuery, UserId};
use people::roles::{RoleWish, roles_set};
use serde_json::{Value, json};

use crate::chat::{Chat, GUILD};
use crate::gateway::LOOKS;
use crate::stand_in::Fault;

/// The outbox is read up to its end.
async fn read(chat: &Chat) {
    let means = means(chat.pool()).with(chat.bot.clone());
    let node = jobs::Node::start(chat.pool().clone(), "test", "0", &[], jobs::Wake::new()).await.unwrap();
    (discord::SLICE.consumers)(&means).start(chat.pool(), &node.handle(), &jobs::Wake::new());
    let sql = "SELECT NOT EXISTS (SELECT FROM jobs.outbox o JOIN jobs.outbox_cursors c ON c.consumer = 'discord.effects'
                WHERE (o.transaction_id, o.id) > (c.transaction_id, c.id))
                AND EXISTS (SELECT FROM jobs.outbox_cursors WHERE consumer = 'discord.effects')";
    // Transactions of other tests on the same server hold readers back.
    let mut looks = 0;
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(chat.pool()).await.unwrap() {
        looks += 1;
        assert!(looks < LOOKS, "the outbox is never read to its end");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    node.stop(std::time::Duration::from_mins(2)).await.unwrap();
}

async fn due(chat: &Chat, channel: i64, text: &str) {
    let event = Event {
        guild_id: GUILD,
        event_type: "announcement.due",
        subject: "announcements/1".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: json!({
            "announcement_id": "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "channel_id": channel.to_string(), "kind": "notice",
            "user_id": null, "what": { "text": text },
        }),
    };
    emit(&mut chat.pool().acquire().await.unwrap(), &[event]).await.unwrap();
}

async fn work(chat: &Chat) {
    while work_once(&chat.bot).await.unwrap() > 0 {}
}

/// Whatever waits for another try waits no longer.
async fn patience(chat: &Chat) {
    chat.run("UPDATE discord.effects SET not_before = now() WHERE status = 'pending'").await;
}

fn said(chat: &Chat, channel: i64) -> Vec<Value> {
    chat.discord.with(|state| {
        let list = state.messages.get(&channel).cloned().unwrap_or_default();
        list.iter().map(|message| message["content"].clone()).collect()
    })
}

async fn dead(chat: &Chat) -> Vec<ops::Effect> {
    ops::effect_list(chat.pool(), GUILD, Some("dead"), &PageQuery::default()).await.unwrap().items
}

#[tokio::test]
async fn announcements_are_posted_once_and_in_order_whatever_discord_does() {
    let chat = Chat::new().await;
    chat.known().await;
    read(&chat).await;
    for text in ["one", "two", "three"] {
        due(&chat, 50, text).await;
    }
    due(&chat, 51, "elsewhere").await;
    read(&chat).await;
    // The first is taken, and nobody hears of it; then Discord is away for a while.
    chat.discord.misbehave("channels/50", Fault::TakenAndGone);
    for _ in 0..4 {
        chat.discord.misbehave("channels/50", Fault::Html(500));
    }
    work(&chat).await;
    assert_eq!(said(&chat, 51), ["elsewhere"], "one channel holds up no other");
    for _ in 0..3 {
        patience(&chat).await;
        work(&chat).await;
    }
    assert_eq!(said(&chat, 50), ["one", "two", "three"]);
    let asked = chat.discord.seen("POST");
    assert!(
        asked.iter().all(|seen| seen.body.as_ref().unwrap()["allowed_mentions"] == json!({ "parse": [] }))
    );
    chat.discord.verdict();
}

#[tokio::test]
async fn what_a_dead_node_was_about_is_done_by_another_at_once() {
    let chat = Chat::new().await;
    chat.known().await;
    read(&chat).await;
    due(&chat, 50, "one").await;
    read(&chat).await;
    // A node took it a moment ago.
    chat.run(
        "INSERT INTO jobs.nodes (id, name, version, roles) VALUES ('00000000-0000-7000-8000-000000000001', 'a', '0', '{}');
         UPDATE discord.effects SET held_by = '00000000-0000-7000-8000-000000000001', attempts = 1, not_before = now() + interval '2 min'",
    )
    .await;
    work(&chat).await;
    assert_eq!(said(&chat, 50), [] as [Value; 0], "it lives");
    chat.run("UPDATE jobs.nodes SET died_at = now()").await;
    work(&chat).await;
    assert_eq!(said(&chat, 50), ["one"]);
    chat.discord.verdict();
}

#[tokio::test]
async fn what_is_refused_for_good_is_told_and_can_be_sent_again() {
    let chat = Chat::new().await;
    chat.known().await;
    read(&chat).await;
    due(&chat, 99, "into the void").await;
    due(&chat, 99, "after it").await;
    read(&chat).await;
    work(&chat).await;
    let given_up = dead(&chat).await;
    assert_eq!(given_up.len(), 2, "the next one had its turn");
    let error = given_up[0].last_error.clone().unwrap();
    assert!(error.starts_with("the channel is gone: choose another"), "{error}");
    chat.discord.with(|state| state.channels.insert(99, 1));
    let origin = Origin::default();
    let again = |id| ops::effect_retry(chat.pool(), GUILD, id, Author::new(By::Cli, &origin));
    again(given_up[1].id).await.unwrap();
    work(&chat).await;
    assert_eq!(said(&chat, 99), ["into the void"]);
    assert_eq!(again(given_up[1].id).await.unwrap_err().status(), 409);
    assert_eq!(again(uuid::Uuid::nil()).await.unwrap_err().status(), 404);
    let other = ops::effect_retry(
        chat.pool(),
        kernel::GuildId::new(2),
        given_up[0].id,
        Author::new(By::Cli, &origin),
    );
    assert_eq!(other.await.unwrap_err().status(), 404, "another guild's");
}

#[tokio::test]
async fn roles_are_given_taken_and_reported() {
    let chat = Chat::new().await;
    chat.known().await;
    read(&chat).await;
    let ada = UserId::new(7);
    let wish =
        |role: i64, wanted: bool| RoleWish { user_id: ada, role_id: kernel::RoleId::new(role), wanted };
    let mut conn = chat.pool().acquire().await.unwrap();
    roles_set(&mut conn, GUILD, "squad", &[wish(60, true), wish(404, true)]).await.unwrap();
    read(&chat).await;
    work(&chat).await;
    assert!(chat.discord.with(|state| state.members[&(1, 7)].contains(&60)));
    let reason = chat.discord.seen("roles/60")[0].reason.clone().unwrap();
    assert_eq!(reason, "Questhall%3A squad".replace("%3A", ":"));
    let open = people::roles::list(chat.pool(), GUILD, true, &PageQuery::default()).await.unwrap().items;
    assert_eq!(open.len(), 1, "the other one is confirmed");
    assert!(open[0].last_error.as_ref().unwrap().starts_with("the role is gone"), "{open:?}");
    assert_eq!(dead(&chat).await.len(), 1);
    roles_set(&mut conn, GUILD, "squad", &[wish(60, false)]).await.unwrap();
    read(&chat).await;
    work(&chat).await;
    assert!(chat.discord.with(|state| state.members[&(1, 7)].is_empty()));
    chat.discord.verdict();
}
