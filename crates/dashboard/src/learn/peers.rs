//! Reviews that learners write of each other's work. Nobody is told whose work it is, nor who reviewed it.

use access::scope::LearningPlay;
use access::web::Provided;
use access::{App, Path};
use askama::Template;
use assessment::ReviewDesk;
use assessment::ids::ReviewId;
use assessment::model::peer::{NewReview, ReviewOwed, ReviewTask};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::{Control, Form};
use frame::html::Html;
use frame::page::{Page, refused, rendered, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use frame::{format, markdown, ui};
use kernel::Problem;
use learning::ids::{AssessmentId, QuestId};
use serde::Deserialize;

use super::assessments::refuse;
use super::{AssessmentPath, written};

/// A review in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ReviewPath {
    quest_id: QuestId,
    assessment_id: AssessmentId,
    review_id: ReviewId,
}

impl ReviewPath {
    const fn assessment(self) -> AssessmentPath {
        AssessmentPath { quest_id: self.quest_id, assessment_id: self.assessment_id }
    }
}

#[derive(Template)]
#[template(path = "learn/reviews_to_do.html")]
pub(super) struct ToDoPage {
    shell: Shell,
    owed: Vec<ReviewOwed>,
}

impl ToDoPage {
    fn at(&self, one: &ReviewOwed) -> String {
        self.shell.at(&format!("/learn/quests/{}/assessments", one.quest_id))
    }

    fn ask(&self, one: &ReviewOwed) -> String {
        format!("{}/{}/reviews", self.at(one), one.assessment_id)
    }
}

/// What one has to review, over all quests.
pub(super) async fn to_do(
    State(app): State<App>,
    member: Member<LearningPlay>,
) -> Result<Page<ToDoPage>, Problem> {
    let owed = assessment::ops::reviews_owed(app.pool(), member.guild_id(), member.user_id()).await?;
    Ok(Page(ToDoPage { shell: member.shell, owed }))
}

#[derive(Template)]
#[template(path = "learn/peer_review.html")]
struct ReviewPage {
    shell: Shell,
    task: ReviewTask,
    owed: i32,
    /// The quest's address.
    quest: String,
    action: String,
    back: String,
    form: Form,
}

impl ReviewPage {
    /// What the author asked.
    fn asked(&self) -> Html {
        written(&self.task.description, &self.quest, None, &self.task.files)
    }

    fn text(text: &str) -> Html {
        markdown::render(text)
    }

    fn link(url: &str) -> Option<&str> {
        markdown::leads_somewhere(url).then_some(url)
    }

    fn declining(&self) -> String {
        format!("{}/decline", self.action)
    }

    /// The name of a criterion's control: criteria may hold dots, so it is no path into the body.
    fn control(slug: &str) -> String {
        format!("scores.{slug}")
    }

    fn points<'a>(&'a self, name: &'a str, most: &u32) -> Control<'a> {
        self.form.number(name, "Points").between(0, i64::from(*most)).required()
    }
}

/// Asks for something to review, and shows it: the review that one is at, as long as one is.
pub(super) async fn request(
    State(app): State<App>,
    Provided(desk): Provided<ReviewDesk>,
    member: Member<LearningPlay>,
    Path(path): Path<AssessmentPath>,
) -> Result<Response, Problem> {
    asked(&app, &desk, member, path, none(), None).await
}

async fn asked(
    app: &App,
    desk: &ReviewDesk,
    member: Member<LearningPlay>,
    path: AssessmentPath,
    typed: Typed,
    refusal: Option<Problem>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let given = desk.request(guild, user, path.quest_id, path.assessment_id).await;
    let given = match given.map_err(Problem::from) {
        Ok(given) => given,
        Err(problem) => return refuse(app, member, path, none(), problem).await,
    };
    let back = path.back(&member.shell);
    let Some(task) = given.review else {
        let text = if given.forgiven > 0 {
            "There is nothing to review, so you are let off what you owed."
        } else {
            "There is nothing to review now."
        };
        return Ok(done(app, &back, text));
    };
    let action = path.at(&member.shell, &format!("/reviews/{}", task.id));
    let form = refusal.clone().map_or_else(Form::new, |problem| Form::refused(typed, problem));
    let quest = path.quest().at(&member.shell);
    let page = ReviewPage { shell: member.shell, task, owed: given.reviews_owed, quest, action, back, form };
    Ok(match refusal {
        Some(problem) => refused(&page, &problem),
        None => rendered(&page, axum::http::StatusCode::OK),
    })
}

/// A review as it was typed; the operation says what is missing.
fn review(typed: &Typed) -> Result<NewReview, Problem> {
    let mut review = NewReview {
        feedback: typed.value("feedback").unwrap_or_default().replace("\r\n", "\n"),
        ..NewReview::default()
    };
    for (field, value) in typed.beginning("scores.") {
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        let points =
            value.parse().map_err(|_| Problem::field(field, "must be a whole number of 0 or more"))?;
        review.scores.insert(field["scores.".len()..].to_owned(), points);
    }
    Ok(review)
}

pub(super) async fn submit(
    State(app): State<App>,
    Provided(desk): Provided<ReviewDesk>,
    member: Member<LearningPlay>,
    Path(path): Path<ReviewPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let written = async {
        let review = review(&typed)?;
        Ok::<_, Problem>(
            assessment::ops::review_submit(app.pool(), guild, user, path.review_id, &review).await?,
        )
    };
    match written.await {
        Ok(reviewed) => Ok(on(
            &app,
            &member.shell,
            path,
            "Thank you: your review is with the author.",
            reviewed.reviews_owed,
        )),
        Err(problem) if problem.status() == 400 => {
            asked(&app, &desk, member, path.assessment(), typed, Some(problem)).await
        }
        Err(problem) if shown_in_form(&problem) => {
            refuse(&app, member, path.assessment(), typed, problem).await
        }
        Err(problem) => Err(problem),
    }
}

pub(super) async fn decline(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<ReviewPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let declined = assessment::ops::review_decline(app.pool(), guild, user, path.review_id).await;
    match declined.map_err(Problem::from) {
        Ok(reviewed) => Ok(on(&app, &member.shell, path, "Somebody else gets it.", reviewed.reviews_owed)),
        Err(problem) => refuse(&app, member, path.assessment(), none(), problem).await,
    }
}

/// Back to the assessment, with what is left to do.
fn on(app: &App, shell: &Shell, path: ReviewPath, text: &str, owed: i32) -> Response {
    app.wake().outbox();
    let left = if owed > 0 { format!(" You owe {} more.", format::number(owed)) } else { String::new() };
    done(app, &path.assessment().back(shell), &format!("{text}{left}"))
}
