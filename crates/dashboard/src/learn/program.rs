//! A program: run, and how its tests went.

use access::scope::LearningPlay;
use access::web::Provided;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::format;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Member;
use kernel::Problem;
use learning::ids::Subject;
use learning::model::coding::CodeAnswer;
use learning::model::learner::ProgramResult;
use sandbox::Sandbox;

use super::StepPath;
use super::quest::refuse;

#[derive(Template)]
#[template(path = "learn/program.html")]
struct ProgramPage {
    shell: Shell,
    result: ProgramResult,
    code: String,
    action: String,
    back: String,
}

impl ProgramPage {
    fn may_try(&self) -> bool {
        !self.result.passed && self.result.tries_left != Some(0)
    }
}

pub(super) async fn run(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Step(path.step_id);
    let judged = async {
        let body: CodeAnswer = typed.read()?;
        let Provided(sandbox) = sandbox?;
        let pool = app.pool();
        let result =
            learning::ops::program_run(pool, &sandbox, guild, user, path.quest_id, subject, &body.code)
                .await?;
        Ok::<_, Problem>((result, body.code))
    };
    match judged.await {
        Ok((result, code)) => {
            app.wake().outbox();
            let back = path.quest().at(&member.shell);
            let action = format!("{back}/steps/{}/program", path.step_id);
            Ok(told(member.shell, result, code, action, back).into_response())
        }
        Err(problem) => refuse(&app, member.shell, path.quest(), Some((path.step_id, typed)), problem).await,
    }
}

/// How the tests went, with the program to be mended.
pub(super) fn told(
    shell: Shell,
    result: ProgramResult,
    code: String,
    action: String,
    back: String,
) -> Page<impl Template> {
    Page(ProgramPage { shell, result, code, action, back })
}
