//! A campaign's settings as a form, and campaigns from bundles.

use access::scope::CampaignsWrite;
use access::web::Provided;
use access::{App, Path};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use campaigns::authoring::{self, Bundle};
use campaigns::model::{Campaign, CampaignSettings};
use frame::decode::{Typed, read_value};
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::{CampaignId, Problem};
use sandbox::Sandbox;
use serde_json::{Map, Value, json};

use super::campaigns::{CampaignPath, at};
use super::sheet::{Sheet, again, aside, button, choices, field, folded, form, group, join};
use super::{asker, without_empty_rows};

/// How many rows for rewards there are beyond those that are filled.
const SPARE: usize = 3;

fn main_fields(form: &Form) -> Html {
    let kinds = choices(&[("player", "Every member for themselves"), ("squad", "Squads")]);
    let scoring = choices(&[
        ("time_based", "By time: parts solved, then the least time"),
        ("point_based", "By points: the first solver gets most"),
    ]);
    join([
        field(&form.line("name", "Name").required().max_length(100)),
        field(&form.text("description:null", "What it is about", 6).help("Markdown.").max_length(20_000)),
        field(&form.choice("campaign_type", "Who competes", &kinds)),
        field(&form.choice("scoring_type", "How standings are made", &scoring)),
        field(
            &form
                .number("starting_points:int-null", "Points of the first solver")
                .between(0, 1_000_000)
                .help("For standings by points."),
        ),
        field(
            &form
                .number("points_decrease_step:int-null", "How much less each later solver gets")
                .between(0, 1_000_000),
        ),
    ])
}

fn time_fields(form: &Form) -> Html {
    group(
        "Time",
        [
            field(
                &form
                    .time("start_time:time-null", "Starts")
                    .help("In UTC. It may be set when it is published."),
            ),
            field(&form.number("duration_hours:int", "Lasts, in hours").between(1, 87_600).required()),
            field(
                &form
                    .number("release_delay_minutes:int", "Minutes from one challenge to the next")
                    .help("Challenge 1 comes with the start. A day is 1440 minutes."),
            ),
            field(&form.check("auto_close:bool", "It closes by itself at its end")),
            field(
                &form
                    .number("freeze_minutes:int", "Minutes before its end from which standings are frozen")
                    .help("0: never."),
            ),
            field(&form.number("early_access_minutes:int", "Minutes that testers are ahead")),
        ],
    )
}

fn part_fields(form: &Form) -> Html {
    group(
        "Taking part",
        [
            field(
                &form
                    .number("entry_fee:int", "Costs, in bytes")
                    .help("Goes back if it is cancelled before it starts."),
            ),
            field(
                &form.number("late_join_minutes:int", "Minutes until who joins a squad late may act for it"),
            ),
            field(&form.check("allow_squad_moves:bool", "Members may change squads while it runs")),
            field(
                &form.check(
                    "tell_borrowed_answers:bool",
                    "Tell staff of answers that belong to somebody else",
                ),
            ),
            field(&form.number("rate_limit.per_5s:int", "Answers in 5 seconds").between(1, 1_000)),
            field(&form.number("rate_limit.per_5min:int", "Answers in 5 minutes").between(1, 60_000)),
            field(
                &form
                    .number("rate_limit.lockout_seconds:int", "Seconds of lockout after a wrong answer")
                    .help("0: none."),
            ),
            field(&form.line(
                "rate_limit.lockout_factor:number",
                "Each further wrong one makes it longer by the factor",
            )),
            field(
                &form
                    .line("announcement_channel_id:null", "Channel for announcements")
                    .exact()
                    .help("A Discord id."),
            ),
        ],
    )
}

fn reward_fields(form: &Form, rows: usize) -> Html {
    let rows = (0..rows).map(|n| {
        let at = |key: &str| format!("rewards[{n}].{key}");
        group(
            &format!("Reward {}", n + 1),
            [
                field(&form.number(&at("from:int"), "From rank")),
                field(&form.number(&at("to:int"), "To rank")),
                field(
                    &form.check(&at("participation:bool"), "For whoever solves a part, whatever their rank"),
                ),
                field(&form.number(&at("bytes:int"), "Bytes")),
                field(&form.number(&at("xp:int"), "XP")),
                field(&form.number(&at("gold:int"), "Gold")),
            ],
        )
    });
    join([
        field(&form.check("rewards_enabled:bool", "Rewards can be claimed after the close")),
        aside("A squad's are split among its members. Rows left empty are none."),
        join(rows),
    ])
}

fn timer_fields(form: &Form) -> Html {
    let number = |key: &str, label: &str| field(&form.number(&format!("timers.{key}:int"), label));
    group(
        "Timers of its own",
        [
            number("reward_delay_minutes", "Claims open so many minutes after the close"),
            number("claim_days", "They can be claimed for so many days"),
            number(
                "reminder_hours",
                "Who has not claimed is reminded so many hours before the end; 0: never",
            ),
            number(
                "expire_unstarted_minutes",
                "Over so many minutes after its start time, if it never started",
            ),
            number("expire_unclosed_minutes", "Over so many minutes after its end, if it never closed"),
            number("expire_closed_hours", "Over so many hours after the close, if there is nothing to claim"),
        ],
    )
}

fn settings_form(shell: &Shell, action: &str, values: &Form, rows: usize) -> Html {
    form(
        shell,
        action,
        [
            main_fields(values),
            time_fields(values),
            part_fields(values),
            folded("Rewards", &reward_fields(values, rows)),
            folded("Timers", &timer_fields(values)),
        ],
        [button("keep", "Keep", "primary")],
    )
}

/// What a campaign has unless told otherwise, as the API has it.
fn blank() -> Value {
    let least = json!({ "name": "", "campaign_type": "player", "duration_hours": 24 });
    serde_json::from_value::<CampaignSettings>(least).and_then(serde_json::to_value).unwrap_or_default()
}

fn new_page(shell: Shell, values: Form) -> Sheet {
    let body = settings_form(&shell, &shell.at("/staff/campaigns/new"), &values, SPARE);
    Sheet::new(shell, "New campaign").below("/staff/campaigns", "Campaigns").of(values).part("Settings", body)
}

pub(super) async fn new(visit: Visit<CampaignsWrite>) -> Page<Sheet> {
    Page(new_page(visit.shell, Form::of(&blank())))
}

/// A row of a reward that says something.
fn says_something(row: &Map<String, Value>) -> bool {
    row.iter().any(|(key, value)| key != "participation" && !value.is_null() || *value == Value::Bool(true))
}

fn body(typed: &Typed) -> Result<Value, Problem> {
    let mut body = typed.json()?;
    without_empty_rows(&mut body, "rewards", says_something);
    Ok(body)
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let settings: CampaignSettings = read_value(&body(&typed)?)?;
        let by = asker(&visit.guild);
        Ok::<_, Problem>(campaigns::ops::campaign_create(app.pool(), visit.guild_id(), by, &settings).await?)
    };
    match create.await {
        Ok(made) => {
            let said = "It is a draft: nobody but authors sees it. Give it challenges, then publish it.";
            Ok(done(&app, &at(&visit.shell, made.id, ""), said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(new_page(visit.shell, form).refused(&problem))
        }
    }
}

async fn campaign(app: &App, shell: &Shell, id: CampaignId) -> Result<Campaign, Problem> {
    Ok(campaigns::ops::campaign_get(app.pool(), shell.guild_id, id, true).await?)
}

fn edit_page(shell: Shell, campaign: &Campaign, values: Form) -> Sheet {
    let rows = campaign.settings.rewards.len() + SPARE;
    let body = settings_form(&shell, &at(&shell, campaign.id, "/edit"), &values, rows);
    let above = format!("/staff/campaigns/{}", campaign.id);
    let note =
        aside("What competitors rely on is fixed once it has started. Times that change move its timers.");
    Sheet::new(shell, "Settings")
        .below("/staff/campaigns", "Campaigns")
        .below(&above, &campaign.settings.name)
        .of(values)
        .part("Settings", join([note, body]))
}

pub(super) async fn edit(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    let campaign = campaign(&app, &visit.shell, path.campaign_id).await?;
    let values = Form::of(&campaign.settings);
    Ok(Page(edit_page(visit.shell, &campaign, values)))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.campaign_id);
    let update = async {
        let (pool, by) = (app.pool(), asker(&visit.guild));
        let mut body = body(&typed)?;
        let old = campaign(&app, &visit.shell, id).await?;
        // A control shows an instant to the minute: left as it is, it is not a change.
        let shown = old.settings.start_time.map(|start| start.format("%Y-%m-%dT%H:%M").to_string());
        if typed.value("start_time") == shown.as_deref()
            && let Some(body) = body.as_object_mut()
        {
            body.remove("start_time");
        }
        Ok::<_, Problem>(campaigns::ops::campaign_update(pool, app.wake(), guild, by, id, &body).await?)
    };
    match update.await {
        Ok(_) => Ok(done(&app, &at(&visit.shell, id, ""), "Its settings are kept.")),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            let campaign = campaign(&app, &visit.shell, id).await?;
            Ok(edit_page(visit.shell, &campaign, form).refused(&problem))
        }
    }
}

fn import_page(shell: Shell, into: Option<&Campaign>, values: Form) -> Sheet {
    let action = match into {
        Some(campaign) => at(&shell, campaign.id, "/import"),
        None => shell.at("/staff/campaigns/import"),
    };
    let note = match into {
        None => "The campaign becomes a draft. Every script is tried first, unless told otherwise.",
        Some(_) => {
            "Challenges are the same by their slug; one that is not in the bundle goes, unless it has been released. \
             A script that changed makes inputs anew for who has not begun."
        }
    };
    let body = join([
        aside(note),
        form(
            &shell,
            &action,
            [
                field(&values.text("bundle", "The bundle", 20).exact().required().help(
                    "JSON, as a campaign's page gives it out, and as the command line makes it of a folder.",
                )),
                field(&values.check("_unchecked", "Take the scripts without trying them first")),
            ],
            [button("import", "Bring it in", "primary")],
        ),
    ]);
    let mut sheet = Sheet::new(shell, "From a bundle").below("/staff/campaigns", "Campaigns");
    if let Some(campaign) = into {
        sheet = sheet.below(&format!("/staff/campaigns/{}", campaign.id), &campaign.settings.name);
    }
    sheet.of(values).part("Bundle", body)
}

pub(super) async fn import(visit: Visit<CampaignsWrite>) -> Page<Sheet> {
    Page(import_page(visit.shell, None, Form::new()))
}

pub(super) async fn import_into(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    let campaign = campaign(&app, &visit.shell, path.campaign_id).await?;
    Ok(Page(import_page(visit.shell, Some(&campaign), Form::new())))
}

/// As a JSON document that somebody pasted.
pub(super) fn pasted<T: serde::de::DeserializeOwned>(typed: &Typed, field: &str) -> Result<T, Problem> {
    let value: Value = serde_json::from_str(typed.value(field).unwrap_or_default())
        .map_err(|error| Problem::field(field, format!("must be JSON: {error}")))?;
    read_value(&value)
}

async fn imported(
    app: &App,
    visit: &Visit<CampaignsWrite>,
    into: Option<CampaignId>,
    typed: &Typed,
    sandbox: Result<Provided<Sandbox>, Problem>,
) -> Result<Campaign, Problem> {
    let bundle: Bundle = pasted(typed, "bundle")?;
    let guild = visit.guild_id();
    if !bundle.challenges.is_empty() && typed.value("_unchecked") != Some("true") {
        let Provided(sandbox) = sandbox?;
        authoring::bundle_try(app.pool(), &sandbox, guild, &bundle, into).await?;
    }
    let by = asker(&visit.guild);
    Ok(authoring::bundle_import(app.pool(), app.wake(), guild, by, &bundle, into).await?)
}

pub(super) async fn import_new(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    match imported(&app, &visit, None, &typed, sandbox).await {
        Ok(made) => {
            Ok(done(&app, &at(&visit.shell, made.id, ""), "It is a draft: look it over, then publish it."))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(import_page(visit.shell, None, form).refused(&problem))
        }
    }
}

pub(super) async fn import_over(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.campaign_id;
    match imported(&app, &visit, Some(id), &typed, sandbox).await {
        Ok(_) => Ok(done(&app, &at(&visit.shell, id, ""), "The campaign is as the bundle says.")),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            let campaign = campaign(&app, &visit.shell, id).await?;
            Ok(import_page(visit.shell, Some(&campaign), form).refused(&problem))
        }
    }
}

/// The campaign as a file, which importing makes the same of.
pub(super) async fn export(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Response, Problem> {
    let bundle = authoring::bundle_export(app.pool(), visit.guild_id(), path.campaign_id).await?;
    let text = serde_json::to_string_pretty(&bundle).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"campaign-{}.json\"", path.campaign_id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}
