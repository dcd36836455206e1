//! An author's `check.py` before it is trusted: it takes the generator's own answers for right, has a verdict on nonsense, and says
//! the same twice, on another day and with other hash seeds.

use std::collections::HashSet;

use challenges::checks::{Checked, Said, checker_run};
use futures::StreamExt as _;
use sandbox::generator::{Generated, alternatives};
use sandbox::{Job, Sandbox};

use super::mistake::Mistake;

/// On how many of a check's inputs a checker is tried.
const MOST_INPUTS: usize = 5;
/// What nobody means as an answer, but somebody will send.
const NONSENSE: &[&str] = &["?", "0", "-1", "1e999", "\u{1f3b2}", "a b\nc", "[]", "{}", "null"];

/// What a checker is asked.
struct Question {
    seed: String,
    /// Which of the inputs it is about.
    n: usize,
    part: i32,
    expected: String,
    answer: String,
    /// Whether it is the generator's own answer.
    own: bool,
}

/// Tries a checker; says what must be mended, and what is worth a look.
pub(super) async fn checker_check(
    sandbox: &Sandbox,
    tenant: i64,
    (slug, checker): (&str, &Job),
    made: &[(&str, &Generated)],
) -> (Vec<Mistake>, Vec<Mistake>) {
    let file = format!("{slug}/check.py");
    let questions = questions(made);
    let mut runs = Vec::with_capacity(questions.len());
    for question in &questions {
        let other = Job { hash_seed_variant: true, ..checker.clone() };
        runs.push(async move {
            let asked = (&made[question.n].1.input, question.expected.as_str());
            let answer = (question.part, question.answer.as_str());
            tokio::join!(
                checker_run(sandbox, tenant, checker, asked, answer),
                checker_run(sandbox, tenant, &other, asked, answer)
            )
        });
    }
    let said: Vec<(Checked, Checked)> =
        futures::stream::iter(runs).buffered(sandbox.workers()).collect().await;
    let (mut errors, mut warnings): (Vec<Mistake>, Vec<Mistake>) = (Vec::new(), Vec::new());
    let mut nonsense_taken = Vec::new();
    // The first of a kind is enough; the others say the same with other numbers.
    let mut kinds: HashSet<Kind> = HashSet::new();
    for (question, (first, second)) in questions.iter().zip(&said) {
        if let Some((kind, mistake)) = mistake(&file, question, first, second) {
            if kinds.insert(kind) {
                errors.push(mistake);
            }
        } else if !question.own && first.as_ref().is_ok_and(|said| said.correct) {
            nonsense_taken.push(format!("{:?}", question.answer));
        }
    }
    if nonsense_taken.len() > 1 {
        warnings.push(Mistake::of(
            &file,
            format!("takes {} for right: does it look at the answer at all?", nonsense_taken.join(", ")),
        ));
    }
    (errors, warnings)
}

fn questions(made: &[(&str, &Generated)]) -> Vec<Question> {
    let mut questions = Vec::new();
    for (n, (seed, generated)) in made.iter().take(MOST_INPUTS).enumerate() {
        for (part, expected) in (1..).zip(&generated.results) {
            let ask = |answer: &str, own| Question {
                seed: (*seed).to_owned(),
                n,
                part,
                expected: expected.clone(),
                answer: answer.to_owned(),
                own,
            };
            questions.extend(alternatives(expected).map(|answer| ask(answer, true)));
            if n == 0 {
                let unlike = NONSENSE.iter().filter(|answer| !alternatives(expected).any(|a| a == **answer));
                questions.extend(unlike.map(|answer| ask(answer, false)));
            }
        }
    }
    questions
}

/// Kinds of mistakes.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// It failed there.
    AtLine(usize),
    /// It failed for this reason, nowhere in particular.
    For(String),
    /// It says now this, now that.
    Unsteady,
    /// It takes the right answer for wrong.
    OwnAnswer,
}

/// What is wrong with two runs on the same answer.
fn mistake(file: &str, question: &Question, first: &Checked, second: &Checked) -> Option<(Kind, Mistake)> {
    let about = format!("part {}, answer {:?}", question.part, question.answer);
    let (kind, mistake) = match (first, second) {
        (Err(failure), _) | (_, Err(failure)) => {
            let why = failure.for_author.as_ref()?;
            let line = failure.line.and_then(|line| usize::try_from(line).ok());
            let message = format!(
                "{why} (on {about}): a checker has a verdict on whatever is sent, so what it cannot read is wrong"
            );
            let (traceback, stderr) = failure.told.clone();
            let kind = line.map_or_else(|| Kind::For(why.clone()), Kind::AtLine);
            (kind, Mistake { traceback, stderr, ..Mistake::new(file, line, message) })
        }
        (Ok(first), Ok(second)) if first != second => {
            let message = format!(
                "run twice on the same answer, the checker said {} and then {} (on {about}): its verdict must follow from what it \
                 reads alone, not from the clock, os.urandom or the order of a set",
                shown(first),
                shown(second)
            );
            (Kind::Unsteady, Mistake::of(file, message))
        }
        (Ok(said), _) if question.own && !said.correct => {
            let message = format!("takes generate.py's own answer for wrong (on {about})");
            (Kind::OwnAnswer, Mistake::of(file, message))
        }
        (Ok(_), Ok(_)) => return None,
    };
    Some((kind, Mistake { seeds: vec![question.seed.clone()], ..mistake }))
}

fn shown(said: &Said) -> String {
    let verdict = if said.correct { "right" } else { "wrong" };
    match (&said.message, said.share) {
        (Some(message), _) => format!("{verdict} ({message:?})"),
        (None, 100) => verdict.to_owned(),
        (None, share) => format!("{verdict} for {share} %"),
    }
}
