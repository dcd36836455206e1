//! Publication: what is published can be opened by somebody, whoever publishes at once. Under the catalogue's lock the rows are
//! written, the guild's graph is loaded as it would be, and everything is taken back if something could never be reached.

use std::collections::BTreeSet;

use access::Author;
use access::author::Deed;
use community::skills::{self, model::NewSkill};
use jobs::outbox;
use kernel::{FieldError, GuildId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use super::authoring::{
    PATHS, PathSource, QUESTS, QuestSource, files_held, path_source, person_of, quest_document, quest_source,
    read, written,
};
use super::banks::banks_bring;
use super::reachable::ensure_reachable;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::{PathId, QuestId};
use crate::model::path::{Bundle, PathDocument};
use crate::model::quest::QuestDocument;
use crate::rules::banks::{Banks, banks_of, draws_check};
use crate::rules::check::bundle_check;
use crate::rules::files::unpack;
use crate::rules::versions::{counted, graded_hash};
use crate::store::{self, CatalogueLock, PathRow, PublishedQuest, QuestRow, Snapshot};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Published {
    /// The path.
    pub path_id: PathId,
    /// Its short name.
    pub slug: String,
    /// Quests that were made.
    pub created: usize,
    /// Quests that got another version.
    pub new_versions: usize,
    /// Quests whose wording changed.
    pub reworded: usize,
    /// Quests that were as they are.
    pub unchanged: usize,
    /// Whether it is published, or waits as drafts.
    pub published: bool,
}

/// A quest that is to be published.
struct Draft {
    row: QuestRow,
    document: QuestDocument,
}

/// How many quests changed in which way.
#[derive(Debug, Default)]
struct Tally {
    new_versions: usize,
    reworded: usize,
    unchanged: usize,
}

/// Publishes quests; those that are as they are published already stay untouched.
async fn quests_publish(
    conn: &mut PgConnection,
    guild: GuildId,
    lock: &CatalogueLock,
    drafts: &[Draft],
    author: Option<Uuid>,
) -> Result<Tally, Error> {
    let mut wrong = Vec::new();
    let skills: BTreeSet<&String> = drafts.iter().flat_map(|draft| draft.document.skills.keys()).collect();
    let skills: Vec<String> = skills.into_iter().cloned().collect();
    for slug in store::skills_unknown(&mut *conn, guild, &skills).await? {
        wrong.push(FieldError {
            field: "skills".to_owned(),
            message: format!("has `{slug}`, which is no skill of the guild"),
        });
    }
    for draft in drafts.iter().filter(|draft| counted(&draft.document) == 0) {
        let message =
            format!("of `{}` must have at least one step or assessment that is not optional", draft.row.slug);
        wrong.push(FieldError { field: "steps".to_owned(), message });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    requires_known(&mut *conn, guild, drafts).await?;
    let banks = banks_drawn(&mut *conn, guild, drafts).await?;
    let mut tally = Tally::default();
    let mut publish = Vec::new();
    for draft in drafts {
        let of_quest = banks_of(&draft.document);
        let banks: Banks = banks
            .iter()
            .filter(|(slug, _)| of_quest.contains(slug.as_str()))
            .map(|(slug, bank)| (slug.clone(), bank.clone()))
            .collect();
        let hash = graded_hash(&draft.document, &banks);
        let published = draft
            .row
            .snapshot
            .clone()
            .map(|snapshot| read::<Snapshot>("a quest's version", snapshot))
            .transpose()?;
        let version = match (draft.row.current_version, &published) {
            (Some(_), Some(old))
                if old.quest == draft.document && old.banks == banks && draft.row.retired_at.is_none() =>
            {
                tally.unchanged += 1;
                continue;
            }
            (Some(version), Some(old)) if graded_hash(&old.quest, &old.banks) == hash => {
                tally.reworded += 1;
                version
            }
            (version, _) => {
                tally.new_versions += usize::from(version.is_some());
                version.unwrap_or(0) + 1
            }
        };
        publish.push(PublishedQuest { id: draft.row.id, document: &draft.document, version, hash, banks });
    }
    store::quests_publish(&mut *conn, lock, &publish, author).await?;
    let events: Vec<outbox::Event> = publish
        .iter()
        .map(|quest| outbox::Event {
            guild_id: guild,
            event_type: "learning.quest_published",
            subject: format!("learning/quests/{}", quest.id),
            correlation_id: None,
            user_id: None,
            payload: json!({ "quest_id": quest.id, "title": quest.document.title, "version": quest.version }),
        })
        .collect();
    outbox::emit(conn, &events).await?;
    Ok(tally)
}

/// The banks that quests draw from. Refused where there is none of that name, or it has too few questions.
async fn banks_drawn(conn: &mut PgConnection, guild: GuildId, drafts: &[Draft]) -> Result<Banks, Error> {
    let slugs: BTreeSet<&str> = drafts.iter().flat_map(|draft| banks_of(&draft.document)).collect();
    let slugs: Vec<String> = slugs.into_iter().map(str::to_owned).collect();
    let banks = store::banks_load(conn, guild, &slugs).await?;
    let unknown = "is named by no question of the quiz, and is no bank of the guild";
    let wrong = drafts.iter().flat_map(|draft| {
        let of = &draft.row.slug;
        let found = draws_check(&draft.document, &banks, Some(unknown));
        found.into_iter().map(move |one| FieldError { field: format!("{of}.{}", one.field), ..one })
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() { Ok(banks) } else { Err(Error::Invalid(wrong)) }
}

/// Refuses quests that wait for one that the guild has not at all; the graph tells of those that are only not published.
async fn requires_known(conn: &mut PgConnection, guild: GuildId, drafts: &[Draft]) -> Result<(), Error> {
    let required: BTreeSet<&String> = drafts.iter().flat_map(|draft| &draft.document.requires).collect();
    let required: Vec<String> = required.into_iter().cloned().collect();
    let unknown = store::quests_unknown(conn, guild, &required).await?;
    let waits = |draft: &Draft| {
        let slug = unknown.iter().find(|slug| draft.document.requires.contains(slug))?;
        let message =
            format!("could never be opened: it waits for the quest `{slug}`, which is not published");
        Some(FieldError { field: draft.row.slug.clone(), message })
    };
    let faults: Vec<FieldError> = drafts.iter().filter_map(waits).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Unreachable(faults)) }
}

/// Publishes a quest's draft: wording at once, what is graded as another version. Refused where the quest, or another one,
/// could never be opened then. Audited.
#[kernel::boxed]
pub async fn quest_publish(
    pool: &PgPool,
    guild: GuildId,
    id: QuestId,
    author: Author<'_>,
) -> Result<QuestSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::quest_get(&mut tx, guild, id).await?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        // Read again under the lock: another author may have published meanwhile.
        let row = store::quest_get(&mut tx, guild, id).await?;
        let document = quest_document(&row)?;
        let person = person_of(&mut tx, &author).await?;
        let before = row.clone();
        let draft = Draft { row, document };
        let title = draft.document.title.clone();
        let tally = quests_publish(&mut tx, guild, &lock, &[draft], person).await?;
        if tally.unchanged == 0 {
            ensure_reachable(&Graph::load(&mut tx, guild).await?)?;
            store::catalogue_touch(&mut tx, &lock).await?;
            store::files_sweep(&mut tx, &lock).await?;
            let after = store::quest_get(&mut tx, guild, id).await?;
            let told = |row: &QuestRow| {
                json!({ "slug": row.slug, "title": title, "version": row.current_version,
                        "draft": row.draft.is_some(), "retired": row.retired_at.is_some() })
            };
            let deed = Deed::new("PUBLISH", QUESTS, id.to_string()).before(told(&before));
            deed.after(told(&after)).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    quest_source(pool, guild, id).await
}

/// Publishes a path's draft: its quests must be published. Refused where a quest could never be opened then. Audited.
#[kernel::boxed]
pub async fn path_publish(
    pool: &PgPool,
    guild: GuildId,
    id: PathId,
    author: Author<'_>,
) -> Result<PathSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let there = store::path_get(&mut tx, guild, Some(id), None).await?.ok_or(Error::NotFound("path"))?;
        let document: PathDocument = read("a path", there.document.clone())?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        path_put(&mut tx, guild, &lock, id, &document).await?;
        ensure_reachable(&Graph::load(&mut tx, guild).await?)?;
        store::catalogue_touch(&mut tx, &lock).await?;
        let after = store::path_get(&mut tx, guild, Some(id), None).await?.ok_or(Error::NotFound("path"))?;
        let told = |row: &PathRow| {
            json!({ "slug": row.slug, "name": document.name, "published": row.is_published, "draft": row.has_draft })
        };
        if told(&there) != told(&after) {
            let deed = Deed::new("PUBLISH", PATHS, id.to_string()).before(told(&there));
            deed.after(told(&after)).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    path_source(pool, guild, id).await
}

async fn path_put(
    conn: &mut PgConnection,
    guild: GuildId,
    lock: &CatalogueLock,
    id: PathId,
    document: &PathDocument,
) -> Result<(), Error> {
    if document.entries().all(|(_, entry)| entry.optional) {
        return Err(Error::field("path.quests", "must have at least one quest that is not optional"));
    }
    if let Some(n) = document.unearned() {
        let why = "would never be paid: the chapter has no quest that is not optional";
        return Err(Error::field(format!("path.chapters[{n}].experience_points"), why));
    }
    if !store::zone_exists(&mut *conn, &document.timezone).await? {
        return Err(Error::field("path.timezone", "is no zone of the IANA database that is known here"));
    }
    let unknown = store::path_publish(&mut *conn, lock, id, document).await?;
    if !unknown.is_empty() {
        let message = format!("must be published first: {}", unknown.join(", "));
        return Err(Error::field("path.quests", message));
    }
    let event = outbox::Event {
        guild_id: guild,
        event_type: "learning.path_published",
        subject: format!("learning/paths/{id}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "path_id": id, "name": document.name }),
    };
    Ok(outbox::emit_one(conn, event).await?)
}

/// Brings a path and its quests to what a bundle says, and publishes all of it at once, or leaves it as drafts. Quests and
/// paths are the same by their short names; an unchanged bundle changes nothing. Audited.
pub async fn bundle_import(
    pool: &PgPool,
    guild: GuildId,
    bundle: &Bundle,
    publish: bool,
    author: Author<'_>,
) -> Result<Published, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = store::catalogue_lock(&mut tx, guild).await?;
        let done = bring(&mut tx, &lock, bundle, publish, author).await?;
        tx.commit().await?;
        Ok(done)
    })
    .await
}

/// [`bundle_import`] in the caller's transaction.
#[kernel::boxed]
pub(super) async fn bring(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    bundle: &Bundle,
    publish: bool,
    author: Author<'_>,
) -> Result<Published, Error> {
    let guild = lock.guild();
    let unpacked = unpack(bundle).map_err(Error::Invalid)?;
    let (bundle, contents) = match &unpacked {
        Some((bundle, contents)) => (bundle, Some(contents)),
        None => (bundle, None),
    };
    let wrong = bundle_check(bundle);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if let Some(contents) = contents {
        store::files_put(&mut *conn, lock, contents).await?;
    }
    let documents = (0..).zip(&bundle.quests).map(|(n, named)| (format!("quests[{n}].quest"), &named.quest));
    files_held(&mut *conn, guild, &documents.collect::<Vec<_>>()).await?;
    let person = person_of(&mut *conn, &author).await?;
    let skills_made = skills_bring(&mut *conn, guild, bundle, author).await?;
    let banks_changed = banks_bring(&mut *conn, lock, &bundle.banks, person).await?;
    let (mut drafts, created) = drafts_put(&mut *conn, guild, bundle, publish, person).await?;
    let document = written("a path", &bundle.path)?;
    let there = store::path_get(&mut *conn, guild, None, Some(&bundle.slug)).await?;
    let (path, same) = match there {
        None => (store::path_insert(&mut *conn, guild, &bundle.slug, &document, person).await?, false),
        Some(row) => {
            let same = read::<PathDocument>("a path", row.document)? == bundle.path;
            if !same && !publish {
                store::path_draft_put(&mut *conn, guild, row.id, &document).await?;
            }
            (row.id, same && row.is_published && !row.has_draft)
        }
    };
    let mut tally = Tally { unchanged: drafts.len(), ..Tally::default() };
    if publish {
        drafts.sort_by_key(|draft| draft.row.id);
        tally = quests_publish(&mut *conn, guild, lock, &drafts, person).await?;
        let changed = tally.unchanged < drafts.len();
        if !same {
            path_put(&mut *conn, guild, lock, path, &bundle.path).await?;
        }
        if changed || !same {
            ensure_reachable(&Graph::load(&mut *conn, guild).await?)?;
            store::catalogue_touch(&mut *conn, lock).await?;
        }
    }
    if created > 0 || skills_made > 0 || banks_changed > 0 || tally.unchanged < drafts.len() || !same {
        let after = json!({ "slug": bundle.slug, "name": bundle.path.name, "quests": bundle.quests.len(),
                            "banks": bundle.banks.len(), "published": publish });
        Deed::new("IMPORT", PATHS, path.to_string()).after(after).record(&mut *conn, guild, author).await?;
        store::files_sweep(conn, lock).await?;
    } else if !publish {
        // Drafts may have changed.
        store::files_sweep(conn, lock).await?;
    }
    Ok(Published {
        path_id: path,
        slug: bundle.slug.clone(),
        created,
        new_versions: tally.new_versions,
        reworded: tally.reworded,
        unchanged: tally.unchanged,
        published: publish,
    })
}

/// Makes the skills that the bundle tells of and the guild lacks; those that it has stay as they are. Tells how many were made.
async fn skills_bring(
    conn: &mut PgConnection,
    guild: GuildId,
    bundle: &Bundle,
    author: Author<'_>,
) -> Result<usize, Error> {
    let slugs: Vec<String> = bundle.skills.keys().cloned().collect();
    let unknown = store::skills_unknown(&mut *conn, guild, &slugs).await?;
    let new: Vec<NewSkill> = unknown
        .into_iter()
        .filter_map(|slug| {
            let skill = bundle.skills.get(&slug)?;
            Some(NewSkill {
                name: skill.name.clone(),
                description: skill.description.clone(),
                domain: skill.domain.clone(),
                ..NewSkill::named(slug)
            })
        })
        .collect();
    Ok(skills::ops::skills_add(conn, guild, new, author).await?)
}

/// The bundle's quests as drafts of the guild's; those that were not there are made. Tells how many were.
async fn drafts_put(
    conn: &mut PgConnection,
    guild: GuildId,
    bundle: &Bundle,
    publish: bool,
    author: Option<Uuid>,
) -> Result<(Vec<Draft>, usize), Error> {
    let slugs: Vec<String> = bundle.quests.iter().map(|quest| quest.slug.clone()).collect();
    let known = store::quests_by_slug(&mut *conn, guild, &slugs).await?;
    let missing: Vec<_> =
        bundle.quests.iter().filter(|quest| known.iter().all(|row| row.slug != quest.slug)).collect();
    for quest in &missing {
        let draft = written("a quest", &quest.quest)?;
        store::quest_insert(&mut *conn, guild, &quest.slug, &draft, author).await?;
    }
    let rows =
        if missing.is_empty() { known } else { store::quests_by_slug(&mut *conn, guild, &slugs).await? };
    let mut drafts = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(named) = bundle.quests.iter().find(|quest| quest.slug == row.slug) else { continue };
        if !publish && quest_document(&row)? != named.quest {
            store::quest_draft_put(&mut *conn, guild, row.id, &written("a quest", &named.quest)?).await?;
        }
        drafts.push(Draft { row, document: named.quest.clone() });
    }
    Ok((drafts, missing.len()))
}
