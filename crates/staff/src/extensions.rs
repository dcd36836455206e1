//! Deadlines of single learners.

use access::scope::LearningGrade;
use access::{App, Path, Query};
use assessment::model::extension::NewExtension;
use assessment::ops;
use axum::extract::State;
use axum::response::Response;
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::format;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::{Problem, UserId};
use learning::ids::{AssessmentId, QuestId};
use learning::ops::Author;
use serde::Deserialize;
use serde_json::json;

use super::names::Names;
use super::sheet::{Sheet, aside, button, field, form, join, link, table, text};
use super::told::{led, told};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AssessmentPath {
    quest_id: QuestId,
    assessment_id: AssessmentId,
}

impl AssessmentPath {
    fn at(self, shell: &Shell) -> String {
        shell.at(&format!("/staff/extensions/{}/{}", self.quest_id, self.assessment_id))
    }
}

/// Whom it is about, where somebody comes from their hand-in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Whom {
    user_id: Option<UserId>,
}

fn author(visit: &Visit<LearningGrade>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

async fn page(
    app: &App,
    shell: Shell,
    (path, whom): (AssessmentPath, Whom),
    told: Form,
) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "user_id": whom.user_id }));
    let all = ops::extension_list(app.pool(), shell.guild_id, path.quest_id, path.assessment_id).await?;
    let names = Names::of(app, shell.guild_id, all.iter().map(|one| one.user_id)).await?;
    let rows = all.iter().map(|one| {
        vec![
            names.member(&shell, &one.user_id),
            format::time(&one.due_at),
            text(one.reason.as_deref().unwrap_or_default()),
            format::time(&one.updated_at),
        ]
    });
    let heads = ["Who", "Their deadline", "Why", "Since"];
    let list = table("Deadlines", &heads, rows.collect(), "Everybody has the same deadline.");
    let give = join([
        form(
            &shell,
            &path.at(&shell),
            [
                field(&values.line("user_id", "Discord id").exact().required()),
                field(&values.time("due_at:time", "Their deadline").required().help("In UTC.")),
                field(&values.line("reason", "Why").max_length(500)),
            ],
            [button("give", "Give it", "primary")],
        ),
        aside("What they handed in is no longer late until then; penalties that it had are taken back."),
    ]);
    let quest = link(shell.at(&format!("/learn/quests/{}", path.quest_id)), "The quest");
    Ok(Sheet::new(shell, "Deadlines of single learners")
        .below("/staff/grading", "Grading")
        .lead(quest)
        .of(values)
        .part("Deadlines", list)
        .part("Give one", give))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<AssessmentPath>,
    Query(whom): Query<Whom>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, (path, whom), Form::new()).await?))
}

pub(super) async fn put(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<AssessmentPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let put = async {
        let user = typed.value("user_id").unwrap_or_default().trim().parse::<UserId>();
        let user = user.map_err(|error| Problem::field("user_id", error.to_string()))?;
        let mut body = typed.json()?;
        if let Some(body) = body.as_object_mut() {
            body.remove("user_id");
        }
        let new: NewExtension = read_value(&body)?;
        let (guild, quest, assessment) = (visit.guild_id(), path.quest_id, path.assessment_id);
        ops::extension_put(app.pool(), guild, quest, assessment, user, &new, author(&visit)).await?;
        Ok(led(path.at(&visit.shell), "They have another deadline."))
    };
    let outcome = put.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, (path, Whom::default()), form)).await
}
