//! An author's files: those that scripts find beside them, what a campaign's scripts share, and what participants download.
//!
//! They come and go with the campaign's folder, all at once. What a script finds is part of what inputs are made from, so a
//! change of it is a new version of the script; an attachment is served as it is now.

use std::collections::{BTreeMap, HashMap};

use kernel::files::{PictureSize, encoded, media_type};
use kernel::{CampaignId, ChallengeId, FieldError, GuildId};
use sandbox::files::{MAX_FILES_BYTES, MOST_FILES, name_check, path_check};
use sandbox::{File, Files};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::read::challenge_get;
use super::write::{Author, lock, log, script_changed};
use super::{Challenge, Viewer, store};
use crate::error::Error;
use crate::model::CampaignFacts;

/// The most attachments that a challenge may have.
pub const MOST_ATTACHMENTS: usize = 20;
/// The most that they may hold together, in bytes.
pub const MAX_ATTACHMENTS_BYTES: usize = 8 << 20;

/// All files of a campaign, as its author has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignFiles {
    /// What all its scripts share, by the path under `lib/`.
    pub library: Vec<File>,
    /// Those of its challenges, by slug; a challenge that is not named has none.
    pub challenges: BTreeMap<String, ChallengeFiles>,
}

/// Files of a challenge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChallengeFiles {
    /// What its script finds, by the path under `files/`.
    pub script: Vec<File>,
    /// What participants download, by name.
    pub attachments: Vec<File>,
}

/// A file that participants download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attachment {
    /// Its name; a statement's picture is named by it.
    pub name: String,
    /// Its size.
    pub bytes: i32,
    /// What kind of file it is.
    pub media_type: &'static str,
    /// How large it is shown, if it is a picture that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureSize>,
    /// Its address on this server.
    pub address: String,
}

/// A file that a script finds, for its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScriptFile {
    /// Its path under `files/`.
    pub path: String,
    /// Its size.
    pub bytes: i32,
    /// SHA-256 of what it holds, in hex.
    pub sha256: String,
}

impl CampaignFiles {
    /// Everything that is wrong with them. `place` says which challenge a slug is, as its field is named.
    pub fn check(&self, place: impl Fn(&str) -> String) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        files_check(&mut wrong, "library", &self.library, (MOST_FILES, MAX_FILES_BYTES));
        for (slug, files) in &self.challenges {
            let at = place(slug);
            files_check(&mut wrong, &format!("{at}.files"), &files.script, (MOST_FILES, MAX_FILES_BYTES));
            let most = (MOST_ATTACHMENTS, MAX_ATTACHMENTS_BYTES);
            files_check(&mut wrong, &format!("{at}.attachments"), &files.attachments, most);
            for (n, file) in files.attachments.iter().enumerate() {
                if file.path.contains('/') && name_check(&file.path).is_err() {
                    wrong.push(fault(
                        format!("{at}.attachments[{n}]"),
                        "is in a folder; attachments have names only",
                    ));
                }
            }
            let (count, bytes) = sums(self.library.iter().chain(&files.script));
            let alone = sums(files.script.iter());
            if alone.0 <= MOST_FILES
                && alone.1 <= MAX_FILES_BYTES
                && (count > MOST_FILES || bytes > MAX_FILES_BYTES)
            {
                wrong.push(fault(
                    format!("{at}.files"),
                    format!(
                        "together with `lib/` are {count} files of {bytes} bytes; a script may find {MOST_FILES} of {MAX_FILES_BYTES}"
                    ),
                ));
            }
        }
        wrong
    }

    /// What the script of a challenge finds.
    pub fn found_by(&self, slug: &str) -> Files {
        let own = self.challenges.get(slug).map(|files| files.script.as_slice()).unwrap_or_default();
        let under = |folder: &str, file: &File| File {
            path: format!("{folder}/{}", file.path),
            content: file.content.clone(),
        };
        let own = own.iter().map(|file| under("files", file));
        own.chain(self.library.iter().map(|file| under("lib", file))).collect()
    }
}

fn fault(field: String, message: impl Into<String>) -> FieldError {
    FieldError { field, message: message.into() }
}

fn sums<'a>(files: impl Iterator<Item = &'a File>) -> (usize, usize) {
    files.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.content.len()))
}

fn files_check(wrong: &mut Vec<FieldError>, at: &str, files: &[File], (most, max): (usize, usize)) {
    for (n, file) in files.iter().enumerate() {
        if let Err(why) = path_check(&file.path) {
            wrong.push(fault(format!("{at}[{n}].path"), format!("{why} ({:?})", file.path)));
        }
        if files[..n].iter().any(|other| other.path == file.path) {
            wrong.push(fault(format!("{at}[{n}].path"), "is there twice"));
        }
    }
    let (count, bytes) = sums(files.iter());
    if count > most {
        wrong.push(fault(at.to_owned(), format!("must be at most {most}, not {count}")));
    }
    if bytes > max {
        wrong.push(fault(at.to_owned(), format!("must hold at most {max} bytes together, not {bytes}")));
    }
}

/// What tells files apart from others; `None` where there are none.
pub(crate) fn digest(files: &[File]) -> Option<String> {
    if files.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted.sort();
    for file in sorted {
        // Lengths first, so that no two lists of files are one text.
        hash.update((file.path.len() as u64).to_le_bytes());
        hash.update(file.path.as_bytes());
        hash.update((file.content.len() as u64).to_le_bytes());
        hash.update(&file.content);
    }
    Some(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the database has of files, but for what they hold.
pub(super) struct Listed {
    pub(super) attachment: bool,
    pub(super) path: String,
    pub(super) bytes: i32,
    pub(super) sha256: String,
    pub(super) picture: Option<PictureSize>,
}

/// What a viewer is shown of a challenge's files: attachments, and what the script finds.
pub(super) fn shown(
    facts: &CampaignFacts,
    challenge: ChallengeId,
    of: Vec<Listed>,
) -> (Vec<Attachment>, Vec<ScriptFile>) {
    let (mut attachments, mut script) = (Vec::new(), Vec::new());
    for file in of {
        if file.attachment {
            let (guild, campaign) = (facts.guild_id, facts.id);
            attachments.push(Attachment {
                media_type: media_type(&file.path),
                picture: file.picture,
                address: format!(
                    "/api/v1/guilds/{guild}/campaigns/{campaign}/challenges/{challenge}/attachments/{}",
                    encoded(&file.path)
                ),
                name: file.path,
                bytes: file.bytes,
            });
        } else {
            script.push(ScriptFile { path: file.path, bytes: file.bytes, sha256: file.sha256 });
        }
    }
    (attachments, script)
}

/// What an attachment holds, if this viewer may know of its challenge.
pub async fn attachment_get(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    viewer: &Viewer,
    (challenge, name): (ChallengeId, &str),
) -> Result<Vec<u8>, Error> {
    challenge_get(conn, facts, viewer, challenge).await?;
    sqlx::query_scalar!(
        "SELECT content FROM challenges.challenge_files
         WHERE guild_id = $1 AND challenge_id = $2 AND kind = 'attachment' AND path = $3",
        facts.guild_id.get(),
        challenge.get(),
        name,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("file"))
}

/// Everything that a challenge's script finds.
pub(crate) async fn script_files(
    conn: &mut PgConnection,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
) -> sqlx::Result<Files> {
    let rows = sqlx::query!(
        r#"SELECT 'files/' || path AS "path!", content AS "content!" FROM challenges.challenge_files
           WHERE guild_id = $1 AND challenge_id = $3 AND kind = 'script'
           UNION ALL
           SELECT 'lib/' || path, content FROM challenges.campaign_library WHERE guild_id = $1 AND campaign_id = $2
           ORDER BY 1"#,
        guild.get(),
        campaign.get(),
        challenge.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| File { path: row.path, content: row.content.into() }).collect())
}

/// All files of a campaign, for its author.
#[kernel::boxed]
pub async fn files_read(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<CampaignFiles> {
    let library = sqlx::query!(
        "SELECT path, content FROM challenges.campaign_library WHERE guild_id = $1 AND campaign_id = $2 ORDER BY path",
        guild.get(),
        campaign.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        "SELECT ch.slug, f.kind, f.path, f.content
         FROM challenges.challenges ch JOIN challenges.challenge_files f ON f.guild_id = ch.guild_id AND f.challenge_id = ch.id
         WHERE ch.guild_id = $1 AND ch.campaign_id = $2 ORDER BY ch.slug, f.kind, f.path",
        guild.get(),
        campaign.get(),
    )
    .fetch_all(conn)
    .await?;
    let library =
        library.into_iter().map(|row| File { path: row.path, content: row.content.into() }).collect();
    let mut files = CampaignFiles { library, ..CampaignFiles::default() };
    for row in rows {
        let of = files.challenges.entry(row.slug).or_default();
        let list = if row.kind == "script" { &mut of.script } else { &mut of.attachments };
        list.push(File { path: row.path, content: row.content.into() });
    }
    // As files of a folder are sorted, whatever order the database's words have.
    files.library.sort();
    for of in files.challenges.values_mut() {
        of.script.sort();
        of.attachments.sort();
    }
    Ok(files)
}

/// What tells apart what the scripts of a campaign find, by slug.
pub(super) async fn digests(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> sqlx::Result<HashMap<String, Option<String>>> {
    let rows = sqlx::query!(
        "SELECT slug, files_digest FROM challenges.challenges WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.files_digest)).collect())
}

/// Brings all files of a campaign to what its author's folder has, after its challenges. Where a script finds something else
/// than before, inputs that nobody has asked for are made anew; who has begun keeps theirs.
pub async fn files_put(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    files: &CampaignFiles,
    who: Author<'_>,
) -> Result<(), Error> {
    let known = files_read(conn, guild, campaign).await?;
    if known == *files && known == CampaignFiles::default() {
        return Ok(());
    }
    let facts = lock(conn, guild, campaign).await?;
    if known.library != files.library {
        library_write(conn, (guild, campaign), &files.library).await?;
    }
    let all = sqlx::query!(
        r#"SELECT id AS "id: ChallengeId", slug, files_digest, script_updated_at = now() AS "told!" FROM challenges.challenges
           WHERE guild_id = $1 AND campaign_id = $2 ORDER BY order_position"#,
        guild.get(),
        campaign.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let none = ChallengeFiles::default();
    for row in all {
        let (old, new) = (
            known.challenges.get(&row.slug).unwrap_or(&none),
            files.challenges.get(&row.slug).unwrap_or(&none),
        );
        let found = digest(&files.found_by(&row.slug));
        if old == new && row.files_digest == found {
            continue;
        }
        let before = challenge_get(conn, &facts, &Viewer::author(), row.id).await?;
        if old != new {
            files_write(conn, (guild, row.id), new).await?;
        }
        if row.files_digest != found {
            digest_write(conn, (guild, row.id), found.as_deref()).await?;
            store::inputs_invalidate(conn, (guild, row.id), false).await?;
            // What a script finds is part of it. Of a script that came in this transaction as well it was told already.
            if before.released_at.is_some() && !row.told {
                script_changed(conn, &facts, (row.id, &before.title), false).await?;
            }
        }
        let after: Challenge = challenge_get(conn, &facts, &Viewer::author(), row.id).await?;
        log(conn, &facts, who, ("UPDATE", row.id), (Some(&before), Some(&after))).await?;
    }
    Ok(())
}

async fn library_write(
    conn: &mut PgConnection,
    (guild, campaign): (GuildId, CampaignId),
    files: &[File],
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM challenges.campaign_library WHERE guild_id = $1 AND campaign_id = $2",
        guild.get(),
        campaign.get()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO challenges.campaign_library (guild_id, campaign_id, path, content)
         SELECT $1, $2, u.path, u.content FROM unnest($3::text[], $4::bytea[]) AS u(path, content)",
        guild.get(),
        campaign.get(),
        &files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(),
        &files.iter().map(|file| file.content.to_vec()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn files_write(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    files: &ChallengeFiles,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM challenges.challenge_files WHERE guild_id = $1 AND challenge_id = $2",
        guild.get(),
        challenge.get()
    )
    .execute(&mut *conn)
    .await?;
    let kinds = files.script.iter().map(|_| "script").chain(files.attachments.iter().map(|_| "attachment"));
    let all = || files.script.iter().chain(&files.attachments);
    let sizes: Vec<_> = all().map(|file| PictureSize::of(&file.path, &file.content)).collect();
    let sides = |side: fn(PictureSize) -> u32| -> Vec<Option<i32>> {
        sizes.iter().map(|size| size.and_then(|size| i32::try_from(side(size)).ok())).collect()
    };
    sqlx::query!(
        "INSERT INTO challenges.challenge_files (guild_id, challenge_id, kind, path, content, width, height)
         SELECT $1, $2, u.kind, u.path, u.content, u.width, u.height
         FROM unnest($3::text[], $4::text[], $5::bytea[], $6::int[], $7::int[]) AS u(kind, path, content, width, height)",
        guild.get(),
        challenge.get(),
        &kinds.map(str::to_owned).collect::<Vec<_>>(),
        &all().map(|file| file.path.clone()).collect::<Vec<_>>(),
        &all().map(|file| file.content.to_vec()).collect::<Vec<_>>(),
        &sides(|size| size.width) as &[Option<i32>],
        &sides(|size| size.height) as &[Option<i32>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn digest_write(
    conn: &mut PgConnection,
    (guild, challenge): (GuildId, ChallengeId),
    digest: Option<&str>,
) -> sqlx::Result<()> {
    let result = sqlx::query!(
        "UPDATE challenges.challenges SET files_digest = $3, script_version = script_version + 1, script_updated_at = now()
         WHERE guild_id = $1 AND id = $2",
        guild.get(),
        challenge.get(),
        digest,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, 1)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: usize) -> File {
        File { path: path.to_owned(), content: vec![b'x'; bytes].into() }
    }

    #[test]
    fn what_is_wrong_with_files_is_said_by_field() {
        let mut files =
            CampaignFiles { library: vec![file("geo.py", 1), file("../up", 1)], ..CampaignFiles::default() };
        let of = ChallengeFiles {
            script: vec![file("a", MAX_FILES_BYTES), file("a", 0), file("nul\0", 0)],
            attachments: vec![file("in/folder.png", 1), file("\u{202e}gnp.exe", 1)],
        };
        files.challenges.insert("01-x".to_owned(), of);
        let said = |files: &CampaignFiles| {
            files
                .check(|slug| format!("challenges[{slug}]"))
                .into_iter()
                .map(|wrong| wrong.field)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(&files),
            [
                "library[1].path",
                "challenges[01-x].files[1].path",
                "challenges[01-x].files[2].path",
                "challenges[01-x].attachments[1].path",
                "challenges[01-x].attachments[0]",
                "challenges[01-x].files",
            ]
        );
        files.library.clear();
        files.challenges.insert(
            "01-x".to_owned(),
            ChallengeFiles {
                script: Vec::new(),
                attachments: (0..21).map(|n| file(&n.to_string(), 0)).collect(),
            },
        );
        assert_eq!(said(&files), ["challenges[01-x].attachments"]);
    }

    #[test]
    fn files_are_told_apart_and_found_under_their_folders() {
        assert_eq!(digest(&[]), None);
        let ab = [file("a", 1), file("b", 2)];
        let ba = [ab[1].clone(), ab[0].clone()];
        assert_eq!(digest(&ab), digest(&ba), "their order is none");
        assert_ne!(digest(&ab), digest(&[file("a", 2), file("b", 1)]));
        let mut files = CampaignFiles { library: vec![file("geo.py", 1)], ..CampaignFiles::default() };
        files.challenges.insert(
            "01-x".to_owned(),
            ChallengeFiles { script: vec![file("w.txt", 1)], attachments: Vec::new() },
        );
        let paths =
            |slug: &str| files.found_by(slug).iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths("01-x"), ["files/w.txt", "lib/geo.py"]);
        assert_eq!(paths("02-y"), ["lib/geo.py"]);
    }
}
