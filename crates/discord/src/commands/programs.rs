//! Programs of learners, handed in by a form: as long as Discord's forms take. They are run and judged as over every other face.

use std::fmt::Write as _;

use kernel::Problem;
use learning::model::learner::ProgramResult;
use learning::ops::{program_run, quest_view};
use serde_json::Value;

use super::Answered;
use super::call::Call;
use super::learn::{quest_and_subject, shown};
use crate::interactions::reply::{Reply, button, field};
use crate::words::{Lang, cut, plain, say};

/// The longest program that a form takes.
const LONGEST: u32 = 4_000;
/// Tests that an answer tells of.
const TOLD: usize = 12;

/// The way to hand a program in, where programs are run; what it is about is told by these.
pub(super) fn way(call: &Call, args: &[&str], text: &mut String) -> Vec<Value> {
    if call.bot.faculties().sandbox.is_none() {
        text.push_str(&say!(
            call.lang,
            "\n\n(This server runs no programs, so it judges none.)",
            "\n\n(Dieser Server führt keine Programme aus und bewertet daher keine.)"
        ));
        return Vec::new();
    }
    let label = say!(call.lang, "Hand in a program", "Programm abgeben");
    vec![button(&call.mine("learn.program", args), &label)]
}

/// Where a program is written.
pub(super) fn form(call: &Call, args: &[&str]) -> Reply {
    let title = say!(call.lang, "Your program", "Dein Programm");
    let label = say!(call.lang, "Python; what is longer goes by the API", "Python; was länger ist, per API");
    Reply::form(&call.mine("learn.program", args), &title, vec![field("code", &label, true, LONGEST)])
}

/// The button was pressed, or the form was sent.
pub(crate) async fn handed_in(call: Call) -> Answered {
    let (quest, subject) = quest_and_subject(&call)?;
    let Some(code) = call.fields.get("code").and_then(|values| values.first()) else {
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        return Ok(form(&call, &args));
    };
    let sandbox = call.bot.faculties().sandbox.clone().ok_or_else(|| {
        Problem::new(kernel::problem::UNAVAILABLE, "This server runs no programs, so it judges none.")
    })?;
    let done = program_run(call.pool(), &sandbox, call.guild, call.user, quest, subject, code).await?;
    call.committed();
    let text = told(call.lang, &done);
    if done.passed
        && let Some(attempt) = quest_view(call.pool(), call.guild, Some(call.user), quest).await?.attempt
    {
        let on = shown(&call, &attempt).await?;
        return Ok(Reply { content: format!("{text}\n\n{}", on.content), ..on });
    }
    Ok(Reply::text(text))
}

/// How it went, test by test.
fn told(lang: Lang, done: &ProgramResult) -> String {
    let mut text = if done.passed {
        say!(lang, "All tests are passed.", "Alle Tests sind bestanden.")
    } else {
        say!(lang, "Not all tests are passed.", "Nicht alle Tests sind bestanden.")
    };
    let feedback = &done.feedback;
    for test in feedback.tests.iter().take(TOLD) {
        let _ = write!(text, "\n{} {}", if test.passed { "✓" } else { "✗" }, plain(&cut(&test.name, 80)));
        let why = test.error.as_deref().or(test.feedback.as_deref()).filter(|_| !test.passed);
        if let Some(why) = why {
            let _ = write!(text, ": {}", plain(&cut(why.lines().last().unwrap_or_default(), 120)));
        }
    }
    let (passed, total) = (feedback.hidden_passed, feedback.hidden_total);
    if total > 0 {
        text.push_str(&say!(
            lang,
            "\n{passed} of {total} hidden tests",
            "\n{passed} von {total} verborgenen Tests"
        ));
    }
    if let Some(left) = done.tries_left.filter(|_| !done.passed) {
        text.push_str(&say!(lang, "\n{left} tries are left.", "\n{left} Versuche sind übrig."));
    }
    text
}
