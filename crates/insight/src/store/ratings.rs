//! Abilities and difficulties, and the journal of first tries; what learners thought of a quest.

use futures::TryStreamExt as _;
use kernel::GuildId;
use learning::ids::{LearnerId, QuestId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::Opinion;
use crate::rules::elo::{FirstTry, Rating, Ratings};

/// The ratings that stand for these learners and subjects.
pub(crate) async fn ratings_of(
    conn: &mut PgConnection,
    guild: GuildId,
    tries: &[FirstTry],
) -> sqlx::Result<Ratings> {
    let learners: Vec<Uuid> = tries.iter().map(|one| one.learner).collect();
    let subjects: Vec<Uuid> = tries.iter().map(|one| one.subject).collect();
    let abilities = sqlx::query!(
        "SELECT auth_user_id, ability, tries FROM insight.abilities WHERE guild_id = $1 AND auth_user_id = ANY ($2)",
        guild.get(),
        &learners,
    )
    .fetch_all(&mut *conn)
    .await?;
    let difficulties = sqlx::query!(
        "SELECT subject_id, difficulty, tries FROM insight.difficulties WHERE guild_id = $1 AND subject_id = ANY ($2)",
        guild.get(),
        &subjects,
    )
    .fetch_all(conn)
    .await?;
    Ok(Ratings {
        abilities: abilities
            .into_iter()
            .map(|row| (row.auth_user_id, Rating { value: row.ability, tries: row.tries }))
            .collect(),
        difficulties: difficulties
            .into_iter()
            .map(|row| (row.subject_id, Rating { value: row.difficulty, tries: row.tries }))
            .collect(),
    })
}

/// Writes ratings. A learner who is gone meanwhile is passed over.
pub(crate) async fn ratings_put(
    conn: &mut PgConnection,
    guild: GuildId,
    ratings: &Ratings,
) -> sqlx::Result<()> {
    let (learners, abilities, tries) = columns(&ratings.abilities);
    sqlx::query!(
        "INSERT INTO insight.abilities (guild_id, auth_user_id, ability, tries)
         SELECT $1, l.auth_user_id, r.value, r.tries
           FROM unnest($2::uuid[], $3::float8[], $4::integer[]) AS r (id, value, tries)
           JOIN learning.learners l ON l.guild_id = $1 AND l.auth_user_id = r.id
         ON CONFLICT ON CONSTRAINT pk_abilities DO UPDATE SET ability = excluded.ability, tries = excluded.tries",
        guild.get(),
        &learners,
        &abilities,
        &tries,
    )
    .execute(&mut *conn)
    .await?;
    let (subjects, difficulties, tries) = columns(&ratings.difficulties);
    sqlx::query!(
        "INSERT INTO insight.difficulties (guild_id, subject_id, difficulty, tries)
         SELECT $1, r.id, r.value, r.tries FROM unnest($2::uuid[], $3::float8[], $4::integer[]) AS r (id, value, tries)
         ON CONFLICT ON CONSTRAINT pk_difficulties DO UPDATE SET difficulty = excluded.difficulty, tries = excluded.tries",
        guild.get(),
        &subjects,
        &difficulties,
        &tries,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn columns(ratings: &std::collections::HashMap<Uuid, Rating>) -> (Vec<Uuid>, Vec<f64>, Vec<i32>) {
    let mut all: Vec<(&Uuid, &Rating)> = ratings.iter().collect();
    all.sort_unstable_by_key(|(id, _)| **id);
    (
        all.iter().map(|(id, _)| **id).collect(),
        all.iter().map(|(_, rating)| rating.value).collect(),
        all.iter().map(|(_, rating)| rating.tries).collect(),
    )
}

/// All ratings of a guild as its journal of first tries makes them.
pub(crate) async fn ratings_derive(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<Ratings> {
    let mut ratings = Ratings::default();
    let mut rows = sqlx::query_as!(
        FirstTry,
        "SELECT place, auth_user_id AS learner, subject_id AS subject, share FROM insight.first_tries
          WHERE guild_id = $1 ORDER BY place",
        guild.get(),
    )
    .fetch(conn);
    while let Some(one) = rows.try_next().await? {
        ratings.take(&one);
    }
    Ok(ratings)
}

/// What a learner thought of a quest.
pub(crate) async fn opinion_get(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    quest: QuestId,
) -> sqlx::Result<Option<Opinion>> {
    sqlx::query_as!(
        Opinion,
        "SELECT difficulty_rating AS difficulty, enjoyment_rating AS enjoyment, comment FROM insight.quest_reviews
          WHERE guild_id = $1 AND quest_id = $2 AND auth_user_id = $3",
        guild.get(),
        quest.get(),
        learner.get(),
    )
    .fetch_optional(conn)
    .await
}

/// Writes what a learner thinks of a quest that they began, and opens today. Tells whether they did begin it.
pub(crate) async fn opinion_put(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    quest: QuestId,
    opinion: &Opinion,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"WITH put AS (
               INSERT INTO insight.quest_reviews (guild_id, quest_id, auth_user_id, difficulty_rating, enjoyment_rating, comment)
               SELECT a.guild_id, a.quest_id, a.auth_user_id, $4, $5, $6 FROM learning.user_quest_attempts a
                WHERE a.guild_id = $1 AND a.quest_id = $2 AND a.auth_user_id = $3
               ON CONFLICT ON CONSTRAINT pk_quest_reviews DO UPDATE
                  SET difficulty_rating = excluded.difficulty_rating, enjoyment_rating = excluded.enjoyment_rating,
                      comment = excluded.comment
               RETURNING guild_id)
           INSERT INTO insight.open_days (guild_id, day) SELECT guild_id, (now() AT TIME ZONE 'UTC')::date FROM put
           ON CONFLICT (guild_id, day) DO UPDATE SET noted_at = excluded.noted_at"#,
        guild.get(),
        quest.get(),
        learner.get(),
        opinion.difficulty,
        opinion.enjoyment,
        opinion.comment,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
