//! Conversations: a member types, the bot answers, exactly.

use access::{By, Origin};
use kernel::UserId;
use serde_json::json;
use squads::NewSquad;

use crate::chat::{ADA_TYPES, BOB_TYPES, Chat, EVE_TYPES, GUILD, Heard, Who};

async fn squad(chat: &Chat, name: &str, max: i32) {
    let new = NewSquad {
        name: name.into(),
        description: None,
        role_id: None,
        switch_cost: 50,
        max_members: Some(max),
    };
    squads::ops::squad_create(chat.pool(), GUILD, new, By::Cli, &Origin::default()).await.unwrap();
}

#[tokio::test]
async fn bytes_are_claimed_sent_counted_and_refused_kindly() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/bytes daily")
        .await
        .says("You got 10 bytes; day 1 in a row. You have 110.")
        .openly();
    let again = chat.types(ADA_TYPES, "/bytes daily").await;
    again.privately();
    assert!(again.message["content"].as_str().unwrap().contains("are claimed"), "{}", again.message);
    chat.types(BOB_TYPES, "/bytes balance")
        .await
        .says("Du hast 100 Bytes: 100 bekommen, 0 verschickt.")
        .privately();
    chat.types(ADA_TYPES, "/bytes send member:8 amount:30 reason:\"for *tea*\"")
        .await
        .says("You sent 30 bytes to <@8>. You have 80 left.\n> for \\*tea\\*")
        .openly();
    chat.types(BOB_TYPES, "/bytes send member:7 amount:900")
        .await
        .says("So viele Bytes hast du nicht.")
        .privately();
    chat.types(ADA_TYPES, "/bytes balance member:8").await.says("<@8> has 130 bytes.");
    chat.types(ADA_TYPES, "/bytes leaderboard").await.says("**Most bytes**\n1. Bob — 130\n2. Ada — 80");
    let sent = chat.types(ADA_TYPES, "/bytes history").await;
    assert!(
        sent.message["content"].as_str().unwrap().contains("−30 (transfer, Bob): for \\*tea\\*"),
        "{}",
        sent.message
    );
    chat.discord.verdict();
}

#[tokio::test]
async fn who_came_back_unseen_is_back_once_they_type_or_are_named() {
    let chat = Chat::new().await;
    for who in [ADA_TYPES, BOB_TYPES] {
        chat.types(who, "/bytes daily").await;
    }
    chat.run("UPDATE people.members SET left_at = now()").await;
    chat.types(ADA_TYPES, "/bytes send member:8 amount:30")
        .await
        .says("You sent 30 bytes to <@8>. You have 80 left.");
    let gone: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM people.members WHERE left_at IS NOT NULL AND user_id IN (7, 8)",
    )
    .fetch_one(chat.pool())
    .await
    .unwrap();
    assert_eq!(gone, 0);
    chat.discord.verdict();
}

#[tokio::test]
async fn names_that_would_ping_hide_or_turn_the_text_do_not() {
    let chat = Chat::new().await;
    let evil = Who { name: "@everyone **x** \u{202e}<@7>", ..BOB_TYPES };
    chat.types(evil, "/bytes daily").await;
    let board = chat.types(ADA_TYPES, "/bytes leaderboard").await;
    board.says("**Most bytes**\n1. \\@everyone \\*\\*x\\*\\* \\<\\@7\\> — 110");
    assert_eq!(board.message["allowed_mentions"], json!({ "parse": [] }));
}

/// A terminal would take them for orders, and the database takes no NUL.
#[tokio::test]
async fn control_characters_are_taken_from_nobody() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/bytes daily").await;
    for order in ["\u{1b}[2J", "\u{9b}31m", "\0"] {
        chat.types(ADA_TYPES, &format!("/bytes send member:8 amount:1 reason:\"for {order}tea\""))
            .await
            .says("What you typed holds a control character, which texts here may not. Please type it anew.")
            .privately();
    }
    chat.types(ADA_TYPES, "/bytes balance").await.says("You have 110 bytes: 110 received, 0 sent.");
}

#[tokio::test]
async fn what_breaks_is_said_with_the_number_under_which_it_is_logged() {
    let chat = Chat::new().await;
    sqlx::query("ALTER TABLE economy.bytes_balances RENAME TO bytes_elsewhere")
        .execute(chat.pool())
        .await
        .unwrap();
    let reply = chat.types(ADA_TYPES, "/bytes balance").await;
    let said = reply.message["content"].as_str().unwrap();
    let id = said.strip_prefix("Something went wrong on our side. It has been logged as ").unwrap();
    assert!(id.trim_end_matches('.').parse::<u64>().is_ok(), "{said}");
    reply.privately();
}

#[tokio::test]
async fn squads_are_found_by_name_joined_and_left() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/squads list").await.says("There are no squads here yet.");
    squad(&chat, "Owls", 1).await;
    squad(&chat, "Foxes", 5).await;
    assert_eq!(chat.offered(ADA_TYPES, "/squads join squad:ow").await, ["Owls"]);
    chat.types(ADA_TYPES, "/squads join squad:owls").await.says("Welcome to Owls.").privately();
    chat.types(BOB_TYPES, "/squads join squad:Owls").await.says("Dieses Squad ist voll.").privately();
    chat.types(ADA_TYPES, "/squads join squad:Foxes").await.says("You moved to Foxes, for 50 bytes.");
    chat.types(ADA_TYPES, "/squads join squad:Bears").await.says("There is no such squad here.").privately();
    let info = chat.types(ADA_TYPES, "/squads info squad:foxes").await;
    assert!(info.message["content"].as_str().unwrap().starts_with("**Foxes**"), "{}", info.message);
    assert!(info.message["content"].as_str().unwrap().ends_with("Ada"), "{}", info.message);
    chat.types(ADA_TYPES, "/squads leave").await.says("You left your squad.");
    chat.discord.verdict();
}

#[tokio::test]
async fn what_lies_beyond_all_names_that_are_looked_through_is_found_by_its_id() {
    let chat = Chat::new().await;
    chat.known().await;
    let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    chat.run(
        "INSERT INTO squads.squads (guild_id, name) SELECT 1, 'Squad ' || n FROM generate_series(1, 5200) n",
    )
    .await;
    chat.run("INSERT INTO squads.squads (guild_id, id, name) VALUES (1, 'ffffffff-ffff-7fff-bfff-ffffffffffff', 'Owls')").await;
    chat.types(ADA_TYPES, &format!("/squads join squad:{last}")).await.says("Welcome to Owls.");
    let nobodys = last.replace('f', "e");
    chat.types(ADA_TYPES, &format!("/squads join squad:{nobodys}"))
        .await
        .says("There is no such squad here.");
}

#[tokio::test]
async fn a_campaign_is_played_by_commands() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.types(ADA_TYPES, "/campaign list").await.says("There are no campaigns here yet.");
    chat.run(
        "INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, scoring_type, starting_points, points_decrease_step,
             duration_hours, release_delay_minutes, start_time, published_at, started_at, status, secret)
         VALUES (1, 'Advent', 'player', 'point_based', 1000, 1, 24, 60, now() - interval '10 hours', now(), now(), 'RUNNING',
             decode(repeat('5a', 32), 'hex'));
         INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description, part_descriptions,
             parts, generation_script, released_at)
         SELECT id, 1, 1, 'snow', 'Snow', 'How much?', ARRAY['And now?'], 2, 'print(1)', now() - interval '1 hour' FROM campaigns.campaigns;
         INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part)
         SELECT 1, id, part FROM challenges.challenges, generate_series(1, 2) AS part;",
    )
    .await;
    assert_eq!(chat.offered(ADA_TYPES, "/campaign challenge campaign:Advent challenge:s").await, ["Snow"]);
    chat.types(ADA_TYPES, "/campaign register campaign:advent")
        .await
        .says("You take part in Advent, as Ada.")
        .privately();
    chat.types(ADA_TYPES, "/campaign register campaign:advent")
        .await
        .says("You take part in Advent already, as Ada.");
    let text = chat.types(ADA_TYPES, "/campaign challenge campaign:Advent challenge:Snow").await;
    text.says("**Snow**\nHow much?").privately();
    // No sandbox here: it is said.
    let input = chat.types(ADA_TYPES, "/campaign input campaign:Advent challenge:Snow").await;
    input.says("This server runs no scripts, so there are no inputs here.").privately();
    chat.run(
        "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
             input_json, expected_results, script_version, first_request_timestamp)
         SELECT id, campaign_id, 1, '7', 'player', '\"input\"', '{right,right2}', 1, now() - interval '30 minutes'
           FROM challenges.challenges",
    )
    .await;
    let form = chat.types(ADA_TYPES, "/campaign submit campaign:Advent challenge:Snow").await;
    assert_eq!(form.message["title"], "Snow");
    chat.fills(ADA_TYPES, &form, &[("answer", "wrong")]).await.privately();
    let form = chat.types(ADA_TYPES, "/campaign submit campaign:Advent challenge:Snow").await;
    let right = chat.fills(ADA_TYPES, &form, &[("answer", "right")]).await;
    assert!(
        right.message["content"].as_str().unwrap().starts_with("Right! Part 1 is solved. You are number 1."),
        "{}",
        right.message
    );
    let board = chat.types(BOB_TYPES, "/campaign scoreboard campaign:Advent").await;
    board.openly();
    assert!(board.message["content"].as_str().unwrap().contains("1. Ada — "), "{}", board.message);
    let refreshed = chat.presses(ADA_TYPES, &board, "Refresh").await;
    assert_eq!(refreshed.answer["type"], 7, "it edits itself");
    chat.types(ADA_TYPES, "/campaign hint campaign:Advent challenge:Snow")
        .await
        .says("There are no hints for this challenge.");
    chat.discord.verdict();
}

#[tokio::test]
async fn staff_award_grant_and_announce_and_others_may_not() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/award xp member:8 amount:50 reason:tea")
        .await
        .says("You may not do that here. It takes a role that those who run this server give.")
        .privately();
    chat.types(EVE_TYPES, "/award xp member:8 amount:50 reason:tea").await.says("<@8> got 50 XP.").openly();
    chat.types(EVE_TYPES, "/award gold member:8 amount:3 reason:tea").await.says("<@8> got 3 gold.");
    chat.types(EVE_TYPES, "/award bytes member:8 amount:5 reason:tea").await.says("<@8> got 5 bytes.");
    let profile = chat.types(BOB_TYPES, "/profile").await;
    let text = profile.message["content"].as_str().unwrap().to_owned();
    assert!(text.starts_with("**Bob** — level ") && text.contains(", 50 XP, "), "{text}");
    // A picture comes along, whole: its last chunk is there.
    let (name, picture) = &profile.files[0];
    assert_eq!(name, "profile.png");
    assert!(picture.starts_with("\u{89}PNG\r\n") && picture.contains("IEND"), "{} bytes", picture.len());
    chat.types(EVE_TYPES, "/setup channel:51").await.privately();
    chat.types(EVE_TYPES, "/announce text:Hello")
        .await
        .says("It is announced in <#51> when its turn comes.")
        .privately();
    // A role that was granted by hand counts as well; who did it is in the log.
    chat.run(
        "INSERT INTO access.role_grants (guild_id, user_id, role, source) VALUES (1, 7, 'admin', 'manual')",
    )
    .await;
    chat.types(ADA_TYPES, "/award xp member:8 amount:1 reason:tea").await.says("<@8> got 1 XP.");
    let sql = "SELECT DISTINCT actor_id FROM access.admin_log WHERE guild_id = 1 AND actor_kind = 'user' ORDER BY 1";
    let by: Vec<i64> = sqlx::query_scalar(sql).fetch_all(chat.pool()).await.unwrap();
    assert_eq!(by, [7, 9]);
    chat.discord.verdict();
}

/// Runs the server, by Discord's own permission for everything.
const RULER: Who = Who { permissions: 1 << 3, ..EVE_TYPES };
/// May ban, and has no role above anybody's.
const HELPER: Who = Who { permissions: (1 << 5) | (1 << 2), ..EVE_TYPES };

#[tokio::test]
async fn moderators_deal_with_a_member_and_look_at_what_was_done() {
    let chat = Chat::new().await;
    chat.known().await;
    let none = "You may not do that here. It takes a role that those who run this server give.";
    for line in
        ["/warn member:8 reason:spam", "/ban member:8 reason:spam", "/case number:1", "/history member:8"]
    {
        chat.types(ADA_TYPES, line).await.says(none).privately();
    }
    chat.types(RULER, "/history member:8").await.says("There is no case about <@8>.").privately();
    chat.types(RULER, "/warn member:8 reason:spam").await.says("Case 1: <@8> is warned: spam").privately();
    chat.types(RULER, "/note member:8 reason:\"knows the rules\"")
        .await
        .says("Case 2: a note about <@8>: knows the rules");
    let silent = chat.types(RULER, "/timeout set member:8 minutes:10 reason:spam").await;
    let text = silent.message["content"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("Case 3: <@8> may not speak, ends <t:") && text.ends_with(":R>: spam"),
        "{text}"
    );
    chat.types(RULER, "/timeout lift member:8 reason:sorry")
        .await
        .says("Case 4: <@8> may speak again: sorry");
    chat.types(RULER, "/kick member:8 reason:again").await.says("Case 5: <@8> is removed: again");
    chat.types(RULER, "/ban member:8 reason:again delete-hours:1")
        .await
        .says("Case 6: <@8> is banned: again");
    while discord::effects::moderate_once(&chat.bot, std::time::Duration::from_mins(1)).await.unwrap() > 0 {}
    assert!(chat.discord.with(|known| known.bans.contains(&(1, 8))));
    let banned = chat.discord.seen("PUT /guilds/1/bans/8");
    assert_eq!(banned[0].body, Some(json!({ "delete_message_seconds": 3_600 })));
    assert_eq!(banned[0].reason.as_deref(), Some("Case 6 by Eve: again"));
    chat.types(RULER, "/unban member:8 reason:appealed").await.says("Case 7: <@8> may come back: appealed");
    while discord::effects::moderate_once(&chat.bot, std::time::Duration::from_mins(1)).await.unwrap() > 0 {}
    assert!(chat.discord.with(|known| known.bans.is_empty()));
    let said = |heard: &crate::chat::Heard| heard.message["content"].as_str().unwrap().to_owned();
    let case = said(&chat.types(RULER, "/case number:1").await);
    assert!(case.starts_with("Case 1, by Eve, <t:") && case.ends_with(": <@8> is warned: spam"), "{case}");
    let case = said(&chat.types(RULER, "/case number:1 reason:\"spam in help\"").await);
    assert!(case.ends_with(": spam in help"), "{case}");
    let history = said(&chat.types(RULER, "/history member:8").await);
    assert_eq!(history.lines().count(), 7);
    assert!(history.starts_with("Case 7, by Eve, "), "{history}");
    chat.types(RULER, "/case number:99").await.privately();
    chat.discord.verdict();
}

#[tokio::test]
async fn nobody_deals_with_whom_they_do_not_stand_above() {
    let chat = Chat::new().await;
    chat.known().await;
    chat.types(HELPER, "/ban member:8 reason:spam")
        .await
        .says("Their highest role is not below yours.")
        .privately();
    chat.types(HELPER, "/kick member:8 reason:spam").await.says("You lack the permission Kick Members.");
    let cases: i64 = sqlx::query_scalar("SELECT count(*) FROM moderation.moderation_cases WHERE user_id = 8")
        .fetch_one(chat.pool())
        .await
        .unwrap();
    assert_eq!(cases, 0);
    chat.discord.verdict();
}

#[tokio::test]
async fn a_member_sees_chooses_takes_along_and_is_forgotten() {
    let chat = Chat::new().await;
    chat.types(ADA_TYPES, "/preferences levels:no")
        .await
        .says("Announced about you: levels no, achievements yes, awards yes.")
        .privately();
    chat.types(BOB_TYPES, "/preferences")
        .await
        .says("Über dich angesagt: Level ja, Erfolge ja, Auszeichnungen ja.");
    chat.types(ADA_TYPES, "/achievements").await.says("There is nothing to achieve here yet.");
    chat.types(ADA_TYPES, "/board list").await.says("No quest is open.");
    chat.types(ADA_TYPES, "/shop list").await.says("**Shop**\nCoffee — 100 gold");
    chat.types(ADA_TYPES, "/leaderboard").await.openly();
    let copy = chat.types(ADA_TYPES, "/privacy export").await;
    copy.says("All that is kept of you here.").privately();
    assert_eq!(copy.files[0].0, "questhall.json");
    let content: serde_json::Value = serde_json::from_str(&copy.files[0].1).unwrap();
    assert_eq!(content["member"]["name"], "Ada");
    let sure = chat.types(ADA_TYPES, "/privacy erase").await;
    let gone = chat.presses(ADA_TYPES, &sure, "Forget me").await;
    assert!(gone.message["content"].as_str().unwrap().starts_with("You are forgotten: "), "{}", gone.message);
    assert_eq!(gone.answer["type"], 7);
    let mut conn = chat.pool().acquire().await.unwrap();
    let member = people::member_get(&mut conn, GUILD, UserId::new(7)).await.unwrap().unwrap();
    assert_eq!(member.name, "Deleted member");
    chat.discord.verdict();
}

/// So many questions, to be answered with Yes.
fn questions(count: usize) -> Vec<serde_json::Value> {
    let question = |n| {
        json!({
            "slug": format!("q{n}"), "type": "single", "text": format!("Question {n}?"), "points": 1,
            "choices": [{ "slug": "a", "text": "Yes", "right": true }, { "slug": "b", "text": "No" }],
        })
    };
    (1..=count).map(question).collect()
}

/// A quiz that waits is answered: five questions a form.
async fn answered(chat: &Chat, at: &Heard) -> Heard {
    let shown = chat.presses(ADA_TYPES, at, "Begin the quiz").await;
    let form = chat.presses(ADA_TYPES, &shown, "Answer").await;
    let answers: Vec<(String, &str)> = (0..5).map(|n| (format!("q{n}"), "Yes")).collect();
    let answers: Vec<(&str, &str)> = answers.iter().map(|(id, value)| (id.as_str(), *value)).collect();
    let noted = chat.fills(ADA_TYPES, &form, &answers).await;
    noted.says("Page 1 of 2 is noted.");
    let shown = chat.presses(ADA_TYPES, &noted, "Go on").await;
    let form = chat.presses(ADA_TYPES, &shown, "Answer").await;
    chat.fills(ADA_TYPES, &form, &[("q0", "Yes")]).await
}

#[tokio::test]
async fn an_assessment_by_a_quiz_is_answered_by_forms_once_the_steps_are_done() {
    let chat = Chat::new().await;
    chat.known().await;
    let quest = json!({
        "title": "Trees", "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "steps": [
            { "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "questions": questions(6) } },
        ],
        "assessments": [
            { "slug": "exam", "type": "Quiz", "title": "Exam", "description": "All of it.", "quiz": { "questions": questions(6) } },
        ],
    });
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(chat.pool(), GUILD, "trees", &quest, author).await.unwrap();
    learning::ops::quest_publish(chat.pool(), GUILD, made.id, author).await.unwrap();
    let begun = chat.types(ADA_TYPES, "/learn start quest:trees").await;
    let left = answered(&chat, &begun).await;
    let text = left.message["content"].as_str().unwrap();
    assert!(
        text.starts_with("Passed, with 6 of 6 points.") && text.ends_with("**Exam**\nAll of it."),
        "{text}"
    );
    let nothing = chat.types(ADA_TYPES, "/learn submit quest:trees").await;
    nothing.says("There is nothing to hand in for this quest now.");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM discord.quiz_drafts").fetch_one(chat.pool()).await.unwrap();
    assert_eq!(kept, 1);
    let done = answered(&chat, &left).await;
    let text = done.message["content"].as_str().unwrap();
    assert!(text.starts_with("Passed, with 6 of 6 points.") && text.contains("Completed, for "), "{text}");
    chat.discord.verdict();
}

#[tokio::test]
async fn a_quiz_of_two_pages_is_answered_by_forms() {
    let chat = Chat::new().await;
    chat.known().await;
    let quest = json!({
        "title": "Trees", "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "steps": [
            { "slug": "read", "type": "Reading", "title": "Read about trees", "experience_points": 5 },
            { "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "questions": questions(6) } },
        ],
    });
    let author = learning::ops::Author { by: By::Cli, origin: &Origin::default() };
    let quest = serde_json::from_value(quest).unwrap();
    let made = learning::ops::quest_create(chat.pool(), GUILD, "trees", &quest, author).await.unwrap();
    learning::ops::quest_publish(chat.pool(), GUILD, made.id, author).await.unwrap();
    chat.types(ADA_TYPES, "/learn browse").await.says("There are no paths here yet.");
    let begun = chat.types(ADA_TYPES, "/learn start quest:trees").await;
    assert!(
        begun.message["content"].as_str().unwrap().starts_with("**Trees** — 0 of 2 steps"),
        "{}",
        begun.message
    );
    let read = chat.presses(ADA_TYPES, &begun, "Done").await;
    let done = answered(&chat, &read).await;
    let text = done.message["content"].as_str().unwrap();
    assert!(text.starts_with("Passed, with 6 of 6 points.") && text.contains("Completed, for "), "{text}");
    chat.types(ADA_TYPES, "/learn continue quest:trees").await.privately();
    chat.discord.verdict();
}
