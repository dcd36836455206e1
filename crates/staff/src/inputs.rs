//! The inputs that participants got for a challenge, with the answers that go with them.

use access::scope::CampaignsWrite;
use access::{App, Path, Query};
use axum::extract::State;
use challenges::inputs;
use frame::html::Html;
use frame::page::Page;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{CampaignId, ChallengeId, Problem};
use serde::Deserialize;

use super::Cursor;
use super::campaigns::at;
use super::challenge::{ADMIN, ChallengePath};
use super::names::Names;
use super::sheet::{Sheet, code, facts, join, lines, link, table, text, when};

/// The most of an input that is shown, in characters; all of it is a participant's to copy, and the API's to give.
const SHOWN: usize = 20_000;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct InputPath {
    campaign_id: CampaignId,
    challenge_id: ChallengeId,
    participant_id: String,
}

/// Answers are shown on nobody's behalf: a member would not see them.
fn not_for_members(visit: &Visit<CampaignsWrite>) -> Result<(), Problem> {
    if visit.guild.looks_as::<CampaignsWrite>() {
        return Ok(());
    }
    Err(Problem::forbidden("A member cannot see inputs with their answers. Look with your own eyes."))
}

fn state(is_valid: bool) -> Html {
    if is_valid { ui::seal("on", "Holds") } else { ui::seal("warn", "Is made anew") }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    not_for_members(&visit)?;
    let within = (visit.guild_id(), path.campaign_id, path.challenge_id);
    let wanted = cursor.page();
    let (challenge, page) = try_join!(
        challenges::ops::challenge_get(app.pool(), within, ADMIN).err_into::<Problem>(),
        inputs::input_list(app.pool(), within, &wanted).err_into::<Problem>()
    )?;
    let shell = visit.shell;
    let users = page.items.iter().filter_map(|input| input.participant_id.parse().ok());
    let names = Names::of(&app, shell.guild_id, users).await?;
    let rows = page.items.iter().map(|input| {
        let called = match input.participant_id.parse() {
            Ok(user) if input.participant_type != "squad" => names.called(user),
            _ => format!("Squad {}", input.participant_id),
        };
        vec![
            link(path.at(&shell, &format!("/inputs/{}", input.participant_id)), called),
            join(input.answers.iter().map(code)),
            state(input.is_valid),
            text(format::number(input.script_version)),
            format::time(&input.generated_at),
            when(input.first_request_at.as_ref()),
        ]
    });
    let heads = ["Input of", "Answers", "State", "#Script", "Made", "First asked for"];
    let body = join([
        table("Inputs", &heads, rows.collect(), "Nobody has one yet."),
        ui::more(path.at(&shell, "/inputs"), "", page.next.as_ref()),
    ]);
    let above = format!("/staff/campaigns/{}", path.campaign_id);
    let own = format!("{above}/challenges/{}", path.challenge_id);
    Ok(Page(
        Sheet::new(shell, "Inputs and their answers")
            .below(&above, "The campaign")
            .below(&own, &challenge.title)
            .part("By participant", body),
    ))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<InputPath>,
) -> Result<Page<Sheet>, Problem> {
    not_for_members(&visit)?;
    let within = (visit.guild_id(), path.campaign_id, path.challenge_id);
    let input = inputs::input_with_answers(app.pool(), within, &path.participant_id).await?;
    let whole = input
        .input
        .as_str()
        .map_or_else(|| serde_json::to_string_pretty(&input.input).unwrap_or_default(), str::to_owned);
    let shown: String = whole.chars().take(SHOWN).collect();
    let cut = if shown.len() < whole.len() { text("It goes on.") } else { Html::default() };
    let known = facts([
        ("Answers", join(input.answers.iter().map(code))),
        ("Script", text(format!("version {}", input.script_version))),
        ("State", state(input.is_valid)),
    ]);
    let shell = visit.shell;
    let above = at(&shell, path.campaign_id, &format!("/challenges/{}/inputs", path.challenge_id));
    let above = above.strip_prefix(&shell.at("")).unwrap_or_default().to_owned();
    Ok(Page(
        Sheet::new(shell, format!("Input of {}", input.participant_id))
            .below(&above, "Inputs and their answers")
            .part("What is known", known)
            .part("Input", join([lines("Input", &shown), cut])),
    ))
}
