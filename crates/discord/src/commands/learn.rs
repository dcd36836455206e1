//! `/learn`: paths, quests, and quizzes by forms. What is handed in is [`super::hand_in`]'s and [`super::programs`]', what peers review
//! [`super::peers`]'.

use std::fmt::Write as _;

use kernel::Problem;
use learning::ids::{AssessmentId, PathId, QuestId, StepId, Subject};
use learning::model::learner::{AttemptView, Confirmation, PathView, QuestState, QuizTry, StepView};
use learning::model::quest::StepType;
use learning::model::quiz::{AskedQuestion, ItemAnswer, QuestionType};
use learning::ops;
use learning::store::{AttemptStatus, StepStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Answered;
use super::call::Call;
use super::choose::{What, id};
use super::{hand_in, programs};
use crate::interactions::custom_id::{long, short};
use crate::interactions::reply::{Reply, button, field, menu};
use crate::words::{Lang, cut, plain, say};

/// Questions in a form: Discord's limit.
const PER_FORM: usize = 5;
/// Says of a button or a form that it is about an assessment.
pub(super) const ASSESSMENT: &str = "a";
/// Says of a quiz that it is about a step.
const STEP: &str = "s";

pub(crate) async fn browse(call: Call) -> Answered {
    let paths = ops::paths_view(call.pool(), call.guild, Some(call.user)).await?;
    if paths.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no paths here yet.",
            "Hier gibt es noch keine Pfade."
        )));
    }
    let mut text = say!(call.lang, "**Learning paths**", "**Lernpfade**");
    for path in paths.iter().take(20) {
        text.push('\n');
        text.push_str(&line(call.lang, path));
    }
    Ok(Reply::text(text))
}

fn line(lang: Lang, path: &PathView) -> String {
    let (name, done, total) = (plain(&path.name), path.progress.done, path.progress.total);
    if path.completed_at.is_some() {
        return say!(lang, "✓ {name} — completed", "✓ {name} — geschafft");
    }
    say!(lang, "{name} — {done} of {total} quests", "{name} — {done} von {total} Quests")
}

pub(crate) async fn path(call: Call) -> Answered {
    let id: PathId = id(&call, "path", What::Path, "path").await?;
    let path = ops::path_view(call.pool(), call.guild, Some(call.user), id).await?;
    let mut text = format!("**{}**\n{}", plain(&path.name), cut(&path.description, 400));
    for quest in path.quests.iter().take(25) {
        let mark = match quest.state {
            QuestState::Completed => "✓",
            QuestState::Locked => "🔒",
            QuestState::InProgress | QuestState::Paused => "▸",
            QuestState::Open | QuestState::Abandoned => "·",
        };
        let _ = write!(text, "\n{mark} {}", plain(&quest.title));
    }
    Ok(Reply::text(text))
}

pub(crate) async fn start(call: Call) -> Answered {
    let quest: QuestId = id(&call, "quest", What::Quest, "quest").await?;
    let attempt = ops::attempt_begin(call.pool(), call.guild, call.user, quest).await?;
    call.committed();
    shown(&call, &attempt).await
}

pub(crate) async fn go_on(call: Call) -> Answered {
    let quest: QuestId = id(&call, "quest", What::Quest, "quest").await?;
    let view = ops::quest_view(call.pool(), call.guild, Some(call.user), quest).await?;
    let attempt = view.attempt.ok_or_else(|| {
        Problem::conflict(say!(
            call.lang,
            "You have not begun this quest: use /learn start.",
            "Diese Quest hast du nicht begonnen: nutze /lernen start."
        ))
    })?;
    let attempt = match attempt.status {
        AttemptStatus::Paused => ops::attempt_resume(call.pool(), call.guild, call.user, quest).await?,
        _ => attempt,
    };
    shown(&call, &attempt).await
}

/// Where an attempt stands, with a way on.
pub(super) async fn shown(call: &Call, attempt: &AttemptView) -> Answered {
    let view = ops::quest_view(call.pool(), call.guild, Some(call.user), attempt.quest_id).await?;
    let (title, done, total) = (plain(&view.title), attempt.progress.done, attempt.progress.total);
    let mut text = say!(
        call.lang,
        "**{title}** — {done} of {total} steps",
        "**{title}** — {done} von {total} Schritten"
    );
    if attempt.status == AttemptStatus::Completed {
        let xp = attempt.experience_earned;
        text.push_str(&say!(call.lang, "\nCompleted, for {xp} XP.", "\nGeschafft, für {xp} XP."));
        return Ok(Reply::text(text));
    }
    let open = |step: &&StepView| !matches!(step.status, StepStatus::Completed | StepStatus::Skipped);
    let Some(step) = attempt.steps.iter().find(open) else {
        return hand_in::left_shown(call, attempt.quest_id, text).await;
    };
    let _ = write!(text, "\n\n**{}**\n{}", plain(&step.title), cut(&step.description, 1_200));
    if let Some(url) = &step.url {
        text.push('\n');
        text.push_str(url);
    }
    let (quest, id) = (short(attempt.quest_id.get()), short(step.id.get()));
    let row = match step.step_type {
        StepType::Quiz => vec![quiz_button(call, [&quest, &id, STEP])],
        StepType::Submission => {
            let label = say!(call.lang, "Hand in", "Abgeben");
            vec![button(&call.mine("learn.hand-in", &[&quest, &id]), &label)]
        }
        StepType::Coding => programs::way(call, &[&quest, &id], &mut text),
        _ if step.note_characters > 0 => {
            let label = say!(call.lang, "Write a note", "Notiz schreiben");
            vec![button(&call.mine("learn.step", &[&quest, &id, "note"]), &label)]
        }
        _ => {
            let label = say!(call.lang, "Done", "Erledigt");
            vec![button(&call.mine("learn.step", &[&quest, &id, ""]), &label)]
        }
    };
    Ok(Reply::text(text).row(row))
}

pub(super) fn quest_and_step(call: &Call) -> Result<(QuestId, StepId), Problem> {
    let gone = || Problem::not_found("step");
    let quest = long(call.arg(0)?).map(QuestId::new).ok_or_else(gone)?;
    Ok((quest, long(call.arg(1)?).map(StepId::new).ok_or_else(gone)?))
}

/// What a button or a form is about: a step, or an assessment of the quest.
pub(super) fn quest_and_subject(call: &Call) -> Result<(QuestId, Subject), Problem> {
    let (quest, step) = quest_and_step(call)?;
    Ok((
        quest,
        match call.arg(2) {
            Ok(ASSESSMENT) => Subject::Assessment(AssessmentId::new(step.get())),
            _ => Subject::Step(step),
        },
    ))
}

/// A step is done: by its button, or by the form in which a note was written.
pub(crate) async fn step_done(call: Call) -> Answered {
    let (quest, step) = quest_and_step(&call)?;
    let note = call.fields.get("note").and_then(|values| values.first()).cloned();
    if call.arg(2)? == "note" && note.is_none() {
        let label = say!(call.lang, "Your note", "Deine Notiz");
        let id = call.mine("learn.step", &[call.arg(0)?, call.arg(1)?, "note"]);
        return Ok(Reply::form(&id, &label, vec![field("note", &label, true, 4_000)]));
    }
    let confirmation = Confirmation { note };
    let desk = &call.bot.faculties().steps;
    let attempt = desk.complete(call.guild, call.user, quest, step, confirmation).await?;
    Ok(shown(&call, &attempt).await?.instead())
}

/// The way into a quiz: its quest, its id, and whether that is a step or an assessment.
pub(super) fn quiz_button(call: &Call, [quest, id, of]: [&str; 3]) -> Value {
    let label = say!(call.lang, "Begin the quiz", "Quiz beginnen");
    button(&call.mine("learn.quiz", &[quest, id, of, "0"]), &label)
}

/// The questions of a page, and where to answer them; or the form for it.
pub(crate) async fn quiz_opened(call: Call) -> Answered {
    let (quest, subject) = quest_and_subject(&call)?;
    let page: usize = call.arg(3)?.parse().map_err(|_| Problem::not_found("page"))?;
    let asked = ops::try_begin(call.pool(), call.guild, call.user, quest, subject).await?;
    let of_page: Vec<&AskedQuestion> = asked.questions.iter().skip(page * PER_FORM).take(PER_FORM).collect();
    if of_page.is_empty() {
        return Err(Problem::not_found("question"));
    }
    if asked.questions.iter().any(|question| !fits(question)) {
        return Err(Problem::conflict(say!(
            call.lang,
            "This quiz has questions that Discord has no form for: ordering, matching, or more than 25 choices. Answer it by the API or the dashboard.",
            "Dieses Quiz hat Fragen, für die Discord kein Formular hat: Ordnen, Zuordnen oder mehr als 25 Antworten. Beantworte es über die API oder die Oberfläche."
        )));
    }
    let args = [call.arg(0)?, call.arg(1)?, call.arg(2)?, call.arg(3)?];
    if call.args.len() > 4 {
        let title = say!(call.lang, "Quiz", "Quiz");
        let fields =
            of_page.iter().enumerate().map(|(n, question)| form_field(call.lang, n, question)).collect();
        return Ok(Reply::form(&call.mine("learn.answers", &args), &title, fields));
    }
    let mut text = String::new();
    for (n, question) in of_page.iter().enumerate() {
        let n = page * PER_FORM + n + 1;
        let _ = writeln!(text, "**{n}.** {}", cut(&question.text, 300));
        for choice in &question.choices {
            let _ = writeln!(text, "- {}", cut(&choice.text, 100));
        }
    }
    let label = say!(call.lang, "Answer", "Antworten");
    let id = call.mine("learn.quiz", &[args[0], args[1], args[2], args[3], "f"]);
    Ok(Reply::text(text).row(vec![button(&id, &label)]).instead())
}

fn fits(question: &AskedQuestion) -> bool {
    match question.kind {
        QuestionType::Single | QuestionType::Multiple => question.choices.len() <= 25,
        QuestionType::Text | QuestionType::Number => true,
        QuestionType::Ordering | QuestionType::Matching => false,
    }
}

fn form_field(lang: Lang, n: usize, question: &AskedQuestion) -> Value {
    let label = say!(lang, "Question {}", "Frage {}", n + 1);
    let choices = question.choices.iter().enumerate();
    // A menu's values are places: ids of choices may be long.
    let choices: Vec<(String, String)> =
        choices.map(|(at, choice)| (at.to_string(), cut(&choice.text, 100))).collect();
    let id = format!("q{n}");
    match question.kind {
        QuestionType::Multiple => menu(&id, &label, &question.text, &choices, (1, choices.len().max(1))),
        QuestionType::Single => menu(&id, &label, &question.text, &choices, (1, 1)),
        _ => field(&id, &label, false, 500),
    }
}

/// The form of a page was sent: the next page, or the result.
pub(crate) async fn quiz_answered(call: Call) -> Answered {
    let (quest, subject) = quest_and_subject(&call)?;
    let page: usize = call.arg(3)?.parse().map_err(|_| Problem::not_found("page"))?;
    let asked = ops::try_begin(call.pool(), call.guild, call.user, quest, subject).await?;
    let mut answers = draft(&call, subject, asked.try_number).await?;
    for (n, question) in asked.questions.iter().skip(page * PER_FORM).take(PER_FORM).enumerate() {
        let given = call.fields.get(&format!("q{n}")).cloned().unwrap_or_default();
        answers.retain(|answer| answer.question != question.id);
        answers.push(answer(question, &given));
    }
    let pages = asked.questions.len().div_ceil(PER_FORM);
    if page + 1 < pages {
        draft_keep(&call, subject, &asked, &answers).await?;
        let (next, label) = ((page + 1).to_string(), say!(call.lang, "Go on", "Weiter"));
        let (n, of) = (page + 1, pages);
        let text = say!(call.lang, "Page {n} of {of} is noted.", "Seite {n} von {of} ist notiert.");
        let id = call.mine("learn.quiz", &[call.arg(0)?, call.arg(1)?, call.arg(2)?, &next]);
        return Ok(Reply::text(text).row(vec![button(&id, &label)]).instead());
    }
    let result = ops::try_answer(call.pool(), call.guild, call.user, quest, subject, &answers).await?;
    call.committed();
    let (points, of) = (&result.points, &result.of_points);
    let mut text = if result.passed {
        say!(call.lang, "Passed, with {points} of {of} points.", "Bestanden, mit {points} von {of} Punkten.")
    } else {
        say!(call.lang, "Not passed: {points} of {of} points.", "Nicht bestanden: {points} von {of} Punkten.")
    };
    for explained in result.questions.iter().filter_map(|question| question.explanation.as_deref()).take(10) {
        let _ = write!(text, "\n- {}", cut(explained, 150));
    }
    if result.passed {
        let view = ops::quest_view(call.pool(), call.guild, Some(call.user), quest).await?;
        if let Some(attempt) = view.attempt {
            let on = shown(&call, &attempt).await?;
            return Ok(Reply { content: format!("{text}\n\n{}", on.content), ..on }.instead());
        }
    } else if let Some(left) = result.tries_left {
        text.push_str(&say!(call.lang, "\n{left} tries are left.", "\n{left} Versuche sind übrig."));
    }
    Ok(Reply::text(text).instead())
}

fn answer(question: &AskedQuestion, given: &[String]) -> ItemAnswer {
    let ids =
        || given.iter().filter_map(|at| Some(question.choices.get(at.parse::<usize>().ok()?)?.id.clone()));
    let mut answer = ItemAnswer { question: question.id.clone(), ..ItemAnswer::default() };
    match question.kind {
        QuestionType::Single => answer.choice = ids().next(),
        QuestionType::Multiple => answer.choices = Some(ids().collect()),
        QuestionType::Number => answer.number = given.first().cloned(),
        _ => answer.text = given.first().cloned(),
    }
    answer
}

/// Under which id answers to a quiz are kept.
const fn kept_under(subject: Subject) -> Uuid {
    match subject {
        Subject::Step(id) => id.get(),
        Subject::Assessment(id) => id.get(),
    }
}

/// What was answered on pages before.
async fn draft(call: &Call, subject: Subject, try_number: i32) -> Result<Vec<ItemAnswer>, Problem> {
    let kept = sqlx::query_scalar!(
        "SELECT answers FROM discord.quiz_drafts
          WHERE guild_id = $1 AND user_id = $2 AND quiz_id = $3 AND try_number = $4",
        call.guild.get(),
        call.user.get(),
        kept_under(subject),
        try_number,
    )
    .fetch_optional(&mut *db::acquire(call.pool()).await?)
    .await?;
    Ok(kept.and_then(|answers| serde_json::from_value(answers).ok()).unwrap_or_default())
}

async fn draft_keep(
    call: &Call,
    subject: Subject,
    asked: &QuizTry,
    answers: &[ItemAnswer],
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO discord.quiz_drafts (guild_id, user_id, quiz_id, try_number, answers) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (guild_id, user_id, quiz_id) DO UPDATE
            SET try_number = excluded.try_number, answers = excluded.answers, updated_at = now()",
        call.guild.get(),
        call.user.get(),
        kept_under(subject),
        asked.try_number,
        json!(answers),
    )
    .execute(&mut *db::acquire(call.pool()).await?)
    .await?;
    Ok(())
}
