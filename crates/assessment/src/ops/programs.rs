//! Programs run again by other tests: in the jail, while nobody's row is locked; then what came of it is written, if nobody else was
//! there meanwhile. A failure of ours leaves the batch for later.

use std::collections::HashMap;

use kernel::GuildId;
use learning::ids::{Subject, TryId};
use learning::model::coding::{CodeFeedback, Coding};
use learning::ops::program_judge;
use learning::rules::quiz::POINT;
use learning::store::{GradedTry, graded_tries, learners_lock, programs_of, programs_told, tries_regrade};
use sandbox::Sandbox;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::regrade::{differences, newly_passed, one};
use crate::error::Error;
use crate::model::regrade::Regrade;
use crate::rules::regrade::share;
use crate::store::{self, Batch};

/// Programs of one batch.
const BATCH: i64 = 20;

/// One batch; tells whether there is more to do.
pub(super) async fn step(
    pool: &PgPool,
    sandbox: Option<&Sandbox>,
    guild: GuildId,
    regrade: &Regrade,
    subject: Subject,
    program: &Coding,
) -> Result<bool, Error> {
    let nowhere = || learning::Error::Unavailable("No scripts can be run on this node.".to_owned());
    let sandbox = sandbox.ok_or_else(nowhere)?;
    let quest = regrade.quest_id;
    let (after, tries, codes) = {
        let mut tx = db::begin(pool).await?;
        let Some(after) = store::regrade_lock(&mut tx, guild, regrade.id).await? else { return Ok(false) };
        let tries = graded_tries(&mut tx, guild, quest, subject, after, BATCH).await?;
        let ids: Vec<Uuid> = tries.iter().map(|one| one.id.get()).collect();
        let codes = programs_of(&mut tx, guild, &ids).await?;
        (after, tries, codes)
    };
    let mut judged: HashMap<TryId, (i64, i64, CodeFeedback)> = HashMap::with_capacity(codes.len());
    for (id, code) in codes {
        let (passed, feedback) = program_judge(sandbox, guild, program, &code).await?;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX / POINT) * POINT;
        let reached = count(passed.iter().filter(|passed| **passed).count());
        judged.insert(id, (reached, count(passed.len()), feedback));
    }
    let mut learners: Vec<Uuid> = tries.iter().map(|one| one.learner.get()).collect();
    learners.sort_unstable();
    learners.dedup();
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        match store::regrade_lock(&mut tx, guild, regrade.id).await? {
            None => return Ok(false),
            // Another node took the batch meanwhile.
            Some(now) if now != after => return Ok(true),
            Some(_) => {}
        }
        let regrade = one(&mut tx, guild, regrade.id).await?;
        let locked = learners_lock(&mut tx, guild, &learners).await?;
        let tries = graded_tries(&mut tx, guild, quest, subject, after, BATCH).await?;
        let changes: Vec<(GradedTry, GradedTry, &CodeFeedback)> = tries
            .iter()
            .filter_map(|was| {
                let (score, full, told) = judged.get(&was.id)?;
                let now = GradedTry { score: *score, full: *full, passed: score == full, ..was.clone() };
                let same = (was.score, was.full, was.passed) == (now.score, now.full, now.passed);
                let lower = share(&now) < share(was) || (was.passed && !now.passed);
                (!same && (regrade.lowers || !lower)).then(|| (was.clone(), now, told))
            })
            .collect();
        let differ: Vec<(&GradedTry, &GradedTry)> = changes.iter().map(|(was, now, _)| (was, now)).collect();
        let passed: Vec<&GradedTry> =
            differ.iter().filter(|(was, now)| now.passed && !was.passed).map(|(_, now)| *now).collect();
        if !regrade.dry {
            let now: Vec<GradedTry> = changes.iter().map(|(_, now, _)| now.clone()).collect();
            tries_regrade(&mut tx, guild, subject, &now, &[]).await?;
            let told: Vec<(TryId, Value)> = changes
                .iter()
                .map(|(was, _, told)| (was.id, serde_json::to_value(told).unwrap_or_default()))
                .collect();
            programs_told(&mut tx, guild, &told).await?;
            store::regrades_record(&mut tx, guild, &regrade, &differ).await?;
            newly_passed(&mut tx, &locked, quest, subject, &passed).await?;
        }
        let last = tries.last().map(|one| one.id);
        let batch = Batch { last, looked_at: tries.len(), changed: differ.len(), passed: passed.len() };
        store::regrade_advance(&mut tx, guild, regrade.id, batch, &differences(&regrade, &differ)).await?;
        tx.commit().await?;
        Ok(last.is_some())
    })
    .await
}
