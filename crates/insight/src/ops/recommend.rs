//! What to do next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::{GuildId, UserId};
use learning::graph::Graph;
use learning::ids::QuestId;
use learning::store::{learner_find, learner_lock, member_state};
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::model::{Recommendation, RecommendationReason};
use crate::rules::elo::expected;
use crate::rules::estimate::float;
use crate::rules::recommend::{self, HISTORY, RecommendationWhy, Signals, UNIT};
use crate::store::figures;
use crate::store::next::{self, Begun, Standing};

/// Quests that are looked at closely.
const CANDIDATES: usize = 300;
/// Quests of which a learner's liking is asked.
const LIKED: usize = 5;

/// How alike quests are, from 0 to 1, as whoever knows their texts says: of a guild, what was liked, and candidates, for each of which the
/// answer has a number, or none where nothing is known. The server lays one under the routes where it has any.
#[derive(Clone)]
pub struct Likeness(Arc<Ask>);

type Ask = dyn Fn(GuildId, Vec<QuestId>, Vec<QuestId>) -> BoxFuture<'static, Result<Vec<Option<f64>>, String>>
    + Send
    + Sync;

impl std::fmt::Debug for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Likeness").finish_non_exhaustive()
    }
}

impl Likeness {
    /// Which asks this function.
    pub fn new<F>(ask: F) -> Self
    where
        F: Fn(GuildId, Vec<QuestId>, Vec<QuestId>) -> BoxFuture<'static, Result<Vec<Option<f64>>, String>>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(ask))
    }
}

/// What a member should do next, the best first, at most so many: what is published, open to them, not begun and not dismissed.
#[kernel::boxed]
pub async fn recommendations(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    most: usize,
    likeness: Option<&Likeness>,
) -> Result<Vec<Recommendation>, Error> {
    let mut conn = db::acquire(pool).await?;
    let member = member_state(&mut conn, guild, Some(user)).await?;
    let graph = Graph::at(&mut conn, guild, member.revision).await?;
    let facts = graph.facts(&member.facts);
    let (begun, standing) = match member.learner {
        Some(learner) => (
            next::begun_of(&mut conn, guild, learner).await?,
            next::standing_of(&mut conn, guild, learner).await?,
        ),
        None => (Vec::new(), Standing::default()),
    };
    let (mut signals, causes) = signals(&mut conn, guild, &graph, &begun, &standing).await?;
    let taken: HashSet<QuestId> =
        begun.iter().filter(|one| !one.abandoned).map(|one| one.quest).chain(standing.dismissed).collect();
    let unlocked: HashSet<QuestId> = standing.unlocked.into_iter().collect();
    for (at, quest) in graph.quests.iter().enumerate() {
        let gaps = quest.skills.iter().map(|(skill, points)| {
            recommend::gap(facts.skills.get(skill).copied().unwrap_or(0), i64::from(*points))
        });
        let gap = gaps.fold(0.0, f64::max);
        if let Some(one) = signals.get_mut(&at) {
            one.skill_gap = gap;
        } else if signals.len() < CANDIDATES || gap > 0.5 {
            signals.insert(at, Signals { skill_gap: gap, ..Signals::default() });
        }
    }
    let mut candidates: Vec<(usize, Signals)> =
        signals.into_iter().filter(|(at, _)| !taken.contains(&graph.quests[*at].id)).collect();
    let rank = |candidates: &mut Vec<(usize, Signals)>| {
        candidates
            .sort_by(|a, b| recommend::score(&b.1).total_cmp(&recommend::score(&a.1)).then(a.0.cmp(&b.0)));
    };
    rank(&mut candidates);
    let open = |at: usize| unlocked.contains(&graph.quests[at].id) || graph.is_open(at, &facts);
    let mut candidates: Vec<(usize, Signals)> =
        candidates.into_iter().filter(|(at, _)| open(*at)).take(CANDIDATES).collect();
    fits(&mut conn, guild, &graph, standing.ability, &mut candidates).await?;
    drop(conn);
    if let Some(likeness) = likeness {
        likenesses(guild, &graph, &begun, likeness, &mut candidates).await;
    }
    rank(&mut candidates);
    candidates.truncate(most);
    Ok(candidates.into_iter().map(|(at, signals)| told(&graph, at, &signals, &causes)).collect())
}

/// What caused a signal: for a quest, the completed quest that its strongest transition comes from, or the path.
#[derive(Debug, Default)]
struct Causes {
    after: HashMap<usize, (QuestId, f64)>,
    paths: HashMap<usize, usize>,
}

async fn signals(
    conn: &mut PgConnection,
    guild: GuildId,
    graph: &Graph,
    begun: &[Begun],
    standing: &Standing,
) -> Result<(BTreeMap<usize, Signals>, Causes), Error> {
    let mut signals: BTreeMap<usize, Signals> = BTreeMap::new();
    let mut causes = Causes::default();
    let done = begun.iter().filter(|one| one.completed_at.is_some()).map(|one| one.quest);
    let history: Vec<uuid::Uuid> = done.clone().take(HISTORY).map(QuestId::get).collect();
    if !history.is_empty() {
        for one in next::transitions_from(&mut *conn, guild, &history).await? {
            let Some(at) = graph.quest(one.to) else { continue };
            let weight = recommend::transition(
                usize::try_from(one.age).unwrap_or(0),
                float(one.weight) / UNIT,
                float(one.completions),
            );
            signals.entry(at).or_default().transitions += weight;
            let cause = causes.after.entry(at).or_insert((one.from, 0.0));
            if weight > cause.1 {
                *cause = (one.from, weight);
            }
        }
    }
    let popular = next::popular(conn, guild, 100).await?;
    let top = popular.first().map_or(1.0, |one| float(one.1).max(1.0));
    for (quest, completions) in popular {
        if let Some(at) = graph.quest(quest) {
            signals.entry(at).or_default().popularity = float(completions) / top;
        }
    }
    let done: HashSet<QuestId> = done.collect();
    for path in standing.enrolled.iter().filter_map(|id| graph.path(*id)) {
        let entries = &graph.paths[path].entries;
        let next =
            entries.iter().find(|entry| !entry.optional && !done.contains(&graph.quests[entry.quest].id));
        if let Some(entry) = next {
            signals.entry(entry.quest).or_default().next_in_path = true;
            causes.paths.entry(entry.quest).or_insert(path);
        }
    }
    Ok((signals, causes))
}

/// Says of each candidate which share the learner is expected to reach: the mean over its steps that are tried.
async fn fits(
    conn: &mut PgConnection,
    guild: GuildId,
    graph: &Graph,
    ability: Option<f64>,
    candidates: &mut [(usize, Signals)],
) -> Result<(), Error> {
    let Some(ability) = ability else { return Ok(()) };
    let ids: Vec<uuid::Uuid> = candidates.iter().map(|(at, _)| graph.quests[*at].id.get()).collect();
    let mut shares: HashMap<QuestId, (f64, f64)> = HashMap::new();
    for (quest, difficulty) in next::difficulties_of(conn, guild, &ids).await? {
        let sum = shares.entry(quest).or_default();
        sum.0 += expected(ability, difficulty);
        sum.1 += 1.0;
    }
    for (at, signals) in candidates {
        signals.expected = shares.get(&graph.quests[*at].id).map(|(sum, n)| sum / n);
    }
    Ok(())
}

async fn likenesses(
    guild: GuildId,
    graph: &Graph,
    begun: &[Begun],
    likeness: &Likeness,
    candidates: &mut [(usize, Signals)],
) {
    let done = || begun.iter().filter(|one| one.completed_at.is_some());
    let mut liked: Vec<QuestId> =
        done().filter(|one| one.enjoyment.is_some_and(|rating| rating >= 4)).map(|one| one.quest).collect();
    if liked.is_empty() {
        liked = done().filter(|one| one.enjoyment.is_none()).map(|one| one.quest).collect();
    }
    liked.truncate(LIKED);
    if liked.is_empty() || candidates.is_empty() {
        return;
    }
    let ids = candidates.iter().map(|(at, _)| graph.quests[*at].id).collect();
    match (likeness.0)(guild, liked, ids).await {
        Ok(found) => {
            for ((_, signals), found) in candidates.iter_mut().zip(found) {
                signals.likeness = found;
            }
        }
        Err(error) => tracing::warn!(%guild, %error, "likeness is not to be had; recommending without"),
    }
}

fn told(graph: &Graph, at: usize, signals: &Signals, causes: &Causes) -> Recommendation {
    let quest = &graph.quests[at];
    let title = |id: QuestId| graph.quest(id).map(|at| graph.quests[at].title.clone());
    let reasons = recommend::reasons(signals).into_iter().map(|(why, weight)| {
        let after = causes.after.get(&at).map(|cause| cause.0);
        let path = causes.paths.get(&at).map(|path| &graph.paths[*path]);
        let text = match why {
            RecommendationWhy::DoneNext => match after.and_then(title) {
                Some(title) => format!("others did it after \"{title}\""),
                None => "others did it after what you did".to_owned(),
            },
            RecommendationWhy::NextInPath => match path {
                Some(path) => format!("comes next in \"{}\"", path.name),
                None => "comes next in your path".to_owned(),
            },
            RecommendationWhy::SkillGap => "builds a skill that you have little of".to_owned(),
            RecommendationWhy::Fit => "neither too easy nor too hard for you".to_owned(),
            RecommendationWhy::Likeness => "like what you liked".to_owned(),
            RecommendationWhy::Popular => "many completed it".to_owned(),
        };
        RecommendationReason {
            why,
            weight,
            text,
            quest_id: after.filter(|_| why == RecommendationWhy::DoneNext),
            path_id: path.filter(|_| why == RecommendationWhy::NextInPath).map(|path| path.id),
        }
    });
    Recommendation {
        quest_id: quest.id,
        title: quest.title.clone(),
        score: recommend::score(signals),
        expected_share: signals.expected,
        reasons: reasons.collect(),
    }
}

/// A member wants a quest recommended no more. Doing it again changes nothing.
pub async fn dismiss(pool: &PgPool, guild: GuildId, user: UserId, quest: QuestId) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    figures::quest_title(&mut tx, guild, quest).await?.ok_or(Error::NotFound("quest"))?;
    let learner = learner_lock(&mut tx, guild, user).await?;
    next::dismissal_put(&mut tx, guild, learner.id, quest).await?;
    tx.commit().await?;
    Ok(())
}

/// A member takes that back. Doing it again changes nothing.
pub async fn undismiss(pool: &PgPool, guild: GuildId, user: UserId, quest: QuestId) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    figures::quest_title(&mut tx, guild, quest).await?.ok_or(Error::NotFound("quest"))?;
    if let Some(learner) = learner_find(&mut tx, guild, user).await? {
        next::dismissal_delete(&mut tx, guild, learner, quest).await?;
    }
    tx.commit().await?;
    Ok(())
}
