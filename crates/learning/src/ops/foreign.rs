//! What comes from elsewhere, brought into a guild: quests are the same by where they come from, whatever they are called.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::Author;
use kernel::GuildId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::publish::{Published, bring};
use crate::authoring::Foreign;
use crate::error::Error;
use crate::model::path::Bundle;
use crate::rules::unlock::Rule;
use crate::store;

/// What an import from elsewhere did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// What became of path and quests.
    pub done: Published,
    /// Quests that had come along before, and do not any more: they stay, outside of the path.
    pub gone: Vec<String>,
}

/// Brings a path from elsewhere, and its quests, to what it is there, and publishes it, or leaves it as drafts. What is as it was when
/// it last came is not looked at again. Audited.
pub async fn foreign_import(
    pool: &PgPool,
    guild: GuildId,
    foreign: &Foreign,
    publish: bool,
    author: Author<'_>,
) -> Result<Brought, Error> {
    let hash = hash(foreign);
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        if let Some(known) = store::source_unchanged(&mut tx, guild, &foreign.source, &hash).await? {
            let done = Published {
                path_id: known.path,
                slug: known.slug,
                created: 0,
                new_versions: 0,
                reworded: 0,
                unchanged: foreign.bundle.quests.len(),
                published: true,
            };
            return Ok(Brought { done, gone: Vec::new() });
        }
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        let identities: Vec<String> = foreign.sources.values().cloned().collect();
        let known = store::sources_known(&mut tx, guild, &identities).await?;
        let mut bundle = foreign.bundle.clone();
        let (path_slug, came) = store::source_path(&mut tx, guild, &foreign.source).await?;
        if let Some(slug) = path_slug {
            bundle.slug = slug;
        } else if store::path_get(&mut tx, guild, None, Some(&bundle.slug)).await?.is_some() {
            let message =
                format!("`{}` is another path of the guild: give this one another name", bundle.slug);
            return Err(Error::field("slug", message));
        }
        let wanted: Vec<String> = foreign
            .sources
            .iter()
            .filter(|(_, identity)| !known.contains_key(*identity))
            .map(|(slug, _)| slug.clone())
            .collect();
        // What came from elsewhere once keeps its name, even if it is there no more.
        let taken = store::slugs_taken(&mut tx, guild, &wanted).await?;
        let foreigners = taken.into_iter().filter(|(_, foreign)| *foreign).map(|(slug, _)| slug).collect();
        let names = names(&foreign.sources, &known, &foreigners);
        rename(&mut bundle, &names);
        let fresh: Vec<String> = foreign
            .sources
            .iter()
            .filter(|(_, identity)| !known.contains_key(*identity))
            .map(|(slug, _)| names.get(slug).unwrap_or(slug).clone())
            .collect();
        if let Some((slug, _)) = store::slugs_taken(&mut tx, guild, &fresh).await?.first() {
            let message = format!("cannot come along: `{slug}` is another quest of the guild");
            return Err(Error::field("quests", message));
        }
        let done = bring(&mut tx, &lock, &bundle, publish, author).await?;
        let (slugs, identities): (Vec<String>, Vec<String>) = foreign
            .sources
            .iter()
            .map(|(slug, identity)| (names.get(slug).unwrap_or(slug).clone(), identity.clone()))
            .unzip();
        store::sources_put(&mut tx, &lock, &slugs, &identities).await?;
        // What is not published is looked at again.
        store::source_path_put(&mut tx, &lock, done.path_id, &foreign.source, publish.then_some(&hash[..]))
            .await?;
        tx.commit().await?;
        let here: BTreeSet<&String> = slugs.iter().collect();
        let gone = came.into_iter().filter(|slug| !here.contains(slug)).collect();
        Ok(Brought { done, gone })
    })
    .await
}

fn hash(foreign: &Foreign) -> [u8; 32] {
    // Maps are in order, so that the same is always written the same.
    let text = serde_json::to_vec(&(&foreign.bundle, &foreign.sources)).unwrap_or_default();
    Sha256::digest(text).into()
}

/// What quests are called in the guild that are called otherwise elsewhere: those that were renamed there keep their name here, and
/// what is new there under such a name, or under one of `taken`, gets another.
fn names(
    sources: &BTreeMap<String, String>,
    known: &HashMap<String, String>,
    taken: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let kept: BTreeSet<&String> = known.values().chain(taken).collect();
    let mut names = BTreeMap::new();
    for (slug, identity) in sources {
        match known.get(identity) {
            Some(here) if here != slug => {
                names.insert(slug.clone(), here.clone());
            }
            None if kept.contains(slug) => {
                let head: String = slug.chars().take(90).collect();
                let start = identity.len().saturating_sub(8);
                names.insert(slug.clone(), format!("{head}-{}", identity.get(start..).unwrap_or("new")));
            }
            _ => {}
        }
    }
    names
}

/// Calls quests of a bundle what they are called in the guild.
fn rename(bundle: &mut Bundle, names: &BTreeMap<String, String>) {
    if names.is_empty() {
        return;
    }
    let put = |slug: &mut String| {
        if let Some(name) = names.get(slug) {
            name.clone_into(slug);
        }
    };
    for quest in &mut bundle.quests {
        put(&mut quest.slug);
        quest.quest.requires.iter_mut().for_each(put);
        if let Some(rule) = &mut quest.quest.unlock {
            rename_rule(rule, &put);
        }
    }
    let chapters = bundle.path.chapters.iter_mut().flat_map(|chapter| chapter.quests.iter_mut());
    for entry in bundle.path.quests.iter_mut().chain(chapters) {
        put(&mut entry.quest);
    }
}

fn rename_rule(rule: &mut Rule, put: &impl Fn(&mut String)) {
    match rule {
        Rule::All(rules) | Rule::Any(rules) => rules.iter_mut().for_each(|rule| rename_rule(rule, put)),
        Rule::Not(rule) => rename_rule(rule, put),
        Rule::Quest(slug) => put(slug),
        Rule::Quests(some) => some.of.iter_mut().for_each(put),
        _ => {}
    }
}
