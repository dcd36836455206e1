//! A path and its quests out of the database.

use std::collections::BTreeSet;

use kernel::GuildId;
use kernel::files::FileBundle;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::ids::PathId;
use crate::model::bank::NamedBank;
use crate::model::path::{Bundle, NamedQuest, PathDocument};
use crate::model::quest::QuestDocument;
use crate::ops;
use crate::rules::banks::banks_of;
use crate::store;

/// The files of a quest as a bundle carries them, instead of what its document says of them.
async fn files_carried(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: &mut QuestDocument,
) -> Result<Vec<FileBundle>, Error> {
    let mut carried = Vec::with_capacity(quest.files.len());
    for (name, file) in std::mem::take(&mut quest.files) {
        let content =
            store::file_get(&mut *conn, guild, &file.sha256).await?.ok_or(Error::NotFound("file"))?;
        carried.push(FileBundle::new(name, &content));
    }
    Ok(carried)
}

/// A path with its quests, their files, and the banks and skills that these name: drafts where there are, else what is published.
pub async fn bundle_export(pool: &PgPool, guild: GuildId, id: PathId) -> Result<Bundle, Error> {
    let mut tx = db::begin(pool).await?;
    let row = store::path_get(&mut tx, guild, Some(id), None).await?.ok_or(Error::NotFound("path"))?;
    let path: PathDocument = ops::document_read("a path", row.document)?;
    let slugs: Vec<String> = path.entries().map(|(_, entry)| entry.quest.clone()).collect();
    let rows = store::quests_by_slug(&mut tx, guild, &slugs).await?;
    let mut quests = Vec::with_capacity(rows.len());
    for slug in slugs {
        if let Some(row) = rows.iter().find(|row| row.slug == slug) {
            let mut quest = ops::quest_document(row)?;
            let files = files_carried(&mut tx, guild, &mut quest).await?;
            quests.push(NamedQuest { slug, quest, files });
        }
    }
    quests.sort_by(|a, b| a.slug.cmp(&b.slug));
    let drawn: BTreeSet<&str> = quests.iter().flat_map(|named| banks_of(&named.quest)).collect();
    let drawn: Vec<String> = drawn.into_iter().map(str::to_owned).collect();
    let banks = store::banks_get(&mut tx, guild, &drawn).await?;
    let banks = banks.into_iter().map(|row| NamedBank { slug: row.slug, bank: row.document }).collect();
    let brought: BTreeSet<&String> = quests.iter().flat_map(|named| named.quest.skills.keys()).collect();
    let brought: Vec<String> = brought.into_iter().cloned().collect();
    let skills = store::skills_told(&mut tx, guild, &brought).await?;
    Ok(Bundle { slug: row.slug, path, quests, banks, skills })
}
