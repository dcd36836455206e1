//! Members who learn: the example path, and some who are on their way through it. What they do goes through the slices' `ops`, as
//! requests do.

use std::collections::BTreeSet;

use access::{By, Origin};
use assessment::model::work::Work;
use kernel::UserId;
use learning::ids::{PathId, QuestId, Subject};
use learning::model::learner::{AttemptView, Confirmation, QuestState};
use learning::model::path::Bundle;
use learning::model::quest::QuestDocument;
use learning::model::quiz::Quiz;
use learning::ops::{self, Author};
use learning::rules::{banks, quiz};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use server::Services;

use super::{GUILD, failed, path, people};
use crate::{failure::Failure, screen::Screen};

/// So many of a hundred members learn.
const LEARNERS: u32 = 50;

/// The most quests that somebody has done when the demo begins.
const MOST_DONE: usize = 6;

/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 14;

/// Publishes the example path, and lets members begin it, as far as that is not so.
pub(super) async fn set_up(services: &Services, screen: &Screen) -> Result<PathId, Failure> {
    let pool = services.app.pool();
    let mut bundle = path::read()?;
    let here = Origin::default();
    let author = Author { by: By::Cli, origin: &here };
    let done = ops::bundle_import(pool, GUILD, &bundle, true, author).await.map_err(failed)?;
    if done.created == 0 {
        return Ok(done.path_id);
    }
    let drawn = bundle.banks.iter().map(|named| (named.slug.clone(), named.bank.questions.clone())).collect();
    for named in &mut bundle.quests {
        banks::fill(&mut named.quest, &drawn);
    }
    let mut chance = StdRng::seed_from_u64(SEED);
    let learners: Vec<(UserId, usize)> = people::ids()
        .filter(|_| chance.random_range(0..100) < LEARNERS)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|user| (user, chance.random_range(0..=MOST_DONE)))
        .collect();
    let bar = screen.bar(learners.len(), "members begin to learn");
    for (user, quests) in learners {
        ops::path_enrol(pool, GUILD, user, done.path_id).await.map_err(failed)?;
        walk(services, &bundle, done.path_id, user, quests).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    services.app.wake().outbox();
    Ok(done.path_id)
}

/// A member does so many quests, those that are open, in their order; the last one is left as far as people have to judge it.
async fn walk(
    services: &Services,
    bundle: &Bundle,
    path: PathId,
    user: UserId,
    mut quests: usize,
) -> Result<(), Failure> {
    let pool = services.app.pool();
    let mut begun = BTreeSet::new();
    while quests > 0 {
        let view = ops::path_view(pool, GUILD, Some(user), path).await.map_err(failed)?;
        let open = view.quests.iter().find(|one| one.state == QuestState::Open && !begun.contains(&one.id));
        let Some(quest) = open else { return Ok(()) };
        let Some(named) = bundle.quests.iter().find(|named| named.slug == quest.slug) else { return Ok(()) };
        begun.insert(quest.id);
        do_quest(services, &named.quest, &named.slug, quest.id, user).await?;
        quests -= 1;
    }
    Ok(())
}

async fn do_quest(
    services: &Services,
    document: &QuestDocument,
    slug: &str,
    quest: QuestId,
    user: UserId,
) -> Result<(), Failure> {
    let pool = services.app.pool();
    let attempt: AttemptView = ops::attempt_begin(pool, GUILD, user, quest).await.map_err(failed)?;
    for view in &attempt.steps {
        let Some(step) = document.step(&view.slug) else { continue };
        let subject = Subject::Step(view.id);
        if let Some(quiz) = &step.quiz {
            answer(services, quiz, quest, subject, user).await?;
        } else if step.coding.is_some() {
            program(services, slug, &step.slug, quest, subject, user).await?;
        } else if step.submission.is_some() {
            hand_in(services, quest, subject, user).await?;
        } else if step.elsewhere.is_none() {
            let note =
                Some("I have read it, tried it, and told others of it. Here is what I think.".to_owned());
            let confirmation = Confirmation { note };
            ops::step_complete(pool, GUILD, user, quest, view.id, &confirmation).await.map_err(failed)?;
        }
    }
    for view in attempt.assessments.iter().filter(|one| !one.test_out) {
        let Some(one) = document.assessments.iter().find(|one| one.slug == view.slug) else { continue };
        let subject = Subject::Assessment(view.id);
        if let Some(quiz) = &one.quiz {
            answer(services, quiz, quest, subject, user).await?;
        } else if one.coding.is_some() {
            program(services, slug, &one.slug, quest, subject, user).await?;
        } else {
            hand_in(services, quest, subject, user).await?;
        }
    }
    Ok(())
}

async fn answer(
    services: &Services,
    quiz: &Quiz,
    quest: QuestId,
    subject: Subject,
    user: UserId,
) -> Result<(), Failure> {
    let pool = services.app.pool();
    let asked = ops::try_begin(pool, GUILD, user, quest, subject).await.map_err(failed)?;
    if let Some(answers) = quiz::solve(quiz, &asked.questions) {
        ops::try_answer(pool, GUILD, user, quest, subject, &answers).await.map_err(failed)?;
    }
    Ok(())
}

/// Hands in the example's solution, where programs can be run.
async fn program(
    services: &Services,
    quest_slug: &str,
    slug: &str,
    quest: QuestId,
    subject: Subject,
    user: UserId,
) -> Result<(), Failure> {
    let (Some(sandbox), Some(code)) = (&services.sandbox, path::solution(quest_slug, slug)) else {
        return Ok(());
    };
    let pool = services.app.pool();
    ops::program_run(pool, sandbox, GUILD, user, quest, subject, code).await.map_err(failed)?;
    Ok(())
}

async fn hand_in(services: &Services, quest: QuestId, subject: Subject, user: UserId) -> Result<(), Failure> {
    let work = Work { text: "Here is what I made of it.".to_owned(), links: Vec::new() };
    assessment::ops::submission_create(services.app.pool(), GUILD, user, quest, subject, &work)
        .await
        .map_err(failed)?;
    Ok(())
}
