//! Search by words among very many quests: rare words, common ones, and several.

use std::time::Instant;

use anyhow::{Result, ensure};
use kernel::GuildId;
use search::model::{Asked, Mode};

use super::latencies;
use crate::figure::Figure;
use crate::ground::Ground;
use crate::progress;
use crate::sample::Samples;

/// What is searched for the nth time.
type Nth = fn(usize) -> String;

const GUILD: GuildId = GuildId::new(18);
/// Words of which texts are made: the first ones stand in most texts, the last in few.
const WORDS: usize = 5_000;

/// The nth word: syllables that no stemmer knows.
fn word(n: usize) -> String {
    const SYLLABLES: [&str; 18] = [
        "ka", "lo", "mi", "nu", "pe", "ro", "sa", "ti", "vu", "xe", "zo", "ba", "do", "fi", "gu", "he", "jo",
        "wa",
    ];
    [n % 18, n / 18 % 18, n / 324 % 18].iter().map(|at| SYLLABLES[*at]).collect::<String>() + "x"
}

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let (quests, samples) = if quick { (500, 20) } else { (50_000, 500) };
    let (pool, mut conn) = (ground.pool(), ground.connect().await?);
    {
        let _spinner = progress::spinner("writing quests");
        people::guild_ensure(&mut conn, GUILD, Some("Searched")).await?;
        let words: Vec<String> = (0..WORDS).map(word).collect();
        sqlx::query(
            "INSERT INTO learning.quests (guild_id, slug, title, description, quest_type, difficulty_level, is_active, current_version, published_at)
             SELECT $1, 'q' || n, (SELECT string_agg(($2::text[])[1 + floor($3 * power(random() + 0 * k, 3))::int], ' ') FROM generate_series(1, 4) k WHERE n > 0),
                    (SELECT string_agg(($2::text[])[1 + floor($3 * power(random() + 0 * k, 3))::int], ' ') FROM generate_series(1, 80) k WHERE n > 0),
                    'Practice', 'Beginner', true, 1, now()
               FROM generate_series(1, $4) n",
        )
        .bind(GUILD.get())
        .bind(&words)
        .bind(i32::try_from(WORDS)?)
        .bind(quests)
        .execute(&mut conn)
        .await?;
    }
    ground.settle().await?;
    let _spinner = progress::spinner("searching");
    let mut figures = Vec::new();
    let kinds: [(&str, Nth); 3] = [
        ("rare words", |n| word(WORDS / 2 + n * 7 % (WORDS / 2))),
        ("the most common word", |_| word(0)),
        ("two words", |n| format!("{} {}", word(n % 50), word(50 + n * 3 % 500))),
    ];
    for (name, text) in kinds {
        let mut took = Samples::default();
        let mut hits = 0;
        for n in 0..samples + samples / 10 {
            let asked = Asked { text: text(n), kind: None, language: None, mode: Mode::Words, limit: 20 };
            let began = Instant::now();
            let found = search::ops::find(pool, None, GUILD, &asked).await?;
            if n >= samples / 10 {
                took.push(began.elapsed());
                hits += found.items.len();
            }
        }
        ensure!(hits > 0, "nothing is found by {name}");
        figures.extend(latencies(&format!("search among {quests} quests, {name}"), took, 20.0));
    }
    Ok(figures)
}
