//! What Discord's own `AutoMod` has of the guild's rules: handing them over, taking them back, and what became of that.

use access::App;
use access::scope::Scope as _;
use access::web::Provided;
use axum::extract::State;
use axum::response::Response;
use discord::native::{self, NativeState};
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use kernel::Problem;
use moderation::ops::rules::rules_native;
use moderation::scopes::{ModerationRead, ModerationRules};

use super::in_step::{AtHand, stands};
use super::sheet::{Sheet, aside, code, folded, join, lines, link, says, table, text};
use super::told::{led, told};

/// Where the page is.
const OWN: &str = "/staff/automod/native";

/// Which rules Discord can judge, and whether it has them.
fn handed_over(shell: &Shell, state: &NativeState) -> Html {
    let rows = state.rules.iter().map(|rule| {
        let seal = match (rule.is_told, &rule.discord_id) {
            (true, _) => ui::seal("on", "Has it"),
            (false, Some(_)) => ui::seal("soon", "Has it as it was"),
            (false, None) => ui::seal("", "Has it not"),
        };
        vec![
            link(shell.at(&format!("/staff/automod/{}", rule.rule_id)), &rule.name),
            seal,
            rule.discord_id.as_ref().map(code).unwrap_or_default(),
        ]
    });
    let heads = ["Rule", "Discord", "Its id there"];
    join([
        table(
            "Rules that Discord can judge",
            &heads,
            rows.collect(),
            "None of the rules that act is of words, patterns or mentions, and only deletes.",
        ),
        aside("Ours go on judging: they see through disguises, and places that Discord's do not."),
    ])
}

async fn sheet(app: &App, shell: Shell, has_bot: bool, told: Form) -> Result<Sheet, Problem> {
    let state = native::state(app.pool(), shell.guild_id, has_bot).await?;
    let bodies = rules_native(app.pool(), shell.guild_id).await?.rules;
    let bodies = bodies.iter().enumerate().map(|(n, rule)| {
        let body = serde_json::to_string_pretty(rule).unwrap_or_default();
        lines(&format!("Rule {}", n + 1), &body)
    });
    let bodies: Vec<Html> = bodies.collect();
    let left_out: Vec<Vec<Html>> = state.left_out.iter().map(|why| vec![text(why)]).collect();
    let mut deeds = Vec::new();
    if shell.may(ModerationRules::NAME) {
        let label = if state.sync.wanted { "Ask Discord again" } else { "Hand the rules over" };
        deeds.push(shell.button(&shell.at(OWN), label, "primary"));
        if state.sync.wanted {
            deeds.push(shell.button(&shell.at(&format!("{OWN}/stop")), "Take them back", "grave"));
        }
    }
    let rules = handed_over(&shell, &state);
    let mut sheet = Sheet::new(shell, "Discord's own AutoMod")
        .below("/staff/automod", "Automod")
        .of(told)
        .lead(says(
            "What Discord blocks by itself never appears, even while the bot is away. It comes neither to a case nor to an alert, and counts as a hit.",
        ))
        .part("How it stands", join([stands(&state.sync), join(deeds)]))
        .part("Rules", rules)
        .part(
            "What Discord would not take",
            table("Left out", &["Why"], left_out, "It would take everything."),
        );
    if !bodies.is_empty() {
        let all = join([says("Each is the body of a request that makes a rule of Discord's."), join(bodies)]);
        sheet = sheet.part("As Discord is told", folded("Show them", &all));
    }
    Ok(sheet)
}

pub(super) async fn show(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<ModerationRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, bot.is_some(), Form::new()).await?))
}

pub(super) async fn start(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<ModerationRules>,
    typed: Typed,
) -> Result<Response, Problem> {
    let started = native::start(app.pool(), visit.guild_id(), visit.guild.author()).await;
    let outcome = started.map(|()| led(visit.shell.at(OWN), "Discord is told of the rules."));
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, bot.is_some(), form)).await
}

pub(super) async fn stop(
    State(app): State<App>,
    Provided(bot): AtHand,
    visit: Visit<ModerationRules>,
    typed: Typed,
) -> Result<Response, Problem> {
    let stopped = native::stop(app.pool(), visit.guild_id(), visit.guild.author()).await;
    let outcome = stopped.map(|()| led(visit.shell.at(OWN), "The rules are taken back."));
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, bot.is_some(), form)).await
}
