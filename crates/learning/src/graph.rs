//! What a guild has published, in memory: quests, chapters and paths, and what opens what. A revision of the guild's catalogue
//! never changes, so a graph is loaded once for each, and shared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::{ChapterId, PathId, QuestId};
use crate::model::quest::{Difficulty, QuestType};
use crate::rules::unlock::{Condition, Fact, Facts, Goal, Rule};
use crate::store;
use crate::store::MemberFacts;

/// Graphs that are kept, over all guilds.
const KEPT: usize = 200;

/// A guild's published quests, chapters and paths.
#[derive(Debug, Default)]
pub struct Graph {
    /// Quests that can be begun.
    pub quests: Vec<Quest>,
    /// Chapters of the paths.
    pub chapters: Vec<Chapter>,
    /// Paths that can be enrolled in.
    pub paths: Vec<Path>,
    /// What rules name and what is not published (any more).
    pub absent: Vec<Absent>,
    by_id: HashMap<QuestId, usize>,
    path_by_id: HashMap<PathId, usize>,
    /// For each quest those whose opening asks about it.
    dependents: Vec<Vec<usize>>,
    /// Quests whose opening asks for what members earn.
    earned: Vec<usize>,
}

/// A quest that can be begun.
#[derive(Debug, Clone)]
pub struct Quest {
    /// Its id.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub quest_type: QuestType,
    /// Its difficulty.
    pub difficulty: Difficulty,
    /// Author's estimate, in minutes.
    pub estimated_minutes: Option<i32>,
    /// XP for completing it.
    pub experience_points: i32,
    /// Points for completing it, by skill.
    pub skills: BTreeMap<String, i32>,
    /// The version that is begun now.
    pub version: i32,
    /// What opens it.
    pub condition: Condition,
}

/// A chapter of a path.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// Its id.
    pub id: ChapterId,
    /// Its short name in the path.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The path, by its place.
    pub path: usize,
    /// Its mandatory quests, by their places.
    pub mandatory: Vec<usize>,
    /// XP for completing it.
    pub experience_points: i32,
    /// When it opens.
    pub opens_at: Option<DateTime<Utc>>,
    /// When it closes.
    pub closes_at: Option<DateTime<Utc>>,
}

/// A path.
#[derive(Debug, Clone)]
pub struct Path {
    /// Its id.
    pub id: PathId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its mandatory quests, by their places.
    pub mandatory: Vec<usize>,
    /// All its quests in their order.
    pub entries: Vec<Entry>,
    /// Its chapters in their order, by their places.
    pub chapters: Vec<usize>,
    /// XP for completing it.
    pub experience_points: i32,
    /// Raised when its chapters or quests change.
    pub epoch: i32,
}

/// A quest's place in a path.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The quest, by its place.
    pub quest: usize,
    /// Its chapter, by its place.
    pub chapter: Option<usize>,
    /// Whether the path is complete without it.
    pub optional: bool,
    /// Its difficulty in this path.
    pub difficulty: Difficulty,
}

/// Something that a rule names and that is not published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Absent {
    /// What: quest, chapter or path.
    pub what: &'static str,
    /// Its short name.
    pub slug: String,
    /// The quest, where it is one that was published once.
    pub quest: Option<QuestId>,
}

/// What the database has of it; see [`Graph::compile`].
#[derive(Debug, Default)]
pub struct Source {
    /// Quests that can be begun: with rule and prerequisites.
    pub quests: Vec<(Quest, Option<Rule>, Vec<String>)>,
    /// Retired quests.
    pub retired: Vec<(String, QuestId)>,
    /// Paths: with rule.
    pub paths: Vec<(Path, Option<Rule>, String)>,
    /// Chapters: with rule; `path` is the path's place.
    pub chapters: Vec<(Chapter, Option<Rule>)>,
    /// Places of quests: path's place, quest, chapter, optional, difficulty, rule; in their order.
    pub entries: Vec<SourceEntry>,
    /// When days begin in zones.
    pub days: HashMap<(NaiveDate, String), DateTime<Utc>>,
}

/// A quest's place in a path, as stored.
#[derive(Debug)]
pub struct SourceEntry {
    /// The path, by its place.
    pub path: usize,
    /// The quest.
    pub quest: QuestId,
    /// The chapter.
    pub chapter: Option<ChapterId>,
    /// Whether the path is complete without it.
    pub optional: bool,
    /// Its difficulty in this path.
    pub difficulty: Difficulty,
    /// Rule that opens it here.
    pub rule: Option<Rule>,
}

/// Where a quest stands: the path, the chapter, and the rule that opens it there.
type Link = (usize, Option<usize>, Option<Rule>);

impl Graph {
    /// The guild's graph at the revision that the transaction sees.
    #[kernel::boxed]
    pub async fn of(conn: &mut PgConnection, guild: GuildId) -> Result<Arc<Self>, Error> {
        let revision = store::revision_get(&mut *conn, guild).await?;
        Self::at(conn, guild, revision).await
    }

    /// The guild's graph at this revision, which was just read; nothing where nothing was ever published.
    pub async fn at(
        conn: &mut PgConnection,
        guild: GuildId,
        revision: Option<Uuid>,
    ) -> Result<Arc<Self>, Error> {
        let Some(revision) = revision else { return Ok(Arc::default()) };
        if let Some(graph) = cache().get(guild, revision) {
            return Ok(graph);
        }
        let graph = Arc::new(Self::load(conn, guild).await?);
        cache().put(guild, revision, &graph);
        Ok(graph)
    }

    /// The guild's graph as it is in this transaction, which may not be committed.
    #[kernel::boxed]
    pub async fn load(conn: &mut PgConnection, guild: GuildId) -> Result<Self, Error> {
        Ok(Self::compile(store::graph_load(conn, guild).await?))
    }

    /// Puts together what was loaded.
    pub fn compile(source: Source) -> Self {
        let mut graph = Self::default();
        let mut rules = Vec::new();
        for (n, (quest, rule, requires)) in source.quests.into_iter().enumerate() {
            graph.by_id.insert(quest.id, n);
            graph.quests.push(quest);
            rules.push((rule, requires));
        }
        let mut path_rules = Vec::new();
        for (n, (path, rule, zone)) in source.paths.into_iter().enumerate() {
            graph.path_by_id.insert(path.id, n);
            graph.paths.push(path);
            path_rules.push((rule, zone));
        }
        let mut chapter_rules = Vec::new();
        let mut chapter_by_id = HashMap::new();
        for (n, (chapter, rule)) in source.chapters.into_iter().enumerate() {
            chapter_by_id.insert(chapter.id, n);
            graph.paths[chapter.path].chapters.push(n);
            graph.chapters.push(chapter);
            chapter_rules.push(rule);
        }
        let mut links: Vec<Vec<Link>> = vec![Vec::new(); graph.quests.len()];
        for entry in source.entries {
            let Some(&quest) = graph.by_id.get(&entry.quest) else { continue };
            let chapter = entry.chapter.and_then(|id| chapter_by_id.get(&id).copied());
            let path = &mut graph.paths[entry.path];
            path.entries.push(Entry {
                quest,
                chapter,
                optional: entry.optional,
                difficulty: entry.difficulty,
            });
            if !entry.optional {
                path.mandatory.push(quest);
                if let Some(chapter) = chapter {
                    graph.chapters[chapter].mandatory.push(quest);
                }
            }
            links[quest].push((entry.path, chapter, entry.rule));
        }
        let mut compiler = Compiler::new(&graph, source.retired, &source.days);
        let path_conditions: Vec<Condition> =
            path_rules.iter().map(|(rule, zone)| compiler.optional(rule.as_ref(), zone)).collect();
        let chapter_conditions: Vec<Condition> = (0..graph.chapters.len())
            .map(|n| {
                let chapter = &graph.chapters[n];
                let mut all = vec![compiler.optional(chapter_rules[n].as_ref(), &path_rules[chapter.path].1)];
                all.extend(chapter.opens_at.map(|at| Condition::Is(Fact::After(at))));
                all.extend(chapter.closes_at.map(|at| Condition::Is(Fact::Before(at))));
                all_of(all)
            })
            .collect();
        let mut conditions = Vec::new();
        for (n, (rule, requires)) in rules.iter().enumerate() {
            let mut all: Vec<Condition> = requires.iter().map(|slug| compiler.done_quest(slug)).collect();
            all.push(compiler.optional(rule.as_ref(), "UTC"));
            if !links[n].is_empty() {
                let any = links[n].iter().map(|(path, chapter, rule)| {
                    let mut all = vec![path_conditions[*path].clone()];
                    all.extend(chapter.map(|chapter| chapter_conditions[chapter].clone()));
                    all.push(compiler.optional(rule.as_ref(), &path_rules[*path].1));
                    all_of(all)
                });
                let mut any: Vec<Condition> = any.collect();
                any.dedup();
                all.push(if any.contains(&Condition::ALWAYS) { Condition::ALWAYS } else { any_of(any) });
            }
            conditions.push(all_of(all));
        }
        graph.absent = compiler.absent;
        for (quest, condition) in graph.quests.iter_mut().zip(conditions) {
            quest.condition = condition;
        }
        graph.dependents = graph.dependents_of_each();
        let places = graph.quests.iter().enumerate();
        graph.earned = places.filter(|(_, quest)| quest.condition.asks_earned()).map(|(n, _)| n).collect();
        graph
    }

    fn dependents_of_each(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![BTreeSet::new(); self.quests.len()];
        for (n, quest) in self.quests.iter().enumerate() {
            let mut goals = BTreeSet::new();
            quest.condition.goals(&mut goals);
            for goal in goals {
                let members = match goal {
                    Goal::Quest(one) => std::slice::from_ref(&one).to_vec(),
                    Goal::Chapter(one) => self.chapters[one].mandatory.clone(),
                    Goal::Path(one) => self.paths[one].mandatory.clone(),
                    Goal::Absent(_) => Vec::new(),
                };
                for member in members {
                    dependents[member].insert(n);
                }
            }
        }
        dependents.into_iter().map(|set| set.into_iter().collect()).collect()
    }

    /// The place of a quest that can be begun.
    pub fn quest(&self, id: QuestId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The place of a path that can be enrolled in.
    pub fn path(&self, id: PathId) -> Option<usize> {
        self.path_by_id.get(&id).copied()
    }

    /// Those whose opening asks about a quest.
    pub fn dependents(&self, quest: usize) -> &[usize] {
        self.dependents.get(quest).map_or(&[], Vec::as_slice)
    }

    /// Quests whose opening asks for XP, a level, points in a skill or an achievement, by their places.
    pub fn earned_rules(&self) -> &[usize] {
        &self.earned
    }

    /// What is the case for a member in this graph: chapters and paths are completed when all their mandatory quests are.
    pub fn facts(&self, member: &MemberFacts) -> Facts {
        let mut done: BTreeSet<Goal> =
            member.done.iter().filter_map(|id| self.by_id.get(id)).map(|n| Goal::Quest(*n)).collect();
        let is_done = |done: &BTreeSet<Goal>, of: &[usize]| {
            !of.is_empty() && of.iter().all(|quest| done.contains(&Goal::Quest(*quest)))
        };
        let chapters: Vec<Goal> = (0..self.chapters.len())
            .filter(|n| is_done(&done, &self.chapters[*n].mandatory))
            .map(Goal::Chapter)
            .collect();
        let paths: Vec<Goal> = (0..self.paths.len())
            .filter(|n| is_done(&done, &self.paths[*n].mandatory))
            .map(Goal::Path)
            .collect();
        done.extend(chapters);
        done.extend(paths);
        let retired = self
            .absent
            .iter()
            .enumerate()
            .filter(|(_, one)| one.quest.is_some_and(|id| member.done.contains(&id)));
        done.extend(retired.map(|(n, _)| Goal::Absent(n)));
        Facts {
            done,
            xp: member.xp,
            level: member.level,
            skills: member.skills.clone(),
            achievements: member.achievements.clone(),
            now: member.now,
        }
    }

    /// Whether a quest is open, given what is the case.
    pub fn is_open(&self, quest: usize, facts: &Facts) -> bool {
        self.quests[quest].condition.holds(&|goal| facts.done.contains(&goal), &|fact| fact.holds(facts))
    }
}

fn all_of(all: Vec<Condition>) -> Condition {
    let mut all: Vec<Condition> = all.into_iter().filter(|one| *one != Condition::ALWAYS).collect();
    match all.len() {
        1 => all.pop().unwrap_or(Condition::ALWAYS),
        _ => Condition::All(all),
    }
}

fn any_of(mut any: Vec<Condition>) -> Condition {
    match any.len() {
        1 => any.pop().unwrap_or(Condition::ALWAYS),
        _ => Condition::Any(any),
    }
}

/// Turns names into places.
struct Compiler<'a> {
    quests: HashMap<String, usize>,
    chapters: HashMap<(String, String), usize>,
    paths: HashMap<String, usize>,
    retired: HashMap<String, QuestId>,
    days: &'a HashMap<(NaiveDate, String), DateTime<Utc>>,
    absent: Vec<Absent>,
}

impl<'a> Compiler<'a> {
    fn new(
        graph: &Graph,
        retired: Vec<(String, QuestId)>,
        days: &'a HashMap<(NaiveDate, String), DateTime<Utc>>,
    ) -> Self {
        let chapters = graph.chapters.iter().enumerate();
        Self {
            quests: graph.quests.iter().enumerate().map(|(n, quest)| (quest.slug.clone(), n)).collect(),
            chapters: chapters
                .map(|(n, chapter)| ((graph.paths[chapter.path].slug.clone(), chapter.slug.clone()), n))
                .collect(),
            paths: graph.paths.iter().enumerate().map(|(n, path)| (path.slug.clone(), n)).collect(),
            retired: retired.into_iter().collect(),
            days,
            absent: Vec::new(),
        }
    }

    fn optional(&mut self, rule: Option<&Rule>, zone: &str) -> Condition {
        rule.map_or(Condition::ALWAYS, |rule| self.compiled(rule, zone))
    }

    fn compiled(&mut self, rule: &Rule, zone: &str) -> Condition {
        match rule {
            Rule::All(rules) => all_of(rules.iter().map(|rule| self.compiled(rule, zone)).collect()),
            Rule::Any(rules) => any_of(rules.iter().map(|rule| self.compiled(rule, zone)).collect()),
            Rule::Not(rule) => Condition::Not(Box::new(self.compiled(rule, zone))),
            Rule::Quest(slug) => self.done_quest(slug),
            Rule::Quests(some) => {
                Condition::AtLeast(some.at_least, some.of.iter().map(|slug| self.done_quest(slug)).collect())
            }
            Rule::Chapter(one) => {
                let name = format!("{}/{}", one.path, one.chapter);
                let found = self.chapters.get(&(one.path.clone(), one.chapter.clone())).copied();
                self.done(found.map(Goal::Chapter), "chapter", &name)
            }
            Rule::Path(slug) => {
                let found = self.paths.get(slug).copied();
                self.done(found.map(Goal::Path), "path", slug)
            }
            Rule::Xp(amount) => Condition::Is(Fact::Xp(*amount)),
            Rule::Level(level) => Condition::Is(Fact::Level(*level)),
            Rule::Skill(skill) => Condition::Is(Fact::Skill(skill.slug.clone(), skill.points)),
            Rule::Achievement(id) => Condition::Is(Fact::Achievement(*id)),
            Rule::After(day) => {
                let at = self.days.get(&(*day, zone.to_owned())).copied();
                // A day that was not asked for begins in UTC.
                Condition::Is(Fact::After(
                    at.unwrap_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc()),
                ))
            }
        }
    }

    fn done_quest(&mut self, slug: &str) -> Condition {
        let found = self.quests.get(slug).copied();
        self.done(found.map(Goal::Quest), "quest", slug)
    }

    fn done(&mut self, found: Option<Goal>, what: &'static str, slug: &str) -> Condition {
        let goal = found.unwrap_or_else(|| {
            let quest = if what == "quest" { self.retired.get(slug).copied() } else { None };
            let one = Absent { what, slug: slug.to_owned(), quest };
            let at = self.absent.iter().position(|known| *known == one).unwrap_or_else(|| {
                self.absent.push(one);
                self.absent.len() - 1
            });
            Goal::Absent(at)
        });
        Condition::Done(goal)
    }
}

/// Graphs by guild, the ones asked for longest ago go first.
#[derive(Default)]
struct Cache(Mutex<Vec<(GuildId, Uuid, Arc<Graph>)>>);

fn cache() -> &'static Cache {
    static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);
    &CACHE
}

impl Cache {
    fn get(&self, guild: GuildId, revision: Uuid) -> Option<Arc<Graph>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(of, at, _)| *of == guild && *at == revision)?;
        let one = kept.remove(at);
        let graph = Arc::clone(&one.2);
        kept.push(one);
        Some(graph)
    }

    fn put(&self, guild: GuildId, revision: Uuid, graph: &Arc<Graph>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An older revision of the guild is asked for by nobody who begins now.
        kept.retain(|(of, ..)| *of != guild);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((guild, revision, Arc::clone(graph)));
    }
}
