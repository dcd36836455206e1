//! How interactions come in: signed, fresh, once; and how they are answered in time.

use std::time::Duration;

use discord::DiscordSettings;
use serde_json::json;

use crate::chat::{ADA_TYPES, BOB_TYPES, Chat};
use crate::judge;

#[tokio::test]
async fn what_discord_did_not_sign_is_refused_and_so_is_what_is_old_or_comes_twice() {
    let chat = Chat::new().await;
    let now = chat.now().await;
    let ping = json!({ "id": "1", "application_id": "1", "type": 1, "token": "t", "version": 1 }).to_string();
    assert_eq!(chat.post_at(&ping, &now.to_string(), None).await, (200, json!({ "type": 1 })));
    for signature in ["", "00", &"0".repeat(128)] {
        let (status, problem) = chat.post_at(&ping, &now.to_string(), Some(signature)).await;
        assert_eq!(
            (status, problem["type"].as_str()),
            (401, Some("/problems/unauthenticated")),
            "{signature}"
        );
    }
    for time in [now - 600, now + 600] {
        let (status, problem) = chat.post_at(&ping, &time.to_string(), None).await;
        assert_eq!(status, 401);
        assert!(problem["detail"].as_str().unwrap().contains("clock"), "{problem}");
    }
    let daily = chat.interaction(ADA_TYPES, 2, &chat.typed("/bytes daily"));
    assert_eq!(chat.post(&daily).await.0, 200);
    assert_eq!(chat.post(&daily).await.0, 409, "it was taken before");
    assert_eq!(chat.post_at("{", &now.to_string(), None).await.0, 400);
    let none: i64 =
        sqlx::query_scalar("SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'daily'")
            .fetch_one(chat.pool())
            .await
            .unwrap();
    assert_eq!(none, 1, "claimed once");
}

#[tokio::test]
async fn commands_work_in_servers_alone() {
    let chat = Chat::new().await;
    let mut letter = chat.interaction(BOB_TYPES, 2, &chat.typed("/bytes daily"));
    letter.as_object_mut().unwrap().remove("guild_id");
    letter.as_object_mut().unwrap().remove("member");
    chat.hears(&letter).await.says("Befehle gehen auf einem Server, nicht in Direktnachrichten.").privately();
}

#[tokio::test]
async fn what_takes_long_is_promised_within_a_second_and_a_half_and_then_given() {
    let promise = DiscordSettings::default().promise;
    assert!(promise <= Duration::from_millis(1_500), "{promise:?}");
    let chat = Chat::with(|settings| settings.promise = promise).await;
    chat.known().await;
    // Somebody holds the row that the claim needs, for as long as nothing was promised.
    let mut tx = chat.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE economy.bytes_transactions").execute(&mut *tx).await.unwrap();
    let interaction = chat.interaction(ADA_TYPES, 2, &chat.typed("/bytes daily"));
    let began = tokio::time::Instant::now();
    let (status, promised) = chat.post(&interaction).await;
    let took = began.elapsed();
    assert_eq!((status, promised), (200, json!({ "type": 5 })));
    assert!(took >= promise, "{took:?}");
    tx.rollback().await.unwrap();
    let token = interaction["token"].as_str().unwrap().to_owned();
    let given = loop {
        if let Some(seen) = chat.discord.seen(&token).pop() {
            break seen.body.unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(given["content"], "You got 10 bytes; day 1 in a row. You have 110.");
    assert_eq!(given["allowed_mentions"], json!({ "parse": [] }));
    chat.discord.verdict();
}

#[tokio::test]
async fn a_button_is_for_whom_it_was_made_and_nobody_can_make_one() {
    let chat = Chat::new().await;
    let heard = chat.types(ADA_TYPES, "/privacy erase").await;
    heard.privately();
    chat.presses(BOB_TYPES, &heard, "Forget me")
        .await
        .says("Das ist für jemand anderen. Nutze den Befehl selbst.")
        .privately();
    let forged = heard.button("Forget me").replace("erase", "bytes");
    let data = json!({ "custom_id": forged, "component_type": 2 });
    let answer = chat.hears(&chat.interaction(ADA_TYPES, 3, &data)).await;
    answer.says("This was made for somebody else. Use the command yourself.");
}

#[tokio::test]
async fn discord_is_told_of_commands_once_and_only_of_what_differs() {
    use discord::commands::{Synced, sync};
    let chat = Chat::new().await;
    let commands = discord::commands::describe();
    for command in commands.as_array().unwrap() {
        judge::is_a("ApplicationCommandUpdateRequest", command).unwrap();
    }
    assert_eq!(sync(&chat.bot).await.unwrap(), Synced::Written);
    assert_eq!(sync(&chat.bot).await.unwrap(), Synced::Known);
    assert_eq!(chat.discord.seen("commands").len(), 2, "looked at, and written");
    // Another installation, or a database put back: Discord has them already.
    chat.run("DELETE FROM discord.command_sets").await;
    assert_eq!(sync(&chat.bot).await.unwrap(), Synced::Same);
    // Somebody changed them by hand, and we changed ours.
    chat.discord.with(|state| state.commands[0]["description"] = json!("mine now"));
    chat.run("UPDATE discord.command_sets SET hash = decode(repeat('00', 32), 'hex')").await;
    assert_eq!(sync(&chat.bot).await.unwrap(), Synced::Written);
    assert_eq!(chat.discord.seen("PUT").len(), 2);
    chat.discord.verdict();
}

#[test]
fn the_reference_in_the_documentation_is_the_codes() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/discord.md")).unwrap();
    let (_, rest) = page.split_once("holds it against the code -->\n").unwrap();
    let (told, _) = rest.split_once("<!-- end of the reference -->").unwrap();
    let reference = discord::commands::reference();
    assert_eq!(told.trim(), reference.trim(), "docs/discord.md should have:\n{reference}");
}
