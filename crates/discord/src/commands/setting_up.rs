//! `/setup`: the first thing after the bot came, and whenever somebody wonders what is missing.

use std::fmt::Write as _;

use access::Role;
use access::roles::mapping_list;
use community::announcements::model::{AnnouncementKind, ChannelChoice};
use community::announcements::ops as announcement_ops;
use kernel::{Problem, RoleId, UserId};
use serde_json::Value;

use super::Answered;
use super::call::Call;
use super::choose::all;
use crate::interactions::reply::Reply;
use crate::sender::{Method, Request};
use crate::settings::snowflake;
use crate::setup::{Seen, set_up};
use crate::words::{Lang, cut, plain, say};

/// Discord's permissions that the bot works by: bit, and what Discord calls it.
const NEEDED: [(u32, &str); 10] = [
    (10, "View Channels"),
    (11, "Send Messages"),
    (28, "Manage Roles"),
    (1, "Kick Members"),
    (2, "Ban Members"),
    (40, "Moderate Members"),
    (13, "Manage Messages"),
    (16, "Read Message History"),
    (34, "Manage Threads"),
    (7, "View Audit Log"),
];
const ADMINISTRATOR: u64 = 1 << 3;
/// Roles that an answer names.
const NAMED: usize = 10;
const MAX: usize = 2_000;

/// Takes over what Discord has, announces everything in one channel, and tells what else there is to do.
pub(crate) async fn setup(call: Call) -> Answered {
    let channel = call.channel_given("channel").or(call.channel);
    let channel = channel.ok_or_else(|| Problem::field("channel", "is missing"))?;
    let seen = set_up(&call.bot, call.guild, call.author()).await?;
    let chosen = announcement_ops::channel_list(call.pool(), call.guild).await?;
    for kind in AnnouncementKind::ALL {
        let known = chosen.channels.iter().find(|choice| choice.kind == kind);
        // What was chosen before stays: setting up twice undoes nothing. Only what is announced nowhere since its channel is gone gets another.
        let lost = |choice: &ChannelChoice| !choice.enabled && !seen.has_channel(choice.channel_id);
        if known.is_none_or(lost) {
            let choice = ChannelChoice { kind, channel_id: channel, enabled: true };
            announcement_ops::channel_put(call.pool(), call.guild, choice, call.author()).await?;
        }
    }
    call.committed();
    let mut text = say!(
        call.lang,
        "This server is set up. Announced:",
        "Dieser Server ist eingerichtet. Angesagt wird:"
    );
    for choice in &announcement_ops::channel_list(call.pool(), call.guild).await?.channels {
        let off = match (choice.enabled, call.lang) {
            (true, _) => "",
            (false, Lang::English) => " (off)",
            (false, Lang::German) => " (aus)",
        };
        let _ = write!(text, "\n{} → <#{}>{off}", plain(choice.kind.as_str()), choice.channel_id);
    }
    text.push_str(&taken_over(&call, &seen).await?);
    text.push_str(&missing(&call, &seen).await?);
    Ok(Reply::text(cut(&text, MAX)))
}

/// What of Discord's stands for something here.
async fn taken_over(call: &Call, seen: &Seen) -> Result<String, Problem> {
    let within = |id| seen.categories.iter().any(|(category, _)| *category == id);
    let channels = seen.channels.iter().filter(|(_, of)| of.is_some_and(within)).count();
    let categories = seen.categories.len();
    let mut text = say!(
        call.lang,
        "\n**Kept in step with Discord**\nCategories: {categories}, with {channels} channels.",
        "\n**Folgt Discord**\nKategorien: {categories}, mit {channels} Kanälen."
    );
    let mapped = mapping_list(&mut *db::acquire(call.pool()).await?, call.guild).await?;
    let named = |role: Role| {
        let of = mapped.iter().filter(|one| one.role == role.as_str()).take(NAMED);
        let names: Vec<String> = of.map(|one| format!("<@&{}>", one.discord_role_id)).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(" ") }
    };
    let (admins, moderators) = (named(Role::Admin), named(Role::Moderator));
    text.push_str(&say!(
        call.lang,
        "\nAdministrators: {admins}\nModerators: {moderators}",
        "\nAdministratoren: {admins}\nModeratoren: {moderators}"
    ));
    Ok(text)
}

/// What is still to be done.
async fn missing(call: &Call, seen: &Seen) -> Result<String, Problem> {
    let mut lines = Vec::new();
    let own = UserId::new(call.bot.sender().application_id());
    let path = format!("/guilds/{}/members/{own}", call.guild);
    let (pool, guild) = (call.pool(), call.guild);
    let squads = all(|page| async move { squads::ops::squad_list(pool, guild, false, &page).await }).await?;
    // Where Discord does not tell, what takes a permission says so when it comes to it.
    if let Ok(member) = call.bot.sender().send(&Request::new(Method::GET, path)).await {
        let held = member.body["roles"].as_array().into_iter().flatten();
        let held: Vec<RoleId> =
            held.filter_map(Value::as_str).filter_map(snowflake).map(RoleId::new).collect();
        let (bits, place) = seen.powers(&held);
        let lacks: Vec<&str> = NEEDED
            .iter()
            .filter(|(bit, _)| bits & (ADMINISTRATOR | 1 << bit) == 0)
            .map(|(_, name)| *name)
            .collect();
        if !lacks.is_empty() {
            let lacks = lacks.join(", ");
            lines.push(say!(
                call.lang,
                "The bot lacks permissions: {lacks}.",
                "Dem Bot fehlen Berechtigungen: {lacks}."
            ));
        }
        let above = |role: RoleId| seen.roles.iter().any(|one| one.id == role && one.position >= place);
        let above: Vec<String> = squads
            .iter()
            .filter_map(|squad| squad.role_id)
            .filter(|role| above(*role))
            .take(NAMED)
            .map(|role| format!("<@&{role}>"))
            .collect();
        if !above.is_empty() {
            let above = above.join(" ");
            lines.push(say!(
                call.lang,
                "Drag the bot's role above these, or it cannot give them: {above}",
                "Zieh die Rolle des Bots über diese, sonst kann er sie nicht vergeben: {above}"
            ));
        }
    }
    if !call.bot.settings().gateway {
        lines.push(say!(
            call.lang,
            "Messages, voice and members are not seen, as the setting `discord.gateway` is off.",
            "Nachrichten, Sprachkanäle und Mitglieder werden nicht gesehen, denn die Einstellung `discord.gateway` ist aus."
        ));
    }
    if squads.is_empty() {
        lines.push(say!(
            call.lang,
            "There are no squads yet: make some by the API, the dashboard or the command line.",
            "Noch gibt es keine Squads: über die API, die Oberfläche oder die Kommandozeile anlegen."
        ));
    }
    if lines.is_empty() {
        return Ok(String::new());
    }
    let heading = say!(call.lang, "\n**Still missing**", "\n**Es fehlt noch**");
    Ok(lines.into_iter().fold(heading, |text, line| text + "\n" + &line))
}
