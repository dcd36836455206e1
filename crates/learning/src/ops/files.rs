//! Files of quests: who may have which, and what they hold.

use std::collections::BTreeSet;

use kernel::files::{encoded, media_type};
use kernel::{GuildId, UserId};
use sqlx::PgPool;

use super::authoring::quest_document;
use crate::error::Error;
use crate::ids::QuestId;
use crate::model::learner::FileView;
use crate::model::quest::{QuestDocument, QuestFile};
use crate::rules::files::named_outside;
use crate::store;

/// A version's files as a learner sees them: all, or those that are among `only`.
pub fn files_view(
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
        picture: file.picture,
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
    let seen = store::quest_seen(&mut *db::acquire(pool).await?, guild, user, quest).await?;
    if !seen.head.is_there() {
        return Err(Error::NotFound("quest"));
    }
    let begun = seen.begun.as_ref().map(|begun| begun.attempt.version);
    let version = version.or(begun).unwrap_or(seen.version);
    let is_own = begun == Some(version);
    if !is_own && version != seen.version {
        return Err(Error::NotFound("file"));
    }
    let snapshot = if is_own { seen.own()? } else { seen.current()? };
    let mut document = snapshot.quest;
    let is_shown = is_own || named_outside(&document).iter().any(|named| named.file == *name);
    document.files.remove(name).filter(|_| is_shown).ok_or(Error::NotFound("file"))
}

/// A file of a quest as its authors have it: of the draft, else of what is published.
pub async fn file_source(
    pool: &PgPool,
    guild: GuildId,
    quest: QuestId,
    name: &str,
) -> Result<QuestFile, Error> {
    let mut conn = db::acquire(pool).await?;
    let mut document = quest_document(&store::quest_get(&mut conn, guild, quest).await?)?;
    document.files.remove(name).ok_or(Error::NotFound("file"))
}

/// What a file holds that was found.
pub async fn file_content(pool: &PgPool, guild: GuildId, file: &QuestFile) -> Result<Vec<u8>, Error> {
    let mut conn = db::acquire(pool).await?;
    store::file_get(&mut conn, guild, &file.sha256).await?.ok_or(Error::NotFound("file"))
}
