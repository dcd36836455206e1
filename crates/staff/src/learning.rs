//! Paths and quests as their authors keep them: drafts as documents, published with what is found.

use access::scope::LearningWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::Problem;
use learning::ids::{PathId, QuestId};
use learning::model::path::{Bundle, PathDocument};
use learning::model::quest::QuestDocument;
use learning::ops::{self, Author};
use serde::Deserialize;
use serde_json::json;

use super::Cursor;
use super::campaign_form::pasted;
use super::sheet::{
    Sheet, actions, again, aside, button, code, field, form, join, link, says, table, text, unseen, way, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    quest_id: QuestId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PathPath {
    path_id: PathId,
}

fn author(visit: &Visit<LearningWrite>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

fn quest_at(shell: &Shell, id: QuestId, rest: &str) -> String {
    shell.at(&format!("/staff/learning/quests/{id}{rest}"))
}

fn path_at(shell: &Shell, id: PathId, rest: &str) -> String {
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

fn document(values: &Form, name: &str, label: &str) -> Html {
    field(&values.text(name, label, 28).exact().required().help("JSON, as the API has it."))
}

fn new_page(shell: Shell, what: &str, values: Form) -> Sheet {
    let body = form(
        &shell,
        &shell.at(&format!("/staff/learning/{what}s/new")),
        [
            field(
                &values
                    .line("slug", "Short name")
                    .exact()
                    .required()
                    .help("Small letters, digits, dots and dashes."),
            ),
            document(&values, what, &format::word(what)),
        ],
        [button("keep", "Keep as a draft", "primary")],
    );
    Sheet::new(shell, format!("New {what}"))
        .below("/staff/learning", "Paths and quests")
        .of(values)
        .part("Draft", body)
}

pub(super) async fn quest_new(visit: Visit<LearningWrite>) -> Page<Sheet> {
    Page(new_page(visit.shell, "quest", Form::of(&json!({ "quest": QUEST }))))
}

pub(super) async fn path_new(visit: Visit<LearningWrite>) -> Page<Sheet> {
    Page(new_page(visit.shell, "path", Form::of(&json!({ "path": PATH }))))
}

pub(super) async fn quest_create(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let quest: QuestDocument = pasted(&typed, "quest")?;
        let slug = typed.value("slug").unwrap_or_default();
        Ok::<_, Problem>(ops::quest_create(app.pool(), visit.guild_id(), slug, &quest, author(&visit)).await?)
    };
    match create.await {
        Ok(made) => {
            Ok(done(&app, &quest_at(&visit.shell, made.id, ""), "It is a draft: learners do not see it yet."))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(new_page(visit.shell, "quest", form).refused(&problem))
        }
    }
}

pub(super) async fn path_create(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let path: PathDocument = pasted(&typed, "path")?;
        let slug = typed.value("slug").unwrap_or_default();
        Ok::<_, Problem>(ops::path_create(app.pool(), visit.guild_id(), slug, &path, author(&visit)).await?)
    };
    match create.await {
        Ok(made) => {
            Ok(done(&app, &path_at(&visit.shell, made.id, ""), "It is a draft: learners do not see it yet."))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(new_page(visit.shell, "path", form).refused(&problem))
        }
    }
}

/// The editor of a document, with what can be done to it.
fn editor(shell: &Shell, action: &str, what: &str, values: &Form, revision: i32) -> Html {
    join([
        aside(
            "A draft is seen by nobody but authors. Publishing says what is wrong with it, if anything is.",
        ),
        form(
            shell,
            action,
            [unseen("revision", revision), document(values, what, "Document")],
            [button("keep", "Keep as a draft", ""), button("publish", "Keep and publish", "primary")],
        ),
    ])
}

fn pretty(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

async fn quest_page(app: &App, shell: Shell, id: QuestId, refused: Option<Form>) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let (source, versions) =
        try_join!(ops::quest_source(pool, guild, id), ops::quest_versions(pool, guild, id))
            .map_err(Problem::from)?;
    let values = refused.unwrap_or_else(|| Form::of(&json!({ "quest": pretty(&source.quest) })));
    let body = editor(&shell, &quest_at(&shell, id, ""), "quest", &values, source.revision);
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
        .part("Document", body)
        .part("Versions", versions))
}

pub(super) async fn quest(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(quest_page(&app, visit.shell, path.quest_id, None).await?))
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
        let quest: QuestDocument = pasted(&typed, "quest")?;
        ops::quest_put(pool, guild, id, revision(&typed), &quest, author(&visit)).await?;
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
            let (form, problem) = again(typed, problem)?;
            Ok(quest_page(&app, visit.shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

fn retire_page(shell: Shell, title: &str, (action, back): (&str, &str), told: Form) -> Sheet {
    let body = join([
        says("Who has begun can finish; nobody else can begin. Publishing it again brings it back."),
        form(&shell, action, [], [button("yes", "Retire", "grave"), link(back, "Keep it")]),
    ]);
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

async fn path_page(app: &App, shell: Shell, id: PathId, refused: Option<Form>) -> Result<Sheet, Problem> {
    let source = ops::path_source(app.pool(), shell.guild_id, id).err_into::<Problem>().await?;
    let values = refused.unwrap_or_else(|| Form::of(&json!({ "path": pretty(&source.path) })));
    let body = editor(&shell, &path_at(&shell, id, ""), "path", &values, source.revision);
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
        .part("Document", body))
}

pub(super) async fn path(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(path_page(&app, visit.shell, path.path_id, None).await?))
}

pub(super) async fn path_put(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.path_id);
    let put = async {
        let document: PathDocument = pasted(&typed, "path")?;
        ops::path_put(pool, guild, id, revision(&typed), &document, author(&visit)).await?;
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
            let (form, problem) = again(typed, problem)?;
            Ok(path_page(&app, visit.shell, id, Some(form)).await?.refused(&problem))
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

/// The path with its quests as a file, which importing makes the same of.
pub(super) async fn export(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Response, Problem> {
    let bundle = learning::authoring::bundle_export(app.pool(), visit.guild_id(), path.path_id).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"path-{}.json\"", path.path_id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, pretty(&bundle)).into_response())
}

fn import_page(shell: Shell, values: Form) -> Sheet {
    let body = form(
        &shell,
        &shell.at("/staff/learning/import"),
        [document(&values, "bundle", "The bundle")],
        [
            button("publish", "Bring it in and publish", "primary"),
            button("draft", "Bring it in as drafts", ""),
        ],
    );
    Sheet::new(shell, "From a bundle")
        .below("/staff/learning", "Paths and quests")
        .of(values)
        .part("Bundle", body)
}

pub(super) async fn import(visit: Visit<LearningWrite>) -> Page<Sheet> {
    Page(import_page(visit.shell, Form::new()))
}

pub(super) async fn import_now(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let import = async {
        let bundle: Bundle = pasted(&typed, "bundle")?;
        let publish = typed.value("_do") == Some("publish");
        let by = author(&visit);
        let done = ops::bundle_import(app.pool(), visit.guild_id(), &bundle, publish, by).await?;
        app.wake().outbox();
        Ok::<_, Problem>(done)
    };
    match import.await {
        Ok(published) => {
            let said = format!(
                "{} made, {} with another version, {} reworded, {} as they were.",
                format::count(published.created, "quest", "quests"),
                published.new_versions,
                published.reworded,
                published.unchanged
            );
            Ok(done(&app, &path_at(&visit.shell, published.path_id, ""), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(import_page(visit.shell, form).refused(&problem))
        }
    }
}
