//! A quiz: its questions, and what the answers came to.
//!
//! Seeing the questions starts a try, so it is a form; sent again it shows the same try.

use access::scope::LearningPlay;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use frame::{format, markdown};
use kernel::{GuildId, Problem, UserId};
use learning::ids::{QuestId, Subject};
use learning::model::learner::{QuizAnswers, QuizResult, QuizTry};
use learning::model::quiz::QuestionType;

use super::quest::refuse;
use super::{StepPath, written};

#[derive(Template)]
#[template(path = "learn/quiz.html")]
struct QuizPage {
    shell: Shell,
    quiz: QuizTry,
    /// The quest's address.
    quest: String,
    action: String,
    back: String,
    typed: Typed,
    form: Form,
}

impl QuizPage {
    fn text(&self, text: &str) -> Html {
        written(text, &self.quest, None, &self.quiz.files)
    }

    const fn kind(kind: &QuestionType) -> &'static str {
        match kind {
            QuestionType::Single => "single",
            QuestionType::Multiple => "multiple",
            QuestionType::Text => "text",
            QuestionType::Number => "number",
            QuestionType::Ordering => "ordering",
            QuestionType::Matching => "matching",
        }
    }

    /// Whether this was chosen before the answers were refused.
    fn is_chosen(&self, question: &usize, field: &str, id: &str) -> bool {
        self.typed.values(&format!("answers[{question}].{field}")).any(|value| value == id)
    }

    /// Whether this was put in this place.
    fn is_placed(&self, question: &usize, place: &usize, id: &str) -> bool {
        self.typed.values(&format!("answers[{question}].order[]")).nth(*place) == Some(id)
    }

    /// Whether these were matched.
    fn is_matched(&self, question: &usize, left: &str, right: &str) -> bool {
        self.typed.value(&format!("answers[{question}].pairs.{left}")) == Some(right)
    }

    fn written(&self, question: &usize, field: &str) -> &str {
        self.typed.value(&format!("answers[{question}].{field}")).unwrap_or_default()
    }

    /// A choice in a list, where there is no markup.
    fn plain(text: &str) -> String {
        markdown::excerpt(text, 120)
    }
}

pub(super) async fn begin(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
) -> Result<Response, Problem> {
    put(&app, member, path, none(), None).await
}

/// The questions of the try that is open, or of a new one; with what was answered, where that was refused.
async fn put(
    app: &App,
    member: Member<LearningPlay>,
    path: StepPath,
    typed: Typed,
    refusal: Option<Problem>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Step(path.step_id);
    match learning::ops::try_begin(app.pool(), guild, user, path.quest_id, subject)
        .await
        .map_err(Problem::from)
    {
        Ok(quiz) => {
            app.wake().outbox();
            let back = path.quest().at(&member.shell);
            let action = format!("{back}/steps/{}/answers", path.step_id);
            Ok(asked(member.shell, quiz, (back.clone(), action, back), typed, refusal))
        }
        Err(problem) => refuse(app, member.shell, path.quest(), None, problem).await,
    }
}

/// The questions as a page: where the quest is, where answers go and where the way back leads.
pub(super) fn asked(
    shell: Shell,
    quiz: QuizTry,
    (quest, action, back): (String, String, String),
    typed: Typed,
    refusal: Option<Problem>,
) -> Response {
    let form = refusal.clone().map_or_else(Form::new, |problem| Form::refused(none(), problem));
    let page = QuizPage { shell, quiz, quest, action, back, typed, form };
    match refusal {
        Some(problem) => refused(&page, &problem),
        None => Page(page).into_response(),
    }
}

/// What the answers came to.
pub(super) async fn graded(
    app: &App,
    (guild, user): (GuildId, UserId),
    quest: QuestId,
    subject: Subject,
    typed: &Typed,
) -> Result<QuizResult, Problem> {
    let body: QuizAnswers = typed.read()?;
    let result = learning::ops::try_answer(app.pool(), guild, user, quest, subject, &body.answers).await?;
    app.wake().outbox();
    Ok(result)
}

/// That as a page: where the quest is, where the way back leads and where another try begins.
pub(super) fn told(
    shell: Shell,
    result: QuizResult,
    (quest, back, again): (String, String, String),
) -> Response {
    Page(ResultPage { shell, result, quest, back, again }).into_response()
}

#[derive(Template)]
#[template(path = "learn/quiz_result.html")]
struct ResultPage {
    shell: Shell,
    result: QuizResult,
    /// The quest's address.
    quest: String,
    back: String,
    again: String,
}

impl ResultPage {
    fn text(&self, text: &str) -> Html {
        written(text, &self.quest, None, &self.result.files)
    }

    fn may_try(&self) -> bool {
        !self.result.passed && self.result.tries_left != Some(0)
    }
}

pub(super) async fn answer(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<StepPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let subject = Subject::Step(path.step_id);
    match graded(&app, (guild, user), path.quest_id, subject, &typed).await {
        Ok(result) => {
            let back = path.quest().at(&member.shell);
            let again = format!("{back}/steps/{}/quiz", path.step_id);
            Ok(told(member.shell, result, (back.clone(), back, again)))
        }
        // What is wrong with the answers stands above them. Where the try itself is over, the quest's page says so.
        Err(problem) if problem.status() == 400 => put(&app, member, path, typed, Some(problem)).await,
        Err(problem) => refuse(&app, member.shell, path.quest(), None, problem).await,
    }
}
