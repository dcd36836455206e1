//! What the faces call.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kernel::GuildId;
use learning::ids::QuestId;
use learning::rules::check::LANGUAGES;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::engine::{Index, Search};
use crate::error::Error;
use crate::model::{Asked, Found, Hit, Kind, Meaning, Mode};
use crate::rules::parts::parts;
use crate::rules::ranks::fused;
use crate::rules::vectors::dot;
use crate::store::{self, Text};

/// The most hits of an answer.
pub const MOST: usize = 50;
/// Candidates of each way of looking, from which the best of both are chosen.
const CANDIDATES: usize = 200;
/// Texts that are embedded in one transaction.
const AT_ONCE: i64 = 500;

fn check(asked: &Asked) -> Result<(), Error> {
    let length = asked.text.trim().chars().count();
    if !(1..=200).contains(&length) || asked.text.contains('\0') {
        return Err(Error::Field("q", "must be 1 to 200 characters, without NUL".to_owned()));
    }
    if let Some(language) = &asked.language
        && !LANGUAGES.contains(&language.as_str())
    {
        return Err(Error::Field("language", format!("must be one of {}", LANGUAGES.join(", "))));
    }
    if !(1..=MOST).contains(&asked.limit) {
        return Err(Error::Field("limit", format!("must be 1 to {MOST}")));
    }
    Ok(())
}

/// Finds what learners of a guild may see, by words and by meaning.
#[kernel::boxed]
pub async fn find(
    pool: &PgPool,
    search: Option<&Search>,
    guild: GuildId,
    asked: &Asked,
) -> Result<Found, Error> {
    check(asked)?;
    let text = asked.text.trim();
    // Nothing is written; the limit goes with the transaction.
    let mut conn = db::begin(pool).await?;
    store::common_words_limit(&mut conn).await?;
    let wanted = |kind: Kind| asked.kind.is_none_or(|only| only == kind);
    let mut words: Vec<(Kind, Uuid)> = Vec::new();
    if asked.mode != Mode::Meaning {
        let count = i64::try_from(CANDIDATES).unwrap_or(i64::MAX);
        let mut ranked = Vec::new();
        if wanted(Kind::Quest) {
            ranked.extend(
                store::quests_by_words(&mut conn, guild, text, asked.language.as_deref(), count).await?,
            );
        }
        if wanted(Kind::Path) {
            ranked.extend(
                store::paths_by_words(&mut conn, guild, text, asked.language.as_deref(), count).await?,
            );
        }
        ranked.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| (a.kind, a.id).cmp(&(b.kind, b.id))));
        words = ranked.into_iter().map(|one| (one.kind, one.id)).collect();
    }
    let (mut like, mut meaning) = (Vec::new(), Meaning::Unasked);
    if asked.mode != Mode::Words {
        (like, meaning) = match search {
            Some(search) => by_meaning(&mut conn, search, guild, text, asked.kind).await?,
            None => (Vec::new(), Meaning::Absent),
        };
    }
    let likeness: HashMap<(Kind, Uuid), f32> = like.iter().copied().collect();
    let like: Vec<(Kind, Uuid)> = like.into_iter().map(|(of, _)| of).collect();
    let order = fused(&[&words, &like]);
    // What is in memory may be gone, or be in another language: a few more than are asked for are read.
    let chosen: Vec<(Kind, Uuid)> = order.into_iter().take(asked.limit * 2).collect();
    let ids = |kind: Kind| -> Vec<Uuid> {
        chosen.iter().filter(|(of, _)| *of == kind).map(|(_, id)| *id).collect()
    };
    let mut shown = store::quests_shown(&mut conn, guild, &ids(Kind::Quest), text).await?;
    shown.extend(store::paths_shown(&mut conn, guild, &ids(Kind::Path), text).await?);
    let mut shown: HashMap<(Kind, Uuid), _> =
        shown.into_iter().map(|row| ((row.kind, row.id), row)).collect();
    let items = chosen
        .iter()
        .filter_map(|of| shown.remove(of))
        .filter(|row| asked.language.as_ref().is_none_or(|language| *language == row.language))
        .take(asked.limit)
        .map(|row| Hit {
            kind: row.kind,
            id: row.id,
            slug: row.slug,
            title: parts(&row.title),
            excerpt: parts(&row.excerpt),
            quest_type: row.quest_type,
            difficulty: row.difficulty,
            language: row.language,
            by_words: words.contains(&(row.kind, row.id)),
            likeness: likeness.get(&(row.kind, row.id)).copied(),
        })
        .collect();
    Ok(Found { items, meaning })
}

async fn by_meaning(
    conn: &mut PgConnection,
    search: &Search,
    guild: GuildId,
    text: &str,
    kind: Option<Kind>,
) -> Result<(Vec<((Kind, Uuid), f32)>, Meaning), Error> {
    let index = index_now(&mut *conn, search, guild).await?;
    let behind = store::is_behind(conn, guild, search.name()).await?;
    let meaning = if behind { Meaning::Behind } else { Meaning::Used };
    let (search, text) = (search.clone(), text.to_owned());
    // Milliseconds of reckoning, which are not for a thread that serves requests.
    let nearest = tokio::task::spawn_blocking(move || {
        search.embed(&text).map(|vector| index.nearest(&vector, kind, CANDIDATES)).unwrap_or_default()
    });
    Ok((nearest.await.unwrap_or_default(), meaning))
}

/// How like candidates are to whichever of the liked quests they are most like, from 0 to 1: for each a number, or none where one of both
/// has not been embedded.
pub async fn likeness(
    pool: &PgPool,
    search: &Search,
    guild: GuildId,
    liked: &[QuestId],
    candidates: &[QuestId],
) -> Result<Vec<Option<f64>>, Error> {
    let index = index_now(&mut *db::acquire(pool).await?, search, guild).await?;
    let vector = |quest: &QuestId| index.vector((Kind::Quest, quest.get()), search.dimensions());
    let liked: Vec<&[f32]> = liked.iter().filter_map(vector).collect();
    let most = |one: &QuestId| {
        let one = vector(one)?;
        liked
            .iter()
            .map(|liked| dot(liked, one))
            .max_by(f32::total_cmp)
            .map(|like| f64::from(like.clamp(0.0, 1.0)))
    };
    Ok(candidates.iter().map(most).collect())
}

/// A guild's vectors as they are in the database; what changed since the last look is read.
async fn index_now(conn: &mut PgConnection, search: &Search, guild: GuildId) -> Result<Arc<Index>, Error> {
    let kept = search.index(guild);
    let revision = store::revision(&mut *conn, guild, search.name()).await?;
    if revision <= kept.revision {
        return Ok(kept);
    }
    let mut index = (*kept).clone();
    for row in store::vectors_since(conn, guild, search.name(), kept.revision).await? {
        index.put((row.kind, row.id), &row.embedding);
        index.revision = index.revision.max(row.revision);
    }
    index.revision = index.revision.max(revision);
    let index = Arc::new(index);
    search.keep(guild, index.clone());
    Ok(index)
}

/// Embeds what is new or was changed since, of all guilds, in batches; removes vectors of what is seen no more. Tells how many texts
/// were embedded.
pub async fn refill(pool: &PgPool, search: &Search) -> Result<usize, Error> {
    let mut embedded = 0;
    loop {
        let mut tx = db::begin(pool).await?;
        let texts = store::texts_behind(&mut tx, search.name(), AT_ONCE).await?;
        if texts.is_empty() {
            store::vectors_remove(&mut tx, search.name()).await?;
            tx.commit().await?;
            return Ok(embedded);
        }
        let mut guilds: BTreeMap<GuildId, Vec<Text>> = BTreeMap::new();
        for text in texts {
            guilds.entry(text.guild).or_default().push(text);
        }
        // In the order of the guilds, as their rows are locked.
        for (guild, texts) in guilds {
            let revision = store::revision_next(&mut tx, guild, search.name()).await?;
            let vectors: Vec<store::NewVector<'_>> = texts
                .iter()
                .map(|text| {
                    let embedding =
                        search.embed(&text.text).unwrap_or_else(|| vec![0.0; search.dimensions()]);
                    store::NewVector { of: text, embedding, hash: Sha256::digest(&text.text).to_vec() }
                })
                .collect();
            store::vectors_put(&mut tx, guild, search.name(), revision, &vectors).await?;
            embedded += vectors.len();
        }
        tx.commit().await?;
    }
}
