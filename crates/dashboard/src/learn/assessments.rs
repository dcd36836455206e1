//! How a quest is assessed beside its steps: quizzes, programs, work for people to judge, by oneself and by others.

use access::scope::LearningPlay;
use access::web::Provided;
use access::{App, Path};
use askama::Template;
use assessment::model::view::{AssessmentView, OwnSubmission};
use assessment::model::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use frame::{format, markdown, ui};
use kernel::Problem;
use learning::ids::{AssessmentId, Subject};
use learning::model::assessment::AssessmentType;
use learning::model::coding::CodeAnswer;
use learning::model::learner::QuestHead;
use learning::store::AttemptStatus;
use sandbox::Sandbox;

use super::{AssessmentPath, QuestPath, program, quiz, written};

#[derive(Template)]
#[template(path = "learn/assessments.html")]
pub(super) struct AssessmentsPage {
    shell: Shell,
    quest: QuestHead,
    assessments: Vec<AssessmentView>,
    form: Form,
    /// What was typed for one of them and refused.
    typed: Option<(AssessmentId, Typed)>,
}

impl AssessmentsPage {
    fn quest_at(&self) -> String {
        self.shell.at(&format!("/learn/quests/{}", self.quest.id))
    }

    fn at(&self, one: &AssessmentView, rest: &str) -> String {
        format!("{}/assessments/{}{rest}", self.quest_at(), one.id)
    }

    fn text(text: &str) -> Html {
        markdown::render(text)
    }

    /// What the author asks.
    fn asked(&self, one: &AssessmentView) -> Html {
        written(&one.description, &self.quest_at(), None, &one.files)
    }

    fn state(one: &AssessmentView) -> Html {
        if one.passed {
            ui::seal("done", "Passed")
        } else if one.submissions.iter().any(|one| one.status != "graded") {
            ui::seal("soon", "Waits for its grade")
        } else if one.tries > 0 {
            ui::seal("warn", "Not passed yet")
        } else {
            ui::seal("", "To do")
        }
    }

    const fn kind(one: &AssessmentView) -> &'static str {
        match one.kind {
            AssessmentType::Quiz => "Quiz, graded at once",
            AssessmentType::AutoGraded => "Program, graded at once",
            AssessmentType::PeerReview => "Reviewed by other learners",
            AssessmentType::Assignment => "Assignment, graded by instructors",
            AssessmentType::Project => "Project, graded by instructors",
            AssessmentType::ManualReview => "Graded by instructors",
        }
    }

    fn is_quiz(one: &AssessmentView) -> bool {
        one.kind == AssessmentType::Quiz
    }

    fn is_program(one: &AssessmentView) -> bool {
        one.kind == AssessmentType::AutoGraded
    }

    fn is_by_peers(one: &AssessmentView) -> bool {
        one.kind == AssessmentType::PeerReview
    }

    /// Whether something may be handed in now, as far as one sees from here: the operation decides.
    fn is_open(&self, one: &AssessmentView) -> bool {
        let begun = matches!(self.quest.status, Some(AttemptStatus::InProgress | AttemptStatus::Completed));
        let left = one.max_tries.is_none_or(|most| i64::from(one.tries) < i64::from(most));
        begun && left && !one.passed && one.submissions.iter().all(|one| one.status == "graded")
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn reviews(&self, one: &AssessmentView) -> bool {
        Self::is_by_peers(one) && !one.submissions.is_empty()
    }

    /// Within how many hours nine of ten are graded.
    fn hours(one: &AssessmentView) -> Option<i64> {
        one.waiting.as_ref()?.hours
    }

    fn tries(one: &AssessmentView) -> String {
        match one.max_tries {
            Some(most) => format!("{} of {most} tries used", one.tries),
            None => format::count(one.tries, "try used", "tries used"),
        }
    }

    fn outcome(submission: &OwnSubmission) -> Html {
        match (submission.status.as_str(), submission.passed) {
            ("graded", Some(true)) => ui::seal("done", "Passed"),
            ("graded", _) => ui::seal("bad", "Not passed"),
            ("in_review", _) => ui::seal("soon", "Others look at it"),
            _ => ui::seal("soon", "Waits for an instructor"),
        }
    }

    /// What a control shows: what was typed and refused, else what it begins with.
    fn written<'a>(&'a self, one: &'a AssessmentView, field: &str) -> &'a str {
        match &self.typed {
            Some((at, typed)) if *at == one.id => typed.value(field).unwrap_or_default(),
            _ if field == "code" => one.starter.as_deref().unwrap_or_default(),
            _ => "",
        }
    }

    fn link(url: &str) -> Option<&str> {
        markdown::leads_somewhere(url).then_some(url)
    }
}

async fn page_of(
    app: &App,
    member: Member<LearningPlay>,
    path: QuestPath,
    form: Form,
) -> Result<AssessmentsPage, Problem> {
    let (pool, guild, user) = (app.pool(), member.guild_id(), member.user_id());
    let (quest, assessments) = assessment::ops::quest_assessments(pool, guild, user, path.quest_id).await?;
    Ok(AssessmentsPage { shell: member.shell, quest, assessments, form, typed: None })
}

pub(super) async fn list(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Page<AssessmentsPage>, Problem> {
    Ok(Page(page_of(&app, member, path, Form::new()).await?))
}

/// The page again, because what somebody wanted of it was refused.
pub(super) async fn refuse(
    app: &App,
    member: Member<LearningPlay>,
    path: AssessmentPath,
    typed: Typed,
    problem: Problem,
) -> Result<Response, Problem> {
    if !shown_in_form(&problem) {
        return Err(problem);
    }
    let page = page_of(app, member, path.quest(), Form::refused(none(), problem.clone())).await?;
    Ok(refused(&AssessmentsPage { typed: Some((path.assessment_id, typed)), ..page }, &problem))
}

pub(super) async fn begin(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<AssessmentPath>,
) -> Result<Response, Problem> {
    questions(&app, member, path, none(), None).await
}

/// The questions of the try that is open, or of a new one; with what was answered, where that was refused.
async fn questions(
    app: &App,
    member: Member<LearningPlay>,
    path: AssessmentPath,
    typed: Typed,
    refusal: Option<Problem>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Assessment(path.assessment_id);
    let begun = learning::ops::try_begin(app.pool(), guild, user, path.quest_id, subject).await;
    match begun.map_err(Problem::from) {
        Ok(quiz) => {
            app.wake().outbox();
            let (back, action) = (path.back(&member.shell), path.at(&member.shell, "/answers"));
            let quest = path.quest().at(&member.shell);
            Ok(quiz::asked(member.shell, quiz, (quest, action, back), typed, refusal))
        }
        Err(problem) => refuse(app, member, path, none(), problem).await,
    }
}

pub(super) async fn answer(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Assessment(path.assessment_id);
    match quiz::graded(&app, (guild, user), path.quest_id, subject, &typed).await {
        Ok(result) => {
            let (back, again) = (path.back(&member.shell), path.at(&member.shell, "/quiz"));
            let quest = path.quest().at(&member.shell);
            Ok(quiz::told(member.shell, result, (quest, back, again)))
        }
        Err(problem) if problem.status() == 400 => questions(&app, member, path, typed, Some(problem)).await,
        Err(problem) => refuse(&app, member, path, typed, problem).await,
    }
}

pub(super) async fn run(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Assessment(path.assessment_id);
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
            let (back, action) = (path.back(&member.shell), path.at(&member.shell, "/program"));
            Ok(program::told(member.shell, result, code, action, back).into_response())
        }
        Err(problem) => refuse(&app, member, path, typed, problem).await,
    }
}

pub(super) async fn hand_in(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let handed_in = async {
        let work: Work = typed.read()?;
        let subject = Subject::Assessment(path.assessment_id);
        let pool = app.pool();
        Ok::<_, Problem>(
            assessment::ops::submission_create(pool, guild, user, path.quest_id, subject, &work).await?,
        )
    };
    match handed_in.await {
        Ok(handed_in) => {
            app.wake().outbox();
            let text = match handed_in.waiting.hours {
                Some(hours) => format!(
                    "Handed in. Nine of ten are graded within {}.",
                    format::count(hours, "hour", "hours")
                ),
                None => "Handed in. You are told when it is graded.".to_owned(),
            };
            Ok(done(&app, &path.back(&member.shell), &text))
        }
        Err(problem) => refuse(&app, member, path, typed, problem).await,
    }
}
