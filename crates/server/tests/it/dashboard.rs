//! The pages, as a browser without script meets them: cookies, forms, redirects.

use std::collections::BTreeMap;

use access::sessions::session_start;
use access::{By, Origin, Person, Role};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use kernel::{GuildId, UserId};
use serde_json::json;

use crate::guilds::{Guild, rows_of};
use crate::house::{Answer, House};

const GUILD: i64 = 175_928_847_299_117_063;
const OTHER: i64 = 175_928_847_299_117_064;
const USER: i64 = 11;
const STRANGER: i64 = 21;

/// What nobody may find in a page's source: scripts, a hint that was not bought, a quiz's key.
const SECRETS: [&str; 4] = ["json.dumps", "Look closer.", "sesame", "generation_script"];

/// A browser: it keeps cookies, asks for HTML, and says where its forms come from.
pub(crate) struct Browser<'a> {
    house: &'a House,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house, cookies: BTreeMap::new() }
    }

    /// Signed in as a Discord user with this role.
    pub(crate) async fn signed_in(house: &'a House, guild: i64, user: i64, role: Role) -> Self {
        let mut browser = Self::new(house);
        let mut conn = house.database.pool().acquire().await.unwrap();
        let (guild, user) = (GuildId::new(guild), UserId::new(user));
        let origin = Origin::default();
        access::roles::grant_put(&mut conn, By::Cli, &origin, guild, user, role, None).await.unwrap();
        let new = session_start(&mut conn, &Person::User(user), &origin, Some("a browser")).await.unwrap();
        browser.cookies.insert("__Host-questhall".to_owned(), new.token);
        browser
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            request.header("accept", "text/html").header("host", "here").header("cookie", cookies.join("; "));
        let answer = self.house.send(request.body(body).unwrap()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// The page at this path, which there must be.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        assert_sound(path, &answer);
        answer.text
    }

    async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let body = encoded(fields);
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "http://here")
            .header("sec-fetch-site", "same-origin");
        self.send(request, Body::from(body)).await
    }

    /// Fills in the form on a page that leads to this action, and sends it.
    pub(crate) async fn submit(&mut self, page: &str, action: &str, filled: &[(&str, &str)]) -> Answer {
        let mut fields = form(page, action);
        for (name, value) in filled {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(action, &fields).await
    }
}

fn encoded(fields: &[(String, String)]) -> String {
    let escape = |text: &str| {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect::<String>()
    };
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The hidden values of the form with this action.
fn form(page: &str, action: &str) -> Vec<(String, String)> {
    let begin = format!("action=\"{}\"", action.replace('&', "&amp;"));
    let at = page.find(&begin).unwrap_or_else(|| panic!("no form leads to {action}: {page}"));
    let end = page[at..].find("</form>").unwrap();
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let at = tag.find(&format!("{name}=\""))? + name.len() + 2;
        Some(tag[at..].split('"').next()?.to_owned())
    };
    page[at..at + end]
        .split("<input ")
        .filter(|tag| tag.starts_with("type=\"hidden\""))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}

/// What holds of every page.
fn assert_sound(path: &str, answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{path}: {policy}"
    );
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert!(answer.header("cache-control").contains("private"), "{path}: {answer:?}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    let page = &answer.text;
    for bad in [" style=", "<style", " onclick=", "javascript:", "http://", "{{", "{%"] {
        assert!(!page.contains(bad), "{path} has {bad}: {page}");
    }
    for script in page.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/assets/"), "{path}: {script}");
    }
    assert_eq!(page.matches("<h1").count(), 1, "{path}: {page}");
    assert!(page.contains("<title>") && page.contains("<main id=\"main\""), "{path}");
    for secret in SECRETS {
        assert!(!page.contains(secret), "{path} tells {secret}");
    }
}

/// Every page that a member finds, with what it must show.
pub(crate) fn pages(guild: &Guild) -> Vec<(String, &'static str)> {
    let id = |name: &str| guild.ids[name].clone();
    let campaign = format!("/campaigns/{}", id("campaign_id"));
    let challenge = format!("{campaign}/challenges/{}", id("challenge_id"));
    let mut pages = vec![
        (String::new(), "On now"),
        ("/more".to_owned(), "This browser"),
        ("/campaigns".to_owned(), "Running"),
        ("/campaigns?status=RUNNING".to_owned(), "challenge"),
        (campaign.clone(), "takes part"),
        (format!("{campaign}/standings"), "Points"),
        (challenge.clone(), "Begin"),
        (format!("{challenge}/solvers"), "Nobody yet"),
        (format!("{challenge}/hints/{}", id("hint_id")), "Buy this hint"),
        ("/leaderboard".to_owned(), "Rank"),
        ("/leaderboard?by=season".to_owned(), "This season"),
        ("/leaderboard?by=bytes".to_owned(), "Bytes"),
        ("/squads".to_owned(), "squad"),
        ("/squads?by=wins".to_owned(), "Wins"),
        (format!("/squads/{}", id("squad_id")), "Join"),
        (format!("/squads/{}/joining", id("squad_id")), "so it costs nothing"),
        ("/squads/leaving".to_owned(), "You are in no squad"),
        ("/board".to_owned(), "mend the gate"),
        (format!("/board/{}", id("board_quest_id")), "Take it on"),
        ("/shop".to_owned(), "Tea"),
        (format!("/shop/{}", id("item_id")), "Buy one"),
        ("/achievements".to_owned(), "chatty"),
        (format!("/achievements/{}", id("achievement_id")), "be the first"),
        ("/seasons".to_owned(), "first"),
        (format!("/seasons/{}", id("season_id")), "Seasons</a>"),
        ("/me".to_owned(), "What is kept of you"),
        (format!("/members/{}", USER + 1), "Member since"),
        ("/notifications".to_owned(), "You were banned"),
        ("/wallet".to_owned(), "Ledger"),
        ("/wallet/transfer".to_owned(), "To whom"),
        ("/credentials".to_owned(), "You hold none yet"),
        ("/preferences".to_owned(), "That you reached a level"),
        ("/privacy".to_owned(), "Be forgotten"),
        ("/privacy/erasure".to_owned(), "cannot be undone"),
        ("/learn".to_owned(), "course"),
        ("/learn/reviews".to_owned(), "Nothing is due now"),
        ("/skills".to_owned(), "Graphs"),
        ("/sessions".to_owned(), "This one"),
        (format!("/learn/paths/{}", id("path_id")), "quest"),
        (format!("/learn/quests/{}", id("quest_id")), "I have done it"),
        (format!("/learn/quests/{}/giving-up", id("quest_id")), "begin it anew"),
        (format!("/learn/quests/{}/assessments", id("quest_id")), "Reviewed by other learners"),
        (format!("/learn/quests/{}/opinion", id("quest_id")), "How hard was it?"),
        ("/learn/search".to_owned(), "Words in quotes"),
        ("/learn/search?q=quest&kind=".to_owned(), "<mark>"),
        ("/learn/next".to_owned(), "What to do next"),
        ("/learn/reviews-to-do".to_owned(), "goes to somebody else"),
        ("/activity".to_owned(), "for the shop"),
        ("/activity?kind=levels".to_owned(), "Nothing of the kind"),
        (format!("/skills/{}", id("skill_id")), "Stands upon"),
        (format!("/members/{}/skills", USER + 1), "How they came by them"),
        (format!("/members/{USER}/days"), "Day by day"),
        (format!("{campaign}/standings/squads"), "summed"),
        (format!("{campaign}/replay"), "nothing to replay"),
        ("/cases".to_owned(), "It was not me."),
        ("/credentials/badges".to_owned(), "A badge"),
        (format!("/credentials/badges/{}", id("badge_id")), "What has to be done"),
    ];
    for (path, _) in &mut pages {
        path.insert_str(0, &format!("/g/{}", guild.ids["guild_id"]));
    }
    pages
}

#[tokio::test]
async fn every_page_shows_what_it_is_for_and_tells_no_secret() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let mut faults = Vec::new();
    for (path, shows) in pages(&guild) {
        let page = member.page(&path).await;
        if !page.contains(shows) {
            faults.push(format!("{path} does not show {shows}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // Whoever may see drafts and scripts by the API finds no more of them here.
    let mut author = Browser::signed_in(&house, GUILD, USER + 1, Role::Author).await;
    for (path, _) in pages(&guild) {
        let answer = author.get(&path).await;
        assert!(
            answer.status.is_success() || answer.status == 409 || answer.status == 404,
            "{path}: {answer:?}"
        );
        for secret in SECRETS {
            assert!(!answer.text.contains(secret), "{path} tells {secret}");
        }
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut nobody = Browser::new(&house);
    for (path, _) in pages(&guild) {
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {answer:?}");
        let to = answer.header("location").to_owned();
        assert!(to.starts_with("/sign-in?to=%2Fg%2F"), "{path}: {to}");
    }
    let page = nobody.get("/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("password"), "a local sign-in outside of development: {}", page.text);
    // Whatever stands behind `to`, nobody is led elsewhere.
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    for to in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "/\\evil"] {
        let answer = member.get(&format!("/sign-in?to={to}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{to}");
    }
    assert_eq!(member.get("/").await.header("location"), format!("/g/{GUILD}"));
}

#[tokio::test]
async fn another_guilds_pages_and_ids_are_not_there() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let other = Guild::furnish(&house, OTHER, STRANGER).await;
    let before = rows_of(&house, OTHER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Owner).await;
    for (path, _) in pages(&other) {
        let answer = member.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer:?}");
        assert!(answer.text.contains("There is nothing here"), "{path}: {answer:?}");
        // The same ids within one's own guild.
        let within = path.replacen(&OTHER.to_string(), &GUILD.to_string(), 1);
        let named = other.ids.values().filter(|id| id.len() > 20).any(|id| path.contains(id.as_str()));
        if named {
            let answer = member.get(&within).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{within}: {answer:?}");
        }
    }
    // And in forms.
    let page = member.page(&format!("/g/{GUILD}/wallet/transfer")).await;
    let action = format!("/g/{GUILD}/wallet/transfer");
    let stranger = STRANGER.to_string();
    let answer = member.submit(&page, &action, &[("receiver_id", &stranger), ("amount:int", "1")]).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    let campaign = format!("/g/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let page = member.page(&campaign).await;
    let fields = form(&page, "/sign-out");
    let foreign = format!("/g/{GUILD}/campaigns/{}/registration", other.ids["campaign_id"]);
    assert_eq!(member.post(&foreign, &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(rows_of(&house, OTHER).await, before, "something of another guild changed");
}

#[tokio::test]
async fn forms_take_a_token_and_come_from_here() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/preferences");
    let page = member.page(&path).await;
    let filled = [
        ("announce_level_up:bool", "false"),
        ("announce_achievements:bool", "true"),
        ("announce_awards:bool", "true"),
    ];
    let stored = async || {
        let pool = house.database.pool();
        people::preferences::preferences_get(pool, GuildId::new(GUILD), UserId::new(USER)).await.unwrap()
    };
    let before = stored().await;
    // Without a token, with a wrong one, with another session's.
    let mut fields = form(&page, &path);
    fields.extend(filled.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut other = Browser::signed_in(&house, GUILD, USER + 1, Role::Member).await;
    let theirs = form(&other.page(&path).await, &path);
    let foreign = theirs.iter().find(|(name, _)| name == "_csrf").unwrap().1.clone();
    for token in [None, Some(String::new()), Some("A".repeat(86)), Some(foreign)] {
        let mut fields = fields.clone();
        fields.retain(|(name, _)| name != "_csrf");
        fields.extend(token.clone().map(|token| ("_csrf".to_owned(), token)));
        let answer = member.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:?}: {answer:?}");
    }
    // With the right one, but from another site.
    let body = encoded(&fields);
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let request = Request::post(&path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = member.send(request, Body::from(body.clone())).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}: {answer:?}");
    }
    assert_eq!(stored().await, before);
    let answer = member.post(&path, &fields).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, path.as_str()),
        "{answer:?}"
    );
    assert!(!stored().await.announce_level_up);
    let page = member.page(&path).await;
    assert!(page.contains("Your preferences are kept."), "{page}");
    // Once: the next page says it no more. Each page's token looks different.
    let again = member.page(&path).await;
    assert!(!again.contains("Your preferences are kept."), "{again}");
    assert_ne!(form(&page, &path)[0], form(&again, &path)[0]);
}

#[tokio::test]
async fn a_form_sent_twice_has_its_effect_once() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/wallet/transfer");
    let balance = async || {
        let found =
            economy::ops::balance_get(house.database.pool(), GuildId::new(GUILD), UserId::new(USER)).await;
        found.unwrap().balance.get()
    };
    let before = balance().await;
    let page = member.page(&path).await;
    let mut fields = form(&page, &path);
    fields.extend([
        ("receiver_id".to_owned(), (USER + 1).to_string()),
        ("amount:int".to_owned(), "5".to_owned()),
    ]);
    for _ in 0..3 {
        let answer = member.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    assert_eq!(balance().await, before - 5);
    // Filled in otherwise it is another deed, not a key that was used before.
    fields.retain(|(name, _)| name != "amount:int");
    fields.push(("amount:int".to_owned(), "1000000000".to_owned()));
    let answer = member.post(&path, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert_sound(&path, &answer);
    assert!(answer.text.contains("value=\"1000000000\""), "what was typed is lost: {}", answer.text);
    let _ = guild;
}

#[tokio::test]
async fn pages_refuse_as_the_api_does_and_keep_what_was_typed() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let path = format!("/g/{GUILD}/wallet/transfer");
    let api = format!("/api/v1/guilds/{GUILD}/economy/transfers");
    for (to, amount, reason) in [
        ("x", "5", ""),
        ("12", "lots", ""),
        ("12", "-1", "<b>why</b>"),
        ("12", "", ""),
        ("11", "5", ""),
        ("", "5", ""),
    ] {
        let page = member.page(&path).await;
        let answer = member
            .submit(&page, &path, &[("receiver_id", to), ("amount:int", amount), ("reason", reason)])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{to} {amount}: {answer:?}");
        assert_sound(&path, &answer);
        let amount = amount.parse::<i64>().map_or_else(|_| json!(amount), |number| json!(number));
        let mut body = json!({ "receiver_id": to, "amount": amount, "reason": reason });
        // What is left empty is left out.
        body.as_object_mut().unwrap().retain(|_, value| *value != json!(""));
        let request = crate::house::ask(Method::POST, &api, &guild.key)
            .header("content-type", "application/json")
            .header("questhall-user", USER);
        let refusal = house.send(request.body(Body::from(body.to_string())).unwrap()).await.json();
        let message = match refusal["errors"][0]["message"].as_str() {
            Some(message) => message.to_owned(),
            None => refusal["detail"].as_str().unwrap().to_owned(),
        };
        let shown =
            message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let shown = shown.replace('\'', "&#39;");
        assert!(answer.text.contains(&shown), "{to} {amount}: the API says {message}; {}", answer.text);
        assert!(!answer.text.contains("<b>why"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_flow_of_a_campaign_works_without_script() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let newcomer = USER + 5;
    let member = format!("/api/v1/guilds/{GUILD}/members/{newcomer}");
    house.call(Method::PUT, &member, &guild.key, &json!({ "name": "<script>alert(1)</script>" })).await;
    let mut browser = Browser::signed_in(&house, GUILD, newcomer, Role::Member).await;
    let campaign = format!("/g/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let challenge = format!("{campaign}/challenges/{}", guild.ids["challenge_id"]);
    let page = browser.page(&challenge).await;
    assert!(page.contains("Take part in the"), "{page}");
    let page = browser.page(&campaign).await;
    let answer = browser.submit(&page, &format!("{campaign}/registration"), &[]).await;
    assert_eq!(answer.header("location"), campaign, "{answer:?}");
    let page = browser.page(&campaign).await;
    assert!(
        page.contains("Good luck!") && page.contains("&lt;script&gt;alert(1)")
            || page.contains("&#60;script&#62;alert(1)"),
        "{page}"
    );
    assert!(!page.contains("<script>alert"), "{page}");
    // Looking, and looking ahead, begins nothing.
    let pool = house.database.pool();
    let begun = async || {
        let sql = "SELECT count(*) FROM challenges.generated_input_cache WHERE participant_id = $1";
        sqlx::query_scalar::<_, i64>(sql).bind(newcomer.to_string()).fetch_one(pool).await.unwrap()
    };
    let page = browser.page(&challenge).await;
    let ahead = Request::get(&challenge).header("sec-purpose", "prefetch");
    assert_eq!(browser.send(ahead, Body::empty()).await.status, StatusCode::OK);
    let answer = browser.get(&format!("{challenge}/input")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, challenge.as_str()));
    assert_eq!(begun().await, 0);
    // No scripts run here: the page says so, and nothing has begun.
    let answer = browser.submit(&page, &format!("{challenge}/beginning"), &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_sound("beginning", &answer);
    // As the sandbox would have made it.
    sqlx::query(
        "INSERT INTO challenges.generated_input_cache
             (guild_id, challenge_id, campaign_id, participant_id, participant_type, input_json, expected_results,
              script_version, first_request_timestamp)
         SELECT guild_id, id, campaign_id, $2, 'player', to_jsonb('the input <b>'::text), '{42}', script_version, now()
           FROM challenges.challenges WHERE id = $1::uuid",
    )
    .bind(&guild.ids["challenge_id"])
    .bind(newcomer.to_string())
    .execute(pool)
    .await
    .unwrap();
    let page = browser.page(&challenge).await;
    assert!(page.contains("the input") && !page.contains("the input <b>"), "{page}");
    let input = browser.get(&format!("{challenge}/input")).await;
    assert_eq!((input.text.as_str(), input.header("cache-control")), ("the input <b>", "no-store"));
    let action = format!("{challenge}/answers");
    let answer = browser.submit(&page, &action, &[("answer", "41")]).await;
    assert_eq!(answer.header("location"), challenge, "{answer:?}");
    let page = browser.page(&challenge).await;
    assert!(page.contains("That is not the answer to part 1.") && page.contains("Wrong"), "{page}");
    // Too fast: told in words, with what was typed.
    let answer = browser.submit(&page, &action, &[("answer", "43")]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert!(answer.text.contains("value=\"43\"") && answer.text.contains("not judged"), "{answer:?}");
    // A right one is never refused for that.
    let answer = browser.submit(&page, &action, &[("answer", " 42 ")]).await;
    assert_eq!(answer.header("location"), challenge, "{answer:?}");
    let page = browser.page(&challenge).await;
    assert!(page.contains("Right! Part 1 is solved. You are the 1st to solve it, for 100 points."), "{page}");
    assert!(page.contains("Solved") && !page.contains("Your answer</label>"), "{page}");
    let page = browser.page(&format!("{campaign}/standings")).await;
    assert!(
        page.contains(&format!("data-own=\"{newcomer}\"")) && page.contains("Points over time"),
        "{page}"
    );
    assert!(page.contains("<strong>1st</strong>"), "{page}");
    let rows = browser.get(&format!("{campaign}/standings/rows")).await;
    assert!(rows.text.starts_with("<tr data-participant=") && !rows.text.contains("<html"), "{rows:?}");
}

#[tokio::test]
async fn a_challenge_is_told_in_the_language_that_somebody_reads() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    sqlx::query(
        "INSERT INTO challenges.challenge_translations (guild_id, challenge_id, language, title, description)
         SELECT guild_id, id, 'de', 'Eins auf Deutsch', 'Zähle **alles**.' FROM challenges.challenges WHERE id = $1::uuid",
    )
    .bind(&guild.ids["challenge_id"])
    .execute(house.database.pool())
    .await
    .unwrap();
    let campaign = format!("/g/{GUILD}/campaigns/{}", guild.ids["campaign_id"]);
    let challenge = format!("{campaign}/challenges/{}", guild.ids["challenge_id"]);
    let german = "<h1 lang=\"de\">Eins auf Deutsch</h1>";
    let mut browser = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let page = browser.page(&challenge).await;
    assert!(page.contains("<h1 lang=\"en\">One</h1>") && page.contains(">Deutsch</button>"), "{page}");
    // What the browser accepts, then what was chosen in it, goes before that.
    let request = Request::get(&challenge).header("accept-language", "de-CH, en;q=0.5");
    let answer = browser.send(request, Body::empty()).await;
    assert!(answer.text.contains(german) && answer.text.contains("<strong>alles</strong>"), "{answer:?}");
    let answer = browser.submit(&page, "/language", &[("language", "de")]).await;
    assert_eq!(answer.header("location"), challenge, "{answer:?}");
    let page = browser.page(&challenge).await;
    assert!(page.contains(german) && page.contains("aria-pressed=\"true\""), "{page}");
    assert!(browser.page(&campaign).await.contains("Eins auf Deutsch"));
    let answer = browser.submit(&page, "/language", &[("language", "en")]).await;
    assert_eq!(answer.header("location"), challenge, "{answer:?}");
    assert!(browser.page(&challenge).await.contains("<h1 lang=\"en\">One</h1>"));
    // Or for good, in every browser.
    browser.cookies.remove("__Host-questhall-language");
    let preferences = format!("/g/{GUILD}/preferences");
    let page = browser.page(&preferences).await;
    let answer = browser.submit(&page, &preferences, &[("language:null", "de")]).await;
    assert_eq!(answer.header("location"), preferences, "{answer:?}");
    assert!(browser.page(&challenge).await.contains(german));
    let refused = browser.submit(&page, &preferences, &[("language:null", "german")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_forgets_pages() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let home = format!("/g/{GUILD}");
    let page = member.page(&home).await;
    let answer = member.submit(&page, "/sign-out", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/sign-in"), "{answer:?}");
    assert_eq!(answer.header("clear-site-data"), "\"cache\"");
    assert!(member.cookies.is_empty(), "{:?}", member.cookies);
    assert_eq!(member.get(&home).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn in_development_an_administrator_signs_in_and_looks_as_a_member() {
    let mut settings = server::Settings::default();
    settings.auth.development = true;
    let house = House::with(settings).await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    access::sign_in::admin_user_create(&mut conn, By::Cli, "ada", "a password for tests").await.unwrap();
    drop(conn);
    let mut ada = Browser::new(&house);
    let page = ada.page("/sign-in?to=/guilds").await;
    assert!(page.contains("Development sign-in"), "{page}");
    let wrong = ada.submit(&page, "/sign-in", &[("username", "ada"), ("password", "a wrong password")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    assert!(
        !wrong.text.contains("a wrong password") && wrong.text.contains("value=\"ada\""),
        "{}",
        wrong.text
    );
    let right =
        ada.submit(&page, "/sign-in", &[("username", "ada"), ("password", "a password for tests")]).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/guilds"), "{right:?}");
    assert!(ada.page("/guilds").await.contains(&format!("href=\"/g/{GUILD}\"")));
    // What is about oneself takes a member: who is none chooses one.
    let wallet = format!("/g/{GUILD}/wallet");
    let answer = ada.get(&wallet).await;
    let choice = answer.header("location").to_owned();
    assert!(choice.starts_with(&format!("/g/{GUILD}/as?to=")), "{answer:?}");
    let page = ada.page(&choice).await;
    let answer = ada.submit(&page, &choice, &[("user", &USER.to_string())]).await;
    assert_eq!(answer.header("location"), wallet, "{answer:?}");
    let page = ada.page(&wallet).await;
    assert!(page.contains("You look and act as"), "{page}");
    // Nobody else is led there, nor takes the cookie for a right.
    let mut member = Browser::signed_in(&house, GUILD, USER + 1, Role::Member).await;
    member.cookies = BTreeMap::from([("questhall".to_owned(), member.cookies["__Host-questhall"].clone())]);
    member.cookies.insert("questhall-as".to_owned(), USER.to_string());
    let answer = member.get(&wallet).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
}

#[tokio::test]
async fn pages_count_against_an_allowance_and_assets_do_not() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let page = member.get(&format!("/g/{GUILD}")).await;
    assert!(page.header("ratelimit").starts_with("\"person\""), "{page:?}");
    let style = page.text.split("href=\"/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let asset = member.get(&format!("/assets/{style}")).await;
    assert_eq!(asset.status, StatusCode::OK);
    assert!(
        asset.header("cache-control").contains("immutable") && asset.header("ratelimit").is_empty(),
        "{asset:?}"
    );
    assert_eq!(member.get("/assets/../../etc/passwd").await.status, StatusCode::NOT_FOUND);
    assert_eq!(member.get("/assets/page-0.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_member_takes_a_copy_and_is_forgotten_by_nobody_but_themselves() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let page = member.page(&format!("/g/{GUILD}/privacy")).await;
    let copy = member.submit(&page, &format!("/g/{GUILD}/privacy/export"), &[]).await;
    assert_eq!((copy.status, copy.header("cache-control")), (StatusCode::OK, "no-store"), "{copy:?}");
    assert_eq!(copy.json()["member"]["user_id"], USER.to_string());
    let path = format!("/g/{GUILD}/privacy/erasure");
    let page = member.page(&path).await;
    let answer = member.submit(&page, &path, &[("words", "yes"), ("user_id", &(USER + 1).to_string())]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let name = async |user: i64| {
        let mut conn = house.database.pool().acquire().await.unwrap();
        people::member_known(&mut conn, GuildId::new(GUILD), UserId::new(user)).await.unwrap().name
    };
    assert_eq!(name(USER).await, format!("member {USER}"));
    let answer =
        member.submit(&page, &path, &[("words", "forget me"), ("user_id", &(USER + 1).to_string())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_ne!(name(USER).await, format!("member {USER}"));
    assert_eq!(name(USER + 1).await, format!("member {}", USER + 1));
}
