//! `/learn submit` and `/review`: handing in by a form, and judging what was handed in.

use std::fmt::Write as _;

use assessment::ids::SubmissionId;
use assessment::model::submission::{Judgement, Submission};
use assessment::model::view::AssessmentView;
use assessment::model::work::Work;
use assessment::ops::{
    assessment_list, claim_release, submission_create, submission_details, submission_judge, submission_next,
};
use kernel::Problem;
use learning::ids::QuestId;
use learning::model::assessment::AssessmentType;
use learning::model::learner::StepView;
use learning::model::quest::StepType;
use learning::ops;
use learning::store::StepStatus;

use super::Answered;
use super::call::{Call, mention};
use super::choose::{What, id};
use super::learn::{ASSESSMENT, quest_and_subject, quiz_button};
use super::programs;
use crate::interactions::custom_id::{long, short};
use crate::interactions::reply::{Reply, button, field, optional_field};
use crate::sender::Attachment;
use crate::words::{Lang, cut, plain, say};

/// Fields of a form: Discord's limit, of which one is for what the learner is told.
pub(super) const CRITERIA: usize = 4;
/// Characters of a work that are shown in the message; what is longer is a file.
const SHOWN: usize = 1_000;

pub(crate) async fn submit(call: Call) -> Answered {
    let quest: QuestId = id(&call, "quest", What::Quest, "quest").await?;
    let view = ops::quest_view(call.pool(), call.guild, Some(call.user), quest).await?;
    let open = |step: &&StepView| {
        matches!(step.step_type, StepType::Submission | StepType::Coding)
            && !matches!(step.status, StepStatus::Completed | StepStatus::Skipped)
    };
    let nothing = || {
        Problem::conflict(say!(
            call.lang,
            "There is nothing to hand in for this quest now.",
            "Für diese Quest gibt es jetzt nichts abzugeben."
        ))
    };
    let attempt = view.attempt.as_ref().ok_or_else(nothing)?;
    let of = short(quest.get());
    if let Some(step) = attempt.steps.iter().find(open) {
        let id = short(step.id.get());
        return Ok(match step.step_type {
            StepType::Coding => programs::form(&call, &[&of, &id]),
            _ => form(&call, &[&of, &id], &step.title),
        });
    }
    let one = open_one(&call, quest, |kind| kind != AssessmentType::Quiz).await?.ok_or_else(nothing)?;
    let id = short(one.id.get());
    let args = [of.as_str(), &id, ASSESSMENT];
    Ok(if one.kind.is_judged_by_people() {
        form(&call, &args, &one.title)
    } else {
        programs::form(&call, &args)
    })
}

/// The first assessment of such a kind that is not passed, and for which something can be done here and now.
async fn open_one(
    call: &Call,
    quest: QuestId,
    fits: impl Fn(AssessmentType) -> bool,
) -> Result<Option<AssessmentView>, Problem> {
    let all = assessment_list(call.pool(), call.guild, call.user, quest).await?;
    let waits = |one: &AssessmentView| one.submissions.last().is_some_and(|last| last.status != "graded");
    let open = |one: &AssessmentView| !one.passed && !one.test_out && fits(one.kind) && !waits(one);
    Ok(all.into_iter().find(open))
}

/// What is left of a quest whose steps are done, with a way on.
pub(super) async fn left_shown(call: &Call, quest: QuestId, mut text: String) -> Answered {
    let Some(one) = open_one(call, quest, |_| true).await? else { return Ok(Reply::text(text)) };
    let _ = write!(text, "\n\n**{}**\n{}", plain(&one.title), cut(&one.description, 1_200));
    let (quest, id) = (short(quest.get()), short(one.id.get()));
    let args = [quest.as_str(), &id, ASSESSMENT];
    let row = match one.kind {
        AssessmentType::Quiz => vec![quiz_button(call, args)],
        kind if kind.is_judged_by_people() => {
            vec![button(&call.mine("learn.hand-in", &args), &say!(call.lang, "Hand in", "Abgeben"))]
        }
        _ => programs::way(call, &args, &mut text),
    };
    Ok(Reply::text(text).row(row))
}

fn form(call: &Call, args: &[&str], title: &str) -> Reply {
    let text = say!(call.lang, "What you hand in", "Was du abgibst");
    let link = say!(call.lang, "A link, if it lies elsewhere", "Ein Link, wenn es woanders liegt");
    let id = call.mine("learn.hand-in", args);
    Reply::form(&id, title, vec![field("text", &text, true, 4_000), optional_field("link", &link, 500)])
}

/// The button of a step was pressed, or its form was sent.
pub(crate) async fn handed_in(call: Call) -> Answered {
    let (quest, subject) = quest_and_subject(&call)?;
    let given =
        |name: &str| call.fields.get(name).and_then(|values| values.first()).cloned().unwrap_or_default();
    if call.fields.is_empty() {
        let title = say!(call.lang, "Hand in", "Abgeben");
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        return Ok(form(&call, &args, &title));
    }
    let links = Some(given("link")).filter(|link| !link.is_empty()).into_iter().collect();
    let work = Work { text: given("text"), links };
    let done = submission_create(call.pool(), call.guild, call.user, quest, subject, &work).await?;
    call.committed();
    let number = done.attempt_number;
    let mut text = say!(call.lang, "Handed in (number {number}).", "Abgegeben (Nummer {number}).");
    if let Some(hours) = done.waiting.hours {
        text.push_str(&say!(
            call.lang,
            " Nine of ten are judged within {hours} hours.",
            " Neun von zehn sind binnen {hours} Stunden bewertet."
        ));
    }
    Ok(Reply::text(text))
}

/// What waits longest, for who grades.
pub(crate) async fn review(call: Call) -> Answered {
    let next = submission_next(call.pool(), call.guild, grader(&call)).await?;
    call.committed();
    let Some(submission) = next.submission else {
        return Ok(Reply::text(say!(
            call.lang,
            "Nothing waits to be judged.",
            "Nichts wartet auf eine Bewertung."
        )));
    };
    Ok(shown(&call, &submission))
}

fn shown(call: &Call, submission: &Submission) -> Reply {
    let (title, who, number) =
        (plain(&submission.title), mention(submission.user_id), submission.attempt_number);
    let mut text =
        say!(call.lang, "**{title}** by {who}, number {number}", "**{title}** von {who}, Nummer {number}");
    if submission.late_seconds > 0 {
        let hours = submission.late_seconds / 3_600;
        text.push_str(&say!(call.lang, " ({hours} h late)", " ({hours} h zu spät)"));
    }
    let reply = work_shown(&mut text, &submission.work);
    let id = short(submission.id.get());
    let row = if submission.rubric.is_empty() {
        vec![
            button(&call.mine("review.judge", &[&id, "1"]), &say!(call.lang, "Passes", "Bestanden")),
            button(
                &call.mine("review.judge", &[&id, "0"]),
                &say!(call.lang, "Does not pass", "Nicht bestanden"),
            ),
            button(&call.mine("review.leave", &[&id]), &say!(call.lang, "Leave it", "Liegen lassen")),
        ]
    } else if submission.rubric.len() > CRITERIA {
        text.push_str(&say!(
            call.lang,
            "\n(Its rubric is too long for a form: judge it by the dashboard or the API.)",
            "\n(Das Bewertungsschema ist zu lang für ein Formular: über die Oberfläche oder die API bewerten.)"
        ));
        vec![button(&call.mine("review.leave", &[&id]), &say!(call.lang, "Leave it", "Liegen lassen"))]
    } else {
        vec![
            button(&call.mine("review.judge", &[&id, ""]), &say!(call.lang, "Judge", "Bewerten")),
            button(&call.mine("review.leave", &[&id]), &say!(call.lang, "Leave it", "Liegen lassen")),
        ]
    };
    Reply { content: text, ..reply }.row(row)
}

/// What was handed in: what is long comes as a file.
pub(super) fn work_shown(text: &mut String, work: &Work) -> Reply {
    let is_long = work.text.chars().count() > SHOWN;
    if !is_long && !work.text.is_empty() {
        let _ = write!(text, "\n>>> {}", work.text);
    }
    let mut reply = Reply::default();
    if is_long {
        let content = work.text.clone().into();
        reply = reply.file(Attachment { name: "work.md".to_owned(), media_type: "text/markdown", content });
    }
    for link in work.links.iter().take(5) {
        let _ = write!(text, "\n<{link}>");
    }
    reply
}

/// Who judges, as learning takes it.
fn grader(call: &Call) -> ops::Author<'_> {
    ops::Author { by: call.by(), origin: call.origin() }
}

fn submission_of(call: &Call) -> Result<SubmissionId, Problem> {
    call.needs(Some("learning:grade"))?;
    long(call.arg(0)?).map(SubmissionId::new).ok_or_else(|| Problem::not_found("submission"))
}

/// Points of a criterion as a form's label shows what they are for.
pub(super) fn criterion_label(lang: Lang, text: &str, most: u32) -> String {
    let text = cut(text, 30);
    say!(lang, "{text} (0 to {most})", "{text} (0 bis {most})")
}

/// A judgement: its form, or what was written in it.
pub(crate) async fn judged(call: Call) -> Answered {
    let id = submission_of(&call)?;
    let submission = submission_details(call.pool(), call.guild, id).await?.submission;
    let passed = match call.arg(1)? {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    };
    if call.fields.is_empty() {
        let mut fields: Vec<_> = submission
            .rubric
            .iter()
            .take(CRITERIA)
            .enumerate()
            .map(|(n, one)| {
                field(&format!("c{n}"), &criterion_label(call.lang, &one.text, one.points), false, 4)
            })
            .collect();
        let told = say!(call.lang, "What the learner is told", "Was die lernende Person erfährt");
        fields.push(optional_field("feedback", &told, 2_000));
        let mine = call.mine("review.judge", &[call.arg(0)?, call.arg(1)?]);
        return Ok(Reply::form(&mine, &submission.title, fields));
    }
    let given =
        |name: &str| call.fields.get(name).and_then(|values| values.first()).cloned().unwrap_or_default();
    let mut judgement = Judgement { passed, feedback: given("feedback"), ..Judgement::default() };
    for (n, one) in submission.rubric.iter().enumerate() {
        let points = given(&format!("c{n}"))
            .trim()
            .parse()
            .map_err(|_| Problem::field(format!("c{n}"), "must be a whole number"))?;
        judgement.scores.insert(one.slug.clone(), points);
    }
    let done = submission_judge(call.pool(), call.guild, id, &judgement, grader(&call)).await?;
    call.committed();
    let (title, grade) = (plain(&done.title), done.grade.clone().unwrap_or_default());
    Ok(Reply::text(if done.passed == Some(true) {
        say!(call.lang, "{title} passes with {grade} %.", "{title} ist mit {grade} % bestanden.")
    } else {
        say!(call.lang, "{title} does not pass: {grade} %.", "{title} ist nicht bestanden: {grade} %.")
    }))
}

/// It is left for others.
pub(crate) async fn left(call: Call) -> Answered {
    let id = submission_of(&call)?;
    claim_release(call.pool(), call.guild, id, grader(&call)).await?;
    Ok(Reply::text(say!(call.lang, "It is left for others.", "Es bleibt für andere liegen.")).instead())
}
