//! `questhall path`: learning paths as folders.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use access::{By, Origin};
use clap::{Subcommand, ValueEnum};
use community::skills::{self, model::NewSkill};
use kernel::{GuildId, PageQuery, Problem};
use learning::authoring::{self, Finding, Foreign, LeftOut, Unreadable};
use learning::ids::PathId;
use learning::model::path::Bundle;
use learning::model::quest::Step;
use learning::ops::{self, Author};
use learning::rules::{banks, quiz};
use sandbox::Sandbox;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum PathCommand {
    /// Make a folder with a small path in it that can be imported as it is, to begin with.
    New {
        /// The folder to make; its name is the path's short name.
        dir: PathBuf,
    },
    /// Say everything that is wrong with a path's folder, with file and line. Needs no database.
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
    },
    /// Write a path with its quests into a new folder, from which it can be imported again.
    Export {
        /// The path.
        path: PathId,
        /// The folder to make.
        dir: PathBuf,
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

/// What a check found.
#[derive(Debug, Serialize)]
struct Answer {
    /// Whether the folder can be imported.
    valid: bool,
    /// What must be mended.
    errors: Vec<Finding>,
    /// What hinders nothing, and is hardly meant: files that no text names.
    warnings: Vec<Finding>,
    /// What the guild must have already: quests that are not in the folder, and skills.
    needs: Vec<String>,
    /// Quests in the folder.
    quests: usize,
    /// Steps in the folder.
    steps: usize,
}

pub(crate) async fn run(global: &Global, command: &PathCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    match command {
        PathCommand::New { dir } => new(dir, screen),
        PathCommand::Check { dir } => {
            let answer = checked(dir)?;
            screen.answer(&answer, |answer| told(dir, answer))?;
            if answer.valid { Ok(()) } else { Err(Failure::no()) }
        }
        PathCommand::Try { dir, step, program } => tried(global, dir, step, program.as_deref(), screen).await,
        PathCommand::Import { dir, guild, from: Some(from), slug, draft } => {
            let foreign = foreign(global, *from, dir, slug.as_deref()).await?;
            setup::with_database(global, async |database| {
                let came = bring(database.pool(), *guild, foreign, !draft).await?;
                screen.answer(&came, brought)
            })
            .await
        }
        PathCommand::Import { dir, guild, from: None, slug, draft } => {
            let bundle = read(dir, slug.as_deref())?;
            setup::with_database(global, async |database| {
                let here = Origin::default();
                let author = Author { by: By::Cli, origin: &here };
                let done = ops::bundle_import(database.pool(), *guild, &bundle, !draft, author).await?;
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
                let bundle = authoring::bundle_export(database.pool(), *guild, *path).await?;
                authoring::write(&bundle, dir).or_fail(Code::Unavailable)?;
                screen.answer(&bundle, |bundle| format!("{} is in {}.", bundle.path.name, dir.display()))
            })
            .await
        }
        PathCommand::List { guild } => {
            setup::with_database(global, async |database| {
                let mut paths = Vec::new();
                let mut cursor = None;
                loop {
                    let query = PageQuery { limit: Some(kernel::page::MAX_LIMIT), cursor };
                    let page = ops::path_list(database.pool(), *guild, &query).await?;
                    paths.extend(page.items);
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
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

/// A folder that is right, or its mistakes.
fn read(dir: &Path, slug: Option<&str>) -> Result<Bundle, Failure> {
    if !dir.is_dir() {
        return Err(Failure::new(Code::Unavailable, format!("there is no folder {}", dir.display())));
    }
    authoring::read(dir, slug).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Failure::new(Code::No, format!("{} cannot be imported:\n{}", dir.display(), lines.join("\n")))
    })
}

fn checked(dir: &Path) -> Result<Answer, Failure> {
    if !dir.is_dir() {
        return Err(Failure::new(Code::Unavailable, format!("there is no folder {}", dir.display())));
    }
    let bundle = match authoring::read(dir, None) {
        Ok(bundle) => bundle,
        Err(errors) => {
            let (warnings, needs) = (Vec::new(), Vec::new());
            return Ok(Answer { valid: false, errors, warnings, needs, quests: 0, steps: 0 });
        }
    };
    let outlook = authoring::bundle_outlook(&bundle);
    let errors: Vec<Finding> = outlook
        .refused
        .into_iter()
        .map(|(slug, message)| {
            let file = if slug == bundle.slug {
                "path.toml".to_owned()
            } else {
                format!("quests/{slug}/quest.toml")
            };
            Finding { file, line: None, message }
        })
        .collect();
    let needs = outlook.elsewhere.iter().map(|slug| format!("the quest `{slug}`"));
    let needs = needs.chain(outlook.banks.iter().map(|slug| format!("the question bank `{slug}`")));
    let needs = needs.chain(outlook.skills.iter().map(|slug| format!("the skill `{slug}`"))).collect();
    let warnings = outlook.unused.into_iter().map(|(slug, name)| Finding {
        file: format!("quests/{slug}/files/{name}"),
        line: None,
        message: "is named by no text of the quest; name it, or take it away".to_owned(),
    });
    let warnings = warnings.collect();
    let steps = bundle.quests.iter().map(|named| named.quest.steps.len()).sum();
    Ok(Answer { valid: errors.is_empty(), errors, warnings, needs, quests: bundle.quests.len(), steps })
}

fn told(dir: &Path, answer: &Answer) -> String {
    let mut text = String::new();
    for error in &answer.errors {
        let _ = writeln!(text, "{error}");
    }
    for warning in &answer.warnings {
        let _ = writeln!(text, "{warning}");
    }
    if !answer.needs.is_empty() {
        let _ = writeln!(text, "The guild must have already: {}.", answer.needs.join(", "));
    }
    let verdict = if answer.valid { "can be imported" } else { "cannot be imported" };
    let _ = write!(text, "{} {verdict}: {} quests, {} steps.", dir.display(), answer.quests, answer.steps);
    text
}

async fn tried(
    global: &Global,
    dir: &Path,
    name: &str,
    program: Option<&Path>,
    screen: &Screen,
) -> Result<(), Failure> {
    let mut bundle = read(dir, None)?;
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
