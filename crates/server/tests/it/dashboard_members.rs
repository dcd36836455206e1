//! What members do on their pages: review each other's work, appeal, say what they think, put away what they do not want.

use access::Role;
use axum::http::{Method, StatusCode};
use kernel::{GuildId, UserId};
use serde_json::json;

use crate::dashboard::Browser;
use crate::guilds::Guild;
use crate::house::House;

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;
const NEWCOMER: i64 = 41;

#[tokio::test]
async fn a_review_is_written_without_knowing_whose_work_it_is() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let assessments = format!("/g/{GUILD}/learn/quests/{}/assessments", guild.ids["quest_id"]);
    let ask = format!("{assessments}/{}/reviews", guild.ids["assessment_id"]);
    let to_do = format!("/g/{GUILD}/learn/reviews-to-do");
    let page = member.page(&to_do).await;
    let task = member.submit(&page, &ask, &[]).await;
    assert_eq!(task.status, StatusCode::OK, "{task:?}");
    assert!(task.text.contains("Mine.") && !task.text.contains(&format!("member {}", USER + 1)), "{task:?}");
    let action = format!("{ask}/{}", guild.ids["review_id"]);
    // More than there is: told, with what was typed, and the same work.
    let typed = [("scores.sense", "9"), ("feedback", "A word <b>to</b> you")];
    let refused = member.submit(&task.text, &action, &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.text.contains("value=\"9\"") && refused.text.contains("Mine."), "{refused:?}");
    assert!(refused.text.contains("A word &lt;b&gt;to"), "{refused:?}");
    let written =
        member.submit(&refused.text, &action, &[("scores.sense", "2"), ("feedback", "Good.")]).await;
    assert_eq!(written.status, StatusCode::SEE_OTHER, "{written:?}");
    let page = member.page(&assessments).await;
    assert!(page.contains("Thank you: your review is with the author. You owe 2 more."), "{page}");
    // There is nothing else to review: whoever asks is let off.
    let none = member.submit(&page, &ask, &[]).await;
    assert_eq!(none.status, StatusCode::SEE_OTHER, "{none:?}");
    let page = member.page(&to_do).await;
    assert!(page.contains("let off what you owed") && page.contains("You owe nobody a review"), "{page}");
}

#[tokio::test]
async fn work_that_is_refused_is_not_lost() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let quest = format!("/g/{GUILD}/learn/quests/{}", guild.ids["quest_id"]);
    let page = member.page(&quest).await;
    let notes = "n".repeat(20_001);
    let refused = member.submit(&page, &format!("{quest}/notes"), &[("notes", &notes)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.text.contains(&notes), "the notes are lost");
    // What waits already keeps another from being handed in.
    assert!(!page.contains("/work\"") && page.contains("It waits to be graded"), "{page}");
    let assessments = format!("{quest}/assessments");
    let work = format!("{assessments}/{}/work", guild.ids["assessment_id"]);
    let page = member.page(&assessments).await;
    assert!(!page.contains(&work), "what waits keeps another from being handed in: {page}");
    let refused = member.submit(&page, "/sign-out", &[]).await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_quest_shows_its_pictures_and_gives_its_files() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let quest = format!("/g/{GUILD}/learn/quests/{}", guild.ids["quest_id"]);
    let page = member.page(&quest).await;
    let picture = format!("{quest}/files/plan.svg");
    let file = format!("{quest}/files/max_lifetime_days?version=1");
    let shown = format!("<img src=\"{picture}?version=1\" alt=\"A plan\" width=\"56\" height=\"19\"");
    assert!(page.contains(&shown), "{page}");
    assert!(page.contains(&format!("<a href=\"{file}\">max_lifetime_days</a>")), "{page}");
    let answer = member.get(&picture).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert!(answer.header("content-disposition").starts_with("attachment"), "{answer:?}");
    assert!(answer.header("content-security-policy").contains("sandbox"), "{answer:?}");
    assert_eq!(member.get(&file).await.text, "Ninety.\n");
    assert_eq!(member.get(&format!("{quest}/files/none.txt")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(Browser::new(&house).get(&picture).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_case_is_appealed_once_and_the_appeal_taken_back() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/cases");
    let page = member.page(&path).await;
    assert!(page.contains("Appeal open") && page.contains("Spam"), "{page}");
    let back = format!("{path}/appeals/{}/withdraw", guild.ids["appeal_id"]);
    assert_eq!(member.submit(&page, &back, &[]).await.status, StatusCode::SEE_OTHER);
    let page = member.page(&path).await;
    assert!(
        page.contains("Your appeal is taken back.") && page.contains("Another appeal may be filed"),
        "{page}"
    );
    // Nobody else finds it, nor can take it back or appeal for them.
    let mut other = Browser::signed_in(&house, GUILD, USER + 1, Role::Member).await;
    let empty = other.page(&path).await;
    assert!(empty.contains("There is nothing about you.") && !empty.contains("Spam"), "{empty}");
    let warned = json!({ "action": "warn", "user_id": (USER + 1).to_string(), "reason": "Noise <i>" });
    let api = format!("/api/v1/guilds/{GUILD}/moderation/cases");
    let case = house.made(&api, &guild.key, &warned).await;
    let action = format!("{path}/{}/appeal", case["case_number"]);
    let page = other.page(&path).await;
    assert!(page.contains("Noise &lt;i&gt;") || page.contains("Noise &#60;i&#62;"), "{page}");
    let long = "x".repeat(2_001);
    let refused = other.submit(&page, &action, &[("statement", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.text.contains(&long), "what was typed is lost");
    let filed = other.submit(&page, &action, &[("statement", "I was asleep.")]).await;
    assert_eq!(filed.status, StatusCode::SEE_OTHER, "{filed:?}");
    let page = other.page(&path).await;
    assert!(page.contains("I was asleep.") && page.contains("Appeal open"), "{page}");
    assert!(!page.contains(&action), "an appeal is offered while one is open: {page}");
}

#[tokio::test]
async fn who_cannot_reach_the_guild_appeals_by_link() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let warned = json!({ "action": "ban", "user_id": (USER + 1).to_string(), "reason": "Noise" });
    let api = format!("/api/v1/guilds/{GUILD}/moderation/cases");
    let case = house.made(&api, &guild.key, &warned).await;
    sqlx::query(
        "INSERT INTO moderation.appeal_links (guild_id, token_sha256, case_id, expires_at)
         SELECT guild_id, sha256('secret'::bytea), id, now() + interval '1 day' FROM moderation.moderation_cases
          WHERE guild_id = $1 AND case_number = $2",
    )
    .bind(GUILD)
    .bind(i32::try_from(case["case_number"].as_i64().unwrap()).unwrap())
    .execute(house.database.pool())
    .await
    .unwrap();
    let mut nobody = Browser::new(&house);
    let path = format!("/appeal/{GUILD}.secret");
    let page = nobody.page(&path).await;
    assert!(page.contains("A ban") && page.contains("Noise") && page.contains("In force"), "{page}");
    assert_eq!(nobody.get(&path).await.header("cache-control"), "private, no-store");
    let refused = nobody.submit(&page, &path, &[("statement", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    let filed = nobody.submit(&page, &path, &[("statement", "It was my cat.")]).await;
    assert_eq!((filed.status, filed.header("location")), (StatusCode::SEE_OTHER, path.as_str()), "{filed:?}");
    let page = nobody.page(&path).await;
    assert!(page.contains("It was my cat.") && page.contains("Your appeal is with the moderators"), "{page}");
    assert!(!page.contains("File the appeal"), "{page}");
    for wrong in [format!("{GUILD}.other"), "1.secret".to_owned(), "secret".to_owned(), "x.y".to_owned()] {
        let answer = nobody.get(&format!("/appeal/{wrong}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}: {answer:?}");
    }
}

#[tokio::test]
async fn a_recommendation_is_put_away_and_brought_back() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let member = format!("/api/v1/guilds/{GUILD}/members/{NEWCOMER}");
    house.call(Method::PUT, &member, &guild.key, &json!({ "name": "newcomer" })).await;
    let mut browser = Browser::signed_in(&house, GUILD, NEWCOMER, Role::Member).await;
    let path = format!("/g/{GUILD}/learn/next");
    let title = format!("quest {GUILD}");
    let page = browser.page(&path).await;
    assert!(page.contains(&title) && page.contains("class=\"why\""), "{page}");
    let dismissal = format!("{path}/{}/dismissal", guild.ids["quest_id"]);
    let gone = browser.submit(&page, &dismissal, &[]).await;
    let to = gone.header("location").to_owned();
    assert_eq!(to, format!("{path}?dismissed={}", guild.ids["quest_id"]), "{gone:?}");
    let page = browser.page(&to).await;
    assert!(!page.contains(&title) && page.contains("Take that back"), "{page}");
    let back = browser.submit(&page, &format!("{dismissal}/undo"), &[]).await;
    assert_eq!(back.header("location"), path, "{back:?}");
    assert!(browser.page(&path).await.contains(&title));
}

#[tokio::test]
async fn what_one_thinks_of_a_quest_is_kept_and_may_be_changed() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/learn/quests/{}/opinion", guild.ids["quest_id"]);
    let page = member.page(&path).await;
    let refused =
        member.submit(&page, &path, &[("difficulty:int", "9"), ("comment", "So <b>hard</b>")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.text.contains("So &lt;b&gt;hard"), "{refused:?}");
    let said = member
        .submit(&page, &path, &[("difficulty:int", "4"), ("enjoyment:int", ""), ("comment", "So")])
        .await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{said:?}");
    let page = member.page(&path).await;
    assert!(page.contains("<option value=\"4\" selected>") && page.contains(">\nSo</textarea>"), "{page}");
    let (pool, quest) = (house.database.pool(), guild.ids["quest_id"].parse().unwrap());
    let kept = insight::ops::opinion_get(pool, GuildId::new(GUILD), UserId::new(USER), quest).await.unwrap();
    assert_eq!((kept.difficulty, kept.enjoyment, kept.comment.as_deref()), (Some(4), None, Some("So")));
}

#[tokio::test]
async fn anybody_may_ask_whether_a_credential_is_valid() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut nobody = Browser::new(&house);
    let page = nobody.page(&format!("/g/{GUILD}/verification/00000000-0000-0000-0000-000000000000")).await;
    assert!(page.contains("Unknown") && page.contains("No such credential"), "{page}");
    assert_eq!(nobody.get(&format!("/g/{GUILD}/verification/x")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_search_marks_what_was_asked_for_and_runs_nothing() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/learn/search");
    let page = member.page(&format!("{path}?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E")).await;
    assert!(page.contains("Nothing is found") && !page.contains("<script>alert"), "{page}");
    let long = member.get(&format!("{path}?q={}", "x".repeat(201))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY, "{long:?}");
    let page = member.page(&format!("{path}?q=quest&kind=path")).await;
    assert!(!page.contains("/learn/quests/"), "{page}");
}
