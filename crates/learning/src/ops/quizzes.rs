//! Quizzes: tries begun and handed in.

use chrono::TimeDelta;
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::PgPool;

use super::complete::{Outcome, judged, opened};
use super::work::Work;
use crate::error::{Error, NO_TRIES, TRY_EXPIRED};
use crate::ids::{QuestId, Subject};
use crate::model::learner::{QuestionResult, QuizResult, QuizTry};
use crate::model::quiz::{ItemAnswer, Quiz};
use crate::rules::quiz::{POINT, Put, answers_read, asked, grade, passes, put, score};
use crate::rules::versions::question_hash;
use crate::store::{self, Response, Try};

/// Begins a try at a quiz, or goes on with the one that is open; tells the questions.
#[kernel::boxed]
pub async fn try_begin(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    subject: Subject,
) -> Result<QuizTry, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        let quiz = work.quiz(subject)?.clone();
        work.ensure_active()?;
        if work.is_done(subject) {
            return Err(Error::state("This quiz is passed already."));
        }
        let now = db::now(&mut tx).await?;
        let mut tries = store::tries_of(&mut tx, guild, work.attempt.id, subject).await?;
        let over = |one: &Try| one.status == "open" && one.due_at.is_some_and(|due| due < now);
        for one in tries.iter_mut().filter(|one| over(one)) {
            store::try_expire(&mut tx, guild, one.id).await?;
            "expired".clone_into(&mut one.status);
            one.finished_at = Some(now);
        }
        let open = tries.iter().find(|one| one.status == "open").cloned();
        let current = if let Some(open) = open {
            open
        } else {
            may_try(&quiz, &tries, now)?;
            let number = i32::try_from(tries.len()).unwrap_or(i32::MAX - 1) + 1;
            let minutes = quiz.time_limit_minutes.and_then(|minutes| i32::try_from(minutes).ok());
            let begun =
                store::try_insert(&mut tx, &work.learner, &work.attempt, subject, number, minutes).await?;
            opened(&mut tx, &mut work, subject, number).await?;
            begun
        };
        let secret = store::shuffle_secret(&mut tx, guild).await?;
        let questions = asked(&put(&quiz, &secret, &name(&work, &current)));
        let answer = QuizTry {
            try_number: current.number,
            due_at: current.due_at,
            tries_left: left(&quiz, current.number),
            pass_percent: quiz.pass_percent,
            questions,
            files: work.files(),
        };
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

/// What became of handing in.
enum HandedIn {
    Graded(QuizResult),
    Late,
}

/// Hands in the open try at a quiz; it is graded at once.
#[kernel::boxed]
pub async fn try_answer(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    subject: Subject,
    answers: &[ItemAnswer],
) -> Result<QuizResult, Error> {
    let handed_in = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        let quiz = work.quiz(subject)?.clone();
        work.ensure_active()?;
        let tries = store::tries_of(&mut tx, guild, work.attempt.id, subject).await?;
        let open = tries
            .iter()
            .find(|one| one.status == "open")
            .ok_or_else(|| Error::state("No try at this quiz is open; begin one first."))?;
        // The server's time of receipt decides.
        let now = db::now(&mut tx).await?;
        if open.due_at.is_some_and(|due| due < now) {
            store::try_expire(&mut tx, guild, open.id).await?;
            tx.commit().await?;
            return Ok::<_, Error>(HandedIn::Late);
        }
        let secret = store::shuffle_secret(&mut tx, guild).await?;
        let name = name(&work, open);
        let put = put(&quiz, &secret, &name);
        let given = answers_read(&put, answers).map_err(Error::Invalid)?;
        let graded: Vec<i64> = put
            .iter()
            .zip(&given)
            .map(|(put, given)| grade(put.question, &put.parameters, given.as_ref()))
            .collect();
        let (reached, full) = score(put.iter().map(|put| put.question).zip(graded.iter().copied()));
        let passed = passes(reached, full, quiz.pass_percent);
        store::try_grade(&mut tx, guild, open.id, reached, full, passed).await?;
        let responses: Vec<Response> = put
            .iter()
            .zip(given.iter().zip(&graded))
            .map(|(put, (given, score))| Response {
                item: put.question.slug.clone(),
                hash: question_hash(put.question),
                parameters: put
                    .parameters
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(value.to_string())))
                    .collect(),
                answer: given.as_ref().map(crate::rules::quiz::Given::to_json),
                score: *score,
                full: i64::from(put.question.points) * POINT,
            })
            .collect();
        store::responses_insert(&mut tx, guild, open.id, &responses).await?;
        let details = json!({ "try": open.number, "score": reached, "full": full, "passed": passed,
                              "assessment": subject.assessment() });
        store::event_insert(&mut tx, &work.learner, &work.event("tried", subject.step(), details)).await?;
        let tries_left = left(&quiz, open.number);
        // While tries are left, the total is all that is told: else the key would be found by trying.
        let told = if passed || tries_left == Some(0) { results(&put, &graded) } else { Vec::new() };
        let outcome = Outcome {
            grade: hundredths(reached, full),
            passed,
            tries: Some(open.number),
            ..Outcome::default()
        };
        judged(&mut tx, &mut work, subject, outcome).await?;
        tx.commit().await?;
        Ok(HandedIn::Graded(QuizResult {
            try_number: open.number,
            points: points(reached),
            of_points: points(full),
            passed,
            tries_left,
            questions: told,
            files: work.files(),
        }))
    })
    .await?;
    match handed_in {
        HandedIn::Graded(result) => Ok(result),
        HandedIn::Late => Err(Error::Refused(
            TRY_EXPIRED,
            "The time of this try was over when your answers came.".to_owned(),
        )),
    }
}

/// The name from which a try's shuffle comes.
fn name(work: &Work, one: &Try) -> String {
    format!("{}/{}", work.attempt.id, one.id)
}

/// How many tries are left after so many.
fn left(quiz: &Quiz, used: i32) -> Option<i32> {
    quiz.max_tries.map(|max| (i32::try_from(max).unwrap_or(i32::MAX) - used).max(0))
}

/// Refuses another try where none is left, or the last one is not long enough ago.
fn may_try(quiz: &Quiz, tries: &[Try], now: chrono::DateTime<chrono::Utc>) -> Result<(), Error> {
    if quiz.max_tries.is_some_and(|max| tries.len() >= max as usize) {
        return Err(Error::Refused(NO_TRIES, "You have used all tries at this quiz.".to_owned()));
    }
    let last = tries.iter().filter_map(|one| one.finished_at).max();
    let wait = last.map(|last| last + TimeDelta::seconds(quiz.cooldown_seconds.into()) - now);
    match wait.map(|wait| wait.num_milliseconds()) {
        Some(wait) if wait > 0 => Err(Error::TooSoon(u64::try_from(wait).unwrap_or(0).div_ceil(1_000))),
        _ => Ok(()),
    }
}

/// Ten-thousandths of points as a decimal.
fn points(score: i64) -> String {
    let text = format!("{}.{:04}", score / POINT, score % POINT);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The share in hundredths of a percent, rounded down.
fn hundredths(reached: i64, full: i64) -> i32 {
    if full == 0 { 0 } else { i32::try_from(reached * 10_000 / full).unwrap_or(0) }
}

fn results(put: &[Put<'_>], graded: &[i64]) -> Vec<QuestionResult> {
    put.iter()
        .zip(graded)
        .map(|(put, score)| QuestionResult {
            question: put.id.clone(),
            points: points(*score),
            of_points: put.question.points,
            explanation: put.question.explanation.clone(),
        })
        .collect()
}
