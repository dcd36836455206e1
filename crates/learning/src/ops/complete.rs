//! The one place where something becomes done: progress of quest, chapter and path, what it brings, and what it unlocks, all in
//! the caller's transaction and under the learner's lock.

use std::collections::{BTreeMap, BTreeSet};

use jobs::outbox;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::work::Work;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::{AssessmentId, QuestId, StepId, Subject};
use crate::model::quest::Step;
use crate::rules::progress::Progress;
use crate::rules::unlock::Goal;
use crate::store::{self, ChapterRow, Grant, Learner, PathProgressRow, StepState, StepStatus};

/// What one cause brings, gathered, so that its events go out in their order under one correlation id.
struct Cascade<'a> {
    learner: &'a Learner,
    correlation: Uuid,
    /// What was completed first: the cause of unlocks.
    cause: (&'static str, Uuid),
    fresh: Vec<Grant>,
    unlocked: Vec<QuestId>,
    told: Vec<outbox::Event>,
}

impl<'a> Cascade<'a> {
    fn new(learner: &'a Learner, cause: (&'static str, Uuid)) -> Self {
        let correlation = Uuid::now_v7();
        Self { learner, correlation, cause, fresh: Vec::new(), unlocked: Vec::new(), told: Vec::new() }
    }

    /// Grants what was not granted before; tells how much XP that is.
    async fn grant(&mut self, conn: &mut PgConnection, grants: Vec<Grant>) -> Result<i32, Error> {
        let fresh = store::grants_insert(conn, self.learner, self.correlation, &grants).await?;
        let fresh: Vec<Grant> = grants
            .into_iter()
            .enumerate()
            .filter(|(n, _)| fresh.contains(n))
            .map(|(_, grant)| grant)
            .collect();
        let xp = fresh.iter().map(|grant| grant.xp).sum();
        self.fresh.extend(fresh);
        Ok(xp)
    }

    fn tell(&mut self, event_type: &'static str, subject: String, payload: Value) {
        self.told.push(outbox::Event {
            guild_id: self.learner.guild,
            event_type,
            subject,
            correlation_id: Some(self.correlation),
            user_id: Some(self.learner.user),
            payload,
        });
    }

    /// Sends everything: what happened, then XP, then skill points, then unlocks.
    async fn emit(mut self, conn: &mut PgConnection) -> Result<(), Error> {
        let user = self.learner.user;
        let mut ordinal = 0;
        let mut next = || {
            ordinal += 1;
            ordinal
        };
        let fresh = std::mem::take(&mut self.fresh);
        for grant in fresh.iter().filter(|grant| grant.xp > 0) {
            let payload = json!({ "user_id": user, "ordinal": next(), "xp": grant.xp, "source_type": grant.source_type,
                                  "source_id": grant.source_id });
            self.tell("learning.xp_granted", format!("members/{user}"), payload);
        }
        for grant in &fresh {
            for (skill, points) in &grant.skills {
                let payload = json!({ "user_id": user, "ordinal": next(), "skill": skill, "skill_points": points,
                                      "source_type": grant.source_type, "source_id": grant.source_id });
                self.tell("learning.skill_points_granted", format!("members/{user}"), payload);
            }
        }
        for quest in std::mem::take(&mut self.unlocked) {
            let payload = json!({ "user_id": user, "ordinal": next(), "unlocked_id": quest, "source_type": self.cause.0,
                                  "source_id": self.cause.1 });
            self.tell("learning.challenge_unlocked", format!("members/{user}"), payload);
        }
        outbox::emit(conn, &self.told).await?;
        Ok(())
    }
}

/// What grading brought.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The grade, in hundredths of a percent, after penalties.
    pub grade: i32,
    /// Whether it passes.
    pub passed: bool,
    /// The number of the try, where it is one.
    pub tries: Option<i32>,
    /// What the learner is told, where it is a step.
    pub feedback: Option<String>,
    /// What was handed in, to be kept with a step.
    pub submission: Option<Value>,
    /// Whether this is the best grade of an assessment from now on, also where it was better before: a grade was corrected.
    pub corrects: bool,
}

/// A step or an assessment was graded. Passing completes the step, or tests out of the quest, and whatever that completes: progress,
/// rewards and unlocks in the caller's transaction. What is passed stays passed, and is rewarded once.
#[kernel::boxed]
pub async fn judged(
    conn: &mut PgConnection,
    work: &mut Work,
    subject: Subject,
    outcome: Outcome,
) -> Result<(), Error> {
    match subject {
        Subject::Step(id) => {
            let step = work.step(id)?.clone();
            let mut state = work.state(id);
            state.score = Some(state.score.unwrap_or(0).max(outcome.grade));
            state.tries = outcome.tries.unwrap_or(state.tries);
            state.feedback = outcome.feedback.or(state.feedback);
            state.submission = outcome.submission.or(state.submission);
            if outcome.passed {
                return step_done(conn, work, id, &step, state).await;
            }
            if state.status == StepStatus::NotStarted {
                state.status = StepStatus::InProgress;
            }
            store::step_put(conn, &work.learner, work.attempt.id, id, &state).await?;
            work.states.insert(id, state);
            Ok(())
        }
        Subject::Assessment(id) => {
            let one = work.assessment(id)?;
            let (slug, tests_out) = (one.slug.clone(), one.test_out);
            let (learner, attempt) = (work.learner, work.attempt.id);
            store::assessment_put(&mut *conn, &learner, attempt, (id, &slug), &outcome).await?;
            if !outcome.passed || !work.passed.insert(id) {
                return Ok(());
            }
            let mut cascade = Cascade::new(&learner, ("quest", work.attempt.quest.get()));
            settle(&mut *conn, work, &mut cascade, 0, tests_out).await?;
            cascade.emit(conn).await
        }
    }
}

/// Something was begun or handed in for a step or an assessment, as its nth.
#[kernel::boxed]
pub async fn opened(
    conn: &mut PgConnection,
    work: &mut Work,
    subject: Subject,
    number: i32,
) -> Result<(), Error> {
    let Subject::Step(id) = subject else { return Ok(()) };
    let mut state = work.state(id);
    state.tries = number;
    if state.status == StepStatus::NotStarted {
        state.status = StepStatus::InProgress;
        store::event_insert(&mut *conn, &work.learner, &work.event("opened", Some(id), json!({}))).await?;
    }
    store::step_put(conn, &work.learner, work.attempt.id, id, &state).await?;
    work.states.insert(id, state);
    Ok(())
}

/// Completes a step of an attempt, and whatever that completes. A step that is completed already stays as it is.
#[kernel::boxed]
pub(crate) async fn step_done(
    conn: &mut PgConnection,
    work: &mut Work,
    id: StepId,
    step: &Step,
    mut state: StepState,
) -> Result<(), Error> {
    if work.state(id).status == StepStatus::Completed {
        return Ok(());
    }
    let learner = work.learner;
    let quest = work.attempt.quest;
    let mut cascade = Cascade::new(&learner, ("step", id.get()));
    let grant = Grant {
        source_type: "step",
        source_id: id.get(),
        attempt: Some(work.attempt.id),
        version: Some(work.attempt.version),
        xp: step.experience_points,
        skills: BTreeMap::new(),
    };
    let earned = cascade.grant(&mut *conn, vec![grant]).await?;
    state.status = StepStatus::Completed;
    state.experience_earned = work.state(id).experience_earned + earned;
    store::step_put(&mut *conn, &learner, work.attempt.id, id, &state).await?;
    store::event_insert(&mut *conn, &learner, &work.event("completed", Some(id), json!({}))).await?;
    work.states.insert(id, state);
    let progress = work.progress();
    let payload = json!({ "user_id": learner.user, "quest_id": quest, "step_id": id, "done": progress.done, "total": progress.total });
    cascade.tell("learning.step_completed", format!("learning/quests/{quest}"), payload);
    settle(&mut *conn, work, &mut cascade, earned, false).await?;
    cascade.emit(conn).await
}

/// Completes the quest of an attempt that was begun anew, if all that counts was passed before.
#[kernel::boxed]
pub(crate) async fn begun_anew(conn: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
    if work.passed.is_empty() {
        return Ok(());
    }
    let learner = work.learner;
    let tests_out =
        work.document().assessments.iter().any(|one| {
            one.test_out && work.passed.contains(&AssessmentId::of(work.attempt.quest, &one.slug))
        });
    let mut cascade = Cascade::new(&learner, ("quest", work.attempt.quest.get()));
    settle(&mut *conn, work, &mut cascade, 0, tests_out).await?;
    cascade.emit(conn).await
}

/// Writes how much of an attempt is done; completes the quest if that is all, or it was tested out of. An attempt that was given up
/// is not completed by it.
async fn settle(
    conn: &mut PgConnection,
    work: &mut Work,
    cascade: &mut Cascade<'_>,
    mut earned: i32,
    tests_out: bool,
) -> Result<(), Error> {
    let (learner, quest) = (work.learner, work.attempt.quest);
    let progress = work.progress();
    let given_up = work.attempt.status == store::AttemptStatus::Abandoned;
    let completes = (progress.is_complete() || tests_out) && !given_up && work.attempt.completed_at.is_none();
    if completes {
        let document = work.document();
        let grant = Grant {
            source_type: "quest",
            source_id: quest.get(),
            attempt: Some(work.attempt.id),
            version: Some(work.attempt.version),
            xp: document.experience_points,
            skills: document.skills.clone(),
        };
        earned += cascade.grant(&mut *conn, vec![grant]).await?;
    }
    let (done, current) = (count(progress.done), work.current());
    store::attempt_completed_write(&mut *conn, &learner, work.attempt.id, done, earned, current, completes)
        .await?;
    work.attempt.done = done;
    if completes {
        cascade.cause = ("quest", quest.get());
        quest_done(conn, work, cascade).await?;
    }
    Ok(())
}

/// What a completed quest changes beyond itself.
async fn quest_done(
    conn: &mut PgConnection,
    work: &mut Work,
    cascade: &mut Cascade<'_>,
) -> Result<(), Error> {
    let (learner, quest) = (work.learner, work.attempt.quest);
    store::event_insert(&mut *conn, &learner, &work.event("quest_completed", None, json!({}))).await?;
    work.attempt.status = store::AttemptStatus::Completed;
    let payload = json!({ "user_id": learner.user, "quest_id": quest, "title": work.document().title });
    cascade.tell("learning.quest_completed", format!("learning/quests/{quest}"), payload);
    let graph = Graph::of(&mut *conn, learner.guild).await?;
    let member = store::facts(&mut *conn, learner.guild, learner.user).await?;
    work.attempt.completed_at = Some(member.now);
    paths_settle(&mut *conn, &learner, &graph, &member, cascade).await?;
    unlock(conn, &learner, &graph, &member, quest, cascade).await
}

/// Unlocks what was locked before this quest was done, and is open now.
async fn unlock(
    conn: &mut PgConnection,
    learner: &Learner,
    graph: &Graph,
    member: &store::MemberFacts,
    quest: QuestId,
    cascade: &mut Cascade<'_>,
) -> Result<(), Error> {
    let Some(at) = graph.quest(quest) else { return Ok(()) };
    let after = graph.facts(member);
    let mut without = member.clone();
    without.done.remove(&quest);
    let before = graph.facts(&without);
    let opened: Vec<QuestId> = graph
        .dependents(at)
        .iter()
        .filter(|one| !graph.is_open(**one, &before) && graph.is_open(**one, &after))
        .map(|one| graph.quests[*one].id)
        .collect();
    if opened.is_empty() {
        return Ok(());
    }
    let known = store::attempted(&mut *conn, learner, &opened).await?;
    let new: Vec<QuestId> = opened.into_iter().filter(|one| !known.contains(one)).collect();
    let reason = json!({ "completed": quest });
    let fresh: BTreeSet<QuestId> =
        store::unlocks_insert(conn, learner, cascade.correlation, &new, &reason).await?.into_iter().collect();
    // In the order of their ids, which is that of their making.
    cascade.unlocked.extend(fresh);
    Ok(())
}

/// Works out progress of every path that the learner is enrolled in, and of its chapters; grants what became complete.
async fn paths_settle(
    conn: &mut PgConnection,
    learner: &Learner,
    graph: &Graph,
    member: &store::MemberFacts,
    cascade: &mut Cascade<'_>,
) -> Result<(), Error> {
    let done = graph.facts(member).done;
    let progress_of =
        |quests: &[usize]| Progress::of(quests.iter().map(|quest| done.contains(&Goal::Quest(*quest))));
    for enrolled in store::enrolments_of(&mut *conn, learner.guild, learner.id).await? {
        let Some(at) = graph.path(enrolled.path) else { continue };
        let path = &graph.paths[at];
        let progress = progress_of(&path.mandatory);
        let unchanged = enrolled.epoch == path.epoch
            && enrolled.total == count(progress.total)
            && enrolled.done == count(progress.done)
            && (enrolled.completed_at.is_some() || !progress.is_complete());
        if unchanged || (enrolled.completed_at.is_some() && enrolled.epoch == path.epoch) {
            continue;
        }
        let chapter_ids: Vec<Uuid> =
            path.chapters.iter().map(|chapter| graph.chapters[*chapter].id.get()).collect();
        let finished: BTreeSet<_> =
            store::chapters_of(&mut *conn, learner, &chapter_ids).await?.into_iter().collect();
        let mut rows = Vec::new();
        let mut grants = Vec::new();
        for chapter in path.chapters.iter().map(|chapter| &graph.chapters[*chapter]) {
            let progress = progress_of(&chapter.mandatory);
            let was = finished.contains(&chapter.id);
            let completed = was || progress.is_complete();
            if completed && !was {
                grants.push(whole("chapter", chapter.id.get(), chapter.experience_points));
                let payload = json!({ "user_id": learner.user, "path_id": path.id, "chapter_id": chapter.id, "title": chapter.title });
                cascade.tell("learning.chapter_completed", format!("learning/paths/{}", path.id), payload);
            }
            rows.push(ChapterRow {
                chapter: chapter.id,
                done: count(if completed { progress.total } else { progress.done }),
                total: count(progress.total),
                completed,
                epoch: path.epoch,
            });
        }
        store::chapter_progress_put(&mut *conn, learner, &rows).await?;
        let was = enrolled.completed_at.is_some();
        let completed = was || progress.is_complete();
        if completed && !was {
            grants.push(whole("path", path.id.get(), path.experience_points));
            let payload = json!({ "user_id": learner.user, "path_id": path.id, "name": path.name });
            cascade.tell("learning.path_completed", format!("learning/paths/{}", path.id), payload);
        }
        cascade.grant(&mut *conn, grants).await?;
        let quests: Vec<QuestId> = path.entries.iter().map(|entry| graph.quests[entry.quest].id).collect();
        let mut others = chapter_ids;
        others.push(path.id.get());
        let row = PathProgressRow {
            path: path.id,
            done: count(if completed { progress.total } else { progress.done }),
            total: count(progress.total),
            completed,
            earned: store::earned_of_attempts(&mut *conn, learner, &quests, &others).await?,
            epoch: path.epoch,
        };
        store::path_progress_put(&mut *conn, learner, &row).await?;
        let payload =
            json!({ "user_id": learner.user, "path_id": path.id, "done": row.done, "total": row.total });
        cascade.tell("learning.path_progress", format!("learning/paths/{}", path.id), payload);
    }
    Ok(())
}

/// Unlocks what is open to a learner because of what they earned: XP, level, skills, achievements. Tells how many quests that is.
#[kernel::boxed]
pub(super) async fn rules_unlock(conn: &mut PgConnection, learner: &Learner) -> Result<usize, Error> {
    let graph = Graph::of(&mut *conn, learner.guild).await?;
    let member = store::facts(&mut *conn, learner.guild, learner.user).await?;
    let facts = graph.facts(&member);
    let open: Vec<QuestId> = graph
        .earned_rules()
        .iter()
        .filter(|one| graph.is_open(**one, &facts))
        .map(|one| graph.quests[*one].id)
        .collect();
    let known = store::attempted(&mut *conn, learner, &open).await?;
    let new: Vec<QuestId> = open.into_iter().filter(|one| !known.contains(one)).collect();
    let mut unlocked = 0;
    // Each is its own cause: the rule that came true is the quest's.
    for quest in new {
        let mut cascade = Cascade::new(learner, ("rule", quest.get()));
        let reason = json!({ "rule": true });
        let fresh =
            store::unlocks_insert(&mut *conn, learner, cascade.correlation, &[quest], &reason).await?;
        unlocked += fresh.len();
        cascade.unlocked = fresh;
        cascade.emit(&mut *conn).await?;
    }
    Ok(unlocked)
}

fn whole(source_type: &'static str, source_id: Uuid, xp: i32) -> Grant {
    Grant { source_type, source_id, attempt: None, version: None, xp, skills: BTreeMap::new() }
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Works out a learner's progress through all their paths anew: on enrolling, and where paths changed.
#[kernel::boxed]
pub(crate) async fn paths_done(
    conn: &mut PgConnection,
    learner: &Learner,
    cause: (&'static str, Uuid),
) -> Result<(), Error> {
    let graph = Graph::of(&mut *conn, learner.guild).await?;
    let member = store::facts(&mut *conn, learner.guild, learner.user).await?;
    let mut cascade = Cascade::new(learner, cause);
    paths_settle(&mut *conn, learner, &graph, &member, &mut cascade).await?;
    cascade.emit(conn).await
}

/// Works out progress anew of learners whose paths changed, a bounded number of them, each in a transaction of their own; tells
/// how many.
pub async fn recalculate(pool: &PgPool, limit: i64) -> Result<usize, Error> {
    let behind: Vec<(GuildId, UserId)> =
        store::learners_behind(&mut *db::acquire(pool).await?, limit).await?;
    for (guild, user) in &behind {
        db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            let learner = store::learner_lock(&mut tx, *guild, *user).await?;
            // What a changed path completes, the path caused.
            paths_done(&mut tx, &learner, ("path", Uuid::nil())).await?;
            tx.commit().await?;
            Ok::<_, Error>(())
        })
        .await?;
    }
    Ok(behind.len())
}
