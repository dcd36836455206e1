//! Members who learn: the example path, and some who are on their way through it. What they do goes through the slices' `ops`, as
//! requests do.

use std::collections::BTreeSet;

use access::{By, Origin};
use assessment::model::submission::Judgement;
use assessment::model::work::Work;
use futures::{StreamExt as _, stream};
use kernel::{PageQuery, UserId};
use learning::ids::{PathId, QuestId, Subject};
use learning::model::learner::{AttemptView, Confirmation, QuestState};
use learning::model::path::Bundle;
use learning::model::quest::QuestDocument;
use learning::model::quiz::Quiz;
use learning::ops::{self, Author};
use learning::rules::{banks, quiz};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use server::Services;

use super::{AT_ONCE, GUILD, failed, path, people};
use crate::{failure::Failure, screen::Screen};

/// So many members learn: of those who talk most, every few.
const LEARNERS: usize = 90;

/// The most quests that somebody has done when the demo begins: some have only enrolled, most are on their way, a few are far.
const MOST_DONE: usize = 9;

/// Every so manieth learner is far ahead of them: as far as what people have to judge, so that there is something to grade.
const AHEAD: usize = 8;

/// The quests that those have done, or handed work in for.
const DONE_AHEAD: usize = 14;

/// Every so manieth hand-in is graded; the others wait.
const GRADED: usize = 3;

/// What they hand in.
const WORK: &str = "The service answers `GET /health`. If it does not:\n\n\
    1. **Is it up?** `systemctl status shortener`. If not, start it, and read the last hundred lines of its log.\n\
    2. **Is the disk full?** `df -h /var`. Rotate the logs; nothing else there may go.\n\
    3. **Is the database away?** What is read comes from the cache; what would be written answers 503. Call whoever is on duty for it.\n\n\
    If it is none of these, call Mira, then Tomas.";

/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 14;

/// Publishes the example path, and lets members begin it, as far as that is not so.
pub(super) async fn set_up(services: &Services, screen: &Screen) -> Result<PathId, Failure> {
    let pool = services.app.pool();
    let mut bundle = path::read()?;
    let here = Origin::default();
    let author = Author { by: By::Cli, origin: &here };
    let done = ops::bundle_import(pool, GUILD, &bundle, true, author).await.map_err(failed)?;
    let drawn = bundle.banks.iter().map(|named| (named.slug.clone(), named.bank.questions.clone())).collect();
    for named in &mut bundle.quests {
        banks::fill(&mut named.quest, &drawn);
    }
    // Who has begun is where they are; the others begin.
    let enrolled: Vec<i64> = sqlx::query_scalar!(
        "SELECT l.user_id FROM learning.user_learning_path_progress p
           JOIN learning.learners l ON l.guild_id = p.guild_id AND l.auth_user_id = p.auth_user_id
          WHERE p.guild_id = $1 AND p.learning_path_id = $2",
        GUILD.get(),
        done.path_id.get(),
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let mut chance = StdRng::seed_from_u64(SEED);
    let learners: Vec<(UserId, usize)> = (0..LEARNERS)
        .map(|n| {
            let most = chance.random_range(0..=MOST_DONE);
            let quests = chance.random_range(0..=most);
            let quests = if n % AHEAD == 3 { DONE_AHEAD } else { quests };
            (people::id(if n == 0 { people::GUEST } else { 5 + n * 4 }), quests)
        })
        .filter(|(user, _)| !enrolled.contains(&user.get()))
        .collect();
    if learners.is_empty() {
        return Ok(done.path_id);
    }
    let bar = screen.bar(learners.len(), "members begin to learn");
    let mut walks = stream::iter(learners)
        .map(|(user, quests)| {
            let bundle = &bundle;
            async move {
                ops::path_enrol(pool, GUILD, user, done.path_id).await.map_err(failed)?;
                walk(services, bundle, done.path_id, user, quests).await
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(outcome) = walks.next().await {
        outcome?;
        bar.inc(1);
    }
    drop(walks);
    bar.finish_and_clear();
    grade(services, author).await?;
    count(services).await?;
    services.app.wake().outbox();
    Ok(done.path_id)
}

/// What they did is counted now: by itself that would be at night.
async fn count(services: &Services) -> Result<(), Failure> {
    let pool = services.app.pool();
    let today = db::now(&mut *db::acquire(pool).await?).await?.date_naive();
    insight::ops::guild_count(pool, GUILD).await.map_err(failed)?;
    insight::ops::day_make(pool, GUILD, today).await.map_err(failed)?;
    Ok(())
}

/// Some of what was handed in has been looked at.
async fn grade(services: &Services, author: Author<'_>) -> Result<(), Failure> {
    let pool = services.app.pool();
    let page = PageQuery { limit: Some(200), cursor: None };
    let waiting = assessment::ops::submission_list(pool, GUILD, false, &page).await?;
    for (n, one) in waiting.items.into_iter().step_by(GRADED).enumerate() {
        if one.status != "submitted" {
            continue;
        }
        let share = |most: u32| if n % 4 == 3 { most / 3 } else { most - most / 5 };
        let judgement = Judgement {
            scores: one.rubric.iter().map(|line| (line.slug.clone(), share(line.points))).collect(),
            passed: one.rubric.is_empty().then_some(n % 4 != 3),
            feedback: if n % 4 == 3 {
                "A good beginning. Say *why* you chose it, and what you would do if it failed.".to_owned()
            } else {
                "Clear and to the point. I like how you name what can go wrong.".to_owned()
            },
        };
        assessment::ops::submission_judge(pool, GUILD, one.id, &judgement, author).await.map_err(failed)?;
    }
    Ok(())
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
            services.steps.complete(GUILD, user, quest, view.id, confirmation).await.map_err(failed)?;
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
    let work = Work { text: WORK.to_owned(), links: Vec::new() };
    assessment::ops::submission_create(services.app.pool(), GUILD, user, quest, subject, &work)
        .await
        .map_err(failed)?;
    Ok(())
}
