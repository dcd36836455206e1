//! Spaced reviews: what to look at again today, and how it went.

use access::scope::LearningPlay;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::ui;
use frame::visit::Member;
use insight::model::{ReviewAnswer, ReviewDue, ReviewSettings};
use kernel::Problem;
use learning::ids::StepId;
use serde::Deserialize;

/// A step in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ReviewPath {
    step_id: StepId,
}

#[derive(Template)]
#[template(path = "learn/reviews.html")]
pub(super) struct ReviewsPage {
    shell: Shell,
    due: Vec<ReviewDue>,
    form: Form,
}

impl ReviewsPage {
    /// How it went, as the API names it and as people say it.
    const RATINGS: [(&'static str, &'static str); 4] =
        [("again", "Not at all"), ("hard", "With effort"), ("good", "Well"), ("easy", "At once")];

    fn at(&self, due: &ReviewDue) -> String {
        self.shell.at(&format!("/learn/reviews/{}", due.step_id))
    }

    fn step(&self, due: &ReviewDue) -> String {
        self.shell.at(&format!("/learn/quests/{}#step-{}", due.quest_id, due.step_id))
    }
}

async fn page_of(app: &App, member: Member<LearningPlay>, form: Form) -> Result<ReviewsPage, Problem> {
    let due = insight::ops::reviews_due(app.pool(), member.guild_id(), member.user_id()).await?;
    Ok(ReviewsPage { shell: member.shell, due, form })
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<LearningPlay>,
) -> Result<Page<ReviewsPage>, Problem> {
    Ok(Page(page_of(&app, member, Form::new()).await?))
}

async fn answered(
    app: &App,
    member: Member<LearningPlay>,
    typed: Typed,
    outcome: Result<String, Problem>,
) -> Result<Response, Problem> {
    match outcome {
        Ok(text) => Ok(done(app, &member.shell.at("/learn/reviews"), &text)),
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(app, member, Form::refused(typed, problem.clone())).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}

/// Asks for reviews, so many a day.
pub(super) async fn ask(
    State(app): State<App>,
    member: Member<LearningPlay>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = async {
        let settings: ReviewSettings = typed.read()?;
        let kept = insight::ops::reviews_put(app.pool(), guild, user, settings).await?;
        Ok::<_, Problem>(format!("At most {} a day come from now on.", kept.per_day))
    };
    let outcome = outcome.await;
    answered(&app, member, typed, outcome).await
}

pub(super) async fn stop(
    State(app): State<App>,
    member: Member<LearningPlay>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = insight::ops::reviews_delete(app.pool(), guild, user).await;
    let outcome = outcome.map(|()| "No more reviews come.".to_owned()).map_err(Problem::from);
    answered(&app, member, typed, outcome).await
}

pub(super) async fn answer(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<ReviewPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = async {
        let answer: ReviewAnswer = typed.read()?;
        let next = insight::ops::review_answer(app.pool(), guild, user, path.step_id, answer.rating).await?;
        Ok::<_, Problem>(format!("It comes back on {}.", next.due_at.format("%-d %b %Y")))
    };
    let outcome = outcome.await;
    answered(&app, member, typed, outcome).await
}
