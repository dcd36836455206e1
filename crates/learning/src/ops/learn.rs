//! Enrolling, and the life of an attempt: begun, paused, resumed, abandoned, begun anew, upgraded.

use jobs::outbox;
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::complete::{begun_anew, paths_done};
use super::elsewhere;
use super::states::{attempt_view, progress_view};
use super::work::{Seen, Work, not_begun, passed_of, version_read};
use crate::error::{Error, LOCKED};
use crate::graph::Graph;
use crate::ids::{PathId, QuestId};
use crate::model::learner::{AttemptView, UpgradePreview};
use crate::ops::states;
use crate::rules::versions::{changes, counted, title_of};
use crate::store::{self, AttemptStatus, Begun, Learner, Snapshot};

/// Enrols a member in a path. What they have completed of it counts. Doing it again changes nothing.
#[kernel::boxed]
pub async fn path_enrol(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    path: PathId,
) -> Result<crate::model::learner::PathView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let graph = Graph::of(&mut tx, guild).await?;
        let at = graph.path(path).ok_or(Error::NotFound("path"))?;
        let learner = store::learner_lock(&mut tx, guild, user).await?;
        if store::enrolment_insert(&mut tx, &learner, path).await? {
            let payload = json!({ "user_id": user, "path_id": path, "name": graph.paths[at].name });
            tell(&mut tx, &learner, "learning.enrolled", format!("learning/paths/{path}"), payload).await?;
            paths_done(&mut tx, &learner, ("path", path.get())).await?;
        }
        let view = states::path_view_in(&mut tx, guild, Some(user), path).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}

async fn tell(
    conn: &mut PgConnection,
    learner: &Learner,
    event_type: &'static str,
    subject: String,
    payload: serde_json::Value,
) -> Result<(), Error> {
    let event = outbox::Event {
        guild_id: learner.guild,
        event_type,
        subject,
        correlation_id: None,
        user_id: Some(learner.user),
        payload,
    };
    Ok(outbox::emit_one(conn, event).await?)
}

/// Begins a quest that is open, or one that was abandoned anew. Beginning what is begun changes nothing.
#[kernel::boxed]
pub async fn attempt_begin(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<AttemptView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::quest_published(&mut tx, guild, quest).await?;
        let learner = store::learner_lock(&mut tx, guild, user).await?;
        let before = store::attempt_get(&mut tx, guild, learner.id, quest).await?;
        match before.as_ref().map(|attempt| attempt.status) {
            None => begin(&mut tx, &learner, quest).await?,
            Some(AttemptStatus::Abandoned) => begin_anew(&mut tx, &learner, quest).await?,
            Some(AttemptStatus::InProgress | AttemptStatus::Completed | AttemptStatus::Paused) => {}
        }
        // What happened before counts from the beginning.
        elsewhere::begun(&mut tx, guild, user, quest).await?;
        let work = Work::lock(&mut tx, guild, user, quest).await?;
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}

async fn begin(conn: &mut PgConnection, learner: &Learner, quest: QuestId) -> Result<(), Error> {
    let member = store::member_state(&mut *conn, learner.guild, Some(learner.user)).await?;
    let graph = Graph::at(&mut *conn, learner.guild, member.revision).await?;
    let retired = || Error::Refused(LOCKED, "This quest is retired: nobody begins it any more.".to_owned());
    let at = graph.quest(quest).ok_or_else(retired)?;
    let facts = graph.facts(&member.facts);
    // What was unlocked once stays open.
    if !graph.is_open(at, &facts) && !member.unlocked.contains(&quest) {
        let lacks = states::lacks(&graph, at, &facts);
        let what: Vec<String> = lacks.into_iter().map(|lack| lack.text).collect();
        return Err(Error::Refused(LOCKED, format!("This quest is locked. Missing: {}.", what.join("; "))));
    }
    let version = graph.quests[at].version;
    let document = version_read(&mut *conn, learner.guild, quest, version).await?;
    let total = i32::try_from(counted(&document.quest)).unwrap_or(i32::MAX);
    store::attempt_insert(&mut *conn, learner, quest, version, total).await?;
    begun(conn, learner, quest, "begun", &document).await
}

/// An attempt that was abandoned is begun anew, of the version that is begun now; also where the quest would be locked by now, for
/// what is begun stays open.
async fn begin_anew(conn: &mut PgConnection, learner: &Learner, quest: QuestId) -> Result<(), Error> {
    let work = Work::lock(&mut *conn, learner.guild, learner.user, quest).await?;
    let version = store::current_version(&mut *conn, learner.guild, quest).await?;
    let document = version_read(&mut *conn, learner.guild, quest, version).await?;
    let total = i32::try_from(counted(&document.quest)).unwrap_or(i32::MAX);
    store::steps_reset(&mut *conn, learner, work.attempt.id).await?;
    store::attempt_restart(&mut *conn, learner, work.attempt.id, version, total).await?;
    begun(&mut *conn, learner, quest, "restarted", &document).await?;
    let mut work = Work::lock(&mut *conn, learner.guild, learner.user, quest).await?;
    begun_anew(conn, &mut work).await
}

async fn begun(
    conn: &mut PgConnection,
    learner: &Learner,
    quest: QuestId,
    what: &'static str,
    document: &Snapshot,
) -> Result<(), Error> {
    let work = Work::lock(&mut *conn, learner.guild, learner.user, quest).await?;
    store::event_insert(&mut *conn, learner, &work.event(what, None, json!({}))).await?;
    let payload = json!({ "user_id": learner.user, "quest_id": quest, "title": document.quest.title,
                          "version": work.attempt.version, "again": what == "restarted" });
    tell(conn, learner, "learning.attempt_begun", format!("learning/quests/{quest}"), payload).await
}

/// Puts an attempt aside.
#[kernel::boxed]
pub async fn attempt_pause(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<AttemptView, Error> {
    moved(pool, guild, user, quest, AttemptStatus::Paused).await
}

/// Takes a paused attempt up again.
#[kernel::boxed]
pub async fn attempt_resume(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<AttemptView, Error> {
    moved(pool, guild, user, quest, AttemptStatus::InProgress).await
}

/// Gives an attempt up; it can be begun anew.
#[kernel::boxed]
pub async fn attempt_abandon(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<AttemptView, Error> {
    moved(pool, guild, user, quest, AttemptStatus::Abandoned).await
}

async fn moved(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    to: AttemptStatus,
) -> Result<AttemptView, Error> {
    use AttemptStatus::{Abandoned, Completed, InProgress, Paused};
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        let what = match (work.attempt.status, to) {
            (from, to) if from == to => None,
            (InProgress, Paused) => Some("paused"),
            (Paused, InProgress) => Some("resumed"),
            (InProgress | Paused, Abandoned) => Some("abandoned"),
            (Completed, _) => return Err(Error::state("The attempt is completed, and stays so.")),
            (Abandoned, _) => return Err(Error::state("The attempt was abandoned; begin it anew.")),
            (_, _) => return Err(Error::state("That is not possible in the attempt's present state.")),
        };
        if let Some(what) = what {
            store::attempt_move(&mut tx, &work.learner, work.attempt.id, to).await?;
            store::event_insert(&mut tx, &work.learner, &work.event(what, None, json!({}))).await?;
            work = Work::lock(&mut tx, guild, user, quest).await?;
        }
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}

/// Writes the learner's own notes.
#[kernel::boxed]
pub async fn attempt_notes_put(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    notes: Option<&str>,
) -> Result<AttemptView, Error> {
    if notes.is_some_and(|notes| notes.chars().count() > 20_000) {
        return Err(Error::field("notes", "must be at most 20,000 characters long"));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        store::attempt_notes(&mut tx, &work.learner, work.attempt.id, notes).await?;
        work.attempt.notes = notes.map(str::to_owned);
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}

/// What an upgrade to the version that is begun now would change.
#[kernel::boxed]
pub async fn upgrade_preview(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<UpgradePreview, Error> {
    // The attempt, its steps and its assessments are told together.
    let mut tx = db::begin_reading(pool).await?;
    let quest = store::quest_seen(&mut tx, guild, Some(user), quest).await?;
    let Some(Begun { attempt, .. }) = &quest.begun else { return Err(not_begun()) };
    let (own, new) = (quest.own()?, quest.current()?);
    let states = store::step_states(&mut tx, guild, attempt.id).await?;
    let passed = passed_of(&mut tx, guild, attempt, &own).await?;
    let seen = Seen { guild, attempt, version: &own, states: &states, passed: &passed };
    let differs = changes(&own.quest, &new.quest);
    let titles = |document: &Snapshot, slugs: &[String]| {
        slugs.iter().filter_map(|slug| title_of(&document.quest, slug)).map(str::to_owned).collect()
    };
    Ok(UpgradePreview {
        from: attempt.version,
        to: quest.version,
        added: titles(&new, &differs.added),
        removed: titles(&own, &differs.removed),
        changed: titles(&new, &differs.changed),
        progress: progress_view(seen.progress_in(&new)),
    })
}

/// Puts an attempt that is not completed on the version that is begun now. What is done stays done. Refused where nothing that
/// counts would be left to do: an upgrade by itself completes nothing.
#[kernel::boxed]
pub async fn attempt_upgrade(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<AttemptView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        match work.attempt.status {
            AttemptStatus::InProgress | AttemptStatus::Paused => {}
            AttemptStatus::Completed => return Err(Error::state("The attempt is completed, and stays so.")),
            AttemptStatus::Abandoned => return Err(Error::state("The attempt was abandoned; begin it anew.")),
        }
        let to = store::current_version(&mut tx, guild, quest).await?;
        if to != work.attempt.version {
            let new = version_read(&mut tx, guild, quest, to).await?;
            let progress = work.progress_in(&new);
            if progress.is_complete() {
                return Err(Error::state(
                    "Everything that counts in the new version is done already; complete the version you have, or begin anew.",
                ));
            }
            let (done, total) = (i32::try_from(progress.done), i32::try_from(progress.total));
            let (done, total) = (done.unwrap_or(i32::MAX), total.unwrap_or(i32::MAX));
            store::tries_expire(&mut tx, guild, work.attempt.id).await?;
            store::attempt_upgrade(&mut tx, &work.learner, work.attempt.id, to, done, total).await?;
            let from = work.attempt.version;
            work = Work::lock(&mut tx, guild, user, quest).await?;
            store::event_insert(&mut tx, &work.learner, &work.event("upgraded", None, json!({ "from": from }))).await?;
        }
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}
