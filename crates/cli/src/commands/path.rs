//! `questhall path`: learning paths as folders.

mod check;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use access::{By, Origin};
use clap::{Subcommand, ValueEnum};
use community::skills::{self, model::NewSkill};
use kernel::{GuildId, PageQuery, Problem};
use learning::authoring::{self, Foreign, LeftOut, Unreadable};
use learning::ids::PathId;
use learning::model::quest::Step;
use learning::ops::{self, Author};
use learning::rules::{banks, quiz};
use learning::store::PathSummary;
use sandbox::Sandbox;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    guilds,
    screen::{Screen, table},
    setup,
};

use check::{checked, may_be_imported, open, refused, told};

#[derive(Debug, Subcommand)]
pub(crate) enum PathCommand {
    /// Make a folder with a small path in it that can be imported as it is, to begin with.
    New {
        /// The folder to make; its name is the path's short name.
        dir: PathBuf,
    },
    /// Say everything that is wrong with a path's folder, with file and line, and what it expects in the guild. Checkers are tried in
    /// the sandbox, where there is one. Needs no database.
    Check {
        /// The folder that holds path.toml.
        dir: PathBuf,
    },
    /// Show a step as learners see it; run a program against a Coding step's tests. Needs no database.
    Try {
        /// The folder that holds path.toml.
        dir: PathBuf,
        /// The step: `quest/step`, by their short names.
        step: String,
        /// A Python file to run against the tests of a Coding step.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Bring a guild's path and quests to what a folder says, and publish them. Doing it again changes nothing.
    Import {
        /// The folder that holds path.toml; with --from, a checkout of what is named there.
        dir: PathBuf,
        /// The guild.
        #[arg(long)]
        guild: GuildId,
        /// Whose the folder is, if it is none of ours: what cannot come along is told by name.
        #[arg(long, value_enum)]
        from: Option<Origins>,
        /// The path's short name, instead of the folder's name.
        #[arg(long)]
        slug: Option<String>,
        /// Leave everything as drafts.
        #[arg(long)]
        draft: bool,
        /// Take a guild that is not known here yet.
        #[arg(long)]
        new_guild: bool,
    },
    /// Write a path with its quests into a new folder, from which it can be imported again.
    Export {
        /// The path: its id or its short name.
        path: String,
        /// The folder to make.
        dir: PathBuf,
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// Retire a path: who is in it keeps what they did, nobody enrols any more. Its quests stay. Refused while quests could never be
    /// opened without it.
    Retire {
        /// The path: its id or its short name.
        path: String,
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
    /// List the paths of a guild.
    List {
        /// The guild.
        #[arg(long)]
        guild: GuildId,
    },
}

/// Whose folders can be imported besides ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origins {
    /// An Exercism track: a checkout with config.json.
    Exercism,
    /// A PrairieLearn course: a checkout with infoCourse.json. Questions with a program (server.py) are made by running it in the
    /// sandbox.
    Prairielearn,
}

/// What came from elsewhere, and what did not.
#[derive(Debug, Serialize)]
struct Came {
    #[serde(flatten)]
    brought: ops::Brought,
    /// Skills that were made.
    skills_made: Vec<String>,
    /// What did not come along, by name.
    left_out: Vec<LeftOut>,
}

pub(crate) async fn run(global: &Global, command: &PathCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    match command {
        PathCommand::New { dir } => new(dir, screen),
        PathCommand::Check { dir } => {
            let answer = checked(global, &open(dir, None)?).await?;
            screen.answer(&answer, |answer| told(dir, answer))?;
            if answer.valid { Ok(()) } else { Err(Failure::no()) }
        }
        PathCommand::Try { dir, step, program } => tried(global, dir, step, program.as_deref(), screen).await,
        PathCommand::Import { dir, guild, from: Some(from), slug, draft, new_guild } => {
            let foreign = foreign(global, *from, dir, slug.as_deref()).await?;
            setup::with_database(global, async |database| {
                guilds::ensure_known(database.pool(), *guild, *new_guild).await?;
                let came = bring(database.pool(), *guild, foreign, !draft).await?;
                screen.answer(&came, brought)
            })
            .await
        }
        PathCommand::Import { dir, guild, from: None, slug, draft, new_guild } => {
            let folder = open(dir, slug.as_deref())?;
            let bundle = may_be_imported(global, dir, &folder, *draft, screen).await?;
            setup::with_database(global, async |database| {
                guilds::ensure_known(database.pool(), *guild, *new_guild).await?;
                let here = Origin::default();
                let author = Author { by: By::Cli, origin: &here };
                let done = ops::bundle_import(database.pool(), *guild, bundle, !draft, author).await;
                let done = done.map_err(|error| match error {
                    // Whoever is at the terminal knows files and lines, and no fields.
                    learning::Error::Invalid(wrong) | learning::Error::Unreachable(wrong) => {
                        let where_to = format!("into guild {guild}");
                        refused(Code::Refused, dir, &where_to, &folder.refused(&wrong))
                    }
                    other => other.into(),
                })?;
                screen.answer(&done, |done| {
                    format!(
                        "{} is {} guild {guild} as path {}: {} quests made, {} with a new version, {} reworded, {} as they were.",
                        bundle.path.name,
                        if done.published { "published in" } else { "drafted in" },
                        done.path_id,
                        done.created,
                        done.new_versions,
                        done.reworded,
                        done.unchanged.saturating_sub(if done.published { 0 } else { done.created }),
                    )
                })
            })
            .await
        }
        PathCommand::Export { path, dir, guild } => {
            setup::with_database(global, async |database| {
                let path = path_named(database.pool(), *guild, path).await?;
                let bundle = authoring::bundle_export(database.pool(), *guild, path).await?;
                authoring::write(&bundle, dir).or_fail(Code::Unavailable)?;
                screen.answer(&bundle, |bundle| format!("{} is in {}.", bundle.path.name, dir.display()))
            })
            .await
        }
        PathCommand::Retire { path, guild } => {
            setup::with_database(global, async |database| {
                let path = path_named(database.pool(), *guild, path).await?;
                let here = Origin::default();
                let author = Author { by: By::Cli, origin: &here };
                let retired = ops::path_retire(database.pool(), *guild, path, author).await?;
                screen.answer(&retired, |retired| {
                    format!("{} is retired: nobody enrols any more; its quests stay.", retired.path.name)
                })
            })
            .await
        }
        PathCommand::List { guild } => {
            setup::with_database(global, async |database| {
                let paths = paths_of(database.pool(), *guild).await?;
                screen.answer(&paths, |paths| {
                    let rows = paths.iter().map(|path| {
                        let state = match (path.retired_at, path.is_published, path.has_draft) {
                            (Some(_), ..) => "retired",
                            (None, true, true) => "published, with a draft",
                            (None, true, false) => "published",
                            (None, false, _) => "draft",
                        };
                        [path.id.to_string(), path.slug.clone(), state.to_owned(), path.name.clone()]
                    });
                    table(["id", "short name", "state", "name"], rows)
                })
            })
            .await
        }
    }
}

fn new(dir: &Path, screen: &Screen) -> Result<(), Failure> {
    let slug = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bundle = authoring::new_path(&slug)?;
    authoring::write(&bundle, dir).or_fail(Code::Unavailable)?;
    screen.answer(&bundle, |_| {
        let dir = dir.display();
        format!(
            "{dir} holds a path of three quests. Change them as you like, then:\n\n  questhall path check {dir}\n  \
             questhall path try {dir} {slug}-2/quiz\n  questhall path import {dir} --guild ID"
        )
    })
}

/// A checkout as a path of ours.
async fn foreign(global: &Global, from: Origins, dir: &Path, slug: Option<&str>) -> Result<Foreign, Failure> {
    let unreadable = |error: Unreadable| Failure::new(Code::No, error.to_string());
    let mut foreign = match from {
        Origins::Exercism => authoring::exercism(dir).map_err(unreadable)?,
        Origins::Prairielearn => {
            let course = authoring::prairielearn(dir).map_err(unreadable)?;
            let settings = setup::settings(global, &[])?.sandbox;
            let sandbox = if course.needs_sandbox() && settings.enabled {
                Some(Sandbox::start(settings.config()).await.or_fail(Code::Unavailable)?)
            } else {
                None
            };
            let brought = course.bring(sandbox.as_ref()).await;
            if let Some(sandbox) = sandbox {
                sandbox.shutdown().await;
            }
            brought.map_err(unreadable)?
        }
    };
    if let Some(slug) = slug {
        slug.clone_into(&mut foreign.bundle.slug);
    }
    Ok(foreign)
}

/// Makes the skills that the guild lacks, and imports.
async fn bring(pool: &PgPool, guild: GuildId, foreign: Foreign, publish: bool) -> Result<Came, Failure> {
    let here = Origin::default();
    let mut known = BTreeSet::new();
    let mut cursor = None;
    loop {
        let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
        let page = skills::ops::skill_list(pool, guild, true, &query).await?;
        known.extend(page.items.into_iter().map(|skill| skill.slug));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut skills_made = Vec::new();
    for (slug, name) in foreign.skills.iter().filter(|(slug, _)| !known.contains(*slug)) {
        let new: NewSkill = serde_json::from_value(json!({ "slug": slug, "name": name, "domain": foreign.bundle.slug.chars().take(50).collect::<String>() }))
            .or_fail(Code::Refused)?;
        let author = access::Author::new(By::Cli, &here);
        skills::ops::skill_create(pool, guild, new, author).await.map_err(Problem::from)?;
        skills_made.push(slug.clone());
    }
    let author = Author { by: By::Cli, origin: &here };
    let brought = ops::foreign_import(pool, guild, &foreign, publish, author).await?;
    Ok(Came { brought, skills_made, left_out: foreign.left_out })
}

fn brought(came: &Came) -> String {
    let done = &came.brought.done;
    let mut text = String::new();
    for left in &came.left_out {
        let _ = writeln!(text, "{left}");
    }
    for gone in &came.brought.gone {
        let _ = writeln!(text, "{gone}: is there no more; the quest stays, outside of the path");
    }
    let _ = write!(
        text,
        "{} is path {}: {} quests made, {} with a new version, {} reworded, {} as they were; {} skills made; {} left out or changed, as told \
         above.",
        done.slug,
        done.path_id,
        done.created,
        done.new_versions,
        done.reworded,
        done.unchanged,
        came.skills_made.len(),
        came.left_out.len(),
    );
    text
}

/// All of a guild's paths, drafts and retired ones too.
async fn paths_of(pool: &PgPool, guild: GuildId) -> Result<Vec<PathSummary>, Failure> {
    let mut paths = Vec::new();
    let mut cursor = None;
    loop {
        let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
        let page = ops::path_list(pool, guild, &query).await?;
        paths.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(paths);
        }
    }
}

/// A path by its id or its short name.
async fn path_named(pool: &PgPool, guild: GuildId, name: &str) -> Result<PathId, Failure> {
    let paths = paths_of(pool, guild).await?;
    let found = paths.iter().find(|path| path.slug == name || path.id.to_string() == name);
    found.map(|path| path.id).ok_or_else(|| {
        Failure::new(
            Code::Refused,
            format!(
                "guild {guild} has no path that is called {name}; `questhall path list --guild {guild}` tells those that it has"
            ),
        )
    })
}

async fn tried(
    global: &Global,
    dir: &Path,
    name: &str,
    program: Option<&Path>,
    screen: &Screen,
) -> Result<(), Failure> {
    let folder = open(dir, None)?;
    let Some(bundle) = folder.bundle() else { return Err(refused(Code::No, dir, "", &folder.errors)) };
    let mut bundle = bundle.clone();
    let drawn = bundle.banks.iter().map(|named| (named.slug.clone(), named.bank.questions.clone())).collect();
    for named in &mut bundle.quests {
        banks::fill(&mut named.quest, &drawn);
    }
    let found = name
        .split_once('/')
        .and_then(|(quest, step)| bundle.quests.iter().find(|named| named.slug == quest)?.quest.step(step));
    let Some(step) = found else {
        let all = bundle
            .quests
            .iter()
            .flat_map(|named| named.quest.steps.iter().map(|step| format!("{}/{}", named.slug, step.slug)));
        let all: Vec<String> = all.collect();
        return Err(Failure::new(
            Code::Refused,
            format!("there is no step `{name}`; there are: {}", all.join(", ")),
        ));
    };
    match (program, &step.coding) {
        (Some(file), Some(coding)) => {
            let named = |error| Failure::new(Code::Unavailable, format!("{}: {error}", file.display()));
            let code = std::fs::read_to_string(file).map_err(named)?;
            let settings = setup::settings(global, &[])?;
            let sandbox = Sandbox::start(settings.sandbox.config()).await.or_fail(Code::Unavailable)?;
            let judged = ops::program_judge(&sandbox, GuildId::new(1), coding, &code).await;
            sandbox.shutdown().await;
            let (passed, feedback) = judged?;
            screen.answer(&feedback, |_| {
                // The author sees hidden tests as well.
                let rows = coding.tests.iter().zip(&passed).map(|(test, passed)| {
                    let hidden = if test.hidden { "hidden" } else { "" };
                    [
                        if *passed { "passed" } else { "failed" }.to_owned(),
                        test.name.clone(),
                        hidden.to_owned(),
                    ]
                });
                let mut text = table(["verdict", "test", ""], rows);
                for test in feedback.tests.iter().filter(|test| !test.passed) {
                    let ended = test.error.as_deref().map_or_else(
                        || format!("it printed {:?}", test.output),
                        |error| format!("it ended badly: {error}"),
                    );
                    let wanted = test
                        .expected
                        .as_ref()
                        .map_or_else(String::new, |text| format!("; expected {text:?}"));
                    let _ = write!(text, "\n{}: given {:?}, {ended}{wanted}", test.name, test.stdin);
                }
                text
            })?;
            if passed.iter().all(|passed| *passed) { Ok(()) } else { Err(Failure::no()) }
        }
        (Some(_), None) => Err(Failure::new(Code::Refused, format!("`{name}` asks for no program"))),
        (None, _) => screen.answer(step, shown),
    }
}

/// A step as a learner would see it.
fn shown(step: &Step) -> String {
    let mut text = format!("{} ({})\n\n{}\n", step.title, step.step_type.as_str(), step.description);
    if let Some(quiz) = &step.quiz {
        for (n, question) in (1..).zip(quiz::asked(&quiz::put(quiz, b"a try of the author's", "try"))) {
            let _ = write!(text, "\n{n}. {}\n", question.text);
            for choice in &question.choices {
                let _ = writeln!(text, "   - {}", choice.text);
            }
            if !question.targets.is_empty() {
                let targets: Vec<&str> = question.targets.iter().map(|target| target.text.as_str()).collect();
                let _ = writeln!(text, "   to be matched with: {}", targets.join(" · "));
            }
        }
    }
    if let Some(coding) = &step.coding {
        let visible = coding.tests.iter().filter(|test| !test.hidden);
        let names: Vec<&str> = visible.map(|test| test.name.as_str()).collect();
        let hidden = coding.tests.iter().filter(|test| test.hidden).count();
        let _ = write!(text, "\n{}\nTests: {} (and {hidden} hidden)", coding.starter, names.join(", "));
    }
    text
}
