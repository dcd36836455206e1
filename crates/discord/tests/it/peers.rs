//! Conversations of learners who review each other.

use access::{By, Origin};
use serde_json::json;

use crate::chat::{ADA_TYPES, BOB_TYPES, Chat, GUILD, Heard, Who};

fn said(heard: &Heard) -> &str {
    heard.message["content"].as_str().unwrap()
}

/// A quest that is nothing but a page that peers review.
async fn quest(chat: &Chat) {
    let review = json!({
        "pass_percent": 50, "rubric": [{ "slug": "clear", "text": "Is it clear?", "points": 5 }],
        "peers": { "required": 1, "owed": 1, "deadline_hours": 72 },
    });
    let design = json!({
        "slug": "design", "type": "PeerReview", "title": "A page of design", "description": "Design something.", "review": review,
    });
    let quest = json!({
        "title": "Design", "type": "Challenge", "difficulty": "Advanced", "experience_points": 10, "assessments": [design],
    });
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(chat.pool(), GUILD, "design", &quest, author).await.unwrap();
    learning::ops::quest_publish(chat.pool(), GUILD, made.id, author).await.unwrap();
}

async fn hands_in(chat: &Chat, who: Who, text: &str) -> Heard {
    let begun = chat.types(who, "/learn start quest:Design").await;
    let label = if who.locale == "de" { "Abgeben" } else { "Hand in" };
    let form = chat.presses(who, &begun, label).await;
    chat.fills(who, &form, &[("text", text), ("link", "")]).await
}

#[tokio::test]
async fn learners_review_each_other_by_forms() {
    let chat = Chat::new().await;
    chat.known().await;
    quest(&chat).await;
    let owing = "You owe no review. Name a quest to write one all the same.";
    chat.types(ADA_TYPES, "/learn review").await.says(owing).privately();
    let first = "Hand in your own work first; then you see that of others.";
    chat.types(ADA_TYPES, "/learn review quest:Design").await.says(first);
    hands_in(&chat, ADA_TYPES, "My page.").await.says("Handed in (number 1).").privately();
    // What waits is handed in once.
    let nothing = "There is nothing to hand in for this quest now.";
    chat.types(ADA_TYPES, "/learn submit quest:Design").await.says(nothing);
    let none = "There is nothing to review now.";
    chat.types(ADA_TYPES, "/learn review").await.says(none);
    hands_in(&chat, BOB_TYPES, "Bob's page.").await.says("Abgegeben (Nummer 1).");
    let given = chat.types(ADA_TYPES, "/learn review quest:design").await;
    given.privately();
    assert!(said(&given).starts_with("**Somebody's work**, to be reviewed; ends <t:"), "{}", said(&given));
    let shown = "\nDesign something.\n- Is it clear? (0 to 5)\n>>> Bob's page.";
    assert!(said(&given).ends_with(shown), "{}", said(&given));
    assert!(!given.message.to_string().contains("<@8>"), "whose it is is not told");
    let form = chat.presses(ADA_TYPES, &given, "Write the review").await;
    let label = "Is it clear? (0 to 5)";
    chat.fills(ADA_TYPES, &form, &[(label, "much"), ("feedback", "Good.")]).await.privately();
    let thanks = "Thank you: your review is written.";
    chat.fills(ADA_TYPES, &form, &[(label, "4"), ("feedback", "Good.")]).await.says(thanks).privately();
    let gone = "This review is no longer yours to write: use /learn review.";
    chat.fills(ADA_TYPES, &form, &[(label, "4"), ("feedback", "Good.")]).await.says(gone);
    // Bob owes one, declines it, and is given none again.
    let given = chat.types(BOB_TYPES, "/learn review").await;
    assert!(said(&given).ends_with(">>> My page."), "{}", said(&given));
    let declined = chat.presses(BOB_TYPES, &given, "Ablehnen").await;
    declined.says("Sie geht an jemand anderen. Du schuldest noch 1.");
    chat.types(BOB_TYPES, "/learn review").await.says("Jetzt gibt es nichts zu bewerten.");
    let passed = chat.types(BOB_TYPES, "/learn continue quest:Design").await;
    assert!(said(&passed).contains("Geschafft, für 10 XP."), "{}", said(&passed));
    chat.discord.verdict();
}
