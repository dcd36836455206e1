//! The editor of a challenge: its text as members will read it, its script as it runs.

use access::scope::CampaignsWrite;
use access::web::Provided;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use campaigns::model::Campaign;
use challenges::catalogue::{self, Challenge, ChallengeDraft, ChallengePatch, CheckedScript};
use challenges::ops::Onlooker;
use challenges::rules::MAX_PARTS;
use frame::decode::{Typed, read_value};
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, markdown, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::language::Reader;
use kernel::{CampaignId, ChallengeId, PageQuery, Problem};
use sandbox::{Files, Sandbox};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::campaigns::{CampaignPath, at};
use super::sheet::{
    Sheet, again, aside, button, code, field, folded, form, group, join, lines, link, says, text,
};
use super::without_empty_rows;

/// How many made-up participants a check is for.
const RUNS: u8 = 3;
/// How many hints can be added at once.
const SPARE: usize = 2;
/// What a script looks like, for who writes their first.
const STARTER: &str = "import json\nimport random\n\nflakes = [random.randint(1, 100_000) for _ in range(300)]\n\
    print(json.dumps({\"input\": \"\\n\".join(map(str, flakes)), \"result\": sum(flakes)}))\n";

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ChallengePath {
    pub(super) campaign_id: CampaignId,
    pub(super) challenge_id: ChallengeId,
}

impl ChallengePath {
    pub(super) fn at(self, shell: &Shell, rest: &str) -> String {
        at(shell, self.campaign_id, &format!("/challenges/{}{rest}", self.challenge_id))
    }
}

/// Who edits: texts come in their own language, as they are to be edited.
pub(super) const ADMIN: Onlooker<'static> =
    Onlooker { admin: true, user: None, reader: Reader { asked: None, accepted: None } };

/// What a challenge's form shows.
fn stored(challenge: &Challenge) -> Value {
    let authoring = challenge.authoring.as_ref();
    json!({
        "slug": challenge.slug, "title": challenge.title, "description": challenge.description,
        "part_descriptions": challenge.part_descriptions, "parts": challenge.parts, "language": challenge.language,
        "translations": authoring.map(|a| a.translations.as_slice()).unwrap_or_default(),
        "generation_script": authoring.map(|a| a.generation_script.as_str()),
        "_categories": authoring.map(|a| a.categories.join(", ")),
        "difficulty_level": authoring.and_then(|a| a.difficulty_level),
        "closes_after_minutes": authoring.and_then(|a| a.closes_after_minutes),
        "_answers": authoring.filter(|a| !a.answers.is_empty()).and_then(|a| serde_json::to_string_pretty(&a.answers).ok()),
        "hints": authoring.map(|a| a.hints.as_slice()).unwrap_or_default(),
    })
}

/// How many rows of a kind a form has.
#[derive(Debug, Clone, Copy)]
struct Rows {
    hints: usize,
    /// Texts of parts beyond the first.
    texts: usize,
    translations: usize,
}

impl Rows {
    /// For what is stored, with room for more, and for all that was typed.
    fn of(typed: Option<&Typed>, challenge: Option<&Challenge>) -> Self {
        let authoring = challenge.and_then(|challenge| challenge.authoring.as_ref());
        let parts = |parts: i32| usize::try_from(parts.clamp(1, MAX_PARTS) - 1).unwrap_or_default();
        let typed_parts = typed.and_then(|typed| typed.value("parts")?.trim().parse().ok()).map_or(0, parts);
        let stored = |of: Option<usize>| of.unwrap_or_default() + SPARE;
        Self {
            hints: typed_rows(typed, "hints", "body").max(stored(authoring.map(|a| a.hints.len()))),
            texts: typed_parts.max(challenge.map_or(0, |challenge| parts(challenge.parts))).max(1),
            translations: typed_rows(typed, "translations", "description")
                .max(authoring.map_or(0, |a| a.translations.len()) + 1),
        }
    }
}

/// Title and texts in another language.
fn translation(form: &Form, n: usize, texts: usize) -> Html {
    let at = |key: &str| format!("translations[{n}].{key}");
    let parts = (0..texts).map(|part| {
        let (name, label) =
            (at(&format!("part_descriptions[{part}]:text")), format!("Text of part {}", part + 2));
        field(&form.text(&name, &label, 4))
    });
    group(
        &format!("Language {}", n + 1),
        [
            field(&form.line(&at("language"), "Language").exact().help("As a tag: de, pt-BR.")),
            field(
                &form
                    .line(&at("title:null"), "Title")
                    .help("The text's first heading unless told.")
                    .max_length(200),
            ),
            field(&form.text(&at("description"), "Text", 6).help("Markdown.").max_length(100_000)),
            join(parts),
        ],
    )
}

fn controls(form: &Form, rows: Rows, is_new: bool) -> Vec<Html> {
    let hints = (0..rows.hints).map(|n| {
        let at = |key: &str| format!("hints[{n}].{key}");
        group(
            &format!("Hint {}", n + 1),
            [
                field(&form.text(&at("body"), "Text", 3).help("Markdown.").max_length(10_000)),
                field(&form.number(&at("part:int"), "For part").between(1, MAX_PARTS.into())),
                field(&form.number(&at("cost_bytes:int"), "Costs, in bytes")),
                field(
                    &form
                        .number(&at("penalty:int"), "Takes off the score")
                        .help("Points, or seconds where it goes by time."),
                ),
            ],
        )
    });
    let mut fields = vec![
        field(&form.line("title", "Title").required().max_length(200)),
        field(
            &form
                .line("slug", "Short name")
                .exact()
                .help("Inputs are seeded with it. From the title unless told."),
        ),
        field(&form.text("description:text", "Text", 12).help("Markdown.").max_length(100_000)),
        field(
            &form
                .number("parts:int", "Parts")
                .help("Each has an answer, and opens with the one before it. Preview makes room for their texts.")
                .between(1, MAX_PARTS.into()),
        ),
        join((0..rows.texts).map(|n| {
            let (name, label) = (format!("part_descriptions[{n}]:text"), format!("Text of part {}", n + 2));
            field(&form.text(&name, &label, 6).help("Markdown; exactly where there is such a part."))
        })),
        field(&form.text("generation_script:text", "Script that makes the inputs", 16).exact().help(
            "Python. It prints one JSON object with `input` and `result`, the same for the same seed.",
        )),
        group(
            "Besides",
            [
                field(
                    &form
                        .line("_categories", "Tags")
                        .help("Never shown to participants. Commas between them."),
                ),
                field(&form.number("difficulty_level:int-null", "Difficulty").between(1, 10)),
                field(
                    &form
                        .number("closes_after_minutes:int-null", "Takes answers for so many minutes")
                        .help("To the campaign's end unless told."),
                ),
            ],
        ),
        folded("How answers are judged", &field(&form.text("_answers", "Rules of the answers", 6).exact().help(
            "JSON: a list of one rule for all parts, or one each, as the API has them. Left empty, answers are compared exactly.",
        ))),
        folded("Hints", &join(hints)),
        folded(
            "Further languages",
            &join([
                field(&form.line("language", "Language of the text above").exact().help("As a tag: en, de, pt-BR.")),
                join((0..rows.translations).map(|n| translation(form, n, rows.texts))),
            ]),
        ),
    ];
    fields.push(field(&form.check("_unchecked", "Take the script without trying it first")));
    if !is_new {
        fields.push(field(&form.check(
            "regenerate_started:bool",
            "With a new script: replace also the inputs of who has begun and not finished",
        )));
    }
    fields
}

/// A run as its author sees it.
fn shown_check(checked: &CheckedScript) -> Html {
    let verdict = if checked.good {
        join([ui::seal("done", "Every run gave a usable input, and the same one twice")])
    } else {
        ui::seal("bad", "No participant could use it")
    };
    let told = checked.problems.iter().chain(&checked.warnings).map(says);
    let runs = checked.seeds.iter().enumerate().map(|(n, run)| {
        let input = if run.input_beginning.is_empty() {
            Html::default()
        } else {
            lines(&format!("Input of run {}", n + 1), &run.input_beginning)
        };
        let answers = run.answers.iter().map(code);
        let stderr = if run.stderr.is_empty() {
            Html::default()
        } else {
            lines(&format!("What run {} wrote to standard error", n + 1), &run.stderr)
        };
        group(
            &format!("Run {}", n + 1),
            [
                aside(format!("{} ms, {} bytes of input", run.wall_ms, format::number(run.input_bytes))),
                run.error.as_ref().map(says).unwrap_or_default(),
                input,
                join([text("Answers:"), join(answers)]),
                stderr,
            ],
        )
    });
    join([verdict, join(told), join(runs)])
}

/// What is shown below the form without being kept.
#[derive(Debug)]
enum Tried {
    Nothing,
    Preview(Html),
    Check(CheckedScript),
}

impl Tried {
    fn part(&self, sheet: Sheet) -> Sheet {
        match self {
            Self::Nothing => sheet,
            Self::Preview(html) => sheet.part("As members will read it", join([html.clone()])),
            Self::Check(checked) => sheet.part("What the script does", shown_check(checked)),
        }
    }
}

fn preview(typed: &Typed) -> Html {
    let further = (0..MAX_PARTS - 1).filter_map(|n| {
        let text = typed.value(&format!("part_descriptions[{n}]")).filter(|text| !text.trim().is_empty())?;
        Some(join([says(format!("Part {}", n + 2)), markdown::render(text)]))
    });
    join([markdown::render(typed.value("description").unwrap_or_default()), join(further)])
}

/// Buttons of the editor: looking at it changes nothing.
fn buttons() -> [Html; 3] {
    [
        button("keep", "Keep", "primary"),
        button("preview", "Preview", ""),
        button("check", "Try the script", ""),
    ]
}

fn body(typed: &Typed) -> Result<Value, Problem> {
    let mut body = typed.json()?;
    let has_text = |row: &Map<String, Value>| row.get("body").is_some_and(|body| !body.is_null());
    without_empty_rows(&mut body, "hints", has_text);
    let is_told =
        |row: &Map<String, Value>| row.get("description").is_some() || row.get("language").is_some();
    if body.get("translations").is_some() {
        without_empty_rows(&mut body, "translations", is_told);
    }
    if let Some(translations) = body.get_mut("translations").and_then(Value::as_array_mut) {
        translations.iter_mut().for_each(without_empty_texts);
    }
    without_empty_texts(&mut body);
    if let (Some(body), Some(tags)) = (body.as_object_mut(), typed.value("_categories")) {
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from);
        body.insert("categories".to_owned(), tags.collect());
    }
    if let (Some(body), Some(rules)) = (body.as_object_mut(), typed.value("_answers")) {
        let rules = if rules.trim().is_empty() { "[]" } else { rules };
        let rules: Value = serde_json::from_str(rules)
            .map_err(|error| Problem::field("_answers", format!("must be JSON: {error}")))?;
        body.insert("answers".to_owned(), rules);
    }
    Ok(body)
}

/// Leaves out the texts of parts that nobody wrote, behind those that somebody did.
fn without_empty_texts(of: &mut Value) {
    let Some(texts) = of.get_mut("part_descriptions").and_then(Value::as_array_mut) else { return };
    while texts.last().is_some_and(|text| text.as_str().is_none_or(|text| text.trim().is_empty())) {
        texts.pop();
    }
}

/// How many rows were typed that have this field.
fn typed_rows(typed: Option<&Typed>, of: &str, field: &str) -> usize {
    let has = |typed: &Typed, n: usize| typed.value(&format!("{of}[{n}].{field}")).is_some();
    typed.map_or(0, |typed| (0..64).take_while(|n| has(typed, *n)).count())
}

fn new_page(shell: Shell, campaign: &Campaign, values: Form, (rows, tried): (Rows, &Tried)) -> Sheet {
    let above = format!("/staff/campaigns/{}", campaign.id);
    let action = at(&shell, campaign.id, "/challenges/new");
    let body = form(&shell, &action, controls(&values, rows, true), buttons());
    let sheet = Sheet::new(shell, "New challenge")
        .below("/staff/campaigns", "Campaigns")
        .below(&above, &campaign.settings.name)
        .of(values);
    tried.part(sheet).part("Challenge", body)
}

pub(super) async fn new(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
) -> Result<Page<Sheet>, Problem> {
    let campaign = campaigns::ops::campaign_get(app.pool(), visit.guild_id(), path.campaign_id, true).await?;
    let values =
        Form::of(&json!({ "parts": 1, "language": catalogue::USUAL_LANGUAGE, "generation_script": STARTER }));
    Ok(Page(new_page(visit.shell, &campaign, values, (Rows::of(None, None), &Tried::Nothing))))
}

/// Runs the script as it was typed.
async fn try_typed(
    visit: &Visit<CampaignsWrite>,
    typed: &Typed,
    sandbox: Result<Provided<Sandbox>, Problem>,
) -> Result<Tried, Problem> {
    let Provided(sandbox) = sandbox?;
    let parts = typed.value("parts").and_then(|parts| parts.parse().ok()).unwrap_or(1);
    let script = typed.value("generation_script").unwrap_or_default().replace("\r\n", "\n");
    Ok(Tried::Check(catalogue::draft_try(&sandbox, visit.guild_id(), (&script, parts), RUNS).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let within = (guild, path.campaign_id);
    let rows = Rows::of(Some(&typed), None);
    let create = async {
        let tried = match typed.value("_do") {
            Some("preview") => Tried::Preview(preview(&typed)),
            Some("check") => try_typed(&visit, &typed, sandbox).await?,
            _ => {
                let draft: ChallengeDraft = read_value(&body(&typed)?)?;
                let by = (visit.guild.by(), Some(&visit.guild.origin));
                if typed.value("_unchecked") != Some("true") {
                    challenges::ops::challenge_create_rehearsed(pool, within, &draft, by).await?;
                    let Provided(sandbox) = sandbox?;
                    catalogue::script_check(&sandbox, guild, (&draft, Files::default())).await?;
                }
                challenges::ops::challenge_create(pool, app.wake(), within, &draft, by).await?;
                return Ok(None);
            }
        };
        Ok::<_, Problem>(Some(tried))
    };
    let created = create.await;
    let to = at(&visit.shell, path.campaign_id, "");
    if matches!(created, Ok(None)) {
        return Ok(done(&app, &to, "The challenge is there, last in order."));
    }
    let campaign = campaigns::ops::campaign_get(pool, guild, path.campaign_id, true).await?;
    match created {
        Ok(tried) => {
            let tried = tried.unwrap_or(Tried::Nothing);
            Ok(new_page(visit.shell, &campaign, Form::kept(typed), (rows, &tried)).shown())
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(new_page(visit.shell, &campaign, form, (rows, &Tried::Nothing)).refused(&problem))
        }
    }
}

async fn edit_page(
    app: &App,
    shell: Shell,
    path: ChallengePath,
    (values, typed, tried): (Option<Form>, Option<Typed>, &Tried),
) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let within = (guild, path.campaign_id, path.challenge_id);
    let (campaign, challenge) = try_join!(
        campaigns::ops::campaign_get(pool, guild, path.campaign_id, true).err_into::<Problem>(),
        challenges::ops::challenge_get(pool, within, ADMIN).err_into::<Problem>()
    )?;
    let values = values.unwrap_or_else(|| Form::of(&stored(&challenge)));
    let fields = controls(&values, Rows::of(typed.as_ref(), Some(&challenge)), false);
    let body = form(&shell, &path.at(&shell, ""), fields, buttons());
    let fault = challenge.authoring.as_ref().and_then(|authoring| authoring.script_error.clone());
    let state = match (&fault, challenge.released_at) {
        (Some(_), _) => ui::seal("bad", "Its script fails"),
        (None, Some(_)) => ui::seal("on", "Released"),
        (None, None) => ui::seal("", "Secret"),
    };
    let members = shell.at(&format!("/campaigns/{}/challenges/{}", path.campaign_id, path.challenge_id));
    let above = format!("/staff/campaigns/{}", campaign.id);
    let mut out = vec![link(members, "As members see it")];
    out.push(link(path.at(&shell, "/inputs"), "Inputs and their answers"));
    if challenge.released_at.is_none() {
        out.push(link(path.at(&shell, "/delete"), "Delete it"));
    }
    let sheet = Sheet::new(shell, &challenge.title)
        .below("/staff/campaigns", "Campaigns")
        .below(&above, &campaign.settings.name)
        .lead(join([state, join(out), fault.map(|fault| lines("Why", &fault)).unwrap_or_default()]))
        .of(values);
    Ok(tried.part(sheet).part("Challenge", body))
}

pub(super) async fn edit(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(edit_page(&app, visit.shell, path, (None, None, &Tried::Nothing)).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let within = (guild, path.campaign_id, path.challenge_id);
    let update = async {
        let tried = match typed.value("_do") {
            Some("preview") => Tried::Preview(preview(&typed)),
            Some("check") => {
                let Provided(sandbox) = sandbox?;
                let script = typed.value("generation_script").unwrap_or_default().replace("\r\n", "\n");
                Tried::Check(catalogue::check(pool, &sandbox, within, Some(&script), RUNS).await?)
            }
            _ => {
                let patch: ChallengePatch = read_value(&body(&typed)?)?;
                let by = (visit.guild.by(), Some(&visit.guild.origin));
                if typed.value("_unchecked") != Some("true")
                    && let Some((wanted, files)) =
                        challenges::ops::challenge_update_rehearsed(pool, within, &patch, by).await?
                {
                    let Provided(sandbox) = sandbox?;
                    catalogue::script_check(&sandbox, guild, (&wanted, files)).await?;
                }
                challenges::ops::challenge_update(pool, app.wake(), within, &patch, by).await?;
                return Ok(None);
            }
        };
        Ok::<_, Problem>(Some(tried))
    };
    match update.await {
        Ok(None) => Ok(done(&app, &path.at(&visit.shell, ""), "The challenge is kept.")),
        Ok(Some(tried)) => {
            let page = (Some(Form::kept(typed.clone())), Some(typed), &tried);
            Ok(edit_page(&app, visit.shell, path, page).await?.shown())
        }
        Err(problem) => {
            let (form, problem) = again(typed.clone(), problem)?;
            let page = (Some(form), Some(typed), &Tried::Nothing);
            Ok(edit_page(&app, visit.shell, path, page).await?.refused(&problem))
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Move {
    by: i8,
}

/// One place earlier or later.
pub(super) async fn reorder(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    Query(wanted): Query<Move>,
) -> Result<Response, Problem> {
    let (pool, within) = (app.pool(), (visit.guild_id(), path.campaign_id));
    let all = PageQuery { limit: Some(200), cursor: None };
    let all = challenges::ops::challenge_list(pool, within, ADMIN, &all).await?;
    let mut order: Vec<ChallengeId> = all.items.iter().map(|challenge| challenge.id).collect();
    let from = order
        .iter()
        .position(|id| *id == path.challenge_id)
        .ok_or_else(|| Problem::not_found("challenge"))?;
    let to = from.saturating_add_signed(wanted.by.signum().into()).min(order.len() - 1);
    order.swap(from, to);
    let by = (visit.guild.by(), Some(&visit.guild.origin));
    challenges::ops::challenge_reorder(pool, within, &order, by).await?;
    Ok(done(&app, &at(&visit.shell, path.campaign_id, ""), "The order is kept."))
}

fn delete_page(shell: Shell, path: ChallengePath, challenge: &Challenge, told: Form) -> Sheet {
    let action = path.at(&shell, "/delete");
    let body = join([
        says(
            "Its text, its script, its hints and the inputs that were made ahead go. It cannot be brought back.",
        ),
        form(&shell, &action, [], [button("yes", "Delete", "grave"), link(path.at(&shell, ""), "Keep it")]),
    ]);
    let above = format!("/staff/campaigns/{}", path.campaign_id);
    Sheet::new(shell, format!("Delete {}?", challenge.title))
        .below(&above, "The campaign")
        .of(told)
        .part("What will happen", body)
}

pub(super) async fn ask_delete(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
) -> Result<Page<Sheet>, Problem> {
    let within = (visit.guild_id(), path.campaign_id, path.challenge_id);
    let challenge = challenges::ops::challenge_get(app.pool(), within, ADMIN).await?;
    Ok(Page(delete_page(visit.shell, path, &challenge, Form::new())))
}

pub(super) async fn delete(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<ChallengePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let within = (visit.guild_id(), path.campaign_id, path.challenge_id);
    let by = (visit.guild.by(), Some(&visit.guild.origin));
    match challenges::ops::challenge_delete(app.pool(), within, by).await {
        Ok(()) => Ok(done(&app, &at(&visit.shell, path.campaign_id, ""), "The challenge is gone.")),
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            let challenge = challenges::ops::challenge_get(app.pool(), within, ADMIN).await?;
            Ok(delete_page(visit.shell, path, &challenge, form).refused(&problem))
        }
    }
}
