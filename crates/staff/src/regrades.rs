//! Regrades: what another key would change is looked at first, and then done.

use access::scope::LearningGrade;
use access::{App, Path, Query};
use assessment::ids::RegradeId;
use assessment::model::regrade::{Difference, NewRegrade, Regrade, RegradePreview};
use assessment::ops;
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
use kernel::{GuildId, Problem};
use learning::ids::{AssessmentId, QuestId, StepId};
use learning::ops::Author;
use serde::Deserialize;

use super::names::Names;
use super::sheet::{
    Sheet, again, aside, button, code, facts, field, form, join, link, says, table, text, unseen, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct RegradePath {
    regrade_id: RegradeId,
}

/// What is to be graded again.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Subject {
    quest_id: QuestId,
    step_id: Option<StepId>,
    assessment_id: Option<AssessmentId>,
}

fn author(visit: &Visit<LearningGrade>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

/// What those are called whose tries differ.
async fn named(app: &App, guild: GuildId, differences: &[Difference]) -> Result<Names, Problem> {
    Names::of(app, guild, differences.iter().map(|one| one.user_id)).await
}

fn differences(shell: &Shell, names: &Names, differences: &[Difference]) -> Html {
    let passed =
        |passed: bool| if passed { ui::seal("done", "Passed") } else { ui::seal("bad", "Not passed") };
    let rows = differences.iter().map(|one| {
        vec![
            names.member(shell, &one.user_id),
            join([code(&one.from), text("to"), code(&one.to)]),
            passed(one.passed_before),
            passed(one.passed),
        ]
    });
    table("Tries that change", &["Who", "Result", "Before", "After"], rows.collect(), "Nothing changes.")
}

fn state(regrade: &Regrade) -> Html {
    match (regrade.status.as_str(), regrade.dry) {
        ("done", true) => ui::seal("soon", "Looked at"),
        ("done", false) => ui::seal("done", "Done"),
        ("failed", _) => ui::seal("bad", "Failed"),
        (other, _) => ui::seal("warn", &format::word(other)),
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
) -> Result<Page<Sheet>, Problem> {
    let all = ops::regrade_list(app.pool(), visit.guild_id()).await?;
    let shell = visit.shell;
    let rows = all.iter().map(|regrade| {
        vec![
            link(shell.at(&format!("/staff/regrades/{}", regrade.id)), format::word(&regrade.reason)),
            state(regrade),
            text(format::number(regrade.looked_at)),
            text(format::number(regrade.changed)),
            text(format::number(regrade.passed)),
            format::time(&regrade.created_at),
        ]
    });
    let heads = ["Why", "State", "#Looked at", "#Changed", "#Passed by it", "Asked for"];
    let body = join([
        table("Regrades", &heads, rows.collect(), "Nothing was graded again."),
        aside("A quest's figures lead to grading one of its steps again."),
        link(shell.at("/staff/figures"), "Figures of quests"),
    ]);
    Ok(Page(Sheet::new(shell, "Regrades").part("The latest first", body)))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<RegradePath>,
) -> Result<Page<Sheet>, Problem> {
    let regrade = ops::regrade_get(app.pool(), visit.guild_id(), path.regrade_id).await?;
    let shell = visit.shell;
    let known = facts([
        ("By the key of version", text(regrade.key_version)),
        ("Lowers", text(if regrade.lowers { "Also" } else { "Never" })),
        ("Looked at", text(format::number(regrade.looked_at))),
        ("Changed", text(format::number(regrade.changed))),
        ("Passed by it", text(format::number(regrade.passed))),
        ("Asked for", format::time(&regrade.created_at)),
        ("Finished", when(regrade.finished_at.as_ref())),
    ]);
    let names = named(&app, shell.guild_id, &regrade.differences).await?;
    let changes = differences(&shell, &names, &regrade.differences);
    let lead = join([
        state(&regrade),
        link(shell.at(&format!("/staff/figures/quests/{}", regrade.quest_id)), "The quest"),
    ]);
    Ok(Page(
        Sheet::new(shell, "Regrade")
            .below("/staff/regrades", "Regrades")
            .lead(lead)
            .part("Why", says(&regrade.reason))
            .part("How far it is", known)
            .part("Tries that change", changes),
    ))
}

fn shown_preview(shell: &Shell, names: &Names, preview: &RegradePreview) -> Html {
    join([
        facts([
            ("By the key of version", text(preview.key_version)),
            ("Looked at", text(format::number(preview.looked_at))),
            ("Raised", text(format::number(preview.raised))),
            ("Lowered", text(format::number(preview.lowered))),
            ("Pass by it", text(format::number(preview.newly_passed))),
            ("Fail by it", text(format::number(preview.newly_failed))),
        ]),
        differences(shell, names, &preview.differences),
    ])
}

fn new_page(shell: Shell, values: Form, preview: Option<Html>, subject: Subject) -> Sheet {
    let mut fields = vec![unseen("quest_id", subject.quest_id)];
    fields.extend(subject.step_id.map(|step| unseen("step_id", step)));
    fields.extend(subject.assessment_id.map(|assessment| unseen("assessment_id", assessment)));
    fields.extend([
        field(
            &values
                .number("key_version:int", "By the key of version")
                .help("Of the quest; the latest published one unless told."),
        ),
        field(&values.check("lowers:bool", "Also lower results").help("Else nobody loses anything by it.")),
        field(
            &values
                .check("dry:bool", "Only look, in the background")
                .help("For programs, which have to be run again."),
        ),
        field(
            &values.text("reason", "Why", 2).max_length(2_000).help("Learners whose result changes read it."),
        ),
    ]);
    let body = form(
        &shell,
        &shell.at("/staff/regrades/new"),
        fields,
        [button("preview", "What would change?", ""), button("apply", "Grade again", "grave")],
    );
    let quest = format!("/staff/figures/quests/{}", subject.quest_id);
    let mut sheet = Sheet::new(shell, "Grade again")
        .below("/staff/regrades", "Regrades")
        .below(&quest, "The quest")
        .of(values);
    if let Some(shown) = preview {
        sheet = sheet.part("What would change", shown);
    }
    sheet.part("By which key", body)
}

pub(super) async fn new(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Query(subject): Query<Subject>,
) -> Result<Page<Sheet>, Problem> {
    // Of a quest of this guild there are figures, if only that nobody began it.
    insight::ops::quest_figures(app.pool(), visit.guild_id(), subject.quest_id).await?;
    Ok(Page(new_page(visit.shell, Form::new(), None, subject)))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let new: NewRegrade = typed.read()?;
    let subject = Subject { quest_id: new.quest_id, step_id: new.step_id, assessment_id: new.assessment_id };
    if typed.value("_do") == Some("preview") {
        return match ops::regrade_preview(pool, guild, &new).await {
            Ok(preview) => {
                let names = named(&app, guild, &preview.differences).await?;
                let shown = shown_preview(&visit.shell, &names, &preview);
                Ok(new_page(visit.shell, Form::kept(typed), Some(shown), subject).shown())
            }
            Err(error) => {
                let (form, problem) = again(typed, error)?;
                Ok(new_page(visit.shell, form, None, subject).refused(&problem))
            }
        };
    }
    match ops::regrade_create(pool, guild, &new, author(&visit)).await {
        Ok(asked) => {
            let to = visit.shell.at(&format!("/staff/regrades/{}", asked.id));
            Ok(done(&app, &to, "It is graded again, batch by batch. This page says how far it is."))
        }
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            Ok(new_page(visit.shell, form, None, subject).refused(&problem))
        }
    }
}
