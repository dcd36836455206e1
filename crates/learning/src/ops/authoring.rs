//! Authors' drafts of quests and paths. Nothing here changes what learners see; publication does.

use access::Author;
use access::author::Deed;
use chrono::{DateTime, Utc};
use kernel::{FieldError, GuildId, Page, PageQuery, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use super::reachable::ensure_reachable;
use crate::error::{Error, STALE};
use crate::graph::Graph;
use crate::ids::{PathId, QuestId};
use crate::model::path::PathDocument;
use crate::model::quest::QuestDocument;
use crate::rules::check::{is_slug, path_check, quest_check};
use crate::store::{self, PathRow, PathSummary, QuestRow, QuestSummary, Snapshot, Version};

/// The author as a person, where their key is bound to one.
pub async fn person_of(conn: &mut PgConnection, author: &Author<'_>) -> Result<Option<Uuid>, Error> {
    let Some(user) = author.member() else { return Ok(None) };
    Ok(sqlx::query_scalar!("SELECT auth_user_id FROM people.users WHERE id = $1", user.get())
        .fetch_optional(conn)
        .await?)
}

/// Where the audit log finds what authors write. Keys and answers are not in it.
pub(super) const QUESTS: &str = "learning.quests";
pub(super) const PATHS: &str = "learning.learning_paths";

/// That something was retired.
pub(super) fn retired<'a>(table: &'a str, id: String, slug: &str) -> Deed<'a> {
    let told = |retired: bool| json!({ "slug": slug, "retired": retired });
    Deed::new("DELETE", table, id).before(told(false)).after(told(true))
}

/// A quest as its authors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestSource {
    /// Its id.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// The version that is begun now; absent before the first publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Counts changes: hand it in with the next one, so that nobody's is overwritten unseen.
    pub revision: i32,
    /// Whether `quest` is a draft that is not published.
    pub is_draft: bool,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// The draft, else what is published, keys and all.
    pub quest: QuestDocument,
}

/// A path as its authors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PathSource {
    /// Its id.
    pub id: PathId,
    /// Its short name.
    pub slug: String,
    /// Whether learners see it.
    pub is_published: bool,
    /// Counts changes: hand it in with the next one, so that nobody's is overwritten unseen.
    pub revision: i32,
    /// Whether `path` is a draft that is not published.
    pub is_draft: bool,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// The draft, else what is published.
    pub path: PathDocument,
}

pub(crate) fn read<T: DeserializeOwned>(what: &'static str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Corrupt(what, error))
}

pub(crate) fn written<T: Serialize>(what: &'static str, value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Corrupt(what, error))
}

/// The document of a quest: its draft, else what is published.
pub(crate) fn quest_document(row: &QuestRow) -> Result<QuestDocument, Error> {
    match (&row.draft, &row.snapshot) {
        (Some(draft), _) => read("a draft", draft.clone()),
        (None, Some(snapshot)) => Ok(read::<Snapshot>("a quest's version", snapshot.clone())?.quest),
        (None, None) => Err(Error::NotFound("quest")),
    }
}

fn quest_shown(row: QuestRow) -> Result<QuestSource, Error> {
    Ok(QuestSource {
        quest: quest_document(&row)?,
        id: row.id,
        slug: row.slug,
        version: row.current_version,
        revision: row.draft_revision,
        is_draft: row.draft.is_some(),
        retired_at: row.retired_at,
    })
}

fn path_shown(row: PathRow) -> Result<PathSource, Error> {
    Ok(PathSource {
        path: read("a path", row.document)?,
        id: row.id,
        slug: row.slug,
        is_published: row.is_published,
        revision: row.draft_revision,
        is_draft: row.has_draft,
        retired_at: row.archived_at,
    })
}

pub(super) fn refused(wrong: Vec<FieldError>) -> Result<(), Error> {
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

pub(super) fn slug_check(slug: &str) -> Vec<FieldError> {
    if is_slug(slug) {
        return Vec::new();
    }
    let message = "must be 1 to 100 lower-case letters, digits, dots, underscores and dashes, and begin with a letter or digit";
    vec![FieldError { field: "slug".to_owned(), message: message.to_owned() }]
}

/// Findings under the name that the document has in the request.
pub(super) fn under(name: &str, found: Vec<FieldError>) -> Vec<FieldError> {
    found.into_iter().map(|e| FieldError { field: format!("{name}.{}", e.field), ..e }).collect()
}

pub(super) fn is_fresh(expected: Option<i32>, revision: i32) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != revision => Err(Error::Refused(
            STALE,
            format!(
                "You changed revision {expected}, but it is at revision {revision} now; look at it and change that one."
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses documents that name files of which the guild holds nothing: what they hold comes with an import. Each document has the
/// name that it has in the request.
pub(super) async fn files_held(
    conn: &mut PgConnection,
    guild: GuildId,
    documents: &[(String, &QuestDocument)],
) -> Result<(), Error> {
    let mut named = Vec::new();
    for (field, quest) in documents {
        named.extend(
            quest.files.iter().map(|(name, file)| (format!("{field}.files.{name}"), file.sha256.clone())),
        );
    }
    let hashes: Vec<String> = named.iter().map(|(_, hash)| hash.clone()).collect();
    let lacking = store::files_lacking(conn, guild, &hashes).await?;
    let message =
        "is a file of which the guild holds nothing; import the path with the file in the quest's folder";
    let lacking = named.into_iter().filter(|(_, hash)| lacking.contains(hash));
    refused(lacking.map(|(field, _)| FieldError { field, message: message.to_owned() }).collect())
}

/// The same for a draft. Holds the catalogue's lock, so that what it names does not go meanwhile.
async fn draft_files_held(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: &QuestDocument,
) -> Result<(), Error> {
    if quest.files.is_empty() {
        return Ok(());
    }
    store::catalogue_lock(&mut *conn, guild).await?;
    files_held(conn, guild, &[("quest".to_owned(), quest)]).await
}

/// Makes a draft of a quest. Audited.
#[kernel::boxed]
pub async fn quest_create(
    pool: &PgPool,
    guild: GuildId,
    slug: &str,
    quest: &QuestDocument,
    author: Author<'_>,
) -> Result<QuestSource, Error> {
    let mut wrong = slug_check(slug);
    wrong.extend(under("quest", quest_check(quest)));
    refused(wrong)?;
    let draft = written("a quest", quest)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        draft_files_held(&mut tx, guild, quest).await?;
        let person = person_of(&mut tx, &author).await?;
        let id = store::quest_insert(&mut tx, guild, slug, &draft, person).await?;
        let made = quest_shown(store::quest_get(&mut tx, guild, id).await?)?;
        let after = json!({ "slug": slug, "title": quest.title });
        Deed::new("CREATE", QUESTS, id.to_string()).after(after).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// A quest as its authors see it.
pub async fn quest_source(pool: &PgPool, guild: GuildId, id: QuestId) -> Result<QuestSource, Error> {
    quest_shown(store::quest_get(&mut *db::acquire(pool).await?, guild, id).await?)
}

/// Writes a draft over a quest's draft, or beside what is published. Audited.
#[kernel::boxed]
pub async fn quest_put(
    pool: &PgPool,
    guild: GuildId,
    id: QuestId,
    expected: Option<i32>,
    quest: &QuestDocument,
    author: Author<'_>,
) -> Result<QuestSource, Error> {
    let draft = written("a quest", quest)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::quest_get(&mut tx, guild, id).await?;
        refused(under("quest", quest_check(quest)))?;
        is_fresh(expected, before.draft_revision)?;
        let document = quest_document(&before)?;
        if document != *quest {
            draft_files_held(&mut tx, guild, quest).await?;
            store::quest_draft_put(&mut tx, guild, id, &draft).await?;
        }
        let after = store::quest_get(&mut tx, guild, id).await?;
        if document != *quest {
            let told = |row: &QuestRow, title: &str| {
                json!({ "slug": row.slug, "title": title, "draft": row.draft.is_some(), "revision": row.draft_revision })
            };
            let deed = Deed::new("UPDATE", QUESTS, id.to_string()).before(told(&before, &document.title));
            deed.after(told(&after, &quest.title)).record(&mut tx, guild, author).await?;
        }
        let put = quest_shown(after)?;
        tx.commit().await?;
        Ok(put)
    })
    .await
}

/// Retires a quest: who is in it may finish, nobody begins. Refused while it would leave others that could never be opened.
/// Audited.
#[kernel::boxed]
pub async fn quest_retire(
    pool: &PgPool,
    guild: GuildId,
    id: QuestId,
    author: Author<'_>,
) -> Result<QuestSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::quest_get(&mut tx, guild, id).await?;
        if before.retired_at.is_none() {
            let lock = store::catalogue_lock(&mut tx, guild).await?;
            store::quest_retire(&mut tx, guild, id).await?;
            ensure_reachable(&Graph::load(&mut tx, guild).await?)?;
            store::catalogue_touch(&mut tx, &lock).await?;
            retired(QUESTS, id.to_string(), &before.slug).record(&mut tx, guild, author).await?;
        }
        let after = quest_shown(store::quest_get(&mut tx, guild, id).await?)?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// A page of the guild's quests, in the order of their making.
#[kernel::boxed]
pub async fn quest_list(
    pool: &PgPool,
    guild: GuildId,
    page: &PageQuery,
) -> Result<Page<QuestSummary>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let rows = store::quest_list(&mut conn, guild, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |row| row.id))
}

/// A quest's versions, the latest first.
pub async fn quest_versions(pool: &PgPool, guild: GuildId, id: QuestId) -> Result<Vec<Version>, Error> {
    let mut conn = db::acquire(pool).await?;
    store::quest_get(&mut conn, guild, id).await?;
    store::version_list(&mut conn, guild, id).await
}

/// Makes a draft of a path. Audited.
#[kernel::boxed]
pub async fn path_create(
    pool: &PgPool,
    guild: GuildId,
    slug: &str,
    path: &PathDocument,
    author: Author<'_>,
) -> Result<PathSource, Error> {
    let mut wrong = slug_check(slug);
    wrong.extend(under("path", path_check(path)));
    refused(wrong)?;
    let draft = written("a path", path)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let person = person_of(&mut tx, &author).await?;
        let id = store::path_insert(&mut tx, guild, slug, &draft, person).await?;
        let made = path_row(&mut tx, guild, id).await?;
        let after = json!({ "slug": slug, "name": path.name });
        Deed::new("CREATE", PATHS, id.to_string()).after(after).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        path_shown(made)
    })
    .await
}

async fn path_row(conn: &mut PgConnection, guild: GuildId, id: PathId) -> Result<PathRow, Error> {
    store::path_get(conn, guild, Some(id), None).await?.ok_or(Error::NotFound("path"))
}

/// A path as its authors see it.
pub async fn path_source(pool: &PgPool, guild: GuildId, id: PathId) -> Result<PathSource, Error> {
    path_shown(path_row(&mut *db::acquire(pool).await?, guild, id).await?)
}

/// Writes a draft over a path's draft, or beside what is published. Audited.
#[kernel::boxed]
pub async fn path_put(
    pool: &PgPool,
    guild: GuildId,
    id: PathId,
    expected: Option<i32>,
    path: &PathDocument,
    author: Author<'_>,
) -> Result<PathSource, Error> {
    let draft = written("a path", path)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = path_row(&mut tx, guild, id).await?;
        refused(under("path", path_check(path)))?;
        is_fresh(expected, before.draft_revision)?;
        let document: PathDocument = read("a path", before.document.clone())?;
        if document != *path {
            store::path_draft_put(&mut tx, guild, id, &draft).await?;
        }
        let after = path_row(&mut tx, guild, id).await?;
        if document != *path {
            let told = |row: &PathRow, name: &str| {
                json!({ "slug": row.slug, "name": name, "draft": row.has_draft, "revision": row.draft_revision })
            };
            let deed = Deed::new("UPDATE", PATHS, id.to_string()).before(told(&before, &document.name));
            deed.after(told(&after, &path.name)).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        path_shown(after)
    })
    .await
}

/// Retires a path: who is in it keeps what they did, nobody enrols. Refused while it would leave quests that could never be
/// opened. Audited.
#[kernel::boxed]
pub async fn path_retire(
    pool: &PgPool,
    guild: GuildId,
    id: PathId,
    author: Author<'_>,
) -> Result<PathSource, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = path_row(&mut tx, guild, id).await?;
        if before.archived_at.is_none() {
            let lock = store::catalogue_lock(&mut tx, guild).await?;
            store::path_retire(&mut tx, guild, id).await?;
            ensure_reachable(&Graph::load(&mut tx, guild).await?)?;
            store::catalogue_touch(&mut tx, &lock).await?;
            retired(PATHS, id.to_string(), &before.slug).record(&mut tx, guild, author).await?;
        }
        let after = path_row(&mut tx, guild, id).await?;
        tx.commit().await?;
        path_shown(after)
    })
    .await
}

/// A page of the guild's paths, in the order of their making.
pub async fn path_list(
    pool: &PgPool,
    guild: GuildId,
    page: &PageQuery,
) -> Result<Page<PathSummary>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let rows = store::path_list(&mut conn, guild, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |row| row.id))
}
