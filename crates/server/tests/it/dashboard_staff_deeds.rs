//! What staff do from their pages, form by form, and what of it shows afterwards.

use access::{By, Role};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::dashboard::Browser;
use crate::dashboard_staff::{fill, page};
use crate::guilds::Guild;
use crate::house::House;

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;
const OWNER: i64 = 31;

fn at(rest: &str) -> String {
    format!("/g/{GUILD}/staff{rest}")
}

async fn api(house: &House, guild: &Guild, rest: &str) -> Value {
    house.get(&format!("/api/v1/guilds/{GUILD}{rest}"), &guild.key).await.json()
}

#[tokio::test]
async fn achievements_are_made_changed_given_and_taken_back() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Moderator).await;
    let list = at("/achievements");
    let form = page(&mut staff, &list).await;
    let new = [
        ("name", "Roofer"),
        ("description:text", "Mended the roof."),
        ("requirement_type", "custom"),
        ("requirement_scope", "lifetime"),
        ("rarity", "epic"),
        ("xp_reward:int", "40"),
    ];
    let mut wrong = new.to_vec();
    wrong[5].1 = "-1";
    let refused = staff.submit(&form, &list, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(
        refused.text.contains("f-xp_reward-fault") && refused.text.contains("Mended the roof."),
        "{refused:?}"
    );
    let own = fill(&mut staff, &list, &list, &new).await;
    fill(&mut staff, &own, &own, &[("name", "Thatcher"), ("description:text", ""), ("xp_reward:int", "50")])
        .await;
    assert!(page(&mut staff, &own).await.contains("Thatcher"));
    // Nobody's name is typed into the wrong form: what is refused of one leaves the other as it is stored.
    let form = page(&mut staff, &own).await;
    let nobody = staff.submit(&form, &format!("{own}/grant"), &[("user_id", "x")]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY, "{nobody:?}");
    assert!(
        nobody.text.contains("value=\"Thatcher\"") && nobody.text.contains("f-user_id-fault"),
        "{nobody:?}"
    );
    fill(&mut staff, &own, &format!("{own}/grant"), &[("user_id", &USER.to_string())]).await;
    let xp = |profile: &Value| profile["xp"].as_i64().unwrap();
    let rich = xp(&api(&house, &guild, &format!("/members/{USER}")).await);
    assert!(page(&mut staff, &own).await.contains("member 11"));
    let revoke = format!("{own}/revoke?user_id={USER}");
    let filled = [
        ("user_id", USER.to_string()),
        ("reason", "It was another.".into()),
        ("take_back:bool", "true".into()),
    ];
    let filled: Vec<(&str, &str)> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(&mut staff, &revoke, &revoke, &filled).await;
    assert_eq!(xp(&api(&house, &guild, &format!("/members/{USER}")).await), rich - 50);
    fill(&mut staff, &own, &own, &[("active:bool", "false")]).await;
    assert!(page(&mut staff, &own).await.contains("Let it be earned again"));
    fill(&mut staff, &own, &own, &[("active:bool", "true")]).await;
    assert!(page(&mut staff, &own).await.contains("Retire it"));
}

#[tokio::test]
async fn something_is_announced_and_taken_back() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let list = at("/announcements");
    let channels = format!("{list}/channels");
    let chosen = [("kind", "notice"), ("channel_id", "600"), ("enabled:bool", "true")];
    fill(&mut staff, &channels, &channels, &chosen).await;
    assert!(page(&mut staff, &channels).await.contains("<code>600</code>"));
    fill(&mut staff, &list, &list, &[("text", "The hall is <b>open</b>.")]).await;
    let shown = page(&mut staff, &list).await;
    assert!(shown.contains("The hall is &lt;b&gt;open") && shown.contains("<code>600</code>"), "{shown}");
    // A channel is told three a minute: the fourth waits, and is taken back.
    for text in ["Two.", "Three.", "Four."] {
        fill(&mut staff, &list, &list, &[("text", text)]).await;
    }
    let waits = format!("{list}?status=pending");
    let waiting = page(&mut staff, &waits).await;
    let cancel = waiting
        .split("action=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|to| to.ends_with("/cancel"));
    let cancel = cancel.unwrap().to_owned();
    assert!(waiting.contains("Four.") && !waiting.contains("Two."), "{waiting}");
    fill(&mut staff, &waits, &cancel, &[]).await;
    assert!(page(&mut staff, &waits).await.contains("There is none"));
    assert!(page(&mut staff, &list).await.contains("Held back"));
}

#[tokio::test]
async fn what_things_are_worth_is_weighed_before_they_happen() {
    let house = House::new().await;
    Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Moderator).await;
    let ask = |channel: &str, rest: &str| {
        at(&format!("/earnings?interaction_type=MESSAGE&channel_id={channel}{rest}"))
    };
    // What the guild has runs already: double XP.
    let plain = page(&mut staff, &ask("5", "&length=10")).await;
    assert!(plain.contains("30 XP and 1 star"), "{plain}");
    let list = at("/categories");
    let form = page(&mut staff, &list).await;
    let new = [
        ("name", "Workshop"),
        ("channels:lines", "5\r\n6"),
        ("multipliers[0].xp_multiplier:number", "1.5"),
        ("multipliers[0].star_multiplier:number", "3"),
    ];
    let mut wrong = new.to_vec();
    wrong[1].1 = "5\r\nhere";
    let refused = staff.submit(&form, &list, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(
        refused.text.contains("f-channels-fault") && refused.text.contains("value=\"1.5\""),
        "{refused:?}"
    );
    let category = fill(&mut staff, &list, &list, &new).await;
    let weighed = page(&mut staff, &ask("5", "&length=10")).await;
    assert!(weighed.contains("45 XP and 3 stars") && weighed.contains("× 1.5"), "{weighed}");
    let elsewhere = page(&mut staff, &ask("7", "&length=10")).await;
    assert!(elsewhere.contains("30 XP and 1 star"), "{elsewhere}");
    // Removed, it counts for nothing; called off, neither does the weekend.
    fill(&mut staff, &category, &format!("{category}/remove"), &[]).await;
    let events = page(&mut staff, &at("/multipliers")).await;
    let mut ways = events.split("href=\"").filter_map(|rest| rest.split('"').next());
    let event = ways.find(|href| href.contains("/staff/multipliers/")).unwrap().to_owned();
    let off = format!("{event}/call-off");
    fill(&mut staff, &off, &off, &[]).await;
    let off = page(&mut staff, &ask("5", "&length=10")).await;
    assert!(off.contains("15 XP and 1 star"), "{off}");
    let strange = staff.get(&ask("here", "")).await;
    assert_eq!(strange.status, StatusCode::BAD_REQUEST, "{strange:?}");
}

#[tokio::test]
async fn the_currency_and_what_is_sold_are_kept_from_the_browser() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let rules = at("/economy");
    let form = page(&mut staff, &rules).await;
    assert!(form.contains("8: 2\n16: 4"), "{form}");
    let filled = [
        ("starting_balance:int", "5"),
        ("daily_amount:int", "7"),
        ("max_transfer:int", "100"),
        ("cooldown_hours:int", "20"),
        ("streak_bonuses", "10: 3"),
        ("role_rewards", "77: 4"),
        ("is_enabled:bool", "true"),
        ("daily_by_message:bool", "false"),
    ];
    let mut wrong = filled;
    wrong[4].1 = "ten: three";
    let refused = staff.submit(&form, &rules, &wrong).await;
    assert!(
        refused.text.contains("f-streak_bonuses-fault") && refused.text.contains("ten: three"),
        "{refused:?}"
    );
    fill(&mut staff, &rules, &rules, &filled).await;
    let config = api(&house, &guild, "/economy/config").await;
    assert_eq!(
        (
            &config["daily_amount"],
            &config["streak_bonuses"],
            &config["role_rewards"],
            &config["daily_by_message"]
        ),
        (&json!(7), &json!({ "10": 3 }), &json!({ "77": 4 }), &json!(false))
    );
    let reports = at("/economy/reports");
    let today = db::now(&mut house.database.pool().acquire().await.unwrap()).await.unwrap().date_naive();
    let form = page(&mut staff, &reports).await;
    let nothing = staff.submit(&form, &reports, &[("day", "2020-01-01")]).await;
    assert!(nothing.text.contains("f-day-fault") && nothing.text.contains("2020-01-01"), "{nothing:?}");
    let member = at(&format!("/members/{USER}"));
    fill(&mut staff, &member, &format!("{member}/bytes"), &[("amount:int", "9"), ("kind", "award")]).await;
    let report = fill(&mut staff, &reports, &reports, &[("day", &today.to_string())]).await;
    assert!(page(&mut staff, &report).await.contains("Gini"));
    let ledger = staff.get(&at("/economy/transactions.csv?user_id=&kind=&from=&until=")).await;
    assert_eq!((ledger.status, ledger.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
    let item = at(&format!("/shop/{}", guild.ids["item_id"]));
    let tea = [
        ("name", "Green tea"),
        ("price_gold:int", "2"),
        ("stock:int-null", "3"),
        ("per_user_limit:int-null", ""),
    ];
    fill(&mut staff, &item, &item, &tea).await;
    fill(&mut staff, &item, &item, &[("active:bool", "false")]).await;
    assert!(page(&mut staff, &item).await.contains("Put it up again"));
    fill(&mut staff, &item, &item, &[("active:bool", "true")]).await;
    let sold = api(&house, &guild, &format!("/shop/items/{}", guild.ids["item_id"])).await;
    assert_eq!(
        (&sold["name"], &sold["stock"], &sold["active"]),
        (&json!("Green tea"), &json!(3), &json!(true))
    );
    let bought = at(&format!("/shop/purchases/{}", guild.ids["purchase_id"]));
    fill(&mut staff, &bought, &format!("{bought}/fulfil"), &[]).await;
    let form = page(&mut staff, &bought).await;
    assert!(form.contains("Handed over") && !form.contains("Settle it"), "{form}");
    // A season that runs keeps its start, though the form shows no seconds.
    let season = at(&format!("/seasons/{}", guild.ids["season_id"]));
    let before = api(&house, &guild, &format!("/seasons/{}", guild.ids["season_id"])).await;
    let ends: String = before["ends_at"].as_str().unwrap().chars().take(16).collect();
    fill(&mut staff, &season, &season, &[("name", "Frost"), ("ends_at:time", &ends), ("repeat_by", "month")])
        .await;
    let after = api(&house, &guild, &format!("/seasons/{}", guild.ids["season_id"])).await;
    assert_eq!((&after["name"], &after["ends_at"]), (&json!("Frost"), &before["ends_at"]), "{after}");
}

#[tokio::test]
async fn a_members_data_is_copied_changed_and_forgotten() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let new = at("/members/new");
    let known = fill(&mut staff, &new, &new, &[("user_id", "99"), ("name", "Nova")]).await;
    assert!(page(&mut staff, &known).await.contains("Nova"));
    let data = format!("{known}/data");
    fill(&mut staff, &data, &data, &[("name", "Nova of the North")]).await;
    let form = page(&mut staff, &data).await;
    let copy = staff.submit(&form, &format!("{known}/export"), &[]).await;
    assert_eq!((copy.status, copy.header("cache-control")), (StatusCode::OK, "no-store"), "{copy:?}");
    assert!(copy.text.contains("Nova of the North"));
    let import = at("/members/import");
    let form = page(&mut staff, &import).await;
    let file = [
        ("source", "mee6"),
        ("format", "csv"),
        ("data", "user_id,xp\r\n99,500\r\n"),
        ("keep", "xp"),
        ("_do", "try"),
    ];
    let tried = staff.submit(&form, &import, &file).await;
    assert_eq!(tried.status, StatusCode::OK, "{tried:?}");
    assert!(tried.text.contains("What it would do") && tried.text.contains("user_id,xp"), "{tried:?}");
    assert_eq!(api(&house, &guild, "/members/99").await["xp"], 0);
    let mut bring = file;
    bring[4].1 = "import";
    fill(&mut staff, &import, &import, &bring).await;
    assert_eq!(api(&house, &guild, "/members/99").await["xp"], 500);
    let forget = format!("{known}/erasure");
    let form = page(&mut staff, &forget).await;
    let unsure = staff.submit(&form, &forget, &[("reason", "They asked."), ("_id", "98")]).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY, "{unsure:?}");
    assert_eq!(api(&house, &guild, "/members/99").await["name"], "Nova of the North");
    fill(&mut staff, &forget, &forget, &[("reason", "They asked."), ("_id", "99")]).await;
    let gone = house.get(&format!("/api/v1/guilds/{GUILD}/members/99"), &guild.key).await;
    assert!(!gone.text.contains("Nova"), "{gone:?}");
    // A key gets another secret; the old one is refused.
    let keys = at("/keys");
    let form = page(&mut staff, &keys).await;
    let made = staff.submit(&form, &keys, &[("name", "reader"), ("_scope.campaigns-read", "true")]).await;
    let secret = |text: &str| format!("qh_{}", text.split("qh_").nth(1).unwrap().split('<').next().unwrap());
    let old = secret(&made.text);
    let list = page(&mut staff, &keys).await;
    let rotate = list
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|href| href.ends_with("/rotate") && !href.contains(&guild.ids["key_id"]))
        .unwrap()
        .to_owned();
    let form = page(&mut staff, &rotate).await;
    let rotated = staff.submit(&form, &rotate, &[("grace_minutes:int", "0")]).await;
    assert_eq!(
        (rotated.status, rotated.header("cache-control")),
        (StatusCode::OK, "private, no-store"),
        "{rotated:?}"
    );
    let new = secret(&rotated.text);
    assert_ne!(new, old);
    let campaigns = format!("/api/v1/guilds/{GUILD}/campaigns");
    assert_eq!(house.get(&campaigns, &new).await.status, StatusCode::OK);
}

#[tokio::test]
async fn learning_is_looked_after_from_the_browser() {
    let mut settings = server::Settings::default();
    // Credentials name the address at which they are verified.
    settings.http.public_url = Some("http://here".to_owned());
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut staff = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let bank = at(&format!("/banks/{}", guild.ids["bank_slug"]));
    let form = page(&mut staff, &bank).await;
    let broken = staff.submit(&form, &bank, &[("bank", "{")]).await;
    assert!(broken.text.contains("must be JSON"), "{broken:?}");
    let question = json!({ "slug": "word", "type": "text", "text": "The word?", "answers": ["open"] });
    let document = json!({ "title": "Words", "questions": [question] }).to_string();
    let old = page(&mut staff, &bank).await;
    fill(&mut staff, &bank, &bank, &[("bank", &document)]).await;
    assert!(page(&mut staff, &bank).await.contains("Words"));
    // Who looked at an older revision is told so.
    let behind = staff.submit(&old, &bank, &[("bank", &document)]).await;
    assert_eq!(behind.status, StatusCode::UNPROCESSABLE_ENTITY, "{behind:?}");
    fill(&mut staff, &format!("{bank}/retire"), &format!("{bank}/retire"), &[]).await;
    assert!(page(&mut staff, &bank).await.contains("Retired"));
    let figures = at("/figures");
    fill(&mut staff, &figures, &format!("{figures}/days"), &[("day", "2026-01-01")]).await;
    for file in
        ["/figures/days.csv".to_owned(), format!("/figures/quests/{}/items.csv", guild.ids["quest_id"])]
    {
        let answer = staff.get(&at(&file)).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "text/csv; charset=utf-8"),
            "{file}"
        );
    }
    let skills = at("/skills");
    let new = [
        ("slug", "roofs"),
        ("name", "Roofs"),
        ("requires[0].skill_id", guild.ids["skill_id"].as_str()),
        ("requires[0].min_level:int", "2"),
    ];
    fill(&mut staff, &skills, &skills, &new).await;
    let all = api(&house, &guild, "/skills").await;
    let made =
        all["items"].as_array().unwrap().iter().find(|skill| skill["slug"] == "roofs").unwrap().clone();
    assert_eq!(made["requires"], json!([{ "skill_id": guild.ids["skill_id"], "min_level": 2 }]), "{made}");
    let own = at(&format!("/skills/{}", made["id"].as_str().unwrap()));
    fill(&mut staff, &own, &own, &[("name", "Roofs"), ("requires[0].skill_id", "")]).await;
    assert_eq!(
        api(&house, &guild, &format!("/skills/{}", made["id"].as_str().unwrap())).await["requires"],
        json!([])
    );
    let builds_on = [
        ("name", "Roofs"),
        ("requires[0].skill_id", guild.ids["skill_id"].as_str()),
        ("requires[0].min_level:int", "2"),
    ];
    fill(&mut staff, &own, &own, &builds_on).await;
    fill(&mut staff, &own, &own, &[("active:bool", "false")]).await;
    assert!(page(&mut staff, &own).await.contains("Bring it back"));
    fill(&mut staff, &own, &own, &[("active:bool", "true")]).await;
    // Neither says anything of what it builds on.
    let kept = api(&house, &guild, &format!("/skills/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(kept["requires"], made["requires"], "{kept}");
    let badge = at(&format!("/badges/{}", guild.ids["badge_id"]));
    let changed =
        [("name", "A better badge"), ("description", "d"), ("criteria", "c"), ("is_active:bool", "true")];
    fill(&mut staff, &badge, &badge, &changed).await;
    // Only who earned it can be given a credential.
    let badges = at("/badges");
    let achievement = guild.ids["achievement_id"].as_str();
    let new =
        [("name", "Chatter"), ("description", "d"), ("criteria", "c"), ("achievement_id:int", achievement)];
    let chatter = fill(&mut staff, &badges, &badges, &new).await;
    let form = page(&mut staff, &chatter).await;
    let early = staff.submit(&form, &at("/credentials"), &[("user_id", &USER.to_string())]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "{early:?}");
    let grants = format!("/api/v1/guilds/{GUILD}/achievements/{achievement}/grants");
    house.made(&grants, &guild.key, &json!({ "user_id": USER.to_string() })).await;
    let issued = fill(&mut staff, &chatter, &at("/credentials"), &[("user_id", &USER.to_string())]).await;
    let list = page(&mut staff, &issued).await;
    assert!(list.contains("Chatter") && list.contains("Holds"), "{list}");
    let mut ways = list.split("href=\"").filter_map(|rest| rest.split('"').next());
    let revoke = ways.find(|href| href.ends_with("/revoke")).unwrap().to_owned();
    fill(&mut staff, &revoke, &revoke, &[("reason", "It was another.")]).await;
    assert!(page(&mut staff, &at("/credentials?revoked=true")).await.contains("It was another."));
    let keys = at("/credentials/keys");
    fill(&mut staff, &keys, &keys, &[("algorithm", "EdDSA")]).await;
    assert!(page(&mut staff, &keys).await.contains("Verifies only"));
}

#[tokio::test]
async fn whoever_runs_the_installation_has_pages_and_nobody_else() {
    let mut settings = server::Settings::default();
    settings.auth.development = true;
    let house = House::with(settings).await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    access::sign_in::admin_user_create(&mut conn, By::Cli, "ada", "a password for tests").await.unwrap();
    let failed: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO jobs.timers (kind, scheduled_at, status, payload, last_error)
         VALUES ('a.kind', now(), 'FAILED', '{}', 'It <b>broke</b>.') RETURNING id",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    sqlx::query("INSERT INTO jobs.schedules (name, cron, next_run_at) VALUES ('a.job', '0 0 * * *', now() + interval '1 day')")
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let mut ada = Browser::new(&house);
    let sign_in = ada.page("/sign-in?to=/guilds").await;
    ada.submit(&sign_in, "/sign-in", &[("username", "ada"), ("password", "a password for tests")]).await;
    let of = |rest: &str| at(&format!("/installation{rest}"));
    let pages = [
        ("", "Readers of the outbox"),
        ("/timers", "It &lt;b&gt;broke"),
        ("/timers?status=PENDING&kind=a.kind&guild_id=", "There is none"),
        ("/queues", "jobs.timers"),
        ("/schedules", "a.job"),
        ("/nodes", "test"),
        ("/settings", "As they come"),
        ("/settings/api_keys", "Unless told"),
        ("/audit", "difference"),
    ];
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let token = owner.cookies.remove("__Host-questhall").unwrap();
    owner.cookies.insert("questhall".to_owned(), token);
    for (rest, shows) in pages {
        let shown = page(&mut ada, &of(rest)).await;
        assert!(shown.contains(shows), "{rest} does not show {shows}: {shown}");
        let refused = owner.get(&of(rest)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{rest}: {refused:?}");
    }
    assert!(
        !page(&mut owner, &at("")).await.contains("/staff/installation"),
        "an owner is led to a closed door"
    );
    assert!(page(&mut ada, &at("")).await.contains("/staff/installation"));
    // Work is run again and cancelled, a queue paused and resumed, a job run, a node drained.
    fill(&mut ada, &of("/timers"), &of(&format!("/timers/{failed}/retry")), &[]).await;
    let cancel = of(&format!("/timers/{failed}/cancel"));
    fill(&mut ada, &cancel, &cancel, &[]).await;
    assert!(page(&mut ada, &of("/timers?status=CANCELLED")).await.contains("a.kind"));
    let pause = of("/queues/jobs.timers/pause");
    fill(&mut ada, &pause, &pause, &[("reason", "Moving <i>house</i>.")]).await;
    let queues = page(&mut ada, &of("/queues")).await;
    assert!(queues.contains("Moving &lt;i&gt;house") && queues.contains("admin:"), "{queues}");
    fill(&mut ada, &of("/queues"), &of("/queues/jobs.timers/resume"), &[]).await;
    assert!(!page(&mut ada, &of("/queues")).await.contains("Moving"));
    let none = ada.get(&of("/queues/nothing/pause")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none:?}");
    fill(&mut ada, &of("/schedules"), &of("/schedules/a.job/run"), &[]).await;
    let nodes = page(&mut ada, &of("/nodes")).await;
    let drain = nodes
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|href| href.ends_with("/drain"));
    let drain = drain.unwrap().to_owned();
    fill(&mut ada, &drain, &drain, &[]).await;
    fill(&mut ada, &of("/nodes"), &drain.replace("/drain", "/resume"), &[]).await;
    // A setting of the whole counts where a guild says nothing, and can be put back.
    let group = of("/settings/api_keys");
    fill(&mut ada, &group, &group, &[("api_keys.max_lifetime_days", "30")]).await;
    let of_guild = api(&house, &guild, "/settings/api_keys").await;
    assert!(of_guild.to_string().contains("30"), "{of_guild}");
    fill(&mut ada, &group, &format!("{group}/max_lifetime_days/reset"), &[]).await;
    assert!(!page(&mut ada, &group).await.contains("Back to the default"));
    let log = page(&mut ada, &of("/audit")).await;
    for deed in ["Pause, queues", "Run, schedules", "Drain, nodes", "Cancel, timers"] {
        assert!(log.contains(deed), "{deed}: {log}");
    }
    // What could not be done on Discord is tried again by whoever moderates and by staff.
    fill(
        &mut owner,
        &at("/effects"),
        &at(&format!("/effects/{}/retry", guild.ids["discord_effect_id"])),
        &[],
    )
    .await;
    assert!(page(&mut owner, &at("/effects")).await.contains("Waits"));
    fill(&mut owner, &at("/undone"), &at(&format!("/undone/{}/again", guild.ids["effect_id"])), &[]).await;
    assert!(page(&mut owner, &at("/undone")).await.contains("is done"));
    let twice = house
        .call(
            Method::POST,
            &format!("/api/v1/guilds/{GUILD}/discord/effects/{}/retry", guild.ids["discord_effect_id"]),
            &guild.key,
            &json!({}),
        )
        .await;
    assert!(!twice.status.is_success(), "{twice:?}");
}

#[tokio::test]
async fn a_guild_is_set_up_from_discord_and_its_automod_has_the_rules() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    let (setup, native) = (at("/discord"), at("/automod/native"));
    // Both are found from the navigation.
    for (from, to) in [(at("/audit"), &setup), (at("/cases"), &at("/automod")), (at("/automod"), &native)] {
        assert!(
            page(&mut owner, &from).await.contains(&format!("href=\"{to}\"")),
            "{from} leads not to {to}"
        );
    }
    for (own, of_api) in [(&setup, "/discord/setup"), (&native, "/discord/automod")] {
        let before = page(&mut owner, own).await;
        assert!(before.contains(">Off<") && !before.contains(&format!("{own}/stop")), "{before}");
        assert_eq!(fill(&mut owner, own, own, &[]).await, *own);
        let waits = page(&mut owner, own).await;
        assert!(waits.contains("To be done") && waits.contains("There is no bot here"), "{waits}");
        assert_eq!(api(&house, &guild, of_api).await["sync"]["wanted"], true);
        fill(&mut owner, own, &format!("{own}/stop"), &[]).await;
        assert_eq!(api(&house, &guild, of_api).await["sync"]["wanted"], false);
    }
    // A channel is an id; one that was named and is not chosen yet is shown.
    let form = page(&mut owner, &setup).await;
    let refused = owner.submit(&form, &setup, &[("channel_id", "general")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(
        refused.text.contains("f-channel_id-fault") && refused.text.contains("value=\"general\""),
        "{refused:?}"
    );
    fill(&mut owner, &setup, &setup, &[("channel_id", "52")]).await;
    assert!(page(&mut owner, &setup).await.contains("value=\"52\""));
    // What became of it, as a bot notes it.
    sqlx::query(
        "UPDATE discord.syncs SET error = '<b>away', looked_at = now(), found = '{\"lacks\": [\"Kick Members\"], \"above\": [\"77\"]}'
          WHERE guild_id = $1",
    )
    .bind(GUILD)
    .execute(house.database.pool())
    .await
    .unwrap();
    for (table, values) in [
        ("categories (guild_id, discord_id, category_id, name)", "($1, 40, 1, '<i>Talk')"),
        ("roles (guild_id, discord_role_id, role)", "($1, 60, 'admin')"),
    ] {
        let sql = format!("INSERT INTO discord.setup_{table} VALUES {values}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(GUILD).execute(house.database.pool()).await.unwrap();
    }
    let failed = page(&mut owner, &setup).await;
    for shown in ["&lt;b&gt;away", "Kick Members", ">77<", "&lt;i&gt;Talk", ">60<", "Failed"] {
        assert!(failed.contains(shown), "{shown}: {failed}");
    }
    // Who may not say which roles confer what looks, and does nothing.
    let mut other = Browser::signed_in(&house, GUILD, OWNER + 1, Role::Moderator).await;
    let looked = other.get(&setup).await;
    assert!(looked.status == StatusCode::FORBIDDEN || !looked.text.contains("Ask again"), "{looked:?}");
    let log = page(&mut owner, &at("/audit?target_table=discord.syncs")).await;
    assert!(log.contains("discord.syncs"), "{log}");
}
