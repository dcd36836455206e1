//! Programs that learners write: run in the jail, judged by what they print, which is all that reaches the judge.

use std::sync::Arc;

use kernel::{GuildId, UserId};
use sandbox::{Job, RunError, Sandbox};
use serde_json::json;
use sqlx::PgPool;

use super::complete::{Outcome, judged as graded};
use super::work::Work;
use crate::error::{Error, NO_TRIES};
use crate::ids::{QuestId, Subject};
use crate::model::coding::{CodeFeedback, CodeTest, Coding};
use crate::model::learner::ProgramResult;
use crate::rules::coding::{self, Ended, Verdicts};
use crate::store;

/// The longest program, in bytes.
const MAX_PROGRAM: usize = 64 << 10;

/// Runs a learner's program against the tests of a step or an assessment; completes it if all are passed. A failure of ours uses no try.
#[kernel::boxed]
pub async fn program_run(
    pool: &PgPool,
    sandbox: &Sandbox,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    subject: Subject,
    code: &str,
) -> Result<ProgramResult, Error> {
    if code.len() > MAX_PROGRAM || code.trim().is_empty() {
        return Err(Error::field("code", "must be 1 to 65,536 bytes long"));
    }
    // Looked at first, and again below: nobody's row stays locked while a program runs.
    let before = {
        let mut tx = db::begin(pool).await?;
        let work = Work::lock(&mut tx, guild, user, quest).await?;
        let coding = work.coding(subject)?.clone();
        may_try(&mut tx, &work, subject, &coding).await?;
        (work.attempt.version, work.attempt.restarts, coding)
    };
    let (version, run, program) = before;
    let (passed, feedback) = program_judge(sandbox, guild, &program, code).await?;
    let answer = json!({ "code": code });
    let told =
        serde_json::to_value(&feedback).map_err(|error| Error::Corrupt("a program's feedback", error))?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        if (work.attempt.version, work.attempt.restarts) != (version, run) {
            return Err(Error::state(
                "The attempt went on to another version meanwhile; hand the program in again.",
            ));
        }
        let number = may_try(&mut tx, &work, subject, &program).await?;
        let reached = count(passed.iter().filter(|passed| **passed).count());
        let full = count(passed.len());
        store::try_store(
            &mut tx,
            &work.learner,
            &work.attempt,
            subject,
            number,
            (reached, full),
            &answer,
            &told,
        )
        .await?;
        let all = reached == full;
        let details = json!({ "try": number, "score": reached, "full": full, "passed": all,
                              "assessment": subject.assessment() });
        store::event_insert(&mut tx, &work.learner, &work.event("tried", subject.step(), details)).await?;
        let share = i32::try_from(reached * 10_000 / full.max(1)).unwrap_or(0);
        let submission = all.then(|| answer.clone());
        let outcome =
            Outcome { grade: share, passed: all, tries: Some(number), submission, ..Outcome::default() };
        graded(&mut tx, &mut work, subject, outcome).await?;
        tx.commit().await?;
        Ok(ProgramResult {
            try_number: number,
            passed: all,
            tries_left: program.max_tries.map(|max| (i32::try_from(max).unwrap_or(i32::MAX) - number).max(0)),
            feedback: feedback.clone(),
        })
    })
    .await
}

/// Runs a program against the tests: which are passed, and what the learner may be told.
#[kernel::boxed]
pub async fn program_judge(
    sandbox: &Sandbox,
    guild: GuildId,
    program: &Coding,
    code: &str,
) -> Result<(Vec<bool>, CodeFeedback), Error> {
    let mut ended = Vec::with_capacity(program.tests.len());
    for test in &program.tests {
        ended.push(run_test(sandbox, guild, code, test).await?);
    }
    let verdicts = judged(sandbox, guild, program, &ended).await?;
    let passed = coding::passed(program, &ended, verdicts.as_ref());
    let feedback = coding::feedback(program, &ended, &passed, verdicts.as_ref());
    Ok((passed, feedback))
}

/// The number of the next try, if there may be one.
async fn may_try(
    conn: &mut sqlx::PgConnection,
    work: &Work,
    subject: Subject,
    coding: &Coding,
) -> Result<i32, Error> {
    work.ensure_active()?;
    if work.is_done(subject) {
        return Err(Error::state("This is passed already."));
    }
    let used = store::tries_of(conn, work.learner.guild, work.attempt.id, subject).await?.len();
    if coding.max_tries.is_some_and(|max| used >= max as usize) {
        return Err(Error::Refused(NO_TRIES, "You have used all tries at this.".to_owned()));
    }
    Ok(i32::try_from(used).unwrap_or(i32::MAX - 1) + 1)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

async fn run_test(sandbox: &Sandbox, guild: GuildId, code: &str, test: &CodeTest) -> Result<Ended, Error> {
    let script = if test.append.is_empty() { code.to_owned() } else { format!("{code}\n{}\n", test.append) };
    let job = Job {
        script: script.into(),
        file_name: Arc::from("program.py"),
        seed: "test".to_owned(),
        stdin: Some(test.stdin.clone().into_bytes()),
        ..Job::default()
    };
    match sandbox.run(guild.get(), job).await {
        Ok(output) => Ok(Ok(String::from_utf8_lossy(&output.stdout).into_owned())),
        Err(error) if error.is_authors() => Ok(Err(error.to_string())),
        Err(error) => Err(unavailable(&error)),
    }
}

/// What the author's checker says, where there is one and a program that ran.
async fn judged(
    sandbox: &Sandbox,
    guild: GuildId,
    coding: &Coding,
    ended: &[Ended],
) -> Result<Option<Verdicts>, Error> {
    let Some(checker) = coding.checker.as_ref().filter(|_| ended.iter().any(Result::is_ok)) else {
        return Ok(None);
    };
    let job = Job {
        script: checker.as_str().into(),
        file_name: Arc::from("checker.py"),
        seed: "checker".to_owned(),
        stdin: Some(coding::checker_input(coding, ended)),
        ..Job::default()
    };
    let output = sandbox.run(guild.get(), job).await.map_err(|error| {
        if error.is_authors() {
            tracing::warn!(%error, "a checker failed");
            return Error::Checker(error.to_string());
        }
        unavailable(&error)
    })?;
    coding::checker_output(&output.stdout, coding.tests.len()).map(Some).map_err(|wrong| {
        tracing::warn!(wrong, "a checker's verdict cannot be read");
        Error::Checker(wrong)
    })
}

fn unavailable(error: &RunError) -> Error {
    tracing::debug!(%error, "a program could not be run");
    Error::Unavailable(
        "Your program could not be judged just now. No try was used; please try again in a moment."
            .to_owned(),
    )
}
