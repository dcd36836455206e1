//! Conversations of those who run a guild: automod, raids, purges, appeals, judging what was handed in.

use std::time::Duration;

use access::{Author, By, Origin};
use discord::boards::edit_once;
use discord::effects::moderate_once;
use kernel::UserId;
use moderation::automod::{Body, Member, Message, State};
use moderation::model::Joined;
use serde_json::{Value, json};

use crate::chat::{ADA_TYPES, BOB, BOB_TYPES, Chat, EVE_TYPES, GUILD, Heard, Who};
use crate::stand_in::Fault;

/// Runs the server, by Discord's own permission for everything.
const RULER: Who = Who { permissions: 1 << 3, ..EVE_TYPES };

fn said(heard: &Heard) -> String {
    heard.message["content"].as_str().unwrap().to_owned()
}

async fn work(chat: &Chat) {
    while moderate_once(&chat.bot, Duration::from_mins(1)).await.unwrap() > 0 {}
}

#[tokio::test]
async fn rules_are_listed_tried_switched_and_their_hits_explained() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.types(ADA_TYPES, "/automod rules").await.privately();
    let none = "There are no rules here yet: make some by the API, the dashboard or the command line.";
    chat.types(RULER, "/automod rules").await.says(none).privately();
    let origin = Origin::default();
    let rule = json!({ "name": "Bad words", "rule_type": "words", "config": { "words": ["badword"] }, "action": "warn" });
    let by = Author::new(By::Cli, &origin);
    moderation::ops::rules::rule_create(chat.pool(), GUILD, serde_json::from_value(rule).unwrap(), by)
        .await
        .unwrap();
    assert_eq!(chat.offered(RULER, "/automod switch rule:bad").await, ["Bad words"]);
    assert_eq!(
        chat.offered(RULER, "/automod switch rule:\"Bad words\" state:o").await,
        ["on", "on trial", "off"]
    );
    chat.types(RULER, "/automod switch rule:\"bad words\" state:trial")
        .await
        .says("Bad words is on trial now.")
        .privately();
    chat.types(ADA_TYPES, "/automod switch rule:\"bad words\" state:off")
        .await
        .says("You may not do that here. It takes a role that those who run this server give.");
    chat.types(RULER, "/automod hits").await.says("Nothing was hit.");
    let pipeline = moderation::ops::pipeline(chat.pool(), GUILD).await.unwrap();
    let author = Member { user_id: UserId::new(BOB), names: vec!["Bob".into()], ..Member::default() };
    let mut message = Message::new(kernel::MessageId::new(1 << 40), kernel::ChannelId::new(50), author);
    message.body = Body { content: "a BADWORD".to_owned(), ..Body::default() };
    let verdict = pipeline.judge(&mut State::new(), &message).unwrap();
    moderation::ops::record_hits(chat.pool(), GUILD, &verdict, None).await.unwrap();
    let hits = said(&chat.types(RULER, "/automod hits member:8").await);
    assert!(
        hits.starts_with("<t:")
            && hits.contains("Bad words: <@8> <#50> — content; after case; of 1; pattern 1"),
        "{hits}"
    );
    assert!(hits.ends_with("(on trial)"), "{hits}");
    chat.types(RULER, "/automod hits rule:\"Bad words\" member:7").await.says("Nothing was hit.");
    chat.types(RULER, "/automod switch rule:\"bad words\" state:off").await.says("Bad words is off now.");
    let head = "**Rules**, and hits of the last 7 days";
    chat.types(RULER, "/automod rules").await.says(&format!("{head}\nBad words — words, warn; off; 1 hits"));
    assert!(moderation::ops::pipeline(chat.pool(), GUILD).await.unwrap().is_empty());
    chat.types(RULER, "/automod switch rule:nothing state:on").await.privately();
    chat.discord.verdict();
}

#[tokio::test]
async fn a_raid_is_begun_looked_at_ended_and_everybody_let_go() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.types(RULER, "/raid status").await.says("Raid mode is off.").privately();
    chat.types(RULER, "/raid stop").await.privately();
    let begun = said(&chat.types(RULER, "/raid start reason:bots action:ban minutes:10").await);
    assert!(
        begun.starts_with("Raid mode is on, ends <t:") && begun.ends_with(": invites are stopped."),
        "{begun}"
    );
    chat.types(RULER, "/raid start reason:again").await.says("Raid mode is on already.");
    let joined = |id: i64| Joined {
        user_id: UserId::new(id),
        tag: "raider".into(),
        joined_at: chrono::DateTime::UNIX_EPOCH,
    };
    moderation::ops::raid_joined(chat.pool(), GUILD, &[joined(1_001), joined(1_002)]).await.unwrap();
    let status = said(&chat.types(RULER, "/raid status").await);
    assert!(
        status.contains("begun by Eve") && status.ends_with("Who joins: ban. Cases so far: 2."),
        "{status}"
    );
    // Nobody was banned yet: they are gathered. So nobody is, once they are let go.
    chat.types(RULER, "/raid release").await.says("2 people are let go, and raid mode is off.").privately();
    chat.run("UPDATE moderation.effects SET due_at = now() WHERE state = 'pending'").await;
    work(&chat).await;
    assert!(chat.discord.seen("bulk-ban").is_empty());
    assert!(chat.discord.with(|known| known.closed[&1].is_null()), "invites are allowed again");
    assert_eq!(chat.discord.seen("DELETE /guilds/1/bans/").len(), 2);
    chat.types(RULER, "/raid release").await.says("0 people are let go, and raid mode is off.");
    chat.discord.verdict();
}

#[tokio::test]
async fn a_channel_is_purged_by_command() {
    let chat = Chat::new().await;
    chat.known().await;
    let now = chat.now().await * 1_000 - 1_420_070_400_000;
    chat.discord.with(|known| {
        for n in 0..5 {
            known.says(50, ((now - 60_000) << 22) + n, if n < 3 { BOB } else { 7 });
        }
    });
    chat.types(ADA_TYPES, "/purge count:5 reason:spam").await.privately();
    chat.types(RULER, "/purge count:10 reason:spam member:8")
        .await
        .says("Case 1: messages are deleted: spam")
        .privately();
    work(&chat).await;
    assert_eq!(chat.discord.with(|known| known.messages[&50].len()), 2);
    chat.types(RULER, "/purge count:1 reason:more").await.says("Case 2: messages are deleted: more");
    work(&chat).await;
    assert_eq!(chat.discord.with(|known| known.messages[&50].len()), 1);
    chat.discord.verdict();
}

#[tokio::test]
async fn a_member_appeals_and_a_moderator_decides() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.types(RULER, "/timeout set member:8 minutes:60 reason:spam").await;
    work(&chat).await;
    chat.types(RULER, "/appeals list").await.says("No appeal is open.").privately();
    let form = chat.types(BOB_TYPES, "/appeal case:1").await;
    assert_eq!(form.message["title"], "Fall 1 anfechten");
    chat.fills(BOB_TYPES, &form, &[("statement", "It was\nnot me.")])
        .await
        .says("Dein Einspruch gegen Fall 1 liegt bei den Moderatoren.")
        .privately();
    // Of somebody else's case there is none.
    let form = chat.types(ADA_TYPES, "/appeal case:1").await;
    let text = said(&chat.fills(ADA_TYPES, &form, &[("statement", "me too")]).await);
    assert!(!text.contains("is with the moderators"), "{text}");
    let list = said(&chat.types(RULER, "/appeals list").await);
    assert!(
        list.starts_with("**Open appeals**\nCase 1 (timeout), Bob, <t:")
            && list.ends_with("\n> It was not me."),
        "{list}"
    );
    assert_eq!(chat.offered(RULER, "/appeals accept appeal:1").await, ["1 (Bob)"]);
    chat.types(RULER, "/appeals accept appeal:\"1 (Bob)\" reason:sorry")
        .await
        .says("Case 1 is undone.")
        .privately();
    work(&chat).await;
    assert!(chat.discord.with(|known| known.silent.is_empty()));
    chat.types(RULER, "/appeals list").await.says("No appeal is open.");
    chat.types(RULER, "/warn member:8 reason:spam").await;
    let form = chat.types(BOB_TYPES, "/appeal case:3").await;
    chat.fills(BOB_TYPES, &form, &[("statement", "no")]).await;
    chat.types(RULER, "/appeals deny appeal:\"3 (Bob)\" reason:yes").await.says("Case 3 stands.");
    chat.discord.verdict();
}

#[tokio::test]
async fn a_github_account_is_named_shown_and_taken_back() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/link-github name:@Ada-L")
        .await
        .says("Your GitHub account is Ada\\-L.")
        .privately();
    let profile = said(&chat.types(ADA_TYPES, "/profile").await);
    assert!(profile.ends_with("\nGitHub: Ada\\-L"), "{profile}");
    let refused = said(&chat.types(ADA_TYPES, "/link-github name:../etc").await);
    assert!(refused.contains("up to 39 letters"), "{refused}");
    chat.types(ADA_TYPES, "/link-github").await.says("You have named no GitHub account.");
    assert!(!said(&chat.types(ADA_TYPES, "/profile").await).contains("GitHub"));
    chat.discord.verdict();
}

async fn quest(chat: &Chat, slug: &str, submission: Value) {
    let quest = json!({
        "title": format!("Quest {slug}"), "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "steps": [{ "slug": "essay", "type": "Submission", "title": "Essay", "submission": submission }],
    });
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(chat.pool(), GUILD, slug, &quest, author).await.unwrap();
    learning::ops::quest_publish(chat.pool(), GUILD, made.id, author).await.unwrap();
}

#[tokio::test]
async fn work_is_handed_in_and_judged_by_forms() {
    let chat = Chat::new().await;
    chat.known().await;
    quest(&chat, "plain", json!({})).await;
    let rubric =
        json!({ "rubric": [{ "slug": "style", "text": "Style", "points": 10 }], "pass_percent": 50 });
    quest(&chat, "rubric", rubric).await;
    chat.types(RULER, "/review").await.says("Nothing waits to be judged.").privately();
    chat.types(ADA_TYPES, "/learn submit quest:\"Quest plain\"")
        .await
        .says("There is nothing to hand in for this quest now.")
        .privately();
    let begun = chat.types(ADA_TYPES, "/learn start quest:\"Quest plain\"").await;
    let form = chat.presses(ADA_TYPES, &begun, "Hand in").await;
    let done = chat.fills(ADA_TYPES, &form, &[("text", "My essay."), ("link", "https://e.org/essay")]).await;
    done.says("Handed in (number 1).").privately();
    chat.types(BOB_TYPES, "/learn start quest:\"Quest rubric\"").await;
    let form = chat.types(BOB_TYPES, "/learn submit quest:\"Quest rubric\"").await;
    chat.fills(BOB_TYPES, &form, &[("text", &"long ".repeat(700)), ("link", "")])
        .await
        .says("Abgegeben (Nummer 1).");
    chat.types(ADA_TYPES, "/review")
        .await
        .says("You may not do that here. It takes a role that those who run this server give.");
    let first = chat.types(RULER, "/review").await;
    first.says("**Essay** by <@7>, number 1\n>>> My essay.\n<https://e.org/essay>").privately();
    let form = chat.presses(RULER, &first, "Does not pass").await;
    chat.fills(RULER, &form, &[("feedback", "Try again.")]).await.says("Essay does not pass: 0.00 %.");
    // What Bob handed in is too long for a message.
    let next = chat.types(RULER, "/review").await;
    assert_eq!((said(&next).as_str(), next.files[0].1.len()), ("**Essay** by <@8>, number 1", 3_500));
    let form = chat.presses(RULER, &next, "Judge").await;
    chat.fills(RULER, &form, &[("Style (0 to 10)", "many"), ("feedback", "")]).await.privately();
    chat.fills(RULER, &form, &[("Style (0 to 10)", "8"), ("feedback", "Good.")])
        .await
        .says("Essay passes with 80.00 %.");
    chat.types(RULER, "/review").await.says("Nothing waits to be judged.");
    // Again, and left for others.
    let again = chat.types(ADA_TYPES, "/learn continue quest:\"Quest plain\"").await;
    let form = chat.presses(ADA_TYPES, &again, "Hand in").await;
    // How long others waited is told once that takes seconds, as on a busy machine.
    let better = said(&chat.fills(ADA_TYPES, &form, &[("text", "Better."), ("link", "")]).await);
    assert!(better.starts_with("Handed in (number 2)."), "{better}");
    let taken = chat.types(RULER, "/review").await;
    chat.presses(RULER, &taken, "Leave it").await.says("It is left for others.");
    chat.discord.verdict();
}

#[tokio::test]
async fn a_scoreboard_edits_itself_where_it_changes_and_is_left_when_it_is_gone() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.run(
        "INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, scoring_type, starting_points, points_decrease_step,
             duration_hours, release_delay_minutes, start_time, published_at, started_at, status, secret)
         VALUES (1, 'Advent', 'player', 'point_based', 1000, 1, 24, 60, now() - interval '10 hours', now(), now(), 'RUNNING',
             decode(repeat('5a', 32), 'hex'));
         INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description, parts,
             generation_script, released_at)
         SELECT id, 1, 1, 'snow', 'Snow', 'How much?', 1, 'print(1)', now() - interval '1 hour' FROM campaigns.campaigns;
         INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part)
         SELECT 1, id, 1 FROM challenges.challenges;",
    )
    .await;
    chat.types(ADA_TYPES, "/campaign live campaign:Advent").await.privately();
    chat.types(RULER, "/campaign live campaign:Advent")
        .await
        .says("The scoreboard of Advent is here now, and edits itself.")
        .privately();
    let shown = || {
        chat.discord.with(|known| known.messages[&50].last().unwrap()["content"].as_str().unwrap().to_owned())
    };
    assert_eq!(shown(), "**Advent: scoreboard**\nNobody has solved anything yet.");
    let due = "UPDATE discord.live_boards SET next_at = now()";
    chat.run(due).await;
    assert_eq!(
        (edit_once(&chat.bot).await.unwrap(), edit_once(&chat.bot).await.unwrap()),
        (1, 0),
        "not before its time"
    );
    assert!(chat.discord.seen("PATCH").is_empty(), "nothing changed");
    chat.types(ADA_TYPES, "/campaign register campaign:advent").await;
    chat.run(
        "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
             input_json, expected_results, script_version, first_request_timestamp)
         SELECT id, campaign_id, 1, '7', 'player', '\"input\"', '{right}', 1, now() - interval '30 minutes' FROM challenges.challenges",
    )
    .await;
    let form = chat.types(ADA_TYPES, "/campaign submit campaign:Advent challenge:Snow").await;
    chat.fills(ADA_TYPES, &form, &[("answer", "right")]).await;
    // Discord is away for a moment: it is edited the next time.
    for _ in 0..4 {
        chat.discord.misbehave("PATCH", Fault::Html(502));
    }
    for _ in 0..2 {
        chat.run(due).await;
        edit_once(&chat.bot).await.unwrap();
    }
    assert!(shown().starts_with("**Advent: scoreboard**\n1. Ada — 1000 points, 1 parts"), "{}", shown());
    chat.discord.with(|known| known.messages.clear());
    chat.run("UPDATE discord.live_boards SET next_at = now(), shown = decode(repeat('00', 32), 'hex')").await;
    edit_once(&chat.bot).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM discord.live_boards").fetch_one(chat.pool()).await.unwrap();
    assert_eq!(left, 0);
    chat.discord.verdict();
}
