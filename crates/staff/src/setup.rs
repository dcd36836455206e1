//! The guild as it is set up from Discord: what was taken over and follows, what the bot lacks, and what became of asking.

use access::scope::{CommunityWrite, RolesRead, RolesWrite, Scope as _};
use access::web::Provided;
use access::{App, Role};
use axum::extract::State;
use axum::response::Response;
use discord::setup::{self, SetupState, Start};
use frame::decode::Typed;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::Problem;
use serde_json::json;

use super::in_step::{AtHand, stands};
use super::sheet::{Sheet, aside, button, code, facts, field, form, join, link, says, table, text};
use super::told::{led, told};

/// Where the page is.
const OWN: &str = "/staff/discord";

fn categories(shell: &Shell, state: &SetupState) -> Html {
    let may = shell.may(CommunityWrite::NAME);
    let rows = state.categories.iter().map(|category| {
        let ours = if may {
            link(shell.at(&format!("/staff/categories/{}", category.category_id)), &category.name)
        } else {
            text(&category.name)
        };
        vec![ours, text(format::number(category.channels)), code(category.discord_id)]
    });
    join([
        table(
            "Categories",
            &["Category", "#Channels", "On Discord"],
            rows.collect(),
            "Nothing was taken over.",
        ),
        aside("What was given another name here, or put elsewhere, stays as it is."),
    ])
}

fn roles(shell: &Shell, state: &SetupState) -> Html {
    let rows = state.roles.iter().map(|role| {
        let ours =
            Role::named(&role.role).map_or_else(|_| role.role.clone(), |role| format::word(role.as_str()));
        vec![code(role.discord_role_id), text(ours)]
    });
    join([
        table("Roles", &["Discord role", "Confers"], rows.collect(), "Nothing was taken over."),
        link(shell.at("/staff/roles"), "All roles"),
    ])
}

/// What the bot lacks, if anything is known to be amiss.
fn missing(state: &SetupState) -> Option<Html> {
    let mut known = Vec::new();
    if !state.lacks.is_empty() {
        known.push(("Permissions that the bot lacks", text(state.lacks.join(", "))));
    }
    if !state.above.is_empty() {
        known.push(("Roles of squads above its own", join(state.above.iter().map(code))));
    }
    if known.is_empty() {
        return None;
    }
    Some(join([
        facts(known),
        says(
            "Give them to the bot's role in the server's settings on Discord, and drag that role above those that it is to give.",
        ),
    ]))
}

async fn sheet(app: &App, shell: Shell, has_bot: bool, told: Form) -> Result<Sheet, Problem> {
    let state = setup::state(app.pool(), shell.guild_id, has_bot).await?;
    let is_on = state.sync.wanted;
    // A channel that was named and is not chosen yet would be forgotten by asking again without it.
    let values = told.over(&json!({ "channel_id": state.channel_id }));
    let mut sheet = Sheet::new(shell, "Set up from Discord")
        .lead(says(
            "Categories of channels, and roles that administer or moderate, are taken over from the server on Discord and follow it.",
        ))
        .part("How it stands", stands(&state.sync));
    if let Some(missing) = missing(&state) {
        sheet = sheet.part("Missing on Discord", missing);
    }
    if sheet.shell.may(RolesWrite::NAME) {
        let (heading, label) =
            if is_on { ("Ask Discord again", "Ask again") } else { ("Set it up", "Set up from Discord") };
        let fields = [field(
            &values
                .line("channel_id", "Channel to announce in")
                .exact()
                .help("Its id, for everything that is announced nowhere yet. What has a channel keeps it."),
        )];
        let start = form(&sheet.shell, &sheet.shell.at(OWN), fields, [button("start", label, "primary")]);
        sheet = sheet.part(heading, start);
    }
    let (of_categories, of_roles) = (categories(&sheet.shell, &state), roles(&sheet.shell, &state));
    sheet = sheet.of(values).part("Categories", of_categories).part("Roles", of_roles);
    let may_stop = is_on && sheet.shell.may(RolesWrite::NAME);
    Ok(sheet.part_if(may_stop, "Follow Discord no more", |sheet| {
        join([
            says("What was taken over stays as it is, and follows Discord no more."),
            sheet.shell.button(&sheet.shell.at(&format!("{OWN}/stop")), "Follow no more", "grave"),
        ])
    }))
}

pub(super) async fn show(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<RolesRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, bot.is_some(), Form::new()).await?))
}

pub(super) async fn start(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<RolesWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let start = async {
        let how: Start = typed.read()?;
        setup::start(app.pool(), visit.guild_id(), how, visit.guild.author()).await?;
        Ok(led(visit.shell.at(OWN), "Discord is asked."))
    };
    let outcome = start.await;
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, bot.is_some(), form)).await
}

pub(super) async fn stop(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<RolesWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let stopped = setup::stop(app.pool(), visit.guild_id(), visit.guild.author()).await;
    let outcome = stopped.map(|()| led(visit.shell.at(OWN), "Nothing follows Discord any more."));
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, bot.is_some(), form)).await
}
