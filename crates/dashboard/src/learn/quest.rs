//! A quest: what it is about, its steps, and what one does with it.

use access::scope::{LearningPlay, LearningRead};
use access::web::Provided;
use access::{App, Path};
use askama::Template;
use assessment::model::work::Work;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::{Member, Visit};
use frame::{format, markdown, ui};
use kernel::Problem;
use kernel::files::{encoded, is_picture};
use learning::StepDesk;
use learning::ids::{StepId, Subject};
use learning::model::learner::{
    AttemptView, Confirmation, FileView, Lack, Notes, QuestHead, QuestState, QuestView, StepView,
    UpgradePreview,
};
use learning::model::quest::StepType;
use learning::rules::files::file_named;
use learning::store::{AttemptStatus, StepStatus};

use super::{QuestPath, StepPath, file_at, state, written};

#[derive(Template)]
#[template(path = "learn/quest.html")]
pub(super) struct QuestPage {
    shell: Shell,
    quest: QuestView,
    form: Form,
    notes: Form,
    /// What was typed for a step and refused.
    typed: Option<(StepId, Typed)>,
}

impl QuestPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/learn/quests/{}{rest}", self.quest.id))
    }

    fn step_at(&self, step: &StepView, rest: &str) -> String {
        self.at(&format!("/steps/{}{rest}", step.id))
    }

    fn about(&self) -> Html {
        written(&self.quest.description, &self.at(""), Some(self.quest.version), &self.quest.files)
    }

    fn text(&self, step: &StepView) -> Html {
        let attempt = self.quest.attempt.as_ref();
        let files = attempt.map_or(&self.quest.files, |attempt| &attempt.files);
        written(&step.description, &self.at(""), attempt.map(|attempt| attempt.version), files)
    }

    /// Files to take along that are not shown already, as pictures or resources; with their addresses.
    fn files(&self) -> Vec<(&FileView, String)> {
        let (files, version) = match &self.quest.attempt {
            Some(attempt) => (&attempt.files, attempt.version),
            None => (&self.quest.files, self.quest.version),
        };
        let resources = &self.quest.resources;
        let is_shown = |file: &FileView| {
            is_picture(&file.name)
                || version == self.quest.version
                    && resources.iter().any(|one| file_named(&one.url).as_deref() == Some(file.name.as_str()))
        };
        let others = files.iter().filter(|file| !is_shown(file));
        let at = |file: &FileView| self.at(&format!("/files/{}?version={version}", encoded(&file.name)));
        others.map(|file| (file, at(file))).collect()
    }

    /// Where a resource is: elsewhere, or a file of the quest.
    fn resource(&self, url: &str) -> Option<String> {
        let file = file_at(url, &self.at(""), Some(self.quest.version));
        file.or_else(|| Self::link(url).map(str::to_owned))
    }

    /// What a reviewer wrote.
    fn told(text: &str) -> Html {
        markdown::render(text)
    }

    fn may_begin(&self) -> bool {
        self.shell.member.is_some() && matches!(self.quest.state, QuestState::Open | QuestState::Abandoned)
    }

    fn is_at_it(attempt: &AttemptView) -> bool {
        attempt.status == AttemptStatus::InProgress
    }

    fn is_paused(attempt: &AttemptView) -> bool {
        attempt.status == AttemptStatus::Paused
    }

    fn is_outdated(attempt: &AttemptView) -> bool {
        attempt.version != attempt.current_version && Self::is_at_it(attempt)
    }

    fn is_open(step: &StepView) -> bool {
        matches!(step.status, StepStatus::NotStarted | StepStatus::InProgress)
    }

    /// Whether work is with a reviewer.
    fn waits(step: &StepView) -> bool {
        step.step_type == StepType::Submission
            && step.status == StepStatus::InProgress
            && step.tries > 0
            && step.score.is_none()
            && step.feedback.is_none()
    }

    fn state_of(step: &StepView) -> Html {
        match step.status {
            _ if Self::waits(step) => ui::seal("soon", "Handed in"),
            StepStatus::NotStarted => ui::seal("", "To do"),
            StepStatus::InProgress => ui::seal("soon", "Begun"),
            StepStatus::Completed => ui::seal("done", "Done"),
            StepStatus::Skipped => ui::seal("bad", "Skipped"),
        }
    }

    /// Whether a learner says themselves that it is done.
    fn is_confirmed(step: &StepView) -> bool {
        !matches!(step.step_type, StepType::Quiz | StepType::Coding | StepType::Submission)
    }

    fn is_quiz(step: &StepView) -> bool {
        step.step_type == StepType::Quiz
    }

    fn is_coding(step: &StepView) -> bool {
        step.step_type == StepType::Coding
    }

    /// What a control of a step shows: what was typed and refused, else what it begins with.
    fn written<'a>(&'a self, step: &'a StepView, field: &str) -> &'a str {
        match &self.typed {
            Some((at, typed)) if *at == step.id => typed.value(field).unwrap_or_default(),
            _ if field == "code" => step.starter.as_deref().unwrap_or_default(),
            _ => "",
        }
    }

    fn link(url: &str) -> Option<&str> {
        markdown::leads_somewhere(url).then_some(url)
    }

    fn lack(&self, lack: &Lack) -> Option<String> {
        lack.quest_id.map(|quest| self.shell.at(&format!("/learn/quests/{quest}")))
    }

    /// Tries used, and how many there are.
    fn tries(step: &StepView) -> String {
        match step.max_tries {
            Some(most) => format!("{} of {most} tries used", step.tries),
            None => format::count(step.tries, "try", "tries"),
        }
    }
}

async fn page_of(app: &App, shell: Shell, path: QuestPath, form: Form) -> Result<QuestPage, Problem> {
    let quest = learning::ops::quest_view(app.pool(), shell.guild_id, shell.member, path.quest_id).await?;
    let notes = quest.attempt.as_ref().map(Form::of).unwrap_or_default();
    Ok(QuestPage { shell, quest, form, notes, typed: None })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningRead>,
    Path(path): Path<QuestPath>,
) -> Result<Page<QuestPage>, Problem> {
    Ok(Page(page_of(&app, visit.shell, path, Form::new()).await?))
}

/// The page again, because what somebody wanted of the quest was refused; with what they typed for a step.
pub(super) async fn refuse(
    app: &App,
    shell: Shell,
    path: QuestPath,
    typed: Option<(StepId, Typed)>,
    problem: Problem,
) -> Result<Response, Problem> {
    if !shown_in_form(&problem) {
        return Err(problem);
    }
    let page = page_of(app, shell, path, Form::refused(none(), problem.clone())).await?;
    Ok(refused(&QuestPage { typed, ..page }, &problem))
}

/// On to the quest's page, or back with the refusal.
async fn answered<T>(
    app: &App,
    shell: Shell,
    (path, to): (QuestPath, String),
    outcome: Result<T, Problem>,
    text: &str,
) -> Result<Response, Problem> {
    match outcome {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(app, &to, text))
        }
        Err(problem) => refuse(app, shell, path, None, problem).await,
    }
}

pub(super) async fn begin(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::attempt_begin(app.pool(), guild, user, path.quest_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path, to), outcome.map_err(Into::into), "You have begun.").await
}

pub(super) async fn pause(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::attempt_pause(app.pool(), guild, user, path.quest_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path, to), outcome.map_err(Into::into), "Put aside. It waits for you.")
        .await
}

pub(super) async fn resume(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::attempt_resume(app.pool(), guild, user, path.quest_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path, to), outcome.map_err(Into::into), "Welcome back.").await
}

#[derive(Template)]
#[template(path = "learn/giving_up.html")]
pub(super) struct GivingUpPage {
    shell: Shell,
    quest: QuestHead,
}

/// What giving up means, before it is done.
pub(super) async fn giving_up(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Page<GivingUpPage>, Problem> {
    let user = Some(member.user_id());
    let quest = learning::ops::quest_head(app.pool(), member.guild_id(), user, path.quest_id).await?;
    Ok(Page(GivingUpPage { shell: member.shell, quest }))
}

pub(super) async fn give_up(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::attempt_abandon(app.pool(), guild, user, path.quest_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path, to), outcome.map_err(Into::into), "Given up. You can begin it anew.")
        .await
}

pub(super) async fn notes(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let put = async {
        let body: Notes = typed.read()?;
        let notes = body.notes.as_deref();
        Ok::<_, Problem>(
            learning::ops::attempt_notes_put(app.pool(), guild, user, path.quest_id, notes).await?,
        )
    };
    match put.await {
        Ok(_) => Ok(done(&app, &path.at(&member.shell), "Your notes are kept.")),
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(&app, member.shell, path, Form::refused(none(), problem.clone())).await?;
            let notes = Form::refused(typed, problem.clone());
            Ok(refused(&QuestPage { notes, ..page }, &problem))
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "learn/upgrade.html")]
pub(super) struct UpgradePage {
    shell: Shell,
    preview: UpgradePreview,
    back: String,
}

/// What a new version would change, before it is taken.
pub(super) async fn upgrade(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Page<UpgradePage>, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let preview = learning::ops::upgrade_preview(app.pool(), guild, user, path.quest_id).await?;
    Ok(Page(UpgradePage { back: path.at(&member.shell), shell: member.shell, preview }))
}

pub(super) async fn upgrade_now(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::attempt_upgrade(app.pool(), guild, user, path.quest_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path, to), outcome.map_err(Into::into), "You work on the new version now.")
        .await
}

pub(super) async fn complete(
    State(app): State<App>,
    Provided(desk): Provided<StepDesk>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let completed = async {
        let body: Confirmation = typed.read()?;
        let step = path.step_id;
        Ok::<_, Problem>(desk.complete(guild, user, path.quest_id, step, body).await?)
    };
    match completed.await {
        Ok(attempt) => {
            let text = if attempt.completed_at.is_some() {
                "The quest is done. Well done!"
            } else {
                "Done. On to the next."
            };
            Ok(done(&app, &path.at(&member.shell), text))
        }
        Err(problem) => refuse(&app, member.shell, path.quest(), Some((path.step_id, typed)), problem).await,
    }
}

/// Hands in work for a step that people grade.
pub(super) async fn hand_in(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let handed_in = async {
        let work: Work = typed.read()?;
        let step = Subject::Step(path.step_id);
        Ok::<_, Problem>(
            assessment::ops::submission_create(app.pool(), guild, user, path.quest_id, step, &work).await?,
        )
    };
    match handed_in.await {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(&app, &path.at(&member.shell), "Handed in. Somebody looks at it, and you are told."))
        }
        Err(problem) => refuse(&app, member.shell, path.quest(), Some((path.step_id, typed)), problem).await,
    }
}

pub(super) async fn skip(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = learning::ops::step_skip(app.pool(), guild, user, path.quest_id, path.step_id).await;
    let to = path.at(&member.shell);
    answered(&app, member.shell, (path.quest(), to), outcome.map_err(Into::into), "Skipped.").await
}
