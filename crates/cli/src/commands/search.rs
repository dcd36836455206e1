//! `questhall search`: quests and paths, as learners find them.

use clap::{Args, ValueEnum};
use kernel::{GuildId, Problem};
use search::model::{Asked, Found, Kind, Meaning, Mode, Part};
use search::{Search, ops};

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail as _},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Args)]
pub(crate) struct SearchCommand {
    /// The words.
    words: String,
    /// The guild.
    #[arg(long)]
    guild: GuildId,
    /// Quests or paths only.
    #[arg(long, value_enum)]
    kind: Option<Wanted>,
    /// Only what is written in this language, by PostgreSQL's name of it.
    #[arg(long)]
    language: Option<String>,
    /// By what.
    #[arg(long, value_enum, default_value_t = By::Both)]
    by: By,
    /// How many.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// What is looked for, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Wanted {
    /// Quests.
    Quest,
    /// Paths.
    Path,
}

/// How to look, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// By words, and by meaning where there is a model.
    Both,
    /// By words.
    Words,
    /// By meaning.
    Meaning,
}

pub(crate) async fn run(global: &Global, command: &SearchCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let asked = Asked {
        text: command.words.clone(),
        kind: command.kind.map(|kind| match kind {
            Wanted::Quest => Kind::Quest,
            Wanted::Path => Kind::Path,
        }),
        language: command.language.clone(),
        mode: match command.by {
            By::Both => Mode::Both,
            By::Words => Mode::Words,
            By::Meaning => Mode::Meaning,
        },
        limit: command.limit,
    };
    let folder = setup::settings(global, &[])?.learning.embedding_model;
    let search = match folder.filter(|_| asked.mode != Mode::Words) {
        Some(folder) => Some(Search::load(&folder).or_fail(Code::Unavailable)?),
        None => None,
    };
    setup::with_database(global, async |database| {
        let found = ops::find(database.pool(), search.as_ref(), command.guild, &asked).await;
        let found = found.map_err(Problem::from)?;
        match found.meaning {
            Meaning::Absent => screen.note("By words alone: no model is given (learning.embedding_model)."),
            Meaning::Behind => screen.note("Some quests are so new that they are found by words only."),
            Meaning::Used | Meaning::Unasked => {}
        }
        screen.answer(&found, shown)
    })
    .await
}

fn shown(found: &Found) -> String {
    let plain = |parts: &[Part]| parts.iter().map(|part| part.text.as_str()).collect::<String>();
    let rows = found.items.iter().map(|hit| {
        let by = match (hit.by_words, hit.likeness) {
            (true, Some(likeness)) => format!("words, {likeness:.2}"),
            (true, None) => "words".to_owned(),
            (false, likeness) => format!("{:.2}", likeness.unwrap_or_default()),
        };
        [hit.kind.as_str().to_owned(), hit.slug.clone(), plain(&hit.title), by]
    });
    table(["", "short name", "title", "found by"], rows)
}
