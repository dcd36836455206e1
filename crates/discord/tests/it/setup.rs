//! `/setup`: a guild is set up from what Discord has of it, and follows from then on.

use access::{Author, By, Origin};
use discord::setup::{self, SetupState, Start, follow_once};
use discord::sync::SyncStatus;
use kernel::ChannelId;
use serde_json::{Value, json};

use crate::chat::{BOB_TYPES, Chat, EVE_TYPES, GUILD, Who};
use crate::gateway::Watched;
use crate::stand_in::{APPLICATION, Fault};

/// Administers here and there.
const RULER: Who = Who { permissions: 1 << 3, ..EVE_TYPES };

/// Two categories, a channel in each and one in none; a role that runs the server, one that moderates, and one for fun.
fn furnish(chat: &Chat) {
    chat.discord.with(|known| {
        known.channels.extend([(40, 1), (41, 1), (52, 1)]);
        known.parents.extend([(50, 40), (51, 41)]);
        known.names.extend([(40, "Talk".to_owned()), (41, "Voices".to_owned())]);
        known.roles.insert(1, [60, 61, 62, 63].into());
        known.permissions.extend([(60, 1 << 5), (61, 1 << 2), (63, (1 << 10) | (1 << 11) | (1 << 28))]);
        known.members.insert((1, APPLICATION), [63].into());
    });
}

async fn told(chat: &Chat, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(chat.pool()).await.unwrap()
}

async fn categories(chat: &Chat) -> Vec<String> {
    let sql = "SELECT c.name || CASE WHEN c.active THEN '' ELSE ' (removed)' END || ':'
                      || coalesce((SELECT string_agg(' ' || k.channel_id, '' ORDER BY k.channel_id) FROM lake.category_channels k
                                    WHERE k.guild_id = c.guild_id AND k.category_id = c.id), '')
                 FROM lake.categories c ORDER BY c.id";
    told(chat, sql).await
}

async fn mapped(chat: &Chat) -> Vec<String> {
    told(chat, "SELECT discord_role_id || ' ' || role FROM access.role_mappings ORDER BY 1").await
}

/// What was changed, besides that somebody wished it.
async fn deeds(chat: &Chat) -> i64 {
    let sql = "SELECT count(*) FROM access.admin_log WHERE target_table <> 'discord.syncs'";
    sqlx::query_scalar(sql).fetch_one(chat.pool()).await.unwrap()
}

/// Who wished what.
async fn wishes(chat: &Chat) -> Vec<String> {
    let sql =
        "SELECT coalesce(before_snapshot::text, '-') || ' ' || after_snapshot::text FROM access.admin_log
                WHERE target_table = 'discord.syncs' ORDER BY id";
    told(chat, sql).await
}

/// Whatever is due is looked at now.
async fn round(chat: &Chat) {
    chat.run("UPDATE discord.syncs SET next_at = now(), held_until = now() WHERE kind = 'setup'").await;
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 1);
}

#[tokio::test]
async fn one_command_sets_a_server_up_and_a_second_changes_nothing() {
    let chat = Chat::new().await;
    furnish(&chat);
    chat.types(BOB_TYPES, "/setup").await.privately();
    assert_eq!(categories(&chat).await, Vec::<String>::new(), "that is for administrators");
    let moderator = Who { permissions: 1 << 2, ..BOB_TYPES };
    assert!(chat.types(moderator, "/setup").await.message["content"].as_str().unwrap().contains("darfst"));
    let channels = "achievement → <#52>\naward → <#52>\ncampaign → <#52>\nlevel\\_up → <#52>\nnotice → <#52>\nquest → <#52>\nseason → <#52>";
    let expected = format!(
        "This server is set up. Announced:\n{channels}\n**Kept in step with Discord**\nCategories: 2, with 2 channels.\n\
         Administrators: <@&60>\nModerators: <@&61>\n**Still missing**\nThe bot lacks permissions: Kick Members, Ban Members, \
         Moderate Members, Manage Messages, Read Message History, Manage Threads, View Audit Log.\n\
         Messages, voice and members are not seen, as the setting `discord.gateway` is off.\n\
         There are no squads yet: make some by the API, the dashboard or the command line."
    );
    chat.types(RULER, "/setup channel:52").await.says(&expected).privately();
    assert_eq!(categories(&chat).await, ["Talk: 50", "Voices: 51"]);
    assert_eq!(mapped(&chat).await, ["60 admin", "61 moderator"]);
    assert_eq!(told(&chat, "SELECT name FROM people.guilds").await, ["The hall"]);
    // Whoever bears a role that moderates on Discord moderates here.
    let mut typed = chat.interaction(BOB_TYPES, 2, &chat.typed("/history member:7"));
    let lacking = chat.hears(&typed).await.message["content"].as_str().unwrap().to_owned();
    assert!(lacking.contains("darfst"), "{lacking}");
    typed = chat.interaction(BOB_TYPES, 2, &chat.typed("/history member:7"));
    typed["member"]["roles"] = json!(["61"]);
    let shown = chat.hears(&typed).await.message["content"].as_str().unwrap().to_owned();
    assert!(!shown.contains("darfst"), "{shown}");
    let before = deeds(&chat).await;
    chat.types(RULER, "/setup channel:50").await.says(&expected);
    round(&chat).await;
    assert_eq!(deeds(&chat).await, before);
    chat.discord.verdict();
}

#[tokio::test]
async fn what_changes_on_discord_is_followed_and_what_is_changed_here_stays() {
    let chat = Chat::new().await;
    furnish(&chat);
    chat.types(RULER, "/setup channel:52").await.privately();
    // A category is renamed, a channel moves, another is new, a role moderates no more, and another administers.
    chat.discord.with(|known| {
        known.names.insert(40, "Hall".to_owned());
        known.channels.extend([(53, 1)]);
        known.parents.extend([(51, 40), (53, 41)]);
        known.permissions.extend([(61, 0), (62, 8)]);
    });
    round(&chat).await;
    assert_eq!(categories(&chat).await, ["Hall: 50 51", "Voices: 53"]);
    assert_eq!(mapped(&chat).await, ["60 admin", "62 admin"]);
    // An administrator renames one, puts a channel elsewhere, and takes a role's power.
    chat.run(
        "UPDATE lake.categories SET name = 'Ours' WHERE name = 'Hall';
         UPDATE lake.category_channels SET category_id = (SELECT id FROM lake.categories WHERE name = 'Voices') WHERE channel_id = 50;
         DELETE FROM access.role_mappings WHERE discord_role_id = 62;",
    )
    .await;
    chat.discord.with(|known| {
        known.names.insert(40, "Great hall".to_owned());
        known.parents.insert(50, 41);
    });
    round(&chat).await;
    round(&chat).await;
    assert_eq!(categories(&chat).await, ["Ours: 51", "Voices: 50 53"]);
    assert_eq!(mapped(&chat).await, ["60 admin"]);
    // A category goes, and one of its name comes again; a role goes, and so does the channel for announcements.
    chat.discord.with(|known| {
        for gone in [41, 52, 53] {
            known.channels.remove(&gone);
            known.parents.remove(&gone);
        }
        known.parents.remove(&50);
        known.roles.insert(1, [61, 62, 63].into());
    });
    round(&chat).await;
    assert_eq!(categories(&chat).await, ["Ours: 51", "Voices (removed):"]);
    assert_eq!(mapped(&chat).await, Vec::<String>::new());
    let off = "SELECT kind FROM community.announcement_channels WHERE enabled";
    assert_eq!(told(&chat, off).await, Vec::<String>::new());
    chat.discord.with(|known| {
        known.channels.insert(42, 1);
        known.parents.insert(50, 42);
        known.names.insert(42, "Voices".to_owned());
    });
    chat.types(RULER, "/setup channel:50").await.privately();
    assert_eq!(categories(&chat).await, ["Ours: 51", "Voices (removed):", "Voices (2): 50"]);
    assert_eq!(told(&chat, off).await.len(), 7);
    chat.discord.verdict();
}

#[tokio::test]
async fn what_breaks_off_is_gone_on_with() {
    let chat = Chat::new().await;
    furnish(&chat);
    for _ in 0..8 {
        chat.discord.misbehave("GET /guilds/1/channels", Fault::Html(502));
    }
    let text = chat.types(RULER, "/setup channel:52").await.message["content"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Discord does not tell what the server is like"), "{text}");
    // Without another word: it was asked for.
    chat.discord.inner.lock().unwrap().faults.clear();
    let failed = state(&chat).await.sync;
    assert_eq!((failed.status, failed.error.as_deref()), (SyncStatus::Failed, Some(text.as_str())));
    round(&chat).await;
    assert_eq!(state(&chat).await.sync.status, SyncStatus::InStep);
    assert_eq!(categories(&chat).await, ["Talk: 50", "Voices: 51"]);
    // A process died when one was made, and not noted.
    chat.run("DELETE FROM discord.setup_categories WHERE discord_id = 41").await;
    round(&chat).await;
    assert_eq!(categories(&chat).await, ["Talk: 50", "Voices: 51"]);
    chat.discord.verdict();
}

#[tokio::test]
async fn the_gateway_tells_of_changes() {
    let watched = Watched::new(Vec::new()).await;
    watched.ready().await;
    furnish(&watched.chat);
    watched.chat.types(RULER, "/setup channel:52").await.privately();
    watched.chat.discord.with(|known| known.names.insert(41, "Song".to_owned()));
    let change = json!({ "id": "41", "guild_id": "1", "type": 4, "name": "Song" });
    watched.gateway.happens("CHANNEL_UPDATE", change);
    watched.until("SELECT EXISTS (SELECT FROM lake.categories WHERE name = 'Song')").await;
    // Another guild that nobody set up is left alone.
    watched.gateway.happens("CHANNEL_UPDATE", json!({ "id": "99", "guild_id": "2", "type": 0 }));
    watched.until("SELECT sequence = 3 FROM discord.gateway_shards").await;
    assert_eq!(watched.count("SELECT count(*) FROM discord.syncs").await, 1);
    watched.chat.discord.verdict();
}

async fn state(chat: &Chat) -> SetupState {
    setup::state(chat.pool(), GUILD, true).await.unwrap()
}

const OWN: &str = "/guilds/1/discord/setup";

#[tokio::test]
async fn the_api_sets_a_server_up_and_says_what_became_of_it() {
    let chat = Chat::new().await;
    chat.known().await;
    furnish(&chat);
    let get = async || chat.asks("roles:read", "GET", OWN, None).await.1;
    let put = async |channel: Value| {
        let (status, told) =
            chat.asks("roles:write", "PUT", OWN, Some(json!({ "channel_id": channel }))).await;
        assert_eq!((status, &told["sync"]["status"]), (200, &json!("pending")), "{told}");
        assert_eq!(follow_once(&chat.bot).await.unwrap(), 1);
    };
    let off = json!({ "sync": { "status": "off", "wanted": false, "has_bot": true }, "categories": [], "roles": [], "lacks": [], "above": [] });
    assert_eq!(get().await, off);
    for method in ["PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({}));
        assert_eq!(chat.asks("roles:read", method, OWN, body).await.0, 403, "that is for administrators");
    }
    assert_eq!(chat.asks("roles:write", "DELETE", OWN, None).await.0, 200);
    assert_eq!((get().await, wishes(&chat).await), (off, vec![]), "who has nothing gives nothing up");
    // The channel is another server's, or nobody's: what needs none is done, and it is said.
    chat.discord.with(|known| known.channels.insert(98, 2));
    for channel in ["98", "99"] {
        put(json!(channel)).await;
        let told = get().await;
        assert_eq!((&told["sync"]["status"], &told["channel_id"]), (&json!("failed"), &json!(channel)));
        let why = "`channel_id` names no channel of this server that the bot sees";
        assert_eq!(told["sync"]["error"], why);
        assert!(told["sync"]["looked_at"].is_string() && told["sync"]["done_at"].is_null(), "{told}");
        assert_eq!(told["categories"][0]["name"], "Talk");
    }
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 0, "it is not asked again at once");
    put(json!("52")).await;
    let told = get().await;
    assert_eq!((&told["sync"]["status"], &told["sync"]["error"]), (&json!("in_step"), &Value::Null));
    assert_eq!((&told["channel_id"], &told["above"]), (&Value::Null, &json!([])));
    assert_eq!(
        told["lacks"],
        json!([
            "Kick Members",
            "Ban Members",
            "Moderate Members",
            "Manage Messages",
            "Read Message History",
            "Manage Threads",
            "View Audit Log"
        ])
    );
    assert_eq!(
        told["roles"],
        json!([{ "discord_role_id": "60", "role": "admin" }, { "discord_role_id": "61", "role": "moderator" }])
    );
    let talk = &told["categories"][0];
    assert_eq!((&talk["discord_id"], &talk["channels"]), (&json!("40"), &json!(1)), "{talk}");
    let announced = "SELECT DISTINCT channel_id::text FROM community.announcement_channels WHERE enabled";
    assert_eq!(self::told(&chat, announced).await, ["52"]);
    // Nothing follows any more; what there is stays, and is followed again once that is wished.
    let (status, stopped) = chat.asks("roles:write", "DELETE", OWN, None).await;
    assert_eq!((status, &stopped["sync"]["status"]), (200, &json!("off")));
    assert_eq!(stopped["categories"].as_array().unwrap().len(), 2);
    chat.discord.with(|known| known.names.insert(40, "Hall".to_owned()));
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 0);
    assert_eq!(categories(&chat).await, ["Talk: 50", "Voices: 51"]);
    put(Value::Null).await;
    assert_eq!(categories(&chat).await, ["Hall: 50", "Voices: 51"]);
    assert_eq!(
        wishes(&chat).await,
        [
            r#"- {"wanted": true, "channel_id": "98"}"#,
            r#"{"wanted": true, "channel_id": "98"} {"wanted": true, "channel_id": "99"}"#,
            r#"{"wanted": true, "channel_id": "99"} {"wanted": true, "channel_id": "52"}"#,
            r#"{"wanted": true} {"wanted": false}"#,
            r#"{"wanted": false} {"wanted": true}"#,
        ]
    );
    chat.discord.verdict();
}

#[tokio::test]
async fn what_is_wished_while_somebody_is_at_it_is_done_afterwards() {
    let chat = Chat::new().await;
    furnish(&chat);
    let origin = Origin::default();
    let by = Author::new(By::Cli, &origin);
    let start = async |channel: Option<i64>| {
        let how = Start { channel_id: channel.map(ChannelId::new) };
        setup::start(chat.pool(), GUILD, how, by).await.unwrap();
    };
    // Somebody is at it, and does not come on, until `meanwhile` was done.
    let meanwhile = async |sql: Option<&'static str>, channel: Option<i64>, stops: bool| {
        let mut tx = chat.pool().begin().await.unwrap();
        sqlx::raw_sql("LOCK TABLE discord.setup_categories IN ACCESS EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await
            .unwrap();
        let bot = chat.bot.clone();
        let round = tokio::spawn(async move { follow_once(&bot).await.unwrap() });
        while told(&chat, "SELECT '' FROM discord.syncs WHERE held_until > now()").await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        if let Some(sql) = sql {
            chat.run(sql).await;
        }
        if channel.is_some() {
            start(channel).await;
        }
        if stops {
            setup::stop(chat.pool(), GUILD, by).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(round.await.unwrap(), 1);
        state(&chat).await
    };
    start(None).await;
    let stopped = meanwhile(None, None, true).await;
    assert_eq!((stopped.sync.status, stopped.sync.next_at), (SyncStatus::Off, None));
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 0, "it was given up");
    start(None).await;
    let changed = meanwhile(None, Some(52), false).await;
    assert_eq!(
        (changed.sync.status, changed.channel_id),
        (SyncStatus::Pending, Some(ChannelId::new(52))),
        "the channel was named too late for that round"
    );
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 1);
    let done = state(&chat).await;
    assert_eq!((done.sync.status, done.channel_id), (SyncStatus::InStep, None));
    // Another took it, as it took so long: whoever is late notes nothing.
    start(None).await;
    let taken = "UPDATE discord.syncs SET held_until = now() + interval '1 hour'";
    let late = meanwhile(Some(taken), None, false).await;
    assert_eq!((late.sync.status, late.sync.looked_at), (SyncStatus::Pending, done.sync.looked_at));
    assert_eq!(follow_once(&chat.bot).await.unwrap(), 0, "it is the other's");
    chat.discord.verdict();
}
