//! `/setup`: a guild is set up from what Discord has of it, and follows from then on.

use discord::setup::follow_once;
use serde_json::json;

use crate::chat::{BOB_TYPES, Chat, EVE_TYPES, Who};
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

async fn deeds(chat: &Chat) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM access.admin_log").fetch_one(chat.pool()).await.unwrap()
}

/// Whatever is due is looked at now.
async fn round(chat: &Chat) {
    chat.run("UPDATE discord.setups SET next_at = now(), held_until = now()").await;
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
    round(&chat).await;
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
    assert_eq!(watched.count("SELECT count(*) FROM discord.setups").await, 1);
    watched.chat.discord.verdict();
}
