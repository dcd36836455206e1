//! The one place where something becomes done: progress of quest, chapter and path, what it brings, and what it unlocks, all in
//! the caller's transaction and under the learners' locks. What is done for one learner is done for many at once: as many statements,
//! however many learners.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jobs::outbox;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::work::Work;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::{AssessmentId, LearnerId, QuestId, StepId, Subject};
use crate::model::quest::Step;
use crate::rules::progress::Progress;
use crate::rules::unlock::{Facts, Goal};
use crate::store::{
    self, AttemptEvent, ChapterRow, Done, Grant, Granted, Learner, MemberFacts, PathProgressRow, StepState,
    StepStatus, Unlock,
};

/// What one cause brings a learner, gathered, so that its events go out in their order under one correlation id.
struct Cascade {
    learner: Learner,
    correlation: Uuid,
    /// What was completed first: the cause of unlocks.
    cause: (&'static str, Uuid),
    fresh: Vec<Grant>,
    unlocked: Vec<QuestId>,
    told: Vec<outbox::Event>,
}

impl Cascade {
    fn new(learner: Learner, cause: (&'static str, Uuid)) -> Self {
        let correlation = Uuid::now_v7();
        Self { learner, correlation, cause, fresh: Vec::new(), unlocked: Vec::new(), told: Vec::new() }
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

    /// Everything in its order: what happened, then XP, then skill points, then unlocks.
    fn events(mut self) -> Vec<outbox::Event> {
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
        self.told
    }
}

/// Grants what was not granted before: each to the cascade of that place. Tells how much XP each brings.
async fn grant(
    conn: &mut PgConnection,
    guild: GuildId,
    cascades: &mut [&mut Cascade],
    grants: Vec<(usize, Grant)>,
) -> Result<Vec<i32>, Error> {
    let asked: Vec<Granted> = grants
        .iter()
        .map(|(n, grant)| Granted {
            learner: cascades[*n].learner.id,
            correlation: cascades[*n].correlation,
            grant: grant.clone(),
        })
        .collect();
    let fresh = store::grants_insert(conn, guild, &asked).await?;
    let mut xp = vec![0; cascades.len()];
    for (place, (n, grant)) in grants.into_iter().enumerate() {
        if fresh.contains(&place) {
            xp[n] += grant.xp;
            cascades[n].fresh.push(grant);
        }
    }
    Ok(xp)
}

/// Sends everything, each learner's in its order.
async fn emit(
    conn: &mut PgConnection,
    cascades: impl IntoIterator<Item = Cascade> + Send,
) -> Result<(), Error> {
    let events: Vec<outbox::Event> = cascades.into_iter().flat_map(Cascade::events).collect();
    Ok(outbox::emit(conn, &events).await?)
}

/// A learner's part of what is settled at once. No two parts of one settling are of the same learner.
struct Part<'a> {
    work: &'a mut Work,
    cascade: Cascade,
    earned: i32,
    tests_out: bool,
}

impl<'a> Part<'a> {
    fn new(work: &'a mut Work, cause: (&'static str, Uuid)) -> Self {
        let cascade = Cascade::new(work.learner, cause);
        Self { work, cascade, earned: 0, tests_out: false }
    }
}

fn cascades<'p>(parts: &'p mut [Part<'_>]) -> Vec<&'p mut Cascade> {
    parts.iter_mut().map(|part| &mut part.cascade).collect()
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
pub async fn judged(
    conn: &mut PgConnection,
    work: &mut Work,
    subject: Subject,
    outcome: Outcome,
) -> Result<(), Error> {
    let guild = work.learner.guild;
    judged_all(conn, guild, subject, vec![(work, outcome)]).await
}

/// The same of many learners of one guild, no two of whom are the same.
#[kernel::boxed]
pub async fn judged_all(
    conn: &mut PgConnection,
    guild: GuildId,
    subject: Subject,
    outcomes: Vec<(&mut Work, Outcome)>,
) -> Result<(), Error> {
    match subject {
        Subject::Step(id) => {
            let mut passing = Vec::new();
            let mut others = Vec::new();
            for (work, outcome) in outcomes {
                let step = work.step(id)?;
                let experience_points = step.experience_points;
                let mut state = work.state(id);
                state.score = Some(state.score.unwrap_or(0).max(outcome.grade));
                state.tries = outcome.tries.unwrap_or(state.tries);
                state.feedback = outcome.feedback.or(state.feedback);
                state.submission = outcome.submission.or(state.submission);
                if outcome.passed {
                    passing.push(StepDone { work, id, experience_points, state });
                    continue;
                }
                if state.status == StepStatus::NotStarted {
                    state.status = StepStatus::InProgress;
                }
                others.push((work, state));
            }
            if !others.is_empty() {
                let rows: Vec<_> = others.iter().map(|(work, state)| (work.attempt.id, id, state)).collect();
                store::steps_put(&mut *conn, guild, &rows).await?;
            }
            for (work, state) in others {
                work.states.insert(id, state);
            }
            steps_done(conn, guild, passing).await
        }
        Subject::Assessment(id) => assessments_judged(conn, guild, id, outcomes).await,
    }
}

async fn assessments_judged(
    conn: &mut PgConnection,
    guild: GuildId,
    id: AssessmentId,
    outcomes: Vec<(&mut Work, Outcome)>,
) -> Result<(), Error> {
    let Some((first, _)) = outcomes.first() else { return Ok(()) };
    let slug = first.assessment(id)?.slug.clone();
    let rows: Vec<_> = outcomes.iter().map(|(work, outcome)| (work.attempt.id, outcome)).collect();
    store::assessments_put(&mut *conn, guild, (id, &slug), &rows).await?;
    let mut parts = Vec::new();
    for (work, outcome) in outcomes {
        let tests_out = work.assessment(id)?.test_out;
        if outcome.passed && work.passed.insert(id) {
            let cause = ("quest", work.attempt.quest.get());
            parts.push(Part { tests_out, ..Part::new(work, cause) });
        }
    }
    settle(conn, guild, parts).await
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
pub(crate) async fn step_done(
    conn: &mut PgConnection,
    work: &mut Work,
    id: StepId,
    step: &Step,
    state: StepState,
) -> Result<(), Error> {
    let guild = work.learner.guild;
    let experience_points = step.experience_points;
    steps_done(conn, guild, vec![StepDone { work, id, experience_points, state }]).await
}

/// A step that a learner has done.
pub(super) struct StepDone<'a> {
    pub(super) work: &'a mut Work,
    pub(super) id: StepId,
    pub(super) experience_points: i32,
    /// How it stands, but for what completing it writes.
    pub(super) state: StepState,
}

/// Completes steps of attempts, no two of the same learner.
#[kernel::boxed]
pub(super) async fn steps_done(
    conn: &mut PgConnection,
    guild: GuildId,
    mut done: Vec<StepDone<'_>>,
) -> Result<(), Error> {
    done.retain(|one| one.work.state(one.id).status != StepStatus::Completed);
    if done.is_empty() {
        return Ok(());
    }
    let mut grants = Vec::with_capacity(done.len());
    let mut states = Vec::with_capacity(done.len());
    let mut parts = Vec::with_capacity(done.len());
    for (n, one) in done.into_iter().enumerate() {
        let attempt = &one.work.attempt;
        let grant = Grant {
            source_type: "step",
            source_id: one.id.get(),
            attempt: Some(attempt.id),
            version: Some(attempt.version),
            xp: one.experience_points,
            skills: BTreeMap::new(),
        };
        grants.push((n, grant));
        states.push((one.id, one.state));
        parts.push(Part::new(one.work, ("step", one.id.get())));
    }
    let earned = grant(&mut *conn, guild, &mut cascades(&mut parts), grants).await?;
    for ((part, (id, state)), earned) in parts.iter_mut().zip(&mut states).zip(earned) {
        part.earned = earned;
        state.status = StepStatus::Completed;
        state.experience_earned = part.work.state(*id).experience_earned + earned;
    }
    let rows: Vec<_> =
        parts.iter().zip(&states).map(|(part, (id, state))| (part.work.attempt.id, *id, state)).collect();
    store::steps_put(&mut *conn, guild, &rows).await?;
    let events: Vec<_> = parts
        .iter()
        .zip(&states)
        .map(|(part, (id, _))| (part.work.learner.id, part.work.event("completed", Some(*id), json!({}))))
        .collect();
    events_insert(&mut *conn, guild, &events).await?;
    for (part, (id, state)) in parts.iter_mut().zip(states) {
        part.work.states.insert(id, state);
        let (quest, user, progress) = (part.work.attempt.quest, part.work.learner.user, part.work.progress());
        let payload = json!({ "user_id": user, "quest_id": quest, "step_id": id, "done": progress.done, "total": progress.total });
        part.cascade.tell("learning.step_completed", format!("learning/quests/{quest}"), payload);
    }
    settle(conn, guild, parts).await
}

async fn events_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    events: &[(LearnerId, AttemptEvent<'_>)],
) -> Result<(), Error> {
    let rows: Vec<_> = events.iter().map(|(learner, event)| (*learner, event)).collect();
    store::events_insert(conn, guild, &rows).await
}

/// Completes the quest of an attempt that was begun anew, if all that counts was passed before.
#[kernel::boxed]
pub(crate) async fn begun_anew(conn: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
    if work.passed.is_empty() {
        return Ok(());
    }
    let tests_out =
        work.document().assessments.iter().any(|one| {
            one.test_out && work.passed.contains(&AssessmentId::of(work.attempt.quest, &one.slug))
        });
    let (guild, cause) = (work.learner.guild, ("quest", work.attempt.quest.get()));
    settle(conn, guild, vec![Part { tests_out, ..Part::new(work, cause) }]).await
}

/// Writes how much of each attempt is done; completes the quest if that is all, or it was tested out of; tells what came of it. An
/// attempt that was given up is not completed by it.
#[kernel::boxed]
async fn settle(conn: &mut PgConnection, guild: GuildId, mut parts: Vec<Part<'_>>) -> Result<(), Error> {
    if parts.is_empty() {
        return Ok(());
    }
    let mut grants = Vec::new();
    let mut completes = Vec::with_capacity(parts.len());
    for (n, part) in parts.iter().enumerate() {
        let attempt = &part.work.attempt;
        let all = part.work.progress().is_complete() || part.tests_out;
        let given_up = attempt.status == store::AttemptStatus::Abandoned;
        completes.push(all && !given_up && attempt.completed_at.is_none());
        if completes[n] {
            let document = part.work.document();
            let grant = Grant {
                source_type: "quest",
                source_id: attempt.quest.get(),
                attempt: Some(attempt.id),
                version: Some(attempt.version),
                xp: document.experience_points,
                skills: document.skills.clone(),
            };
            grants.push((n, grant));
        }
    }
    let earned = grant(&mut *conn, guild, &mut cascades(&mut parts), grants).await?;
    let rows: Vec<Done> = parts
        .iter()
        .zip(earned)
        .zip(&completes)
        .map(|((part, earned), completed)| Done {
            attempt: part.work.attempt.id,
            done: count(part.work.progress().done),
            earned: part.earned + earned,
            current: part.work.current(),
            completed: *completed,
        })
        .collect();
    store::attempts_done(&mut *conn, guild, &rows).await?;
    for (part, row) in parts.iter_mut().zip(&rows) {
        part.work.attempt.done = row.done;
    }
    let mut completed: Vec<&mut Part<'_>> =
        parts.iter_mut().zip(completes).filter(|(_, completes)| *completes).map(|(part, _)| part).collect();
    if !completed.is_empty() {
        quests_done(&mut *conn, guild, &mut completed).await?;
    }
    emit(conn, parts.into_iter().map(|part| part.cascade)).await
}

/// What completed quests change beyond themselves.
async fn quests_done(
    conn: &mut PgConnection,
    guild: GuildId,
    parts: &mut [&mut Part<'_>],
) -> Result<(), Error> {
    let events: Vec<_> = parts
        .iter()
        .map(|part| (part.work.learner.id, part.work.event("quest_completed", None, json!({}))))
        .collect();
    events_insert(&mut *conn, guild, &events).await?;
    let graph = Graph::of(&mut *conn, guild).await?;
    let users: Vec<UserId> = parts.iter().map(|part| part.work.learner.user).collect();
    let members: Vec<MemberFacts> =
        store::facts_of(&mut *conn, guild, &users).await?.into_iter().map(|(_, facts)| facts).collect();
    for (part, member) in parts.iter_mut().zip(&members) {
        let quest = part.work.attempt.quest;
        part.work.attempt.status = store::AttemptStatus::Completed;
        part.work.attempt.completed_at = Some(member.now);
        part.cascade.cause = ("quest", quest.get());
        let payload = json!({ "user_id": part.work.learner.user, "quest_id": quest, "title": part.work.document().title });
        part.cascade.tell("learning.quest_completed", format!("learning/quests/{quest}"), payload);
    }
    let after: Vec<Facts> = members.iter().map(|member| graph.facts(member)).collect();
    let mut cascades: Vec<&mut Cascade> = parts.iter_mut().map(|part| &mut part.cascade).collect();
    paths_settle(&mut *conn, guild, &graph, &after, &mut cascades).await?;
    unlock(conn, guild, &graph, (&members, &after), parts).await
}

/// Unlocks what was locked before these quests were done, and is open now.
async fn unlock(
    conn: &mut PgConnection,
    guild: GuildId,
    graph: &Graph,
    (members, after): (&[MemberFacts], &[Facts]),
    parts: &mut [&mut Part<'_>],
) -> Result<(), Error> {
    let mut opened: Vec<(usize, QuestId)> = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let quest = part.work.attempt.quest;
        let Some(at) = graph.quest(quest) else { continue };
        let dependents = graph.dependents(at);
        if dependents.is_empty() {
            continue;
        }
        let mut without = members[n].clone();
        without.done.remove(&quest);
        let before = graph.facts(&without);
        let opens = |one: &usize| !graph.is_open(*one, &before) && graph.is_open(*one, &after[n]);
        opened.extend(dependents.iter().filter(|one| opens(one)).map(|one| (n, graph.quests[*one].id)));
    }
    if opened.is_empty() {
        return Ok(());
    }
    let key = |(n, quest): &(usize, QuestId)| (parts[*n].work.learner.id, *quest);
    let known = store::attempted(&mut *conn, guild, &opened.iter().map(key).collect::<Vec<_>>()).await?;
    let new: Vec<Unlock> = opened
        .iter()
        .filter(|one| !known.contains(&key(one)))
        .map(|(n, quest)| Unlock {
            learner: parts[*n].work.learner.id,
            quest: *quest,
            correlation: parts[*n].cascade.correlation,
            reason: json!({ "completed": parts[*n].work.attempt.quest }),
        })
        .collect();
    let fresh = store::unlocks_insert(conn, guild, &new).await?;
    // In the order of their ids, which is that of their making.
    for part in parts.iter_mut() {
        let learner = part.work.learner.id;
        part.cascade.unlocked.extend(
            fresh
                .range((learner, QuestId::new(Uuid::nil()))..)
                .take_while(|one| one.0 == learner)
                .map(|one| one.1),
        );
    }
    Ok(())
}

/// A path in which somebody's progress changes.
struct Moved {
    /// Whose: the cascade's place.
    n: usize,
    /// The path's place.
    at: usize,
    was_completed: bool,
    progress: Progress,
}

/// Works out progress of every path that the learners are enrolled in, and of its chapters; grants what became complete. What is the
/// case for each stands at the same place as their cascade.
#[kernel::boxed]
async fn paths_settle(
    conn: &mut PgConnection,
    guild: GuildId,
    graph: &Graph,
    facts: &[Facts],
    cascades: &mut [&mut Cascade],
) -> Result<(), Error> {
    let places: HashMap<LearnerId, usize> =
        cascades.iter().enumerate().map(|(n, cascade)| (cascade.learner.id, n)).collect();
    let learners: Vec<Uuid> = cascades.iter().map(|cascade| cascade.learner.id.get()).collect();
    let progress_of = |n: usize, quests: &[usize]| {
        Progress::of(quests.iter().map(|quest| facts[n].done.contains(&Goal::Quest(*quest))))
    };
    let mut moved = Vec::new();
    for enrolled in store::enrolments_of(&mut *conn, guild, &learners).await? {
        let (Some(n), Some(at)) = (places.get(&enrolled.learner).copied(), graph.path(enrolled.path)) else {
            continue;
        };
        let path = &graph.paths[at];
        let progress = progress_of(n, &path.mandatory);
        let unchanged = enrolled.epoch == path.epoch
            && enrolled.total == count(progress.total)
            && enrolled.done == count(progress.done)
            && (enrolled.completed_at.is_some() || !progress.is_complete());
        if unchanged || (enrolled.completed_at.is_some() && enrolled.epoch == path.epoch) {
            continue;
        }
        moved.push(Moved { n, at, was_completed: enrolled.completed_at.is_some(), progress });
    }
    if moved.is_empty() {
        return Ok(());
    }
    let chapters_in = |at: usize| graph.paths[at].chapters.iter().map(|chapter| &graph.chapters[*chapter]);
    let paths: BTreeSet<usize> = moved.iter().map(|one| one.at).collect();
    let chapter_ids: Vec<Uuid> =
        paths.iter().flat_map(|at| chapters_in(*at)).map(|chapter| chapter.id.get()).collect();
    let finished = store::chapters_of(&mut *conn, guild, &learners, &chapter_ids).await?;
    let (mut chapters, mut rows, mut grants) = (Vec::new(), Vec::new(), Vec::new());
    for one in &moved {
        let (path, cascade) = (&graph.paths[one.at], &mut cascades[one.n]);
        let (learner, user) = (cascade.learner.id, cascade.learner.user);
        for chapter in chapters_in(one.at) {
            let progress = progress_of(one.n, &chapter.mandatory);
            let was = finished.contains(&(learner, chapter.id));
            let completed = was || progress.is_complete();
            if completed && !was {
                grants.push((one.n, whole("chapter", chapter.id.get(), chapter.experience_points)));
                let payload = json!({ "user_id": user, "path_id": path.id, "chapter_id": chapter.id, "title": chapter.title });
                cascade.tell("learning.chapter_completed", format!("learning/paths/{}", path.id), payload);
            }
            chapters.push(ChapterRow {
                learner,
                chapter: chapter.id,
                done: count(if completed { progress.total } else { progress.done }),
                total: count(progress.total),
                completed,
                epoch: path.epoch,
            });
        }
        let completed = one.was_completed || one.progress.is_complete();
        if completed && !one.was_completed {
            grants.push((one.n, whole("path", path.id.get(), path.experience_points)));
            let payload = json!({ "user_id": user, "path_id": path.id, "name": path.name });
            cascade.tell("learning.path_completed", format!("learning/paths/{}", path.id), payload);
        }
        let row = PathProgressRow {
            learner,
            path: path.id,
            done: count(if completed { one.progress.total } else { one.progress.done }),
            total: count(one.progress.total),
            completed,
            earned: 0,
            epoch: path.epoch,
        };
        let payload = json!({ "user_id": user, "path_id": path.id, "done": row.done, "total": row.total });
        cascade.tell("learning.path_progress", format!("learning/paths/{}", path.id), payload);
        rows.push(row);
    }
    store::chapter_progress_put(&mut *conn, guild, &chapters).await?;
    grant(&mut *conn, guild, cascades, grants).await?;
    for at in paths {
        let path = &graph.paths[at];
        let quests: Vec<QuestId> = path.entries.iter().map(|entry| graph.quests[entry.quest].id).collect();
        let others: Vec<Uuid> =
            chapters_in(at).map(|chapter| chapter.id.get()).chain([path.id.get()]).collect();
        let of_path: Vec<Uuid> =
            rows.iter().filter(|row| row.path == path.id).map(|row| row.learner.get()).collect();
        let earned = store::earned_of_attempts(&mut *conn, guild, &of_path, &quests, &others).await?;
        for row in rows.iter_mut().filter(|row| row.path == path.id) {
            row.earned = earned.get(&row.learner).copied().unwrap_or(0);
        }
    }
    store::path_progress_put(conn, guild, &rows).await
}

/// Unlocks what is open to a learner because of what they earned: XP, level, skills, achievements. Tells how many quests that is.
#[kernel::boxed]
pub(super) async fn rules_unlock(conn: &mut PgConnection, learner: &Learner) -> Result<usize, Error> {
    let guild = learner.guild;
    let graph = Graph::of(&mut *conn, guild).await?;
    let member = store::facts(&mut *conn, guild, learner.user).await?;
    let facts = graph.facts(&member);
    let open: Vec<(LearnerId, QuestId)> = graph
        .earned_rules()
        .iter()
        .filter(|one| graph.is_open(**one, &facts))
        .map(|one| (learner.id, graph.quests[*one].id))
        .collect();
    let known = store::attempted(&mut *conn, guild, &open).await?;
    // Each is its own cause: the rule that came true is the quest's.
    let mut caused: BTreeMap<QuestId, Cascade> = open
        .iter()
        .filter(|one| !known.contains(one))
        .map(|(_, quest)| (*quest, Cascade::new(*learner, ("rule", quest.get()))))
        .collect();
    let new: Vec<Unlock> = caused
        .iter()
        .map(|(quest, cascade)| Unlock {
            learner: learner.id,
            quest: *quest,
            correlation: cascade.correlation,
            reason: json!({ "rule": true }),
        })
        .collect();
    let fresh = store::unlocks_insert(&mut *conn, guild, &new).await?;
    for (_, quest) in &fresh {
        if let Some(cascade) = caused.get_mut(quest) {
            cascade.unlocked.push(*quest);
        }
    }
    emit(conn, caused.into_values()).await?;
    Ok(fresh.len())
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
    let mut cascade = Cascade::new(*learner, cause);
    let facts = [graph.facts(&member)];
    paths_settle(&mut *conn, learner.guild, &graph, &facts, &mut [&mut cascade]).await?;
    emit(conn, [cascade]).await
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
