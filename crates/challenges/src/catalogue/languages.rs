//! Texts of a challenge in further languages, and which of them a reader gets.

use std::collections::HashMap;

use kernel::language::Reader;
use kernel::{ChallengeId, GuildId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most languages that a challenge may be told in, beside its own.
pub const MOST_TRANSLATIONS: usize = 20;

/// The language of texts that do not say theirs.
pub const USUAL_LANGUAGE: &str = "en";

/// The texts of a challenge in another language than its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// The language, as a tag: `de`, `pt-BR`.
    #[schema(pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", example = "de")]
    pub language: String,
    /// The title in it, 1 to 200 characters; without one, the text's first heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Markdown, at most 100,000 characters.
    pub description: String,
    /// The texts of the parts from the second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 9)]
    pub part_descriptions: Vec<String>,
}

/// In which language somebody reads.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The language asked for this time.
    pub asked: Option<String>,
    /// What their program accepts, as `Accept-Language` has it.
    pub accepted: Option<String>,
    /// What they chose for good.
    pub preferred: Option<String>,
}

impl Reading {
    /// As a face has it: what was asked for, and what is known of who asks.
    pub fn of(reader: Reader<'_>, preferred: Option<String>) -> Self {
        let (asked, accepted) = (reader.asked.map(str::to_owned), reader.accepted.map(str::to_owned));
        Self { asked, accepted, preferred }
    }

    fn as_reader(&self) -> Reader<'_> {
        Reader { asked: self.asked.as_deref(), accepted: self.accepted.as_deref() }
    }

    /// The one of a text's languages that its reader gets; its own comes first.
    pub(super) fn chosen<'l>(&self, languages: &'l [String]) -> &'l str {
        let tags: Vec<&'l str> = languages.iter().map(String::as_str).collect();
        // What is asked for this time is all that counts of the two.
        let preferred = self.preferred.as_deref().filter(|_| self.asked.is_none());
        self.as_reader().choose(&tags, preferred).unwrap_or_default()
    }
}

/// The first heading of a text, which is its title where no other is given.
pub(super) fn heading(text: &str) -> Option<&str> {
    let first = text.trim_start().lines().next()?;
    first
        .strip_prefix("# ")
        .map(|title| title.trim().trim_end_matches('#').trim_end())
        .filter(|t| !t.is_empty())
}

/// Translations of these challenges, in the order of their languages: of each the one that is named, or all.
pub(super) async fn translations_read(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &[(ChallengeId, Option<&str>)],
) -> sqlx::Result<HashMap<ChallengeId, Vec<Translation>>> {
    let mut translations = HashMap::<ChallengeId, Vec<Translation>>::new();
    if wanted.is_empty() {
        return Ok(translations);
    }
    let rows = sqlx::query!(
        r#"SELECT t.challenge_id AS "challenge_id: ChallengeId", t.language, t.title, t.description, t.part_descriptions
           FROM unnest($2::uuid[], $3::text[]) AS u(challenge_id, language)
           JOIN challenges.challenge_translations t ON t.guild_id = $1 AND t.challenge_id = u.challenge_id
                AND (u.language IS NULL OR t.language = u.language)
           ORDER BY t.challenge_id, t.language"#,
        guild.get(),
        &wanted.iter().map(|(id, _)| id.get()).collect::<Vec<Uuid>>(),
        &wanted.iter().map(|(_, language)| language.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        translations.entry(row.challenge_id).or_default().push(Translation {
            language: row.language,
            title: row.title,
            description: row.description,
            part_descriptions: row.part_descriptions,
        });
    }
    Ok(translations)
}

/// Writes a challenge's translations, all of them.
#[kernel::boxed]
pub(super) async fn translations_put(
    conn: &mut PgConnection,
    (guild, id): (GuildId, ChallengeId),
    translations: &[Translation],
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM challenges.challenge_translations WHERE guild_id = $1 AND challenge_id = $2",
        guild.get(),
        id.get(),
    )
    .execute(&mut *conn)
    .await?;
    if translations.is_empty() {
        return Ok(());
    }
    // Arrays of arrays would have to be of one length: the parts' texts go as JSON.
    let parts: Vec<serde_json::Value> =
        translations.iter().map(|t| serde_json::Value::from(t.part_descriptions.clone())).collect();
    let result = sqlx::query!(
        "INSERT INTO challenges.challenge_translations (guild_id, challenge_id, language, title, description, part_descriptions)
         SELECT $1, $2, u.language, u.title, u.description, ARRAY(SELECT jsonb_array_elements_text(u.parts))
         FROM unnest($3::text[], $4::text[], $5::text[], $6::jsonb[]) AS u(language, title, description, parts)",
        guild.get(),
        id.get(),
        &translations.iter().map(|t| t.language.clone()).collect::<Vec<_>>(),
        &translations.iter().map(|t| t.title.clone()).collect::<Vec<_>>() as &[Option<String>],
        &translations.iter().map(|t| t.description.clone()).collect::<Vec<_>>(),
        &parts,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&result, translations.len() as u64)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texts_first_heading_is_its_title() {
        assert_eq!(heading("\n# Die Summen #\n\nText"), Some("Die Summen"));
        assert_eq!([heading("## Two\n"), heading("#\n"), heading("Text\n# Later"), heading("")], [None; 4]);
    }
}
