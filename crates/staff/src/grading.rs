//! Grading: what waits, one hand-in with its rubric, and the next one.

use access::scope::LearningGrade;
use access::{App, Path, Query};
use assessment::ids::{ReviewId, SubmissionId};
use assessment::model::submission::{Judgement, Override, Submission, SubmissionDetails};
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
use frame::{format, markdown, ui};
use kernel::{PageQuery, Problem};
use learning::ops::Author;
use serde::Deserialize;

use super::names::Names;
use super::sheet::{
    Sheet, actions, again, aside, button, choices, facts, field, form, group, join, lines, link, says, table,
    text, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SubmissionPath {
    submission_id: SubmissionId,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    all: bool,
    cursor: Option<String>,
}

fn at(shell: &Shell, id: SubmissionId, rest: &str) -> String {
    shell.at(&format!("/staff/grading/{id}{rest}"))
}

fn author(visit: &Visit<LearningGrade>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

fn state(submission: &Submission) -> Html {
    match submission.status.as_str() {
        "graded" if submission.passed == Some(true) => ui::seal("done", "Passed"),
        "graded" => ui::seal("bad", "Not passed"),
        "in_review" => ui::seal("soon", "Peers are at it"),
        "escalated" => ui::seal("warn", "Left to you"),
        _ => ui::seal("warn", "Waits"),
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let page = PageQuery { limit: None, cursor: filter.cursor };
    let page = ops::submission_list(app.pool(), visit.guild_id(), filter.all, &page).await?;
    let shell = visit.shell;
    let names = Names::of(&app, shell.guild_id, page.items.iter().map(|row| row.user_id)).await?;
    let waits = page.items.iter().any(|row| matches!(row.status.as_str(), "submitted" | "escalated"));
    let take = (waits || page.next.is_some())
        .then(|| actions([shell.button(&shell.at("/staff/grading/next"), "Take the next one", "primary")]));
    let rows = page.items.iter().map(|row| {
        vec![
            link(at(&shell, row.id, ""), &row.title),
            names.member(&shell, &row.user_id),
            text(row.attempt_number),
            format::time(&row.received_at),
            state(row),
            row.claimed_until
                .as_ref()
                .map(|until| join([text("Taken until"), format::time(until)]))
                .unwrap_or_default(),
        ]
    });
    let path = shell.at("/staff/grading");
    let all = format!("{path}?all=true");
    let here = if filter.all { &all } else { &path };
    let query = if filter.all { "all=true" } else { "" };
    let heads = ["What", "Who", "#Hand-in", "Received", "State", ""];
    let body = join([
        super::sheet::tabs("Which", here, &[(path.clone(), "Waiting"), (all.clone(), "All")]),
        take.unwrap_or_default(),
        table("Hand-ins", &heads, rows.collect(), "Nothing waits."),
        ui::more(&path, query, page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Grading").part("Handed in", body)))
}

/// Claims what waits longest, and leads there.
async fn on_to_next(app: &App, visit: &Visit<LearningGrade>, done_so_far: &str) -> Result<Response, Problem> {
    let next = ops::submission_next(app.pool(), visit.guild_id(), author(visit)).await?;
    Ok(match next.submission {
        Some(next) => {
            done(app, &at(&visit.shell, next.id, ""), &format!("{done_so_far}This one is yours for a while."))
        }
        None => done(
            app,
            &visit.shell.at("/staff/grading"),
            &format!("{done_so_far}Nothing waits that nobody has."),
        ),
    })
}

pub(super) async fn next(State(app): State<App>, visit: Visit<LearningGrade>) -> Result<Response, Problem> {
    on_to_next(&app, &visit, "").await
}

/// The controls of a judgement; its own names, as criteria may hold dots.
fn judgement_fields(form: &Form, submission: &Submission) -> Html {
    let verdicts = choices(&[("", "Choose"), ("true", "It passes"), ("false", "It does not pass")]);
    let scores = if submission.rubric.is_empty() {
        field(&form.choice("passed", "Verdict", &verdicts))
    } else {
        let scores = submission.rubric.iter().map(|criterion| {
            let (name, most) = (format!("scores.{}", criterion.slug), criterion.points);
            let (label, help) = (markdown::excerpt(&criterion.text, 200), format!("0 to {most} points."));
            field(&form.number(&name, &label).between(0, most.into()).help(&help))
        });
        group(&format!("Rubric; {} % pass", submission.pass_percent), scores)
    };
    join([
        scores,
        field(&form.text("feedback", "What the learner is told", 8).help("Markdown.").max_length(20_000)),
    ])
}

fn judgement(typed: &Typed, submission: &Submission) -> Result<Judgement, Problem> {
    let mut judgement = Judgement {
        feedback: typed.value("feedback").unwrap_or_default().replace("\r\n", "\n"),
        passed: typed.value("passed").and_then(|passed| passed.parse().ok()),
        ..Judgement::default()
    };
    for criterion in &submission.rubric {
        let field = format!("scores.{}", criterion.slug);
        let Some(points) = typed.value(&field).map(str::trim).filter(|points| !points.is_empty()) else {
            continue;
        };
        let points = points
            .parse()
            .map_err(|_| Problem::field(field, format!("must be 0 to {}", criterion.points)))?;
        judgement.scores.insert(criterion.slug.clone(), points);
    }
    Ok(judgement)
}

fn history(details: &SubmissionDetails) -> Html {
    let rows = details.history.iter().map(|change| {
        vec![
            text(format::word(&change.cause)),
            text(change.from.as_deref().unwrap_or("–")),
            text(&change.to),
            if change.passed { ui::seal("done", "Passes") } else { ui::seal("bad", "Does not pass") },
            text(change.reason.as_deref().unwrap_or_default()),
            format::time(&change.at),
        ]
    });
    table("Grades", &["By", "#From", "#To", "", "Why", "When"], rows.collect(), "There is none yet.")
}

fn work(submission: &Submission) -> Html {
    let links = submission.work.links.iter().map(|address| lines("A link that was handed in", address));
    join([markdown::render(&submission.work.text), join(links)])
}

async fn sheet(app: &App, shell: Shell, id: SubmissionId, refused: Option<Form>) -> Result<Sheet, Problem> {
    let details = ops::submission_details(app.pool(), shell.guild_id, id).await?;
    let submission = &details.submission;
    let names = Names::of(app, shell.guild_id, [submission.user_id]).await?;
    let values = refused.unwrap_or_default();
    let graded = submission.status == "graded";
    let fields = judgement_fields(&values, submission);
    let judge = if graded {
        let reason = field(&values.line("reason", "Why the grade is changed").required().max_length(2_000));
        let buttons = [button("override", "Change the grade", "grave")];
        join([
            aside("What was passed stays passed; what passes now brings what it lacked."),
            form(&shell, &at(&shell, id, "/override"), [fields, reason], buttons),
        ])
    } else {
        let buttons = [button("next", "Grade, and the next", "primary"), button("grade", "Grade", "")];
        form(&shell, &at(&shell, id, ""), [fields], buttons)
    };
    let claim = match (graded, submission.claimed_until) {
        (true, _) => Html::default(),
        (false, None) => shell.button(&at(&shell, id, "/claim"), "Take it", ""),
        (false, Some(_)) => shell.button(&at(&shell, id, "/release"), "Give it back", ""),
    };
    let known = facts([
        ("Who", names.member(&shell, &submission.user_id)),
        ("Hand-in", text(submission.attempt_number)),
        ("Received", format::time(&submission.received_at)),
        (
            "Late by",
            text(if submission.late_seconds > 0 {
                format::duration_ms(i64::from(submission.late_seconds) * 1_000)
            } else {
                "–".to_owned()
            }),
        ),
        ("Taken until", when(submission.claimed_until.as_ref())),
        ("Grade", text(submission.grade.as_deref().map_or("–".to_owned(), |grade| format!("{grade} %")))),
    ]);
    let reviews = details.reviews.iter().map(|review| {
        let scores: Vec<String> =
            review.scores.iter().map(|(slug, points)| format!("{slug}: {points}")).collect();
        // Its place in the queue's addresses is told apart from hand-ins'.
        let hide = shell.at(&format!("/staff/grading/reviews/{}/hide?submission_id={id}", review.id));
        let counts = match review.hidden_at {
            Some(_) => ui::seal("bad", "Struck out"),
            None => shell.button(&hide, "Strike it out", "quiet"),
        };
        join([says(scores.join(", ")), markdown::render(&review.feedback), counts])
    });
    let reviews: Vec<Html> = reviews.collect();
    let quest = shell.at(&format!("/learn/quests/{}", submission.quest_id));
    let again = match (submission.step_id, submission.assessment_id) {
        (Some(step), _) => format!("&step_id={step}"),
        (None, Some(assessment)) => format!("&assessment_id={assessment}"),
        (None, None) => String::new(),
    };
    let again = shell.at(&format!("/staff/regrades/new?quest_id={}{again}", submission.quest_id));
    let later = submission.assessment_id.map(|assessment| {
        let path =
            format!("/staff/extensions/{}/{assessment}?user_id={}", submission.quest_id, submission.user_id);
        link(shell.at(&path), "Another deadline for them")
    });
    let lead = join([
        state(submission),
        actions([link(quest, "The quest"), later.unwrap_or_default(), link(again, "Grade all again"), claim]),
    ]);
    let (title, work, history) = (submission.title.clone(), work(submission), history(&details));
    let mut sheet = Sheet::new(shell, title)
        .below("/staff/grading", "Grading")
        .lead(lead)
        .of(values)
        .part("Handed in", join([known, work]))
        .part(if graded { "Change the grade" } else { "Judge it" }, judge);
    if !reviews.is_empty() {
        sheet = sheet.part("What peers wrote", join(reviews));
    }
    Ok(sheet.part("Grades", history))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<SubmissionPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, path.submission_id, None).await?))
}

pub(super) async fn claim(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.submission_id;
    match ops::submission_claim(app.pool(), visit.guild_id(), id, author(&visit)).await {
        Ok(_) => Ok(done(&app, &at(&visit.shell, id, ""), "It is yours for a while.")),
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            Ok(sheet(&app, visit.shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

pub(super) async fn release(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.submission_id;
    match ops::claim_release(app.pool(), visit.guild_id(), id, author(&visit)).await {
        Ok(()) => Ok(done(&app, &visit.shell.at("/staff/grading"), "Others can take it now.")),
        Err(error) => {
            let (form, problem) = again(typed, error)?;
            Ok(sheet(&app, visit.shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

pub(super) async fn judge(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.submission_id);
    let judge = async {
        let known = ops::submission_details(pool, guild, id).await?;
        let judgement = judgement(&typed, &known.submission)?;
        let graded = ops::submission_judge(pool, guild, id, &judgement, author(&visit)).await?;
        app.wake().outbox();
        Ok::<_, Problem>(graded)
    };
    match judge.await {
        Ok(graded) => {
            let said = format!("Graded: {} %. ", graded.grade.as_deref().unwrap_or("0"));
            if typed.value("_do") == Some("next") {
                return on_to_next(&app, &visit, &said).await;
            }
            Ok(done(&app, &at(&visit.shell, id, ""), said.trim()))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

pub(super) async fn overrule(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.submission_id);
    let change = async {
        let known = ops::submission_details(pool, guild, id).await?;
        let reason = typed.value("reason").unwrap_or_default().to_owned();
        let change = Override { judgement: judgement(&typed, &known.submission)?, reason };
        let changed = ops::submission_override(pool, guild, id, &change, author(&visit)).await;
        let changed = changed.map_err(|error| without_prefix(error.into(), "judgement."))?;
        app.wake().outbox();
        Ok::<_, Problem>(changed)
    };
    match change.await {
        Ok(_) => Ok(done(&app, &at(&visit.shell, id, ""), "The grade is changed.")),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, id, Some(form)).await?.refused(&problem))
        }
    }
}

/// The refusal by the names that the page's controls have.
fn without_prefix(problem: Problem, prefix: &str) -> Problem {
    if problem.errors().iter().all(|error| !error.field.starts_with(prefix)) {
        return problem;
    }
    let errors = problem.errors().iter().cloned().map(|mut error| {
        if let Some(field) = error.field.strip_prefix(prefix) {
            error.field = field.to_owned();
        }
        error
    });
    Problem::fields(errors.collect())
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ReviewPath {
    review_id: ReviewId,
}

/// Strikes a peer's review out.
pub(super) async fn hide(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<ReviewPath>,
    Query(of): Query<SubmissionPath>,
) -> Result<Response, Problem> {
    ops::review_hide(app.pool(), visit.guild_id(), path.review_id, author(&visit)).await?;
    let to = at(&visit.shell, of.submission_id, "");
    Ok(done(&app, &to, "It is struck out: it counts no more, and its author is not shown it."))
}
