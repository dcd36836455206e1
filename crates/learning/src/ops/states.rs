//! What learners are shown: quests and paths, how they stand, and what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use super::work::{Seen, Work, passed_of};
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::{AssessmentId, PathId, QuestId};
use crate::model::assessment::Assessment;
use crate::model::learner::{
    AssessmentTitle, AttemptView, ChapterView, Lack, PathQuestView, PathView, ProgressView, QuestHead,
    QuestState, QuestView, StepTitle, StepView, VisibleTest,
};
use crate::model::quest::Step;
use crate::rules::files::named_outside;
use crate::rules::progress::Progress;
use crate::rules::unlock::{Fact, Facts, Goal, Missing};
use crate::store::{self, Attempt, AttemptStatus, Begun, StepState};

/// Progress as it is shown.
pub(crate) fn progress_view(progress: Progress) -> ProgressView {
    ProgressView { done: progress.done, total: progress.total, percentage: percentage(progress.hundredths()) }
}

fn percentage(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn stored(done: i32, total: i32) -> Progress {
    Progress { done: u32::try_from(done).unwrap_or(0), total: u32::try_from(total).unwrap_or(0) }
}

/// An attempt as its learner sees it.
pub(crate) async fn attempt_view(conn: &mut PgConnection, work: &Work) -> Result<AttemptView, Error> {
    let current_version = store::current_version(conn, work.learner.guild, work.attempt.quest).await?;
    Ok(attempt_shown(work, current_version))
}

/// The same, where it is known which version is begun now.
pub(super) fn attempt_shown(work: &Work, current_version: i32) -> AttemptView {
    attempt_seen(work.seen(), current_version)
}

fn attempt_seen(seen: Seen<'_>, current_version: i32) -> AttemptView {
    let (attempt, document) = (seen.attempt, &seen.version.quest);
    let steps = document.steps.iter().filter_map(|step| {
        let id = seen.version.id(&step.slug)?;
        Some(step_view(id, step, &seen.state(id)))
    });
    // Completed stays completed, whatever is counted.
    let progress = match attempt.status {
        AttemptStatus::Completed => Progress { done: seen.progress().total, total: seen.progress().total },
        _ => seen.progress(),
    };
    AttemptView {
        id: attempt.id,
        quest_id: attempt.quest,
        version: attempt.version,
        current_version,
        status: attempt.status,
        started_at: attempt.started_at,
        completed_at: attempt.completed_at,
        progress: progress_view(progress),
        experience_earned: seen
            .states
            .values()
            .map(|state| state.experience_earned)
            .sum::<i32>()
            .max(attempt.experience_earned),
        notes: attempt.notes.clone(),
        steps: steps.collect(),
        files: super::files::files_view(seen.guild, (attempt.quest, attempt.version), document, None),
        assessments: document.assessments.iter().map(|one| assessment_title(seen, one)).collect(),
    }
}

fn assessment_title(seen: Seen<'_>, one: &Assessment) -> AssessmentTitle {
    let id = AssessmentId::of(seen.attempt.quest, &one.slug);
    AssessmentTitle {
        id,
        slug: one.slug.clone(),
        kind: one.kind,
        title: one.title.clone(),
        optional: one.optional,
        test_out: one.test_out,
        passed: seen.passed.contains(&id),
    }
}

fn step_view(id: crate::ids::StepId, step: &Step, state: &StepState) -> StepView {
    let coding = step.coding.as_ref();
    let visible = coding.into_iter().flat_map(|coding| coding.tests.iter().filter(|test| !test.hidden));
    StepView {
        id,
        slug: step.slug.clone(),
        step_type: step.step_type,
        title: step.title.clone(),
        description: step.description.clone(),
        optional: step.optional,
        experience_points: step.experience_points,
        status: state.status,
        url: step.url.clone(),
        elsewhere: step.elsewhere.clone(),
        note_characters: step.note_characters,
        tries: state.tries,
        max_tries: step
            .quiz
            .as_ref()
            .and_then(|quiz| quiz.max_tries)
            .or_else(|| coding.and_then(|coding| coding.max_tries))
            .or_else(|| step.submission.as_ref().and_then(|submission| submission.max_tries)),
        score: state.score.map(|score| percentage(u32::try_from(score).unwrap_or(0))),
        feedback: state.feedback.clone(),
        starter: coding.map(|coding| coding.starter.clone()).filter(|starter| !starter.is_empty()),
        tests: visible
            .map(|test| VisibleTest {
                name: test.name.clone(),
                stdin: test.stdin.clone(),
                append: test.append.clone(),
                expected: test.expected.clone(),
            })
            .collect(),
    }
}

/// How a member stands with everything: what is the case for them, their attempts, what they unlocked.
struct Standing {
    facts: Facts,
    attempts: HashMap<QuestId, Attempt>,
    unlocked: BTreeSet<QuestId>,
    enrolled: BTreeMap<PathId, store::Enrolled>,
}

/// The guild's graph, and how a member stands with all of it; nobody in particular with what is open from the beginning.
async fn standing(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
) -> Result<(Arc<Graph>, Standing), Error> {
    let member = store::member_state(&mut *conn, guild, user).await?;
    let graph = Graph::at(&mut *conn, guild, member.revision).await?;
    let (attempts, enrolled) = match member.learner {
        Some(learner) => (
            store::attempts_of(&mut *conn, guild, learner).await?,
            store::enrolments_of(conn, guild, &[learner.get()]).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let standing = Standing {
        facts: graph.facts(&member.facts),
        attempts: attempts.into_iter().map(|attempt| (attempt.quest, attempt)).collect(),
        unlocked: member.unlocked,
        enrolled: enrolled.into_iter().map(|one| (one.path, one)).collect(),
    };
    Ok((graph, standing))
}

impl Standing {
    fn state(&self, graph: &Graph, at: usize) -> QuestState {
        let id = graph.quests[at].id;
        match self.attempts.get(&id) {
            Some(attempt) => attempt.status.into(),
            None if self.unlocked.contains(&id) || graph.is_open(at, &self.facts) => QuestState::Open,
            None => QuestState::Locked,
        }
    }
}

/// What a member lacks for a quest to open.
pub(crate) fn lacks(graph: &Graph, at: usize, facts: &Facts) -> Vec<Lack> {
    match graph.quests[at].condition.missing(facts) {
        None => Vec::new(),
        Some(Missing::All(all)) => all.iter().map(|one| lack(graph, one)).collect(),
        Some(one) => vec![lack(graph, &one)],
    }
}

fn lack(graph: &Graph, missing: &Missing) -> Lack {
    let told = |kind: &'static str, text: String| Lack {
        kind,
        text,
        quest_id: None,
        path_id: None,
        count: None,
        at: None,
        of: Vec::new(),
    };
    match missing {
        Missing::Goal(Goal::Quest(at)) => {
            let quest = &graph.quests[*at];
            Lack { quest_id: Some(quest.id), ..told("quest", format!("complete \"{}\"", quest.title)) }
        }
        Missing::Goal(Goal::Chapter(at)) => {
            let chapter = &graph.chapters[*at];
            let path = &graph.paths[chapter.path];
            let text = format!("complete the chapter \"{}\" of \"{}\"", chapter.title, path.name);
            Lack { path_id: Some(path.id), ..told("chapter", text) }
        }
        Missing::Goal(Goal::Path(at)) => {
            let path = &graph.paths[*at];
            Lack { path_id: Some(path.id), ..told("path", format!("complete the path \"{}\"", path.name)) }
        }
        Missing::Goal(Goal::Absent(at)) => {
            let absent = &graph.absent[*at];
            told(absent.what, format!("complete the {} `{}`, which is retired", absent.what, absent.slug))
        }
        Missing::Fact(fact) => lack_of(fact, told),
        Missing::Unless(fact) => {
            let inner = lack_of(fact, told);
            told("unless", format!("only for who does not: {}", inner.text))
        }
        Missing::All(all) => {
            let of: Vec<Lack> = all.iter().map(|one| lack(graph, one)).collect();
            let text = of.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(" and ");
            Lack { count: Some(of.len()), of, ..told("some", text) }
        }
        Missing::Some(count, of) => {
            let of: Vec<Lack> = of.iter().map(|one| lack(graph, one)).collect();
            let list = of.iter().map(|one| one.text.as_str()).collect::<Vec<_>>();
            let text =
                if *count == 1 { list.join(" or ") } else { format!("{count} of: {}", list.join(", ")) };
            Lack { count: Some(*count), of, ..told("some", text) }
        }
    }
}

fn lack_of(fact: &Fact, told: impl Fn(&'static str, String) -> Lack) -> Lack {
    match fact {
        Fact::Xp(amount) => told("xp", format!("earn {amount} XP")),
        Fact::Level(level) => told("level", format!("reach level {level}")),
        Fact::Skill(slug, points) => told("skill", format!("have {points} points in the skill `{slug}`")),
        Fact::Achievement(id) => told("achievement", format!("earn achievement {id}")),
        Fact::After(at) => {
            Lack { at: Some(*at), ..told("after", format!("wait until {}", at.format("%Y-%m-%d %H:%M UTC"))) }
        }
        Fact::Before(at) => Lack {
            at: Some(*at),
            ..told("closed", format!("closed since {}", at.format("%Y-%m-%d %H:%M UTC")))
        },
    }
}

/// A published quest, as a member sees it; as nobody in particular does, where none is named.
#[kernel::boxed]
pub async fn quest_view(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    quest: QuestId,
) -> Result<QuestView, Error> {
    // The attempt, its steps and its assessments are told together.
    let mut tx = db::begin_reading(pool).await?;
    let member = store::member_state(&mut tx, guild, user).await?;
    let graph = Graph::at(&mut tx, guild, member.revision).await?;
    let seen = store::quest_seen(&mut tx, guild, user, quest).await?;
    let at = graph.quest(quest);
    let (state, missing) = match (&seen.begun, at) {
        (Some(begun), _) => (begun.attempt.status.into(), Vec::new()),
        // A retired quest is there for who has begun it, and for nobody else.
        (None, None) => return Err(Error::NotFound("quest")),
        (None, Some(at)) => {
            let facts = graph.facts(&member.facts);
            if member.unlocked.contains(&quest) || graph.is_open(at, &facts) {
                (QuestState::Open, Vec::new())
            } else {
                (QuestState::Locked, lacks(&graph, at, &facts))
            }
        }
    };
    let (version, current, other) = (seen.version, seen.current()?, seen.other()?);
    let attempt = match &seen.begun {
        Some(Begun { attempt, .. }) => {
            let own = other.as_ref().unwrap_or(&current);
            let states = store::step_states(&mut tx, guild, attempt.id).await?;
            let passed = passed_of(&mut tx, guild, attempt, own).await?;
            let seen = Seen { guild, attempt, version: own, states: &states, passed: &passed };
            Some(attempt_seen(seen, version))
        }
        None => None,
    };
    let document = current.quest;
    let outside: BTreeSet<String> = named_outside(&document).into_iter().map(|named| named.file).collect();
    let files = super::files::files_view(guild, (quest, version), &document, Some(&outside));
    Ok(QuestView {
        id: quest,
        slug: at.map_or_else(String::new, |at| graph.quests[at].slug.clone()),
        title: document.title,
        description: document.description,
        quest_type: document.quest_type,
        difficulty: document.difficulty,
        estimated_minutes: document.estimated_minutes,
        experience_points: document.experience_points,
        version,
        state,
        missing,
        files,
        resources: document.resources,
        steps: document
            .steps
            .into_iter()
            .map(|step| StepTitle { title: step.title, step_type: step.step_type, optional: step.optional })
            .collect(),
        attempt,
    })
}

/// What a quest that was published is called, and how a member stands with it; as nobody in particular does, where none is named.
pub async fn quest_head(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    quest: QuestId,
) -> Result<QuestHead, Error> {
    let head = store::quest_head(&mut *db::acquire(pool).await?, guild, user, quest).await?;
    if head.is_there() { Ok(head) } else { Err(Error::NotFound("quest")) }
}

/// The guild's published paths with how a member stands with each.
#[kernel::boxed]
pub async fn paths_view(pool: &PgPool, guild: GuildId, user: Option<UserId>) -> Result<Vec<PathView>, Error> {
    let mut conn = db::acquire(pool).await?;
    let (graph, standing) = standing(&mut conn, guild, user).await?;
    let totals: HashMap<PathId, (i32, String)> = store::paths_described(&mut conn, guild, None).await?;
    Ok((0..graph.paths.len()).map(|at| path_summary(&graph, at, &standing, &totals)).collect())
}

fn path_summary(
    graph: &Graph,
    at: usize,
    standing: &Standing,
    described: &HashMap<PathId, (i32, String)>,
) -> PathView {
    let path = &graph.paths[at];
    let enrolled = standing.enrolled.get(&path.id);
    let done = |quests: &[usize]| {
        Progress::of(quests.iter().map(|quest| standing.facts.done.contains(&Goal::Quest(*quest))))
    };
    let progress = match enrolled {
        // Completed stays completed; what came into the path since is shown as quests that can be done.
        Some(row) if row.completed_at.is_some() => stored(row.total, row.total),
        _ => done(&path.mandatory),
    };
    PathView {
        id: path.id,
        slug: path.slug.clone(),
        name: path.name.clone(),
        description: String::new(),
        total_experience_points: described.get(&path.id).map_or(0, |(total, _)| *total),
        enrolled: enrolled.is_some(),
        completed_at: enrolled.and_then(|row| row.completed_at),
        progress: progress_view(progress),
        chapters: Vec::new(),
        quests: Vec::new(),
    }
}

/// A published path with its quests, as a member sees it; as nobody in particular does, where none is named.
#[kernel::boxed]
pub async fn path_view(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    path: PathId,
) -> Result<PathView, Error> {
    path_view_in(&mut *db::acquire(pool).await?, guild, user, path).await
}

/// The same in a transaction.
#[kernel::boxed]
pub(crate) async fn path_view_in(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    id: PathId,
) -> Result<PathView, Error> {
    let (graph, standing) = standing(&mut *conn, guild, user).await?;
    let graph = &*graph;
    let at = graph.path(id).ok_or(Error::NotFound("path"))?;
    let mut described = store::paths_described(conn, guild, Some(id)).await?;
    let mut view = path_summary(graph, at, &standing, &described);
    view.description = described.remove(&id).map(|(_, description)| description).unwrap_or_default();
    let path = &graph.paths[at];
    let done = |quests: &[usize]| {
        Progress::of(quests.iter().map(|quest| standing.facts.done.contains(&Goal::Quest(*quest))))
    };
    view.chapters = path
        .chapters
        .iter()
        .map(|chapter| &graph.chapters[*chapter])
        .map(|chapter| ChapterView {
            id: chapter.id,
            title: chapter.title.clone(),
            opens_at: chapter.opens_at,
            closes_at: chapter.closes_at,
            progress: progress_view(done(&chapter.mandatory)),
        })
        .collect();
    view.quests = path
        .entries
        .iter()
        .map(|entry| {
            let quest = &graph.quests[entry.quest];
            let state = standing.state(graph, entry.quest);
            let attempt = standing.attempts.get(&quest.id);
            PathQuestView {
                id: quest.id,
                slug: quest.slug.clone(),
                title: quest.title.clone(),
                difficulty: entry.difficulty,
                chapter_id: entry.chapter.map(|chapter| graph.chapters[chapter].id),
                optional: entry.optional,
                state,
                progress: attempt.map(|attempt| progress_view(stored(attempt.done, attempt.total))),
                missing: if state == QuestState::Locked {
                    lacks(graph, entry.quest, &standing.facts)
                } else {
                    Vec::new()
                },
            }
        })
        .collect();
    Ok(view)
}
