//! The pages that staff work on: who finds them, and a campaign run from them from its draft to its rewards.

use access::{By, Role};
use axum::http::StatusCode;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};

use crate::dashboard::Browser;
use crate::guilds::{Guild, rows_of, run_timers};
use crate::house::{Answer, House};

const GUILD: i64 = 175_928_847_299_117_063;
const OTHER: i64 = 175_928_847_299_117_064;
const USER: i64 = 11;
const STRANGER: i64 = 21;
const OWNER: i64 = 31;
const PLAYER: i64 = 32;

/// Every page that staff find, with what it must show and who may not look besides members.
pub(crate) fn pages(guild: &Guild) -> Vec<(String, &'static str)> {
    let id = |name: &str| guild.ids[name].clone();
    let campaign = format!("/campaigns/{}", id("campaign_id"));
    let challenge = format!("{campaign}/challenges/{}", id("challenge_id"));
    let quest = format!("/learning/quests/{}", id("quest_id"));
    let path = format!("/learning/paths/{}", id("path_id"));
    let mut pages = vec![
        (String::new(), "to grade"),
        ("/settings".to_owned(), "As they come"),
        ("/settings/rewards".to_owned(), "Unless told"),
        ("/campaigns".to_owned(), "New campaign"),
        ("/campaigns/new".to_owned(), "Who competes"),
        ("/campaigns/import".to_owned(), "The bundle"),
        (campaign.clone(), "As members see it"),
        (format!("{campaign}/edit"), "points_decrease_step:int-null"),
        (format!("{campaign}/import"), "same by their slug"),
        (format!("{campaign}/publish"), "What will happen"),
        (format!("{campaign}/start"), "starts at once"),
        (format!("{campaign}/close"), "cannot be opened again"),
        (format!("{campaign}/open-rewards"), "Who earned a reward"),
        (format!("{campaign}/cancel"), "called off"),
        (format!("{campaign}/delete"), "cannot be brought back"),
        (format!("{campaign}/registrations"), "member 11"),
        (format!("{campaign}/submissions"), "Nobody has answered yet"),
        (format!("{campaign}/claims"), "claims open after the close"),
        (format!("{campaign}/history"), "Testers see a challenge"),
        (format!("{campaign}/rehearsal"), "“One” can be solved."),
        (format!("{campaign}/challenges/new"), "Try the script"),
        (challenge.clone(), "Look closer."),
        (format!("{challenge}/delete"), "What will happen"),
        ("/timers".to_owned(), "Failed"),
        ("/timers?status=FAILED".to_owned(), "Close campaign"),
        ("/grading".to_owned(), "Essay"),
        ("/grading?all=true".to_owned(), "Essay"),
        (format!("/grading/{}", id("submission_id")), "My essay."),
        ("/learning".to_owned(), "New quest"),
        ("/learning/import".to_owned(), "Bring it in as drafts"),
        ("/learning/quests/new".to_owned(), "Keep as a draft"),
        ("/learning/paths/new".to_owned(), "Keep as a draft"),
        (quest.clone(), "is in the quest&#39;s document"),
        (format!("{quest}?as=document"), "sesame"),
        ("/learning/quests/new?as=document".to_owned(), "JSON, as the API has it"),
        (format!("{quest}/retire"), "nobody else can begin"),
        (path.clone(), "Take it as a bundle"),
        (format!("{path}?as=document"), "JSON, as the API has it"),
        ("/learning/paths/new?as=document".to_owned(), "JSON, as the API has it"),
        (format!("{path}/retire"), "nobody else can begin"),
        ("/members".to_owned(), "member 12"),
        ("/members?q=MEM".to_owned(), "member 12"),
        ("/members?q=ber".to_owned(), "Nobody is called so"),
        (format!("/members/{USER}"), "Give or take"),
        ("/roles".to_owned(), "Give the role"),
        ("/keys".to_owned(), "spare"),
        (format!("/keys/{}/revoke", id("key_id")), "cannot be brought back"),
        ("/webhooks".to_owned(), "example.org"),
        (format!("/webhooks/{}", id("webhook_id")), "Send a ping"),
        (format!("/webhooks/{}/delete", id("webhook_id")), "What will happen"),
        ("/cases".to_owned(), "Spam"),
        ("/cases?user_id=&amp;action=ban&amp;text=Spam".replace("&amp;", "&"), "Spam"),
        ("/cases/new".to_owned(), "Make the case"),
        (format!("/cases/{}", id("case_number")), "https://example.org/a"),
        ("/appeals".to_owned(), "It was not me."),
        (format!("/appeals/{}", id("appeal_id")), "Decide it"),
        ("/raids".to_owned(), "Many came."),
        ("/automod".to_owned(), "invites"),
        ("/automod/new".to_owned(), "About who joins"),
        (format!("/automod/{}", id("rule_id")), "invites"),
        ("/audit".to_owned(), "difference"),
        ("/audit?action=CREATE&target_table=campaigns.campaigns".to_owned(), "campaigns.campaigns"),
        ("/squads".to_owned(), "New squad"),
        (format!("/squads/{}", id("squad_id")), "Put them in"),
        ("/shop".to_owned(), "Handed over"),
        ("/board".to_owned(), "mend the gate"),
        ("/seasons".to_owned(), "End it now"),
        (format!("/seasons/{}/end", id("season_id")), "What will happen"),
    ];
    pages.extend(community(guild));
    pages.extend(rewards(guild));
    pages.extend(learners(guild));
    for (path, _) in &mut pages {
        path.insert_str(0, &format!("/g/{}/staff", guild.ids["guild_id"]));
    }
    pages
}

/// What a guild offers, and who gets it.
fn community(guild: &Guild) -> Vec<(String, &'static str)> {
    let id = |name: &str| guild.ids[name].clone();
    let achievement = format!("/achievements/{}", id("achievement_id"));
    let season = format!("/seasons/{}", id("season_id"));
    vec![
        ("/announcements".to_owned(), "Say something"),
        ("/announcements?status=sent".to_owned(), "Hello"),
        ("/announcements/channels".to_owned(), "Goes to"),
        ("/achievements".to_owned(), "chatty"),
        (achievement.clone(), "Messages sent"),
        (format!("{achievement}/revoke?user_id={}", id("user_id")), "What will happen"),
        (format!("/shop/{}", id("item_id")), "Take it off the shelf"),
        ("/shop/purchases".to_owned(), "Tea"),
        ("/shop/purchases?status=refunded".to_owned(), "There is none"),
        (format!("/shop/purchases/{}", id("purchase_id")), "Settle it"),
        (format!("/board/{}", id("board_quest_id")), "Change it"),
        (season.clone(), "Another one follows"),
        (format!("{season}/delete"), "never begins"),
        ("/members/new".to_owned(), "Make them known"),
        ("/members/import".to_owned(), "What would it do?"),
        (format!("/members/{}/data", id("user_id")), "Make a copy"),
        (format!("/members/{}/erasure", id("user_id")), "cannot be brought back"),
        (format!("/keys/{}/rotate", id("key_id")), "another secret"),
        ("/discord".to_owned(), "Channel to announce in"),
        ("/effects".to_owned(), "Given up"),
        ("/effects?status=dead".to_owned(), "Try it again"),
        ("/undone".to_owned(), "Try it again"),
        ("/hits".to_owned(), "Nothing was hit"),
        ("/statistics".to_owned(), "Overturned"),
        ("/statistics?by_rule=true&since=2026-01-01T00:00".to_owned(), "By rule"),
        ("/escalations".to_owned(), "9 warnings"),
        (format!("/escalations/{}", id("escalation_id")), "Delete it"),
        ("/automod/native".to_owned(), "What Discord would not take"),
        ("/automod/new?rule_type=words".to_owned(), "Samples to try it on"),
        ("/automod/new?rule_type=join_rate".to_owned(), "Replay it"),
        (format!("/automod/{}/delete", id("rule_id")), "What will happen"),
    ]
}

/// What things are worth, and how everything fares.
fn rewards(guild: &Guild) -> Vec<(String, &'static str)> {
    let id = |name: &str| guild.ids[name].clone();
    let campaign = format!("/campaigns/{}", id("campaign_id"));
    let event = format!("/multipliers/{}", id("event_id"));
    vec![
        ("/categories".to_owned(), "general"),
        (format!("/categories/{}", id("category_id")), "Times XP"),
        ("/multipliers".to_owned(), "double XP"),
        (event.clone(), "Call it off"),
        (format!("{event}/call-off"), "What will happen"),
        ("/earnings".to_owned(), "Something that might happen"),
        (
            "/earnings?interaction_type=MESSAGE&channel_id=&at=&length=600&code=true".to_owned(),
            "It would earn",
        ),
        ("/earnings?source_id=none".to_owned(), "No such event is known"),
        ("/what-if".to_owned(), "Suppose that"),
        ("/lake".to_owned(), "Nothing like that happened"),
        (
            "/lake?event_type=voice_join&user_id=5&channel_id=&since=2026-01-01T00:00".to_owned(),
            "Nothing like that",
        ),
        ("/lake/health".to_owned(), "Kept for at least"),
        ("/days".to_owned(), "Other days"),
        ("/journal?event_type=LEVEL_UP".to_owned(), "Nothing like that was earned"),
        ("/economy".to_owned(), "Streaks that multiply it"),
        ("/economy/reports".to_owned(), "Make its report now"),
        ("/economy/ledger".to_owned(), "Take it as a table"),
        (format!("{campaign}/figures"), "Minute by minute"),
        (format!("{campaign}/challenges/{}/inputs", id("challenge_id")), "Nobody has one yet"),
    ]
}

/// What learners are asked, and how they do.
fn learners(guild: &Guild) -> Vec<(String, &'static str)> {
    let id = |name: &str| guild.ids[name].clone();
    let bank = format!("/banks/{}", id("bank_slug"));
    let quest = id("quest_id");
    vec![
        ("/banks".to_owned(), "A bank"),
        (bank.clone(), "sesame"),
        (format!("{bank}/retire"), "What will happen"),
        (format!("{bank}/figures"), "No question was answered yet"),
        ("/regrades".to_owned(), "A key"),
        (format!("/regrades/{}", id("regrade_id")), "a key"),
        (format!("/regrades/new?quest_id={quest}&step_id={}", id("step_id")), "By which key"),
        ("/figures".to_owned(), "Figures of a day"),
        (format!("/figures/quests/{quest}"), "No question was answered yet"),
        (format!("/extensions/{quest}/{}", id("assessment_id")), "Deadlines"),
        ("/skills".to_owned(), "Graphs"),
        (format!("/skills/{}", id("skill_id")), "What it builds on"),
        ("/badges".to_owned(), "A badge"),
        (format!("/badges/{}", id("badge_id")), "Issue it"),
        ("/credentials".to_owned(), "Issue one"),
        ("/credentials/keys".to_owned(), "Make another key"),
    ]
}

/// What holds of every page, scripts and keys apart, which authors may read here.
fn assert_sound(path: &str, answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}: {answer:?}");
    assert!(answer.header("cache-control").contains("private"), "{path}: {answer:?}");
    let page = &answer.text;
    for bad in [" style=", "<style", " onclick=", "{{", "{%", "<script>"] {
        assert!(!page.contains(bad), "{path} has {bad}: {page}");
    }
    assert_eq!(page.matches("<h1").count(), 1, "{path}: {page}");
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{path} has an id twice: {page}");
}

pub(crate) async fn page(browser: &mut Browser<'_>, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    assert_sound(path, &answer);
    answer.text
}

/// Fills in the form on a page that leads to this action: it must be done.
pub(crate) async fn fill(
    browser: &mut Browser<'_>,
    path: &str,
    action: &str,
    filled: &[(&str, &str)],
) -> String {
    let page = page(browser, path).await;
    let answer = browser.submit(&page, action, filled).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}: {answer:?}");
    answer.header("location").to_owned()
}

#[tokio::test]
async fn staff_find_their_pages_and_nobody_else_does() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    for (path, shows) in pages(&guild) {
        let page = page(&mut owner, &path).await;
        assert!(page.contains(shows), "{path} does not show {shows}: {page}");
    }
    let before = rows_of(&house, GUILD).await;
    let mut member = Browser::signed_in(&house, GUILD, USER + 1, Role::Member).await;
    let home = member.page(&format!("/g/{GUILD}")).await;
    assert!(!home.contains("/staff"), "a member is led to staff's pages: {home}");
    let mut nobody = Browser::new(&house);
    for (path, _) in pages(&guild) {
        let answer = member.get(&path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
        assert!(!answer.text.contains("Look closer.") && !answer.text.contains("sesame"), "{path}");
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {answer:?}");
        assert!(answer.header("location").starts_with("/sign-in?to="), "{path}: {answer:?}");
    }
    let mut after = rows_of(&house, GUILD).await;
    // Members' roles were given by this test.
    for rows in [&before, &after] {
        assert!(rows.len() > 20);
    }
    after.retain(|table, _| !table.starts_with("access."));
    for (table, rows) in after {
        assert_eq!(Some(&rows), before.get(&table), "looking changed {table}");
    }
}

#[tokio::test]
async fn a_member_is_found_by_name_and_by_id() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let members = format!("/g/{GUILD}/staff/members");
    let found = owner.get(&format!("{members}?q={USER}")).await;
    assert_eq!(found.header("location"), format!("{members}/{USER}"), "{found:?}");
    // What is no member's id may still be how a name begins; whoever is not there is found after who is.
    for (sought, shows) in [("7777", "Nobody is called so"), ("member%2012", "member 12")] {
        assert!(page(&mut owner, &format!("{members}?q={sought}")).await.contains(shows), "{sought}");
    }
    let one = page(&mut owner, &format!("{members}?q=member%2012")).await;
    assert!(!one.contains("member 11"), "{one}");
}

#[tokio::test]
async fn other_guilds_are_not_there_for_staff_either() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let other = Guild::furnish(&house, OTHER, STRANGER).await;
    let before = rows_of(&house, OTHER).await;
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    for (path, _) in pages(&other) {
        let answer = owner.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer:?}");
        // The same ids within one's own guild.
        if other.ids.values().filter(|id| id.len() > 20).any(|id| path.contains(id.as_str())) {
            let within = path.replacen(&OTHER.to_string(), &GUILD.to_string(), 1);
            let answer = owner.get(&within).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{within}: {answer:?}");
        }
    }
    assert_eq!(rows_of(&house, OTHER).await, before, "something of another guild changed");
}

/// Signed in at a developer's server, whose cookies go over HTTP.
async fn signed_in(house: &House, user: i64, role: Role) -> Browser<'_> {
    let mut browser = Browser::signed_in(house, GUILD, user, role).await;
    let token = browser.cookies.remove("__Host-questhall").unwrap();
    browser.cookies.insert("questhall".to_owned(), token);
    browser
}

/// A form of a campaign as somebody fills it in who knows nothing of JSON.
const CAMPAIGN: [(&str, &str); 10] = [
    ("name", "Advent of Bytes"),
    ("campaign_type", "player"),
    ("scoring_type", "point_based"),
    ("starting_points:int-null", "100"),
    ("points_decrease_step:int-null", "1"),
    ("duration_hours:int", "24"),
    ("rewards_enabled:bool", "true"),
    ("rewards[0].participation:bool", "true"),
    ("rewards[0].bytes:int", "7"),
    ("description:null", "A *campaign*."),
];

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one walk from nothing to rewards")]
async fn staff_run_a_campaign_from_the_browser() {
    let mut settings = server::Settings::default();
    settings.auth.development = true;
    let house = House::with(settings).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    access::sign_in::admin_user_create(&mut conn, By::Cli, "ada", "a password for tests").await.unwrap();
    drop(conn);
    let mut ada = Browser::new(&house);
    // A newcomer signs in and sets a guild up.
    let sign_in = ada.page("/sign-in?to=/guilds").await;
    let answer =
        ada.submit(&sign_in, "/sign-in", &[("username", "ada"), ("password", "a password for tests")]).await;
    assert_eq!(answer.header("location"), "/guilds", "{answer:?}");
    assert!(ada.page("/guilds").await.contains("/set-up"));
    let new = ada.page("/set-up").await;
    let answer = ada.submit(&new, "/set-up/guilds", &[("guild_id", "x"), ("name", "The hall")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert!(answer.text.contains("value=\"The hall\""), "what was typed is lost: {answer:?}");
    let id = GUILD.to_string();
    let answer = ada.submit(&new, "/set-up/guilds", &[("guild_id", &id), ("name", "The hall")]).await;
    let staff = format!("/g/{GUILD}/staff");
    assert_eq!(answer.header("location"), format!("/set-up/guilds/{GUILD}"), "{answer:?}");
    let again = ada.submit(&new, "/set-up/guilds", &[("guild_id", &id), ("name", "Another")]).await;
    assert!(again.text.contains("is known already"), "{again:?}");
    let group = format!("{staff}/settings/api_keys");
    let form = page(&mut ada, &group).await;
    let wrong = ada.submit(&form, &group, &[("api_keys.max_lifetime_days", "-5")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    assert!(wrong.text.contains("value=\"-5\"") && wrong.text.contains("must be"), "{wrong:?}");
    fill(&mut ada, &group, &group, &[("api_keys.max_lifetime_days", "30")]).await;
    let form = page(&mut ada, &group).await;
    assert!(form.contains("value=\"30\"") && form.contains("Back to the default"), "{form}");
    fill(&mut ada, &group, &format!("{group}/max_lifetime_days/reset"), &[]).await;
    assert!(!page(&mut ada, &group).await.contains("Back to the default"));
    // What the log tells of settings can be put back: the latest first, so to 30, and then to the default again.
    let log = format!("{staff}/audit?target_table=access.settings");
    let entries = page(&mut ada, &log).await;
    let ways: Vec<String> = entries
        .split("action=\"")
        .filter_map(|rest| rest.split('"').next())
        .filter(|to| to.contains("/undo?entry="))
        .map(str::to_owned)
        .collect();
    assert_eq!(ways.len(), 2, "{entries}");
    fill(&mut ada, &log, &ways[0], &[]).await;
    assert!(page(&mut ada, &group).await.contains("value=\"30\""));
    fill(&mut ada, &log, &ways[1], &[]).await;
    assert!(!page(&mut ada, &group).await.contains("Back to the default"));
    let of_none = ways[0].replace("entry=", "entry=9");
    let strange = ada.submit(&entries.replace(&ways[0], &of_none), &of_none, &[]).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND, "{strange:?}");
    let roles = format!("{staff}/roles");
    fill(&mut ada, &roles, &roles, &[("user_id", &OWNER.to_string()), ("role", "owner")]).await;
    assert!(page(&mut ada, &roles).await.contains("Owner"));

    // The owner makes a campaign with a challenge.
    let mut owner = signed_in(&house, OWNER, Role::Owner).await;
    let new = format!("{staff}/campaigns/new");
    let form = page(&mut owner, &new).await;
    let mut wrong = CAMPAIGN;
    wrong[5].1 = "0";
    let answer = owner.submit(&form, &new, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert!(answer.text.contains("f-duration_hours-fault") && answer.text.contains("Advent of Bytes"));
    let campaign = fill(&mut owner, &new, &new, &CAMPAIGN).await;
    assert!(page(&mut owner, &campaign).await.contains("Draft"));
    let new = format!("{campaign}/challenges/new");
    let challenge = [
        ("title", "Count the flakes"),
        ("description:text", "How **many** flakes fall?"),
        ("parts:int", "1"),
        ("generation_script:text", "import json\r\nprint(json.dumps({'input': 'x', 'result': '42'}))\r\n"),
        ("hints[0].body", "Look up."),
        ("hints[0].cost_bytes:int", "0"),
        ("_categories", "snow, winter"),
    ];
    // Looking at it keeps nothing.
    let form = page(&mut owner, &new).await;
    let mut preview = challenge.to_vec();
    preview.push(("_do", "preview"));
    let answer = owner.submit(&form, &new, &preview).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.text.contains("<strong>many</strong>") && answer.text.contains("snow, winter"));
    assert!(page(&mut owner, &campaign).await.contains("There is none yet"));
    // No scripts run here: it is told, and taken untried.
    let answer = owner.submit(&form, &new, &challenge).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    let mut untried = challenge.to_vec();
    untried.push(("_unchecked", "true"));
    assert_eq!(fill(&mut owner, &new, &new, &untried).await, campaign);
    let shown = page(&mut owner, &campaign).await;
    let editor = shown.split(&format!("href=\"{campaign}/challenges/")).nth(1).unwrap();
    let editor = format!("{campaign}/challenges/{}", editor.split('"').next().unwrap());
    let changed = [("title", "Count all flakes"), ("hints[0].body", "Look up."), ("_unchecked", "true")];
    assert_eq!(fill(&mut owner, &editor, &editor, &changed).await, editor);
    let form = page(&mut owner, &editor).await;
    assert!(form.contains("Count all flakes") && form.contains("Look up.") && form.contains("json.dumps"));

    // It is started, played, closed, and its rewards are claimed.
    fill(&mut owner, &format!("{campaign}/start"), &format!("{campaign}/start"), &[]).await;
    run_timers(&house).await;
    assert!(page(&mut owner, &campaign).await.contains("Running"));
    fill(
        &mut owner,
        &format!("{campaign}/edit"),
        &format!("{campaign}/edit"),
        &[
            ("description:null", "It snows."),
            ("auto_close:bool", "true"),
            ("tell_borrowed_answers:bool", "true"),
            ("rewards_enabled:bool", "true"),
            ("rewards[0].participation:bool", "true"),
            ("rewards[0].bytes:int", "7"),
            ("starting_points:int-null", "100"),
            ("points_decrease_step:int-null", "1"),
        ],
    )
    .await;
    let mut player = signed_in(&house, PLAYER, Role::Member).await;
    let key = house.key(Some(GUILD), None, &["*"]).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    let member = format!("{api}/members/{PLAYER}");
    house.call(axum::http::Method::PUT, &member, &key, &json!({ "name": "Bea" })).await;
    let played = campaign.replacen("/staff", "", 1);
    fill_as_member(&mut player, &played, &format!("{played}/registration"), &[]).await;
    sqlx::query(
        "INSERT INTO challenges.generated_input_cache
             (guild_id, challenge_id, campaign_id, participant_id, participant_type, input_json, expected_results,
              script_version, first_request_timestamp)
         SELECT guild_id, id, campaign_id, $2, 'player', to_jsonb('the input'::text), '{42}', script_version, now()
           FROM challenges.challenges WHERE id = $1::uuid",
    )
    .bind(editor.rsplit('/').next().unwrap())
    .bind(PLAYER.to_string())
    .execute(house.database.pool())
    .await
    .unwrap();
    let riddle = editor.replacen("/staff", "", 1);
    fill_as_member(&mut player, &riddle, &format!("{riddle}/answers"), &[("answer", "42")]).await;
    let answers = page(&mut owner, &format!("{campaign}/submissions")).await;
    assert!(answers.contains("<code>42</code>") && answers.contains("Right"), "{answers}");
    fill(&mut owner, &format!("{campaign}/close"), &format!("{campaign}/close"), &[]).await;
    let twice = page(&mut owner, &format!("{campaign}/close")).await;
    let answer = owner.submit(&twice, &format!("{campaign}/close"), &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert_sound("close", &answer);
    fill(&mut owner, &format!("{campaign}/open-rewards"), &format!("{campaign}/open-rewards"), &[]).await;
    run_timers(&house).await;
    let claims = page(&mut owner, &format!("{campaign}/claims")).await;
    assert!(claims.contains("Waits"), "{claims}");
    let home = format!("/g/{GUILD}");
    assert!(player.page(&home).await.contains("to claim"));
    fill_as_member(&mut player, &played, &format!("{played}/claim"), &[]).await;
    assert!(!player.page(&home).await.contains("to claim"), "what was claimed waits no more");
    let claims = page(&mut owner, &format!("{campaign}/claims")).await;
    assert!(claims.contains("Paid"), "{claims}");
    let balance =
        economy::ops::balance_get(house.database.pool(), GuildId::new(GUILD), UserId::new(PLAYER)).await;
    assert!(balance.unwrap().balance.get() >= 7);
    let audit = page(&mut owner, &format!("{staff}/audit?target_table=campaigns.campaigns")).await;
    assert!(audit.contains("campaigns.campaigns") && audit.contains("<code>description</code>"), "{audit}");
}

async fn fill_as_member(browser: &mut Browser<'_>, path: &str, action: &str, filled: &[(&str, &str)]) {
    let page = browser.page(path).await;
    let answer = browser.submit(&page, action, filled).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}: {answer:?}");
}

#[tokio::test]
async fn staff_grade_and_the_next_one_comes() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let member = format!("/api/v1/guilds/{GUILD}/members/{OWNER}");
    house.call(axum::http::Method::PUT, &member, &guild.key, &json!({ "name": "Gail" })).await;
    let mut grader = Browser::signed_in(&house, GUILD, OWNER, Role::Instructor).await;
    let queue = format!("/g/{GUILD}/staff/grading");
    let one = format!("{queue}/{}", guild.ids["submission_id"]);
    let to = fill(&mut grader, &queue, &format!("{queue}/next"), &[]).await;
    assert_eq!(to, one);
    let form = page(&mut grader, &one).await;
    assert!(form.contains("Give it back") && form.contains("This one is yours"), "{form}");
    // Without a verdict it is refused as the API refuses it, and what was typed stays.
    let answer = grader.submit(&form, &one, &[("feedback", "Well told."), ("passed", "")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert!(answer.text.contains("Well told.") && answer.text.contains("f-passed-fault"), "{answer:?}");
    let filled = [("feedback", "Well told."), ("passed", "true"), ("_do", "next")];
    let to = fill(&mut grader, &one, &one, &filled).await;
    assert_ne!(to, one);
    let graded = page(&mut grader, &one).await;
    assert!(graded.contains("Passed") && graded.contains("Change the grade"), "{graded}");
    let change = [("passed", "false"), ("feedback", "Copied."), ("reason", "It is another's.")];
    fill(&mut grader, &one, &format!("{one}/override"), &change).await;
    assert!(page(&mut grader, &one).await.contains("It is another"));
    // Others' pages are closed to who grades.
    for path in ["/keys", "/campaigns", "/members", "/audit", "/cases"] {
        let answer = grader.get(&format!("/g/{GUILD}/staff{path}")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn what_lets_others_in_is_shown_once_and_can_be_taken_back() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let keys = format!("/g/{GUILD}/staff/keys");
    let form = page(&mut owner, &keys).await;
    let none = owner.submit(&form, &keys, &[("name", "reader")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "{none:?}");
    let filled = [("name", "reader"), ("_scope.campaigns-read", "true")];
    let made = owner.submit(&form, &keys, &filled).await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (StatusCode::OK, "private, no-store"),
        "{made:?}"
    );
    let secret = made.text.split("qh_").nth(1).unwrap().split('<').next().unwrap();
    let secret = format!("qh_{secret}");
    assert_eq!(house.get(&format!("/api/v1/guilds/{GUILD}/campaigns"), &secret).await.status, StatusCode::OK);
    assert_eq!(
        house.get(&format!("/api/v1/guilds/{GUILD}/economy/config"), &secret).await.status,
        StatusCode::FORBIDDEN
    );
    let list = page(&mut owner, &keys).await;
    assert!(list.contains("reader") && !list.contains(&secret), "{list}");
    let revoke = list
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|href| href.ends_with("/revoke") && !href.contains(&guild.ids["key_id"]))
        .unwrap()
        .to_owned();
    fill(&mut owner, &revoke, &revoke, &[]).await;
    let list = page(&mut owner, &keys).await;
    assert!(list.contains("Revoked") && !list.contains(&revoke), "{list}");
    // A role is given and taken away.
    let roles = format!("/g/{GUILD}/staff/roles");
    fill(&mut owner, &roles, &roles, &[("user_id", "41"), ("role", "moderator")]).await;
    let mut moderator = Browser::signed_in(&house, GUILD, 41, Role::Member).await;
    page(&mut moderator, &format!("/g/{GUILD}/staff/cases")).await;
    fill(&mut owner, &roles, &format!("{roles}/take?user_id=41&role=moderator"), &[]).await;
    assert!(!page(&mut owner, &roles).await.contains("take?user_id=41&amp;role=moderator"));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one walk through a moderator's day")]
async fn moderators_work_without_the_api() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let at = |rest: &str| format!("/g/{GUILD}/staff{rest}");
    let new = at("/cases/new");
    let other = (USER + 1).to_string();
    let case = fill(
        &mut staff,
        &new,
        &new,
        &[
            ("action", "warn"),
            ("user_id", &other),
            ("reason", "Be kind."),
            ("evidence[0].url", "https://example.org/b"),
        ],
    )
    .await;
    assert!(page(&mut staff, &case).await.contains("Be kind."));
    let form = page(&mut staff, &case).await;
    let answer = staff.submit(&form, &case, &[("reason", ""), ("_do", "void")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    fill(&mut staff, &case, &case, &[("reason", "The wrong one."), ("_do", "void")]).await;
    assert!(!page(&mut staff, &case).await.contains("Change it"));
    let appeal = at(&format!("/appeals/{}", guild.ids["appeal_id"]));
    fill(&mut staff, &appeal, &format!("{appeal}/notes"), &[("body", "I saw it.")]).await;
    fill(&mut staff, &appeal, &appeal, &[("reason", "It was another."), ("_do", "accept")]).await;
    let decided = page(&mut staff, &appeal).await;
    assert!(decided.contains("Accepted") && decided.contains("I saw it.") && !decided.contains("Decide it"));
    // A rule is tried on samples before it is kept.
    let rule = at("/automod/new");
    let form = page(&mut staff, &format!("{rule}?rule_type=words")).await;
    let mut filled = vec![
        ("name", "words"),
        ("config.words:lines", "banned\r\n\r\nforbidden*"),
        ("action", "alert"),
        ("is_active:bool", "true"),
        ("_samples", "a banned word\r\n<i>fine</i>"),
        ("_do", "try"),
    ];
    let answer = staff.submit(&form, &rule, &filled).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.text.contains("Matches") && answer.text.contains("Passes"), "{answer:?}");
    assert!(!answer.text.contains("<i>fine"), "{answer:?}");
    assert!(!page(&mut staff, &at("/automod")).await.contains(">words<"));
    // Refused at the control of the whole list, with what was typed.
    let long = "x".repeat(101);
    filled[1].1 = &long;
    filled[5].1 = "keep";
    let form = page(&mut staff, &format!("{rule}?rule_type=words")).await;
    let broken = staff.submit(&form, &rule, &filled).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken:?}");
    assert!(broken.text.contains("f-config-words-fault") && broken.text.contains(&long), "{broken:?}");
    filled[1].1 = "banned";
    let form = page(&mut staff, &format!("{rule}?rule_type=words")).await;
    let kept = staff.submit(&form, &rule, &filled).await;
    assert_eq!(kept.header("location"), at("/automod"), "{kept:?}");
    let rules = house.get(&format!("/api/v1/guilds/{GUILD}/moderation/rules"), &guild.key).await.json();
    let made = rules.as_array().unwrap().iter().find(|rule| rule["rule"]["name"] == "words").unwrap().clone();
    assert_eq!(
        (&made["rule"]["config"], &made["rule"]["is_active"]),
        (&json!({ "words": ["banned"] }), &json!(true)),
        "{made}"
    );
    let own = at(&format!("/automod/{}", made["id"].as_str().unwrap()));
    assert!(page(&mut staff, &own).await.contains("\nbanned</textarea>"));
    fill(&mut staff, &format!("{own}/delete"), &format!("{own}/delete"), &[]).await;
    assert!(!page(&mut staff, &at("/automod")).await.contains(">words<"));
    // Evidence is added and taken back, warnings lead to something.
    let case = at(&format!("/cases/{}", guild.ids["case_number"]));
    fill(
        &mut staff,
        &case,
        &format!("{case}/evidence"),
        &[("url", "https://example.org/c"), ("note", "Seen.")],
    )
    .await;
    let evidence = page(&mut staff, &case).await;
    let back = evidence
        .split("action=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|to| to.ends_with("/remove"));
    let back = back.unwrap().to_owned();
    fill(&mut staff, &case, &back, &[]).await;
    assert!(page(&mut staff, &case).await.contains("Taken back"));
    let csv = staff.get(&at("/cases.csv?action=ban")).await;
    assert_eq!(
        (csv.status, csv.header("content-type")),
        (StatusCode::OK, "text/csv; charset=utf-8"),
        "{csv:?}"
    );
    assert!(csv.text.contains("Spam"), "{csv:?}");
    let rungs = at("/escalations");
    let three =
        [("warnings:int", "3"), ("within_days:int", "7"), ("action", "timeout"), ("is_active:bool", "true")];
    let form = page(&mut staff, &rungs).await;
    let wrong = staff.submit(&form, &rungs, &three).await;
    assert!(
        wrong.text.contains("f-duration_seconds-fault") && wrong.text.contains("value=\"7\""),
        "{wrong:?}"
    );
    let mut right = three.to_vec();
    right.push(("duration_seconds:int", "600"));
    fill(&mut staff, &rungs, &rungs, &right).await;
    assert!(page(&mut staff, &rungs).await.contains("3 warnings in 7 days"));
    // Giving and taking is in the member's history.
    let who = at(&format!("/members/{USER}"));
    let give = [("xp:int", "40"), ("reason", "For the roof."), ("_do", "give")];
    fill(&mut staff, &who, &format!("{who}/award"), &give).await;
    fill(
        &mut staff,
        &who,
        &format!("{who}/bytes"),
        &[("amount:int", "9"), ("kind", "award"), ("_why", "Thanks")],
    )
    .await;
    let profile = house.get(&format!("/api/v1/guilds/{GUILD}/members/{USER}"), &guild.key).await.json();
    assert_ne!(profile["xp"], Value::from(0), "{profile}");
}
