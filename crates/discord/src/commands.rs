//! Commands: one tree, from which Discord's description, the reference and the way to each operation are made.
//!
//! A command is a thin face on an operation: it reads what was typed, asks the operation, and says what came of it.

mod acting;
mod appeals;
mod automod;
mod bytes;
mod call;
mod campaign;
mod choose;
mod community;
mod components;
mod describe;
mod hand_in;
mod kinds;
mod learn;
mod member;
mod moderate;
mod peers;
mod programs;
mod registry;
mod setting_up;
mod squads;
mod staff;
mod tree;

use kernel::{GuildId, Problem};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::bot::Bot;
use crate::interactions::model::{COMMAND, Interaction};
use crate::interactions::reply::Reply;
use crate::words::{Lang, say};
use call::Call;
use components::COMPONENTS;
use kinds::{Command, Leaf};
use tree::TREE;

pub(crate) use choose::all;
pub use describe::{describe, reference};
pub use registry::{Synced, sync};

/// What a command comes to.
pub(crate) type Answered = Result<Reply, Problem>;

/// The command that an interaction is about, with what was given.
fn find(
    interaction: &Interaction,
) -> Option<(&'static Command, &'static Leaf, &[crate::interactions::model::Given])> {
    let data = interaction.data.as_ref()?;
    let command = TREE.iter().find(|command| command.name == data.name)?;
    match command.leaves {
        [only] if only.name.is_empty() => Some((command, only, &data.options)),
        leaves => {
            let given = data.options.first()?;
            let leaf = leaves.iter().find(|leaf| leaf.name == given.name)?;
            Some((command, leaf, &given.options))
        }
    }
}

/// Whether the answer is for who asked alone.
pub(crate) fn is_private(interaction: &Interaction) -> bool {
    match interaction.kind {
        COMMAND => find(interaction).is_none_or(|(_, leaf, _)| leaf.private),
        // What buttons and forms bring is for who used them, unless it replaces a message.
        _ => true,
    }
}

/// Carries out a command, or what a button, menu or form is about. What is refused is said, to who asked alone.
pub(crate) async fn carry_out(bot: &Bot, interaction: Interaction) -> Reply {
    let (lang, id) = (Lang::of(interaction.locale.as_deref()), interaction.id.clone());
    // Whatever is logged on the way says which one it was.
    let what = interaction
        .data
        .as_ref()
        .map_or("", |data| if data.name.is_empty() { "form" } else { data.name.as_str() });
    let span = tracing::error_span!("interaction", id, what);
    match answer(bot, interaction).instrument(span).await {
        Ok(reply) => reply,
        Err(problem) if problem.slug() == "internal" => Reply::text(say!(
            lang,
            "Something went wrong on our side. It has been logged as {id}.",
            "Bei uns ist etwas schiefgegangen. Im Protokoll steht es als {id}."
        ))
        .private(),
        Err(problem) => Reply::text(refusal(lang, &problem)).private(),
    }
}

async fn answer(bot: &Bot, interaction: Interaction) -> Answered {
    if interaction.kind == COMMAND {
        let Some((_, leaf, given)) = find(&interaction) else {
            return Err(Problem::not_found("command"));
        };
        let call = Call::new(bot, &interaction, given, leaf.private).await?;
        call.needs(leaf.needs)?;
        let reply = (leaf.run)(call).await?;
        return Ok(Reply { private: leaf.private, ..reply });
    }
    let data = interaction.data.clone().unwrap_or_default();
    let mut call = Call::new(bot, &interaction, &[], true).await?;
    let about = bot.signer().open(call.guild, call.user, &data.custom_id).ok_or_else(|| {
        Problem::forbidden(say!(
            call.lang,
            "This was made for somebody else. Use the command yourself.",
            "Das ist für jemand anderen. Nutze den Befehl selbst."
        ))
    })?;
    let component = COMPONENTS.iter().find(|(name, _)| *name == about.name);
    let (_, run) = component.ok_or_else(|| Problem::not_found("button"))?;
    call.args = about.args;
    call.chosen = data.values.clone();
    call.fields = data.fields();
    let reply = run(call).await?;
    Ok(Reply { private: true, ..reply })
}

/// What there is to choose from for an option that is being typed.
pub(crate) async fn complete(bot: &Bot, interaction: &Interaction) -> Result<Vec<Value>, Problem> {
    let Some((_, leaf, given)) = find(interaction) else { return Ok(Vec::new()) };
    let Some(focused) = given.iter().find(|given| given.focused) else { return Ok(Vec::new()) };
    let what =
        leaf.options.iter().find(|option| option.name == focused.name).and_then(|option| option.choose);
    let (Some(what), Some(guild)) = (what, interaction.guild()) else { return Ok(Vec::new()) };
    let call = Call::looking(bot, interaction, GuildId::new(guild), given)?;
    // What takes a right to do is not listed for others either.
    if leaf.needs.is_some() {
        Call::new(bot, interaction, given, true).await?.needs(leaf.needs)?;
    }
    let typed = focused.value.as_str().unwrap_or_default().to_lowercase();
    let found = choose::choices(&call, what).await?;
    let fits = |name: &str| typed.is_empty() || name.to_lowercase().contains(&typed);
    Ok(found
        .into_iter()
        .filter(|choice| fits(&choice.name))
        .take(25)
        .map(|choice| json!({ "name": crate::words::cut(&choice.name, 100), "value": choice.id }))
        .collect())
}

/// A refusal in the language of who asked, as far as it is one that members meet every day.
fn refusal(lang: Lang, problem: &Problem) -> String {
    let detail = problem.detail();
    let known = match (lang, problem.slug()) {
        (Lang::German, "insufficient-funds") => Some("So viele Bytes hast du nicht."),
        (Lang::German, "daily-already-claimed") => Some("Die Bytes von heute hast du schon."),
        (Lang::German, "transfer-cooldown") => {
            Some("Du hast vor Kurzem schon Bytes verschickt. Warte ein wenig.")
        }
        (Lang::German, "economy-disabled") => Some("Dieser Server nutzt keine Bytes."),
        (Lang::German, "squad-full") => Some("Dieses Squad ist voll."),
        (Lang::German, "squad-locked") => Some("Während dieser Kampagne bleiben Squads, wie sie sind."),
        (Lang::German, "not-found") => Some("Das gibt es hier nicht."),
        _ => None,
    };
    match known {
        Some(known) => known.to_owned(),
        None if detail.is_empty() => problem.to_string(),
        None => detail.to_owned(),
    }
}
