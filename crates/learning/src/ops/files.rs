//! Files of quests: who may have which, and what they hold.

use std::collections::BTreeSet;

use kernel::files::{encoded, media_type};
use kernel::{GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use super::authoring::quest_document;
use super::work::version_read;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::QuestId;
use crate::model::learner::FileView;
use crate::model::quest::{QuestDocument, QuestFile};
use crate::rules::files::named_outside;
use crate::store;

/// A version's files as a learner sees them: all, or those that are among `only`.
pub(super) fn files_view(
    guild: GuildId,
    (quest, version): (QuestId, i32),
    document: &QuestDocument,
    only: Option<&BTreeSet<String>>,
) -> Vec<FileView> {
    let shown = document.files.iter().filter(|(name, _)| only.is_none_or(|only| only.contains(*name)));
    let view = |(name, file): (&String, &QuestFile)| FileView {
        name: name.clone(),
        bytes: file.bytes,
        media_type: media_type(name),
        address: format!(
            "/api/v1/guilds/{guild}/learning/quests/{quest}/files/{}?version={version}",
            encoded(name)
        ),
    };
    shown.map(view).collect()
}

/// A file of a published quest, for who may see what names it: all files of a version for whom their attempt is of it, for anybody
/// else who sees the quest those that the present version's description and resources name. Unless told, the version is that of the
/// attempt, else the present one.
pub async fn file_find(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    (quest, version): (QuestId, Option<i32>),
    name: &str,
) -> Result<QuestFile, Error> {
    let mut tx = db::begin(pool).await?;
    let current = store::current_version(&mut tx, guild, quest).await?;
    let begun = begun_version(&mut tx, guild, user, quest).await?;
    // A retired quest is there for who has begun it, and for nobody else.
    if begun.is_none() && Graph::of(&mut tx, guild).await?.quest(quest).is_none() {
        return Err(Error::NotFound("quest"));
    }
    let version = version.or(begun).unwrap_or(current);
    if begun != Some(version) && version != current {
        return Err(Error::NotFound("file"));
    }
    let mut document = version_read(&mut tx, guild, quest, version).await?.quest;
    let is_shown = begun == Some(version) || named_outside(&document).iter().any(|named| named.file == *name);
    document.files.remove(name).filter(|_| is_shown).ok_or(Error::NotFound("file"))
}

/// The version that this member's attempt at a quest is of, where they have one.
async fn begun_version(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    quest: QuestId,
) -> Result<Option<i32>, Error> {
    let Some(user) = user else { return Ok(None) };
    let Some(learner) = store::learner_find(&mut *conn, guild, user).await? else { return Ok(None) };
    let attempt = store::attempt_get(conn, guild, learner, quest).await?;
    Ok(attempt.map(|attempt| attempt.version))
}

/// A file of a quest as its authors have it: of the draft, else of what is published.
pub async fn file_source(
    pool: &PgPool,
    guild: GuildId,
    quest: QuestId,
    name: &str,
) -> Result<QuestFile, Error> {
    let mut tx = db::begin(pool).await?;
    let mut document = quest_document(&store::quest_get(&mut tx, guild, quest).await?)?;
    document.files.remove(name).ok_or(Error::NotFound("file"))
}

/// What a file holds that was found.
pub async fn file_content(pool: &PgPool, guild: GuildId, file: &QuestFile) -> Result<Vec<u8>, Error> {
    let mut conn = db::acquire(pool).await?;
    store::file_get(&mut conn, guild, &file.sha256).await?.ok_or(Error::NotFound("file"))
}
