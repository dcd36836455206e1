//! `/setup`: the first thing after the bot came, and whenever somebody wonders what is missing.

use std::fmt::Write as _;

use access::Role;
use access::roles::mapping_list;
use community::announcements::ops as announcement_ops;
use kernel::{PageQuery, Problem};

use super::Answered;
use super::call::Call;
use crate::interactions::reply::Reply;
use crate::setup::{Missing, Seen, Start, set_up};
use crate::words::{Lang, cut, plain, say};

/// Roles that an answer names.
const NAMED: usize = 10;
const MAX: usize = 2_000;

/// Takes over what Discord has, announces everything in one channel, and tells what else there is to do.
pub(crate) async fn setup(call: Call) -> Answered {
    let channel = call.channel_given("channel").or(call.channel);
    let channel = channel.ok_or_else(|| Problem::field("channel", "is missing"))?;
    let how = Start { channel_id: Some(channel) };
    let (seen, lacking) = set_up(&call.bot, call.guild, how, call.author()).await?;
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
    text.push_str(&missing(&call, &lacking).await?);
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
async fn missing(call: &Call, lacking: &Missing) -> Result<String, Problem> {
    let mut lines = Vec::new();
    if !lacking.lacks.is_empty() {
        let lacks = lacking.lacks.join(", ");
        lines.push(say!(
            call.lang,
            "The bot lacks permissions: {lacks}.",
            "Dem Bot fehlen Berechtigungen: {lacks}."
        ));
    }
    let above: Vec<String> = lacking.above.iter().take(NAMED).map(|role| format!("<@&{role}>")).collect();
    if !above.is_empty() {
        let above = above.join(" ");
        lines.push(say!(
            call.lang,
            "Drag the bot's role above these, or it cannot give them: {above}",
            "Zieh die Rolle des Bots über diese, sonst kann er sie nicht vergeben: {above}"
        ));
    }
    if !call.bot.settings().gateway {
        lines.push(say!(
            call.lang,
            "Messages, voice and members are not seen, as the setting `discord.gateway` is off.",
            "Nachrichten, Sprachkanäle und Mitglieder werden nicht gesehen, denn die Einstellung `discord.gateway` ist aus."
        ));
    }
    let one = PageQuery { limit: Some(1), cursor: None };
    if squads::ops::squad_list(call.pool(), call.guild, false, &one).await?.items.is_empty() {
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
