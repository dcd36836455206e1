//! Paths and quests as their authors keep them: drafts as documents, published with what is found.

use access::scope::LearningWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{GuildId, PageQuery, Problem};
use learning::ids::{PathId, QuestId};
use learning::model::path::PathDocument;
use learning::model::quest::QuestDocument;
use learning::ops::{self, Author};
use serde::Deserialize;
use serde_json::json;

use super::Cursor;
use super::campaign_form::pasted;
use super::overlay::{slug_of, told_at};
use super::sheet::{
    Sheet, actions, again, aside, button, code, field, form, join, link, question, table, tabs, text, unseen,
    way, when,
};
use super::{path_form, quest_form};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    quest_id: QuestId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PathPath {
    pub(super) path_id: PathId,
}

/// How many quests can be chosen from for a path.
const CHOICES: i64 = 200;

pub(super) fn author(visit: &Visit<LearningWrite>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

fn quest_at(shell: &Shell, id: QuestId, rest: &str) -> String {
    shell.at(&format!("/staff/learning/quests/{id}{rest}"))
}

pub(super) fn path_at(shell: &Shell, id: PathId, rest: &str) -> String {
    shell.at(&format!("/staff/learning/paths/{id}{rest}"))
}

fn state(published: bool, has_draft: bool, retired: bool) -> Html {
    match (retired, published, has_draft) {
        (true, ..) => ui::seal("bad", "Retired"),
        (_, true, true) => join([ui::seal("on", "Published"), ui::seal("soon", "with a draft")]),
        (_, true, false) => ui::seal("on", "Published"),
        (_, false, _) => ui::seal("", "Draft"),
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let page = cursor.page();
    let first = kernel::PageQuery::default();
    let (paths, quests) =
        try_join!(ops::path_list(pool, guild, &first), ops::quest_list(pool, guild, &page))?;
    let shell = visit.shell;
    let rows = paths.items.iter().map(|path| {
        vec![
            link(path_at(&shell, path.id, ""), &path.name),
            code(&path.slug),
            state(path.is_published, path.has_draft, path.retired_at.is_some()),
        ]
    });
    let paths = join([
        actions([
            way(shell.at("/staff/learning/paths/new"), "New path", ""),
            way(shell.at("/staff/learning/import"), "From a bundle", ""),
        ]),
        table("Paths", &["Path", "Short name", "State"], rows.collect(), "There is none yet."),
    ]);
    let rows = quests.items.iter().map(|quest| {
        vec![
            link(quest_at(&shell, quest.id, ""), &quest.title),
            code(&quest.slug),
            quest.version.map(text).unwrap_or_default(),
            state(quest.version.is_some(), quest.has_draft, quest.retired_at.is_some()),
        ]
    });
    let rows = rows.collect();
    let quests = join([
        actions([way(shell.at("/staff/learning/quests/new"), "New quest", "")]),
        table("Quests", &["Quest", "Short name", "#Version", "State"], rows, "There is none yet."),
        ui::more(shell.at("/staff/learning"), "", quests.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Paths and quests").part("Paths", paths).part("Quests", quests)))
}

const QUEST: &str = r#"{
  "title": "The first hour",
  "type": "Tutorial",
  "difficulty": "Beginner",
  "experience_points": 50,
  "description": "What this is about.",
  "steps": [
    { "slug": "read", "type": "Reading", "title": "Read", "description": "What to read." }
  ]
}"#;
const PATH: &str = r#"{
  "name": "From the start",
  "type": "Course",
  "description": "Where it leads.",
  "quests": [{ "quest": "first" }]
}"#;

pub(super) fn document(values: &Form, name: &str, label: &str) -> Html {
    field(&values.text(name, label, 28).exact().required().help("JSON, as the API has it."))
}

/// As what a draft is edited: what most authors want is a form, what is in it whole is its document.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum As {
    #[default]
    Form,
    Document,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(super) struct Edited {
    #[serde(rename = "as")]
    by: As,
}

impl Edited {
    /// What a form was that was sent: a document stands in a control of its own.
    fn of(typed: &Typed, what: &str) -> Self {
        Self { by: if typed.value(what).is_some() { As::Document } else { As::Form } }
    }
}

/// The ways to edit the same draft, with the one that is shown.
fn ways_to_edit(path: &str, by: As) -> Html {
    let whole = format!("{path}?as=document");
    let here = if by == As::Form { path } else { &whole };
    tabs("Edited as", here, &[(path.to_owned(), "A form"), (whole.clone(), "Its document")])
}

fn new_page(shell: Shell, what: &str, (by, fields): (As, Vec<Html>), values: Form) -> Sheet {
    let path = shell.at(&format!("/staff/learning/{what}s/new"));
    let slug = field(&values.line("slug", "Short name").exact().max_length(100).help(
        "Small letters, digits, dots and dashes: by it others refer to it. Made of its title unless told.",
    ));
    let fields = match by {
        As::Form => fields,
        As::Document => vec![document(&values, what, &format::word(what))],
    };
    let fields = fields.into_iter().chain([slug]);
    let body = form(&shell, &path, fields, [button("keep", "Keep as a draft", "primary")]);
    Sheet::new(shell, format!("New {what}"))
        .below("/staff/learning", "Paths and quests")
        .of(values)
        .part("Draft", join([ways_to_edit(&path, by), body]))
}

fn quest_new_page(shell: Shell, by: As, told: Form) -> Sheet {
    let values = match by {
        As::Form => told.over(&quest_form::fresh()),
        As::Document => told.over(&json!({ "quest": QUEST })),
    };
    let fields = quest_form::fields(&values, None);
    new_page(shell, "quest", (by, fields), values)
}

async fn path_new_page(app: &App, shell: Shell, by: As, told: Form) -> Result<Sheet, Problem> {
    let values = match by {
        As::Form => told.over(&path_form::fresh()),
        As::Document => told.over(&json!({ "path": PATH })),
    };
    let fields = path_form::fields(&values, None, &quests_known(app, shell.guild_id).await?);
    Ok(new_page(shell, "path", (by, fields), values))
}

/// The guild's quests that can be chosen from, by short name and title.
async fn quests_known(app: &App, guild: GuildId) -> Result<Vec<(String, String)>, Problem> {
    let many = PageQuery { limit: Some(CHOICES), cursor: None };
    let quests = ops::quest_list(app.pool(), guild, &many).await?.items;
    let there = quests.into_iter().filter(|quest| quest.retired_at.is_none());
    Ok(there.map(|quest| (quest.slug, quest.title)).collect())
}

pub(super) async fn quest_new(visit: Visit<LearningWrite>, Query(edited): Query<Edited>) -> Page<Sheet> {
    Page(quest_new_page(visit.shell, edited.by, Form::new()))
}

pub(super) async fn path_new(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Query(edited): Query<Edited>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(path_new_page(&app, visit.shell, edited.by, Form::new()).await?))
}

/// The short name that was typed, else one made of the title.
fn slug(typed: &Typed, title: &str, otherwise: &str) -> String {
    match typed.value("slug").map(str::trim) {
        Some(slug) if !slug.is_empty() => slug.to_owned(),
        _ => slug_of(title, otherwise, &[]),
    }
}

/// The quest that was typed, over what is stored; and of which row of the form each of its steps is.
fn quest_typed(
    typed: &Typed,
    stored: Option<&QuestDocument>,
) -> Result<(QuestDocument, Vec<usize>), Problem> {
    match typed.value("quest") {
        Some(_) => Ok((pasted(typed, "quest")?, Vec::new())),
        None => quest_form::read(typed, stored),
    }
}

fn path_typed(typed: &Typed, stored: Option<&PathDocument>) -> Result<(PathDocument, Vec<usize>), Problem> {
    match typed.value("path") {
        Some(_) => Ok((pasted(typed, "path")?, Vec::new())),
        None => path_form::read(typed, stored),
    }
}

pub(super) async fn quest_create(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let (quest, rows) = quest_typed(&typed, None)?;
        let slug = slug(&typed, &quest.title, "quest");
        let made = ops::quest_create(app.pool(), visit.guild_id(), &slug, &quest, author(&visit)).await;
        made.map_err(|error| told_at(error.into(), "quest", "steps", &rows))
    };
    match create.await {
        Ok(made) => {
            Ok(done(&app, &quest_at(&visit.shell, made.id, ""), "It is a draft: learners do not see it yet."))
        }
        Err(problem) => {
            let by = Edited::of(&typed, "quest").by;
            let (form, problem) = again(typed, problem)?;
            Ok(quest_new_page(visit.shell, by, form).refused(&problem))
        }
    }
}

pub(super) async fn path_create(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let (path, rows) = path_typed(&typed, None)?;
        let slug = slug(&typed, &path.name, "path");
        let made = ops::path_create(app.pool(), visit.guild_id(), &slug, &path, author(&visit)).await;
        made.map_err(|error| told_at(error.into(), "path", "quests", &rows))
    };
    match create.await {
        Ok(made) => {
            Ok(done(&app, &path_at(&visit.shell, made.id, ""), "It is a draft: learners do not see it yet."))
        }
        Err(problem) => {
            let by = Edited::of(&typed, "path").by;
            let (form, problem) = again(typed, problem)?;
            Ok(path_new_page(&app, visit.shell, by, form).await?.refused(&problem))
        }
    }
}

/// The editor of a draft, with what can be done to it.
fn editor(shell: &Shell, path: &str, by: As, fields: Vec<Html>, revision: i32) -> Html {
    let fields = std::iter::once(unseen("revision", revision)).chain(fields);
    let buttons = [button("publish", "Keep and publish", "primary"), button("keep", "Keep as a draft", "")];
    join([
        ways_to_edit(path, by),
        aside(
            "A draft is seen by nobody but authors. Publishing says what is wrong with it, if anything is.",
        ),
        form(shell, path, fields, buttons),
    ])
}

pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

async fn quest_page(
    app: &App,
    shell: Shell,
    (id, edited): (QuestId, Edited),
    told: Form,
) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let (source, versions) =
        try_join!(ops::quest_source(pool, guild, id), ops::quest_versions(pool, guild, id))
            .map_err(Problem::from)?;
    let (values, fields) = match edited.by {
        As::Form => {
            let values = told.over(&quest_form::stored(&source.quest));
            let fields = quest_form::fields(&values, Some(&source.quest));
            (values, fields)
        }
        As::Document => {
            let values = told.over(&json!({ "quest": pretty(&source.quest) }));
            let fields = vec![document(&values, "quest", "Document")];
            (values, fields)
        }
    };
    let body = editor(&shell, &quest_at(&shell, id, ""), edited.by, fields, source.revision);
    let rows = versions.iter().map(|version| {
        vec![
            text(version.version),
            text(format::number(version.attempts)),
            format::time(&version.published_at),
            format::time(&version.changed_at),
        ]
    });
    let versions = table(
        "Versions",
        &["Version", "#Attempts", "Published", "Reworded"],
        rows.collect(),
        "It was never published.",
    );
    let mut ways = vec![state(source.version.is_some(), source.is_draft, source.retired_at.is_some())];
    ways.push(link(shell.at(&format!("/learn/quests/{id}")), "As learners see it"));
    if source.retired_at.is_none() {
        ways.push(link(quest_at(&shell, id, "/retire"), "Retire it"));
    }
    Ok(Sheet::new(shell, source.quest.title.clone())
        .below("/staff/learning", "Paths and quests")
        .lead(actions(ways))
        .of(values)
        .part("The quest", body)
        .part("Versions", versions))
}

pub(super) async fn quest(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<QuestPath>,
    Query(edited): Query<Edited>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(quest_page(&app, visit.shell, (path.quest_id, edited), Form::new()).await?))
}

fn revision(typed: &Typed) -> Option<i32> {
    typed.value("revision").and_then(|revision| revision.parse().ok())
}

pub(super) async fn quest_put(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<QuestPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.quest_id);
    let put = async {
        let stored = ops::quest_source(pool, guild, id).await?.quest;
        let (quest, rows) = quest_typed(&typed, Some(&stored))?;
        let put = ops::quest_put(pool, guild, id, revision(&typed), &quest, author(&visit)).await;
        put.map_err(|error| told_at(error.into(), "quest", "steps", &rows))?;
        if typed.value("_do") == Some("publish") {
            ops::quest_publish(pool, guild, id, author(&visit)).await?;
            app.wake().outbox();
            return Ok("It is published.");
        }
        Ok::<_, Problem>("The draft is kept.")
    };
    match put.await {
        Ok(said) => Ok(done(&app, &quest_at(&visit.shell, id, ""), said)),
        Err(problem) => {
            let edited = Edited::of(&typed, "quest");
            let (form, problem) = again(typed, problem)?;
            Ok(quest_page(&app, visit.shell, (id, edited), form).await?.refused(&problem))
        }
    }
}

fn retire_page(shell: Shell, title: &str, (action, back): (&str, &str), told: Form) -> Sheet {
    let happens = "Who has begun can finish; nobody else can begin. Publishing it again brings it back.";
    let body = question(&shell, action, happens, [], ("Retire", back, "Keep it"));
    Sheet::new(shell, format!("Retire {title}?"))
        .below("/staff/learning", "Paths and quests")
        .of(told)
        .part("What will happen", body)
}

async fn quest_retire_page(app: &App, shell: Shell, id: QuestId, told: Form) -> Result<Sheet, Problem> {
    let source = ops::quest_source(app.pool(), shell.guild_id, id).await?;
    let ways = (quest_at(&shell, id, "/retire"), quest_at(&shell, id, ""));
    Ok(retire_page(shell, &source.quest.title, (&ways.0, &ways.1), told))
}

pub(super) async fn quest_ask_retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(quest_retire_page(&app, visit.shell, path.quest_id, Form::new()).await?))
}

pub(super) async fn quest_retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<QuestPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.quest_id;
    match ops::quest_retire(app.pool(), visit.guild_id(), id, author(&visit)).await {
        Ok(_) => Ok(done(&app, &quest_at(&visit.shell, id, ""), "It is retired.")),
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            Ok(quest_retire_page(&app, visit.shell, id, form).await?.refused(&problem))
        }
    }
}

async fn path_page(
    app: &App,
    shell: Shell,
    (id, edited): (PathId, Edited),
    told: Form,
) -> Result<Sheet, Problem> {
    let source = ops::path_source(app.pool(), shell.guild_id, id).err_into::<Problem>().await?;
    let (values, fields) = match edited.by {
        As::Form => {
            let values = told.over(&path_form::stored(&source.path));
            let known = quests_known(app, shell.guild_id).await?;
            let fields = path_form::fields(&values, Some(&source.path), &known);
            (values, fields)
        }
        As::Document => {
            let values = told.over(&json!({ "path": pretty(&source.path) }));
            let fields = vec![document(&values, "path", "Document")];
            (values, fields)
        }
    };
    let body = editor(&shell, &path_at(&shell, id, ""), edited.by, fields, source.revision);
    let mut ways = vec![state(source.is_published, source.is_draft, source.retired_at.is_some())];
    ways.push(link(shell.at(&format!("/learn/paths/{id}")), "As learners see it"));
    ways.push(link(path_at(&shell, id, "/bundle.json"), "Take it as a bundle"));
    if source.retired_at.is_none() {
        ways.push(link(path_at(&shell, id, "/retire"), "Retire it"));
    }
    let retired = source.retired_at.map(|at| join([text("Retired"), when(Some(&at))])).unwrap_or_default();
    Ok(Sheet::new(shell, source.path.name.clone())
        .below("/staff/learning", "Paths and quests")
        .lead(join([actions(ways), retired]))
        .of(values)
        .part("The path", body))
}

pub(super) async fn path(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
    Query(edited): Query<Edited>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(path_page(&app, visit.shell, (path.path_id, edited), Form::new()).await?))
}

pub(super) async fn path_put(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.path_id);
    let put = async {
        let stored = ops::path_source(pool, guild, id).await?.path;
        let (document, rows) = path_typed(&typed, Some(&stored))?;
        let put = ops::path_put(pool, guild, id, revision(&typed), &document, author(&visit)).await;
        put.map_err(|error| told_at(error.into(), "path", "quests", &rows))?;
        if typed.value("_do") == Some("publish") {
            ops::path_publish(pool, guild, id, author(&visit)).await?;
            app.wake().outbox();
            return Ok("It is published.");
        }
        Ok::<_, Problem>("The draft is kept.")
    };
    match put.await {
        Ok(said) => Ok(done(&app, &path_at(&visit.shell, id, ""), said)),
        Err(problem) => {
            let edited = Edited::of(&typed, "path");
            let (form, problem) = again(typed, problem)?;
            Ok(path_page(&app, visit.shell, (id, edited), form).await?.refused(&problem))
        }
    }
}

async fn path_retire_page(app: &App, shell: Shell, id: PathId, told: Form) -> Result<Sheet, Problem> {
    let source = ops::path_source(app.pool(), shell.guild_id, id).await?;
    let ways = (path_at(&shell, id, "/retire"), path_at(&shell, id, ""));
    Ok(retire_page(shell, &source.path.name, (&ways.0, &ways.1), told))
}

pub(super) async fn path_ask_retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(path_retire_page(&app, visit.shell, path.path_id, Form::new()).await?))
}

pub(super) async fn path_retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.path_id;
    match ops::path_retire(app.pool(), visit.guild_id(), id, author(&visit)).await {
        Ok(_) => Ok(done(&app, &path_at(&visit.shell, id, ""), "It is retired.")),
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            Ok(path_retire_page(&app, visit.shell, id, form).await?.refused(&problem))
        }
    }
}
